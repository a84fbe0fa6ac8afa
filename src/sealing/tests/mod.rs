//! Tests of the sealed formats through more than one module.

mod golden;
#[cfg(target_os = "linux")]
mod memory;
mod record;
mod wrap;
mod wycheproof;
