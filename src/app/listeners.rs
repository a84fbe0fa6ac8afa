//! The listeners of a vault: bound before anything is served, then served until the vault stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};

use crate::cli::Endpoints;
use crate::config::Server;
use crate::grpc::{
    self, Budget, Component, Current, Ends, Listener, ListenerKind, Listening, Places, ServerInfo, ServingState,
};
use crate::vault::Vault;
use crate::watch::{core_dumps, task};

use super::error::AppError;
use super::health::Health;

/// Bound sockets, before anything is served.
pub(super) struct Listeners {
    pub(super) grpc: Vec<(ListenerKind, TcpListener)>,
    pub(super) metrics: TcpListener,
    tls: bool,
}

impl Listeners {
    pub(super) async fn bind(server: &Server) -> Result<Self, AppError> {
        let mut grpc = Vec::new();
        for (kind, address) in [
            (ListenerKind::Data, server.data_address),
            (ListenerKind::Compliance, server.compliance_address),
            (ListenerKind::Operator, server.operator_address),
        ] {
            grpc.push((kind, bind(address).await?));
        }
        Ok(Self { grpc, metrics: bind(server.metrics_address).await?, tls: !server.insecure_plaintext })
    }

    pub(super) fn endpoints(&self) -> Result<Endpoints, AppError> {
        let at = |index: usize| self.grpc[index].1.local_addr();
        Ok(Endpoints {
            data: at(0)?,
            compliance: at(1)?,
            operator: at(2)?,
            metrics: self.metrics.local_addr()?,
            tls: self.tls,
        })
    }
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|cause| AppError::Listen { address, cause })
}

/// What every gRPC listener serves.
pub(super) struct Surface<'a, H> {
    pub(super) vault: &'a Arc<Vault>,
    pub(super) info: Arc<dyn ServerInfo>,
    pub(super) health_service: H,
    pub(super) transport: Current,
    pub(super) budget: Arc<Budget>,
    pub(super) ends: &'a Ends,
}

impl<H: HealthService> Surface<'_, HealthServer<H>> {
    /// Starts to serve on all of them.
    pub(super) fn serve(self, listeners: Vec<(ListenerKind, TcpListener)>) -> Vec<JoinHandle<()>> {
        let places: Vec<_> = listeners.iter().map(|_| Arc::new(Places::default())).collect();
        count_connections(self.vault, places.clone(), &self.ends.stop);
        let serve_one = |((kind, listener), places): ((ListenerKind, TcpListener), Arc<Places>)| {
            let (info, health) = (Arc::clone(&self.info), self.health_service.clone());
            let reflection = kind == ListenerKind::Operator;
            let listening = Listening {
                listener,
                routes: grpc::router(self.vault, info, health, &self.transport, &self.budget, reflection),
                transport: self.transport.clone(),
                places,
                ends: self.ends.clone(),
                gate: Arc::clone(self.vault.gate()),
                metrics: Arc::clone(self.vault.metrics()),
            };
            task::spawn("grpc", grpc::listen(listening))
        };
        listeners.into_iter().zip(places).map(serve_one).collect()
    }
}

/// Tells the metrics each second how many connections are open.
fn count_connections(vault: &Arc<Vault>, places: Vec<Arc<Places>>, stop: &CancellationToken) {
    let (metrics, stop) = (Arc::clone(vault.metrics()), stop.clone());
    task::spawn("count-connections", async move {
        while !stop.is_cancelled() {
            metrics.set_connections(places.iter().map(|places| places.open() as u64).sum());
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    });
}

/// What `GetStatus` says of this process.
pub(super) struct Info {
    endpoints: Endpoints,
    health: Health,
    overridden: bool,
    stop: CancellationToken,
}

impl Info {
    pub(super) fn new(endpoints: Endpoints, health: Health, overridden: bool, stop: CancellationToken) -> Self {
        Self { endpoints, health, overridden, stop }
    }
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

    fn core_dumps(&self) -> bool {
        core_dumps::are_possible()
    }

    fn components(&self) -> Vec<Component> {
        self.health.components()
    }

    fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }
}
