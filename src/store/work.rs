//! Work for the data store: changes and the audit entries they cannot be without.

use crate::audit::Entry;
use crate::domain::{ConversationId, ConversationState, Day, Slug, TenantId, TenantState, Timestamp};
use crate::sealing::Sealed;

use super::rows::{
    CheckpointRow, ConversationRow, KeyActRow, LogId, OpenReadRow, PolicyRow, RecordRow, RememberedRequest, StreamRow,
    TenantRow,
};

/// An audit entry on its way into a log, with the commitments that its leaf hashes in.
#[derive(Debug, Clone)]
pub struct LoggedEntry {
    /// The log it goes into.
    pub log: LogId,
    /// The entry.
    pub entry: Entry,
    /// One commitment per record of an append; else empty.
    pub commitments: Vec<[u8; 32]>,
}

impl LoggedEntry {
    /// Tells whether the entry names the log it goes into and counts the commitments it goes with: a log with one that does
    /// not could never be verified again.
    pub(super) fn is_well_filed(&self) -> bool {
        let named = match &self.log {
            LogId::System => self.entry.log() == "system",
            LogId::Tenant(tenant) => self.entry.log().strip_prefix("tenants/") == Some(tenant.as_str()),
        };
        named && self.entry.commitments() == self.commitments.len() as u64
    }
}

/// One change of the data store.
#[derive(Debug)]
pub enum Mutation {
    /// Makes a conversation. Refused with `Exists`, or `Missing` when its tenant is not there.
    CreateConversation(Box<ConversationRow>),
    /// Adds records at the end of a conversation. Refused with `Missing`, `NotOpen`, or `Conflict` when the first row's
    /// sequence is not the next one, or the conversation was sealed anew since. Rows are contiguous and not empty.
    AppendRecords {
        /// Whose conversation.
        tenant: TenantId,
        /// Which one.
        conversation: ConversationId,
        /// The records, in order.
        rows: Vec<RecordRow>,
        /// Classes that redaction found in them.
        finding_classes: Vec<String>,
        /// The date on which they run out.
        last_day: Day,
        /// What redaction remembers of the conversation after them, where that has changed.
        dialogue: Option<Sealed>,
        /// The conversation's `reseals` as they were when the segment's key was looked up.
        reseals: u64,
    },
    /// Replaces records of a conversation by the same ones sealed under another key. Refused with `Missing`, or `Conflict`
    /// when one of them is not there under `from`.
    ResealRecords {
        /// Whose conversation.
        tenant: TenantId,
        /// Which one.
        conversation: ConversationId,
        /// The segment key that they are sealed under.
        from: u64,
        /// The records as they are to be: sealed body, its size class, policy version and segment key are taken.
        rows: Vec<RecordRow>,
        /// Classes that were found in them now.
        finding_classes: Vec<String>,
        /// Whether these are the first under the new key: `reseals` rises.
        first: bool,
    },
    /// Replaces sealed metadata, labels and state. Refused with `Missing`, `NotOpen` when it has expired, or `Conflict` when
    /// the stored `meta_version` is not one less than the new one.
    UpdateConversation {
        /// Whose conversation.
        tenant: TenantId,
        /// Which one.
        conversation: ConversationId,
        /// The new labels.
        labels: Vec<Slug>,
        /// The new state.
        state: ConversationState,
        /// The new sealed metadata.
        sealed_meta: Sealed,
        /// Its version.
        meta_version: u64,
    },
    /// Remembers a request. Refused with `Duplicate` when its key is there already.
    RememberRequest(RememberedRequest),
    /// Moves a stream forward from `previous`, or opens it when that is 0. Refused with `Conflict` when it does not stand at
    /// `previous`, or belongs to another conversation.
    AdvanceStream {
        /// Where the stream stands after.
        row: StreamRow,
        /// The client sequence at which it stood before.
        previous: u64,
    },
    /// Makes a tenant. Refused with `Exists`.
    CreateTenant(TenantRow),
    /// Sets a tenant's state. Refused with `Missing`.
    SetTenantState(TenantId, TenantState),
    /// Adds a policy version. Refused with `Conflict` when it is not the next one, or `Missing` when its tenant is not there.
    PutPolicy(PolicyRow),
    /// Notes that a key act has begun. Refused with `Exists`.
    BeginKeyAct(KeyActRow),
    /// Notes that a key act has ended. Refused with `Missing`.
    EndKeyAct([u8; 16]),
    /// Notes that a read stream has begun. Refused with `Exists`.
    OpenRead(OpenReadRow),
    /// Notes that a read stream has ended. Refused with `Missing`.
    CloseRead([u8; 16]),
    /// Removes the record rows up to `through` that are sealed under `dek_ids` and marks everything up to `through` expired;
    /// when `expired` is set the conversation goes to `EXPIRED`, and its sealed metadata, channel, labels, finding classes,
    /// requests and streams go too. Doing it again changes nothing. Refused with `Missing`.
    ExpireRecords {
        /// Whose conversation.
        tenant: TenantId,
        /// Which one.
        conversation: ConversationId,
        /// The destroyed segment keys.
        dek_ids: Vec<u64>,
        /// The last expired sequence.
        through: u64,
        /// Whether nothing of it is left.
        expired: bool,
    },
}

/// Work that is no act of anybody's, and so has no entry.
#[derive(Debug)]
pub enum Chore {
    /// Keeps a signed checkpoint, unless a newer one of the log is kept already.
    PutCheckpoint(CheckpointRow),
    /// Writes the time into a row of its own: finds out whether anything can be written.
    Touch(Timestamp),
    /// Forgets requests and idle streams older than this; at most 5,000 of each at a time.
    ForgetRequests(Timestamp),
}

/// What is committed together: changes, and at least one audit entry. There is no way to build one without an entry.
#[derive(Debug)]
pub struct Work {
    inner: Inner,
}

#[derive(Debug)]
pub(super) enum Inner {
    Act { entries: Vec<LoggedEntry>, mutations: Vec<Mutation> },
    Chore(Chore),
}

impl Work {
    /// Returns work that logs `entry` and changes nothing yet.
    pub fn new(entry: LoggedEntry) -> Self {
        Self { inner: Inner::Act { entries: vec![entry], mutations: Vec::new() } }
    }

    /// Returns work that only keeps house.
    pub fn chore(chore: Chore) -> Self {
        Self { inner: Inner::Chore(chore) }
    }

    /// Adds a change.
    #[must_use]
    pub fn with(mut self, mutation: Mutation) -> Self {
        if let Inner::Act { mutations, .. } = &mut self.inner {
            mutations.push(mutation);
        }
        self
    }

    /// Adds a further entry.
    #[must_use]
    pub fn and_log(mut self, entry: LoggedEntry) -> Self {
        if let Inner::Act { entries, .. } = &mut self.inner {
            entries.push(entry);
        }
        self
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Returns about how many bytes the work holds in memory.
    pub(super) fn weight(&self) -> usize {
        const FIXED: usize = 512;
        match &self.inner {
            Inner::Chore(_) => FIXED,
            Inner::Act { entries, mutations } => {
                let logged: usize = entries.iter().map(|entry| FIXED + 32 * entry.commitments.len()).sum();
                let changed: usize = mutations.iter().map(|mutation| FIXED + mutation.body_bytes()).sum();
                logged + changed
            }
        }
    }
}

impl Mutation {
    fn body_bytes(&self) -> usize {
        match self {
            Self::ResealRecords { rows, .. } => rows.iter().map(|row| row.sealed.len() + 96).sum(),
            Self::AppendRecords { rows, dialogue, .. } => {
                let rows: usize = rows.iter().map(|row| row.sealed.len() + 96).sum();
                rows + dialogue.as_ref().map_or(0, |sealed| sealed.as_bytes().len())
            }
            Self::RememberRequest(request) => request.answer.len(),
            Self::PutPolicy(policy) => policy.document.len(),
            Self::CreateConversation(row) => row.sealed_meta.len(),
            _ => 0,
        }
    }
}

/// Proof that audit entries are durable: only a committed transaction makes one. A reply that carries data needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    positions: Vec<(LogId, u64)>,
}

impl Receipt {
    /// Made by the committer, after COMMIT.
    pub(super) fn new(positions: Vec<(LogId, u64)>) -> Self {
        Self { positions }
    }

    /// Returns log and index of each entry, in the order they were given.
    pub fn positions(&self) -> &[(LogId, u64)] {
        &self.positions
    }
}
