//! `[log]`: what is logged, and how.

use super::section::{nothing_more, section};
use super::value::choice;

choice! {
    /// How a log line looks.
    LogFormat, "\"human\" or \"json\"" {
        /// For a person.
        Human = "human";
        /// One JSON object a line.
        Json = "json";
    }
}

section! {
    /// What is logged to standard error, and how. Libraries never log below `info`, whatever the filter says: some would
    /// print headers, and with them credentials.
    Log as "log", checked by nothing_more {
        /// What is logged: a level, or `target=level` pairs between commas.
        filter: String = "info".to_owned();
        /// How a line looks.
        format: LogFormat = LogFormat::Human;
    }
}
