//! `/metrics` and `/healthz` over HTTP/1.1.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::watch::{METRICS_CONTENT_TYPE, Metrics, task};

/// Tells why the vault does not serve, as `/healthz` answers: 503 with the store and the reason, or 200 when nothing is told.
pub type Health = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Most open connections: a monitor needs one.
const MAX_CONNECTIONS: usize = 32;
/// How long a client may take to send its request, and how long a connection stays at all.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait after the system refused to accept a connection, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `/metrics` and `/healthz` until `stop`.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, health: Health, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = serve_one(stream, Arc::clone(&metrics), Arc::clone(&health), stop.clone());
                task::spawn("metrics-connection", async move {
                    let _place = place;
                    connection.await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the metrics listener cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_one(stream: TcpStream, metrics: Arc<Metrics>, health: Health, stop: CancellationToken) {
    let answer_one = service_fn(move |request: Request<Incoming>| {
        let response = answer(request.method(), request.uri().path(), &metrics, &health);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), answer_one);
    tokio::select! {
        () = stop.cancelled() => {}
        // What went wrong on a monitor's connection is the monitor's business.
        _ = tokio::time::timeout(CONNECTION_TIMEOUT, connection) => {}
    }
}

fn answer(method: &Method, path: &str, metrics: &Metrics, health: &Health) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
    }
    match path {
        "/metrics" => response(StatusCode::OK, METRICS_CONTENT_TYPE, metrics.render()),
        "/healthz" => match health() {
            None => plain(StatusCode::OK, "SERVING\n"),
            Some(why) => {
                plain(StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", format!("NOT_SERVING {why}").trim_end()))
            }
        },
        _ => plain(StatusCode::NOT_FOUND, "/metrics or /healthz\n"),
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", text)
}

fn response(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn metrics_and_health_are_told_and_nothing_else() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (metrics, up, stop) = (Arc::new(Metrics::new()), Arc::new(AtomicBool::new(true)), CancellationToken::new());
        metrics.read(5);
        let seen = Arc::clone(&up);
        let health: Health = Arc::new(move || (!seen.load(Ordering::SeqCst)).then(|| "keys DISK_FULL".to_owned()));
        let server = task::spawn("metrics", serve(listener, metrics, health, stop.clone()));

        let page = ask(address, "GET /metrics HTTP/1.1").await;
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(page.contains("\nsubrosa_records_read_total 5\n"), "{page}");
        assert!(ask(address, "GET /healthz HTTP/1.1").await.starts_with("HTTP/1.1 200"));
        up.store(false, Ordering::SeqCst);
        let down = ask(address, "GET /healthz HTTP/1.1").await;
        assert!(down.starts_with("HTTP/1.1 503") && down.ends_with("\r\nNOT_SERVING keys DISK_FULL\n"), "{down}");
        assert!(ask(address, "GET / HTTP/1.1").await.starts_with("HTTP/1.1 404"));
        assert!(ask(address, "POST /metrics HTTP/1.1").await.starts_with("HTTP/1.1 405"));

        stop.cancel();
        server.await.unwrap();
    }
}
