//! Listing conversations, newest first, in steps of a bounded number of rows.
//!
//! One list drives: the conversations of one label, finding class, bot or channel, or all of a tenant. Every list is in the
//! order of the answer, so a step goes on where the last one ended, and between two steps no transaction is open.

use rusqlite::Connection;

use super::MAX_READ_ROWS;
use super::conversations::Term;
use super::data_reader::{conversation, tenant_number};
use super::rows::{all, bounded, column};
use crate::domain::{ConversationId, ConversationState, Slug, TenantId, Timestamp};
use crate::store::data::{ConversationQuery, Listed, PageKey, StoredConversation};
use crate::store::error::StoreError;

/// The most conversations that one call looks at.
const MOST_LOOKED_AT: usize = 5_000;

/// Returns up to `limit` conversations after `after` that `query` holds for, newest first, and where to go on.
pub(super) fn list(
    conn: &Connection,
    tenant: &TenantId,
    query: &ConversationQuery,
    after: Option<PageKey>,
    limit: usize,
) -> Result<Listed, StoreError> {
    let limit = limit.min(MAX_READ_ROWS);
    let mut below = Bound::start(query.created_before, after);
    if let Some(among) = &query.among {
        return list_among(conn, tenant, query, among, &below, limit);
    }
    let Some(number) = tenant_number(conn, tenant)? else { return Ok(Listed::default()) };
    let mut listed = Listed { rows: Vec::new(), resume: after };
    let mut looked_at = 0;
    while listed.rows.len() < limit && looked_at < MOST_LOOKED_AT {
        let candidates = step(conn, number, query, &below)?;
        let seen = look(conn, tenant, query, &candidates, limit, &mut listed)?;
        if seen == candidates.len() && seen < MAX_READ_ROWS {
            return Ok(Listed { resume: None, ..listed });
        }
        if let Some(last) = &listed.resume {
            below = Bound::below(last);
        }
        looked_at += seen;
    }
    Ok(listed)
}

/// Adds the candidates that `query` holds for until `limit` are listed, and returns how many were looked at.
fn look(
    conn: &Connection,
    tenant: &TenantId,
    query: &ConversationQuery,
    candidates: &[PageKey],
    limit: usize,
    listed: &mut Listed,
) -> Result<usize, StoreError> {
    for (seen, candidate) in candidates.iter().enumerate() {
        if listed.rows.len() == limit {
            return Ok(seen);
        }
        listed.rows.extend(conversation(conn, tenant, &candidate.id)?.filter(|row| holds(query, row)));
        listed.resume = Some(*candidate);
    }
    Ok(candidates.len())
}

/// Looks up each of a bounded number of conversations.
fn list_among(
    conn: &Connection,
    tenant: &TenantId,
    query: &ConversationQuery,
    among: &[ConversationId],
    below: &Bound,
    limit: usize,
) -> Result<Listed, StoreError> {
    let mut found = Vec::new();
    for id in among {
        found.extend(conversation(conn, tenant, id)?.filter(|row| holds(query, row) && below.is_above(row)));
    }
    found.sort_by_key(|row| std::cmp::Reverse((row.create_time, row.id)));
    found.dedup_by_key(|row| row.id);
    let more = found.len() > limit;
    found.truncate(limit);
    let resume = found.last().filter(|_| more).map(|row| PageKey { create_time: row.create_time, id: row.id });
    Ok(Listed { rows: found, resume })
}

/// Where a step begins: below this pair of `create_time` and id.
struct Bound {
    create_time: i64,
    uuid: Vec<u8>,
}

impl Bound {
    fn start(before: Option<Timestamp>, after: Option<PageKey>) -> Self {
        let before = Self { create_time: before.map_or(i64::MAX, Timestamp::unix_ms), uuid: Vec::new() };
        let Some(after) = after else { return before };
        if after.create_time.unix_ms() < before.create_time { Self::below(&after) } else { before }
    }

    fn below(key: &PageKey) -> Self {
        Self { create_time: key.create_time.unix_ms(), uuid: key.id.as_bytes().to_vec() }
    }

    /// Tells whether `row` comes after this bound, newest first.
    fn is_above(&self, row: &StoredConversation) -> bool {
        (row.create_time.unix_ms(), row.id.as_bytes().as_slice()) < (self.create_time, self.uuid.as_slice())
    }
}

/// Returns the next candidates of the list that drives.
fn step(conn: &Connection, tenant: i64, query: &ConversationQuery, below: &Bound) -> Result<Vec<PageKey>, StoreError> {
    let from = query.created_from.map_or(i64::MIN, Timestamp::unix_ms);
    let most = bounded(MAX_READ_ROWS);
    let decode = |row: &rusqlite::Row<'_>| {
        let id = ConversationId::from_bytes(column(row, 1)?);
        Ok(PageKey { create_time: Timestamp::from_unix_ms(column(row, 0)?), id })
    };
    match driver(query) {
        Some((kind, term)) => {
            let sql = "SELECT create_time, uuid FROM conversation_terms
                WHERE tenant = ?1 AND kind = ?5 AND term = ?6 AND create_time >= ?2 AND (create_time, uuid) < (?3, ?4)
                ORDER BY create_time DESC, uuid DESC LIMIT ?7";
            all(conn, sql, (tenant, from, below.create_time, &below.uuid, kind as u8, term, most), decode)
        }
        None => {
            let sql = "SELECT create_time, uuid FROM conversations
                WHERE tenant = ?1 AND state <> 3 AND create_time >= ?2 AND (create_time, uuid) < (?3, ?4)
                ORDER BY create_time DESC, uuid DESC LIMIT ?5";
            all(conn, sql, (tenant, from, below.create_time, &below.uuid, most), decode)
        }
    }
}

/// Returns the term whose list drives: the one that most likely has the fewest conversations.
fn driver(query: &ConversationQuery) -> Option<(Term, &str)> {
    let label = query.labels.first().map(|label| (Term::Label, label.as_str()));
    let class = query.finding_classes.first().map(|class| (Term::FindingClass, class.as_str()));
    let bot = if let [bot] = query.bots.as_slice() { Some((Term::Bot, bot.as_str())) } else { None };
    let channel = query.channel.as_ref().map(|channel| (Term::Channel, channel.as_str()));
    label.or(class).or(bot).or(channel)
}

fn holds(query: &ConversationQuery, row: &StoredConversation) -> bool {
    row.state != ConversationState::Expired
        && (query.bots.is_empty() || query.bots.contains(&row.bot))
        && query.channel.as_ref().is_none_or(|channel| row.channel.as_ref() == Some(channel))
        && query.labels.iter().all(|label: &Slug| row.labels.contains(label))
        && query.finding_classes.iter().all(|class| row.finding_classes.contains(class))
        && query.created_from.is_none_or(|from| row.create_time >= from)
        && query.created_before.is_none_or(|before| row.create_time < before)
}
