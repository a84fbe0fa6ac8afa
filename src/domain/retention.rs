//! How long records stay.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::Slug;

/// A tenant's retention policy: named classes, one of them the default, every one finite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawPolicy")]
pub struct RetentionPolicy {
    /// The class of a conversation that names none.
    pub default_class: Slug,
    /// Days that each class is kept, counted from `received_at`; from 1 to [`MAX_DAYS`].
    pub classes: BTreeMap<Slug, u32>,
}

/// The longest retention a class may have: a hundred years. There is no "for ever".
pub const MAX_DAYS: u32 = 36_525;

/// Why a retention policy is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetentionError {
    /// The default names a class that is not there.
    #[error("the default class is not among the classes")]
    NoDefault,
    /// A class has no days, or more than [`MAX_DAYS`].
    #[error("a class must be kept between 1 day and 36525 days")]
    OutOfRange,
    /// More than 64 classes.
    #[error("at most 64 classes")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    default_class: Slug,
    classes: BTreeMap<Slug, u32>,
}

impl TryFrom<RawPolicy> for RetentionPolicy {
    type Error = RetentionError;

    fn try_from(raw: RawPolicy) -> Result<Self, RetentionError> {
        Self::new(raw.default_class, raw.classes)
    }
}

impl RetentionPolicy {
    /// Returns the policy, or why it is not one.
    pub fn new(default_class: Slug, classes: BTreeMap<Slug, u32>) -> Result<Self, RetentionError> {
        if classes.len() > 64 {
            return Err(RetentionError::TooMany);
        }
        if classes.values().any(|days| !(1..=MAX_DAYS).contains(days)) {
            return Err(RetentionError::OutOfRange);
        }
        if !classes.contains_key(&default_class) {
            return Err(RetentionError::NoDefault);
        }
        Ok(Self { default_class, classes })
    }

    /// Returns how many days `class` is kept.
    pub fn days(&self, class: &Slug) -> Option<u32> {
        self.classes.get(class).copied()
    }

    /// Tells whether `next` keeps some class for less time than this policy, or drops one.
    pub fn is_shortened_by(&self, next: &Self) -> bool {
        self.classes.iter().any(|(class, days)| next.days(class).is_none_or(|later| later < *days))
            || next.days(&next.default_class) < self.days(&self.default_class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(default: &str, classes: &[(&str, u32)]) -> Result<RetentionPolicy, RetentionError> {
        let classes = classes.iter().map(|(name, days)| (name.parse().unwrap(), *days)).collect();
        RetentionPolicy::new(default.parse().unwrap(), classes)
    }

    #[test]
    fn retention_is_finite() {
        assert_eq!(policy("a", &[("a", 0)]), Err(RetentionError::OutOfRange));
        assert_eq!(policy("a", &[("a", MAX_DAYS + 1)]), Err(RetentionError::OutOfRange));
        assert_eq!(policy("a", &[("b", 1)]), Err(RetentionError::NoDefault));
        assert!(serde_json::from_str::<RetentionPolicy>(r#"{"default_class":"a","classes":{"a":0}}"#).is_err());
    }

    #[test]
    fn a_shorter_or_missing_class_is_a_shortening() {
        let now = policy("a", &[("a", 30), ("b", 90)]).unwrap();
        assert!(!now.is_shortened_by(&policy("a", &[("a", 30), ("b", 91), ("c", 1)]).unwrap()));
        assert!(now.is_shortened_by(&policy("a", &[("a", 29), ("b", 90)]).unwrap()));
        assert!(now.is_shortened_by(&policy("a", &[("a", 30)]).unwrap()));
        assert!(now.is_shortened_by(&policy("c", &[("a", 30), ("b", 90), ("c", 1)]).unwrap()));
    }
}
