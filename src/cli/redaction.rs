//! The standard streams of `subrosa redact`.

use std::io::{self, IsTerminal as _};

use crate::redaction::PseudonymKey;
use crate::sealing::random;

use super::exit::CliError;
use super::redact::{self, RedactArgs};
use super::terminal::{Filter, Filtered};

/// Redacts standard input to standard output and returns the exit code.
///
/// # Errors
///
/// Input or output failed, plain input is not UTF-8, or the options make no policy.
pub(super) fn run(args: &RedactArgs) -> Result<u8, CliError> {
    let stdout = io::stdout().lock();
    let how = match (args.json, stdout.is_terminal()) {
        (true, _) => Filtered::Json,
        (false, true) => Filtered::Lines,
        (false, false) => Filtered::Raw,
    };
    let output = Filter { to: io::BufWriter::new(stdout), how };
    let new_key = || PseudonymKey::from_bytes(random::bytes());
    redact::run(args, io::stdin().lock(), output, io::stderr(), new_key)
        .map_err(|error| CliError::Failed(super::exit::with_causes(&error)))
}
