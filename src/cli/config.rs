//! `subrosa config`: shows the configuration in force.

use clap::Subcommand;

use crate::config::Config;

use super::exit::CliError;
use super::output::{Output, Printer};
use super::serve::ConfigArgs;

/// Commands about the configuration.
#[derive(Subcommand, Debug)]
pub(super) enum ConfigCommand {
    /// Check the configuration and print what is in force, without secrets
    Show(ConfigArgs),
}

/// Runs a command about the configuration.
///
/// # Errors
///
/// The configuration is wrong.
pub(super) fn run(command: ConfigCommand, printer: &mut Printer) -> Result<(), CliError> {
    let ConfigCommand::Show(args) = command;
    print(&args.load()?, printer)
}

/// Prints a configuration: TOML for a person, JSON for a program.
pub(super) fn print(config: &Config, printer: &mut Printer) -> Result<(), CliError> {
    match printer.output() {
        Output::Human => printer.note(config.to_toml().trim_end()),
        Output::Json | Output::Csv => printer.value(&config.to_json()),
    }
}
