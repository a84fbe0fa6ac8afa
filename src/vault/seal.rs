//! The sealing step: redacted records become rows, sealed blobs become metadata, and both come back compared with what stands
//! beside them in clear.

use zeroize::Zeroizing;

use crate::audit::commitment;
use crate::domain::{
    ConversationId, ConversationMeta, Error, Reason, Record, Result, Slug, TenantId, Timestamp, size_class,
};
use crate::keys::{ConversationSecrets, KeyRing, Segment};
use crate::redaction::Dialogue;
use crate::sealing::{Backend, BlobContext, Key32, RecordContext, Sealed, open, open_blob, random, seal, seal_blob};
use crate::store::{RecordRow, StoredConversation, StoredRecord};

use super::redact::RedactedRecord;
use super::remove::Removed;

/// The length of the random opening in front of every sealed record.
pub(super) const OPENING: usize = 32;
const METADATA: &str = "metadata";
const DIALOGUE: &str = "dialogue";

/// A record as it lies under its seal.
pub(super) struct Whole {
    plaintext: Zeroizing<Vec<u8>>,
    record: Record,
}

impl Whole {
    /// Returns the record, with the bytes of a file that do not leave.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }
}

/// Where records are sealed into.
pub(super) struct Place<'a> {
    pub(super) keys: &'a KeyRing,
    pub(super) backend: Backend,
    pub(super) tenant: &'a TenantId,
    pub(super) conversation: ConversationId,
    pub(super) bot: &'a Slug,
    pub(super) channel: Option<&'a Slug>,
}

impl Place<'_> {
    fn context(&self, sequence: u64, kind: u8, dek_id: u64, policy_version: u32) -> RecordContext<'_> {
        RecordContext {
            vault_id: self.keys.vault_id().0,
            generation: self.keys.generation(),
            tenant: self.tenant.as_str(),
            conversation: *self.conversation.as_bytes(),
            sequence,
            kind,
            dek_id,
            policy_version,
        }
    }

    /// Seals `record` as number `sequence`, and returns its row and its commitment for the audit log.
    pub(super) fn seal(
        &self,
        segment: &Segment,
        record: &RedactedRecord,
        sequence: u64,
        received_at: Timestamp,
    ) -> Result<(RecordRow, [u8; 32])> {
        let parts = &record.parts;
        let whole = Record {
            author_role: parts.author_role,
            bot: self.bot.clone(),
            channel: self.channel.cloned(),
            client_id: parts.client_id.clone(),
            content: parts.content.clone(),
            conversation: self.conversation.to_string(),
            findings: parts.findings.clone(),
            metadata: parts.metadata.clone(),
            model: parts.model.clone(),
            occurred_at: parts.occurred_at,
            policy_version: parts.policy_version,
            prompt_version: parts.prompt_version.clone(),
            received_at,
            risks: parts.risks.clone(),
            sequence,
            supersedes: parts.supersedes,
            tenant: self.tenant.to_string(),
        };
        self.seal_whole(segment, &whole)
    }

    /// Seals a record under a new opening, and returns its row and its commitment.
    fn seal_whole(&self, segment: &Segment, record: &Record) -> Result<(RecordRow, [u8; 32])> {
        let canonical = Zeroizing::new(record.canonical().map_err(internal)?);
        let committed = record.committed(&canonical).map_err(internal)?;
        let opening: [u8; OPENING] = random::bytes();
        let plaintext = Zeroizing::new([&opening[..], &canonical].concat());
        Ok((self.row(segment, record, &plaintext)?, commitment(&opening, &committed)))
    }

    fn row(&self, segment: &Segment, record: &Record, plaintext: &[u8]) -> Result<RecordRow> {
        let kind = record.content.kind();
        let context = self.context(record.sequence, kind.code(), segment.dek_id, record.policy_version);
        let sealed = seal(self.backend, &segment.key, &context, plaintext).map_err(internal)?;
        Ok(RecordRow {
            sequence: record.sequence,
            received_at: record.received_at,
            author_role: record.author_role,
            kind,
            dek_id: segment.dek_id,
            policy_version: record.policy_version,
            size_class: size_class(sealed.len()),
            sealed,
        })
    }

    /// Seals a stored record under another key as it is. Opening and content stay the same bytes, and so does what the audit
    /// log committed to.
    pub(super) fn reseal(&self, segment: &Segment, whole: &Whole) -> Result<RecordRow> {
        self.row(segment, &whole.record, &whole.plaintext)
    }

    /// Seals what became of a stored record, under another key and a new opening. The log keeps the commitment to what it was,
    /// which nobody can open any more, and gets the one returned.
    pub(super) fn reseal_changed(&self, segment: &Segment, removed: &Removed) -> Result<(RecordRow, [u8; 32])> {
        self.seal_whole(segment, removed.record())
    }

    /// Opens a stored record and compares it with what stands beside it. A file that was not redacted stays behind: this is
    /// the one place where records are opened to leave, so its bytes never do.
    ///
    /// # Errors
    ///
    /// `INTEGRITY_FAILURE` when it does not open here, or says another thing than its row.
    pub(super) fn open(&self, dek: &Key32, row: &StoredRecord) -> Result<Record> {
        let mut record = self.open_whole(dek, row)?.record;
        record.content = record.content.as_shown();
        Ok(record)
    }

    /// Opens a stored record as [`Place::open`], with what does not leave: only to seal it anew.
    pub(super) fn open_whole(&self, dek: &Key32, row: &StoredRecord) -> Result<Whole> {
        let context = self.context(row.sequence, row.kind.code(), row.dek_id, row.policy_version);
        let plaintext = open(self.backend, dek, &context, &row.sealed).map_err(|error| self.broken(row, error))?;
        let canonical = plaintext.get(OPENING..).unwrap_or_default();
        let record: Record = serde_json::from_slice(canonical).map_err(|error| self.broken(row, place_of(&error)))?;
        if !self.agrees(&record, row) {
            return Err(self.broken(row, "it says another thing inside than outside"));
        }
        Ok(Whole { plaintext, record })
    }

    fn agrees(&self, record: &Record, row: &StoredRecord) -> bool {
        record.tenant == self.tenant.as_str()
            && record.conversation == self.conversation.to_string()
            && record.sequence == row.sequence
            && record.received_at == row.received_at
            && record.author_role == row.author_role
            && record.content.kind() == row.kind
            && record.policy_version == row.policy_version
            && &record.bot == self.bot
            && record.channel.as_ref() == self.channel
            && row.size_class == size_class(row.sealed.len())
    }

    fn broken(&self, row: &StoredRecord, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let cause = cause.into();
        let record = row.sequence;
        tracing::error!(tenant = %self.tenant, conversation = %self.conversation, record, %cause, "a record does not verify");
        Error::new(Reason::IntegrityFailure).because(cause)
    }
}

/// Seals a conversation's metadata.
pub(super) fn seal_meta(
    keys: &KeyRing,
    backend: Backend,
    secrets: &ConversationSecrets,
    tenant: &TenantId,
    id: ConversationId,
    meta: &ConversationMeta,
    version: u64,
) -> Result<Sealed> {
    let plaintext = serde_json::to_vec(meta).map_err(internal)?;
    let context = blob_context(keys, tenant, &id, METADATA, version);
    seal_blob(backend, &secrets.metadata_key(), &context, &plaintext).map_err(internal)
}

/// Opens a conversation's metadata and compares it with what stands beside it.
pub(super) fn open_meta(
    keys: &KeyRing,
    backend: Backend,
    secrets: &ConversationSecrets,
    row: &StoredConversation,
) -> Result<ConversationMeta> {
    let broken = |cause: Box<dyn std::error::Error + Send + Sync>| {
        tracing::error!(tenant = %row.tenant, conversation = %row.id, %cause, "sealed metadata does not verify");
        Error::new(Reason::IntegrityFailure).because(cause)
    };
    let context = blob_context(keys, &row.tenant, &row.id, METADATA, row.meta_version);
    let plaintext = open_blob(backend, &secrets.metadata_key(), &context, &row.sealed_meta);
    let plaintext = plaintext.map_err(|error| broken(error.into()))?;
    let meta: ConversationMeta = serde_json::from_slice(&plaintext).map_err(|error| broken(place_of(&error).into()))?;
    let same = meta.bot == row.bot
        && meta.channel == row.channel
        && meta.labels == row.labels
        && meta.create_time == row.create_time;
    if same { Ok(meta) } else { Err(broken("it says another thing inside than outside".into())) }
}

/// Seals what redaction remembers of a conversation after record `sequence`.
pub(super) fn seal_dialogue(
    keys: &KeyRing,
    backend: Backend,
    secrets: &ConversationSecrets,
    (tenant, id): (&TenantId, ConversationId),
    dialogue: &Dialogue,
    sequence: u64,
) -> Result<Sealed> {
    let context = blob_context(keys, tenant, &id, DIALOGUE, sequence);
    seal_blob(backend, &secrets.metadata_key(), &context, &dialogue.to_bytes()).map_err(internal)
}

/// Opens what redaction remembered of a conversation after a record that the conversation has.
///
/// # Errors
///
/// `INTEGRITY_FAILURE` when it does not open here, or is of a record that was never there.
pub(super) fn open_dialogue(
    keys: &KeyRing,
    backend: Backend,
    secrets: &ConversationSecrets,
    row: &StoredConversation,
    (sequence, sealed): &(u64, Vec<u8>),
) -> Result<Dialogue> {
    let broken = |cause: Box<dyn std::error::Error + Send + Sync>| {
        tracing::error!(tenant = %row.tenant, conversation = %row.id, %cause, "the state of redaction does not verify");
        Error::new(Reason::IntegrityFailure).because(cause)
    };
    if *sequence >= row.next_sequence {
        return Err(broken("it is of a record to come".into()));
    }
    let context = blob_context(keys, &row.tenant, &row.id, DIALOGUE, *sequence);
    let plaintext =
        open_blob(backend, &secrets.metadata_key(), &context, sealed).map_err(|error| broken(error.into()))?;
    Dialogue::from_bytes(&plaintext).map_err(|error| broken(error.into()))
}

fn blob_context<'a>(
    keys: &KeyRing,
    tenant: &'a TenantId,
    id: &ConversationId,
    purpose: &'static str,
    version: u64,
) -> BlobContext<'a> {
    BlobContext {
        vault_id: keys.vault_id().0,
        generation: keys.generation(),
        tenant: tenant.as_str(),
        conversation: *id.as_bytes(),
        purpose,
        version,
    }
}

/// Says where JSON is not as it was written. What serde says of it may quote what was sealed.
fn place_of(error: &serde_json::Error) -> String {
    format!("{:?} at line {} column {}", error.classify(), error.line(), error.column())
}

fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Reason::Internal).because(error)
}
