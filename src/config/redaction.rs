//! `[redaction]`: the names tier.

use std::path::PathBuf;

use super::section::{nothing_more, section};
use super::value::{Whole, choice};

choice! {
    /// Whether names, addresses and places are looked for with the network.
    Names, "\"off\" or \"required\"" {
        /// Cues and patterns alone.
        Off = "off";
        /// Nothing is stored without it.
        Required = "required";
    }
}

section! {
    /// How names of people, addresses and places are found.
    Redaction as "redaction", checked by nothing_more {
        /// Whether the names model must take part. While it is required and missing, nothing is stored.
        names: Names = Names::Off;
        /// File of the names model, its vocabulary beside it. Not set: where `models/fetch` puts it, beside this program.
        names_model: Option<PathBuf> = None;
        /// Threads that run it.
        names_threads: Whole<1, 64> = Whole::clamped(2);
    }
}
