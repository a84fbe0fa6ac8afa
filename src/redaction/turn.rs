//! The turns of a conversation: each is scanned with what the turns before asked for.

use std::ops::Range;

use super::dialogue::{Dialogue, Speaker};
use super::explain::{Stage, Trace};
use super::normalise::Normalised;
use super::recognizers::Hit;
use super::recognizers::speech::ear::Ear;
use super::{Around, Class, Engine, Finding, PseudonymKey, Redacted};

impl Engine {
    /// Replaces values in the next turn of a conversation, answers to what earlier turns asked for among them.
    pub fn redact_turn<'t>(
        &self,
        dialogue: &mut Dialogue,
        speaker: Speaker,
        text: &'t str,
        key: &PseudonymKey,
    ) -> Redacted<'t> {
        let findings = self.scan_turn(dialogue, speaker, text, key);
        self.apply(text, findings, key)
    }

    /// Finds values in the next turn of a conversation: sorted by place, without overlap.
    pub fn scan_turn(&self, dialogue: &mut Dialogue, speaker: Speaker, text: &str, key: &PseudonymKey) -> Vec<Finding> {
        self.turn(dialogue, speaker, text, key, None)
    }

    /// Says of every candidate in the next turn what it was taken for and what became of it, in order.
    pub fn explain_turn(
        &self,
        dialogue: &mut Dialogue,
        speaker: Speaker,
        text: &str,
        key: &PseudonymKey,
    ) -> Vec<Trace> {
        let mut traces = Vec::new();
        self.turn(dialogue, speaker, text, key, Some(&mut traces));
        traces.sort_by_key(|trace| (trace.span.start, trace.span.end, trace.class));
        traces.dedup();
        traces
    }

    fn turn(
        &self,
        dialogue: &mut Dialogue,
        speaker: Speaker,
        text: &str,
        key: &PseudonymKey,
        traces: Option<&mut Vec<Trace>>,
    ) -> Vec<Finding> {
        let open = dialogue.open();
        let hint = open.iter().rev().find_map(|asked| asked.hint());
        let ear = Ear::new(open, speaker == Speaker::Asker);
        let mut named = self.named(text);
        if self.enabled.holds(Class::Person) && !dialogue.names.is_empty() {
            named.extend(dialogue.names.find(&Normalised::new(text).text, key).into_iter().map(carried));
        }
        let findings = self.analyse(text, Around { hint, ear: Some(&ear) }, named, traces);
        for person in findings.iter().filter(|finding| finding.class == Class::Person) {
            dialogue.names.learn(&text[person.span.clone()], key);
        }
        let outcome = ear.outcome();
        dialogue.go_on(&outcome.answered, &outcome.asked);
        findings
    }
}

/// The word of a name that an earlier turn showed.
fn carried(span: Range<usize>) -> Hit {
    let (class, rule, verdict) = (Class::Person, "carried", "the word of a name of an earlier turn");
    Hit { class, rule, score: 70, span, stage: Stage::Names, verdict, word: None }
}
