//! The ingest stream: records by client sequence, acknowledged cumulatively, resumed where it was durable.

use std::sync::Arc;
use std::time::Instant;

use crate::access::{Authorized, Caller, Scope, acts};
use crate::audit::Count;
use crate::domain::{ConversationId, ConversationName, Error, MAX_BATCH_RECORDS, NewRecord, Reason, Result, TenantId};
use crate::sealing::Label;
use crate::store::{Mutation, Pending, Receipt, Refusal, StreamRow, SubmitError, Work};
use crate::watch::task;

use super::Vault;
use super::ingest::{SealedBatch, Target, check_record, redact_all};
use super::redact::FindingCounts;
use super::turns::Turn;

/// What has become durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    /// Every client sequence up to this one is durable.
    pub client_sequence: u64,
    /// The sequence of the record that client sequence became; 0 while there is none.
    pub last_sequence: u64,
    /// What redaction found in the records this acknowledges for the first time.
    pub redactions: FindingCounts,
}

/// An open ingest stream.
pub struct IngestStream {
    vault: Arc<Vault>,
    auth: Authorized<acts::Ingest>,
    tenant: TenantId,
    id: ConversationId,
    key: [u8; 32],
    turn: Turn,
    /// The highest client sequence that was queued.
    sent: u64,
    /// The sequence of the record it became.
    last_sequence: u64,
}

/// Records that are queued; [`PendingAck::settled`] tells when they are durable. Several may be under way at once, and what was
/// sent later is never durable without what was sent before it.
///
/// Records that were all queued before wait for nothing of their own: tell what settles in the order in which it was sent, and
/// nothing behind the first failure.
pub struct PendingAck {
    vault: Arc<Vault>,
    conversation: ConversationId,
    pending: Option<Pending<Receipt>>,
    acked: Acked,
    records: u64,
    began: Instant,
}

impl Vault {
    /// Opens a stream, or takes one up again: the acknowledgement says how far it is durable.
    pub async fn open_stream(
        self: &Arc<Self>,
        caller: &Caller,
        target: Target,
        stream_id: &str,
    ) -> Result<(IngestStream, Acked)> {
        let found = self.find(caller, &target).await?;
        let scope = Scope { ..found.scope() };
        let auth = self.gate.authorize::<acts::Ingest>(caller, scope).await?;
        let tenant = found.tenant.clone();
        let opened = async {
            self.must_serve(&tenant).await?;
            let pseudonym = auth.principal().pseudonym.clone();
            let parts: [&[u8]; 2] = [pseudonym.as_bytes(), stream_id.as_bytes()];
            let key = self.keys.keyed_hash(&tenant, Label::IDEMPOTENCY, b"stream", &parts).await?;
            let mut entered = self.enter(&auth, found).await?;
            let id = entered.id;
            if self.stream_row(&tenant, key).await?.is_some_and(|row| row.conversation != id) {
                return Err(Error::invalid("open.stream_id", "this stream_id belongs to another conversation"));
            }
            let name = ConversationName { tenant: tenant.clone(), id }.to_string();
            let mut entry = auth.entry().object(&name);
            let create = entered.create.take();
            if create.is_some() {
                entry = entry.count(Count::Conversations, 1);
            }
            let turn = self.turns.take_over(key);
            let mut work = Work::new(auth.logged(entry)?);
            if let Some(row) = create {
                work = work.with(Mutation::CreateConversation(row));
            }
            if let Err(error) = self.data.submit(work).await {
                *entered.slot = None;
                return Err(error.into());
            }
            // Only now, behind what the stream's last connection had queued: it has become durable before this.
            let row = self.stream_row(&tenant, key).await?;
            entered.slot.settled();
            Ok((id, key, turn, row))
        };
        let (id, key, turn, row) = match opened.await {
            Ok(opened) => opened,
            Err(error) => return self.refuse(&auth, error).await,
        };
        let (sent, last_sequence) = row.map_or((0, 0), |row| (row.client_sequence, row.last_sequence));
        let stream = IngestStream { vault: Arc::clone(self), auth, tenant, id, key, turn, sent, last_sequence };
        let acked = Acked { client_sequence: sent, last_sequence, redactions: FindingCounts::new() };
        Ok((stream, acked))
    }

    async fn stream_row(&self, tenant: &TenantId, key: [u8; 32]) -> Result<Option<StreamRow>> {
        let of = tenant.clone();
        Ok(self.data.read(move |reader| reader.stream(&of, &key)).await?)
    }
}

impl IngestStream {
    /// Returns the conversation that the stream writes to.
    pub fn conversation(&self) -> ConversationName {
        ConversationName { tenant: self.tenant.clone(), id: self.id }
    }

    /// Queues records behind those sent before. Client sequences already sent are passed over; a gap is refused.
    ///
    /// # Errors
    ///
    /// Any error ends the stream: the client opens it again and goes on behind what was acknowledged.
    pub async fn send(&mut self, records: Vec<(u64, NewRecord)>) -> Result<PendingAck> {
        match self.try_send(records).await {
            Ok(pending) => Ok(pending),
            Err(error) => {
                let vault = Arc::clone(&self.vault);
                vault.refuse(&self.auth, error).await
            }
        }
    }

    async fn try_send(&mut self, records: Vec<(u64, NewRecord)>) -> Result<PendingAck> {
        let fresh = self.fresh(records)?;
        let previous = self.sent;
        if fresh.is_empty() {
            let acked = Acked {
                client_sequence: previous,
                last_sequence: self.last_sequence,
                redactions: FindingCounts::new(),
            };
            return Ok(self.pending(None, acked, 0));
        }
        let vault = Arc::clone(&self.vault);
        vault.must_serve(&self.tenant).await?;
        let engine = vault.engine(&self.tenant).await?;
        let sent = previous + fresh.len() as u64;
        let mut entered = vault.enter_again(&self.tenant, self.id).await?;
        if self.turn.is_over() {
            return Err(Error::new(Reason::SequenceConflict).hint("the stream was opened again since"));
        }
        let tail = entered.slot.as_ref().ok_or(Reason::Internal)?;
        let room = vault.workshop.enter(&fresh).await?;
        let redacted = redact_all(&engine, tail, fresh).await?;
        let sealed = vault.seal_at_end(&self.tenant, &mut entered, &redacted).await?;
        let acked = Acked { client_sequence: sent, last_sequence: sealed.last, redactions: sealed.counts.clone() };
        let queued = self.queue(sealed, &acked, previous).await;
        drop(room);
        match &queued {
            Ok(_) => entered.slot.settled(),
            Err(_) => *entered.slot = None,
        }
        let queued = queued?;
        self.sent = sent;
        self.last_sequence = acked.last_sequence;
        Ok(self.pending(Some(queued), acked, sent - previous))
    }

    /// Queues sealed records with their entry, and the stream's place after them.
    async fn queue(&self, sealed: SealedBatch, acked: &Acked, previous: u64) -> Result<Pending<Receipt>> {
        let name = self.conversation().to_string();
        let entry = sealed.entry(self.auth.entry().object(&name));
        let row = StreamRow {
            key: self.key,
            conversation: self.id,
            client_sequence: acked.client_sequence,
            last_sequence: acked.last_sequence,
            at: self.vault.clock.now(),
        };
        let work = Work::new(self.auth.logged_with(entry, sealed.commitments.clone())?)
            .with(sealed.into_mutation(&self.tenant, self.id))
            .with(Mutation::AdvanceStream { row, previous });
        Ok(self.vault.data.enqueue(work).await?)
    }

    /// Checks order and form, and drops what was sent before.
    fn fresh(&self, records: Vec<(u64, NewRecord)>) -> Result<Vec<NewRecord>> {
        if records.len() > MAX_BATCH_RECORDS {
            return Err(Error::new(Reason::BatchTooLarge).limit(MAX_BATCH_RECORDS as u64));
        }
        let now = self.vault.clock.now();
        let mut fresh = Vec::with_capacity(records.len());
        for (client_sequence, record) in records {
            let next = self.sent + fresh.len() as u64 + 1;
            if client_sequence > next || client_sequence == 0 {
                return Err(Error::new(Reason::StreamOutOfOrder).at("append.client_sequence"));
            }
            if client_sequence == next {
                check_record(&record, now).map_err(|error| error.within("append.record"))?;
                fresh.push(record);
            }
        }
        Ok(fresh)
    }

    fn pending(&self, pending: Option<Pending<Receipt>>, acked: Acked, records: u64) -> PendingAck {
        PendingAck {
            vault: Arc::clone(&self.vault),
            conversation: self.id,
            pending,
            acked,
            records,
            began: Instant::now(),
        }
    }
}

impl PendingAck {
    /// Waits until what was queued is durable. On failure the conversation's assumed end is forgotten.
    ///
    /// # Errors
    ///
    /// Why nothing of it was stored.
    pub async fn settled(self) -> Result<Acked> {
        let Some(pending) = self.pending else { return Ok(self.acked) };
        match pending.done().await {
            Ok(_receipt) => {
                self.vault.appended(self.records, &self.acked.redactions, self.began.elapsed());
                Ok(self.acked)
            }
            Err(error) => {
                // In a task of its own: whoever waits for acknowledgements may not poll this while it waits for the same lock
                // to send on, and a place in the lock's queue that nobody polls would hold the conversation for ever.
                let (vault, conversation) = (Arc::clone(&self.vault), self.conversation);
                let forgotten = task::spawn("forget-end", async move { *vault.tails.lock(conversation).await = None });
                let _ = forgotten.await;
                Err(match error {
                    SubmitError::Refused(Refusal::Conflict | Refusal::Missing) => Error::new(Reason::SequenceConflict)
                        .hint("another stream or a failed commit came between; open the stream again"),
                    other => other.into(),
                })
            }
        }
    }
}
