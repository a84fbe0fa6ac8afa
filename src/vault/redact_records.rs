//! A value that redaction missed is taken out of the records of many conversations, a page of them with each call.
//!
//! Unary and paged, as lists are: each call is one bounded act that is audited by itself, what was done stays done when the caller
//! goes away, and the next call goes on behind it. What is done is not found again, so that nothing has to be remembered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::{Authorized, Caller, Scope, acts};
use crate::audit::{Count, Phase};
use crate::domain::{CaseReference, ConversationId, ConversationName, Reason, Record, RequestId, Result, TenantId};
use crate::keys::KeyError;
use crate::redaction::Engine;
use crate::store::{Mutation, StoredConversation, Work};

use super::Vault;
use super::audited::Audited;
use super::listing::ConversationFilter;
use super::paging::{PageRequest, token};
use super::redact::FindingCounts;
use super::redact_record::{Remover, Wanted};
use super::remove::has_unsearched_file;
use super::reseal::{Job, REDACTS, Replaced};

/// Which conversations are gone through.
pub struct Query {
    /// Whose.
    pub tenant: TenantId,
    /// This one alone.
    pub conversation: Option<ConversationId>,
    /// Those that meet it.
    pub filter: ConversationFilter,
}

/// What was taken out of one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRedaction {
    /// Which one.
    pub name: ConversationName,
    /// Records from which something was taken.
    pub records: u64,
    /// What was taken out, by class.
    pub redactions: FindingCounts,
}

/// What one call did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedactedPage {
    /// The conversations in which something was found.
    pub conversations: Vec<ConversationRedaction>,
    /// Conversations gone through.
    pub searched_conversations: u64,
    /// Records gone through.
    pub searched_records: u64,
    /// Files in which nothing can be looked for.
    pub unsearched_files: u64,
    /// Whether a destroyed key may still lie in the key store's files.
    pub pending_scrub: bool,
    /// The token of the next page; empty when this is the last.
    pub next: String,
}

/// Conversations of one page, when nothing is said, and at the most.
const DEFAULT_PAGE: usize = 20;
const MOST_PAGE: usize = 100;
/// Records after which a page ends.
const MOST_RECORDS: u64 = 10_000;
/// Records fetched at a time.
const FETCH: usize = 250;

#[derive(Serialize, Deserialize)]
struct Place {
    create_time: i64,
    id: String,
}

/// What was found in one segment.
struct Found {
    first: u64,
    records: u64,
}

impl Vault {
    /// Goes through one page of conversations.
    pub async fn redact_records(
        &self,
        caller: &Caller,
        query: Query,
        wanted: Wanted,
        page: PageRequest,
        request_id: Option<RequestId>,
    ) -> Result<Audited<RedactedPage>> {
        let scope = scope(&query, wanted.case.clone(), request_id);
        let auth = self.gate.authorize::<acts::RedactRecords>(caller, scope).await?;
        match self.redact_page(&auth, &query, &wanted, &page).await {
            Ok(done) => {
                let found: u64 = done.conversations.iter().flat_map(|one| one.redactions.values()).sum();
                let count = if wanted.dry_run { Count::Matched } else { Count::Findings };
                let entry = auth.entry().count(Count::Conversations, done.searched_conversations).count(count, found);
                self.finish(Work::new(auth.logged(entry)?), done).await
            }
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    async fn redact_page(
        &self,
        auth: &Authorized<acts::RedactRecords>,
        query: &Query,
        wanted: &Wanted,
        page: &PageRequest,
    ) -> Result<RedactedPage> {
        self.must_serve(&query.tenant).await?;
        let _turn = self.redactions.lock().await;
        self.reconcile_failed(REDACTS).await?;
        let engine = self.engine(&query.tenant).await?;
        let limit = if page.size == 0 { DEFAULT_PAGE } else { page.size.min(MOST_PAGE) };
        let (rows, next) = self.rows_of(auth, query, page, limit).await?;
        let bound = (query.tenant.as_str(), &query.filter);
        let mut done = RedactedPage::default();
        let last = rows.len().saturating_sub(1);
        for (index, row) in rows.iter().enumerate() {
            match self.redact_conversation(auth, row, &engine, wanted, &mut done).await {
                // It ran out while the page was gone through: then there is nothing in it.
                Err(error) if is_gone(error.reason()) => {}
                other => other?,
            }
            done.searched_conversations += 1;
            if done.searched_records >= MOST_RECORDS && index < last {
                let place = Place { create_time: row.create_time.unix_ms(), id: row.id.to_string() };
                return Ok(RedactedPage { next: token(&bound, &place)?, ..done });
            }
        }
        Ok(RedactedPage { next, ..done })
    }

    async fn rows_of(
        &self,
        auth: &Authorized<acts::RedactRecords>,
        query: &Query,
        page: &PageRequest,
        limit: usize,
    ) -> Result<(Vec<StoredConversation>, String)> {
        match query.conversation {
            Some(id) => Ok((vec![self.stored(&query.tenant, id).await?], String::new())),
            None => {
                let page = PageRequest { size: limit, token: page.token.clone() };
                let rows = self.rows_page(auth.bots(), &query.tenant, &query.filter, &page).await?;
                Ok((rows.items, rows.next))
            }
        }
    }

    async fn redact_conversation(
        &self,
        auth: &Authorized<acts::RedactRecords>,
        row: &StoredConversation,
        engine: &Engine,
        wanted: &Wanted,
        done: &mut RedactedPage,
    ) -> Result<()> {
        self.must_serve(&row.tenant).await?;
        let mut slot = self.tails.lock(row.id).await;
        let row = &self.stored(&row.tenant, row.id).await?;
        let remover = self.remover(row, engine, &wanted.removal).await?;
        let mut redactions = FindingCounts::new();
        let segments = self.search(row, &remover, &mut redactions, done).await?;
        if segments.is_empty() {
            return Ok(());
        }
        let name = ConversationName { tenant: row.tenant.clone(), id: row.id };
        let mut one =
            ConversationRedaction { name, records: segments.values().map(|found| found.records).sum(), redactions };
        if !wanted.dry_run {
            *slot = None;
            (one.records, one.redactions) = (0, FindingCounts::new());
            for (segment, found) in segments {
                let replaced = self.redact_segment(auth, row, &remover, segment, found.first).await;
                *slot = None;
                let replaced = replaced?;
                done.pending_scrub |= replaced.pending_scrub;
                one.records += replaced.changed;
                for (class, count) in replaced.counts {
                    *one.redactions.entry(class).or_default() += count;
                }
            }
        }
        done.conversations.push(one);
        Ok(())
    }

    /// Goes through the records of a conversation, and returns the segments in which something is to be taken out.
    async fn search(
        &self,
        row: &StoredConversation,
        remover: &Remover<'_>,
        redactions: &mut FindingCounts,
        done: &mut RedactedPage,
    ) -> Result<BTreeMap<u64, Found>> {
        let mut segments: BTreeMap<u64, Found> = BTreeMap::new();
        let mut after = 0;
        loop {
            let (tenant, id) = (row.tenant.clone(), row.id);
            let records = self.data.read(move |reader| reader.records(&tenant, &id, after, FETCH)).await?;
            let Some(last) = records.last() else { return Ok(segments) };
            after = last.sequence;
            for record in &records {
                let opened = self.keys.open_segment(&row.tenant, row.id, record.dek_id).await;
                let key = match opened {
                    Ok((_, key)) => key,
                    Err(KeyError::Destroyed) => continue,
                    Err(error) => return Err(error.into()),
                };
                let whole = self.place(row).open_whole(&key, record)?;
                done.searched_records += 1;
                done.unsearched_files += u64::from(has_unsearched_file(whole.record()));
                if let Some(removed) = remover.remove(whole.record())? {
                    removed.count(redactions);
                    let found = Found { first: record.sequence, records: 0 };
                    segments.entry(record.dek_id).or_insert(found).records += 1;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    async fn redact_segment(
        &self,
        auth: &Authorized<acts::RedactRecords>,
        row: &StoredConversation,
        remover: &Remover<'_>,
        segment: u64,
        first: u64,
    ) -> Result<Replaced> {
        let entry = || auth.entry();
        let change = |record: &Record| remover.remove(record);
        let (log, operation) = (auth.log(), REDACTS[1]);
        let job = Job { operation, log, row, segment, first, entry: &entry, change: &change };
        let object = job.name().to_string();
        let done = self.replace_key(&job, &job.plan(object.clone(), None)).await?;
        let mut outcome = auth.entry().phase(Phase::Outcome).object(&object).count(Count::Keys, 1);
        outcome = outcome.count(Count::Findings, done.counts.values().sum());
        if done.pending_scrub {
            outcome = outcome.reason("PENDING_SCRUB");
        }
        self.data.submit(Work::new(auth.logged(outcome)?).with(Mutation::EndKeyAct(done.act))).await?;
        self.forget_act(done.act).await;
        Ok(done)
    }
}

fn scope(query: &Query, case: Option<CaseReference>, request_id: Option<RequestId>) -> Scope {
    let object = query.conversation.map(|id| ConversationName { tenant: query.tenant.clone(), id }.to_string());
    Scope {
        tenant: Some(query.tenant.clone()),
        bot: query.filter.bot.clone(),
        object,
        case,
        request_id,
        ..Scope::default()
    }
}

fn is_gone(reason: Reason) -> bool {
    matches!(reason, Reason::ConversationExpired | Reason::ConversationNotFound | Reason::RecordNotFound)
}
