//! Tenants that are shut: their keys are opened when they must be, and not kept.

use std::sync::PoisonError;

use crate::domain::TenantId;
use crate::store::BucketId;

use super::error::KeyError;
use super::ring::KeyRing;

impl KeyRing {
    /// Shuts a tenant: every key of it in memory is forgotten, and none is kept until [`KeyRing::reopen`]. Keys that are in
    /// use at this moment are wiped when they are let go of.
    ///
    /// # Errors
    ///
    /// When the key store cannot say which buckets are the tenant's. No key is kept from then on all the same; what was kept
    /// is dropped when it is old.
    pub async fn shut(&self, tenant: &TenantId) -> Result<(), KeyError> {
        self.mark_shut(tenant.clone());
        self.lock_active().remove(tenant);
        self.index_keys.forget(|of| of == tenant);
        let of = tenant.clone();
        let buckets = self.store.read(move |reader| reader.live_buckets(&of)).await?;
        let buckets: Vec<BucketId> = buckets.iter().map(|row| row.id).collect();
        self.forget_buckets(&buckets);
        Ok(())
    }

    /// Says that nothing of a tenant is in memory yet and nothing is to be kept: at start.
    pub fn mark_shut(&self, tenant: TenantId) {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
    }

    /// Keeps a tenant's keys in memory again.
    pub fn reopen(&self, tenant: &TenantId) {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    pub(super) fn is_shut(&self, tenant: &TenantId) -> bool {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner).contains(tenant)
    }

    /// What is asked after a key of `bucket` was put into a cache. A bucket is declared dead, and a tenant shut, before their
    /// keys are forgotten, so that either who forgets or who calls this sees the other.
    ///
    /// # Errors
    ///
    /// [`KeyError::Destroyed`] when the bucket's key was destroyed meanwhile.
    pub(super) fn settle(&self, tenant: &TenantId, bucket: BucketId) -> Result<(), KeyError> {
        if self.is_shut(tenant) {
            self.forget_buckets(&[bucket]);
        }
        self.refuse_dead(bucket)
    }
}
