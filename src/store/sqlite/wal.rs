//! Keeping the write-ahead log small, and emptying it when deleted bytes must go.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, ErrorCode};

use super::error::durable;
use super::guard::{Guard, beside};
use crate::store::error::StoreError;

/// Bytes in the log at which it is copied back, on the writer's own thread: a thread of its own would starve.
const CHECKPOINT_AT: u64 = 16 * 1024 * 1024;
/// Bytes at which the writer waits for readers to leave the log, so that it can start over.
const TRUNCATE_AT: u64 = 4 * CHECKPOINT_AT;
/// How often a scrub is tried; each try waits for readers as long as the connection's busy timeout.
const SCRUB_TRIES: usize = 5;

/// Counts what is in the log of one writer connection.
pub(super) struct Wal {
    pages: Arc<AtomicU64>,
    page_size: u64,
    guard: Arc<Guard>,
}

/// How a checkpoint ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checkpoint {
    /// All that was asked for.
    Done,
    /// A reader was in the way.
    Busy,
}

impl Wal {
    /// Starts to count the pages that `conn` commits.
    pub(super) fn watch(conn: &mut Connection, guard: Arc<Guard>) -> Result<Self, StoreError> {
        let page_size: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&pages);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            count.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, page_size: page_size.unsigned_abs(), guard })
    }

    /// Copies the log back when it has grown; called between transactions.
    pub(super) fn between(&self, conn: &Connection) {
        let result = match self.pages.load(Ordering::Relaxed) * self.page_size {
            0..CHECKPOINT_AT => return,
            CHECKPOINT_AT..TRUNCATE_AT => {
                self.guard.while_writing(|| checkpoint(conn, "PRAGMA wal_checkpoint(PASSIVE)"))
            }
            _ => self.truncate(conn),
        };
        if let Err(error) = result {
            tracing::warn!(%error, "the write-ahead log was not copied back");
        }
    }

    /// Copies the log back and cuts it to nothing.
    pub(super) fn truncate(&self, conn: &Connection) -> Result<Checkpoint, StoreError> {
        self.guard.while_writing(|| truncate(conn))
    }

    /// Truncates the log, trying as often as is reasonable.
    pub(super) fn scrub(&self, conn: &Connection) -> Checkpoint {
        for _ in 0..SCRUB_TRIES {
            match self.truncate(conn) {
                Ok(Checkpoint::Done) => return Checkpoint::Done,
                Ok(Checkpoint::Busy) => {}
                Err(error) => tracing::warn!(%error, "the write-ahead log was not truncated"),
            }
        }
        Checkpoint::Busy
    }
}

/// Copies the log of a writer that ends back into its database. SQLite does so too when the last connection closes, but the process may
/// end before a reader's does, and with it a log whose name is gone.
pub(super) fn finish(conn: &Connection, guard: &Guard) {
    let busy = guard.last_writing(|| conn.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, i64>(0)));
    if !matches!(busy, Ok(0)) {
        tracing::warn!("the write-ahead log was not copied back at the end; the next start does it");
    }
}

/// Copies the log back and cuts it to nothing, before anything is watched.
pub(super) fn truncate(conn: &Connection) -> Result<Checkpoint, StoreError> {
    checkpoint(conn, "PRAGMA wal_checkpoint(TRUNCATE)")
}

/// Returns the size of the log's file, in bytes.
pub(super) fn bytes(database: &Path) -> u64 {
    std::fs::metadata(beside(database, "-wal")).map_or(0, |file| file.len())
}

fn checkpoint(conn: &Connection, sql: &str) -> Result<Checkpoint, StoreError> {
    let busy = conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    match busy {
        Ok(0) => Ok(Checkpoint::Done),
        Ok(_) => Ok(Checkpoint::Busy),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(Checkpoint::Busy),
        Err(error) => Err(durable("checkpoint", error)),
    }
}
