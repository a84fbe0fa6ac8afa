//! The life of API keys: issued, listed, explained, revoked.
//!
//! A key lives in the key store and its audit entries in the data store, so each change is an intent entry, the change,
//! and an outcome entry (design section 4). A client that goes away in between must not stop it: run [`issue`] and
//! [`revoke`] in a task of their own. What a crash leaves open is a key act (`IssueApiKey`, `RevokeApiKey`) that start-up
//! closes by its mark, like every other.

mod act;
mod explain;
mod issue;
mod list;
mod revoke;

pub use explain::{explain, is_live};
pub use issue::{
    BOOTSTRAP_PRINCIPAL, DEFAULT_TTL, IssueRequest, Issued, MAX_BOTS, MAX_TTL, MOST_LIVE, bootstrap_row, issue,
    security_row,
};
pub use list::{KeyCursor, KeyFilter, find, list};
pub use revoke::revoke;
