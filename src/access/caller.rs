//! Who calls, once that is known.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::{Principal, TenantId};

use super::certificate::ClientCertificate;
use super::key_cache::KnownKey;
use super::permission::{Permission, Rule};

/// A credential that was accepted.
#[derive(Clone)]
pub(super) enum Credential {
    /// An API key.
    ApiKey(Arc<KnownKey>),
    /// A client certificate, and whose it is.
    Certificate(Arc<ClientCertificate>, Arc<Principal>),
}

impl Credential {
    /// Returns whose it is.
    pub(super) fn principal(&self) -> &Principal {
        match self {
            Self::ApiKey(key) => &key.principal,
            Self::Certificate(_, principal) => principal,
        }
    }

    /// Returns its resource name; a certificate has none, and what stands in it goes into no log.
    pub(super) fn object(&self) -> Option<String> {
        match self {
            Self::ApiKey(key) => Some(format!("apiKeys/{}", key.row.id)),
            Self::Certificate(..) => None,
        }
    }
}

/// A caller whose credential was accepted and whose role has the permission that the method needs.
///
/// Only [`super::Gate::admit`] makes one. It is not yet allowed to touch anything: that is [`super::Gate::authorize`].
#[derive(Clone)]
pub struct Caller {
    pub(super) credential: Credential,
    pub(super) rule: &'static Rule,
    pub(super) peer: IpAddr,
}

impl Caller {
    /// Returns who it is.
    pub fn principal(&self) -> &Principal {
        self.credential.principal()
    }

    /// Returns the permission that it was admitted with.
    pub fn permission(&self) -> Permission {
        self.rule.permission
    }

    /// Returns the gRPC path it was admitted to.
    pub fn path(&self) -> &'static str {
        self.rule.path
    }

    /// Returns the address it calls from. Personal data: it goes into no log and no metric.
    pub fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Tells whether its credential reaches `tenant`, so that a use case can leave a look-up undone that would be
    /// refused.
    pub fn reaches(&self, tenant: &TenantId) -> bool {
        self.principal().reaches(tenant)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("actor", &self.principal().pseudonym)
            .field("role", &self.principal().role)
            .field("permission", &self.permission())
            .finish_non_exhaustive()
    }
}
