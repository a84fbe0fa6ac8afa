//! What redaction would make of records, without storing them.

use crate::access::{Caller, Scope, acts};
use crate::audit::{Count, PolicyKind};
use crate::domain::{Content, FindingNote, NewRecord, Result, RiskNote, Slug, TenantId};
use crate::redaction::{Dialogue, PseudonymKey, Trace};
use crate::sealing::random;
use crate::store::Work;

use super::Vault;
use super::audited::Audited;
use super::explain::explain;
use super::ingest::{check_batch, must_fit};
use super::redact::{aside, redact};

/// One record as redaction would make it.
#[derive(Clone)]
pub struct Previewed {
    /// The redacted content.
    pub content: Content,
    /// The redacted metadata.
    pub metadata: std::collections::BTreeMap<Slug, String>,
    /// The client's own id, redacted.
    pub client_id: Option<String>,
    /// Who said it.
    pub author_role: crate::domain::AuthorRole,
    /// What was found, and why.
    pub findings: Vec<(FindingNote, Option<Trace>)>,
    /// What its texts try.
    pub risks: Vec<RiskNote>,
    /// The policy that handled it.
    pub policy_version: u32,
}

impl Vault {
    /// Redacts `records` under the tenant's policy as one conversation, with a pseudonym key of this call's own, and keeps
    /// nothing.
    pub async fn preview_redaction(
        &self,
        caller: &Caller,
        tenant: TenantId,
        records: Vec<NewRecord>,
    ) -> Result<Audited<Vec<Previewed>>> {
        let scope = Scope { tenant: Some(tenant.clone()), ..Scope::default() };
        let auth = self.gate.authorize::<acts::PreviewRedaction>(caller, scope).await?;
        match self.preview(&tenant, records).await {
            Ok((previewed, policy)) => {
                let entry = auth.entry().count(Count::Returned, previewed.len() as u64);
                let entry = auth.logged(entry.policy(PolicyKind::Redaction, u64::from(policy)))?;
                self.finish(Work::new(entry), previewed).await
            }
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    async fn preview(&self, tenant: &TenantId, records: Vec<NewRecord>) -> Result<(Vec<Previewed>, u32)> {
        self.must_serve(tenant).await?;
        check_batch(&records, self.clock.now())?;
        let engine = self.engine(tenant).await?;
        let key = PseudonymKey::from_bytes(random::bytes());
        let room = self.workshop.enter(&records).await?;
        let (mut previewed, mut bytes) = (Vec::with_capacity(records.len()), 0);
        let mut dialogue = Dialogue::default();
        for (index, record) in records.into_iter().enumerate() {
            let why = explain(&engine, &key, &dialogue, &record);
            let done = aside(&engine, || redact(&engine, &key, &mut dialogue, record));
            let done = done.map_err(|error| error.within(&format!("records[{index}]")))?;
            bytes += done.weight();
            must_fit(bytes)?;
            let parts = done.parts;
            previewed.push(Previewed {
                content: parts.content.as_shown(),
                metadata: parts.metadata,
                client_id: parts.client_id,
                author_role: parts.author_role,
                findings: parts.findings.into_iter().map(|note| (note.clone(), why.of(&note))).collect(),
                risks: parts.risks,
                policy_version: parts.policy_version,
            });
        }
        drop(room);
        Ok((previewed, engine.policy().version))
    }
}
