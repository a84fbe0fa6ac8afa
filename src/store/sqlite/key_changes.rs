//! Changes of the key store. A refused change may have changed something: its savepoint is undone.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::credentials;
use super::data_writer::Stop;
use super::rows::{change, column, exists, first, put_checkpoint};
use crate::domain::{ConversationId, KeyState, TenantId};
use crate::store::error::{Refusal, StoreError};
use crate::store::key_rows::{
    BucketId, BucketKind, BucketRow, ConversationKeyRow, EpochRow, HandleKind, LogKeyRow, RootSlotRow, SegmentRow,
    TenantKekRow, TenantKeyRow,
};
use crate::store::key_store::{KeyWrite, Rotation};

/// Makes one change.
pub(super) fn apply(conn: &Connection, write: &KeyWrite) -> Result<(), Stop> {
    match write {
        KeyWrite::PutEpoch(epoch, slots) => put_epoch(conn, epoch, slots),
        KeyWrite::PutLogKey(row) => put_log_key(conn, row),
        KeyWrite::CreateTenant(kek, key) => create_tenant(conn, kek, key),
        KeyWrite::PutBucket(row) => put_bucket(conn, row),
        KeyWrite::PutSegment(row) => put_segment(conn, row),
        KeyWrite::PutConversationKey(row) => put_conversation_key(conn, row),
        KeyWrite::PutHandle(tenant, kind, handle, id) => put_handle(conn, tenant, *kind, handle, id),
        KeyWrite::Rotate(rotation) => rotate(conn, rotation),
        KeyWrite::DestroyBuckets(ids) => ids.iter().try_for_each(|id| destroy_bucket(conn, *id)),
        KeyWrite::DropSegments { conversation, dek_ids, whole } => drop_segments(conn, conversation, dek_ids, *whole),
        KeyWrite::MarkAct(id) => simply(conn, "INSERT OR IGNORE INTO act_marks (id) VALUES (?1)", id),
        KeyWrite::ForgetAct(id) => simply(conn, "DELETE FROM act_marks WHERE id = ?1", id),
        KeyWrite::PutApiKey { row, most_live, now } => credentials::put(conn, row, *most_live, *now),
        KeyWrite::RevokeApiKey(id, at) => credentials::revoke(conn, id, *at),
        KeyWrite::PutCertificateRole { principal, pseudonym, role, expire_time } => {
            credentials::put_certificate_role(conn, principal, pseudonym, *role, *expire_time)
        }
        KeyWrite::PutCheckpoint(row) => Ok(put_checkpoint(conn, row)?),
        KeyWrite::PutMeta(key, value) => put_meta(conn, key, value),
    }
}

/// Returns the two columns that a bucket's kind is stored in.
pub(super) fn kind_columns(kind: BucketKind) -> (u8, i32) {
    match kind {
        BucketKind::Day(day) => (1, day.number()),
        BucketKind::Hold => (2, 0),
        BucketKind::Locked => (3, 0),
    }
}

fn put_epoch(conn: &Connection, row: &EpochRow, slots: &[RootSlotRow]) -> Result<(), Stop> {
    let put = change(
        conn,
        "INSERT INTO epochs (epoch, state, check_value, create_time) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (epoch) DO UPDATE SET state = ?2 WHERE check_value = ?3",
        (row.epoch, row.state.code(), row.check, row.create_time.unix_ms()),
    )?;
    if put == 0 || slots.iter().any(|slot| slot.epoch != row.epoch) {
        return Err(Refusal::Conflict.into());
    }
    for slot in slots {
        change(
            conn,
            "INSERT INTO root_slots (epoch, slot, kind, params, wrapped) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (epoch, slot) DO UPDATE SET kind = ?3, params = ?4, wrapped = ?5",
            (slot.epoch, slot.slot, &slot.kind, &slot.params, &slot.wrapped),
        )?;
    }
    Ok(())
}

fn put_log_key(conn: &Connection, row: &LogKeyRow) -> Result<(), Stop> {
    let added = change(
        conn,
        "INSERT INTO log_keys (version, epoch, wrapped, public) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        (row.version, row.epoch, &row.wrapped, row.public),
    )?;
    unless(added == 0, Refusal::Exists)
}

fn create_tenant(conn: &Connection, kek: &TenantKekRow, key: &TenantKeyRow) -> Result<(), Stop> {
    unless(exists(conn, "SELECT 1 FROM tenant_keks WHERE tenant = ?1", [kek.tenant.as_str()])?, Refusal::Exists)?;
    put_kek(conn, kek)?;
    put_tenant_key(conn, key)
}

fn put_kek(conn: &Connection, row: &TenantKekRow) -> Result<(), Stop> {
    change(
        conn,
        "INSERT INTO tenant_keks (tenant, version, state, epoch, wrapped, check_value, create_time)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            row.tenant.as_str(),
            row.version,
            row.state.code(),
            row.epoch,
            &row.wrapped,
            row.check,
            row.create_time.unix_ms(),
        ),
    )?;
    Ok(())
}

fn put_tenant_key(conn: &Connection, row: &TenantKeyRow) -> Result<(), Stop> {
    change(
        conn,
        "INSERT INTO tenant_keys (tenant, kind, kek_version, wrapped) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant, kind) DO UPDATE SET kek_version = ?3, wrapped = ?4",
        (row.tenant.as_str(), row.kind.code(), row.kek_version, &row.wrapped),
    )?;
    Ok(())
}

fn put_bucket(conn: &Connection, row: &BucketRow) -> Result<(), Stop> {
    let (kind, day) = kind_columns(row.kind);
    let tenant = row.tenant.as_str();
    let there = "SELECT 1 FROM buckets WHERE id = ?1
        UNION ALL SELECT 1 FROM buckets WHERE live = 1 AND tenant = ?2 AND kind = ?3 AND day = ?4";
    unless(exists(conn, there, (row.id.cast_signed(), tenant, kind, day))?, Refusal::Exists)?;
    unless(active_version(conn, &row.tenant)? != Some(row.kek_version), Refusal::Conflict)?;
    let wrapped = row.wrapped.as_ref().ok_or(Refusal::Missing)?;
    change(conn, "INSERT INTO bucket_wraps (wrapped) VALUES (?1)", [wrapped])?;
    change(
        conn,
        "INSERT INTO buckets (id, tenant, kind, day, kek_version, live, swept, check_value, wrap)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6, ?7)",
        (row.id.cast_signed(), tenant, kind, day, row.kek_version, row.check, conn.last_insert_rowid()),
    )?;
    Ok(())
}

fn put_segment(conn: &Connection, row: &SegmentRow) -> Result<(), Stop> {
    unless(!is_live(conn, row.bucket, &row.tenant)?, Refusal::Missing)?;
    let added = change(
        conn,
        "INSERT INTO segments (conversation, dek_id, bucket, wrapped) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        (row.conversation.as_bytes(), row.dek_id.cast_signed(), row.bucket.cast_signed(), &row.wrapped),
    )?;
    unless(added == 0, Refusal::Exists)
}

fn put_conversation_key(conn: &Connection, row: &ConversationKeyRow) -> Result<(), Stop> {
    unless(!is_live(conn, row.bucket, &row.tenant)?, Refusal::Missing)?;
    change(
        conn,
        "INSERT INTO conversation_keys (conversation, bucket, wrapped) VALUES (?1, ?2, ?3)
         ON CONFLICT (conversation) DO UPDATE SET bucket = ?2, wrapped = ?3",
        (row.conversation.as_bytes(), row.bucket.cast_signed(), &row.wrapped),
    )?;
    Ok(())
}

fn put_handle(
    conn: &Connection,
    tenant: &TenantId,
    kind: HandleKind,
    handle: &[u8; 32],
    id: &ConversationId,
) -> Result<(), Stop> {
    let row = (tenant.as_str(), kind.code(), handle, id.as_bytes());
    if kind == HandleKind::Reference {
        let other = "SELECT 1 FROM handles WHERE tenant = ?1 AND kind = ?2 AND handle = ?3 AND conversation <> ?4";
        unless(exists(conn, other, row)?, Refusal::Exists)?;
    }
    change(conn, "INSERT OR IGNORE INTO handles (tenant, kind, handle, conversation) VALUES (?1, ?2, ?3, ?4)", row)?;
    Ok(())
}

/// Replaces the active KEK and everything wrapped under it; what is replaced must be exactly what is there.
fn rotate(conn: &Connection, rotation: &Rotation) -> Result<(), Stop> {
    let kek = &rotation.kek;
    let active = active_version(conn, &kek.tenant)?.ok_or(Refusal::Missing)?;
    let newest: Option<u32> =
        first(conn, "SELECT max(version) FROM tenant_keks WHERE tenant = ?1", [kek.tenant.as_str()], |row| {
            column(row, 0)
        })?;
    let follows = newest.and_then(|newest| newest.checked_add(1)) == Some(kek.version);
    unless(!follows || kek.state != KeyState::Active, Refusal::Conflict)?;
    let retire = "UPDATE tenant_keks SET state = ?3 WHERE tenant = ?1 AND version = ?2";
    change(conn, retire, (kek.tenant.as_str(), active, KeyState::DecryptOnly.code()))?;
    put_kek(conn, kek)?;
    rewrap_buckets(conn, rotation)?;
    rewrap_tenant_keys(conn, rotation)
}

fn rewrap_buckets(conn: &Connection, rotation: &Rotation) -> Result<(), Stop> {
    let tenant = rotation.kek.tenant.as_str();
    let given: BTreeMap<BucketId, &[u8]> =
        rotation.buckets.iter().map(|(id, wrapped)| (*id, wrapped.as_slice())).collect();
    unless(given.len() != rotation.buckets.len(), Refusal::Conflict)?;
    let count = "SELECT count(*) FROM buckets WHERE tenant = ?1 AND live = 1";
    let live: Option<i64> = first(conn, count, [tenant], |row| column(row, 0))?;
    unless(live != i64::try_from(given.len()).ok(), Refusal::Conflict)?;
    for (id, wrapped) in given {
        let sql = "UPDATE buckets SET kek_version = ?3 WHERE id = ?1 AND tenant = ?2 AND live = 1 RETURNING wrap";
        let wrap = first(conn, sql, (id.cast_signed(), tenant, rotation.kek.version), |row| column::<i64>(row, 0))?;
        let wrap = wrap.ok_or(Refusal::Conflict)?;
        overwrite(conn, wrap, wrapped)?;
    }
    Ok(())
}

fn rewrap_tenant_keys(conn: &Connection, rotation: &Rotation) -> Result<(), Stop> {
    for key in &rotation.keys {
        unless(key.tenant != rotation.kek.tenant || key.kek_version != rotation.kek.version, Refusal::Conflict)?;
        put_tenant_key(conn, key)?;
    }
    let left = "SELECT 1 FROM tenant_keys WHERE tenant = ?1 AND kek_version <> ?2";
    unless(exists(conn, left, (rotation.kek.tenant.as_str(), rotation.kek.version))?, Refusal::Conflict)
}

/// Overwrites the wrap of a bucket in place; a bucket that is destroyed already stays so.
fn destroy_bucket(conn: &Connection, id: BucketId) -> Result<(), Stop> {
    let sql = "SELECT b.wrap, length(w.wrapped) FROM buckets b JOIN bucket_wraps w ON w.id = b.wrap WHERE b.id = ?1";
    let found = first(conn, sql, [id.cast_signed()], |row| Ok((column::<i64>(row, 0)?, column::<i64>(row, 1)?)))?;
    let (wrap, length) = found.ok_or(Refusal::Missing)?;
    overwrite(conn, wrap, &vec![0; usize::try_from(length).unwrap_or(0)])?;
    let sql =
        "UPDATE buckets SET live = 0, swept = NOT EXISTS (SELECT 1 FROM segments WHERE bucket = ?1) WHERE id = ?1";
    change(conn, sql, [id.cast_signed()])?;
    Ok(())
}

/// Replaces a wrap by one of the same length, which SQLite does within the cell.
fn overwrite(conn: &Connection, wrap: i64, wrapped: &[u8]) -> Result<(), Stop> {
    let sql = "UPDATE bucket_wraps SET wrapped = ?2 WHERE id = ?1 AND length(wrapped) = length(?2)";
    let changed = change(conn, sql, (wrap, wrapped))?;
    unless(changed == 0, Refusal::Conflict)
}

fn drop_segments(conn: &Connection, id: &ConversationId, dek_ids: &[u64], whole: bool) -> Result<(), Stop> {
    for dek_id in dek_ids {
        // In place, as SQLite writes a value of the same length: what a page keeps of a deleted row is zeros.
        let sql = "UPDATE segments SET wrapped = zeroblob(length(wrapped)) WHERE conversation = ?1 AND dek_id = ?2";
        change(conn, sql, (id.as_bytes(), dek_id.cast_signed()))?;
        let sql = "DELETE FROM segments WHERE conversation = ?1 AND dek_id = ?2 RETURNING bucket";
        let bucket = first(conn, sql, (id.as_bytes(), dek_id.cast_signed()), |row| column::<i64>(row, 0))?;
        if let Some(bucket) = bucket {
            let sql = "UPDATE buckets SET swept = 1
                WHERE id = ?1 AND live = 0 AND NOT EXISTS (SELECT 1 FROM segments WHERE bucket = ?1)";
            change(conn, sql, [bucket])?;
        }
    }
    if whole {
        change(conn, "DELETE FROM conversation_keys WHERE conversation = ?1", [id.as_bytes()])?;
        change(conn, "DELETE FROM handles WHERE conversation = ?1", [id.as_bytes()])?;
    }
    Ok(())
}

fn put_meta(conn: &Connection, key: &str, value: &[u8]) -> Result<(), Stop> {
    change(
        conn,
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
        (key, value),
    )?;
    Ok(())
}

fn simply(conn: &Connection, sql: &str, id: &[u8; 16]) -> Result<(), Stop> {
    change(conn, sql, [id])?;
    Ok(())
}

fn active_version(conn: &Connection, tenant: &TenantId) -> Result<Option<u32>, StoreError> {
    let sql = "SELECT version FROM tenant_keks WHERE tenant = ?1 AND state = ?2 ORDER BY version DESC LIMIT 1";
    first(conn, sql, (tenant.as_str(), KeyState::Active.code()), |row| column(row, 0))
}

fn is_live(conn: &Connection, bucket: BucketId, tenant: &TenantId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM buckets WHERE id = ?1 AND tenant = ?2 AND live = 1";
    exists(conn, sql, (bucket.cast_signed(), tenant.as_str()))
}

/// Refuses when `wrong`.
pub(super) fn unless(wrong: bool, refusal: Refusal) -> Result<(), Stop> {
    if wrong { Err(refusal.into()) } else { Ok(()) }
}
