//! Revoking API keys.

use crate::access::{Authorized, Gate, acts};
use crate::domain::{Error, Reason, Result};
use crate::store::{ApiKeyRow, KeyWrite, Receipt, Work};

use super::act::change;
use super::list::find;

/// Revokes the key with `id`. When it answers, no process that shares this gate accepts the key any more.
///
/// A key that was revoked before stays as it is. The key's tenant must be the one that the act is authorized for.
///
/// # Errors
///
/// `API_KEY_NOT_FOUND`, in the audit log by then; `AUDIT_UNAVAILABLE`, `KEYS_UNAVAILABLE`.
pub async fn revoke(gate: &Gate, auth: &Authorized<acts::RevokeApiKey>, id: &str) -> Result<(ApiKeyRow, Receipt)> {
    let Some(row) = find(gate, id).await?.filter(|row| row.tenant.as_ref() == auth.tenant()) else {
        gate.commit(Work::new(auth.refused(Reason::ApiKeyNotFound)?)).await?;
        return Err(Error::new(Reason::ApiKeyNotFound));
    };
    if row.revoke_time.is_some() {
        let entry = auth.logged(auth.entry().object(&format!("apiKeys/{id}")))?;
        let receipt = gate.commit(Work::new(entry)).await?;
        return Ok((row, receipt));
    }
    let now = gate.now();
    let receipt = change(gate, auth, id, KeyWrite::RevokeApiKey(id.to_owned(), now), Reason::ApiKeyNotFound).await?;
    Ok((ApiKeyRow { revoke_time: Some(now), ..row }, receipt))
}
