//! How long a record stays: pure decisions, from facts that are handed in.
//!
//! Here now: the expiry day of a record, when a day is over, and how late its destruction is. Legal holds, erasure and
//! retention locks join these decisions; nothing else in the vault decides them.

use std::time::Duration;

use crate::domain::{Day, Timestamp};

/// Returns the UTC date on which a record runs out that was received at `received` and is kept for `days`; the key of its
/// bucket is destroyed at the 00:00 UTC that follows.
pub fn expiry_day(received: Timestamp, days: u32) -> Day {
    received.plus(Duration::from_secs(u64::from(days) * 86_400)).day()
}

/// Returns the first date that is not over at `now`: buckets of earlier dates are due.
pub fn first_live_day(now: Timestamp) -> Day {
    now.day()
}

/// Returns how long the destruction of a bucket of `day` is overdue at `now`; nothing while it is not due.
pub fn overdue(day: Day, now: Timestamp) -> Duration {
    now.since(day.next().start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_expiry_day_is_a_utc_date() {
        assert_eq!(expiry_day(at("2026-11-21T23:59:59.999Z"), 1).to_string(), "2026-11-22");
        assert_eq!(expiry_day(at("2026-11-22T00:00:00Z"), 1).to_string(), "2026-11-23");
        assert_eq!(expiry_day(at("2028-02-28T12:00:00Z"), 1).to_string(), "2028-02-29");
    }

    #[test]
    fn a_day_is_due_from_the_following_midnight_on() {
        let day = expiry_day(at("2026-11-21T10:00:00Z"), 1);
        assert!(day >= first_live_day(at("2026-11-22T23:59:59.999Z")));
        assert!(day < first_live_day(at("2026-11-23T00:00:00Z")));
        assert_eq!(overdue(day, at("2026-11-22T23:59:59Z")), Duration::ZERO);
        assert_eq!(overdue(day, at("2026-11-23T00:00:30Z")), Duration::from_secs(30));
    }
}
