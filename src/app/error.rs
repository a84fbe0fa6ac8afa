//! Why a vault cannot be made or started, in words for the operator.

use std::path::{Path, PathBuf};

use crate::domain::Error;
use crate::keys::{KeyError, RootError};
use crate::store::{StoreError, SubmitError};
use crate::vault::StartError;

/// Why a vault cannot be made or started.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A file or folder cannot be used.
    #[error("{path}: {cause}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// There is a vault in the folder already.
    #[error("{0} already holds a vault")]
    Exists(PathBuf),
    /// A listener cannot be bound.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("{path}: {problem}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The passphrase is not there.
    #[error("no passphrase: set keys.passphrase_file or SUBROSA_PASSPHRASE")]
    NoPassphrase,
    /// What is in the folder does not belong together.
    #[error("{0}")]
    Folder(String),
    /// The root cannot be used.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A store cannot be written.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The vault refuses to start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The vault refused something that was asked of it.
    #[error(transparent)]
    Vault(#[from] Error),
    /// A thread or runtime part cannot be started.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

impl AppError {
    /// Returns a function that says which file an I/O error is about.
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |cause| Self::File { path: path.to_owned(), cause }
    }
}
