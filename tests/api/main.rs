//! The vault from outside: a real one in this process, called over gRPC with TLS, and then looked at on disk.
//!
//! Each test has a vault of its own in a folder of its own, on free ports, and moves its own clock.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod audited;
mod canary;
mod crash;
mod expiry;
mod health;
mod idempotency;
mod ingest;
mod input;
mod matrix;
mod order;
mod reference;
mod rotation;

mod support;
mod tamper;
