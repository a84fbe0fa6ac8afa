//! What is looked for and what is done with it: a versioned, validated policy.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::class::{Class, ClassSet, Pack};

/// What is done with a value that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Replaces the value by `<CLASS>`: nothing of it can be recovered or linked.
    Drop,
    /// Shows the first 6 and last 4 digits of a card (of a card under 15 digits the last 4 only).
    Mask,
    /// Replaces the value by `<CLASS_XXXX>`, the same for the same value under one key.
    Pseudonym,
}

impl Operator {
    /// Returns the operator's name as it stands in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Operator::Drop => "drop",
            Operator::Mask => "mask",
            Operator::Pseudonym => "pseudonym",
        }
    }
}

/// A redaction policy: which classes are looked for, and what is done with each.
///
/// As JSON, every field but `version` may be left out and then takes the default policy's value; an unknown field is
/// refused.
///
/// ```
/// # use subrosa::redaction::{Policy, Operator, Class};
/// let policy: Policy = serde_json::from_str(r#"{"version": 2, "operators": {"EMAIL": "drop"}}"#)?;
/// assert_eq!(policy.operator(Class::Email), Operator::Drop);
/// assert_eq!(policy.operator(Class::Phone), Operator::Pseudonym);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The version of the policy, from 1; every record says which version handled it.
    pub version: u32,
    /// The operators that differ from the default: drop secrets and URL credentials, mask cards, pseudonyms otherwise.
    #[serde(default)]
    pub operators: BTreeMap<Class, Operator>,
    /// The classes that are looked for.
    #[serde(default = "default_classes")]
    pub classes: BTreeSet<Class>,
    /// The country packs that are on; a class of a pack that is off is not looked for.
    #[serde(default = "all_packs")]
    pub packs: BTreeSet<Pack>,
    /// Treats every candidate as if a word beside it had named its class. Meant for trying recognizers on bare values:
    /// on real text it finds far too much.
    #[serde(default)]
    pub assume_context: bool,
}

/// Why a policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Versions count from 1, so that 0 can mean "none".
    #[error("policy version must be 1 or more")]
    Version,
    /// A policy that looks for nothing would store everything raw.
    #[error("policy enables no class")]
    NoClass,
    /// Secrets and credentials must never be recoverable or linkable.
    #[error("class {0} can only be dropped")]
    MustDrop(Class),
    /// A mask is defined for payment cards only.
    #[error("class {0} cannot be masked")]
    CannotMask(Class),
    /// The matching tables could not be built; a fault of this build, not of the policy.
    #[error("the recognizer tables do not build: {0}")]
    Tables(String),
}

impl Policy {
    /// Returns what is done with a finding of `class`.
    pub fn operator(&self, class: Class) -> Operator {
        self.operators.get(&class).copied().unwrap_or(match class {
            Class::Secret | Class::UrlCredential => Operator::Drop,
            Class::Card => Operator::Mask,
            _ => Operator::Pseudonym,
        })
    }

    /// Returns whether `class` is looked for: it is enabled, and so is its pack if it belongs to one.
    pub fn looks_for(&self, class: Class) -> bool {
        self.classes.contains(&class) && class.pack().is_none_or(|pack| self.packs.contains(&pack))
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// One of [`PolicyError`], the first that applies.
    pub fn validate(&self) -> Result<(), PolicyError> {
        if self.version == 0 {
            return Err(PolicyError::Version);
        }
        if self.classes.is_empty() {
            return Err(PolicyError::NoClass);
        }
        for (&class, &operator) in &self.operators {
            if matches!(class, Class::Secret | Class::UrlCredential) && operator != Operator::Drop {
                return Err(PolicyError::MustDrop(class));
            }
            if operator == Operator::Mask && class != Class::Card {
                return Err(PolicyError::CannotMask(class));
            }
        }
        Ok(())
    }

    pub(super) fn looked_for(&self) -> ClassSet {
        Class::ALL.iter().copied().filter(|&class| self.looks_for(class)).collect()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            version: 1,
            operators: BTreeMap::new(),
            classes: default_classes(),
            packs: all_packs(),
            assume_context: false,
        }
    }
}

/// Every class but the one that names no person: the numbers of orders and accounts.
fn default_classes() -> BTreeSet<Class> {
    Class::ALL.iter().copied().filter(|&class| class != Class::ReferenceNumber).collect()
}

fn all_packs() -> BTreeSet<Pack> {
    Pack::ALL.iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Policy {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_default_policy_is_valid_and_survives_json() {
        let policy = Policy::default();
        assert_eq!(policy.validate(), Ok(()));
        assert_eq!(parse(&serde_json::to_string(&policy).unwrap()), policy);
    }

    #[test]
    fn unknown_fields_and_classes_are_refused() {
        assert!(serde_json::from_str::<Policy>(r#"{"version": 1, "class": []}"#).is_err());
        assert!(serde_json::from_str::<Policy>(r#"{"version": 1, "classes": ["FAX"]}"#).is_err());
    }

    #[test]
    fn a_secret_cannot_be_made_linkable() {
        let policy = parse(r#"{"version": 1, "operators": {"SECRET": "pseudonym"}}"#);
        assert_eq!(policy.validate(), Err(PolicyError::MustDrop(Class::Secret)));
    }

    #[test]
    fn only_a_card_can_be_masked() {
        let policy = parse(r#"{"version": 1, "operators": {"EMAIL": "mask"}}"#);
        assert_eq!(policy.validate(), Err(PolicyError::CannotMask(Class::Email)));
    }

    #[test]
    fn version_zero_and_the_empty_policy_are_refused() {
        assert_eq!(parse(r#"{"version": 0}"#).validate(), Err(PolicyError::Version));
        assert_eq!(parse(r#"{"version": 1, "classes": []}"#).validate(), Err(PolicyError::NoClass));
    }

    #[test]
    fn a_class_is_off_with_its_pack() {
        assert!(!parse(r#"{"version": 1, "packs": []}"#).looks_for(Class::UsSsn));
        assert!(Policy::default().looks_for(Class::UsSsn));
    }
}
