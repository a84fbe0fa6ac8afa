//! Checkpoints: the head of every log that has grown, signed, and kept in both stores.

use std::collections::HashMap;
use std::sync::Arc;

use crate::audit::{Frontier, LogSigner, origin};
use crate::domain::{Error, Reason, Result, VaultId};
use crate::sealing::{Key32, with_clean_stack};
use crate::store::{CheckpointRow, Chore, KeyWork, KeyWrite, LogId, Work};

use super::Vault;

/// Signs the logs of one vault. It signs only what is committed.
pub struct Checkpointer {
    vault: Arc<Vault>,
    seed: Key32,
    signers: HashMap<LogId, LogSigner>,
    signed: HashMap<LogId, u64>,
}

impl Checkpointer {
    /// Returns a checkpointer with the vault's newest log key.
    pub async fn new(vault: Arc<Vault>) -> Result<Self> {
        let seed = vault.keys.log_seed().await?;
        Ok(Self { vault, seed, signers: HashMap::new(), signed: HashMap::new() })
    }

    /// Signs every log that has grown since it was last signed, first into the key store, then into the data store: so that
    /// a data store that is older than its last checkpoint is seen.
    pub async fn sign(&mut self) -> Result<()> {
        let heads = self.vault.data.read(|reader| reader.heads()).await?;
        for head in heads {
            let frontier = Frontier::decode(&head.frontier);
            let frontier = frontier.map_err(|error| Error::new(Reason::IntegrityFailure).because(error))?;
            if frontier.size() == 0 || self.signed.get(&head.log) == Some(&frontier.size()) {
                continue;
            }
            let note = {
                let signer = self.signer(&head.log)?;
                with_clean_stack(|| signer.sign_head(frontier.size(), frontier.root()))
            };
            let (log, size, at) = (head.log.clone(), frontier.size(), self.vault.clock.now());
            let row = CheckpointRow { log, size, note, at, frontier: head.frontier };
            self.vault.keys.store().submit(KeyWork::new(KeyWrite::PutCheckpoint(row.clone()))).await?;
            self.vault.data.submit(Work::chore(Chore::PutCheckpoint(row))).await?;
            self.signed.insert(head.log, size);
        }
        Ok(())
    }

    fn signer(&mut self, log: &LogId) -> Result<&LogSigner> {
        if !self.signers.contains_key(log) {
            let signer = signer(self.vault.keys.vault_id(), log, &self.seed)?;
            self.signers.insert(log.clone(), signer);
        }
        self.signers.get(log).ok_or_else(|| Reason::Internal.into())
    }
}

/// Returns the signer of one log: its key is derived from the vault's log key, its name is its origin.
pub(super) fn signer(vault: VaultId, log: &LogId, seed: &Key32) -> Result<LogSigner> {
    let origin = origin(&vault.to_string(), &log.to_string());
    let signer = with_clean_stack(|| LogSigner::for_log(&origin, seed.expose()));
    signer.map_err(|error| Error::new(Reason::Internal).because(error))
}
