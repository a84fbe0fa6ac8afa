//! What the key store keeps, row by row. Keys in here are wrapped; nothing in here opens anything without a root.

use std::fmt;

use crate::domain::{BotScope, ConversationId, Day, KeyState, PrincipalId, Role, TenantId, Timestamp};

/// A root slot: one way to open the vault epoch key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSlotRow {
    /// The slot's number.
    pub slot: u32,
    /// The kind of root, such as `passphrase` or `key-file`.
    pub kind: String,
    /// What the root needs to be used again (salt and cost, say), JSON. Never a secret.
    pub params: String,
    /// The epoch key it wraps.
    pub epoch: u32,
    /// The epoch key, wrapped.
    pub wrapped: Vec<u8>,
}

/// A vault epoch key; it is wrapped in each root slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRow {
    /// Its number, from 1.
    pub epoch: u32,
    /// Where it is in its life.
    pub state: KeyState,
    /// Its key check value.
    pub check: [u8; 32],
    /// When it was made.
    pub create_time: Timestamp,
}

/// A version of a tenant's key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantKekRow {
    /// Whose key it is.
    pub tenant: TenantId,
    /// Its version, from 1.
    pub version: u32,
    /// Where it is in its life.
    pub state: KeyState,
    /// The epoch key that wraps it.
    pub epoch: u32,
    /// The key, wrapped; none when destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// Its key check value, which stays.
    pub check: [u8; 32],
    /// When it was made.
    pub create_time: Timestamp,
}

/// Which of a tenant's other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TenantKeyKind {
    /// Makes handles and idempotency hashes.
    Index,
}

impl TenantKeyKind {
    /// Returns the stored number.
    pub fn code(self) -> u8 {
        match self {
            Self::Index => 1,
        }
    }
}

/// A tenant's index key, wrapped under the tenant KEK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantKeyRow {
    /// Whose key it is.
    pub tenant: TenantId,
    /// Which key.
    pub kind: TenantKeyKind,
    /// The KEK version that wraps it.
    pub kek_version: u32,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
}

/// The number of a bucket in the key store.
pub type BucketId = u64;

/// What the keys in a bucket have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BucketKind {
    /// They run out on this date: the bucket is destroyed at the following 00:00 UTC.
    Day(Day),
    /// They are under legal hold.
    Hold,
    /// They are under a retention lock.
    Locked,
}

impl fmt::Display for BucketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Hold => f.write_str("hold"),
            Self::Locked => f.write_str("locked"),
        }
    }
}

/// A bucket key-encryption key. Destroying it expires everything in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRow {
    /// Its number.
    pub id: BucketId,
    /// Whose bucket it is.
    pub tenant: TenantId,
    /// What it holds.
    pub kind: BucketKind,
    /// The KEK version that wraps it.
    pub kek_version: u32,
    /// The key, wrapped; none when destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// Its key check value, which stays.
    pub check: [u8; 32],
}

/// A segment DEK: one conversation's records of one expiry day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRow {
    /// Whose conversation.
    pub tenant: TenantId,
    /// Which one.
    pub conversation: ConversationId,
    /// `expiry day * 65536 + revision`.
    pub dek_id: u64,
    /// The bucket that wraps it.
    pub bucket: BucketId,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
}

/// A conversation key, wrapped in the bucket of the conversation's latest segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationKeyRow {
    /// Whose conversation.
    pub tenant: TenantId,
    /// Which one.
    pub conversation: ConversationId,
    /// The bucket that wraps it.
    pub bucket: BucketId,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
}

/// What a handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandleKind {
    /// A client reference: one conversation.
    Reference,
    /// A subject: any number of conversations.
    Subject,
}

impl HandleKind {
    /// Returns the stored number.
    pub fn code(self) -> u8 {
        match self {
            Self::Reference => 1,
            Self::Subject => 2,
        }
    }
}

/// The log signing key (an Ed25519 seed), wrapped under the epoch key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKeyRow {
    /// Its version, from 1.
    pub version: u32,
    /// The epoch key that wraps it.
    pub epoch: u32,
    /// The seed, wrapped.
    pub wrapped: Vec<u8>,
    /// The public key, 32 bytes.
    pub public: [u8; 32],
}

/// An API key: its hash and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Its public id, part of the key.
    pub id: String,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// Whose key it is.
    pub principal: PrincipalId,
    /// What the audit log calls that principal.
    pub pseudonym: String,
    /// What it may be.
    pub role: Role,
    /// The tenant it is limited to.
    pub tenant: Option<TenantId>,
    /// The bots it is limited to.
    pub bots: BotScope,
    /// When it was issued.
    pub create_time: Timestamp,
    /// When it stops working.
    pub expire_time: Timestamp,
    /// When it was revoked.
    pub revoke_time: Option<Timestamp>,
}
