//! What the vault says of itself: whether it serves, and why not.

use std::sync::{Arc, Mutex, PoisonError};

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::grpc::{Component, ServingState, health_names};
use crate::vault::{Down, Vault};
use crate::watch::Metrics;

/// The serving state, shared by health, status, metrics and drain.
#[derive(Clone)]
pub(super) struct Health {
    state: Arc<Mutex<State>>,
    reporter: HealthReporter,
    metrics: Arc<Metrics>,
}

#[derive(Clone, Copy)]
struct State {
    serving: ServingState,
    down: Option<Down>,
}

impl Health {
    pub(super) fn new(reporter: HealthReporter, metrics: Arc<Metrics>) -> Self {
        let state = State { serving: ServingState::Starting, down: None };
        Self { state: Arc::new(Mutex::new(state)), reporter, metrics }
    }

    pub(super) fn serving(&self) -> ServingState {
        self.now().serving
    }

    /// Returns why the vault does not serve, in a line without content, or nothing when it serves.
    pub(super) fn why_not(&self) -> Option<String> {
        let State { serving, down } = self.now();
        match (serving, down) {
            (ServingState::Serving, _) => None,
            (ServingState::NotServing, Some(Down { store, reason })) => Some(format!("{store} {reason}")),
            _ => Some(String::new()),
        }
    }

    /// Returns the parts of the vault, and why one does not work.
    pub(super) fn components(&self) -> Vec<Component> {
        let down = self.now().down;
        let of = |store| down.filter(|down| down.store == store).map(|down| down.reason);
        let (store, keys) = (of("vault"), of("keys"));
        vec![
            Component { name: "store", down: store },
            Component { name: "audit", down: store },
            Component { name: "keys", down: keys },
            Component { name: "redactor", down: of("redactor") },
        ]
    }

    /// Says from now on that the vault takes no more calls; nothing changes that.
    pub(super) async fn drain(&self) {
        self.lock().serving = ServingState::Draining;
        self.tell(false).await;
    }

    /// Tries both stores and says what came of it.
    pub(super) async fn probe(&self, vault: &Vault) {
        let down = vault.probe().await.err();
        if let Some(Down { store, reason }) = down {
            tracing::error!(store, reason = reason.as_str(), "the vault cannot serve");
        }
        self.metrics.set_down(down.map(|down| (down.store, down.reason.as_str())));
        let next = if down.is_none() { ServingState::Serving } else { ServingState::NotServing };
        let changed = {
            let mut state = self.lock();
            if state.serving == ServingState::Draining {
                return;
            }
            let changed = state.serving != next;
            *state = State { serving: next, down };
            changed
        };
        if changed {
            self.tell(down.is_none()).await;
        }
    }

    async fn tell(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.metrics.set_serving(serving);
        for service in health_names() {
            self.reporter.set_service_status(service, status).await;
        }
    }

    fn now(&self) -> State {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
