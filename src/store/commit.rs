//! The committer: turns queued work into one transaction of changes, audit entries and tree heads.

use std::collections::HashMap;

use crate::audit::{Frontier, leaf_hash};

use super::error::{Refusal, StoreError};
use super::pipeline::Engine;
use super::rows::{EntryRow, LogHead, LogId};
use super::work::{Chore, Inner, LoggedEntry, Mutation, Receipt, Work};

/// The write half of a data engine: one transaction at a time, with savepoints inside it.
///
/// The committer calls `begin`, then for each piece of work `apply`... or `chore`, then `append` for each log that has grown,
/// then `commit`; `rollback` after any error. Only when a work is refused after an earlier change of it was made does it
/// roll back and go through the batch again with each work between `savepoint` and `release` or `undo`: a savepoint per work
/// costs more than the work, and such refusals are rare. A `commit` that fails for any reason but a full disk has ended the process through
/// [`super::fatal`]: a failed fsync cannot be tried again.
pub trait DataWriter: Send + 'static {
    /// Returns the stored head of every log.
    fn heads(&mut self) -> Result<Vec<LogHead>, StoreError>;
    /// Begins a transaction.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Marks the place that `undo` goes back to.
    fn savepoint(&mut self) -> Result<(), StoreError>;
    /// Makes one change, or says why not; a refused change has changed nothing.
    fn apply(&mut self, mutation: &Mutation) -> Result<Result<(), Refusal>, StoreError>;
    /// Does one chore.
    fn chore(&mut self, chore: &Chore) -> Result<(), StoreError>;
    /// Adds entries at the end of a log and replaces its head.
    fn append(&mut self, log: &LogId, entries: &[EntryRow], head: &LogHead) -> Result<(), StoreError>;
    /// Forgets the savepoint.
    fn release(&mut self) -> Result<(), StoreError>;
    /// Undoes everything since the savepoint.
    fn undo(&mut self) -> Result<(), StoreError>;
    /// Makes the transaction durable.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Drops the transaction.
    fn rollback(&mut self);
    /// Keeps the write-ahead log bounded; called between transactions.
    fn between(&mut self);
}

/// The data store's engine: a [`DataWriter`] and the frontier of every log.
pub struct Committer {
    writer: Box<dyn DataWriter>,
    frontiers: HashMap<LogId, Frontier>,
}

impl Committer {
    /// Returns a committer that goes on where the stored heads stand.
    ///
    /// # Errors
    ///
    /// When a head cannot be read or does not decode.
    pub fn new(mut writer: Box<dyn DataWriter>) -> Result<Self, StoreError> {
        let mut frontiers = HashMap::new();
        for head in writer.heads()? {
            let frontier = Frontier::decode(&head.frontier)
                .map_err(|_| StoreError::Corrupt(format!("tree head of {}", head.log)))?;
            frontiers.insert(head.log, frontier);
        }
        Ok(Self { writer, frontiers })
    }

    /// Goes through a batch in the open transaction and commits it. `None` when only savepoints can undo a refused work.
    fn batch(&mut self, batch: &[Work], savepoints: bool) -> Result<Option<Answers>, StoreError> {
        let mut grown = Frontiers::default();
        let mut done = Vec::with_capacity(batch.len());
        for work in batch {
            match self.one(work, savepoints, &mut grown)? {
                Outcome::Done(receipt) => done.push(Ok(receipt)),
                Outcome::Refused(refusal) => done.push(Err(refusal)),
                Outcome::Dirty => return Ok(None),
            }
        }
        for (log, (frontier, rows)) in &grown.logs {
            let head = LogHead { log: log.clone(), frontier: frontier.encode() };
            self.writer.append(log, rows, &head)?;
        }
        self.writer.commit()?;
        self.frontiers.extend(grown.logs.into_iter().map(|(log, (frontier, _))| (log, frontier)));
        Ok(Some(done))
    }

    /// Does one piece of work in the open transaction; `grown` has the frontiers of this batch so far.
    fn one(&mut self, work: &Work, savepoints: bool, grown: &mut Frontiers) -> Result<Outcome, StoreError> {
        let (entries, mutations) = match work.inner() {
            Inner::Chore(chore) => {
                self.writer.chore(chore)?;
                return Ok(Outcome::Done(Receipt::new(Vec::new())));
            }
            Inner::Act { entries, mutations } => (entries, mutations),
        };
        if !entries.iter().all(LoggedEntry::is_well_filed) {
            return Ok(Outcome::Refused(Refusal::Misfiled));
        }
        if savepoints {
            self.writer.savepoint()?;
        }
        for (made, mutation) in mutations.iter().enumerate() {
            let Err(refusal) = self.writer.apply(mutation)? else { continue };
            if savepoints {
                self.writer.undo()?;
            } else if made > 0 {
                return Ok(Outcome::Dirty);
            }
            return Ok(Outcome::Refused(refusal));
        }
        if savepoints {
            self.writer.release()?;
        }
        let positions = entries.iter().map(|entry| grown.push(&self.frontiers, entry)).collect();
        Ok(Outcome::Done(Receipt::new(positions)))
    }

    /// Commits a batch: first without savepoints, then, if it must be, with them.
    fn twice(&mut self, batch: &[Work]) -> Result<Answers, StoreError> {
        self.writer.begin()?;
        if let Some(answers) = self.batch(batch, false)? {
            return Ok(answers);
        }
        self.writer.rollback();
        self.writer.begin()?;
        let answers = self.batch(batch, true)?;
        answers.ok_or_else(|| StoreError::Unavailable("a refused work was not undone".to_owned()))
    }
}

impl Engine for Committer {
    type Work = Work;
    type Done = Receipt;

    fn weight(work: &Work) -> usize {
        work.weight()
    }

    fn commit(&mut self, batch: Vec<Work>) -> Result<Vec<Result<Receipt, Refusal>>, StoreError> {
        let result = self.twice(&batch);
        if result.is_err() {
            self.writer.rollback();
        }
        result
    }

    fn between(&mut self) {
        self.writer.between();
    }
}

type Answers = Vec<Result<Receipt, Refusal>>;

/// How one piece of work went.
enum Outcome {
    /// All of it.
    Done(Receipt),
    /// None of it.
    Refused(Refusal),
    /// Refused, but a part of it is in the transaction.
    Dirty,
}

/// The logs that a batch has grown, not yet the truth: they replace the committer's only after COMMIT.
#[derive(Default)]
struct Frontiers {
    logs: HashMap<LogId, (Frontier, Vec<EntryRow>)>,
}

impl Frontiers {
    fn push(&mut self, base: &HashMap<LogId, Frontier>, logged: &LoggedEntry) -> (LogId, u64) {
        let LoggedEntry { log, entry, commitments } = logged;
        let leaf = leaf_hash(entry.canonical(), commitments);
        let (frontier, rows) =
            self.logs.entry(log.clone()).or_insert_with(|| (base.get(log).cloned().unwrap_or_default(), Vec::new()));
        let index = frontier.size();
        frontier.push(leaf);
        rows.push(EntryRow { index, canonical: entry.canonical().to_vec(), commitments: commitments.clone(), leaf });
        (log.clone(), index)
    }
}
