//! Work for the key store, reading it, and the handle that `keys` and `access` have of it.

use crate::domain::{ConversationId, Day, PrincipalId, Role, TenantId, Timestamp};

use super::error::{Refusal, StoreError, SubmitError};
use super::key_rows::{
    ApiKeyRow, BucketId, BucketKind, BucketRow, ConversationKeyRow, EpochRow, HandleKind, LogKeyRow, RootSlotRow,
    SegmentRow, TenantKekRow, TenantKeyKind, TenantKeyRow,
};
use super::pipeline::{Engine, Pipeline};
use super::pool::ReaderPool;
use super::rows::{CheckpointRow, LogId};

/// One change of the key store.
#[derive(Debug)]
pub enum KeyWrite {
    /// Adds an epoch key and its wraps in the root slots; or, when it is there, sets its state and adds or replaces those slots.
    /// Refused with `Conflict` when another key has its number, or a slot is of another epoch.
    PutEpoch(EpochRow, Vec<RootSlotRow>),
    /// Adds a log key. Refused with `Exists`.
    PutLogKey(LogKeyRow),
    /// Adds a tenant's first KEK and its index key. Refused with `Exists`.
    CreateTenant(TenantKekRow, TenantKeyRow),
    /// Adds a live bucket. Refused with `Exists` when its number or a live bucket of its kind is there, or `Conflict` when `kek_version` is not the tenant's active one.
    PutBucket(BucketRow),
    /// Adds a segment. Refused with `Exists`, or `Missing` when its bucket is not there, destroyed, or another tenant's.
    PutSegment(SegmentRow),
    /// Adds or replaces a conversation key. Refused with `Missing` when its bucket is not there, destroyed, or another tenant's.
    PutConversationKey(ConversationKeyRow),
    /// Adds a handle. A reference stands for one conversation only: refused with `Exists` when it stands for another.
    PutHandle(TenantId, HandleKind, [u8; 32], ConversationId),
    /// Replaces a tenant's active KEK, which becomes decrypt-only. Refused with `Missing` when there is none, or `Conflict` when
    /// the new version is not the next one, the tenant's live buckets or other keys are not just those given, or a wrap has
    /// another length than the one it replaces.
    Rotate(Rotation),
    /// Destroys bucket keys: wraps go, check values stay. One that is destroyed already stays so. Refused with `Missing`.
    DestroyBuckets(Vec<BucketId>),
    /// Drops segments of a conversation, whatever their bucket, each overwritten first; those that are not there are no matter.
    DropSegments {
        /// The conversation.
        conversation: ConversationId,
        /// The destroyed keys.
        dek_ids: Vec<u64>,
        /// Whether the conversation's key and handles go as well.
        whole: bool,
    },
    /// Marks a key act done, so that its outcome is known after a crash. Doing it again changes nothing.
    MarkAct([u8; 16]),
    /// Forgets a marked act, if it is there.
    ForgetAct([u8; 16]),
    /// Adds an API key. Refused with `Exists` when its id is there or its principal has `most_live` live keys of that role
    /// already, or `Conflict` when the principal has another pseudonym or the pseudonym another principal.
    PutApiKey {
        /// The key.
        row: ApiKeyRow,
        /// How many live keys of one role a principal may have.
        most_live: usize,
        /// What "live" is measured against.
        now: Timestamp,
    },
    /// Revokes an API key; the earliest time counts. Refused with `Missing`.
    RevokeApiKey(String, Timestamp),
    /// Keeps that a certificate of a principal carries a role, until the later of `expire_time` and what is kept already.
    /// Refused with `Conflict` when the principal has another pseudonym or the pseudonym another principal.
    PutCertificateRole {
        /// Whose certificate it is.
        principal: PrincipalId,
        /// What the audit log calls that principal.
        pseudonym: String,
        /// What it carries.
        role: Role,
        /// When it runs out.
        expire_time: Timestamp,
    },
    /// Keeps a signed checkpoint, unless a newer one of the log is kept already.
    PutCheckpoint(CheckpointRow),
    /// Sets a value that describes the whole vault, such as its id.
    PutMeta(&'static str, Vec<u8>),
}

/// A tenant KEK rotation: everything that hung on the old version, wrapped anew.
#[derive(Debug)]
pub struct Rotation {
    /// The new version, `ACTIVE`.
    pub kek: TenantKekRow,
    /// Every live bucket, wrapped under it.
    pub buckets: Vec<(BucketId, Vec<u8>)>,
    /// The tenant's other keys, wrapped under it.
    pub keys: Vec<TenantKeyRow>,
}

/// Changes that are committed together.
#[derive(Debug, Default)]
pub struct KeyWork {
    pub(super) writes: Vec<KeyWrite>,
    pub(super) scrub: bool,
}

impl KeyWork {
    /// Returns work that makes one change.
    pub fn new(write: KeyWrite) -> Self {
        Self { writes: vec![write], scrub: false }
    }

    /// Adds a change.
    #[must_use]
    pub fn with(mut self, write: KeyWrite) -> Self {
        self.writes.push(write);
        self
    }

    /// Asks that nothing of what the work deletes remains in any file when it is answered. `KeyWork::default().scrubbed()`
    /// changes nothing and tries a pending scrub again.
    #[must_use]
    pub fn scrubbed(mut self) -> Self {
        self.scrub = true;
        self
    }
}

/// What a committed key work tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyReceipt {
    /// Whether a scrub was asked for and could not be done (a reader held the log open): old bytes may still be in the file.
    pub pending_scrub: bool,
}

/// The write half of a key engine: the pipeline hands it batches.
pub trait KeyWriter: Send + 'static {
    /// Commits a batch as one transaction, each work under its own savepoint; truncates the log after it when one asks.
    fn commit(&mut self, batch: Vec<KeyWork>) -> Result<Vec<Result<KeyReceipt, Refusal>>, StoreError>;
    /// Keeps the write-ahead log bounded.
    fn between(&mut self);
}

/// Reads of the key store.
pub trait KeyReader: Send {
    /// Returns a value that describes the whole vault.
    fn meta(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Returns every root slot.
    fn root_slots(&mut self) -> Result<Vec<RootSlotRow>, StoreError>;
    /// Returns every epoch key.
    fn epochs(&mut self) -> Result<Vec<EpochRow>, StoreError>;
    /// Returns every log key, oldest first.
    fn log_keys(&mut self) -> Result<Vec<LogKeyRow>, StoreError>;
    /// Returns every KEK version of a tenant, oldest first.
    fn tenant_keks(&mut self, tenant: &TenantId) -> Result<Vec<TenantKekRow>, StoreError>;
    /// Returns one of a tenant's other keys.
    fn tenant_key(&mut self, tenant: &TenantId, kind: TenantKeyKind) -> Result<Option<TenantKeyRow>, StoreError>;
    /// Returns a bucket.
    fn bucket(&mut self, id: BucketId) -> Result<Option<BucketRow>, StoreError>;
    /// Returns a tenant's live bucket of a kind; a destroyed one is found by its number only.
    fn bucket_of(&mut self, tenant: &TenantId, kind: BucketKind) -> Result<Option<BucketRow>, StoreError>;
    /// Returns every live bucket of a tenant.
    fn live_buckets(&mut self, tenant: &TenantId) -> Result<Vec<BucketRow>, StoreError>;
    /// Returns live buckets of all tenants whose day is before `day` (days since the epoch), oldest first, at most `limit`.
    fn buckets_due(&mut self, day: Day, limit: usize) -> Result<Vec<BucketRow>, StoreError>;
    /// Returns up to `limit` segments that lie in destroyed buckets, in no order.
    fn dead_segments(&mut self, limit: usize) -> Result<Vec<SegmentRow>, StoreError>;
    /// Returns a segment.
    fn segment(&mut self, conversation: &ConversationId, dek_id: u64) -> Result<Option<SegmentRow>, StoreError>;
    /// Returns up to `limit` segments of a conversation, by number.
    fn segments(&mut self, conversation: &ConversationId, limit: usize) -> Result<Vec<SegmentRow>, StoreError>;
    /// Returns the segment of a conversation with the highest number from `first` to `last`.
    fn newest_segment(
        &mut self,
        conversation: &ConversationId,
        first: u64,
        last: u64,
    ) -> Result<Option<SegmentRow>, StoreError>;
    /// Returns a conversation key.
    fn conversation_key(&mut self, id: &ConversationId) -> Result<Option<ConversationKeyRow>, StoreError>;
    /// Returns conversation keys made after `after` (by id), at most `limit`: for the sweep of orphans.
    fn conversation_keys(
        &mut self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationKeyRow>, StoreError>;
    /// Returns up to `limit` of the conversations that a handle stands for and that were made before `before` (by id), newest
    /// first.
    fn handle(
        &mut self,
        tenant: &TenantId,
        kind: HandleKind,
        handle: &[u8; 32],
        before: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError>;
    /// Tells whether a key act was marked done.
    fn act_marked(&mut self, id: &[u8; 16]) -> Result<bool, StoreError>;
    /// Returns up to `limit` marks of key acts.
    fn act_marks(&mut self, limit: usize) -> Result<Vec<[u8; 16]>, StoreError>;
    /// Returns an API key by its id.
    fn api_key(&mut self, id: &str) -> Result<Option<ApiKeyRow>, StoreError>;
    /// Returns up to `limit` API keys after `after`, by id.
    fn api_keys(&mut self, after: Option<&str>, limit: usize) -> Result<Vec<ApiKeyRow>, StoreError>;
    /// Returns the pseudonym that a principal has, if it has one.
    fn pseudonym(&mut self, principal: &PrincipalId) -> Result<Option<String>, StoreError>;
    /// Returns when the last certificate that carried `role` for a principal runs out; none when there was none.
    fn certificate_role(&mut self, principal: &PrincipalId, role: Role) -> Result<Option<Timestamp>, StoreError>;
    /// Returns the roles that a principal has at `now`, by API keys that are live and by certificates that have not run out.
    fn roles_of(&mut self, principal: &PrincipalId, now: Timestamp) -> Result<Vec<Role>, StoreError>;
    /// Returns the newest checkpoint that was kept of a log.
    fn checkpoint(&mut self, log: &LogId) -> Result<Option<CheckpointRow>, StoreError>;
    /// Returns the newest checkpoint of every log.
    fn checkpoints(&mut self) -> Result<Vec<CheckpointRow>, StoreError>;
    /// Returns how many live buckets hang on each KEK version of a tenant.
    fn dependents(&mut self, tenant: &TenantId) -> Result<Vec<(u32, u64)>, StoreError>;
    /// Returns the size of the write-ahead log, in bytes.
    fn wal_bytes(&mut self) -> Result<u64, StoreError>;
}

/// The key store's engine in its pipeline.
pub(super) struct KeyEngine(Box<dyn KeyWriter>);

impl Engine for KeyEngine {
    type Work = KeyWork;
    type Done = KeyReceipt;

    fn weight(work: &KeyWork) -> usize {
        work.writes
            .iter()
            .map(|write| 256 + if let KeyWrite::Rotate(r) = write { r.buckets.len() * 128 } else { 0 })
            .sum()
    }

    fn commit(&mut self, batch: Vec<KeyWork>) -> Result<Vec<Result<KeyReceipt, Refusal>>, StoreError> {
        self.0.commit(batch)
    }

    fn between(&mut self) {
        self.0.between();
    }
}

/// The key store: one writer behind a pipeline, and a pool of readers.
#[derive(Clone)]
pub struct KeyStore {
    pipeline: Pipeline<KeyEngine>,
    readers: ReaderPool<dyn KeyReader>,
}

impl KeyStore {
    /// Starts the writer and returns the store, and the writer's thread to wait for at the end.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(
        writer: Box<dyn KeyWriter>,
        readers: ReaderPool<dyn KeyReader>,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (pipeline, thread) = Pipeline::start("keys-writer", KeyEngine(writer))?;
        Ok((Self { pipeline, readers }, thread))
    }

    /// Commits `work` and returns when it is durable.
    pub async fn submit(&self, work: KeyWork) -> Result<KeyReceipt, SubmitError> {
        self.pipeline.submit(work).await
    }

    /// Returns how much waits for the writer: pieces of work, and their bytes.
    pub fn waiting(&self) -> (u64, u64) {
        self.pipeline.waiting()
    }

    /// Looks whether the files of the store are still the ones that were opened.
    pub fn check_files(&self) -> Result<(), StoreError> {
        self.readers.files().check()
    }

    /// Tells whether the files are known not to be the ones that were opened.
    pub fn known_files(&self) -> Result<(), StoreError> {
        self.readers.files().known()
    }

    /// Finds out whether the store can be read, and written again where the last batch failed.
    pub async fn probe(&self, now: Timestamp) -> Result<(), SubmitError> {
        if self.pipeline.is_ended() {
            return Err(SubmitError::Ended);
        }
        let read = self.read(|reader| reader.meta("vault_id")).await;
        read.map_err(|error| SubmitError::Failed(std::sync::Arc::new(error)))?;
        if self.pipeline.is_failing() {
            // What a failed batch left of the log takes a small write even on a full disk.
            self.readers.has_room().await.map_err(|error| SubmitError::Failed(std::sync::Arc::new(error)))?;
            let touch = KeyWrite::PutMeta("heartbeat", now.unix_ms().to_be_bytes().to_vec());
            self.submit(KeyWork::new(touch)).await?;
        }
        Ok(())
    }

    /// Runs `read` on a reader, off the async threads.
    pub async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut (dyn KeyReader + 'static)) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers.run(read).await
    }
}
