//! Tenant keys.

use std::sync::Arc;

use subrosa_proto::v1::{self, key_service_server::KeyService};
use tonic::{Request, Response, Status};

use crate::domain::{Error, TenantId};
use crate::grpc::convert::fields::{name, page, request_id, tenant, time};
use crate::grpc::convert::key::{rotated, show};
use crate::grpc::serve::{Api, serve, to_the_end};
use crate::vault::{KeyView, Page, PageRequest};

#[tonic::async_trait]
impl KeyService for Api {
    async fn list_keys(&self, request: Request<v1::ListKeysRequest>) -> Result<Response<v1::ListKeysResponse>, Status> {
        serve(request, |caller, message| async move {
            let of = tenant("parent", &message.parent)?;
            let page = page(message.page_size, message.page_token)?;
            let before = page.resume::<u32>(&(of.as_str(), "keys"))?;
            let done = self.vault.list_keys(&caller, of.clone()).await?;
            let cut = cut(&of, &page, before, done.value())?;
            Ok(done.map(|_| v1::ListKeysResponse {
                keys: cut.items.into_iter().map(show).collect(),
                next_page_token: cut.next,
            }))
        })
        .await
    }

    async fn get_key(&self, request: Request<v1::GetKeyRequest>) -> Result<Response<v1::GetKeyResponse>, Status> {
        serve(request, |caller, message| async move {
            let done = self.vault.get_key(&caller, name("name", &message.name)?).await?;
            Ok(done.map(|view| v1::GetKeyResponse { key: Some(show(view)) }))
        })
        .await
    }

    async fn rotate_key(
        &self,
        request: Request<v1::RotateKeyRequest>,
    ) -> Result<Response<v1::RotateKeyResponse>, Status> {
        serve(request, |caller, message| async move {
            let of = tenant("parent", &message.parent)?;
            let request_id = request_id(&message.request_id)?;
            let vault = Arc::clone(&self.vault);
            let done = to_the_end(async move { vault.rotate_key(&caller, of, request_id).await }).await?;
            Ok(done.map(rotated))
        })
        .await
    }

    async fn schedule_key_destruction(
        &self,
        request: Request<v1::ScheduleKeyDestructionRequest>,
    ) -> Result<Response<v1::ScheduleKeyDestructionResponse>, Status> {
        serve(request, |caller, message| async move {
            request_id(&message.request_id)?;
            time("destroy_time", message.destroy_time)?.ok_or_else(|| Error::invalid("destroy_time", "required"))?;
            let done = self.vault.schedule_key_destruction(&caller, name("name", &message.name)?).await?;
            Ok(done.map(|view| v1::ScheduleKeyDestructionResponse { key: Some(show(view)) }))
        })
        .await
    }
}

/// Cuts the key versions below `before`, newest first, to a page.
fn cut(of: &TenantId, page: &PageRequest, before: Option<u32>, keys: &[KeyView]) -> Result<Page<KeyView>, Error> {
    let below = keys.iter().rev().filter(|(key, _)| before.is_none_or(|before| key.version < before));
    let found = below.take(page.limit() + 1).cloned().collect();
    Page::cut(found, page, &(of.as_str(), "keys"), |(key, _): &KeyView| key.version)
}
