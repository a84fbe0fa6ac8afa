//! A tenant's redaction and retention policies: shown, listed, replaced by a new version.

use crate::access::{Authorized, Caller, Scope, acts};
use crate::audit::{Count, PolicyKind as Logged};
use crate::domain::{Error, PolicyKind, PolicyName, Reason, RequestId, Result, RetentionPolicy, TenantId, Timestamp};
use crate::redaction::{Engine, Policy};
use crate::store::{Mutation, PolicyRow, Refusal, SubmitError, Work};

use super::Vault;
use super::audited::Audited;
use super::idempotency::{Fresh, Idempotent, Known};
use super::paging::{Page, PageRequest};

/// What a policy says.
#[derive(Debug, Clone)]
pub enum PolicyDocument {
    /// What is redacted, and how.
    Redaction(Box<Policy>),
    /// How long records stay.
    Retention(RetentionPolicy),
}

/// One version of a policy.
#[derive(Debug, Clone)]
pub struct PolicyView {
    /// Whose policy it is, and which.
    pub name: PolicyName,
    /// Its version.
    pub version: u32,
    /// When it took effect.
    pub create_time: Timestamp,
    /// Whether it is the one in force.
    pub active: bool,
    /// What it says.
    pub document: PolicyDocument,
}

impl PolicyDocument {
    fn kind(&self) -> PolicyKind {
        match self {
            Self::Redaction(_) => PolicyKind::Redaction,
            Self::Retention(_) => PolicyKind::Retention,
        }
    }
}

impl Vault {
    /// Shows a policy: the one in force, or the version asked for.
    pub async fn get_policy(
        &self,
        caller: &Caller,
        name: PolicyName,
        version: Option<u32>,
    ) -> Result<Audited<PolicyView>> {
        let scope = Scope { tenant: Some(name.tenant.clone()), object: Some(name.to_string()), ..Scope::default() };
        let auth = self.gate.authorize::<acts::GetPolicy>(caller, scope).await?;
        let result = async {
            let newest = self.newest_policy(&name.tenant, name.kind).await?;
            let row = match version {
                None => newest.clone(),
                Some(_) => {
                    let of = name.clone();
                    let row = self.data.read(move |reader| reader.policy(&of.tenant, of.kind, version)).await?;
                    row.ok_or(Reason::PolicyNotFound)?
                }
            };
            view(&row, row.version == newest.version)
        };
        match result.await {
            Ok(view) => self.finish(Work::new(auth.logged(auth.entry().count(Count::Returned, 1))?), view).await,
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Lists the versions of a policy, newest first.
    pub async fn list_policy_versions(
        &self,
        caller: &Caller,
        name: PolicyName,
        page: PageRequest,
    ) -> Result<Audited<Page<PolicyView>>> {
        let scope = Scope { tenant: Some(name.tenant.clone()), object: Some(name.to_string()), ..Scope::default() };
        let auth = self.gate.authorize::<acts::ListPolicyVersions>(caller, scope).await?;
        let result = async {
            let newest = self.newest_policy(&name.tenant, name.kind).await?.version;
            let query = name.to_string();
            let before = page.resume::<u32>(&query)?;
            let (of, limit) = (name.clone(), page.limit() + 1);
            let rows = self.data.read(move |reader| reader.policies(&of.tenant, of.kind, before, limit)).await?;
            let rows = Page::cut(rows, &page, &query, |last: &PolicyRow| last.version)?;
            let items: Result<Vec<_>> = rows.items.iter().map(|row| view(row, row.version == newest)).collect();
            Ok(Page { items: items?, next: rows.next })
        };
        match result.await {
            Ok(found) => {
                let entry = auth.entry().count(Count::Returned, found.items.len() as u64);
                self.finish(Work::new(auth.logged(entry)?), found).await
            }
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Puts a new version of a policy in force; `base` is the version it was made from.
    ///
    /// # Errors
    ///
    /// `APPROVAL_REQUIRED` when it shortens retention, `POLICY_INVALID`, or `SEQUENCE_CONFLICT` when `base` is not in force.
    pub async fn propose_policy(
        &self,
        caller: &Caller,
        tenant: TenantId,
        document: PolicyDocument,
        base: u32,
        request_id: Option<RequestId>,
    ) -> Result<Audited<PolicyView>> {
        let name = PolicyName { tenant: tenant.clone(), kind: document.kind() };
        let object = Some(name.to_string());
        let scope = Scope { tenant: Some(tenant), object, request_id, ..Scope::default() };
        let auth = self.gate.authorize::<acts::ProposePolicy>(caller, scope).await?;
        let _turn = self.policy_changes.lock().await;
        let body = format!("{base} {document:?}");
        let result = async {
            let request = Idempotent::by_id(request_id, body.as_bytes());
            let fresh = match self.known::<_, u32>(&auth, &name.tenant, request.as_ref()).await? {
                Known::Done(version) => {
                    let of = name.clone();
                    let row = self.data.read(move |reader| reader.policy(&of.tenant, of.kind, Some(version))).await?;
                    let row = row.ok_or(Reason::PolicyNotFound)?;
                    let newest = self.newest_policy(&name.tenant, name.kind).await?;
                    return self.repeat(&auth, view(&row, row.version == newest.version)?).await;
                }
                Known::New(fresh) => fresh,
            };
            self.put_policy(&auth, &name, document, base, fresh).await
        };
        match result.await {
            Ok(done) => Ok(done),
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Makes `class` the tenant's default retention class: a new version of its retention policy.
    pub async fn set_default_class(
        &self,
        caller: &Caller,
        tenant: TenantId,
        class: crate::domain::Slug,
        request_id: Option<RequestId>,
    ) -> Result<Audited<super::tenants::TenantView>> {
        let scope = Scope { tenant: Some(tenant.clone()), request_id, ..Scope::default() };
        let auth = self.gate.authorize::<acts::UpdateTenant>(caller, scope).await?;
        let name = PolicyName { tenant: tenant.clone(), kind: PolicyKind::Retention };
        let _turn = self.policy_changes.lock().await;
        let result = async {
            let newest = self.newest_policy(&tenant, PolicyKind::Retention).await?;
            let request = Idempotent::by_id(request_id, class.as_str().as_bytes());
            let fresh = match self.known::<_, u32>(&auth, &tenant, request.as_ref()).await? {
                Known::Done(_) => return self.repeat(&auth, self.tenant_view(&tenant).await?).await,
                Known::New(fresh) => fresh,
            };
            let PolicyDocument::Retention(policy) = view(&newest, true)?.document else {
                return Err(Reason::IntegrityFailure.into());
            };
            let next = RetentionPolicy::new(class, policy.classes.clone())
                .map_err(|error| Error::new(Reason::RetentionClassUnknown).because(error))?;
            let put = self.put_policy(&auth, &name, PolicyDocument::Retention(next), newest.version, fresh).await?;
            let view = self.tenant_view(&tenant).await?;
            Ok(put.map(|_| view))
        };
        match result.await {
            Ok(done) => Ok(done),
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    async fn put_policy<A: crate::access::Act>(
        &self,
        auth: &Authorized<A>,
        name: &PolicyName,
        document: PolicyDocument,
        base: u32,
        fresh: Option<Fresh>,
    ) -> Result<Audited<PolicyView>> {
        let newest = self.newest_policy(&name.tenant, name.kind).await?;
        if base != 0 && base != newest.version {
            return Err(Error::new(Reason::SequenceConflict).at("base_version").hint("another version is in force"));
        }
        let version = newest.version + 1;
        let (document, logged) = match document {
            PolicyDocument::Redaction(policy) => (checked_redaction(*policy, version)?, Logged::Redaction),
            PolicyDocument::Retention(policy) => (checked_retention(&policy, &newest)?, Logged::Retention),
        };
        let row = PolicyRow {
            tenant: name.tenant.clone(),
            kind: name.kind,
            version,
            create_time: self.clock.now(),
            document,
        };
        let entry = auth.logged(auth.entry().policy(logged, u64::from(version)))?;
        let mut work = Work::new(entry).with(Mutation::PutPolicy(row.clone()));
        if let Some(fresh) = fresh {
            work = work.with(fresh.remember(&version, None)?);
        }
        let receipt = match self.data.submit(work).await {
            Err(SubmitError::Refused(Refusal::Conflict)) => {
                return Err(Error::new(Reason::SequenceConflict).at("base_version"));
            }
            other => other?,
        };
        self.engines.forget(&name.tenant);
        self.tenants.forget(&name.tenant);
        Ok(Audited::new(view(&row, true)?, receipt))
    }

    async fn newest_policy(&self, tenant: &TenantId, kind: PolicyKind) -> Result<PolicyRow> {
        let id = tenant.clone();
        let (known, row) =
            self.data.read(move |reader| Ok((reader.tenant(&id)?.is_some(), reader.policy(&id, kind, None)?))).await?;
        if !known {
            return Err(Reason::TenantNotFound.into());
        }
        row.ok_or_else(|| Reason::PolicyNotFound.into())
    }
}

fn checked_redaction(policy: Policy, version: u32) -> Result<String> {
    let policy = Policy { version, ..policy };
    let invalid = |error: Box<dyn std::error::Error + Send + Sync>| Error::new(Reason::PolicyInvalid).because(error);
    Engine::new(policy.clone()).map_err(|error| invalid(error.into()))?;
    serde_json::to_string(&policy).map_err(|error| invalid(error.into()))
}

fn checked_retention(policy: &RetentionPolicy, newest: &PolicyRow) -> Result<String> {
    let invalid = |error: serde_json::Error| Error::new(Reason::PolicyInvalid).because(error);
    let current: RetentionPolicy = serde_json::from_str(&newest.document).map_err(invalid)?;
    if current.is_shortened_by(policy) {
        return Err(Error::new(Reason::ApprovalRequired).at("policy.retention"));
    }
    serde_json::to_string(policy).map_err(invalid)
}

fn view(row: &PolicyRow, active: bool) -> Result<PolicyView> {
    let broken = |error: serde_json::Error| Error::new(Reason::IntegrityFailure).because(error);
    let document = match row.kind {
        PolicyKind::Redaction => {
            PolicyDocument::Redaction(Box::new(serde_json::from_str(&row.document).map_err(broken)?))
        }
        PolicyKind::Retention => PolicyDocument::Retention(serde_json::from_str(&row.document).map_err(broken)?),
    };
    Ok(PolicyView {
        name: PolicyName { tenant: row.tenant.clone(), kind: row.kind },
        version: row.version,
        create_time: row.create_time,
        active,
        document,
    })
}
