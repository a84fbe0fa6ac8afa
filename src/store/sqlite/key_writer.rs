//! The write half of the key store.

use super::data_writer::Stop;
use super::key_changes;
use super::open::Writer;
use super::wal::Checkpoint;
use crate::store::error::{Refusal, StoreError};
use crate::store::key_store::{KeyReceipt, KeyWork, KeyWriter};

/// `keys.db`, for writing.
pub(super) struct SqliteKeyWriter {
    writer: Writer,
    /// A scrub was asked for and not yet done.
    unscrubbed: bool,
}

impl SqliteKeyWriter {
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer, unscrubbed: false }
    }

    fn all(&self, batch: &[KeyWork]) -> Result<Vec<Result<(), Refusal>>, StoreError> {
        let done = batch.iter().map(|work| self.one(work)).collect::<Result<_, _>>()?;
        self.writer.commit()?;
        Ok(done)
    }

    /// Makes the changes of one work, or none of them.
    fn one(&self, work: &KeyWork) -> Result<Result<(), Refusal>, StoreError> {
        self.writer.savepoint()?;
        for write in &work.writes {
            match key_changes::apply(&self.writer.conn, write) {
                Ok(()) => {}
                Err(Stop::Refused(refusal)) => {
                    self.writer.undo()?;
                    return Ok(Err(refusal));
                }
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        self.writer.release()?;
        Ok(Ok(()))
    }
}

impl KeyWriter for SqliteKeyWriter {
    fn commit(&mut self, batch: Vec<KeyWork>) -> Result<Vec<Result<KeyReceipt, Refusal>>, StoreError> {
        self.writer.begin()?;
        let done = self.all(&batch).inspect_err(|_| self.writer.rollback())?;
        if batch.iter().zip(&done).any(|(work, result)| work.scrub && result.is_ok()) {
            self.unscrubbed = self.writer.scrub() == Checkpoint::Busy;
        }
        let pending = self.unscrubbed;
        let receipts = batch.iter().zip(done);
        Ok(receipts.map(|(work, done)| done.map(|()| KeyReceipt { pending_scrub: work.scrub && pending })).collect())
    }

    fn between(&mut self) {
        if self.unscrubbed {
            self.unscrubbed = !matches!(self.writer.truncate(), Ok(Checkpoint::Done));
        }
        self.writer.between();
    }
}
