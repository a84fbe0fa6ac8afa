//! The key of a segment is replaced: its records are sealed under the next key, some of them without a value, and the old key is
//! destroyed.
//!
//! A key act like any other: an intent entry, the act, an outcome entry. In between, in this order: the next key is durable; the
//! first record that changes is sealed under it, and from then on appends that were sealed before are refused; the others
//! follow, a bounded number at a time; the old key is destroyed, in one transaction with the act's mark. Records say under which
//! key they are, so that all of it can be read at any time. An act that was cut short before the first record is undone, for
//! nothing was changed; after it, it is gone on with, for which the value is not needed.

use serde::{Deserialize, Serialize};

use crate::audit::{Count, EntryBuilder, Phase, PolicyKind};
use crate::domain::{ConversationName, Error, Reason, Record, Result, TenantId};
use crate::keys::{KeyError, Segment};
use crate::sealing::{Key32, random};
use crate::store::{
    KeyActRow, KeyReceipt, KeyWork, LogId, LoggedEntry, Mutation, Refusal, StoredConversation, StoredRecord, Work,
};

use super::Vault;
use super::expire::{logged, logged_with, own_entry};
use super::idempotency::Fresh;
use super::ingest::Attempt;
use super::redact::FindingCounts;
use super::redact_record::RedactedLater;
use super::remove::Removed;
use super::seal::Place;

pub(super) const REDACT_RECORD: &str = "RedactRecord";
const REDACT_RECORDS: &str = "RedactRecords";
/// Acts that take turns under `redactions`.
pub(super) const REDACTS: &[&str] = &[REDACT_RECORD, REDACT_RECORDS];

/// Records sealed anew in one step.
const PAGE: usize = 250;
/// How often a step is tried again when records of it expired meanwhile.
const TRIES: usize = 3;

/// What the row of such an act says of it, beside what that of every act says.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    tenant: TenantId,
    object: String,
    conversation: String,
    segment: u64,
    first: u64,
    /// What the request is remembered by, and answered with once it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<(Option<Fresh>, RedactedLater)>,
}

/// One segment whose key is replaced.
pub(super) struct Job<'j> {
    pub(super) operation: &'static str,
    pub(super) log: &'j LogId,
    pub(super) row: &'j StoredConversation,
    /// The segment's key.
    pub(super) segment: u64,
    /// The first record that changes.
    pub(super) first: u64,
    /// Starts each entry.
    pub(super) entry: &'j (dyn Fn() -> EntryBuilder + Sync),
    /// Takes out of a record what is to go.
    pub(super) change: &'j (dyn Fn(&Record) -> Result<Option<Removed>> + Sync),
}

/// What was done to a segment. The act is still open: its outcome is logged with what the caller remembers of it.
pub(super) struct Replaced {
    pub(super) act: [u8; 16],
    pub(super) resealed: u64,
    pub(super) changed: u64,
    pub(super) counts: FindingCounts,
    pub(super) pending_scrub: bool,
}

impl Job<'_> {
    pub(super) fn name(&self) -> ConversationName {
        ConversationName { tenant: self.row.tenant.clone(), id: self.row.id }
    }

    /// Returns what the act's row says.
    pub(super) fn plan(&self, object: String, answer: Option<(Option<Fresh>, RedactedLater)>) -> Plan {
        let tenant = self.row.tenant.clone();
        Plan {
            tenant,
            object,
            conversation: self.name().id.to_string(),
            segment: self.segment,
            first: self.first,
            answer,
        }
    }
}

impl Vault {
    /// Replaces the key of a segment, from the intent entry on. The caller has the conversation's lock and its turn under
    /// `redactions`.
    ///
    /// # Errors
    ///
    /// `RECORD_NOT_FOUND` when the segment has run out; `INTEGRITY_FAILURE`, before anything is done, when one of its records
    /// does not open. After any other error the act is open, and closed by the next redaction, pass of expiry, or start.
    pub(super) async fn replace_key(&self, job: &Job<'_>, plan: &Plan) -> Result<Replaced> {
        self.must_open(job).await?;
        let act = self.begin_redaction(job, plan).await?;
        let to = match self.keys.next_segment(&job.row.tenant, job.row.id, job.segment).await {
            Ok(segment) => segment,
            Err(KeyError::Destroyed) => return self.abandon(job, act).await,
            Err(error) => return Err(error.into()),
        };
        let mut done = Replaced { act, resealed: 0, changed: 0, counts: FindingCounts::new(), pending_scrub: false };
        let (_, from) = match self.keys.open_segment(&job.row.tenant, job.row.id, job.segment).await {
            Ok(opened) => opened,
            Err(KeyError::Destroyed) => return self.abandon(job, act).await,
            Err(error) => return Err(error.into()),
        };
        let first = self.record_row(job.row, job.first).await?.filter(|row| row.dek_id == job.segment);
        let Some(first) = first else { return self.abandon(job, act).await };
        match self.reseal_page(job, &from, &to, vec![first], true, &mut done).await {
            Err(Attempt::Refused(Refusal::Conflict | Refusal::Missing)) => return self.abandon(job, act).await,
            other => other?,
        }
        self.reseal_rest(job, &from, &to, &mut done).await?;
        drop(from);
        done.pending_scrub = self.destroy_old(job, act).await?.pending_scrub;
        Ok(done)
    }

    async fn destroy_old(&self, job: &Job<'_>, act: [u8; 16]) -> Result<KeyReceipt> {
        let receipt = self.keys.destroy_segments(job.row.id, &[job.segment], Some(act)).await?;
        if receipt.pending_scrub {
            self.expiry.unscrubbed();
        }
        Ok(receipt)
    }

    /// Refuses a segment of which a record does not open: what does not open cannot be sealed anew, and would go with the key.
    async fn must_open(&self, job: &Job<'_>) -> Result<()> {
        let (tenant, id, segment) = (&job.row.tenant, job.row.id, job.segment);
        let (_, from) = self.keys.open_segment(tenant, id, segment).await.map_err(|error| match error {
            KeyError::Destroyed => Error::new(Reason::RecordNotFound),
            other => other.into(),
        })?;
        let mut after = 0;
        loop {
            let rows = self.under(job, after).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.sequence;
            for row in &rows {
                self.place(job.row).open_whole(&from, row)?;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn begin_redaction(&self, job: &Job<'_>, plan: &Plan) -> Result<[u8; 16]> {
        let now = self.clock.now();
        let act = *random::uuid_v7(now.unix_ms().unsigned_abs()).as_bytes();
        let detail = serde_json::to_string(plan).map_err(|error| Error::new(Reason::Internal).because(error))?;
        let row = KeyActRow { id: act, log: job.log.clone(), operation: job.operation.to_owned(), detail, at: now };
        let intent = logged(job.log, (job.entry)().phase(Phase::Intent).object(&plan.object))?;
        self.data.submit(Work::new(intent).with(Mutation::BeginKeyAct(row))).await?;
        Ok(act)
    }

    /// Closes an act whose records have expired since it was begun.
    async fn abandon<T>(&self, job: &Job<'_>, act: [u8; 16]) -> Result<T> {
        let outcome = (job.entry)().phase(Phase::Outcome).deny(Reason::RecordNotFound.as_str());
        self.data.submit(Work::new(logged(job.log, outcome)?).with(Mutation::EndKeyAct(act))).await?;
        Err(Reason::RecordNotFound.into())
    }

    /// Seals what is left under the old key, page by page, until nothing is. From the first record on nothing can be added.
    async fn reseal_rest(&self, job: &Job<'_>, from: &Key32, to: &Segment, done: &mut Replaced) -> Result<()> {
        let (mut after, mut tries) = (0, TRIES);
        loop {
            let rows = self.under(job, after).await?;
            let Some(last) = rows.last().map(|row| row.sequence) else { return Ok(()) };
            match self.reseal_page(job, from, to, rows, false, done).await {
                Err(Attempt::Refused(Refusal::Conflict)) if tries > 0 => tries -= 1,
                Err(error) => return Err(error.into()),
                Ok(()) => after = last,
            }
            tokio::task::yield_now().await;
        }
    }

    async fn reseal_page(
        &self,
        job: &Job<'_>,
        from: &Key32,
        to: &Segment,
        rows: Vec<StoredRecord>,
        first: bool,
        done: &mut Replaced,
    ) -> Result<(), Attempt> {
        let page = self.seal_page(job, from, to, rows, first)?;
        self.data.submit(page.work).await?;
        done.resealed += page.resealed;
        done.changed += page.changed;
        for (class, count) in page.counts {
            *done.counts.entry(class).or_default() += count;
        }
        Ok(())
    }

    fn seal_page(
        &self,
        job: &Job<'_>,
        from: &Key32,
        to: &Segment,
        stored: Vec<StoredRecord>,
        first: bool,
    ) -> Result<Page> {
        let place = self.place(job.row);
        let (mut rows, mut entries, mut counts) = (Vec::new(), Vec::new(), FindingCounts::new());
        let mut last = 0;
        for row in &stored {
            let whole = place.open_whole(from, row)?;
            last = row.sequence;
            match (job.change)(whole.record())? {
                Some(removed) => {
                    let (row, commitment) = place.reseal_changed(to, &removed)?;
                    rows.push(row);
                    removed.count(&mut counts);
                    entries.push(changed_entry(job, &removed, commitment)?);
                }
                None => rows.push(place.reseal(to, &whole)?),
            }
        }
        let (resealed, changed) = (rows.len() as u64, entries.len() as u64);
        let mut entries = entries.into_iter();
        let lead = match entries.next() {
            Some(entry) => entry,
            None => progress_entry(job, last)?,
        };
        let change = Mutation::ResealRecords {
            tenant: job.row.tenant.clone(),
            conversation: job.row.id,
            from: job.segment,
            rows,
            finding_classes: counts.keys().cloned().collect(),
            first,
        };
        let work = entries.fold(Work::new(lead).with(change), Work::and_log);
        Ok(Page { work, resealed, changed, counts })
    }

    async fn under(&self, job: &Job<'_>, after: u64) -> Result<Vec<StoredRecord>> {
        let (tenant, id, segment) = (job.row.tenant.clone(), job.row.id, job.segment);
        Ok(self.data.read(move |reader| reader.records_under(&tenant, &id, segment, after, PAGE)).await?)
    }

    /// Returns one stored record.
    pub(super) async fn record_row(&self, row: &StoredConversation, sequence: u64) -> Result<Option<StoredRecord>> {
        let (tenant, id, before) = (row.tenant.clone(), row.id, sequence.saturating_sub(1));
        let found = self.data.read(move |reader| reader.records(&tenant, &id, before, 1)).await?;
        Ok(found.into_iter().find(|record| record.sequence == sequence))
    }

    /// Returns where the records of a stored conversation are sealed.
    pub(super) fn place<'a>(&'a self, row: &'a StoredConversation) -> Place<'a> {
        Place {
            keys: &self.keys,
            backend: self.settings.backend,
            tenant: &row.tenant,
            conversation: row.id,
            bot: &row.bot,
            channel: row.channel.as_ref(),
        }
    }

    /// Goes on with a redaction that was cut short, if its first record is sealed anew, and tells whether it is done.
    pub(super) async fn go_on_redacting(&self, act: &KeyActRow) -> Result<bool> {
        let Some(operation) = REDACTS.iter().find(|operation| **operation == act.operation) else { return Ok(false) };
        let Ok(plan) = serde_json::from_str::<Plan>(&act.detail) else { return Ok(false) };
        match self.go_on(act, operation, &plan).await {
            // One conversation that does not open must not keep the vault from being served.
            Err(error) if error.reason() == Reason::IntegrityFailure => {
                tracing::error!(%error, "a redaction that was cut short cannot be gone on with");
                Ok(false)
            }
            other => other,
        }
    }

    async fn go_on(&self, act: &KeyActRow, operation: &'static str, plan: &Plan) -> Result<bool> {
        let Ok(id) = plan.conversation.parse() else { return Ok(false) };
        let tenant = plan.tenant.clone();
        let row = self.data.read(move |reader| reader.conversation(&tenant, &id)).await?;
        let Some(row) = row else { return Ok(false) };
        let changed = self.record_row(&row, plan.first).await?.is_none_or(|record| record.dek_id != plan.segment);
        if !changed {
            return Ok(false);
        }
        let entry = || own_entry(self.clock.now(), &act.log, operation);
        let (segment, first) = (plan.segment, plan.first);
        let job = Job { operation, log: &act.log, row: &row, segment, first, entry: &entry, change: &|_| Ok(None) };
        let mut done =
            Replaced { act: act.id, resealed: 0, changed: 0, counts: FindingCounts::new(), pending_scrub: false };
        // What has run out meanwhile is swept with its bucket.
        let opened = self.keys.open_segment(&row.tenant, id, segment).await;
        let to = self.keys.newest_of(&row.tenant, id, segment).await;
        match (opened, to) {
            (Ok((_, from)), Ok(to)) => self.reseal_rest(&job, &from, &to, &mut done).await?,
            (Err(KeyError::Destroyed), _) | (_, Err(KeyError::Destroyed)) => return Ok(false),
            (Err(error), _) | (_, Err(error)) => return Err(error.into()),
        }
        self.destroy_old(&job, act.id).await?;
        *self.tails.lock(id).await = None;
        Ok(true)
    }

    /// Returns the change that remembers the answer to a redaction that was cut short and is done now.
    pub(super) async fn redacted_answer(&self, detail: &str) -> Result<Option<Mutation>> {
        let Ok(Plan { answer: Some((Some(fresh), mut answer)), tenant, conversation, segment, .. }) =
            serde_json::from_str::<Plan>(detail)
        else {
            return Ok(None);
        };
        let (key, of) = (fresh.key(), tenant.clone());
        if self.data.read(move |reader| reader.request(&of, &key)).await?.is_some() {
            return Ok(None);
        }
        answer.resealed = self.resealed(tenant, &conversation, segment).await?;
        answer.scrubbed = self.scrubbed_now().await?;
        fresh.remember(&answer, conversation.parse().ok()).map(Some)
    }

    /// Counts the records under the key that replaced the one of `segment`.
    async fn resealed(&self, tenant: TenantId, conversation: &str, segment: u64) -> Result<u64> {
        let Ok(id) = conversation.parse() else { return Ok(0) };
        let to = match self.keys.newest_of(&tenant, id, segment).await {
            Ok(to) => to.dek_id,
            Err(KeyError::Destroyed) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let sealed = self.data.read(move |reader| reader.sealed_under(&tenant, &id, &[to])).await?;
        Ok(sealed.map_or(0, |(_, records)| records))
    }

    /// Tries a pending scrub again, and tells whether nothing destroyed is left in the key store's files.
    pub(super) async fn scrubbed_now(&self) -> Result<bool> {
        let pending = self.keys.store().submit(KeyWork::default().scrubbed()).await?.pending_scrub;
        if pending {
            self.expiry.unscrubbed();
        }
        Ok(!pending)
    }
}

/// One step, ready to be committed.
struct Page {
    work: Work,
    resealed: u64,
    changed: u64,
    counts: FindingCounts,
}

/// The entry of one record that changed: the newest entry with its sequence commits to what it is now.
fn changed_entry(job: &Job<'_>, removed: &Removed, commitment: [u8; 32]) -> Result<LoggedEntry> {
    let record = removed.record();
    let entry = (job.entry)()
        .object(&job.name().record(record.sequence))
        .sequences(record.sequence, record.sequence)
        .count(Count::Records, 1)
        .count(Count::Findings, removed.notes().len() as u64)
        .policy(PolicyKind::Redaction, u64::from(record.policy_version));
    logged_with(job.log, entry, vec![commitment])
}

fn progress_entry(job: &Job<'_>, last: u64) -> Result<LoggedEntry> {
    logged(job.log, (job.entry)().phase(Phase::Progress).object(&job.name().to_string()).last_sequence(last))
}
