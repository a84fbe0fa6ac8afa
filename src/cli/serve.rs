//! `subrosa serve`: runs the vault until it is told to stop.

use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Config, Layers, RootKind};
use crate::watch::{core_dumps, log, task};

use super::exit::CliError;
use super::host::{Host, Running};
use super::init::ask;
use super::output::{Output, Printer};

/// What makes up a configuration on the command line.
#[derive(Args, Debug, Clone)]
pub(super) struct ConfigArgs {
    /// Configuration file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one key, over file and environment
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Serve without TLS; only where every listener is on loopback
    #[arg(long)]
    insecure_plaintext: bool,
}

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the configuration in force, without secrets, and end
    #[arg(long)]
    print_config: bool,
}

impl ConfigArgs {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn load(self) -> Result<Config, CliError> {
        let mut flags = self.set;
        if self.insecure_plaintext {
            flags.push("server.insecure_plaintext=true".to_owned());
        }
        Ok(Config::load(&Layers::of_process(self.config, flags))?)
    }
}

/// Runs the vault until SIGTERM or SIGINT. On SIGHUP the configuration is read again.
///
/// # Errors
///
/// The configuration is wrong, or the vault cannot be started or stopped.
pub(super) async fn run<H: Host>(args: ServeArgs, host: &H, printer: &mut Printer) -> Result<(), CliError> {
    let mut config = args.config.clone().load()?;
    if args.print_config {
        return super::config::print(&config, printer);
    }
    let filter = start_log(&config)?;
    find_passphrase(&mut config)?;
    let mut stop = Stop::new()?;
    let mut hangup = listen(SignalKind::hangup())?;
    let vault = tokio::select! {
        vault = host.start(config) => vault.map_err(CliError::Vault)?,
        () = stop.asked() => return Ok(()),
    };
    let endpoints = vault.endpoints().named();
    for (name, url) in &endpoints {
        tracing::info!(listener = name, %url, "listening");
    }
    if printer.output() == Output::Json {
        printer.json_line(&object(endpoints))?;
    }
    loop {
        tokio::select! {
            _ = hangup.recv() => reload(&args.config, &filter, &vault),
            () = stop.asked() => return end(vault, stop).await,
        }
    }
}

/// Reads the configuration again and puts it in force; what cannot be used changes nothing.
fn reload<V: Running>(args: &ConfigArgs, filter: &log::Filter, vault: &V) {
    match try_reload(args, filter, vault) {
        Ok(waiting) if waiting.is_empty() => tracing::info!("the configuration was read again and is in force"),
        Ok(waiting) => {
            let keys = waiting.join(", ");
            tracing::warn!(keys, "the configuration was read again; these keys change with the next start");
        }
        Err(error) => tracing::error!(%error, "the configuration was read again and cannot be used"),
    }
}

fn try_reload<V: Running>(args: &ConfigArgs, filter: &log::Filter, vault: &V) -> Result<Vec<String>, CliError> {
    let config = args.clone().load()?;
    log::check(&config.log).map_err(|error| CliError::Usage(error.to_string()))?;
    let log = config.log.clone();
    let waiting = vault.reload(config).map_err(CliError::Vault)?;
    filter.set(&log).map_err(|error| CliError::Failed(error.to_string()))?;
    Ok(waiting)
}

/// Issues a new `security` key of a vault that is not running, and prints it, once.
///
/// # Errors
///
/// The configuration is wrong, the vault runs or cannot be opened, or its first principal has two live keys.
pub(super) async fn security_key<H: Host>(args: ConfigArgs, host: &H, printer: &mut Printer) -> Result<(), CliError> {
    let mut config = args.load()?;
    start_log(&config)?;
    find_passphrase(&mut config)?;
    let key = host.security_key(config).await.map_err(CliError::Vault)?;
    printer.value(&serde_json::json!({ "security_key": key.expose_secret() }))?;
    printer.note("\nIt is shown this once. Revoke the one it takes over from with: subrosa api-key revoke")
}

fn find_passphrase(config: &mut Config) -> Result<(), CliError> {
    config.find_passphrase()?;
    if config.keys.root == RootKind::Passphrase && config.passphrase.is_none() {
        config.passphrase = Some(ask("Passphrase of the vault: ")?);
    }
    Ok(())
}

/// Returns named texts as one JSON object.
pub(super) fn object<const N: usize>(pairs: [(&'static str, String); N]) -> Value {
    Value::Object(pairs.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect())
}

/// Sets up the log, makes panics print where they were and not what they said, and forbids core dumps unless they are wanted.
pub(super) fn start_log(config: &Config) -> Result<log::Filter, CliError> {
    if !config.server.core_dumps {
        core_dumps::forbid().map_err(CliError::io("core dumps"))?;
    }
    let filter = log::init(&config.log).map_err(|error| CliError::Usage(error.to_string()))?;
    task::quiet_panics();
    if core_dumps::are_possible() {
        tracing::warn!("server.core_dumps is on: a crash leaves a file with every key in it");
    }
    Ok(filter)
}

/// Waits until the process is told to stop, then lets the vault finish.
pub(super) async fn until_stopped<V: Running>(vault: V, mut stop: Stop) -> Result<(), CliError> {
    stop.asked().await;
    end(vault, stop).await
}

/// Lets the vault finish. Told to stop a second time, the process ends at once.
async fn end<V: Running>(vault: V, mut stop: Stop) -> Result<(), CliError> {
    tracing::info!("stopping: calls in flight may finish");
    tokio::select! {
        stopped = vault.shutdown() => stopped.map_err(CliError::Vault)?,
        () = stop.asked() => return Err(CliError::Failed("stopped before all calls had finished".to_owned())),
    }
    tracing::info!("stopped");
    Ok(())
}

fn listen(kind: SignalKind) -> Result<Signal, CliError> {
    signal(kind).map_err(CliError::io("signals"))
}

/// SIGTERM and SIGINT.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Listens for the signals from now on.
    pub(super) fn new() -> Result<Self, CliError> {
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next of them.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
