//! A tenant's first keys, and its index key.

use std::sync::Arc;

use crate::domain::{KeyState, TenantId};
use crate::sealing::{Key32, Label, derive_key, hmac_sha256, key_check_value, wrap};
use crate::store::{KeyWork, KeyWrite, Refusal, SubmitError, TenantKekRow, TenantKeyKind, TenantKeyRow};

use super::error::KeyError;
use super::ring::{KeyRing, open};

impl KeyRing {
    /// Makes the tenant's KEK version 1 and its index key, and marks key act `act` done; doing it again changes nothing.
    pub async fn create_tenant(&self, tenant: &TenantId, act: [u8; 16]) -> Result<(), KeyError> {
        let kek = Key32::random();
        let wrapped = wrap(&self.epoch_key, &self.contexts.tenant_kek(tenant, 1, self.epoch).as_ref(), &kek).to_vec();
        let row = TenantKekRow {
            tenant: tenant.clone(),
            version: 1,
            state: KeyState::Active,
            epoch: self.epoch,
            wrapped: Some(wrapped),
            check: key_check_value(&kek),
            create_time: self.clock.now(),
        };
        let index = wrap(&kek, &self.contexts.index_key(tenant, 1).as_ref(), &Key32::random()).to_vec();
        let index = TenantKeyRow { tenant: tenant.clone(), kind: TenantKeyKind::Index, kek_version: 1, wrapped: index };
        let work = KeyWork::new(KeyWrite::CreateTenant(row, index)).with(KeyWrite::MarkAct(act));
        match self.store.submit(work).await {
            Ok(_) | Err(SubmitError::Refused(Refusal::Exists)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns every version of the tenant's KEK, oldest first, and how many live buckets hang on each.
    pub async fn tenant_keys(&self, tenant: &TenantId) -> Result<Vec<(TenantKekRow, u64)>, KeyError> {
        let id = tenant.clone();
        let (rows, dependents) =
            self.store.read(move |reader| Ok((reader.tenant_keks(&id)?, reader.dependents(&id)?))).await?;
        let count = |version| dependents.iter().find(|(v, _)| *v == version).map_or(0, |(_, count)| *count);
        Ok(rows.into_iter().map(|row| (count(row.version), row)).map(|(count, row)| (row, count)).collect())
    }

    /// Returns the handle of `value` among the tenant's `kind` handles: an HMAC under the index key, 32 bytes.
    pub async fn handle(&self, tenant: &TenantId, kind: &'static str, value: &str) -> Result<[u8; 32], KeyError> {
        self.keyed_hash(tenant, Label::HANDLE, kind.as_bytes(), &[value.as_bytes()]).await
    }

    /// Returns the HMAC-SHA-256 of `parts` under the index key's child for `label` and `context`.
    pub async fn keyed_hash(
        &self,
        tenant: &TenantId,
        label: Label,
        context: &[u8],
        parts: &[&[u8]],
    ) -> Result<[u8; 32], KeyError> {
        let index = self.index_key(tenant).await?;
        Ok(hmac_sha256(&derive_key(&index, label, context), parts))
    }

    async fn index_key(&self, tenant: &TenantId) -> Result<Arc<Key32>, KeyError> {
        let now = self.clock.now();
        if let Some(key) = self.index_keys.get(tenant, now) {
            return Ok(key);
        }
        let id = tenant.clone();
        let row = self.store.read(move |reader| reader.tenant_key(&id, TenantKeyKind::Index)).await?;
        let row = row.ok_or(KeyError::Missing)?;
        let kek = self.kek(tenant, row.kek_version).await?;
        let context = self.contexts.index_key(tenant, row.kek_version);
        let key = Arc::new(open(&kek, &context.as_ref(), &row.wrapped, || format!("index key of tenants/{tenant}"))?);
        self.index_keys.put(tenant.clone(), Arc::clone(&key), now);
        if self.is_shut(tenant) {
            self.index_keys.forget(|of| of == tenant);
        }
        Ok(key)
    }
}
