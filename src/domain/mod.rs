//! The vocabulary: types that cannot be wrong, shared by every room. No I/O, no async, no wire types.
//!
//! | to speak of | use |
//! |---|---|
//! | a tenant, conversation, bot, request | [`TenantId`], [`ConversationId`], [`Slug`], [`RequestId`] |
//! | its resource name | [`TenantName`], [`ConversationName`], [`KeyName`], [`PolicyName`] |
//! | a turn, before and after redaction | [`NewRecord`], [`Record`] |
//! | a file in it, and what kinds there are | [`Attachment`], [`MediaType`] |
//! | a conversation, before and after redaction | [`NewConversation`], [`ConversationMeta`] |
//! | who calls, and why | [`Principal`], [`Role`], [`Purpose`] |
//! | time | [`Timestamp`], [`Day`] |
//! | what went wrong | [`Error`], [`Reason`] |

mod attachment;
mod codes;
mod conversation;
mod error;
mod ids;
mod media;
mod names;
mod principal;
mod record;
mod retention;
mod time;

pub use attachment::{Attachment, MAX_FILE_NAME_BYTES};
pub use codes::{
    Audience, AuthorRole, ConversationState, KeyState, MediaType, PolicyKind, Purpose, RecordKind, Role, TenantState,
    View,
};
pub use conversation::{ConversationMeta, MAX_LABELS, MAX_REFERENCE_BYTES, NewConversation};
pub use error::{Error, Reason, Result};
pub use ids::{CaseReference, ConversationId, IdError, PrincipalId, RequestId, Slug, TenantId, TrustDomain, VaultId};
pub use names::{ConversationName, KeyName, PolicyName, RecordName, TenantName};
pub use principal::{BotScope, Principal};
pub use record::{
    Content, FindingNote, MAX_BATCH_RECORDS, MAX_METADATA_PAIRS, MAX_RECORD_BYTES, NewRecord, RISK_PREFIX, Record,
    RiskNote, size_class,
};
pub use retention::{MAX_DAYS, RetentionError, RetentionPolicy};
pub use time::{Day, TimeError, Timestamp};
