//! API keys as text: `srk_{id}_{secret}`.
//!
//! The id is 16 characters, the secret 52, both base32 in lower case without padding (RFC 4648 section 6): neither
//! holds an underscore, so there is one way to read a key. The secret is 32 random bytes; kept is its SHA-256, which
//! needs no salt and no stretching because nobody can guess 256 bits.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::sealing::{Key32, with_clean_stack};

/// An API key in full, as it is shown once.
///
/// # Security
///
/// It is wiped when dropped, `Debug` does not show it, and [`SecretKeyText::expose`] is the one door to it.
pub struct SecretKeyText(Zeroizing<String>);

impl SecretKeyText {
    /// Draws a new secret for the key `id`, and returns the key and the hash to keep.
    pub(super) fn generate(id: &str) -> (Self, [u8; 32]) {
        let mut secret = Zeroizing::new(String::with_capacity(SECRET_CHARS));
        BASE32_NOPAD.encode_append(Key32::random().expose(), &mut secret);
        secret.make_ascii_lowercase();
        let mut text = Zeroizing::new(String::with_capacity(KEY_CHARS));
        for part in [PREFIX, id, "_", &secret] {
            text.push_str(part);
        }
        (Self(text), hash(&secret))
    }

    /// Shows the key.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeyText(..)")
    }
}

/// Why a credential was not accepted: for the audit log. The caller is told no more than that it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cause {
    /// There is none.
    Missing,
    /// It is not of the form of a credential.
    Malformed,
    /// No key has this id.
    Unknown,
    /// The key has another secret.
    Wrong,
    /// The key has expired.
    Expired,
    /// The key was revoked.
    Revoked,
    /// The stored key lacks a limit that its role must have; or the certificate does, or its role is not one that certificates
    /// may carry, or does not go with another credential of the principal.
    Misfit,
    /// No certificate was shown where one is required.
    CertificateMissing,
    /// The certificate is not a client's, or its name not of the form.
    CertificateMalformed,
    /// No authority that is trusted signed the certificate, or its name is of another trust domain.
    CertificateUnknown,
    /// A signature does not fit: the certificate was altered, or its key is not the client's.
    CertificateWrong,
    /// The certificate has expired, or is not valid yet.
    CertificateExpired,
    /// The certificate was revoked.
    CertificateRevoked,
    /// Whether the certificate was revoked cannot be told: a list is missing or out of date.
    CertificateUnchecked,
}

impl Cause {
    /// Returns the reason in the audit entry.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "CREDENTIAL_MISSING",
            Self::Malformed => "CREDENTIAL_MALFORMED",
            Self::Unknown => "CREDENTIAL_UNKNOWN",
            Self::Wrong => "CREDENTIAL_WRONG",
            Self::Expired => "CREDENTIAL_EXPIRED",
            Self::Revoked => "CREDENTIAL_REVOKED",
            Self::Misfit => "CREDENTIAL_MISFIT",
            Self::CertificateMissing => "CERTIFICATE_MISSING",
            Self::CertificateMalformed => "CERTIFICATE_MALFORMED",
            Self::CertificateUnknown => "CERTIFICATE_UNKNOWN",
            Self::CertificateWrong => "CERTIFICATE_WRONG",
            Self::CertificateExpired => "CERTIFICATE_EXPIRED",
            Self::CertificateRevoked => "CERTIFICATE_REVOKED",
            Self::CertificateUnchecked => "CERTIFICATE_UNCHECKED",
        }
    }
}

/// A key as presented, of the right form. It has no `Debug`.
pub(super) struct Presented<'a> {
    /// The public part.
    pub(super) id: &'a str,
    secret: &'a str,
}

impl<'a> Presented<'a> {
    /// Reads the value of an `authorization` header: the scheme `Bearer` (in any case, RFC 9110 section 11.1) and a
    /// key.
    pub(super) fn parse(header: Option<&'a str>) -> Result<Self, Cause> {
        let (scheme, token) = header.ok_or(Cause::Missing)?.split_once(' ').ok_or(Cause::Malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Cause::Malformed);
        }
        let (id, secret) = token.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(Cause::Malformed)?;
        if !is_base32(id, ID_CHARS) || !is_base32(secret, SECRET_CHARS) {
            return Err(Cause::Malformed);
        }
        Ok(Self { id, secret })
    }

    /// Tells whether this is the key whose secret has `kept` as its hash, in time that does not depend on where they
    /// differ.
    pub(super) fn matches(&self, kept: &[u8; 32]) -> bool {
        hash(self.secret).ct_eq(kept).into()
    }
}

/// Returns 16 characters that stand for the 10 bytes: a key's id, or the random part of a pseudonym.
pub(super) fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

/// Tells whether `id` has the form of a key's id.
pub(super) fn is_key_id(id: &str) -> bool {
    is_base32(id, ID_CHARS)
}

/// The hash takes a secret of this length into one block, which would stay on the stack.
fn hash(secret: &str) -> [u8; 32] {
    with_clean_stack(|| {
        let mut kept = [0; 32];
        kept.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        kept
    })
}

fn is_base32(text: &str, chars: usize) -> bool {
    text.len() == chars && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
}

const PREFIX: &str = "srk_";
const ID_CHARS: usize = 16;
const SECRET_CHARS: usize = 52;
const KEY_CHARS: usize = PREFIX.len() + ID_CHARS + 1 + SECRET_CHARS;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "abcdefghijklmnop";

    #[test]
    fn a_new_key_reads_back_and_matches_its_hash_alone() {
        let (key, kept) = SecretKeyText::generate(ID);
        let header = format!("Bearer {}", key.expose());
        let presented = Presented::parse(Some(&header)).ok().unwrap();
        assert_eq!(presented.id, ID);
        assert!(presented.matches(&kept));
        for bit in 0..256 {
            let mut other = kept;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!presented.matches(&other), "bit {bit}");
        }
        let (second, _) = SecretKeyText::generate(ID);
        assert_ne!(second.expose(), key.expose());
    }

    #[test]
    fn the_kept_hash_is_sha256_of_the_secret_text() {
        // printf '%052d' 0 | tr 0 a | sha256sum
        let expected = "6c1b3dc7a706b9dc81352a6716b9c666c608d8626272c64b914ab05572fc6e84";
        let found = data_encoding::HEXLOWER.encode(&hash(&"a".repeat(52)));
        assert_eq!(found, expected);
    }

    #[test]
    fn debug_does_not_show_it() {
        let (key, _) = SecretKeyText::generate(ID);
        assert_eq!(format!("{key:?}"), "SecretKeyText(..)");
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        let (key, _) = SecretKeyText::generate(ID);
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert!(Presented::parse(Some(&format!("{scheme} {}", key.expose()))).is_ok());
        }
    }

    #[test]
    fn other_forms_are_malformed() {
        let secret = "a".repeat(52);
        for bad in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("srk_{ID}_{secret}"),
            format!("Basic srk_{ID}_{secret}"),
            format!("Bearer  srk_{ID}_{secret}"),
            format!("Bearer srk_{ID}_{secret} "),
            format!("Bearer SRK_{ID}_{secret}"),
            format!("Bearer srk_{ID}_{}", secret.to_uppercase()),
            format!("Bearer srk_{ID}_{secret}a"),
            format!("Bearer srk_{ID}__{secret}"),
            format!("Bearer srk_{}_{secret}", &ID[1..]),
            "Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(),
        ] {
            assert_eq!(Presented::parse(Some(&bad)).err(), Some(Cause::Malformed), "{bad:?}");
        }
        assert_eq!(Presented::parse(None).err(), Some(Cause::Missing));
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(header in ".{0,200}") {
            let _ = Presented::parse(Some(&header));
        }

        #[test]
        fn near_misses_are_refused(at in 0_usize..80, with in any::<char>()) {
            let (key, kept) = SecretKeyText::generate(ID);
            let good: Vec<char> = format!("Bearer {}", key.expose()).chars().collect();
            let mut bad = good.clone();
            bad[at % good.len()] = with;
            prop_assume!(!bad.iter().collect::<String>().eq_ignore_ascii_case(&good.iter().collect::<String>()));
            let header: String = bad.into_iter().collect();
            let accepted = Presented::parse(Some(&header)).is_ok_and(|p| p.id == ID && p.matches(&kept));
            prop_assert!(!accepted);
        }
    }
}
