//! Client certificates over TLS: what a handshake lets through, what the vault makes of it, and how it ends.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use subrosa_proto::v1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Identity};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::pki::{Authority, Issued};
use crate::support::{Client, House, TENANT, eventually, refused, said, uuid};

const BOT: &str = "spiffe://example.org/tenants/dev/roles/ingestor/principals/canary-shop/bots/a";
const READER: &str = "spiffe://example.org/tenants/dev/roles/reader/principals/canary-reader";
const FAR: (i32, u8, u8) = (2100, 1, 1);

/// A vault that asks for certificates of one authority.
struct Asking {
    house: House,
    authority: Authority,
}

impl Asking {
    async fn new(client_auth: &str) -> Self {
        let authority = Authority::new("ours");
        let house = House::with_server(|folder| {
            std::fs::write(folder.join("clients.pem"), authority.pem()).unwrap();
            std::fs::write(folder.join("clients.crl"), authority.revoke(&[], FAR)).unwrap();
            let folder = folder.display();
            format!(
                "client_auth = \"{client_auth}\"\nclient_ca = \"{folder}/clients.pem\"\n\
                 client_crl = \"{folder}/clients.crl\"\nclient_trust_domain = \"example.org\"\n\
                 client_roles = [\"ingestor\", \"reader\"]"
            )
        });
        Self { house: house.await, authority }
    }

    fn showing(&self, issued: &Issued) -> Client {
        Client::new(self.channel(issued), None)
    }

    fn channel(&self, issued: &Issued) -> Channel {
        self.house.showing(Some(identity(issued)))
    }

    /// Puts revocation lists in place and lets the vault read them.
    fn revoke(&self, revoked: &[&Issued]) {
        std::fs::write(self.house.dir.path().join("clients.crl"), self.authority.revoke(revoked, FAR)).unwrap();
        self.house.reload();
    }
}

fn identity(issued: &Issued) -> Identity {
    Identity::from_pem(&issued.pem, &issued.key_pem)
}

async fn healthy(channel: Channel) -> Result<(), Status> {
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.map(drop)
}

/// Checks that a call did not come through: no answer of the vault, but a connection that is not there.
#[track_caller]
fn cut_off<T>(answer: Result<T, Status>) {
    let Err(status) = answer else { panic!("it came through") };
    let transport = std::error::Error::source(&status).is_some_and(|source| source.is::<tonic::transport::Error>());
    assert!(transport && status.details().is_empty(), "the vault answered: {status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_works_in_its_role_tenant_and_bots_only() {
    let asking = Asking::new("optional").await;
    let (house, authority) = (&asking.house, &asking.authority);
    let bot = asking.showing(&authority.issue(&[BOT]));
    let name = bot.create().await;
    bot.append(&name, vec![said("x")]).await.unwrap();
    refused(bot.read(&name).await, Code::PermissionDenied, "PERMISSION_DENIED");
    let other = v1::Conversation { bot: "b".to_owned(), ..Default::default() };
    refused(bot.create_as(other).await, Code::NotFound, "CONVERSATION_NOT_FOUND");
    let reader = asking.showing(&authority.issue(&[READER]));
    assert_eq!(reader.read(&name).await.unwrap().len(), 1);
    refused(reader.append(&name, vec![said("y")]).await, Code::PermissionDenied, "PERMISSION_DENIED");

    house.tenant("other").await;
    let stranger = asking.showing(&authority.issue(&[&READER.replace("/dev/", "/other/")]));
    refused(stranger.read(&name).await, Code::NotFound, "CONVERSATION_NOT_FOUND");

    let events = house.role("auditor").log(TENANT).await.events;
    let recognised: Vec<_> = events.iter().filter(|event| event.operation == "RecogniseCertificate").collect();
    assert_eq!(recognised.len(), 4, "an intent and an outcome for each of two principals");
    let shop = recognised[0].actor.clone();
    assert!(events.iter().any(|event| event.operation == "AppendRecords" && event.actor == shop));
    assert_ne!(recognised[2].actor, shop);
    for event in &events {
        let text = String::from_utf8_lossy(&event.canonical).to_lowercase();
        assert!(!text.contains("canary") && !text.contains("spiffe") && !text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_decides_alone_and_no_certificate_is_needed_beside_it() {
    let asking = Asking::new("optional").await;
    let channel = asking.channel(&asking.authority.issue(&[BOT]));
    let name = Client::new(channel.clone(), None).create().await;
    let wrong = Client::new(channel.clone(), Some("Bearer srk_aaaaaaaaaaaaaaaa_x"));
    refused(wrong.get(&name).await, Code::Unauthenticated, "CREDENTIAL_INVALID");
    let reader = asking.house.reader().over(channel);
    reader.read(&name).await.unwrap();
    refused(reader.append(&name, vec![said("x")]).await, Code::PermissionDenied, "PERMISSION_DENIED");
    asking.house.reader().read(&name).await.unwrap();
    healthy(asking.house.showing(None)).await.unwrap();
    let nobody = Client::new(asking.house.showing(None), None);
    refused(nobody.read(&name).await, Code::Unauthenticated, "CREDENTIAL_MISSING");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_is_required_not_even_health_answers_without() {
    let asking = Asking::new("required").await;
    let (house, channel) = (&asking.house, asking.channel(&asking.authority.issue(&[BOT])));
    cut_off(healthy(house.showing(None)).await);
    cut_off(house.reader().over(house.showing(None)).list().await);
    healthy(channel.clone()).await.unwrap();
    let name = Client::new(channel.clone(), None).create().await;
    house.reader().over(channel.clone()).read(&name).await.unwrap();
    assert_eq!(causes(&house.role("auditor").over(channel)).await, ["CERTIFICATE_MISSING"]);
}

/// The causes of failed logins in the system log, each once; nothing in them tells who it was.
async fn causes(auditor: &Client) -> Vec<String> {
    let failed = auditor.log("system").await.events;
    let failed = failed.iter().filter(|event| event.operation == "Authenticate");
    let mut causes: Vec<String> = failed
        .inspect(|event| {
            let text = String::from_utf8_lossy(&event.canonical).to_lowercase();
            for secret in ["canary", "spiffe", "example", "127.0.0.1", "::1"] {
                assert!(!text.contains(secret), "{text}");
            }
            assert!(event.actor.starts_with("ip_"), "{text}");
        })
        .map(|event| event.reason.clone())
        .collect();
    causes.sort();
    causes.dedup();
    causes
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_with_a_bad_certificate_fail_and_are_logged_by_cause() {
    let asking = Asking::new("optional").await;
    let (ours, theirs) = (&asking.authority, Authority::new("theirs"));
    let revoked = ours.issue(&[BOT]);
    asking.revoke(&[&revoked]);
    for (cause, issued) in [
        ("CERTIFICATE_EXPIRED", ours.issue_until(&[BOT], (2020, 1, 1))),
        ("CERTIFICATE_REVOKED", revoked),
        ("CERTIFICATE_UNKNOWN", theirs.issue(&[BOT])),
    ] {
        cut_off(healthy(asking.channel(&issued)).await);
        let auditor = asking.house.role("auditor");
        eventually(cause, || async { causes(&auditor).await.iter().any(|found| found == cause) }).await;
    }
    let events = asking.house.role("auditor").log("system").await.events;
    assert!(events.iter().all(|event| event.operation != "RecogniseCertificate"), "nobody was let in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_none_of_ours_is_no_credential() {
    let asking = Asking::new("optional").await;
    let name = asking.house.bot().create().await;
    let cases: [(&str, &[&str]); 5] = [
        ("CERTIFICATE_MALFORMED", &[]),
        ("CERTIFICATE_MALFORMED", &[READER, BOT]),
        ("CERTIFICATE_UNKNOWN", &["spiffe://example.com/tenants/dev/roles/reader/principals/canary-far"]),
        ("CREDENTIAL_MISFIT", &["spiffe://example.org/tenants/dev/roles/compliance/principals/canary-role"]),
        ("CREDENTIAL_MISFIT", &["spiffe://example.org/tenants/nowhere/roles/reader/principals/canary-nowhere"]),
    ];
    for (cause, uris) in cases {
        let client = asking.showing(&asking.authority.issue(uris));
        refused(client.read(&name).await, Code::Unauthenticated, "CREDENTIAL_INVALID");
        let auditor = asking.house.role("auditor");
        eventually(cause, || async { causes(&auditor).await.iter().any(|found| found == cause) }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_what_is_open_and_keeps_out_what_comes() {
    let asking = Asking::new("optional").await;
    let (bot, reader) = (asking.authority.issue(&[BOT]), asking.authority.issue(&[READER]));
    let (ingesting, reading) = (asking.showing(&bot), asking.showing(&reader));
    let name = ingesting.create().await;
    for _ in 0..10 {
        ingesting.append(&name, vec![said(&"long text ".repeat(100)); 500]).await.unwrap();
    }
    let mut ingest = ingesting.open_stream(&name, &uuid()).await.unwrap();
    ingest.append(1, said("y")).await;
    ingest.acked(1).await.unwrap();
    let mut read = reading.reading(&name).await.unwrap();
    assert!(read.message().await.unwrap().is_some());

    asking.revoke(&[&bot, &reader]);
    ingest.append(2, said("z")).await;
    ingest.half_close();
    refused(ingest.end().await.1, Code::Unauthenticated, "CREDENTIAL_INVALID");
    let mut seen = 1;
    let end = loop {
        match read.message().await {
            Ok(Some(_)) => seen += 1,
            Ok(None) => panic!("all {seen} records left"),
            Err(status) => break status,
        }
    };
    refused::<()>(Err(end), Code::Unauthenticated, "CREDENTIAL_INVALID");
    refused(ingesting.get(&name).await, Code::Unauthenticated, "CREDENTIAL_INVALID");
    cut_off(healthy(asking.channel(&bot)).await);
    asking.showing(&asking.authority.issue(&[BOT])).get(&name).await.unwrap();
    let events = asking.house.role("auditor").log(TENANT).await.events;
    for operation in ["Ingest", "ReadConversation"] {
        let denied = |event: &&v1::AuditEvent| event.operation == operation && event.reason == "CERTIFICATE_REVOKED";
        assert_eq!(events.iter().filter(denied).count(), 1, "{operation}");
    }
}

/// What a client of rustls needs to show this certificate to the vault.
fn connector(ca_file: &Path, issued: &Issued) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file).unwrap()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![issued.der.clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_resumed_so_each_handshake_looks_at_the_certificate() {
    let asking = Asking::new("required").await;
    let connector = connector(asking.house.ca_file(), &asking.authority.issue(&[BOT]));
    for turn in 0..3 {
        let tcp = TcpStream::connect(asking.house.endpoints().data).await.unwrap();
        let mut stream = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
        // The preface and empty settings; once the vault's own settings are read, so are its session tickets.
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        stream.read_exact(&mut [0; 9]).await.unwrap();
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full), "{turn}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_change_nothing() {
    let mut asking = Asking::new("required").await;
    let issued = asking.authority.issue(&[BOT]);
    let crl = asking.house.dir.path().join("clients.crl");
    for broken in ["", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"] {
        std::fs::write(&crl, broken).unwrap();
        assert!(asking.house.reload_fails().contains("clients.crl"));
        healthy(asking.channel(&issued)).await.unwrap();
    }
    asking.house.stop().await;
    let refused = asking.house.start().await.unwrap_err();
    assert!(refused.contains("clients.crl"), "{refused}");
}

/// The blocks of the manual's example in this language, in order.
fn example(language: &str) -> Vec<&'static str> {
    let page = include_str!("../../docs/access.md").split_once("### An example").unwrap().1;
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

fn shell(folder: &Path, script: &str) {
    let done = std::process::Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "needs openssl 3: {}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_manual_works() {
    let (scripts, toml) = (example("sh"), example("toml"));
    let [make, _, revoke] = scripts.as_slice() else { panic!("{} scripts", scripts.len()) };
    let house = House::with_server(|folder| {
        shell(&folder.join("vault"), make);
        toml[0].strip_prefix("[server]\n").unwrap().to_owned()
    })
    .await;
    let parent = house.tenant("acme").await;
    let read = |name: &str| std::fs::read(house.data_dir().join(name)).unwrap();
    let shop = Client::new(house.showing(Some(Identity::from_pem(read("shop.pem"), read("shop.key")))), None);
    let create = || {
        let conversation = Some(v1::Conversation { bot: "helper".to_owned(), ..Default::default() });
        let request = v1::CreateConversationRequest { parent: parent.clone(), conversation, request_id: uuid() };
        let mut conversations = shop.conversations();
        async move { conversations.create_conversation(request).await }
    };
    create().await.unwrap();
    shell(&house.data_dir(), revoke);
    house.reload();
    refused(create().await, Code::Unauthenticated, "CREDENTIAL_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_works_with_a_certificate_alone() {
    let asking = Asking::new("required").await;
    let name = asking.showing(&asking.authority.issue(&[BOT])).create().await;
    let folder = asking.house.dir.path().to_owned();
    let issued = asking.authority.issue(&[READER]);
    std::fs::write(folder.join("client.pem"), &issued.pem).unwrap();
    std::fs::write(folder.join("client.key"), &issued.key_pem).unwrap();
    let run = |with: Vec<(&'static str, std::path::PathBuf)>| {
        let (url, ca) =
            (asking.house.endpoints().url(asking.house.endpoints().data), asking.house.ca_file().to_owned());
        let (folder, name) = (folder.clone(), name.clone());
        tokio::task::spawn_blocking(move || command(&folder, &url, &ca, &name, &with))
    };
    let both =
        vec![("SUBROSA_CLIENT_CERT", folder.join("client.pem")), ("SUBROSA_CLIENT_KEY", folder.join("client.key"))];
    let done = run(both.clone()).await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let done = run(both[..1].to_vec()).await.unwrap();
    assert_eq!(done.status.code(), Some(2), "a certificate without its key");
    let done = run(Vec::new()).await.unwrap();
    assert_eq!(done.status.code(), Some(2), "no credential at all");
}

fn command(
    folder: &Path,
    url: &str,
    ca: &Path,
    name: &str,
    with: &[(&'static str, std::path::PathBuf)],
) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_subrosa"))
        .args(["conversation", "read", name, "--purpose", "quality", "--endpoint", url, "--ca-file"])
        .arg(ca)
        .current_dir(folder)
        .env_remove("SUBROSA_API_KEY")
        .envs(with.iter().map(|(name, path)| (*name, path)))
        .output()
        .unwrap()
}
