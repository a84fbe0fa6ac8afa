//! The status.

use subrosa_proto::v1::{self, admin_service_server::AdminService};
use tonic::{Request, Response, Status};

use crate::grpc::convert::status::show;
use crate::grpc::serve::{Api, serve};

#[tonic::async_trait]
impl AdminService for Api {
    async fn get_status(
        &self,
        request: Request<v1::GetStatusRequest>,
    ) -> Result<Response<v1::GetStatusResponse>, Status> {
        serve(request, |caller, _| async move {
            let done = self.vault.get_status(&caller).await?;
            Ok(done.map(|state| v1::GetStatusResponse { status: Some(show(state, &*self.info)) }))
        })
        .await
    }
}
