//! Search.

use subrosa_proto::v1::{self, search_service_server::SearchService};
use tonic::{Request, Response, Status};

use crate::grpc::convert::conversation::{filter, show};
use crate::grpc::convert::enums::purpose;
use crate::grpc::convert::fields::{case, page, tenant};
use crate::grpc::serve::{Api, serve};

#[tonic::async_trait]
impl SearchService for Api {
    async fn search_conversations(
        &self,
        request: Request<v1::SearchConversationsRequest>,
    ) -> Result<Response<v1::SearchConversationsResponse>, Status> {
        serve(request, |caller, mut message| async move {
            let of = tenant("parent", &message.parent)?;
            let purpose = purpose("purpose", message.purpose)?;
            let case = case(&message.case_reference)?;
            let page = page(message.page_size, std::mem::take(&mut message.page_token))?;
            let done = self.vault.search_conversations(&caller, of, filter(message)?, purpose, case, page).await?;
            Ok(done.map(|found| v1::SearchConversationsResponse {
                conversations: found.items.into_iter().map(|view| show(&caller, view)).collect(),
                next_page_token: found.next,
            }))
        })
        .await
    }
}
