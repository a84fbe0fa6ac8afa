//! The standard streams of `subrosa redact`.

use std::io;

use crate::redaction::PseudonymKey;
use crate::sealing::random;

use super::exit::CliError;
use super::redact::{self, RedactArgs};

/// Redacts standard input to standard output and returns the exit code.
///
/// # Errors
///
/// Input or output failed, plain input is not UTF-8, or the options make no policy.
pub(super) fn run(args: &RedactArgs) -> Result<u8, CliError> {
    let output = io::BufWriter::new(io::stdout().lock());
    let new_key = || PseudonymKey::from_bytes(random::bytes());
    redact::run(args, io::stdin().lock(), output, io::stderr(), new_key)
        .map_err(|error| CliError::Failed(super::exit::with_causes(&error)))
}
