//! The end of the process when durability can no longer be known.

/// Ends the process: after a failed fsync the kernel may have dropped what it could not write, and neither trying again nor
/// reading back can tell (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). The restart reads
/// only what is on the disk.
pub fn end(what: &str, error: &dyn std::fmt::Display) -> ! {
    tracing::error!(what, %error, "durability is unknown: the process ends, restart it");
    std::process::abort();
}
