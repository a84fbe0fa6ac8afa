//! Failed logins, counted by where they come from.
//!
//! The first of a source is logged before it is answered; those that follow are counted and logged each second, so that
//! guessing cannot flood the log. A process that ends by force loses the counts of its last second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sealing::{Key32, hmac_sha256};

use super::credential::{Cause, base32};

/// How many sources are told apart at once. Those beyond it are one source, [`OTHERS`].
const MOST_SOURCES: usize = 1_024;
/// What the log calls the sources that no longer fit.
const OTHERS: &str = "ip_other";

/// What the audit log calls an address: `ip_` and 8 characters, or `ip_other`.
pub(super) type Source = String;

/// Failed attempts of one source for one cause that are not in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempts {
    pub(super) source: Source,
    pub(super) cause: Cause,
    pub(super) count: u64,
}

/// The failed logins that are not in the audit log yet.
pub(super) struct FailedLogins {
    salt: Key32,
    waiting: Mutex<HashMap<(Source, Cause), u64>>,
}

impl FailedLogins {
    /// Returns an empty table with a salt of its own: pseudonyms of two processes cannot be matched.
    pub(super) fn new() -> Self {
        Self { salt: Key32::random(), waiting: Mutex::default() }
    }

    /// Notes a failed login. Returns its source when it is the first and has to be logged now.
    pub(super) fn note(&self, peer: IpAddr, cause: Cause) -> Option<Source> {
        let mut source = self.source(peer);
        let mut waiting = self.lock();
        if waiting.len() >= MOST_SOURCES && !waiting.contains_key(&(source.clone(), cause)) {
            source = OTHERS.to_owned();
        }
        match waiting.get_mut(&(source.clone(), cause)) {
            Some(count) => {
                *count += 1;
                None
            }
            None => {
                waiting.insert((source.clone(), cause), 0);
                Some(source)
            }
        }
    }

    /// Takes what was counted since the last time, and forgets the sources that were quiet.
    pub(super) fn take(&self) -> Vec<Attempts> {
        let mut waiting = self.lock();
        waiting.retain(|_, count| *count > 0);
        let counted = waiting.iter_mut();
        counted
            .map(|((source, cause), count)| Attempts {
                source: source.clone(),
                cause: *cause,
                count: std::mem::take(count),
            })
            .collect()
    }

    /// Puts back what could not be logged.
    pub(super) fn put_back(&self, attempts: impl IntoIterator<Item = Attempts>) {
        let mut waiting = self.lock();
        for Attempts { source, cause, count } in attempts {
            *waiting.entry((source, cause)).or_default() += count;
        }
    }

    /// Returns the keyed pseudonym of an address. IPv6 addresses of one /64 are one source: a host has them all.
    fn source(&self, peer: IpAddr) -> Source {
        let tag = match peer.to_canonical() {
            IpAddr::V4(v4) => hmac_sha256(&self.salt, &[&v4.octets()]),
            IpAddr::V6(v6) => hmac_sha256(&self.salt, &[&v6.octets()[..8]]),
        };
        format!("ip_{}", base32(&tag[..5]))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Source, Cause), u64>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_is_logged_and_the_rest_are_counted() {
        let logins = FailedLogins::new();
        let source = logins.note(ip("192.0.2.1"), Cause::Wrong).unwrap();
        assert_eq!(logins.note(ip("192.0.2.1"), Cause::Wrong), None);
        assert_eq!(logins.note(ip("192.0.2.1"), Cause::Wrong), None);
        assert!(logins.note(ip("192.0.2.2"), Cause::Wrong).is_some());
        assert_eq!(logins.take(), [Attempts { source, cause: Cause::Wrong, count: 2 }]);
        assert_eq!(logins.note(ip("192.0.2.1"), Cause::Wrong), None, "still the same run of attempts");
        assert!(logins.note(ip("192.0.2.2"), Cause::Wrong).is_some(), "it was quiet and is new again");
    }

    #[test]
    fn what_could_not_be_logged_is_not_lost() {
        let logins = FailedLogins::new();
        logins.note(ip("192.0.2.1"), Cause::Wrong);
        logins.note(ip("192.0.2.1"), Cause::Wrong);
        let taken = logins.take();
        logins.note(ip("192.0.2.1"), Cause::Wrong);
        logins.put_back(taken);
        assert_eq!(logins.take()[0].count, 2);
    }

    #[test]
    fn the_table_is_bounded() {
        let logins = FailedLogins::new();
        let mut firsts = 0;
        for n in 0..5_000_u32 {
            firsts += usize::from(logins.note(IpAddr::from(n.to_be_bytes()), Cause::Missing).is_some());
        }
        assert_eq!(firsts, MOST_SOURCES + 1);
        let taken = logins.take();
        assert_eq!(taken, [Attempts { source: OTHERS.into(), cause: Cause::Missing, count: 3_975 }]);
    }

    #[test]
    fn a_pseudonym_holds_no_address_and_stands_for_a_host() {
        let logins = FailedLogins::new();
        let v4 = logins.source(ip("192.0.2.1"));
        assert_eq!(v4.len(), 11);
        assert_eq!(logins.source(ip("::ffff:192.0.2.1")), v4);
        assert_ne!(logins.source(ip("192.0.2.2")), v4);
        assert_eq!(logins.source(ip("2001:db8::1")), logins.source(ip("2001:db8::ffff:2")));
        assert_ne!(logins.source(ip("2001:db8::1")), logins.source(ip("2001:db8:0:1::1")));
        assert_ne!(FailedLogins::new().source(ip("192.0.2.1")), v4);
    }
}
