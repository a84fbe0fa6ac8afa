//! `subrosa init`: makes a new vault.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::config::{environment, read_secret};
use crate::watch::core_dumps;

use super::exit::CliError;
use super::host::{Host, InitOptions, RootChoice};
use super::output::Printer;

/// Arguments of `init`.
#[derive(Args, Debug)]
pub(super) struct InitArgs {
    /// Folder of the vault: empty, or not there yet
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// What the vault's keys hang on; key-file is for development
    #[arg(long, value_enum, default_value_t = Root::Passphrase)]
    root: Root,
    /// File whose first line is the passphrase (default: SUBROSA_PASSPHRASE, else it is asked for)
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Names and addresses that the vault's own certificate is for
    #[arg(long = "server-name", value_name = "NAME", default_values_t = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()])]
    server_names: Vec<String>,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Passphrase,
    KeyFile,
}

/// The least length of a passphrase, in characters. Argon2id slows guessing down; it does not make up for a short one.
const LEAST_PASSPHRASE: usize = 12;

/// Makes the vault and prints its first credential.
///
/// # Errors
///
/// The passphrase is missing or too short, or the vault cannot be made.
pub(super) async fn run<H: Host>(args: InitArgs, host: &H, printer: &mut Printer) -> Result<(), CliError> {
    core_dumps::forbid().map_err(CliError::io("core dumps"))?;
    let root = root(&args)?;
    let options = InitOptions { data_dir: args.data_dir, root, server_names: args.server_names };
    let made = host.init(options).await.map_err(CliError::Vault)?;
    printer.value(&json!({
        "config_file": made.config_file,
        "ca_file": made.ca_file,
        "bootstrap_key": made.bootstrap_key.expose_secret(),
    }))?;
    printer.note("")?;
    printer.note(
        "The bootstrap key has the role security: it issues credentials and cannot read. It is shown this once.",
    )?;
    printer.note(&format!("Start the vault with: subrosa serve --config {}", made.config_file.display()))
}

fn root(args: &InitArgs) -> Result<RootChoice, CliError> {
    if args.root == Root::KeyFile {
        return match args.passphrase_file {
            None => Ok(RootChoice::KeyFile),
            Some(_) => Err(CliError::Usage("--passphrase-file has no meaning with --root key-file".to_owned())),
        };
    }
    let passphrase = match &args.passphrase_file {
        Some(path) => read_secret(path, "--passphrase-file")?,
        None => environment::passphrase().map_or_else(ask_twice, Ok)?,
    };
    if passphrase.expose_secret().chars().count() < LEAST_PASSPHRASE {
        return Err(CliError::Usage(format!("the passphrase must have at least {LEAST_PASSPHRASE} characters")));
    }
    Ok(RootChoice::Passphrase { passphrase, file: args.passphrase_file.clone() })
}

/// Asks for the passphrase on the terminal, without showing it.
pub(super) fn ask(prompt: &str) -> Result<SecretString, CliError> {
    let terminal = console::Term::stderr();
    if !terminal.features().is_attended() {
        let text = "the passphrase is needed: set keys.passphrase_file or SUBROSA_PASSPHRASE";
        return Err(CliError::Usage(text.to_owned()));
    }
    terminal.write_str(prompt)?;
    Ok(SecretString::from(terminal.read_secure_line().map_err(CliError::io("terminal"))?))
}

fn ask_twice() -> Result<SecretString, CliError> {
    let first = ask("Passphrase of the vault: ")?;
    let second = ask("Once more: ")?;
    if first.expose_secret() != second.expose_secret() {
        return Err(CliError::Usage("the two passphrases differ".to_owned()));
    }
    Ok(first)
}
