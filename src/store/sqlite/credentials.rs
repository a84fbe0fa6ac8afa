//! Changes of API keys and the pseudonyms of their principals. A refused change may have changed something.

use rusqlite::Connection;

use super::data_writer::Stop;
use super::key_changes::unless;
use super::rows::{change, column, exists, first, to_json};
use crate::domain::{PrincipalId, Role, TenantId, Timestamp};
use crate::store::error::Refusal;
use crate::store::key_rows::ApiKeyRow;

/// Adds an API key and, for a new principal, its pseudonym.
pub(super) fn put(conn: &Connection, row: &ApiKeyRow, most_live: usize, now: Timestamp) -> Result<(), Stop> {
    let there = "SELECT 1 FROM api_keys WHERE id = ?1";
    unless(exists(conn, there, [&row.id])?, Refusal::Exists)?;
    let live = "SELECT count(*) FROM api_keys WHERE principal = ?1 AND role = ?2 AND expire_time > ?3
        AND (revoke_time IS NULL OR revoke_time > ?3)";
    let count: Option<i64> =
        first(conn, live, (row.principal.as_str(), row.role.code(), now.unix_ms()), |row| column(row, 0))?;
    unless(
        count.and_then(|count| usize::try_from(count).ok()).is_none_or(|count| count >= most_live),
        Refusal::Exists,
    )?;
    put_principal(conn, &row.principal, &row.pseudonym)?;
    change(
        conn,
        "INSERT INTO api_keys (id, hash, principal, role, tenant, bots, create_time, expire_time, revoke_time)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            &row.id,
            row.hash,
            row.principal.as_str(),
            row.role.code(),
            row.tenant.as_ref().map(TenantId::as_str),
            to_json(&row.bots)?,
            row.create_time.unix_ms(),
            row.expire_time.unix_ms(),
            row.revoke_time.map(Timestamp::unix_ms),
        ),
    )?;
    Ok(())
}

/// Keeps that a certificate of a principal carries a role and, for a new principal, its pseudonym; the latest time counts.
pub(super) fn put_certificate_role(
    conn: &Connection,
    principal: &PrincipalId,
    pseudonym: &str,
    role: Role,
    expire_time: Timestamp,
) -> Result<(), Stop> {
    put_principal(conn, principal, pseudonym)?;
    change(
        conn,
        "INSERT INTO certificate_roles (principal, role, expire_time) VALUES (?1, ?2, ?3)
         ON CONFLICT (principal, role) DO UPDATE SET expire_time = max(expire_time, ?3)",
        (principal.as_str(), role.code(), expire_time.unix_ms()),
    )?;
    Ok(())
}

/// Adds a principal with its pseudonym; one that is there must have the same.
fn put_principal(conn: &Connection, principal: &PrincipalId, pseudonym: &str) -> Result<(), Stop> {
    let row = (principal.as_str(), pseudonym);
    change(conn, "INSERT INTO principals (name, pseudonym) VALUES (?1, ?2) ON CONFLICT DO NOTHING", row)?;
    let same = "SELECT 1 FROM principals WHERE name = ?1 AND pseudonym = ?2";
    unless(!exists(conn, same, row)?, Refusal::Conflict)
}

/// Revokes an API key; the earliest time counts.
pub(super) fn revoke(conn: &Connection, id: &str, at: Timestamp) -> Result<(), Stop> {
    let sql = "UPDATE api_keys SET revoke_time = min(coalesce(revoke_time, ?2), ?2) WHERE id = ?1";
    let found = change(conn, sql, (id, at.unix_ms()))?;
    unless(found == 0, Refusal::Missing)
}
