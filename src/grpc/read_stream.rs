//! `ReadConversation`: one message a record. Nothing is fetched that the client has not made room for, and dropping the stream
//! logs where it ended.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use subrosa_proto::v1;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::access::Caller;
use crate::domain::{ConversationName, Reason, Result};
use crate::vault::{RecordStream, Vault};

use super::convert::shown::shown;
use super::serve::Api;
use super::status::to_status;

/// The records of one reading.
pub(super) type ReadStream = Pin<Box<dyn Stream<Item = Result<v1::ReadConversationResponse, Status>> + Send>>;

/// Records that leave before the caller's credential is looked at again.
const RECHECK: u64 = 250;

struct Reading {
    vault: Arc<Vault>,
    caller: Caller,
    name: ConversationName,
    records: RecordStream,
    left: u64,
    stopping: CancellationToken,
}

/// Starts to send `records` of the conversation `name`.
pub(super) fn start(api: &Api, caller: Caller, name: ConversationName, records: RecordStream) -> ReadStream {
    let reading =
        Reading { vault: Arc::clone(&api.vault), caller, name, records, left: RECHECK, stopping: api.info.stopping() };
    Box::pin(try_unfold(reading, |mut reading| async move {
        match reading.next().await {
            Ok(Some(message)) => Ok(Some((message, reading))),
            Ok(None) => Ok(None),
            Err(error) => Err(to_status(&error)),
        }
    }))
}

impl Reading {
    async fn next(&mut self) -> Result<Option<v1::ReadConversationResponse>> {
        if self.stopping.is_cancelled() {
            // The client goes on behind the last record that it has.
            return Err(Reason::ShuttingDown.into());
        }
        if self.left == 0 {
            self.vault.gate().recheck(&self.caller).await?;
            self.left = RECHECK;
        }
        self.left -= 1;
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
