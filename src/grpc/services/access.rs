//! API keys.

use std::sync::Arc;

use subrosa_proto::v1::{self, access_service_server::AccessService};
use tonic::{Request, Response, Status};

use crate::access::api_key::KeyFilter;
use crate::domain::Error;
use crate::grpc::convert::access::{issue, key_id, object, permission, show};
use crate::grpc::convert::fields::{optional_tenant, optional_word, page, request_id};
use crate::grpc::serve::{Api, serve, to_the_end};

/// The most methods that are explained at once.
const MAX_METHODS: usize = 256;

#[tonic::async_trait]
impl AccessService for Api {
    async fn issue_api_key(
        &self,
        request: Request<v1::IssueApiKeyRequest>,
    ) -> Result<Response<v1::IssueApiKeyResponse>, Status> {
        serve(request, |caller, message| async move {
            let of = optional_tenant("tenant", &message.tenant)?;
            let (asked, id) = (issue(&message)?, request_id(&message.request_id)?);
            let vault = Arc::clone(&self.vault);
            let done = to_the_end(async move { vault.issue_api_key(&caller, of, asked, id).await }).await?;
            let now = self.vault.now();
            Ok(done.map(|(row, secret)| v1::IssueApiKeyResponse {
                key: Some(show(&row, now)),
                api_key: secret.map(|secret| secret.expose().to_owned()).unwrap_or_default(),
            }))
        })
        .await
    }

    async fn list_api_keys(
        &self,
        request: Request<v1::ListApiKeysRequest>,
    ) -> Result<Response<v1::ListApiKeysResponse>, Status> {
        serve(request, |caller, message| async move {
            let of = optional_tenant("tenant", &message.tenant)?;
            let principal = optional_word("principal", &message.principal)?;
            let filter = KeyFilter { principal, show_inactive: message.show_inactive };
            let page = page(message.page_size, message.page_token)?;
            let done = self.vault.list_api_keys(&caller, of, filter, page).await?;
            let now = self.vault.now();
            Ok(done.map(|found| v1::ListApiKeysResponse {
                keys: found.items.iter().map(|row| show(row, now)).collect(),
                next_page_token: found.next,
            }))
        })
        .await
    }

    async fn revoke_api_key(
        &self,
        request: Request<v1::RevokeApiKeyRequest>,
    ) -> Result<Response<v1::RevokeApiKeyResponse>, Status> {
        serve(request, |caller, message| async move {
            let id = key_id("name", &message.name)?.to_owned();
            let request_id = request_id(&message.request_id)?;
            let vault = Arc::clone(&self.vault);
            let done = to_the_end(async move { vault.revoke_api_key(&caller, &id, request_id).await }).await?;
            let now = self.vault.now();
            Ok(done.map(|row| v1::RevokeApiKeyResponse { key: Some(show(&row, now)) }))
        })
        .await
    }

    async fn test_permissions(
        &self,
        request: Request<v1::TestPermissionsRequest>,
    ) -> Result<Response<v1::TestPermissionsResponse>, Status> {
        serve(request, |caller, message| async move {
            if message.methods.len() > MAX_METHODS {
                return Err(Error::invalid("methods", "too many methods").limit(MAX_METHODS as u64));
            }
            let id = key_id("key", &message.key)?;
            let (tenant, conversation) = object(&message.object)?;
            let (vault, methods) = (&self.vault, message.methods);
            let done = vault.test_permissions(&caller, id, tenant.as_ref(), conversation.as_ref(), methods).await?;
            Ok(done.map(|found| v1::TestPermissionsResponse { results: found.into_iter().map(permission).collect() }))
        })
        .await
    }
}
