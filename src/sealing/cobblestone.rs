//! C2SP [chunked-encryption] version 1 with HKDF-Expand-SHA-512 and AES-256-GCM: "Cobblestone-256".
//!
//! ```text
//! salt (24) | commitment (32) | chunk 0 | tag (16) | chunk 1 | tag (16) | ... | short last chunk | tag (16)
//! key (32) | base nonce (12) | commitment (32)
//!     = HKDF-Expand(DEK, "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM" | 0x00 | salt | context)
//! nonce of chunk i = base nonce XOR i (big-endian)
//! ```
//!
//! The last chunk is always short, and may be empty: that is what marks the end.
//!
//! [chunked-encryption]: https://c2sp.org/chunked-encryption

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::aead::{Backend, ChunkCipher, NONCE_LEN, RingCipher, RustCryptoCipher, TAG_LEN};
use super::derive::hkdf_expand_sha512;
use super::secret::Key32;

/// Says why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The plaintext has 2^38 chunks (4 PiB) or more, the format's limit.
    #[error("the plaintext is longer than the format allows")]
    TooLong,
}

/// Says why a sealed thing did not open. No variant tells anything of the plaintext or the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No sealed thing has this length: it was cut, or bytes were added.
    #[error("the sealed bytes are truncated or have trailing bytes")]
    Malformed,
    /// The commitment does not fit: another key, another context, or a changed header. Nothing was decrypted.
    #[error("sealed under another key or for another place")]
    WrongKeyOrContext,
    /// Key and context fit but a chunk is not authentic: changed, moved, or cut.
    #[error("the sealed bytes were changed")]
    Tampered,
}

/// Returns how many bytes `plaintext_len` bytes become when sealed: 72 more below 16 KiB, 16 more for each full 16 KiB.
#[must_use]
pub fn sealed_len(plaintext_len: usize) -> usize {
    HEADER_LEN + plaintext_len + (plaintext_len / CHUNK_LEN + 1) * TAG_LEN
}

/// Bytes of the random salt at the front.
pub(super) const SALT_LEN: usize = 24;

/// Seals under a salt that the caller must never use again with the same key.
///
/// Leaves key material on the stack: call it inside `with_clean_stack`.
pub(super) fn seal_with_salt(
    backend: Backend,
    key: &Key32,
    context: &[u8],
    salt: [u8; SALT_LEN],
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let message = MessageKey::derive(key, &salt, context);
    match backend {
        Backend::Ring => seal_chunks::<RingCipher>(&message, &salt, plaintext),
        Backend::RustCrypto => seal_chunks::<RustCryptoCipher>(&message, &salt, plaintext),
    }
}

/// Opens what [`seal_with_salt`] made. The result is wiped when dropped, and so is what was decrypted before a failure.
///
/// Leaves key material on the stack: call it inside `with_clean_stack`.
pub(super) fn open(
    backend: Backend,
    key: &Key32,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let parts = Parts::split(sealed)?;
    let message = MessageKey::derive(key, parts.salt, context);
    if !bool::from(message.commitment().ct_eq(parts.commitment)) {
        return Err(OpenError::WrongKeyOrContext);
    }
    match backend {
        Backend::Ring => open_chunks::<RingCipher>(&message, parts.chunks),
        Backend::RustCrypto => open_chunks::<RustCryptoCipher>(&message, parts.chunks),
    }
}

fn seal_chunks<C: ChunkCipher>(message: &MessageKey, salt: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    if plaintext.len() as u64 / CHUNK_LEN as u64 >= MAX_CHUNKS {
        return Err(SealError::TooLong);
    }
    let cipher = C::new(message.key()).map_err(|_| SealError::TooLong)?;
    let mut sealed = Vec::with_capacity(sealed_len(plaintext.len()));
    sealed.extend_from_slice(salt);
    sealed.extend_from_slice(message.commitment());
    let (full, last) = plaintext.split_at(plaintext.len() / CHUNK_LEN * CHUNK_LEN);
    for (index, chunk) in (0u64..).zip(full.chunks_exact(CHUNK_LEN).chain([last])) {
        let start = sealed.len();
        sealed.extend_from_slice(chunk);
        let tag = cipher.seal(message.nonce(index), &mut sealed[start..]).map_err(|_| SealError::TooLong)?;
        sealed.extend_from_slice(&tag);
    }
    Ok(sealed)
}

fn open_chunks<C: ChunkCipher>(message: &MessageKey, chunks: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let cipher = C::new(message.key()).map_err(|_| OpenError::Tampered)?;
    let mut plaintext = Zeroizing::new(Vec::with_capacity(chunks.len()));
    let (full, last) = chunks.split_at(chunks.len() / SEALED_CHUNK_LEN * SEALED_CHUNK_LEN);
    for (index, chunk) in (0u64..).zip(full.chunks_exact(SEALED_CHUNK_LEN).chain([last])) {
        let (ciphertext, tag) = chunk.split_last_chunk::<TAG_LEN>().ok_or(OpenError::Malformed)?;
        let start = plaintext.len();
        plaintext.extend_from_slice(ciphertext);
        cipher.open(message.nonce(index), &mut plaintext[start..], *tag).map_err(|_| OpenError::Tampered)?;
    }
    Ok(plaintext)
}

/// The three parts of a sealed thing, its length found possible.
struct Parts<'a> {
    salt: &'a [u8; SALT_LEN],
    commitment: &'a [u8; COMMITMENT_LEN],
    chunks: &'a [u8],
}

impl<'a> Parts<'a> {
    fn split(sealed: &'a [u8]) -> Result<Self, OpenError> {
        let (salt, rest) = sealed.split_first_chunk().ok_or(OpenError::Malformed)?;
        let (commitment, chunks) = rest.split_first_chunk().ok_or(OpenError::Malformed)?;
        let possible =
            chunks.len() % SEALED_CHUNK_LEN >= TAG_LEN && ((chunks.len() / SEALED_CHUNK_LEN) as u64) < MAX_CHUNKS;
        if possible { Ok(Self { salt, commitment, chunks }) } else { Err(OpenError::Malformed) }
    }
}

/// The single-use secrets of one message: key, base nonce, commitment.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct MessageKey([u8; KEY_LEN + NONCE_LEN + COMMITMENT_LEN]);

impl MessageKey {
    pub(super) fn derive(key: &Key32, salt: &[u8; SALT_LEN], context: &[u8]) -> Self {
        let mut derived = Self([0; KEY_LEN + NONCE_LEN + COMMITMENT_LEN]);
        hkdf_expand_sha512(key.expose(), &[LABEL, salt, context], &mut derived.0);
        derived
    }

    pub(super) fn key(&self) -> &[u8; KEY_LEN] {
        first(&self.0)
    }

    pub(super) fn base_nonce(&self) -> &[u8; NONCE_LEN] {
        first(&self.0[KEY_LEN..])
    }

    pub(super) fn commitment(&self) -> &[u8; COMMITMENT_LEN] {
        first(&self.0[KEY_LEN + NONCE_LEN..])
    }

    fn nonce(&self, chunk: u64) -> [u8; NONCE_LEN] {
        let mut nonce = *self.base_nonce();
        for (byte, counter) in nonce[NONCE_LEN - 8..].iter_mut().zip(chunk.to_be_bytes()) {
            *byte ^= counter;
        }
        nonce
    }
}

fn first<const N: usize>(bytes: &[u8]) -> &[u8; N] {
    bytes.first_chunk().expect("the caller slices a constant range that is long enough")
}

const KEY_LEN: usize = 32;
const COMMITMENT_LEN: usize = 32;
const HEADER_LEN: usize = SALT_LEN + COMMITMENT_LEN;
const CHUNK_LEN: usize = 16 * 1024;
const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
const MAX_CHUNKS: u64 = 1 << 38;

/// The specification's prefix, the AEAD's IANA name, and the zero byte that ends it.
const LABEL: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
