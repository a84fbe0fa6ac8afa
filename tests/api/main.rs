//! The vault from outside, called over gRPC.
//!
//! `unary` and `streams` have the transport alone in front of a vault whose clock stands (`house`). Everything else runs the
//! real thing as `subrosa dev` does (`support`): TLS, listeners and workers, in a folder of its own, on free ports, with a
//! clock of its own, and looks at what lies on disk when it has stopped.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod attachments;
mod audited;
mod canary;
mod crash;
mod deadlines;
mod dialogue;
mod expiry;
mod health;
mod house;
mod idempotency;
mod ingest;
mod input;
mod matrix;
mod mtls;
mod names;
mod order;
#[path = "../pki/mod.rs"]
#[allow(dead_code, reason = "each suite uses what it needs of it")]
mod pki;
mod process;
mod redact_later;
mod reference;
mod risks;
mod rotation;
mod rows;
mod slow;
mod streams;
mod support;
mod tamper;
mod transport;
mod unary;
