//! How an entry is made, field by field.

use uuid::Uuid;

use super::charset::{ACTOR, CASE, LOG, OBJECT, OP, PURPOSE, REASON, ROLE};
use super::entry::{Entry, EntryError, Fields, MAX_INTEGER};
use super::vocabulary::{Count, Decision, Phase, PolicyKind};

/// Collects the fields of an [`Entry`]; the first field that is refused is what [`EntryBuilder::build`] reports.
#[derive(Clone, Debug)]
#[must_use]
pub struct EntryBuilder {
    fields: Fields,
    failed: Option<EntryError>,
}

impl EntryBuilder {
    /// Starts with what [`Entry::builder`] takes.
    pub(super) fn new(time_unix_ms: i64, log: &str, op: &str) -> Self {
        let builder = Self { fields: Fields { time_unix_ms, ..Fields::default() }, failed: None };
        builder
            .set(LOG.check(log), |fields, value| fields.log = value)
            .set(OP.check(op), |fields, value| fields.op = value)
    }

    /// Sets who acted: a pseudonym, `[a-z0-9_]{1,40}`. Required.
    pub fn actor(self, actor: &str) -> Self {
        self.set(ACTOR.check(actor), |fields, value| fields.actor = value)
    }

    /// Sets the role in which the actor acted, `[a-z_]{1,16}`. Required.
    pub fn role(self, role: &str) -> Self {
        self.set(ROLE.check(role), |fields, value| fields.role = value)
    }

    /// Sets which part of the act this is.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.fields.phase = phase;
        self
    }

    /// Says that it was allowed. This or [`EntryBuilder::deny`] is required.
    pub fn allow(mut self) -> Self {
        self.fields.decision = Decision::Allow;
        self.fields.decided = true;
        self
    }

    /// Says that it was refused, and why (a stable SCREAMING_SNAKE code).
    pub fn deny(mut self, reason: &str) -> Self {
        self.fields.decision = Decision::Deny;
        self.fields.decided = true;
        self.reason(reason)
    }

    /// Sets a stable reason, `[A-Z][A-Z0-9_]{0,47}`: why an allowed act ended as it did.
    pub fn reason(self, reason: &str) -> Self {
        self.set(REASON.check(reason), |fields, value| fields.reason = Some(value))
    }

    /// Sets the resource name of the thing acted upon, at most 160 bytes.
    pub fn object(self, name: &str) -> Self {
        self.set(OBJECT.check(name), |fields, value| fields.object = Some(value))
    }

    /// Sets the code of the purpose, `[A-Z][A-Z0-9_]{0,23}`.
    pub fn purpose(self, purpose: &str) -> Self {
        self.set(PURPOSE.check(purpose), |fields, value| fields.purpose = Some(value))
    }

    /// Sets the case reference, `[A-Za-z0-9][A-Za-z0-9._~-]{0,31}`.
    pub fn case(self, case: &str) -> Self {
        self.set(CASE.check(case), |fields, value| fields.case = Some(value))
    }

    /// Sets the version of a policy that was applied.
    pub fn policy(self, kind: PolicyKind, version: u64) -> Self {
        self.set(integer("policies", version), move |fields, value| _ = fields.policies.insert(kind, value))
    }

    /// Sets a count. [`Count::Records`] is the number of commitments in the leaf and belongs to appends alone.
    pub fn count(self, count: Count, value: u64) -> Self {
        self.set(integer("counts", value), move |fields, value| _ = fields.counts.insert(count, value))
    }

    /// Sets the version of the tenant key that was used or made.
    pub fn key_version(self, version: u64) -> Self {
        self.set(integer("key_version", version), |fields, value| fields.key_version = Some(value))
    }

    /// Sets the id of the request.
    pub fn request_id(mut self, id: Uuid) -> Self {
        self.fields.request_id = Some(id);
        self
    }

    /// Sets the first and the last sequence in scope, both inclusive.
    pub fn sequences(self, first: u64, last: u64) -> Self {
        self.set(integer("first", first), |fields, value| fields.first = Some(value)).last_sequence(last)
    }

    /// Sets the last sequence in scope alone: everything up to it.
    pub fn last_sequence(self, last: u64) -> Self {
        self.set(integer("last", last), |fields, value| fields.last = Some(value))
    }

    /// Checks the whole and writes the canonical bytes.
    ///
    /// # Errors
    ///
    /// The first field that was refused, a required field that was not set, or [`EntryError::TooLong`].
    pub fn build(self) -> Result<Entry, EntryError> {
        match self.failed {
            Some(error) => Err(error),
            None => Entry::from_fields(self.fields),
        }
    }

    /// Stores a checked value, or remembers the first failure.
    fn set<T>(mut self, checked: Result<T, EntryError>, store: impl FnOnce(&mut Fields, T)) -> Self {
        match checked {
            Ok(value) => store(&mut self.fields, value),
            Err(error) => _ = self.failed.get_or_insert(error),
        }
        self
    }
}

/// Passes a number that RFC 8785 can write exactly.
fn integer(name: &'static str, value: u64) -> Result<u64, EntryError> {
    if value > MAX_INTEGER { Err(EntryError::Integer(name)) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::entry::MAX_ENTRY_BYTES;

    fn minimal() -> EntryBuilder {
        Entry::builder(0, "system", "IssueApiKey").actor("key_1").role("security").allow()
    }

    #[test]
    fn required_fields_are_required() {
        let bare = || Entry::builder(0, "system", "IssueApiKey");
        assert_eq!(bare().role("security").allow().build(), Err(EntryError::Missing("actor")));
        assert_eq!(bare().actor("key_1").allow().build(), Err(EntryError::Missing("role")));
        assert_eq!(bare().actor("key_1").role("security").build(), Err(EntryError::Missing("decision")));
        assert!(minimal().build().is_ok());
    }

    #[test]
    fn first_refused_field_is_reported_without_its_value() {
        let error = minimal().case("jane@corp.example").actor("Jane Doe").build().unwrap_err();
        assert_eq!(error, EntryError::Field("case"));
        assert!(!format!("{error} {error:?}").contains("jane"));
    }

    #[test]
    fn numbers_end_where_doubles_stop_being_exact() {
        assert!(minimal().key_version(MAX_INTEGER).build().is_ok());
        assert_eq!(minimal().key_version(MAX_INTEGER + 1).build(), Err(EntryError::Integer("key_version")));
        assert_eq!(minimal().count(Count::Returned, u64::MAX).build(), Err(EntryError::Integer("counts")));
        assert_eq!(minimal().policy(PolicyKind::Access, 1 << 53).build(), Err(EntryError::Integer("policies")));
        assert_eq!(minimal().sequences(0, 1 << 53).build(), Err(EntryError::Integer("last")));
    }

    #[test]
    fn sequences_are_in_order() {
        assert!(minimal().sequences(4, 4).build().is_ok());
        assert_eq!(minimal().sequences(5, 4).build(), Err(EntryError::Sequences));
    }

    #[test]
    fn times_outside_rfc_3339_are_refused() {
        let at = |ms| Entry::builder(ms, "system", "Expire").actor("system").role("system").allow().build();
        assert!(at(0).is_ok());
        assert_eq!(at(-1), Err(EntryError::Time));
        assert_eq!(at(i64::MAX), Err(EntryError::Time));
        assert_eq!(at(253_402_300_800_000), Err(EntryError::Time));
    }

    #[test]
    fn what_really_happens_fits_at_the_widest() {
        // A tenant id of 32, an actor of 40 and a case of 32 bytes; a million records in the conversation.
        let log = format!("tenants/{}", "t".repeat(32));
        let object = format!("{log}/conversations/0190a1b2-0000-7000-8000-000000000000");
        let start = |op| {
            Entry::builder(1_795_251_979_123, &log, op)
                .actor(&"a".repeat(40))
                .role("compliance")
                .object(&object)
                .request_id(Uuid::nil())
        };
        let append = start("AppendRecords")
            .allow()
            .sequences(1_000_001, 1_001_000)
            .count(Count::Records, 1_000)
            .count(Count::Findings, 10_000)
            .policy(PolicyKind::Redaction, 1_000)
            .key_version(1_000);
        let read = start("ReadConversation")
            .allow()
            .phase(Phase::Begin)
            .last_sequence(1_000_000)
            .purpose("SUBJECT_REQUEST")
            .case(&"c".repeat(32));
        let denied = start("ReadConversation").deny("PERMISSION_DENIED").purpose("SUBJECT_REQUEST");
        for entry in [append, read, denied] {
            entry.build().unwrap();
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let entry = minimal().object(&"o".repeat(160)).case(&"c".repeat(32)).reason(&"R".repeat(48));
        let entry = entry.purpose(&"P".repeat(24)).request_id(Uuid::nil()).sequences(1, MAX_INTEGER);
        let Err(EntryError::TooLong(bytes)) = entry.build() else { panic!("it fitted") };
        assert!(bytes > MAX_ENTRY_BYTES);
    }
}
