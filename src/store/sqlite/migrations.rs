//! The formats of the two databases, and how an older one becomes the present one.

use rusqlite::{Connection, TransactionBehavior};

use super::error::corrupt;
use crate::store::error::StoreError;

/// A kind of database.
pub(super) struct Kind {
    /// SQLite's `application_id`, so that one database is not taken for the other.
    pub(super) application_id: i32,
    /// What it is called in messages.
    pub(super) name: &'static str,
    /// Whether deleted bytes are overwritten.
    pub(super) secure_delete: bool,
    /// What makes format n + 1 of format n; SQLite's `user_version` holds the format. Never change one, add one.
    pub(super) migrations: &'static [&'static str],
}

pub(super) const DATA: Kind = Kind {
    application_id: i32::from_be_bytes(*b"SrDa"),
    name: "data store",
    secure_delete: false,
    migrations: &[
        include_str!("data_1.sql"),
        include_str!("data_2.sql"),
        include_str!("data_3.sql"),
        include_str!("data_4.sql"),
    ],
};

pub(super) const KEYS: Kind = Kind {
    application_id: i32::from_be_bytes(*b"SrKe"),
    name: "key store",
    secure_delete: true,
    migrations: &[include_str!("keys_1.sql"), include_str!("keys_2.sql")],
};

impl Kind {
    /// Refuses a database that is of another kind or of a newer format.
    pub(super) fn check(&self, conn: &Connection) -> Result<(), StoreError> {
        let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if id != self.application_id {
            return Err(corrupt(&format!("the file is no {}", self.name)));
        }
        let (found, known) = (format(conn)?, self.known());
        if found > known { Err(StoreError::Format { found, known }) } else { Ok(()) }
    }

    /// Brings the database to the newest format, in one transaction.
    pub(super) fn migrate(&self, conn: &mut Connection) -> Result<(), StoreError> {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for version in format(&tx)? + 1..=self.known() {
            tx.execute_batch(self.migrations[version as usize - 1])?;
            tx.execute("INSERT INTO migrations (version, program) VALUES (?1, ?2)", (version, PROGRAM))?;
            tx.pragma_update(None, "user_version", version)?;
            tx.pragma_update(None, "application_id", self.application_id)?;
        }
        tx.commit().map_err(|error| super::error::durable("migration", error))
    }

    fn known(&self) -> u32 {
        u32::try_from(self.migrations.len()).unwrap_or(u32::MAX)
    }
}

fn format(conn: &Connection) -> Result<u32, StoreError> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// What wrote a format, for whoever looks into an old database.
const PROGRAM: &str = concat!("subrosa ", env!("CARGO_PKG_VERSION"));
