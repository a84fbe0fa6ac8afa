//! One conversation through one Ingest stream, resumed until it is whole.

use std::collections::BTreeMap;
use std::time::Duration;

use ring::digest::{Context, SHA256};
use subrosa_proto::v1::conversation_service_client::ConversationServiceClient;
use subrosa_proto::v1::ingest_service_client::IngestServiceClient;
use subrosa_proto::v1::{
    Conversation, GetConversationRequest, IngestAppend, IngestOpen, IngestRequest, IngestResponse, Record,
    ingest_request,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::cli::client::Connection;

use super::lines::Imported;

/// Why a conversation was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    /// The vault answered with an error, after the attempts that were worth it.
    #[error("{:?}: {}", .0.code(), .0.message())]
    Vault(Box<Status>),
    /// The vault has records of the conversation that did not come from this import.
    #[error("the conversation holds {records} records that did not come from this import")]
    Foreign {
        /// How many.
        records: u64,
    },
    /// The vault has more of this stream than the file.
    #[error("the vault took {acked} records of the conversation, and the file has only {turns}")]
    Shorter {
        /// How many it took.
        acked: u64,
        /// How many the file has.
        turns: u64,
    },
    /// The vault ended the stream as if all were well, and it was not whole.
    #[error("the vault ended the stream early")]
    EndedEarly,
}

impl From<Status> for StreamError {
    fn from(status: Status) -> Self {
        Self::Vault(Box::new(status))
    }
}

impl StreamError {
    /// Tells whether other conversations would fail like this one.
    pub(super) fn ends_the_run(&self) -> bool {
        let Self::Vault(status) = self else { return false };
        matches!(
            status.code(),
            Code::Unauthenticated | Code::PermissionDenied | Code::Unavailable | Code::Unimplemented | Code::DataLoss
        )
    }

    /// Tells whether the same stream, opened again, may go on.
    fn may_pass(&self) -> bool {
        match self {
            Self::Vault(status) => matches!(
                status.code(),
                Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::Cancelled | Code::Unknown
            ),
            Self::EndedEarly => true,
            Self::Foreign { .. } | Self::Shorter { .. } => false,
        }
    }
}

/// What became of a conversation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Records that this run added.
    pub added: u64,
    /// Records that were there.
    pub already: u64,
    /// Values that were redacted in what this run added, by class.
    pub findings: BTreeMap<String, u64>,
}

/// Imports conversations of one tenant over one connection.
pub(super) struct Importer {
    vault: Connection,
    tenant: String,
    template: Conversation,
}

/// How often a stream is opened before it is given up, as long as nothing moves.
const ATTEMPTS: u32 = 6;
/// The wait after the first attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How many records may wait for the network.
const WINDOW: usize = 64;

impl Importer {
    /// Returns an importer; `template` is what a conversation that is not there yet is created with.
    pub(super) fn new(vault: Connection, tenant: String, template: Conversation) -> Self {
        Self { vault, tenant, template }
    }

    /// Brings the conversation in, or what is missing of it.
    ///
    /// # Errors
    ///
    /// Why it could not be brought in whole. What was acknowledged stays, and the next run goes on there.
    pub(super) async fn import(&self, conversation: Imported) -> Result<Outcome, StreamError> {
        let mut outcome = Outcome::default();
        let mut pause = FIRST_PAUSE;
        let (mut fruitless, mut first) = (0, true);
        loop {
            let before = outcome.added;
            let Err(error) = self.attempt(&conversation, first, &mut outcome).await else { return Ok(outcome) };
            if outcome.added > before {
                (fruitless, pause) = (0, FIRST_PAUSE);
            }
            first = first && outcome.added == 0;
            fruitless += 1;
            if !error.may_pass() || fruitless >= ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// Opens the stream, learns how far it is, and sends the rest. `outcome` holds what is acknowledged, whatever happens.
    async fn attempt(&self, from: &Imported, first: bool, outcome: &mut Outcome) -> Result<(), StreamError> {
        let turns = from.records.len() as u64;
        let (to_vault, messages) = mpsc::channel(WINDOW);
        let _ = to_vault.send(self.open(&from.reference)).await;
        let mut client = IngestServiceClient::new(self.vault.channel());
        let mut answers = client.ingest(self.vault.stream(ReceiverStream::new(messages))).await?.into_inner();
        let opened = answers.message().await?.ok_or(StreamError::EndedEarly)?;
        let acked = opened.acked_client_sequence;
        if first {
            outcome.already = acked.min(turns);
        }
        outcome.added = acked.saturating_sub(outcome.already);
        if acked > turns {
            return Err(StreamError::Shorter { acked, turns });
        }
        if acked == 0 {
            self.refuse_foreign(&opened.conversation).await?;
        }
        let rest = from.records.iter().enumerate().skip(usize::try_from(acked).unwrap_or(usize::MAX));
        let feed = async move {
            for (at, record) in rest {
                if to_vault.send(append(at, record)).await.is_err() {
                    return;
                }
            }
        };
        let (acked, ()) = tokio::join!(drain(&mut answers, acked, outcome), feed);
        if acked? == turns { Ok(()) } else { Err(StreamError::EndedEarly) }
    }

    /// Refuses a conversation that holds records although the vault knows nothing of this stream.
    async fn refuse_foreign(&self, name: &str) -> Result<(), StreamError> {
        let request = self.vault.request(GetConversationRequest { name: name.to_owned() });
        let mut client = ConversationServiceClient::new(self.vault.channel());
        let found = client.get_conversation(request).await?.into_inner().conversation.unwrap_or_default();
        match found.last_sequence {
            0 => Ok(()),
            records => Err(StreamError::Foreign { records }),
        }
    }

    fn open(&self, reference: &str) -> IngestRequest {
        let open = IngestOpen {
            parent: String::new(),
            tenant: self.tenant.clone(),
            client_reference: reference.to_owned(),
            stream_id: stream_id(&self.tenant, reference).to_string(),
            conversation: Some(self.template.clone()),
        };
        IngestRequest { action: Some(ingest_request::Action::Open(open)) }
    }
}

/// Derives the stream of a conversation: a UUID of version 8 from SHA-256 over tenant and conversation, so that every run
/// has the same one.
pub(super) fn stream_id(tenant: &str, reference: &str) -> Uuid {
    let mut hash = Context::new(&SHA256);
    hash.update(b"subrosa import v1");
    for part in [tenant, reference] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finish().as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn append(at: usize, record: &Record) -> IngestRequest {
    let append = IngestAppend { client_sequence: at as u64 + 1, record: Some(record.clone()) };
    IngestRequest { action: Some(ingest_request::Action::Append(append)) }
}

/// Takes acknowledgements until the stream ends, and returns the last client sequence that is durable.
async fn drain(
    answers: &mut Streaming<IngestResponse>,
    mut acked: u64,
    outcome: &mut Outcome,
) -> Result<u64, StreamError> {
    while let Some(answer) = answers.message().await? {
        acked = acked.max(answer.acked_client_sequence);
        outcome.added = acked.saturating_sub(outcome.already);
        for found in answer.redactions {
            *outcome.findings.entry(found.finding_class).or_default() += found.count;
        }
    }
    Ok(acked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_has_one_stream_for_ever() {
        let id = stream_id("tenants/acme", "a");
        assert_eq!(id.to_string(), "PINNED");
        assert_ne!(id, stream_id("tenants/acme", "b"));
        assert_ne!(stream_id("tenants/a", "bc"), stream_id("tenants/ab", "c"));
    }
}
