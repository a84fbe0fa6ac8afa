//! How files are made, locked and set up.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::durable;
use super::guard::{Guard, beside, identity};
use super::migrations::Kind;
use super::wal::{self, Checkpoint, Wal};
use crate::store::error::StoreError;
use crate::store::pool::Intact;

/// The one connection that writes, and the lock that makes it the only one.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) guard: Arc<Guard>,
    wal: Wal,
    _lock: File,
}

/// A connection that only reads.
pub(super) struct Reader {
    pub(super) conn: Connection,
    database: PathBuf,
}

/// Makes an empty database of a kind where there is no file.
pub(super) fn create(path: &Path, kind: &Kind) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed("folder", folder, &error))?;
    let _lock = lock(path)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| failed("new database", path, &error))?;
    let mut conn = connect(path)?;
    conn.pragma_update(None, "page_size", PAGE_SIZE)?;
    set_up_writer(&conn, kind)?;
    kind.migrate(&mut conn)?;
    wal::truncate(&conn)?;
    drop(conn);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed("folder", folder, &error))
}

/// Opens a database for writing: locks it, checks what it is, empties its log, brings it to the newest format.
pub(super) fn writer(named: &Path, kind: &Kind) -> Result<Writer, StoreError> {
    match std::fs::metadata(named) {
        Ok(file) if file.is_file() => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(kind.name, named, &error)),
        _ => return Err(StoreError::Unavailable(format!("there is no {} at {}", kind.name, named.display()))),
    }
    // SQLite keeps the log beside the file itself, and so is the lock: two names of one database are one database.
    let path = &named.canonicalize().map_err(|error| failed(kind.name, named, &error))?;
    let lock = lock(path)?;
    let opened = identity(path)?;
    let mut conn = connect(path)?;
    kind.check(&conn)?;
    set_up_writer(&conn, kind)?;
    // A restart after a failed fsync must not go on with pages that only the kernel's cache has: everything is written and
    // synced again, and the log starts empty.
    if wal::truncate(&conn)? == Checkpoint::Busy {
        return Err(StoreError::Unavailable(format!("another process reads {}", path.display())));
    }
    kind.migrate(&mut conn)?;
    let guard = Arc::new(Guard::watch(named, path, opened)?);
    let wal = Wal::watch(&mut conn, Arc::clone(&guard))?;
    Ok(Writer { conn, guard, wal, _lock: lock })
}

/// Opens a database for reading; its writer is open already.
pub(super) fn reader(path: &Path) -> Result<Reader, StoreError> {
    let path = path.canonicalize().map_err(|error| failed("database", path, &error))?;
    let conn = connect(&path)?;
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -16384;")?;
    Ok(Reader { conn, database: path })
}

impl Writer {
    /// Begins a transaction, unless the files are no longer the ones that were opened.
    pub(super) fn begin(&self) -> Result<(), StoreError> {
        self.guard.check()?;
        self.run("BEGIN IMMEDIATE")
    }

    /// Marks the place that [`Writer::undo`] goes back to.
    pub(super) fn savepoint(&self) -> Result<(), StoreError> {
        self.run("SAVEPOINT work")
    }

    /// Forgets the savepoint.
    pub(super) fn release(&self) -> Result<(), StoreError> {
        self.run("RELEASE work")
    }

    /// Undoes everything since the savepoint, and forgets it.
    pub(super) fn undo(&self) -> Result<(), StoreError> {
        self.run("ROLLBACK TO work")?;
        self.run("RELEASE work")
    }

    /// Makes the transaction durable, or says that nothing of it is there, or ends the process. When the files turn out to be
    /// no longer the ones that were opened, it is not durable where a restart looks for it.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        self.guard.check()?;
        let commit = self.conn.prepare_cached("COMMIT").and_then(|mut statement| statement.execute([]));
        commit.map(drop).map_err(|error| durable("commit", error))?;
        self.guard.check()
    }

    /// Drops the transaction, if there still is one (SQLite drops it itself on some errors).
    pub(super) fn rollback(&self) {
        if self.conn.is_autocommit() {
            return;
        }
        if let Err(error) = self.run("ROLLBACK") {
            tracing::error!(%error, "a transaction was not rolled back");
        }
    }

    /// Keeps the log small.
    pub(super) fn between(&self) {
        self.wal.between(&self.conn);
    }

    /// Copies the log back and cuts it to nothing.
    pub(super) fn truncate(&self) -> Result<Checkpoint, StoreError> {
        self.wal.truncate(&self.conn)
    }

    /// Truncates the log, trying as often as is reasonable.
    pub(super) fn scrub(&self) -> Checkpoint {
        self.wal.scrub(&self.conn)
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        wal::finish(&self.conn, &self.guard);
    }
}

impl Reader {
    /// Returns the size of the write-ahead log, in bytes.
    pub(super) fn wal_bytes(&self) -> u64 {
        wal::bytes(&self.database)
    }
}

/// Takes the lock file beside the database. The lock goes with the process; the file stays.
fn lock(path: &Path) -> Result<File, StoreError> {
    let name = beside(path, ".lock");
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&name);
    let file = opened.map_err(|error| failed("lock file", &name, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Unavailable(format!("{} is in use by another process", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed("lock file", &name, &error)),
    }
}

/// Connects to a file that is there. `temp_store` keeps savepoint journals in memory.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    if conn.is_readonly(c"main")? {
        return Err(StoreError::Unavailable(format!("{} is read-only", path.display())));
    }
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;")?;
    Ok(conn)
}

/// Sets the writer's pragmas. `foreign_keys` stays off: rows of one act are checked by the act itself.
fn set_up_writer(conn: &Connection, kind: &Kind) -> Result<(), StoreError> {
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Unavailable(format!("the {} cannot have a write-ahead log here", kind.name)));
    }
    conn.execute_batch(WRITER_PRAGMAS)?;
    conn.pragma_update(None, "secure_delete", kind.secure_delete)?;
    Ok(())
}

pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull,
        _ => StoreError::Unavailable(format!("{what} {}: {error}", path.display())),
    }
}

/// Measured: 16 KiB pages write 1 KiB bodies fastest.
const PAGE_SIZE: u32 = 16_384;
/// How long to wait for a lock that another connection holds; readers are short.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);
/// More than any connection prepares.
const STATEMENTS: usize = 128;
/// The cache is 64 MiB, so that a batch never spills; `synchronous = FULL` syncs the log at every commit.
const WRITER_PRAGMAS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = OFF;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 33554432;
    PRAGMA cache_size = -65536;
";
