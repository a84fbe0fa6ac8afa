//! The wire: gRPC, `subrosa.v1`. Thin: it admits a call, converts it, calls the [`crate::vault::Vault`], and converts back.
//!
//! | to see | look in |
//! |---|---|
//! | how connections are accepted, served, bounded and ended | `listener`, `connection`, `places`, `transport` |
//! | who is let in | `layer` |
//! | how long a call may take | `deadline` |
//! | how much a call may send and hold | `bounds` |
//! | which gRPC code an error has | `status` |
//! | what a field must be | `convert` |
//! | which use case a method calls | `services` |
//! | the two streams | `ingest_stream`, `read_stream` |

mod bounds;
mod connection;
mod convert;
mod deadline;
#[cfg(fuzzing)]
pub mod fuzzing;
mod header_watch;
mod ingest_stream;
mod layer;
mod listener;
mod places;
mod read_stream;
mod serve;
mod services;
mod status;
mod transport;

use std::net::SocketAddr;
use std::sync::Arc;

use subrosa_proto::{FILE_DESCRIPTOR_SET, v1};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::pb::health_server::{Health, HealthServer};

use crate::domain::Reason;
use crate::vault::Vault;

use deadline::DeadlineLayer;

pub use crate::access::Peer;
pub use bounds::{Bounded, Budget, Charged};
pub use layer::{AdmitLayer, Admitted};
pub use listener::{Listening, listen};
pub use places::Places;
pub use status::{code, to_status};
pub use transport::{Current, Ends, Transport};

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

    /// Tells whether a crash may leave a core dump.
    fn core_dumps(&self) -> bool;

    /// Returns the parts of the process and how they are.
    fn components(&self) -> Vec<Component>;

    /// Returns the token that is cancelled when the process begins to stop: ingest streams then end, resumably.
    fn stopping(&self) -> CancellationToken;
}

/// Returns every service of the vault behind its gate and under its deadlines, with health checks, and with reflection (v1
/// and v1alpha) if asked for. [`listen`] serves them; whatever else does has to put a [`Peer`] into each request's
/// extensions. What all of them hold together stays under `budget`, which the listeners of a process share.
pub fn router<H: Health>(
    vault: &Arc<Vault>,
    info: Arc<dyn ServerInfo>,
    health: HealthServer<H>,
    transport: &Current,
    budget: &Arc<Budget>,
    reflection: bool,
) -> Routes {
    let api = serve::Api::new(Arc::clone(vault), info);
    let mut routes = services::add_to(Routes::default(), &api).add_service(health);
    if reflection {
        routes = with_reflection(routes);
    }
    let admitted = routes.into_axum_router().layer(AdmitLayer::new(Arc::clone(vault), Arc::clone(budget)));
    Routes::from(admitted.layer(DeadlineLayer::new(transport.clone(), Arc::clone(vault.metrics())))).prepare()
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
