//! Errors on the wire: the one table of gRPC codes, and `google.rpc` details that hold nothing the caller sent.

use std::collections::HashMap;

use subrosa_proto::ERROR_DOMAIN;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::domain::{Error, Reason};

/// Returns the gRPC code of a reason. There is no other such table.
pub fn code(reason: Reason) -> Code {
    use Reason as R;
    match reason {
        R::InvalidField
        | R::InvalidName
        | R::UnknownEnum
        | R::EmptyContent
        | R::InvalidJson
        | R::TimestampOutOfRange
        | R::RecordTooLarge
        | R::BatchTooLarge
        | R::TooManyMetadataPairs
        | R::AttachmentTypeRefused
        | R::PersonalDataInKey
        | R::PageTokenInvalid
        | R::PurposeRequired
        | R::PolicyInvalid
        | R::RetentionClassUnknown
        | R::StreamNotOpen
        | R::StreamOutOfOrder => Code::InvalidArgument,
        R::IdempotencyMismatch | R::TenantExists => Code::AlreadyExists,
        R::CredentialMissing | R::CredentialInvalid => Code::Unauthenticated,
        R::PermissionDenied | R::SelfIssueDenied | R::ApprovalRequired | R::RoleConflict => Code::PermissionDenied,
        R::MethodUnknown | R::Unsupported => Code::Unimplemented,
        R::TenantNotFound
        | R::ConversationNotFound
        | R::ConversationExpired
        | R::RecordNotFound
        | R::KeyNotFound
        | R::PolicyNotFound
        | R::ApiKeyNotFound => Code::NotFound,
        R::TenantFrozen | R::ConversationClosed | R::KeyDestroyed | R::RotationRefused | R::ApiKeyLimit => {
            Code::FailedPrecondition
        }
        R::SequenceConflict => Code::Aborted,
        R::AuditUnavailable
        | R::StoreUnavailable
        | R::StoreReplaced
        | R::DiskFull
        | R::KeysUnavailable
        | R::RedactorUnavailable
        | R::ShuttingDown => Code::Unavailable,
        R::Overloaded => Code::ResourceExhausted,
        R::DeadlineExceeded => Code::DeadlineExceeded,
        R::IntegrityFailure => Code::DataLoss,
        R::Internal => Code::Internal,
    }
}

/// Returns what the caller is told: code, message, `ErrorInfo`, and where they apply `BadRequest` and `RetryInfo`.
///
/// The cause goes to the operator's log and never into the status.
pub fn to_status(error: &Error) -> Status {
    with_code(code(error.reason()), error)
}

/// Returns the status of a message over the decoding limit: like `BATCH_TOO_LARGE`, but what ran out is the server's.
pub(super) fn message_too_large(limit: usize) -> Status {
    with_code(Code::ResourceExhausted, &Error::new(Reason::BatchTooLarge).limit(limit as u64))
}

/// Returns what [`to_status`] does, with a code of its own.
pub(super) fn with_code(code: Code, error: &Error) -> Status {
    log(code, error);
    let metadata = error.passed_limit().map(|limit| ("limit".to_owned(), limit.to_string()));
    let mut details = ErrorDetails::with_error_info(
        error.reason().as_str(),
        ERROR_DOMAIN,
        metadata.into_iter().collect::<HashMap<_, _>>(),
    );
    if let Some(field) = error.field() {
        details.add_bad_request_violation(field, error.message());
    }
    if let Some(delay) = error.retry_after() {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code, error.message(), details)
}

/// Tells the operator of failures that are the vault's own, with their cause; refusals are in the audit log.
fn log(code: Code, error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let reason = error.reason().as_str();
    match code {
        Code::Internal | Code::DataLoss => tracing::error!(reason, cause, "a call failed"),
        Code::Unavailable if error.reason() != Reason::ShuttingDown => tracing::warn!(reason, cause, "a call failed"),
        Code::FailedPrecondition if !cause.is_empty() => tracing::warn!(reason, cause, "a call was refused"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refusal_names_the_field_the_limit_and_the_reason() {
        let error = Error::new(Reason::RecordTooLarge).at("records[3].text").limit(262_144);
        let status = to_status(&error);
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("RECORD_TOO_LARGE", "subrosa"));
        assert_eq!(info.metadata.get("limit").map(String::as_str), Some("262144"));
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "records[3].text");
        assert!(details.retry_info().is_none());
    }

    #[test]
    fn what_passes_by_itself_says_when_to_come_back_and_never_why_it_failed() {
        let status = to_status(&Error::new(Reason::DiskFull).because("/secret/path: no space left"));
        assert_eq!(status.code(), Code::Unavailable);
        let details = status.get_error_details();
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(5)));
        assert!(!format!("{status:?}").contains("/secret/path"));
    }

    #[test]
    fn no_reason_is_told_as_ok_unknown_or_out_of_range() {
        for reason in Reason::ALL {
            assert!(
                !matches!(code(*reason), Code::Ok | Code::Unknown | Code::OutOfRange | Code::Cancelled),
                "{reason}"
            );
        }
    }
}
