//! The raw insert that ingest is compared with: rusqlite, WAL, FULL, 16 KiB pages, batch 1,000, the very rows that the vault
//! stored, record and audit rows, already sealed.

use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;

const BATCH: usize = 1_000;

struct Body {
    numbers: [i64; 9],
    sealed: Vec<u8>,
}

struct Entry {
    id: i64,
    blobs: [Vec<u8>; 3],
}

/// Copies the newest `records` records of the vault's store, and the audit entries that came with them, into a new database,
/// and returns records a second.
pub(crate) fn insert_again(vault: &Path, raw: &Path, records: usize) -> f64 {
    let (bodies, entries) = load(vault, records);
    let mut conn = Connection::open(raw).expect("a database");
    conn.execute_batch(
        "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE bodies (id INTEGER PRIMARY KEY, received_at INTEGER, author_role INTEGER, kind INTEGER,
            policy_version INTEGER, size_class INTEGER, sealed BLOB);
         CREATE TABLE records (conversation INTEGER, sequence INTEGER, body INTEGER, dek_id INTEGER,
            PRIMARY KEY (conversation, sequence)) WITHOUT ROWID;
         CREATE TABLE audit_entries (id INTEGER PRIMARY KEY, canonical BLOB, commitments BLOB, leaf BLOB);",
    )
    .expect("tables");
    let per_batch = entries.len().div_ceil(bodies.len().div_ceil(BATCH).max(1)).max(1);
    let mut audit = entries.chunks(per_batch);
    let began = Instant::now();
    for batch in bodies.chunks(BATCH) {
        insert(&mut conn, batch, audit.next().unwrap_or_default());
    }
    bodies.len() as f64 / began.elapsed().as_secs_f64()
}

fn insert(conn: &mut Connection, bodies: &[Body], entries: &[Entry]) {
    let tx = conn.transaction().expect("a transaction");
    {
        let mut body =
            tx.prepare_cached("INSERT INTO bodies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)").expect("SQL");
        let mut place = tx.prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4)").expect("SQL");
        let mut audit = tx.prepare_cached("INSERT INTO audit_entries VALUES (?1, ?2, ?3, ?4)").expect("SQL");
        for Body { numbers: [id, at, role, kind, policy, size, conversation, sequence, dek], sealed } in bodies {
            body.execute((id, at, role, kind, policy, size, sealed)).expect("an insert");
            place.execute((conversation, sequence, id, dek)).expect("an insert");
        }
        for Entry { id, blobs: [canonical, commitments, leaf] } in entries {
            audit.execute((id, canonical, commitments, leaf)).expect("an insert");
        }
    }
    tx.commit().expect("a commit");
}

fn load(vault: &Path, records: usize) -> (Vec<Body>, Vec<Entry>) {
    let conn = Connection::open(vault).expect("the vault's store");
    let bodies = conn
        .prepare(
            "SELECT b.id, received_at, author_role, kind, policy_version, size_class, conversation, sequence, dek_id, sealed
             FROM bodies b JOIN records r ON r.body = b.id ORDER BY b.id LIMIT ?1",
        )
        .expect("SQL")
        .query_map([records as i64], |row| {
            let mut numbers = [0; 9];
            for (at, number) in numbers.iter_mut().enumerate() {
                *number = row.get(at)?;
            }
            Ok(Body { numbers, sealed: row.get(9)? })
        })
        .expect("rows")
        .collect::<Result<Vec<_>, _>>()
        .expect("rows");
    // The entries that have commitments are those of appends; as many of them as those records need.
    let mut left = bodies.len() * 32;
    let entries = conn
        .prepare("SELECT id, canonical, commitments, leaf FROM audit_entries WHERE length(commitments) > 0 ORDER BY id")
        .expect("SQL")
        .query_map([], |row| Ok(Entry { id: row.get(0)?, blobs: [row.get(1)?, row.get(2)?, row.get(3)?] }))
        .expect("rows")
        .map(|entry| entry.expect("a row"))
        .take_while(|entry| {
            let more = left > 0;
            left = left.saturating_sub(entry.blobs[1].len());
            more
        })
        .collect();
    (bodies, entries)
}
