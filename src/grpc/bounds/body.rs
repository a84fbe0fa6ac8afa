//! A request's body, held to the bounds of its method: each message is measured by the length that it announces, before a byte
//! of it is buffered, and is let in when the budget has room for it.
//!
//! Messages come behind a prefix of five bytes: whether they are compressed, and their length, big-endian
//! ([gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use tonic::{Code, Status};

use crate::domain::{Error, MAX_BATCH_RECORDS, Reason, Result};
use crate::grpc::layer::undecodable;
use crate::grpc::status::{message_too_large, to_status, with_code};

use super::budget::{Account, Charge, Held, in_time};
use super::fields::Fields;
use super::table::{Bounds, Layout};

/// The bytes in front of each message.
const PREFIX: usize = 5;
/// Fields of a batch beside its records.
const WORDS: u32 = 24;
/// The most fields of all records of a batch: a thousand records with sixty-four pairs each, and then some.
const MOST_INNER: u32 = 100_000;
/// About how many bytes a record, and any other field, takes when it is decoded, beside its content.
const RECORD_BYTES: usize = 512;
const FIELD_BYTES: usize = 128;

type Waiting = Pin<Box<dyn Future<Output = Result<Charge>> + Send>>;

/// A body that yields no message over its bounds, and none before there is room for it.
pub struct Bounded<B> {
    inner: B,
    bounds: Bounds,
    account: Account,
    held: Arc<Held>,
    /// Bytes that came and were not let through.
    data: Bytes,
    /// Bytes of the message under way that are still to come.
    left: usize,
    fields: Option<Fields>,
    weight: usize,
    begun: u64,
    waiting: Option<Waiting>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<B> Bounded<B> {
    /// Returns `inner` within `bounds`, with the room of `account` kept in `held`.
    pub(in crate::grpc) fn new(inner: B, bounds: Bounds, account: Account, held: Arc<Held>) -> Self {
        let (data, fields, waiting, stalled) = (Bytes::new(), None, None, None);
        Self { inner, bounds, account, held, data, left: 0, fields, weight: 0, begun: 0, waiting, stalled }
    }

    /// Goes over the bytes that came, and returns how many of them may be let through now.
    fn measure(&mut self) -> Result<usize, Status> {
        let mut at = 0;
        while self.waiting.is_none() {
            if self.left > 0 {
                let taken = self.left.min(self.data.len() - at);
                self.count(at, taken)?;
                at += taken;
                self.left -= taken;
                if self.left > 0 {
                    break;
                }
                self.end_message()?;
                continue;
            }
            let Some(prefix) = self.data[at..].first_chunk::<PREFIX>() else { break };
            let length = self.begin_message(*prefix)?;
            self.left = length;
            if self.waiting.is_none() {
                at += PREFIX;
            }
        }
        Ok(at)
    }

    /// Checks what a prefix announces, and takes room for it or begins to wait for some.
    fn begin_message(&mut self, prefix: [u8; PREFIX]) -> Result<usize, Status> {
        let [compressed, length @ ..] = prefix;
        if compressed != 0 {
            // A compression would have been announced in a header, and refused there.
            return Err(undecodable());
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > self.bounds.message {
            return Err(message_too_large(self.bounds.message));
        }
        self.begun += 1;
        if self.begun > 1 && self.bounds.unary() {
            return Err(to_status(&Error::new(Reason::InvalidField).hint("the method takes one message")));
        }
        if matches!(self.bounds.layout, Layout::Talk) {
            // The one before has been answered.
            self.held.done();
        }
        self.fields = self.bounds.node().map(|node| Fields::new(node, length));
        self.weight = self.bounds.weight(length);
        match self.account.messages.try_take(self.weight) {
            Some(charge) => self.held.keep(charge),
            None => {
                let room = self.account.messages.clone().take(self.weight);
                self.waiting = Some(Box::pin(in_time(self.bounds.patience, room)));
            }
        }
        Ok(length)
    }

    /// Counts the fields of the message under way in `length` bytes that came.
    fn count(&mut self, at: usize, length: usize) -> Result<(), Status> {
        let Some(fields) = &mut self.fields else { return Ok(()) };
        fields.feed(&self.data[at..at + length]).map_err(|_| undecodable())?;
        if fields.outer() > MAX_BATCH_RECORDS as u32 + WORDS {
            let error = Error::new(Reason::BatchTooLarge).at(self.bounds.many).limit(MAX_BATCH_RECORDS as u64);
            return Err(to_status(&error));
        }
        if fields.inner() > MOST_INNER {
            let hint = "the message has more fields than the limit";
            let error = Error::new(Reason::BatchTooLarge).hint(hint).limit(u64::from(MOST_INNER));
            return Err(with_code(Code::ResourceExhausted, &error));
        }
        Ok(())
    }

    /// Takes more room for a message that becomes larger than its length says.
    fn end_message(&mut self) -> Result<(), Status> {
        self.restart();
        let Some(fields) = self.fields.take() else { return Ok(()) };
        let decoded = fields.outer() as usize * RECORD_BYTES + fields.inner() as usize * FIELD_BYTES;
        if decoded > self.weight {
            let more = self.account.messages.try_take(decoded - self.weight);
            self.held.add(more.ok_or_else(|| to_status(&Reason::Overloaded.into()))?);
        }
        Ok(())
    }

    /// Waits for room, if that is what is missing.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(Ok(())) };
        let charge = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        self.restart();
        self.held.keep(charge.map_err(|error| to_status(&error))?);
        // The prefix may pass now; what is behind it is measured next.
        Poll::Ready(Ok(()))
    }

    /// Starts the clock of what is to come in: of a request that is one message at once, and it goes on until the end of the body;
    /// of a stream with each message, which may be as far apart as the client likes.
    fn clock(&mut self) -> Option<&mut Pin<Box<Sleep>>> {
        if self.left == 0 && self.data.is_empty() && !self.bounds.unary() {
            return None;
        }
        let slowest = self.bounds.slowest;
        Some(self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(slowest))))
    }

    /// Stops the clock of a stream until there is something more to wait for.
    fn restart(&mut self) {
        if !self.bounds.unary() {
            self.stalled = None;
        }
    }

    /// Ends a request, or a message of a stream, that has begun and does not come to its end.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        let Some(stalled) = self.clock() else { return Poll::Pending };
        stalled.as_mut().poll(cx).map(|()| to_status(&Reason::DeadlineExceeded.into()))
    }
}

impl<B> Body for Bounded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Data = Bytes;
    type Error = tonic::codegen::StdError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        loop {
            let waited = this.waiting.is_some();
            ready!(this.poll_room(cx))?;
            if waited {
                let prefix = this.data.split_to(PREFIX);
                if this.left == 0 {
                    this.end_message()?;
                }
                return Poll::Ready(Some(Ok(Frame::data(prefix))));
            }
            let passing = this.measure()?;
            if passing > 0 {
                return Poll::Ready(Some(Ok(Frame::data(this.data.split_to(passing)))));
            }
            if this.waiting.is_some() {
                continue;
            }
            let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
                return this.poll_stalled(cx).map(|status| Some(Err(status.into())));
            };
            match frame {
                None if this.data.is_empty() => return Poll::Ready(None),
                // Half a prefix: the decoder says what that is.
                None => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.data))))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.data = joined(std::mem::take(&mut this.data), data),
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.waiting.is_none() && self.inner.is_end_stream()
    }
}

/// Returns what is left of the bytes before with the bytes behind it.
fn joined(before: Bytes, data: Bytes) -> Bytes {
    if before.is_empty() {
        return data;
    }
    let mut both = BytesMut::with_capacity(before.len() + data.len());
    both.extend_from_slice(&before);
    both.extend_from_slice(&data);
    both.freeze()
}

/// An answer's body, which keeps the place of its call until it has been sent or given up.
pub struct Charged<R> {
    inner: R,
    _held: Option<Arc<Held>>,
}

impl<R> Charged<R> {
    /// Returns `inner` with the place that it keeps.
    pub(in crate::grpc) fn new(inner: R, held: Option<Arc<Held>>) -> Self {
        Self { inner, _held: held }
    }
}

impl<R: Body + Unpin> Body for Charged<R> {
    type Data = R::Data;
    type Error = R::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<R::Data>, R::Error>>> {
        Pin::new(&mut self.get_mut().inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};

    use super::super::budget::Budget;
    use super::super::table::{bounds, open_bounds};
    use super::*;
    use crate::access::Permission as P;

    const SOON: Duration = Duration::from_millis(20);
    const HANG: Duration = Duration::from_secs(20);

    /// A request of which these bytes come, and no end.
    async fn sent(
        account: &Account,
        bounds: Bounds,
        bytes: &[u8],
    ) -> (impl Body<Data = Bytes, Error = tonic::codegen::StdError> + Unpin, Arc<Held>) {
        let held = account.begin(bounds.answer).await.unwrap();
        let frames: Vec<Result<_, tonic::codegen::StdError>> = vec![Ok(Frame::data(Bytes::copy_from_slice(bytes)))];
        let inner = StreamBody::new(stream::iter(frames).chain(stream::pending()));
        (Bounded::new(inner, bounds, account.clone(), Arc::clone(&held)), held)
    }

    /// Takes what comes until there is an error, and returns its code; none at the end.
    async fn ends<B: Body<Error = tonic::codegen::StdError> + Unpin>(mut body: B) -> Option<Code> {
        while let Some(frame) = body.frame().await {
            if let Err(error) = frame {
                return Some(error.downcast_ref::<Status>().unwrap().code());
            }
        }
        None
    }

    #[tokio::test]
    async fn a_request_that_does_not_end_is_ended_wherever_it_stops() {
        let budget = Budget::new(Budget::LEAST);
        for method in [P::ReadConversation, P::AppendRecords, P::RevokeApiKey] {
            let bounds = Bounds { slowest: SOON, ..bounds(method) };
            let account = budget.account("a", &bounds);
            for bytes in [&b""[..], b"\0\0", b"\0\0\0\0\0", b"\0\0\0\0\x02\x0a", b"\0\0\0\0\x02\x0a\0"] {
                let (body, _held) = sent(&account, bounds, bytes).await;
                let end = tokio::time::timeout(HANG, ends(body)).await;
                assert_eq!(end, Ok(Some(Code::DeadlineExceeded)), "{method:?}, {bytes:?}");
            }
        }
    }

    #[tokio::test]
    async fn messages_of_a_stream_may_be_far_apart_but_not_their_bytes() {
        let budget = Budget::new(Budget::LEAST);
        let bounds = Bounds { slowest: SOON, ..bounds(P::Ingest) };
        let account = budget.account("a", &bounds);
        for apart in [&b""[..], b"\0\0\0\0\0", b"\0\0\0\0\x02\x0a\0"] {
            let (body, _held) = sent(&account, bounds, apart).await;
            assert!(tokio::time::timeout(SOON * 5, ends(body)).await.is_err(), "{apart:?}");
        }
        for half in [&b"\0\0"[..], b"\0\0\0\0\x02\x0a", b"\0\0\0\0\0\0"] {
            let (body, _held) = sent(&account, bounds, half).await;
            let end = tokio::time::timeout(HANG, ends(body)).await;
            assert_eq!(end, Ok(Some(Code::DeadlineExceeded)), "{half:?}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_finds_no_room_for_its_next_message_is_told() {
        let budget = Budget::new(Budget::LEAST);
        let bounds = Bounds { patience: SOON, ..bounds(P::Ingest) };
        let account = budget.account("a", &bounds);
        let _all: Vec<_> = (0..26).rev().filter_map(|bit| account.messages.try_take(1 << bit)).collect();
        let (body, _held) = sent(&account, bounds, b"\0\0\0\0\x02\x0a\0").await;
        let end = tokio::time::timeout(HANG, ends(body)).await;
        assert_eq!(end, Ok(Some(Code::ResourceExhausted)));
    }

    #[tokio::test]
    async fn who_talks_to_reflection_holds_one_message_at_a_time() {
        let budget = Budget::new(Budget::LEAST);
        let bounds = open_bounds("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
        let account = budget.open_account("192.0.2.1", &bounds);
        let many = [&[0, 0, 0, 2, 0][..], &[0; 512]].concat().repeat(10_000);
        let (mut body, _held) = sent(&account, bounds, &many).await;
        let mut passed = 0;
        while let Some(frame) = body.frame().now_or_never() {
            passed += frame.unwrap().unwrap().data_ref().unwrap().len();
        }
        assert_eq!(passed, many.len());
    }

    #[tokio::test]
    async fn each_message_of_a_stream_has_a_clock_of_its_own() {
        let budget = Budget::new(Budget::LEAST);
        let slowest = Duration::from_secs(1);
        let bounds = Bounds { slowest, ..bounds(P::Ingest) };
        let account = budget.account("a", &bounds);
        let held = account.begin(bounds.answer).await.unwrap();
        let chunk = |(after, bytes)| async move {
            tokio::time::sleep(after).await;
            Ok::<_, tonic::codegen::StdError>(Frame::data(Bytes::from_static(bytes)))
        };
        // Two messages, of which each is waited for in the middle, further apart than one may take.
        let (half, rest, now) = (&b"\0\0\0\0\x02\x0a"[..], &b"\0"[..], Duration::from_millis(1));
        let chunks = stream::iter([(now, half), (now, rest), (slowest * 3 / 2, half), (now, rest)]).then(chunk);
        let mut body = Bounded::new(StreamBody::new(Box::pin(chunks)), bounds, account, held);
        while let Some(frame) = body.frame().await {
            assert!(frame.is_ok());
        }
    }
}
