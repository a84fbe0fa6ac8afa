//! Small helpers between columns and values.

use std::str::FromStr;

use rusqlite::{Connection, Params, Row, types::FromSql};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::corrupt;
use crate::domain::Timestamp;
use crate::store::error::StoreError;
use crate::store::rows::{CheckpointRow, LogId};

/// Returns the first row of a query, decoded.
pub(super) fn first<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    decode: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(decode).transpose()
}

/// Returns every row of a query, decoded; the query bounds itself.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    decode: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut decoded = Vec::new();
    while let Some(row) = rows.next()? {
        decoded.push(decode(row)?);
    }
    Ok(decoded)
}

/// Returns the rows of a query, decoded, up to and with the one that brings what they weigh to `most`: at least one, when
/// there is one.
pub(super) fn up_to<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    decode: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    weight: impl Fn(&T) -> usize,
    most: usize,
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let (mut decoded, mut weighs) = (Vec::new(), 0);
    while weighs < most {
        let Some(row) = rows.next()? else { break };
        let row = decode(row)?;
        weighs += weight(&row);
        decoded.push(row);
    }
    Ok(decoded)
}

/// Runs a statement and returns how many rows it changed.
pub(super) fn change(conn: &Connection, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}

/// Tells whether a query has a row.
pub(super) fn exists(conn: &Connection, sql: &str, params: impl Params) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached(sql)?.exists(params)?)
}

/// Returns one column.
pub(super) fn column<T: FromSql>(row: &Row<'_>, index: usize) -> Result<T, StoreError> {
    Ok(row.get(index)?)
}

/// Returns a column that holds an unsigned number; SQLite has signed ones only, the bits are the same.
pub(super) fn unsigned(row: &Row<'_>, index: usize) -> Result<u64, StoreError> {
    Ok(row.get::<_, i64>(index)?.cast_unsigned())
}

/// Returns a column that holds a time.
pub(super) fn time(row: &Row<'_>, index: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_unix_ms(row.get(index)?))
}

/// Returns a column that holds a checked word.
pub(super) fn word<T: FromStr>(row: &Row<'_>, index: usize) -> Result<T, StoreError> {
    let text = row.get_ref(index)?.as_str().map_err(|_| corrupt("a word"))?;
    text.parse().map_err(|_| corrupt("a word"))
}

/// Returns a column that holds a checked word or nothing.
pub(super) fn maybe_word<T: FromStr>(row: &Row<'_>, index: usize) -> Result<Option<T>, StoreError> {
    match row.get_ref(index)?.as_str_or_null().map_err(|_| corrupt("a word"))? {
        Some(text) => text.parse().map(Some).map_err(|_| corrupt("a word")),
        None => Ok(None),
    }
}

/// Returns a column that holds the number of a word of a closed set.
pub(super) fn coded<T>(row: &Row<'_>, index: usize, from: fn(u8) -> Option<T>) -> Result<T, StoreError> {
    from(row.get(index)?).ok_or_else(|| corrupt("the number of a word"))
}

/// Returns a column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<T, StoreError> {
    let text = row.get_ref(index)?.as_str().map_err(|_| corrupt("a list"))?;
    serde_json::from_str(text).map_err(|_| corrupt("a list"))
}

/// Returns a column that holds the name of a log.
pub(super) fn log(row: &Row<'_>, index: usize) -> Result<LogId, StoreError> {
    let name = row.get_ref(index)?.as_str().map_err(|_| corrupt("the name of a log"))?;
    match name.strip_prefix("tenants/") {
        Some(tenant) => tenant.parse().map(LogId::Tenant).map_err(|_| corrupt("the name of a log")),
        None if name == "system" => Ok(LogId::System),
        None => Err(corrupt("the name of a log")),
    }
}

/// Returns `list` as JSON text.
pub(super) fn to_json(list: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|_| corrupt("a list"))
}

/// Returns a row limit as SQLite takes it, at most [`super::MAX_READ_ROWS`].
pub(super) fn bounded(limit: usize) -> i64 {
    i64::try_from(limit.min(super::MAX_READ_ROWS)).unwrap_or(0)
}

/// Keeps a checkpoint unless a newer one of its log is there; both databases have the table.
pub(super) fn put_checkpoint(conn: &Connection, row: &CheckpointRow) -> Result<(), StoreError> {
    change(
        conn,
        "INSERT INTO checkpoints (log, size, note, at, frontier) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (log) DO UPDATE SET size = ?2, note = ?3, at = ?4, frontier = ?5 WHERE size <= ?2",
        (row.log.to_string(), row.size.cast_signed(), &row.note, row.at.unix_ms(), &row.frontier),
    )?;
    Ok(())
}

/// Decodes log, size, note, time, frontier.
pub(super) fn checkpoint(row: &Row<'_>) -> Result<CheckpointRow, StoreError> {
    let (size, at) = (unsigned(row, 1)?, time(row, 3)?);
    Ok(CheckpointRow { log: log(row, 0)?, size, note: column(row, 2)?, at, frontier: column(row, 4)? })
}
