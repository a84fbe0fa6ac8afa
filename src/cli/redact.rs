//! `subrosa redact`: standard input, redacted, to standard output.
//!
//! Plain text is one conversation: a value gets the same pseudonym from the first line to the last. It is read in blocks of
//! 1 MiB that overlap by 64 KiB, so that a secret over several lines (a PEM block) is found whole up to that overlap.
//! With `--json` every line is a conversation of its own. Memory is bounded by the block and the line.

mod lines;
pub mod model;
mod plain;

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use lines::CodePoints;

use clap::{Args, ValueEnum};

use crate::redaction::{Class, Engine, Pack, Policy, PolicyError, PseudonymKey};

/// Redacts standard input to standard output.
#[derive(Args, Clone, Debug, Default)]
pub struct RedactArgs {
    /// Read and write one JSON object a line: {"text": ...} or {"turns": [{"role", "text"}]}
    #[arg(long)]
    pub json: bool,
    /// Say why each candidate was or was not taken (to standard error, or as "explain" with --json); never shows values
    #[arg(long)]
    pub explain: bool,
    /// Look for these classes only, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "CLASS")]
    pub classes: Vec<Class>,
    /// Turn on country packs (default: those of the policy)
    #[arg(long, value_enum)]
    pub packs: Option<Packs>,
    /// Whether the names model takes part.
    #[command(flatten)]
    pub names: NamesArgs,
    /// Take every candidate as if a word beside it had named its class; for trying bare values
    #[arg(long)]
    pub assume_context: bool,
}

/// Whether the names model takes part, and where it lies.
#[derive(Args, Clone, Debug, Default)]
pub struct NamesArgs {
    /// The names model: leave it out, or do nothing without it
    #[arg(long, value_enum, default_value_t)]
    pub names: Names,
    /// The file of the names model; its vocabulary lies beside it (default: where models/fetch puts it, beside this program)
    #[arg(long = "model", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

impl NamesArgs {
    /// Returns the file of the model where it is required: the one given, or the usual one.
    pub fn model(&self) -> Option<PathBuf> {
        let usual = || model::default_path().unwrap_or_else(|| crate::redaction::names::Names::MODEL.into());
        (self.names == Names::Required).then(|| self.file.clone().unwrap_or_else(usual))
    }
}

/// Which country packs are on.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packs {
    /// Every pack of this build.
    All,
}

/// Whether the names model is asked for.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Without it.
    #[default]
    Off,
    /// Only with it.
    Required,
}

/// Why redaction ended early. Never holds any of the input.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// Input could not be read, or output not written.
    #[error("input or output failed")]
    Io(#[from] io::Error),
    /// Plain input is not UTF-8; nothing from this place on was written.
    #[error("input is not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Bytes from the start of the input.
        offset: u64,
    },
    /// The options make no policy.
    #[error("the options make no policy")]
    Policy(#[from] PolicyError),
}

/// Redacts `input` to `output` and returns the exit code: 0 done, 1 a line was bad, 5 the names model is asked for and missing.
/// `new_key` draws a fresh pseudonym key: one for plain text, one a line with `--json`.
///
/// # Errors
/// [`RedactError`]; what was written before it is redacted and stands.
pub fn run(
    args: &RedactArgs,
    input: impl BufRead,
    mut output: impl Write,
    mut errors: impl Write,
    mut new_key: impl FnMut() -> PseudonymKey,
) -> Result<u8, RedactError> {
    let names = match args.names.model().map(|path| model::load(Some(&path), 1)).transpose() {
        Ok(names) => names.map(Arc::new),
        Err(error) => {
            writeln!(errors, "{error}; run with --names off to redact without it")?;
            return Ok(UNAVAILABLE);
        }
    };
    let engine = Engine::with_names(policy(args), names)?;
    let code = if args.json {
        lines::redact(&engine, args.explain, input, &mut output, &mut new_key)?
    } else {
        plain::redact(&engine, input, &mut output, args.explain.then_some(&mut errors), &new_key())?;
        DONE
    };
    output.flush()?;
    Ok(code)
}

fn policy(args: &RedactArgs) -> Policy {
    let mut policy = Policy { assume_context: args.assume_context, ..Policy::default() };
    if !args.classes.is_empty() {
        policy.classes = args.classes.iter().copied().collect();
    }
    if args.packs == Some(Packs::All) {
        policy.packs = Pack::ALL.iter().copied().collect();
    }
    policy
}

const DONE: u8 = 0;
const FAILED: u8 = 1;
const UNAVAILABLE: u8 = 5;
