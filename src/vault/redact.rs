//! The redaction step: a client's record goes in, a [`RedactedRecord`] comes out, and nothing else can be sealed.

use std::collections::BTreeMap;

use crate::domain::{
    Attachment, AuthorRole, Content, Error, FindingNote, MediaType, NewRecord, Reason, Result, RiskNote, Slug,
    Timestamp,
};
use crate::redaction::{Dialogue, Engine, Finding, JsonError, JsonLimits, PseudonymKey, Risk, Risks, Speaker};
use crate::sealing::with_clean_stack;

/// How many findings of each class.
pub type FindingCounts = BTreeMap<String, u64>;

/// A record that went through redaction. Its fields are private: only [`redact`] makes one.
pub(super) struct RedactedRecord {
    pub(super) parts: Parts,
    _made_here: (),
}

/// Records that went through redaction together, and what redaction remembers of the conversation after them.
pub(super) struct RedactedBatch {
    pub(super) records: Vec<RedactedRecord>,
    pub(super) dialogue: Dialogue,
}

/// What a redacted record holds.
pub(super) struct Parts {
    pub(super) client_id: Option<String>,
    pub(super) occurred_at: Option<Timestamp>,
    pub(super) author_role: AuthorRole,
    pub(super) content: Content,
    pub(super) findings: Vec<FindingNote>,
    pub(super) risks: Vec<RiskNote>,
    pub(super) metadata: BTreeMap<Slug, String>,
    pub(super) model: Option<String>,
    pub(super) prompt_version: Option<String>,
    pub(super) supersedes: Option<u64>,
    pub(super) policy_version: u32,
}

impl RedactedRecord {
    /// Returns about how many bytes it takes in memory.
    pub(super) fn weight(&self) -> usize {
        const FINDING: usize = size_of::<FindingNote>() + 96;
        let metadata: usize = self.parts.metadata.values().map(String::len).sum();
        let notes = self.parts.findings.len() + self.parts.risks.len();
        512 + self.parts.content.len() + metadata + notes * FINDING
    }

    /// Adds this record's findings to `counts`.
    pub(super) fn count(&self, counts: &mut FindingCounts) {
        for finding in &self.parts.findings {
            *counts.entry(finding.class.clone()).or_default() += 1;
        }
    }
}

/// Redacts every part of a record that a client can write into; what is said in it moves `dialogue` on.
///
/// # Errors
///
/// `INVALID_JSON` for JSON of a tool call or a file that is none, `PERSONAL_DATA_IN_KEY` for a metadata key or tool name in which something is found.
pub(super) fn redact(
    engine: &Engine,
    key: &PseudonymKey,
    dialogue: &mut Dialogue,
    record: NewRecord,
) -> Result<RedactedRecord> {
    // Pseudonyms are HMACs, and what `ring` makes of their key lies on the stack.
    with_clean_stack(|| redact_parts(engine, key, dialogue, record))
}

fn redact_parts(
    engine: &Engine,
    key: &PseudonymKey,
    dialogue: &mut Dialogue,
    record: NewRecord,
) -> Result<RedactedRecord> {
    let mut pass = Pass { engine, key, findings: Vec::new(), risks: Vec::new() };
    let content = match record.content {
        Content::Text(text) => {
            if matches!(record.author_role, AuthorRole::User | AuthorRole::Tool) {
                pass.look("text", &text);
            }
            Content::Text(pass.said(dialogue, speaker(record.author_role), text))
        }
        other => pass.content(other)?,
    };
    let metadata = pass.metadata(record.metadata)?;
    let parts = Parts {
        client_id: record.client_id.map(|id| pass.text("client_id", id)),
        occurred_at: record.occurred_at,
        author_role: record.author_role,
        content,
        metadata,
        model: record.model.map(|model| pass.text("model", model)),
        prompt_version: record.prompt_version.map(|version| pass.text("prompt_version", version)),
        supersedes: record.supersedes,
        policy_version: engine.policy().version,
        findings: pass.findings,
        risks: pass.risks,
    };
    Ok(RedactedRecord { parts, _made_here: () })
}

/// Runs a redaction. Where the names model takes part it may last for milliseconds, so other tasks of this thread move elsewhere first.
pub(super) fn aside<T>(engine: &Engine, work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let many = Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if many && engine.has_names() { tokio::task::block_in_place(work) } else { work() }
}

/// Refuses a client-chosen word that is stored in clear when redaction finds something in it.
pub(super) fn refuse_personal(engine: &Engine, field: &str, word: &str) -> Result<()> {
    if engine.scan_word(word).is_empty() { Ok(()) } else { Err(Error::new(Reason::PersonalDataInKey).at(field)) }
}

/// Returns who speaks in a record: the user, or whoever asks him.
pub(super) fn speaker(role: AuthorRole) -> Speaker {
    if role == AuthorRole::User { Speaker::User } else { Speaker::Asker }
}
struct Pass<'e> {
    engine: &'e Engine,
    key: &'e PseudonymKey,
    findings: Vec<FindingNote>,
    risks: Vec<RiskNote>,
}

impl Pass<'_> {
    fn content(&mut self, content: Content) -> Result<Content> {
        Ok(match content {
            Content::Text(text) => Content::Text(self.text("text", text)),
            Content::ToolCall { name, arguments, result } => {
                refuse_personal(self.engine, "tool_call.name", name.as_str())?;
                Content::ToolCall {
                    arguments: self.json("tool_call.arguments", arguments)?,
                    result: self.json("tool_call.result", result)?,
                    name,
                }
            }
            Content::Attachment(file) => Content::Attachment(self.attachment(file)?),
            Content::Annotation { about, note } => {
                self.look("note", &note);
                Content::Annotation { about, note: self.text("note", note) }
            }
        })
    }

    /// Redacts the name of a file, and what it holds where that is text; anything else stays as it came.
    fn attachment(&mut self, file: Attachment) -> Result<Attachment> {
        const DATA: &str = "attachment.data";
        let (name, media_type, data) = file.into_parts();
        let name = self.text("attachment.file_name", name);
        let data = data.ok_or_else(|| Error::new(Reason::EmptyContent).at(DATA))?;
        if !media_type.is_text() {
            return Ok(Attachment::new(name, media_type, data));
        }
        let text = String::from_utf8(data).map_err(|_| Error::new(Reason::AttachmentTypeRefused).at(DATA))?;
        if media_type == MediaType::Json {
            return Ok(Attachment::new(name, media_type, self.json(DATA, text)?.into_bytes()));
        }
        self.look(DATA, &text);
        let text = self.text(DATA, text);
        Ok(Attachment::new(name, media_type, text.into_bytes()))
    }

    fn metadata(&mut self, metadata: BTreeMap<Slug, String>) -> Result<BTreeMap<Slug, String>> {
        let mut redacted = BTreeMap::new();
        for (name, value) in metadata {
            refuse_personal(self.engine, "metadata", name.as_str())?;
            let result = self.engine.redact_value(name.as_str(), &value, self.key);
            self.findings.extend(result.findings.iter().map(|finding| note(&format!("metadata.{name}"), finding)));
            let text = result.text.into_owned();
            redacted.insert(name, text);
        }
        Ok(redacted)
    }

    /// Redacts what was said in a turn, which what was said before it may announce.
    fn said(&mut self, dialogue: &mut Dialogue, speaker: Speaker, text: String) -> String {
        let result = self.engine.redact_turn(dialogue, speaker, &text, self.key);
        self.note("text", &result.findings);
        match result.text {
            std::borrow::Cow::Borrowed(_) => text,
            std::borrow::Cow::Owned(redacted) => redacted,
        }
    }

    /// Notes what a text of somebody outside tries. It changes nothing else.
    fn look(&mut self, field: &str, text: &str) {
        self.tag(field, self.engine.risks(text));
    }

    fn tag(&mut self, field: &str, risks: Risks) {
        let note = |(risk, rule): (Risk, &str)| RiskNote {
            field: field.to_owned(),
            label: risk.label().to_owned(),
            rule: rule.to_owned(),
        };
        self.risks.extend(risks.iter().map(note));
    }

    fn note(&mut self, field: &str, findings: &[Finding]) {
        self.findings.extend(findings.iter().map(|finding| note(field, finding)));
    }

    fn text(&mut self, field: &str, text: String) -> String {
        let result = self.engine.redact(&text, self.key);
        self.note(field, &result.findings);
        match result.text {
            std::borrow::Cow::Borrowed(_) => text,
            std::borrow::Cow::Owned(redacted) => redacted,
        }
    }

    fn json(&mut self, field: &str, json: String) -> Result<String> {
        if json.is_empty() {
            return Ok(json);
        }
        let result = self.engine.redact_json(&json, self.key, JsonLimits::default());
        let result = result.map_err(|cause: JsonError| Error::new(Reason::InvalidJson).at(field).because(cause))?;
        let notes = result.findings.iter().map(|found| note(&format!("{field}#{}", found.node), &found.finding));
        self.findings.extend(notes);
        self.tag(field, result.risks);
        Ok(result.json)
    }
}

fn note(field: &str, finding: &Finding) -> FindingNote {
    let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    FindingNote {
        class: finding.class.as_str().to_owned(),
        end: place(finding.span.end),
        field: field.to_owned(),
        rule: finding.rule.to_owned(),
        score: finding.score,
        start: place(finding.span.start),
    }
}
