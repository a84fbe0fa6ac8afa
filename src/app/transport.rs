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

/// Keys of the configuration that a reload puts in force; the others need a restart.
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
    config: Mutex<Config>,
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
        let (gate, metrics) = (Arc::clone(vault.gate()), Arc::clone(vault.metrics()));
        let (settings, trust) = transport(config, &clock)?;
        gate.trust_certificates(trust);
        let settings = watch::Sender::new(Arc::new(settings));
        Ok(Arc::new(Self { config: Mutex::new(config.clone()), clock, gate, settings, metrics }))
    }

    /// Returns the settings in force, and all that come after them.
    pub(super) fn current(&self) -> Current {
        self.settings.subscribe()
    }

    /// Returns how long a stop lets calls finish.
    pub(super) fn drain_deadline(&self) -> Duration {
        self.lock().server.drain_deadline
    }

    /// Puts `config` in force, as far as that is possible in a running vault, and returns the changed keys for which it is
    /// not.
    ///
    /// # Errors
    ///
    /// A file cannot be used; everything stays as it was.
    pub(super) fn reload(&self, config: Config) -> Result<Vec<String>, AppError> {
        let mut in_force = self.lock();
        let made = transport(&config, &self.clock);
        self.metrics.reloaded(made.is_ok());
        let ((settings, trust), changed) = (made?, in_force.differences(&config));
        self.gate.trust_certificates(trust);
        self.settings.send_replace(Arc::new(settings));
        *in_force = config;
        Ok(changed.into_iter().filter(|key| !RELOADED.contains(&key.as_str())).collect())
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
        let config = self.lock().clone();
        self.reload(config).map(drop)
    }

    async fn stamps(&self) -> Vec<Option<Stamp>> {
        let files = files(&self.lock().server);
        let look = move || files.iter().map(|path| stamp(path)).collect();
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
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
    use super::*;

    #[test]
    fn every_key_that_is_reloaded_exists() {
        let known: Vec<_> = Config::documentation().into_iter().map(|key| key.path).collect();
        for key in RELOADED {
            assert!(known.iter().any(|path| path == key), "{key}");
        }
    }
}
