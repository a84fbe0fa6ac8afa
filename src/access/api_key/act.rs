//! A change of an API key.

use crate::access::key_act::KeyAct;
use crate::access::{Act, Authorized, Gate};
use crate::domain::{Reason, Result};
use crate::store::{KeyWrite, Receipt};

/// Makes `write` between an intent and an outcome entry about the key `id`, which this process then forgets.
///
/// `refusal` is what a refusal by the key store means.
///
/// # Errors
///
/// As [`KeyAct::run`].
pub(super) async fn change<A: Act>(
    gate: &Gate,
    auth: &Authorized<A>,
    id: &str,
    write: KeyWrite,
    refusal: Reason,
) -> Result<Receipt> {
    let object = format!("apiKeys/{id}");
    let entry = || auth.entry().object(&object);
    let operation = A::PERMISSION.as_str();
    let act = KeyAct { log: auth.log().clone(), operation, object: object.clone(), entry: &entry, keys: 1, refusal };
    act.run(gate, write, || gate.cache.forget(id)).await
}
