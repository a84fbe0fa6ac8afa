//! The turns of a conversation: each is scanned with what the turns before asked for.

use super::dialogue::{Dialogue, Speaker};
use super::explain::Trace;
use super::recognizers::speech::ear::Ear;
use super::{Around, Engine, Finding, PseudonymKey, Redacted};

impl Engine {
    /// Replaces values in the next turn of a conversation, answers to what earlier turns asked for among them.
    pub fn redact_turn<'t>(
        &self,
        dialogue: &mut Dialogue,
        speaker: Speaker,
        text: &'t str,
        key: &PseudonymKey,
    ) -> Redacted<'t> {
        let findings = self.scan_turn(dialogue, speaker, text);
        self.apply(text, findings, key)
    }

    /// Finds values in the next turn of a conversation: sorted by place, without overlap.
    pub fn scan_turn(&self, dialogue: &mut Dialogue, speaker: Speaker, text: &str) -> Vec<Finding> {
        self.turn(dialogue, speaker, text, None)
    }

    /// Says of every candidate in the next turn what it was taken for and what became of it, in order.
    pub fn explain_turn(&self, dialogue: &mut Dialogue, speaker: Speaker, text: &str) -> Vec<Trace> {
        let mut traces = Vec::new();
        self.turn(dialogue, speaker, text, Some(&mut traces));
        traces.sort_by_key(|trace| (trace.span.start, trace.span.end, trace.class));
        traces.dedup();
        traces
    }

    fn turn(
        &self,
        dialogue: &mut Dialogue,
        speaker: Speaker,
        text: &str,
        traces: Option<&mut Vec<Trace>>,
    ) -> Vec<Finding> {
        let open = dialogue.open();
        let hint = open.iter().rev().find_map(|asked| asked.hint());
        let ear = Ear::new(open, speaker == Speaker::Asker);
        let findings = self.analyse(text, Around { hint, ear: Some(&ear) }, traces);
        let outcome = ear.outcome();
        dialogue.go_on(&outcome.answered, &outcome.asked);
        findings
    }
}
