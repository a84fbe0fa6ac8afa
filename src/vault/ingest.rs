//! Records in: find or make the conversation, redact, seal, commit with the audit entry, then acknowledge.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::access::{Act, Authorized, Caller, Scope, acts};
use crate::audit::{Count, PolicyKind};
use crate::domain::{
    ConversationId, ConversationName, Error, MAX_BATCH_RECORDS, MAX_METADATA_PAIRS, MAX_RECORD_BYTES, NewConversation,
    NewRecord, Reason, Result, TenantId, Timestamp,
};
use crate::sealing::Sealed;
use crate::store::{Mutation, Pending, Receipt, RecordRow, Refusal, SubmitError, Work};

use super::audited::Audited;
use super::conversations::{Entered, Found};
use super::idempotency::{Fresh, Idempotent, Known};
use super::redact::{FindingCounts, RedactedBatch, RedactedRecord, aside, redact};
use super::seal::{Place, seal_dialogue};
use super::tail::Tail;
use super::workshop::MOST_REDACTED;
use super::{Vault, engines};

/// Which conversation a write goes to.
#[derive(Debug, Clone)]
pub enum Target {
    /// The one with this name.
    Name(ConversationName),
    /// The tenant's one with the client reference in the description, made as described when there is none.
    Reference(TenantId, Box<NewConversation>),
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// The conversation's resource name.
    pub conversation: String,
    /// The sequence of the first record.
    pub first_sequence: u64,
    /// The sequence of the last record.
    pub last_sequence: u64,
    /// When the vault took them in.
    pub received_at: Timestamp,
    /// What redaction found, by class.
    pub redactions: FindingCounts,
    /// The redaction policy that handled them.
    pub policy_version: u32,
    /// Whether the conversation was made by this call.
    pub created: bool,
}

/// How far a client's clock may run ahead of the vault's.
const CLOCK_AHEAD: Duration = Duration::from_secs(24 * 3600);
/// How many content bytes are redacted and sealed before other tasks get a turn.
const BYTES_A_TURN: usize = 128 * 1024;

impl Vault {
    /// Appends `records` to a conversation and returns when they are durable.
    ///
    /// # Errors
    ///
    /// What is wrong with a record, by field path; why the conversation takes none; or why nothing can be stored now. In
    /// every case none of the records was stored.
    pub async fn append_records(
        &self,
        caller: &Caller,
        target: Target,
        records: Vec<NewRecord>,
        request: Option<Idempotent>,
    ) -> Result<Audited<Appended>> {
        let found = self.find(caller, &target).await?;
        let scope = Scope { request_id: request.as_ref().map(|request| request.id), ..found.scope() };
        let auth = self.gate.authorize::<acts::AppendRecords>(caller, scope).await?;
        let began = Instant::now();
        match self.append(&auth, found, records, request).await {
            Ok(done) => {
                let appended = done.value();
                let records = appended.last_sequence + 1 - appended.first_sequence;
                self.appended(records, &appended.redactions, began.elapsed());
                Ok(done)
            }
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    async fn append(
        &self,
        auth: &Authorized<acts::AppendRecords>,
        found: Found,
        records: Vec<NewRecord>,
        request: Option<Idempotent>,
    ) -> Result<Audited<Appended>> {
        let tenant = found.tenant.clone();
        self.must_serve(&tenant).await?;
        check_batch(&records, self.clock.now())?;
        let fresh = match self.known(auth, &tenant, request.as_ref()).await? {
            Known::Done(answer) => return self.repeat(auth, answer).await,
            Known::New(fresh) => fresh,
        };
        match self.append_new(auth, found, records, fresh).await {
            Err(Attempt::Refused(Refusal::Duplicate)) => match self.known(auth, &tenant, request.as_ref()).await? {
                Known::Done(answer) => self.repeat(auth, answer).await,
                Known::New(_) => Err(Reason::SequenceConflict.into()),
            },
            Err(attempt) => Err(attempt.into()),
            Ok(done) => Ok(done),
        }
    }

    /// Answers a repeated request as it was answered before.
    pub(super) async fn repeat<A: Act, T>(&self, auth: &Authorized<A>, answer: T) -> Result<Audited<T>> {
        let entry = auth.logged(auth.entry().reason("REPEATED_REQUEST"))?;
        self.finish(Work::new(entry), answer).await
    }

    /// The first attempt queues and lets the next append to the same conversation run behind it; when something before it
    /// failed, the second holds the conversation until it is durable.
    async fn append_new<A: Act>(
        &self,
        auth: &Authorized<A>,
        found: Found,
        records: Vec<NewRecord>,
        fresh: Option<Fresh>,
    ) -> Result<Audited<Appended>, Attempt> {
        let tenant = found.tenant.clone();
        let engine = self.engine(&tenant).await?;
        let by_reference = found.by_reference();
        let mut entered = self.enter(auth, found).await?;
        let id = entered.id;
        let created = entered.create.is_some();
        let tail = entered.slot.as_mut().ok_or(Reason::Internal)?;
        let room = self.workshop.enter(&records).await?;
        let redacted = redact_all(&engine, tail, records).await?;
        let ready = match self.prepare(auth, &tenant, &mut entered, &redacted, fresh.as_ref(), created).await {
            Ok(ready) => ready,
            Err(error) => {
                *entered.slot = None;
                return Err(error.into());
            }
        };
        let pending = self.data.enqueue(ready.work).await;
        drop(room);
        match self.settle(entered, pending).await {
            Ok(receipt) => Ok(Audited::new(ready.appended, receipt)),
            Err(SubmitError::Refused(Refusal::Conflict | Refusal::Missing | Refusal::Exists)) => {
                let entered = match self.enter_again(&tenant, id).await {
                    // What was to make the conversation failed, and this append with it: the next call makes it.
                    Err(error) if by_reference && error.reason() == Reason::ConversationNotFound => {
                        return Err(Reason::SequenceConflict.into());
                    }
                    entered => entered?,
                };
                self.append_held(auth, &tenant, entered, &redacted, fresh.as_ref()).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Holds the conversation until the append is durable. What others queued before may still fail and take the assumed end
    /// with it, once: after that nothing of the conversation is queued, and the end that is read anew is the true one.
    async fn append_held<A: Act>(
        &self,
        auth: &Authorized<A>,
        tenant: &TenantId,
        mut entered: Entered,
        redacted: &RedactedBatch,
        fresh: Option<&Fresh>,
    ) -> Result<Audited<Appended>, Attempt> {
        for again in [true, false] {
            self.load_tail(tenant, entered.id, &mut entered.slot).await?;
            let room = self.workshop.enter_again(&redacted.records).await?;
            let ready = match self.prepare(auth, tenant, &mut entered, redacted, fresh, false).await {
                Ok(ready) => ready,
                Err(error) => {
                    *entered.slot = None;
                    return Err(error.into());
                }
            };
            let pending = self.data.enqueue(ready.work).await;
            drop(room);
            let done = match pending {
                Ok(pending) => pending.done().await,
                Err(error) => Err(error),
            };
            match done {
                Ok(receipt) => {
                    entered.slot.settled();
                    return Ok(Audited::new(ready.appended, receipt));
                }
                Err(SubmitError::Refused(Refusal::Conflict | Refusal::Missing)) if again => *entered.slot = None,
                Err(error) => {
                    *entered.slot = None;
                    return Err(error.into());
                }
            }
        }
        Err(Reason::SequenceConflict.into())
    }

    /// Lets the next append go on, waits until this one is durable, and on failure forgets what was assumed.
    async fn settle(
        &self,
        entered: Entered,
        pending: Result<Pending<Receipt>, SubmitError>,
    ) -> Result<Receipt, SubmitError> {
        let Entered { id, mut slot, .. } = entered;
        let result = match pending {
            Ok(pending) => {
                slot.settled();
                drop(slot);
                match pending.done().await {
                    Ok(receipt) => return Ok(receipt),
                    Err(error) => {
                        slot = self.tails.lock(id).await;
                        Err(error)
                    }
                }
            }
            Err(error) => Err(error),
        };
        *slot = None;
        result
    }

    /// Seals what was redacted at the end of the conversation and moves the end.
    async fn prepare<A: Act>(
        &self,
        auth: &Authorized<A>,
        tenant: &TenantId,
        entered: &mut Entered,
        redacted: &RedactedBatch,
        fresh: Option<&Fresh>,
        created: bool,
    ) -> Result<Ready> {
        let name = ConversationName { tenant: tenant.clone(), id: entered.id }.to_string();
        let sealed = self.seal_at_end(tenant, entered, redacted).await?;
        let appended = Appended {
            conversation: name.clone(),
            first_sequence: sealed.first,
            last_sequence: sealed.last,
            received_at: sealed.received_at,
            redactions: sealed.counts.clone(),
            policy_version: sealed.policy_version,
            created,
        };
        let mut entry = sealed.entry(auth.entry().object(&name));
        if created {
            entry = entry.count(Count::Conversations, 1);
        }
        let logged = auth.logged_with(entry, sealed.commitments.clone())?;
        let mut work = Work::new(logged);
        if let Some(row) = entered.create.take() {
            work = work.with(Mutation::CreateConversation(row));
        }
        work = work.with(sealed.into_mutation(tenant, entered.id));
        if let Some(fresh) = fresh {
            work = work.with(fresh.remember(&appended, Some(entered.id))?);
        }
        Ok(Ready { work, appended })
    }

    /// Numbers and seals redacted records behind the conversation's end, and moves the end behind them.
    pub(super) async fn seal_at_end(
        &self,
        tenant: &TenantId,
        entered: &mut Entered,
        redacted: &RedactedBatch,
    ) -> Result<SealedBatch> {
        // A stream was let in long ago: the keys that this is sealed under must be found again after a restart.
        self.keys.store().check_files()?;
        let id = entered.id;
        let tail = entered.slot.as_mut().ok_or(Reason::Internal)?;
        let received_at = self.clock.now().max(tail.last_received);
        let segment = self.segment(tenant, id, tail, received_at).await?.clone();
        let kek_version = self.keys.active_version(tenant).await?;
        let (bot, channel) = (tail.bot.clone(), tail.channel.clone());
        let (keys, backend) = (&*self.keys, self.settings.backend);
        let place = Place { keys, backend, tenant, conversation: id, bot: &bot, channel: channel.as_ref() };
        let first = tail.next_sequence;
        let mut batch = SealedBatch::new(first, received_at, segment.day, kek_version);
        batch.reseals = tail.reseals;
        let mut turn = 0;
        for (sequence, record) in (first..).zip(&redacted.records) {
            let (row, commitment) = place.seal(&segment, record, sequence, received_at)?;
            turn += row.sealed.len();
            if turn > BYTES_A_TURN {
                turn = 0;
                tokio::task::yield_now().await;
            }
            batch.push(row, commitment, record);
        }
        entered.slot.assume();
        let tail = entered.slot.as_mut().ok_or(Reason::Internal)?;
        if tail.dialogue != redacted.dialogue {
            let (of, dialogue) = ((tenant, id), &redacted.dialogue);
            batch.dialogue = Some(seal_dialogue(keys, backend, &tail.secrets, of, dialogue, batch.last)?);
            tail.dialogue.clone_from(dialogue);
        }
        tail.next_sequence = batch.last + 1;
        tail.last_received = received_at;
        Ok(batch)
    }
}

struct Ready {
    work: Work,
    appended: Appended,
}

/// Records that are sealed and numbered, with what their audit entry says.
pub(super) struct SealedBatch {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) counts: FindingCounts,
    /// The labels of what the records try.
    risks: BTreeSet<String>,
    received_at: Timestamp,
    policy_version: u32,
    day: crate::domain::Day,
    kek_version: u32,
    reseals: u64,
    rows: Vec<RecordRow>,
    pub(super) commitments: Vec<[u8; 32]>,
    dialogue: Option<Sealed>,
}

impl SealedBatch {
    fn new(first: u64, received_at: Timestamp, day: crate::domain::Day, kek_version: u32) -> Self {
        Self {
            first,
            last: first.saturating_sub(1),
            counts: FindingCounts::new(),
            risks: BTreeSet::new(),
            received_at,
            policy_version: 0,
            day,
            kek_version,
            reseals: 0,
            rows: Vec::new(),
            commitments: Vec::new(),
            dialogue: None,
        }
    }

    fn push(&mut self, row: RecordRow, commitment: [u8; 32], record: &RedactedRecord) {
        self.last = row.sequence;
        self.policy_version = row.policy_version;
        self.rows.push(row);
        self.commitments.push(commitment);
        record.count(&mut self.counts);
        self.risks.extend(record.parts.risks.iter().map(|risk| risk.label.clone()));
    }

    /// Fills in what the entry of an append says.
    pub(super) fn entry(&self, entry: crate::audit::EntryBuilder) -> crate::audit::EntryBuilder {
        entry
            .count(Count::Records, self.rows.len() as u64)
            .count(Count::Findings, self.counts.values().sum())
            .sequences(self.first, self.last)
            .key_version(u64::from(self.kek_version))
            .policy(PolicyKind::Redaction, u64::from(self.policy_version))
    }

    /// Returns the change that stores the records.
    pub(super) fn into_mutation(self, tenant: &TenantId, conversation: ConversationId) -> Mutation {
        Mutation::AppendRecords {
            tenant: tenant.clone(),
            conversation,
            rows: self.rows,
            // Found by the same index: a label of the vault's own is no class, and holds a sign that no class has.
            finding_classes: self.counts.into_keys().chain(self.risks).collect(),
            last_day: self.day,
            dialogue: self.dialogue,
            reseals: self.reseals,
        }
    }
}

/// Why an attempt to append did not succeed.
pub(super) enum Attempt {
    Failed(Error),
    Refused(Refusal),
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Reason> for Attempt {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason.into())
    }
}

impl From<SubmitError> for Attempt {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => Self::Refused(refusal),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<Attempt> for Error {
    fn from(attempt: Attempt) -> Self {
        match attempt {
            Attempt::Failed(error) => error,
            Attempt::Refused(refusal) => SubmitError::Refused(refusal).into(),
        }
    }
}

/// Redacts a batch behind what was said before it, giving other tasks a turn now and then.
pub(super) async fn redact_all(
    engine: &engines::SharedEngine,
    tail: &Tail,
    records: Vec<NewRecord>,
) -> Result<RedactedBatch> {
    let mut batch = RedactedBatch { records: Vec::with_capacity(records.len()), dialogue: tail.dialogue.clone() };
    let (mut turn, mut bytes) = (0, 0);
    for (index, record) in records.into_iter().enumerate() {
        turn += record.weight();
        let done = aside(engine, || redact(engine, &tail.pseudonyms, &mut batch.dialogue, record));
        let done = done.map_err(|error| error.within(&format!("records[{index}]")))?;
        bytes += done.weight();
        batch.records.push(done);
        must_fit(bytes)?;
        if turn > BYTES_A_TURN {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(batch)
}

/// Refuses a batch in which so much was found that it becomes too large; one record alone never does.
pub(super) fn must_fit(redacted: usize) -> Result<()> {
    if redacted > MOST_REDACTED {
        let hint = "with what redaction found the batch is too large: send fewer records at once";
        return Err(Error::new(Reason::BatchTooLarge).at("records").hint(hint).limit(MOST_REDACTED as u64));
    }
    Ok(())
}

/// Checks a batch against the limits of design section 11.
pub(super) fn check_batch(records: &[NewRecord], now: Timestamp) -> Result<()> {
    if records.is_empty() {
        return Err(Error::invalid("records", "at least one record"));
    }
    if records.len() > MAX_BATCH_RECORDS {
        return Err(Error::new(Reason::BatchTooLarge).at("records").limit(MAX_BATCH_RECORDS as u64));
    }
    for (index, record) in records.iter().enumerate() {
        check_record(record, now).map_err(|error| error.within(&format!("records[{index}]")))?;
    }
    Ok(())
}

/// Checks one record against the limits.
pub(super) fn check_record(record: &NewRecord, now: Timestamp) -> Result<()> {
    if record.content.is_empty() {
        return Err(Error::new(Reason::EmptyContent).at("content"));
    }
    if record.weight() > MAX_RECORD_BYTES {
        return Err(Error::new(Reason::RecordTooLarge).at("content").limit(MAX_RECORD_BYTES as u64));
    }
    if record.metadata.len() > MAX_METADATA_PAIRS {
        return Err(Error::new(Reason::TooManyMetadataPairs).at("metadata").limit(MAX_METADATA_PAIRS as u64));
    }
    if record.occurred_at.is_some_and(|at| at > now.plus(CLOCK_AHEAD)) {
        return Err(Error::new(Reason::TimestampOutOfRange).at("occurred_at").hint("not over a day in the future"));
    }
    Ok(())
}
