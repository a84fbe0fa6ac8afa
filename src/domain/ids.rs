//! Identifiers, each parsed once at the edge and right from then on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an identifier of the kind that was asked for. It never carries the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct IdError {
    /// What would have been right, such as "a lower-case name of 1 to 63 characters".
    pub expected: &'static str,
}

/// Declares a string newtype that only its check can make.
macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $check:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(s: &str) -> Result<Self, IdError> {
                if $check(s) { Ok(Self(s.to_owned())) } else { Err(IdError { expected: $expected }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(s: String) -> Result<Self, IdError> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_string!(
    /// A tenant: `[a-z][a-z0-9-]{0,31}`, not ending in a hyphen (an RFC 1034 label; short, so that audit entries stay under 512 bytes).
    TenantId,
    is_short_label,
    "a lower-case letter, then letters, digits or hyphens, 32 characters at most"
);
checked_string!(
    /// The person or service behind a credential, as the security officer names it: `[a-z][a-z0-9-]{0,62}`.
    PrincipalId,
    is_label,
    "a lower-case letter, then letters, digits or hyphens, 63 characters at most"
);
checked_string!(
    /// A bot, channel, language, retention class or label: 1 to 64 of `A-Z a-z 0-9 . _ : / -`, starting with a letter or digit.
    Slug,
    is_slug,
    "1 to 64 letters, digits and . _ : / - , starting with a letter or digit"
);
checked_string!(
    /// A SPIFFE trust domain, whose authority signs client certificates: 1 to 255 of `a-z 0-9 . _ -`, starting with a letter or
    /// digit ([SPIFFE-ID, section 2.1](https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md#21-trust-domain)).
    TrustDomain,
    is_trust_domain,
    "1 to 255 lower-case letters, digits and . _ - , starting with a letter or digit"
);
checked_string!(
    /// A matter or ticket that a read is done for: 1 to 32 of `A-Z a-z 0-9 . _ -`, starting with a letter or digit.
    CaseReference,
    is_case,
    "1 to 32 letters, digits and . _ - , starting with a letter or digit"
);

fn is_short_label(s: &str) -> bool {
    s.len() <= 32 && is_label(s)
}

fn is_label(s: &str) -> bool {
    let bytes = s.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && !s.ends_with('-')
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

fn is_slug(s: &str) -> bool {
    is_word(s, 64, b"._:/-")
}

fn is_case(s: &str) -> bool {
    is_word(s, 32, b"._-")
}

fn is_trust_domain(s: &str) -> bool {
    is_word(s, 255, b"._-") && !s.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_word(s: &str, most: usize, marks: &[u8]) -> bool {
    let bytes = s.as_bytes();
    (1..=most).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || marks.contains(b))
}

/// A conversation: a UUIDv7 that the vault made, so that it holds nothing of the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(Uuid);

impl ConversationId {
    /// Returns the identifier for `uuid`, which the caller made with the vault's clock and randomness.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Returns the 16 bytes, big-endian.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Returns the identifier stored as `bytes`.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Returns when it was made, in milliseconds since the Unix epoch: the first 48 bits of a UUIDv7
    /// ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)).
    pub fn unix_ms(&self) -> i64 {
        self.0.as_bytes()[..6].iter().fold(0, |ms, byte| ms << 8 | i64::from(*byte))
    }
}

impl FromStr for ConversationId {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        parse_uuid(s).map(Self)
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// A client's name for one request, so that it can be repeated without being done twice: a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Returns the request id for `uuid`.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Returns the 16 bytes, big-endian.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for RequestId {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        parse_uuid(s).map(Self)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

fn parse_uuid(s: &str) -> Result<Uuid, IdError> {
    let wrong = IdError { expected: "a UUID in its 36-character form, lower case" };
    if s.len() != 36 || s.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(wrong);
    }
    Uuid::try_parse(s).map_err(|_| wrong)
}

/// One installed vault: 16 random bytes, made by `init`. Prints as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VaultId(pub [u8; 16]);

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_lower_case_labels() {
        for good in ["a", "acme", "acme-2", &"a".repeat(32)] {
            assert!(good.parse::<TenantId>().is_ok(), "{good}");
        }
        for bad in ["", "Acme", "2acme", "acme-", "ac me", "acme/x", &"a".repeat(33), "ácme"] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn slugs_hold_no_free_text() {
        assert!("support/v2:eu-1".parse::<Slug>().is_ok());
        for bad in ["", "-x", "a b", "a@b", &"x".repeat(65)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn uuids_have_one_spelling() {
        assert!("0193c8f0-7b5e-7c3a-9d2e-1f6a5b4c3d2e".parse::<ConversationId>().is_ok());
        assert!("0193C8F0-7B5E-7C3A-9D2E-1F6A5B4C3D2E".parse::<ConversationId>().is_err());
        assert!("{0193c8f0-7b5e-7c3a-9d2e-1f6a5b4c3d2e}".parse::<RequestId>().is_err());
    }

    #[test]
    fn an_error_does_not_carry_the_value() {
        let error = "jane@example.com".parse::<TenantId>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("jane"));
    }
}
