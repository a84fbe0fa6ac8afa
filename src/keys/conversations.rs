//! The keys of a conversation: its own key, and a DEK for each expiry day of its records.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crate::domain::{ConversationId, Day, TenantId};
use crate::sealing::{Key32, Label, derive_key, wrap};
use crate::store::{
    BucketId, BucketKind, ConversationKeyRow, HandleKind, KeyWork, KeyWrite, Refusal, SegmentRow, SubmitError,
};

use super::error::KeyError;
use super::ring::{KeyRing, SegmentKeyId, open};

/// The key that a conversation's metadata, state and pseudonyms hang on.
#[derive(Clone)]
pub struct ConversationSecrets(Arc<Key32>);

impl ConversationSecrets {
    /// Returns the secrets of a conversation that is nowhere.
    #[cfg(test)]
    pub(crate) fn random() -> Self {
        Self(Arc::new(Key32::random()))
    }

    /// Returns the key that seals the conversation's metadata.
    pub fn metadata_key(&self) -> Key32 {
        derive_key(&self.0, Label::METADATA, &[])
    }

    /// Returns the key that pseudonyms are made with.
    pub fn pseudonym_key(&self) -> Key32 {
        derive_key(&self.0, Label::PSEUDONYM, &[])
    }
}

/// The key that new records of a conversation are sealed under on one day.
#[derive(Clone)]
pub struct Segment {
    /// Its id, `expiry day * 65536 + revision`.
    pub dek_id: u64,
    /// The day on which it runs out.
    pub day: Day,
    /// The key.
    pub key: Arc<Key32>,
}

/// The key of stored records, opened to read them. It does not keep the key in memory: a reader whose client is slow holds
/// nothing of a key that was destroyed, or of a tenant that was shut, meanwhile.
#[derive(Clone)]
pub struct OpenedSegment {
    /// Its id.
    pub dek_id: u64,
    key: Weak<Key32>,
    bucket: BucketId,
    retired: u64,
}

/// Returns the id of the first segment key for `day`.
fn first_dek_id(day: Day) -> u64 {
    u64::from(day.number().unsigned_abs()) << 16
}

/// Returns the id of the last segment key that its day can have.
pub(super) fn last_dek_id(dek_id: u64) -> u64 {
    dek_id | u64::from(u16::MAX)
}

/// How often a key is looked up again when others were destroyed meanwhile.
const TRIES: usize = 8;

impl KeyRing {
    /// Makes the keys of a new conversation whose first records run out on `day`, and its handles. They are durable when it
    /// returns, before anything is sealed under them.
    ///
    /// # Errors
    ///
    /// [`Refusal::Exists`] when the reference handle stands for another conversation.
    pub async fn new_conversation(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        day: Day,
        handles: &[(HandleKind, [u8; 32])],
    ) -> Result<(ConversationSecrets, Segment), KeyError> {
        let (bucket, bucket_key) = self.bucket_for(tenant, day).await?;
        let key = Arc::new(Key32::random());
        let dek = Arc::new(Key32::random());
        let dek_id = first_dek_id(day);
        let mut work = KeyWork::new(self.put_conversation_key(tenant, id, bucket, &bucket_key, &key))
            .with(self.put_segment(tenant, id, dek_id, bucket, &bucket_key, &dek));
        for (kind, handle) in handles {
            work = work.with(KeyWrite::PutHandle(tenant.clone(), *kind, *handle, id));
        }
        self.store.submit(work).await?;
        self.keep_conversation(tenant, id, bucket, &key)?;
        let segment = self.keep_segment(tenant, SegmentKeyId { conversation: id, dek_id, bucket }, day, dek)?;
        Ok((ConversationSecrets(key), segment))
    }

    /// Returns the key of a conversation.
    ///
    /// # Errors
    ///
    /// [`KeyError::Destroyed`] when its last segment has run out, [`KeyError::Missing`] when there is none.
    pub async fn conversation(&self, tenant: &TenantId, id: ConversationId) -> Result<ConversationSecrets, KeyError> {
        let row = self.store.read(move |reader| reader.conversation_key(&id)).await?.ok_or(KeyError::Missing)?;
        self.open_conversation(tenant, &row).await.map(ConversationSecrets)
    }

    /// Returns the key for records of `id` that run out on `day`, making it when there is none. A new key is durable when it
    /// returns, and the conversation key lies in the bucket of the latest day.
    pub async fn segment_for(&self, tenant: &TenantId, id: ConversationId, day: Day) -> Result<Segment, KeyError> {
        for _ in 0..TRIES {
            let (bucket, bucket_key) = self.bucket_for(tenant, day).await?;
            let dek_id = first_dek_id(day);
            let key_id = SegmentKeyId { conversation: id, dek_id, bucket };
            let (last, retired) = (last_dek_id(dek_id), self.retired.load(Ordering::SeqCst));
            if let Some(row) = self.store.read(move |reader| reader.newest_segment(&id, dek_id, last)).await? {
                let dek_id = row.dek_id;
                let key = self.open_segment_row(tenant, &row).await?;
                if self.retired.load(Ordering::SeqCst) == retired {
                    return Ok(Segment { dek_id, day, key });
                }
                self.forget_segment(id, dek_id);
                continue;
            }
            let dek = Arc::new(Key32::random());
            let mut work = KeyWork::new(self.put_segment(tenant, id, dek_id, bucket, &bucket_key, &dek));
            if let Some(write) = self.move_conversation_key(tenant, id, day, bucket, &bucket_key).await? {
                work = work.with(write);
            }
            match self.store.submit(work).await {
                Ok(_) => return self.keep_segment(tenant, key_id, day, dek),
                Err(SubmitError::Refused(Refusal::Exists)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(KeyError::Contention)
    }

    /// Returns the key that records with `dek_id` are sealed under, and a handle to have it again by [`KeyRing::still_open`].
    ///
    /// # Errors
    ///
    /// [`KeyError::Destroyed`] when it has run out.
    pub async fn open_segment(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        dek_id: u64,
    ) -> Result<(OpenedSegment, Arc<Key32>), KeyError> {
        for _ in 0..TRIES {
            let retired = self.retired.load(Ordering::SeqCst);
            let row = self.store.read(move |reader| reader.segment(&id, dek_id)).await?.ok_or(KeyError::Destroyed)?;
            let key = self.open_segment_row(tenant, &row).await?;
            if self.retired.load(Ordering::SeqCst) == retired {
                return Ok((OpenedSegment { dek_id, key: Arc::downgrade(&key), bucket: row.bucket, retired }, key));
            }
            // A segment key was destroyed meanwhile, and it may be this one, put into the cache after that was emptied.
            self.forget_segment(id, dek_id);
        }
        Err(KeyError::Contention)
    }

    fn forget_segment(&self, id: ConversationId, dek_id: u64) {
        self.segments.forget(|known| known.conversation == id && known.dek_id == dek_id);
    }

    /// Returns a segment's key if it is still in memory and was not destroyed since it was opened.
    pub fn still_open(&self, segment: &OpenedSegment) -> Option<Arc<Key32>> {
        self.refuse_dead(segment.bucket).ok()?;
        if self.retired.load(Ordering::SeqCst) != segment.retired {
            return None;
        }
        segment.key.upgrade()
    }

    pub(super) async fn open_segment_row(&self, tenant: &TenantId, row: &SegmentRow) -> Result<Arc<Key32>, KeyError> {
        let key_id = SegmentKeyId { conversation: row.conversation, dek_id: row.dek_id, bucket: row.bucket };
        if let Some(key) = self.segments.get(&key_id, self.clock.now()) {
            return Ok(key);
        }
        let bucket_key = self.bucket_key(row.bucket).await?;
        let context = self.contexts.segment(tenant, &row.conversation, row.dek_id, row.bucket);
        let key = Arc::new(open(&bucket_key, &context.as_ref(), &row.wrapped, || {
            format!("segment {} of tenants/{tenant}/conversations/{}", row.dek_id, row.conversation)
        })?);
        self.segments.put(key_id, Arc::clone(&key), self.clock.now());
        self.settle(tenant, row.bucket)?;
        Ok(key)
    }

    async fn open_conversation(&self, tenant: &TenantId, row: &ConversationKeyRow) -> Result<Arc<Key32>, KeyError> {
        if let Some(key) = self.conversations.get(&(row.conversation, row.bucket), self.clock.now()) {
            return Ok(key);
        }
        let bucket_key = self.bucket_key(row.bucket).await?;
        let context = self.contexts.conversation(tenant, &row.conversation, row.bucket);
        let key = Arc::new(open(&bucket_key, &context.as_ref(), &row.wrapped, || {
            format!("key of tenants/{tenant}/conversations/{}", row.conversation)
        })?);
        self.keep_conversation(tenant, row.conversation, row.bucket, &key)?;
        Ok(key)
    }

    /// Returns the write that moves the conversation key into `bucket`, unless it already lies in one that lives longer.
    async fn move_conversation_key(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        day: Day,
        bucket: BucketId,
        bucket_key: &Key32,
    ) -> Result<Option<KeyWrite>, KeyError> {
        let (row, now_in) = self
            .store
            .read(move |reader| {
                let row = reader.conversation_key(&id)?;
                let bucket = row.as_ref().map(|row| reader.bucket(row.bucket)).transpose()?.flatten();
                Ok((row, bucket))
            })
            .await?;
        let (row, now_in) = row.zip(now_in).ok_or(KeyError::Missing)?;
        match now_in.kind {
            BucketKind::Day(current) if current < day => {}
            BucketKind::Day(_) | BucketKind::Hold | BucketKind::Locked => return Ok(None),
        }
        let key = self.open_conversation(tenant, &row).await?;
        Ok(Some(self.put_conversation_key(tenant, id, bucket, bucket_key, &key)))
    }

    fn put_conversation_key(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        bucket: BucketId,
        bucket_key: &Key32,
        key: &Key32,
    ) -> KeyWrite {
        let context = self.contexts.conversation(tenant, &id, bucket);
        let wrapped = wrap(bucket_key, &context.as_ref(), key).to_vec();
        KeyWrite::PutConversationKey(ConversationKeyRow { tenant: tenant.clone(), conversation: id, bucket, wrapped })
    }

    pub(super) fn put_segment(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        dek_id: u64,
        bucket: BucketId,
        bucket_key: &Key32,
        dek: &Key32,
    ) -> KeyWrite {
        let context = self.contexts.segment(tenant, &id, dek_id, bucket);
        let wrapped = wrap(bucket_key, &context.as_ref(), dek).to_vec();
        KeyWrite::PutSegment(SegmentRow { tenant: tenant.clone(), conversation: id, dek_id, bucket, wrapped })
    }

    fn keep_conversation(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        bucket: BucketId,
        key: &Arc<Key32>,
    ) -> Result<(), KeyError> {
        self.conversations.put((id, bucket), Arc::clone(key), self.clock.now());
        self.settle(tenant, bucket)
    }

    pub(super) fn keep_segment(
        &self,
        tenant: &TenantId,
        id: SegmentKeyId,
        day: Day,
        key: Arc<Key32>,
    ) -> Result<Segment, KeyError> {
        self.segments.put(id, Arc::clone(&key), self.clock.now());
        self.settle(tenant, id.bucket)?;
        Ok(Segment { dek_id: id.dek_id, day, key })
    }
}
