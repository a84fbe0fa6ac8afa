//! What the pipeline does when its writer is slow or gone.

use std::sync::mpsc;
use std::task::{Context, Waker};

use subrosa::store::{
    Chore, Committer, DataStore, DataWriter, Engine, EntryRow, LogHead, LogId, Mutation, Pipeline, Refusal, StoreError,
    SubmitError, Work,
};

use crate::fixtures::{acme, at, tenant, work};
use crate::sqlite::Sqlite;
use crate::{Factory, run};

/// A writer that panics at its first transaction.
struct Broken;

impl DataWriter for Broken {
    fn heads(&mut self) -> Result<Vec<LogHead>, StoreError> {
        Ok(vec![])
    }
    fn begin(&mut self) -> Result<(), StoreError> {
        panic!("broken on purpose")
    }
    fn savepoint(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn apply(&mut self, _: &Mutation) -> Result<Result<(), Refusal>, StoreError> {
        Ok(Ok(()))
    }
    fn chore(&mut self, _: &Chore) -> Result<(), StoreError> {
        Ok(())
    }
    fn append(&mut self, _: &LogId, _: &[EntryRow], _: &LogHead) -> Result<(), StoreError> {
        Ok(())
    }
    fn release(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn undo(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn commit(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn rollback(&mut self) {}
    fn between(&mut self) {}
}

#[test]
fn a_dead_writer_fails_the_probe() {
    run(|vault: Sqlite| async move {
        let (_writer, readers) = vault.data_parts();
        let (pipeline, thread) = Pipeline::start("data-writer", Committer::new(Box::new(Broken)).unwrap()).unwrap();
        let store = DataStore::new(pipeline, readers);
        store.probe(at(0)).await.unwrap();
        let submitted = store.submit(work(tenant(acme()))).await;
        assert!(matches!(submitted, Err(SubmitError::Ended)), "{submitted:?}");
        assert!(thread.join().is_err(), "the panic is handed on to who joins");
        assert!(matches!(store.probe(at(0)).await, Err(SubmitError::Ended)));
        assert!(matches!(store.submit(Work::chore(Chore::Touch(at(0)))).await, Err(SubmitError::Ended)));
    });
}

/// Does nothing until it is let go; each piece of work takes all the room there is.
struct Slow(mpsc::Receiver<()>);

impl Engine for Slow {
    type Work = ();
    type Done = ();

    fn weight((): &()) -> usize {
        usize::MAX
    }

    fn commit(&mut self, batch: Vec<()>) -> Result<Vec<Result<(), Refusal>>, StoreError> {
        let _ = self.0.recv();
        Ok(batch.into_iter().map(Ok).collect())
    }
}

#[test]
fn work_that_waits_at_the_door_is_bounded() {
    run(|_: Sqlite| async move {
        let (go, waits) = mpsc::channel();
        let (pipeline, thread) = Pipeline::start("slow", Slow(waits)).unwrap();
        let mut at_the_door: Vec<_> = (0..8_192).map(|_| Box::pin(pipeline.submit(()))).collect();
        for one in &mut at_the_door {
            assert!(one.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert!(matches!(pipeline.submit(()).await, Err(SubmitError::Full)));
        drop(go);
        for one in at_the_door {
            one.await.unwrap();
        }
        pipeline.submit(()).await.unwrap();
        drop(pipeline);
        thread.join().unwrap();
    });
}
