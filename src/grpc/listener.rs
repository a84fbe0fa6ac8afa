//! Listeners: accept, shake hands, count, hand over to tonic, and drain.
//!
//! tonic's own acceptor gives up neither silent connections nor open streams when it shuts down, so this one has a deadline of
//! its own, a limit on connections, and a limit on the time a handshake may take.

use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

use crate::access::{ClientCertificate, Gate, Peer};
use crate::watch::task;

/// How long a client may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a client may take for its first byte after the handshake.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// How long to wait after the system refused to accept a connection, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that are ready and not yet taken over.
const READY: usize = 64;

/// When a listener gives up.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// From here on nothing is accepted, and who has not shaken hands is let go.
    pub stop: CancellationToken,
    /// From here on every connection is at its end, whatever is under way on it.
    pub cut: CancellationToken,
}

/// What connections are shaken hands with: none for plain text. What is put in its place is for connections to come.
pub type Tls = Option<watch::Receiver<TlsAcceptor>>;

/// Accepts on `listener` until it is to stop, and returns the connections that are ready to be served. `gate` logs the
/// handshakes that fail for want of an acceptable certificate.
pub fn accept(
    listener: TcpListener,
    tls: Tls,
    gate: Arc<Gate>,
    places: Arc<Semaphore>,
    ends: Ends,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, connections) = mpsc::channel(READY);
    task::spawn("accept", async move {
        let stop = ends.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = accept_all(listener, tls, gate, places, ready, ends) => {}
        }
    });
    ReceiverStream::new(connections)
}

async fn accept_all(
    listener: TcpListener,
    tls: Tls,
    gate: Arc<Gate>,
    places: Arc<Semaphore>,
    ready: mpsc::Sender<io::Result<Connection>>,
    ends: Ends,
) {
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let tls = tls.as_ref().map(|tls| tls.borrow().clone());
                let (gate, ready, ends) = (Arc::clone(&gate), ready.clone(), ends.clone());
                task::spawn("handshake", async move {
                    let shaken = tokio::time::timeout(HANDSHAKE, shake(stream, peer, tls, place, &ends.cut));
                    let shaken = tokio::select! {
                        () = ends.stop.cancelled() => return,
                        shaken = shaken => shaken,
                    };
                    match shaken {
                        Ok(Ok(connection)) => drop(ready.send(Ok(connection)).await),
                        Ok(Err(error)) => refused(&gate, peer, &error).await,
                        Err(_) => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn shake(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    place: OwnedSemaphorePermit,
    cut: &CancellationToken,
) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    let io = match tls {
        None => Io::Plain(stream),
        Some(acceptor) => Io::Tls(Box::new(acceptor.accept(stream).await?)),
    };
    // A token of its own, so that connections do not wait for each other at one lock.
    let cut = Box::pin(cut.child_token().cancelled_owned());
    let silence = Some(Box::pin(tokio::time::sleep(FIRST_BYTE)));
    let peer = Peer { address: peer.ip(), certificate: io.certificate().map(Arc::new) };
    Ok(Connection { io, peer, cut, silence, _place: place })
}

/// Logs a handshake that failed, where the client's certificate was what failed.
async fn refused(gate: &Gate, peer: SocketAddr, error: &io::Error) {
    if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        gate.failed_handshake(peer.ip(), error).await;
    }
}

/// An accepted connection; it gives its place back when it is dropped.
///
/// When it is cut, reading from it fails: that ends what serves it, with every stream on it. A client that takes nothing
/// would else keep its streams, and through them the stores, open for as long as it likes.
pub struct Connection {
    io: Io,
    peer: Peer,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Runs until the first byte has come: who says nothing gives its place back.
    silence: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl Io {
    /// Returns the certificate that the client showed.
    fn certificate(&self) -> Option<ClientCertificate> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.get_ref().1.peer_certificates().map(ClientCertificate::new),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buf.filled().len();
        let read = match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        };
        if buf.filled().len() > before {
            self.silence = None;
        } else if self.silence.as_mut().is_some_and(|silence| silence.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
