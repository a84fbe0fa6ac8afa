//! What a key may do, without doing it.

use crate::access::decision::{Scope, decide, fits};
use crate::access::key_cache::KnownKey;
use crate::access::{Bots, Place, rule_for};
use crate::domain::{Reason, Slug, TenantId, Timestamp};
use crate::store::ApiKeyRow;

/// Tells whether a key is accepted at `now`: neither expired nor revoked.
pub fn is_live(row: &ApiKeyRow, now: Timestamp) -> bool {
    row.revoke_time.is_none() && now < row.expire_time
}

/// Tells whether the bearer of a key may call the gRPC method `path`, and if not, what it would be answered.
///
/// `tenant` is the tenant of the object, `bot` the bot of the conversation that is the object. Without a tenant the answer is
/// for whatever the key reaches, without a bot for some conversation that it reaches. A purpose is taken as given.
///
/// # Errors
///
/// The reason that the gate would answer.
pub fn explain(
    row: &ApiKeyRow,
    now: Timestamp,
    path: &str,
    tenant: Option<&TenantId>,
    bot: Option<&Slug>,
) -> Result<(), Reason> {
    let key = KnownKey::from(row.clone());
    let principal = &key.principal;
    if !is_live(row, now) || !fits(principal) {
        return Err(Reason::CredentialInvalid);
    }
    let rule = rule_for(path).ok_or(Reason::MethodUnknown)?;
    if rule.reach(principal.role).is_none() {
        return Err(Reason::PermissionDenied);
    }
    let scope = Scope {
        tenant: tenant.or(principal.tenant.as_ref()).cloned(),
        bot: bot.or(principal.bots.first()).cloned(),
        ..Scope::default()
    };
    let somewhere = tenant.is_none() && principal.tenant.is_none() && rule.place == Place::Tenant
        || bot.is_none() && principal.bots.is_empty() && rule.bots == Bots::One;
    match decide(principal, rule, &scope) {
        Err(Reason::TenantNotFound | Reason::ConversationNotFound) if somewhere && tenant_fits(&key, tenant) => {}
        other => drop(other?),
    }
    if rule.second_person { Err(Reason::ApprovalRequired) } else { Ok(()) }
}

fn tenant_fits(key: &KnownKey, tenant: Option<&TenantId>) -> bool {
    tenant.is_none_or(|tenant| key.principal.reaches(tenant))
}
