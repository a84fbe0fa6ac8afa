//! Health, reflection, status, and an end in time with clients that do not let go.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use subrosa_proto::v1;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{House, eventually, refused, said, uuid};
use crate::transport::metric;

#[tokio::test(flavor = "multi_thread")]
async fn health_needs_no_credential_and_says_serving_for_every_service() {
    let house = House::new().await;
    let endpoints = house.endpoints().clone();
    for address in [endpoints.data, endpoints.compliance, endpoints.operator] {
        let mut health = HealthClient::new(house.channel_to(address));
        for service in ["", "subrosa.v1.IngestService", "subrosa.v1.AdminService"] {
            let request = HealthCheckRequest { service: service.to_owned() };
            let answer = health.check(request).await.unwrap().into_inner();
            assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
        }
        let unknown = health.check(HealthCheckRequest { service: "nobody".to_owned() }).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_is_on_the_operator_listener_alone() {
    let house = House::new().await;
    let endpoints = house.endpoints().clone();
    // ServerReflectionRequest.list_services, field 7, an empty string.
    let list = vec![7 << 3 | 2, 0];
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let at = |address| house.with_key(None).over(house.channel_to(address));
        let told = at(endpoints.operator).raw(&path, list.clone()).await.unwrap();
        assert!(memchr::memmem::find(&told[0], b"subrosa.v1.IngestService").is_some());
        for closed in [endpoints.data, endpoints.compliance] {
            let status = at(closed).raw(&path, list.clone()).await.unwrap_err();
            assert_eq!(status.code(), Code::Unimplemented);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_what_is_true() {
    let house = House::new().await;
    house.bot().create().await;
    let status = house.role("operator").admin().get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
    let status = status.status.unwrap();
    assert_eq!(status.state(), v1::ServingState::Serving);
    assert!(status.components.iter().all(|part| part.healthy) && status.components.len() >= 3);
    assert!(status.clock_overridden);
    assert_eq!((status.root_kind.as_str(), status.sealing_backend.as_str()), ("key-file", "ring"));
    let logs: Vec<_> = status.logs.iter().map(|log| log.log.as_str()).collect();
    assert!(logs.contains(&"system") && logs.contains(&"tenants/dev"), "{logs:?}");
    assert!(
        status.listeners.iter().all(|listener| listener.plaintext == (listener.kind() == v1::ListenerKind::Metrics))
    );
}

/// How long a stop may take: the drain deadline of `dev` is 5 s, and then the stores are closed.
const BOUND: Duration = Duration::from_secs(9);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_in_time_with_clients_that_do_not_let_go() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    for _ in 0..8 {
        house.bot().append(&name, vec![said(&"slow ".repeat(2_000)); 300]).await.unwrap();
    }
    let data = house.endpoints().data;
    let mut silent = TcpStream::connect(data).await.unwrap();
    let mut idle = HealthClient::new(house.channel_to(data));
    idle.check(HealthCheckRequest::default()).await.unwrap();
    let own = house.bot().create().await;
    let mut ingest = house.bot().over(house.channel_to(data)).open_stream(&own, &uuid()).await.unwrap();
    ingest.append(1, said("durable")).await;
    ingest.acked(1).await.unwrap();
    let mut slow = house.reader().over(house.channel_to(data)).reading(&name).await.unwrap();
    assert!(slow.message().await.unwrap().is_some());

    let ends = async { ingest.end().await.1 };
    let (stopped, end) = tokio::join!(tokio::time::timeout(BOUND, house.stop()), ends);
    assert!(stopped.is_ok(), "the vault did not stop in time");
    refused(end, Code::Unavailable, "SHUTTING_DOWN");
    let mut rest = Vec::new();
    let _ =
        tokio::time::timeout(BOUND, silent.read_to_end(&mut rest)).await.expect("the silent connection was left open");
    assert!(idle.check(HealthCheckRequest::default()).await.is_err());
    let mut left = 0;
    let end = loop {
        match slow.message().await {
            Ok(Some(_)) => left += 1,
            Ok(None) => break Ok(()),
            Err(status) => break Err(status),
        }
    };
    refused(end, Code::Unavailable, "SHUTTING_DOWN");
    assert!(left < 2_300, "the slow reader was waited for");

    house.start().await.unwrap();
    assert_eq!(house.reader().read(&own).await.unwrap().len(), 1);
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 2_400);
}

/// A connection that takes nothing any more once it is frozen, and does not close.
struct Frozen {
    stream: TcpStream,
    frozen: Arc<AtomicBool>,
}

impl AsyncRead for Frozen {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.frozen.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Frozen {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Begins to read a conversation over a connection of its own, and takes nothing any more after the first record: the socket
/// is full, both ways. Returns what keeps it open, and the client's end.
async fn stuck(house: &House, name: &str) -> (tonic::Streaming<v1::ReadConversationResponse>, SocketAddr) {
    let (data, frozen) = (house.endpoints().data, Arc::new(AtomicBool::new(false)));
    let own = Arc::new(OnceLock::new());
    let connector = {
        let (frozen, own) = (Arc::clone(&frozen), Arc::clone(&own));
        tower::service_fn(move |_: http::Uri| {
            let (frozen, own) = (Arc::clone(&frozen), Arc::clone(&own));
            async move {
                let socket = TcpSocket::new_v4()?;
                socket.set_recv_buffer_size(4_096)?;
                let stream = socket.connect(data).await?;
                own.set(stream.local_addr()?).map_err(|_| std::io::Error::other("connected twice"))?;
                Ok::<_, std::io::Error>(TokioIo::new(Frozen { stream, frozen }))
            }
        })
    };
    // The window is no bound: what stops the vault is the full socket.
    let window = 256 * 1024 * 1024;
    let endpoint = house.endpoint_to(data).initial_stream_window_size(window).initial_connection_window_size(window);
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    let mut reading = house.reader().over(channel).reading(name).await.unwrap();
    assert!(reading.message().await.unwrap().is_some());
    frozen.store(true, Ordering::SeqCst);
    (reading, *own.get().unwrap())
}

/// Makes a conversation that no socket takes in one go.
async fn long_conversation(house: &House) -> String {
    let name = house.bot().create().await;
    for _ in 0..10 {
        house.bot().append(&name, vec![said(&"slow ".repeat(2_000)); 400]).await.unwrap();
    }
    name
}

/// Returns how many bytes wait in the vault's end of the connection from `client`, as long as that is open, by what the
/// system says of its sockets: the client itself would have to read to learn of the end.
fn waiting(vault: SocketAddr, client: SocketAddr) -> Option<u64> {
    let end = |address: SocketAddr| {
        let IpAddr::V4(ip) = address.ip() else { panic!("{address} is not IPv4") };
        format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port())
    };
    let established = format!("{} {} 01 ", end(vault), end(client));
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (_, queues) = sockets.lines().find_map(|line| line.split_once(&established))?;
    Some(u64::from_str_radix(queues.split_once(':').unwrap().0, 16).unwrap())
}

/// Tells whether that end can take no more.
async fn is_full(vault: SocketAddr, client: SocketAddr) -> bool {
    let before = waiting(vault, client);
    tokio::time::sleep(Duration::from_millis(300)).await;
    before.is_some_and(|bytes| bytes > 0) && before == waiting(vault, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_cut_off_at_the_deadline() {
    let mut house = House::new().await;
    let name = long_conversation(&house).await;
    let data = house.endpoints().data;
    let (stuck, client) = stuck(&house, &name).await;
    eventually("a full socket", || is_full(data, client)).await;
    tokio::time::timeout(BOUND, house.stop()).await.expect("the vault did not stop in time");
    eventually("an end of the connection", || async { waiting(data, client).is_none() }).await;
    house.start().await.unwrap();
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 4_000);
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_cut_off_while_a_question_to_it_waits() {
    let mut house = House::new().await;
    house.configure("server", "keepalive = \"3s\"\ndrain_deadline = \"500ms\"").await;
    let name = long_conversation(&house).await;
    let data = house.endpoints().data;
    let (_stuck, client) = stuck(&house, &name).await;
    eventually("a full socket", || is_full(data, client)).await;
    // Until the vault asks whether it is still there, which does not fit; it is given up for that only later.
    tokio::time::sleep(Duration::from_secs(4)).await;
    tokio::time::timeout(BOUND, house.stop()).await.expect("the vault did not stop in time");
    eventually("an end of the connection", || async { waiting(data, client).is_none() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_let_go_while_the_vault_serves() {
    let mut house = House::new().await;
    house.configure("server", "keepalive = \"1s\"").await;
    let name = long_conversation(&house).await;
    let data = house.endpoints().data;
    // The one of the house itself.
    let open = || async { metric(&house, "subrosa_connections ").await };
    eventually("a count of connections", || async { open().await == 1 }).await;
    let (_stuck, client) = stuck(&house, &name).await;
    eventually("an end of the connection", || async { waiting(data, client).is_none() }).await;
    eventually("a free place", || async { open().await == 1 }).await;
    // Who takes what it is sent is not asked to be quick about it.
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 4_000);
}
