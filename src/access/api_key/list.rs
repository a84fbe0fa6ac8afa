//! Finding API keys.

use crate::access::credential::is_key_id;
use crate::access::gate::keys_unavailable;
use crate::access::{Authorized, Gate, acts};
use crate::domain::{PrincipalId, Result, Timestamp};
use crate::store::ApiKeyRow;

use super::explain::is_live;

/// Which keys to list; everything given must hold. The tenant is the one that the act is authorized for.
#[derive(Debug, Clone, Default)]
pub struct KeyFilter {
    /// Keys of this principal.
    pub principal: Option<PrincipalId>,
    /// Expired and revoked keys too.
    pub show_inactive: bool,
}

/// Where a page begins: after this key, newest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyCursor {
    /// `create_time` of the last key shown.
    pub create_time: Timestamp,
    /// Its id.
    pub id: String,
}

/// Returns up to `limit` keys after `after`, newest first: of the tenant of `auth`, or of all.
///
/// It scans the keys once and keeps no more than a page of them.
///
/// # Errors
///
/// `KEYS_UNAVAILABLE`.
pub async fn list(
    gate: &Gate,
    auth: &Authorized<acts::ListApiKeys>,
    filter: &KeyFilter,
    after: Option<&KeyCursor>,
    limit: usize,
) -> Result<Vec<ApiKeyRow>> {
    let now = gate.now();
    let wanted = |row: &ApiKeyRow| {
        auth.tenant().is_none_or(|tenant| row.tenant.as_ref() == Some(tenant))
            && filter.principal.as_ref().is_none_or(|principal| row.principal == *principal)
            && (filter.show_inactive || is_live(row, now))
            && after.is_none_or(|after| cursor(row) < *after)
    };
    let mut page: Vec<ApiKeyRow> = Vec::new();
    scan(gate, |row| {
        if wanted(&row) {
            let place = page.partition_point(|kept| cursor(kept) > cursor(&row));
            if place < limit {
                page.insert(place, row);
                page.truncate(limit);
            }
        }
    })
    .await?;
    Ok(page)
}

/// Returns the key with `id`, to authorize an act on it by its tenant.
///
/// # Errors
///
/// `KEYS_UNAVAILABLE`.
pub async fn find(gate: &Gate, id: &str) -> Result<Option<ApiKeyRow>> {
    if !is_key_id(id) {
        return Ok(None);
    }
    let id = id.to_owned();
    gate.keys.read(move |reader| reader.api_key(&id)).await.map_err(keys_unavailable)
}

/// Shows every key to `see`, in pages of a short read each.
pub(super) async fn scan(gate: &Gate, mut see: impl FnMut(ApiKeyRow)) -> Result<()> {
    let mut after: Option<String> = None;
    loop {
        let from = after.take();
        let rows =
            gate.keys.read(move |reader| reader.api_keys(from.as_deref(), PAGE)).await.map_err(keys_unavailable)?;
        let last = rows.len() < PAGE;
        after = rows.last().map(|row| row.id.clone());
        rows.into_iter().for_each(&mut see);
        if last || after.is_none() {
            return Ok(());
        }
    }
}

fn cursor(row: &ApiKeyRow) -> KeyCursor {
    KeyCursor { create_time: row.create_time, id: row.id.clone() }
}

const PAGE: usize = 500;
