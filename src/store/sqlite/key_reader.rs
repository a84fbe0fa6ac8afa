//! The read half of the key store.

use rusqlite::{Connection, Row};

use super::error::corrupt;
use super::key_changes::kind_columns;
use super::open::Reader;
use super::rows::{all, bounded, checkpoint, coded, column, exists, first, json, maybe_word, time, unsigned, word};
use crate::domain::{ConversationId, Day, KeyState, PrincipalId, Role, TenantId, Timestamp};
use crate::store::error::StoreError;
use crate::store::key_rows::{
    ApiKeyRow, BucketId, BucketKind, BucketRow, ConversationKeyRow, EpochRow, HandleKind, LogKeyRow, RootSlotRow,
    SegmentRow, TenantKekRow, TenantKeyKind, TenantKeyRow,
};
use crate::store::key_store::KeyReader;
use crate::store::rows::{CheckpointRow, LogId};

/// `keys.db`, for reading.
pub(super) struct SqliteKeyReader {
    reader: Reader,
}

impl SqliteKeyReader {
    pub(super) fn new(reader: Reader) -> Self {
        Self { reader }
    }

    fn conn(&self) -> &Connection {
        &self.reader.conn
    }
}

impl KeyReader for SqliteKeyReader {
    fn meta(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        first(self.conn(), "SELECT value FROM meta WHERE key = ?1", [key], |row| column(row, 0))
    }

    fn root_slots(&mut self) -> Result<Vec<RootSlotRow>, StoreError> {
        let sql = "SELECT slot, kind, params, epoch, wrapped FROM root_slots ORDER BY epoch, slot";
        all(self.conn(), sql, [], |row| {
            Ok(RootSlotRow {
                slot: column(row, 0)?,
                kind: column(row, 1)?,
                params: column(row, 2)?,
                epoch: column(row, 3)?,
                wrapped: column(row, 4)?,
            })
        })
    }

    fn epochs(&mut self) -> Result<Vec<EpochRow>, StoreError> {
        all(self.conn(), "SELECT epoch, state, check_value, create_time FROM epochs ORDER BY epoch", [], |row| {
            Ok(EpochRow {
                epoch: column(row, 0)?,
                state: coded(row, 1, KeyState::from_code)?,
                check: column(row, 2)?,
                create_time: time(row, 3)?,
            })
        })
    }

    fn log_keys(&mut self) -> Result<Vec<LogKeyRow>, StoreError> {
        all(self.conn(), "SELECT version, epoch, wrapped, public FROM log_keys ORDER BY version", [], |row| {
            Ok(LogKeyRow {
                version: column(row, 0)?,
                epoch: column(row, 1)?,
                wrapped: column(row, 2)?,
                public: column(row, 3)?,
            })
        })
    }

    fn tenant_keks(&mut self, tenant: &TenantId) -> Result<Vec<TenantKekRow>, StoreError> {
        let sql = "SELECT version, state, epoch, wrapped, check_value, create_time FROM tenant_keks
            WHERE tenant = ?1 ORDER BY version";
        all(self.conn(), sql, [tenant.as_str()], |row| {
            Ok(TenantKekRow {
                tenant: tenant.clone(),
                version: column(row, 0)?,
                state: coded(row, 1, KeyState::from_code)?,
                epoch: column(row, 2)?,
                wrapped: column(row, 3)?,
                check: column(row, 4)?,
                create_time: time(row, 5)?,
            })
        })
    }

    fn tenant_key(&mut self, tenant: &TenantId, kind: TenantKeyKind) -> Result<Option<TenantKeyRow>, StoreError> {
        let sql = "SELECT kek_version, wrapped FROM tenant_keys WHERE tenant = ?1 AND kind = ?2";
        first(self.conn(), sql, (tenant.as_str(), kind.code()), |row| {
            let (kek_version, wrapped) = (column(row, 0)?, column(row, 1)?);
            Ok(TenantKeyRow { tenant: tenant.clone(), kind, kek_version, wrapped })
        })
    }

    fn bucket(&mut self, id: BucketId) -> Result<Option<BucketRow>, StoreError> {
        first(self.conn(), &buckets("b.id = ?1"), [id.cast_signed()], bucket)
    }

    fn bucket_of(&mut self, tenant: &TenantId, kind: BucketKind) -> Result<Option<BucketRow>, StoreError> {
        let (kind, day) = kind_columns(kind);
        let sql = buckets("b.live = 1 AND b.tenant = ?1 AND b.kind = ?2 AND b.day = ?3");
        first(self.conn(), &sql, (tenant.as_str(), kind, day), bucket)
    }

    fn live_buckets(&mut self, tenant: &TenantId) -> Result<Vec<BucketRow>, StoreError> {
        all(self.conn(), &buckets("b.live = 1 AND b.tenant = ?1 ORDER BY b.id"), [tenant.as_str()], bucket)
    }

    fn buckets_due(&mut self, day: Day, limit: usize) -> Result<Vec<BucketRow>, StoreError> {
        let sql = buckets("b.live = 1 AND b.kind = 1 AND b.day < ?1 ORDER BY b.day, b.id LIMIT ?2");
        all(self.conn(), &sql, (day.number(), bounded(limit)), bucket)
    }

    fn dead_segments(&mut self, limit: usize) -> Result<Vec<SegmentRow>, StoreError> {
        let sql = "SELECT b.tenant, s.conversation, s.dek_id, s.bucket, s.wrapped
            FROM buckets b JOIN segments s ON s.bucket = b.id WHERE b.live = 0 AND b.swept = 0 LIMIT ?1";
        all(self.conn(), sql, [bounded(limit)], segment)
    }

    fn segment(&mut self, conversation: &ConversationId, dek_id: u64) -> Result<Option<SegmentRow>, StoreError> {
        let sql = "SELECT b.tenant, s.conversation, s.dek_id, s.bucket, s.wrapped
            FROM segments s JOIN buckets b ON b.id = s.bucket WHERE s.conversation = ?1 AND s.dek_id = ?2";
        first(self.conn(), sql, (conversation.as_bytes(), dek_id.cast_signed()), segment)
    }

    fn segments(&mut self, conversation: &ConversationId, limit: usize) -> Result<Vec<SegmentRow>, StoreError> {
        let sql = "SELECT b.tenant, s.conversation, s.dek_id, s.bucket, s.wrapped
            FROM segments s JOIN buckets b ON b.id = s.bucket WHERE s.conversation = ?1 ORDER BY s.dek_id LIMIT ?2";
        all(self.conn(), sql, (conversation.as_bytes(), bounded(limit)), segment)
    }

    fn newest_segment(
        &mut self,
        conversation: &ConversationId,
        from: u64,
        to: u64,
    ) -> Result<Option<SegmentRow>, StoreError> {
        let sql = "SELECT b.tenant, s.conversation, s.dek_id, s.bucket, s.wrapped
            FROM segments s JOIN buckets b ON b.id = s.bucket
            WHERE s.conversation = ?1 AND s.dek_id BETWEEN ?2 AND ?3 ORDER BY s.dek_id DESC LIMIT 1";
        first(self.conn(), sql, (conversation.as_bytes(), from.cast_signed(), to.cast_signed()), segment)
    }

    fn conversation_key(&mut self, id: &ConversationId) -> Result<Option<ConversationKeyRow>, StoreError> {
        let sql = "SELECT b.tenant, k.conversation, k.bucket, k.wrapped
            FROM conversation_keys k JOIN buckets b ON b.id = k.bucket WHERE k.conversation = ?1";
        first(self.conn(), sql, [id.as_bytes()], conversation_key)
    }

    fn conversation_keys(
        &mut self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationKeyRow>, StoreError> {
        let sql = "SELECT b.tenant, k.conversation, k.bucket, k.wrapped
            FROM conversation_keys k JOIN buckets b ON b.id = k.bucket
            WHERE k.conversation > ?1 ORDER BY k.conversation LIMIT ?2";
        let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes());
        all(self.conn(), sql, (after, bounded(limit)), conversation_key)
    }

    fn handle(
        &mut self,
        tenant: &TenantId,
        kind: HandleKind,
        handle: &[u8; 32],
        before: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        // Longer than every id and so above all of them.
        const ABOVE_ALL: [u8; 17] = [0xff; 17];
        let sql =
            "SELECT conversation FROM handles WHERE tenant = ?1 AND kind = ?2 AND handle = ?3 AND conversation < ?4
            ORDER BY conversation DESC LIMIT ?5";
        let before: &[u8] = before.as_ref().map_or(&ABOVE_ALL, |id| id.as_bytes());
        all(self.conn(), sql, (tenant.as_str(), kind.code(), handle, before, bounded(limit)), |row| {
            Ok(ConversationId::from_bytes(column(row, 0)?))
        })
    }

    fn act_marked(&mut self, id: &[u8; 16]) -> Result<bool, StoreError> {
        exists(self.conn(), "SELECT 1 FROM act_marks WHERE id = ?1", [id])
    }

    fn act_marks(&mut self, limit: usize) -> Result<Vec<[u8; 16]>, StoreError> {
        all(self.conn(), "SELECT id FROM act_marks LIMIT ?1", [bounded(limit)], |row| column(row, 0))
    }

    fn api_key(&mut self, id: &str) -> Result<Option<ApiKeyRow>, StoreError> {
        first(self.conn(), &api_keys("k.id = ?1"), [id], api_key)
    }

    fn api_keys(&mut self, after: Option<&str>, limit: usize) -> Result<Vec<ApiKeyRow>, StoreError> {
        let sql = api_keys("k.id > ?1 ORDER BY k.id LIMIT ?2");
        all(self.conn(), &sql, (after.unwrap_or(""), bounded(limit)), api_key)
    }

    fn pseudonym(&mut self, principal: &PrincipalId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT pseudonym FROM principals WHERE name = ?1";
        first(self.conn(), sql, [principal.as_str()], |row| column(row, 0))
    }

    fn certificate_role(&mut self, principal: &PrincipalId, role: Role) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT expire_time FROM certificate_roles WHERE principal = ?1 AND role = ?2";
        first(self.conn(), sql, (principal.as_str(), role.code()), |row| time(row, 0))
    }

    fn roles_of(&mut self, principal: &PrincipalId, now: Timestamp) -> Result<Vec<Role>, StoreError> {
        let sql = "SELECT role FROM api_keys WHERE principal = ?1 AND expire_time > ?2 AND revoke_time IS NULL
            UNION SELECT role FROM certificate_roles WHERE principal = ?1 AND expire_time >= ?2";
        all(self.conn(), sql, (principal.as_str(), now.unix_ms()), |row| coded(row, 0, Role::from_code))
    }

    fn checkpoint(&mut self, log: &LogId) -> Result<Option<CheckpointRow>, StoreError> {
        first(
            self.conn(),
            "SELECT log, size, note, at, frontier FROM checkpoints WHERE log = ?1",
            [log.to_string()],
            checkpoint,
        )
    }

    fn checkpoints(&mut self) -> Result<Vec<CheckpointRow>, StoreError> {
        all(self.conn(), "SELECT log, size, note, at, frontier FROM checkpoints ORDER BY log", [], checkpoint)
    }

    fn dependents(&mut self, tenant: &TenantId) -> Result<Vec<(u32, u64)>, StoreError> {
        let sql = "SELECT kek_version, count(*) FROM buckets WHERE tenant = ?1 AND live = 1
            GROUP BY kek_version ORDER BY kek_version";
        all(self.conn(), sql, [tenant.as_str()], |row| Ok((column(row, 0)?, unsigned(row, 1)?)))
    }

    fn wal_bytes(&mut self) -> Result<u64, StoreError> {
        Ok(self.reader.wal_bytes())
    }
}

fn buckets(which: &str) -> String {
    format!(
        "SELECT b.id, b.tenant, b.kind, b.day, b.kek_version, b.check_value, b.live, w.wrapped
         FROM buckets b JOIN bucket_wraps w ON w.id = b.wrap WHERE {which}"
    )
}

fn bucket(row: &Row<'_>) -> Result<BucketRow, StoreError> {
    let kind = match column::<u8>(row, 2)? {
        1 => BucketKind::Day(Day::from_number(column(row, 3)?)),
        2 => BucketKind::Hold,
        3 => BucketKind::Locked,
        _ => return Err(corrupt("the kind of a bucket")),
    };
    let wrapped = if column::<bool>(row, 6)? { Some(column(row, 7)?) } else { None };
    Ok(BucketRow {
        id: unsigned(row, 0)?,
        tenant: word(row, 1)?,
        kind,
        kek_version: column(row, 4)?,
        wrapped,
        check: column(row, 5)?,
    })
}

fn segment(row: &Row<'_>) -> Result<SegmentRow, StoreError> {
    Ok(SegmentRow {
        tenant: word(row, 0)?,
        conversation: ConversationId::from_bytes(column(row, 1)?),
        dek_id: unsigned(row, 2)?,
        bucket: unsigned(row, 3)?,
        wrapped: column(row, 4)?,
    })
}

fn conversation_key(row: &Row<'_>) -> Result<ConversationKeyRow, StoreError> {
    Ok(ConversationKeyRow {
        tenant: word(row, 0)?,
        conversation: ConversationId::from_bytes(column(row, 1)?),
        bucket: unsigned(row, 2)?,
        wrapped: column(row, 3)?,
    })
}

fn api_keys(which: &str) -> String {
    format!(
        "SELECT k.id, k.hash, k.principal, p.pseudonym, k.role, k.tenant, k.bots, k.create_time, k.expire_time,
         k.revoke_time FROM api_keys k JOIN principals p ON p.name = k.principal WHERE {which}"
    )
}

fn api_key(row: &Row<'_>) -> Result<ApiKeyRow, StoreError> {
    Ok(ApiKeyRow {
        id: column(row, 0)?,
        hash: column(row, 1)?,
        principal: word(row, 2)?,
        pseudonym: column(row, 3)?,
        role: coded(row, 4, Role::from_code)?,
        tenant: maybe_word(row, 5)?,
        bots: json(row, 6)?,
        create_time: time(row, 7)?,
        expire_time: time(row, 8)?,
        revoke_time: column::<Option<i64>>(row, 9)?.map(Timestamp::from_unix_ms),
    })
}
