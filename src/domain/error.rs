//! What can go wrong, as a caller is told of it.
//!
//! A [`Reason`] is stable and public: clients branch on it, `docs/errors/` has a page for each, and `grpc::status` has the
//! one table that turns it into a gRPC code.

use std::fmt;
use std::time::Duration;

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A refusal or failure, with what the caller may know. It never carries a value the caller sent.
#[derive(Debug)]
pub struct Error {
    reason: Reason,
    field: Option<String>,
    hint: Option<&'static str>,
    limit: Option<u64>,
    retry_after: Option<Duration>,
    source: Option<Source>,
}

/// Shorthand for results of the vault.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns an error for `reason`.
    pub fn new(reason: Reason) -> Self {
        Self { reason, field: None, hint: None, limit: None, retry_after: reason.retry_after(), source: None }
    }

    /// Returns an `INVALID_FIELD` error for the field at `path`, saying what would have been right.
    pub fn invalid(path: impl Into<String>, hint: &'static str) -> Self {
        Self::new(Reason::InvalidField).at(path).hint(hint)
    }

    /// Names the field, as a path such as `records[3].text`.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.field = Some(path.into());
        self
    }

    /// Puts `prefix` in front of the field path.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.field = Some(match self.field {
            Some(field) => format!("{prefix}.{field}"),
            None => prefix.to_owned(),
        });
        self
    }

    /// Says what would have been right.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Names the limit that was passed.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Keeps the cause, for the operator's log only.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the stable reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns the path of the field at fault.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns the limit that was passed.
    pub fn passed_limit(&self) -> Option<u64> {
        self.limit
    }

    /// Returns how long to wait before trying again, where trying again can help.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns what the caller is told, in words.
    pub fn message(&self) -> &'static str {
        self.hint.unwrap_or(self.reason.summary())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message())?;
        if let Some(field) = &self.field {
            write!(f, " (field {field})")?;
        }
        if let Some(limit) = self.limit {
            write!(f, " (limit {limit})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

/// Declares the reasons: variant, stable spelling, one-line summary.
macro_rules! reasons {
    ($($variant:ident, $text:literal, $summary:literal;)*) => {
        /// Why a request was not done: stable, public, one page each in `docs/errors/`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $summary] $variant,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the stable spelling, as in `ErrorInfo.reason`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Returns one sentence about it that holds nothing of the request.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }
        }
    };
}

reasons! {
    InvalidField, "INVALID_FIELD", "a field is missing or not of the form it must have";
    InvalidName, "INVALID_NAME", "a resource name is not of the form it must have";
    UnknownEnum, "UNKNOWN_ENUM", "an enum field holds a value this server does not know";
    EmptyContent, "EMPTY_CONTENT", "a record has no content";
    InvalidJson, "INVALID_JSON", "a JSON field is not JSON, or is nested too deeply";
    TimestampOutOfRange, "TIMESTAMP_OUT_OF_RANGE", "a timestamp lies outside what the vault accepts";
    RecordTooLarge, "RECORD_TOO_LARGE", "a record is larger than the limit";
    BatchTooLarge, "BATCH_TOO_LARGE", "a request holds more than the limit";
    TooManyMetadataPairs, "TOO_MANY_METADATA_PAIRS", "a record has more metadata pairs than the limit";
    AttachmentTypeRefused, "ATTACHMENT_TYPE_REFUSED", "a file is of no type that is taken, or is not what its type says";
    PersonalDataInKey, "PERSONAL_DATA_IN_KEY", "a label, key or identifier that is stored in clear holds personal data or a secret";
    IdempotencyMismatch, "IDEMPOTENCY_MISMATCH", "the request_id was used before with another body";
    PageTokenInvalid, "PAGE_TOKEN_INVALID", "the page token does not belong to this query";
    CredentialMissing, "CREDENTIAL_MISSING", "the request carries no credential";
    CredentialInvalid, "CREDENTIAL_INVALID", "the credential is unknown, expired or revoked";
    PermissionDenied, "PERMISSION_DENIED", "the caller's role does not allow this";
    PurposeRequired, "PURPOSE_REQUIRED", "reading content requires a purpose";
    ApprovalRequired, "APPROVAL_REQUIRED", "this needs the approval of a second person";
    SelfIssueDenied, "SELF_ISSUE_DENIED", "a credential cannot be issued to whom issues it";
    RoleConflict, "ROLE_CONFLICT", "the principal has a live key of a role that this one does not go with";
    MethodUnknown, "METHOD_UNKNOWN", "the server has no such method";
    TenantNotFound, "TENANT_NOT_FOUND", "there is no such tenant";
    TenantExists, "TENANT_EXISTS", "the tenant exists already";
    TenantFrozen, "TENANT_FROZEN", "the tenant is frozen";
    ConversationNotFound, "CONVERSATION_NOT_FOUND", "there is no such conversation";
    ConversationExpired, "CONVERSATION_EXPIRED", "the conversation's retention has run out and its keys are destroyed";
    ConversationClosed, "CONVERSATION_CLOSED", "the conversation is closed and takes no more records";
    RecordNotFound, "RECORD_NOT_FOUND", "there is no such record";
    KeyNotFound, "KEY_NOT_FOUND", "there is no such key version";
    KeyDestroyed, "KEY_DESTROYED", "the key is destroyed";
    RotationRefused, "ROTATION_REFUSED", "a wrapped key did not open, so nothing was rotated";
    PolicyNotFound, "POLICY_NOT_FOUND", "there is no such policy";
    PolicyInvalid, "POLICY_INVALID", "the policy is not valid";
    RetentionClassUnknown, "RETENTION_CLASS_UNKNOWN", "the tenant's retention policy has no such class";
    ApiKeyNotFound, "API_KEY_NOT_FOUND", "there is no such API key";
    ApiKeyLimit, "API_KEY_LIMIT", "the principal already has as many live keys of this role as it may";
    StreamNotOpen, "STREAM_NOT_OPEN", "the first message of a stream must open it";
    StreamOutOfOrder, "STREAM_OUT_OF_ORDER", "client sequences must rise by one";
    SequenceConflict, "SEQUENCE_CONFLICT", "another writer was faster; try again";
    AuditUnavailable, "AUDIT_UNAVAILABLE", "the audit log cannot be written, so nothing is served";
    StoreUnavailable, "STORE_UNAVAILABLE", "the store cannot be written or read";
    StoreReplaced, "STORE_REPLACED", "a database was removed or replaced under the running server, so nothing is served";
    DiskFull, "DISK_FULL", "the disk is full; nothing was written";
    KeysUnavailable, "KEYS_UNAVAILABLE", "the key store or its root cannot be used";
    RedactorUnavailable, "REDACTOR_UNAVAILABLE", "the redactor cannot be used, so nothing is stored";
    Overloaded, "OVERLOADED", "the server has more work queued than it may hold";
    ShuttingDown, "SHUTTING_DOWN", "the server is shutting down";
    DeadlineExceeded, "DEADLINE_EXCEEDED", "the deadline passed; repeat the request_id to learn what became of it";
    IntegrityFailure, "INTEGRITY_FAILURE", "stored data does not verify and is not served";
    Unsupported, "UNSUPPORTED", "this server does not offer that";
    Internal, "INTERNAL", "the server made an error; its log says more";
}

impl Reason {
    /// Returns the least time to wait before a retry, for reasons that pass by themselves.
    fn retry_after(self) -> Option<Duration> {
        match self {
            Self::SequenceConflict => Some(Duration::from_millis(10)),
            Self::Overloaded => Some(Duration::from_millis(200)),
            Self::ShuttingDown | Self::StoreUnavailable | Self::AuditUnavailable => Some(Duration::from_secs(1)),
            Self::StoreReplaced | Self::DiskFull | Self::KeysUnavailable | Self::RedactorUnavailable => {
                Some(Duration::from_secs(5))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
