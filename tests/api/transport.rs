//! The network's bad days: certificates that change under the vault, clients that stall, sources that want every connection.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{House, eventually, said};

/// How long anything here may take before the test has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes a new authority and a server certificate of it, puts the latter in the place of the vault's, and returns the former.
fn renew(tls: &Path) -> String {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    // As certificate tools do: each file in one step, one after the other, so that for a moment they do not fit.
    for (name, content) in [("server.pem", server.pem()), ("server.key", key.serialize_pem())] {
        std::fs::write(tls.join("next"), content).unwrap();
        std::fs::rename(tls.join("next"), tls.join(name)).unwrap();
    }
    issuer.pem()
}

async fn health_by(authority: &str, address: SocketAddr) -> bool {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)).domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap().tls_config(tls).unwrap();
    let Ok(channel) = endpoint.connect().await else { return false };
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.is_ok()
}

/// Returns the value of a metric, zero where it is not there yet.
pub(crate) async fn metric(house: &House, name: &str) -> u64 {
    let mut stream = TcpStream::connect(house.endpoints().metrics).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_up_when_its_files_change_and_a_bad_one_is_not() {
    let house = House::new().await;
    let (data, tls) = (house.endpoints().data, house.data_dir().join("tls"));
    let name = house.bot().create().await;
    let mut open = house.reader().reading(&name).await.unwrap();
    let old = std::fs::read_to_string(house.ca_file()).unwrap();
    assert!(health_by(&old, data).await);

    let new = renew(&tls);
    eventually("the new certificate", || health_by(&new, data)).await;
    assert!(!health_by(&old, data).await, "the old certificate is still shown");
    // What is open goes on.
    house.bot().append(&name, vec![said("over the old connection")]).await.unwrap();
    assert!(open.message().await.unwrap().is_none(), "the reading had its scope before");

    let refused = metric(&house, "subrosa_reloads_total{outcome=\"refused\"}").await;
    std::fs::write(tls.join("server.pem"), "not a certificate").unwrap();
    eventually("a refused reload", || async {
        metric(&house, "subrosa_reloads_total{outcome=\"refused\"}").await > refused
    })
    .await;
    assert!(health_by(&new, data).await, "a bad file took the certificate away");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_is_spoken_only_when_it_is_asked_for() {
    let mut house = House::new().await;
    let old = [&rustls::version::TLS12];
    assert!(house.shake_hands(&old).await.is_err());
    house.tls_stream().await;
    house.configure("server", "tls_min_version = \"1.2\"").await;
    assert!(house.shake_hands(&old).await.is_ok());
}

/// Waits until the other side has closed.
async fn closed(mut stream: impl tokio::io::AsyncRead + Unpin) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_shake_hands_is_let_go() {
    let mut house = House::new().await;
    house.configure("server", "handshake_timeout = \"200ms\"").await;
    let silent = TcpStream::connect(house.endpoints().data).await.unwrap();
    let mut garbled = TcpStream::connect(house.endpoints().data).await.unwrap();
    garbled.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(closed(silent).await && closed(garbled).await);
    assert!(metric(&house, "subrosa_connections_refused_total{cause=\"handshake\"}").await >= 2);
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

/// Sends a byte of a continuation now and then, which never ends, until the vault has had enough.
async fn trickle(stream: TlsStream<TcpStream>) -> bool {
    let (read, mut write) = tokio::io::split(stream);
    // HEADERS of 4 bytes on stream 1, to be continued; then CONTINUATION of one byte each.
    write.write_all(&[0, 0, 4, 1, 0, 0, 0, 0, 1, 0x83, 0x86, 0x84, 0x84]).await.unwrap();
    let bytes = async {
        loop {
            for byte in [0, 0, 1, 9, 0, 0, 0, 0, 1, 0x83] {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if write.write_all(&[byte]).await.is_err() || write.flush().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    tokio::select! {
        closed = closed(read) => closed,
        () = bytes => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_finish_its_headers_is_let_go_and_who_is_only_idle_is_not() {
    let mut house = House::new().await;
    house.configure("server", "header_timeout = \"300ms\"").await;
    let connect = || async { house.tls_stream().await };
    let mut idle = connect().await;
    idle.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
    let (silent, mut half, mut slow) = (connect().await, connect().await, connect().await);
    half.write_all(&PREFACE[..10]).await.unwrap();
    slow.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
    let (silent, half, slow) = tokio::join!(closed(silent), closed(half), trickle(slow));
    assert!(silent, "a connection that says nothing stays");
    assert!(half, "half a preface stays");
    assert!(slow, "headers without end stay");
    // It has been idle longer than any of them, and is answered.
    idle.write_all(PING).await.unwrap();
    let mut answered = Vec::new();
    while !answered.windows(8).any(|window| window == &PING[9..]) {
        let mut some = [0; 256];
        let read = tokio::time::timeout(PATIENCE, idle.read(&mut some)).await.unwrap().unwrap();
        assert!(read > 0, "the idle connection was closed");
        answered.extend_from_slice(&some[..read]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_gets_its_share_of_connections_and_no_more() {
    let mut house = House::new().await;
    house.configure("server", "max_connections_per_source = 3").await;
    let ca = std::fs::read_to_string(house.ca_file()).unwrap();
    let data = house.endpoints().data;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(house.tls_stream().await);
    }
    assert!(!health_by(&ca, data).await, "a fourth connection was taken");
    assert!(metric(&house, "subrosa_connections_refused_total{cause=\"source\"}").await >= 1);
    assert!(health_by(&ca, house.endpoints().operator).await, "another listener has shares of its own");
    held.pop();
    eventually("a free place", || health_by(&ca, data)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_listener_takes_the_next_connection_when_one_is_closed() {
    let mut house = House::new().await;
    house.configure("server", "max_connections = 2").await;
    let ca = std::fs::read_to_string(house.ca_file()).unwrap();
    let data = house.endpoints().data;
    let one = house.tls_stream().await;
    let _two = house.tls_stream().await;
    let mut third = Box::pin(health_by(&ca, data));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut third).await;
    assert!(early.is_err(), "a third connection was served: {early:?}");
    drop(one);
    assert!(tokio::time::timeout(PATIENCE, third).await.expect("it waits on"));
}
