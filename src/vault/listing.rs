//! Lists of conversations: by bot, and by subject, time, label and finding class.

use serde::{Deserialize, Serialize};

use crate::access::{Act, Authorized, Caller, Scope, acts};
use crate::audit::Count;
use crate::domain::{CaseReference, ConversationId, Error, Purpose, Reason, Result, Slug, TenantId, Timestamp};
use crate::store::{ConversationQuery, HandleKind, PageKey, StoredConversation, Work};

use super::Vault;
use super::audited::Audited;
use super::conversations::ConversationView;
use super::paging::{Page, PageRequest};

/// What to look for; everything given must hold.
#[derive(Clone, Default, Serialize)]
pub struct ConversationFilter {
    /// The end user.
    pub subject: Option<String>,
    /// The bot.
    pub bot: Option<Slug>,
    /// The channel.
    pub channel: Option<Slug>,
    /// A label.
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
        let bound = (tenant.as_str(), filter);
        let after = page.resume::<Place>(&bound)?.map(page_key).transpose()?;
        let query = self.query(bots, tenant, filter).await?;
        let (of, limit) = (tenant.clone(), page.limit() + 1);
        let rows = self.data.read(move |reader| reader.conversations(&of, &query, after, limit)).await?;
        let rows = Page::cut(rows, page, &bound, |last: &StoredConversation| Place {
            create_time: last.create_time.unix_ms(),
            id: last.id.to_string(),
        })?;
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

    async fn query(&self, bots: &[Slug], tenant: &TenantId, filter: &ConversationFilter) -> Result<ConversationQuery> {
        let among = match &filter.subject {
            Some(subject) => Some(self.of_subject(tenant, subject).await?),
            None => None,
        };
        Ok(ConversationQuery {
            among,
            bots: bots.to_vec(),
            channel: filter.channel.clone(),
            labels: filter.label.iter().cloned().collect(),
            finding_classes: filter.finding_class.iter().cloned().collect(),
            created_from: filter.from,
            created_before: filter.before,
        })
    }

    async fn of_subject(&self, tenant: &TenantId, subject: &str) -> Result<Vec<ConversationId>> {
        let handle = self.subject_handle(tenant, subject).await?;
        let of = tenant.clone();
        Ok(self.keys.store().read(move |reader| reader.handle(&of, HandleKind::Subject, &handle)).await?)
    }
}

fn page_key(place: Place) -> Result<PageKey> {
    let id = place.id.parse().map_err(|_| Error::new(Reason::PageTokenInvalid).at("page_token"))?;
    Ok(PageKey { create_time: Timestamp::from_unix_ms(place.create_time), id })
}
