//! Bucket keys: found or made when something is stored, destroyed when their day has run out.

use std::sync::{Arc, PoisonError};

use crate::domain::{Day, TenantId};
use crate::sealing::{Key32, key_check_value, random, wrap};
use crate::store::{BucketId, BucketKind, BucketRow, KeyReceipt, KeyWork, KeyWrite, Refusal, SubmitError};

use super::error::KeyError;
use super::ring::{KeyRing, open};

/// How often making a bucket is tried again when a rotation came between.
const TRIES: usize = 8;
/// The most bucket numbers remembered.
const MOST_REMEMBERED: usize = 10_000;

impl KeyRing {
    /// Returns the tenant's live bucket for `day` and its key, making it when there is none.
    pub(super) async fn bucket_for(&self, tenant: &TenantId, day: Day) -> Result<(BucketId, Arc<Key32>), KeyError> {
        let kind = BucketKind::Day(day);
        for _ in 0..TRIES {
            if let Some(id) = self.remembered_bucket(tenant, kind)
                && let Ok(key) = self.bucket_key(id).await
            {
                return Ok((id, key));
            }
            let (of, asked) = (tenant.clone(), kind);
            if let Some(row) = self.store.read(move |reader| reader.bucket_of(&of, asked)).await? {
                let key = self.open_bucket(&row).await?;
                self.remember_bucket(tenant, kind, row.id);
                return Ok((row.id, key));
            }
            match self.make_bucket(tenant, kind).await {
                Ok(made) => return Ok(made),
                Err(KeyError::Submit(SubmitError::Refused(Refusal::Exists))) => {}
                // Another KEK has become active; the one that was taken for it is forgotten.
                Err(KeyError::Submit(SubmitError::Refused(Refusal::Conflict))) => {}
                Err(error) => return Err(error),
            }
        }
        Err(KeyError::Contention)
    }

    /// Returns the key of a bucket.
    ///
    /// # Errors
    ///
    /// [`KeyError::Destroyed`] when it has run out.
    pub(super) async fn bucket_key(&self, id: BucketId) -> Result<Arc<Key32>, KeyError> {
        if let Some(key) = self.buckets.get(&id, self.clock.now()) {
            return Ok(key);
        }
        let row = self.store.read(move |reader| reader.bucket(id)).await?.ok_or(KeyError::Missing)?;
        self.open_bucket(&row).await
    }

    pub(super) async fn open_bucket(&self, row: &BucketRow) -> Result<Arc<Key32>, KeyError> {
        if let Some(key) = self.buckets.get(&row.id, self.clock.now()) {
            return Ok(key);
        }
        let wrapped = row.wrapped.as_deref().ok_or(KeyError::Destroyed)?;
        let kek = self.kek(&row.tenant, row.kek_version).await?;
        let key = Arc::new(self.unwrap_bucket(&kek, row, wrapped)?);
        self.buckets.put(row.id, Arc::clone(&key), self.clock.now());
        self.settle(&row.tenant, row.id)?;
        Ok(key)
    }

    pub(super) fn unwrap_bucket(&self, kek: &Key32, row: &BucketRow, wrapped: &[u8]) -> Result<Key32, KeyError> {
        let context = self.contexts.bucket(&row.tenant, row.id, row.kind, row.kek_version);
        open(kek, &context.as_ref(), wrapped, || format!("bucket {} of tenants/{}", row.kind, row.tenant))
    }

    async fn make_bucket(&self, tenant: &TenantId, kind: BucketKind) -> Result<(BucketId, Arc<Key32>), KeyError> {
        let (version, kek) = self.active_kek(tenant).await?;
        let id = u64::from_be_bytes(random::bytes()) >> 1;
        let key = Arc::new(Key32::random());
        let row = BucketRow {
            id,
            tenant: tenant.clone(),
            kind,
            kek_version: version,
            wrapped: Some(wrap(&kek, &self.contexts.bucket(tenant, id, kind, version).as_ref(), &key).to_vec()),
            check: key_check_value(&key),
        };
        let stored = self.store.submit(KeyWork::new(KeyWrite::PutBucket(row))).await;
        if let Err(SubmitError::Refused(Refusal::Conflict)) = &stored {
            self.forget_active(tenant, version);
        }
        stored?;
        self.buckets.put(id, Arc::clone(&key), self.clock.now());
        self.remember_bucket(tenant, kind, id);
        self.settle(tenant, id)?;
        Ok((id, key))
    }

    /// Destroys the keys of `buckets`, marks key act `act` done, and forgets everything opened through them. When it returns,
    /// no new reader can open what they held; the receipt says whether old bytes may still lie in the file.
    pub async fn destroy_buckets(&self, buckets: &[BucketId], act: [u8; 16]) -> Result<KeyReceipt, KeyError> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).extend(buckets);
        let work = KeyWork::new(KeyWrite::DestroyBuckets(buckets.to_vec())).with(KeyWrite::MarkAct(act)).scrubbed();
        let receipt = self.store.submit(work).await;
        if receipt.is_err() {
            let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
            dead.retain(|id| !buckets.contains(id));
        }
        self.forget_buckets(buckets);
        Ok(receipt?)
    }

    pub(super) fn forget_buckets(&self, doomed: &[BucketId]) {
        self.buckets.forget(|id| doomed.contains(id));
        self.segments.forget(|id| doomed.contains(&id.bucket));
        self.conversations.forget(|(_, bucket)| doomed.contains(bucket));
        self.lock_bucket_ids().retain(|_, id| !doomed.contains(id));
    }

    /// Guards against a key that was opened while its bucket was being destroyed: see [`KeyRing::settle`].
    pub(super) fn refuse_dead(&self, bucket: BucketId) -> Result<(), KeyError> {
        if self.dead.lock().unwrap_or_else(PoisonError::into_inner).contains(&bucket) {
            self.forget_buckets(&[bucket]);
            return Err(KeyError::Destroyed);
        }
        Ok(())
    }

    fn remembered_bucket(&self, tenant: &TenantId, kind: BucketKind) -> Option<BucketId> {
        self.lock_bucket_ids().get(&(tenant.clone(), kind)).copied()
    }

    fn remember_bucket(&self, tenant: &TenantId, kind: BucketKind, id: BucketId) {
        let mut known = self.lock_bucket_ids();
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert((tenant.clone(), kind), id);
    }

    fn lock_bucket_ids(&self) -> std::sync::MutexGuard<'_, super::ring::BucketIds> {
        self.bucket_ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
