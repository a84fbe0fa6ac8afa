//! Starting tasks and threads: named, and never dying silently.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;

/// Starts a task on the current runtime. A panic in it is logged under `name`, then handed on to who joins it.
///
/// What the panic said is not logged: it may hold content. The panic hook has printed where it was.
///
/// # Panics
///
/// Outside a runtime.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(async move {
        AssertUnwindSafe(future).catch_unwind().await.unwrap_or_else(|panic| {
            tracing::error!(task = name, "a task panicked");
            resume_unwind(panic)
        })
    })
}

/// Starts a thread of its own. A panic in it is logged under `name`, then handed on to who joins it.
///
/// # Errors
///
/// When the thread cannot be started.
pub fn thread<T, F>(name: &'static str, work: F) -> io::Result<std::thread::JoinHandle<T>>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            tracing::error!(thread = name, "a thread panicked");
            resume_unwind(panic)
        })
    })
}

/// Makes a panic print where it was, and not what it said: the message of a panic may hold content.
///
/// Called once, by the commands that serve.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let (file, line) = panic.location().map_or(("unknown", 0), |at| (at.file(), at.line()));
        let thread = std::thread::current();
        tracing::error!(file, line, thread = thread.name().unwrap_or("unnamed"), "panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_reaches_who_joins() {
        let task = spawn("test-task", async { panic!("on purpose") });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(spawn("test-task", async { 7 }).await.unwrap(), 7);
    }

    #[test]
    fn threads_have_their_name() {
        let named = thread("test-thread", || std::thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(named.join().unwrap().as_deref(), Some("test-thread"));
        assert!(thread("test-thread", || panic!("on purpose")).unwrap().join().is_err());
    }
}
