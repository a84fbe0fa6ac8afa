//! Start-up: the vault serves only when what is stored is whole, and takes up what a crash cut short.

use std::collections::HashMap;
use std::sync::Arc;

use crate::access::Gate;
use crate::audit::{Frontier, LogItem, Phase, Verifier, VerifyError};
use crate::clock::Clock;
use crate::domain::Error;
use crate::keys::{KeyError, KeyRing};
use crate::sealing::Key32;
use crate::store::{CheckpointRow, DataStore, LogHead, LogId, Mutation, StoreError, SubmitError, Work};
use crate::watch::Metrics;

use super::checkpoints::signer;
use super::engines::MOST_ENGINES;
use super::expire::{Progress, logged, own_entry};
use super::known::Known;
use super::tail::Tails;
use super::tenants::MOST_TENANTS;
use super::workshop::Workshop;
use super::{Settings, Vault};

/// Why a vault does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A log does not agree with its checkpoint: it was altered, or an older data store was put in place.
    #[error("the audit log {log} does not verify: {cause}")]
    Audit {
        /// Which log.
        log: LogId,
        /// What does not agree.
        cause: VerifyError,
    },
    /// A checkpoint in the key store names a log that the data store does not have.
    #[error(
        "the audit log {0} is missing, and the key store has a checkpoint of it: this data store is not the vault's, or an older one"
    )]
    MissingLog(LogId),
    /// A stored tree head does not decode.
    #[error("the tree head of {0} is not valid")]
    Head(LogId),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A store cannot be written.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// An entry or signer could not be made.
    #[error(transparent)]
    Vault(#[from] Error),
}

/// Entries read at a time.
const FETCH: usize = 500;

impl Vault {
    /// Verifies the audit logs, reconciles what was cut short, and returns the vault, ready to serve.
    pub async fn start(
        data: DataStore,
        keys: KeyRing,
        clock: Arc<dyn Clock>,
        settings: Settings,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, StartError> {
        let gate = Arc::new(Gate::new(data.clone(), keys.store().clone(), Arc::clone(&clock)));
        let vault = Arc::new(Self {
            data,
            keys: Arc::new(keys),
            gate,
            started: clock.now(),
            clock,
            turns: Arc::default(),
            workshop: Workshop::new(settings.work_bytes),
            settings,
            engines: Known::new(MOST_ENGINES),
            names: std::sync::OnceLock::new(),
            tails: Tails::new(),
            tenants: Known::new(MOST_TENANTS),
            expiry: Progress::default(),
            key_acts: tokio::sync::Mutex::default(),
            redactions: tokio::sync::Mutex::default(),
            policy_changes: tokio::sync::Mutex::default(),
            metrics,
        });
        vault.verify_logs().await?;
        vault.shut_frozen().await?;
        vault.reconcile_acts().await?;
        vault.mark_interrupted_reads().await?;
        Ok(vault)
    }

    /// Checks every log from its last checkpoint on, and that no log which the key store knows of is missing or shorter.
    async fn verify_logs(&self) -> Result<(), StartError> {
        let heads = self.data.read(|reader| reader.heads()).await?;
        let kept = self.keys.store().read(|reader| reader.checkpoints()).await?;
        let mut kept: HashMap<LogId, CheckpointRow> = kept.into_iter().map(|row| (row.log.clone(), row)).collect();
        let seed = self.keys.log_seed().await?;
        for head in heads {
            let in_keys = kept.remove(&head.log);
            self.verify_log(&seed, &head, in_keys).await?;
        }
        match kept.into_keys().next() {
            Some(log) => Err(StartError::MissingLog(log)),
            None => Ok(()),
        }
    }

    async fn verify_log(&self, seed: &Key32, head: &LogHead, in_keys: Option<CheckpointRow>) -> Result<(), StartError> {
        let log = head.log.clone();
        let broken = |cause| StartError::Audit { log: log.clone(), cause };
        let frontier = Frontier::decode(&head.frontier).map_err(|_| StartError::Head(log.clone()))?;
        let signer = signer(self.keys.vault_id(), &log, seed)?;
        let (origin, vkey) = (signer.origin().to_owned(), signer.verifier().vkey());
        let of = log.clone();
        let in_data = self.data.read(move |reader| reader.checkpoint(&of)).await?;
        let mut verifier = match &in_data {
            Some(row) => {
                let at = Frontier::decode(&row.frontier).map_err(|_| StartError::Head(log.clone()))?;
                Verifier::resume(&origin, &vkey, at, &row.note).map_err(broken)?
            }
            None => Verifier::new(&origin, &vkey).map_err(broken)?,
        };
        if let Some(row) = in_keys {
            verifier.check_checkpoint(&row.note).map_err(broken)?;
        }
        verifier.check_head(frontier.size(), frontier.root()).map_err(broken)?;
        while verifier.size() < frontier.size() {
            let (of, from) = (log.clone(), verifier.size());
            let rows = self.data.read(move |reader| reader.entries(&of, from, FETCH)).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let item = LogItem {
                    index: row.index,
                    canonical: &row.canonical,
                    commitments: &row.commitments,
                    leaf: Some(row.leaf),
                };
                verifier.feed(item).map_err(broken)?;
            }
        }
        verifier.finish(frontier.size(), frontier.root()).map_err(broken)?;
        Ok(())
    }

    /// Logs an `INTERRUPTED` entry for every read that has a begin and no end.
    async fn mark_interrupted_reads(&self) -> Result<(), StartError> {
        for read in self.data.read(|reader| reader.open_reads()).await? {
            let (actor, role) = &read.actor;
            let operation = if read.object.contains("/policies/") { "PreviewPolicy" } else { "ReadConversation" };
            let entry = own_entry(self.clock.now(), &read.log, operation)
                .actor(actor)
                .role(role)
                .phase(Phase::Interrupted)
                .object(&read.object);
            let work = Work::new(logged(&read.log, entry)?).with(Mutation::CloseRead(read.id));
            self.data.submit(work).await?;
        }
        Ok(())
    }
}
