//! What runs beside the calls: checkpoints, expiry, failed logins, forgotten requests, a names model that is awaited, health and metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::vault::{Checkpointer, Vault};
use crate::watch::{Metrics, task};

use super::error::AppError;
use super::health::Health;
use super::names::NamesModel;

/// How often each worker runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    pub(super) checkpoint: Duration,
    pub(super) checkpoint_entries: u64,
    pub(super) expiry: Duration,
}

const SECOND: Duration = Duration::from_secs(1);
/// How often the checkpointer looks how much was logged.
const LOOK: Duration = Duration::from_millis(20);
const DAY: Duration = Duration::from_secs(86_400);
const FORGET: Duration = Duration::from_secs(60);

/// The workers of one vault.
pub(super) struct Workers {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    checkpointer: JoinHandle<Checkpointer>,
}

impl Workers {
    pub(super) async fn start(
        vault: &Arc<Vault>,
        rhythm: Rhythm,
        health: Health,
        metrics: Arc<Metrics>,
        names: NamesModel,
    ) -> Result<Self, AppError> {
        let names = Arc::new(names);
        let stop = CancellationToken::new();
        let checkpointer = Checkpointer::new(Arc::clone(vault)).await?;
        let tasks = vec![
            every("expiry", rhythm.expiry, &stop, Arc::clone(vault), expire(Arc::clone(&metrics))),
            every("failed-logins", SECOND, &stop, Arc::clone(vault), |vault| async move {
                report("failed logins are not logged", vault.gate().flush_failed_logins().await);
            }),
            every("forget-requests", FORGET, &stop, Arc::clone(vault), |vault| async move {
                report("old requests are not forgotten", vault.forget_requests().await);
            }),
            every("orphans", DAY, &stop, Arc::clone(vault), |vault| async move {
                report("keys without a conversation are not dropped", vault.sweep_orphans().await);
            }),
            every("names-model", SECOND, &stop, Arc::clone(vault), move |vault| {
                let names = Arc::clone(&names);
                async move { names.load_into(&vault).await }
            }),
            every("health", SECOND, &stop, Arc::clone(vault), move |vault| {
                let health = health.clone();
                async move {
                    health.probe(&vault).await;
                    report("the state cannot be measured", vault.measure().await);
                }
            }),
        ];
        let checkpointer = task::spawn("checkpoints", sign(checkpointer, Arc::clone(vault), rhythm, stop.clone()));
        Ok(Self { stop, tasks, checkpointer })
    }

    /// Stops the workers and signs what is not signed yet.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            let _ = task.await;
        }
        if let Ok(mut checkpointer) = self.checkpointer.await {
            report("the last checkpoint is not signed", checkpointer.sign().await);
        }
    }
}

fn every<F, W>(
    name: &'static str,
    period: Duration,
    stop: &CancellationToken,
    vault: Arc<Vault>,
    work: W,
) -> JoinHandle<()>
where
    W: Fn(Arc<Vault>) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let stop = stop.clone();
    task::spawn(name, async move {
        loop {
            work(Arc::clone(&vault)).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(period) => {}
            }
        }
    })
}

fn expire(metrics: Arc<Metrics>) -> impl Fn(Arc<Vault>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    move |vault| {
        let metrics = Arc::clone(&metrics);
        Box::pin(async move {
            match vault.expire_due().await {
                Ok(pass) => {
                    metrics.set_expiry(pass.lag, pass.overdue);
                    metrics.expired(pass.destroyed, pass.swept);
                }
                Err(error) => report("retention is not carried out", Err(error)),
            }
        })
    }
}

async fn sign(
    mut checkpointer: Checkpointer,
    vault: Arc<Vault>,
    rhythm: Rhythm,
    stop: CancellationToken,
) -> Checkpointer {
    let (mut signed, mut last) = (u64::MAX, Instant::now());
    loop {
        let logged = vault.logged();
        let due = last.elapsed() >= rhythm.checkpoint || logged.wrapping_sub(signed) >= rhythm.checkpoint_entries;
        if logged != signed && due {
            report("the audit logs are not signed", checkpointer.sign().await);
            (signed, last) = (logged, Instant::now());
        }
        tokio::select! {
            () = stop.cancelled() => return checkpointer,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn report(what: &str, result: crate::domain::Result<()>) {
    if let Err(error) = result {
        tracing::error!(reason = error.reason().as_str(), "{what}");
    }
}
