//! Key derivation and keyed hashing, all by `ring`.

use ring::{hkdf, hmac};

use super::scrub::with_clean_stack;
use super::secret::Key32;

/// Names what a derived key or a keyed hash is for, so that no two uses of one key share an output.
///
/// The text goes into the derivation byte for byte; changing one changes every key derived with it. Labels are listed
/// here, beside the derivation, and in `docs/format.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(&'static str);

impl Label {
    /// The commitment to a wrapping key, which is also its key check value.
    pub const WRAP_COMMITMENT: Self = Self("wrap commitment");
    /// The XChaCha20-Poly1305 key of a wrap.
    pub const WRAP_KEY: Self = Self("wrap key");
    /// From a conversation key: the key of its pseudonyms.
    pub const PSEUDONYM: Self = Self("pseudonym");
    /// From a conversation key: the key of its sealed metadata.
    pub const METADATA: Self = Self("metadata");
    /// From a conversation key: the key of its sealed cue and name state.
    pub const REDACTION_STATE: Self = Self("redaction state");
    /// From a tenant's index key: the key of lookup handles.
    pub const HANDLE: Self = Self("handle");
    /// From a tenant's index key: the key of request digests; the context is the day.
    pub const IDEMPOTENCY: Self = Self("idempotency");
    /// From a tenant's index key: the key that authenticates page tokens.
    pub const PAGE_TOKEN: Self = Self("page token");
    /// From a tenant's index key: the key of actor pseudonyms in the audit log.
    pub const ACTOR: Self = Self("actor");

    /// Makes a label of another room. It must be unique in the program; list it in `docs/format.md`.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// The label's text, ASCII without NUL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// Derives a key: HKDF-Expand-SHA-512 with `info = "subrosa/v1/" | label | 0x00 | context`, 32 bytes.
///
/// Expand alone is enough since the input is already a uniformly random key ([RFC 5869 section 3.3]).
///
/// [RFC 5869 section 3.3]: https://www.rfc-editor.org/rfc/rfc5869#section-3.3
#[must_use]
pub fn derive_key(key: &Key32, label: Label, context: &[u8]) -> Key32 {
    with_clean_stack(|| Key32::init_with(|into| expand_label(key, label, context, into)))
}

/// Returns the key check value of a wrapping key: 32 bytes that recognise the key and say nothing else about it.
///
/// It is the commitment that stands in front of everything the key wraps, and stays in a destroyed key's tombstone.
/// It is [`derive_key`] with [`Label::WRAP_COMMITMENT`] and an empty context.
#[must_use]
pub fn key_check_value(key: &Key32) -> [u8; 32] {
    with_clean_stack(|| {
        let mut value = [0; 32];
        expand_label(key, Label::WRAP_COMMITMENT, &[], &mut value);
        value
    })
}

/// Computes HMAC-SHA-256 over parts, each preceded by its length in bytes as 8 bytes big-endian.
///
/// The lengths make it injective: `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn hmac_sha256(key: &Key32, parts: &[&[u8]]) -> [u8; 32] {
    with_clean_stack(|| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    })
}

/// HKDF-Expand with SHA-512 ([RFC 5869 section 2.3]) over the concatenated `info` parts.
///
/// Leaves key material on the stack: call it inside [`with_clean_stack`].
///
/// # Panics
///
/// When `out` is longer than 255 * 64 bytes; every caller asks for 76 at most.
///
/// [RFC 5869 section 2.3]: https://www.rfc-editor.org/rfc/rfc5869#section-2.3
pub(super) fn hkdf_expand_sha512(key: &[u8], info: &[&[u8]], out: &mut [u8]) {
    let length = Length(out.len());
    hkdf::Prk::new_less_safe(hkdf::HKDF_SHA512, key)
        .expand(info, length)
        .and_then(|okm| okm.fill(out))
        .expect("at most 16,320 bytes are asked for");
}

pub(super) fn expand_label(key: &Key32, label: Label, context: &[u8], out: &mut [u8; 32]) {
    hkdf_expand_sha512(key.expose(), &[PREFIX, label.0.as_bytes(), &[0], context], out);
}

/// Stands before every label of this program.
const PREFIX: &[u8] = b"subrosa/v1/";

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key32 {
        Key32::from_bytes(std::array::from_fn(|i| i as u8))
    }

    #[test]
    fn every_input_of_a_derivation_counts() {
        let derived = derive_key(&key(), Label::HANDLE, b"c");
        assert!(derived.ct_eq(&derive_key(&key(), Label::HANDLE, b"c")));
        assert!(!derived.ct_eq(&derive_key(&key(), Label::PSEUDONYM, b"c")));
        assert!(!derived.ct_eq(&derive_key(&key(), Label::HANDLE, b"d")));
        assert!(!derived.ct_eq(&derive_key(&Key32::from_bytes([1; 32]), Label::HANDLE, b"c")));
    }

    #[test]
    fn label_and_context_cannot_run_into_each_other() {
        let split = derive_key(&key(), Label::new("ab"), b"c");
        assert!(!split.ct_eq(&derive_key(&key(), Label::new("a"), b"bc")));
    }

    #[test]
    fn hmac_parts_cannot_run_into_each_other() {
        assert_ne!(hmac_sha256(&key(), &[b"ab", b"c"]), hmac_sha256(&key(), &[b"a", b"bc"]));
        assert_ne!(hmac_sha256(&key(), &[b"abc"]), hmac_sha256(&key(), &[b"abc", b""]));
    }

    #[test]
    fn labels_are_distinct() {
        let all = [
            Label::WRAP_COMMITMENT,
            Label::WRAP_KEY,
            Label::PSEUDONYM,
            Label::METADATA,
            Label::REDACTION_STATE,
            Label::HANDLE,
            Label::IDEMPOTENCY,
            Label::PAGE_TOKEN,
            Label::ACTOR,
        ];
        let unique: std::collections::HashSet<_> = all.iter().map(|label| label.as_str()).collect();
        assert_eq!(unique.len(), all.len());
        assert!(all.iter().all(|label| label.as_str().is_ascii() && !label.as_str().contains('\0')));
    }
}
