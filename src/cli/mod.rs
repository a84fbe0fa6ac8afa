//! The command line: one file per command.
//!
//! | exit code | means |
//! |---|---|
//! | 0 | done |
//! | 1 | failed |
//! | 2 | wrong arguments or configuration |
//! | 3 | denied, or the credential is not accepted |
//! | 4 | not found |
//! | 5 | the vault cannot be reached, or cannot do it now |
//!
//! Most commands are gRPC clients of a running vault. `init`, `serve` and `dev` run one in this process: what does that is
//! handed in as a [`Host`], because the composition root lies above this room. `redact` and `config` need no vault.

mod api_key;
mod args;
mod audit;
mod bench;
mod client;
mod config;
mod conversation;
mod csv;
mod demo;
mod dev;
pub mod exit;
mod host;
#[cfg(test)]
mod hostile;
mod import;
mod init;
mod json;
mod key;
mod output;
mod policy;
pub mod redact;
mod redact_later;
mod redaction;
mod search;
mod serve;
mod status;
mod tenant;
mod terminal;

use std::io;

use clap::{Parser, Subcommand};

use terminal::Screen;

pub use client::{ClientArgs, Connection};
pub use exit::CliError;
pub use host::{DevFacts, DevOptions, Endpoints, Host, HostError, InitOptions, Initialised, RootChoice, Running};
#[cfg(fuzzing)]
pub use import::fuzzing;
pub use output::{Output, Printer};
pub use redact::model::load as load_names;

/// An encrypted conversation vault with secure logging.
#[derive(Parser, Debug)]
#[command(name = "subrosa", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// For whom the output is: a person, a program (one JSON object a line), or a spreadsheet (lists as CSV)
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Output,
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration, 3 denied, 4 not found, \
                          5 the vault cannot be reached or cannot do it now.";

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a new vault and print its first credential, once
    Init(init::InitArgs),
    /// Run the vault
    Serve(serve::ServeArgs),
    /// Run a throw-away vault on loopback, with certificates and keys printed
    Dev(dev::DevArgs),
    /// Show the whole story on a vault in a temporary folder
    Demo(demo::DemoArgs),
    /// Show the configuration in force
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Issue a new security key of a stopped vault: on the machine itself, by who holds its root
    SecurityKey(serve::ConfigArgs),
    /// Show how the vault is
    Status,
    /// Create, show, change and freeze tenants
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Show and rotate the keys of tenants
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Show and change the policies of tenants
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Issue and revoke API keys
    #[command(subcommand)]
    ApiKey(api_key::ApiKeyCommand),
    /// Create, read, close and annotate conversations
    #[command(subcommand)]
    Conversation(conversation::ConversationCommand),
    /// Find conversations by what stands beside their content
    Search(search::SearchArgs),
    /// Show the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Take conversations in from a file, one a line: {"conversation", "turns": [{"role", "text"}]}
    Import(import::ImportArgs),
    /// Redact standard input to standard output
    Redact(redact::RedactArgs),
    /// Measure the product on a set of your own
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

/// Parses the arguments of this process, runs the command and returns the exit code.
pub async fn run<H: Host>(host: &H) -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and print to standard output.
            if !error.use_stderr() {
                let _ = error.print();
                return exit::DONE;
            }
            // It quotes the arguments, which a script may have taken from anywhere.
            let _ = Screen::new(io::stderr()).line(error.render().to_string().trim_end());
            return exit::USAGE;
        }
    };
    let output = cli.output;
    match cli.run(host).await {
        Ok(code) => code,
        Err(error) => {
            if !error.is_closed_pipe() {
                let _ = error.print(output, &mut io::stderr());
            }
            error.exit_code()
        }
    }
}

impl Cli {
    async fn run<H: Host>(self, host: &H) -> Result<u8, CliError> {
        let mut printer = Printer::stdout(self.output);
        match self.command {
            Command::Init(args) => init::run(args, host, &mut printer).await?,
            Command::Serve(args) => serve::run(args, host, &mut printer).await?,
            Command::Dev(args) => dev::run(args, host, &mut printer).await?,
            Command::SecurityKey(args) => serve::security_key(args, host, &mut printer).await?,
            Command::Demo(args) => demo::run(args, host, &mut printer).await?,
            Command::Config(command) => config::run(command, &mut printer)?,
            Command::Redact(args) => return redaction::run(&args),
            Command::Bench(command) => bench::run(command, &mut printer)?,
            remote => return remote.run_remote(&self.client, &mut printer).await,
        }
        Ok(exit::DONE)
    }
}

impl Command {
    /// Runs a command that is a client of a running vault.
    async fn run_remote(self, client: &ClientArgs, printer: &mut Printer) -> Result<u8, CliError> {
        let vault = Connection::open(client).await?;
        match self {
            Self::Status => status::run(&vault, printer).await?,
            Self::Tenant(command) => tenant::run(command, &vault, printer).await?,
            Self::Key(command) => key::run(command, &vault, printer).await?,
            Self::Policy(command) => policy::run(command, &vault, printer).await?,
            Self::ApiKey(command) => api_key::run(command, &vault, printer).await?,
            Self::Conversation(command) => conversation::run(command, &vault, printer).await?,
            Self::Search(args) => search::run(args, &vault, printer).await?,
            Self::Audit(command) => audit::run(command, &vault, printer).await?,
            Self::Import(args) => return import::run(args, &vault, printer).await,
            Self::Init(_)
            | Self::SecurityKey(_)
            | Self::Serve(_)
            | Self::Dev(_)
            | Self::Demo(_)
            | Self::Config(_)
            | Self::Redact(_)
            | Self::Bench(_) => {
                return Err(CliError::Failed("not a client command".to_owned()));
            }
        }
        Ok(exit::DONE)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_fit_one_another() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_documented() {
        let page = include_str!("../../docs/command-line.md");
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(page.contains(&format!("\n| `{name}` |")), "docs/command-line.md does not list {name}");
        }
    }

    #[test]
    fn no_flag_takes_a_secret() {
        fn flags(command: &clap::Command, into: &mut Vec<String>) {
            into.extend(command.get_arguments().map(|arg| arg.get_id().to_string()));
            command.get_subcommands().for_each(|command| flags(command, into));
        }
        let mut found = Vec::new();
        flags(&Cli::command(), &mut found);
        assert!(found.contains(&"api_key_file".to_owned()));
        for secret in ["api_key", "passphrase", "password", "secret", "token"] {
            assert!(!found.iter().any(|flag| flag == secret), "{secret}");
        }
    }
}
