//! A segment key that is replaced: records are sealed under the next one, and this one is destroyed while its bucket lives on.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::domain::{ConversationId, TenantId};
use crate::sealing::Key32;
use crate::store::{BucketKind, KeyReceipt, KeyWork, KeyWrite, Refusal, SubmitError};

use super::conversations::{Segment, last_dek_id};
use super::error::KeyError;
use super::ring::{KeyRing, SegmentKeyId};

/// How often the next number is looked for again when another one was made meanwhile.
const TRIES: usize = 3;

impl KeyRing {
    /// Makes the next segment key of the day and bucket of `dek_id`. It is durable when it returns, and from then on
    /// [`KeyRing::segment_for`] returns it for new records.
    ///
    /// # Errors
    ///
    /// [`KeyError::Destroyed`] when the segment has run out, or its day has no number left.
    pub async fn next_segment(&self, tenant: &TenantId, id: ConversationId, dek_id: u64) -> Result<Segment, KeyError> {
        for _ in 0..TRIES {
            let last = last_dek_id(dek_id);
            let (row, newest, bucket) = self
                .store
                .read(move |reader| {
                    let row = reader.segment(&id, dek_id)?;
                    let bucket = row.as_ref().map(|row| reader.bucket(row.bucket)).transpose()?.flatten();
                    Ok((row, reader.newest_segment(&id, dek_id, last)?, bucket))
                })
                .await?;
            let (row, bucket) = row.zip(bucket).ok_or(KeyError::Destroyed)?;
            let newest = newest.map_or(dek_id, |newest| newest.dek_id);
            let BucketKind::Day(day) = bucket.kind else { return Err(KeyError::Destroyed) };
            if newest == last {
                return Err(KeyError::Destroyed);
            }
            let bucket_key = self.bucket_key(row.bucket).await?;
            let dek = Arc::new(Key32::random());
            let next = newest + 1;
            let write = self.put_segment(tenant, id, next, row.bucket, &bucket_key, &dek);
            match self.store.submit(KeyWork::new(write)).await {
                Ok(_) => {
                    let key_id = SegmentKeyId { conversation: id, dek_id: next, bucket: row.bucket };
                    return self.keep_segment(tenant, key_id, day, dek);
                }
                Err(SubmitError::Refused(Refusal::Exists)) => {}
                Err(SubmitError::Refused(Refusal::Missing)) => return Err(KeyError::Destroyed),
                Err(error) => return Err(error.into()),
            }
        }
        Err(KeyError::Contention)
    }

    /// Returns the key that replaced the one of `dek_id`.
    ///
    /// # Errors
    ///
    /// [`KeyError::Destroyed`] when there is none, or it has run out.
    pub async fn newest_of(&self, tenant: &TenantId, id: ConversationId, dek_id: u64) -> Result<Segment, KeyError> {
        let last = last_dek_id(dek_id);
        let (newest, bucket) = self
            .store
            .read(move |reader| {
                let newest = reader.newest_segment(&id, dek_id, last)?;
                let bucket = newest.as_ref().map(|row| reader.bucket(row.bucket)).transpose()?.flatten();
                Ok((newest, bucket))
            })
            .await?;
        let (newest, bucket) = newest.zip(bucket).filter(|(row, _)| row.dek_id > dek_id).ok_or(KeyError::Destroyed)?;
        let BucketKind::Day(day) = bucket.kind else { return Err(KeyError::Destroyed) };
        let key = self.open_segment_row(tenant, &newest).await?;
        Ok(Segment { dek_id: newest.dek_id, day, key })
    }

    /// Destroys segment keys of a conversation, marks key act `act` done where there is one, and forgets what was opened of
    /// them. When it returns, nobody can open what they sealed; the receipt says whether old bytes may still lie in the file.
    pub async fn destroy_segments(
        &self,
        id: ConversationId,
        dek_ids: &[u64],
        act: Option<[u8; 16]>,
    ) -> Result<KeyReceipt, KeyError> {
        let drop = KeyWrite::DropSegments { conversation: id, dek_ids: dek_ids.to_vec(), whole: false };
        let work = KeyWork::new(drop);
        let work = act.into_iter().fold(work, |work, act| work.with(KeyWrite::MarkAct(act))).scrubbed();
        let receipt = self.store.submit(work).await;
        // First the count, then the cache: who puts one of these keys into the cache after this sees the count.
        self.retired.fetch_add(1, Ordering::SeqCst);
        self.segments.forget(|known| known.conversation == id && dek_ids.contains(&known.dek_id));
        Ok(receipt?)
    }
}
