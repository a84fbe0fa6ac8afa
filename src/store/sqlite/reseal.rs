//! Records that are replaced by the same ones under another key. A refused change has changed nothing.

use rusqlite::Connection;

use super::conversations::{Current, add_finding_classes};
use super::data_writer::Stop;
use super::rows::{change, column, first};
use crate::domain::{ConversationId, TenantId};
use crate::store::error::{Refusal, StoreError};
use crate::store::rows::RecordRow;

/// What is replaced, and by what.
pub(super) struct Reseal<'a> {
    pub(super) from: u64,
    pub(super) rows: &'a [RecordRow],
    pub(super) finding_classes: &'a [String],
    pub(super) first: bool,
}

pub(super) fn reseal(conn: &Connection, tenant: &TenantId, id: &ConversationId, new: &Reseal<'_>) -> Result<(), Stop> {
    let current = Current::find(conn, tenant, id)?;
    let mut bodies = Vec::with_capacity(new.rows.len());
    for row in new.rows {
        bodies.push(body(conn, current.number, new.from, row.sequence)?);
    }
    if new.first {
        change(conn, "UPDATE conversations SET reseals = reseals + 1 WHERE id = ?1", [current.number])?;
    }
    for (row, body) in new.rows.iter().zip(bodies) {
        replace(conn, current.number, body, row)?;
    }
    if !new.finding_classes.is_empty() {
        add_finding_classes(conn, current, new.finding_classes)?;
    }
    Ok(())
}

fn body(conn: &Connection, conversation: i64, from: u64, sequence: u64) -> Result<i64, Stop> {
    let find = "SELECT body FROM records WHERE conversation = ?1 AND sequence = ?2 AND dek_id = ?3";
    let scope = (conversation, sequence.cast_signed(), from.cast_signed());
    Ok(first(conn, find, scope, |row| column::<i64>(row, 0))?.ok_or(Refusal::Conflict)?)
}

fn replace(conn: &Connection, conversation: i64, body: i64, row: &RecordRow) -> Result<(), StoreError> {
    let sql = "UPDATE bodies SET policy_version = ?2, size_class = ?3, sealed = ?4 WHERE id = ?1";
    change(conn, sql, (body, row.policy_version, row.size_class, row.sealed.as_bytes()))?;
    let sql = "UPDATE records SET dek_id = ?3 WHERE conversation = ?1 AND sequence = ?2";
    change(conn, sql, (conversation, row.sequence.cast_signed(), row.dek_id.cast_signed()))?;
    Ok(())
}
