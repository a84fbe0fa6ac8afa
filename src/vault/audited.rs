//! A reply that may leave, because its audit entry is durable.

use crate::access::{Act, Authorized};
use crate::domain::{Error, Reason, Result};
use crate::store::{Receipt, Work};

use super::Vault;

/// A value together with the receipt of its audit entry. Only this module makes one.
#[derive(Debug, Clone)]
#[must_use]
pub struct Audited<T> {
    value: T,
    receipt: Receipt,
}

impl<T> Audited<T> {
    pub(super) fn new(value: T, receipt: Receipt) -> Self {
        Self { value, receipt }
    }

    /// Returns the value, to be sent.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Returns the value, to be looked at.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Returns where its entries stand in the log.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Returns the same receipt with another value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Audited<U> {
        Audited { value: convert(self.value), receipt: self.receipt }
    }
}

impl Vault {
    /// Commits `work`, which has the entry of the act, and attaches `value` to its receipt.
    pub(super) async fn finish<T>(&self, work: Work, value: T) -> Result<Audited<T>> {
        let receipt = self.data.submit(work).await.map_err(unlogged)?;
        Ok(Audited::new(value, receipt))
    }

    /// Ends an allowed act that turned out to be impossible: its entry says so, durably, and then the caller is told.
    ///
    /// Failures that are the vault's own (no disk, no keys) are not the caller's doing and may not be writable: they are told
    /// at once.
    pub(super) async fn refuse<A: Act, T>(&self, auth: &Authorized<A>, error: Error) -> Result<T> {
        if is_ours(error.reason()) {
            return Err(error);
        }
        let entry = auth.refused(error.reason())?;
        self.data.submit(Work::new(entry)).await.map_err(unlogged)?;
        Err(error)
    }
}

/// An entry that cannot be written is the audit log's failure, whatever the store calls it.
fn unlogged(error: crate::store::SubmitError) -> Error {
    use crate::store::{StoreError, SubmitError};
    match error {
        SubmitError::Failed(cause) if matches!(*cause, StoreError::Unavailable(_)) => {
            Error::new(Reason::AuditUnavailable).because(cause.to_string())
        }
        other => other.into(),
    }
}

fn is_ours(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::AuditUnavailable
            | Reason::StoreUnavailable
            | Reason::StoreReplaced
            | Reason::DiskFull
            | Reason::KeysUnavailable
            | Reason::RedactorUnavailable
            | Reason::Overloaded
            | Reason::ShuttingDown
            | Reason::Internal
    )
}
