//! Time: the only room that reads the system clock.
//!
//! Everything else is handed a [`Clock`], so that a test, or `subrosa dev --clock-file`, can move time.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Tells the vault's time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time, in milliseconds since the Unix epoch.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that a test sets by hand.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Returns a clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.unix_ms()))
    }

    /// Moves the clock to `to`, forwards or backwards.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.unix_ms(), Ordering::SeqCst);
    }

    /// Moves the clock forwards by `by`.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that a file moves: the file holds one RFC 3339 time, and from the moment it changes the vault's time is that
/// time, running on. Without the file, or while it cannot be parsed, it is the machine's clock (or the last good file).
///
/// For `subrosa dev` only. The file is looked at no more often than every 20 ms.
#[derive(Debug)]
pub struct FileClock {
    path: PathBuf,
    state: Mutex<FileState>,
}

#[derive(Debug)]
struct FileState {
    checked: Option<Instant>,
    content: String,
    offset_ms: i64,
}

const LOOK_EVERY: Duration = Duration::from_millis(20);

impl FileClock {
    /// Returns a clock moved by the file at `path`, which need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::new(FileState { checked: None, content: String::new(), offset_ms: 0 }) }
    }
}

impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        let system = SystemClock.now();
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.checked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            state.checked = Some(Instant::now());
            state.reread(&self.path, system);
        }
        Timestamp::from_unix_ms(system.unix_ms() + state.offset_ms)
    }
}

impl FileState {
    fn reread(&mut self, path: &std::path::Path, system: Timestamp) {
        let Ok(content) = std::fs::read_to_string(path) else { return };
        if content == self.content {
            return;
        }
        if let Ok(set) = content.trim().parse::<Timestamp>() {
            self.offset_ms = set.unix_ms() - system.unix_ms();
            self.content = content;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_moves_the_clock_and_rubbish_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock");
        let clock = FileClock::new(path.clone());
        assert!((clock.now().unix_ms() - SystemClock.now().unix_ms()).abs() < 1000);
        std::fs::write(&path, "2031-05-06T07:08:09Z\n").unwrap();
        std::thread::sleep(LOOK_EVERY * 2);
        assert!(clock.now().to_string().starts_with("2031-05-06T07:08:"));
        std::fs::write(&path, "later").unwrap();
        std::thread::sleep(LOOK_EVERY * 2);
        assert!(clock.now().to_string().starts_with("2031-05-06T07:08:"));
    }
}
