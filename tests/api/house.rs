//! A vault in a temporary folder, served on loopback in plain text, with keys of some roles.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use subrosa::clock::{Clock, ManualClock};
use subrosa::domain::{BotScope, Role, TenantId, Timestamp};
use subrosa::grpc::{
    Budget, Component, Ends, Listener, Listening, ServerInfo, ServingState, Transport, listen, router,
};
use subrosa::keys::{CacheLimits, KeyRing, initialise, roots::KeyFile};
use subrosa::store::{ApiKeyRow, KeyStore, KeyWork, KeyWrite, sqlite};
use subrosa::vault::{Settings, Vault};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

pub(crate) struct House {
    pub(crate) channel: Channel,
    pub(crate) stop: CancellationToken,
    keys: KeyStore,
    now: Timestamp,
    _dir: tempfile::TempDir,
}

struct Info {
    address: SocketAddr,
    stop: CancellationToken,
}

impl ServerInfo for Info {
    fn listeners(&self) -> Vec<Listener> {
        vec![Listener { kind: subrosa::grpc::ListenerKind::Data, address: self.address, plaintext: true }]
    }

    fn serving(&self) -> ServingState {
        ServingState::Serving
    }

    fn clock_overridden(&self) -> bool {
        true
    }

    fn core_dumps(&self) -> bool {
        true
    }

    fn components(&self) -> Vec<Component> {
        vec![Component { name: "store", down: None }]
    }

    fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (data_path, keys_path) = (dir.path().join("vault.db"), dir.path().join("keys.db"));
        sqlite::create_data(&data_path).unwrap();
        sqlite::create_keys(&keys_path).unwrap();
        let (data, _) = sqlite::start_data(&data_path, 2).unwrap();
        let (keys, _) = sqlite::start_keys(&keys_path, 2).unwrap();
        let now = Timestamp::from_unix_ms(1_795_251_352_000);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now));
        let root = KeyFile::create(&dir.path().join("root.key")).unwrap();
        initialise(&keys, &root, now).await.unwrap();
        let ring = KeyRing::unlock(keys.clone(), &root, CacheLimits::default(), Arc::clone(&clock)).await.unwrap();
        let vault = Vault::start(data, ring, clock, Settings::default(), Arc::new(subrosa::watch::Metrics::new()))
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let channel = serve(&vault, &stop).await;
        Self { channel, stop, keys, now, _dir: dir }
    }

    /// Puts a key straight into the key store and returns its `authorization` header.
    pub(crate) async fn key(&self, role: Role, of: Option<&str>, bots: &[&str]) -> String {
        let name = format!("{role}-{}", of.unwrap_or("vault"));
        let fill = digest(&SHA256, name.as_bytes());
        let letters: String = fill.as_ref().iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        let (id, secret) = (letters[..16].to_owned(), format!("{letters}{}", &letters[..20]));
        let row = ApiKeyRow {
            id: id.clone(),
            hash: digest(&SHA256, secret.as_bytes()).as_ref().try_into().unwrap(),
            principal: name.parse().unwrap(),
            pseudonym: format!("prn_{}", name.replace('-', "_")),
            role,
            tenant: of.map(|of| of.parse::<TenantId>().unwrap()),
            bots: BotScope::parse(bots).unwrap().unwrap_or(BotScope::Any),
            create_time: self.now,
            expire_time: self.now.plus(std::time::Duration::from_secs(3_600)),
            revoke_time: None,
        };
        let write = KeyWrite::PutApiKey { row, most_live: 2, now: self.now };
        self.keys.submit(KeyWork::new(write)).await.unwrap();
        format!("Bearer srk_{id}_{secret}")
    }
}

/// Puts a credential on a message.
pub(crate) fn with<T>(credential: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", credential.parse().unwrap());
    request
}

#[expect(clippy::disallowed_methods, reason = "the server of a test needs no name")]
async fn serve(vault: &Arc<Vault>, stop: &CancellationToken) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let info = Arc::new(Info { address, stop: stop.clone() });
    let (_, health) = tonic_health::server::health_reporter();
    let budget = Arc::new(Budget::new(Budget::LEAST));
    let (_, transport) = watch::channel(Arc::new(Transport {
        tls: None,
        handshake_timeout: Duration::from_secs(5),
        header_timeout: Duration::from_secs(10),
        keepalive: Duration::from_secs(20),
        max_connections: 64,
        max_connections_per_source: 64,
        concurrent_calls: 128,
        call_deadline: Duration::from_secs(60),
        stream_deadline: Duration::from_secs(60),
    }));
    let listening = Listening {
        listener,
        routes: router(vault, info, health, &transport, &budget, true),
        transport,
        places: Arc::default(),
        ends: Ends::default(),
        gate: Arc::clone(vault.gate()),
        metrics: Arc::clone(vault.metrics()),
    };
    tokio::spawn(listen(listening));
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}
