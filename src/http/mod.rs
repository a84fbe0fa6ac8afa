//! Plain HTTP: what a monitor scrapes. No content, no credential, loopback by default.

mod metrics;

pub use metrics::{Health, serve};
