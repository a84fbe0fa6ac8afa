//! Rotation of a tenant KEK: a new version, and every bucket wrapped under it, in one transaction, while reads go on.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{KeyState, TenantId};
use crate::sealing::{Key32, WrappingKey, key_check_value, wrap};
use crate::store::{
    BucketRow, KeyWork, KeyWrite, Refusal, Rotation, SubmitError, TenantKekRow, TenantKeyKind, TenantKeyRow,
};

use super::error::KeyError;
use super::ring::{KeyRing, open};

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The new active version.
    pub kek: TenantKekRow,
    /// Buckets that were wrapped anew.
    pub buckets: usize,
}

/// How often a rotation is tried again when buckets were made or destroyed meanwhile.
const TRIES: usize = 8;

impl KeyRing {
    /// Gives the tenant a new active KEK version, wraps all its live buckets and its index key under it, and marks key act
    /// `act` done. No record and no DEK is touched. Each new wrap is opened and compared before anything is stored.
    ///
    /// # Errors
    ///
    /// [`KeyError::Broken`] when a stored wrap does not open: then nothing was changed.
    pub async fn rotate(&self, tenant: &TenantId, act: [u8; 16]) -> Result<Rotated, KeyError> {
        for _ in 0..TRIES {
            let id = tenant.clone();
            let (keks, buckets, index) = self
                .store
                .read(move |reader| {
                    let index = reader.tenant_key(&id, TenantKeyKind::Index)?;
                    Ok((reader.tenant_keks(&id)?, reader.live_buckets(&id)?, index))
                })
                .await?;
            let rotation = self.prepare(tenant, &keks, &buckets, index.ok_or(KeyError::Missing)?)?;
            let (kek, count) = (rotation.1.kek.clone(), rotation.1.buckets.len());
            let work = KeyWork::new(KeyWrite::Rotate(rotation.1)).with(KeyWrite::MarkAct(act));
            match self.store.submit(work).await {
                Ok(_) => {
                    self.keep_active(tenant, (kek.version, Arc::new(rotation.0)));
                    return Ok(Rotated { kek, buckets: count });
                }
                Err(SubmitError::Refused(Refusal::Conflict)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(KeyError::Contention)
    }

    fn prepare(
        &self,
        tenant: &TenantId,
        keks: &[TenantKekRow],
        buckets: &[BucketRow],
        index: TenantKeyRow,
    ) -> Result<(Key32, Rotation), KeyError> {
        let opened = self.open_all(keks)?;
        let version = keks.last().ok_or(KeyError::Missing)?.version + 1;
        let kek = Key32::random();
        let wrapping = WrappingKey::new(&kek);
        let under = |version: u32| opened.get(&version).ok_or(KeyError::Missing);
        let mut rewrapped = Vec::with_capacity(buckets.len());
        for row in buckets {
            let wrapped = row.wrapped.as_deref().ok_or(KeyError::Destroyed)?;
            let key = self.unwrap_bucket(under(row.kek_version)?, row, wrapped)?;
            let context = self.contexts.bucket(tenant, row.id, row.kind, version);
            rewrapped.push((row.id, verified(&wrapping, &context.as_ref(), &key)?));
        }
        let context = self.contexts.index_key(tenant, index.kek_version);
        let index_key = open(under(index.kek_version)?, &context.as_ref(), &index.wrapped, || {
            format!("index key of tenants/{tenant}")
        })?;
        let wrapped = verified(&wrapping, &self.contexts.index_key(tenant, version).as_ref(), &index_key)?;
        let context = self.contexts.tenant_kek(tenant, version, self.epoch);
        let row = TenantKekRow {
            tenant: tenant.clone(),
            version,
            state: KeyState::Active,
            epoch: self.epoch,
            wrapped: Some(wrap(&self.epoch_key, &context.as_ref(), &kek).to_vec()),
            check: key_check_value(&kek),
            create_time: self.clock.now(),
        };
        let keys = vec![TenantKeyRow { kek_version: version, wrapped, ..index }];
        Ok((kek, Rotation { kek: row, buckets: rewrapped, keys }))
    }

    fn open_all(&self, keks: &[TenantKekRow]) -> Result<HashMap<u32, Key32>, KeyError> {
        let live = keks.iter().filter(|row| row.state != KeyState::Destroyed);
        live.map(|row| Ok((row.version, self.open_kek(row)?))).collect()
    }
}

/// Wraps `key`, opens the wrap again and compares, so that an old wrap is dropped only for one that works.
fn verified(kek: &WrappingKey, context: &crate::sealing::WrapContext<'_>, key: &Key32) -> Result<Vec<u8>, KeyError> {
    let wrapped = kek.wrap(context, key).to_vec();
    let broken = |cause| KeyError::Broken { what: "a new wrap".to_owned(), cause };
    let again = kek.unwrap(context, &wrapped).map_err(broken)?;
    if !again.ct_eq(key) {
        return Err(broken(crate::sealing::UnwrapError::Tampered));
    }
    Ok(wrapped)
}
