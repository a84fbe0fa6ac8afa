//! The ingest stream: what has arrived is gathered into chunks, a few of which are on their way to the disk at once, and each is
//! acknowledged, in order, when it is durable.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt as _, StreamExt as _};
use prost::Message as _;
use subrosa_proto::v1::{self, ingest_request::Action};
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};

use crate::access::Caller;
use crate::domain::{Error, NewRecord, Reason, Result};
use crate::vault::{Acked, IngestStream, Vault};
use crate::watch::task;

use super::bounds::{Charge, Held, held};
use super::convert::fields::text;
use super::convert::ingest::{Place, acked, target};
use super::convert::record::{MAX_ID_BYTES, new_record};
use super::layer::undecodable;
use super::serve::Api;
use super::status::to_status;

/// The most records in one chunk.
const CHUNK_RECORDS: usize = 256;
/// The bytes after which a chunk takes no more.
const CHUNK_BYTES: usize = 256 * 1024;
/// The most chunks on their way at once.
const IN_FLIGHT: usize = 4;
/// The most answers that wait for the client, beside the one that ends the stream.
const ANSWERS: usize = 16;
/// How long a client may leave its answers untaken: what it sent holds room that others wait for.
const UNTAKEN: Duration = Duration::from_secs(60);

/// Why a stream ends early.
enum End {
    /// With this answer.
    Told(Box<Status>),
    /// The client is gone: nobody is told.
    Gone,
}

/// Starts to take records of `caller` in, and returns the acknowledgements.
pub(super) fn start(
    api: &Api,
    caller: Caller,
    inbound: Streaming<v1::IngestRequest>,
) -> ReceiverStream<Result<v1::IngestResponse, Status>> {
    let (answers, acknowledgements) = mpsc::channel(ANSWERS + 1);
    // A client that takes no answers is still to be told how the stream ended.
    let last = answers.clone().try_reserve_owned().ok();
    let session = Session {
        vault: Arc::clone(&api.vault),
        stopping: api.info.stopping(),
        caller,
        inbound: Inbound { messages: inbound, held: held() },
        answers,
        conversation: String::new(),
    };
    drop(task::spawn("ingest-stream", session.run(last)));
    ReceiverStream::new(acknowledgements)
}

struct Session {
    vault: Arc<Vault>,
    stopping: CancellationToken,
    caller: Caller,
    inbound: Inbound,
    answers: Answers,
    conversation: String,
}

type Answers = mpsc::Sender<Result<v1::IngestResponse, Status>>;

/// What the client sends, with the room of the budget that each message takes.
struct Inbound {
    messages: Streaming<v1::IngestRequest>,
    held: Option<Arc<Held>>,
}

impl Inbound {
    /// Waits for a message, and hands its room over with it. Dropped while it waits, it has taken nothing.
    async fn next(&mut self) -> (Option<Result<v1::IngestRequest, Status>>, Option<Charge>) {
        let message = self.messages.next().await;
        let charge = match &message {
            Some(Ok(_)) => self.held.as_ref().and_then(|held| held.hand_over()),
            _ => None,
        };
        (message, charge)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            held.done();
        }
    }
}

impl Session {
    async fn run(mut self, last: Option<mpsc::OwnedPermit<Result<v1::IngestResponse, Status>>>) {
        let result = match self.open().await {
            Ok(stream) => self.take_in(stream).await,
            Err(end) => Err(end),
        };
        if let (Err(End::Told(status)), Some(last)) = (result, last) {
            // A client that is gone by now is not told.
            last.send(Err(*status));
        }
    }

    /// Waits for the message that opens the stream, and says how far the stream is durable.
    async fn open(&mut self) -> Result<IngestStream, End> {
        let first = tokio::select! {
            (first, _room) = self.inbound.next() => first,
            () = self.answers.closed() => return Err(End::Gone),
            () = self.stopping.cancelled() => return Err(stopping()),
        };
        let open = match first {
            Some(Ok(v1::IngestRequest { action: Some(Action::Open(open)) })) => open,
            Some(Err(status)) => return Err(broken(&status)),
            Some(Ok(_)) | None => return Err(Error::new(Reason::StreamNotOpen).at("open").into()),
        };
        let stream_id = text("stream_id", open.stream_id, MAX_ID_BYTES).map_err(|error| error.within("open"))?;
        let place = Place {
            parent: open.parent,
            tenant: open.tenant,
            client_reference: open.client_reference,
            conversation: open.conversation,
        };
        let target = target(self.caller.principal(), place).map_err(|error| error.within("open"))?;
        let (stream, durable) = self.vault.open_stream(&self.caller, target, &stream_id).await?;
        self.conversation = stream.conversation().to_string();
        self.answer(durable).await?;
        Ok(stream)
    }

    async fn take_in(&mut self, mut stream: IngestStream) -> Result<(), End> {
        let mut in_flight = FuturesOrdered::new();
        let mut more = true;
        while more || !in_flight.is_empty() {
            tokio::select! {
                biased;
                Some(durable) = in_flight.next(), if !in_flight.is_empty() => {
                    let durable: Result<Acked> = durable;
                    match durable {
                        Ok(durable) => self.answer(durable).await?,
                        Err(error) => return self.drain(in_flight, error.into(), true).await,
                    }
                }
                () = self.answers.closed() => return Err(End::Gone),
                () = self.stopping.cancelled(), if more => return self.drain(in_flight, stopping(), false).await,
                gathered = gather(&mut self.inbound), if more && in_flight.len() < IN_FLIGHT => {
                    let Gathered { records, room, end } = gathered;
                    if !records.is_empty() {
                        match send(&self.vault, &self.caller, &mut stream, records).await {
                            Ok(pending) => in_flight.push_back(holding(room, pending)),
                            Err(error) => return self.drain(in_flight, error.into(), false).await,
                        }
                    }
                    match end {
                        None => {}
                        Some(Ok(())) => more = false,
                        Some(Err(end)) => return self.drain(in_flight, end, false).await,
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits for what is on its way and ends as [`drain`] says.
    async fn drain(
        &self,
        in_flight: FuturesOrdered<impl Future<Output = Result<Acked>>>,
        end: End,
        failed: bool,
    ) -> Result<(), End> {
        Err(drain(in_flight, end, failed, |durable| self.answer(durable)).await)
    }

    async fn answer(&self, durable: Acked) -> Result<(), End> {
        let message = acked(&self.conversation, durable);
        match self.answers.send_timeout(Ok(message), UNTAKEN).await {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Closed(_)) => Err(End::Gone),
            Err(SendTimeoutError::Timeout(_)) => {
                let hint = "the stream's answers were not taken; open it again and take them";
                Err(Error::new(Reason::Overloaded).hint(hint).into())
            }
        }
    }
}

/// Waits for what is on its way, in the order in which it was sent, acknowledges what became durable until something failed,
/// and returns `end`, or what failed before it.
///
/// `failed` is whether something sent before has failed already. An acknowledgement is for everything before it, and a chunk
/// of repeated records is answered with no commit of its own, so behind a failure nothing is acknowledged.
async fn drain<F: Future<Output = Result<(), End>>>(
    mut in_flight: FuturesOrdered<impl Future<Output = Result<Acked>>>,
    mut end: End,
    mut failed: bool,
    answer: impl Fn(Acked) -> F,
) -> End {
    while let Some(durable) = in_flight.next().await {
        match durable {
            _ if failed => {}
            Ok(durable) => {
                if let Err(gone) = answer(durable).await {
                    return gone;
                }
            }
            Err(error) => (failed, end) = (true, error.into()),
        }
    }
    end
}

/// Checks that the credential is still accepted, queues the records, and returns when they are durable.
async fn send(
    vault: &Vault,
    caller: &Caller,
    stream: &mut IngestStream,
    records: Vec<(u64, NewRecord)>,
) -> Result<impl Future<Output = Result<Acked>> + use<>> {
    vault.gate().recheck(caller).await?;
    Ok(stream.send(records).await?.settled())
}

/// Gives the room of records back when they have settled.
async fn holding<T>(room: Option<Charge>, settled: impl Future<Output = T>) -> T {
    let settled = settled.await;
    drop(room);
    settled
}

/// Records that had arrived, with their room, and how the stream goes on behind them: none is on, `Ok` is the end that the
/// client made.
struct Gathered {
    records: Vec<(u64, NewRecord)>,
    room: Option<Charge>,
    end: Option<Result<(), End>>,
}

/// Waits for one message and takes with it what has arrived behind it, up to one chunk. Dropped while it waits, it has taken
/// nothing.
async fn gather(inbound: &mut Inbound) -> Gathered {
    let mut gathered = Gathered { records: Vec::new(), room: None, end: None };
    let mut bytes = 0;
    let mut arrived = Some(inbound.next().await);
    while let Some((message, room)) = arrived {
        gathered.keep(room);
        match read(message) {
            Ok(Some((record, weight))) => {
                gathered.records.push(record);
                bytes += weight;
            }
            Ok(None) => gathered.end = Some(Ok(())),
            Err(end) => gathered.end = Some(Err(end)),
        }
        if gathered.end.is_some() || gathered.records.len() == CHUNK_RECORDS || bytes >= CHUNK_BYTES {
            break;
        }
        arrived = inbound.next().now_or_never();
    }
    gathered
}

impl Gathered {
    fn keep(&mut self, room: Option<Charge>) {
        match (&mut self.room, room) {
            (Some(kept), Some(room)) => kept.merge(room),
            (kept, room) => *kept = kept.take().or(room),
        }
    }
}

/// A record with its client sequence, and its weight in bytes.
type Weighed = ((u64, NewRecord), usize);

/// Reads a message behind the first; none is the client's end.
fn read(message: Option<Result<v1::IngestRequest, Status>>) -> Result<Option<Weighed>, End> {
    let action = match message {
        None => return Ok(None),
        Some(Err(status)) => return Err(broken(&status)),
        Some(Ok(message)) => message.action,
    };
    match action {
        Some(Action::Append(append)) => {
            let record = append.record.ok_or_else(|| Error::invalid("append.record", "required"))?;
            let weight = record.encoded_len();
            let record = new_record(record).map_err(|error| error.within("append.record"))?;
            Ok(Some(((append.client_sequence, record), weight)))
        }
        Some(Action::Open(_)) => Err(Error::invalid("open", "the stream is open").into()),
        None => Err(Error::invalid("append", "required").into()),
    }
}

/// Returns how a stream ends whose messages cannot be received any more.
fn broken(status: &Status) -> End {
    match status.code() {
        // What the bounds of the method said.
        _ if !status.details().is_empty() => End::Told(Box::new(status.clone())),
        Code::Internal => End::Told(Box::new(undecodable())),
        _ => End::Gone,
    }
}

fn stopping() -> End {
    Error::new(Reason::ShuttingDown).into()
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Told(Box::new(to_status(&error)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::vault::FindingCounts;

    async fn drained(failed: bool, sent: &[Result<u64, Reason>]) -> (Vec<u64>, Option<i32>) {
        let in_flight: FuturesOrdered<_> = sent
            .iter()
            .map(|one| {
                let settled = match *one {
                    Ok(client_sequence) => {
                        Ok(Acked { client_sequence, last_sequence: client_sequence, redactions: FindingCounts::new() })
                    }
                    Err(reason) => Err(Error::from(reason)),
                };
                std::future::ready(settled)
            })
            .collect();
        let told = RefCell::new(Vec::new());
        let end = drain(in_flight, End::Gone, failed, |acked: Acked| {
            told.borrow_mut().push(acked.client_sequence);
            std::future::ready(Ok(()))
        })
        .await;
        let code = match end {
            End::Told(status) => Some(i32::from(status.code())),
            End::Gone => None,
        };
        (told.into_inner(), code)
    }

    #[tokio::test]
    async fn behind_a_failed_commit_nothing_is_acknowledged() {
        let full = Some(i32::from(to_status(&Reason::DiskFull.into()).code()));
        assert_eq!(drained(false, &[Ok(1), Ok(2)]).await, (vec![1, 2], None));
        // A chunk of repeated records settles with `Ok` whatever became of the chunk that it repeats.
        assert_eq!(drained(false, &[Ok(1), Err(Reason::DiskFull), Ok(2)]).await, (vec![1], full));
        assert_eq!(drained(true, &[Ok(2), Err(Reason::DiskFull), Ok(2)]).await, (vec![], None));
    }
}
