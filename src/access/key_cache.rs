//! API keys as read from the key store, kept for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::{Principal, Timestamp};
use crate::store::{ApiKeyRow, KeyStore, StoreError};

/// How long a key that was read is believed. A revocation in this process takes effect at once; one in another process
/// that shares the key store takes effect after this long.
const MAX_AGE: Duration = Duration::from_secs(1);
/// How many keys are kept.
const MOST_KEYS: usize = 1_024;

/// An API key and the principal it makes of its bearer.
pub(super) struct KnownKey {
    pub(super) row: ApiKeyRow,
    pub(super) principal: Principal,
}

impl From<ApiKeyRow> for KnownKey {
    fn from(row: ApiKeyRow) -> Self {
        let principal = Principal {
            id: row.principal.clone(),
            pseudonym: row.pseudonym.clone(),
            role: row.role,
            tenant: row.tenant.clone(),
            bots: row.bots.clone(),
        };
        Self { row, principal }
    }
}

/// A bounded cache in front of the key store's API keys. Ids that no key has are not kept.
pub(super) struct KeyCache {
    keys: KeyStore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Rises with each [`KeyCache::forget`]: what was read before one is not put in after it.
    generation: u64,
    known: HashMap<String, (Arc<KnownKey>, Timestamp)>,
}

impl KeyCache {
    pub(super) fn new(keys: KeyStore) -> Self {
        Self { keys, state: Mutex::default() }
    }

    /// Returns the key with `id`, at most [`MAX_AGE`] old at `now`.
    pub(super) async fn get(&self, id: &str, now: Timestamp) -> Result<Option<Arc<KnownKey>>, StoreError> {
        if let Some(key) = self.fresh(id, now) {
            return Ok(Some(key));
        }
        let generation = self.lock().generation;
        let wanted = id.to_owned();
        let Some(row) = self.keys.read(move |reader| reader.api_key(&wanted)).await? else {
            return Ok(None);
        };
        let key = Arc::new(KnownKey::from(row));
        self.lock().keep(generation, &key, now);
        Ok(Some(key))
    }

    /// Returns the key with `id` if it is at hand, at most [`MAX_AGE`] old at `now`.
    pub(super) fn fresh(&self, id: &str, now: Timestamp) -> Option<Arc<KnownKey>> {
        let state = self.lock();
        let (key, read_at) = state.known.get(id)?;
        is_fresh(*read_at, now).then(|| Arc::clone(key))
    }

    /// Forgets the key with `id`, and whatever is being read while this is called.
    pub(super) fn forget(&self, id: &str) {
        let mut state = self.lock();
        state.generation += 1;
        state.known.remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, generation: u64, key: &Arc<KnownKey>, now: Timestamp) {
        if generation != self.generation {
            return;
        }
        if self.known.len() >= MOST_KEYS {
            self.known.retain(|_, (_, read_at)| is_fresh(*read_at, now));
        }
        if self.known.len() >= MOST_KEYS {
            self.known.clear();
        }
        self.known.insert(key.row.id.clone(), (Arc::clone(key), now));
    }
}

/// A clock that was set back makes everything stale.
fn is_fresh(read_at: Timestamp, now: Timestamp) -> bool {
    read_at <= now && now.since(read_at) < MAX_AGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BotScope, Role};

    fn key(id: &str) -> Arc<KnownKey> {
        let at = Timestamp::from_unix_ms(0);
        Arc::new(KnownKey::from(ApiKeyRow {
            id: id.to_owned(),
            hash: [0; 32],
            principal: "p".parse().unwrap(),
            pseudonym: "prn_p".to_owned(),
            role: Role::Auditor,
            tenant: None,
            bots: BotScope::Any,
            create_time: at,
            expire_time: at,
            revoke_time: None,
        }))
    }

    #[test]
    fn what_was_read_before_a_revocation_is_not_kept_after_it() {
        let mut state = State::default();
        let before = state.generation;
        state.generation += 1;
        state.keep(before, &key("a"), Timestamp::from_unix_ms(0));
        assert!(state.known.is_empty());
        state.keep(state.generation, &key("a"), Timestamp::from_unix_ms(0));
        assert_eq!(state.known.len(), 1);
    }

    #[test]
    fn it_is_bounded_and_drops_the_stale_first() {
        let mut state = State::default();
        let (old, new) = (Timestamp::from_unix_ms(0), Timestamp::from_unix_ms(1_000));
        for n in 0..MOST_KEYS - 1 {
            state.keep(0, &key(&format!("old{n}")), old);
        }
        state.keep(0, &key("new"), new);
        assert_eq!(state.known.len(), MOST_KEYS);
        state.keep(0, &key("newer"), new);
        assert_eq!(state.known.len(), 2);
        for n in 0..3 * MOST_KEYS {
            state.keep(0, &key(&format!("k{n}")), new);
        }
        assert!(state.known.len() <= MOST_KEYS);
    }

    #[test]
    fn a_second_makes_stale_and_so_does_a_clock_set_back() {
        let at = Timestamp::from_unix_ms(10_000);
        assert!(is_fresh(at, at));
        assert!(is_fresh(at, Timestamp::from_unix_ms(10_999)));
        assert!(!is_fresh(at, Timestamp::from_unix_ms(11_000)));
        assert!(!is_fresh(at, Timestamp::from_unix_ms(9_999)));
    }
}
