//! Root slots: what opens the vault epoch key. One file per kind of root; each is one implementation of [`Root`].
//!
//! Here now: [`Passphrase`] (Argon2id) and [`KeyFile`] (development). PKCS#11, OpenBao and AWS KMS get a file each.

mod key_file;
mod passphrase;

pub use key_file::KeyFile;
pub use passphrase::{Cost, Passphrase};

use super::error::RootError;
use crate::sealing::{Key32, UnwrapError, WrapContext};

/// Something that can wrap the vault epoch key and open it again.
pub trait Root: Send + Sync {
    /// Returns the kind, as stored in the slot.
    fn kind(&self) -> &'static str;
    /// Returns what must be stored in the slot for the root to be used again, JSON; never a secret.
    fn params(&self) -> String;
    /// Wraps `key`.
    fn wrap(&self, context: &WrapContext<'_>, key: &Key32) -> Result<Vec<u8>, RootError>;
    /// Opens `wrapped`, which was wrapped under the stored `params`.
    ///
    /// # Errors
    ///
    /// [`RootError::Wrong`] (with slot 0) when it is not the root that wrapped it.
    fn unwrap(&self, params: &str, context: &WrapContext<'_>, wrapped: &[u8]) -> Result<Key32, RootError>;
}

/// Turns the sealing room's answer into the root's: any failure means that this is not the root that wrapped it.
fn opened(result: Result<Key32, UnwrapError>) -> Result<Key32, RootError> {
    result.map_err(|_| RootError::Wrong { slot: 0 })
}
