//! Reading the data store, and the handle that the rest of the vault has of it.

use crate::domain::{ConversationId, PolicyKind, Slug, TenantId, Timestamp};

use super::commit::Committer;
use super::error::{StoreError, SubmitError};
use super::pipeline::{Pending, Pipeline};
use super::pool::ReaderPool;
use super::rows::{
    CheckpointRow, ConversationRow, EntryRow, KeyActRow, LogHead, LogId, OpenReadRow, PolicyRow, RecordRow,
    RememberedRequest, StreamRow, TenantRow,
};
use super::work::{Chore, Receipt, Work};

/// A conversation as read back.
pub type StoredConversation = ConversationRow<Vec<u8>>;
/// A record as read back.
pub type StoredRecord = RecordRow<Vec<u8>>;

/// What to list conversations by; everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationQuery {
    /// Only these (from a handle look-up); none given is no limit.
    pub among: Option<Vec<ConversationId>>,
    /// One of these bots; empty is no limit.
    pub bots: Vec<Slug>,
    /// This channel.
    pub channel: Option<Slug>,
    /// All of these labels.
    pub labels: Vec<Slug>,
    /// All of these finding classes.
    pub finding_classes: Vec<String>,
    /// Made at or after.
    pub created_from: Option<Timestamp>,
    /// Made before.
    pub created_before: Option<Timestamp>,
}

/// Where a page of conversations begins: after this one, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageKey {
    /// `create_time` of the last one shown.
    pub create_time: Timestamp,
    /// Its id.
    pub id: ConversationId,
}

/// A step of a list of conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The conversations, newest first.
    pub rows: Vec<StoredConversation>,
    /// The last one that was looked at, which is where the next step goes on; nothing when the list was seen to its end.
    pub resume: Option<PageKey>,
}

/// Reads of the data store, in short transactions of at most 500 rows: a `limit` above 500 counts as 500.
pub trait DataReader: Send {
    /// Returns the conversation.
    fn conversation(
        &mut self,
        tenant: &TenantId,
        id: &ConversationId,
    ) -> Result<Option<StoredConversation>, StoreError>;
    /// Returns what redaction remembers of the conversation, sealed, and the sequence of the record after which it did so; `None`
    /// when it remembers nothing.
    fn dialogue(&mut self, id: &ConversationId) -> Result<Option<(u64, Vec<u8>)>, StoreError>;
    /// Returns up to `limit` conversations of `tenant`, newest first, expired ones left out. It looks at no more than 5,000, so
    /// that fewer than `limit` are not the last ones unless the answer says so.
    fn conversations(
        &mut self,
        tenant: &TenantId,
        query: &ConversationQuery,
        after: Option<PageKey>,
        limit: usize,
    ) -> Result<Listed, StoreError>;
    /// Returns up to `limit` records after `after_sequence`, in order; fewer, but at least one, when these hold more than
    /// 1 MiB.
    fn records(
        &mut self,
        tenant: &TenantId,
        id: &ConversationId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError>;
    /// Returns the highest sequence sealed under one of `dek_ids`, and how many rows those have; none when they have none.
    fn sealed_under(
        &mut self,
        tenant: &TenantId,
        id: &ConversationId,
        dek_ids: &[u64],
    ) -> Result<Option<(u64, u64)>, StoreError>;
    /// Returns up to `limit` records after `after_sequence` that are sealed under `dek_id`, in order, bounded as
    /// [`DataReader::records`].
    fn records_under(
        &mut self,
        tenant: &TenantId,
        id: &ConversationId,
        dek_id: u64,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError>;
    /// Returns the tenant.
    fn tenant(&mut self, id: &TenantId) -> Result<Option<TenantRow>, StoreError>;
    /// Returns up to `limit` tenants after `after`, by id.
    fn tenants(&mut self, after: Option<&TenantId>, limit: usize) -> Result<Vec<TenantRow>, StoreError>;
    /// Returns the newest policy of `kind`, or the one with `version`.
    fn policy(
        &mut self,
        tenant: &TenantId,
        kind: PolicyKind,
        version: Option<u32>,
    ) -> Result<Option<PolicyRow>, StoreError>;
    /// Returns up to `limit` versions of a policy below `before`, newest first.
    fn policies(
        &mut self,
        tenant: &TenantId,
        kind: PolicyKind,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<PolicyRow>, StoreError>;
    /// Returns the remembered request.
    fn request(&mut self, tenant: &TenantId, key: &[u8; 32]) -> Result<Option<RememberedRequest>, StoreError>;
    /// Returns the stream.
    fn stream(&mut self, tenant: &TenantId, key: &[u8; 32]) -> Result<Option<StreamRow>, StoreError>;
    /// Returns up to `limit` entries of `log` from `from`, in order; fewer, but at least one, when these hold more than 4 MiB.
    fn entries(&mut self, log: &LogId, from: u64, limit: usize) -> Result<Vec<EntryRow>, StoreError>;
    /// Returns the head of every log.
    fn heads(&mut self) -> Result<Vec<LogHead>, StoreError>;
    /// Returns the newest checkpoint of `log`.
    fn checkpoint(&mut self, log: &LogId) -> Result<Option<CheckpointRow>, StoreError>;
    /// Returns the key acts that have no outcome.
    fn open_key_acts(&mut self) -> Result<Vec<KeyActRow>, StoreError>;
    /// Returns the read streams that have no end.
    fn open_reads(&mut self) -> Result<Vec<OpenReadRow>, StoreError>;
    /// Tells whether [`Chore::ForgetRequests`] would still remove something.
    fn forgettable(&mut self, before: Timestamp) -> Result<bool, StoreError>;
    /// Returns the size of the write-ahead log, in bytes.
    fn wal_bytes(&mut self) -> Result<u64, StoreError>;
}

/// The data store: one writer behind a pipeline, and a pool of readers.
#[derive(Clone)]
pub struct DataStore {
    pipeline: Pipeline<Committer>,
    readers: ReaderPool<dyn DataReader>,
}

impl DataStore {
    /// Returns the store made of a running pipeline and readers.
    pub fn new(pipeline: Pipeline<Committer>, readers: ReaderPool<dyn DataReader>) -> Self {
        Self { pipeline, readers }
    }

    /// Commits `work` and returns when it is durable.
    pub async fn submit(&self, work: Work) -> Result<Receipt, SubmitError> {
        self.pipeline.submit(work).await
    }

    /// Queues `work` behind everything queued before it; the returned handle tells when it is durable.
    pub async fn enqueue(&self, work: Work) -> Result<Pending<Receipt>, SubmitError> {
        self.pipeline.enqueue(work).await
    }

    /// Returns how many works were committed since the start.
    pub fn committed(&self) -> u64 {
        self.pipeline.committed()
    }

    /// Returns how much waits for the writer: pieces of work, and their bytes.
    pub fn waiting(&self) -> (u64, u64) {
        self.pipeline.waiting()
    }

    /// Looks whether the files of the store are still the ones that were opened: [`Intact::check`].
    pub fn check_files(&self) -> Result<(), StoreError> {
        self.readers.files().check()
    }

    /// Tells whether the files are known not to be the ones that were opened: [`Intact::known`].
    pub fn known_files(&self) -> Result<(), StoreError> {
        self.readers.files().known()
    }

    /// Finds out whether the store can be read, and written again where the last batch failed.
    pub async fn probe(&self, now: Timestamp) -> Result<(), SubmitError> {
        if self.pipeline.is_ended() {
            return Err(SubmitError::Ended);
        }
        let read = self.read(|reader| reader.checkpoint(&LogId::System)).await;
        read.map_err(|error| SubmitError::Failed(std::sync::Arc::new(error)))?;
        if self.pipeline.is_failing() {
            // What a failed batch left of the log takes a small write even on a full disk.
            self.readers.has_room().await.map_err(|error| SubmitError::Failed(std::sync::Arc::new(error)))?;
            self.submit(Work::chore(Chore::Touch(now))).await?;
        }
        Ok(())
    }

    /// Runs `read` on a reader, off the async threads.
    pub async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut (dyn DataReader + 'static)) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers.run(read).await
    }
}
