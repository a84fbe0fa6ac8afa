//! Changes of requests, streams, tenants, policies, key acts and open reads. A refused change has changed nothing.

use rusqlite::Connection;

use super::data_writer::Stop;
use super::rows::{change, column, exists, first};
use crate::domain::{TenantId, TenantState, Timestamp};
use crate::store::error::{Refusal, StoreError};
use crate::store::rows::{KeyActRow, OpenReadRow, PolicyRow, RememberedRequest, StreamRow, TenantRow};

/// Returns the number that stands for a tenant in other tables.
pub(super) fn tenant_number(conn: &Connection, tenant: &TenantId) -> Result<Option<i64>, StoreError> {
    first(conn, "SELECT id FROM tenants WHERE name = ?1", [tenant.as_str()], |row| column(row, 0))
}

/// Returns what the index on requests holds of a key.
pub(super) fn prefix(key: &[u8; 32]) -> i64 {
    let mut prefix = [0; 8];
    prefix.copy_from_slice(&key[..8]);
    i64::from_be_bytes(prefix)
}

pub(super) fn remember(conn: &Connection, row: &RememberedRequest) -> Result<(), Stop> {
    let prefix = prefix(&row.key);
    if exists(conn, "SELECT 1 FROM requests WHERE prefix = ?1 AND key = ?2", (prefix, row.key))? {
        return Err(Refusal::Duplicate.into());
    }
    change(
        conn,
        "INSERT INTO requests (prefix, key, body, answer, conversation, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (prefix, row.key, row.body, &row.answer, row.conversation.as_ref().map(|id| id.as_bytes()), row.at.unix_ms()),
    )?;
    Ok(())
}

pub(super) fn advance(conn: &Connection, row: &StreamRow, previous: u64) -> Result<(), Stop> {
    let changed = change(
        conn,
        "INSERT INTO streams (key, conversation, client_sequence, last_sequence, at)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?6 = 0 OR EXISTS (SELECT 1 FROM streams WHERE key = ?1)
         ON CONFLICT (key) DO UPDATE SET client_sequence = ?3, last_sequence = ?4, at = ?5
         WHERE conversation = ?2 AND client_sequence = ?6",
        (
            row.key,
            row.conversation.as_bytes(),
            row.client_sequence.cast_signed(),
            row.last_sequence.cast_signed(),
            row.at.unix_ms(),
            previous.cast_signed(),
        ),
    )?;
    if changed == 0 { Err(Refusal::Conflict.into()) } else { Ok(()) }
}

pub(super) fn create_tenant(conn: &Connection, row: &TenantRow) -> Result<(), Stop> {
    let added = change(
        conn,
        "INSERT INTO tenants (name, state, create_time) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
        (row.id.as_str(), row.state.code(), row.create_time.unix_ms()),
    )?;
    if added == 0 { Err(Refusal::Exists.into()) } else { Ok(()) }
}

pub(super) fn set_tenant_state(conn: &Connection, tenant: &TenantId, state: TenantState) -> Result<(), Stop> {
    let sql = "UPDATE tenants SET state = ?2 WHERE name = ?1";
    found(change(conn, sql, (tenant.as_str(), state.code()))?)
}

pub(super) fn put_policy(conn: &Connection, row: &PolicyRow) -> Result<(), Stop> {
    let tenant = tenant_number(conn, &row.tenant)?.ok_or(Refusal::Missing)?;
    let sql = "SELECT coalesce(max(version), 0) FROM policies WHERE tenant = ?1 AND kind = ?2";
    let newest: Option<u32> = first(conn, sql, (tenant, row.kind.code()), |row| column(row, 0))?;
    if newest.and_then(|newest| newest.checked_add(1)) != Some(row.version) {
        return Err(Refusal::Conflict.into());
    }
    change(
        conn,
        "INSERT INTO policies (tenant, kind, version, create_time, document) VALUES (?1, ?2, ?3, ?4, ?5)",
        (tenant, row.kind.code(), row.version, row.create_time.unix_ms(), &row.document),
    )?;
    Ok(())
}

pub(super) fn begin_key_act(conn: &Connection, row: &KeyActRow) -> Result<(), Stop> {
    let added = change(
        conn,
        "INSERT INTO key_acts (id, log, operation, detail, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING",
        (row.id, row.log.to_string(), &row.operation, &row.detail, row.at.unix_ms()),
    )?;
    if added == 0 { Err(Refusal::Exists.into()) } else { Ok(()) }
}

pub(super) fn end_key_act(conn: &Connection, id: &[u8; 16]) -> Result<(), Stop> {
    found(change(conn, "DELETE FROM key_acts WHERE id = ?1", [id])?)
}

pub(super) fn open_read(conn: &Connection, row: &OpenReadRow) -> Result<(), Stop> {
    let (actor, role) = &row.actor;
    let added = change(
        conn,
        "INSERT INTO open_reads (id, log, object, actor, actor_role, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO NOTHING",
        (row.id, row.log.to_string(), &row.object, actor, role, row.at.unix_ms()),
    )?;
    if added == 0 { Err(Refusal::Exists.into()) } else { Ok(()) }
}

pub(super) fn close_read(conn: &Connection, id: &[u8; 16]) -> Result<(), Stop> {
    found(change(conn, "DELETE FROM open_reads WHERE id = ?1", [id])?)
}

pub(super) fn touch(conn: &Connection, at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO heartbeat (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1";
    change(conn, sql, [at.unix_ms()]).map(|_| ())
}

fn found(changed: usize) -> Result<(), Stop> {
    if changed == 0 { Err(Refusal::Missing.into()) } else { Ok(()) }
}
