//! One audit entry.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::canonical;
use super::charset::{ACTOR, CASE, LOG, OBJECT, OP, PURPOSE, REASON, ROLE};
use super::vocabulary::{Count, Decision, Phase, PolicyKind};

/// Most bytes of an entry's canonical form.
pub const MAX_ENTRY_BYTES: usize = 512;

/// Largest number in an entry: 2^53 - 1.
///
/// RFC 8785 writes numbers as IEEE 754 doubles; above this two integers can have the same canonical form.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Who did what to which thing, when, and whether it was allowed: canonical JSON, at most [`MAX_ENTRY_BYTES`].
///
/// An `Entry` cannot be wrong in form: it comes from [`Entry::builder`] or [`Entry::parse`], and both check every
/// field. It holds no free text and nothing of a record's content. Bytes and fields are described in `docs/audit.md`.
///
/// # Examples
///
/// ```
/// use subrosa::audit::{Count, Entry, PolicyKind};
///
/// let entry = Entry::builder(1_795_251_979_123, "tenants/acme", "AppendRecords")
///     .actor("key_7f3a")
///     .role("ingestor")
///     .allow()
///     .object("tenants/acme/conversations/0190a1b2-0000-7000-8000-000000000000")
///     .sequences(1, 2)
///     .count(Count::Records, 2)
///     .policy(PolicyKind::Redaction, 3)
///     .build()?;
/// assert_eq!(Entry::parse(entry.canonical())?, entry);
/// # Ok::<(), subrosa::audit::EntryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    fields: Fields,
    canonical: Vec<u8>,
}

impl Entry {
    /// Starts an entry.
    ///
    /// `time_unix_ms` counts milliseconds since the Unix epoch (the vault's own clock), `log` is `system` or
    /// `tenants/{id}`, `op` an RPC method name or the name of a worker's act in PascalCase. The phase is
    /// [`Phase::Act`] until another is set; actor, role and decision must be set.
    pub fn builder(time_unix_ms: i64, log: &str, op: &str) -> EntryBuilder {
        let builder = EntryBuilder { fields: Fields { time_unix_ms, ..Fields::default() }, failed: None };
        builder
            .set(LOG.check(log), |fields, value| fields.log = value)
            .set(OP.check(op), |fields, value| fields.op = value)
    }

    /// Reads an entry and refuses one that is not byte for byte what [`Entry::canonical`] would write.
    ///
    /// # Errors
    ///
    /// [`EntryError`]; no variant carries any of the input.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        canonical::parse(bytes)
    }

    /// The canonical bytes (RFC 8785 JSON): what is stored and hashed.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// The canonical bytes, without a copy.
    pub fn into_canonical(self) -> Vec<u8> {
        self.canonical
    }

    /// When, in milliseconds since the Unix epoch.
    pub fn time_unix_ms(&self) -> i64 {
        self.fields.time_unix_ms
    }

    /// The log it belongs to: `system` or `tenants/{id}`.
    pub fn log(&self) -> &str {
        &self.fields.log
    }

    /// The pseudonym of who acted.
    pub fn actor(&self) -> &str {
        &self.fields.actor
    }

    /// The role in which the actor acted.
    pub fn role(&self) -> &str {
        &self.fields.role
    }

    /// The RPC method or worker act.
    pub fn op(&self) -> &str {
        &self.fields.op
    }

    /// Which part of the act this is.
    pub fn phase(&self) -> Phase {
        self.fields.phase
    }

    /// Whether it was allowed.
    pub fn decision(&self) -> Decision {
        self.fields.decision
    }

    /// The resource name of the thing acted upon.
    pub fn object(&self) -> Option<&str> {
        self.fields.object.as_deref()
    }

    /// The stable reason, always there on a denial.
    pub fn reason(&self) -> Option<&str> {
        self.fields.reason.as_deref()
    }

    /// The code of the purpose that the caller gave.
    pub fn purpose(&self) -> Option<&str> {
        self.fields.purpose.as_deref()
    }

    /// The case reference that the caller gave.
    pub fn case(&self) -> Option<&str> {
        self.fields.case.as_deref()
    }

    /// The version of a policy that was applied.
    pub fn policy(&self, kind: PolicyKind) -> Option<u64> {
        self.fields.policies.get(&kind).copied()
    }

    /// Every policy version that was applied, in the order of the names.
    pub fn policies(&self) -> impl Iterator<Item = (PolicyKind, u64)> + '_ {
        self.fields.policies.iter().map(|(kind, version)| (*kind, *version))
    }

    /// One count.
    pub fn count(&self, count: Count) -> Option<u64> {
        self.fields.counts.get(&count).copied()
    }

    /// Every count, in the order of the names.
    pub fn counts(&self) -> impl Iterator<Item = (Count, u64)> + '_ {
        self.fields.counts.iter().map(|(count, value)| (*count, *value))
    }

    /// How many commitments its leaf carries: `counts.records`, or 0.
    pub fn commitments(&self) -> u64 {
        self.count(Count::Records).unwrap_or(0)
    }

    /// The version of the tenant key that was used or made.
    pub fn key_version(&self) -> Option<u64> {
        self.fields.key_version
    }

    /// The id of the request.
    pub fn request_id(&self) -> Option<Uuid> {
        self.fields.request_id
    }

    /// The first sequence in scope.
    pub fn first_sequence(&self) -> Option<u64> {
        self.fields.first
    }

    /// The last sequence in scope.
    pub fn last_sequence(&self) -> Option<u64> {
        self.fields.last
    }
}

/// Collects the fields of an [`Entry`]; the first field that is refused is what [`EntryBuilder::build`] reports.
#[derive(Clone, Debug)]
#[must_use]
pub struct EntryBuilder {
    fields: Fields,
    failed: Option<EntryError>,
}

impl EntryBuilder {
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
        if let Some(error) = self.failed {
            return Err(error);
        }
        let fields = self.fields;
        fields.check()?;
        let canonical = canonical::encode(&fields)?;
        if canonical.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong(canonical.len()));
        }
        Ok(Entry { fields, canonical })
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

/// Why an entry was refused. No variant carries any of the refused value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A field is empty, too long, or holds a character or word that it does not admit.
    #[error("audit entry field {0} holds a value that it does not admit")]
    Field(&'static str),
    /// A required field was not set.
    #[error("audit entry field {0} is missing")]
    Missing(&'static str),
    /// A number is above [`MAX_INTEGER`].
    #[error("audit entry field {0} is above 2^53 - 1")]
    Integer(&'static str),
    /// The first sequence is above the last, or stands alone.
    #[error("audit entry has a first sequence above its last, or without one")]
    Sequences,
    /// The time is before 1970 or after 9999.
    #[error("audit entry time is outside the years 1970 to 9999")]
    Time,
    /// The canonical form has this many bytes, more than [`MAX_ENTRY_BYTES`].
    #[error("audit entry has {0} bytes, more than 512")]
    TooLong(usize),
    /// The bytes are not JSON with the fields of an entry.
    #[error("audit entry is malformed")]
    Malformed,
    /// The format version is not one this code knows.
    #[error("audit entry has unknown format version {0}")]
    Version(u64),
    /// The bytes say the same as an entry, but are not its canonical form.
    #[error("audit entry is not in canonical form")]
    NotCanonical,
}

/// The fields as they are checked and written; empty strings are those not set yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) time_unix_ms: i64,
    pub(super) log: Box<str>,
    pub(super) actor: Box<str>,
    pub(super) role: Box<str>,
    pub(super) op: Box<str>,
    pub(super) phase: Phase,
    pub(super) decision: Decision,
    pub(super) decided: bool,
    pub(super) object: Option<Box<str>>,
    pub(super) reason: Option<Box<str>>,
    pub(super) purpose: Option<Box<str>>,
    pub(super) case: Option<Box<str>>,
    pub(super) policies: BTreeMap<PolicyKind, u64>,
    pub(super) counts: BTreeMap<Count, u64>,
    pub(super) key_version: Option<u64>,
    pub(super) request_id: Option<Uuid>,
    pub(super) first: Option<u64>,
    pub(super) last: Option<u64>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            time_unix_ms: 0,
            log: Box::default(),
            actor: Box::default(),
            role: Box::default(),
            op: Box::default(),
            phase: Phase::Act,
            decision: Decision::Deny,
            decided: false,
            object: None,
            reason: None,
            purpose: None,
            case: None,
            policies: BTreeMap::new(),
            counts: BTreeMap::new(),
            key_version: None,
            request_id: None,
            first: None,
            last: None,
        }
    }
}

impl Fields {
    /// Checks what no single field can know.
    fn check(&self) -> Result<(), EntryError> {
        let required = [
            ("actor", !self.actor.is_empty()),
            ("role", !self.role.is_empty()),
            ("decision", self.decided),
            ("reason", self.decision == Decision::Allow || self.reason.is_some()),
        ];
        if let Some((name, _)) = required.into_iter().find(|(_, set)| !set) {
            return Err(EntryError::Missing(name));
        }
        if self.first.is_some_and(|first| self.last.is_none_or(|last| first > last)) {
            return Err(EntryError::Sequences);
        }
        Ok(())
    }
}

/// Passes a number that RFC 8785 can write exactly.
fn integer(name: &'static str, value: u64) -> Result<u64, EntryError> {
    if value > MAX_INTEGER { Err(EntryError::Integer(name)) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
