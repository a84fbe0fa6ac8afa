//! API keys: issued, listed, revoked, explained. What each act is stands in [`crate::access::api_key`]; this gives it its tenant,
//! its page and its place in the audit log.

use serde::{Deserialize, Serialize};

use crate::access::api_key::{self, IssueRequest, KeyCursor, KeyFilter};
use crate::access::{Caller, Permission, Scope, SecretKeyText, acts};
use crate::audit::Count;
use crate::domain::{ConversationName, Reason, RequestId, Result, Slug, TenantId, Timestamp};
use crate::store::{ApiKeyRow, Work};

use super::Vault;
use super::audited::Audited;
use super::paging::{Page, PageRequest};

/// A key that was issued, and its secret unless the request was a repetition.
pub type IssuedKey = (ApiKeyRow, Option<SecretKeyText>);

#[derive(Serialize, Deserialize)]
struct Place {
    create_time: i64,
    id: String,
}

impl Vault {
    /// Issues an API key for a tenant, or for the vault.
    pub async fn issue_api_key(
        &self,
        caller: &Caller,
        tenant: Option<TenantId>,
        request: IssueRequest,
        request_id: Option<RequestId>,
    ) -> Result<Audited<IssuedKey>> {
        let scope = Scope { tenant, request_id, ..Scope::default() };
        let auth = self.gate.authorize::<acts::IssueApiKey>(caller, scope).await?;
        let issued = api_key::issue(&self.gate, &auth, request).await?;
        Ok(Audited::new((issued.key, issued.secret), issued.receipt))
    }

    /// Lists API keys, newest first: of a tenant, or of all that the caller reaches.
    pub async fn list_api_keys(
        &self,
        caller: &Caller,
        tenant: Option<TenantId>,
        filter: KeyFilter,
        page: PageRequest,
    ) -> Result<Audited<Page<ApiKeyRow>>> {
        let scope = Scope { tenant, ..Scope::default() };
        let auth = self.gate.authorize::<acts::ListApiKeys>(caller, scope).await?;
        let result = async {
            let principal = filter.principal.as_ref().map(ToString::to_string);
            let bound = (auth.tenant().map(ToString::to_string), principal, filter.show_inactive);
            let after = page
                .resume::<Place>(&bound)?
                .map(|place| KeyCursor { create_time: Timestamp::from_unix_ms(place.create_time), id: place.id });
            let rows = api_key::list(&self.gate, &auth, &filter, after.as_ref(), page.limit() + 1).await?;
            let place = |row: &ApiKeyRow| Place { create_time: row.create_time.unix_ms(), id: row.id.clone() };
            Page::cut(rows, &page, &bound, place)
        };
        match result.await {
            Ok(found) => {
                let entry = auth.entry().count(Count::Returned, found.items.len() as u64);
                self.finish(Work::new(auth.logged(entry)?), found).await
            }
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Revokes an API key at once.
    pub async fn revoke_api_key(
        &self,
        caller: &Caller,
        id: &str,
        request_id: Option<RequestId>,
    ) -> Result<Audited<ApiKeyRow>> {
        let scope = Scope { request_id, ..self.scope_of_key(id).await?.0 };
        let auth = self.gate.authorize::<acts::RevokeApiKey>(caller, scope).await?;
        let (row, receipt) = api_key::revoke(&self.gate, &auth, id).await?;
        Ok(Audited::new(row, receipt))
    }

    /// Tells which methods the bearer of a key may call on an object, and why not the others. Without methods: all.
    pub async fn test_permissions(
        &self,
        caller: &Caller,
        id: &str,
        tenant: Option<&TenantId>,
        conversation: Option<&ConversationName>,
        methods: Vec<String>,
    ) -> Result<Audited<Vec<(String, Result<(), Reason>)>>> {
        let (scope, row) = self.scope_of_key(id).await?;
        let auth = self.gate.authorize::<acts::TestPermissions>(caller, scope).await?;
        let Some(row) = row.filter(|row| row.tenant.as_ref() == auth.tenant()) else {
            return self.refuse(&auth, Reason::ApiKeyNotFound.into()).await;
        };
        let tenant = tenant.or(conversation.map(|name| &name.tenant));
        let bot = match conversation {
            Some(name) => self.bot_of(caller, name).await?,
            None => None,
        };
        let methods = if methods.is_empty() {
            Permission::ALL.iter().map(|permission| permission.rule().path.to_owned()).collect()
        } else {
            methods
        };
        let now = self.clock.now();
        let results = methods.into_iter().map(|method| {
            let verdict = match (conversation, &bot) {
                (Some(_), None) => Err(Reason::ConversationNotFound),
                _ => api_key::explain(&row, now, &method, tenant, bot.as_ref()),
            };
            (method, verdict)
        });
        let results: Vec<_> = results.collect();
        let entry = auth.entry().count(Count::Returned, results.len() as u64);
        self.finish(Work::new(auth.logged(entry)?), results).await
    }

    /// Returns the scope of an act on a key. The object is named as the caller named it only when there is such a key.
    async fn scope_of_key(&self, id: &str) -> Result<(Scope, Option<ApiKeyRow>)> {
        let row = api_key::find(&self.gate, id).await?;
        let scope = Scope {
            tenant: row.as_ref().and_then(|row| row.tenant.clone()),
            object: row.as_ref().map(|row| format!("apiKeys/{}", row.id)),
            absent: Some(Reason::ApiKeyNotFound),
            ..Scope::default()
        };
        Ok((scope, row))
    }

    async fn bot_of(&self, caller: &Caller, name: &ConversationName) -> Result<Option<Slug>> {
        if !caller.reaches(&name.tenant) {
            return Ok(None);
        }
        let name = name.clone();
        let row = self.data.read(move |reader| reader.conversation(&name.tenant, &name.id)).await?;
        Ok(row.map(|row| row.bot))
    }
}
