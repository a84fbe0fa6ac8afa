//! API keys.

use subrosa_proto::v1;

use crate::access::api_key::{IssueRequest, MAX_BOTS, is_live};
use crate::domain::{BotScope, ConversationName, Error, Reason, Result, TenantId, Timestamp};
use crate::store::ApiKeyRow;

use super::enums::{required, role, show_role};
use super::fields::{conversation, duration, impersonal, show_time, tenant, word};

/// Reads what key is asked for.
pub(in crate::grpc) fn issue(request: &v1::IssueApiKeyRequest) -> Result<IssueRequest> {
    if request.bots.len() > MAX_BOTS {
        return Err(Error::invalid("bots", "too many bots").limit(MAX_BOTS as u64));
    }
    for bot in &request.bots {
        impersonal("bots", bot)?;
    }
    let bots = BotScope::parse(&request.bots).map_err(|error| Error::invalid("bots", error.expected))?;
    Ok(IssueRequest {
        principal: word("principal", &request.principal)?,
        role: required("role", role("role", request.role)?)?,
        bots,
        ttl: request.ttl.as_ref().map(|ttl| duration("ttl", ttl)).transpose()?,
    })
}

/// Reads the name of a key, `apiKeys/{id}`, and returns its id.
pub(in crate::grpc) fn key_id<'a>(path: &str, name: &'a str) -> Result<&'a str> {
    let wrong = || Error::new(Reason::InvalidName).at(path).hint("apiKeys/{id}");
    name.strip_prefix("apiKeys/").filter(|id| !id.is_empty() && !id.contains('/')).ok_or_else(wrong)
}

/// Reads what permissions are tested on: the vault, a tenant, or something in it. Of what lies in a tenant, only conversations
/// and their records are told apart: nothing else has a bot.
pub(in crate::grpc) fn object(text: &str) -> Result<(Option<TenantId>, Option<ConversationName>)> {
    if text.is_empty() {
        return Ok((None, None));
    }
    let parts: Vec<&str> = text.splitn(7, '/').collect();
    match parts.as_slice() {
        ["tenants", of, "conversations", id] | ["tenants", of, "conversations", id, "records", _] => {
            let name = conversation("object", &format!("tenants/{of}/conversations/{id}"))?;
            Ok((Some(name.tenant.clone()), Some(name)))
        }
        ["tenants", of, ..] => Ok((Some(tenant("object", &format!("tenants/{of}"))?), None)),
        _ => Err(Error::new(Reason::InvalidName).at("object").hint("a resource name, or empty for the vault")),
    }
}

/// Writes a key as it is at `now`, without its secret.
pub(in crate::grpc) fn show(row: &ApiKeyRow, now: Timestamp) -> v1::ApiKey {
    let state = match row.revoke_time {
        Some(_) => v1::ApiKeyState::Revoked,
        None if is_live(row, now) => v1::ApiKeyState::Active,
        None => v1::ApiKeyState::Expired,
    };
    v1::ApiKey {
        name: format!("apiKeys/{}", row.id),
        principal: row.principal.to_string(),
        role: show_role(row.role).into(),
        tenant: row.tenant.as_ref().map(|tenant| format!("tenants/{tenant}")).unwrap_or_default(),
        bots: row.bots.words(),
        create_time: Some(show_time(row.create_time)),
        expire_time: Some(show_time(row.expire_time)),
        revoke_time: row.revoke_time.map(show_time),
        state: state.into(),
    }
}

/// Writes whether one method may be called.
pub(in crate::grpc) fn permission((method, verdict): (String, Result<(), Reason>)) -> v1::PermissionResult {
    let reason = verdict.err().map_or(v1::ErrorReason::Unspecified, wire_reason);
    v1::PermissionResult { method, allowed: verdict.is_ok(), reason: reason.into() }
}

/// Returns the protocol's number for a reason.
pub(in crate::grpc) fn wire_reason(reason: Reason) -> v1::ErrorReason {
    v1::ErrorReason::from_reason(reason.as_str()).unwrap_or(v1::ErrorReason::Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_the_vault_a_tenant_or_lie_in_one() {
        let id = "0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55";
        assert_eq!(object("").unwrap(), (None, None));
        assert!(object("tenants/acme").unwrap().1.is_none());
        assert!(object("tenants/acme/keys/1").unwrap().1.is_none());
        assert!(object(&format!("tenants/acme/conversations/{id}/records/1")).unwrap().1.is_some());
        for wrong in ["acme", "tenants/", "tenants/acme/conversations/1", "apiKeys/x"] {
            assert_eq!(object(wrong).unwrap_err().reason(), Reason::InvalidName, "{wrong}");
        }
        assert_eq!(key_id("name", "apiKeys/abc").unwrap(), "abc");
        assert!(key_id("name", "abc").is_err() && key_id("name", "apiKeys/").is_err());
    }
}
