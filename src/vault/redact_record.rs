//! A value that redaction missed is taken out of one stored record.

use serde::{Deserialize, Serialize};

use crate::access::{Authorized, Caller, Scope, acts};
use crate::audit::{Count, Phase};
use crate::domain::{CaseReference, FindingNote, Reason, Record, RecordName, Result};
use crate::keys::KeyError;
use crate::redaction::{Engine, PseudonymKey};
use crate::store::{Mutation, StoredConversation, StoredRecord, Work};

use super::Vault;
use super::audited::Audited;
use super::idempotency::{Fresh, Idempotent, Known};
use super::ingest::Target;
use super::redact::FindingCounts;
use super::remove::{Removal, Removed, has_unsearched_file, remove};
use super::reseal::{Job, REDACT_RECORD, REDACTS};

/// Findings in one answer, which is also remembered.
const MOST_FINDINGS: usize = 1_000;

/// What is to be taken out, and how.
pub struct Wanted {
    /// What is taken out.
    pub removal: Removal,
    /// Whether nothing is changed, and only counted.
    pub dry_run: bool,
    /// For which matter.
    pub case: Option<CaseReference>,
}

/// What was taken out of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactedLater {
    /// The record's resource name.
    pub name: String,
    /// What was taken out, by class.
    pub redactions: FindingCounts,
    /// What was taken out, each with its place in the field as it was stored.
    pub findings: Vec<FindingNote>,
    /// The redaction policy that stands in the record now.
    pub policy_version: u32,
    /// Whether nothing of the destroyed key is left in the key store's files.
    pub scrubbed: bool,
    /// How many records were sealed anew.
    pub resealed: u64,
    /// Whether the record holds a file in which nothing can be looked for.
    pub unsearched_file: bool,
}

/// What takes values out of the records of one conversation.
pub(super) struct Remover<'r> {
    pub(super) engine: &'r Engine,
    pub(super) key: PseudonymKey,
    pub(super) removal: &'r Removal,
}

impl Remover<'_> {
    pub(super) fn remove(&self, record: &Record) -> Result<Option<Removed>> {
        remove(self.engine, &self.key, self.removal, record)
    }
}

impl Vault {
    /// Takes a value out of a stored record: seals the records of its segment under a new key, and destroys the old one.
    ///
    /// # Errors
    ///
    /// `RECORD_NOT_FOUND` when it is not there or has expired; what is wrong with a piece. After an error that is the vault's
    /// own, repeating the request tells what became of it.
    pub async fn redact_record(
        &self,
        caller: &Caller,
        name: RecordName,
        wanted: Wanted,
        request: Option<Idempotent>,
    ) -> Result<Audited<RedactedLater>> {
        let found = self.find(caller, &Target::Name(name.conversation.clone())).await?;
        let request_id = request.as_ref().map(|request| request.id);
        let object = Some(name.to_string());
        let scope = Scope { request_id, case: wanted.case.clone(), object, ..found.scope() };
        let auth = self.gate.authorize::<acts::RedactRecord>(caller, scope).await?;
        match self.redact_one(&auth, &name, &wanted, request).await {
            Ok(done) => Ok(done),
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    async fn redact_one(
        &self,
        auth: &Authorized<acts::RedactRecord>,
        name: &RecordName,
        wanted: &Wanted,
        request: Option<Idempotent>,
    ) -> Result<Audited<RedactedLater>> {
        let tenant = &name.conversation.tenant;
        self.must_serve(tenant).await?;
        // One at a time, so that the same request on another connection finds the answer of the first.
        let _turn = self.redactions.lock().await;
        self.reconcile_failed(REDACTS).await?;
        let fresh = match self.known::<_, RedactedLater>(auth, tenant, request.as_ref()).await? {
            Known::Done(answer) => return self.redacted_before(auth, answer).await,
            Known::New(fresh) => fresh,
        };
        let mut slot = self.tails.lock(name.conversation.id).await;
        let row = self.stored(tenant, name.conversation.id).await?;
        let record = self.record_row(&row, name.sequence).await?.ok_or(Reason::RecordNotFound)?;
        let engine = self.engine(tenant).await?;
        let remover = self.remover(&row, &engine, &wanted.removal).await?;
        let (answer, found) = self.try_on(name, &row, &record, &remover).await?;
        if wanted.dry_run || !found {
            return self.nothing_changed(auth, answer, fresh.filter(|_| !wanted.dry_run), &row).await;
        }
        // Its end holds the key that goes.
        *slot = None;
        let done = self.redact_in_segment(auth, name, &row, &record, &remover, answer, fresh).await;
        *slot = None;
        done
    }

    pub(super) async fn remover<'r>(
        &self,
        row: &StoredConversation,
        engine: &'r Engine,
        removal: &'r Removal,
    ) -> Result<Remover<'r>> {
        let secrets = self.secrets_of(row).await?;
        Ok(Remover { engine, key: PseudonymKey::copy_of(secrets.pseudonym_key().expose()), removal })
    }

    /// Looks what would be taken out of a record.
    async fn try_on(
        &self,
        name: &RecordName,
        row: &StoredConversation,
        record: &StoredRecord,
        remover: &Remover<'_>,
    ) -> Result<(RedactedLater, bool)> {
        let (_, key) = self.keys.open_segment(&row.tenant, row.id, record.dek_id).await.map_err(expired)?;
        let whole = self.place(row).open_whole(&key, record)?;
        let removed = remover.remove(whole.record())?;
        let mut redactions = FindingCounts::new();
        if let Some(removed) = &removed {
            removed.count(&mut redactions);
        }
        let answer = RedactedLater {
            name: name.to_string(),
            redactions,
            findings: removed
                .as_ref()
                .map(|removed| removed.notes().iter().take(MOST_FINDINGS).cloned().collect())
                .unwrap_or_default(),
            policy_version: removed.as_ref().map_or(record.policy_version, |removed| removed.record().policy_version),
            scrubbed: true,
            resealed: 0,
            unsearched_file: has_unsearched_file(whole.record()),
        };
        Ok((answer, removed.is_some()))
    }

    async fn nothing_changed(
        &self,
        auth: &Authorized<acts::RedactRecord>,
        answer: RedactedLater,
        fresh: Option<Fresh>,
        row: &StoredConversation,
    ) -> Result<Audited<RedactedLater>> {
        let entry = auth.entry().count(Count::Matched, answer.redactions.values().sum());
        let mut work = Work::new(auth.logged(entry)?);
        if let Some(fresh) = fresh {
            work = work.with(fresh.remember(&answer, Some(row.id))?);
        }
        self.finish(work, answer).await
    }

    #[expect(clippy::too_many_arguments, reason = "one act, called once")]
    async fn redact_in_segment(
        &self,
        auth: &Authorized<acts::RedactRecord>,
        name: &RecordName,
        row: &StoredConversation,
        record: &StoredRecord,
        remover: &Remover<'_>,
        mut answer: RedactedLater,
        fresh: Option<Fresh>,
    ) -> Result<Audited<RedactedLater>> {
        let change = |record: &Record| match record.sequence == name.sequence {
            true => remover.remove(record),
            false => Ok(None),
        };
        let entry = || auth.entry();
        let job = Job {
            operation: REDACT_RECORD,
            log: auth.log(),
            row,
            segment: record.dek_id,
            first: name.sequence,
            entry: &entry,
            change: &change,
        };
        let plan = job.plan(name.to_string(), Some((fresh.clone(), answer.clone())));
        let done = self.replace_key(&job, &plan).await?;
        (answer.scrubbed, answer.resealed) = (!done.pending_scrub, done.resealed);
        let mut outcome = auth.entry().phase(Phase::Outcome).count(Count::Keys, 1);
        outcome = outcome.count(Count::Findings, done.counts.values().sum());
        if done.pending_scrub {
            outcome = outcome.reason("PENDING_SCRUB");
        }
        let mut work = Work::new(auth.logged(outcome)?).with(Mutation::EndKeyAct(done.act));
        if let Some(fresh) = fresh {
            work = work.with(fresh.remember(&answer, Some(row.id))?);
        }
        let receipt = self.data.submit(work).await?;
        self.forget_act(done.act).await;
        Ok(Audited::new(answer, receipt))
    }

    /// Answers a repeated request as before; a scrub that was pending then is tried again.
    async fn redacted_before(
        &self,
        auth: &Authorized<acts::RedactRecord>,
        mut answer: RedactedLater,
    ) -> Result<Audited<RedactedLater>> {
        if !answer.scrubbed {
            answer.scrubbed = self.scrubbed_now().await?;
        }
        self.repeat(auth, answer).await
    }
}

pub(super) fn expired(error: KeyError) -> crate::domain::Error {
    match error {
        KeyError::Destroyed => Reason::RecordNotFound.into(),
        other => other.into(),
    }
}
