//! Tokens that stand for a value: the same for the same value under one key, and telling nothing without it.

use ring::hmac;
use secrecy::{ExposeSecret, SecretBox};

use super::Class;

/// The secret under which pseudonyms are made: 32 bytes, wiped when dropped.
///
/// One key belongs to one conversation, so that its pseudonyms cannot be linked to another's and die with it.
///
/// The bytes lie on the heap and never move: a key that is handed on leaves no copy behind.
pub struct PseudonymKey(SecretBox<[u8; 32]>);

impl PseudonymKey {
    /// Takes over 32 bytes, which the caller wipes on his side where they are secret.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self::copy_of(&bytes)
    }

    /// Copies 32 secret bytes from where they are held to where this key holds them, and nowhere else.
    pub fn copy_of(bytes: &[u8; 32]) -> Self {
        Self(SecretBox::init_with_mut(|into: &mut [u8; 32]| into.copy_from_slice(bytes)))
    }

    pub(super) fn tokens(&self) -> Tokens {
        Tokens(hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret()))
    }
}

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymKey(..)")
    }
}

/// Makes tokens for the time of one call.
pub(super) struct Tokens(hmac::Key);

impl Tokens {
    /// Returns the first 8 bytes of HMAC-SHA256(key, 0x00 || `purpose` || 0x00 || `text`). No class name begins with 0x00: what is hashed
    /// here never meets a pseudonym.
    pub(super) fn hash(&self, purpose: &str, text: &str) -> [u8; 8] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [&[0], purpose.as_bytes(), &[0], text.as_bytes()] {
            context.update(part);
        }
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Appends `<CLASS_XXXX>`, where XXXX is the first 20 bits of HMAC-SHA256(key, class name || 0x00 || `canonical`)
    /// in Crockford base32.
    pub(super) fn write(&self, class: Class, canonical: &str, out: &mut String) {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(class.as_str().as_bytes());
        context.update(&[0]);
        context.update(canonical.as_bytes());
        let tag = context.sign();
        let tag = tag.as_ref();
        let bits = u32::from_be_bytes([0, tag[0], tag[1], tag[2]]) >> 4;
        out.push('<');
        out.push_str(class.as_str());
        out.push('_');
        for shift in [15, 10, 5, 0] {
            out.push(char::from(CROCKFORD[(bits >> shift) as usize & 31]));
        }
        out.push('>');
    }
}

/// The alphabet of <https://www.crockford.com/base32.html>: no I, L, O, U.
pub(super) const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;

    fn token(key: u8, class: Class, value: &str) -> String {
        let mut out = String::new();
        PseudonymKey::from_bytes([key; 32]).tokens().write(class, value, &mut out);
        out
    }

    /// Computed once with Python's `hmac` over the documented input.
    #[test]
    fn the_token_is_the_documented_hmac() {
        assert_eq!(token(7, Class::Email, "jane@example.org"), "<EMAIL_HF22>");
    }

    #[test]
    fn key_class_and_value_all_count() {
        let base = token(1, Class::Phone, "4155550132");
        assert_eq!(base, token(1, Class::Phone, "4155550132"));
        assert_ne!(base, token(2, Class::Phone, "4155550132"));
        assert_ne!(base[6..], token(1, Class::UsSsn, "4155550132")[7..]);
        assert_ne!(base, token(1, Class::Phone, "4155550133"));
    }

    #[test]
    fn the_key_never_prints() {
        assert_eq!(format!("{:?}", PseudonymKey::from_bytes([65; 32])), "PseudonymKey(..)");
    }
}
