//! The settings of the listeners: made from the configuration, and made anew while the vault runs.
//!
//! A reload is all or nothing: what cannot be used changes nothing. It comes about in two ways: the configuration was read
//! again (SIGHUP), or a certificate file has changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::access::{CertificateTrust, Gate};
use crate::clock::Clock;
use crate::config::{Config, Server};
use crate::grpc::{Current, Transport};
use crate::vault::Vault;
use crate::watch::{Metrics, task};

use super::error::AppError;
use super::tls;

/// Keys of the configuration that a reload puts in force; the others keep what the process started with.
const RELOADED: &[&str] = &[
    "server.tls_cert",
    "server.tls_key",
    "server.tls_ca",
    "server.tls_min_version",
    "server.client_auth",
    "server.client_ca",
    "server.client_crl",
    "server.client_trust_domain",
    "server.client_roles",
    "server.drain_deadline",
    "server.max_connections",
    "server.max_connections_per_source",
    "server.handshake_timeout",
    "server.header_timeout",
    "server.keepalive",
    "limits.concurrent_calls",
    "limits.call_deadline",
    "limits.stream_deadline",
    "log.filter",
];
/// How often the certificate files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The configuration in force, and what the listeners and the gate have from it.
pub(super) struct Reloads {
    /// What the process started with.
    started: Config,
    /// Held while files are read by it, so that of two reloads the later one is what stays.
    in_force: Mutex<Config>,
    clock: Arc<dyn Clock>,
    gate: Arc<Gate>,
    settings: watch::Sender<Arc<Transport>>,
    metrics: Arc<Metrics>,
}

impl Reloads {
    /// Reads the files that `config` names, and lets the gate of `vault` believe the client certificates that they say.
    ///
    /// # Errors
    ///
    /// A file cannot be used.
    pub(super) fn start(config: &Config, clock: Arc<dyn Clock>, vault: &Vault) -> Result<Arc<Self>, AppError> {
        Self::new(config, clock, Arc::clone(vault.gate()), Arc::clone(vault.metrics())).map(Arc::new)
    }

    fn new(config: &Config, clock: Arc<dyn Clock>, gate: Arc<Gate>, metrics: Arc<Metrics>) -> Result<Self, AppError> {
        let (settings, trust) = transport(config, &clock)?;
        gate.trust_certificates(trust);
        let settings = watch::Sender::new(Arc::new(settings));
        // Kept as long as the vault runs, and a passphrase must not be.
        let started = Config { passphrase: None, ..config.clone() };
        Ok(Self { in_force: Mutex::new(started.clone()), started, clock, gate, settings, metrics })
    }

    /// Returns the settings in force, and all that come after them.
    pub(super) fn current(&self) -> Current {
        self.settings.subscribe()
    }

    /// Returns how long a stop lets calls finish.
    pub(super) fn drain_deadline(&self) -> Duration {
        self.lock().server.drain_deadline
    }

    /// Puts `config` in force, as far as that is possible in a running vault, and returns the keys for which it is not: each
    /// time, as long as they are not what the process started with.
    ///
    /// # Errors
    ///
    /// A file cannot be used, or what was changed does not fit what cannot change; everything stays as it was.
    pub(super) fn reload(&self, config: Config) -> Result<Vec<String>, AppError> {
        let possible = self.started.with(RELOADED, &config).map_err(|error| AppError::Folder(error.to_string()));
        self.put_in_force(&mut self.lock(), possible)?;
        let waiting = self.started.differences(&config).into_iter();
        Ok(waiting.filter(|key| !RELOADED.contains(&key.as_str())).collect())
    }

    /// Makes the settings from `next` and the files that it names, and replaces with it what is in force.
    fn put_in_force(&self, in_force: &mut Config, next: Result<Config, AppError>) -> Result<(), AppError> {
        let made = next.and_then(|config| Ok((transport(&config, &self.clock)?, config)));
        self.metrics.reloaded(made.is_ok());
        let ((settings, trust), config) = made?;
        self.gate.trust_certificates(trust);
        self.settings.send_replace(Arc::new(settings));
        *in_force = config;
        Ok(())
    }

    /// Looks at the certificate files now and then until `stop`, and reads them again when one has changed.
    pub(super) fn watch_files(self: &Arc<Self>, stop: CancellationToken) -> tokio::task::JoinHandle<()> {
        let reloads = Arc::clone(self);
        task::spawn("certificate-files", async move {
            let mut seen = reloads.stamps().await;
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
                let now = reloads.stamps().await;
                if now != seen {
                    // Where only one of two files is new yet, they do not fit: the other one is a change of its own.
                    match reloads.read_files_again() {
                        Ok(()) => tracing::info!("the certificate files have changed and are in use"),
                        Err(error) => tracing::error!(%error, "the certificate files have changed and cannot be used"),
                    }
                    seen = now;
                }
            }
        })
    }

    /// Reads the files that the configuration in force names again.
    ///
    /// # Errors
    ///
    /// As [`Reloads::reload`].
    pub(super) fn read_files_again(&self) -> Result<(), AppError> {
        let mut in_force = self.lock();
        let same = in_force.clone();
        self.put_in_force(&mut in_force, Ok(same))
    }

    async fn stamps(&self) -> Vec<Option<Stamp>> {
        let files = files(&self.lock().server);
        let look = move || files.iter().map(|path| stamp(path)).collect();
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Config> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the files that the TLS settings are made from.
fn files(server: &Server) -> Vec<PathBuf> {
    [&server.tls_cert, &server.tls_key, &server.client_ca, &server.client_crl].into_iter().flatten().cloned().collect()
}

/// What changes when a file is written or replaced, also behind a symbolic link: inode, length, time of change (seconds and
/// nanoseconds).
type Stamp = (u64, u64, i64, i64);

fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path).ok()?;
    Some((file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}

fn transport(config: &Config, clock: &Arc<dyn Clock>) -> Result<(Transport, Option<CertificateTrust>), AppError> {
    let (server, limits) = (&config.server, &config.limits);
    let (tls, trust) = tls::load(server, clock)?.map_or((None, None), |tls| (Some(tls.config), tls.trust));
    let settings = Transport {
        tls,
        handshake_timeout: server.handshake_timeout,
        header_timeout: server.header_timeout,
        keepalive: server.keepalive,
        max_connections: server.max_connections.as_usize(),
        max_connections_per_source: server.max_connections_per_source.as_usize(),
        concurrent_calls: u32::try_from(limits.concurrent_calls.get()).unwrap_or(u32::MAX),
        call_deadline: limits.call_deadline,
        stream_deadline: limits.stream_deadline,
    };
    Ok((settings, trust))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use crate::clock::SystemClock;
    use crate::store::sqlite;

    use super::*;

    #[test]
    fn every_key_that_is_reloaded_exists() {
        let known: Vec<_> = Config::documentation().into_iter().map(|key| key.path).collect();
        for key in RELOADED {
            assert!(known.iter().any(|path| path == key), "{key}");
        }
    }

    /// A configuration with certificates of its own, in a folder by this name.
    fn config(dir: &Path, name: &str) -> Config {
        let dir = dir.join(name);
        fs::create_dir(&dir).unwrap();
        tls::make(&dir, &["localhost".to_owned()]).unwrap();
        let mut config = Config::default();
        config.server.tls_cert = Some(dir.join("server.pem"));
        config.server.tls_key = Some(dir.join("server.key"));
        config
    }

    fn reloads(dir: &Path, config: &Config) -> Reloads {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (data, keys) = (dir.join("vault.db"), dir.join("keys.db"));
        sqlite::create_data(&data).unwrap();
        sqlite::create_keys(&keys).unwrap();
        let ((data, _), (keys, _)) = (sqlite::start_data(&data, 1).unwrap(), sqlite::start_keys(&keys, 1).unwrap());
        let gate = Arc::new(Gate::new(data, keys, Arc::clone(&clock)));
        Reloads::new(config, clock, gate, Arc::new(Metrics::new())).unwrap()
    }

    #[test]
    fn what_cannot_change_stays_and_is_told_as_long_as_it_differs() {
        let dir = tempfile::tempdir().unwrap();
        let first = config(dir.path(), "first");
        let reloads = reloads(dir.path(), &first);
        let mut plain = first.clone();
        plain.server.insecure_plaintext = true;
        plain.server.data_address = "127.0.0.1:1".parse().unwrap();
        plain.server.drain_deadline = Duration::from_secs(3);
        for _ in 0..2 {
            let waiting = reloads.reload(plain.clone()).unwrap();
            assert_eq!(waiting, ["server.data_address", "server.insecure_plaintext"]);
            assert!(reloads.current().borrow().tls.is_some(), "TLS was taken away");
            assert_eq!(reloads.drain_deadline(), Duration::from_secs(3));
        }
        reloads.read_files_again().unwrap();
        assert!(reloads.current().borrow().tls.is_some(), "TLS was taken away");
        assert!(reloads.reload(first.clone()).unwrap().is_empty());
        assert_eq!(reloads.drain_deadline(), first.server.drain_deadline);
    }

    #[test]
    fn a_change_that_does_not_fit_what_stays_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let reloads = reloads(dir.path(), &config(dir.path(), "first"));
        let mut bare = Config::default();
        bare.server.insecure_plaintext = true;
        bare.server.drain_deadline = Duration::from_secs(3);
        let refused = reloads.reload(bare).unwrap_err().to_string();
        assert!(refused.contains("server.tls_cert: required"), "{refused}");
        assert!(reloads.current().borrow().tls.is_some());
        assert_ne!(reloads.drain_deadline(), Duration::from_secs(3));
    }

    #[test]
    fn a_reload_while_files_are_read_again_is_not_reverted() {
        let dir = tempfile::tempdir().unwrap();
        let (first, mut second) = (config(dir.path(), "first"), config(dir.path(), "second"));
        second.server.drain_deadline = Duration::from_secs(3);
        let reloads = reloads(dir.path(), &first);
        // Who reads it waits for who writes it.
        let pipe = first.server.tls_cert.as_ref().unwrap();
        let certificate = fs::read(pipe).unwrap();
        fs::remove_file(pipe).unwrap();
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| reloads.read_files_again());
            let mut writer = fs::OpenOptions::new().write(true).open(pipe).unwrap();
            let reload = scope.spawn(|| reloads.reload(second.clone()));
            // Time for a reload that does not wait for the reading.
            std::thread::sleep(Duration::from_millis(300));
            std::io::Write::write_all(&mut writer, &certificate).unwrap();
            drop(writer);
            reading.join().unwrap().unwrap();
            reload.join().unwrap().unwrap();
        });
        assert_eq!(reloads.drain_deadline(), Duration::from_secs(3), "the older configuration has come back");
    }
}
