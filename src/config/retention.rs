//! `[retention]`: what a new tenant keeps, and for how long.

use std::time::Duration;

use crate::domain::{MAX_DAYS, Slug};

use super::error::Problem;
use super::section::section;
use super::value::Whole;

/// The longest retention, in days, as a limit of the key.
const LONGEST: u64 = MAX_DAYS as u64;

section! {
    /// What a new tenant keeps, and for how long. Each tenant's own policy goes on from here.
    Retention as "retention", checked by check {
        /// Name of the class that a new tenant begins with.
        default_class: Slug = default_class();
        /// Days that this class is kept, counted from when the vault took a record in. There is no "for ever".
        default_days: Whole<1, LONGEST> = Whole::clamped(90);
        /// Longest time between two runs of the expiry worker.
        expiry_interval: Duration = Duration::from_secs(30);
    }
}

fn default_class() -> Slug {
    "standard".parse().expect("a constant slug is a slug")
}

fn check(retention: &Retention) -> Result<(), (&'static str, Problem)> {
    if retention.expiry_interval.is_zero() || retention.expiry_interval > Duration::from_secs(86_400) {
        return Err(("expiry_interval", Problem::Unfit("must be longer than nothing and at most a day")));
    }
    Ok(())
}
