//! How listeners treat connections and calls, and when they end. Replaced as a whole when the configuration is read again: what is open keeps
//! what it began with, the next connection and the next call get the new.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The settings of all listeners.
#[derive(Debug, Clone)]
pub struct Transport {
    /// What shakes hands; none is plain text.
    pub tls: Option<Arc<ServerConfig>>,
    /// How long a client may take for its TLS handshake.
    pub handshake_timeout: Duration,
    /// How long a client may leave a block of headers unfinished, or say nothing at the beginning.
    pub header_timeout: Duration,
    /// How often a silent connection is asked whether it is still there, and how long it may take to answer.
    pub keepalive: Duration,
    /// Most open connections of one listener.
    pub max_connections: usize,
    /// Most open connections of one listener from one source: an IPv4 address, or a /64 of IPv6.
    pub max_connections_per_source: usize,
    /// Most calls at once on one connection.
    pub concurrent_calls: u32,
    /// The longest that a call with one answer may take, and the time it has when the client names none.
    pub call_deadline: Duration,
    /// The same for a call that answers with a stream.
    pub stream_deadline: Duration,
}

/// When a listener gives up.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// From here on nothing is accepted, who has not shaken hands is let go, and who is connected is told to go.
    pub stop: CancellationToken,
    /// From here on every connection is at its end, whatever is under way on it.
    pub cut: CancellationToken,
}

/// The settings in force.
pub type Current = watch::Receiver<Arc<Transport>>;

/// Returns the settings in force now.
pub(super) fn now(current: &Current) -> Arc<Transport> {
    Arc::clone(&current.borrow())
}
