//! From what SQLite answers to what a store answers. No SQL and no value goes into a message.

use rusqlite::{Error, ErrorCode};

use crate::store::error::StoreError;
use crate::store::fatal;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match (error.sqlite_error_code(), extended_code(&error)) {
            (Some(ErrorCode::DiskFull), _) => Self::DiskFull,
            (Some(ErrorCode::DatabaseCorrupt), _) => Self::Corrupt("the database is malformed".to_owned()),
            (Some(ErrorCode::NotADatabase), _) => Self::Corrupt("the file is not a database".to_owned()),
            (Some(ErrorCode::ReadOnly), _) => Self::Unavailable("the database is read-only".to_owned()),
            (Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied), Some(code)) => {
                Self::Unavailable(format!("the database cannot be opened (SQLite result code {code})"))
            }
            (Some(ErrorCode::SystemIoFailure), Some(code)) => {
                Self::Unavailable(format!("the disk failed (SQLite result code {code})"))
            }
            (Some(_), Some(code)) => Self::Unavailable(format!("SQLite result code {code}")),
            _ => Self::Corrupt("a column does not hold what it should".to_owned()),
        }
    }
}

/// Returns SQLite's extended result code, which tells an fsync from a write.
fn extended_code(error: &Error) -> Option<i32> {
    match error {
        Error::SqliteFailure(failure, _) => Some(failure.extended_code),
        Error::SqlInputError { error, .. } => Some(error.extended_code),
        _ => None,
    }
}

/// Turns the failure of a COMMIT or a checkpoint into an error when it is known that nothing was written, and else ends the
/// process: see [`fatal::end`].
pub(super) fn durable(what: &str, error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => error.into(),
        _ => fatal::end(what, &StoreError::from(error)),
    }
}

/// Says which stored thing does not decode.
pub(super) fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_neither_sql_nor_values() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE secret_table (a TEXT UNIQUE) STRICT; INSERT INTO secret_table VALUES ('jane')",
        )
        .unwrap();
        for sql in ["INSERT INTO secret_table VALUES ('jane')", "SELECT jane FROM secret_table", "rubbish jane"] {
            let error = StoreError::from(conn.execute(sql, []).unwrap_err());
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("jane") && !shown.contains("secret_table"), "{shown}");
        }
    }
}
