//! Redaction engines, one per tenant and policy version, built when first needed.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::domain::{Error, PolicyKind, Reason, Result, TenantId};
use crate::redaction::{Engine, Policy};

use super::Vault;
use super::known::Known;

/// The most engines kept.
pub(super) const MOST_ENGINES: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// An engine that several requests use at once.
pub(super) type SharedEngine = Arc<Engine>;

/// The engine of each tenant's newest redaction policy.
pub(super) type Engines = Known<TenantId, Engine>;

impl Vault {
    /// Returns the engine for the tenant's newest redaction policy.
    ///
    /// # Errors
    ///
    /// `REDACTOR_UNAVAILABLE` when there is no policy, it does not build, or the names model is required and not there: then nothing is
    /// stored.
    pub(super) async fn engine(&self, tenant: &TenantId) -> Result<SharedEngine> {
        let seen = match self.engines.get(tenant) {
            Ok(engine) => return Ok(engine),
            Err(seen) => seen,
        };
        if self.awaits_names() {
            return Err(Reason::RedactorUnavailable.into());
        }
        let id = tenant.clone();
        let row = self.data.read(move |reader| reader.policy(&id, PolicyKind::Redaction, None)).await?;
        let row = row.ok_or(Reason::RedactorUnavailable)?;
        let down =
            |cause: Box<dyn std::error::Error + Send + Sync>| Error::new(Reason::RedactorUnavailable).because(cause);
        let policy: Policy = serde_json::from_str(&row.document).map_err(|error| down(error.into()))?;
        let names = self.names.get().filter(|_| self.settings.names_required).cloned();
        let engine = Engine::with_names(policy, names).map_err(|error| down(error.into()))?;
        Ok(self.engines.put(tenant.clone(), engine, seen))
    }
}
