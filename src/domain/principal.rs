//! Who calls.

use super::codes::Role;
use super::ids::{PrincipalId, Slug, TenantId};

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
    /// The bots it is limited to; none listed is none allowed for an ingestor, and no limit for other roles.
    pub bots: Vec<Slug>,
}

impl Principal {
    /// Tells whether the credential reaches `tenant` at all.
    pub fn reaches(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// Tells whether the credential reaches conversations of `bot`.
    pub fn reaches_bot(&self, bot: &Slug) -> bool {
        match self.role {
            Role::Ingestor => self.bots.contains(bot),
            _ => self.bots.is_empty() || self.bots.contains(bot),
        }
    }
}
