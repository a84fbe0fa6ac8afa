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
    /// `REDACTOR_UNAVAILABLE` when there is no policy or it does not build: then nothing is stored.
    pub(super) async fn engine(&self, tenant: &TenantId) -> Result<SharedEngine> {
        let seen = match self.engines.get(tenant) {
            Ok(engine) => return Ok(engine),
            Err(seen) => seen,
        };
        let id = tenant.clone();
        let row = self.data.read(move |reader| reader.policy(&id, PolicyKind::Redaction, None)).await?;
        let row = row.ok_or(Reason::RedactorUnavailable)?;
        let down =
            |cause: Box<dyn std::error::Error + Send + Sync>| Error::new(Reason::RedactorUnavailable).because(cause);
        let policy: Policy = serde_json::from_str(&row.document).map_err(|error| down(error.into()))?;
        let engine = Engine::new(policy).map_err(|error| down(error.into()))?;
        Ok(self.engines.put(tenant.clone(), engine, seen))
    }
}
