//! A new `security` key, for who holds the machine and its root: no call of the API issues one.

use crate::access::SecretKeyText;
use crate::access::api_key::{BOOTSTRAP_PRINCIPAL, MOST_LIVE, security_row};
use crate::audit::{Count, Phase};
use crate::domain::{Error, PrincipalId, Reason, Result};
use crate::store::{KeyWork, KeyWrite, LogId, Mutation, Refusal, SubmitError, Work};

use super::Vault;
use super::expire::{logged, own_act, own_entry};

const ISSUE: &str = "IssueSecurityKey";

impl Vault {
    /// Issues a key of role `security` to the principal that `init` issued the first one to, as a key act.
    ///
    /// # Errors
    ///
    /// `API_KEY_LIMIT` when it has two live ones.
    pub async fn issue_security_key(&self) -> Result<SecretKeyText> {
        let now = self.clock.now();
        let principal: PrincipalId =
            BOOTSTRAP_PRINCIPAL.parse().map_err(|error| Error::new(Reason::Internal).because(error))?;
        let of = principal.clone();
        let pseudonym = self.keys.store().read(move |reader| reader.pseudonym(&of)).await?;
        let (row, secret) = security_row(principal, pseudonym, now);
        let object = format!("apiKeys/{}", row.id);
        let log = LogId::System;
        let act = own_act(now, &log, ISSUE, &object);
        let id = act.id;
        let entry = |phase| own_entry(now, &log, ISSUE).phase(phase).object(&object);
        self.data.submit(Work::new(logged(&log, entry(Phase::Intent))?).with(Mutation::BeginKeyAct(act))).await?;
        let write = KeyWrite::PutApiKey { row, most_live: MOST_LIVE, now };
        let put = self.keys.store().submit(KeyWork::new(write).with(KeyWrite::MarkAct(id))).await;
        let (outcome, result) = match put {
            Ok(_) => (entry(Phase::Outcome).count(Count::Keys, 1), Ok(secret)),
            Err(SubmitError::Refused(Refusal::Exists)) => {
                let reason = Reason::ApiKeyLimit;
                (entry(Phase::Outcome).deny(reason.as_str()), Err(reason.into()))
            }
            Err(error) => return Err(error.into()),
        };
        self.data.submit(Work::new(logged(&log, outcome)?).with(Mutation::EndKeyAct(id))).await?;
        self.forget_act(id).await;
        result
    }
}
