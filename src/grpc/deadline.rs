//! Deadlines: a call ends when its client no longer waits for it, or when it has taken as long as any call may.
//!
//! The client's `grpc-timeout` (gRPC over HTTP/2, "Requests") is honoured up to a bound of the configuration, which is also
//! the time that a call has whose client names none. What an act had begun goes on to its end: the client learns what
//! became of it by sending its `request_id` again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::time::{Instant, Sleep};
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::access::{Rule, rule_for};
use crate::domain::{Error, Reason};
use crate::watch::{Metrics, task};

use super::status::to_status;
use super::transport::{self, Current};

/// The header with the client's deadline.
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Puts [`Deadlined`] around a service.
#[derive(Clone)]
pub(super) struct DeadlineLayer {
    transport: Current,
    metrics: Arc<Metrics>,
    streams: Arc<BTreeSet<String>>,
}

/// A service whose answers come, and end, before their deadline.
#[derive(Clone)]
pub(super) struct Deadlined<S> {
    inner: S,
    layer: DeadlineLayer,
}

impl DeadlineLayer {
    /// Returns the layer with the bounds of `transport`.
    pub(super) fn new(transport: Current, metrics: Arc<Metrics>) -> Self {
        Self { transport, metrics, streams: Arc::new(streaming_methods()) }
    }

    /// Returns how long a call may take. A deadline that is none is refused when the caller has been admitted.
    fn allowed<B>(&self, request: &Request<B>) -> Duration {
        let settings = transport::now(&self.transport);
        let streams = self.streams.contains(request.uri().path());
        let longest = if streams { settings.stream_deadline } else { settings.call_deadline };
        asked(request.headers()).ok().flatten().map_or(longest, |asked| asked.min(longest))
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadlined<S>;

    fn layer(&self, inner: S) -> Deadlined<S> {
        Deadlined { inner, layer: self.clone() }
    }
}

impl<S, B, R> Service<Request<B>> for Deadlined<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    S::Future: Send + 'static,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let until = Instant::now() + self.layer.allowed(&request);
        let method = rule_for(request.uri().path()).map_or("unknown", Rule::operation);
        let metrics = Arc::clone(&self.layer.metrics);
        let answer = self.inner.call(request);
        Box::pin(async move {
            match tokio::time::timeout_at(until, answer).await {
                Ok(Ok(response)) => Ok(response.map(|body| Cut::at(until, body))),
                Ok(Err(never)) => match never {},
                Err(_) => {
                    metrics.called(method, "DeadlineExceeded");
                    Ok(exceeded().into_http())
                }
            }
        })
    }
}

/// A body that ends at its deadline: with DEADLINE_EXCEEDED, where it has not ended by itself.
///
/// The transport does not poll a body while its client takes nothing, so a task of its own drops it then: with it goes what makes
/// the answer, and what that holds.
struct Cut<B> {
    body: Slot<B>,
    deadline: Pin<Box<Sleep>>,
    ended: bool,
    _dropped_in_time: AbortOnDropHandle<()>,
}

type Slot<B> = Arc<Mutex<Option<Pin<Box<B>>>>>;

fn locked<B>(slot: &Slot<B>) -> MutexGuard<'_, Option<Pin<Box<B>>>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B: HttpBody<Data = Bytes> + Send + 'static> Cut<B> {
    /// Returns `body` with an end at `until`; what has ended already goes as it is.
    fn at(until: Instant, body: B) -> Body
    where
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if body.is_end_stream() {
            return Body::new(body);
        }
        let slot: Slot<B> = Arc::new(Mutex::new(Some(Box::pin(body))));
        let in_time = Arc::clone(&slot);
        let dropping = task::spawn("deadline", async move {
            tokio::time::sleep_until(until).await;
            drop(locked(&in_time).take());
        });
        let deadline = Box::pin(tokio::time::sleep_until(until));
        Body::new(Self { body: slot, deadline, ended: false, _dropped_in_time: AbortOnDropHandle::new(dropping) })
    }
}

impl<B: HttpBody<Data = Bytes>> HttpBody for Cut<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // First, and by the clock: a body that always has more would never get to it, nor let the timer run.
        let over = self.deadline.deadline() <= Instant::now() || self.deadline.as_mut().poll(cx).is_ready();
        if let (false, Some(body)) = (over, locked(&self.body).as_mut()) {
            return body.as_mut().poll_frame(cx);
        }
        self.ended = true;
        drop(locked(&self.body).take());
        let mut trailers = HeaderMap::new();
        Poll::Ready(exceeded().add_header(&mut trailers).ok().map(|()| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || locked(&self.body).as_ref().is_some_and(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        locked(&self.body).as_ref().map_or_else(SizeHint::default, |body| body.size_hint())
    }
}

fn exceeded() -> Status {
    to_status(&Error::new(Reason::DeadlineExceeded))
}

/// Returns the deadline that the headers ask for, or why they cannot.
pub(super) fn asked(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else { return Ok(None) };
    let asked = value.to_str().ok().and_then(parse_timeout);
    asked.map(Some).ok_or_else(|| Error::invalid(GRPC_TIMEOUT, "up to 8 digits and a unit of time"))
}

/// Reads a `grpc-timeout`: one to eight digits and a unit (H, M, S, m, u, n).
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Returns the paths that answer with a stream: those of the protocol, and the streams that tonic brings.
fn streaming_methods() -> BTreeSet<String> {
    let sets = [subrosa_proto::FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let files = sets.iter().flat_map(|set| FileDescriptorSet::decode(*set).unwrap_or_default().file);
    let mut paths: BTreeSet<String> = files
        .flat_map(|file| {
            let package = file.package().to_owned();
            file.service.into_iter().flat_map(move |service| {
                let prefix = format!("/{package}.{}/", service.name());
                let streaming = service.method.into_iter().filter(|method| method.server_streaming());
                streaming.map(move |method| format!("{prefix}{}", method.name())).collect::<Vec<_>>()
            })
        })
        .collect();
    for version in ["v1", "v1alpha"] {
        paths.insert(format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_those_of_the_specification() {
        for (text, wanted) in [
            ("1H", Duration::from_secs(3_600)),
            ("2M", Duration::from_secs(120)),
            ("00000003S", Duration::from_secs(3)),
            ("99999999m", Duration::from_millis(99_999_999)),
            ("5u", Duration::from_micros(5)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(parse_timeout(text), Some(wanted), "{text}");
        }
        for wrong in ["", "S", "1", "123456789S", "-1S", "+1S", "1.5S", " 1S", "1 S", "1s", "1h", "1\u{e9}", "\u{e9}"] {
            assert_eq!(parse_timeout(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn streams_are_known_from_the_protocol() {
        let streams = streaming_methods();
        for path in [
            "/subrosa.v1.IngestService/Ingest",
            "/subrosa.v1.ConversationService/ReadConversation",
            "/grpc.health.v1.Health/Watch",
        ] {
            assert!(streams.contains(path), "{path}");
        }
        assert!(!streams.contains("/subrosa.v1.IngestService/AppendRecords"));
        assert!(!streams.contains("/grpc.health.v1.Health/Check"));
    }

    async fn ended(body: impl HttpBody<Data = Bytes, Error = Infallible> + Send + 'static) {
        let until = Instant::now() + Duration::from_millis(20);
        let collected = http_body_util::BodyExt::collect(Cut::at(until, body)).await.unwrap();
        let status = Status::from_header_map(collected.trailers().unwrap()).unwrap();
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
        assert!(Instant::now() >= until);
    }

    #[tokio::test]
    async fn a_body_that_nobody_polls_is_dropped_at_its_deadline() {
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let pending = futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let holding = futures_util::StreamExt::map(pending, move |frame| {
            let _ = &held;
            frame
        });
        let until = Instant::now() + Duration::from_millis(20);
        let _unpolled = Cut::at(until, http_body_util::StreamBody::new(holding));
        assert!(tokio::time::timeout(Duration::from_secs(30), dropped).await.unwrap().is_err(), "it was sent");
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_ended() {
        ended(http_body_util::StreamBody::new(futures_util::stream::pending())).await;
        let always = futures_util::stream::repeat_with(|| Ok(Frame::data(Bytes::new())));
        ended(http_body_util::StreamBody::new(always)).await;
    }
}
