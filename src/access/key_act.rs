//! A change of the key store between its two audit entries.

use crate::audit::{Count, EntryBuilder, Phase};
use crate::domain::{Error, Reason, Result};
use crate::sealing::random;
use crate::store::{KeyActRow, KeyWork, KeyWrite, LogId, LoggedEntry, Mutation, Receipt, Refusal, SubmitError, Work};

use super::Gate;
use super::authorized::finish;

/// A change of credentials: an intent entry, the change with its mark, an outcome entry. Start-up closes by the mark what a
/// crash leaves open.
pub(super) struct KeyAct<'a> {
    /// The log that tells of it.
    pub(super) log: LogId,
    /// What is done.
    pub(super) operation: &'static str,
    /// What it is done to.
    pub(super) object: String,
    /// Starts each of its entries, with the object in it.
    pub(super) entry: &'a (dyn Fn() -> EntryBuilder + Sync),
    /// How many keys it touches.
    pub(super) keys: u64,
    /// What a refusal by the key store means.
    pub(super) refusal: Reason,
}

impl KeyAct<'_> {
    /// Makes `write` between an intent and an outcome entry, and marks it in the same transaction. `made` is called as soon as
    /// it may have been made.
    ///
    /// # Errors
    ///
    /// `refusal`; `AUDIT_UNAVAILABLE` when an entry cannot be written (after the change: it was made, and start-up finishes
    /// its entries); `KEYS_UNAVAILABLE` when the key store cannot be written.
    pub(super) async fn run(&self, gate: &Gate, write: KeyWrite, made: impl FnOnce()) -> Result<Receipt> {
        let act = self.begin(gate).await?;
        let changed = gate.keys.submit(KeyWork::new(write).with(KeyWrite::MarkAct(act))).await;
        made();
        let outcome = (self.entry)().phase(Phase::Outcome);
        match changed {
            Ok(_) => {
                let outcome = if self.keys == 0 { outcome } else { outcome.count(Count::Keys, self.keys) };
                let receipt = self.end(gate, act, outcome).await?;
                if let Err(error) = gate.keys.submit(KeyWork::new(KeyWrite::ForgetAct(act))).await {
                    tracing::warn!(%error, "the mark of a finished key act was not removed");
                }
                Ok(receipt)
            }
            Err(error) => Err(self.failed(gate, act, outcome, error).await?),
        }
    }

    async fn begin(&self, gate: &Gate) -> Result<[u8; 16]> {
        let at = gate.now();
        let act = random::uuid_v7(u64::try_from(at.unix_ms()).unwrap_or_default()).into_bytes();
        let row = KeyActRow {
            id: act,
            log: self.log.clone(),
            operation: self.operation.to_owned(),
            detail: serde_json::json!({ "object": self.object }).to_string(),
            at,
        };
        let intent = self.logged((self.entry)().phase(Phase::Intent))?;
        gate.commit(Work::new(intent).with(Mutation::BeginKeyAct(row))).await?;
        Ok(act)
    }

    async fn end(&self, gate: &Gate, act: [u8; 16], outcome: EntryBuilder) -> Result<Receipt> {
        gate.commit(Work::new(self.logged(outcome)?).with(Mutation::EndKeyAct(act))).await
    }

    /// Closes an act that was not done. One whose end is not known stays open, for start-up to close by its mark.
    async fn failed(&self, gate: &Gate, act: [u8; 16], outcome: EntryBuilder, error: SubmitError) -> Result<Error> {
        let reason = match &error {
            SubmitError::Refused(Refusal::Exists | Refusal::Missing) => self.refusal,
            SubmitError::Refused(_) => Reason::Internal,
            SubmitError::Failed(cause) if cause.reason() == Reason::StoreReplaced => {
                return Ok(Error::new(Reason::StoreReplaced).because(error));
            }
            SubmitError::Failed(cause) if cause.reason() == Reason::DiskFull => Reason::DiskFull,
            SubmitError::Failed(_) | SubmitError::Full => Reason::KeysUnavailable,
            SubmitError::Ended => return Ok(Error::new(Reason::KeysUnavailable).because(error)),
        };
        self.end(gate, act, outcome.deny(reason.as_str())).await?;
        Ok(Error::new(reason).because(error))
    }

    fn logged(&self, entry: EntryBuilder) -> Result<LoggedEntry> {
        Ok(LoggedEntry { log: self.log.clone(), entry: finish(entry)?, commitments: Vec::new() })
    }
}
