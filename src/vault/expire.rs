//! Retention running out: bucket keys are destroyed on time, and what they sealed is swept away after, in small steps.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::audit::{Count, Entry, EntryBuilder, Phase};
use crate::domain::{ConversationId, ConversationName, Error, Reason, Result, TenantId, Timestamp};
use crate::lifecycle;
use crate::sealing::random;
use crate::store::{
    BucketKind, BucketRow, Chore, KeyActRow, KeyWork, KeyWrite, LogId, LoggedEntry, Mutation, SegmentRow, Work,
};

use super::Vault;
use super::reseal::REDACTS;

/// What one pass did, and what is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpiryReport {
    /// Buckets whose keys were destroyed.
    pub destroyed: u64,
    /// Record rows that were removed.
    pub swept: u64,
    /// How long the oldest bucket that was due had been due when the pass began.
    pub lag: Duration,
    /// Buckets that are due and still there.
    pub overdue: u64,
    /// Whether removed wraps may still lie in the key store's file.
    pub pending_scrub: bool,
    /// When the pass ended.
    pub at: Option<Timestamp>,
}

/// The sum of all passes, for the status.
#[derive(Default)]
pub(super) struct Progress(Mutex<ExpiryReport>);

/// Buckets destroyed in one pass.
const MOST_BUCKETS: usize = 1_000;
/// Segments swept in one step.
const MOST_SEGMENTS: usize = 200;
/// Record rows removed in one transaction.
const MOST_ROWS: u64 = 2_000;

/// The actor and role that stand in entries of what the vault does by itself.
const VAULT: &str = "vault";

impl Progress {
    fn add(&self, pass: ExpiryReport) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = ExpiryReport { destroyed: sum.destroyed + pass.destroyed, swept: sum.swept + pass.swept, ..pass };
    }

    /// Shows what is due, before anything is done about it: a pass that fails is seen all the same.
    fn announce(&self, pass: &ExpiryReport) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (sum.lag, sum.overdue) = (pass.lag, pass.overdue);
    }

    /// Says that a removed wrap may still lie in the key store's file: the next pass that destroys nothing tries again.
    pub(super) fn unscrubbed(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pending_scrub = true;
    }

    pub(super) fn sum(&self) -> ExpiryReport {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault {
    /// Destroys every bucket whose day is over, then sweeps what they sealed. A pass that stops half-way is taken up by the
    /// next.
    pub async fn expire_due(&self) -> Result<ExpiryReport> {
        // Passes follow one another: an act that is open is one that the last pass could not end.
        self.reconcile_failed(&[DESTROY]).await?;
        if let Ok(_turn) = self.redactions.try_lock() {
            self.reconcile_failed(REDACTS).await?;
        }
        let now = self.clock.now();
        let today = lifecycle::first_live_day(now);
        let mut pass = ExpiryReport::default();
        let due = self.keys.store().read(move |reader| reader.buckets_due(today, MOST_BUCKETS)).await?;
        pass.overdue = due.len() as u64;
        for bucket in &due {
            if let BucketKind::Day(day) = bucket.kind {
                pass.lag = pass.lag.max(lifecycle::overdue(day, now));
            }
        }
        self.expiry.announce(&pass);
        self.metrics.set_expiry(pass.lag, pass.overdue);
        for bucket in &due {
            pass.pending_scrub |= self.destroy_bucket(bucket).await?;
            pass.destroyed += 1;
        }
        if due.is_empty() && self.expiry.sum().pending_scrub {
            let retried = self.keys.store().submit(KeyWork::default().scrubbed()).await?;
            pass.pending_scrub = retried.pending_scrub;
        }
        pass.swept = self.sweep().await?;
        let left = self.keys.store().read(move |reader| reader.buckets_due(today, MOST_BUCKETS)).await?;
        pass.overdue = left.len() as u64;
        pass.at = Some(self.clock.now());
        self.expiry.add(pass);
        Ok(pass)
    }

    /// Destroys one bucket as a key act, and returns whether a scrub is still pending.
    async fn destroy_bucket(&self, bucket: &BucketRow) -> Result<bool> {
        let now = self.clock.now();
        let log = LogId::Tenant(bucket.tenant.clone());
        let object = format!("tenants/{}/buckets/{}", bucket.tenant, bucket.kind);
        let row = own_act(now, &log, DESTROY, &object);
        let act = row.id;
        let entry = |phase| own_entry(now, &log, DESTROY).phase(phase).object(&object).count(Count::Buckets, 1);
        let intent = logged(&log, entry(Phase::Intent).key_version(u64::from(bucket.kek_version)))?;
        self.data.submit(Work::new(intent).with(Mutation::BeginKeyAct(row))).await?;
        let receipt = self.keys.destroy_buckets(&[bucket.id], act).await?;
        self.tails.clear();
        let mut outcome = entry(Phase::Outcome);
        if receipt.pending_scrub {
            outcome = outcome.reason("PENDING_SCRUB");
        }
        self.data.submit(Work::new(logged(&log, outcome)?).with(Mutation::EndKeyAct(act))).await?;
        self.forget_act(act).await;
        Ok(receipt.pending_scrub)
    }

    /// Removes rows whose keys are destroyed, a little at a time, and returns how many records went.
    async fn sweep(&self) -> Result<u64> {
        let mut swept = 0;
        loop {
            let dead = self.keys.store().read(|reader| reader.dead_segments(MOST_SEGMENTS)).await?;
            if dead.is_empty() {
                return Ok(swept);
            }
            for ((tenant, id), dek_ids) in by_conversation(dead) {
                swept += self.sweep_conversation(&tenant, id, dek_ids).await?;
                tokio::task::yield_now().await;
            }
        }
    }

    async fn sweep_conversation(&self, tenant: &TenantId, id: ConversationId, dek_ids: Vec<u64>) -> Result<u64> {
        let whole = self.is_wholly_gone(id).await?;
        let (of, deks) = (tenant.clone(), dek_ids.clone());
        let (known, sealed) = self
            .data
            .read(move |reader| {
                let known = reader.conversation(&of, &id)?.map(|row| row.expired_through);
                Ok((known, reader.sealed_under(&of, &id, &deks)?))
            })
            .await?;
        let (last, rows) = sealed.unwrap_or((0, 0));
        let mut through = known.unwrap_or(0);
        while known.is_some() {
            through = through.saturating_add(MOST_ROWS).min(last);
            let done = through == last;
            self.expire_rows(tenant, id, &dek_ids, through, if done { rows } else { 0 }, whole && done).await?;
            if done {
                break;
            }
        }
        drop(self.tails.lock(id).await.take());
        self.keys.store().submit(KeyWork::new(KeyWrite::DropSegments { conversation: id, dek_ids, whole })).await?;
        Ok(rows)
    }

    /// One step: an entry that says through which sequence the conversation has expired, and the removal.
    async fn expire_rows(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        dek_ids: &[u64],
        through: u64,
        rows: u64,
        expired: bool,
    ) -> Result<()> {
        let log = LogId::Tenant(tenant.clone());
        let object = ConversationName { tenant: tenant.clone(), id }.to_string();
        let mut entry = own_entry(self.clock.now(), &log, EXPIRE).object(&object).count(Count::Swept, rows);
        if through > 0 {
            entry = entry.last_sequence(through);
        }
        let change = Mutation::ExpireRecords {
            tenant: tenant.clone(),
            conversation: id,
            dek_ids: dek_ids.to_vec(),
            through,
            expired,
        };
        self.data.submit(Work::new(logged(&log, entry)?).with(change)).await?;
        Ok(())
    }

    /// Tells whether the conversation's own key is destroyed, so that nothing of it can be read.
    async fn is_wholly_gone(&self, id: ConversationId) -> Result<bool> {
        let dead = self
            .keys
            .store()
            .read(move |reader| {
                let Some(row) = reader.conversation_key(&id)? else { return Ok(true) };
                Ok(reader.bucket(row.bucket)?.is_none_or(|bucket| bucket.wrapped.is_none()))
            })
            .await?;
        Ok(dead)
    }

    /// Forgets requests and streams that are older than the stated window, step by step until none is left.
    pub async fn forget_requests(&self) -> Result<()> {
        let window = i64::try_from(self.settings.remember.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp::from_unix_ms(self.clock.now().unix_ms().saturating_sub(window));
        while self.data.read(move |reader| reader.forgettable(before)).await? {
            self.data.submit(Work::chore(Chore::ForgetRequests(before))).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

const DESTROY: &str = "DestroyBucket";
const EXPIRE: &str = "ExpireRecords";

/// Returns the row of a key act that the vault, or who runs it, does by itself.
pub(super) fn own_act(now: Timestamp, log: &LogId, operation: &str, object: &str) -> KeyActRow {
    KeyActRow {
        id: *random::uuid_v7(now.unix_ms().unsigned_abs()).as_bytes(),
        log: log.clone(),
        operation: operation.to_owned(),
        detail: serde_json::json!({ "object": object }).to_string(),
        at: now,
    }
}

/// Starts an entry about what the vault does by itself.
pub(super) fn own_entry(now: Timestamp, log: &LogId, operation: &str) -> EntryBuilder {
    Entry::builder(now.unix_ms(), &log.to_string(), operation).actor(VAULT).role(VAULT).allow()
}

/// Finishes an entry about what the vault does by itself.
pub(super) fn logged(log: &LogId, entry: EntryBuilder) -> Result<LoggedEntry> {
    let entry = entry.build().map_err(|error| Error::new(Reason::AuditUnavailable).because(error))?;
    Ok(LoggedEntry { log: log.clone(), entry, commitments: Vec::new() })
}

/// As [`logged`], with the commitments of the records that the entry tells of.
pub(super) fn logged_with(log: &LogId, entry: EntryBuilder, commitments: Vec<[u8; 32]>) -> Result<LoggedEntry> {
    Ok(LoggedEntry { commitments, ..logged(log, entry)? })
}

fn by_conversation(dead: Vec<SegmentRow>) -> BTreeMap<(TenantId, ConversationId), Vec<u64>> {
    let mut grouped: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for row in dead {
        grouped.entry((row.tenant, row.conversation)).or_default().push(row.dek_id);
    }
    grouped
}
