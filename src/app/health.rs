//! What the vault says of itself: whether it serves, and why not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::vault::Vault;
use crate::watch::Metrics;

const STARTING: u8 = 0;
const SERVING: u8 = 1;
const NOT_SERVING: u8 = 2;
const DRAINING: u8 = 3;

/// The serving state, shared by health, status, metrics and drain.
#[derive(Clone)]
pub(super) struct Health {
    state: Arc<AtomicU8>,
    reporter: HealthReporter,
    metrics: Arc<Metrics>,
}

impl Health {
    pub(super) fn new(reporter: HealthReporter, metrics: Arc<Metrics>) -> Self {
        Self { state: Arc::new(AtomicU8::new(STARTING)), reporter, metrics }
    }

    pub(super) fn is_serving(&self) -> bool {
        self.state.load(Ordering::SeqCst) == SERVING
    }

    pub(super) fn is_draining(&self) -> bool {
        self.state.load(Ordering::SeqCst) == DRAINING
    }

    /// Says from now on that the vault takes no more calls; nothing changes that.
    pub(super) async fn drain(&self) {
        self.state.store(DRAINING, Ordering::SeqCst);
        self.tell(false).await;
    }

    /// Tries both stores and says what came of it.
    pub(super) async fn probe(&self, vault: &Vault) {
        let works = match vault.probe().await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(reason = error.reason().as_str(), "the vault cannot serve");
                false
            }
        };
        let next = if works { SERVING } else { NOT_SERVING };
        let before = self.state.swap(next, Ordering::SeqCst);
        if before == DRAINING {
            self.state.store(DRAINING, Ordering::SeqCst);
        } else if before != next {
            self.tell(works).await;
        }
    }

    async fn tell(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.metrics.set_serving(serving);
        self.reporter.set_service_status("", status).await;
        for service in crate::grpc::SERVICES {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
