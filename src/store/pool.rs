//! A small pool of readers, used off the async threads.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::error::StoreError;

/// Watches the files behind a store.
pub trait Intact: Send + Sync + 'static {
    /// Looks whether the files are still the ones that were opened.
    ///
    /// # Errors
    ///
    /// [`StoreError::Replaced`] when they are not, from then on for ever; `Unavailable` when that cannot be told now.
    fn check(&self) -> Result<(), StoreError>;
    /// Tells what an earlier look found, without looking.
    fn known(&self) -> Result<(), StoreError>;
    /// Tries whether the disk takes more than a usual batch.
    ///
    /// # Errors
    ///
    /// `DiskFull`, or `Unavailable` when it takes nothing at all.
    fn has_room(&self) -> Result<(), StoreError>;
}

/// Readers that take turns. `R` is a reader trait object, so that the pool is the same for every engine.
pub struct ReaderPool<R: ?Sized> {
    idle: Arc<Mutex<Vec<Box<R>>>>,
    turns: Arc<Semaphore>,
    files: Arc<dyn Intact>,
}

impl<R: ?Sized> Clone for ReaderPool<R> {
    fn clone(&self) -> Self {
        Self { idle: Arc::clone(&self.idle), turns: Arc::clone(&self.turns), files: Arc::clone(&self.files) }
    }
}

impl<R: ?Sized + Send + 'static> ReaderPool<R> {
    /// Returns a pool of `readers`, which must not be empty, of the store whose files `files` watches.
    pub fn watched(readers: Vec<Box<R>>, files: Arc<dyn Intact>) -> Self {
        Self { turns: Arc::new(Semaphore::new(readers.len())), idle: Arc::new(Mutex::new(readers)), files }
    }

    /// Returns what watches the files that are read.
    pub fn files(&self) -> &dyn Intact {
        &*self.files
    }

    /// Tries whether the disk has room, off the async threads: [`Intact::has_room`].
    pub async fn has_room(&self) -> Result<(), StoreError> {
        let files = Arc::clone(&self.files);
        let tried = tokio::task::spawn_blocking(move || files.has_room()).await;
        tried.unwrap_or_else(|_| Err(StoreError::Unavailable("the look for room panicked".to_owned())))
    }

    /// Runs `read` on a reader when one is free. What it read is handed on only when the files are, after it, still the ones
    /// that were opened.
    ///
    /// # Errors
    ///
    /// What `read` answers, `Replaced`, or `Unavailable` when it panicked or the pool is closed.
    pub async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut R) -> Result<T, StoreError> + Send + 'static,
    {
        let gone = || StoreError::Unavailable("no reader".to_owned());
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| gone())?;
        let (idle, files) = (Arc::clone(&self.idle), Arc::clone(&self.files));
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let reader = idle.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or_else(gone)?;
            let mut taken = Taken { idle, reader: Some(reader) };
            let found = taken.reader.as_mut().map_or_else(|| Err(gone()), |reader| read(reader));
            files.check().and(found)
        })
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("a read panicked".to_owned())))
    }
}

/// A reader on loan; it goes back into the pool even when the read panics.
struct Taken<R: ?Sized> {
    idle: Arc<Mutex<Vec<Box<R>>>>,
    reader: Option<Box<R>>,
}

impl<R: ?Sized> Drop for Taken<R> {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.reader.take());
    }
}
