//! Changes of conversations and their records. A refused change has changed nothing.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row};

use super::control::tenant_number;
use super::data_writer::Stop;
use super::rows::{change, coded, column, exists, first, json, time, to_json, unsigned};
use crate::domain::{ConversationId, ConversationState, Day, Slug, TenantId, Timestamp};
use crate::sealing::Sealed;
use crate::store::error::{Refusal, StoreError};
use crate::store::rows::{ConversationRow, RecordRow};

/// What conversations are looked up by; the number is stored.
#[derive(Debug, Clone, Copy)]
pub(super) enum Term {
    Bot = 1,
    Channel = 2,
    Label = 3,
    FindingClass = 4,
}

/// What an update replaces.
pub(super) struct Change<'a> {
    pub(super) labels: &'a [Slug],
    pub(super) state: ConversationState,
    pub(super) sealed_meta: &'a Sealed,
    pub(super) meta_version: u64,
}

/// What an append adds.
pub(super) struct Batch<'a> {
    pub(super) rows: &'a [RecordRow],
    pub(super) finding_classes: &'a [String],
    pub(super) last_day: Day,
    pub(super) reseals: u64,
    pub(super) dialogue: Option<&'a Sealed>,
}

pub(super) fn create(conn: &Connection, row: &ConversationRow) -> Result<(), Stop> {
    let tenant = tenant_number(conn, &row.tenant)?.ok_or(Refusal::Missing)?;
    if exists(conn, "SELECT 1 FROM conversations WHERE uuid = ?1", [row.id.as_bytes()])? {
        return Err(Refusal::Exists.into());
    }
    let insert = "INSERT INTO conversations (tenant, uuid, state, create_time, last_record_time, next_sequence,
        expired_through, last_day, meta_version, bot, channel, labels, finding_classes, sealed_meta, reseals)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    conn.prepare_cached(insert)?.execute(rusqlite::params![
        tenant,
        row.id.as_bytes(),
        row.state.code(),
        row.create_time.unix_ms(),
        row.last_record_time.unix_ms(),
        row.next_sequence.cast_signed(),
        row.expired_through.cast_signed(),
        row.last_day.number(),
        row.meta_version.cast_signed(),
        row.bot.as_str(),
        row.channel.as_ref().map(Slug::as_str),
        to_json(&row.labels)?,
        to_json(&row.finding_classes)?,
        row.sealed_meta.as_bytes(),
        row.reseals.cast_signed(),
    ])?;
    let place = Place { tenant, uuid: row.id, create_time: row.create_time };
    place.add(conn, Term::Bot, [row.bot.as_str()])?;
    place.add(conn, Term::Channel, row.channel.iter().map(Slug::as_str))?;
    place.add(conn, Term::Label, row.labels.iter().map(Slug::as_str))?;
    place.add(conn, Term::FindingClass, row.finding_classes.iter().map(String::as_str))?;
    Ok(())
}

pub(super) fn append(conn: &Connection, tenant: &TenantId, id: &ConversationId, new: &Batch<'_>) -> Result<(), Stop> {
    let &Batch { rows, finding_classes, last_day, reseals, dialogue } = new;
    let Some(last) = rows.last() else { return Err(Refusal::Conflict.into()) };
    let (first_sequence, next) = (rows[0].sequence, last.sequence.saturating_add(1));
    if !rows.iter().map(|row| row.sequence).eq(first_sequence..next) {
        return Err(Refusal::Conflict.into());
    }
    // Not `UPDATE ... RETURNING`: that opens a statement journal, which copies every page it touches.
    let find = "SELECT id, state, next_sequence, reseals FROM conversations
        WHERE uuid = ?1 AND tenant = (SELECT id FROM tenants WHERE name = ?2)";
    let found = first(conn, find, (id.as_bytes(), tenant.as_str()), |row| {
        let end = (unsigned(row, 2)?, unsigned(row, 3)?);
        Ok((column::<i64>(row, 0)?, coded(row, 1, ConversationState::from_code)?, end))
    })?;
    let (number, state, end) = found.ok_or(Refusal::Missing)?;
    if state != ConversationState::Open {
        return Err(Refusal::NotOpen.into());
    }
    if end != (first_sequence, reseals) {
        return Err(Refusal::Conflict.into());
    }
    change(
        conn,
        "UPDATE conversations SET next_sequence = ?2, last_record_time = ?3, last_day = max(last_day, ?4) WHERE id = ?1",
        (number, next.cast_signed(), last.received_at.unix_ms(), last_day.number()),
    )?;
    insert_records(conn, number, rows)?;
    if let Some(dialogue) = dialogue {
        let sql = "UPDATE conversations SET dialogue = ?2, dialogue_sequence = ?3 WHERE id = ?1";
        change(conn, sql, (number, dialogue.as_bytes(), last.sequence.cast_signed()))?;
    }
    if !finding_classes.is_empty() {
        add_finding_classes(conn, Current::find(conn, tenant, id)?, finding_classes)?;
    }
    Ok(())
}

pub(super) fn update(conn: &Connection, tenant: &TenantId, id: &ConversationId, new: &Change<'_>) -> Result<(), Stop> {
    let current = Current::find(conn, tenant, id)?;
    if current.state == ConversationState::Expired {
        return Err(Refusal::NotOpen.into());
    }
    if current.meta_version.checked_add(1) != Some(new.meta_version) {
        return Err(Refusal::Conflict.into());
    }
    let labels: BTreeSet<&str> = new.labels.iter().map(Slug::as_str).collect();
    change(
        conn,
        "UPDATE conversations SET labels = ?2, state = ?3, sealed_meta = ?4, meta_version = ?5 WHERE id = ?1",
        (
            current.number,
            to_json(&labels)?,
            new.state.code(),
            new.sealed_meta.as_bytes(),
            new.meta_version.cast_signed(),
        ),
    )?;
    let had: BTreeSet<&str> = current.labels.iter().map(String::as_str).collect();
    current.place.remove(conn, Term::Label, had.difference(&labels).copied())?;
    current.place.add(conn, Term::Label, labels.difference(&had).copied())?;
    Ok(())
}

pub(super) fn expire(
    conn: &Connection,
    tenant: &TenantId,
    id: &ConversationId,
    dek_ids: &[u64],
    through: u64,
    expired: bool,
) -> Result<(), Stop> {
    let current = Current::find(conn, tenant, id)?;
    for dek_id in dek_ids {
        let scope = (current.number, through.cast_signed(), dek_id.cast_signed());
        change(
            conn,
            "DELETE FROM bodies WHERE id IN
             (SELECT body FROM records WHERE conversation = ?1 AND sequence <= ?2 AND dek_id = ?3)",
            scope,
        )?;
        change(conn, "DELETE FROM records WHERE conversation = ?1 AND sequence <= ?2 AND dek_id = ?3", scope)?;
    }
    let sql = "UPDATE conversations SET expired_through = max(expired_through, ?2) WHERE id = ?1";
    change(conn, sql, (current.number, through.cast_signed()))?;
    if expired {
        forget_all_but_the_id(conn, &current)?;
    }
    Ok(())
}

fn forget_all_but_the_id(conn: &Connection, current: &Current) -> Result<(), StoreError> {
    change(
        conn,
        "UPDATE conversations SET state = ?2, channel = NULL, labels = '[]', finding_classes = '[]', sealed_meta = x'',
         dialogue = x'', dialogue_sequence = 0 WHERE id = ?1",
        (current.number, ConversationState::Expired.code()),
    )?;
    current.place.remove(conn, Term::Bot, [current.bot.as_str()])?;
    current.place.remove(conn, Term::Channel, current.channel.iter().map(String::as_str))?;
    current.place.remove(conn, Term::Label, current.labels.iter().map(String::as_str))?;
    current.place.remove(conn, Term::FindingClass, current.finding_classes.iter().map(String::as_str))?;
    let uuid = current.place.uuid.as_bytes();
    change(conn, "DELETE FROM requests WHERE conversation = ?1", [uuid])?;
    change(conn, "DELETE FROM streams WHERE conversation = ?1", [uuid])?;
    Ok(())
}

fn insert_records(conn: &Connection, conversation: i64, rows: &[RecordRow]) -> Result<(), StoreError> {
    let mut body = conn.prepare_cached(
        "INSERT INTO bodies (received_at, author_role, kind, policy_version, size_class, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut place =
        conn.prepare_cached("INSERT INTO records (conversation, sequence, body, dek_id) VALUES (?1, ?2, ?3, ?4)")?;
    for row in rows {
        body.execute((
            row.received_at.unix_ms(),
            row.author_role.code(),
            row.kind.code(),
            row.policy_version,
            row.size_class,
            row.sealed.as_bytes(),
        ))?;
        place.execute((
            conversation,
            row.sequence.cast_signed(),
            conn.last_insert_rowid(),
            row.dek_id.cast_signed(),
        ))?;
    }
    Ok(())
}

pub(super) fn add_finding_classes(conn: &Connection, current: Current, found: &[String]) -> Result<(), StoreError> {
    let new: BTreeSet<&String> = found.iter().filter(|class| !current.finding_classes.contains(*class)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let every: BTreeSet<&String> = new.iter().copied().chain(&current.finding_classes).collect();
    let sql = "UPDATE conversations SET finding_classes = ?2 WHERE id = ?1";
    change(conn, sql, (current.number, to_json(&every)?))?;
    current.place.add(conn, Term::FindingClass, new.into_iter().map(String::as_str))
}

/// A conversation as it is before a change.
pub(super) struct Current {
    pub(super) number: i64,
    place: Place,
    state: ConversationState,
    meta_version: u64,
    bot: String,
    channel: Option<String>,
    labels: BTreeSet<String>,
    finding_classes: BTreeSet<String>,
}

impl Current {
    pub(super) fn find(conn: &Connection, tenant: &TenantId, id: &ConversationId) -> Result<Self, Stop> {
        let sql = "SELECT c.id, c.tenant, c.create_time, c.state, c.meta_version, c.bot, c.channel,
            c.labels, c.finding_classes FROM conversations c JOIN tenants t ON t.id = c.tenant
            WHERE c.uuid = ?1 AND t.name = ?2";
        let found = first(conn, sql, (id.as_bytes(), tenant.as_str()), |row| Self::decode(*id, row))?;
        found.ok_or(Stop::Refused(Refusal::Missing))
    }

    fn decode(uuid: ConversationId, row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: column(row, 0)?,
            place: Place { tenant: column(row, 1)?, create_time: time(row, 2)?, uuid },
            state: coded(row, 3, ConversationState::from_code)?,
            meta_version: unsigned(row, 4)?,
            bot: column(row, 5)?,
            channel: column(row, 6)?,
            labels: json(row, 7)?,
            finding_classes: json(row, 8)?,
        })
    }
}

/// Where a conversation stands in the lists that it is looked up by.
struct Place {
    tenant: i64,
    uuid: ConversationId,
    create_time: Timestamp,
}

impl Place {
    fn add<'a>(
        &self,
        conn: &Connection,
        kind: Term,
        terms: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO conversation_terms (tenant, kind, term, create_time, uuid) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.each(conn, sql, kind, terms)
    }

    fn remove<'a>(
        &self,
        conn: &Connection,
        kind: Term,
        terms: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM conversation_terms
            WHERE tenant = ?1 AND kind = ?2 AND term = ?3 AND create_time = ?4 AND uuid = ?5";
        self.each(conn, sql, kind, terms)
    }

    fn each<'a>(
        &self,
        conn: &Connection,
        sql: &str,
        kind: Term,
        terms: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        for term in terms {
            let row = (self.tenant, kind as u8, term, self.create_time.unix_ms(), self.uuid.as_bytes());
            change(conn, sql, row)?;
        }
        Ok(())
    }
}
