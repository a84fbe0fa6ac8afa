//! The wire: gRPC, `subrosa.v1`. Thin: it admits a call, converts it, calls the [`crate::vault::Vault`], and converts back.
//!
//! | to see | look in |
//! |---|---|
//! | who is let in | `layer` |
//! | how much a call may send and hold | `bounds` |
//! | which gRPC code an error has | `status` |
//! | what a field must be | `convert` |
//! | which use case a method calls | `services` |
//! | the two streams | `ingest_stream`, `read_stream` |

mod bounds;
mod convert;
mod ingest_stream;
mod layer;
mod listener;
mod read_stream;
mod serve;
mod services;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;

use subrosa_proto::{FILE_DESCRIPTOR_SET, v1};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::pb::health_server::{Health, HealthServer};

use crate::domain::Reason;
use crate::vault::Vault;

pub use bounds::{Bounded, Budget, Charged, STREAM_WINDOW};
pub use layer::{AdmitLayer, Admitted, Peer};
pub use listener::{Connection, Ends, accept};
pub use status::{code, to_status};

/// What a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListenerKind {
    /// For bot backends.
    Data,
    /// For compliance officers.
    Compliance,
    /// For operators; has reflection.
    Operator,
    /// For metrics; no gRPC.
    Metrics,
}

/// Whether the process serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServingState {
    /// Checks run.
    Starting,
    /// Serving.
    Serving,
    /// A part that it cannot do without is down.
    NotServing,
    /// Stopping.
    Draining,
}

/// One address that the process listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// What it is for.
    pub kind: ListenerKind,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it takes plain text.
    pub plaintext: bool,
}

/// One part of the process, and why it does not work, if it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component {
    /// `store`, `audit` or `keys`.
    pub name: &'static str,
    /// None when it works.
    pub down: Option<Reason>,
}

/// What `GetStatus` says of the process, beside what the vault says of itself.
pub trait ServerInfo: Send + Sync + 'static {
    /// Returns the addresses that are listened on.
    fn listeners(&self) -> Vec<Listener>;

    /// Tells whether the process serves.
    fn serving(&self) -> ServingState;

    /// Tells whether a clock file moves the vault's clock.
    fn clock_overridden(&self) -> bool;

    /// Returns the parts of the process and how they are.
    fn components(&self) -> Vec<Component>;

    /// Returns the token that is cancelled when the process begins to stop: ingest streams then end, resumably.
    fn stopping(&self) -> CancellationToken;
}

/// Returns every service of the vault behind its gate, with health checks, and with reflection (v1 and v1alpha) if asked for.
///
/// What they hold together stays under `budget`, which all listeners of a process share. Whoever serves them has to put a [`Peer`] into the extensions of each request: give the stream type
/// `Connected<ConnectInfo = Peer>`.
pub fn router<H: Health>(
    vault: &Arc<Vault>,
    info: Arc<dyn ServerInfo>,
    health: HealthServer<H>,
    budget: &Arc<Budget>,
    reflection: bool,
) -> Routes {
    let api = serve::Api::new(Arc::clone(vault), info);
    let mut routes = services::add_to(Routes::default(), &api).add_service(health);
    if reflection {
        routes = with_reflection(routes);
    }
    Routes::from(routes.into_axum_router().layer(AdmitLayer::new(Arc::clone(vault), Arc::clone(budget)))).prepare()
}

/// Returns the names under which health checks ask for the services: empty for the whole, then one for each.
pub fn health_names() -> Vec<&'static str> {
    vec![
        "",
        v1::ingest_service_server::SERVICE_NAME,
        v1::conversation_service_server::SERVICE_NAME,
        v1::search_service_server::SERVICE_NAME,
        v1::audit_service_server::SERVICE_NAME,
        v1::tenant_service_server::SERVICE_NAME,
        v1::key_service_server::SERVICE_NAME,
        v1::policy_service_server::SERVICE_NAME,
        v1::access_service_server::SERVICE_NAME,
        v1::admin_service_server::SERVICE_NAME,
    ]
}

/// Adds reflection. The descriptors are this build's own; were they broken, there would be no reflection.
fn with_reflection(routes: Routes) -> Routes {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    match (builder().build_v1(), builder().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => routes.add_service(v1).add_service(v1alpha),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "the descriptors cannot be shown by reflection");
            routes
        }
    }
}
