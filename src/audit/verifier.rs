//! Reads a whole log again and finds what was done to it.

use std::collections::BTreeMap;

use super::checkpoint::{Checkpoint, LogVerifier};
use super::entry::{Entry, EntryError};
use super::hash::Hash;
use super::leaf::leaf_hash;
use super::merkle::Frontier;
use super::note::NoteError;

/// One row of a stored log.
#[derive(Clone, Copy, Debug)]
pub struct LogItem<'a> {
    /// Position in the log, from 0.
    pub index: u64,
    /// Canonical bytes of the entry.
    pub canonical: &'a [u8],
    /// The commitments of an append, in the order of its records; else empty.
    pub commitments: &'a [[u8; 32]],
    /// The leaf hash stored beside the entry, where there is one: it lets an alteration be named to the entry instead
    /// of to the stretch between two tree heads.
    pub leaf: Option<Hash>,
}

/// Replays a log in order against its tree heads and signed checkpoints.
///
/// Give it checkpoints and tree heads at any time before the replay has gone past their size, and every entry by
/// [`Verifier::feed`]; close with [`Verifier::finish`]. Memory does not grow with the log.
///
/// # Security
///
/// Without a checkpoint from somewhere the log's keeper cannot reach (a recipient's own copy, the other database, a
/// witness), a log that was rewritten as a whole and signed again is not found. Entries after the last checkpoint are
/// only as good as the unsigned tree head: [`Report::unsigned`] says how many they are.
#[derive(Debug)]
pub struct Verifier {
    key: LogVerifier,
    frontier: Frontier,
    /// Tree heads still ahead, or at the present size, by size.
    heads: BTreeMap<u64, Hash>,
    /// Size of the last tree head that was met.
    good: u64,
    /// Largest size that a valid checkpoint speaks of.
    signed: Option<u64>,
    checkpoints: u64,
    records: u64,
}

/// What a log that is whole was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of entries in the log.
    pub size: u64,
    /// Root of the log.
    pub root: Hash,
    /// Number of checkpoints whose signature and root were right.
    pub checkpoints: u64,
    /// Number of record commitments in the entries that were read.
    pub records: u64,
    /// Number of entries after the last signed checkpoint.
    pub unsigned: u64,
}

impl Verifier {
    /// Starts at the beginning of the log with this origin, whose checkpoints `vkey` signs.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Key`] when the key is malformed or is another log's.
    pub fn new(origin: &str, vkey: &str) -> Result<Self, VerifyError> {
        let key = LogVerifier::parse(vkey).map_err(VerifyError::Key)?;
        if key.origin() != origin {
            return Err(VerifyError::Key(NoteError::OtherLog));
        }
        Ok(Self {
            key,
            frontier: Frontier::new(),
            heads: BTreeMap::new(),
            good: 0,
            signed: None,
            checkpoints: 0,
            records: 0,
        })
    }

    /// Starts after the entries that a checkpoint has already been verified for, from the frontier stored with it.
    ///
    /// # Errors
    ///
    /// As [`Verifier::new`] and [`Verifier::check_checkpoint`]; a frontier that is not the checkpoint's is a
    /// [`VerifyError::Head`].
    pub fn resume(origin: &str, vkey: &str, frontier: Frontier, note: &str) -> Result<Self, VerifyError> {
        let mut verifier = Self::new(origin, vkey)?;
        verifier.frontier = frontier;
        let size = verifier.check_checkpoint(note)?.size;
        if size != verifier.size() {
            return Err(VerifyError::Head { from: 0, size });
        }
        Ok(verifier)
    }

    /// Number of entries up to which the log has been read.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Takes the next entry.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] naming the entry, or the tree head that this entry should have led to.
    pub fn feed(&mut self, item: LogItem<'_>) -> Result<(), VerifyError> {
        let index = item.index;
        match self.size() {
            next if index > next => return Err(VerifyError::Missing { index: next }),
            next if index < next => return Err(VerifyError::Repeated { index }),
            _ => {}
        }
        let entry = Entry::parse(item.canonical).map_err(|error| VerifyError::entry(index, error))?;
        if entry.log() != log_of(self.key.origin()) {
            return Err(VerifyError::OtherLog { index });
        }
        if entry.commitments() != item.commitments.len() as u64 {
            return Err(VerifyError::Commitments { index });
        }
        let leaf = leaf_hash(item.canonical, item.commitments);
        if item.leaf.is_some_and(|stored| stored != leaf) {
            return Err(VerifyError::Mismatch { index });
        }
        self.frontier.push(leaf);
        self.records += entry.commitments();
        self.meet_head()
    }

    /// Checks a signed checkpoint, now if it is of the present size, else when the replay reaches its size.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Checkpoint`] when it is not a checkpoint by the log's key; else as [`Verifier::check_head`].
    pub fn check_checkpoint(&mut self, note: &str) -> Result<Checkpoint, VerifyError> {
        let checkpoint = self.key.verify(note).map_err(VerifyError::Checkpoint)?;
        self.check_head(checkpoint.size, checkpoint.root)?;
        self.signed = self.signed.max(Some(checkpoint.size));
        self.checkpoints += 1;
        Ok(checkpoint)
    }

    /// Checks an unsigned tree head, now if it is of the present size, else when the replay reaches its size.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Head`] when the root is another, [`VerifyError::Late`] when the replay is already past the size,
    /// [`VerifyError::Forked`] when another head of the same size was given before.
    pub fn check_head(&mut self, size: u64, root: Hash) -> Result<(), VerifyError> {
        if size < self.size() {
            return Err(VerifyError::Late { size });
        }
        if *self.heads.entry(size).or_insert(root) != root {
            return Err(VerifyError::Forked { size });
        }
        self.meet_head()
    }

    /// Ends the replay at the tree head that the log claims.
    ///
    /// # Errors
    ///
    /// [`VerifyError::RolledBack`] when a valid checkpoint speaks of more entries than there are,
    /// [`VerifyError::Missing`] or [`VerifyError::Surplus`] when the number of entries is not the claimed one,
    /// [`VerifyError::Head`] when the root is not.
    pub fn finish(mut self, size: u64, root: Hash) -> Result<Report, VerifyError> {
        let have = self.size();
        if let Some(signed) = self.signed.filter(|signed| *signed > have) {
            return Err(VerifyError::RolledBack { have, signed });
        }
        if size > have || self.heads.keys().any(|claimed| *claimed > have) {
            return Err(VerifyError::Missing { index: have });
        }
        if size < have {
            return Err(VerifyError::Surplus { index: size });
        }
        self.check_head(size, root)?;
        Ok(Report {
            size,
            root,
            checkpoints: self.checkpoints,
            records: self.records,
            unsigned: size - self.signed.unwrap_or(0),
        })
    }

    /// Compares the present root with the head of the present size, if one is known.
    fn meet_head(&mut self) -> Result<(), VerifyError> {
        let size = self.size();
        // The head of the present size stays, so that a second, different one is seen as a fork.
        if self.heads.first_key_value().is_some_and(|(passed, _)| *passed < size) {
            self.heads.pop_first();
        }
        if let Some((_, root)) = self.heads.first_key_value().filter(|(next, _)| **next == size) {
            if *root != self.frontier.root() {
                return Err(VerifyError::Head { from: self.good, size });
            }
            self.good = size;
        }
        Ok(())
    }
}

/// What is wrong with a log. Indexes count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The verifier key is malformed, or is the key of another log.
    #[error("verifier key is refused")]
    Key(#[source] NoteError),
    /// An entry is not there, though later entries or the tree head say that it was.
    #[error("audit entry {index} is missing")]
    Missing {
        /// The first entry that is missing.
        index: u64,
    },
    /// An entry stands where an earlier one already stood: doubled or out of order.
    #[error("audit entry {index} is there twice or out of order")]
    Repeated {
        /// The position that came again.
        index: u64,
    },
    /// There are entries after the end that the tree head states.
    #[error("audit entry {index} is after the end of the log")]
    Surplus {
        /// The first entry too many.
        index: u64,
    },
    /// An entry is not what its stored leaf hash says.
    #[error("audit entry {index} does not have its leaf hash")]
    Mismatch {
        /// The altered entry.
        index: u64,
    },
    /// An entry has more or fewer commitments than records.
    #[error("audit entry {index} has a number of commitments that is not its number of records")]
    Commitments {
        /// The altered entry.
        index: u64,
    },
    /// An entry's bytes are an entry's, but not in canonical form.
    #[error("audit entry {index} is not in canonical form")]
    NotCanonical {
        /// The altered entry.
        index: u64,
    },
    /// An entry's bytes are not an entry.
    #[error("audit entry {index} cannot be read")]
    Entry {
        /// The altered entry.
        index: u64,
        /// Why it cannot be read.
        #[source]
        error: EntryError,
    },
    /// An entry belongs to another log.
    #[error("audit entry {index} is of another log")]
    OtherLog {
        /// The entry that was moved here.
        index: u64,
    },
    /// The entries do not lead to a tree head: one with `from <= index < size` was altered, removed, doubled or moved.
    #[error("audit entries {from} to {size} (exclusive) do not lead to the tree head of size {size}")]
    Head {
        /// Size of the last tree head that was right.
        from: u64,
        /// Size of the tree head that is not.
        size: u64,
    },
    /// Two tree heads of one size differ.
    #[error("audit log has two tree heads of size {size}")]
    Forked {
        /// The size of both.
        size: u64,
    },
    /// A tree head was given after the replay had gone past its size.
    #[error("tree head of size {size} was given too late")]
    Late {
        /// The size of the head.
        size: u64,
    },
    /// A checkpoint is not signed by the log's key, or is malformed.
    #[error("checkpoint is refused")]
    Checkpoint(#[source] NoteError),
    /// The log is shorter than a checkpoint that its key signed.
    #[error("audit log has {have} entries, but {signed} were signed")]
    RolledBack {
        /// Entries that are there.
        have: u64,
        /// Entries that the checkpoint speaks of.
        signed: u64,
    },
}

impl VerifyError {
    fn entry(index: u64, error: EntryError) -> Self {
        match error {
            EntryError::NotCanonical => Self::NotCanonical { index },
            error => Self::Entry { index, error },
        }
    }
}

/// The log that an origin ends with: `tenants/{id}`, or the last segment.
fn log_of(origin: &str) -> &str {
    let last = origin.rfind('/').map_or(0, |slash| slash + 1);
    let tenants = origin[..last].strip_suffix("tenants/").filter(|vault| vault.ends_with('/'));
    &origin[tenants.map_or(last, str::len)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::origin;

    #[test]
    fn log_of_an_origin_is_the_one_it_was_made_of() {
        for log in ["system", "tenants/acme", "tenants/system", "tenants/tenants"] {
            assert_eq!(log_of(&origin("v1", log)), log);
        }
        assert_eq!(log_of("log"), "log");
        assert_eq!(log_of("subtenants/x"), "x");
    }
}
