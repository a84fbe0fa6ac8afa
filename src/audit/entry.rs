//! One audit entry.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::builder::EntryBuilder;
use super::canonical;
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
        EntryBuilder::new(time_unix_ms, log, op)
    }

    /// Reads an entry and refuses one that is not byte for byte what [`Entry::canonical`] would write.
    ///
    /// # Errors
    ///
    /// [`EntryError`]; no variant carries any of the input.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        canonical::parse(bytes)
    }

    /// Checks the whole, whose fields are each checked, and writes its canonical bytes.
    pub(super) fn from_fields(fields: Fields) -> Result<Self, EntryError> {
        fields.check()?;
        let canonical = canonical::encode(&fields)?;
        if canonical.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong(canonical.len()));
        }
        Ok(Self { fields, canonical })
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
