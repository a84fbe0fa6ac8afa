//! A running vault: stores, keys, use cases, listeners and workers, started in that order and stopped in the other.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::task::JoinHandle;

use crate::cli::Endpoints;
use crate::clock::{Clock, FileClock, SystemClock};
use crate::config::{Config, RootKind};
use crate::grpc::{Budget, Ends, ServerInfo};
use crate::http;
use crate::keys::roots::{Cost, KeyFile, Passphrase, Root};
use crate::keys::{CacheLimits, KeyRing};
use crate::sealing::Backend;
use crate::store::sqlite;
use crate::vault::{Checkpointer, Settings, Vault};
use crate::watch::{Metrics, task};

use super::error::AppError;
use super::health::Health;
use super::listeners::{Info, Listeners, Surface};
use super::names::NamesModel;
use super::open_files;
use super::transport::Reloads;
use super::workers::{Rhythm, Workers};

/// What moves the vault's clock.
pub(super) enum Time {
    /// The machine's clock.
    System,
    /// A file; for development.
    File(PathBuf),
}

/// A vault that runs in this process.
pub struct RunningVault {
    endpoints: Endpoints,
    vault: Arc<Vault>,
    health: Health,
    workers: Workers,
    ends: Ends,
    servers: Vec<JoinHandle<()>>,
    writers: Vec<std::thread::JoinHandle<()>>,
    reloads: Arc<Reloads>,
}

/// Starts a vault and returns once it serves.
pub(super) async fn start(config: Config, time: Time) -> Result<RunningVault, AppError> {
    let root = root(&config)?;
    let overridden = matches!(time, Time::File(_));
    let clock: Arc<dyn Clock> = match time {
        Time::System => Arc::new(SystemClock),
        Time::File(path) => Arc::new(FileClock::new(path)),
    };
    open_files::raise_limit(&config);
    let metrics = Arc::new(Metrics::new());
    let (vault, writers) = open(&config, root.as_ref(), Arc::clone(&clock), Arc::clone(&metrics)).await?;
    let reloads = Reloads::start(&config, clock, &vault)?;
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let health = Health::new(reporter, Arc::clone(&metrics));
    let names = NamesModel::new(&config.redaction);
    names.load_into(&vault).await;
    health.probe(&vault).await;
    let rhythm = Rhythm {
        checkpoint: config.audit.checkpoint_interval,
        checkpoint_entries: config.audit.checkpoint_entries.get(),
        expiry: config.retention.expiry_interval,
    };
    let workers = Workers::start(&vault, rhythm, health.clone(), Arc::clone(&metrics), names).await?;
    let ends = Ends::default();
    let stop = ends.stop.clone();
    let listeners = Listeners::bind(&config.server).await?;
    let endpoints = listeners.endpoints()?;
    let info: Arc<dyn ServerInfo> = Arc::new(Info::new(endpoints.clone(), health.clone(), overridden, stop.clone()));
    let budget = Arc::new(Budget::new(config.limits.memory.get()));
    let surface = Surface { vault: &vault, info, health_service, transport: reloads.current(), budget, ends: &ends };
    let Listeners { grpc, metrics: metrics_listener, .. } = listeners;
    let mut servers = surface.serve(grpc);
    let probe = health.clone();
    let health_of: http::Health = Arc::new(move || probe.why_not());
    servers.push(task::spawn("metrics", http::serve(metrics_listener, metrics, health_of, stop.clone())));
    servers.push(reloads.watch_files(stop));
    Ok(RunningVault { endpoints, vault, health, workers, ends, servers, writers, reloads })
}

/// Opens a vault that is not running, issues a new `security` key, signs what was logged, and closes it.
pub(super) async fn security_key(config: Config) -> Result<SecretString, AppError> {
    let root = root(&config)?;
    let (vault, writers) = open(&config, root.as_ref(), Arc::new(SystemClock), Arc::new(Metrics::new())).await?;
    let issued = vault.issue_security_key().await;
    Checkpointer::new(Arc::clone(&vault)).await?.sign().await?;
    drop(vault);
    close(writers).await;
    Ok(SecretString::from(issued?.expose().to_owned()))
}

/// Waits until the writers have finished, up to ten seconds.
async fn close(writers: Vec<std::thread::JoinHandle<()>>) {
    let closed = task::spawn("close-stores", async move {
        for writer in writers {
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    });
    let _ = tokio::time::timeout(Duration::from_secs(10), closed).await;
}

impl RunningVault {
    /// Returns where it listens.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Returns the vault, for what runs in the same process.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Puts `config` in force, as far as that is possible in a running vault, and returns the changed keys for which it is not.
    ///
    /// # Errors
    ///
    /// A file that it names cannot be used; everything stays as it was.
    pub fn reload(&self, config: Config) -> Result<Vec<String>, AppError> {
        self.reloads.reload(config)
    }

    /// Reads certificate, key, client authorities and revocation lists again. New connections are shaken hands with what is
    /// read; client certificates that are no longer good are refused from now on, also on connections and streams that are
    /// open.
    ///
    /// # Errors
    ///
    /// A file cannot be used: everything stays as it was.
    pub fn reload_files(&self) -> Result<(), AppError> {
        self.reloads.read_files_again()
    }

    /// Stops accepting, lets calls in flight finish up to the drain deadline, signs the logs, and closes the stores.
    pub async fn stop(self) {
        self.health.drain().await;
        self.ends.stop.cancel();
        let deadline = tokio::time::Instant::now() + self.reloads.drain_deadline();
        for server in self.servers {
            let abort = server.abort_handle();
            if tokio::time::timeout_at(deadline, server).await.is_err() {
                abort.abort();
            }
        }
        self.ends.cut.cancel();
        if let Err(error) = self.vault.gate().flush_failed_logins().await {
            tracing::error!(reason = error.reason().as_str(), "the last failed logins are not logged");
        }
        self.workers.stop().await;
        // Whatever else holds the stores must be gone before they can close.
        drop((self.vault, self.reloads));
        close(self.writers).await;
    }
}

/// Opens both stores and the keys, and starts the vault.
async fn open(
    config: &Config,
    root: &dyn Root,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> Result<(Arc<Vault>, Vec<std::thread::JoinHandle<()>>), AppError> {
    let readers = config.storage.readers.as_usize();
    let (keys, keys_writer) = sqlite::start_keys(&config.storage.keys_path(), readers)?;
    let (data, data_writer) = sqlite::start_data(&config.storage.vault_path(), readers)?;
    let limits = CacheLimits {
        count: NonZeroUsize::new(config.keys.cache_count.as_usize()).unwrap_or(NonZeroUsize::MIN),
        age: config.keys.cache_age,
        uses: u32::try_from(config.keys.cache_uses.get()).unwrap_or(u32::MAX),
    };
    let ring = KeyRing::unlock(keys, root, limits, Arc::clone(&clock)).await?;
    let settings = Settings {
        backend: match config.sealing.backend {
            crate::config::Backend::Ring => Backend::Ring,
            crate::config::Backend::RustCrypto => Backend::RustCrypto,
        },
        default_retention_class: config.retention.default_class.clone(),
        default_retention_days: u32::try_from(config.retention.default_days.get()).unwrap_or(u32::MAX),
        remember: config.limits.idempotency_window,
        work_bytes: config.limits.memory.as_usize() / 2,
        names_required: config.redaction.names == crate::config::Names::Required,
    };
    let vault = Vault::start(data, ring, clock, settings, metrics).await?;
    Ok((vault, vec![data_writer, keys_writer]))
}

fn root(config: &Config) -> Result<Box<dyn Root>, AppError> {
    match config.keys.root {
        RootKind::Passphrase => {
            let secret = config.passphrase.clone().ok_or(AppError::NoPassphrase)?;
            Ok(Box::new(Passphrase::new(secret, Cost::default())))
        }
        RootKind::KeyFile => {
            let path = config.keys.key_file.as_ref().ok_or(AppError::NoPassphrase)?;
            Ok(Box::new(KeyFile::open(path)?))
        }
    }
}
