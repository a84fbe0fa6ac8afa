//! One budget of memory for all calls of the process: whatever the number of connections, streams and callers, what they hold
//! together stays under it. Who finds no room waits; a single call that waits too long is told `OVERLOADED`, a stream is not
//! read meanwhile, so that the client's own window stops it, and is told the same when that takes too long.
//!
//! Nobody waits in a circle. A stream that waits holds its window's worth of unread bytes, which is a part of its place; the
//! window of a connection has room for those of all its streams, so that what has room is always read on. There are two pools,
//! one for requests and one for calls with their answers. A call has its place in the second before it asks for the first, and
//! what is in the first never waits for the second.
//!
//! | of a pool | with a credential | without one |
//! |---|---|---|
//! | in all | a quarter of `limits.memory` | 16 MiB |
//! | kept for the calls that end a flood ([`Reserve`]) | a sixteenth; one principal has half of that | 4 MiB; one source has an eighth of that |
//! | one caller | three quarters | a quarter of what is not kept |
//! | places of streams of one caller | a quarter | a quarter of what is not kept |
//! | places of all streams | three quarters | three quarters of what is not kept |
//!
//! So who sends half messages or takes no answers is in its own way first, streams that are open and do nothing never take the
//! place of all other calls, however many callers open them, and a key can be revoked, a tenant frozen and the health of the
//! process asked for when nothing else finds room. No more than a few calls of one caller wait for a place: the others are told
//! at once.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Reason, Result};

use super::table::{Bounds, Reserve};

/// How long a call waits for room before it is told to come back.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long a stream waits for the room of its next message before it is told to come back.
pub(super) const STREAM_PATIENCE: Duration = Duration::from_secs(30);
/// What calls without a credential may hold: health checks and reflection.
const OPEN_BYTES: usize = 12 * 1024 * 1024;
/// What health checks may hold beside that.
const PROBE_BYTES: usize = 4 * 1024 * 1024;
/// The most calls of one caller that wait for a place at once.
const MOST_WAITING: usize = 64;
/// Entries that may be left behind by callers that are gone, before they are looked for.
const MOST_STALE: usize = 1_024;

/// What all calls of the process may hold together, in bytes.
pub struct Budget {
    known: Side,
    /// Kept for [`Reserve::Control`].
    control: Side,
    open: Side,
    /// Kept for [`Reserve::Probe`].
    probes: Side,
}

struct Side {
    messages: Pool,
    answers: Pool,
}

/// How much of a pool there is, and how much of it may be had.
#[derive(Clone, Copy)]
struct Sizes {
    all: usize,
    one: usize,
    streams: usize,
    streams_of_one: usize,
    waiting: usize,
}

struct Pool {
    sizes: Sizes,
    all: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    shares: Mutex<HashMap<String, Weak<Own>>>,
}

/// What is one caller's own.
struct Own {
    room: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    waiting: Semaphore,
}

/// Where one caller takes room from.
#[derive(Clone)]
pub(in crate::grpc) struct Account {
    pub(super) messages: Rooms,
    pub(super) answers: Rooms,
}

/// One caller's part of a pool, and what is kept for the call beside it.
#[derive(Clone)]
pub(super) struct Rooms {
    usual: Share,
    kept: Option<Share>,
}

/// One caller's part of a pool: the same bytes are taken from each of the rooms, in their order.
#[derive(Clone)]
struct Share {
    own: Arc<Own>,
    rooms: Vec<Arc<Semaphore>>,
}

/// Room that is taken; dropping it gives it back. As long as there is one, its caller's share is remembered.
pub(in crate::grpc) struct Charge {
    taken: Vec<OwnedSemaphorePermit>,
    _of: Arc<Own>,
}

impl Budget {
    /// The least that every call fits into.
    pub const LEAST: u64 = 128 * 1024 * 1024;

    /// Returns a budget out of `memory` bytes: a quarter for requests, a quarter for calls and their answers. The other half is
    /// the vault's, for what it redacts and seals.
    pub fn new(memory: u64) -> Self {
        let quarter = usize::try_from(memory.max(Self::LEAST) / 4).unwrap_or(usize::MAX).min(u32::MAX as usize);
        Self {
            known: Side::new(Sizes::usual(quarter)),
            control: Side::new(Sizes::kept(quarter / 16, quarter / 32)),
            open: Side::new(Sizes::open()),
            probes: Side::new(Sizes::kept(PROBE_BYTES, PROBE_BYTES / 8)),
        }
    }

    /// Returns the account of the principal with this pseudonym, for a call within `bounds`.
    pub(in crate::grpc) fn account(&self, pseudonym: &str, bounds: &Bounds) -> Account {
        self.known.account(pseudonym, bounds, (bounds.reserve == Reserve::Control).then_some(&self.control))
    }

    /// Returns the account of those who call from `source` without a credential, likewise.
    pub(in crate::grpc) fn open_account(&self, source: &str, bounds: &Bounds) -> Account {
        self.open.account(source, bounds, (bounds.reserve == Reserve::Probe).then_some(&self.probes))
    }
}

impl Sizes {
    /// Returns those of a pool of `bytes` for calls with a credential.
    fn usual(bytes: usize) -> Self {
        let (most, quarter) = (bytes / 4 * 3, bytes / 4);
        Self { all: bytes - bytes / 16, one: most, streams: most, streams_of_one: quarter, waiting: MOST_WAITING }
    }

    fn open() -> Self {
        let quarter = OPEN_BYTES / 4;
        Self { all: OPEN_BYTES, one: quarter, streams: quarter * 3, streams_of_one: quarter, waiting: 0 }
    }

    fn kept(all: usize, one: usize) -> Self {
        Self { all, one, streams: 0, streams_of_one: 0, waiting: 0 }
    }
}

impl Side {
    fn new(sizes: Sizes) -> Self {
        Self { messages: Pool::new(sizes), answers: Pool::new(sizes) }
    }

    fn account(&self, of: &str, bounds: &Bounds, kept: Option<&Self>) -> Account {
        // What a stream sends is worked off; it is its place that it may keep and do nothing.
        Account {
            messages: Rooms {
                usual: self.messages.share_of(of, false),
                kept: kept.map(|kept| kept.messages.share_of(of, false)),
            },
            answers: Rooms {
                usual: self.answers.share_of(of, bounds.parks),
                kept: kept.map(|kept| kept.answers.share_of(of, false)),
            },
        }
    }
}

impl Pool {
    fn new(sizes: Sizes) -> Self {
        let room = |bytes| Arc::new(Semaphore::new(bytes));
        Self { sizes, all: room(sizes.all), streams: room(sizes.streams), shares: Mutex::default() }
    }

    /// Returns the share of a caller. Its own comes first, so that who waits for that holds nothing of the others'.
    fn share_of(&self, of: &str, parks: bool) -> Share {
        let own = self.own_of(of);
        let mut rooms = vec![Arc::clone(&own.room), Arc::clone(&self.all)];
        if parks {
            rooms =
                vec![Arc::clone(&own.streams), Arc::clone(&own.room), Arc::clone(&self.streams), Arc::clone(&self.all)];
        }
        Share { own, rooms }
    }

    fn own_of(&self, of: &str) -> Arc<Own> {
        let mut shares = locked(&self.shares);
        if let Some(own) = shares.get(of).and_then(Weak::upgrade) {
            return own;
        }
        if shares.len() >= MOST_STALE {
            shares.retain(|_, own| own.strong_count() > 0);
        }
        let room = |bytes| Arc::new(Semaphore::new(bytes));
        let Sizes { one, streams_of_one, waiting, .. } = self.sizes;
        let own = Arc::new(Own { room: room(one), streams: room(streams_of_one), waiting: Semaphore::new(waiting) });
        shares.insert(of.to_owned(), Arc::downgrade(&own));
        own
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
                let _waiting = self.answers.usual.own.waiting.try_acquire().map_err(|_| Reason::Overloaded)?;
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

impl Rooms {
    /// Takes room if there is some now.
    pub(super) fn try_take(&self, bytes: usize) -> Option<Charge> {
        self.usual.try_take(bytes).or_else(|| self.kept.as_ref()?.try_take(bytes))
    }

    /// Waits for room, in turn, wherever there is some first.
    pub(super) async fn take(self, bytes: usize) -> Result<Charge> {
        let Some(kept) = self.kept else { return self.usual.take(bytes).await };
        tokio::select! {
            charge = self.usual.take(bytes) => charge,
            charge = kept.take(bytes) => charge,
        }
    }
}

impl Share {
    fn try_take(&self, bytes: usize) -> Option<Charge> {
        let bytes = u32::try_from(bytes).ok()?;
        let take = |room: &Arc<Semaphore>| Arc::clone(room).try_acquire_many_owned(bytes).ok();
        let taken = self.rooms.iter().map(take).collect::<Option<_>>()?;
        Some(Charge { taken, _of: Arc::clone(&self.own) })
    }

    async fn take(self, bytes: usize) -> Result<Charge> {
        let bytes = u32::try_from(bytes).map_err(|_| Reason::Overloaded)?;
        let mut taken = Vec::with_capacity(self.rooms.len());
        for room in self.rooms {
            taken.push(room.acquire_many_owned(bytes).await.map_err(|_| Reason::Overloaded)?);
        }
        Ok(Charge { taken, _of: self.own })
    }
}

impl Charge {
    /// Makes one of two of the same caller. They are kept side by side where they are of different rooms.
    pub(in crate::grpc) fn merge(&mut self, other: Self) {
        for more in other.taken {
            match self.taken.iter_mut().find(|taken| Arc::ptr_eq(taken.semaphore(), more.semaphore())) {
                Some(taken) => taken.merge(more),
                None => self.taken.push(more),
            }
        }
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

    use super::super::table::{bounds, open_bounds};
    use super::*;
    use crate::access::Permission as P;

    const QUARTER: usize = 32 * 1024 * 1024;

    fn account(budget: &Budget, of: &str) -> Account {
        budget.account(of, &bounds(P::AppendRecords))
    }

    #[tokio::test]
    async fn who_takes_its_share_waits_and_is_told_so_while_others_are_served() {
        let budget = Budget::new(Budget::LEAST);
        // What is taken counts when the call's account is gone.
        let most = account(&budget, "greedy").messages.try_take(QUARTER / 4 * 3).unwrap();
        let (greedy, other) = (account(&budget, "greedy"), account(&budget, "other"));
        assert!(account(&budget, "greedy").messages.try_take(1).is_none(), "the share is per caller, not per call");
        let wait = Duration::from_millis(10);
        let refused = in_time(wait, greedy.messages.clone().take(1)).await.err().unwrap();
        assert_eq!(refused.reason(), Reason::Overloaded);
        assert!(refused.retry_after().is_some());
        let rest = other.messages.try_take(QUARTER / 4 - QUARTER / 16).unwrap();
        assert!(account(&budget, "third").messages.try_take(1).is_none(), "all together is all there is");
        drop((most, rest));
        assert!(account(&budget, "third").messages.try_take(QUARTER / 2).is_some());
    }

    /// Opens streams of `method` until there is no place for one more.
    fn parked(budget: &Budget, of: &str, method: P) -> Vec<Charge> {
        let bounds = bounds(method);
        let account = budget.account(of, &bounds);
        std::iter::from_fn(|| account.answers.try_take(bounds.answer)).collect()
    }

    #[tokio::test]
    async fn streams_that_do_nothing_leave_room_for_all_other_calls() {
        let budget = Budget::new(Budget::LEAST);
        let mut open = Vec::new();
        for (n, method) in (0..12).zip([P::ReadConversation, P::Ingest].into_iter().cycle()) {
            let streams = parked(&budget, &n.to_string(), method);
            assert!(
                streams.len() * bounds(method).answer <= QUARTER / 4,
                "one principal has {} streams",
                streams.len()
            );
            open.extend(streams);
        }
        assert!(parked(&budget, "late", P::Ingest).is_empty());
        for (of, method) in [("0", P::AppendRecords), ("late", P::GetContext)] {
            let bounds = bounds(method);
            assert!(budget.account(of, &bounds).begin(bounds.answer).now_or_never().is_some_and(|held| held.is_ok()));
        }
        drop(open);
        assert!(!parked(&budget, "late", P::Ingest).is_empty());
    }

    #[tokio::test]
    async fn a_key_is_revoked_and_a_tenant_frozen_when_nothing_else_finds_room() {
        let budget = Budget::new(Budget::LEAST);
        let takes_all = |of: &str| {
            let account = account(&budget, of);
            let most = |rooms: &Rooms| (0..26).rev().filter_map(|bit| rooms.try_take(1 << bit)).collect::<Vec<_>>();
            (most(&account.messages), most(&account.answers))
        };
        let _all = (takes_all("a"), takes_all("b"));
        let other = account(&budget, "c");
        assert!(other.answers.try_take(1).is_none() && other.messages.try_take(1).is_none());
        for method in [P::RevokeApiKey, P::FreezeTenant, P::GetStatus, P::ListApiKeys] {
            let bounds = bounds(method);
            // Whoever took the rest is in nobody's way here, not even in its own.
            for of in ["a", "c"] {
                let account = budget.account(of, &bounds);
                let held = account.begin(bounds.answer).now_or_never().expect("it waits").unwrap();
                held.keep(account.messages.clone().take(bounds.weight(256)).now_or_never().expect("it waits").unwrap());
            }
        }
    }

    #[test]
    fn nobody_without_a_credential_keeps_health_from_being_asked_for() {
        let budget = Budget::new(Budget::LEAST);
        let (watch, check) = (open_bounds("/grpc.health.v1.Health/Watch"), open_bounds("/grpc.health.v1.Health/Check"));
        let mut open = Vec::new();
        for source in 0..8 {
            let account = budget.open_account(&source.to_string(), &watch);
            open.extend(std::iter::from_fn(|| account.answers.try_take(watch.answer)));
        }
        assert!(open.len() > 32);
        for source in ["0", "late"] {
            assert!(budget.open_account(source, &check).answers.try_take(check.answer).is_some());
        }
        // Nor with checks that never come to their end.
        for source in 0..7 {
            let account = budget.open_account(&source.to_string(), &check);
            let before = open.len();
            open.extend(std::iter::from_fn(|| account.answers.try_take(check.answer)));
            assert!(open.len() > before + 3);
        }
        assert!(budget.open_account("late", &check).answers.try_take(check.answer).is_some());
    }

    #[tokio::test]
    async fn a_call_holds_its_place_and_its_messages_until_it_lets_go() {
        let budget = Budget::new(Budget::LEAST);
        let account = account(&budget, "a");
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

    #[test]
    fn room_of_both_kinds_is_merged_and_given_back() {
        let budget = Budget::new(Budget::LEAST);
        let control = budget.account("a", &bounds(P::GetStatus));
        let usual = control.messages.try_take(QUARTER / 4 * 3).unwrap();
        let mut kept = control.messages.try_take(QUARTER / 32).unwrap();
        assert!(control.messages.try_take(1).is_none());
        kept.merge(usual);
        drop(kept);
        assert!(control.messages.try_take(QUARTER / 4 * 3).is_some());
    }

    #[tokio::test]
    async fn only_so_many_wait_and_who_has_no_credential_never_does() {
        let budget = Budget::new(Budget::LEAST);
        let account = account(&budget, "a");
        let _all = account.begin(QUARTER / 4 * 3).await.unwrap();
        let mut waiting: Vec<_> = (0..MOST_WAITING).map(|_| Box::pin(account.begin(1))).collect();
        assert!(waiting.iter_mut().all(|call| call.now_or_never().is_none()));
        assert!(account.begin(1).now_or_never().is_some_and(|refused| refused.is_err()), "one more waits");
        let open = budget.open_account("127.0.0.1", &open_bounds("/grpc.health.v1.Health/Watch"));
        let _all = open.begin(OPEN_BYTES / 4).await.unwrap();
        assert!(open.begin(1).now_or_never().is_some_and(|refused| refused.is_err()));
    }

    #[test]
    fn callers_that_are_gone_are_forgotten() {
        let pool = Pool::new(Sizes::kept(100, 100));
        for n in 0..MOST_STALE * 3 {
            drop(pool.share_of(&n.to_string(), false));
        }
        assert!(locked(&pool.shares).len() <= MOST_STALE);
    }
}
