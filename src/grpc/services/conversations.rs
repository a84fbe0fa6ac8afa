//! Conversations, and records out.

use std::sync::Arc;

use subrosa_proto::v1::{self, conversation_service_server::ConversationService};
use tonic::{Request, Response, Status};

use crate::domain::Error;
use crate::grpc::convert::conversation::{annotation, new_conversation, show};
use crate::grpc::convert::enums::{purpose, view};
use crate::grpc::convert::fields::{case, conversation, idempotent, optional_word, page, request_id, tenant};
use crate::grpc::convert::redact::{self, record_request, records_request, redacted};
use crate::grpc::convert::shown::{counts, shown};
use crate::grpc::read_stream::{self, ReadStream};
use crate::grpc::serve::{Api, admitted, serve, to_the_end};
use crate::grpc::status::to_status;
use crate::vault::ReadScope;

#[tonic::async_trait]
impl ConversationService for Api {
    type ReadConversationStream = ReadStream;

    async fn create_conversation(
        &self,
        request: Request<v1::CreateConversationRequest>,
    ) -> Result<Response<v1::CreateConversationResponse>, Status> {
        serve(request, |caller, mut message| async move {
            let idempotent = idempotent(&mut message, |message| &mut message.request_id)?;
            let of = tenant("parent", &message.parent)?;
            let wanted = message.conversation.ok_or_else(|| Error::invalid("conversation", "required"))?;
            let wanted = new_conversation(caller.principal(), wanted)?;
            let (vault, by) = (Arc::clone(&self.vault), caller.clone());
            let act = async move { vault.create_conversation(&by, of, wanted, idempotent).await };
            Ok(to_the_end(act)
                .await?
                .map(|view| v1::CreateConversationResponse { conversation: Some(show(&caller, view)) }))
        })
        .await
    }

    async fn get_conversation(
        &self,
        request: Request<v1::GetConversationRequest>,
    ) -> Result<Response<v1::GetConversationResponse>, Status> {
        serve(request, |caller, message| async move {
            let done = self.vault.get_conversation(&caller, conversation("name", &message.name)?).await?;
            Ok(done.map(|view| v1::GetConversationResponse { conversation: Some(show(&caller, view)) }))
        })
        .await
    }

    async fn list_conversations(
        &self,
        request: Request<v1::ListConversationsRequest>,
    ) -> Result<Response<v1::ListConversationsResponse>, Status> {
        serve(request, |caller, message| async move {
            let of = tenant("parent", &message.parent)?;
            let bot = optional_word("bot", &message.bot)?;
            let page = page(message.page_size, message.page_token)?;
            let done = self.vault.list_conversations(&caller, of, bot, page).await?;
            Ok(done.map(|found| v1::ListConversationsResponse {
                conversations: found.items.into_iter().map(|view| show(&caller, view)).collect(),
                next_page_token: found.next,
            }))
        })
        .await
    }

    async fn close_conversation(
        &self,
        request: Request<v1::CloseConversationRequest>,
    ) -> Result<Response<v1::CloseConversationResponse>, Status> {
        serve(request, |caller, message| async move {
            let (vault, by) = (Arc::clone(&self.vault), caller.clone());
            let name = conversation("name", &message.name)?;
            let act = async move { vault.close_conversation(&by, name).await };
            Ok(to_the_end(act)
                .await?
                .map(|view| v1::CloseConversationResponse { conversation: Some(show(&caller, view)) }))
        })
        .await
    }

    async fn read_conversation(
        &self,
        request: Request<v1::ReadConversationRequest>,
    ) -> Result<Response<ReadStream>, Status> {
        let (caller, message) = admitted(request)?;
        let begun = async {
            let scope = ReadScope {
                name: conversation("name", &message.name)?,
                purpose: purpose("purpose", message.purpose)?,
                case: case(&message.case_reference)?,
                view: view("view", message.view)?,
                after_sequence: message.after_sequence,
            };
            let name = scope.name.clone();
            let stream = self.vault.read_conversation(&caller, scope).await?;
            Ok(read_stream::start(self, caller, name, stream.into_inner()))
        };
        begun.await.map(Response::new).map_err(|error: Error| to_status(&error))
    }

    async fn get_context(
        &self,
        request: Request<v1::GetContextRequest>,
    ) -> Result<Response<v1::GetContextResponse>, Status> {
        serve(request, |caller, message| async move {
            let name = conversation("name", &message.name)?;
            let purpose = purpose("purpose", message.purpose)?;
            let case = case(&message.case_reference)?;
            let done = self.vault.get_context(&caller, name.clone(), message.last, purpose, case).await?;
            Ok(done.map(|(records, expired_through)| v1::GetContextResponse {
                records: records.into_iter().map(|record| shown(&name, record)).collect(),
                expired_through,
            }))
        })
        .await
    }

    async fn redact_record(
        &self,
        request: Request<v1::RedactRecordRequest>,
    ) -> Result<Response<v1::RedactRecordResponse>, Status> {
        serve(request, |caller, mut message| async move {
            let idempotent = idempotent(&mut message, |message| &mut message.request_id)?;
            let (name, wanted) = record_request(message)?;
            let vault = Arc::clone(&self.vault);
            let act = async move { vault.redact_record(&caller, name, wanted, idempotent).await };
            Ok(to_the_end(act).await?.map(redacted))
        })
        .await
    }

    async fn redact_records(
        &self,
        request: Request<v1::RedactRecordsRequest>,
    ) -> Result<Response<v1::RedactRecordsResponse>, Status> {
        serve(request, |caller, mut message| async move {
            let page = page(message.page_size, std::mem::take(&mut message.page_token))?;
            let id = request_id(&message.request_id)?;
            let (query, wanted) = records_request(message)?;
            let vault = Arc::clone(&self.vault);
            let act = async move { vault.redact_records(&caller, query, wanted, page, id).await };
            Ok(to_the_end(act).await?.map(redact::page))
        })
        .await
    }

    async fn annotate(&self, request: Request<v1::AnnotateRequest>) -> Result<Response<v1::AnnotateResponse>, Status> {
        serve(request, |caller, mut message| async move {
            let idempotent = idempotent(&mut message, |message| &mut message.request_id)?;
            let name = conversation("name", &message.name)?;
            let (vault, by, annotation) = (Arc::clone(&self.vault), caller.clone(), annotation(message)?);
            let act = async move { vault.annotate(&by, name, annotation, idempotent).await };
            Ok(to_the_end(act).await?.map(|(view, sequence, found)| v1::AnnotateResponse {
                conversation: Some(show(&caller, view)),
                sequence: sequence.unwrap_or_default(),
                redactions: counts(found),
            }))
        })
        .await
    }
}
