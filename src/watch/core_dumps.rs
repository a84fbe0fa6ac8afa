//! Core dumps: a copy of the whole memory in a file, keys and all, when a process crashes.

use std::io;

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Forbids them for this process and those it starts: the size of a core file is limited to nothing, and on Linux the
/// process is marked as not to be dumped, which a handler in `core_pattern` heeds too and which keeps other processes of the same user
/// from attaching to it.
///
/// # Errors
///
/// When the system refuses; then nobody should be shown a key.
pub fn forbid() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Tells whether a crash may leave one.
pub fn are_possible() -> bool {
    #[cfg(target_os = "linux")]
    if matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable)) {
        return false;
    }
    getrlimit(Resource::Core).current != Some(0)
}
