//! Lists of conversations: by bot, and by subject, time, label and finding class.

use serde::{Deserialize, Serialize};

use crate::access::{Act, Authorized, Caller, Scope, acts};
use crate::audit::Count;
use crate::domain::{CaseReference, Error, Purpose, RISK_PREFIX, Reason, Result, Slug, TenantId, Timestamp};
use crate::store::{ConversationQuery, HandleKind, Listed, PageKey, StoredConversation, Work};

use super::Vault;
use super::audited::Audited;
use super::conversations::ConversationView;
use super::paging::{Page, PageRequest, token};

/// What to look for; everything given must hold.
#[derive(Clone, Default, Serialize)]
pub struct ConversationFilter {
    /// The end user.
    pub subject: Option<String>,
    /// The bot.
    pub bot: Option<Slug>,
    /// The channel.
    pub channel: Option<Slug>,
    /// A label, also one that the vault gave itself.
    pub label: Option<Slug>,
    /// A class that redaction found.
    pub finding_class: Option<String>,
    /// Made at or after.
    pub from: Option<Timestamp>,
    /// Made before.
    pub before: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    create_time: i64,
    id: String,
}

impl Vault {
    /// Lists the tenant's conversations, newest first, as far as the caller's bots reach.
    pub async fn list_conversations(
        &self,
        caller: &Caller,
        tenant: TenantId,
        bot: Option<Slug>,
        page: PageRequest,
    ) -> Result<Audited<Page<ConversationView>>> {
        let scope = Scope { tenant: Some(tenant.clone()), bot: bot.clone(), ..Scope::default() };
        let auth = self.gate.authorize::<acts::ListConversations>(caller, scope).await?;
        let filter = ConversationFilter { bot, ..ConversationFilter::default() };
        self.listed(&auth, &tenant, filter, page).await
    }

    /// Searches the tenant's conversations, newest first.
    pub async fn search_conversations(
        &self,
        caller: &Caller,
        tenant: TenantId,
        filter: ConversationFilter,
        purpose: Option<Purpose>,
        case: Option<CaseReference>,
        page: PageRequest,
    ) -> Result<Audited<Page<ConversationView>>> {
        let scope = Scope { tenant: Some(tenant.clone()), bot: filter.bot.clone(), purpose, case, ..Scope::default() };
        let auth = self.gate.authorize::<acts::SearchConversations>(caller, scope).await?;
        self.listed(&auth, &tenant, filter, page).await
    }

    async fn listed<A: Act>(
        &self,
        auth: &Authorized<A>,
        tenant: &TenantId,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Result<Audited<Page<ConversationView>>> {
        match self.page_of(auth.bots(), tenant, &filter, &page).await {
            Ok(found) => {
                let entry = auth.entry().count(Count::Returned, found.items.len() as u64);
                self.finish(Work::new(auth.logged(entry)?), found).await
            }
            Err(error) => self.refuse(auth, error).await,
        }
    }

    async fn page_of(
        &self,
        bots: &[Slug],
        tenant: &TenantId,
        filter: &ConversationFilter,
        page: &PageRequest,
    ) -> Result<Page<ConversationView>> {
        self.must_serve(tenant).await?;
        let rows = self.rows_page(bots, tenant, filter, page).await?;
        let mut items = Vec::with_capacity(rows.items.len());
        for row in &rows.items {
            match self.view_of(row).await {
                Ok(view) => items.push(view),
                Err(error) if error.reason() == Reason::ConversationExpired => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Page { items, next: rows.next })
    }

    /// Returns one page of the stored conversations that meet `filter`, newest first.
    pub(super) async fn rows_page(
        &self,
        bots: &[Slug],
        tenant: &TenantId,
        filter: &ConversationFilter,
        page: &PageRequest,
    ) -> Result<Page<StoredConversation>> {
        let bound = (tenant.as_str(), filter);
        let after = page.resume::<Place>(&bound)?.map(page_key).transpose()?;
        let query = query(bots, filter);
        let listed = match &filter.subject {
            Some(subject) => self.of_subject(tenant, subject, query, after, page.limit() + 1).await?,
            None => self.step(tenant, query, after, page.limit() + 1).await?,
        };
        let mut rows = Page::cut(listed.rows, page, &bound, |last| place(&key_of(last)))?;
        if let (true, Some(resume)) = (rows.next.is_empty(), listed.resume) {
            rows.next = token(&bound, &place(&resume))?;
        }
        Ok(rows)
    }

    async fn step(
        &self,
        tenant: &TenantId,
        query: ConversationQuery,
        after: Option<PageKey>,
        limit: usize,
    ) -> Result<Listed> {
        let of = tenant.clone();
        Ok(self.data.read(move |reader| reader.conversations(&of, &query, after, limit)).await?)
    }

    /// Lists what a subject's handle stands for. Ids are made with the creation time, so their order is the list's.
    async fn of_subject(
        &self,
        tenant: &TenantId,
        subject: &str,
        query: ConversationQuery,
        after: Option<PageKey>,
        limit: usize,
    ) -> Result<Listed> {
        let handle = self.subject_handle(tenant, subject).await?;
        let mut listed = Listed { rows: Vec::new(), resume: after };
        for _ in 0..MOST_HANDLE_PAGES {
            let (of, before, kind) = (tenant.clone(), listed.resume.map(|key| key.id), HandleKind::Subject);
            let store = self.keys.store();
            let ids = store.read(move |reader| reader.handle(&of, kind, &handle, before, HANDLE_PAGE)).await?;
            let (Some(last), ended) = (ids.last().copied(), ids.len() < HANDLE_PAGE) else {
                return Ok(Listed { resume: None, ..listed });
            };
            let among = ConversationQuery { among: Some(ids), ..query.clone() };
            let step = self.step(tenant, among, None, limit - listed.rows.len()).await?;
            listed.rows.extend(step.rows);
            if step.resume.is_some() || ended {
                return Ok(Listed { resume: step.resume, ..listed });
            }
            // Only the id of such a place is looked at.
            listed.resume = Some(PageKey { create_time: Timestamp::from_unix_ms(0), id: last });
            if listed.rows.len() >= limit {
                break;
            }
        }
        Ok(listed)
    }
}

/// Ids read of a handle at once, and how often in one call.
const HANDLE_PAGE: usize = 500;
const MOST_HANDLE_PAGES: usize = 10;

fn query(bots: &[Slug], filter: &ConversationFilter) -> ConversationQuery {
    let label = filter.label.as_ref();
    let (own, given): (Vec<_>, Vec<_>) = label.into_iter().partition(|label| label.as_str().starts_with(RISK_PREFIX));
    let own = own.into_iter().map(ToString::to_string);
    ConversationQuery {
        among: None,
        bots: bots.to_vec(),
        channel: filter.channel.clone(),
        labels: given.into_iter().cloned().collect(),
        finding_classes: own.chain(filter.finding_class.clone()).collect(),
        created_from: filter.from,
        created_before: filter.before,
    }
}

fn key_of(row: &StoredConversation) -> PageKey {
    PageKey { create_time: row.create_time, id: row.id }
}

fn place(key: &PageKey) -> Place {
    Place { create_time: key.create_time.unix_ms(), id: key.id.to_string() }
}

fn page_key(place: Place) -> Result<PageKey> {
    let id = place.id.parse().map_err(|_| Error::new(Reason::PageTokenInvalid).at("page_token"))?;
    Ok(PageKey { create_time: Timestamp::from_unix_ms(place.create_time), id })
}
