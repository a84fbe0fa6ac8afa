//! The commit pipeline: natural batching for one writer.
//!
//! Work queues in a channel bounded in bytes. The writer's thread takes all that waits, up to a bound, commits it as one
//! transaction, then answers everyone; the next batch forms while this one syncs. There is no timer on the way.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::error::{Refusal, StoreError, SubmitError};

/// What a pipeline drives.
pub trait Engine: Send + 'static {
    /// One piece of work, committed whole or not at all.
    type Work: Send + 'static;
    /// What tells that it is durable.
    type Done: Send + 'static;

    /// Returns about how many bytes the work holds in memory.
    fn weight(work: &Self::Work) -> usize;
    /// Commits a batch as one transaction and answers each piece, in order. On an error nothing of it was committed.
    fn commit(&mut self, batch: Vec<Self::Work>) -> Result<Vec<Result<Self::Done, Refusal>>, StoreError>;
    /// Called after each batch.
    fn between(&mut self) {}
}

/// The most bytes that may wait: work beyond it waits at the door, in order.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// The most work that may be unanswered: at the door, in the queue and in the batch being written together.
const QUEUE_WORKS: usize = 8_192;
/// The most work in one transaction.
const BATCH_WORKS: usize = 1_024;
/// The most bytes in one transaction.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

type Answer<D> = Result<D, SubmitError>;

struct Item<E: Engine> {
    work: E::Work,
    answer: oneshot::Sender<Answer<E::Done>>,
    _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// A handle to a running pipeline. When the last one is dropped the writer finishes what is queued and ends.
pub struct Pipeline<E: Engine> {
    queue: mpsc::Sender<Item<E>>,
    works: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    course: Arc<Course>,
}

/// How it has gone so far.
#[derive(Default)]
struct Course {
    committed: AtomicU64,
    failing: AtomicBool,
}

impl<E: Engine> Clone for Pipeline<E> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            works: Arc::clone(&self.works),
            bytes: Arc::clone(&self.bytes),
            course: Arc::clone(&self.course),
        }
    }
}

/// Work that is queued; awaiting it tells when it is durable.
#[must_use = "the work is durable only when this resolves"]
pub struct Pending<D>(oneshot::Receiver<Answer<D>>);

impl<D> Pending<D> {
    /// Waits until the work is durable, refused or failed.
    pub async fn done(self) -> Result<D, SubmitError> {
        self.0.await.unwrap_or(Err(SubmitError::Ended))
    }
}

impl<E: Engine> Pipeline<E> {
    /// Starts the writer's thread and returns the handle, and a handle on the thread to wait for at the end.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(name: &str, engine: E) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (queue, incoming) = mpsc::channel(QUEUE_WORKS);
        let course = Arc::new(Course::default());
        let told = Arc::clone(&course);
        let writer = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The panic's message may hold content: the hook has printed where it was.
            catch_unwind(AssertUnwindSafe(|| run(engine, incoming, &told))).unwrap_or_else(|panic| {
                tracing::error!("the writer panicked; nothing more is written");
                resume_unwind(panic)
            });
        })?;
        let (works, bytes) = (Arc::new(Semaphore::new(QUEUE_WORKS)), Arc::new(Semaphore::new(QUEUE_BYTES)));
        Ok((Self { queue, works, bytes, course }, writer))
    }

    /// Returns how many works were answered by a committed batch since the start.
    pub fn committed(&self) -> u64 {
        self.course.committed.load(Ordering::Relaxed)
    }

    /// Tells whether the last batch failed.
    pub fn is_failing(&self) -> bool {
        self.course.failing.load(Ordering::Relaxed)
    }

    /// Tells whether the writer is gone, as after a panic: nothing will be written any more.
    pub fn is_ended(&self) -> bool {
        self.queue.is_closed()
    }

    /// Returns how much waits for the writer: pieces of work, and their bytes.
    pub fn waiting(&self) -> (u64, u64) {
        let works = QUEUE_WORKS.saturating_sub(self.works.available_permits());
        let bytes = QUEUE_BYTES.saturating_sub(self.bytes.available_permits());
        (works as u64, bytes as u64)
    }

    /// Queues `work` behind everything queued before it.
    pub async fn enqueue(&self, work: E::Work) -> Result<Pending<E::Done>, SubmitError> {
        let weight = u32::try_from(E::weight(&work).clamp(1, QUEUE_BYTES)).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.works).try_acquire_owned().map_err(|_| SubmitError::Full)?;
        let room = Arc::clone(&self.bytes).acquire_many_owned(weight).await.map_err(|_| SubmitError::Ended)?;
        let (answer, pending) = oneshot::channel();
        match self.queue.try_send(Item { work, answer, _permits: (place, room) }) {
            Ok(()) => Ok(Pending(pending)),
            Err(mpsc::error::TrySendError::Full(_)) => Err(SubmitError::Full),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(SubmitError::Ended),
        }
    }

    /// Queues `work` and waits until it is durable.
    pub async fn submit(&self, work: E::Work) -> Result<E::Done, SubmitError> {
        self.enqueue(work).await?.done().await
    }
}

fn run<E: Engine>(mut engine: E, mut incoming: mpsc::Receiver<Item<E>>, course: &Course) {
    while let Some(first) = incoming.blocking_recv() {
        let batch = gather(first, &mut incoming);
        let (works, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|item| (item.work, (item.answer, item._permits))).unzip();
        match engine.commit(works) {
            Ok(done) => {
                course.committed.fetch_add(done.len() as u64, Ordering::Relaxed);
                course.failing.store(false, Ordering::Relaxed);
                for ((answer, _permits), result) in answers.into_iter().zip(done) {
                    let _ = answer.send(result.map_err(SubmitError::Refused));
                }
            }
            Err(error) => {
                course.failing.store(true, Ordering::Relaxed);
                tracing::error!(%error, "a batch was not committed");
                let error = Arc::new(error);
                for (answer, _permits) in answers {
                    let _ = answer.send(Err(SubmitError::Failed(Arc::clone(&error))));
                }
            }
        }
        engine.between();
    }
}

fn gather<E: Engine>(first: Item<E>, incoming: &mut mpsc::Receiver<Item<E>>) -> Vec<Item<E>> {
    let mut bytes = E::weight(&first.work);
    let mut batch = vec![first];
    while batch.len() < BATCH_WORKS && bytes < BATCH_BYTES {
        let Ok(item) = incoming.try_recv() else { break };
        bytes += E::weight(&item.work);
        batch.push(item);
    }
    batch
}
