//! Audit events.

use subrosa_proto::v1;

use crate::audit::{Decision, Entry, Phase};
use crate::domain::{Error, Purpose, Reason, Result, Role, TenantId, Timestamp};
use crate::store::EntryRow;
use crate::vault::{EventFilter, EventPage};

use super::enums::{show_purpose, show_role};
use super::fields::{optional_text, show_time, tenant, time};

/// The most bytes of a condition on a word of an entry.
const MAX_CONDITION: usize = 256;

/// Reads which log is meant: a tenant's, or the system's.
pub(in crate::grpc) fn log(parent: &str) -> Result<Option<TenantId>> {
    if parent == "system" { Ok(None) } else { tenant("parent", parent).map(Some) }
}

/// Reads the conditions on entries.
pub(in crate::grpc) fn filter(request: v1::ListAuditEventsRequest) -> Result<EventFilter> {
    let allowed = match v1::AuditDecision::try_from(request.decision) {
        Ok(v1::AuditDecision::Unspecified) => None,
        Ok(decision) => Some(decision == v1::AuditDecision::Allowed),
        Err(_) => return Err(Error::new(Reason::UnknownEnum).at("decision")),
    };
    let operation = optional_text("operation", request.operation, MAX_CONDITION)?;
    Ok(EventFilter {
        operation: operation.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()),
        actor: optional_text("actor", request.actor, MAX_CONDITION)?,
        object: optional_text("object", request.object, MAX_CONDITION)?,
        allowed,
        from: time("start_time", request.start_time)?,
        before: time("end_time", request.end_time)?,
    })
}

/// Writes a page of entries.
pub(in crate::grpc) fn show(found: EventPage) -> v1::ListAuditEventsResponse {
    v1::ListAuditEventsResponse {
        events: found.page.items.into_iter().map(|(row, entry)| event(row, &entry)).collect(),
        next_page_token: found.page.next,
        tree_size: found.size,
        root_hash: found.root.as_bytes().to_vec(),
    }
}

fn event(row: EntryRow, entry: &Entry) -> v1::AuditEvent {
    let role = entry.role().parse::<Role>().map_or(v1::Role::Unspecified, show_role);
    let purpose = entry.purpose().and_then(|purpose| purpose.parse::<Purpose>().ok());
    v1::AuditEvent {
        index: row.index,
        time: Some(show_time(Timestamp::from_unix_ms(entry.time_unix_ms()))),
        tenant: if entry.log() == "system" { String::new() } else { entry.log().to_owned() },
        actor: entry.actor().to_owned(),
        actor_role: role.into(),
        operation: entry.op().to_owned(),
        object: entry.object().unwrap_or_default().to_owned(),
        decision: decision(entry.decision()).into(),
        phase: phase(entry.phase()).into(),
        reason: entry.reason().unwrap_or_default().to_owned(),
        policies: entry.policies().map(|(kind, version)| format!("{}@{version}", kind.as_str())).collect(),
        purpose: purpose.map_or(v1::Purpose::Unspecified, show_purpose).into(),
        case_reference: entry.case().unwrap_or_default().to_owned(),
        counts: entry.counts().map(|(count, value)| (count.as_str().to_owned(), value)).collect(),
        key_version: entry.key_version().unwrap_or_default(),
        request_id: entry.request_id().map(|id| id.to_string()).unwrap_or_default(),
        canonical: row.canonical,
        commitments: row.commitments.iter().map(|commitment| commitment.to_vec()).collect(),
        leaf_hash: row.leaf.as_bytes().to_vec(),
    }
}

fn decision(decision: Decision) -> v1::AuditDecision {
    match decision {
        Decision::Allow => v1::AuditDecision::Allowed,
        Decision::Deny => v1::AuditDecision::Denied,
    }
}

fn phase(phase: Phase) -> v1::AuditPhase {
    match phase {
        Phase::Act => v1::AuditPhase::Single,
        Phase::Intent => v1::AuditPhase::Intent,
        Phase::Outcome => v1::AuditPhase::Outcome,
        Phase::Begin => v1::AuditPhase::Begin,
        Phase::Progress => v1::AuditPhase::Progress,
        Phase::End => v1::AuditPhase::End,
        Phase::Interrupted => v1::AuditPhase::Interrupted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_may_be_named_in_full() {
        let request = v1::ListAuditEventsRequest {
            operation: "/subrosa.v1.KeyService/RotateKey".to_owned(),
            decision: v1::AuditDecision::Denied.into(),
            ..Default::default()
        };
        let read = filter(request).unwrap();
        assert_eq!((read.operation.as_deref(), read.allowed), (Some("RotateKey"), Some(false)));
        assert_eq!(log("system").unwrap(), None);
        assert_eq!(log("").unwrap_err().field(), Some("parent"));
    }

    #[test]
    fn the_vault_itself_has_no_role() {
        let entry = Entry::builder(0, "tenants/acme", "ExpireBucket").actor("vault").role("vault").allow();
        let entry = entry.build().unwrap();
        let row = EntryRow {
            index: 4,
            canonical: entry.canonical().to_vec(),
            commitments: vec![[1; 32]],
            leaf: [2; 32].into(),
        };
        let shown = event(row, &entry);
        assert_eq!((shown.actor.as_str(), shown.actor_role()), ("vault", v1::Role::Unspecified));
        assert_eq!((shown.phase(), shown.tenant.as_str()), (v1::AuditPhase::Single, "tenants/acme"));
    }
}
