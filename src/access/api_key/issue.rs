//! Issuing API keys.

use std::time::Duration;

use ring::digest::{Context, SHA256};

use crate::access::certificate::new_pseudonym;
use crate::access::decision::fits;
use crate::access::gate::keys_unavailable;
use crate::access::key_cache::KnownKey;
use crate::access::{Authorized, Gate, SecretKeyText, acts, credential::base32};
use crate::domain::{BotScope, Error, PrincipalId, Reason, Result, Role, TenantId, Timestamp};
use crate::sealing::random;
use crate::store::{ApiKeyRow, KeyWrite, Receipt, Work};

use super::act::change;
use super::explain::is_live;

/// How long a key is accepted when nothing is said.
pub const DEFAULT_TTL: Duration = Duration::from_secs(90 * 86_400);
/// The longest that a key can be accepted.
pub const MAX_TTL: Duration = Duration::from_secs(366 * 86_400);
/// How many live keys a principal may have of one role: two, so that a new one can take over from an old one.
pub const MOST_LIVE: usize = 2;
/// The most bots that a key can be limited to.
pub const MAX_BOTS: usize = 64;
/// The name of the principal that `init` issues the first key to.
pub const BOOTSTRAP_PRINCIPAL: &str = "bootstrap";

/// What is asked for. The tenant is the one that the act is authorized for.
#[derive(Debug, Clone)]
pub struct IssueRequest {
    /// Whose key it is to be.
    pub principal: PrincipalId,
    /// What it may do.
    pub role: Role,
    /// The bots it is limited to; an ingestor's must be said, for others none is [`BotScope::Any`].
    pub bots: Option<BotScope>,
    /// How long it is accepted; none is [`DEFAULT_TTL`].
    pub ttl: Option<Duration>,
}

/// A key that was issued.
#[derive(Debug)]
pub struct Issued {
    /// The key.
    pub key: ApiKeyRow,
    /// The credential; none when the request was a repetition, because it is not kept.
    pub secret: Option<SecretKeyText>,
    /// Proof that the issue is in the audit log.
    pub receipt: Receipt,
}

/// Issues an API key for the tenant of `auth`, or for the vault.
///
/// The key's id is a hash of the issuer, the tenant and the request id, so that a repeated request finds its key.
///
/// # Errors
///
/// `INVALID_FIELD` for a missing request id, a time to live of nothing or over [`MAX_TTL`], or limits that the role
/// cannot have; `SELF_ISSUE_DENIED` for a key of one's own, or of the role `security`; `ROLE_CONFLICT` when the
/// principal has a live key or certificate of a role that this one does not go with; `API_KEY_LIMIT`; `IDEMPOTENCY_MISMATCH`. Each is
/// in the audit log by then.
pub async fn issue(gate: &Gate, auth: &Authorized<acts::IssueApiKey>, request: IssueRequest) -> Result<Issued> {
    let _turn = gate.issuing.lock().await;
    let now = gate.now();
    let asked = match draft(auth, request, now) {
        Ok(row) => row,
        Err(error) => return Err(refuse(gate, auth, error).await),
    };
    let id = asked.id.clone();
    if let Some(row) = gate.keys.read(move |reader| reader.api_key(&id)).await.map_err(keys_unavailable)? {
        return repeat(gate, auth, &asked, row).await;
    }
    let others = keys_of(gate, &asked.principal).await?;
    let of = asked.principal.clone();
    let roles = gate.keys.read(move |reader| reader.roles_of(&of, now)).await.map_err(keys_unavailable)?;
    if let Err(reason) = may_have(auth, &asked, others.iter().filter(|row| is_live(row, now)), &roles) {
        return Err(refuse(gate, auth, Error::new(reason)).await);
    }
    let principal = asked.principal.clone();
    let known = gate.keys.read(move |reader| reader.pseudonym(&principal)).await.map_err(keys_unavailable)?;
    let (secret, hash) = SecretKeyText::generate(&asked.id);
    let row = ApiKeyRow { hash, pseudonym: known.unwrap_or_else(new_pseudonym), ..asked };
    let write = KeyWrite::PutApiKey { row: row.clone(), most_live: MOST_LIVE, now };
    let receipt = change(gate, auth, &row.id, write, Reason::ApiKeyLimit).await?;
    Ok(Issued { key: row, secret: Some(secret), receipt })
}

/// Makes the first key of a vault: role `security`, principal `bootstrap`, no tenant, [`MAX_TTL`].
///
/// For `init`, which stores it with the vault's first keys and shows the secret once. Afterwards the only other way to
/// a `security` key is [`security_row`], on the machine itself.
pub fn bootstrap_row(now: Timestamp) -> (ApiKeyRow, SecretKeyText) {
    let principal = BOOTSTRAP_PRINCIPAL.parse().expect("it is a valid label");
    security_row(principal, None, now)
}

/// Makes a key of the role `security` for the whole vault, as whoever holds the machine and its root can: no API call
/// issues one. `pseudonym` is the principal's, when it has one already.
pub fn security_row(principal: PrincipalId, pseudonym: Option<String>, now: Timestamp) -> (ApiKeyRow, SecretKeyText) {
    let id = base32(&random::bytes::<ID_BYTES>());
    let (secret, hash) = SecretKeyText::generate(&id);
    let row = ApiKeyRow {
        id,
        hash,
        principal,
        pseudonym: pseudonym.unwrap_or_else(new_pseudonym),
        role: Role::Security,
        tenant: None,
        bots: BotScope::Any,
        create_time: now,
        expire_time: now.plus(MAX_TTL),
        revoke_time: None,
    };
    (row, secret)
}

/// Checks the request by itself and returns the row it asks for, still without hash and pseudonym.
fn draft(auth: &Authorized<acts::IssueApiKey>, request: IssueRequest, now: Timestamp) -> Result<ApiKeyRow> {
    let IssueRequest { principal, role, bots, ttl } = request;
    let request_id = auth.request_id().ok_or_else(|| Error::invalid("request_id", "a UUID is required"))?;
    let ttl = ttl.unwrap_or(DEFAULT_TTL);
    if ttl.as_secs() == 0 || ttl > MAX_TTL {
        return Err(Error::invalid("ttl", "from 1 second to 366 days"));
    }
    let bots = match bots {
        None if role == Role::Ingestor => {
            return Err(Error::invalid("bots", "a key of an ingestor names its bots, or * for every bot"));
        }
        Some(BotScope::Only(bots)) if bots.len() > MAX_BOTS => {
            return Err(Error::invalid("bots", "too many bots").limit(MAX_BOTS as u64));
        }
        bots => bots.unwrap_or(BotScope::Any),
    };
    let row = ApiKeyRow {
        id: key_id(&auth.principal().pseudonym, auth.tenant(), request_id.as_bytes()),
        hash: [0; 32],
        principal,
        pseudonym: String::new(),
        role,
        tenant: auth.tenant().cloned(),
        bots,
        create_time: now,
        expire_time: now.plus(ttl),
        revoke_time: None,
    };
    let key = KnownKey::from(row);
    if fits(&key.principal) {
        Ok(key.row)
    } else {
        Err(Error::invalid("tenant", "a key of this role is confined to a tenant"))
    }
}

/// Checks the request against who asks for it and what its principal has already: keys, and roles by key or certificate.
fn may_have<'a>(
    auth: &Authorized<acts::IssueApiKey>,
    asked: &ApiKeyRow,
    live: impl Iterator<Item = &'a ApiKeyRow>,
    roles: &[Role],
) -> Result<(), Reason> {
    if asked.principal == auth.principal().id || asked.role == Role::Security {
        return Err(Reason::SelfIssueDenied);
    }
    if roles.iter().any(|role| role.conflicts_with(asked.role)) {
        return Err(Reason::RoleConflict);
    }
    let of_this_role = live.filter(|row| row.role == asked.role).count();
    if of_this_role >= MOST_LIVE { Err(Reason::ApiKeyLimit) } else { Ok(()) }
}

/// Answers a repeated request with the key it made, but not with its secret.
async fn repeat(
    gate: &Gate,
    auth: &Authorized<acts::IssueApiKey>,
    asked: &ApiKeyRow,
    row: ApiKeyRow,
) -> Result<Issued> {
    let ttl = |row: &ApiKeyRow| row.expire_time.since(row.create_time);
    let same = (&row.principal, row.role, &row.tenant, &row.bots, ttl(&row))
        == (&asked.principal, asked.role, &asked.tenant, &asked.bots, ttl(asked));
    if !same {
        return Err(refuse(gate, auth, Error::new(Reason::IdempotencyMismatch)).await);
    }
    let entry = auth.logged(auth.entry().object(&format!("apiKeys/{}", row.id)))?;
    let receipt = gate.commit(Work::new(entry)).await?;
    Ok(Issued { key: row, secret: None, receipt })
}

/// Logs a refusal and returns it.
async fn refuse(gate: &Gate, auth: &Authorized<acts::IssueApiKey>, error: Error) -> Error {
    let entry = match auth.refused(error.reason()) {
        Ok(entry) => entry,
        Err(broken) => return broken,
    };
    match gate.commit(Work::new(entry)).await {
        Ok(_) => error,
        Err(unavailable) => unavailable,
    }
}

/// Returns every key of a principal.
async fn keys_of(gate: &Gate, principal: &PrincipalId) -> Result<Vec<ApiKeyRow>> {
    let mut found = Vec::new();
    super::list::scan(gate, |row| {
        if row.principal == *principal {
            found.push(row);
        }
    })
    .await?;
    Ok(found)
}

/// Returns the id of the key that a request makes: 80 bits of a hash, so that the same request makes the same key.
fn key_id(issuer: &str, tenant: Option<&TenantId>, request_id: &[u8; 16]) -> String {
    let mut context = Context::new(&SHA256);
    for part in [b"subrosa api key id v1".as_slice(), issuer.as_bytes(), tenant.map_or("", |t| t.as_str()).as_bytes()] {
        context.update(part);
        context.update(&[0]);
    }
    context.update(request_id);
    base32(&context.finish().as_ref()[..ID_BYTES])
}

/// The bytes of a key's id: 16 characters.
const ID_BYTES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_depends_on_issuer_tenant_and_request() {
        let acme: TenantId = "acme".parse().unwrap();
        let id = key_id("prn_a", Some(&acme), &[1; 16]);
        assert_eq!(id, key_id("prn_a", Some(&acme), &[1; 16]));
        assert_eq!(id.len(), 16);
        for other in [
            key_id("prn_b", Some(&acme), &[1; 16]),
            key_id("prn_a", None, &[1; 16]),
            key_id("prn_a", Some(&acme), &[2; 16]),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn the_first_key_is_a_security_key_of_the_whole_vault() {
        let now = Timestamp::from_unix_ms(1_000);
        let (row, secret) = bootstrap_row(now);
        assert_eq!((row.role, &row.tenant, row.principal.as_str()), (Role::Security, &None, "bootstrap"));
        assert_eq!(row.expire_time, now.plus(MAX_TTL));
        assert!(secret.expose().starts_with(&format!("srk_{}_", row.id)));
        assert!(!format!("{row:?}").contains(secret.expose().rsplit('_').next().unwrap()));
    }
}
