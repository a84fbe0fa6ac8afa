//! What needs a hand on the connection itself.

use std::path::PathBuf;

use super::data_writer::SqliteDataWriter;
use super::{create_data, migrations, open};
use crate::audit::Entry;
use crate::domain::{TenantId, TenantState, Timestamp};
use crate::store::{Committer, DataWriter, Engine, LogId, LoggedEntry, Mutation, StoreError, TenantRow, Work};

fn fresh() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault.db");
    create_data(&path).unwrap();
    (dir, path)
}

fn tenants(names: std::ops::Range<u32>) -> Work {
    let entry = Entry::builder(0, "system", "CreateTenant").actor("key_1").role("operator").allow().build().unwrap();
    names.fold(Work::new(LoggedEntry { log: LogId::System, entry, commitments: vec![] }), |work, n| {
        let id: TenantId = format!("t{n}-{}", "x".repeat(20)).parse().unwrap();
        work.with(Mutation::CreateTenant(TenantRow {
            id,
            state: TenantState::Active,
            create_time: Timestamp::from_unix_ms(0),
        }))
    })
}

#[test]
fn a_full_disk_fails_the_batch_and_the_next_one_goes_on() {
    let (_dir, path) = fresh();
    let writer = SqliteDataWriter::new(open::writer(&path, &migrations::DATA).unwrap());
    // SQLite answers SQLITE_FULL as it does for a full disk; the least it takes is the present size.
    writer.conn().pragma_update(None, "max_page_count", 1).unwrap();
    let mut committer = Committer::new(Box::new(writer)).unwrap();
    let before = committer.commit(vec![tenants(0..1)]).unwrap();
    assert_eq!(before[0].as_ref().unwrap().positions(), [(LogId::System, 0)]);
    let full = committer.commit(vec![tenants(1..2), tenants(2..5_000)]);
    assert!(matches!(full, Err(StoreError::DiskFull)), "{full:?}");
    let after = committer.commit(vec![tenants(1..2)]).unwrap();
    assert_eq!(after[0].as_ref().unwrap().positions(), [(LogId::System, 1)]);
    drop(committer);

    let mut writer = SqliteDataWriter::new(open::writer(&path, &migrations::DATA).unwrap());
    let heads = writer.heads().unwrap();
    let count: i64 = writer.conn().query_row("SELECT count(*) FROM tenants", [], |row| row.get(0)).unwrap();
    assert_eq!((heads.len(), count), (1, 2));
    let mut committer = Committer::new(Box::new(writer)).unwrap();
    assert!(committer.commit(vec![tenants(2..5_000)]).is_ok());
}

#[test]
fn a_writer_that_ends_leaves_nothing_in_a_log_without_a_name() {
    let (dir, path) = fresh();
    let writer = SqliteDataWriter::new(open::writer(&path, &migrations::DATA).unwrap());
    // A reader that outlives the writer: SQLite then leaves the log as it is.
    let _reader = open::reader(&path).unwrap();
    let mut committer = Committer::new(Box::new(writer)).unwrap();
    committer.commit(vec![tenants(0..3)]).unwrap();
    std::fs::remove_file(dir.path().join("vault.db-wal")).unwrap();
    drop(committer);

    let copy = dir.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    let conn = rusqlite::Connection::open(&copy).unwrap();
    let count: i64 = conn.query_row("SELECT count(*) FROM tenants", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 3);
}

#[test]
fn every_look_up_uses_an_index() {
    let (_dir, path) = fresh();
    let writer = open::writer(&path, &migrations::DATA).unwrap();
    let conn = &writer.conn;
    let plan = |sql: &str| -> String {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for sql in [
        "SELECT create_time, uuid FROM conversations WHERE tenant = 1 AND state <> 3 AND create_time >= 2
         AND (create_time, uuid) < (3, x'00') ORDER BY create_time DESC, uuid DESC LIMIT 5",
        "SELECT create_time, uuid FROM conversation_terms WHERE tenant = 1 AND kind = 2 AND term = 'x' AND create_time >= 2
         AND (create_time, uuid) < (3, x'00') ORDER BY create_time DESC, uuid DESC LIMIT 5",
        "DELETE FROM requests WHERE conversation = x'00'",
        "DELETE FROM streams WHERE conversation = x'00'",
        "SELECT 1 FROM requests WHERE prefix = 1 AND key = x'00'",
    ] {
        let plan = plan(sql);
        assert!(plan.contains("SEARCH") && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
    let pragma = |name: &str| -> i64 { conn.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    assert_eq!((pragma("page_size"), pragma("synchronous"), pragma("wal_autocheckpoint")), (16_384, 2, 0));
}
