//! A running vault: stores, keys, use cases, listeners and workers, started in that order and stopped in the other.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_health::pb::health_server::HealthServer;

use crate::cli::Endpoints;
use crate::clock::{Clock, FileClock, SystemClock};
use crate::config::{Config, RootKind};
use crate::grpc::{self, Budget, Component, Ends, Listener, ListenerKind, ServerInfo, ServingState};
use crate::http;
use crate::keys::roots::{Cost, KeyFile, Passphrase, Root};
use crate::keys::{CacheLimits, KeyRing};
use crate::sealing::Backend;
use crate::store::sqlite;
use crate::vault::{Checkpointer, Settings, Vault};
use crate::watch::{Metrics, task};

use super::error::AppError;
use super::health::Health;
use super::tls;
use super::workers::{Rhythm, Workers};

/// The largest window that HTTP/2 has ([RFC 9113](https://www.rfc-editor.org/rfc/rfc9113#section-6.9.1)).
const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// How often a silent connection is asked whether it is still there, and how long it may take to answer.
const KEEPALIVE: Duration = Duration::from_secs(20);

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
    drain: Duration,
}

/// Starts a vault and returns once it serves.
pub(super) async fn start(config: Config, time: Time) -> Result<RunningVault, AppError> {
    let root = root(&config)?;
    let overridden = matches!(time, Time::File(_));
    let clock: Arc<dyn Clock> = match time {
        Time::System => Arc::new(SystemClock),
        Time::File(path) => Arc::new(FileClock::new(path)),
    };
    let metrics = Arc::new(Metrics::new());
    let (vault, writers) = open(&config, root.as_ref(), clock, Arc::clone(&metrics)).await?;
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let health = Health::new(reporter, Arc::clone(&metrics));
    health.probe(&vault).await;
    let rhythm = Rhythm {
        checkpoint: config.audit.checkpoint_interval,
        checkpoint_entries: config.audit.checkpoint_entries.get(),
        expiry: config.retention.expiry_interval,
    };
    let workers = Workers::start(&vault, rhythm, health.clone(), Arc::clone(&metrics)).await?;
    let ends = Ends::default();
    let stop = ends.stop.clone();
    let listeners = Listeners::bind(&config).await?;
    let endpoints = listeners.endpoints()?;
    let info: Arc<dyn ServerInfo> =
        Arc::new(Info { endpoints: endpoints.clone(), health: health.clone(), overridden, stop: stop.clone() });
    let surface = Surface { vault: &vault, info, health_service, config: &config, ends: &ends };
    let Listeners { grpc, metrics: metrics_listener, tls } = listeners;
    let mut servers = surface.serve(grpc, tls);
    let probe = health.clone();
    let health_of: http::Health = Arc::new(move || probe.serving() == ServingState::Serving);
    servers.push(task::spawn("metrics", http::serve(metrics_listener, metrics, health_of, stop.clone())));
    let drain = config.server.drain_deadline;
    Ok(RunningVault { endpoints, vault, health, workers, ends, servers, writers, drain })
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

    /// Stops accepting, lets calls in flight finish up to the drain deadline, signs the logs, and closes the stores.
    pub async fn stop(self) {
        self.health.drain().await;
        self.ends.stop.cancel();
        let deadline = tokio::time::Instant::now() + self.drain;
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
        drop(self.vault);
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

/// Bound sockets, before anything is served.
struct Listeners {
    grpc: Vec<(ListenerKind, TcpListener)>,
    metrics: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, AppError> {
        let server = &config.server;
        let tls = match (&server.tls_cert, &server.tls_key) {
            _ if server.insecure_plaintext => None,
            (Some(cert), Some(key)) => Some(tls::acceptor(cert, key)?),
            _ => return Err(AppError::Folder("no certificate is configured".to_owned())),
        };
        let mut grpc = Vec::new();
        for (kind, address) in [
            (ListenerKind::Data, server.data_address),
            (ListenerKind::Compliance, server.compliance_address),
            (ListenerKind::Operator, server.operator_address),
        ] {
            grpc.push((kind, bind(address).await?));
        }
        Ok(Self { grpc, metrics: bind(server.metrics_address).await?, tls })
    }

    fn endpoints(&self) -> Result<Endpoints, AppError> {
        let at = |index: usize| self.grpc[index].1.local_addr();
        Ok(Endpoints {
            data: at(0)?,
            compliance: at(1)?,
            operator: at(2)?,
            metrics: self.metrics.local_addr()?,
            tls: self.tls.is_some(),
        })
    }
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|cause| AppError::Listen { address, cause })
}

/// What every gRPC listener serves.
struct Surface<'a, H> {
    vault: &'a Arc<Vault>,
    info: Arc<dyn ServerInfo>,
    health_service: H,
    config: &'a Config,
    ends: &'a Ends,
}

impl<H: tonic_health::pb::health_server::Health> Surface<'_, HealthServer<H>> {
    fn serve(self, listeners: Vec<(ListenerKind, TcpListener)>, tls: Option<TlsAcceptor>) -> Vec<JoinHandle<()>> {
        let most = self.config.server.max_connections.as_usize();
        let places: Vec<_> = listeners.iter().map(|_| Arc::new(Semaphore::new(most))).collect();
        count_connections(self.vault, &places, most, &self.ends.stop);
        let budget = Arc::new(Budget::new(self.config.limits.memory.get()));
        let serve_one = |((kind, listener), places): ((ListenerKind, TcpListener), &Arc<Semaphore>)| {
            let reflection = kind == ListenerKind::Operator;
            let routes =
                grpc::router(self.vault, Arc::clone(&self.info), self.health_service.clone(), &budget, reflection);
            let connections = grpc::accept(listener, tls.clone(), Arc::clone(places), self.ends.clone());
            let stop = self.ends.stop.clone();
            let server = self.server().add_routes(routes);
            task::spawn("grpc", async move {
                let stopped = async move { stop.cancelled().await };
                if let Err(error) = server.serve_with_incoming_shutdown(connections, stopped).await {
                    tracing::error!(%error, "a listener ended");
                }
            })
        };
        listeners.into_iter().zip(&places).map(serve_one).collect()
    }

    fn server(&self) -> Server {
        let streams = u32::try_from(self.config.limits.concurrent_calls.get()).unwrap_or(u32::MAX);
        Server::builder()
            .concurrency_limit_per_connection(self.config.limits.concurrent_calls.as_usize())
            .max_concurrent_streams(streams)
            .initial_stream_window_size(grpc::STREAM_WINDOW)
            .initial_connection_window_size(grpc::STREAM_WINDOW.saturating_mul(streams).min(LARGEST_WINDOW))
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE))
    }
}

/// Tells the metrics each second how many connections are open.
fn count_connections(vault: &Arc<Vault>, places: &[Arc<Semaphore>], most: usize, stop: &CancellationToken) {
    let (metrics, places, stop) = (Arc::clone(vault.metrics()), places.to_vec(), stop.clone());
    task::spawn("count-connections", async move {
        while !stop.is_cancelled() {
            let open = places.iter().map(|places| most.saturating_sub(places.available_permits()) as u64);
            metrics.set_connections(open.sum());
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    });
}

/// What `GetStatus` says of this process.
struct Info {
    endpoints: Endpoints,
    health: Health,
    overridden: bool,
    stop: CancellationToken,
}

impl ServerInfo for Info {
    fn listeners(&self) -> Vec<Listener> {
        let plaintext = !self.endpoints.tls;
        vec![
            Listener { kind: ListenerKind::Data, address: self.endpoints.data, plaintext },
            Listener { kind: ListenerKind::Compliance, address: self.endpoints.compliance, plaintext },
            Listener { kind: ListenerKind::Operator, address: self.endpoints.operator, plaintext },
            Listener { kind: ListenerKind::Metrics, address: self.endpoints.metrics, plaintext: true },
        ]
    }

    fn serving(&self) -> ServingState {
        self.health.serving()
    }

    fn clock_overridden(&self) -> bool {
        self.overridden
    }

    fn components(&self) -> Vec<Component> {
        self.health.components()
    }

    fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }
}
