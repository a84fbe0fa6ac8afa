//! Repeated requests get the first answer.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::access::{Act, Authorized};
use crate::domain::{ConversationId, Error, Reason, RequestId, Result, TenantId, Timestamp};
use crate::sealing::Label;
use crate::store::{Mutation, RememberedRequest};

use super::Vault;

/// A request that may be repeated: its id, and its decoded fields in a canonical encoding.
pub struct Idempotent {
    /// The client's id for it.
    pub id: RequestId,
    /// The decoded fields, encoded; it is content, so it is wiped.
    pub body: Zeroizing<Vec<u8>>,
}

impl Idempotent {
    /// Returns a request whose body is `body`, if it has an id.
    pub(super) fn by_id(id: Option<RequestId>, body: &[u8]) -> Option<Self> {
        id.map(|id| Self { id, body: Zeroizing::new(body.to_vec()) })
    }
}

/// What is known of a request before it is done.
pub(super) enum Known<T> {
    /// It was done; this was the answer.
    Done(T),
    /// It is new; remember it with these hashes.
    New(Option<Fresh>),
}

/// The hashes of a request that is about to be done.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Fresh {
    key: [u8; 32],
    body: [u8; 32],
    at: Timestamp,
}

impl Vault {
    /// Looks a request up among those done before.
    ///
    /// # Errors
    ///
    /// `IDEMPOTENCY_MISMATCH` when the id was used with another body.
    pub(super) async fn known<A: Act, T: DeserializeOwned>(
        &self,
        auth: &Authorized<A>,
        tenant: &TenantId,
        request: Option<&Idempotent>,
    ) -> Result<Known<T>> {
        let Some(request) = request else { return Ok(Known::New(None)) };
        let actor = &auth.principal().pseudonym;
        let fresh = self.fresh(tenant, actor, A::PERMISSION.as_str(), request, self.clock.now()).await?;
        let key = fresh.key;
        let of = tenant.clone();
        match self.data.read(move |reader| reader.request(&of, &key)).await? {
            Some(found) => {
                if self.body_hash(tenant, found.at, request).await? != found.body {
                    return Err(Reason::IdempotencyMismatch.into());
                }
                let answer = serde_json::from_slice(&found.answer);
                answer.map(Known::Done).map_err(|error| Error::new(Reason::IntegrityFailure).because(error))
            }
            None => Ok(Known::New(Some(fresh))),
        }
    }

    /// Returns the hashes of a request of `actor` to call `method`.
    pub(super) async fn fresh(
        &self,
        tenant: &TenantId,
        actor: &str,
        method: &str,
        request: &Idempotent,
        at: Timestamp,
    ) -> Result<Fresh> {
        let parts: [&[u8]; 3] = [actor.as_bytes(), method.as_bytes(), request.id.as_bytes()];
        let key = self.keys.keyed_hash(tenant, Label::IDEMPOTENCY, b"request", &parts).await?;
        Ok(Fresh { key, body: self.body_hash(tenant, at, request).await?, at })
    }

    /// The body is hashed under a key of its day, so that a hash found later cannot be tried against guesses once that day's
    /// hashes are forgotten together with the requests.
    async fn body_hash(&self, tenant: &TenantId, at: Timestamp, request: &Idempotent) -> Result<[u8; 32]> {
        let day = at.day().to_string();
        Ok(self.keys.keyed_hash(tenant, Label::IDEMPOTENCY, day.as_bytes(), &[&request.body]).await?)
    }
}

impl Fresh {
    /// Returns what the request is looked up by.
    pub(super) fn key(&self) -> [u8; 32] {
        self.key
    }

    /// Returns the change that remembers the request with its answer, until the conversation goes or the window closes.
    pub(super) fn remember(&self, answer: &impl Serialize, conversation: Option<ConversationId>) -> Result<Mutation> {
        let answer = serde_json::to_vec(answer).map_err(|error| Error::new(Reason::Internal).because(error))?;
        let Self { key, body, at } = *self;
        Ok(Mutation::RememberRequest(RememberedRequest { key, body, answer, conversation, at }))
    }
}
