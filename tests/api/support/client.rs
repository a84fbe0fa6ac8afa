//! A caller with a credential: the generated clients, the calls that most tests make, and calls with bytes of one's own.

use prost::bytes::{Buf as _, BufMut as _};
use subrosa_proto::v1;
use subrosa_proto::v1::access_service_client::AccessServiceClient;
use subrosa_proto::v1::admin_service_client::AdminServiceClient;
use subrosa_proto::v1::audit_service_client::AuditServiceClient;
use subrosa_proto::v1::conversation_service_client::ConversationServiceClient;
use subrosa_proto::v1::ingest_service_client::IngestServiceClient;
use subrosa_proto::v1::key_service_client::KeyServiceClient;
use subrosa_proto::v1::policy_service_client::PolicyServiceClient;
use subrosa_proto::v1::search_service_client::SearchServiceClient;
use subrosa_proto::v1::tenant_service_client::TenantServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use super::{TENANT, uuid};

type Wire = InterceptedService<Channel, Bearer>;

#[derive(Clone)]
pub(crate) struct Client {
    channel: Channel,
    bearer: Bearer,
}

/// Puts the credential on every call.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(bearer) = &self.0 {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        Ok(request)
    }
}

macro_rules! services {
    ($($name:ident: $client:ident;)+) => {
        impl Client { $(
            pub(crate) fn $name(&self) -> $client<Wire> {
                $client::with_interceptor(self.channel.clone(), self.bearer.clone())
            }
        )+ }
    };
}

services! {
    ingest: IngestServiceClient;
    conversations: ConversationServiceClient;
    search: SearchServiceClient;
    audit: AuditServiceClient;
    tenants: TenantServiceClient;
    keys: KeyServiceClient;
    policies: PolicyServiceClient;
    access: AccessServiceClient;
    admin: AdminServiceClient;
}

/// A whole audit log with its head.
pub(crate) struct Log {
    pub(crate) events: Vec<v1::AuditEvent>,
    pub(crate) size: u64,
    pub(crate) root: Vec<u8>,
}

impl Client {
    pub(crate) fn new(channel: Channel, header: Option<&str>) -> Self {
        Self { channel, bearer: Bearer(header.map(|header| header.parse().unwrap())) }
    }

    /// The same caller over another connection.
    pub(crate) fn over(&self, channel: Channel) -> Self {
        Self { channel, bearer: self.bearer.clone() }
    }

    /// Makes a conversation of the bot `a` and returns its name.
    pub(crate) async fn create(&self) -> String {
        self.create_as(v1::Conversation { bot: "a".to_owned(), ..Default::default() }).await.unwrap().name
    }

    pub(crate) async fn create_as(&self, wanted: v1::Conversation) -> Result<v1::Conversation, Status> {
        let parent = TENANT.to_owned();
        let request = v1::CreateConversationRequest { parent, conversation: Some(wanted), request_id: uuid() };
        Ok(self.conversations().create_conversation(request).await?.into_inner().conversation.unwrap())
    }

    pub(crate) async fn append(
        &self,
        parent: &str,
        records: Vec<v1::Record>,
    ) -> Result<v1::AppendRecordsResponse, Status> {
        self.append_with(parent, &uuid(), records).await
    }

    pub(crate) async fn append_with(
        &self,
        parent: &str,
        request_id: &str,
        records: Vec<v1::Record>,
    ) -> Result<v1::AppendRecordsResponse, Status> {
        let (parent, request_id) = (parent.to_owned(), request_id.to_owned());
        let request = v1::AppendRecordsRequest { parent, request_id, records, ..Default::default() };
        Ok(self.ingest().append_records(request).await?.into_inner())
    }

    pub(crate) async fn get(&self, name: &str) -> Result<v1::Conversation, Status> {
        let request = v1::GetConversationRequest { name: name.to_owned() };
        Ok(self.conversations().get_conversation(request).await?.into_inner().conversation.unwrap())
    }

    pub(crate) async fn list(&self) -> Result<Vec<v1::Conversation>, Status> {
        let request = v1::ListConversationsRequest { parent: TENANT.to_owned(), page_size: 500, ..Default::default() };
        Ok(self.conversations().list_conversations(request).await?.into_inner().conversations)
    }

    /// Begins to read a conversation.
    pub(crate) async fn reading(&self, name: &str) -> Result<Streaming<v1::ReadConversationResponse>, Status> {
        let (name, purpose) = (name.to_owned(), v1::Purpose::Quality.into());
        let request = v1::ReadConversationRequest { name, purpose, ..Default::default() };
        Ok(self.conversations().read_conversation(request).await?.into_inner())
    }

    /// Reads a whole conversation.
    pub(crate) async fn read(&self, name: &str) -> Result<Vec<v1::Record>, Status> {
        let mut stream = self.reading(name).await?;
        let mut records = Vec::new();
        while let Some(message) = stream.message().await? {
            records.extend(message.record);
        }
        Ok(records)
    }

    /// Opens an ingest stream on a conversation; nothing is answered before the vault has taken it up.
    pub(crate) async fn open_stream(&self, parent: &str, stream_id: &str) -> Result<IngestSession, Status> {
        let open = v1::IngestOpen { parent: parent.to_owned(), stream_id: stream_id.to_owned(), ..Default::default() };
        self.stream(vec![v1::ingest_request::Action::Open(open)]).await
    }

    /// Starts an ingest stream with these messages.
    pub(crate) async fn stream(&self, first: Vec<v1::ingest_request::Action>) -> Result<IngestSession, Status> {
        let (sender, receiver) = mpsc::channel(4_096);
        for action in first {
            sender.send(v1::IngestRequest { action: Some(action) }).await.unwrap();
        }
        let answers = self.ingest().ingest(ReceiverStream::new(receiver)).await?.into_inner();
        Ok(IngestSession { sender: Some(sender), answers })
    }

    /// Reads a whole audit log, `tenants/dev` or `system`.
    pub(crate) async fn log(&self, parent: &str) -> Log {
        let mut log = Log { events: Vec::new(), size: 0, root: Vec::new() };
        let mut page_token = String::new();
        loop {
            let request = v1::ListAuditEventsRequest {
                parent: parent.to_owned(),
                page_size: 500,
                page_token,
                ..Default::default()
            };
            let page = self.audit().list_audit_events(request).await.unwrap().into_inner();
            log.events.extend(page.events);
            (log.size, log.root, page_token) = (page.tree_size, page.root_hash, page.next_page_token);
            if page_token.is_empty() {
                return log;
            }
        }
    }

    /// Calls any path with any bytes as its one message, and returns the messages of the answer.
    pub(crate) async fn raw(&self, path: &str, message: Vec<u8>) -> Result<Vec<Vec<u8>>, Status> {
        let service = InterceptedService::new(self.channel.clone(), self.bearer.clone());
        let mut grpc = tonic::client::Grpc::new(service);
        grpc.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
        let path = path.parse().unwrap();
        let once = Request::new(tokio_stream::once(message));
        let mut answers = grpc.streaming(once, path, RawCodec).await?.into_inner();
        let mut messages = Vec::new();
        while let Some(message) = answers.message().await? {
            messages.push(message);
        }
        Ok(messages)
    }
}

/// Both ends of an ingest stream.
pub(crate) struct IngestSession {
    pub(crate) sender: Option<mpsc::Sender<v1::IngestRequest>>,
    pub(crate) answers: Streaming<v1::IngestResponse>,
}

impl IngestSession {
    pub(crate) async fn append(&self, client_sequence: u64, record: v1::Record) {
        let append = v1::IngestAppend { client_sequence, record: Some(record) };
        self.send(v1::ingest_request::Action::Append(append)).await;
    }

    pub(crate) async fn send(&self, action: v1::ingest_request::Action) {
        // Once the vault has ended the stream nobody takes what is sent: the answers say why.
        let _ = self.sender.as_ref().unwrap().send(v1::IngestRequest { action: Some(action) }).await;
    }

    /// Says that no more will come.
    pub(crate) fn half_close(&mut self) {
        self.sender = None;
    }

    /// The next answer; an ended stream is none.
    pub(crate) async fn answer(&mut self) -> Result<Option<v1::IngestResponse>, Status> {
        self.answers.message().await
    }

    /// Reads answers until everything up to `client_sequence` is durable, and returns the last one.
    pub(crate) async fn acked(&mut self, client_sequence: u64) -> Result<v1::IngestResponse, Status> {
        loop {
            let answer = self.answer().await?.expect("the stream ended early");
            if answer.acked_client_sequence >= client_sequence {
                return Ok(answer);
            }
        }
    }

    /// Reads answers to the end, and returns the last acknowledged client sequence and how the stream ended.
    pub(crate) async fn end(&mut self) -> (u64, Result<(), Status>) {
        let mut acked = 0;
        loop {
            match self.answer().await {
                Ok(Some(answer)) => acked = answer.acked_client_sequence,
                Ok(None) => return (acked, Ok(())),
                Err(status) => return (acked, Err(status)),
            }
        }
    }
}

/// Messages as they are on the wire.
#[derive(Clone, Copy)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length).to_vec()))
    }
}
