//! Places for connections: so many of one listener, so many of them for one source.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The places of one listener.
#[derive(Debug, Default)]
pub struct Places {
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl Places {
    /// Returns how many connections are open.
    pub fn open(&self) -> usize {
        self.lock().all
    }

    /// Waits until fewer than `most` places are taken. The one task that accepts calls it, so that the place is still free
    /// when it is taken.
    pub(super) async fn below(&self, most: usize) {
        loop {
            let freed = self.freed.notified();
            if self.open() < most {
                return;
            }
            freed.await;
        }
    }

    /// Takes a place for a connection from `peer`; none when its source has `most` already.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr, most: usize) -> Option<Place> {
        let source = source(peer);
        let mut taken = self.lock();
        let of_source = taken.by_source.entry(source).or_default();
        if *of_source >= most {
            return None;
        }
        *of_source += 1;
        taken.all += 1;
        drop(taken);
        Some(Place { places: Arc::clone(self), source })
    }

    fn give_back(&self, source: IpAddr) {
        let mut taken = self.lock();
        taken.all -= 1;
        if let Some(of_source) = taken.by_source.get_mut(&source) {
            *of_source -= 1;
            if *of_source == 0 {
                taken.by_source.remove(&source);
            }
        }
        drop(taken);
        self.freed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    source: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.give_back(self.source);
    }
}

/// Returns what counts as one source: a host has all addresses of its /64 of IPv6 (RFC 6177).
pub(super) fn source(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_source_has_its_share_and_gives_it_back() {
        let places = Arc::new(Places::default());
        let first = places.take(at("192.0.2.1"), 2).unwrap();
        let _second = places.take(at("::ffff:192.0.2.1"), 2).unwrap();
        assert!(places.take(at("192.0.2.1"), 2).is_none());
        let _other = places.take(at("192.0.2.2"), 2).unwrap();
        assert_eq!(places.open(), 3);
        drop(first);
        assert_eq!(places.open(), 2);
        assert!(places.take(at("192.0.2.1"), 2).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let places = Arc::new(Places::default());
        let _one = places.take(at("2001:db8::1"), 1).unwrap();
        assert!(places.take(at("2001:db8::ffff:2"), 1).is_none());
        assert!(places.take(at("2001:db8:0:1::1"), 1).is_some());
    }

    #[test]
    fn nothing_is_kept_of_who_is_gone() {
        let places = Arc::new(Places::default());
        for n in 0..=255 {
            drop(places.take(IpAddr::from([192, 0, 2, n]), 1));
        }
        assert!(places.lock().by_source.is_empty());
    }

    #[tokio::test]
    async fn who_waits_for_a_place_gets_the_next_that_is_free() {
        let places = Arc::new(Places::default());
        let taken = places.take(at("192.0.2.1"), 9).unwrap();
        let mut waiting = std::pin::pin!(places.below(1));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(taken);
        waiting.await;
    }
}
