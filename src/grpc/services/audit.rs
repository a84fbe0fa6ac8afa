//! The audit log.

use subrosa_proto::v1::{self, audit_service_server::AuditService};
use tonic::{Request, Response, Status};

use crate::grpc::convert::audit::{filter, log, show};
use crate::grpc::convert::fields::page;
use crate::grpc::serve::{Api, serve};

#[tonic::async_trait]
impl AuditService for Api {
    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Result<Response<v1::ListAuditEventsResponse>, Status> {
        serve(request, |caller, mut message| async move {
            let of = log(&message.parent)?;
            let page = page(message.page_size, std::mem::take(&mut message.page_token))?;
            let done = self.vault.list_audit_events(&caller, of, filter(message)?, page).await?;
            Ok(done.map(show))
        })
        .await
    }
}
