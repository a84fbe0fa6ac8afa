//! A record: one turn of a conversation, as a client sends it and as the vault seals it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::attachment::Attachment;
use super::codes::{AuthorRole, RecordKind};
use super::ids::Slug;
use super::time::Timestamp;

/// The most bytes of content that one record may hold: text, or arguments and results, or a note, and metadata.
pub const MAX_RECORD_BYTES: usize = 256 * 1024;
/// The most records in one request.
pub const MAX_BATCH_RECORDS: usize = 1_000;
/// The most metadata pairs on one record.
pub const MAX_METADATA_PAIRS: usize = 64;

/// What a record says, before or after redaction.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Content {
    /// A note about the conversation, or about the record with sequence `about`.
    Annotation {
        /// The record it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        about: Option<u64>,
        /// The note.
        note: String,
    },
    /// A file.
    Attachment(Attachment),
    /// Text.
    Text(String),
    /// A call of a tool; arguments and result are JSON texts, empty when absent.
    ToolCall {
        /// JSON.
        arguments: String,
        /// The tool.
        name: Slug,
        /// JSON.
        result: String,
    },
}

impl Content {
    /// Returns the kind that is bound into the seal.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Text(_) => RecordKind::Text,
            Self::ToolCall { .. } => RecordKind::ToolCall,
            Self::Attachment(_) => RecordKind::Attachment,
            Self::Annotation { .. } => RecordKind::Annotation,
        }
    }

    /// Returns the length of the content, in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::ToolCall { name, arguments, result } => name.as_str().len() + arguments.len() + result.len(),
            Self::Attachment(file) => file.name().len() + file.data().map_or(0, <[u8]>::len),
            Self::Annotation { note, .. } => note.len(),
        }
    }

    /// Returns the content as it may leave: a file that was not redacted stays behind ([`Attachment::as_shown`]).
    #[must_use]
    pub fn as_shown(self) -> Self {
        match self {
            Self::Attachment(file) => Self::Attachment(file.as_shown()),
            other => other,
        }
    }

    /// Tells whether there is no content.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::ToolCall { .. } => false,
            Self::Attachment(file) => file.size() == 0,
            Self::Annotation { note, .. } => note.is_empty(),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.kind(), self.len())
    }
}

/// A record as a client sends it: checked for form, not yet redacted. Nothing stores this type.
#[derive(Clone)]
pub struct NewRecord {
    /// The client's own id for it.
    pub client_id: Option<String>,
    /// When it happened, by the client's clock.
    pub occurred_at: Option<Timestamp>,
    /// Who said it.
    pub author_role: AuthorRole,
    /// What it says.
    pub content: Content,
    /// The model that wrote it.
    pub model: Option<String>,
    /// The version of the prompt it was written with.
    pub prompt_version: Option<String>,
    /// Other facts about it; the keys hold no free text.
    pub metadata: BTreeMap<Slug, String>,
    /// The sequence of the record it corrects.
    pub supersedes: Option<u64>,
}

impl NewRecord {
    /// Returns the bytes of everything in it that is redacted and sealed.
    pub fn weight(&self) -> usize {
        let text = |field: &Option<String>| field.as_ref().map_or(0, String::len);
        let metadata: usize = self.metadata.iter().map(|(key, value)| key.as_str().len() + value.len()).sum();
        self.content.len() + text(&self.client_id) + text(&self.model) + text(&self.prompt_version) + metadata
    }
}

impl fmt::Debug for NewRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRecord").field("content", &self.content).finish_non_exhaustive()
    }
}

/// What redaction found, without the value: class, rule, score and the place in the field that was redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingNote {
    /// The class, such as `EMAIL`.
    pub class: String,
    /// End of the span in the original field, in bytes.
    pub end: u32,
    /// The field, such as `text` or `metadata.note`.
    pub field: String,
    /// The rule that found it.
    pub rule: String,
    /// Certainty in percent.
    pub score: u8,
    /// Start of the span in the original field, in bytes.
    pub start: u32,
}

/// What a text of a record tries, such as a prompt injection: told when the record came in. Nothing was replaced for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskNote {
    /// The field, such as `text` or `tool_call.result`.
    pub field: String,
    /// The label to search by, such as `risk:prompt_injection`.
    pub label: String,
    /// The rule that told it.
    pub rule: String,
}

/// What the labels begin with that the vault gives itself.
pub const RISK_PREFIX: &str = "risk:";

/// A record as it is sealed: redacted, numbered, and with everything repeated that stands beside it in clear.
///
/// Its canonical form is JSON by RFC 8785: the fields stand in order of their names, which is why the order below is what it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Who said it.
    pub author_role: AuthorRole,
    /// The bot whose conversation it is.
    pub bot: Slug,
    /// The channel of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Slug>,
    /// The client's own id for it, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What it says, redacted.
    pub content: Content,
    /// The conversation's id.
    pub conversation: String,
    /// What redaction found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<FindingNote>,
    /// Other facts about it, redacted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub metadata: BTreeMap<Slug, String>,
    /// The model that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it happened, by the client's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// The version of the redaction policy that handled it.
    pub policy_version: u32,
    /// The version of the prompt it was written with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_version: Option<String>,
    /// When the vault took it in.
    pub received_at: Timestamp,
    /// What its texts try.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub risks: Vec<RiskNote>,
    /// Its number in the conversation, from 1.
    pub sequence: u64,
    /// The sequence of the record it corrects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<u64>,
    /// Whose it is.
    pub tenant: String,
}

impl Record {
    /// Returns the canonical form (RFC 8785), UTF-8.
    ///
    /// # Errors
    ///
    /// Never for a value of this type; the error is serde's.
    pub fn canonical(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Returns what the audit log commits to, of a record whose canonical form is `canonical`: that form, but a file stands
    /// in it by its hash alone, so that a record whose file may not leave is provable without it.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn committed<'c>(&self, canonical: &'c [u8]) -> Result<Cow<'c, [u8]>, serde_json::Error> {
        let Content::Attachment(file) = &self.content else { return Ok(Cow::Borrowed(canonical)) };
        let known = Self { content: Content::Attachment(file.clone().without_data()), ..self.clone() };
        known.canonical().map(Cow::Owned)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("sequence", &self.sequence)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// Returns the size class of a sealed body: the number of bits of its length, so that a body lies in `[2^(n-1), 2^n)` bytes.
pub fn size_class(bytes: usize) -> u8 {
    u8::try_from(usize::BITS - bytes.leading_zeros()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            author_role: AuthorRole::User,
            bot: "helper".parse().unwrap(),
            channel: Some("web".parse().unwrap()),
            client_id: Some("c-1".to_owned()),
            content: Content::ToolCall {
                arguments: "{\"q\":\"\u{1}é\\n\u{20ac}\u{1f600}\"}".to_owned(),
                name: "crm.lookup".parse().unwrap(),
                result: "\u{7f}\u{8}\u{c}\t".to_owned(),
            },
            conversation: "0193c8f0-7b5e-7c3a-9d2e-1f6a5b4c3d2e".to_owned(),
            findings: vec![FindingNote {
                class: "EMAIL".to_owned(),
                end: 9,
                field: "text".to_owned(),
                rule: "email".to_owned(),
                score: 99,
                start: 1,
            }],
            metadata: [("b".parse().unwrap(), "2".to_owned()), ("B".parse().unwrap(), "1".to_owned())].into(),
            model: Some("m".to_owned()),
            occurred_at: Some(Timestamp::from_unix_ms(1)),
            policy_version: 1,
            prompt_version: Some("p".to_owned()),
            received_at: Timestamp::from_unix_ms(2),
            risks: Vec::new(),
            sequence: 3,
            supersedes: Some(2),
            tenant: "acme".to_owned(),
        }
    }

    #[test]
    fn the_canonical_form_is_rfc_8785() {
        let canonical = record().canonical().unwrap();
        let foreign = serde_json_canonicalizer::to_vec(&record()).unwrap();
        assert_eq!(String::from_utf8(canonical.clone()).unwrap(), String::from_utf8(foreign).unwrap());
        assert_eq!(serde_json::from_slice::<Record>(&canonical).unwrap(), record());
        let file = Attachment::new("é".to_owned(), "text/csv".parse().unwrap(), b"a,b".to_vec());
        for content in [
            Content::Text("x".to_owned()),
            Content::Annotation { about: Some(1), note: "n".to_owned() },
            Content::Attachment(file.clone()),
            Content::Attachment(file.without_data()),
        ] {
            let record = Record { content, ..record() };
            assert_eq!(record.canonical().unwrap(), serde_json_canonicalizer::to_vec(&record).unwrap());
        }
    }

    #[test]
    fn a_file_is_committed_to_by_its_hash() {
        let file = Attachment::new("n".to_owned(), "text/csv".parse().unwrap(), b"a,b".to_vec());
        let whole = Record { content: Content::Attachment(file.clone()), ..record() };
        let rest = Record { content: Content::Attachment(file.without_data()), ..record() };
        let canonical = whole.canonical().unwrap();
        assert_eq!(whole.committed(&canonical).unwrap(), rest.canonical().unwrap());
        assert_ne!(rest.canonical().unwrap(), canonical);
        let canonical = record().canonical().unwrap();
        assert_eq!(record().committed(&canonical).unwrap(), canonical);
    }

    #[test]
    fn debug_shows_no_content() {
        let text = format!("{:?}", Record { content: Content::Text("canary".to_owned()), ..record() });
        assert!(!text.contains("canary"), "{text}");
    }
}
