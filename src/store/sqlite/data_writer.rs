//! The write half of the data store.

use rusqlite::Connection;

use super::open::Writer;
use super::rows::{all, change, column, exists, first, log, put_checkpoint};
use super::{control, conversations, reseal};
use crate::domain::Timestamp;
use crate::store::commit::DataWriter;
use crate::store::error::{Refusal, StoreError};
use crate::store::rows::{EntryRow, LogHead, LogId};
use crate::store::work::{Chore, Mutation};

/// `vault.db`, for writing.
pub(super) struct SqliteDataWriter {
    writer: Writer,
}

impl SqliteDataWriter {
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer }
    }

    #[cfg(test)]
    pub(super) fn conn(&self) -> &Connection {
        &self.writer.conn
    }
}

impl DataWriter for SqliteDataWriter {
    fn heads(&mut self) -> Result<Vec<LogHead>, StoreError> {
        heads(&self.writer.conn)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.writer.begin()
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.writer.savepoint()
    }

    fn apply(&mut self, mutation: &Mutation) -> Result<Result<(), Refusal>, StoreError> {
        match apply(&self.writer.conn, mutation) {
            Ok(()) => Ok(Ok(())),
            Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn chore(&mut self, chore: &Chore) -> Result<(), StoreError> {
        match chore {
            Chore::Touch(at) => control::touch(&self.writer.conn, *at),
            Chore::PutCheckpoint(row) => put_checkpoint(&self.writer.conn, row),
            Chore::ForgetRequests(before) => forget(&self.writer.conn, *before),
        }
    }

    fn append(&mut self, log: &LogId, entries: &[EntryRow], head: &LogHead) -> Result<(), StoreError> {
        let conn = &self.writer.conn;
        let base = put_head(conn, log, &head.frontier)? << INDEX_BITS;
        let mut insert = conn
            .prepare_cached("INSERT INTO audit_entries (id, canonical, commitments, leaf) VALUES (?1, ?2, ?3, ?4)")?;
        for entry in entries {
            let id = base | entry.index.cast_signed();
            insert.execute((id, &entry.canonical, entry.commitments.as_flattened(), entry.leaf.as_bytes()))?;
        }
        Ok(())
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.writer.release()
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.writer.undo()
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.writer.commit()
    }

    fn rollback(&mut self) {
        self.writer.rollback();
    }

    fn between(&mut self) {
        self.writer.between();
    }
}

/// Why a change was not made.
pub(super) enum Stop {
    /// This change only.
    Refused(Refusal),
    /// Nothing can be changed now.
    Failed(StoreError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Bits of an audit entry's row id that hold its index; the rest holds the log's number.
pub(super) const INDEX_BITS: u32 = 40;

/// Reads the head of every log.
pub(super) fn heads(conn: &Connection) -> Result<Vec<LogHead>, StoreError> {
    all(conn, "SELECT name, frontier FROM audit_logs ORDER BY id", [], |row| {
        Ok(LogHead { log: log(row, 0)?, frontier: column(row, 1)? })
    })
}

fn apply(conn: &Connection, mutation: &Mutation) -> Result<(), Stop> {
    match mutation {
        Mutation::CreateConversation(row) => conversations::create(conn, row),
        Mutation::AppendRecords { tenant, conversation, rows, finding_classes, last_day, reseals, dialogue } => {
            let (last_day, reseals, dialogue) = (*last_day, *reseals, dialogue.as_ref());
            let new = conversations::Batch { rows, finding_classes, last_day, reseals, dialogue };
            conversations::append(conn, tenant, conversation, &new)
        }
        Mutation::ResealRecords { tenant, conversation, from, rows, finding_classes, first } => {
            let new = reseal::Reseal { from: *from, rows, finding_classes, first: *first };
            reseal::reseal(conn, tenant, conversation, &new)
        }
        Mutation::UpdateConversation { tenant, conversation, labels, state, sealed_meta, meta_version } => {
            let change = conversations::Change { labels, state: *state, sealed_meta, meta_version: *meta_version };
            conversations::update(conn, tenant, conversation, &change)
        }
        Mutation::ExpireRecords { tenant, conversation, dek_ids, through, expired } => {
            conversations::expire(conn, tenant, conversation, dek_ids, *through, *expired)
        }
        Mutation::RememberRequest(request) => control::remember(conn, request),
        Mutation::AdvanceStream { row, previous } => control::advance(conn, row, *previous),
        Mutation::CreateTenant(tenant) => control::create_tenant(conn, tenant),
        Mutation::SetTenantState(tenant, state) => control::set_tenant_state(conn, tenant, *state),
        Mutation::PutPolicy(policy) => control::put_policy(conn, policy),
        Mutation::BeginKeyAct(act) => control::begin_key_act(conn, act),
        Mutation::EndKeyAct(id) => control::end_key_act(conn, id),
        Mutation::OpenRead(read) => control::open_read(conn, read),
        Mutation::CloseRead(id) => control::close_read(conn, id),
    }
}

/// Replaces the head of a log, which may be new, and returns the log's number.
fn put_head(conn: &Connection, log: &LogId, frontier: &[u8]) -> Result<i64, StoreError> {
    let name = log.to_string();
    let known =
        first(conn, "UPDATE audit_logs SET frontier = ?2 WHERE name = ?1 RETURNING id", (&name, frontier), |row| {
            column(row, 0)
        })?;
    if let Some(id) = known {
        return Ok(id);
    }
    change(conn, "INSERT INTO audit_logs (name, frontier) VALUES (?1, ?2)", (&name, frontier))?;
    Ok(conn.last_insert_rowid())
}

/// The most requests, and the most streams, that one step of forgetting looks at.
const FORGET_ROWS: i64 = 5_000;

/// Forgets old requests, which lie in order of arrival, and idle streams: a bounded number of each. A row whose time is ahead
/// (the clock was set back) stays, and hides nothing behind it.
fn forget(conn: &Connection, before: Timestamp) -> Result<(), StoreError> {
    let requests = "DELETE FROM requests WHERE at < ?1 AND id IN (SELECT id FROM requests ORDER BY id LIMIT ?2)";
    change(conn, requests, (before.unix_ms(), FORGET_ROWS))?;
    let streams = "DELETE FROM streams WHERE key IN (SELECT key FROM streams WHERE at < ?1 ORDER BY at LIMIT ?2)";
    change(conn, streams, (before.unix_ms(), FORGET_ROWS))?;
    Ok(())
}

/// Tells whether [`forget`] would remove something.
pub(super) fn forgettable(conn: &Connection, before: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM streams WHERE at < ?1)
        OR EXISTS (SELECT 1 FROM (SELECT at FROM requests ORDER BY id LIMIT ?2) WHERE at < ?1)";
    exists(conn, sql, (before.unix_ms(), FORGET_ROWS))
}
