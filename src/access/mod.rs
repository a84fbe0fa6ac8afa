//! Who may do what: authentication, the permission table, and the decision that is also an audit entry.
//!
//! | to do this | use |
//! |---|---|
//! | check a call's credential and role before its body is decoded | [`Gate::admit`] |
//! | check what the call is about, and get the proof that a use case asks for | [`Gate::authorize`] with an [`Act`] |
//! | write entries of an allowed act | [`Authorized::entry`], [`Authorized::logged`], [`Authorized::refused`] |
//! | check a long stream's credential again | [`Gate::recheck`] |
//! | issue, revoke, list and explain API keys | [`api_key`] |
//! | say which client certificates are believed | [`Gate::trust_certificates`] |
//! | log a handshake that failed | [`Gate::failed_handshake`] |
//! | see who may call what | [`TABLE`] |
//!
//! A caller that reaches for another tenant's things, or another bot's, gets the answer of things that do not exist.
//! There is no second door: [`Authorized`] values are made in here only, and what is denied is in the audit log before
//! it is answered.

mod act;
pub mod api_key;
mod authenticate;
mod authorized;
mod caller;
mod certificate;
mod credential;
mod decision;
mod failed_logins;
mod gate;
mod key_act;
mod key_cache;
mod peer;
mod permission;

pub use act::{Act, acts};
pub use authorized::Authorized;
pub use caller::Caller;
pub use certificate::{CertificateTrust, ClientCertificate};
pub use credential::SecretKeyText;
pub use decision::Scope;
pub use gate::Gate;
pub use peer::Peer;
pub use permission::{Bots, Permission, Place, Reach, Rule, TABLE, rule_for};
