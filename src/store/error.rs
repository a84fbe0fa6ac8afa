//! What a store can answer instead of "done".

use crate::domain::{Error, Reason};

/// The store could not do its work at all; nothing of the batch was committed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk, or the quota, is full.
    #[error("disk full")]
    DiskFull,
    /// The database cannot be written or read now.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// A file of the database is no longer the one that was opened: nothing is served until a restart.
    #[error("the store was replaced under the running server: {0}")]
    Replaced(String),
    /// What is stored is not what this version wrote.
    #[error("stored data is not valid: {0}")]
    Corrupt(String),
    /// The database has a format this version does not know.
    #[error("the store has format {found}, this version knows up to {known}")]
    Format {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
}

/// One piece of work was refused; the rest of its batch was not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What was to be made is there already.
    #[error("exists")]
    Exists,
    /// What was to be changed is not there.
    #[error("missing")]
    Missing,
    /// The sequence, version or set that the work was built on is no longer the current one; build it again.
    #[error("conflict")]
    Conflict,
    /// The request was done before.
    #[error("duplicate request")]
    Duplicate,
    /// The conversation is closed or expired.
    #[error("not open")]
    NotOpen,
    /// An entry names another log than the one it was to go into, or counts other records than it has commitments.
    #[error("misfiled entry")]
    Misfiled,
}

/// Why submitted work was not done.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// This work was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The batch failed; nothing of it was committed.
    #[error("{0}")]
    Failed(std::sync::Arc<StoreError>),
    /// The queue is full.
    #[error("queue full")]
    Full,
    /// The writer has ended.
    #[error("writer ended")]
    Ended,
}

impl StoreError {
    /// Returns what a caller is told.
    pub fn reason(&self) -> Reason {
        match self {
            Self::DiskFull => Reason::DiskFull,
            Self::Unavailable(_) => Reason::StoreUnavailable,
            Self::Replaced(_) => Reason::StoreReplaced,
            Self::Corrupt(_) | Self::Format { .. } => Reason::IntegrityFailure,
        }
    }

    /// Returns what a caller is told when the key store answers this: what the operator has to do comes first.
    pub fn keys_reason(&self) -> Reason {
        match self {
            Self::DiskFull | Self::Replaced(_) => self.reason(),
            Self::Unavailable(_) | Self::Corrupt(_) | Self::Format { .. } => Reason::KeysUnavailable,
        }
    }
}

impl SubmitError {
    /// Returns what a caller is told when the key store answers this.
    pub fn keys_reason(&self) -> Reason {
        match self {
            Self::Failed(cause) => cause.keys_reason(),
            _ => Reason::KeysUnavailable,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(error.reason()).because(error)
    }
}

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        let reason = match &error {
            // Each of them means that something else came between, and the caller may try again.
            SubmitError::Refused(Refusal::Conflict | Refusal::Exists | Refusal::Missing | Refusal::Duplicate) => {
                Reason::SequenceConflict
            }
            SubmitError::Refused(Refusal::NotOpen) => Reason::ConversationClosed,
            SubmitError::Refused(Refusal::Misfiled) => Reason::Internal,
            SubmitError::Failed(failure) => failure.reason(),
            SubmitError::Full => Reason::Overloaded,
            SubmitError::Ended => Reason::ShuttingDown,
        };
        Self::new(reason).because(error)
    }
}
