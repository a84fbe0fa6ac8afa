//! `[limits]`: how much may be asked for at once.

use std::time::Duration;

use super::error::Problem;
use super::section::section;
use super::value::Whole;

section! {
    /// How much may be asked for at once. The limits of a record and a batch are part of the API and no setting.
    Limits as "limits", checked by check {
        /// Most calls in work at once on one connection.
        concurrent_calls: Whole<1, 10_000> = Whole::clamped(128);
        /// Longest time that a call with one answer may take, and the time it has when its client names none.
        call_deadline: Duration = Duration::from_secs(60);
        /// The same for a call that answers with a stream.
        stream_deadline: Duration = Duration::from_secs(3_600);
        /// Bytes of memory for what calls hold together, whatever their number: requests that come in, answers that go out, and
        /// what is redacted and sealed between them.
        memory: Whole<134_217_728, 1_099_511_627_776> = Whole::clamped(536_870_912);
        /// How long a repeated `request_id` is recognised.
        idempotency_window: Duration = Duration::from_secs(72 * 3_600);
    }
}

fn check(limits: &Limits) -> Result<(), (&'static str, Problem)> {
    let times = [("call_deadline", limits.call_deadline), ("stream_deadline", limits.stream_deadline)];
    match times.iter().find(|(_, time)| time.is_zero()) {
        Some((key, _)) => Err((key, Problem::Unfit("must be longer than nothing"))),
        None => Ok(()),
    }
}
