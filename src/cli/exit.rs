//! How the program ends: one error type of the command line, and the table of exit codes.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::config::ConfigError;

use super::output::Output;
use super::terminal::{Screen, one_line};

/// Done.
pub const DONE: u8 = 0;
/// Failed, for a reason that is none of the others.
pub const FAILED: u8 = 1;
/// The arguments or the configuration are wrong.
pub const USAGE: u8 = 2;
/// The vault denied it, or did not accept the credential.
pub const DENIED: u8 = 3;
/// There is no such thing, or it is not shown to this caller.
pub const NOT_FOUND: u8 = 4;
/// The vault cannot be reached, or cannot do it now: trying again later may help.
pub const UNAVAILABLE: u8 = 5;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments do not fit one another, or a file that they name does not fit.
    #[error("{0}")]
    Usage(String),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The vault answered with an error.
    #[error("{}", .0.message())]
    Api(Box<Status>),
    /// The vault cannot be reached.
    #[error("cannot reach {endpoint}: {cause}")]
    Unreachable {
        /// The endpoint that was tried.
        endpoint: String,
        /// What went wrong, from the outermost cause to the innermost.
        cause: String,
    },
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was read or written.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The vault in this process failed.
    #[error("{0}")]
    Vault(Box<dyn Error + Send + Sync>),
    /// The command ran and did not succeed.
    #[error("{0}")]
    Failed(String),
}

impl From<Status> for CliError {
    fn from(status: Status) -> Self {
        Self::Api(Box::new(status))
    }
}

impl From<io::Error> for CliError {
    fn from(source: io::Error) -> Self {
        Self::Io { what: "output".to_owned(), source }
    }
}

impl CliError {
    /// Returns an error of reading or writing `what`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) => USAGE,
            Self::Api(status) => exit_code_of(status.code()),
            Self::Unreachable { .. } => UNAVAILABLE,
            Self::Io { .. } | Self::Vault(_) | Self::Failed(_) => FAILED,
        }
    }

    /// Tells whether who read the output has gone, as `| head` does: nobody is left to be told.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Prints the error to `to`, for a person or as one line of JSON.
    pub fn print(&self, output: Output, to: &mut (dyn Write + Send)) -> io::Result<()> {
        let (told, mut screen) = (Told::from(self), Screen::new(to));
        match output {
            Output::Human | Output::Csv => told.print_human(&mut screen),
            Output::Json => screen.json(&told.to_json()),
        }
    }
}

/// Returns the exit code for a gRPC code.
pub fn exit_code_of(code: Code) -> u8 {
    match code {
        Code::Ok => DONE,
        Code::PermissionDenied | Code::Unauthenticated => DENIED,
        Code::NotFound => NOT_FOUND,
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => UNAVAILABLE,
        _ => FAILED,
    }
}

/// An error as it is told: every text neutralised.
struct Told {
    reason: Option<String>,
    message: String,
    fields: Vec<(String, String)>,
    retry_after: Option<Duration>,
    exit_code: u8,
}

impl From<&CliError> for Told {
    fn from(error: &CliError) -> Self {
        let mut told = Self {
            reason: None,
            message: with_causes(error),
            fields: Vec::new(),
            retry_after: None,
            exit_code: error.exit_code(),
        };
        if let CliError::Api(status) = error {
            told.add_details(status);
        }
        told
    }
}

impl Told {
    fn add_details(&mut self, status: &Status) {
        let details = status.get_error_details();
        self.message = one_line(status.message());
        self.reason = details.error_info().map(|info| info.reason.clone()).filter(|reason| is_reason(reason));
        self.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        if let Some(bad) = details.bad_request() {
            let told = bad.field_violations.iter().map(|it| (one_line(&it.field), one_line(&it.description)));
            self.fields = told.collect();
        }
        if self.reason.is_none() {
            self.message = format!("{:?}: {}", status.code(), self.message);
        }
    }

    fn page(&self) -> Option<String> {
        self.reason.as_ref().map(|reason| format!("docs/errors/{reason}.md"))
    }

    fn print_human(&self, to: &mut Screen<'_>) -> io::Result<()> {
        match &self.reason {
            Some(reason) if !self.message.starts_with(reason.as_str()) => {
                to.line(&format!("error: {reason}: {}", self.message))?;
            }
            _ => to.line(&format!("error: {}", self.message))?,
        }
        for (field, description) in &self.fields {
            to.line(&format!("  field {field}: {description}"))?;
        }
        if let Some(delay) = self.retry_after {
            to.line(&format!("  try again after {} ms", delay.as_millis()))?;
        }
        if let Some(page) = self.page() {
            to.line(&format!("  what to do: {page}"))?;
        }
        Ok(())
    }

    fn to_json(&self) -> serde_json::Value {
        let fields: Vec<_> =
            self.fields.iter().map(|(field, text)| json!({"field": field, "description": text})).collect();
        json!({"error": {
            "reason": self.reason,
            "message": self.message,
            "fields": fields,
            "retry_after_ms": self.retry_after.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            "page": self.page(),
            "exit_code": self.exit_code,
        }})
    }
}

/// A reason becomes part of a path, so it must look like one.
fn is_reason(reason: &str) -> bool {
    (1..=64).contains(&reason.len()) && reason.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// Returns the message of an error and of what caused it, on one line.
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = one_line(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = one_line(&error.to_string());
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn printed(error: &CliError, output: Output) -> String {
        let mut out = Vec::new();
        error.print(output, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_grpc_code_has_its_exit_code() {
        for (code, exit) in [
            (Code::Ok, 0),
            (Code::InvalidArgument, 1),
            (Code::FailedPrecondition, 1),
            (Code::Internal, 1),
            (Code::DataLoss, 1),
            (Code::PermissionDenied, 3),
            (Code::Unauthenticated, 3),
            (Code::NotFound, 4),
            (Code::Unavailable, 5),
            (Code::DeadlineExceeded, 5),
            (Code::ResourceExhausted, 5),
        ] {
            assert_eq!(exit_code_of(code), exit, "{code:?}");
        }
        assert_eq!(CliError::Usage(String::new()).exit_code(), 2);
    }

    #[test]
    fn an_error_of_the_vault_names_reason_field_and_page() {
        let mut details = ErrorDetails::with_error_info("EMPTY_CONTENT", "subrosa", []);
        details.add_bad_request_violation("records[3].text", "must not be empty\u{1b}[2J");
        details.set_retry_info(Some(Duration::from_millis(200)));
        let error = Status::with_error_details(Code::InvalidArgument, "a record has no content", details).into();
        assert_eq!(
            printed(&error, Output::Human),
            "error: EMPTY_CONTENT: a record has no content\n  field records[3].text: must not be empty\\u{1b}[2J\n  \
             try again after 200 ms\n  what to do: docs/errors/EMPTY_CONTENT.md\n"
        );
        let json: serde_json::Value = serde_json::from_str(&printed(&error, Output::Json)).unwrap();
        assert_eq!(json["error"]["reason"], "EMPTY_CONTENT");
        assert_eq!(json["error"]["exit_code"], 1);
    }

    #[test]
    fn a_reason_that_is_a_path_names_no_page() {
        let details = ErrorDetails::with_error_info("../../etc/passwd", "subrosa", []);
        let error = Status::with_error_details(Code::NotFound, "gone", details).into();
        assert_eq!(printed(&error, Output::Human), "error: NotFound: gone\n");
    }
}
