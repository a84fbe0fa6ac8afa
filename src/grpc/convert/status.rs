//! The status of the vault and of its process.

use subrosa_proto::v1;

use crate::grpc::{Component, Listener, ListenerKind, ServerInfo, ServingState};
use crate::sealing::Backend;
use crate::vault::{ExpiryState, LogState, VaultState};

use super::access::wire_reason;
use super::fields::{show_duration, show_time};

/// The version of the sealed format that is written.
const SEALED_FORMAT: u32 = 1;

/// Writes how the vault and its process are.
pub(in crate::grpc) fn show(state: VaultState, info: &dyn ServerInfo) -> v1::VaultStatus {
    let databases =
        state.stores.iter().map(|store| v1::DatabaseStatus { name: store.name.to_owned(), wal_bytes: store.wal_bytes });
    v1::VaultStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        state: serving(info.serving()).into(),
        start_time: Some(show_time(state.started)),
        uptime: Some(show_duration(state.now.since(state.started))),
        vault_id: state.vault_id.to_string(),
        restore_generation: state.generation.into(),
        listeners: info.listeners().into_iter().map(listener).collect(),
        components: info.components().into_iter().map(component).collect(),
        databases: databases.collect(),
        expiry: Some(expiry(&state.expiry)),
        logs: state.logs.iter().map(log).collect(),
        root_kind: state.root_kind.to_owned(),
        sealing_backend: backend(state.backend).to_owned(),
        sealed_format_version: SEALED_FORMAT,
        names_tier: "off".to_owned(),
        clock_overridden: info.clock_overridden(),
        core_dumps: info.core_dumps(),
    }
}

fn serving(state: ServingState) -> v1::ServingState {
    match state {
        ServingState::Starting => v1::ServingState::Starting,
        ServingState::Serving => v1::ServingState::Serving,
        ServingState::NotServing => v1::ServingState::NotServing,
        ServingState::Draining => v1::ServingState::Draining,
    }
}

fn listener(listener: Listener) -> v1::ListenerStatus {
    let kind = match listener.kind {
        ListenerKind::Data => v1::ListenerKind::Data,
        ListenerKind::Compliance => v1::ListenerKind::Compliance,
        ListenerKind::Operator => v1::ListenerKind::Operator,
        ListenerKind::Metrics => v1::ListenerKind::Metrics,
    };
    v1::ListenerStatus { kind: kind.into(), address: listener.address.to_string(), plaintext: listener.plaintext }
}

fn component(part: Component) -> v1::ComponentStatus {
    v1::ComponentStatus {
        name: part.name.to_owned(),
        healthy: part.down.is_none(),
        reason: part.down.map_or(v1::ErrorReason::Unspecified, wire_reason).into(),
    }
}

fn expiry(sum: &ExpiryState) -> v1::ExpiryStatus {
    v1::ExpiryStatus {
        lag: Some(show_duration(sum.lag)),
        overdue_buckets: sum.overdue,
        destroyed_buckets: sum.destroyed,
        swept_records: sum.swept,
        last_run_time: sum.at.map(show_time),
        pending_scrub: sum.pending_scrub,
    }
}

fn log(state: &LogState) -> v1::LogStatus {
    v1::LogStatus {
        log: state.log.to_string(),
        tree_size: state.size,
        checkpoint_size: state.checkpoint.map_or(0, |(size, _)| size),
        checkpoint_time: state.checkpoint.map(|(_, at)| show_time(at)),
    }
}

fn backend(backend: Backend) -> &'static str {
    match backend {
        Backend::Ring => "ring",
        Backend::RustCrypto => "rustcrypto",
    }
}
