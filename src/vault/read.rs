//! Records out: a begin entry fixes the scope, a progress entry is durable before each further thousand, an end entry closes.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::access::{Authorized, Caller, Scope, acts};
use crate::audit::{Count, Phase};
use crate::domain::{
    AuthorRole, CaseReference, ConversationName, ConversationState, Error, Purpose, Reason, Record, RecordKind, Result,
    Timestamp, View,
};
use crate::keys::{KeyError, OpenedSegment};
use crate::sealing::random;
use crate::store::{Mutation, OpenReadRow, StoredConversation, StoredRecord, Work};
use crate::watch::task;

use super::Vault;
use super::audited::Audited;
use super::ingest::Target;

/// What is to be read, and why.
#[derive(Debug, Clone)]
pub struct ReadScope {
    /// The conversation.
    pub name: ConversationName,
    /// Why.
    pub purpose: Option<Purpose>,
    /// For which matter.
    pub case: Option<CaseReference>,
    /// How much of each record.
    pub view: View,
    /// Only records after this sequence.
    pub after_sequence: u64,
}

/// A record as it leaves.
#[derive(Debug, Clone)]
pub enum ShownRecord {
    /// Opened: the redacted content.
    Redacted(Box<Record>),
    /// Not opened: only what stands in clear.
    Metadata {
        /// Its number.
        sequence: u64,
        /// When the vault took it in.
        received_at: Timestamp,
        /// Who said it.
        author_role: AuthorRole,
        /// What kind of content it has.
        kind: RecordKind,
        /// The redaction policy that handled it.
        policy_version: u32,
    },
}

impl ShownRecord {
    /// Returns about how many bytes it takes in an answer.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Metadata { .. } => 64,
            Self::Redacted(record) => {
                let metadata: usize = record.metadata.values().map(String::len).sum();
                256 + record.content.len() + metadata + record.findings.len() * 64
            }
        }
    }
}

/// Rows fetched at a time.
const FETCH: usize = 250;
/// How often a record is fetched again when its key was replaced since.
const RESEALED_TRIES: usize = 3;
/// Records that may leave on one begin or progress entry.
const PER_ENTRY: u64 = 1_000;

/// A reading of one conversation. Dropping it before its end logs the end it came to.
pub struct RecordStream {
    inner: Option<Reading>,
}

struct Reading {
    vault: Arc<Vault>,
    auth: Authorized<acts::ReadConversation>,
    read_id: [u8; 16],
    row: StoredConversation,
    view: View,
    after: u64,
    last: u64,
    expired_through: u64,
    waiting: VecDeque<StoredRecord>,
    dek: Option<OpenedSegment>,
    returned: u64,
    paid: u64,
}

impl Vault {
    /// Begins to read a conversation, up to the record that is its last at this moment.
    pub async fn read_conversation(
        self: &Arc<Self>,
        caller: &Caller,
        scope: ReadScope,
    ) -> Result<Audited<RecordStream>> {
        let found = self.find(caller, &Target::Name(scope.name.clone())).await?;
        let asked = Scope { purpose: scope.purpose, case: scope.case.clone(), ..found.scope() };
        let auth = self.gate.authorize::<acts::ReadConversation>(caller, asked).await?;
        let row = match self.readable(&scope.name).await {
            Ok(row) => row,
            Err(error) => return self.refuse(&auth, error).await,
        };
        let read_id = *random::uuid_v7(self.clock.now().unix_ms().unsigned_abs()).as_bytes();
        let last = row.next_sequence - 1;
        let first = scope.after_sequence.saturating_add(1).min(last);
        let begin = auth.logged(auth.entry().phase(Phase::Begin).sequences(first, last))?;
        let open = OpenReadRow {
            id: read_id,
            log: auth.log().clone(),
            object: scope.name.to_string(),
            actor: (auth.principal().pseudonym.clone(), auth.principal().role.to_string()),
            at: self.clock.now(),
        };
        let reading = Reading {
            vault: Arc::clone(self),
            auth,
            read_id,
            view: scope.view,
            after: scope.after_sequence,
            last,
            expired_through: row.expired_through,
            row,
            waiting: VecDeque::new(),
            dek: None,
            returned: 0,
            paid: PER_ENTRY,
        };
        self.finish(Work::new(begin).with(Mutation::OpenRead(open)), RecordStream { inner: Some(reading) }).await
    }

    /// Returns a conversation that may be read now: stored, its tenant served, its keys alive.
    pub(super) async fn readable(&self, name: &ConversationName) -> Result<StoredConversation> {
        self.must_serve(&name.tenant).await?;
        let row = self.stored(&name.tenant, name.id).await?;
        self.secrets_of(&row).await?;
        Ok(row)
    }

    /// Refuses to pass over records that are not there, the last of them with the sequence `through`, unless they have
    /// expired. Returns the sequence up to which records have expired by now.
    pub(super) async fn must_have_expired(&self, row: &StoredConversation, through: u64) -> Result<u64> {
        let (tenant, id) = (row.tenant.clone(), row.id);
        let now = self.data.read(move |reader| reader.conversation(&tenant, &id)).await?;
        let now = now.ok_or(Reason::IntegrityFailure)?;
        if through > now.expired_through && now.state != ConversationState::Expired {
            return Err(Error::new(Reason::IntegrityFailure).because("records are missing that have not expired"));
        }
        Ok(now.expired_through)
    }

    /// Opens one stored record; `None` when its key has run out since it was fetched. One that was sealed under another key
    /// since is shown as it is now.
    pub(super) async fn show(
        &self,
        row: &StoredConversation,
        record: &StoredRecord,
        view: View,
        dek: &mut Option<OpenedSegment>,
    ) -> Result<Option<ShownRecord>> {
        if let Some(shown) = self.show_fetched(row, record, view, dek).await? {
            return Ok(Some(shown));
        }
        let mut gone = record.dek_id;
        for _ in 0..RESEALED_TRIES {
            let now = self.record_row(row, record.sequence).await?.filter(|now| now.dek_id != gone);
            let Some(now) = now else { return Ok(None) };
            if let Some(shown) = self.show_fetched(row, &now, view, dek).await? {
                return Ok(Some(shown));
            }
            gone = now.dek_id;
        }
        Err(Reason::SequenceConflict.into())
    }

    async fn show_fetched(
        &self,
        row: &StoredConversation,
        record: &StoredRecord,
        view: View,
        dek: &mut Option<OpenedSegment>,
    ) -> Result<Option<ShownRecord>> {
        // A reading may have waited for its client since the last record: frozen and destroyed count from this moment.
        self.must_serve(&row.tenant).await?;
        let known = dek.as_ref().filter(|dek| dek.dek_id == record.dek_id);
        let key = match known.and_then(|dek| self.keys.still_open(dek)) {
            Some(key) => key,
            None => match self.keys.open_segment(&row.tenant, row.id, record.dek_id).await {
                Ok((opened, key)) => {
                    *dek = Some(opened);
                    key
                }
                Err(KeyError::Destroyed) => return Ok(None),
                Err(error) => return Err(error.into()),
            },
        };
        if view == View::Metadata {
            return Ok(Some(ShownRecord::Metadata {
                sequence: record.sequence,
                received_at: record.received_at,
                author_role: record.author_role,
                kind: record.kind,
                policy_version: record.policy_version,
            }));
        }
        Ok(Some(ShownRecord::Redacted(Box::new(self.place(row).open(&key, record)?))))
    }
}

impl RecordStream {
    /// Returns the sequence of the last record in scope.
    pub fn last_sequence(&self) -> u64 {
        self.inner.as_ref().map_or(0, |reading| reading.last)
    }

    /// Returns the sequence up to which records have expired, as known so far.
    pub fn expired_through(&self) -> u64 {
        self.inner.as_ref().map_or(0, |reading| reading.expired_through)
    }

    /// Returns the next record, or nothing when the reading is complete and its end is logged.
    pub async fn next(&mut self) -> Result<Option<ShownRecord>> {
        let Some(reading) = &mut self.inner else { return Ok(None) };
        match reading.next().await {
            Ok(Some(record)) => Ok(Some(record)),
            Ok(None) => {
                let reading = self.inner.take().ok_or(Reason::Internal)?;
                reading.end(None).await.map(|()| None)
            }
            Err(error) => {
                let reason = error.reason();
                if let Some(reading) = self.inner.take() {
                    reading.end(Some(reason)).await?;
                }
                Err(error)
            }
        }
    }
}

impl Drop for RecordStream {
    fn drop(&mut self) {
        if let Some(reading) = self.inner.take() {
            task::spawn("end-of-read", async move {
                if let Err(error) = reading.end_as("CANCELLED").await {
                    tracing::error!(%error, "the end of a read could not be logged");
                }
            });
        }
    }
}

impl Reading {
    async fn next(&mut self) -> Result<Option<ShownRecord>> {
        loop {
            let Some(record) = self.fetch().await? else { return Ok(None) };
            self.after = record.sequence;
            match self.vault.show(&self.row, &record, self.view, &mut self.dek).await? {
                None => self.expired_through = self.expired_through.max(record.sequence),
                Some(shown) => {
                    self.pay().await?;
                    self.returned += 1;
                    return Ok(Some(shown));
                }
            }
        }
    }

    async fn fetch(&mut self) -> Result<Option<StoredRecord>> {
        if self.waiting.is_empty() && self.after < self.last {
            self.vault.keys.store().check_files()?;
            let (tenant, id, after) = (self.row.tenant.clone(), self.row.id, self.after);
            self.waiting = self.vault.data.read(move |reader| reader.records(&tenant, &id, after, FETCH)).await?.into();
        }
        let next = self.waiting.pop_front().filter(|record| record.sequence <= self.last);
        let absent_through = next.as_ref().map_or(self.last, |record| record.sequence - 1);
        if absent_through > self.after {
            let expired = self.vault.must_have_expired(&self.row, absent_through).await?;
            self.expired_through = self.expired_through.max(expired);
        }
        Ok(next)
    }

    /// Makes sure that an entry covers the record that is about to leave.
    async fn pay(&mut self) -> Result<()> {
        if self.returned == self.paid {
            let entry = self.auth.entry().phase(Phase::Progress).count(Count::Returned, self.returned);
            self.vault.data.submit(Work::new(self.auth.logged(entry)?)).await?;
            self.vault.must_serve(&self.row.tenant).await?;
            self.paid += PER_ENTRY;
        }
        Ok(())
    }

    async fn end(self, failed: Option<Reason>) -> Result<()> {
        match failed {
            Some(reason) => self.end_as(reason.as_str()).await,
            None => self.end_as("").await,
        }
    }

    async fn end_as(self, reason: &str) -> Result<()> {
        self.vault.metrics.read(self.returned);
        let mut entry =
            self.auth.entry().phase(Phase::End).count(Count::Returned, self.returned).last_sequence(self.after);
        if !reason.is_empty() {
            entry = entry.reason(reason);
        }
        let work = Work::new(self.auth.logged(entry)?).with(Mutation::CloseRead(self.read_id));
        self.vault.data.submit(work).await?;
        Ok(())
    }
}
