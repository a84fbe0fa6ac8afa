//! A proposed redaction policy is tried on stored records, beside the one in force.

use std::collections::BTreeMap;

use crate::access::{Authorized, Caller, Scope, acts};
use crate::audit::{Count, Phase, PolicyKind as Logged};
use crate::domain::{
    CaseReference, Error, FindingNote, PolicyKind, PolicyName, Purpose, Reason, Record, Result, TenantId,
};
use crate::keys::KeyError;
use crate::redaction::{Engine, Policy, PseudonymKey};
use crate::sealing::random;
use crate::store::{Mutation, OpenReadRow, StoredConversation, Work};

use super::Vault;
use super::audited::Audited;
use super::listing::ConversationFilter;
use super::paging::PageRequest;
use super::remove::{Removal, remove};

/// What a policy is tried on.
#[derive(Clone)]
pub struct Sample {
    /// Whose records.
    pub tenant: TenantId,
    /// Of which conversations.
    pub filter: ConversationFilter,
    /// How many, the newest conversations first; 0 is 1,000, more than 10,000 is 10,000.
    pub records: u32,
    /// Why they are opened.
    pub purpose: Option<Purpose>,
    /// For which matter.
    pub case: Option<CaseReference>,
}

/// Where two policies differ. Holds no content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backtest {
    /// How many values each finds, by class and rule, where that differs: the policy in force, the proposed one.
    pub differences: BTreeMap<(String, String), (u64, u64)>,
    /// Records tried.
    pub records: u64,
    /// Conversations that they are of.
    pub conversations: u64,
    /// Records in which the two find something else.
    pub differing_records: u64,
    /// Conversations that these are of.
    pub differing_conversations: u64,
    /// Names of such records.
    pub names: Vec<String>,
    /// The version of the policy in force.
    pub current_version: u32,
}

const DEFAULT_RECORDS: u32 = 1_000;
const MOST_RECORDS: u32 = 10_000;
/// Names in one answer.
const MOST_NAMES: usize = 100;
/// Conversations looked up at a time, and records fetched.
const CONVERSATIONS: usize = 50;
const FETCH: usize = 250;

struct Trial<'t> {
    current: &'t Engine,
    proposed: &'t Engine,
    /// No pseudonym of it leaves.
    key: PseudonymKey,
    left: u64,
    found: Backtest,
}

impl Vault {
    /// Tries a proposed redaction policy on stored records. What is stored is redacted: only what the proposed policy finds
    /// beyond that can be seen.
    ///
    /// # Errors
    ///
    /// `POLICY_INVALID` when the policy does not hold.
    pub async fn preview_policy(&self, caller: &Caller, sample: Sample, policy: Policy) -> Result<Audited<Backtest>> {
        let name = PolicyName { tenant: sample.tenant.clone(), kind: PolicyKind::Redaction };
        let scope = Scope {
            tenant: Some(sample.tenant.clone()),
            bot: sample.filter.bot.clone(),
            object: Some(name.to_string()),
            purpose: sample.purpose,
            case: sample.case.clone(),
            ..Scope::default()
        };
        let auth = self.gate.authorize::<acts::PreviewPolicy>(caller, scope).await?;
        let (current, proposed) = match self.both(&sample.tenant, policy).await {
            Ok(both) => both,
            Err(error) => return self.refuse(&auth, error).await,
        };
        let read = self.begin_trial(&auth, &name).await?;
        let trial = Trial {
            current: &current,
            proposed: &proposed,
            key: PseudonymKey::from_bytes(random::bytes()),
            left: u64::from(if sample.records == 0 { DEFAULT_RECORDS } else { sample.records.min(MOST_RECORDS) }),
            found: Backtest { current_version: current.policy().version, ..Backtest::default() },
        };
        let done = self.try_policy(&auth, &sample, trial).await;
        let mut end = auth.entry().phase(Phase::End).policy(Logged::Redaction, u64::from(current.policy().version));
        end = match &done {
            Ok(found) => end.count(Count::Conversations, found.conversations).count(Count::Matched, found.records),
            Err(error) => end.reason(error.reason().as_str()),
        };
        let receipt = self.data.submit(Work::new(auth.logged(end)?).with(Mutation::CloseRead(read))).await?;
        Ok(Audited::new(done?, receipt))
    }

    async fn both(&self, tenant: &TenantId, policy: Policy) -> Result<(super::engines::SharedEngine, Engine)> {
        self.must_serve(tenant).await?;
        let current = self.engine(tenant).await?;
        let proposed = Policy { version: current.policy().version.saturating_add(1), ..policy };
        let proposed = Engine::new(proposed).map_err(|error| Error::new(Reason::PolicyInvalid).because(error))?;
        Ok((current, proposed))
    }

    async fn begin_trial(&self, auth: &Authorized<acts::PreviewPolicy>, name: &PolicyName) -> Result<[u8; 16]> {
        let now = self.clock.now();
        let id = *random::uuid_v7(now.unix_ms().unsigned_abs()).as_bytes();
        let actor = (auth.principal().pseudonym.clone(), auth.principal().role.to_string());
        let open = OpenReadRow { id, log: auth.log().clone(), object: name.to_string(), actor, at: now };
        let begin = auth.logged(auth.entry().phase(Phase::Begin))?;
        self.finish(Work::new(begin).with(Mutation::OpenRead(open)), id).await.map(Audited::into_inner)
    }

    async fn try_policy(
        &self,
        auth: &Authorized<acts::PreviewPolicy>,
        sample: &Sample,
        mut trial: Trial<'_>,
    ) -> Result<Backtest> {
        let mut page = PageRequest { size: CONVERSATIONS, token: String::new() };
        while trial.left > 0 {
            let rows = self.rows_page(auth.bots(), &sample.tenant, &sample.filter, &page).await?;
            for row in &rows.items {
                if trial.left == 0 {
                    break;
                }
                self.try_conversation(row, &mut trial).await?;
            }
            if rows.next.is_empty() {
                break;
            }
            page.token = rows.next;
        }
        trial.found.differences.retain(|_, (current, proposed)| current != proposed);
        Ok(trial.found)
    }

    /// Tries both on the last records of a conversation, as many as are left to try.
    async fn try_conversation(&self, row: &StoredConversation, trial: &mut Trial<'_>) -> Result<()> {
        let (tried, differing) = (trial.found.records, trial.found.differing_records);
        let mut after = (row.next_sequence - 1).saturating_sub(trial.left);
        while trial.left > 0 {
            let (tenant, id) = (row.tenant.clone(), row.id);
            let records = self.data.read(move |reader| reader.records(&tenant, &id, after, FETCH)).await?;
            let Some(last) = records.last() else { break };
            after = last.sequence;
            self.must_serve(&row.tenant).await?;
            for stored in &records {
                let key = match self.keys.open_segment(&row.tenant, row.id, stored.dek_id).await {
                    Ok((_, key)) => key,
                    Err(KeyError::Destroyed) => continue,
                    Err(error) => return Err(error.into()),
                };
                trial.record(self.place(row).open_whole(&key, stored)?.record())?;
            }
            tokio::task::yield_now().await;
        }
        trial.found.conversations += u64::from(trial.found.records > tried);
        trial.found.differing_conversations += u64::from(trial.found.differing_records > differing);
        Ok(())
    }
}

impl Trial<'_> {
    fn record(&mut self, record: &Record) -> Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        self.found.records += 1;
        let current = self.findings(self.current, record)?;
        let proposed = self.findings(self.proposed, record)?;
        for note in &current {
            self.count(note).0 += 1;
        }
        for note in &proposed {
            self.count(note).1 += 1;
        }
        if current != proposed {
            self.found.differing_records += 1;
            if self.found.names.len() < MOST_NAMES {
                let of = format!("tenants/{}/conversations/{}", record.tenant, record.conversation);
                self.found.names.push(format!("{of}/records/{}", record.sequence));
            }
        }
        Ok(())
    }

    fn findings(&self, engine: &Engine, record: &Record) -> Result<Vec<FindingNote>> {
        let removed = remove(engine, &self.key, &Removal::Reapply, record)?;
        Ok(removed.map(|removed| removed.notes().to_vec()).unwrap_or_default())
    }

    fn count(&mut self, note: &FindingNote) -> &mut (u64, u64) {
        let rule = note.rule.rsplit('/').next().unwrap_or_default().to_owned();
        self.found.differences.entry((note.class.clone(), rule)).or_default()
    }
}
