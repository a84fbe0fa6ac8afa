//! `subrosa demo`: the whole story, on a real vault in a temporary folder, over gRPC with TLS.

mod people;
mod scan;
mod story;

use std::path::Path;

use clap::Args;

use crate::sealing::random;
use crate::watch::core_dumps;

use super::exit::CliError;
use super::host::{DevOptions, Host, Running};
use super::output::Printer;
use super::redact::NamesArgs;
use super::terminal;

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Keep the vault's folder when the story is over
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    names: NamesArgs,
}

/// Runs the story and returns whether everything in it came out as it must.
///
/// # Errors
///
/// The first thing that did not.
pub(super) async fn run<H: Host>(args: DemoArgs, host: &H, printer: &mut Printer) -> Result<(), CliError> {
    core_dumps::forbid().map_err(CliError::io("core dumps"))?;
    let folder = std::env::temp_dir().join(format!("subrosa-demo-{}", random::uuid_v4()));
    let clock_file = folder.with_extension("clock");
    let options =
        DevOptions { data_dir: folder.clone(), clock_file: Some(clock_file.clone()), names_model: args.names.model() };
    let told = tell(host, options, &folder, printer).await;
    let _ = std::fs::remove_file(&clock_file);
    if args.keep {
        printer
            .note(&format!("\nThe vault's folder is kept: {}", terminal::one_line(&folder.display().to_string())))?;
    } else {
        let _ = std::fs::remove_dir_all(&folder);
    }
    told
}

async fn tell<H: Host>(host: &H, options: DevOptions, folder: &Path, printer: &mut Printer) -> Result<(), CliError> {
    let clock_file = options.clock_file.clone().unwrap_or_default();
    printer.note("Starting a vault in a temporary folder, with throw-away certificates and keys.")?;
    let (vault, facts) = host.dev(options).await.map_err(CliError::Vault)?;
    let told = story::tell(vault.endpoints(), &facts, &clock_file, printer).await;
    vault.shutdown().await.map_err(CliError::Vault)?;
    let planted = told?;
    scan::report(folder, &planted, printer)
}
