//! The client side of the load: generated clients over TLS, several at a time.

use std::sync::Arc;
use std::time::Instant;

use secrecy::ExposeSecret;
use subrosa::cli::{DevFacts, Endpoints};
use subrosa::sealing::random;
use subrosa_proto::v1;
use subrosa_proto::v1::conversation_service_client::ConversationServiceClient;
use subrosa_proto::v1::ingest_service_client::IngestServiceClient;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// Records that a stream has under way before it waits for acknowledgements.
const WINDOW: usize = 4_096;

/// Connections of the parts in the load.
#[derive(Clone)]
pub(crate) struct Client(Arc<Inner>);

struct Inner {
    endpoint: Endpoint,
    tenant: String,
    ingestor: String,
    reader: String,
    text: String,
}

impl Client {
    pub(crate) async fn connect(endpoints: &Endpoints, facts: &DevFacts) -> Self {
        let pem = std::fs::read(&facts.ca_file).expect("the authority");
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{}", endpoints.data)).expect("an address");
        let endpoint = endpoint.tls_config(tls).expect("TLS").tcp_nodelay(true);
        let key = |role: &str| format!("Bearer {}", facts.keys[role].expose_secret());
        Self(Arc::new(Inner {
            endpoint,
            tenant: facts.tenant.clone(),
            ingestor: key("ingestor"),
            reader: key("reader"),
            text: chat_text(),
        }))
    }

    async fn channel(&self) -> Channel {
        self.0.endpoint.connect().await.expect("a connection")
    }

    fn request<T>(&self, key: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer: MetadataValue<_> = key.parse().expect("a header");
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    fn record(&self) -> v1::Record {
        v1::Record {
            author_role: v1::AuthorRole::User.into(),
            content: Some(v1::record::Content::Text(self.0.text.clone())),
            ..Default::default()
        }
    }

    async fn create(&self, channel: Channel) -> String {
        let conversation = v1::Conversation { bot: "load".to_owned(), ..Default::default() };
        let request = v1::CreateConversationRequest {
            parent: self.0.tenant.clone(),
            conversation: Some(conversation),
            request_id: random::uuid_v4().to_string(),
        };
        let mut client = ConversationServiceClient::new(channel);
        let made = client.create_conversation(self.request(&self.0.ingestor, request));
        made.await.expect("a conversation").into_inner().conversation.expect("a conversation").name
    }

    /// Streams `records` over `streams` streams, one conversation and connection each, and returns records a second until
    /// the last is acknowledged.
    pub(crate) async fn ingest(&self, streams: usize, records: usize) -> f64 {
        let mut ready = Vec::new();
        for _ in 0..streams {
            let channel = self.channel().await;
            let parent = self.create(channel.clone()).await;
            ready.push((channel, parent));
        }
        let (mut tasks, began) = (JoinSet::new(), Instant::now());
        for (channel, parent) in ready {
            let client = self.clone();
            tasks.spawn(async move { client.stream(channel, parent, records / streams).await });
        }
        tasks.join_all().await;
        (records / streams * streams) as f64 / began.elapsed().as_secs_f64()
    }

    async fn stream(&self, channel: Channel, parent: String, records: usize) {
        let (send, messages) = tokio::sync::mpsc::channel(256);
        let stream_id = random::uuid_v4().to_string();
        let open = v1::IngestOpen { parent, stream_id, ..Default::default() };
        send.send(v1::IngestRequest { action: Some(v1::ingest_request::Action::Open(open)) }).await.expect("a stream");
        let request = self.request(&self.0.ingestor, ReceiverStream::new(messages));
        let mut answers = IngestServiceClient::new(channel).ingest(request).await.expect("a stream").into_inner();
        let window = Arc::new(tokio::sync::Semaphore::new(WINDOW));
        let (client, room) = (self.clone(), Arc::clone(&window));
        let sender = subrosa::watch::task::spawn("sender", async move {
            for client_sequence in 1..=records as u64 {
                room.acquire().await.expect("a window").forget();
                let append = v1::IngestAppend { client_sequence, record: Some(client.record()) };
                let action = Some(v1::ingest_request::Action::Append(append));
                send.send(v1::IngestRequest { action }).await.expect("a stream");
            }
        });
        let mut acked = 0;
        while let Some(answer) = answers.message().await.expect("an answer") {
            window.add_permits((answer.acked_client_sequence - acked) as usize);
            acked = answer.acked_client_sequence;
        }
        sender.await.expect("a sender");
        assert_eq!(acked, records as u64, "everything is acknowledged");
    }

    /// Appends `records` in calls of `per_call` from `callers` callers, a conversation each, and returns records a second.
    pub(crate) async fn append(&self, callers: usize, records: usize, per_call: usize) -> f64 {
        let mut ready = Vec::new();
        for _ in 0..callers {
            let channel = self.channel().await;
            let parent = self.create(channel.clone()).await;
            ready.push((channel, parent));
        }
        let calls = records / per_call / callers;
        let (mut tasks, began) = (JoinSet::new(), Instant::now());
        for (channel, parent) in ready {
            let client = self.clone();
            tasks.spawn(async move { client.append_calls(channel, &parent, calls, per_call).await });
        }
        tasks.join_all().await;
        (calls * callers * per_call) as f64 / began.elapsed().as_secs_f64()
    }

    async fn append_calls(&self, channel: Channel, parent: &str, calls: usize, per_call: usize) {
        let mut ingest = IngestServiceClient::new(channel);
        for _ in 0..calls {
            let request = v1::AppendRecordsRequest {
                parent: parent.to_owned(),
                request_id: random::uuid_v4().to_string(),
                records: vec![self.record(); per_call],
                ..Default::default()
            };
            ingest.append_records(self.request(&self.0.ingestor, request)).await.expect("an append");
        }
    }

    /// Returns a conversation with `records` records.
    pub(crate) async fn conversation_with(&self, records: usize) -> String {
        let channel = self.channel().await;
        let parent = self.create(channel.clone()).await;
        self.stream(channel, parent.clone(), records).await;
        parent
    }

    /// Reads a conversation to its end and returns records a second.
    pub(crate) async fn read(&self, name: &str) -> f64 {
        let request = v1::ReadConversationRequest {
            name: name.to_owned(),
            purpose: v1::Purpose::Quality.into(),
            ..Default::default()
        };
        let mut client = ConversationServiceClient::new(self.channel().await);
        let began = Instant::now();
        let mut stream =
            client.read_conversation(self.request(&self.0.reader, request)).await.expect("a reading").into_inner();
        let mut records = 0;
        while stream.message().await.expect("a record").is_some() {
            records += 1;
        }
        f64::from(records) / began.elapsed().as_secs_f64()
    }

    /// Asks for the last turns `calls` times and returns calls a second.
    pub(crate) async fn context(&self, name: &str, calls: u32) -> f64 {
        let mut client = ConversationServiceClient::new(self.channel().await);
        let began = Instant::now();
        for _ in 0..calls {
            let request = v1::GetContextRequest { name: name.to_owned(), ..Default::default() };
            client.get_context(self.request(&self.0.ingestor, request)).await.expect("a context");
        }
        f64::from(calls) / began.elapsed().as_secs_f64()
    }
}

/// 1 KiB of chat with a few things to redact in it.
fn chat_text() -> String {
    let turn = "Hello, I moved last week and the parcel still goes to the old place. Could you look at it, please? \
                You can write to marta.lindqvist@example.org or call +46 8 123 456 78 in the afternoon. Thank you! ";
    let mut text = turn.to_owned();
    while text.len() < 1024 {
        text.push_str("The driver said that nobody was at home, but I was here all day and heard no bell ring. ");
    }
    text.truncate(1024);
    text
}
