//! Opened keys kept in memory: bounded by count, age and uses, emptied at once when a key is destroyed.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use crate::domain::Timestamp;
use crate::sealing::Key32;

/// The bounds of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// The most keys kept.
    pub count: NonZeroUsize,
    /// How long a key is kept after it was opened.
    pub age: Duration,
    /// How often a kept key is handed out before it is opened anew.
    pub uses: u32,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            count: NonZeroUsize::new(10_000).unwrap_or(NonZeroUsize::MIN),
            age: Duration::from_secs(300),
            uses: 100_000,
        }
    }
}

struct Kept {
    key: Arc<Key32>,
    since: Timestamp,
    uses: u32,
}

/// A cache of opened keys by their ids.
pub(super) struct KeyCache<I: Hash + Eq> {
    limits: CacheLimits,
    kept: Mutex<LruCache<I, Kept>>,
}

impl<I: Hash + Eq> KeyCache<I> {
    pub(super) fn new(limits: CacheLimits) -> Self {
        Self { limits, kept: Mutex::new(LruCache::new(limits.count)) }
    }

    pub(super) fn get(&self, id: &I, now: Timestamp) -> Option<Arc<Key32>> {
        let mut kept = self.lock();
        let entry = kept.get_mut(id)?;
        if now.since(entry.since) > self.limits.age || now < entry.since || entry.uses >= self.limits.uses {
            kept.pop(id);
            return None;
        }
        entry.uses += 1;
        Some(Arc::clone(&entry.key))
    }

    pub(super) fn put(&self, id: I, key: Arc<Key32>, now: Timestamp) {
        self.lock().put(id, Kept { key, since: now, uses: 1 });
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Drops every key whose id `doomed` names. A key that a caller holds at this moment is wiped when that caller is done.
    pub(super) fn forget(&self, doomed: impl Fn(&I) -> bool)
    where
        I: Clone,
    {
        let mut kept = self.lock();
        let ids: Vec<I> = kept.iter().map(|(id, _)| id.clone()).filter(|id| doomed(id)).collect();
        for id in ids {
            kept.pop(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<I, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bounded_by_count_age_and_uses() {
        let limits = CacheLimits { count: NonZeroUsize::new(2).unwrap(), age: Duration::from_millis(10), uses: 3 };
        let cache = KeyCache::new(limits);
        let at = Timestamp::from_unix_ms;
        for id in 0..3_u32 {
            cache.put(id, Arc::new(Key32::random()), at(0));
        }
        assert!(cache.get(&0, at(0)).is_none(), "count");
        assert!(cache.get(&1, at(10)).is_some());
        assert!(cache.get(&1, at(11)).is_none(), "age");
        assert!(cache.get(&2, at(1)).is_some() && cache.get(&2, at(1)).is_some());
        assert!(cache.get(&2, at(1)).is_none(), "uses");
    }

    #[test]
    fn forgetting_drops_the_key_itself() {
        let cache = KeyCache::new(CacheLimits::default());
        let key = Arc::new(Key32::random());
        let weak = Arc::downgrade(&key);
        cache.put(1_u32, key, Timestamp::from_unix_ms(0));
        cache.forget(|id| *id == 1);
        assert!(weak.upgrade().is_none());
    }
}
