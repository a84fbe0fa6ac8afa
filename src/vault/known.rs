//! Things read from the store and kept until they change.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

/// A bounded cache that never keeps what was read before a change and put after it.
pub(super) struct Known<K: Hash + Eq, V>(Mutex<State<K, V>>);

struct State<K: Hash + Eq, V> {
    values: LruCache<K, Arc<V>>,
    changes: u64,
}

/// What a reader saw before it went to the store.
pub(super) struct Seen(u64);

impl<K: Hash + Eq, V> Known<K, V> {
    pub(super) fn new(most: NonZeroUsize) -> Self {
        Self(Mutex::new(State { values: LruCache::new(most), changes: 0 }))
    }

    /// Returns the value, or a mark to give to [`Known::put`] once it was read.
    pub(super) fn get(&self, key: &K) -> Result<Arc<V>, Seen> {
        let mut state = self.lock();
        let changes = state.changes;
        state.values.get(key).cloned().ok_or(Seen(changes))
    }

    /// Keeps a value that was read after `seen`, unless something changed since.
    pub(super) fn put(&self, key: K, value: V, seen: Seen) -> Arc<V> {
        let value = Arc::new(value);
        let mut state = self.lock();
        if state.changes == seen.0 {
            state.values.put(key, Arc::clone(&value));
        }
        value
    }

    /// Forgets a value that has changed; call it after the change is durable and before it is acknowledged.
    pub(super) fn forget(&self, key: &K) {
        let mut state = self.lock();
        state.changes += 1;
        state.values.pop(key);
    }

    fn lock(&self) -> MutexGuard<'_, State<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_read_before_a_change_is_not_kept() {
        let known = Known::new(NonZeroUsize::MIN);
        let seen = known.get(&1).unwrap_err();
        known.forget(&1);
        assert_eq!(*known.put(1, "old", seen), "old");
        let seen = known.get(&1).unwrap_err();
        known.put(1, "new", seen);
        assert_eq!(*known.get(&1).map_err(|_| ()).unwrap(), "new");
    }
}
