//! What is taken out of a record that is stored already. Pure: a record goes in, and the record without it comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use zeroize::Zeroizing;

use crate::domain::{Attachment, Content, Error, FindingNote, MediaType, Reason, Record, Result, Slug};
use crate::redaction::{Class, Engine, Finding, JsonError, JsonLimits, PseudonymKey};
use crate::sealing::with_clean_stack;

use super::redact::FindingCounts;

/// What is taken out.
pub enum Removal {
    /// Pieces of fields, as they are stored.
    Spans(Vec<Piece>),
    /// A value, wherever it stands exactly so.
    Value {
        /// The value; it is content, so it is wiped.
        value: Zeroizing<String>,
        /// The class whose token takes its place.
        class: Class,
    },
    /// What the policy in force finds.
    Reapply,
}

/// A piece of a stored field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The field, as findings call it.
    pub field: String,
    /// Bytes of the field.
    pub range: Range<usize>,
    /// The class whose token takes its place.
    pub class: Class,
}

/// A record from which something was taken. Its fields are private: only [`remove`] makes one, of a record that was redacted.
pub(super) struct Removed {
    record: Record,
    notes: Vec<FindingNote>,
}

impl Removed {
    /// Returns the record as it is now.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Returns what was taken out, each with its place in the field as it was.
    pub(super) fn notes(&self) -> &[FindingNote] {
        &self.notes
    }

    /// Adds what was taken out to `counts`.
    pub(super) fn count(&self, counts: &mut FindingCounts) {
        for note in &self.notes {
            *counts.entry(note.class.clone()).or_default() += 1;
        }
    }
}

/// Stands in front of the rule of what was found in a stored record.
const LATER: &str = "later/";
/// The rules of what a person named.
const VALUE: &str = "value";
const SPAN: &str = "span";
/// What a name becomes that held the value: it stands where no token can.
const NAMELESS: &str = "redacted";

/// Takes `what` out of a record; `None` when there is nothing of it in the record.
///
/// # Errors
///
/// `INVALID_FIELD` for a piece that is in no field, cuts a character, overlaps another, or leaves no JSON where JSON was.
pub(super) fn remove(engine: &Engine, key: &PseudonymKey, what: &Removal, record: &Record) -> Result<Option<Removed>> {
    // As where records come in: what `ring` makes of the key of pseudonyms lies on the stack.
    with_clean_stack(|| remove_from(engine, key, what, record))
}

/// Tells whether a record holds a file in which nothing can be looked for.
pub(super) fn has_unsearched_file(record: &Record) -> bool {
    matches!(&record.content, Content::Attachment(file) if !file.media_type().is_text())
}

fn remove_from(engine: &Engine, key: &PseudonymKey, what: &Removal, record: &Record) -> Result<Option<Removed>> {
    let mut pass = Pass { engine, key, what, notes: Vec::new(), seen: Vec::new() };
    let mut record = record.clone();
    record.content = pass.content(record.content)?;
    record.client_id = pass.optional("client_id", record.client_id)?;
    record.model = pass.optional("model", record.model)?;
    record.prompt_version = pass.optional("prompt_version", record.prompt_version)?;
    record.metadata = pass.metadata(record.metadata)?;
    pass.must_have_seen_all()?;
    if pass.notes.is_empty() {
        return Ok(None);
    }
    record.findings.extend(pass.notes.iter().cloned());
    if matches!(what, Removal::Reapply) {
        record.policy_version = engine.policy().version;
    }
    Ok(Some(Removed { record, notes: pass.notes }))
}

struct Pass<'p> {
    engine: &'p Engine,
    key: &'p PseudonymKey,
    what: &'p Removal,
    notes: Vec<FindingNote>,
    /// The fields that were gone through.
    seen: Vec<String>,
}

impl Pass<'_> {
    fn content(&mut self, content: Content) -> Result<Content> {
        Ok(match content {
            Content::Text(text) => Content::Text(self.text("text", text)?),
            Content::ToolCall { name, arguments, result } => Content::ToolCall {
                name: self.word("tool_call.name", name)?,
                arguments: self.json("tool_call.arguments", arguments)?,
                result: self.json("tool_call.result", result)?,
            },
            Content::Attachment(file) => Content::Attachment(self.attachment(file)?),
            Content::Annotation { about, note } => Content::Annotation { about, note: self.text("note", note)? },
        })
    }

    /// Goes through the name of a file, and what it holds where that is text.
    fn attachment(&mut self, file: Attachment) -> Result<Attachment> {
        const DATA: &str = "attachment.data";
        let (name, media_type, data) = file.into_parts();
        let name = self.text("attachment.file_name", name)?;
        let data = data.ok_or(Reason::Internal)?;
        if !media_type.is_text() {
            return Ok(Attachment::new(name, media_type, data));
        }
        let text = String::from_utf8(data).map_err(|_| Reason::IntegrityFailure)?;
        let text = if media_type == MediaType::Json { self.json(DATA, text)? } else { self.text(DATA, text)? };
        Ok(Attachment::new(name, media_type, text.into_bytes()))
    }

    fn metadata(&mut self, metadata: BTreeMap<Slug, String>) -> Result<BTreeMap<Slug, String>> {
        let taken: BTreeSet<Slug> = metadata.keys().cloned().collect();
        let mut left = BTreeMap::new();
        for (key, value) in metadata {
            let field = format!("metadata.{key}");
            let value = match self.what {
                Removal::Reapply => {
                    let done = self.engine.redact_value(key.as_str(), &value, self.key);
                    self.note(&field, &done.findings);
                    done.text.into_owned()
                }
                _ => self.text(&field, value)?,
            };
            let word = self.word("metadata", key.clone())?;
            let free =
                if word == key { key } else { free(&word, |word| taken.contains(word) || left.contains_key(word))? };
            left.insert(free, value);
        }
        Ok(left)
    }

    fn optional(&mut self, field: &str, text: Option<String>) -> Result<Option<String>> {
        text.map(|text| self.text(field, text)).transpose()
    }

    fn text(&mut self, field: &str, text: String) -> Result<String> {
        let findings = self.find(field, &text)?;
        if findings.is_empty() {
            return Ok(text);
        }
        self.note(field, &findings);
        Ok(self.engine.apply(&text, findings, self.key).text.into_owned())
    }

    fn json(&mut self, field: &str, json: String) -> Result<String> {
        let limits = JsonLimits::default();
        let done = match self.what {
            Removal::Spans(_) => {
                let text = self.text(field, json)?;
                let whole = text.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
                let hint = "what is left is not JSON: take the value out by itself";
                return if whole { Ok(text) } else { Err(Error::invalid(field, hint)) };
            }
            _ if json.is_empty() => return Ok(json),
            Removal::Value { value, class } => {
                self.engine.apply_json(&json, self.key, limits, &|text| occurrences(text, value, *class))
            }
            Removal::Reapply => self.engine.redact_json(&json, self.key, limits),
        };
        // It was JSON when it came in.
        let done = done.map_err(|cause: JsonError| Error::new(Reason::IntegrityFailure).because(cause))?;
        self.notes.extend(done.findings.iter().map(|found| note(&format!("{field}#{}", found.node), &found.finding)));
        Ok(done.json)
    }

    /// Goes through a word in which no token can stand: one that holds the value is replaced whole.
    fn word(&mut self, field: &str, word: Slug) -> Result<Slug> {
        let Removal::Value { value, class } = self.what else { return Ok(word) };
        let found = occurrences(word.as_str(), value, *class);
        if found.is_empty() {
            return Ok(word);
        }
        self.note(field, &found);
        NAMELESS.parse().map_err(|_| Reason::Internal.into())
    }

    fn find(&mut self, field: &str, text: &str) -> Result<Vec<Finding>> {
        match self.what {
            Removal::Value { value, class } => Ok(occurrences(text, value, *class)),
            Removal::Reapply => Ok(self.engine.scan(text)),
            Removal::Spans(pieces) => {
                self.seen.push(field.to_owned());
                cut(field, text, pieces)
            }
        }
    }

    /// Refuses a piece of a field that the record does not have.
    fn must_have_seen_all(&self) -> Result<()> {
        let Removal::Spans(pieces) = self.what else { return Ok(()) };
        match pieces.iter().position(|piece| !self.seen.contains(&piece.field)) {
            Some(index) => Err(Error::invalid(format!("spans[{index}].field"), "the record has no such text")),
            None => Ok(()),
        }
    }

    fn note(&mut self, field: &str, findings: &[Finding]) {
        self.notes.extend(findings.iter().map(|finding| note(field, finding)));
    }
}

/// Returns the pieces of one field in order.
fn cut(field: &str, text: &str, pieces: &[Piece]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for (index, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.field == field) {
        let wrong = |hint| Error::invalid(format!("spans[{index}]"), hint);
        if piece.range.is_empty() || text.get(piece.range.clone()).is_none() {
            return Err(wrong("start before end, both in the text and between characters"));
        }
        found.push(Finding { class: piece.class, rule: SPAN, score: 100, span: piece.range.clone() });
    }
    found.sort_by_key(|finding| finding.span.start);
    let overlap = found.windows(2).any(|two| two[0].span.end > two[1].span.start);
    if overlap { Err(Error::invalid("spans", "pieces do not overlap")) } else { Ok(found) }
}

/// Returns where `value` stands in `text`, without overlap.
fn occurrences(text: &str, value: &str, class: Class) -> Vec<Finding> {
    let places = memchr::memmem::find_iter(text.as_bytes(), value.as_bytes());
    places.map(|at| Finding { class, rule: VALUE, score: 100, span: at..at + value.len() }).collect()
}

/// Returns the word, or one like it that is not taken.
fn free(word: &Slug, taken: impl Fn(&Slug) -> bool) -> Result<Slug> {
    let mut candidate = word.clone();
    let mut number = 2;
    while taken(&candidate) {
        candidate = format!("{word}-{number}").parse().map_err(|_| Reason::Internal)?;
        number += 1;
    }
    Ok(candidate)
}

fn note(field: &str, finding: &Finding) -> FindingNote {
    let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    FindingNote {
        class: finding.class.as_str().to_owned(),
        end: place(finding.span.end),
        field: field.to_owned(),
        rule: format!("{LATER}{}", finding.rule),
        score: finding.score,
        start: place(finding.span.start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AuthorRole, Timestamp};
    use crate::redaction::Policy;

    fn record(content: Content) -> Record {
        Record {
            author_role: AuthorRole::User,
            bot: "a".parse().unwrap(),
            channel: None,
            client_id: Some("by Blorvane".to_owned()),
            content,
            conversation: String::new(),
            findings: Vec::new(),
            metadata: [
                ("of".parse().unwrap(), "Blorvane".to_owned()),
                ("Blorvane".parse().unwrap(), "x".to_owned()),
                ("redacted".parse().unwrap(), "y".to_owned()),
            ]
            .into(),
            model: None,
            occurred_at: None,
            policy_version: 1,
            prompt_version: None,
            received_at: Timestamp::from_unix_ms(0),
            risks: Vec::new(),
            sequence: 1,
            supersedes: None,
            tenant: "acme".to_owned(),
        }
    }

    fn removed(what: &Removal, record: &Record) -> Result<Option<Removed>> {
        let engine = Engine::new(Policy { version: 3, ..Policy::default() }).unwrap();
        remove(&engine, &PseudonymKey::from_bytes([7; 32]), what, record)
    }

    fn value(value: &str) -> Removal {
        Removal::Value { value: Zeroizing::new(value.to_owned()), class: Class::Secret }
    }

    fn spans(field: &str, range: Range<usize>) -> Removal {
        Removal::Spans(vec![Piece { field: field.to_owned(), range, class: Class::Person }])
    }

    #[test]
    fn a_value_goes_from_every_field() {
        let call = Content::ToolCall {
            name: "ask.Blorvane".parse().unwrap(),
            arguments: r#"{"Blorvane":["Blorv\u0061ne", 1]}"#.to_owned(),
            result: String::new(),
        };
        let done = removed(&value("Blorvane"), &record(call)).unwrap().unwrap();
        let left = String::from_utf8(done.record().canonical().unwrap()).unwrap();
        assert!(!left.contains("Blorv"), "{left}");
        assert!(left.contains(r#"{\"<SECRET>\":[\"<SECRET>\", 1]}"#), "{left}");
        let keys: Vec<_> = done.record().metadata.keys().map(Slug::as_str).collect();
        assert_eq!(keys, ["of", "redacted", "redacted-2"]);
        assert_eq!(done.notes().len(), 6);
        assert!(done.notes().iter().all(|note| note.rule == "later/value"));
        assert_eq!(done.record().policy_version, 1);
    }

    #[test]
    fn a_value_goes_from_files_that_are_text_and_from_the_names_of_all() {
        for (media_type, data, left) in [
            ("text/plain", "to Blorvane", "to <SECRET>"),
            ("application/json", r#"{"to":"Blorvane"}"#, r#"{"to":"<SECRET>"}"#),
            ("application/pdf", "%PDF Blorvane", "%PDF Blorvane"),
        ] {
            let file = Attachment::new("Blorvane".to_owned(), media_type.parse().unwrap(), data.as_bytes().to_vec());
            let record = record(Content::Attachment(file));
            assert_eq!(has_unsearched_file(&record), media_type == "application/pdf");
            let done = removed(&value("Blorvane"), &record).unwrap().unwrap();
            let Content::Attachment(file) = &done.record().content else { panic!("no file") };
            assert_eq!((file.name(), file.data()), ("<SECRET>", Some(left.as_bytes())));
        }
    }

    #[test]
    fn pieces_are_checked_and_get_the_token_of_their_class() {
        let text = record(Content::Text("sagt Jörg".to_owned()));
        let done = removed(&spans("text", 5..10), &text).unwrap().unwrap();
        let Content::Text(left) = &done.record().content else { panic!("no text") };
        assert!(left.starts_with("sagt <PERSON_"), "{left}");
        assert_eq!((done.notes()[0].rule.as_str(), done.notes()[0].start), ("later/span", 5));
        for (field, range, at) in [
            ("text", 5..7, "spans[0]"),
            ("text", 5..99, "spans[0]"),
            ("text", 5..5, "spans[0]"),
            ("note", 0..1, "spans[0].field"),
            ("metadata.none", 0..1, "spans[0].field"),
        ] {
            let error = removed(&spans(field, range), &text).err().unwrap();
            assert_eq!((error.reason(), error.field()), (Reason::InvalidField, Some(at)));
        }
        let call = |arguments: &str| Content::ToolCall {
            name: "x".parse().unwrap(),
            arguments: arguments.to_owned(),
            result: String::new(),
        };
        let done = removed(&spans("tool_call.arguments", 2..4), &record(call(r#"["Jo"]"#))).unwrap();
        assert!(done.is_some());
        let error = removed(&spans("tool_call.arguments", 1..4), &record(call(r#"["Jo"]"#))).err().unwrap();
        assert_eq!(error.field(), Some("tool_call.arguments"));
    }

    #[test]
    fn the_policy_in_force_is_applied_again_and_stands_in_the_record() {
        let done =
            removed(&Removal::Reapply, &record(Content::Text("to jane@example.org".to_owned()))).unwrap().unwrap();
        assert_eq!((done.record().policy_version, done.notes()[0].class.as_str()), (3, "EMAIL"));
        assert!(removed(&Removal::Reapply, done.record()).unwrap().is_none(), "a second time finds nothing");
    }

    #[test]
    fn nothing_to_take_out_is_no_change() {
        assert!(removed(&value("absent"), &record(Content::Text("x".to_owned()))).unwrap().is_none());
    }
}
