//! The opened vault: the epoch key in memory, and the way to every other key.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;
use crate::domain::{ConversationId, KeyState, TenantId, VaultId};
use crate::sealing::{Key32, UnwrapError, WrapContext, unwrap};
use crate::store::{BucketId, BucketKind, KeyReader, KeyStore, StoreError, TenantKekRow};

use super::cache::{CacheLimits, KeyCache};
use super::contexts::Contexts;
use super::error::{KeyError, RootError};
use super::init::{META_GENERATION, META_VAULT_ID};
use super::roots::Root;

/// The keys of an unlocked vault. Bucket, segment and conversation keys live in caches bounded by count, age and uses; the
/// active KEK of each tenant in use stays open. All are wiped when dropped.
pub struct KeyRing {
    pub(super) store: KeyStore,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) contexts: Contexts,
    pub(super) epoch: u32,
    pub(super) epoch_key: Key32,
    pub(super) active: Mutex<HashMap<TenantId, (u32, Arc<Key32>)>>,
    pub(super) bucket_ids: Mutex<BucketIds>,
    pub(super) dead: Mutex<HashSet<BucketId>>,
    pub(super) shut: Mutex<HashSet<TenantId>>,
    pub(super) buckets: KeyCache<BucketId>,
    pub(super) segments: KeyCache<SegmentKeyId>,
    pub(super) conversations: KeyCache<(ConversationId, BucketId)>,
    pub(super) index_keys: KeyCache<TenantId>,
    /// How many segment keys were destroyed apart from their buckets: what was opened before the last one is looked up anew.
    pub(super) retired: AtomicU64,
    generation: u32,
    root_kind: &'static str,
}

/// The numbers of live buckets.
pub(super) type BucketIds = HashMap<(TenantId, BucketKind), BucketId>;

/// What the segment cache is keyed by; the bucket is there so that a bucket's keys can be forgotten together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SegmentKeyId {
    pub(super) conversation: ConversationId,
    pub(super) dek_id: u64,
    pub(super) bucket: BucketId,
}

impl KeyRing {
    /// Opens the vault in `store` with `root`.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotInitialised`] when there is none, [`KeyError::Root`] when `root` does not open it.
    pub async fn unlock(
        store: KeyStore,
        root: &dyn Root,
        limits: CacheLimits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyError> {
        let found = store.read(|reader| Sealed::load(&mut *reader)).await?;
        let vault_id = found.vault_id.ok_or(KeyError::NotInitialised("the vault id"))?;
        let generation = found.generation.ok_or(KeyError::NotInitialised("the restore generation"))?;
        let contexts = Contexts { vault_id };
        let epoch = found.epoch.ok_or(KeyError::NotInitialised("an active epoch key"))?;
        let epoch_key = open_epoch(contexts, root, epoch, &found.slots)?;
        Ok(Self {
            store,
            clock,
            contexts,
            epoch,
            epoch_key,
            active: Mutex::new(HashMap::new()),
            bucket_ids: Mutex::new(HashMap::new()),
            dead: Mutex::new(HashSet::new()),
            shut: Mutex::new(HashSet::new()),
            buckets: KeyCache::new(limits),
            segments: KeyCache::new(limits),
            conversations: KeyCache::new(limits),
            index_keys: KeyCache::new(limits),
            retired: AtomicU64::new(0),
            generation,
            root_kind: root.kind(),
        })
    }

    /// Returns the vault's id.
    pub fn vault_id(&self) -> VaultId {
        VaultId(self.contexts.vault_id)
    }

    /// Returns how often the vault was restored; bound into every seal.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns the kind of root that opened the vault.
    pub fn root_kind(&self) -> &'static str {
        self.root_kind
    }

    /// Returns how many data keys are in memory.
    pub fn cached(&self) -> usize {
        self.segments.len() + self.conversations.len() + self.buckets.len()
    }

    /// Returns the key store.
    pub fn store(&self) -> &KeyStore {
        &self.store
    }

    /// Returns the seed of the newest log signing key.
    pub async fn log_seed(&self) -> Result<Key32, KeyError> {
        let keys = self.store.read(|reader| reader.log_keys()).await?;
        let row = keys.last().ok_or(KeyError::NotInitialised("a log key"))?;
        let context = self.contexts.log_key(row.version, row.epoch);
        open(&self.epoch_key, &context.as_ref(), &row.wrapped, || format!("log key {}", row.version))
    }

    /// Returns version and key of the tenant's active KEK.
    pub(super) async fn active_kek(&self, tenant: &TenantId) -> Result<(u32, Arc<Key32>), KeyError> {
        if let Some(known) = self.lock_active().get(tenant) {
            return Ok(known.clone());
        }
        let id = tenant.clone();
        let rows = self.store.read(move |reader| reader.tenant_keks(&id)).await?;
        let row = rows.iter().find(|row| row.state == KeyState::Active).ok_or(KeyError::Missing)?;
        let opened = (row.version, Arc::new(self.open_kek(row)?));
        Ok(self.keep_active(tenant, opened))
    }

    /// Returns the version of the tenant's active KEK.
    pub async fn active_version(&self, tenant: &TenantId) -> Result<u32, KeyError> {
        Ok(self.active_kek(tenant).await?.0)
    }

    /// Keeps an active KEK and returns the one kept: what was read before a rotation does not replace what the rotation made.
    pub(super) fn keep_active(&self, tenant: &TenantId, opened: (u32, Arc<Key32>)) -> (u32, Arc<Key32>) {
        let mut active = self.lock_active();
        let kept = keep_newest(&mut active, tenant, opened);
        if self.is_shut(tenant) {
            active.remove(tenant);
        }
        kept
    }

    /// Forgets the active KEK if it is still `version`.
    pub(super) fn forget_active(&self, tenant: &TenantId, version: u32) {
        let mut active = self.lock_active();
        if active.get(tenant).is_some_and(|known| known.0 == version) {
            active.remove(tenant);
        }
    }

    /// Returns the tenant's KEK with `version`, whatever its state, unless it is destroyed.
    pub(super) async fn kek(&self, tenant: &TenantId, version: u32) -> Result<Arc<Key32>, KeyError> {
        let (active, key) = self.active_kek(tenant).await?;
        if active == version {
            return Ok(key);
        }
        let id = tenant.clone();
        let rows = self.store.read(move |reader| reader.tenant_keks(&id)).await?;
        let row = rows.iter().find(|row| row.version == version).ok_or(KeyError::Missing)?;
        self.open_kek(row).map(Arc::new)
    }

    pub(super) fn open_kek(&self, row: &TenantKekRow) -> Result<Key32, KeyError> {
        let wrapped = row.wrapped.as_deref().ok_or(KeyError::Destroyed)?;
        let context = self.contexts.tenant_kek(&row.tenant, row.version, row.epoch);
        open(&self.epoch_key, &context.as_ref(), wrapped, || format!("tenants/{}/keys/{}", row.tenant, row.version))
    }

    pub(super) fn lock_active(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, (u32, Arc<Key32>)>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps `opened` unless a newer version is kept, and returns the one kept.
fn keep_newest<K: Clone>(active: &mut HashMap<TenantId, (u32, K)>, tenant: &TenantId, opened: (u32, K)) -> (u32, K) {
    let kept = active.entry(tenant.clone()).or_insert_with(|| opened.clone());
    if kept.0 < opened.0 {
        *kept = opened;
    }
    kept.clone()
}

/// Opens a wrap, and on failure names the key.
pub(super) fn open(
    kek: &Key32,
    context: &WrapContext<'_>,
    wrapped: &[u8],
    what: impl FnOnce() -> String,
) -> Result<Key32, KeyError> {
    unwrap(kek, context, wrapped).map_err(|cause: UnwrapError| KeyError::Broken { what: what(), cause })
}

/// What the key store says before anything is opened.
struct Sealed {
    vault_id: Option<[u8; 16]>,
    generation: Option<u32>,
    epoch: Option<u32>,
    slots: Vec<crate::store::RootSlotRow>,
}

impl Sealed {
    fn load(reader: &mut dyn KeyReader) -> Result<Self, StoreError> {
        let epochs = reader.epochs()?;
        Ok(Self {
            vault_id: reader.meta(META_VAULT_ID)?.and_then(|id| id.try_into().ok()),
            generation: reader.meta(META_GENERATION)?.and_then(|n| n.try_into().ok()).map(u32::from_be_bytes),
            epoch: epochs.iter().rev().find(|row| row.state == KeyState::Active).map(|row| row.epoch),
            slots: reader.root_slots()?,
        })
    }
}

fn open_epoch(
    contexts: Contexts,
    root: &dyn Root,
    epoch: u32,
    slots: &[crate::store::RootSlotRow],
) -> Result<Key32, KeyError> {
    let mut last = RootError::NoSlot(root.kind());
    for slot in slots.iter().filter(|slot| slot.kind == root.kind() && slot.epoch == epoch) {
        match root.unwrap(&slot.params, &contexts.epoch(epoch, root.kind()).as_ref(), &slot.wrapped) {
            Ok(key) => return Ok(key),
            Err(RootError::Wrong { .. }) => last = RootError::Wrong { slot: slot.slot },
            Err(other) => last = other,
        }
    }
    Err(last.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_active_key_is_never_put_back() {
        let (mut active, tenant) = (HashMap::new(), "a".parse().unwrap());
        assert_eq!(keep_newest(&mut active, &tenant, (1, "one")), (1, "one"));
        assert_eq!(keep_newest(&mut active, &tenant, (2, "two")), (2, "two"));
        assert_eq!(keep_newest(&mut active, &tenant, (1, "one")), (2, "two"));
    }
}
