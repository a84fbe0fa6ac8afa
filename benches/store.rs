//! How much of a raw SQLite insert is left when the commit pipeline's engine does it: appends of sealed 1 KiB records with
//! their audit entries and tree heads, against plain inserts of the same rows, in turns, in one run.
//!
//! `cargo bench --bench store`

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use subrosa::audit::{Count, Entry, leaf_hash};
use subrosa::domain::{
    AuthorRole, ConversationId, ConversationState, Day, RecordKind, TenantId, TenantState, Timestamp,
};
use subrosa::sealing::{Backend, BlobContext, Key32, Sealed, random, seal_blob};
use subrosa::store::{
    Committer, ConversationRow, Engine, LogId, LoggedEntry, Mutation, RecordRow, TenantRow, Work, sqlite,
};

/// Records in one transaction.
const BATCH: usize = 1_000;
/// Transactions of each kind per round.
const BATCHES: usize = 20;
const ROUNDS: usize = 5;
const CONVERSATIONS: usize = 50;

fn main() {
    for per_append in [1, 10, 100] {
        compare(per_append);
    }
}

/// Prints both rates where each append has `per_append` records and one audit entry.
fn compare(per_append: usize) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut vault = Vault::new(&dir.path().join("vault.db"));
    let mut bare = Raw::new(&dir.path().join("bare.db"), false);
    let mut located = Raw::new(&dir.path().join("located.db"), true);
    let mut times = [Duration::ZERO; 3];
    for _ in 0..ROUNDS {
        let load: Vec<Vec<Append>> = (0..BATCHES).map(|_| vault.load(per_append)).collect();
        times[1] += timed(|| load.iter().for_each(|batch| bare.insert(batch)));
        times[2] += timed(|| load.iter().for_each(|batch| located.insert(batch)));
        let works: Vec<Vec<Work>> =
            load.into_iter().map(|batch| batch.into_iter().map(Append::into_work).collect()).collect();
        times[0] += timed(|| works.into_iter().for_each(|batch| vault.commit(batch)));
    }
    let rows = (BATCH * BATCHES * ROUNDS) as f64;
    let [vault, bare, located] = times.map(|time| rows / time.as_secs_f64());
    println!(
        "{per_append:>4} records an append: vault {vault:>7.0} rows/s; raw {bare:>7.0} ({:.2}); raw with locator {located:>7.0} ({:.2})",
        vault / bare,
        vault / located
    );
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// One append, as the vault hands it to the store.
struct Append {
    conversation: ConversationId,
    number: usize,
    rows: Vec<RecordRow>,
    entry: LoggedEntry,
}

impl Append {
    fn into_work(self) -> Work {
        Work::new(self.entry).with(Mutation::AppendRecords {
            tenant: tenant(),
            conversation: self.conversation,
            rows: self.rows,
            finding_classes: vec![],
            last_day: Day::from_number(21_000),
            dialogue: None,
            reseals: 0,
        })
    }
}

struct Vault {
    committer: Committer,
    conversations: Vec<(ConversationId, u64)>,
    body: Sealed,
    turn: usize,
}

impl Vault {
    fn new(path: &Path) -> Self {
        sqlite::create_data(path).expect("a data store");
        let (writer, _) = sqlite::open_data(path, 1).expect("a data store");
        let mut committer = Committer::new(writer).expect("heads");
        let conversations: Vec<_> =
            (0..CONVERSATIONS).map(|n| (ConversationId::from_uuid(random::uuid_v7(n as u64)), 1)).collect();
        let row = TenantRow { id: tenant(), state: TenantState::Active, create_time: Timestamp::from_unix_ms(0) };
        let work = conversations.iter().fold(Work::new(entry(0)).with(Mutation::CreateTenant(row)), |work, (id, _)| {
            work.with(Mutation::CreateConversation(Box::new(conversation(*id))))
        });
        assert!(committer.commit(vec![work]).expect("a commit")[0].is_ok());
        Self { committer, conversations, body: sealed(&[b'x'; 1024]), turn: 0 }
    }

    fn load(&mut self, per_append: usize) -> Vec<Append> {
        (0..BATCH / per_append)
            .map(|_| {
                self.turn += 1;
                let number = self.turn % CONVERSATIONS;
                let (conversation, next) = &mut self.conversations[number];
                let first = *next;
                *next += per_append as u64;
                let rows = (first..*next).map(|sequence| record(sequence, self.body.clone())).collect();
                Append { conversation: *conversation, number, rows, entry: entry(per_append) }
            })
            .collect()
    }

    fn commit(&mut self, batch: Vec<Work>) {
        assert!(self.committer.commit(batch).expect("a commit").iter().all(Result::is_ok));
        self.committer.between();
    }
}

/// The same rows without the vault.
struct Raw {
    conn: Connection,
    locator: bool,
    entries: i64,
}

impl Raw {
    fn new(path: &Path, locator: bool) -> Self {
        let conn = Connection::open(path).expect("a database");
        conn.execute_batch(
            "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE records (id INTEGER PRIMARY KEY, conversation INTEGER, sequence INTEGER, received_at INTEGER,
                author_role INTEGER, kind INTEGER, policy_version INTEGER, size_class INTEGER, dek_id INTEGER, sealed BLOB);
             CREATE TABLE places (conversation INTEGER, sequence INTEGER, record INTEGER,
                PRIMARY KEY (conversation, sequence)) WITHOUT ROWID;
             CREATE TABLE audit (id INTEGER PRIMARY KEY, canonical BLOB, commitments BLOB, leaf BLOB);",
        )
        .expect("tables");
        Self { conn, locator, entries: 0 }
    }

    fn insert(&mut self, batch: &[Append]) {
        let tx = self.conn.transaction().expect("a transaction");
        let mut record =
            tx.prepare_cached("INSERT INTO records VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)").expect("SQL");
        let mut place = tx.prepare_cached("INSERT INTO places VALUES (?1, ?2, ?3)").expect("SQL");
        let mut audit = tx.prepare_cached("INSERT INTO audit VALUES (?1, ?2, ?3, ?4)").expect("SQL");
        for append in batch {
            for row in &append.rows {
                let (number, sequence) = (append.number, row.sequence.cast_signed());
                let headers = (row.author_role.code(), row.kind.code(), row.policy_version, row.size_class);
                record
                    .execute(rusqlite::params![
                        number as i64,
                        sequence,
                        row.received_at.unix_ms(),
                        headers.0,
                        headers.1,
                        headers.2,
                        headers.3,
                        row.dek_id.cast_signed(),
                        row.sealed.as_bytes(),
                    ])
                    .expect("an insert");
                if self.locator {
                    place.execute((number as i64, sequence, tx.last_insert_rowid())).expect("an insert");
                }
            }
            let LoggedEntry { entry, commitments, .. } = &append.entry;
            self.entries += 1;
            let leaf = leaf_hash(entry.canonical(), commitments);
            let row = (self.entries, entry.canonical(), commitments.as_flattened(), leaf.as_bytes());
            audit.execute(row).expect("an insert");
        }
        drop((record, place, audit));
        tx.commit().expect("a commit");
    }
}

fn tenant() -> TenantId {
    "acme".parse().expect("a name")
}

fn entry(records: usize) -> LoggedEntry {
    let builder = Entry::builder(1_795_251_352_007, "tenants/acme", "AppendRecords")
        .actor("key_7f3a")
        .role("ingestor")
        .allow()
        .object("tenants/acme/conversations/0190a1b2-0000-7000-8000-000000000000");
    let builder = if records == 0 { builder } else { builder.count(Count::Records, records as u64) };
    let commitments = (0..records).map(|_| random::bytes()).collect();
    LoggedEntry { log: LogId::Tenant(tenant()), entry: builder.build().expect("an entry"), commitments }
}

fn sealed(plaintext: &[u8]) -> Sealed {
    let context = BlobContext {
        vault_id: [1; 16],
        generation: 0,
        tenant: "acme",
        conversation: [2; 16],
        purpose: "bench",
        version: 1,
    };
    seal_blob(Backend::Ring, &Key32::random(), &context, plaintext).expect("it is short")
}

fn conversation(id: ConversationId) -> ConversationRow {
    ConversationRow {
        tenant: tenant(),
        id,
        bot: "helper".parse().expect("a name"),
        channel: None,
        labels: [].into(),
        finding_classes: [].into(),
        state: ConversationState::Open,
        create_time: Timestamp::from_unix_ms(0),
        last_record_time: Timestamp::from_unix_ms(0),
        next_sequence: 1,
        expired_through: 0,
        last_day: Day::from_number(20_800),
        sealed_meta: sealed(&[b'm'; 300]),
        meta_version: 1,
        reseals: 0,
    }
}

fn record(sequence: u64, sealed: Sealed) -> RecordRow {
    RecordRow {
        sequence,
        received_at: Timestamp::from_unix_ms(1_795_251_352_007),
        author_role: AuthorRole::User,
        kind: RecordKind::Text,
        dek_id: 20_800 << 16,
        policy_version: 1,
        size_class: 3,
        sealed,
    }
}
