//! One budget of memory for all calls of the process: whatever the number of connections, streams and callers, what they hold
//! together stays under it. Who finds no room waits; a single call that waits too long is told `OVERLOADED`, a stream is not
//! read meanwhile, so that the client's own window stops it.
//!
//! Nobody waits in a circle. A stream that waits holds its window's worth of unread bytes, which is a part of its place; the
//! window of a connection has room for those of all its streams, so that what has room is always read on. There are two pools, one for requests and one for calls with their answers. A call has its place in the second before it
//! asks for the first, and what is in the first never waits for the second. No credential takes more than three quarters of a
//! pool, so that who sends half messages or takes no answers is in its own way first, and no more than a few of its calls wait
//! for a place: the others are told at once.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Reason, Result};

/// How long a call waits for room before it is told to come back.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// What calls without a credential may hold: health checks and reflection.
const OPEN_BYTES: usize = 16 * 1024 * 1024;
/// The most calls of one caller that wait for a place at once.
const MOST_WAITING: usize = 64;
/// Entries that may be left behind by callers that are gone, before they are looked for.
const MOST_STALE: usize = 1_024;

/// What all calls of the process may hold together, in bytes.
pub struct Budget {
    known: Side,
    open: Side,
}

struct Side {
    messages: Pool,
    answers: Pool,
}

struct Pool {
    all: Arc<Semaphore>,
    share: usize,
    waiting: usize,
    shares: Mutex<HashMap<String, Weak<Own>>>,
}

/// What is one caller's own.
struct Own {
    room: Arc<Semaphore>,
    waiting: Semaphore,
}

/// Where one caller takes room from.
#[derive(Clone)]
pub(in crate::grpc) struct Account {
    pub(super) messages: Share,
    pub(super) answers: Share,
}

/// One caller's part of a pool.
#[derive(Clone)]
pub(super) struct Share {
    own: Arc<Own>,
    all: Arc<Semaphore>,
}

/// Room that is taken; dropping it gives it back. As long as there is one, its caller's share is remembered.
pub(in crate::grpc) struct Charge {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
    _of: Arc<Own>,
}

impl Budget {
    /// The least that every call fits into.
    pub const LEAST: u64 = 128 * 1024 * 1024;

    /// Returns a budget out of `memory` bytes: a quarter for requests, a quarter for calls and their answers. The other half is
    /// the vault's, for what it redacts and seals.
    pub fn new(memory: u64) -> Self {
        let quarter = usize::try_from(memory.max(Self::LEAST) / 4).unwrap_or(usize::MAX).min(u32::MAX as usize);
        Self { known: Side::new(quarter, MOST_WAITING), open: Side::new(OPEN_BYTES, 0) }
    }

    /// Returns the account of the principal with this pseudonym.
    pub(in crate::grpc) fn account(&self, pseudonym: &str) -> Account {
        self.known.account(pseudonym)
    }

    /// Returns the account of those who call from `source` without a credential.
    pub(in crate::grpc) fn open_account(&self, source: &str) -> Account {
        self.open.account(source)
    }
}

impl Side {
    fn new(bytes: usize, waiting: usize) -> Self {
        Self { messages: Pool::new(bytes, waiting), answers: Pool::new(bytes, waiting) }
    }

    fn account(&self, of: &str) -> Account {
        Account { messages: self.messages.share_of(of), answers: self.answers.share_of(of) }
    }
}

impl Pool {
    fn new(bytes: usize, waiting: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(bytes)), share: bytes / 4 * 3, waiting, shares: Mutex::default() }
    }

    fn share_of(&self, of: &str) -> Share {
        let mut shares = locked(&self.shares);
        let all = Arc::clone(&self.all);
        if let Some(own) = shares.get(of).and_then(Weak::upgrade) {
            return Share { own, all };
        }
        if shares.len() >= MOST_STALE {
            shares.retain(|_, own| own.strong_count() > 0);
        }
        let room = Arc::new(Semaphore::new(self.share));
        let own = Arc::new(Own { room, waiting: Semaphore::new(self.waiting) });
        shares.insert(of.to_owned(), Arc::downgrade(&own));
        Share { own, all }
    }
}

impl Account {
    /// Waits for the place of a call with an answer of up to `answer` bytes.
    ///
    /// # Errors
    ///
    /// `OVERLOADED` when there is no room for [`PATIENCE`], or too many wait already.
    pub(in crate::grpc) async fn begin(&self, answer: usize) -> Result<Arc<Held>> {
        let place = match self.answers.try_take(answer) {
            Some(place) => place,
            None => {
                let _waiting = self.answers.own.waiting.try_acquire().map_err(|_| Reason::Overloaded)?;
                in_time(PATIENCE, self.answers.clone().take(answer)).await?
            }
        };
        Ok(Arc::new(Held { _place: place, messages: Mutex::default() }))
    }
}

/// Waits for room, but not for ever.
pub(super) async fn in_time(patience: Duration, room: impl Future<Output = Result<Charge>>) -> Result<Charge> {
    tokio::time::timeout(patience, room).await.unwrap_or_else(|_| Err(Reason::Overloaded.into()))
}

impl Share {
    /// Takes room if there is some now.
    pub(super) fn try_take(&self, bytes: usize) -> Option<Charge> {
        let bytes = u32::try_from(bytes).ok()?;
        let own = Arc::clone(&self.own.room).try_acquire_many_owned(bytes).ok()?;
        let all = Arc::clone(&self.all).try_acquire_many_owned(bytes).ok()?;
        Some(Charge { own, all, _of: Arc::clone(&self.own) })
    }

    /// Waits for room, in turn: first for the caller's own, so that who waits for that holds nothing of the others'.
    pub(super) async fn take(self, bytes: usize) -> Result<Charge> {
        let bytes = u32::try_from(bytes).map_err(|_| Reason::Overloaded)?;
        let own = Arc::clone(&self.own.room).acquire_many_owned(bytes).await.map_err(|_| Reason::Overloaded)?;
        let all = self.all.acquire_many_owned(bytes).await.map_err(|_| Reason::Overloaded)?;
        Ok(Charge { own, all, _of: self.own })
    }
}

impl Charge {
    /// Makes one of two of the same caller.
    pub(in crate::grpc) fn merge(&mut self, other: Self) {
        self.own.merge(other.own);
        self.all.merge(other.all);
    }
}

/// What one call holds: its place, and the room of the messages that came in, in order.
pub(in crate::grpc) struct Held {
    _place: Charge,
    messages: Mutex<VecDeque<Charge>>,
}

impl Held {
    /// Keeps the room of a message that is coming in.
    pub(super) fn keep(&self, charge: Charge) {
        locked(&self.messages).push_back(charge);
    }

    /// Adds to the room of the message that came last.
    pub(super) fn add(&self, charge: Charge) {
        match locked(&self.messages).back_mut() {
            Some(last) => last.merge(charge),
            None => drop(charge),
        }
    }

    /// Hands over the room of the oldest message, to be given back when what came of it is done.
    pub(in crate::grpc) fn hand_over(&self) -> Option<Charge> {
        locked(&self.messages).pop_front()
    }

    /// Gives the room of all messages back.
    pub(in crate::grpc) fn done(&self) {
        locked(&self.messages).clear();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

tokio::task_local! {
    static HELD: Arc<Held>;
}

/// Runs a handler as the one of the call that holds `held`.
pub(in crate::grpc) fn held_by<F: Future>(held: Arc<Held>, handler: F) -> impl Future<Output = F::Output> {
    HELD.scope(held, handler)
}

/// Returns what the call holds whose handler runs: whatever goes on behind it in a task of its own keeps that.
pub(in crate::grpc) fn held() -> Option<Arc<Held>> {
    HELD.try_with(Arc::clone).ok()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const QUARTER: usize = 32 * 1024 * 1024;

    #[tokio::test]
    async fn who_takes_its_share_waits_and_is_told_so_while_others_are_served() {
        let budget = Budget::new(Budget::LEAST);
        // What is taken counts when the call's account is gone.
        let most = budget.account("greedy").messages.try_take(QUARTER / 4 * 3).unwrap();
        let (greedy, other) = (budget.account("greedy"), budget.account("other"));
        assert!(budget.account("greedy").messages.try_take(1).is_none(), "the share is per caller, not per call");
        let wait = Duration::from_millis(10);
        let refused = in_time(wait, greedy.messages.clone().take(1)).await.err().unwrap();
        assert_eq!(refused.reason(), Reason::Overloaded);
        assert!(refused.retry_after().is_some());
        let rest = other.messages.try_take(QUARTER / 4).unwrap();
        assert!(budget.account("third").messages.try_take(1).is_none(), "all together is all there is");
        drop((most, rest));
        assert!(budget.account("third").messages.try_take(QUARTER / 2).is_some());
    }

    #[tokio::test]
    async fn a_call_holds_its_place_and_its_messages_until_it_lets_go() {
        let budget = Budget::new(Budget::LEAST);
        let account = budget.account("a");
        let held = account.begin(QUARTER / 4 * 3).await.unwrap();
        assert!(account.begin(1).now_or_never().is_none(), "there is a place where there is no room");
        held.keep(account.messages.try_take(10).unwrap());
        held.add(account.messages.try_take(QUARTER / 4 * 3 - 10).unwrap());
        assert!(account.messages.try_take(1).is_none());
        drop(held.hand_over());
        assert!(account.messages.try_take(QUARTER / 2).is_some());
        drop(held);
        assert!(account.begin(1).await.is_ok());
    }

    #[tokio::test]
    async fn only_so_many_wait_and_who_has_no_credential_never_does() {
        let budget = Budget::new(Budget::LEAST);
        let account = budget.account("a");
        let _all = account.begin(QUARTER / 4 * 3).await.unwrap();
        let mut waiting: Vec<_> = (0..MOST_WAITING).map(|_| Box::pin(account.begin(1))).collect();
        assert!(waiting.iter_mut().all(|call| call.now_or_never().is_none()));
        assert!(account.begin(1).now_or_never().is_some_and(|refused| refused.is_err()), "one more waits");
        let open = budget.open_account("127.0.0.1");
        let _all = open.begin(OPEN_BYTES / 4 * 3).await.unwrap();
        assert!(open.begin(1).now_or_never().is_some_and(|refused| refused.is_err()));
    }

    #[test]
    fn callers_that_are_gone_are_forgotten() {
        let pool = Pool::new(100, 0);
        for n in 0..MOST_STALE * 3 {
            drop(pool.share_of(&n.to_string()));
        }
        assert!(locked(&pool.shares).len() <= MOST_STALE);
    }
}
