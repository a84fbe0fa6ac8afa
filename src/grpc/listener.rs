//! Listeners: accept, up to so many connections, and serve each until it ends, is told to go, or is cut.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::service::Routes;

use crate::access::{Gate, Peer};
use crate::watch::{Metrics, RefusedConnection, task};

use super::connection;
use super::places::{Place, Places};
use super::transport::{self, Current, Ends};

/// One listener, before it serves.
pub struct Listening {
    /// The bound socket.
    pub listener: TcpListener,
    /// What is served on it: from [`super::router`].
    pub routes: Routes,
    /// How.
    pub transport: Current,
    /// Its places.
    pub places: Arc<Places>,
    /// When it ends.
    pub ends: Ends,
    /// Logs the handshakes that fail for want of an acceptable certificate.
    pub gate: Arc<Gate>,
    /// Where it counts what it turns away.
    pub metrics: Arc<Metrics>,
}

/// Serves until it is to stop, and returns when every connection is closed.
pub async fn listen(listening: Listening) {
    let (open, mut closed) = mpsc::channel::<()>(1);
    let stop = listening.ends.stop.clone();
    tokio::select! {
        () = stop.cancelled() => {}
        () = listening.accept_all(&open) => {}
    }
    drop((listening, open));
    // Nothing is ever sent: it ends with the last connection that holds the other end.
    closed.recv().await;
}

impl Listening {
    async fn accept_all(&self, open: &mpsc::Sender<()>) {
        let mut trouble = Trouble::default();
        loop {
            self.room().await;
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    trouble.over();
                    self.begin(stream, peer, open.clone());
                }
                Err(error) => {
                    self.metrics.connection_refused(RefusedConnection::System);
                    tokio::time::sleep(trouble.again(&error)).await;
                }
            }
        }
    }

    /// Waits until one more connection may be open, by what is in force then.
    async fn room(&self) {
        let mut settings = self.transport.clone();
        loop {
            let most = settings.borrow_and_update().max_connections;
            tokio::select! {
                () = self.places.below(most) => return,
                Ok(()) = settings.changed() => {}
            }
        }
    }

    /// Starts to serve a connection, unless its source has too many.
    fn begin(&self, stream: TcpStream, peer: SocketAddr, open: mpsc::Sender<()>) {
        let settings = transport::now(&self.transport);
        let Some(place) = self.places.take(peer.ip(), settings.max_connections_per_source) else {
            // It is closed without a word: an answer would need the handshake that its source has had often enough.
            self.metrics.connection_refused(RefusedConnection::Source);
            return;
        };
        let visit = Visit {
            peer,
            settings,
            routes: self.routes.clone(),
            ends: self.ends.clone(),
            gate: Arc::clone(&self.gate),
            metrics: Arc::clone(&self.metrics),
        };
        task::spawn("connection", async move {
            let _held: (Place, mpsc::Sender<()>) = (place, open);
            visit.serve(stream).await;
        });
    }
}

/// One connection, and what it takes to serve it.
struct Visit {
    peer: SocketAddr,
    settings: Arc<transport::Transport>,
    routes: Routes,
    ends: Ends,
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
}

impl Visit {
    async fn serve(self, stream: TcpStream) {
        let shaken = connection::shake(stream, &self.settings);
        let shaken = tokio::select! {
            () = self.ends.stop.cancelled() => return,
            shaken = tokio::time::timeout(self.settings.handshake_timeout, shaken) => shaken,
        };
        match shaken {
            Ok(Ok(io)) => {
                let peer = Peer { address: self.peer.ip(), certificate: io.certificate().map(Arc::new) };
                connection::serve(io, peer, self.routes, &self.settings, &self.ends).await;
            }
            Ok(Err(error)) => self.refused(Some(&error)).await,
            Err(_) => self.refused(None).await,
        }
    }

    /// Counts a handshake that failed, and logs it where the client's certificate was what failed.
    async fn refused(&self, error: Option<&io::Error>) {
        self.metrics.connection_refused(RefusedConnection::Handshake);
        let error = error.and_then(io::Error::get_ref).and_then(|error| error.downcast_ref::<rustls::Error>());
        if let Some(error) = error {
            self.gate.failed_handshake(self.peer.ip(), error).await;
        }
    }
}

/// What to do while the system accepts nothing, such as for want of file descriptors: wait, longer each time, so that what is
/// connected gets on and can end; and say so, now and then.
#[derive(Default)]
struct Trouble {
    pause: Option<Duration>,
    said: Option<Instant>,
}

impl Trouble {
    /// Notes an error, and returns how long to wait before trying again.
    fn again(&mut self, error: &io::Error) -> Duration {
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        if self.said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            self.said = Some(Instant::now());
            tracing::warn!(%error, "no connection can be accepted: trying again, slowly");
        }
        pause
    }

    /// Notes that a connection was accepted.
    fn over(&mut self) {
        if self.pause.take().is_some() && self.said.take().is_some() {
            tracing::info!("connections are accepted again");
        }
    }
}

/// How long to wait after the first refusal of the system, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often the log says that nothing is accepted.
const SAY_EVERY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn trouble_waits_longer_each_time_up_to_a_second() {
        let mut trouble = Trouble::default();
        let error = io::Error::from_raw_os_error(24);
        let pauses: Vec<_> = (0..8).map(|_| trouble.again(&error).as_millis()).collect();
        assert_eq!(pauses, [20, 40, 80, 160, 320, 640, 1_000, 1_000]);
        trouble.over();
        assert_eq!(trouble.again(&error), FIRST_PAUSE);
    }
}
