//! `[limits]`: how much may be asked for at once.

use std::time::Duration;

use super::section::{nothing_more, section};
use super::value::Whole;

section! {
    /// How much may be asked for at once. The limits of a record and a batch are part of the API and no setting.
    Limits as "limits", checked by nothing_more {
        /// Most calls in work at once on one connection.
        concurrent_calls: Whole<1, 10_000> = Whole::clamped(128);
        /// How long a repeated `request_id` is recognised.
        idempotency_window: Duration = Duration::from_secs(72 * 3_600);
    }
}
