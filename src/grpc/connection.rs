//! One connection: its handshake, its HTTP/2, its end.
//!
//! It is served by hyper itself. tonic's own server honours `grpc-timeout` outside every layer and answers it with another
//! code, and gives up neither silent connections nor open streams when it shuts down.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt as _;

use crate::access::{ClientCertificate, Peer};

use super::bounds::STREAM_WINDOW;
use super::header_watch::HeaderWatch;
use super::transport::{Ends, Transport};

/// What bytes come over.
pub(super) enum Io {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Io {
    /// Returns the certificate that the client showed.
    pub(super) fn certificate(&self) -> Option<ClientCertificate> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.get_ref().1.peer_certificates().map(ClientCertificate::new),
        }
    }
}

/// Shakes hands. From here on, the client may take nothing of what it is sent for twice the time in which it would be found
/// to be silent.
pub(super) async fn shake(stream: TcpStream, settings: &Transport) -> io::Result<Io> {
    stream.set_nodelay(true)?;
    let socket = Socket { stream, patience: settings.keepalive.saturating_mul(2), stuck: None };
    match settings.tls.clone() {
        None => Ok(Io::Plain(socket)),
        Some(config) => Ok(Io::Tls(Box::new(TlsAcceptor::from(config).accept(socket).await?))),
    }
}

/// Serves a connection to its end. Once the listener is to stop, the client is told to go (GOAWAY) and what is under way may
/// finish; once it is cut, reading and writing fail, and that ends it with every stream on it.
pub(super) async fn serve(io: Io, peer: Peer, routes: Routes, settings: &Transport, ends: &Ends) {
    let service = TowerToHyperService::new(routes.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        request.map(Body::new)
    }));
    let io = TokioIo::new(Watched::new(io, settings.header_timeout, ends));
    let mut connection = std::pin::pin!(protocol(settings).serve_connection(io, service));
    // What goes wrong on a connection is the client's business: its calls are answered, or cut off.
    tokio::select! {
        _ = &mut connection => {}
        () = ends.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Returns what speaks HTTP/2, with every bound that it has.
fn protocol(settings: &Transport) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.concurrent_calls)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(STREAM_WINDOW.saturating_mul(settings.concurrent_calls).min(LARGEST_WINDOW))
        .max_frame_size(MAX_FRAME)
        .max_header_list_size(MAX_HEADERS)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .keep_alive_interval(settings.keepalive)
        .keep_alive_timeout(settings.keepalive);
    builder
}

/// The largest window that HTTP/2 has, RFC 9113 section 6.9.1.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// Bytes of answers that wait on one stream for a client that is slow to take them.
const SEND_BUFFER: usize = 256 * 1024;
/// The least that RFC 9113 section 6.5.2 allows: a larger frame saves nothing.
const MAX_FRAME: u32 = 16 * 1024;
/// Bytes of the headers of one call, as RFC 9113 section 6.5.2 counts them: a credential and what gRPC needs are under 1 KiB.
const MAX_HEADERS: u32 = 16 * 1024;
/// Streams that were reset, by either side, and that nobody has taken note of yet; beyond it the client is told to go
/// (CVE-2023-44487, CVE-2025-8671).
const MAX_RESETS: usize = 64;

/// A socket that a client has to empty: HTTP/2 neither reads nor notes that its own questions go unanswered while what it has
/// to say does not fit.
pub(super) struct Socket {
    stream: TcpStream,
    patience: Duration,
    /// Runs while the socket takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    /// Starts or stops the clock by how a write went, and fails it once the client has had its time.
    fn wrote(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.stuck = None;
            return wrote;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.patience)));
        stuck.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // Neither waits for the client: what was written is the system's.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Bytes that come and go, as long as the client keeps to its times and nobody cuts the connection.
///
/// A client that takes nothing would else keep its streams, and through them the stores, open for as long as it likes.
struct Watched {
    io: Io,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    headers: HeaderWatch,
    header_timeout: Duration,
    /// Runs while the client owes the rest of something short, and what that is.
    overdue: Option<(u64, Pin<Box<Sleep>>)>,
}

impl Watched {
    fn new(io: Io, header_timeout: Duration, ends: &Ends) -> Self {
        // A token of its own, so that connections do not wait for each other at one lock.
        let cut = Box::pin(ends.cut.child_token().cancelled_owned());
        let mut watched = Self { io, cut, headers: HeaderWatch::new(), header_timeout, overdue: None };
        watched.note(&[]);
        watched
    }

    /// Fails once the connection is cut. Asked before each act: HTTP/2 may do nothing but try to write.
    fn check_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.cut.as_mut().poll(cx).is_ready() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Takes note of what has come, and starts or stops the clock. What is owed is owed within the time from the moment it
    /// was begun: bytes that come now and then win none.
    fn note(&mut self, came: &[u8]) {
        self.headers.advance(came);
        match (self.headers.owes(), &self.overdue) {
            (None, _) => self.overdue = None,
            (Some(owed), Some((same, _))) if owed == *same => {}
            (Some(owed), _) => self.overdue = Some((owed, Box::pin(tokio::time::sleep(self.header_timeout)))),
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check_cut(cx)?;
        let before = buf.filled().len();
        let read = match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        };
        if read.is_ready() {
            self.note(&buf.filled()[before..]);
        }
        if self.overdue.as_mut().is_some_and(|(_, overdue)| overdue.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check_cut(cx)?;
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_cut(cx)?;
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_cut(cx)?;
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_cut(cx)?;
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
