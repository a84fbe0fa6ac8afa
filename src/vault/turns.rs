//! Whose turn an ingest stream is: the connection that opened it last. What an earlier one still has to send is not taken, so that
//! a client which opens its stream again at once meets nothing of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The open streams of this process, by their key.
#[derive(Default)]
pub(super) struct Turns {
    last: AtomicU64,
    turns: Mutex<HashMap<[u8; 32], u64>>,
}

/// The right to send on a stream, until another connection opens it.
pub(super) struct Turn {
    turns: Arc<Turns>,
    key: [u8; 32],
    number: u64,
}

impl Turns {
    /// Takes a stream over. Called under the lock of its conversation, as is [`Turn::is_over`]: what was sent before is queued by
    /// then, and nothing is sent after.
    pub(super) fn take_over(self: &Arc<Self>, key: [u8; 32]) -> Turn {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(key, number);
        Turn { turns: Arc::clone(self), key, number }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], u64>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Tells whether the stream was opened again since.
    pub(super) fn is_over(&self) -> bool {
        self.turns.lock().get(&self.key) != Some(&self.number)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = self.turns.lock();
        if turns.get(&self.key) == Some(&self.number) {
            turns.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_to_open_has_its_turn_and_nothing_is_kept() {
        let turns = Arc::new(Turns::default());
        let (first, other) = (turns.take_over([1; 32]), turns.take_over([2; 32]));
        assert!(!first.is_over() && !other.is_over());
        let second = turns.take_over([1; 32]);
        assert!(first.is_over() && !second.is_over() && !other.is_over());
        drop(first);
        assert!(!second.is_over(), "who is over takes nothing away");
        drop((second, other));
        assert!(turns.lock().is_empty());
    }
}
