//! How many files and connections the system lets this process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// Files that are open beside connections: databases and their logs, listeners, what the runtime needs.
const OTHERS: u64 = 128;

/// Raises the limit as far as the system allows, and says so when that is less than the configured connections need.
pub(super) fn raise_limit(config: &Config) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // What is refused here is told below, by what it comes to.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    let needed = config.server.max_connections.get() * LISTENERS + config.storage.readers.get() * 8 + OTHERS;
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < needed) {
        tracing::warn!(limit, needed, "fewer files may be open than server.max_connections needs: raise LimitNOFILE");
    }
}

/// gRPC listeners.
const LISTENERS: u64 = 3;
