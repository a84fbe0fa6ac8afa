//! Sealing conversation records, and the other things that belong to a conversation.

use zeroize::Zeroizing;

use super::aead::Backend;
use super::cobblestone::{self, OpenError, SealError};
use super::context::{ContextType, Encoder};
use super::scrub::with_clean_stack;
use super::{Key32, random};

/// Sealed bytes on their way into a store. Only [`seal`] and [`seal_blob`] make them, so what is not sealed cannot be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Returns the bytes, as `docs/format.md` describes them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::ops::Deref for Sealed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Says where a record belongs. A sealed record opens only with the same context.
///
/// The key encryption key's version and the bucket are not in it: they are bound in the wrap of the DEK, so that
/// rotation and holds re-wrap keys and never re-encrypt records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordContext<'a> {
    /// The vault's UUID.
    pub vault_id: [u8; 16],
    /// The vault's restore generation when the record was sealed; 0 before any restore.
    pub generation: u32,
    /// The tenant's id, without `tenants/`.
    pub tenant: &'a str,
    /// The conversation's UUID.
    pub conversation: [u8; 16],
    /// The record's sequence number in its conversation.
    pub sequence: u64,
    /// The record kind's code.
    pub kind: u8,
    /// The id of the DEK that seals the record, unique in its conversation: expiry day * 65536 + revision.
    pub dek_id: u64,
    /// The version of the redaction policy that handled the record.
    pub policy_version: u32,
}

impl RecordContext<'_> {
    /// Encodes the context as `docs/format.md` says: version, type, then length-prefixed fields in the order above.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Encoder::new(ContextType::Record)
            .bytes(&self.vault_id)
            .u32(self.generation)
            .text(self.tenant)
            .bytes(&self.conversation)
            .u64(self.sequence)
            .u8(self.kind)
            .u64(self.dek_id)
            .u32(self.policy_version)
            .finish()
    }
}

/// Says where another sealed thing of a conversation belongs: its metadata, its cue and name state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobContext<'a> {
    /// The vault's UUID.
    pub vault_id: [u8; 16],
    /// The vault's restore generation when it was sealed; 0 before any restore.
    pub generation: u32,
    /// The tenant's id, without `tenants/`.
    pub tenant: &'a str,
    /// The conversation's UUID; zeros for a thing of the tenant itself.
    pub conversation: [u8; 16],
    /// What the thing is, a constant of the program, as listed in `docs/format.md`.
    pub purpose: &'static str,
    /// The version of the thing; each rewrite counts it up, so that an older one cannot be put back.
    pub version: u64,
}

impl BlobContext<'_> {
    /// Encodes the context as `docs/format.md` says: version, type, then length-prefixed fields in the order above.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Encoder::new(ContextType::Blob)
            .bytes(&self.vault_id)
            .u32(self.generation)
            .text(self.tenant)
            .bytes(&self.conversation)
            .text(self.purpose)
            .u64(self.version)
            .finish()
    }
}

/// Seals a record under a fresh random salt: [Cobblestone-256], [`sealed_len`](super::sealed_len) bytes.
///
/// # Errors
///
/// [`SealError::TooLong`] from 4 PiB on.
///
/// [Cobblestone-256]: https://c2sp.org/chunked-encryption
pub fn seal(backend: Backend, dek: &Key32, ctx: &RecordContext<'_>, plaintext: &[u8]) -> Result<Sealed, SealError> {
    seal_bound(backend, dek, &ctx.encode(), plaintext)
}

/// Opens a sealed record. The plaintext is wiped when the result is dropped.
///
/// # Errors
///
/// [`OpenError`] when the bytes are not what [`seal`] made with this key and context. Nothing is decrypted before the
/// key commitment fits.
pub fn open(
    backend: Backend,
    dek: &Key32,
    ctx: &RecordContext<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    open_bound(backend, dek, &ctx.encode(), sealed)
}

/// Seals another thing of a conversation, in the format of [`seal`] under its own type of context.
///
/// # Errors
///
/// As [`seal`].
pub fn seal_blob(backend: Backend, key: &Key32, ctx: &BlobContext<'_>, plaintext: &[u8]) -> Result<Sealed, SealError> {
    seal_bound(backend, key, &ctx.encode(), plaintext)
}

/// Opens what [`seal_blob`] made.
///
/// # Errors
///
/// As [`open`].
pub fn open_blob(
    backend: Backend,
    key: &Key32,
    ctx: &BlobContext<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    open_bound(backend, key, &ctx.encode(), sealed)
}

fn seal_bound(backend: Backend, key: &Key32, context: &[u8], plaintext: &[u8]) -> Result<Sealed, SealError> {
    let salt = random::bytes();
    with_clean_stack(|| cobblestone::seal_with_salt(backend, key, context, salt, plaintext)).map(Sealed)
}

fn open_bound(backend: Backend, key: &Key32, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    with_clean_stack(|| cobblestone::open(backend, key, context, sealed))
}
