//! A small pool of readers, used off the async threads.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::error::StoreError;

/// Readers that take turns. `R` is a reader trait object, so that the pool is the same for every engine.
pub struct ReaderPool<R: ?Sized> {
    idle: Arc<Mutex<Vec<Box<R>>>>,
    turns: Arc<Semaphore>,
}

impl<R: ?Sized> Clone for ReaderPool<R> {
    fn clone(&self) -> Self {
        Self { idle: Arc::clone(&self.idle), turns: Arc::clone(&self.turns) }
    }
}

impl<R: ?Sized + Send + 'static> ReaderPool<R> {
    /// Returns a pool of `readers`, which must not be empty.
    pub fn new(readers: Vec<Box<R>>) -> Self {
        Self { turns: Arc::new(Semaphore::new(readers.len())), idle: Arc::new(Mutex::new(readers)) }
    }

    /// Runs `read` on a reader when one is free.
    ///
    /// # Errors
    ///
    /// What `read` answers, or `Unavailable` when it panicked or the pool is closed.
    pub async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut R) -> Result<T, StoreError> + Send + 'static,
    {
        let gone = || StoreError::Unavailable("no reader".to_owned());
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| gone())?;
        let idle = Arc::clone(&self.idle);
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let reader = idle.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or_else(gone)?;
            let mut taken = Taken { idle, reader: Some(reader) };
            taken.reader.as_mut().map_or_else(|| Err(gone()), |reader| read(reader))
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
