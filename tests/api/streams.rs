//! The ingest stream.

use subrosa::domain::Role;
use subrosa_proto::v1::ingest_service_client::IngestServiceClient;
use subrosa_proto::v1::{self, ingest_request::Action};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::house::{House, with};
use crate::unary::{acme, said};

struct Client {
    outbound: Option<mpsc::Sender<v1::IngestRequest>>,
    inbound: Streaming<v1::IngestResponse>,
}

impl Client {
    async fn new(house: &House, credential: &str) -> Self {
        let (outbound, messages) = mpsc::channel(4_096);
        let mut service = IngestServiceClient::new(house.channel.clone());
        let inbound = service.ingest(with(credential, ReceiverStream::new(messages))).await.unwrap().into_inner();
        Self { outbound: Some(outbound), inbound }
    }

    async fn open(house: &House, credential: &str) -> (Self, v1::IngestResponse) {
        let mut client = Self::new(house, credential).await;
        client.send(open()).await;
        let first = client.inbound.message().await.unwrap().unwrap();
        (client, first)
    }

    async fn send(&self, action: Action) {
        let outbound = self.outbound.as_ref().unwrap();
        outbound.send(v1::IngestRequest { action: Some(action) }).await.unwrap();
    }

    /// Takes answers to the end, and returns the last acknowledged client sequence and how the stream ended.
    async fn end(mut self) -> (u64, Result<(), Status>) {
        self.outbound = None;
        self.rest().await
    }

    async fn rest(&mut self) -> (u64, Result<(), Status>) {
        let mut acked = 0;
        loop {
            match self.inbound.message().await {
                Ok(Some(answer)) => {
                    assert!(answer.acked_client_sequence > acked, "acknowledgements rise");
                    acked = answer.acked_client_sequence;
                }
                Ok(None) => return (acked, Ok(())),
                Err(status) => return (acked, Err(status)),
            }
        }
    }
}

fn open() -> Action {
    Action::Open(v1::IngestOpen {
        tenant: "tenants/acme".to_owned(),
        client_reference: "r-1".to_owned(),
        stream_id: "s-1".to_owned(),
        ..Default::default()
    })
}

fn append(client_sequence: u64) -> Action {
    Action::Append(v1::IngestAppend { client_sequence, record: Some(said("hello")) })
}

fn reason(status: &Status) -> (Code, String) {
    (status.code(), status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default())
}

#[tokio::test]
async fn records_are_acknowledged_in_order_and_a_stream_is_taken_up_where_it_was() {
    let house = House::new().await;
    acme(&house).await;
    let bot = house.key(Role::Ingestor, Some("acme"), &["helper"]).await;
    let (client, first) = Client::open(&house, &bot).await;
    assert_eq!((first.acked_client_sequence, first.last_sequence), (0, 0));
    for sequence in 1..=2_000 {
        client.send(append(sequence)).await;
    }
    let (acked, end) = client.end().await;
    end.unwrap();
    assert_eq!(acked, 2_000);
    let (client, first) = Client::open(&house, &bot).await;
    assert_eq!((first.acked_client_sequence, first.last_sequence), (2_000, 2_000));
    for sequence in 1_990..=2_010 {
        client.send(append(sequence)).await;
    }
    let (acked, end) = client.end().await;
    end.unwrap();
    assert_eq!(acked, 2_010);
}

#[tokio::test]
async fn what_came_before_a_fault_is_acknowledged_before_the_stream_ends() {
    let house = House::new().await;
    acme(&house).await;
    let bot = house.key(Role::Ingestor, Some("acme"), &["helper"]).await;
    let nothing = v1::IngestAppend { client_sequence: 21, record: Some(v1::Record::default()) };
    let cases = [(open(), 10, "INVALID_FIELD"), (Action::Append(nothing), 20, "INVALID_FIELD")];
    for (fault, durable, expected) in cases {
        let (mut client, first) = Client::open(&house, &bot).await;
        assert_eq!(first.acked_client_sequence, durable - 10);
        for sequence in durable - 9..=durable {
            client.send(append(sequence)).await;
        }
        client.send(fault).await;
        let (acked, end) = client.rest().await;
        assert_eq!(acked, durable);
        assert_eq!(reason(&end.unwrap_err()), (Code::InvalidArgument, expected.to_owned()));
    }
    let (mut client, first) = Client::open(&house, &bot).await;
    assert_eq!((first.acked_client_sequence, first.last_sequence), (20, 20));
    client.send(append(22)).await;
    let (_, end) = client.rest().await;
    assert_eq!(reason(&end.unwrap_err()), (Code::InvalidArgument, "STREAM_OUT_OF_ORDER".to_owned()));
}

#[tokio::test]
async fn a_stream_is_opened_first_and_ends_resumably_when_the_vault_stops() {
    let house = House::new().await;
    acme(&house).await;
    let bot = house.key(Role::Ingestor, Some("acme"), &["helper"]).await;
    let mut client = Client::new(&house, &bot).await;
    client.send(append(1)).await;
    let (_, end) = client.rest().await;
    assert_eq!(reason(&end.unwrap_err()), (Code::InvalidArgument, "STREAM_NOT_OPEN".to_owned()));

    let (mut client, _) = Client::open(&house, &bot).await;
    house.stop.cancel();
    let (_, end) = client.rest().await;
    assert_eq!(reason(&end.unwrap_err()), (Code::Unavailable, "SHUTTING_DOWN".to_owned()));
}
