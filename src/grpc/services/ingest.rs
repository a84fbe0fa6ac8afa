//! Records in.

use std::sync::Arc;

use subrosa_proto::v1::{self, ingest_service_server::IngestService};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::domain::Error;
use crate::grpc::convert::fields::{idempotent, tenant};
use crate::grpc::convert::ingest::{Place, appended, target};
use crate::grpc::convert::record::records;
use crate::grpc::convert::shown::previewed;
use crate::grpc::ingest_stream;
use crate::grpc::serve::{Api, admitted, serve, to_the_end};

#[tonic::async_trait]
impl IngestService for Api {
    type IngestStream = ReceiverStream<Result<v1::IngestResponse, Status>>;

    async fn append_records(
        &self,
        request: Request<v1::AppendRecordsRequest>,
    ) -> Result<Response<v1::AppendRecordsResponse>, Status> {
        serve(request, |caller, mut message| async move {
            let idempotent = idempotent(&mut message, |message| &mut message.request_id)?;
            let idempotent = idempotent.ok_or_else(|| Error::invalid("request_id", "a UUID is required"))?;
            let place = Place {
                parent: message.parent,
                tenant: message.tenant,
                client_reference: message.client_reference,
                conversation: message.conversation,
            };
            let target = target(caller.principal(), place)?;
            let records = records(message.records)?;
            let vault = Arc::clone(&self.vault);
            let act = async move { vault.append_records(&caller, target, records, Some(idempotent)).await };
            let done = to_the_end(act).await?;
            Ok(done.map(appended))
        })
        .await
    }

    async fn ingest(
        &self,
        request: Request<Streaming<v1::IngestRequest>>,
    ) -> Result<Response<Self::IngestStream>, Status> {
        let (caller, inbound) = admitted(request)?;
        Ok(Response::new(ingest_stream::start(self, caller, inbound)))
    }

    async fn preview_redaction(
        &self,
        request: Request<v1::PreviewRedactionRequest>,
    ) -> Result<Response<v1::PreviewRedactionResponse>, Status> {
        serve(request, |caller, message| async move {
            let of = tenant("tenant", &message.tenant)?;
            let done = self.vault.preview_redaction(&caller, of, records(message.records)?).await?;
            Ok(done.map(|found| v1::PreviewRedactionResponse {
                policy_version: found.first().map_or(0, |record| record.policy_version.into()),
                records: found.into_iter().map(previewed).collect(),
            }))
        })
        .await
    }
}
