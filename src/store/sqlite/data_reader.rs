//! The read half of the data store. Each statement is one short read transaction; none stays open between two calls.

use rusqlite::{Connection, Row};

use super::control::{prefix, tenant_number as number};
use super::conversation_query;
use super::data_writer::{INDEX_BITS, forgettable, heads};
use super::error::corrupt;
use super::open::Reader;
use super::rows::{all, bounded, checkpoint, coded, column, first, json, log, maybe_word, time, unsigned, up_to, word};
use crate::audit::Hash;
use crate::domain::{
    AuthorRole, ConversationId, ConversationState, Day, PolicyKind, RecordKind, TenantId, TenantState, Timestamp,
};
use crate::store::data::{ConversationQuery, DataReader, Listed, PageKey, StoredConversation, StoredRecord};
use crate::store::error::StoreError;
use crate::store::rows::{
    CheckpointRow, EntryRow, KeyActRow, LogHead, LogId, OpenReadRow, PolicyRow, RememberedRequest, StreamRow, TenantRow,
};

/// `vault.db`, for reading.
pub(super) struct SqliteDataReader {
    reader: Reader,
}

impl SqliteDataReader {
    pub(super) fn new(reader: Reader) -> Self {
        Self { reader }
    }

    fn conn(&self) -> &Connection {
        &self.reader.conn
    }
}

/// Records of the conversation ?1 of the tenant ?2.
macro_rules! records {
    () => {
        "SELECT r.sequence, r.dek_id, b.received_at, b.author_role, b.kind, b.policy_version, b.size_class,
            b.sealed FROM records r LEFT JOIN bodies b ON b.id = r.body
            WHERE r.conversation =
                (SELECT c.id FROM conversations c JOIN tenants t ON t.id = c.tenant WHERE c.uuid = ?1 AND t.name = ?2)"
    };
}

impl DataReader for SqliteDataReader {
    fn conversation(
        &mut self,
        tenant: &TenantId,
        id: &ConversationId,
    ) -> Result<Option<StoredConversation>, StoreError> {
        conversation(self.conn(), tenant, id)
    }

    fn dialogue(&mut self, id: &ConversationId) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let sql = "SELECT dialogue_sequence, dialogue FROM conversations WHERE uuid = ?1 AND dialogue <> x''";
        first(self.conn(), sql, [id.as_bytes()], |row| Ok((unsigned(row, 0)?, column(row, 1)?)))
    }

    fn conversations(
        &mut self,
        tenant: &TenantId,
        query: &ConversationQuery,
        after: Option<PageKey>,
        limit: usize,
    ) -> Result<Listed, StoreError> {
        conversation_query::list(self.conn(), tenant, query, after, limit)
    }

    fn records(
        &mut self,
        tenant: &TenantId,
        id: &ConversationId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let sql = concat!(records!(), " AND r.sequence > ?3 ORDER BY r.sequence LIMIT ?4");
        let after = i64::try_from(after_sequence).unwrap_or(i64::MAX);
        let scope = (id.as_bytes(), tenant.as_str(), after, bounded(limit));
        up_to(self.conn(), sql, scope, record, |row| row.sealed.len(), RECORD_BYTES)
    }

    fn records_under(
        &mut self,
        tenant: &TenantId,
        id: &ConversationId,
        dek_id: u64,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let sql = concat!(records!(), " AND r.sequence > ?3 AND r.dek_id = ?5 ORDER BY r.sequence LIMIT ?4");
        let after = i64::try_from(after_sequence).unwrap_or(i64::MAX);
        let scope = (id.as_bytes(), tenant.as_str(), after, bounded(limit), dek_id.cast_signed());
        up_to(self.conn(), sql, scope, record, |row| row.sealed.len(), RECORD_BYTES)
    }

    fn sealed_under(
        &mut self,
        tenant: &TenantId,
        id: &ConversationId,
        dek_ids: &[u64],
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let sql = "SELECT max(sequence), count(*) FROM records WHERE dek_id = ?3 AND conversation =
            (SELECT c.id FROM conversations c JOIN tenants t ON t.id = c.tenant WHERE c.uuid = ?1 AND t.name = ?2)";
        let mut sum: Option<(u64, u64)> = None;
        for dek_id in dek_ids {
            let scope = (id.as_bytes(), tenant.as_str(), dek_id.cast_signed());
            let found = first(self.conn(), sql, scope, |row| {
                Ok((column::<Option<i64>>(row, 0)?.map(i64::cast_unsigned), unsigned(row, 1)?))
            })?;
            if let Some((Some(highest), rows)) = found {
                let (before, counted) = sum.unwrap_or((0, 0));
                sum = Some((before.max(highest), counted + rows));
            }
        }
        Ok(sum)
    }

    fn tenant(&mut self, id: &TenantId) -> Result<Option<TenantRow>, StoreError> {
        first(self.conn(), "SELECT name, state, create_time FROM tenants WHERE name = ?1", [id.as_str()], tenant)
    }

    fn tenants(&mut self, after: Option<&TenantId>, limit: usize) -> Result<Vec<TenantRow>, StoreError> {
        let sql = "SELECT name, state, create_time FROM tenants WHERE name > ?1 ORDER BY name LIMIT ?2";
        all(self.conn(), sql, (after.map_or("", TenantId::as_str), bounded(limit)), tenant)
    }

    fn policy(
        &mut self,
        tenant: &TenantId,
        kind: PolicyKind,
        version: Option<u32>,
    ) -> Result<Option<PolicyRow>, StoreError> {
        let sql = "SELECT p.version, p.create_time, p.document FROM policies p JOIN tenants t ON t.id = p.tenant
            WHERE t.name = ?1 AND p.kind = ?2 AND (?3 IS NULL OR p.version = ?3) ORDER BY p.version DESC LIMIT 1";
        first(self.conn(), sql, (tenant.as_str(), kind.code(), version), |row| policy(tenant, kind, row))
    }

    fn policies(
        &mut self,
        tenant: &TenantId,
        kind: PolicyKind,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<PolicyRow>, StoreError> {
        let sql = "SELECT p.version, p.create_time, p.document FROM policies p JOIN tenants t ON t.id = p.tenant
            WHERE t.name = ?1 AND p.kind = ?2 AND p.version < ?3 ORDER BY p.version DESC LIMIT ?4";
        let before = before.map_or(i64::MAX, i64::from);
        all(self.conn(), sql, (tenant.as_str(), kind.code(), before, bounded(limit)), |row| policy(tenant, kind, row))
    }

    fn request(&mut self, _: &TenantId, key: &[u8; 32]) -> Result<Option<RememberedRequest>, StoreError> {
        let sql = "SELECT body, answer, conversation, at FROM requests WHERE prefix = ?1 AND key = ?2";
        first(self.conn(), sql, (prefix(key), key), |row| {
            let conversation = column::<Option<[u8; 16]>>(row, 2)?.map(ConversationId::from_bytes);
            Ok(RememberedRequest {
                key: *key,
                body: column(row, 0)?,
                answer: column(row, 1)?,
                conversation,
                at: time(row, 3)?,
            })
        })
    }

    fn stream(&mut self, _: &TenantId, key: &[u8; 32]) -> Result<Option<StreamRow>, StoreError> {
        let sql = "SELECT conversation, client_sequence, last_sequence, at FROM streams WHERE key = ?1";
        first(self.conn(), sql, [key], |row| {
            Ok(StreamRow {
                key: *key,
                conversation: ConversationId::from_bytes(column(row, 0)?),
                client_sequence: unsigned(row, 1)?,
                last_sequence: unsigned(row, 2)?,
                at: time(row, 3)?,
            })
        })
    }

    fn entries(&mut self, log: &LogId, from: u64, limit: usize) -> Result<Vec<EntryRow>, StoreError> {
        let conn = self.conn();
        let find = "SELECT id FROM audit_logs WHERE name = ?1";
        let Some(number) = first(conn, find, [log.to_string()], |row| column::<i64>(row, 0))? else {
            return Ok(Vec::new());
        };
        let base = number << INDEX_BITS;
        let from = i64::try_from(from).unwrap_or(i64::MAX).min(INDEX_MASK);
        let sql = "SELECT id, canonical, commitments, leaf FROM audit_entries WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3";
        let weight = |row: &EntryRow| row.canonical.len() + row.commitments.len() * 32;
        up_to(conn, sql, (base | from, base | INDEX_MASK, bounded(limit)), entry, weight, ENTRY_BYTES)
    }

    fn heads(&mut self) -> Result<Vec<LogHead>, StoreError> {
        heads(self.conn())
    }

    fn checkpoint(&mut self, log: &LogId) -> Result<Option<CheckpointRow>, StoreError> {
        first(
            self.conn(),
            "SELECT log, size, note, at, frontier FROM checkpoints WHERE log = ?1",
            [log.to_string()],
            checkpoint,
        )
    }

    fn open_key_acts(&mut self) -> Result<Vec<KeyActRow>, StoreError> {
        all(self.conn(), "SELECT id, log, operation, detail, at FROM key_acts ORDER BY id", [], |row| {
            Ok(KeyActRow {
                id: column(row, 0)?,
                log: log(row, 1)?,
                operation: column(row, 2)?,
                detail: column(row, 3)?,
                at: time(row, 4)?,
            })
        })
    }

    fn open_reads(&mut self) -> Result<Vec<OpenReadRow>, StoreError> {
        all(self.conn(), "SELECT id, log, object, actor, actor_role, at FROM open_reads ORDER BY id", [], |row| {
            Ok(OpenReadRow {
                id: column(row, 0)?,
                log: log(row, 1)?,
                object: column(row, 2)?,
                actor: (column(row, 3)?, column(row, 4)?),
                at: time(row, 5)?,
            })
        })
    }

    fn forgettable(&mut self, before: Timestamp) -> Result<bool, StoreError> {
        forgettable(self.conn(), before)
    }

    fn wal_bytes(&mut self) -> Result<u64, StoreError> {
        Ok(self.reader.wal_bytes())
    }
}

/// Returns the number that stands for a tenant in other tables.
pub(super) fn tenant_number(conn: &Connection, tenant: &TenantId) -> Result<Option<i64>, StoreError> {
    number(conn, tenant)
}

/// Returns a conversation of a tenant.
pub(super) fn conversation(
    conn: &Connection,
    tenant: &TenantId,
    id: &ConversationId,
) -> Result<Option<StoredConversation>, StoreError> {
    let sql = "SELECT c.state, c.create_time, c.last_record_time, c.next_sequence, c.expired_through, c.last_day,
        c.meta_version, c.bot, c.channel, c.labels, c.finding_classes, c.sealed_meta, c.reseals
        FROM conversations c JOIN tenants t ON t.id = c.tenant WHERE c.uuid = ?1 AND t.name = ?2";
    first(conn, sql, (id.as_bytes(), tenant.as_str()), |row| {
        Ok(StoredConversation {
            tenant: tenant.clone(),
            id: *id,
            state: coded(row, 0, ConversationState::from_code)?,
            create_time: time(row, 1)?,
            last_record_time: time(row, 2)?,
            next_sequence: unsigned(row, 3)?,
            expired_through: unsigned(row, 4)?,
            last_day: Day::from_number(column(row, 5)?),
            meta_version: unsigned(row, 6)?,
            bot: word(row, 7)?,
            channel: maybe_word(row, 8)?,
            labels: json(row, 9)?,
            finding_classes: json(row, 10)?,
            sealed_meta: column(row, 11)?,
            reseals: unsigned(row, 12)?,
        })
    })
}

/// Sealed bytes after which a read of records stops: a reading holds one such page for as long as its client is slow.
const RECORD_BYTES: usize = 128 * 1024;
/// Bytes after which a read of entries stops.
const ENTRY_BYTES: usize = 4 * 1024 * 1024;

const INDEX_MASK: i64 = (1 << INDEX_BITS) - 1;

fn record(row: &Row<'_>) -> Result<StoredRecord, StoreError> {
    let sealed = column::<Option<Vec<u8>>>(row, 7)?.ok_or_else(|| corrupt("a record without its body"))?;
    Ok(StoredRecord {
        sequence: unsigned(row, 0)?,
        dek_id: unsigned(row, 1)?,
        received_at: time(row, 2)?,
        author_role: coded(row, 3, AuthorRole::from_code)?,
        kind: coded(row, 4, RecordKind::from_code)?,
        policy_version: column(row, 5)?,
        size_class: column(row, 6)?,
        sealed,
    })
}

fn tenant(row: &Row<'_>) -> Result<TenantRow, StoreError> {
    Ok(TenantRow { id: word(row, 0)?, state: coded(row, 1, TenantState::from_code)?, create_time: time(row, 2)? })
}

fn policy(tenant: &TenantId, kind: PolicyKind, row: &Row<'_>) -> Result<PolicyRow, StoreError> {
    let (version, create_time, document) = (column(row, 0)?, time(row, 1)?, column(row, 2)?);
    Ok(PolicyRow { tenant: tenant.clone(), kind, version, create_time, document })
}

fn entry(row: &Row<'_>) -> Result<EntryRow, StoreError> {
    let commitments = row.get_ref(2)?.as_blob().map_err(|_| corrupt("commitments"))?;
    let (commitments, rest) = commitments.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(corrupt("commitments"));
    }
    Ok(EntryRow {
        index: (column::<i64>(row, 0)? & INDEX_MASK).cast_unsigned(),
        canonical: column(row, 1)?,
        commitments: commitments.to_vec(),
        leaf: Hash::from(column::<[u8; 32]>(row, 3)?),
    })
}
