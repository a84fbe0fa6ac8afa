//! `subrosa dev`: runs a throw-away vault on loopback.

use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::config::Config;

use super::exit::CliError;
use super::host::{DevFacts, DevOptions, Endpoints, Host, Running};
use super::output::{Output, Printer};
use super::redact::NamesArgs;
use super::serve::{Stop, object, start_log, until_stopped};

/// Arguments of `dev`.
#[derive(Args, Debug)]
pub(super) struct DevArgs {
    /// Folder of the vault; made where it is missing
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// File with an RFC 3339 time: whenever it changes, the vault's clock goes on from there
    #[arg(long, value_name = "FILE")]
    clock_file: Option<PathBuf>,
    #[command(flatten)]
    names: NamesArgs,
    /// What is logged to standard error
    #[arg(long, default_value = "warn", value_name = "FILTER")]
    log: String,
}

/// Runs the vault until SIGTERM or SIGINT. Once it serves, prints how to reach it: as JSON, exactly one line.
///
/// # Errors
///
/// The vault cannot be started or stopped.
pub(super) async fn run<H: Host>(args: DevArgs, host: &H, printer: &mut Printer) -> Result<(), CliError> {
    let mut config = Config::default();
    config.log.filter = args.log;
    start_log(&config)?;
    let mut stop = Stop::new()?;
    let options = DevOptions { data_dir: args.data_dir, clock_file: args.clock_file, names_model: args.names.model() };
    let (vault, facts) = tokio::select! {
        started = host.dev(options) => started.map_err(CliError::Vault)?,
        () = stop.asked() => return Ok(()),
    };
    match printer.output() {
        Output::Json => printer.json_line(&line(vault.endpoints(), &facts))?,
        Output::Human | Output::Csv => print_human(vault.endpoints(), &facts, printer)?,
    }
    until_stopped(vault, stop).await
}

/// Returns the line that others start from. Its form does not change.
fn line(endpoints: &Endpoints, facts: &DevFacts) -> Value {
    let mut line = object(endpoints.named());
    line["ca_file"] = json!(facts.ca_file);
    line["tenant"] = json!(facts.tenant);
    let keys = facts.keys.iter().map(|(role, key)| (role.clone(), key.expose_secret().into()));
    line["keys"] = Value::Object(keys.collect());
    line
}

fn print_human(endpoints: &Endpoints, facts: &DevFacts, printer: &mut Printer) -> Result<(), CliError> {
    printer.note("A vault for development. Its keys are throw-away: keep nothing real in it.\n")?;
    printer.value(&line(endpoints, facts))?;
    printer.note("\nIn another terminal, as a reader:\n")?;
    printer.note(&format!("  export SUBROSA_ENDPOINT={}", endpoints.url(endpoints.data)))?;
    printer.note(&format!("  export SUBROSA_CA_FILE={}", facts.ca_file.display()))?;
    printer.note("  export SUBROSA_API_KEY=<keys.reader, above>")?;
    printer.note(&format!("  subrosa conversation list --tenant {}\n", facts.tenant))?;
    printer.note("Ctrl-C stops it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_the_form_that_others_start_from() {
        let at = |port: u16| ([127, 0, 0, 1], port).into();
        let endpoints = Endpoints { data: at(1), compliance: at(2), operator: at(3), metrics: at(4), tls: true };
        let keys = [("reader".to_owned(), "srk_a_b".to_owned().into())].into();
        let facts = DevFacts { ca_file: "/d/ca.pem".into(), tenant: "tenants/dev".into(), keys };
        assert_eq!(
            line(&endpoints, &facts).to_string(),
            concat!(
                r#"{"data_endpoint":"https://127.0.0.1:1","compliance_endpoint":"https://127.0.0.1:2","#,
                r#""operator_endpoint":"https://127.0.0.1:3","metrics_endpoint":"http://127.0.0.1:4","#,
                r#""ca_file":"/d/ca.pem","tenant":"tenants/dev","keys":{"reader":"srk_a_b"}}"#
            )
        );
        assert!(!format!("{facts:?}").contains("srk_"));
    }
}
