//! (being built)

pub mod redact;
