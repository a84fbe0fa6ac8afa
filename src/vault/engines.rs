//! Redaction engines, one per tenant and policy version, built when first needed.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use crate::domain::{Error, PolicyKind, Reason, Result, TenantId};
use crate::redaction::{Engine, Policy};

use super::Vault;

const MOST_ENGINES: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The engine of each tenant's newest redaction policy.
pub(super) struct Engines(Mutex<LruCache<TenantId, Arc<Engine>>>);

impl Engines {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(MOST_ENGINES)))
    }

    /// Forgets a tenant's engine, so that the next use builds it from the newest policy.
    pub(super) fn forget(&self, tenant: &TenantId) {
        self.lock().pop(tenant);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<TenantId, Arc<Engine>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault {
    /// Returns the engine for the tenant's newest redaction policy.
    ///
    /// # Errors
    ///
    /// `REDACTOR_UNAVAILABLE` when there is no policy or it does not build: then nothing is stored.
    pub(super) async fn engine(&self, tenant: &TenantId) -> Result<Arc<Engine>> {
        if let Some(engine) = self.engines.lock().get(tenant) {
            return Ok(Arc::clone(engine));
        }
        let id = tenant.clone();
        let row = self.data.read(move |reader| reader.policy(&id, PolicyKind::Redaction, None)).await?;
        let row = row.ok_or(Reason::RedactorUnavailable)?;
        let down = |cause: Box<dyn std::error::Error + Send + Sync>| Error::new(Reason::RedactorUnavailable).because(cause);
        let policy: Policy = serde_json::from_str(&row.document).map_err(|error| down(error.into()))?;
        let engine = Arc::new(Engine::new(policy).map_err(|error| down(error.into()))?);
        self.engines.lock().put(tenant.clone(), Arc::clone(&engine));
        Ok(engine)
    }
}
