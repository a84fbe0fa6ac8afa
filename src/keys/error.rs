//! What can go wrong with keys.

use crate::domain::{Error, Reason};
use crate::sealing::UnwrapError;
use crate::store::{StoreError, SubmitError};

/// Why a key could not be had or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The root cannot be used: no passphrase, no file, no answer.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The key was destroyed; what it sealed is gone.
    #[error("destroyed")]
    Destroyed,
    /// There is no such key.
    #[error("no such key")]
    Missing,
    /// A stored wrap does not open: the store was altered, or belongs to another vault.
    #[error("the wrap of {what} does not open: {cause}")]
    Broken {
        /// Which key.
        what: String,
        /// Why.
        cause: UnwrapError,
    },
    /// The key store holds no vault, or half of one.
    #[error("the key store holds no complete vault: {0} is missing")]
    NotInitialised(&'static str),
    /// Others changed the same keys again and again.
    #[error("too much contention")]
    Contention,
    /// The key store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key store cannot be written.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Why a root does not open the epoch key.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The passphrase or key file is not the right one.
    #[error("the root does not open slot {slot}: wrong passphrase or key file")]
    Wrong {
        /// The slot tried.
        slot: u32,
    },
    /// No slot has a root of this kind.
    #[error("no root slot of kind {0}")]
    NoSlot(&'static str),
    /// A file of the root cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The key file is not 32 bytes in hexadecimal, or others may read it.
    #[error("{path}: {problem}")]
    Unfit {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The slot's parameters do not parse or lie outside what is accepted.
    #[error("slot parameters are not valid: {0}")]
    Params(&'static str),
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(cause) => cause.into(),
            KeyError::Submit(cause) => cause.into(),
            KeyError::Destroyed => Self::new(Reason::KeyDestroyed),
            KeyError::Missing => Self::new(Reason::KeyNotFound),
            broken @ KeyError::Broken { .. } => Self::new(Reason::IntegrityFailure).because(broken),
            KeyError::Contention => Self::new(Reason::SequenceConflict),
            other @ (KeyError::Root(_) | KeyError::NotInitialised(_)) => {
                Self::new(Reason::KeysUnavailable).because(other)
            }
        }
    }
}
