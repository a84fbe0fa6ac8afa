//! The wire from outside: a client and a served vault in one process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod house;
mod streams;
mod unary;
