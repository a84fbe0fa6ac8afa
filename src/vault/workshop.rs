//! Where records are redacted and sealed: so many bytes at once, whatever the number of callers.
//!
//! A text of nothing but addresses becomes many times as large: each is replaced, noted as a finding, and sealed with both. So
//! a batch takes room for what it may become, waits for it in turn, and gives it back once it is queued for the disk, where the
//! queue's own bound counts it.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::{NewRecord, Reason, Result};

use super::redact::RedactedRecord;

/// How many times its size a batch may become while it is redacted and sealed.
const GROWS: usize = 24;
/// The most bytes that a batch may become by redaction; sealing doubles them.
pub(super) const MOST_REDACTED: usize = 32 * 1024 * 1024;

/// Room for work, in bytes.
pub(super) struct Workshop {
    room: Semaphore,
    bytes: usize,
}

impl Workshop {
    /// Returns room for `bytes`, and for one batch at least.
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = bytes.clamp(MOST_REDACTED * 2, u32::MAX as usize);
        Self { room: Semaphore::new(bytes), bytes }
    }

    /// Waits for room for these records. Dropping it gives it back.
    pub(super) async fn enter(&self, records: &[NewRecord]) -> Result<SemaphorePermit<'_>> {
        self.room_for(records.iter().map(NewRecord::weight).sum()).await
    }

    /// Waits for room to seal what is redacted.
    pub(super) async fn enter_again(&self, records: &[RedactedRecord]) -> Result<SemaphorePermit<'_>> {
        self.room_for(records.iter().map(|record| record.weight() / GROWS).sum()).await
    }

    async fn room_for(&self, bytes: usize) -> Result<SemaphorePermit<'_>> {
        let may_become = bytes.saturating_add(1).saturating_mul(GROWS).min(MOST_REDACTED * 2).min(self.bytes);
        let may_become = u32::try_from(may_become).unwrap_or(u32::MAX);
        self.room.acquire_many(may_become).await.map_err(|_| Reason::Internal.into())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn batches_wait_for_one_another_and_the_largest_fits() {
        let workshop = Workshop::new(0);
        let largest = workshop.room_for(usize::MAX).await.unwrap();
        assert!(workshop.room_for(1).now_or_never().is_none(), "a second batch has room beside the largest");
        drop(largest);
        assert!(workshop.room_for(1).await.is_ok());
    }
}
