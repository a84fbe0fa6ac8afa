//! The types that a key may have, and how each is read from TOML and from text.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::{Role, Slug, TrustDomain};

use super::error::Problem;

/// A value as it was found.
#[derive(Debug)]
pub(super) enum Raw<'a> {
    /// In the file, whose folder relative paths count from.
    Toml(&'a toml::Value, &'a Path),
    /// In the environment or in a flag.
    Text(&'a str),
}

/// A type that a key may have.
pub(super) trait Value: Sized {
    /// What may stand there, in words that follow "expected".
    const EXPECTED: &'static str;

    /// Reads the value from TOML; a relative path counts from `folder`.
    fn from_toml(value: &toml::Value, _folder: &Path) -> Option<Self> {
        Self::from_text(value.as_str()?)
    }
    /// Reads the value from text.
    fn from_text(text: &str) -> Option<Self>;
    /// Returns the value as TOML; nothing where it is not set.
    fn to_toml(&self) -> Option<toml::Value>;
}

/// Reads a value, or tells what was expected.
pub(super) fn parse<T: Value>(raw: &Raw<'_>) -> Result<T, Problem> {
    let value = match raw {
        Raw::Toml(value, folder) => T::from_toml(value, folder),
        Raw::Text(text) => T::from_text(text),
    };
    value.ok_or(Problem::Expected(T::EXPECTED))
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_toml(value: &toml::Value, _folder: &Path) -> Option<Self> {
        value.as_bool()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some((*self).into())
    }
}

/// Whole numbers from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    /// Returns `number`, moved into the range where it lies outside.
    pub const fn clamped(number: u64) -> Self {
        Self(if number < MIN {
            MIN
        } else if number > MAX {
            MAX
        } else {
            number
        })
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the number as a size; the largest size where it is larger.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u64, const MAX: u64> Value for Whole<MIN, MAX> {
    const EXPECTED: &'static str = "a whole number within its limits";

    fn from_toml(value: &toml::Value, _folder: &Path) -> Option<Self> {
        let number = u64::try_from(value.as_integer()?).ok()?;
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    fn from_text(text: &str) -> Option<Self> {
        let number = text.parse().ok()?;
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl Value for SocketAddr {
    const EXPECTED: &'static str = "an IP address and port such as \"127.0.0.1:7443\"";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.to_string().into())
    }
}

impl Value for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn from_toml(value: &toml::Value, folder: &Path) -> Option<Self> {
        Self::from_text(value.as_str()?).map(|path| folder.join(path))
    }

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains('\0')).then(|| text.into())
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.display().to_string().into())
    }
}

impl Value for String {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.clone().into())
    }
}

impl Value for Slug {
    const EXPECTED: &'static str = "a slug such as \"standard\"";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.as_str().into())
    }
}

impl Value for TrustDomain {
    const EXPECTED: &'static str = "a SPIFFE trust domain such as \"example.org\"";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.as_str().into())
    }
}

/// Roles, at least one; in TOML a list, in text with commas between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Returns one role.
    pub fn only(role: Role) -> Self {
        Self([role].into())
    }

    /// Returns the roles.
    pub fn as_set(&self) -> &BTreeSet<Role> {
        &self.0
    }

    fn read<'a>(words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let roles: BTreeSet<Role> = words.map(|word| word.trim().parse().ok()).collect::<Option<_>>()?;
        (!roles.is_empty()).then_some(Self(roles))
    }
}

impl Value for Roles {
    const EXPECTED: &'static str = "a list of roles such as [\"ingestor\", \"reader\"]";

    fn from_toml(value: &toml::Value, _folder: &Path) -> Option<Self> {
        let words: Option<Vec<&str>> = value.as_array()?.iter().map(toml::Value::as_str).collect();
        Self::read(words?.into_iter())
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::read(text.split(','))
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(toml::Value::Array(self.0.iter().map(|role| role.as_str().into()).collect()))
    }
}

/// An empty text sets nothing, so that a variable in the environment can take back what the file sets.
impl<T: Value> Value for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_toml(value: &toml::Value, folder: &Path) -> Option<Self> {
        match value.as_str() {
            Some("") => Some(None),
            _ => T::from_toml(value, folder).map(Some),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { T::from_text(text).map(Some) }
    }

    fn to_toml(&self) -> Option<toml::Value> {
        self.as_ref().and_then(Value::to_toml)
    }
}

/// How long a duration may be: a year.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

impl Value for Duration {
    const EXPECTED: &'static str = "a duration such as \"250ms\", \"30s\", \"10m\", \"24h\" or \"7d\", at most a year";

    fn from_text(text: &str) -> Option<Self> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        Some(Self::from_millis(number.checked_mul(milliseconds)?)).filter(|duration| *duration <= LONGEST)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        let ms = self.as_millis();
        Some(if ms.is_multiple_of(1_000) { format!("{}s", ms / 1_000) } else { format!("{ms}ms") }.into())
    }
}

/// Declares an enum that a key may have: variant and spelling.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident, $expected:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// Returns the spelling.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl $crate::config::value::Value for $name {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }

            fn to_toml(&self) -> Option<toml::Value> {
                Some(self.as_str().into())
            }
        }
    };
}
pub(super) use choice;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_an_end() {
        assert_eq!(Duration::from_text("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(Duration::from_text("24h"), Some(Duration::from_secs(86_400)));
        for wrong in ["", "5", "s", "-1s", "1.5s", "5 s", "9999999999999999999s", "500d"] {
            assert_eq!(Duration::from_text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn whole_numbers_stay_in_their_range() {
        assert_eq!(Whole::<1, 8>::from_text("8"), Some(Whole(8)));
        for wrong in ["0", "9", "-1", "", "1.0", " 1"] {
            assert_eq!(Whole::<1, 8>::from_text(wrong), None, "{wrong}");
        }
        assert_eq!(Whole::<1, 8>::from_toml(&toml::Value::Integer(-1), Path::new("")), None);
        assert_eq!(Whole::<1, 8>::from_toml(&toml::Value::String("4".into()), Path::new("")), None);
    }

    #[test]
    fn roles_are_a_list_and_never_none() {
        let two = Roles::read(["reader", "ingestor"].into_iter()).unwrap();
        assert_eq!(Roles::from_text("ingestor, reader"), Some(two.clone()));
        assert_eq!(Roles::from_toml(&two.to_toml().unwrap(), Path::new("")), Some(two));
        for wrong in ["", ",", "Reader", "reader,", "reader ingestor"] {
            assert_eq!(Roles::from_text(wrong), None, "{wrong}");
        }
        assert_eq!(Roles::from_toml(&toml::Value::Array(Vec::new()), Path::new("")), None);
        assert_eq!(Roles::from_toml(&toml::Value::Array(vec![1.into()]), Path::new("")), None);
    }

    #[test]
    fn an_empty_text_takes_back_what_may_be_missing() {
        assert_eq!(Option::<PathBuf>::from_text(""), Some(None));
        assert_eq!(PathBuf::from_text(""), None);
    }
}
