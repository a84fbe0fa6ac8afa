//! The audit log from outside: bytes that must never change, and a verifier that must find everything.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod golden;
mod records;
mod verifier;
