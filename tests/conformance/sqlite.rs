//! SQLite: the factory for the common suite, and what only files can do wrong.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::JoinHandle;

use subrosa::audit::{Frontier, leaf_hash};
use subrosa::store::{
    DataReader, DataWriter, KeyStore, KeyWork, KeyWrite, LogId, ReaderPool, StoreError, Work, sqlite,
};
use tempfile::TempDir;

use crate::fixtures::{acme, append, begin, entry, log, record};
use crate::keys::{begin as begin_keys, bucket, day, wrap};
use crate::{Factory, run};

/// Both stores in a folder of their own.
pub(crate) struct Sqlite(TempDir);

impl Factory for Sqlite {
    fn create() -> Self {
        let dir = tempfile::tempdir().unwrap();
        sqlite::create_data(&dir.path().join("vault.db")).unwrap();
        sqlite::create_keys(&dir.path().join("keys.db")).unwrap();
        Self(dir)
    }

    fn data_parts(&self) -> (Box<dyn DataWriter>, ReaderPool<dyn DataReader>) {
        sqlite::open_data(&self.0.path().join("vault.db"), 2).unwrap()
    }

    fn keys(&self) -> (KeyStore, JoinHandle<()>) {
        sqlite::start_keys(&self.0.path().join("keys.db"), 2).unwrap()
    }
}

impl Sqlite {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }
}

fn unavailable<T>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Unavailable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it worked"),
    }
}

#[test]
fn an_absent_store_is_an_error_and_stays_absent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault.db");
    assert!(unavailable(sqlite::open_data(&path, 1)).contains("there is no data store"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    sqlite::create_data(&path).unwrap();
    unavailable(sqlite::create_data(&path));
}

#[test]
fn files_are_their_owners_only() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new/vault");
    sqlite::create_data(&folder.join("vault.db")).unwrap();
    let _open = sqlite::open_data(&folder.join("vault.db"), 1).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    run(|vault: Sqlite| async move {
        let (store, thread) = vault.data();
        assert!(unavailable(sqlite::open_data(&vault.path("vault.db"), 1)).contains("in use by another process"));
        drop(store);
        thread.join().unwrap();
        sqlite::open_data(&vault.path("vault.db"), 1).unwrap();
    });
}

#[test]
fn another_format_or_another_kind_of_file_is_refused() {
    let vault = Sqlite::create();
    let (data, keys) = (vault.path("vault.db"), vault.path("keys.db"));
    assert!(matches!(sqlite::open_data(&keys, 1), Err(StoreError::Corrupt(_))));
    assert!(matches!(sqlite::open_keys(&data, 1), Err(StoreError::Corrupt(_))));
    let conn = rusqlite::Connection::open(&data).unwrap();
    conn.pragma_update(None, "user_version", 9).unwrap();
    drop(conn);
    assert!(matches!(sqlite::open_data(&data, 1), Err(StoreError::Format { found: 9, known: 4 })));
    std::fs::write(&keys, vec![b'x'; 8192]).unwrap();
    assert!(matches!(sqlite::open_keys(&keys, 1), Err(StoreError::Corrupt(_))));
    std::fs::write(&keys, b"").unwrap();
    assert!(matches!(sqlite::open_keys(&keys, 1), Err(StoreError::Corrupt(_))));
}

#[test]
fn a_key_store_without_certificates_is_brought_up_to_date() {
    let vault = Sqlite::create();
    let conn = rusqlite::Connection::open(vault.path("keys.db")).unwrap();
    conn.execute_batch(
        "DROP TABLE certificate_roles; DELETE FROM migrations WHERE version = 2; PRAGMA user_version = 1",
    )
    .unwrap();
    drop(conn);
    let (_store, _) = sqlite::open_keys(&vault.path("keys.db"), 1).unwrap();
    let conn = rusqlite::Connection::open(vault.path("keys.db")).unwrap();
    assert_eq!(conn.query_row("SELECT count(*) FROM certificate_roles", [], |row| row.get::<_, i64>(0)), Ok(0));
    assert_eq!(conn.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)), Ok(2));
}

#[test]
fn a_data_store_from_before_later_redactions_is_brought_up_to_date() {
    let vault = Sqlite::create();
    let conn = rusqlite::Connection::open(vault.path("vault.db")).unwrap();
    conn.execute_batch(
        "ALTER TABLE conversations DROP COLUMN reseals; DELETE FROM migrations WHERE version = 4; PRAGMA user_version = 3",
    )
    .unwrap();
    drop(conn);
    let _open = sqlite::open_data(&vault.path("vault.db"), 1).unwrap();
    let conn = rusqlite::Connection::open(vault.path("vault.db")).unwrap();
    assert_eq!(conn.query_row("SELECT count(reseals) FROM conversations", [], |row| row.get::<_, i64>(0)), Ok(0));
    assert_eq!(conn.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)), Ok(4));
}

/// Returns which of the wraps stand in some file of the vault.
fn found(vault: &Sqlite, ids: &[u64]) -> Vec<u64> {
    let files: Vec<Vec<u8>> =
        std::fs::read_dir(vault.0.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    let is_in = |id: u64| files.iter().any(|file| memchr::memmem::find(file, &wrap(id)).is_some());
    ids.iter().copied().filter(|id| is_in(*id)).collect()
}

/// Many buckets whose numbers come in no order, so that pages split in the middle.
async fn fill_buckets(store: &KeyStore) -> Vec<u64> {
    begin_keys(store).await;
    let ids: Vec<u64> = (3..1_500_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1).collect();
    for (chunk, part) in ids.chunks(100).enumerate() {
        let work = part.iter().enumerate().fold(KeyWork::default(), |work, (n, id)| {
            let offset = i32::try_from(10 + chunk * 100 + n).unwrap();
            work.with(KeyWrite::PutBucket(bucket(*id, day(offset), 1)))
        });
        store.submit(work).await.unwrap();
    }
    ids
}

#[test]
fn a_scrub_leaves_no_destroyed_wrap_in_any_file() {
    run(|vault: Sqlite| async move {
        let (store, _thread) = vault.keys();
        let ids = fill_buckets(&store).await;
        assert_eq!(found(&vault, &ids), ids);
        let (gone, kept): (Vec<u64>, Vec<u64>) = ids.iter().partition(|id| *id % 3 != 0);
        let receipt = store.submit(KeyWork::new(KeyWrite::DestroyBuckets(gone.clone())).scrubbed()).await.unwrap();
        assert!(!receipt.pending_scrub);
        assert!(found(&vault, &gone).is_empty());
        assert_eq!(found(&vault, &kept), kept);
    });
}

#[test]
fn a_scrub_that_a_reader_hinders_is_pending() {
    run(|vault: Sqlite| async move {
        let (store, _thread) = vault.keys();
        begin_keys(&store).await;
        let other = rusqlite::Connection::open(vault.path("keys.db")).unwrap();
        other.execute_batch("BEGIN; SELECT * FROM buckets").unwrap();
        let receipt = store.submit(KeyWork::new(KeyWrite::DestroyBuckets(vec![1])).scrubbed()).await.unwrap();
        assert!(receipt.pending_scrub);
        assert_eq!(found(&vault, &[1]), [1]);
        other.execute_batch("COMMIT").unwrap();
        let receipt = store.submit(KeyWork::default().scrubbed()).await.unwrap();
        assert!(!receipt.pending_scrub);
        assert_eq!(found(&vault, &[1, 2]), [2]);
    });
}

#[test]
fn a_copy_taken_in_the_middle_opens_and_verifies() {
    run(|vault: Sqlite| async move {
        let (store, _thread) = vault.data();
        let id = begin(&store).await;
        for sequence in 1..=20 {
            store.submit(Work::new(entry(1)).with(append(id, vec![record(sequence, 1)], &[]))).await.unwrap();
        }
        // What a killed process leaves: the database and its log as they are, nothing closed.
        let copy = tempfile::tempdir().unwrap();
        for name in ["vault.db", "vault.db-wal"] {
            std::fs::copy(vault.path(name), copy.path().join(name)).unwrap();
        }
        let wal = copy.path().join("vault.db-wal");
        assert!(wal.metadata().unwrap().len() > 0);
        // And a torn end of the log, as if the last write had been cut short.
        let length = wal.metadata().unwrap().len();
        std::fs::File::options().write(true).open(&wal).unwrap().set_len(length - 5_000).unwrap();
        let (copied, _thread) = sqlite::start_data(&copy.path().join("vault.db"), 1).unwrap();
        let (rows, entries, heads) = copied
            .read(move |reader| {
                Ok((reader.records(&acme(), &id, 0, 500)?, reader.entries(&log(), 0, 500)?, reader.heads()?))
            })
            .await
            .unwrap();
        assert_eq!(rows.len() + 1, entries.len());
        assert_eq!(rows.len(), 19, "only the torn transaction is gone");
        let mut frontier = Frontier::new();
        entries.iter().for_each(|entry| frontier.push(leaf_hash(&entry.canonical, &entry.commitments)));
        assert_eq!(heads[0].frontier, frontier.encode());
        assert_eq!(heads[0].log, LogId::Tenant(acme()));
    });
}

#[test]
fn the_write_ahead_log_stays_small() {
    run(|vault: Sqlite| async move {
        let (store, _thread) = vault.data();
        let id = begin(&store).await;
        let mut highest = 0;
        // Each append touches some pages of 16 KiB: three times more than the log may hold.
        for sequence in 1..=1_200 {
            store.submit(Work::new(entry(1)).with(append(id, vec![record(sequence, 1)], &[]))).await.unwrap();
            highest = store.read(|reader| reader.wal_bytes()).await.unwrap().max(highest);
        }
        let mib = 1024 * 1024;
        assert!(highest > 15 * mib && highest < 24 * mib, "{highest}");
    });
}
