//! A change of the key store between its two audit entries.

use crate::access::{Act, Authorized, Gate};
use crate::audit::{Count, EntryBuilder, Phase};
use crate::domain::{Error, Reason, Result};
use crate::sealing::random;
use crate::store::{KeyActRow, KeyWork, KeyWrite, Mutation, Receipt, Refusal, SubmitError, Work};

/// Makes `write` between an intent and an outcome entry about the key `id`, and marks it in the same transaction.
///
/// `refusal` is what a refusal by the key store means.
///
/// # Errors
///
/// `refusal`; `AUDIT_UNAVAILABLE` when an entry cannot be written (after the change: it was made, and start-up finishes
/// its entries); `KEYS_UNAVAILABLE` when the key store cannot be written.
pub(super) async fn change<A: Act>(
    gate: &Gate,
    auth: &Authorized<A>,
    id: &str,
    write: KeyWrite,
    refusal: Reason,
) -> Result<Receipt> {
    let entry = || auth.entry().object(&format!("apiKeys/{id}"));
    let act = begin(gate, auth, id, entry().phase(Phase::Intent)).await?;
    let made = gate.keys.submit(KeyWork::new(write).with(KeyWrite::MarkAct(act))).await;
    gate.cache.forget(id);
    let outcome = entry().phase(Phase::Outcome);
    match made {
        Ok(_) => {
            let receipt = end(gate, auth, act, outcome.count(Count::Keys, 1)).await?;
            if let Err(error) = gate.keys.submit(KeyWork::new(KeyWrite::ForgetAct(act))).await {
                tracing::warn!(%error, "the mark of a finished key act was not removed");
            }
            Ok(receipt)
        }
        Err(error) => Err(failed(gate, auth, act, outcome, (error, refusal)).await?),
    }
}

async fn begin<A: Act>(gate: &Gate, auth: &Authorized<A>, id: &str, intent: EntryBuilder) -> Result<[u8; 16]> {
    let at = gate.now();
    let act = random::uuid_v7(u64::try_from(at.unix_ms()).unwrap_or_default()).into_bytes();
    let row = KeyActRow {
        id: act,
        log: auth.log().clone(),
        operation: A::PERMISSION.as_str().to_owned(),
        detail: serde_json::json!({ "object": format!("apiKeys/{id}") }).to_string(),
        at,
    };
    gate.commit(Work::new(auth.logged(intent)?).with(Mutation::BeginKeyAct(row))).await?;
    Ok(act)
}

async fn end<A: Act>(gate: &Gate, auth: &Authorized<A>, act: [u8; 16], outcome: EntryBuilder) -> Result<Receipt> {
    gate.commit(Work::new(auth.logged(outcome)?).with(Mutation::EndKeyAct(act))).await
}

/// Closes an act that was not done. One whose end is not known stays open, for start-up to close by its mark.
async fn failed<A: Act>(
    gate: &Gate,
    auth: &Authorized<A>,
    act: [u8; 16],
    outcome: EntryBuilder,
    (error, refusal): (SubmitError, Reason),
) -> Result<Error> {
    let reason = match &error {
        SubmitError::Refused(Refusal::Exists | Refusal::Missing) => refusal,
        SubmitError::Refused(_) => Reason::Internal,
        SubmitError::Failed(cause) if cause.reason() == Reason::StoreReplaced => {
            return Ok(Error::new(Reason::StoreReplaced).because(error));
        }
        SubmitError::Failed(cause) if cause.reason() == Reason::DiskFull => Reason::DiskFull,
        SubmitError::Failed(_) | SubmitError::Full => Reason::KeysUnavailable,
        SubmitError::Ended => return Ok(Error::new(Reason::KeysUnavailable).because(error)),
    };
    end(gate, auth, act, outcome.deny(reason.as_str())).await?;
    Ok(Error::new(reason).because(error))
}
