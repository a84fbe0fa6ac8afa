//! The end of each conversation that is being written to: what the next append needs, kept between appends.

use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use tokio::sync::OwnedMutexGuard;

use crate::domain::{ConversationId, ConversationState, Error, Reason, Result, Slug, TenantId, Timestamp};
use crate::keys::{ConversationSecrets, KeyError, Segment};
use crate::lifecycle;
use crate::redaction::{Dialogue, PseudonymKey};
use crate::store::StoredConversation;

use super::Vault;
use super::seal::{open_dialogue, open_meta};

/// The most conversations whose end is kept.
const MOST_TAILS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// The end of an open conversation. Whoever holds its lock may append; the sequence runs ahead of what is durable, because the
/// commit pipeline keeps the order in which work was queued.
pub(super) struct Tail {
    pub(super) bot: Slug,
    pub(super) channel: Option<Slug>,
    pub(super) retention_class: Slug,
    pub(super) next_sequence: u64,
    pub(super) last_received: Timestamp,
    pub(super) pseudonyms: PseudonymKey,
    pub(super) secrets: ConversationSecrets,
    /// What redaction remembers of what was said.
    pub(super) dialogue: Dialogue,
    pub(super) segment: Option<Segment>,
    /// The conversation's `reseals` as they were before `segment` was looked up.
    pub(super) reseals: u64,
}

type Slot = Arc<tokio::sync::Mutex<Option<Tail>>>;

/// A conversation's end, locked. `None` in it means: not loaded.
///
/// Let go of while the end is only assumed, as when a caller goes away before its work is queued, the end is forgotten.
pub(super) struct Locked {
    slot: OwnedMutexGuard<Option<Tail>>,
    assumed: bool,
}

impl Locked {
    /// Says that the end is ahead of what is queued.
    pub(super) fn assume(&mut self) {
        self.assumed = true;
    }

    /// Says that everything up to the end is queued.
    pub(super) fn settled(&mut self) {
        self.assumed = false;
    }
}

impl Deref for Locked {
    type Target = Option<Tail>;

    fn deref(&self) -> &Self::Target {
        &self.slot
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.slot
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if self.assumed {
            *self.slot = None;
        }
    }
}

/// The ends of the conversations last written to.
pub(super) struct Tails(Mutex<LruCache<ConversationId, Slot>>);

impl Tails {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(MOST_TAILS)))
    }

    /// Waits for a conversation's turn.
    pub(super) async fn lock(&self, id: ConversationId) -> Locked {
        let slot = {
            let mut slots = self.slots();
            Arc::clone(slots.get_or_insert(id, || Arc::new(tokio::sync::Mutex::new(None))))
        };
        Locked { slot: slot.lock_owned().await, assumed: false }
    }

    /// Forgets everything that is not in use, and with it the keys it held.
    pub(super) fn clear(&self) {
        self.slots().clear();
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, LruCache<ConversationId, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault {
    /// Returns the tail of a conversation, loading it into the locked slot when it is not there.
    ///
    /// # Errors
    ///
    /// Why the conversation takes no records: not found, closed, expired.
    pub(super) async fn load_tail<'l>(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        slot: &'l mut Locked,
    ) -> Result<&'l mut Tail> {
        if slot.is_none() {
            let of = tenant.clone();
            let read = self.data.read(move |reader| Ok((reader.conversation(&of, &id)?, reader.dialogue(&id)?)));
            let (row, dialogue) = read.await?;
            let row = row.ok_or(Reason::ConversationNotFound)?;
            must_be_open(&row)?;
            **slot = Some(self.tail_of(&row, dialogue).await?);
            self.still_served(tenant, slot).await?;
        }
        slot.as_mut().ok_or_else(|| Error::new(Reason::Internal))
    }

    /// Guards against an end that was loaded while its tenant was being frozen: the ends are forgotten after the state is
    /// durable, and who loads one looks at the state after.
    pub(super) async fn still_served(&self, tenant: &TenantId, slot: &mut Locked) -> Result<()> {
        let served = self.must_serve(tenant).await;
        if served.is_err() {
            **slot = None;
        }
        served
    }

    async fn tail_of(&self, row: &StoredConversation, dialogue: Option<(u64, Vec<u8>)>) -> Result<Tail> {
        let secrets = self.secrets_of(row).await?;
        let meta = open_meta(&self.keys, self.settings.backend, &secrets, row)?;
        let dialogue = match dialogue {
            Some(sealed) => open_dialogue(&self.keys, self.settings.backend, &secrets, row, &sealed)?,
            None => Dialogue::default(),
        };
        Ok(Tail {
            bot: row.bot.clone(),
            channel: row.channel.clone(),
            retention_class: meta.retention_class,
            next_sequence: row.next_sequence,
            last_received: row.last_record_time,
            pseudonyms: PseudonymKey::copy_of(secrets.pseudonym_key().expose()),
            secrets,
            dialogue,
            segment: None,
            reseals: row.reseals,
        })
    }

    /// Returns the keys of a stored conversation; destroyed keys mean that it has expired.
    pub(super) async fn secrets_of(&self, row: &StoredConversation) -> Result<ConversationSecrets> {
        self.keys.conversation(&row.tenant, row.id).await.map_err(|error| match error {
            KeyError::Destroyed | KeyError::Missing => Reason::ConversationExpired.into(),
            other => other.into(),
        })
    }

    /// Returns the segment that records received at `now` are sealed under, changing it when the day has changed.
    pub(super) async fn segment<'t>(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        tail: &'t mut Tail,
        now: Timestamp,
    ) -> Result<&'t Segment> {
        let days = self.retention_days(tenant, &tail.retention_class).await?;
        let day = lifecycle::expiry_day(now, days);
        if tail.segment.as_ref().is_none_or(|segment| segment.day != day) {
            tail.segment = Some(self.keys.segment_for(tenant, id, day).await.map_err(|error| match error {
                KeyError::Missing | KeyError::Destroyed => Error::new(Reason::ConversationExpired),
                other => other.into(),
            })?);
        }
        tail.segment.as_ref().ok_or_else(|| Error::new(Reason::Internal))
    }
}

/// Refuses a conversation that takes no records.
pub(super) fn must_be_open(row: &StoredConversation) -> Result<()> {
    match row.state {
        ConversationState::Open => Ok(()),
        ConversationState::Closed => Err(Reason::ConversationClosed.into()),
        ConversationState::Expired => Err(Reason::ConversationExpired.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::random;

    fn tail() -> Tail {
        Tail {
            bot: "a".parse().unwrap(),
            channel: None,
            retention_class: "standard".parse().unwrap(),
            next_sequence: 1,
            last_received: Timestamp::from_unix_ms(0),
            pseudonyms: PseudonymKey::from_bytes([7; 32]),
            secrets: ConversationSecrets::random(),
            dialogue: Dialogue::default(),
            segment: None,
            reseals: 0,
        }
    }

    #[tokio::test]
    async fn an_end_that_is_only_assumed_is_forgotten_when_its_holder_goes_away() {
        let (tails, id) = (Tails::new(), ConversationId::from_uuid(random::uuid_v4()));
        let mut slot = tails.lock(id).await;
        *slot = Some(tail());
        drop(slot);
        let mut slot = tails.lock(id).await;
        assert!(slot.is_some(), "what was read is kept");
        slot.assume();
        slot.settled();
        drop(slot);
        let mut slot = tails.lock(id).await;
        assert!(slot.is_some(), "what was queued is kept");
        slot.assume();
        drop(slot);
        assert!(tails.lock(id).await.is_none());
    }
}
