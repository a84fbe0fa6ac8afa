//! The SQLite engine: two databases, one writer connection each, and a few readers.
//!
//! `create_*` makes a database where there is none, `open_*` opens one that must be there: an absent `vault.db` is never
//! quietly replaced by an empty one. A lock file beside each database keeps a second process away.
//!
//! | to do this | look in |
//! |---|---|
//! | find out what is stored, table by table | `data_1.sql`, `data_2.sql`, `data_3.sql`, `keys_1.sql` |
//! | add a format version | `migrations` |
//! | find out how files are made, locked and set up | `open` |
//! | find out how the write-ahead log stays small | `wal` |
//! | find out how a replaced file is noticed | `guard` |
//! | change data | `data_writer`, `conversations`, `reseal`, `control` |
//! | read data | `data_reader`, `conversation_query` |
//! | change and read keys | `key_writer`, `key_changes`, `credentials`, `key_reader` |

mod control;
mod conversation_query;
mod conversations;
mod credentials;
mod data_reader;
mod data_writer;
mod error;
mod guard;
mod key_changes;
mod key_reader;
mod key_writer;
mod migrations;
mod open;
mod reseal;
mod rows;
mod wal;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::commit::{Committer, DataWriter};
use super::data::{DataReader, DataStore};
use super::error::StoreError;
use super::key_store::{KeyReader, KeyStore, KeyWriter};
use super::pipeline::Pipeline;
use super::pool::ReaderPool;

/// The two halves of the data store.
pub type DataParts = (Box<dyn DataWriter>, ReaderPool<dyn DataReader>);
/// The two halves of the key store.
pub type KeyParts = (Box<dyn KeyWriter>, ReaderPool<dyn KeyReader>);

/// The most rows that one read transaction returns or looks at.
pub const MAX_READ_ROWS: usize = 500;

/// Makes an empty data store at `path`, readable by its owner only, in a folder that is made when it is not there.
///
/// # Errors
///
/// `Unavailable` when there is a file already or it cannot be made.
pub fn create_data(path: &Path) -> Result<(), StoreError> {
    open::create(path, &migrations::DATA)
}

/// Makes an empty key store at `path`; as [`create_data`].
///
/// # Errors
///
/// As [`create_data`].
pub fn create_keys(path: &Path) -> Result<(), StoreError> {
    open::create(path, &migrations::KEYS)
}

/// Opens the data store at `path` with `readers` readers (at least one). Its write-ahead log is empty when this returns.
///
/// # Errors
///
/// `Unavailable` when it is not there or another process has it open, `Format` when a newer version wrote it, `Corrupt` when
/// it is no data store.
pub fn open_data(path: &Path, readers: usize) -> Result<DataParts, StoreError> {
    let writer = open::writer(path, &migrations::DATA)?;
    let guard = Arc::clone(&writer.guard);
    let readers = (0..readers.max(1))
        .map(|_| Ok(Box::new(data_reader::SqliteDataReader::new(open::reader(path)?)) as Box<dyn DataReader>))
        .collect::<Result<_, StoreError>>()?;
    Ok((Box::new(data_writer::SqliteDataWriter::new(writer)), ReaderPool::watched(readers, guard)))
}

/// Opens the key store at `path` with `readers` readers; as [`open_data`].
///
/// # Errors
///
/// As [`open_data`].
pub fn open_keys(path: &Path, readers: usize) -> Result<KeyParts, StoreError> {
    let writer = open::writer(path, &migrations::KEYS)?;
    let guard = Arc::clone(&writer.guard);
    let readers = (0..readers.max(1))
        .map(|_| Ok(Box::new(key_reader::SqliteKeyReader::new(open::reader(path)?)) as Box<dyn KeyReader>))
        .collect::<Result<_, StoreError>>()?;
    Ok((Box::new(key_writer::SqliteKeyWriter::new(writer)), ReaderPool::watched(readers, guard)))
}

/// Opens the data store and starts its writer; the thread ends when the last handle is dropped and the queue is empty.
///
/// # Errors
///
/// As [`open_data`], and when a tree head does not decode or the thread cannot be started.
pub fn start_data(path: &Path, readers: usize) -> Result<(DataStore, JoinHandle<()>), StoreError> {
    let (writer, readers) = open_data(path, readers)?;
    let (pipeline, thread) = Pipeline::start("data-writer", Committer::new(writer)?).map_err(no_thread)?;
    Ok((DataStore::new(pipeline, readers), thread))
}

/// Opens the key store and starts its writer; as [`start_data`].
///
/// # Errors
///
/// As [`open_data`], and when the thread cannot be started.
pub fn start_keys(path: &Path, readers: usize) -> Result<(KeyStore, JoinHandle<()>), StoreError> {
    let (writer, readers) = open_keys(path, readers)?;
    KeyStore::start(writer, readers).map_err(no_thread)
}

fn no_thread(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("the writer's thread cannot be started: {}", error.kind()))
}

#[cfg(test)]
mod tests;
