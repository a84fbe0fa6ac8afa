//! The door that `fuzz/` comes in by: the lines of an import file without a vault behind them.
//!
//! Only there with `--cfg fuzzing`: the reader is private to `import`, and the command itself wants a vault.

use std::io::BufRead;

use subrosa_proto::v1::Record;

use super::lines::{self, Lines};

/// The most turns of one conversation.
pub const MAX_TURNS: usize = lines::MAX_TURNS;

/// A line that is a conversation, or what `import` prints of one that is none.
#[derive(Debug)]
pub struct Line {
    /// Where it stands, from 1.
    pub number: u64,
    /// How long it is, with its end.
    pub bytes: u64,
    /// Its id, its records, and how many turns held no text.
    pub read: Result<(String, Vec<Record>, u64), String>,
}

/// Reads a file to its end.
pub fn lines(from: impl BufRead) -> impl Iterator<Item = Line> {
    Lines::new(from).map(|line| match line {
        Ok(parsed) => {
            let found = parsed.conversation;
            let read = Ok((found.reference, found.records, found.empty_turns));
            Line { number: parsed.line, bytes: parsed.bytes, read }
        }
        Err((number, bytes, error)) => Line { number, bytes, read: Err(super::exit::with_causes(&error)) },
    })
}
