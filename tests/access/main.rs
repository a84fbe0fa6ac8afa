//! The gate against a real store: who gets in, what is denied, and what the audit log says of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod certificates;
mod credentials;
mod house;
mod keys;
mod matrix;
#[path = "../pki/mod.rs"]
#[allow(dead_code, reason = "each suite uses what it needs of it")]
mod pki;
mod scope;
