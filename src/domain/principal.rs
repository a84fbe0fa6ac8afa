//! Who calls.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::codes::Role;
use super::ids::{IdError, PrincipalId, Slug, TenantId};

/// The bots whose conversations a credential reaches. Written as a list of names, or as `*` for every bot of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub enum BotScope {
    /// Every bot of the tenant.
    Any,
    /// These bots; never empty.
    Only(BTreeSet<Slug>),
}

const EVERY_BOT: &str = "*";

impl BotScope {
    /// Returns the scope written as `words`; none is what no word means: `None`.
    ///
    /// # Errors
    ///
    /// A word is no bot's name, or `*` does not stand alone.
    pub fn parse<W: AsRef<str>>(words: &[W]) -> Result<Option<Self>, IdError> {
        match words {
            [] => Ok(None),
            [every] if every.as_ref() == EVERY_BOT => Ok(Some(Self::Any)),
            words => Ok(Some(Self::Only(words.iter().map(|word| word.as_ref().parse()).collect::<Result<_, _>>()?))),
        }
    }

    /// Returns the words it is written as.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Any => vec![EVERY_BOT.to_owned()],
            Self::Only(bots) => bots.iter().map(ToString::to_string).collect(),
        }
    }

    /// Tells whether it reaches conversations of `bot`.
    pub fn reaches(&self, bot: &Slug) -> bool {
        match self {
            Self::Any => true,
            Self::Only(bots) => bots.contains(bot),
        }
    }

    /// Returns the bots to filter a list by; empty is no limit.
    pub fn filter(&self) -> Vec<Slug> {
        match self {
            Self::Any => Vec::new(),
            Self::Only(bots) => bots.iter().cloned().collect(),
        }
    }

    /// Returns the one bot it is limited to, where it is one.
    pub fn only_one(&self) -> Option<&Slug> {
        match self {
            Self::Only(bots) if bots.len() == 1 => bots.first(),
            Self::Any | Self::Only(_) => None,
        }
    }
}

impl TryFrom<Vec<String>> for BotScope {
    type Error = IdError;

    fn try_from(words: Vec<String>) -> Result<Self, IdError> {
        Self::parse(&words)?.ok_or(IdError { expected: "at least one bot, or *" })
    }
}

impl From<BotScope> for Vec<String> {
    fn from(scope: BotScope) -> Self {
        scope.words()
    }
}

/// A caller whose credential was checked, and what that credential is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its name, as the security officer gave it. Never written to the audit log.
    pub id: PrincipalId,
    /// What the audit log calls it: random, and tied to the name in the key store only.
    pub pseudonym: String,
    /// What it may be.
    pub role: Role,
    /// The one tenant it is limited to, or every tenant.
    pub tenant: Option<TenantId>,
    /// The bots it is limited to.
    pub bots: BotScope,
}

impl Principal {
    /// Tells whether the credential reaches `tenant` at all.
    pub fn reaches(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// Tells whether the credential reaches conversations of `bot`.
    pub fn reaches_bot(&self, bot: &Slug) -> bool {
        self.bots.reaches(bot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_as_names_or_a_star() {
        let none: [&str; 0] = [];
        assert_eq!(BotScope::parse(&none), Ok(None));
        assert_eq!(BotScope::parse(&["*"]), Ok(Some(BotScope::Any)));
        let two = BotScope::parse(&["b", "a"]).unwrap().unwrap();
        assert_eq!(two.words(), ["a", "b"]);
        assert!(two.reaches(&"a".parse().unwrap()) && !two.reaches(&"c".parse().unwrap()));
        assert!(BotScope::parse(&["*", "a"]).is_err() && BotScope::parse(&["a*"]).is_err());
        assert!(serde_json::from_str::<BotScope>("[]").is_err());
        assert_eq!(serde_json::to_string(&BotScope::Any).unwrap(), r#"["*"]"#);
    }
}
