//! A vault over the real stores, whose writers can be stopped at any step.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use subrosa::access::{Act, Caller};
use subrosa::clock::{Clock, ManualClock};
use subrosa::domain::{BotScope, RequestId, Role, Timestamp};
use subrosa::keys::{CacheLimits, KeyRing, initialise, roots::KeyFile};
use subrosa::store::{
    ApiKeyRow, Chore, Committer, DataStore, DataWriter, EntryRow, KeyReceipt, KeyStore, KeyWork, KeyWrite, KeyWriter,
    LogHead, LogId, Mutation, Pipeline, Refusal, StoreError, sqlite,
};
use subrosa::vault::{Settings, StartError, Vault};
use subrosa::watch::Metrics;

/// An hour into a day, so that a few hours more are still the same day.
pub(crate) const START: &str = "2026-11-24T01:00:00Z";
/// How long records stay.
pub(crate) const DAYS: u32 = 2;

/// What is to happen at which step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing: the steps are counted.
    Count,
    /// The world stops before this step: nothing is written any more.
    Stop(u64),
    /// This step fails, as on a full disk, and the world goes on.
    Fail(u64),
}

/// Counts the steps of both stores' writers, and ends them as planned.
pub(crate) struct Switch {
    plan: Mutex<Plan>,
    steps: AtomicU64,
    stopped: AtomicBool,
    names: Mutex<Vec<&'static str>>,
}

impl Switch {
    fn new() -> Arc<Self> {
        let (steps, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { plan: Mutex::new(Plan::Count), steps, stopped, names: Mutex::default() })
    }

    /// Begins to count anew, for this plan. The first step is number 0.
    pub(crate) fn set(&self, plan: Plan) {
        *self.plan.lock().unwrap() = plan;
        self.steps.store(0, Ordering::SeqCst);
        self.names.lock().unwrap().clear();
    }

    /// The names of the steps since the plan was set.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.names.lock().unwrap().clone()
    }

    /// Whether the plan has come about.
    pub(crate) fn struck(&self) -> bool {
        match *self.plan.lock().unwrap() {
            Plan::Count => false,
            Plan::Stop(_) => self.stopped.load(Ordering::SeqCst),
            Plan::Fail(at) => self.steps.load(Ordering::SeqCst) > at,
        }
    }

    fn step(&self, name: &'static str) -> Result<(), StoreError> {
        if self.stopped.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the world has stopped".to_owned()));
        }
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        self.names.lock().unwrap().push(name);
        match *self.plan.lock().unwrap() {
            Plan::Stop(at) if at == step => {
                self.stopped.store(true, Ordering::SeqCst);
                Err(StoreError::Unavailable("the world has stopped".to_owned()))
            }
            Plan::Fail(at) if at == step => Err(StoreError::DiskFull),
            _ => Ok(()),
        }
    }

    /// A step after a commit: a store cannot fail there, for what was done is done; but the world can stop.
    fn after(&self, name: &'static str) -> Result<(), StoreError> {
        match self.step(name) {
            Err(StoreError::DiskFull) => Ok(()),
            other => other,
        }
    }
}

struct Data(Box<dyn DataWriter>, Arc<Switch>);

impl DataWriter for Data {
    fn heads(&mut self) -> Result<Vec<LogHead>, StoreError> {
        self.0.heads()
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.1.step("data: begin")?;
        self.0.begin()
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.0.savepoint()
    }

    fn apply(&mut self, mutation: &Mutation) -> Result<Result<(), Refusal>, StoreError> {
        self.1.step("data: change")?;
        self.0.apply(mutation)
    }

    fn chore(&mut self, chore: &Chore) -> Result<(), StoreError> {
        self.1.step("data: chore")?;
        self.0.chore(chore)
    }

    fn append(&mut self, log: &LogId, entries: &[EntryRow], head: &LogHead) -> Result<(), StoreError> {
        self.1.step("data: entries")?;
        self.0.append(log, entries, head)
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.0.release()
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.0.undo()
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.1.step("data: commit")?;
        self.0.commit()?;
        self.1.after("data: committed")
    }

    fn rollback(&mut self) {
        self.0.rollback();
    }

    fn between(&mut self) {
        self.0.between();
    }
}

struct Keys(Box<dyn KeyWriter>, Arc<Switch>);

impl KeyWriter for Keys {
    fn commit(&mut self, batch: Vec<KeyWork>) -> Result<Vec<Result<KeyReceipt, Refusal>>, StoreError> {
        self.1.step("keys: commit")?;
        let done = self.0.commit(batch)?;
        self.1.after("keys: committed")?;
        Ok(done)
    }

    fn between(&mut self) {
        self.0.between();
    }
}

/// A vault that is open, and the switch in its writers.
pub(crate) struct Open {
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) switch: Arc<Switch>,
    dir: PathBuf,
    writers: Vec<JoinHandle<()>>,
}

impl Open {
    /// Opens the vault in `dir` at the time `now`, under a plan for the steps of its start.
    pub(crate) async fn open(dir: &Path, now: Timestamp, plan: Plan) -> Result<Self, (StartError, Arc<Switch>)> {
        let switch = Switch::new();
        switch.set(plan);
        let (data, data_writer) = open_data(dir, &switch);
        let (keys, keys_writer) = open_keys(dir, &switch);
        let clock = Arc::new(ManualClock::new(now));
        let as_clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let root = KeyFile::open(&dir.join("root.key")).unwrap();
        let ring = KeyRing::unlock(keys, &root, CacheLimits::default(), Arc::clone(&as_clock)).await.unwrap();
        let settings = Settings { default_retention_days: DAYS, ..Settings::default() };
        let vault = Vault::start(data, ring, as_clock, settings, Arc::new(Metrics::new())).await;
        let writers = vec![data_writer, keys_writer];
        match vault {
            Ok(vault) => Ok(Self { vault, clock, switch, dir: dir.to_owned(), writers }),
            Err(error) => {
                end(dir, writers).await;
                Err((error, switch))
            }
        }
    }

    /// Drops the vault and waits until both files are closed.
    pub(crate) async fn close(self) {
        drop(self.vault);
        end(&self.dir, self.writers).await;
    }

    /// Somebody of this role who calls the method of `A`.
    pub(crate) async fn caller<A: Act>(&self, role: Role) -> subrosa::domain::Result<Caller> {
        self.caller_with::<A>(&key(role).1).await
    }

    /// The bearer of a credential, who calls the method of `A`.
    pub(crate) async fn caller_with<A: Act>(&self, credential: &str) -> subrosa::domain::Result<Caller> {
        let header = format!("Bearer {credential}");
        self.vault.gate().admit(A::PERMISSION.rule().path, Some(&header), std::net::IpAddr::from([127, 0, 0, 1])).await
    }
}

/// Waits until the writers have ended and nobody has a file of the vault open.
async fn end(dir: &Path, writers: Vec<JoinHandle<()>>) {
    let ended = async {
        for writer in writers {
            tokio::task::spawn_blocking(move || writer.join()).await.unwrap().unwrap();
        }
        while has_open(dir) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("both stores close");
}

fn has_open(dir: &Path) -> bool {
    let dir = dir.canonicalize().unwrap();
    let files = std::fs::read_dir("/proc/self/fd").expect("a Linux /proc");
    files.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok()).any(|file| file.starts_with(&dir))
}

fn open_data(dir: &Path, switch: &Arc<Switch>) -> (DataStore, JoinHandle<()>) {
    let (writer, readers) = sqlite::open_data(&dir.join("vault.db"), 2).unwrap();
    let committer = Committer::new(Box::new(Data(writer, Arc::clone(switch)))).unwrap();
    let (pipeline, thread) = Pipeline::start("data-writer", committer).unwrap();
    (DataStore::new(pipeline, readers), thread)
}

fn open_keys(dir: &Path, switch: &Arc<Switch>) -> (KeyStore, JoinHandle<()>) {
    let (writer, readers) = sqlite::open_keys(&dir.join("keys.db"), 2).unwrap();
    KeyStore::start(Box::new(Keys(writer, Arc::clone(switch))), readers).unwrap()
}

/// Makes a vault's files in an empty folder, with a key of the whole vault for each role.
pub(crate) async fn make(dir: &Path) {
    sqlite::create_data(&dir.join("vault.db")).unwrap();
    sqlite::create_keys(&dir.join("keys.db")).unwrap();
    let root = KeyFile::create(&dir.join("root.key")).unwrap();
    let (keys, writer) = sqlite::start_keys(&dir.join("keys.db"), 1).unwrap();
    let now: Timestamp = START.parse().unwrap();
    initialise(&keys, &root, now).await.unwrap();
    for role in Role::ALL {
        let row = key(*role).0;
        keys.submit(KeyWork::new(KeyWrite::PutApiKey { row, most_live: 2, now })).await.unwrap();
    }
    drop(keys);
    end(dir, vec![writer]).await;
}

/// Copies a vault's files into a new folder.
pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

/// The row of the key of a role, and its text. Ingestors and readers hold keys of `acme`, as the table of roles wants it.
fn key(role: Role) -> (ApiKeyRow, String) {
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let letters: String = digest(role.as_str()).as_ref().iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    let (id, secret) = (letters[..16].to_owned(), format!("{letters}{}", &letters[..20]));
    let now: Timestamp = START.parse().unwrap();
    let whole = matches!(role, Role::Operator | Role::Auditor | Role::Security | Role::Approver);
    let row = ApiKeyRow {
        id: id.clone(),
        hash: digest(&secret).as_ref().try_into().unwrap(),
        principal: format!("the-{role}").parse().unwrap(),
        pseudonym: format!("prn_{role}"),
        role,
        tenant: (!whole).then(|| "acme".parse().unwrap()),
        bots: BotScope::Any,
        create_time: now,
        expire_time: now.plus(Duration::from_secs(300 * 86_400)),
        revoke_time: None,
    };
    (row, format!("srk_{id}_{secret}"))
}

/// A request id that is always the same one.
pub(crate) fn request(number: u128) -> Option<RequestId> {
    Some(RequestId::from_uuid(uuid::Uuid::from_u128(0x8000_4000_8000_0000_0000 + number)))
}
