//! Key acts that were cut short: every intent gets its outcome, and whoever repeats the request gets the act's answer.

use crate::audit::Phase;
use crate::domain::{Error, KeyState, Reason, RequestId, Result, TenantId, TenantState};
use crate::store::{KeyActRow, KeyWork, KeyWrite, Mutation, TenantRow, Work};

use super::Vault;
use super::expire::{logged, own_entry};
use super::idempotency::Idempotent;
use super::reseal::REDACT_RECORD;
use super::tenants::first_policies;

pub(super) const CREATE_TENANT: &str = "CreateTenant";
pub(super) const ROTATE_KEY: &str = "RotateKey";
/// Acts that take turns under `key_acts`: who has the turn knows that those which are open are over.
pub(super) const TURNS: &[&str] = &[CREATE_TENANT, ROTATE_KEY];
/// Marks forgotten in one step.
const PAGE: usize = 500;

/// What the row of a key act says of it.
#[derive(Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Detail {
    /// The tenant, where the act is on a tenant's keys.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) tenant: String,
    /// What the act is on; the tenant when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
    /// The pseudonym of who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) actor: Option<String>,
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<String>,
}

impl Detail {
    /// Returns what a stored detail says; one that nobody wrote says nothing, for a vault has to start all the same.
    fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Vault {
    /// Ends every key act that has an intent and no outcome, and forgets the marks of those that have both: at start, when
    /// no act can be under way.
    pub(super) async fn reconcile_acts(&self) -> Result<()> {
        for act in self.data.read(|reader| reader.open_key_acts()).await? {
            self.reconcile(&act).await?;
        }
        loop {
            let marks = self.keys.store().read(|reader| reader.act_marks(PAGE)).await?;
            if marks.is_empty() {
                return Ok(());
            }
            let forget = marks.into_iter().map(KeyWrite::ForgetAct);
            self.keys.store().submit(forget.fold(KeyWork::default(), KeyWork::with)).await?;
        }
    }

    /// Ends the open acts of `operations`, of which the caller knows that none is under way: one that failed half-way in
    /// this process does not wait for the next start.
    pub(super) async fn reconcile_failed(&self, operations: &[&str]) -> Result<()> {
        for act in self.data.read(|reader| reader.open_key_acts()).await? {
            if operations.contains(&act.operation.as_str()) {
                self.reconcile(&act).await?;
                self.forget_act(act.id).await;
            }
        }
        Ok(())
    }

    /// Ends one act: done when the key store has its mark, undone otherwise.
    async fn reconcile(&self, act: &KeyActRow) -> Result<()> {
        let id = act.id;
        let marked = self.keys.store().read(move |reader| reader.act_marked(&id)).await?;
        let done = marked || self.go_on_redacting(act).await?;
        let detail = Detail::read(&act.detail);
        let object = detail.object.clone();
        let object = object.or_else(|| (!detail.tenant.is_empty()).then(|| format!("tenants/{}", detail.tenant)));
        let now = self.clock.now();
        let reason = if done { "RECONCILED_DONE" } else { "RECONCILED_UNDONE" };
        let entry = || own_entry(now, &act.log, &act.operation).phase(Phase::Outcome).reason(reason);
        // An act is closed whatever its detail says: a vault that cannot log its object would never start again.
        let logged = match &object {
            Some(object) => logged(&act.log, entry().object(object)).or_else(|_| logged(&act.log, entry())),
            None => logged(&act.log, entry()),
        };
        let mut work = Work::new(logged?).with(Mutation::EndKeyAct(act.id));
        if done {
            work = self.finish_act(work, act, &detail).await?;
        }
        self.data.submit(work).await?;
        tracing::warn!(operation = act.operation, ?object, reason, "a key act was cut short and is reconciled");
        Ok(())
    }

    /// Adds what an act would have written with its outcome: a tenant's row, and the answer to the request.
    async fn finish_act(&self, mut work: Work, act: &KeyActRow, detail: &Detail) -> Result<Work> {
        let tenant = detail.tenant.parse::<TenantId>();
        let answer = match (act.operation.as_str(), tenant) {
            (CREATE_TENANT, Ok(tenant)) => {
                work = self.finish_tenant(work, &tenant).await?;
                self.answer(act, detail, &tenant, tenant.as_str().as_bytes(), &()).await
            }
            (CREATE_TENANT, Err(error)) => return Err(Error::new(Reason::IntegrityFailure).because(error)),
            (ROTATE_KEY, Ok(tenant)) => {
                // No rotation begins before those cut short are closed: the active version is the one that this one made.
                let keys = self.keys.tenant_keys(&tenant).await?;
                let active = keys.iter().find(|(key, _)| key.state == KeyState::Active);
                let answer = active.map_or((0, 0), |(key, buckets)| (key.version, *buckets));
                self.answer(act, detail, &tenant, b"", &answer).await
            }
            (REDACT_RECORD, Ok(_)) => self.redacted_answer(&act.detail).await,
            _ => return Ok(work),
        };
        match answer {
            Ok(remember) => Ok(remember.into_iter().fold(work, Work::with)),
            // A tenant whose own keys do not open must not keep the others from being served.
            Err(error) if matches!(error.reason(), Reason::IntegrityFailure | Reason::KeyNotFound) => {
                tracing::error!(operation = act.operation, %error, "the answer to a repeated request is not known");
                Ok(work)
            }
            Err(error) => Err(error),
        }
    }

    /// A tenant whose keys are durable and whose row is not gets its row.
    async fn finish_tenant(&self, mut work: Work, tenant: &TenantId) -> Result<Work> {
        let of = tenant.clone();
        if self.data.read(move |reader| reader.tenant(&of)).await?.is_some() {
            return Ok(work);
        }
        let now = self.clock.now();
        let policies = first_policies(tenant, &self.settings, now)?;
        let row = TenantRow { id: tenant.clone(), state: TenantState::Active, create_time: now };
        work = work.with(Mutation::CreateTenant(row));
        Ok(policies.into_iter().fold(work, |work, policy| work.with(Mutation::PutPolicy(policy))))
    }

    /// Returns the change that remembers what the act's request is answered with, unless it is remembered or had no id.
    async fn answer(
        &self,
        act: &KeyActRow,
        detail: &Detail,
        tenant: &TenantId,
        body: &[u8],
        answer: &impl serde::Serialize,
    ) -> Result<Option<Mutation>> {
        let id = detail.request_id.as_deref().and_then(|id| id.parse::<RequestId>().ok());
        let (Some(actor), Some(request)) = (&detail.actor, Idempotent::by_id(id, body)) else { return Ok(None) };
        let fresh = self.fresh(tenant, actor, &act.operation, &request, self.clock.now()).await?;
        let (of, key) = (tenant.clone(), fresh.key());
        match self.data.read(move |reader| reader.request(&of, &key)).await? {
            Some(_) => Ok(None),
            None => fresh.remember(answer, None).map(Some),
        }
    }
}
