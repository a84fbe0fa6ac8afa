//! `ReadConversation`: one message a record. A task of its own reads, a little ahead of what the client takes, so that nothing
//! that others wait for is held by a client that takes nothing; while it waits it looks at the credential, and at whether the
//! vault stops. Dropping the stream ends it, and logs where.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use prost::Message as _;
use subrosa_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::access::Caller;
use crate::domain::{ConversationName, Reason, Result};
use crate::vault::{RecordStream, Vault};
use crate::watch::task;

use super::convert::shown::shown;
use super::serve::Api;
use super::status::to_status;

/// The records of one reading.
pub(super) type ReadStream = Pin<Box<dyn Stream<Item = Message> + Send>>;

type Message = Result<v1::ReadConversationResponse, Status>;

/// Records that leave before the caller's credential is looked at again, and how often it is looked at while they do not.
const RECHECK: usize = 250;
const RECHECK_EVERY: Duration = Duration::from_secs(1);
/// The records, and the bytes of them, that are handed over at once: a hand-over costs more than opening a short record.
const CHUNK_RECORDS: usize = 64;
const CHUNK_BYTES: usize = 32 * 1024;

struct Reading {
    vault: Arc<Vault>,
    caller: Caller,
    name: ConversationName,
    records: RecordStream,
    since_check: usize,
    stopping: CancellationToken,
}

/// Starts to send `records` of the conversation `name`.
pub(super) fn start(api: &Api, caller: Caller, name: ConversationName, records: RecordStream) -> ReadStream {
    let reading =
        Reading { vault: Arc::clone(&api.vault), caller, name, records, since_check: 0, stopping: api.info.stopping() };
    // One chunk waits for the client, beside how the stream ends.
    let (chunks, taken) = mpsc::channel(2);
    let last = chunks.clone().try_reserve_owned().ok();
    drop(task::spawn("read-stream", reading.run(chunks, last)));
    Box::pin(ReceiverStream::new(taken).flat_map(stream::iter))
}

impl Reading {
    async fn run(mut self, chunks: mpsc::Sender<Vec<Message>>, last: Option<mpsc::OwnedPermit<Vec<Message>>>) {
        let end = self.send_all(&chunks).await;
        // A client that is gone by now is not told.
        if let (Err(error), Some(last)) = (end, last) {
            last.send(vec![Err(to_status(&error))]);
        }
    }

    async fn send_all(&mut self, chunks: &mpsc::Sender<Vec<Message>>) -> Result<()> {
        while let Some(room) = self.room(chunks).await? {
            let (chunk, end) = self.gather().await;
            if !chunk.is_empty() {
                room.send(chunk);
            }
            match end {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the client has taken what was sent before; none when it is gone.
    async fn room<'a>(&self, chunks: &'a mpsc::Sender<Vec<Message>>) -> Result<Option<mpsc::Permit<'a, Vec<Message>>>> {
        loop {
            tokio::select! {
                biased;
                // The client goes on behind the last record that it has.
                () = self.stopping.cancelled() => return Err(Reason::ShuttingDown.into()),
                room = chunks.reserve() => return Ok(room.ok()),
                () = tokio::time::sleep(RECHECK_EVERY) => self.vault.gate().recheck(&self.caller).await?,
            }
        }
    }

    /// Reads a chunk, and tells whether there may be more.
    async fn gather(&mut self) -> (Vec<Message>, Result<bool>) {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < CHUNK_RECORDS && bytes < CHUNK_BYTES {
            match self.next().await {
                Ok(Some(message)) => {
                    bytes += message.encoded_len();
                    chunk.push(Ok(message));
                }
                Ok(None) => return (chunk, Ok(false)),
                Err(error) => return (chunk, Err(error)),
            }
        }
        (chunk, Ok(true))
    }

    async fn next(&mut self) -> Result<Option<v1::ReadConversationResponse>> {
        if self.since_check == RECHECK {
            self.vault.gate().recheck(&self.caller).await?;
            self.since_check = 0;
        }
        self.since_check += 1;
        let last_sequence = self.records.last_sequence();
        let Some(record) = self.records.next().await? else { return Ok(None) };
        let expired_through = self.records.expired_through();
        Ok(Some(v1::ReadConversationResponse {
            record: Some(shown(&self.name, record)),
            last_sequence,
            expired_through,
        }))
    }
}
