//! The one decision about a call, pure: a credential's limits, a row of the table, and what the call is about.

use crate::domain::{CaseReference, Principal, Purpose, Reason, RequestId, Role, Slug, TenantId};
use crate::store::LogId;

use super::permission::{Bots, Place, Reach, Rule};

/// What a call is about, as the use case has found out.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The tenant that the request names.
    pub tenant: Option<TenantId>,
    /// The bot of the conversation; none when there is no such conversation. For a list or search: the bot asked for.
    pub bot: Option<Slug>,
    /// The resource name of the object. None: the tenant.
    pub object: Option<String>,
    /// Why content is read.
    pub purpose: Option<Purpose>,
    /// The matter it is read for.
    pub case: Option<CaseReference>,
    /// The id of the request.
    pub request_id: Option<RequestId>,
    /// What is answered when the object lies outside the caller's reach: the same as when it does not exist. None: the
    /// tenant or conversation is not found.
    pub absent: Option<Reason>,
}

/// What a call that is allowed may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// The tenant it is limited to; none is the vault itself, or every tenant.
    pub(super) tenant: Option<TenantId>,
    /// The bots it is limited to; empty is no limit.
    pub(super) bots: Vec<Slug>,
    /// The log its entries go into.
    pub(super) log: LogId,
}

/// Decides whether `principal` may do what `rule` stands for, on what `scope` is about.
///
/// What lies outside the caller's reach is refused as if it did not exist.
pub(super) fn decide(principal: &Principal, rule: &Rule, scope: &Scope) -> Result<Grant, Reason> {
    let reach = rule.reach(principal.role).filter(|_| fits(principal)).ok_or(Reason::PermissionDenied)?;
    let tenant = tenant_of(principal, rule, scope)?;
    let bots = bots_of(principal, rule, reach, scope)?;
    let log = match &tenant {
        Some(tenant) if rule.place != Place::Vault => LogId::Tenant(tenant.clone()),
        _ => LogId::System,
    };
    Ok(Grant { tenant, bots, log })
}

/// Tells whether a credential has the limits that its role must have.
///
/// Roles that touch content are of one tenant, and an ingestor has bots of its own; operators, security officers and
/// auditors may be of the whole vault.
pub(super) fn fits(principal: &Principal) -> bool {
    match principal.role {
        Role::Ingestor => principal.tenant.is_some() && !principal.bots.is_empty(),
        Role::Reader | Role::Compliance | Role::Privacy | Role::Approver => principal.tenant.is_some(),
        Role::Operator | Role::Security | Role::Auditor => true,
    }
}

/// Returns the log that tells of a principal's calls which were not allowed: its own tenant's, never another's.
pub(super) fn home_log(principal: &Principal) -> LogId {
    principal.tenant.clone().map_or(LogId::System, LogId::Tenant)
}

/// Checks what a call within reach must bring along: a second person where one is needed, a purpose where content leaves.
pub(super) fn conditions(rule: &Rule, scope: &Scope) -> Result<(), Reason> {
    if rule.second_person {
        return Err(Reason::ApprovalRequired);
    }
    if rule.purpose && scope.purpose.is_none() {
        return Err(Reason::PurposeRequired);
    }
    Ok(())
}

fn tenant_of(principal: &Principal, rule: &Rule, scope: &Scope) -> Result<Option<TenantId>, Reason> {
    let whole_vault = principal.tenant.is_none();
    match (rule.place, &scope.tenant) {
        (Place::Vault, asked) => whole_vault.then(|| asked.clone()).ok_or(Reason::PermissionDenied),
        (Place::Process, _) => Ok(principal.tenant.clone()),
        (_, Some(asked)) if principal.reaches(asked) => Ok(Some(asked.clone())),
        (_, Some(_)) => Err(absent(rule, scope)),
        (Place::Reachable, None) => Ok(principal.tenant.clone()),
        (Place::TenantOrVault, None) if whole_vault => Ok(None),
        (Place::TenantOrVault, None) => Err(scope.absent.unwrap_or(Reason::PermissionDenied)),
        (Place::Tenant, None) => Err(absent(rule, scope)),
    }
}

fn bots_of(principal: &Principal, rule: &Rule, reach: Reach, scope: &Scope) -> Result<Vec<Slug>, Reason> {
    let reaches = |bot: &Slug| match reach {
        Reach::Own => principal.bots.contains(bot),
        Reach::Any => principal.reaches_bot(bot),
    };
    match (rule.bots, &scope.bot) {
        (Bots::None, _) => Ok(Vec::new()),
        (Bots::Filter, None) => Ok(principal.bots.clone()),
        (Bots::One | Bots::Filter, Some(bot)) if reaches(bot) => Ok(vec![bot.clone()]),
        (Bots::One | Bots::Filter, _) => Err(scope.absent.unwrap_or(Reason::ConversationNotFound)),
    }
}

fn absent(rule: &Rule, scope: &Scope) -> Reason {
    let usual = if rule.bots == Bots::One { Reason::ConversationNotFound } else { Reason::TenantNotFound };
    scope.absent.unwrap_or(usual)
}
