//! What the tests share: the vault in its folder, clients, and what to expect of an answer.

pub(crate) mod client;
pub(crate) mod house;
pub(crate) mod program;

use std::time::Duration;

use subrosa_proto::v1;
use subrosa_proto::v1::record::Content;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

pub(crate) use client::Client;
pub(crate) use house::House;

/// The tenant of a vault for development.
pub(crate) const TENANT: &str = "tenants/dev";

/// A day of the vault's clock.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// How long a test waits for what the vault does by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Draws a request id.
pub(crate) fn uuid() -> String {
    subrosa::sealing::random::uuid_v4().to_string()
}

/// A message of the end user.
pub(crate) fn said(text: &str) -> v1::Record {
    v1::Record {
        author_role: v1::AuthorRole::User.into(),
        content: Some(Content::Text(text.to_owned())),
        ..Default::default()
    }
}

/// A call of the tool `lookup`.
pub(crate) fn tool(name: &str, arguments: &str, result: &str) -> v1::Record {
    let call = v1::ToolCall { name: name.to_owned(), arguments: arguments.to_owned(), result: result.to_owned() };
    v1::Record {
        author_role: v1::AuthorRole::Tool.into(),
        content: Some(Content::ToolCall(call)),
        ..Default::default()
    }
}

/// A file that the end user sent.
pub(crate) fn file(name: &str, media_type: &str, data: &[u8]) -> v1::Record {
    let (file_name, media_type) = (name.to_owned(), media_type.to_owned());
    let file = v1::Attachment { file_name, media_type, data: data.to_vec(), ..Default::default() };
    v1::Record {
        author_role: v1::AuthorRole::User.into(),
        content: Some(Content::Attachment(file)),
        ..Default::default()
    }
}

/// The text of a record, empty when it has none.
pub(crate) fn text_of(record: &v1::Record) -> &str {
    match &record.content {
        Some(Content::Text(text)) => text,
        Some(Content::Annotation(note)) => &note.note,
        _ => "",
    }
}

/// Returns the reason in a status.
pub(crate) fn reason_of(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Checks that an answer is this refusal, in our domain, and returns it.
#[track_caller]
pub(crate) fn refused<T>(answer: Result<T, Status>, code: Code, reason: &str) -> Status {
    let Err(status) = answer else { panic!("was not refused with {reason}") };
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status:?}");
    assert_eq!(info.domain, "subrosa");
    status
}

/// Waits until `done` says so.
#[track_caller]
pub(crate) fn eventually<F: Future<Output = bool>>(what: &str, done: impl Fn() -> F) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    async move {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !done().await {
            assert!(tokio::time::Instant::now() < deadline, "{at}: {what} did not come about");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
