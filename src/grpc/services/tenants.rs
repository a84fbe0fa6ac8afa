//! Tenants.

use std::sync::Arc;

use subrosa_proto::v1::{self, tenant_service_server::TenantService};
use tonic::{Request, Response, Status};

use crate::domain::{Error, Reason};
use crate::grpc::convert::fields::{case, impersonal, page, request_id, tenant, word};
use crate::grpc::convert::tenant::{show, update};
use crate::grpc::serve::{Api, serve, to_the_end};

#[tonic::async_trait]
impl TenantService for Api {
    async fn create_tenant(
        &self,
        request: Request<v1::CreateTenantRequest>,
    ) -> Result<Response<v1::CreateTenantResponse>, Status> {
        serve(request, |caller, message| async move {
            impersonal("tenant_id", &message.tenant_id)?;
            let of = word("tenant_id", &message.tenant_id)?;
            let class = message.tenant.map(|tenant| tenant.default_retention_class).unwrap_or_default();
            let first = self.vault.first_retention_class().as_str();
            if !class.is_empty() && class != first {
                return Err(Error::new(Reason::RetentionClassUnknown)
                    .at("tenant.default_retention_class")
                    .hint("a new tenant has the vault's default class only; propose a retention policy after"));
            }
            let request_id = request_id(&message.request_id)?;
            let vault = Arc::clone(&self.vault);
            let done = to_the_end(async move { vault.create_tenant(&caller, of, request_id).await }).await?;
            Ok(done.map(|view| v1::CreateTenantResponse { tenant: Some(show(view)) }))
        })
        .await
    }

    async fn get_tenant(
        &self,
        request: Request<v1::GetTenantRequest>,
    ) -> Result<Response<v1::GetTenantResponse>, Status> {
        serve(request, |caller, message| async move {
            let done = self.vault.get_tenant(&caller, tenant("name", &message.name)?).await?;
            Ok(done.map(|view| v1::GetTenantResponse { tenant: Some(show(view)) }))
        })
        .await
    }

    async fn list_tenants(
        &self,
        request: Request<v1::ListTenantsRequest>,
    ) -> Result<Response<v1::ListTenantsResponse>, Status> {
        serve(request, |caller, message| async move {
            let done = self.vault.list_tenants(&caller, page(message.page_size, message.page_token)?).await?;
            Ok(done.map(|found| v1::ListTenantsResponse {
                tenants: found.items.into_iter().map(show).collect(),
                next_page_token: found.next,
            }))
        })
        .await
    }

    async fn update_tenant(
        &self,
        request: Request<v1::UpdateTenantRequest>,
    ) -> Result<Response<v1::UpdateTenantResponse>, Status> {
        serve(request, |caller, message| async move {
            let (of, class) = update(message.tenant, message.update_mask)?;
            let (vault, id) = (Arc::clone(&self.vault), request_id(&message.request_id)?);
            let done = to_the_end(async move { vault.set_default_class(&caller, of, class, id).await }).await?;
            Ok(done.map(|view| v1::UpdateTenantResponse { tenant: Some(show(view)) }))
        })
        .await
    }

    async fn freeze_tenant(
        &self,
        request: Request<v1::FreezeTenantRequest>,
    ) -> Result<Response<v1::FreezeTenantResponse>, Status> {
        serve(request, |caller, message| async move {
            let (of, case) = (tenant("name", &message.name)?, case(&message.case_reference)?);
            let (vault, id) = (Arc::clone(&self.vault), request_id(&message.request_id)?);
            let done = to_the_end(async move { vault.freeze_tenant(&caller, of, case, id).await }).await?;
            Ok(done.map(|view| v1::FreezeTenantResponse { tenant: Some(show(view)) }))
        })
        .await
    }

    async fn unfreeze_tenant(
        &self,
        request: Request<v1::UnfreezeTenantRequest>,
    ) -> Result<Response<v1::UnfreezeTenantResponse>, Status> {
        serve(request, |caller, message| async move {
            let (of, case) = (tenant("name", &message.name)?, case(&message.case_reference)?);
            let (vault, id) = (Arc::clone(&self.vault), request_id(&message.request_id)?);
            let done = to_the_end(async move { vault.unfreeze_tenant(&caller, of, case, id).await }).await?;
            Ok(done.map(|view| v1::UnfreezeTenantResponse { tenant: Some(show(view)) }))
        })
        .await
    }
}
