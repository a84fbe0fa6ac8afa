//! Authentication: from what a call brings along to a credential that is accepted.

use std::sync::Arc;

use crate::domain::{Result, Timestamp};

use super::Gate;
use super::caller::Credential;
use super::credential::{Cause, Presented};
use super::decision::fits;
use super::gate::keys_unavailable;
use super::key_cache::KnownKey;
use super::peer::Peer;

impl Gate {
    /// Finds the credential, or why there is none: the cause and, where a key was named that exists, its id.
    pub(super) async fn authenticate(
        &self,
        authorization: Option<&str>,
        peer: &Peer,
    ) -> Result<Result<Credential, (Cause, Option<String>)>> {
        let (None, Some(certificate)) = (authorization, &peer.certificate) else {
            return Ok(self.known_key(authorization).await?.map(Credential::ApiKey));
        };
        let recognised = self.recognise(certificate).await?;
        Ok(recognised
            .map(|principal| Credential::Certificate(Arc::clone(certificate), principal))
            .map_err(|cause| (cause, None)))
    }

    /// Tells whether a call with this `authorization` header will be let through without anything being looked up or logged
    /// first. Any other goes on when its client gives up, so that no failed login is lost.
    pub fn is_at_hand(&self, authorization: Option<&str>) -> bool {
        let Ok(presented) = Presented::parse(authorization) else { return false };
        let now = self.now();
        let key = self.cache.fresh(presented.id, now);
        key.is_some_and(|key| presented.matches(&key.row.hash) && live(&key, now).is_ok())
    }

    async fn known_key(&self, authorization: Option<&str>) -> Result<Result<Arc<KnownKey>, (Cause, Option<String>)>> {
        let presented = match Presented::parse(authorization) {
            Ok(presented) => presented,
            Err(cause) => return Ok(Err((cause, None))),
        };
        let now = self.now();
        let Some(key) = self.cache.get(presented.id, now).await.map_err(keys_unavailable)? else {
            return Ok(Err((Cause::Unknown, None)));
        };
        let verdict = if presented.matches(&key.row.hash) { live(&key, now) } else { Err(Cause::Wrong) };
        Ok(match verdict {
            Ok(()) => Ok(key),
            Err(cause) => Err((cause, Some(key.row.id.clone()))),
        })
    }

    /// Tells whether a credential that was accepted still is.
    pub(super) async fn look_again(&self, credential: &Credential) -> Result<Result<(), Cause>> {
        match credential {
            Credential::ApiKey(key) => {
                let now = self.now();
                let key = self.cache.get(&key.row.id, now).await.map_err(keys_unavailable)?;
                Ok(key.map_or(Err(Cause::Unknown), |key| live(&key, now)))
            }
            Credential::Certificate(certificate, principal) => Ok(match self.recognise(certificate).await? {
                Ok(now) if now == *principal => Ok(()),
                Ok(_) => Err(Cause::Unknown),
                Err(cause) => Err(cause),
            }),
        }
    }
}

/// Tells whether a key is accepted now.
fn live(key: &KnownKey, now: Timestamp) -> Result<(), Cause> {
    match &key.row {
        row if row.revoke_time.is_some() => Err(Cause::Revoked),
        row if row.expire_time <= now => Err(Cause::Expired),
        _ if !fits(&key.principal) => Err(Cause::Misfit),
        _ => Ok(()),
    }
}
