//! Noticing that a database is no longer the file that was opened.
//!
//! An open file lives on when its name is removed or given to another file: the vault would go on to acknowledge what nobody
//! finds again after a restart. So the files of a database are looked at before and after each commit, after each read and for
//! each call. A look costs a `stat` for each file, about a microsecond.
//!
//! Noticed: a name of the database (the configured one, which may be a symbolic link, and the one that it stands for), its
//! `-wal`, its `-shm` or its lock file that is gone or names another file; a moved folder, or one that was mounted over; and
//! a database that somebody else wrote into, as `cp` over it does. A file that was moved away and is back is the same file.
//! Not noticed: bytes of the `-wal` that somebody else changed, whose checksums fail when they are read back; and a write into
//! the database in the very moment of a checkpoint, which writes it too.

use std::fs::{File, Metadata, metadata, remove_file};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::store::error::StoreError;
use crate::store::pool::Intact;

/// Device and inode of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

/// The files of one database, as they were when it was opened.
#[derive(Debug)]
pub(super) struct Guard {
    database: (PathBuf, Identity),
    others: Vec<(PathBuf, Identity)>,
    /// How the database was last left; nothing while a checkpoint writes it.
    left: Mutex<Option<Left>>,
    lost: AtomicBool,
}

/// What changes when a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    modified: SystemTime,
    bytes: u64,
}

impl Guard {
    /// Begins to watch the database at `named`, which stands for the file at `database`; `opened` is what that was before it
    /// was opened.
    ///
    /// # Errors
    ///
    /// `Replaced` when it is another file by now, `Unavailable` when one of its files cannot be looked at.
    pub(super) fn watch(named: &Path, database: &Path, opened: Identity) -> Result<Self, StoreError> {
        let mut others = Vec::new();
        if named != database {
            others.push((named.to_owned(), opened));
        }
        for ending in ["-wal", "-shm", ".lock"] {
            let path = beside(database, ending);
            let file = identity(&path)?;
            others.push((path, file));
        }
        let guard = Self {
            database: (database.to_owned(), opened),
            others,
            left: Mutex::new(Some(left(&look_at(database)?)?)),
            lost: AtomicBool::new(false),
        };
        guard.check()?;
        Ok(guard)
    }

    /// Lets `work` write the database file itself, which nobody else may.
    pub(super) fn while_writing<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.check()?;
        self.last_writing(work)
    }

    /// The same, of a file that is not what was opened too: what is still held open is brought to its end.
    pub(super) fn last_writing<T>(&self, work: impl FnOnce() -> T) -> T {
        *self.lock() = None;
        let done = work();
        // Failing to look is not failing to write: the next look tells.
        let now = look_at(&self.database.0).and_then(|file| left(&file));
        *self.lock() = now.ok();
        done
    }

    fn look(&self) -> Result<(), StoreError> {
        for other in &self.others {
            still(other)?;
        }
        // Under the lock, so that a checkpoint does not begin between the look and the comparison.
        let last = self.lock();
        let file = still(&self.database)?;
        match *last {
            Some(last) if left(&file)? != last => {
                Err(StoreError::Replaced(format!("{} was written by somebody else", self.database.0.display())))
            }
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intact for Guard {
    fn check(&self) -> Result<(), StoreError> {
        self.known()?;
        let found = self.look();
        if let Err(error @ StoreError::Replaced(_)) = &found
            && !self.lost.swap(true, Ordering::SeqCst)
        {
            tracing::error!(%error, "nothing more is served: put the file back and restart");
        }
        found
    }

    fn known(&self) -> Result<(), StoreError> {
        if self.lost.load(Ordering::SeqCst) {
            return Err(StoreError::Replaced(format!("{} is not what was opened", self.database.0.display())));
        }
        Ok(())
    }

    fn has_room(&self) -> Result<(), StoreError> {
        let path = beside(&self.database.0, ".room");
        let filled = File::create(&path).and_then(|mut file| file.write_all(&[0; ROOM]).and_then(|()| file.sync_all()));
        let removed = remove_file(&path);
        filled.and(removed).map_err(|error| super::open::failed("room beside", &self.database.0, &error))
    }
}

/// What a disk must take before it counts as having room again.
const ROOM: usize = 1024 * 1024;

/// Returns which file a path names now.
pub(super) fn identity(path: &Path) -> Result<Identity, StoreError> {
    look_at(path).map(|file| of(&file))
}

/// Returns the path of a file beside the database.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Looks at a path that must still name the file that it named.
fn still((path, wanted): &(PathBuf, Identity)) -> Result<Metadata, StoreError> {
    match metadata(path) {
        Ok(file) if of(&file) == *wanted => Ok(file),
        Ok(_) => Err(StoreError::Replaced(format!("{} is another file now", path.display()))),
        Err(error) if is_gone(&error) => Err(StoreError::Replaced(format!("{} is gone", path.display()))),
        Err(error) => Err(unseen(path, &error)),
    }
}

fn look_at(path: &Path) -> Result<Metadata, StoreError> {
    metadata(path).map_err(|error| unseen(path, &error))
}

fn of(file: &Metadata) -> Identity {
    Identity(file.dev(), file.ino())
}

fn left(file: &Metadata) -> Result<Left, StoreError> {
    let modified = file.modified().map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Left { modified, bytes: file.len() })
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unseen(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("{} cannot be looked at: {error}", path.display()))
}
