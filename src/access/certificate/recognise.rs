//! From a certificate that verifies to a principal that the vault knows.

use std::sync::Arc;

use crate::access::credential::{Cause, base32};
use crate::access::decision::{fits, home_log};
use crate::access::gate::keys_unavailable;
use crate::access::key_act::KeyAct;
use crate::access::{Gate, authorized};
use crate::domain::{Principal, Reason, Result, TenantId, Timestamp};
use crate::sealing::random;
use crate::store::{KeyWork, KeyWrite};

use super::name::CertificateName;
use super::shown::ClientCertificate;

impl Gate {
    /// Returns the principal of a certificate, or why it is not accepted.
    ///
    /// A principal that is met for the first time, or in a role that is new to it, gets its pseudonym and that role in the key
    /// store before this returns; that is a key act with entries of its own.
    ///
    /// # Errors
    ///
    /// `KEYS_UNAVAILABLE`, `STORE_UNAVAILABLE`, `AUDIT_UNAVAILABLE`.
    pub(in crate::access) async fn recognise(
        &self,
        certificate: &ClientCertificate,
    ) -> Result<Result<Arc<Principal>, Cause>> {
        let now = self.now();
        let (generation, Some(trust)) = self.trust.current() else { return Ok(Err(Cause::CertificateUnknown)) };
        if let Some(principal) = certificate.accepted(generation, now) {
            return Ok(Ok(principal));
        }
        let (name, until) = match trust.check(certificate, now).and_then(|n| Ok((n, certificate.facts()?.not_after))) {
            Ok(found) => found,
            Err(cause) => return Ok(Err(cause)),
        };
        if !self.may_be(&name, now).await? {
            return Ok(Err(Cause::Misfit));
        }
        let Some(principal) = self.meet(name, until, now).await? else { return Ok(Err(Cause::Misfit)) };
        let principal = Arc::new(principal);
        certificate.keep(generation, now, &principal);
        Ok(Ok(principal))
    }

    /// Tells whether the tenant exists, the role has the limits that it must have, and goes with what else the principal has.
    async fn may_be(&self, name: &CertificateName, now: Timestamp) -> Result<bool> {
        let there = match name.tenant.clone() {
            Some(tenant) => self.has(tenant).await?,
            None => true,
        };
        Ok(there && fits(&principal(name.clone(), String::new())) && !self.conflicts(name, now).await?)
    }

    async fn has(&self, tenant: TenantId) -> Result<bool> {
        Ok(self.data.read(move |reader| reader.tenant(&tenant)).await?.is_some())
    }

    async fn conflicts(&self, name: &CertificateName, now: Timestamp) -> Result<bool> {
        let of = name.principal.clone();
        let roles = self.keys.read(move |reader| reader.roles_of(&of, now)).await.map_err(keys_unavailable)?;
        Ok(roles.iter().any(|role| role.conflicts_with(name.role)))
    }

    /// Returns the principal with its pseudonym, which is kept by then; none when another credential of it was faster and does
    /// not go with this one.
    async fn meet(&self, name: CertificateName, until: Timestamp, now: Timestamp) -> Result<Option<Principal>> {
        if let (Some(pseudonym), Some(kept)) = self.kept(&name).await?
            && kept >= until
        {
            return Ok(Some(principal(name, pseudonym)));
        }
        let _turn = self.issuing.lock().await;
        if self.conflicts(&name, now).await? {
            return Ok(None);
        }
        let (pseudonym, kept) = self.kept(&name).await?;
        let met = principal(name, pseudonym.unwrap_or_else(new_pseudonym));
        let write = KeyWrite::PutCertificateRole {
            principal: met.id.clone(),
            pseudonym: met.pseudonym.clone(),
            role: met.role,
            expire_time: until,
        };
        match kept {
            Some(_) => drop(self.keys.submit(KeyWork::new(write)).await?),
            None => self.introduce(&met, write).await?,
        }
        Ok(Some(met))
    }

    /// Returns the pseudonym of a principal, and until when a certificate is known to carry this role for it.
    async fn kept(&self, name: &CertificateName) -> Result<(Option<String>, Option<Timestamp>)> {
        let (of, role) = (name.principal.clone(), name.role);
        self.keys
            .read(move |reader| Ok((reader.pseudonym(&of)?, reader.certificate_role(&of, role)?)))
            .await
            .map_err(keys_unavailable)
    }

    /// Keeps that a principal has a role by certificate, which it had not before.
    async fn introduce(&self, met: &Principal, write: KeyWrite) -> Result<()> {
        let log = home_log(met);
        let object = format!("principals/{}", met.pseudonym);
        let scope = crate::access::Scope { object: Some(object.clone()), ..Default::default() };
        let entry = || authorized::begin(self.now(), &log, RECOGNISE, met, &scope).allow();
        let act = KeyAct {
            log: log.clone(),
            operation: RECOGNISE,
            object,
            entry: &entry,
            keys: 0,
            refusal: Reason::Internal,
        };
        act.run(self, write, || {}).await.map(drop)
    }
}

fn principal(name: CertificateName, pseudonym: String) -> Principal {
    let CertificateName { tenant, role, principal: id, bots } = name;
    Principal { id, pseudonym, role, tenant, bots }
}

/// Draws a pseudonym for a principal that has none.
pub(in crate::access) fn new_pseudonym() -> String {
    format!("prn_{}", base32(&random::bytes::<10>()))
}

/// The operation of meeting a principal in a role that its certificates did not carry before.
const RECOGNISE: &str = "RecogniseCertificate";
