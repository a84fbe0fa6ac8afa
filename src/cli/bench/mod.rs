//! `subrosa bench`: measures on sets of the user's own what the product does to them.

mod answers;
mod cases;
mod labels;
mod report;
mod run;
mod score;
mod sets;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::redaction::{Class, PolicyError};

use super::exit::CliError;
use super::output::Printer;
use super::redact::NamesArgs;

/// What is measured.
#[derive(Subcommand, Debug)]
pub(super) enum BenchCommand {
    /// Score redaction on a file of marked texts: recall, precision and leaks by class, and the speed
    ///
    /// A line is {"text", "spans"}, {"turns": [{"role", "text", "spans"}]} (a span is {"start", "end", "label"}, in code
    /// points), or {"entity", "text", "expected": [[start, end]]} for one recognizer's cases.
    Redact(RedactArgs),
}

#[derive(Args, Debug)]
pub(super) struct RedactArgs {
    /// The marked texts, one JSON object a line
    #[arg(long, value_name = "FILE")]
    set: PathBuf,
    /// Score these answers instead of this product's: one line per line of the set, as `subrosa redact --json` writes them
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Look for these classes only, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "CLASS")]
    classes: Vec<Class>,
    /// Whether the names model takes part
    #[command(flatten)]
    names: NamesArgs,
    /// Take every candidate as if a word beside it had named its class
    #[arg(long)]
    assume_context: bool,
    /// Go over the set so many times more for the speed and the memory, without a clock around every message
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    repeat: u32,
    /// List what was missed (M), leaked (L) and wrongly found (F) of this class, by line and place; `all` for every class
    #[arg(long, value_name = "CLASS")]
    list: Option<String>,
    /// With --list: show the texts too. For evaluation sets only: they are content
    #[arg(long, requires = "list")]
    show: bool,
}

/// Runs a measurement and prints it.
pub(super) fn run(command: BenchCommand, printer: &mut Printer) -> Result<(), CliError> {
    let BenchCommand::Redact(args) = command;
    let documents = sets::read(&args.set)?;
    if documents.iter().any(|document| document.entity.is_some()) {
        return cases::run(&args, &documents, printer);
    }
    let (answers, speed) = match &args.answers {
        Some(file) => (answers::read(file, &documents)?, None),
        None => run::answers(&args, &documents).map(|(answers, speed)| (answers, Some(speed)))?,
    };
    let score = score::score(&documents, &answers);
    report::print(&args, &documents, &score, speed.as_ref(), printer)
}

impl From<PolicyError> for CliError {
    fn from(error: PolicyError) -> Self {
        CliError::Usage(error.to_string())
    }
}
