//! A database whose files are taken away, exchanged or written over while it is open.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use subrosa::domain::{Error, Reason};
use subrosa::store::{DataStore, StoreError, SubmitError, Work, sqlite};
use tempfile::TempDir;

use crate::fixtures::{acme, append, begin, entry, record};

/// What happens to the folder of an open database, the database, and what the log says of it.
type Harm = (&'static str, fn(&Path, &Path));

const HARMS: &[Harm] = &[
    ("unlinked", |_, db| fs::remove_file(db).unwrap()),
    ("renamed", |_, db| fs::rename(db, db.with_extension("old")).unwrap()),
    ("replaced by its own copy", |_, db| {
        fs::copy(db, db.with_extension("copy")).unwrap();
        fs::rename(db.with_extension("copy"), db).unwrap();
    }),
    ("written over in place", |_, db| {
        let bytes = fs::read(db).unwrap();
        fs::write(db, bytes).unwrap();
    }),
    ("cut short", |_, db| fs::File::options().write(true).open(db).unwrap().set_len(4_096).unwrap()),
    ("without its log", |_, db| fs::remove_file(beside(db, "-wal")).unwrap()),
    ("with an empty log", |_, db| {
        fs::remove_file(beside(db, "-wal")).unwrap();
        fs::write(beside(db, "-wal"), b"").unwrap();
    }),
    ("without its index of the log", |_, db| fs::remove_file(beside(db, "-shm")).unwrap()),
    ("without its lock file", |_, db| fs::remove_file(beside(db, ".lock")).unwrap()),
    ("moved with its folder", |folder, _| fs::rename(folder, folder.with_extension("old")).unwrap()),
    ("another folder in its place", |folder, db| {
        fs::rename(folder, folder.with_extension("old")).unwrap();
        fs::create_dir(folder).unwrap();
        fs::copy(folder.with_extension("old").join("vault.db"), db).unwrap();
    }),
];

fn beside(db: &Path, ending: &str) -> std::path::PathBuf {
    format!("{}{ending}", db.display()).into()
}

fn open(dir: &TempDir) -> (std::path::PathBuf, std::path::PathBuf, DataStore) {
    let folder = dir.path().join("data");
    let db = folder.join("vault.db");
    sqlite::create_data(&db).unwrap();
    let (store, _thread) = sqlite::start_data(&db, 1).unwrap();
    (folder, db, store)
}

async fn write(store: &DataStore, id: subrosa::domain::ConversationId, sequence: u64) -> Result<(), SubmitError> {
    store.submit(Work::new(entry(1)).with(append(id, vec![record(sequence, 1)], &[]))).await.map(drop)
}

async fn read(store: &DataStore, id: subrosa::domain::ConversationId) -> Result<usize, StoreError> {
    store.read(move |reader| reader.records(&acme(), &id, 0, 10)).await.map(|rows| rows.len())
}

fn is_replaced(harm: &str, result: Result<(), SubmitError>) {
    let error = result.expect_err(harm);
    assert!(
        matches!(&error, SubmitError::Failed(cause) if matches!(**cause, StoreError::Replaced(_))),
        "{harm}: {error}"
    );
    assert_eq!(Error::from(error).reason(), Reason::StoreReplaced, "{harm}");
}

fn block<T>(body: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(body)
}

#[test]
fn nothing_more_is_written_or_read() {
    for write_first in [true, false] {
        for (harm, done) in HARMS {
            let dir = tempfile::tempdir().unwrap();
            let (folder, db, store) = open(&dir);
            block(async {
                let id = begin(&store).await;
                write(&store, id, 1).await.unwrap();
                assert_eq!(read(&store, id).await.unwrap(), 1);
                done(&folder, &db);
                if write_first {
                    is_replaced(harm, write(&store, id, 2).await);
                }
                assert!(matches!(read(&store, id).await, Err(StoreError::Replaced(_))), "{harm}");
                is_replaced(harm, write(&store, id, 2).await);
                assert!(matches!(store.check_files(), Err(StoreError::Replaced(_))), "{harm}");
                is_replaced(harm, store.probe(crate::fixtures::at(0)).await);
            });
        }
    }
}

#[test]
fn a_file_that_is_back_before_anybody_looked_is_the_same_and_after_a_look_it_is_too_late() {
    let dir = tempfile::tempdir().unwrap();
    let (_folder, db, store) = open(&dir);
    block(async {
        let id = begin(&store).await;
        let away = db.with_extension("away");
        fs::rename(&db, &away).unwrap();
        fs::rename(&away, &db).unwrap();
        write(&store, id, 1).await.unwrap();
        fs::rename(&db, &away).unwrap();
        assert!(matches!(read(&store, id).await, Err(StoreError::Replaced(_))));
        fs::rename(&away, &db).unwrap();
        is_replaced("back too late", write(&store, id, 2).await);
    });
}

#[test]
fn its_own_checkpoints_are_not_taken_for_somebody_elses_writing() {
    let dir = tempfile::tempdir().unwrap();
    let (_folder, db, store) = open(&dir);
    block(async {
        let id = begin(&store).await;
        let before = fs::metadata(&db).unwrap().len();
        for sequence in 1..=1_200 {
            write(&store, id, sequence).await.unwrap();
            read(&store, id).await.unwrap();
        }
        assert!(fs::metadata(&db).unwrap().len() > before, "there was no checkpoint");
    });
}

#[test]
fn a_symbolic_link_is_watched_and_two_names_are_one_database() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real/vault.db");
    sqlite::create_data(&real).unwrap();
    let link = dir.path().join("link.db");
    symlink(&real, &link).unwrap();
    let (store, _thread) = sqlite::start_data(&link, 1).unwrap();
    block(async {
        let id = begin(&store).await;
        assert!(store.read(|reader| reader.wal_bytes()).await.unwrap() > 0);
        let again = sqlite::start_data(&real, 1).err().unwrap();
        assert!(again.to_string().contains("in use"), "{again}");
        let other = dir.path().join("other/vault.db");
        sqlite::create_data(&other).unwrap();
        fs::remove_file(&link).unwrap();
        symlink(&other, &link).unwrap();
        is_replaced("another target", write(&store, id, 1).await);
    });
}
