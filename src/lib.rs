//! Subrosa: an encrypted conversation vault with secure logging.
//!
//! This is the map of the house. A room is named for what it does for the user, and arrows point one way only
//! (`tests/architecture.rs` fails on one that points back):
//!
//! ```text
//! clock, domain <- redaction, sealing, lifecycle, audit (pure) <- store <- keys, access, watch <- vault
//!                                                                        <- grpc, http, cli <- app
//! ```
//!
//! | to do this | look in |
//! |---|---|
//! | name a thing: ids, resource names, records, roles, errors | [`domain`] |
//! | find and replace personal data in text | [`redaction`] |
//! | turn plaintext into sealed bytes and back, wrap keys | [`sealing`] |
//! | decide how long a record stays | [`lifecycle`] |
//! | encode, hash, sign and verify the audit log | [`audit`] |
//! | make things durable | [`store`] |
//! | create, rotate and destroy keys | [`keys`] |
//! | decide who may do what | [`access`] |
//! | observe the process | [`watch`] |
//! | follow one use case from end to end | [`vault`] |
//! | see the wire | [`grpc`] |
//! | see what a monitor scrapes | [`http`] |
//! | see the terminal | [`cli`] |
//! | see how it is put together | [`app`] |

pub mod access;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod http;
pub mod keys;
pub mod lifecycle;
pub mod redaction;
pub mod sealing;
pub mod store;
pub mod vault;
pub mod watch;
