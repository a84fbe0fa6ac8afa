//! Tenants: made, shown, frozen; and what every use case asks about the tenant it serves.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::access::{Act, Authorized, Caller, Scope, acts};
use crate::audit::{Count, Phase};
use crate::domain::{
    CaseReference, Error, PolicyKind, Reason, RequestId, Result, RetentionPolicy, Slug, TenantId, TenantState,
    Timestamp,
};
use crate::sealing::random;
use crate::store::{KeyActRow, KeyWork, KeyWrite, Mutation, PolicyRow, Refusal, SubmitError, TenantRow, Work};

use super::audited::Audited;
use super::idempotency::{Idempotent, Known};
use super::paging::{Page, PageRequest};
use super::reconcile::{Detail, TURNS};
use super::{Settings, Vault};

/// A tenant as it is shown.
#[derive(Debug, Clone)]
pub struct TenantView {
    /// The tenant.
    pub row: TenantRow,
    /// The class of conversations that name none.
    pub default_retention_class: Slug,
    /// The version of its active key.
    pub active_key_version: u32,
}

/// What is known of tenants without asking the store.
pub(super) type TenantCache = super::known::Known<TenantId, Served>;

/// Whether a tenant is served, and how long its records stay.
pub(super) struct Served {
    state: TenantState,
    retention: RetentionPolicy,
}

/// The most tenants kept.
pub(super) const MOST_TENANTS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// Tenants read in one step.
const PAGE: usize = 500;

impl Vault {
    /// Refuses a tenant that is not there or frozen, and every tenant once a store is known to be replaced.
    pub(super) async fn must_serve(&self, tenant: &TenantId) -> Result<()> {
        self.must_be_intact()?;
        match self.known_tenant(tenant).await?.state {
            TenantState::Active => Ok(()),
            TenantState::Frozen => Err(Reason::TenantFrozen.into()),
        }
    }

    /// Returns the class that a conversation gets when it asks for `wanted`.
    pub(super) async fn retention_class(&self, tenant: &TenantId, wanted: Option<&Slug>) -> Result<Slug> {
        let known = self.known_tenant(tenant).await?;
        let class = wanted.unwrap_or(&known.retention.default_class);
        match known.retention.days(class) {
            Some(_) => Ok(class.clone()),
            None => Err(Error::new(Reason::RetentionClassUnknown).at("conversation.retention_class")),
        }
    }

    /// Returns how many days `class` is kept now; a class that the policy no longer has is kept like the default.
    pub(super) async fn retention_days(&self, tenant: &TenantId, class: &Slug) -> Result<u32> {
        let known = self.known_tenant(tenant).await?;
        let policy = &known.retention;
        policy.days(class).or_else(|| policy.days(&policy.default_class)).ok_or_else(|| Reason::Internal.into())
    }

    /// Lets nothing of the tenants that are frozen stay in memory: at start.
    pub(super) async fn shut_frozen(&self) -> Result<()> {
        let mut after = None;
        loop {
            let rows = self.data.read(move |reader| reader.tenants(after.as_ref(), PAGE)).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for row in rows.into_iter().filter(|row| row.state == TenantState::Frozen) {
                self.keys.mark_shut(row.id);
            }
        }
    }

    async fn known_tenant(&self, tenant: &TenantId) -> Result<Arc<Served>> {
        let seen = match self.tenants.get(tenant) {
            Ok(known) => return Ok(known),
            Err(seen) => seen,
        };
        let id = tenant.clone();
        let (row, policy) = self
            .data
            .read(move |reader| Ok((reader.tenant(&id)?, reader.policy(&id, PolicyKind::Retention, None)?)))
            .await?;
        let row = row.ok_or(Reason::TenantNotFound)?;
        let policy = policy.ok_or_else(|| Error::new(Reason::IntegrityFailure))?;
        let retention = serde_json::from_str(&policy.document)
            .map_err(|error| Error::new(Reason::IntegrityFailure).because(error))?;
        Ok(self.tenants.put(tenant.clone(), Served { state: row.state, retention }, seen))
    }

    /// Makes a tenant: its first keys, then its row and its first policies, as a key act.
    pub async fn create_tenant(
        &self,
        caller: &Caller,
        tenant: TenantId,
        request_id: Option<RequestId>,
    ) -> Result<Audited<TenantView>> {
        let object = Some(format!("tenants/{tenant}"));
        let scope = Scope { tenant: Some(tenant.clone()), object, request_id, ..Scope::default() };
        let auth = self.gate.authorize::<acts::CreateTenant>(caller, scope).await?;
        let request = Idempotent::by_id(request_id, tenant.as_str().as_bytes());
        // One at a time, so that the same request on another connection finds the answer of the first.
        let _turn = self.key_acts.lock().await;
        self.reconcile_failed(TURNS).await?;
        let of = tenant.clone();
        if self.data.read(move |reader| reader.tenant(&of)).await?.is_some() {
            return match self.known::<_, ()>(&auth, &tenant, request.as_ref()).await {
                Ok(Known::Done(())) => self.repeat(&auth, self.tenant_view(&tenant).await?).await,
                Ok(Known::New(_)) => self.refuse(&auth, Reason::TenantExists.into()).await,
                Err(error) => self.refuse(&auth, error).await,
            };
        }
        let act = self.begin_act(&auth, &tenant).await?;
        self.keys.create_tenant(&tenant, act).await?;
        let row = TenantRow { id: tenant.clone(), state: TenantState::Active, create_time: self.clock.now() };
        let mut work = Work::new(auth.logged(auth.entry().phase(Phase::Outcome).key_version(1))?)
            .with(Mutation::CreateTenant(row.clone()))
            .with(Mutation::EndKeyAct(act));
        for policy in first_policies(&tenant, &self.settings, row.create_time)? {
            work = work.with(Mutation::PutPolicy(policy));
        }
        if let Known::New(Some(fresh)) = self.known::<_, ()>(&auth, &tenant, request.as_ref()).await? {
            work = work.with(fresh.remember(&(), None)?);
        }
        let receipt = match self.data.submit(work).await {
            Err(SubmitError::Refused(Refusal::Exists)) => {
                self.deny_act(&auth, act, Reason::TenantExists).await?;
                self.forget_act(act).await;
                return Err(Reason::TenantExists.into());
            }
            other => other?,
        };
        self.forget_act(act).await;
        let class = self.settings.default_retention_class.clone();
        Ok(Audited::new(TenantView { row, default_retention_class: class, active_key_version: 1 }, receipt))
    }

    /// Logs the intent of a key act; what it does is marked in the key store and closed by an outcome entry, and what a crash
    /// leaves open is reconciled at start (design section 4, "Two stores").
    pub(super) async fn begin_act<A: Act>(&self, auth: &Authorized<A>, tenant: &TenantId) -> Result<[u8; 16]> {
        let now = self.clock.now();
        let act = *random::uuid_v7(now.unix_ms().unsigned_abs()).as_bytes();
        let detail = Detail {
            tenant: tenant.to_string(),
            object: None,
            actor: Some(auth.principal().pseudonym.clone()),
            request_id: auth.request_id().map(|id| id.to_string()),
        };
        let operation = A::PERMISSION.as_str().to_owned();
        let row = KeyActRow { id: act, log: auth.log().clone(), operation, detail: detail.write(), at: now };
        let intent = auth.logged(auth.entry().phase(Phase::Intent))?;
        self.data.submit(Work::new(intent).with(Mutation::BeginKeyAct(row))).await?;
        Ok(act)
    }

    /// Ends a key act that came to nothing: its outcome entry says why.
    pub(super) async fn deny_act<A: Act>(&self, auth: &Authorized<A>, act: [u8; 16], reason: Reason) -> Result<()> {
        let entry = auth.logged(auth.entry().phase(Phase::Outcome).deny(reason.as_str()))?;
        self.data.submit(Work::new(entry).with(Mutation::EndKeyAct(act))).await?;
        Ok(())
    }

    /// Drops the mark of a key act whose outcome is durable. The act is done: a mark that stays is dropped by the next start.
    pub(super) async fn forget_act(&self, act: [u8; 16]) {
        if let Err(error) = self.keys.store().submit(KeyWork::new(KeyWrite::ForgetAct(act))).await {
            tracing::warn!(%error, "the mark of a finished key act was not removed");
        }
    }

    /// Shows a tenant.
    pub async fn get_tenant(&self, caller: &Caller, tenant: TenantId) -> Result<Audited<TenantView>> {
        let scope = Scope { tenant: Some(tenant.clone()), ..Scope::default() };
        let auth = self.gate.authorize::<acts::GetTenant>(caller, scope).await?;
        match self.tenant_view(&tenant).await {
            Ok(view) => self.finish(Work::new(auth.logged(auth.entry().count(Count::Returned, 1))?), view).await,
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Lists the tenants that the caller reaches.
    pub async fn list_tenants(&self, caller: &Caller, page: PageRequest) -> Result<Audited<Page<TenantView>>> {
        let auth = self.gate.authorize::<acts::ListTenants>(caller, Scope::default()).await?;
        let result = async {
            let rows = match auth.tenant() {
                Some(own) => Page { items: vec![own.clone()], next: String::new() },
                None => self.tenant_page(&page).await?,
            };
            let mut items = Vec::with_capacity(rows.items.len());
            for id in &rows.items {
                items.push(self.tenant_view(id).await?);
            }
            Ok(Page { items, next: rows.next })
        };
        match result.await {
            Ok(found) => {
                let entry = auth.entry().count(Count::Returned, found.items.len() as u64);
                self.finish(Work::new(auth.logged(entry)?), found).await
            }
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    async fn tenant_page(&self, page: &PageRequest) -> Result<Page<TenantId>> {
        let after = page.resume::<TenantId>(&"tenants")?;
        let limit = page.limit() + 1;
        let rows = self.data.read(move |reader| reader.tenants(after.as_ref(), limit)).await?;
        Page::cut(rows.into_iter().map(|row| row.id).collect(), page, &"tenants", Clone::clone)
    }

    /// Freezes a tenant: its content is neither written nor read until it is unfrozen.
    pub async fn freeze_tenant(
        &self,
        caller: &Caller,
        tenant: TenantId,
        case: Option<CaseReference>,
        request_id: Option<RequestId>,
    ) -> Result<Audited<TenantView>> {
        let scope = Scope { tenant: Some(tenant.clone()), case, request_id, ..Scope::default() };
        let auth = self.gate.authorize::<acts::FreezeTenant>(caller, scope).await?;
        self.set_state(&auth, tenant, TenantState::Frozen).await
    }

    /// Serves a frozen tenant again.
    pub async fn unfreeze_tenant(
        &self,
        caller: &Caller,
        tenant: TenantId,
        case: Option<CaseReference>,
        request_id: Option<RequestId>,
    ) -> Result<Audited<TenantView>> {
        let scope = Scope { tenant: Some(tenant.clone()), case, request_id, ..Scope::default() };
        let auth = self.gate.authorize::<acts::UnfreezeTenant>(caller, scope).await?;
        self.set_state(&auth, tenant, TenantState::Active).await
    }

    async fn set_state<A: Act>(
        &self,
        auth: &Authorized<A>,
        tenant: TenantId,
        state: TenantState,
    ) -> Result<Audited<TenantView>> {
        // One at a time, so that what is in memory follows what is stored.
        let _turn = self.key_acts.lock().await;
        let work = Work::new(auth.logged(auth.entry())?).with(Mutation::SetTenantState(tenant.clone(), state));
        let receipt = match self.data.submit(work).await {
            Err(SubmitError::Refused(Refusal::Missing)) => {
                return self.refuse(auth, Reason::TenantNotFound.into()).await;
            }
            other => other?,
        };
        self.tenants.forget(&tenant);
        match state {
            TenantState::Frozen => {
                self.tails.clear();
                self.keys.shut(&tenant).await?;
            }
            TenantState::Active => self.keys.reopen(&tenant),
        }
        Ok(Audited::new(self.tenant_view(&tenant).await?, receipt))
    }

    pub(super) async fn tenant_view(&self, tenant: &TenantId) -> Result<TenantView> {
        let id = tenant.clone();
        let row = self.data.read(move |reader| reader.tenant(&id)).await?.ok_or(Reason::TenantNotFound)?;
        let keys = self.keys.tenant_keys(tenant).await?;
        let active = keys.iter().find(|(key, _)| key.state == crate::domain::KeyState::Active);
        let known = self.known_tenant(tenant).await?;
        Ok(TenantView {
            row,
            default_retention_class: known.retention.default_class.clone(),
            active_key_version: active.map_or(0, |(key, _)| key.version),
        })
    }
}

/// The policies that a new tenant starts with.
pub(super) fn first_policies(tenant: &TenantId, settings: &Settings, at: Timestamp) -> Result<Vec<PolicyRow>> {
    let internal = |error: Box<dyn std::error::Error + Send + Sync>| Error::new(Reason::Internal).because(error);
    let class = settings.default_retention_class.clone();
    let classes = BTreeMap::from([(class.clone(), settings.default_retention_days)]);
    let retention = RetentionPolicy::new(class, classes);
    let retention = retention.map_err(|error| internal(error.into()))?;
    let retention = serde_json::to_string(&retention).map_err(|error| internal(error.into()))?;
    let redaction = serde_json::to_string(&crate::redaction::Policy { version: 1, ..Default::default() });
    let redaction = redaction.map_err(|error| internal(error.into()))?;
    let row = |kind, document| PolicyRow { tenant: tenant.clone(), kind, version: 1, create_time: at, document };
    Ok(vec![row(PolicyKind::Redaction, redaction), row(PolicyKind::Retention, retention)])
}
