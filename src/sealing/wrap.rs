//! Wrapping one key under another: XChaCha20-Poly1305 behind a commitment to the wrapping key.
//!
//! ```text
//! version 0x01 (1) | commitment to the wrapping key (32) | nonce (24) | encrypted key (32) | tag (16)
//! ```
//!
//! Poly1305 does not commit to its key: whoever knows two keys can make a ciphertext that opens under both. The
//! commitment, compared before anything is decrypted, is what excludes that.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use subtle::ConstantTimeEq;

use super::context::{ContextType, Encoder};
use super::derive::{Label, expand_label};
use super::random;
use super::scrub::with_clean_stack;
use super::secret::Key32;

/// A wrapped key as it is stored: [`WRAPPED_LEN`] bytes.
pub type Wrapped = Vec<u8>;

/// Bytes of a wrapped key.
pub const WRAPPED_LEN: usize = 1 + COMMITMENT_LEN + NONCE_LEN + KEY_LEN + TAG_LEN;

/// Names a place in the key hierarchy. The codes are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// A root slot's key: only ever wraps, is never wrapped here.
    Root = 1,
    /// The vault's epoch key.
    Epoch = 2,
    /// A version of a tenant's key encryption key.
    TenantKek = 3,
    /// The key encryption key of a bucket: one expiry day, the holds, or the locked.
    BucketKek = 4,
    /// The data encryption key of a segment.
    SegmentDek = 5,
    /// A conversation's own key: metadata, state, pseudonyms.
    ConversationKey = 6,
    /// A tenant's index key: handles, idempotency.
    IndexKey = 7,
    /// A tenant's key encryption key for kept originals.
    OriginalsKek = 8,
    /// The data encryption key of a segment's kept originals.
    OriginalsDek = 9,
    /// The seed of the Ed25519 key that signs checkpoints.
    LogKey = 10,
}

impl KeyKind {
    /// Every kind, in the order of the codes.
    pub const ALL: [Self; 10] = [
        Self::Root,
        Self::Epoch,
        Self::TenantKek,
        Self::BucketKek,
        Self::SegmentDek,
        Self::ConversationKey,
        Self::IndexKey,
        Self::OriginalsKek,
        Self::OriginalsDek,
        Self::LogKey,
    ];

    /// The kind's code in an encoded [`WrapContext`].
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a code; `None` for a code of no kind.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Says what is wrapped, for whom, and by which key. A wrap opens only with the same context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapContext<'a> {
    /// The vault's UUID.
    pub vault_id: [u8; 16],
    /// The tenant's id, without `tenants/`; empty for keys of the vault itself.
    pub tenant: &'a str,
    /// The kind of the wrapped key.
    pub what: KeyKind,
    /// The wrapped key's id: bucket name, segment UUID, conversation UUID, version.
    pub subject: &'a [u8],
    /// The kind of the wrapping key.
    pub wrapping_kind: KeyKind,
    /// The wrapping key's id.
    pub wrapping_id: &'a [u8],
    /// The wrapping key's version; 0 where it has none.
    pub wrapping_version: u64,
}

impl WrapContext<'_> {
    /// Encodes the context, which is the wrap's associated data: version, type, then length-prefixed fields in the
    /// order above.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Encoder::new(ContextType::Wrap)
            .bytes(&self.vault_id)
            .text(self.tenant)
            .u8(self.what.code())
            .bytes(self.subject)
            .u8(self.wrapping_kind.code())
            .bytes(self.wrapping_id)
            .u64(self.wrapping_version)
            .finish()
    }
}

/// Says why a wrap did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// It is not [`WRAPPED_LEN`] bytes long.
    #[error("the wrapped key has an impossible length")]
    Malformed,
    /// Its first byte is a version that this program does not know.
    #[error("the wrapped key has format version {0}, which is not known")]
    UnknownVersion(u8),
    /// The commitment in front is to another wrapping key. Nothing was decrypted.
    #[error("the key was wrapped under another key")]
    WrongKey,
    /// The wrapping key fits, but the bytes or the context are not those that were wrapped.
    #[error("the wrapped key was changed, or belongs elsewhere")]
    Tampered,
}

/// Wraps a key under a fresh random 192-bit nonce.
#[must_use]
pub fn wrap(kek: &Key32, ctx: &WrapContext<'_>, key: &Key32) -> Wrapped {
    with_clean_stack(|| WrappingKey::new(kek).wrap(ctx, key))
}

/// Unwraps a key, after the commitment to the wrapping key was compared in constant time.
///
/// # Errors
///
/// [`UnwrapError`]; a wrong wrapping key is told from a tampered wrap.
pub fn unwrap(kek: &Key32, ctx: &WrapContext<'_>, wrapped: &[u8]) -> Result<Key32, UnwrapError> {
    with_clean_stack(|| WrappingKey::new(kek).unwrap(ctx, wrapped))
}

/// Holds what is derived from a wrapping key, for wrapping or unwrapping many keys under it.
#[derive(Debug)]
pub struct WrappingKey {
    commitment: [u8; COMMITMENT_LEN],
    key: Key32,
}

impl WrappingKey {
    /// Derives the commitment and the encryption key from the key encryption key.
    #[must_use]
    pub fn new(kek: &Key32) -> Self {
        with_clean_stack(|| {
            let mut commitment = [0; COMMITMENT_LEN];
            expand_label(kek, Label::WRAP_COMMITMENT, &[], &mut commitment);
            let key = Key32::init_with(|into| expand_label(kek, Label::WRAP_KEY, &[], into));
            Self { commitment, key }
        })
    }

    /// As [`key_check_value`](super::key_check_value) of the key encryption key.
    #[must_use]
    pub fn key_check_value(&self) -> [u8; COMMITMENT_LEN] {
        self.commitment
    }

    /// As [`wrap()`].
    #[must_use]
    pub fn wrap(&self, ctx: &WrapContext<'_>, key: &Key32) -> Wrapped {
        self.wrap_with_nonce(ctx, random::bytes(), key)
    }

    /// As [`unwrap`].
    ///
    /// # Errors
    ///
    /// [`UnwrapError`]; a wrong wrapping key is told from a tampered wrap.
    pub fn unwrap(&self, ctx: &WrapContext<'_>, wrapped: &[u8]) -> Result<Key32, UnwrapError> {
        let parts = Parts::split(wrapped)?;
        if !bool::from(self.commitment.ct_eq(parts.commitment)) {
            return Err(UnwrapError::WrongKey);
        }
        let aad = ctx.encode();
        with_clean_stack(|| {
            let cipher = XChaCha20Poly1305::new(self.key.expose().into());
            let mut opened = Ok(());
            let key = Key32::init_with(|into| {
                into.copy_from_slice(parts.ciphertext);
                opened = cipher.decrypt_inout_detached(
                    parts.nonce.into(),
                    &aad,
                    into.as_mut_slice().into(),
                    parts.tag.into(),
                );
            });
            opened.map(|()| key).map_err(|_| UnwrapError::Tampered)
        })
    }

    pub(super) fn wrap_with_nonce(&self, ctx: &WrapContext<'_>, nonce: [u8; NONCE_LEN], key: &Key32) -> Wrapped {
        let aad = ctx.encode();
        with_clean_stack(|| {
            let cipher = XChaCha20Poly1305::new(self.key.expose().into());
            let mut ciphertext = *key.expose();
            let tag = cipher
                .encrypt_inout_detached(&nonce.into(), &aad, ciphertext.as_mut_slice().into())
                .expect("32 bytes and a short context are within the cipher's limits");
            let mut wrapped = Vec::with_capacity(WRAPPED_LEN);
            wrapped.push(VERSION);
            wrapped.extend_from_slice(&self.commitment);
            wrapped.extend_from_slice(&nonce);
            wrapped.extend_from_slice(&ciphertext);
            wrapped.extend_from_slice(&tag);
            wrapped
        })
    }
}

/// The parts of a wrap, its length and version checked.
struct Parts<'a> {
    commitment: &'a [u8; COMMITMENT_LEN],
    nonce: &'a [u8; NONCE_LEN],
    ciphertext: &'a [u8; KEY_LEN],
    tag: &'a [u8; TAG_LEN],
}

impl<'a> Parts<'a> {
    fn split(wrapped: &'a [u8]) -> Result<Self, UnwrapError> {
        let (version, rest) = wrapped.split_first().ok_or(UnwrapError::Malformed)?;
        if *version != VERSION {
            return Err(UnwrapError::UnknownVersion(*version));
        }
        let (commitment, rest) = rest.split_first_chunk().ok_or(UnwrapError::Malformed)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(UnwrapError::Malformed)?;
        let (ciphertext, rest) = rest.split_first_chunk().ok_or(UnwrapError::Malformed)?;
        let tag = rest.try_into().map_err(|_| UnwrapError::Malformed)?;
        Ok(Self { commitment, nonce, ciphertext, tag })
    }
}

const VERSION: u8 = 1;
const COMMITMENT_LEN: usize = 32;
const NONCE_LEN: usize = 24;
const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;
