//! How the vault is doing, without a word of content.

use crate::access::{Caller, Scope, acts};
use crate::audit::Frontier;
use crate::domain::{Error, Reason, Result, Timestamp, VaultId};
use crate::store::{LogId, Work};

use super::Vault;
use super::audited::Audited;
use super::expire::{ExpiryReport, logged, own_entry};

/// What `GetStatus` says of the vault itself; the transport adds listeners and serving state.
#[derive(Debug, Clone)]
pub struct VaultState {
    /// Which vault.
    pub vault_id: VaultId,
    /// How often it was restored.
    pub generation: u32,
    /// When it was started.
    pub started: Timestamp,
    /// The vault's time now.
    pub now: Timestamp,
    /// What kind of root opened it.
    pub root_kind: &'static str,
    /// Which library seals.
    pub backend: crate::sealing::Backend,
    /// The two stores.
    pub stores: Vec<StoreState>,
    /// Retention running out.
    pub expiry: ExpiryState,
    /// The first hundred audit logs.
    pub logs: Vec<LogState>,
}

/// One store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreState {
    /// `vault` or `keys`.
    pub name: &'static str,
    /// The size of its write-ahead log, in bytes.
    pub wal_bytes: u64,
}

/// A part that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Down {
    /// `vault` or `keys`, for a store; `redactor`.
    pub store: &'static str,
    /// Why.
    pub reason: Reason,
}

/// Retention running out: the sum of all passes since the start.
pub type ExpiryState = ExpiryReport;

/// One audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogState {
    /// Which log.
    pub log: LogId,
    /// Its size.
    pub size: u64,
    /// The size and time of its last checkpoint.
    pub checkpoint: Option<(u64, Timestamp)>,
}

const MOST_LOGS: usize = 100;

impl Vault {
    /// Shows how the vault is doing.
    pub async fn get_status(&self, caller: &Caller) -> Result<Audited<VaultState>> {
        let auth = self.gate.authorize::<acts::GetStatus>(caller, Scope::default()).await?;
        let own = auth.tenant().cloned();
        let mut state = self.state().await?;
        if let Some(own) = own {
            state.logs.retain(|log| log.log == LogId::Tenant(own.clone()));
        }
        self.finish(Work::new(auth.logged(auth.entry())?), state).await
    }

    /// Measures what a monitor sees.
    ///
    /// # Errors
    ///
    /// When a store cannot be read.
    pub async fn measure(&self) -> Result<()> {
        let state = self.state().await?;
        for (store, waiting) in state.stores.iter().zip([self.data.waiting(), self.keys.store().waiting()]) {
            self.metrics.set_wal_bytes(store.name, store.wal_bytes);
            self.metrics.set_queue(store.name, waiting.0, waiting.1);
        }
        let unsigned = state.logs.iter().map(|log| log.size - log.checkpoint.map_or(0, |(size, _)| size.min(log.size)));
        self.metrics.set_audit_unsigned(unsigned.sum());
        self.metrics.set_cached_keys(self.keys.cached() as u64);
        Ok(())
    }

    /// Finds out whether both stores can be read and written, and are still the ones that were opened; and whether the redactor has all
    /// that it needs.
    ///
    /// # Errors
    ///
    /// Which one is not, and why.
    pub async fn probe(&self) -> std::result::Result<(), Down> {
        let now = self.clock.now();
        let data = self.data.probe(now).await;
        data.map_err(|error| Down { store: "vault", reason: Error::from(error).reason() })?;
        let keys = self.keys.store().probe(now).await;
        keys.map_err(|error| Down { store: "keys", reason: error.keys_reason() })?;
        if self.awaits_names() {
            return Err(Down { store: "redactor", reason: Reason::RedactorUnavailable });
        }
        Ok(())
    }

    /// Refuses once it is known that a store is no longer the one that was opened. It looks at nothing.
    pub(super) fn must_be_intact(&self) -> Result<()> {
        Ok(self.data.known_files().and_then(|()| self.keys.store().known_files())?)
    }

    /// Returns how many works were committed since the start: while it stands still there is nothing to sign.
    pub fn logged(&self) -> u64 {
        self.data.committed()
    }

    /// Logs that the vault was made; the first entry of its system log.
    pub async fn log_creation(&self) -> Result<()> {
        let entry = own_entry(self.clock.now(), &LogId::System, "CreateVault");
        self.data.submit(Work::new(logged(&LogId::System, entry)?)).await?;
        Ok(())
    }

    /// Returns how the vault is doing; for the transport's own use, such as metrics.
    pub async fn state(&self) -> Result<VaultState> {
        let (wal, logs) = self
            .data
            .read(|reader| {
                let mut logs = Vec::new();
                for head in reader.heads()?.into_iter().take(MOST_LOGS) {
                    let checkpoint = reader.checkpoint(&head.log)?.map(|row| (row.size, row.at));
                    logs.push((head, checkpoint));
                }
                Ok((reader.wal_bytes()?, logs))
            })
            .await?;
        let keys_wal = self.keys.store().read(|reader| reader.wal_bytes()).await?;
        let logs: Result<Vec<_>> = logs
            .into_iter()
            .map(|(head, checkpoint)| {
                let frontier = Frontier::decode(&head.frontier);
                let frontier = frontier.map_err(|error| Error::new(Reason::IntegrityFailure).because(error))?;
                Ok(LogState { log: head.log, size: frontier.size(), checkpoint })
            })
            .collect();
        Ok(VaultState {
            vault_id: self.keys.vault_id(),
            generation: self.keys.generation(),
            started: self.started,
            now: self.clock.now(),
            root_kind: self.keys.root_kind(),
            backend: self.settings.backend,
            stores: vec![
                StoreState { name: "vault", wal_bytes: wal },
                StoreState { name: "keys", wal_bytes: keys_wal },
            ],
            expiry: self.expiry.sum(),
            logs: logs?,
        })
    }
}
