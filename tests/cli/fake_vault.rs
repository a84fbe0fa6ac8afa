//! A vault of the protocol's promises alone: streams that resume, breaks on demand, no keys and no store.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use subrosa::watch::task;
use subrosa_proto::v1::conversation_service_server::{ConversationService, ConversationServiceServer};
use subrosa_proto::v1::ingest_service_server::{IngestService, IngestServiceServer};
use subrosa_proto::v1::*;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::program::{Told, run_with};

#[derive(Default)]
struct State {
    /// Records by conversation.
    conversations: BTreeMap<String, Vec<Record>>,
    /// Records that came another way, by conversation.
    foreign: BTreeMap<String, u64>,
    /// How many records each stream has taken.
    streams: BTreeMap<String, u64>,
    /// After how many records the next connections break.
    breaks: VecDeque<u64>,
    denies: bool,
}

#[derive(Clone, Default)]
pub(crate) struct FakeVault {
    state: Arc<Mutex<State>>,
    endpoint: String,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl FakeVault {
    pub(crate) async fn start() -> Self {
        Self::serve(tonic::transport::Server::builder(), "http").await
    }

    async fn serve(mut builder: tonic::transport::Server, scheme: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("{scheme}://{}", listener.local_addr().unwrap());
        let vault = Self { endpoint, ..Self::default() };
        let server = builder
            .add_service(IngestServiceServer::new(vault.clone()))
            .add_service(ConversationServiceServer::new(vault.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        task::spawn("fake-vault", async { server.await.unwrap() });
        vault
    }

    /// Starts a vault with TLS, and returns it with its certificate authority, PEM. Its certificate is for `127.0.0.1`.
    pub(crate) async fn start_tls() -> (Self, String) {
        let mut authority = rcgen::CertificateParams::new([]).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let pem = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let identity = tonic::transport::Identity::from_pem(leaf.pem(), key.serialize_pem());
        let tls = tonic::transport::ServerTlsConfig::new().identity(identity);
        let builder = tonic::transport::Server::builder().tls_config(tls).unwrap();
        (Self::serve(builder, "https").await, pem)
    }

    /// Runs the program as a client of this vault.
    pub(crate) async fn run(&self, args: &[&str]) -> Told {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let endpoint = self.endpoint.clone();
        let run = move || {
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            run_with(&args, &[("SUBROSA_ENDPOINT", &endpoint), ("SUBROSA_API_KEY", "srk_id_secret")], "")
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    pub(crate) fn break_after(&self, records: &[u64]) {
        self.state.lock().unwrap().breaks.extend(records);
    }

    pub(crate) fn hold(&self, conversation: &str, records: u64) {
        self.state.lock().unwrap().foreign.insert(conversation.to_owned(), records);
    }

    pub(crate) fn deny(&self) {
        self.state.lock().unwrap().denies = true;
    }

    pub(crate) fn texts(&self, conversation: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let records = state.conversations.get(conversation).into_iter().flatten();
        records
            .map(|record| match &record.content {
                Some(record::Content::Text(text)) => text.clone(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn check<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let bearer = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        if self.state.lock().unwrap().denies || bearer != Some("Bearer srk_id_secret") {
            let details = ErrorDetails::with_error_info("PERMISSION_DENIED", "subrosa", []);
            return Err(Status::with_error_details(Code::PermissionDenied, "not for this role", details));
        }
        Ok(())
    }

    fn take(&self, open: &IngestOpen, append: IngestAppend) -> u64 {
        let mut state = self.state.lock().unwrap();
        let acked = state.streams.get(&open.stream_id).copied().unwrap_or(0);
        if append.client_sequence <= acked {
            return acked;
        }
        assert_eq!(append.client_sequence, acked + 1, "a gap");
        state.streams.insert(open.stream_id.clone(), acked + 1);
        state.conversations.entry(open.client_reference.clone()).or_default().push(append.record.unwrap());
        acked + 1
    }

    async fn serve_stream(
        self,
        mut requests: Streaming<IngestRequest>,
        answers: mpsc::Sender<Result<IngestResponse, Status>>,
    ) {
        let Ok(Some(IngestRequest { action: Some(ingest_request::Action::Open(open)) })) = requests.message().await
        else {
            panic!("the first message opens the stream");
        };
        let (mut left, acked) = {
            let mut state = self.state.lock().unwrap();
            let acked = state.streams.get(&open.stream_id).copied().unwrap_or(0);
            (state.breaks.pop_front(), acked)
        };
        let conversation = format!("{}/conversations/{}", open.tenant, open.client_reference);
        let answer = |acked, found| IngestResponse {
            acked_client_sequence: acked,
            last_sequence: acked,
            redactions: vec![FindingCount { finding_class: "EMAIL".into(), count: found }],
            conversation: conversation.clone(),
        };
        let _ = answers.send(Ok(answer(acked, 0))).await;
        while let Ok(Some(IngestRequest { action: Some(ingest_request::Action::Append(append)) })) =
            requests.message().await
        {
            if left == Some(0) {
                let _ = answers.send(Err(Status::unavailable("broken on demand"))).await;
                return;
            }
            left = left.map(|left| left - 1);
            let _ = answers.send(Ok(answer(self.take(&open, append), 1))).await;
        }
    }
}

#[tonic::async_trait]
impl IngestService for FakeVault {
    type IngestStream = Answers<IngestResponse>;

    async fn append_records(
        &self,
        _: Request<AppendRecordsRequest>,
    ) -> Result<Response<AppendRecordsResponse>, Status> {
        Err(Status::unimplemented("not in the fake"))
    }

    async fn ingest(&self, request: Request<Streaming<IngestRequest>>) -> Result<Response<Self::IngestStream>, Status> {
        self.check(&request)?;
        let (answers, stream) = mpsc::channel(4);
        task::spawn("fake-stream", self.clone().serve_stream(request.into_inner(), answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn preview_redaction(
        &self,
        _: Request<PreviewRedactionRequest>,
    ) -> Result<Response<PreviewRedactionResponse>, Status> {
        Err(Status::unimplemented("not in the fake"))
    }
}

/// Declares methods that the fake does not offer.
macro_rules! not_in_the_fake {
    ($($method:ident: $request:ty => $response:ty;)*) => {
        $(
            fn $method<'life0, 'async_trait>(
                &'life0 self,
                _: Request<$request>,
            ) -> Pin<Box<dyn Future<Output = Result<Response<$response>, Status>> + Send + 'async_trait>>
            where
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                Box::pin(async { Err(Status::unimplemented("not in the fake")) })
            }
        )*
    };
}

#[tonic::async_trait]
impl ConversationService for FakeVault {
    type ReadConversationStream = Answers<ReadConversationResponse>;

    async fn get_conversation(
        &self,
        request: Request<GetConversationRequest>,
    ) -> Result<Response<GetConversationResponse>, Status> {
        self.check(&request)?;
        let name = request.into_inner().name;
        let id = name.rsplit('/').next().unwrap();
        if id == "none" {
            return Err(Status::not_found("no such conversation"));
        }
        let state = self.state.lock().unwrap();
        let own = state.conversations.get(id).map_or(0, |records| records.len() as u64);
        let last_sequence = own + state.foreign.get(id).copied().unwrap_or(0);
        let conversation = Conversation { name: name.clone(), last_sequence, ..Conversation::default() };
        Ok(Response::new(GetConversationResponse { conversation: Some(conversation) }))
    }

    async fn read_conversation(
        &self,
        request: Request<ReadConversationRequest>,
    ) -> Result<Response<Self::ReadConversationStream>, Status> {
        self.check(&request)?;
        let request = request.into_inner();
        assert_eq!(request.purpose(), Purpose::Support);
        let id = request.name.rsplit('/').next().unwrap();
        let records = self.state.lock().unwrap().conversations.get(id).cloned().unwrap_or_default();
        let answers = tokio_stream::iter(records)
            .map(|record| Ok(ReadConversationResponse { record: Some(record), ..Default::default() }));
        Ok(Response::new(Box::pin(answers)))
    }

    not_in_the_fake! {
        create_conversation: CreateConversationRequest => CreateConversationResponse;
        list_conversations: ListConversationsRequest => ListConversationsResponse;
        close_conversation: CloseConversationRequest => CloseConversationResponse;
        get_context: GetContextRequest => GetContextResponse;
        annotate: AnnotateRequest => AnnotateResponse;
        redact_record: RedactRecordRequest => RedactRecordResponse;
        redact_records: RedactRecordsRequest => RedactRecordsResponse;
    }
}
