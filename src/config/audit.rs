//! `[audit]`: how often the audit log is signed.

use std::time::Duration;

use super::error::Problem;
use super::section::section;
use super::value::Whole;

section! {
    /// How often the audit logs are signed: whichever of the two comes first.
    Audit as "audit", checked by check {
        /// Longest time without a checkpoint after an entry.
        checkpoint_interval: Duration = Duration::from_secs(1);
        /// Most entries without a checkpoint.
        checkpoint_entries: Whole<1, 1_000_000> = Whole::clamped(1_024);
    }
}

fn check(audit: &Audit) -> Result<(), (&'static str, Problem)> {
    if audit.checkpoint_interval.is_zero() {
        return Err(("checkpoint_interval", Problem::Unfit("must be longer than nothing")));
    }
    Ok(())
}
