//! The classes of personal data and secrets that a finding can have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The kind of value a finding is, as written in tokens, policies and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Class {
    /// An internet mail address.
    Email,
    /// A telephone or fax number.
    Phone,
    /// A payment card number (PAN, ISO/IEC 7812).
    Card,
    /// An international bank account number (ISO 13616).
    Iban,
    /// A social security number of the United States.
    UsSsn,
    /// An IPv4 or IPv6 address, with its prefix length where one is written.
    Ip,
    /// An IEEE 802 hardware address (EUI-48).
    Mac,
    /// The user and password part of a URL (RFC 3986 userinfo).
    UrlCredential,
    /// A date of birth that its surroundings name as such.
    DateOfBirth,
    /// A password, key, token, one-time code or card security code.
    Secret,
}

impl Class {
    /// Every class this build can find, in order.
    pub const ALL: [Class; 10] = [
        Class::Email,
        Class::Phone,
        Class::Card,
        Class::Iban,
        Class::UsSsn,
        Class::Ip,
        Class::Mac,
        Class::UrlCredential,
        Class::DateOfBirth,
        Class::Secret,
    ];

    /// Returns the name of the class as it stands in tokens and reports, such as `EMAIL`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Email => "EMAIL",
            Class::Phone => "PHONE",
            Class::Card => "CARD",
            Class::Iban => "IBAN",
            Class::UsSsn => "US_SSN",
            Class::Ip => "IP",
            Class::Mac => "MAC",
            Class::UrlCredential => "URL_CREDENTIAL",
            Class::DateOfBirth => "DATE_OF_BIRTH",
            Class::Secret => "SECRET",
        }
    }

    /// Returns which of two overlapping findings wins: the lower number does.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Class::Secret => 0,
            Class::UrlCredential => 1,
            Class::Iban => 2,
            Class::Card => 3,
            Class::UsSsn => 4,
            Class::Email => 5,
            Class::Mac => 6,
            Class::Ip => 7,
            Class::DateOfBirth => 8,
            Class::Phone => 9,
        }
    }

    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name given is of no class that this build can find.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such class in this build; it finds {}", Class::ALL.map(Class::as_str).join(", "))]
pub struct UnknownClass;

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Class::ALL.into_iter().find(|class| class.as_str() == name).ok_or(UnknownClass)
    }
}

impl TryFrom<String> for Class {
    type Error = UnknownClass;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Class> for &'static str {
    fn from(class: Class) -> Self {
        class.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_to_its_class() {
        for class in Class::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        assert_eq!("email".parse::<Class>(), Err(UnknownClass));
    }

    #[test]
    fn no_two_classes_share_a_rank_or_a_bit() {
        let ranks: std::collections::BTreeSet<u8> = Class::ALL.map(Class::rank).into();
        let bits: std::collections::BTreeSet<u32> = Class::ALL.map(Class::bit).into();
        assert_eq!((ranks.len(), bits.len()), (Class::ALL.len(), Class::ALL.len()));
    }
}
