//! `subrosa import`: takes conversations in from a file, one a line.
//!
//! Each conversation goes through one Ingest stream, whose id is derived from tenant and conversation. So a second run, or
//! one after a break, learns from the vault how far it came, goes on there, and adds nothing twice; there is no state file.
//! What the vault remembers of a stream belongs to one principal. Where it remembers nothing and the conversation holds
//! records all the same (imported under another credential, or written by a bot), the line is refused, not doubled.
//!
//! Limits of that: a conversation is known by its id alone. Turns that were added to its end since are appended; turns
//! that were changed before that are not seen.

#[cfg(fuzzing)]
pub mod fuzzing;
mod lines;
mod report;
mod stream;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use subrosa_proto::v1;
use tokio::sync::Semaphore;

use super::args::{audience, tenant};
use super::client::Connection;
use super::exit::{self, CliError};
use super::output::{Output, Printer};
use super::terminal::Screen;

use lines::{LineError, Lines, Parsed};
use report::Report;
use stream::{Importer, StreamError, stream_id};

/// Arguments of `import`.
#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// The tenant, such as acme
    #[arg(long, value_parser = tenant)]
    tenant: String,
    /// The bot that the conversations are of
    #[arg(long, default_value = "imported")]
    bot: String,
    /// The channel that the conversations came by
    #[arg(long, default_value = "", hide_default_value = true)]
    channel: String,
    /// Whom the bot talks to: internal or customer
    #[arg(long, value_parser = audience, default_value = "customer")]
    audience: v1::Audience,
    /// The retention class (default: that of the tenant)
    #[arg(long, default_value = "", hide_default_value = true)]
    retention_class: String,
    /// How many conversations are on their way at once
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Go on after a line that cannot be imported; the exit code is 1 all the same
    #[arg(long)]
    continue_on_error: bool,
    /// The file, JSON lines: {"conversation", "turns": [{"role", "text"}]}; other keys are ignored
    file: PathBuf,
}

/// The most bytes of lines in memory at once, over all conversations on their way.
const BYTES_IN_FLIGHT: u32 = 64 * 1024 * 1024;

/// Imports the file and returns the exit code.
///
/// # Errors
///
/// The file cannot be read, the vault denies or cannot be reached, or a line fails without `--continue-on-error`.
pub(super) async fn run(args: ImportArgs, vault: &Connection, printer: &mut Printer) -> Result<u8, CliError> {
    let name = args.file.display().to_string();
    let file = File::open(&args.file).map_err(CliError::io(name.clone()))?;
    let progress = progress(file.metadata().map_err(CliError::io(name.clone()))?.len(), printer.output());
    let importer = Importer::new(vault.clone(), args.tenant.clone(), conversation(&args));
    let mut seen = HashMap::new();
    let bytes = Arc::new(Semaphore::new(BYTES_IN_FLIGHT as usize));
    let lines =
        Lines::new(BufReader::new(file)).map(|line| line.and_then(|line| first_of_its_name(line, &args, &mut seen)));
    let mut work = futures_util::stream::iter(lines)
        .map(|line| import_line(line, &importer, &bytes))
        .buffer_unordered(usize::from(args.concurrency));
    let mut report = Report::default();
    while let Some((place, outcome)) = work.next().await {
        progress.inc(place.bytes);
        match outcome {
            Ok(outcome) => report.add(&outcome),
            Err(failure) if failure.ends_the_run() || !args.continue_on_error => {
                progress.abandon();
                drop(work);
                report.print(printer)?;
                return Err(failure.into_cli(place.line));
            }
            Err(failure) => {
                report.failed(place.line, &failure);
                progress.suspend(|| eprint_line(place.line, &failure));
            }
        }
        progress.set_message(format!("{} records", report.records));
    }
    progress.finish_and_clear();
    report.print(printer)?;
    Ok(if report.has_failures() { exit::FAILED } else { exit::DONE })
}

/// Where a line stood and how long it was.
#[derive(Debug, Clone, Copy)]
struct Place {
    line: u64,
    bytes: u64,
}

/// Why one line was not imported.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The line is not a conversation.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The vault did not take it.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl Failure {
    /// Tells whether the lines after it would fail like it.
    fn ends_the_run(&self) -> bool {
        match self {
            Self::Line(LineError::Unreadable(_)) => true,
            Self::Line(_) => false,
            Self::Stream(error) => error.ends_the_run(),
        }
    }

    fn into_cli(self, line: u64) -> CliError {
        match self {
            Self::Stream(StreamError::Vault(status)) => CliError::Api(status),
            Self::Line(LineError::Unreadable(source)) => CliError::Io { what: format!("line {line}"), source },
            other => CliError::Failed(format!("line {line}: {other}")),
        }
    }
}

async fn import_line(
    line: Result<Parsed, (u64, u64, LineError)>,
    importer: &Importer,
    bytes: &Semaphore,
) -> (Place, Result<stream::Outcome, Failure>) {
    match line {
        Err((line, bytes, error)) => (Place { line, bytes }, Err(error.into())),
        Ok(parsed) => {
            let place = Place { line: parsed.line, bytes: parsed.bytes };
            let weight = u32::try_from(parsed.bytes).unwrap_or(BYTES_IN_FLIGHT).min(BYTES_IN_FLIGHT);
            let _permit = bytes.acquire_many(weight).await;
            (place, importer.import(parsed.conversation).await.map_err(Failure::from))
        }
    }
}

/// Refuses a conversation that stood in the file before: it would be taken for the rest of the first.
fn first_of_its_name(
    parsed: Parsed,
    args: &ImportArgs,
    seen: &mut HashMap<uuid::Uuid, u64>,
) -> Result<Parsed, (u64, u64, LineError)> {
    let id = stream_id(&args.tenant, &parsed.conversation.reference);
    match seen.insert(id, parsed.line) {
        None => Ok(parsed),
        Some(first) => Err((parsed.line, parsed.bytes, LineError::Repeated { first })),
    }
}

fn conversation(args: &ImportArgs) -> v1::Conversation {
    v1::Conversation {
        bot: args.bot.clone(),
        channel: args.channel.clone(),
        audience: args.audience.into(),
        retention_class: args.retention_class.clone(),
        ..v1::Conversation::default()
    }
}

fn progress(bytes: u64, output: Output) -> ProgressBar {
    if output != Output::Human || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(bytes);
    match ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}  {msg}  {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn eprint_line(line: u64, failure: &Failure) {
    let _ = Screen::new(std::io::stderr()).line(&format!("line {line}: {}", exit::with_causes(failure)));
}
