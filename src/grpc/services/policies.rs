//! Policies.

use std::sync::Arc;

use subrosa_proto::v1::{self, policy_service_server::PolicyService};
use tonic::{Request, Response, Status};

use crate::domain::Error;
use crate::grpc::convert::fields::{name, page, request_id, tenant};
use crate::grpc::convert::policy::{document, policy_name, show};
use crate::grpc::convert::sample::{backtest, sample};
use crate::grpc::serve::{Api, serve, to_the_end};

#[tonic::async_trait]
impl PolicyService for Api {
    async fn get_policy(
        &self,
        request: Request<v1::GetPolicyRequest>,
    ) -> Result<Response<v1::GetPolicyResponse>, Status> {
        serve(request, |caller, message| async move {
            let (name, version) = policy_name("name", &message.name)?;
            let done = self.vault.get_policy(&caller, name, version).await?;
            Ok(done.map(|view| v1::GetPolicyResponse { policy: Some(show(view)) }))
        })
        .await
    }

    async fn propose_policy(
        &self,
        request: Request<v1::ProposePolicyRequest>,
    ) -> Result<Response<v1::ProposePolicyResponse>, Status> {
        serve(request, |caller, message| async move {
            let of = tenant("parent", &message.parent)?;
            let base =
                u32::try_from(message.base_version).map_err(|_| Error::invalid("base_version", "no such version"))?;
            let (document, id) = (document(message.policy)?, request_id(&message.request_id)?);
            let vault = Arc::clone(&self.vault);
            let done = to_the_end(async move { vault.propose_policy(&caller, of, document, base, id).await }).await?;
            Ok(done.map(|view| v1::ProposePolicyResponse { policy: Some(show(view)) }))
        })
        .await
    }

    async fn preview_policy(
        &self,
        request: Request<v1::PreviewPolicyRequest>,
    ) -> Result<Response<v1::PreviewPolicyResponse>, Status> {
        serve(request, |caller, message| async move {
            let (sample, policy) = sample(message)?;
            let vault = Arc::clone(&self.vault);
            let done = to_the_end(async move { vault.preview_policy(&caller, sample, policy).await }).await?;
            Ok(done.map(backtest))
        })
        .await
    }

    async fn list_policy_versions(
        &self,
        request: Request<v1::ListPolicyVersionsRequest>,
    ) -> Result<Response<v1::ListPolicyVersionsResponse>, Status> {
        serve(request, |caller, message| async move {
            let name = name("parent", &message.parent)?;
            let page = page(message.page_size, message.page_token)?;
            let done = self.vault.list_policy_versions(&caller, name, page).await?;
            Ok(done.map(|found| v1::ListPolicyVersionsResponse {
                policies: found.items.into_iter().map(show).collect(),
                next_page_token: found.next,
            }))
        })
        .await
    }
}
