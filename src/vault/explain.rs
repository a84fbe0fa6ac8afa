//! Why redaction found what it found in a record: for previews, which keep nothing.

use crate::domain::{Attachment, Content, FindingNote, MediaType, NewRecord};
use crate::redaction::{Dialogue, Engine, JsonLimits, Outcome, PseudonymKey, Trace};
use crate::sealing::with_clean_stack;

use super::redact::speaker;

/// Returns, for each finding that there is in a record behind `dialogue`, the trace that made it one.
pub(super) fn explain(engine: &Engine, key: &PseudonymKey, dialogue: &Dialogue, record: &NewRecord) -> Explained {
    let mut explained = Explained { traces: Vec::new() };
    with_clean_stack(|| {
        if let Content::Text(text) = &record.content {
            let (speaker, mut dialogue) = (speaker(record.author_role), dialogue.clone());
            explained.add("text", engine.explain_turn(&mut dialogue, speaker, text, key));
        }
        explained.record(engine, record);
    });
    explained
}

/// The traces of one record, by field.
pub(super) struct Explained {
    traces: Vec<(String, Trace)>,
}

impl Explained {
    /// Returns the trace of a finding.
    pub(super) fn of(&self, note: &FindingNote) -> Option<Trace> {
        let is = |(field, trace): &&(String, Trace)| {
            *field == note.field
                && (trace.class.as_str(), trace.rule) == (note.class.as_str(), note.rule.as_str())
                && (trace.span.start, trace.span.end) == (note.start as usize, note.end as usize)
        };
        self.traces.iter().find(is).map(|(_, trace)| trace.clone())
    }

    fn record(&mut self, engine: &Engine, record: &NewRecord) {
        match &record.content {
            // What is said was explained with what was said before it.
            Content::Text(_) => {}
            Content::ToolCall { arguments, result, .. } => {
                self.json(engine, "tool_call.arguments", arguments);
                self.json(engine, "tool_call.result", result);
            }
            Content::Attachment(file) => self.file(engine, file),
            Content::Annotation { note, .. } => self.text(engine, "note", note),
        }
        let texts =
            [("client_id", &record.client_id), ("model", &record.model), ("prompt_version", &record.prompt_version)];
        for (field, text) in texts {
            self.text(engine, field, text.as_deref().unwrap_or_default());
        }
        for (key, value) in &record.metadata {
            self.add(&format!("metadata.{key}"), engine.explain_value(key.as_str(), value));
        }
    }

    fn file(&mut self, engine: &Engine, file: &Attachment) {
        self.text(engine, "attachment.file_name", file.name());
        let text = file.data().filter(|_| file.media_type().is_text()).and_then(|data| std::str::from_utf8(data).ok());
        match text {
            Some(text) if file.media_type() == MediaType::Json => self.json(engine, "attachment.data", text),
            Some(text) => self.text(engine, "attachment.data", text),
            None => {}
        }
    }

    fn text(&mut self, engine: &Engine, field: &str, text: &str) {
        self.add(field, engine.explain(text));
    }

    /// JSON that is none was refused before.
    fn json(&mut self, engine: &Engine, field: &str, json: &str) {
        for (node, trace) in engine.explain_json(json, JsonLimits::default()).unwrap_or_default() {
            self.add(&format!("{field}#{node}"), vec![trace]);
        }
    }

    fn add(&mut self, field: &str, traces: Vec<Trace>) {
        let found = traces.into_iter().filter(|trace| trace.outcome == Outcome::Found);
        self.traces.extend(found.map(|trace| (field.to_owned(), trace)));
    }
}
