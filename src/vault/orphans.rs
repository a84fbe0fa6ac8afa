//! Keys of conversations that never came to be: a crash, or a refused first append, left them in the key store alone.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audit::Count;
use crate::domain::{ConversationId, Result, TenantId};
use crate::store::{ConversationKeyRow, KeyWork, KeyWrite, LogId, Work};

use super::Vault;
use super::expire::{logged, own_entry};

/// Keys looked at in one step.
const PAGE: usize = 500;
/// How old a key must be, so that no conversation in the making loses its own.
const OLD: Duration = Duration::from_secs(3600);
const SWEEP: &str = "SweepOrphans";

impl Vault {
    /// Drops keys, segments and handles that are older than an hour and whose conversation is not in the data store.
    ///
    /// # Errors
    ///
    /// When a store cannot be read or written; what is left is found by the next sweep.
    pub async fn sweep_orphans(&self) -> Result<()> {
        let mut after = None;
        loop {
            let keys = self.keys.store().read(move |reader| reader.conversation_keys(after, PAGE)).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            after = Some(last.conversation);
            for (tenant, ids) in self.orphans_among(keys).await? {
                self.drop_orphans(tenant, ids).await?;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn orphans_among(&self, keys: Vec<ConversationKeyRow>) -> Result<BTreeMap<TenantId, Vec<ConversationId>>> {
        let born_before = self.clock.now().unix_ms().saturating_sub(i64::try_from(OLD.as_millis()).unwrap_or(i64::MAX));
        let orphans = self.data.read(move |reader| {
            let mut orphans: BTreeMap<TenantId, Vec<ConversationId>> = BTreeMap::new();
            for key in keys.into_iter().filter(|key| key.conversation.unix_ms() < born_before) {
                if reader.conversation(&key.tenant, &key.conversation)?.is_none() {
                    orphans.entry(key.tenant).or_default().push(key.conversation);
                }
            }
            Ok(orphans)
        });
        Ok(orphans.await?)
    }

    /// Logs what is about to be dropped, and drops it.
    async fn drop_orphans(&self, tenant: TenantId, ids: Vec<ConversationId>) -> Result<()> {
        let log = LogId::Tenant(tenant.clone());
        let entry = own_entry(self.clock.now(), &log, SWEEP).object(&format!("tenants/{tenant}"));
        self.data.submit(Work::new(logged(&log, entry.count(Count::Swept, ids.len() as u64))?)).await?;
        for id in ids {
            // Whoever comes back with the same reference makes the conversation under this lock.
            let slot = self.tails.lock(id).await;
            let of = tenant.clone();
            if slot.is_some() || self.data.read(move |reader| reader.conversation(&of, &id)).await?.is_some() {
                continue;
            }
            let segments = self.keys.store().read(move |reader| reader.segments(&id, PAGE)).await?;
            let dek_ids = segments.into_iter().map(|segment| segment.dek_id).collect();
            let drop = KeyWrite::DropSegments { conversation: id, dek_ids, whole: true };
            self.keys.store().submit(KeyWork::new(drop)).await?;
        }
        Ok(())
    }
}
