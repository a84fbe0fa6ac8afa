//! Tenant keys: listed, shown, rotated.

use std::time::{Duration, Instant};

use crate::access::{Caller, Scope, acts};
use crate::audit::{Count, Phase};
use crate::domain::{Error, KeyName, Reason, RequestId, Result, TenantId};
use crate::keys::KeyError;
use crate::store::{Mutation, TenantKekRow, Work};

use super::Vault;
use super::audited::Audited;
use super::idempotency::{Idempotent, Known};
use super::reconcile::TURNS;

/// A tenant key version and how many buckets hang on it.
pub type KeyView = (TenantKekRow, u64);

/// What a rotation did.
#[derive(Debug, Clone)]
pub struct RotationView {
    /// The new active version.
    pub key: KeyView,
    /// The version before it, now decrypt-only.
    pub previous: Option<KeyView>,
    /// Buckets wrapped anew.
    pub rewrapped: u64,
    /// How long the act took.
    pub took: Duration,
}

impl Vault {
    /// Lists the versions of a tenant's key, oldest first.
    pub async fn list_keys(&self, caller: &Caller, tenant: TenantId) -> Result<Audited<Vec<KeyView>>> {
        let scope = Scope { tenant: Some(tenant.clone()), ..Scope::default() };
        let auth = self.gate.authorize::<acts::ListKeys>(caller, scope).await?;
        match self.keys_of(&tenant).await {
            Ok(keys) => {
                let entry = auth.entry().count(Count::Returned, keys.len() as u64);
                self.finish(Work::new(auth.logged(entry)?), keys).await
            }
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Shows one version of a tenant's key.
    pub async fn get_key(&self, caller: &Caller, name: KeyName) -> Result<Audited<KeyView>> {
        let object = Some(name.to_string());
        let scope =
            Scope { tenant: Some(name.tenant.clone()), object, absent: Some(Reason::KeyNotFound), ..Scope::default() };
        let auth = self.gate.authorize::<acts::GetKey>(caller, scope).await?;
        let found = self.keys_of(&name.tenant).await.and_then(|keys| {
            let key = keys.into_iter().find(|(key, _)| key.version == name.version);
            key.ok_or_else(|| Error::new(Reason::KeyNotFound))
        });
        match found {
            Ok(key) => self.finish(Work::new(auth.logged(auth.entry().count(Count::Returned, 1))?), key).await,
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Gives a tenant a new key version and wraps all its buckets under it, while reads and writes go on.
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        tenant: TenantId,
        request_id: Option<RequestId>,
    ) -> Result<Audited<RotationView>> {
        let scope = Scope { tenant: Some(tenant.clone()), request_id, ..Scope::default() };
        let auth = self.gate.authorize::<acts::RotateKey>(caller, scope).await?;
        if let Err(error) = self.keys_of(&tenant).await {
            return self.refuse(&auth, error).await;
        }
        let began = Instant::now();
        // One at a time, so that the same request on another connection finds the answer of the first.
        let _turn = self.key_acts.lock().await;
        self.reconcile_failed(TURNS).await?;
        let request = Idempotent::by_id(request_id, b"");
        let fresh = match self.known::<_, (u32, u64)>(&auth, &tenant, request.as_ref()).await {
            Ok(Known::Done((version, rewrapped))) => {
                let view = self.rotation_view(&tenant, version, rewrapped, began.elapsed()).await?;
                return self.repeat(&auth, view).await;
            }
            Ok(Known::New(fresh)) => fresh,
            Err(error) => return self.refuse(&auth, error).await,
        };
        let act = self.begin_act(&auth, &tenant).await?;
        let rotated = match self.keys.rotate(&tenant, act).await {
            Ok(rotated) => rotated,
            Err(error) => {
                let reason = rotation_refused(&error);
                // Whether the replaced store had it is not known: the next start finds out.
                if reason != Reason::StoreReplaced {
                    self.deny_act(&auth, act, reason).await?;
                }
                return Err(Error::new(reason).because(error));
            }
        };
        let rewrapped = rotated.buckets as u64;
        let entry = auth
            .entry()
            .phase(Phase::Outcome)
            .key_version(u64::from(rotated.kek.version))
            .count(Count::Buckets, rewrapped);
        let mut work = Work::new(auth.logged(entry)?).with(Mutation::EndKeyAct(act));
        if let Some(fresh) = fresh {
            work = work.with(fresh.remember(&(rotated.kek.version, rewrapped), None)?);
        }
        let receipt = self.data.submit(work).await?;
        self.forget_act(act).await;
        let view = self.rotation_view(&tenant, rotated.kek.version, rewrapped, began.elapsed()).await?;
        Ok(Audited::new(view, receipt))
    }

    async fn rotation_view(
        &self,
        tenant: &TenantId,
        version: u32,
        rewrapped: u64,
        took: Duration,
    ) -> Result<RotationView> {
        let keys = self.keys_of(tenant).await?;
        let of = |version: u32| keys.iter().find(|(key, _)| key.version == version).cloned();
        let key = of(version).ok_or(Reason::Internal)?;
        Ok(RotationView { previous: of(version - 1), key, rewrapped, took })
    }

    /// Destroying a key needs a second person. There are no approvals yet, so this is always denied, and the denial logged.
    pub async fn schedule_key_destruction(&self, caller: &Caller, name: KeyName) -> Result<Audited<KeyView>> {
        let object = Some(name.to_string());
        let scope =
            Scope { tenant: Some(name.tenant.clone()), object, absent: Some(Reason::KeyNotFound), ..Scope::default() };
        let auth = self.gate.authorize::<acts::ScheduleKeyDestruction>(caller, scope).await?;
        self.refuse(&auth, Reason::ApprovalRequired.into()).await
    }

    async fn keys_of(&self, tenant: &TenantId) -> Result<Vec<KeyView>> {
        let keys = self.keys.tenant_keys(tenant).await?;
        if keys.is_empty() { Err(Reason::TenantNotFound.into()) } else { Ok(keys) }
    }
}

fn rotation_refused(error: &KeyError) -> Reason {
    match error {
        KeyError::Broken { .. } | KeyError::Destroyed => Reason::RotationRefused,
        KeyError::Contention => Reason::SequenceConflict,
        KeyError::Store(cause) => cause.keys_reason(),
        KeyError::Submit(cause) => cause.keys_reason(),
        _ => Reason::KeysUnavailable,
    }
}
