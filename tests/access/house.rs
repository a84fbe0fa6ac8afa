//! A vault's stores in a temporary folder, a gate before them, and keys of every role.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use subrosa::access::{Act, Authorized, Caller, Gate, Permission, Scope, api_key};
use subrosa::audit::{Decision, Entry};
use subrosa::clock::{Clock, ManualClock};
use subrosa::domain::{Purpose, Reason, RequestId, Role, Slug, TenantId, TenantState, Timestamp};
use subrosa::store::{
    ApiKeyRow, DataStore, KeyStore, KeyWork, KeyWrite, LogId, LoggedEntry, Mutation, TenantRow, Work, sqlite,
};

pub(crate) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

pub(crate) struct House {
    pub(crate) gate: Gate,
    pub(crate) data: DataStore,
    pub(crate) keys: KeyStore,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) dir: tempfile::TempDir,
}

impl House {
    /// A vault with the tenants `acme` and `other`.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (data_path, keys_path) = (dir.path().join("vault.db"), dir.path().join("keys.db"));
        sqlite::create_data(&data_path).unwrap();
        sqlite::create_keys(&keys_path).unwrap();
        let (data, _) = sqlite::start_data(&data_path, 2).unwrap();
        let (keys, _) = sqlite::start_keys(&keys_path, 2).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(1_795_251_352_000)));
        let gate = Gate::new(data.clone(), keys.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        let house = Self { gate, data, keys, clock, dir };
        house.add_tenant("acme").await;
        house.add_tenant("other").await;
        house
    }

    async fn add_tenant(&self, id: &str) {
        let now = self.clock.now();
        let row = TenantRow { id: tenant(id), state: TenantState::Active, create_time: now };
        let entry = Entry::builder(now.unix_ms(), "system", "CreateTenant").actor("test").role("test").allow();
        let logged = LoggedEntry { log: LogId::System, entry: entry.build().unwrap(), commitments: Vec::new() };
        self.data.submit(Work::new(logged).with(Mutation::CreateTenant(row))).await.unwrap();
    }

    /// Puts a key straight into the key store and returns its `authorization` header and row.
    pub(crate) async fn put_key(&self, name: &str, role: Role, of: Option<&str>, bots: &[&str]) -> (String, ApiKeyRow) {
        let (now, fill) = (self.clock.now(), digest(&SHA256, name.as_bytes()));
        let letters: String = fill.as_ref().iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        let (id, secret) = (letters[..16].to_owned(), format!("{letters}{}", &letters[..20]));
        let row = ApiKeyRow {
            id: id.clone(),
            hash: digest(&SHA256, secret.as_bytes()).as_ref().try_into().unwrap(),
            principal: name.parse().unwrap(),
            pseudonym: format!("prn_{}", name.replace('-', "_")),
            role,
            tenant: of.map(tenant),
            bots: bots.iter().map(|bot| slug(bot)).collect(),
            create_time: now,
            expire_time: now.plus(Duration::from_secs(3_600)),
            revoke_time: None,
        };
        let write = KeyWrite::PutApiKey { row: row.clone(), most_live: 2, now };
        self.keys.submit(KeyWork::new(write)).await.unwrap();
        (format!("Bearer srk_{id}_{secret}"), row)
    }

    /// Puts in the key that a role has in daily life: of `acme` and bot `helper` where it must have limits.
    pub(crate) async fn usual_key(&self, role: Role) -> (String, ApiKeyRow) {
        let (of, bots): (_, &[&str]) = match role {
            Role::Ingestor => (Some("acme"), &["helper"]),
            Role::Operator | Role::Security | Role::Auditor => (None, &[]),
            _ => (Some("acme"), &[]),
        };
        self.put_key(&format!("usual-{role}"), role, of, bots).await
    }

    pub(crate) async fn bootstrap(&self) -> String {
        let (row, secret) = api_key::bootstrap_row(self.clock.now());
        let write = KeyWrite::PutApiKey { row, most_live: 2, now: self.clock.now() };
        self.keys.submit(KeyWork::new(write)).await.unwrap();
        format!("Bearer {}", secret.expose())
    }

    pub(crate) async fn caller(&self, header: &str, permission: Permission) -> Caller {
        self.gate.admit(permission.rule().path, Some(header), PEER).await.unwrap()
    }

    /// Admits and authorizes in one go.
    pub(crate) async fn authorize<A: Act>(&self, header: &str, scope: Scope) -> Result<Authorized<A>, Reason> {
        let path = A::PERMISSION.rule().path;
        let caller = self.gate.admit(path, Some(header), PEER).await.map_err(|error| error.reason())?;
        self.gate.authorize(&caller, scope).await.map_err(|error| error.reason())
    }

    pub(crate) async fn entries(&self, log: &LogId) -> Vec<Entry> {
        let (log, mut all) = (log.clone(), Vec::new());
        loop {
            let (wanted, from) = (log.clone(), all.len() as u64);
            let rows = self.data.read(move |reader| reader.entries(&wanted, from, 500)).await.unwrap();
            if rows.is_empty() {
                return all;
            }
            all.extend(rows.iter().map(|row| Entry::parse(&row.canonical).unwrap()));
        }
    }

    /// Runs `act` and returns what it gives and the entries it left, log by log.
    pub(crate) async fn watch<T>(&self, act: impl Future<Output = T>) -> (T, Vec<Entry>) {
        let logs = [LogId::System, log("acme"), log("other"), log("nowhere")];
        let mut before = Vec::new();
        for log in &logs {
            before.push(self.entries(log).await.len());
        }
        let outcome = act.await;
        let mut new = Vec::new();
        for (log, before) in logs.iter().zip(before) {
            new.extend(self.entries(log).await.split_off(before));
        }
        (outcome, new)
    }

    /// Tells whether any file of the vault holds `needle`.
    pub(crate) fn on_disk(&self, needle: &str) -> bool {
        let holds =
            |path: &Path| std::fs::read(path).unwrap().windows(needle.len()).any(|window| window == needle.as_bytes());
        std::fs::read_dir(self.dir.path()).unwrap().any(|file| holds(&file.unwrap().path()))
    }
}

pub(crate) fn tenant(id: &str) -> TenantId {
    id.parse().unwrap()
}

pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub(crate) fn log(id: &str) -> LogId {
    LogId::Tenant(tenant(id))
}

pub(crate) fn request(n: u8) -> Option<RequestId> {
    Some(format!("0193c8f0-7b5e-7c3a-9d2e-1f6a5b4c3d{n:02x}").parse().unwrap())
}

/// A scope that has everything that any act asks for.
pub(crate) fn full_scope(of: &str, bot: &str) -> Scope {
    Scope {
        tenant: Some(tenant(of)),
        bot: Some(slug(bot)),
        purpose: Some(Purpose::Quality),
        case: Some("case-7".parse().unwrap()),
        request_id: request(1),
        ..Scope::default()
    }
}

/// Asserts that one denial was logged: there, for that reason, by that key.
pub(crate) fn assert_denied(entries: &[Entry], log: &LogId, operation: &str, reason: &str, row: &ApiKeyRow) {
    let [entry] = entries else { panic!("{operation} {reason}: {} entries", entries.len()) };
    assert_eq!(entry.decision(), Decision::Deny);
    assert_eq!(
        (entry.log(), entry.op(), entry.reason(), entry.actor(), entry.role()),
        (&*log.to_string(), operation, Some(reason), &*row.pseudonym, row.role.as_str())
    );
}

/// The log of a key's own denials.
pub(crate) fn home(row: &ApiKeyRow) -> LogId {
    row.tenant.clone().map_or(LogId::System, LogId::Tenant)
}
