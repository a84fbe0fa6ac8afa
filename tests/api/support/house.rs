//! A vault for development in a folder of its own.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use secrecy::ExposeSecret as _;
use subrosa::app::{App, RunningVault};
use subrosa::cli::{DevFacts, DevOptions, Endpoints, Host as _, Running as _};
use subrosa::clock::{Clock as _, SystemClock};
use subrosa_proto::v1;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::{Client, TENANT, uuid};

pub(crate) struct House {
    pub(crate) dir: tempfile::TempDir,
    running: Option<Live>,
    ahead: Cell<Duration>,
    /// The file of the names model, where it is to take part.
    pub(crate) names_model: Option<PathBuf>,
}

struct Live {
    vault: RunningVault,
    facts: DevFacts,
    channel: Channel,
}

impl House {
    /// Makes a vault and starts it.
    pub(crate) async fn new() -> Self {
        let mut house =
            Self { dir: tempfile::tempdir().unwrap(), running: None, ahead: Cell::default(), names_model: None };
        house.start().await.unwrap();
        house
    }

    /// Makes a vault that requires the names model in `model`, and starts it.
    pub(crate) async fn with_names(model: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut house = Self { dir, running: None, ahead: Cell::default(), names_model: Some(model.to_owned()) };
        house.start().await.unwrap();
        house
    }

    /// Makes a vault and starts it with these lines in the `[server]` section of its configuration, which
    /// may name files in the folder that they are handed.
    pub(crate) async fn with_server(lines: impl FnOnce(&Path) -> String) -> Self {
        let mut house = Self::new().await;
        let lines = lines(house.dir.path());
        house.configure("server", &lines).await;
        house
    }

    /// Lets the running vault read its certificates, authorities and revocation lists again.
    pub(crate) fn reload(&self) {
        self.live().vault.reload_files().unwrap();
    }

    /// As [`House::reload`], with files that cannot be used; says why.
    pub(crate) fn reload_fails(&self) -> String {
        self.live().vault.reload_files().unwrap_err().to_string()
    }

    /// Starts the vault, or says why it does not start.
    pub(crate) async fn start(&mut self) -> Result<(), String> {
        let options = DevOptions {
            data_dir: self.data_dir(),
            clock_file: Some(self.clock_file()),
            names_model: self.names_model.clone(),
        };
        let (vault, facts) = App.dev(options).await.map_err(|error| error.to_string())?;
        let channel = endpoint(vault.endpoints(), vault.endpoints().data, &facts.ca_file).connect_lazy();
        self.running = Some(Live { vault, facts, channel });
        Ok(())
    }

    /// Stops the vault. What is still connected is told to go.
    pub(crate) async fn stop(&mut self) {
        let Live { vault, channel, .. } = self.running.take().unwrap();
        drop(channel);
        vault.shutdown().await.unwrap();
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await.unwrap();
    }

    /// Restarts the vault with lines in a section of its configuration file; what it had there before stays.
    pub(crate) async fn configure(&mut self, section: &str, lines: &str) {
        self.stop().await;
        let path = self.data_dir().join("subrosa.toml");
        let mut config: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let keys: toml::Table = lines.parse().unwrap();
        let table = config.entry(section).or_insert_with(|| toml::Table::new().into());
        table.as_table_mut().unwrap().extend(keys);
        std::fs::write(&path, config.to_string()).unwrap();
        self.start().await.unwrap();
    }

    /// A connection to the data listener that has shaken hands, for bytes of one's own.
    pub(crate) async fn tls_stream(&self) -> TlsStream<TcpStream> {
        self.shake_hands(rustls::ALL_VERSIONS).await.unwrap()
    }

    /// The same with some versions of TLS only.
    pub(crate) async fn shake_hands(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.ca_file()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(self.endpoints().data).await?;
        TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        self.live().vault.endpoints()
    }

    pub(crate) fn ca_file(&self) -> &Path {
        &self.live().facts.ca_file
    }

    /// A connection of its own to one of the addresses.
    pub(crate) fn channel_to(&self, address: std::net::SocketAddr) -> Channel {
        self.endpoint_to(address).connect_lazy()
    }

    /// A connection of its own that shows this certificate, or none.
    pub(crate) fn showing(&self, identity: Option<Identity>) -> Channel {
        let tls = tls(self.ca_file());
        let tls = identity.into_iter().fold(tls, ClientTlsConfig::identity);
        let url = self.endpoints().url(self.endpoints().data);
        Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap().connect_lazy()
    }

    pub(crate) fn endpoint_to(&self, address: std::net::SocketAddr) -> Endpoint {
        endpoint(self.endpoints(), address, self.ca_file())
    }

    /// A client with the credential that the vault keeps for `role`.
    pub(crate) fn role(&self, role: &str) -> Client {
        self.with_key(Some(&self.key_of(role)))
    }

    pub(crate) fn key_of(&self, role: &str) -> String {
        self.live().facts.keys[role].expose_secret().to_owned()
    }

    pub(crate) fn with_key(&self, key: Option<&str>) -> Client {
        Client::new(self.live().channel.clone(), key.map(|key| format!("Bearer {key}")).as_deref())
    }

    /// A client whose `authorization` header is this.
    pub(crate) fn with_header(&self, header: &str) -> Client {
        Client::new(self.live().channel.clone(), Some(header))
    }

    pub(crate) fn bot(&self) -> Client {
        self.role("ingestor")
    }

    pub(crate) fn reader(&self) -> Client {
        self.role("reader")
    }

    /// Moves the vault's clock forwards, and returns once every reader of the file can have seen it.
    pub(crate) async fn advance(&self, by: Duration) {
        self.ahead.set(self.ahead.get() + by);
        let next = self.dir.path().join("clock.new");
        std::fs::write(&next, SystemClock.now().plus(self.ahead.get()).to_string()).unwrap();
        std::fs::rename(next, self.clock_file()).unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Issues a key through the API and returns it with its resource name.
    pub(crate) async fn issue(&self, principal: &str, role: v1::Role, tenant: &str, bots: &[&str]) -> (String, String) {
        let request = v1::IssueApiKeyRequest {
            principal: principal.to_owned(),
            role: role.into(),
            tenant: tenant.to_owned(),
            bots: bots.iter().map(|bot| (*bot).to_owned()).collect(),
            request_id: uuid(),
            ..Default::default()
        };
        let answer = self.role("security").access().issue_api_key(request).await.unwrap().into_inner();
        (answer.api_key, answer.key.unwrap().name)
    }

    /// Makes another tenant and returns its name.
    pub(crate) async fn tenant(&self, id: &str) -> String {
        let request = v1::CreateTenantRequest { tenant_id: id.to_owned(), ..Default::default() };
        self.role("operator").tenants().create_tenant(request).await.unwrap();
        format!("tenants/{id}")
    }

    /// Adds a retention class of so many days to the vault's own tenant.
    pub(crate) async fn retention_class(&self, name: &str, days: i64) {
        let compliance = self.role("compliance");
        let of = format!("{TENANT}/policies/retention");
        let request = v1::GetPolicyRequest { name: of };
        let current = compliance.policies().get_policy(request).await.unwrap().into_inner().policy.unwrap();
        let Some(v1::policy::Document::Retention(mut policy)) = current.document else { panic!("no retention") };
        let retention = Some(prost_types::Duration { seconds: days * 86_400, nanos: 0 });
        policy.classes.push(v1::RetentionClass { name: name.to_owned(), retention });
        let document = Some(v1::policy::Document::Retention(policy));
        let request = v1::ProposePolicyRequest {
            parent: TENANT.to_owned(),
            policy: Some(v1::Policy { document, ..Default::default() }),
            base_version: current.version,
            request_id: uuid(),
        };
        compliance.policies().propose_policy(request).await.unwrap();
    }

    /// Opens `vault.db` of the stopped vault.
    pub(crate) fn vault_db(&self) -> rusqlite::Connection {
        self.open("vault.db")
    }

    /// Opens `keys.db` of the stopped vault.
    pub(crate) fn keys_db(&self) -> rusqlite::Connection {
        self.open("keys.db")
    }

    fn open(&self, name: &str) -> rusqlite::Connection {
        assert!(self.running.is_none(), "stop the vault first");
        let path = self.data_dir().join(name);
        assert!(path.exists(), "{} is not there", path.display());
        rusqlite::Connection::open(path).unwrap()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("vault")
    }

    pub(crate) fn clock_file(&self) -> PathBuf {
        self.dir.path().join("clock")
    }

    fn live(&self) -> &Live {
        self.running.as_ref().unwrap()
    }
}

fn endpoint(endpoints: &Endpoints, address: std::net::SocketAddr, ca_file: &Path) -> Endpoint {
    Endpoint::from_shared(endpoints.url(address)).unwrap().tls_config(tls(ca_file)).unwrap()
}

fn tls(ca_file: &Path) -> ClientTlsConfig {
    let authority = Certificate::from_pem(std::fs::read(ca_file).unwrap());
    ClientTlsConfig::new().ca_certificate(authority).domain_name("localhost")
}
