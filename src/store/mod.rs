//! Making things durable: the storage traits, the commit pipeline, and the engines behind them.
//!
//! Two stores: the *data store* (`vault.db`: conversations, sealed records, audit log, control rows) and the *key store*
//! (`keys.db`: every wrapped key, handles, credentials). Each has one writer, fed by a [`Pipeline`], and readers.
//!
//! | to do this | use |
//! |---|---|
//! | change the data store | [`Work`] through [`DataStore::submit`]: it cannot be built without its audit entry |
//! | know that it is durable | the [`Receipt`] that comes back |
//! | read the data store | [`DataReader`] through [`DataStore::read`] |
//! | change or read the key store | [`KeyWork`], [`KeyReader`] through [`KeyStore`] |
//! | add an engine | a folder beside `sqlite/` that implements [`DataWriter`], [`DataReader`], [`KeyWriter`], [`KeyReader`] |

mod commit;
mod data;
mod error;
pub mod fatal;
mod key_rows;
mod key_store;
mod pipeline;
mod pool;
mod rows;
pub mod sqlite;
mod work;

pub use commit::{Committer, DataWriter};
pub use data::{ConversationQuery, DataReader, DataStore, Listed, PageKey, StoredConversation, StoredRecord};
pub use error::{Refusal, StoreError, SubmitError};
pub use key_rows::{
    ApiKeyRow, BucketId, BucketKind, BucketRow, ConversationKeyRow, EpochRow, HandleKind, LogKeyRow, RootSlotRow,
    SegmentRow, TenantKekRow, TenantKeyKind, TenantKeyRow,
};
pub use key_store::{KeyReader, KeyReceipt, KeyStore, KeyWork, KeyWrite, KeyWriter, Rotation};
pub use pipeline::{Engine, Pending, Pipeline};
pub use pool::{Intact, ReaderPool};
pub use rows::{
    CheckpointRow, ConversationRow, EntryRow, KeyActRow, LogHead, LogId, OpenReadRow, PolicyRow, RecordRow,
    RememberedRequest, StreamRow, TenantRow,
};
pub use work::{Chore, LoggedEntry, Mutation, Receipt, Work};
