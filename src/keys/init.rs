//! A vault's first keys.

use crate::domain::{KeyState, Timestamp, VaultId};
use crate::sealing::{Key32, key_check_value, random, wrap};
use crate::store::{EpochRow, KeyStore, KeyWork, KeyWrite, LogKeyRow, RootSlotRow};

use super::contexts::Contexts;
use super::error::KeyError;
use super::roots::Root;

pub(super) const META_VAULT_ID: &str = "vault_id";
pub(super) const META_GENERATION: &str = "generation";

/// Makes epoch key 1, wrapped under `root` in slot 1, and log key 1, in an empty key store. Everything is durable when it
/// returns.
///
/// # Errors
///
/// When the root cannot be used or the store cannot be written.
pub async fn initialise(store: &KeyStore, root: &dyn Root, now: Timestamp) -> Result<VaultId, KeyError> {
    let vault_id: [u8; 16] = random::bytes();
    let contexts = Contexts { vault_id };
    let epoch_key = Key32::random();
    let epoch = EpochRow { epoch: 1, state: KeyState::Active, check: key_check_value(&epoch_key), create_time: now };
    let slot = RootSlotRow {
        slot: 1,
        kind: root.kind().to_owned(),
        params: root.params(),
        epoch: 1,
        wrapped: root.wrap(&contexts.epoch(1, root.kind()).as_ref(), &epoch_key)?,
    };
    let work = KeyWork::new(KeyWrite::PutMeta(META_VAULT_ID, vault_id.to_vec()))
        .with(KeyWrite::PutMeta(META_GENERATION, 0_u32.to_be_bytes().to_vec()))
        .with(KeyWrite::PutEpoch(epoch, vec![slot]))
        .with(KeyWrite::PutLogKey(log_key(contexts, &epoch_key)));
    store.submit(work).await?;
    Ok(VaultId(vault_id))
}

fn log_key(contexts: Contexts, epoch_key: &Key32) -> LogKeyRow {
    let seed = Key32::random();
    let public = crate::sealing::ed25519_public(&seed);
    LogKeyRow {
        version: 1,
        epoch: 1,
        wrapped: wrap(epoch_key, &contexts.log_key(1, 1).as_ref(), &seed).to_vec(),
        public,
    }
}
