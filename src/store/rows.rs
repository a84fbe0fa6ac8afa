//! What the data store keeps, row by row.

use std::collections::BTreeSet;
use std::fmt;

use crate::audit::Hash;
use crate::domain::{
    AuthorRole, ConversationId, ConversationState, Day, PolicyKind, RecordKind, Slug, TenantId, TenantState, Timestamp,
};
use crate::sealing::Sealed;

/// Which audit log an entry stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogId {
    /// Acts of no tenant.
    System,
    /// A tenant's acts.
    Tenant(TenantId),
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Tenant(tenant) => write!(f, "tenants/{tenant}"),
        }
    }
}

/// A conversation, as it stands in clear; all else of it is in `sealed_meta`.
///
/// `S` is [`Sealed`] on the way in, which only sealing can make, and plain bytes on the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow<S = Sealed> {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: ConversationId,
    /// The bot.
    pub bot: Slug,
    /// The channel.
    pub channel: Option<Slug>,
    /// Searchable labels.
    pub labels: BTreeSet<Slug>,
    /// Classes of what redaction found in its records.
    pub finding_classes: BTreeSet<String>,
    /// Where it is in its life.
    pub state: ConversationState,
    /// When the vault made it.
    pub create_time: Timestamp,
    /// `received_at` of its last record; `create_time` while it has none.
    pub last_record_time: Timestamp,
    /// The sequence that the next record gets; the first record has 1.
    pub next_sequence: u64,
    /// Records up to and including this sequence have expired; 0 when none has.
    pub expired_through: u64,
    /// The last date on which something of it is still readable.
    pub last_day: Day,
    /// The sealed [`crate::domain::ConversationMeta`].
    pub sealed_meta: S,
    /// Rises by one with each change of `sealed_meta`; bound into its seal.
    pub meta_version: u64,
    /// Rises by one each time a segment of it is sealed anew under another key.
    pub reseals: u64,
}

/// A sealed record and what stands beside it in clear. `S` as in [`ConversationRow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow<S = Sealed> {
    /// Its number in the conversation.
    pub sequence: u64,
    /// When the vault took it in.
    pub received_at: Timestamp,
    /// Who said it.
    pub author_role: AuthorRole,
    /// The kind, bound into the seal.
    pub kind: RecordKind,
    /// The segment key it is sealed under.
    pub dek_id: u64,
    /// The redaction policy that handled it, bound into the seal.
    pub policy_version: u32,
    /// See [`crate::domain::size_class`].
    pub size_class: u8,
    /// Opening and canonical record, sealed.
    pub sealed: S,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRow {
    /// Its id.
    pub id: TenantId,
    /// Whether it is served.
    pub state: TenantState,
    /// When it was made.
    pub create_time: Timestamp,
}

/// One version of a tenant's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// Whose policy it is.
    pub tenant: TenantId,
    /// Which of its policies.
    pub kind: PolicyKind,
    /// From 1, without gaps.
    pub version: u32,
    /// When it took effect.
    pub create_time: Timestamp,
    /// The document, JSON.
    pub document: String,
}

/// A request that was done, so that a repetition gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedRequest {
    /// Keyed hash of tenant, principal, method and request id.
    pub key: [u8; 32],
    /// Keyed hash of the decoded request.
    pub body: [u8; 32],
    /// What was answered, JSON; it holds no content.
    pub answer: Vec<u8>,
    /// The conversation it goes away with.
    pub conversation: Option<ConversationId>,
    /// When it was done.
    pub at: Timestamp,
}

/// How far a client's ingest stream is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamRow {
    /// Keyed hash of tenant, principal and stream id.
    pub key: [u8; 32],
    /// The conversation it writes to.
    pub conversation: ConversationId,
    /// The highest durable client sequence.
    pub client_sequence: u64,
    /// The sequence of the record that client sequence became.
    pub last_sequence: u64,
    /// When it last moved.
    pub at: Timestamp,
}

/// A key act between its intent and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyActRow {
    /// The act's own id (UUIDv7), also marked in the key store when the act is done.
    pub id: [u8; 16],
    /// The log that has its intent.
    pub log: LogId,
    /// The operation, as in the audit entry.
    pub operation: String,
    /// What it needs to be finished or undone, JSON.
    pub detail: String,
    /// When it began.
    pub at: Timestamp,
}

/// A read stream between its begin and its end entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReadRow {
    /// The read's own id (UUIDv7).
    pub id: [u8; 16],
    /// The log that has its begin entry.
    pub log: LogId,
    /// What is read, as in the audit entry.
    pub object: String,
    /// Who reads: pseudonym and role, as in the audit entry.
    pub actor: (String, String),
    /// When it began.
    pub at: Timestamp,
}

/// One audit entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The canonical entry.
    pub canonical: Vec<u8>,
    /// The commitments hashed into its leaf.
    pub commitments: Vec<[u8; 32]>,
    /// Its leaf hash.
    pub leaf: Hash,
}

/// The state of one audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// Which log.
    pub log: LogId,
    /// The encoded [`crate::audit::Frontier`]; it has size and root.
    pub frontier: Vec<u8>,
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// Which log.
    pub log: LogId,
    /// The size it signs.
    pub size: u64,
    /// The signed note (C2SP tlog-checkpoint).
    pub note: String,
    /// When it was signed.
    pub at: Timestamp,
    /// The encoded [`crate::audit::Frontier`] at that size, so that a check can go on from here.
    pub frontier: Vec<u8>,
}
