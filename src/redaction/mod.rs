//! Personal data and secrets: text in, findings and redacted text out. Pure: no I/O, no clock, no randomness.
//!
//! | for this task | use |
//! |---|---|
//! | say what is looked for and what is done with it | [`Policy`] |
//! | build once, share, and redact text | [`Engine`], [`Engine::redact`] |
//! | redact the value of a named field, such as metadata | [`Engine::redact_value`] |
//! | redact the turns of a conversation, with what one asks of the next, and names of earlier ones found again | [`Engine::redact_turn`], [`Dialogue`] |
//! | redact JSON by value, such as tool arguments | [`Engine::redact_json`] |
//! | see why something was found or was not | [`Engine::explain`] |
//! | load the model of the names tier | [`names::Names`] |
//! | tell a prompt injection, to label it | [`Engine::risks`] |
//!
//! The stages: `normalise` the text, `scan` it for candidates, have `recognizers` judge them, `resolve` overlaps,
//! apply `operators`. The redacted text is scanned once more until nothing new comes up, so that redacting twice is
//! redacting once.
//!
//! # Security
//! No error, trace or finding holds a value. Findings say where a value was and what it was, not what it said.

mod class;
mod context;
mod dialogue;
#[cfg(test)]
mod evasion;
mod explain;
mod json;
pub mod names;
mod normalise;
mod operators;
mod policy;
mod pseudonym;
mod recognizers;
mod resolve;
mod risk;
mod scan;
mod turn;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;

pub use class::{Class, Pack, UnknownClass};
pub use dialogue::{Dialogue, DialogueError, Speaker};
pub use explain::{Outcome, Stage, Trace};
pub use json::{JsonError, JsonFinding, JsonLimits, RedactedJson};
pub use policy::{Operator, Policy, PolicyError};
pub use pseudonym::PseudonymKey;
pub use risk::{Risk, Risks};

use class::ClassSet;
use context::Word;
use json::names::NameCue;
use names::Names;
use normalise::Normalised;
use recognizers::Hit;
use recognizers::speech::ear::Ear;
use scan::{Tables, View};

/// Finds and replaces personal data by one policy. Built once per policy and shared; holds no text.
pub struct Engine {
    policy: Policy,
    enabled: ClassSet,
    tables: &'static Tables,
    names: Option<Arc<Names>>,
}

/// One value that was found: what it is and where, never what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub class: Class,
    /// The rule that found it.
    pub rule: &'static str,
    /// How sure it is, in percent; 50 and more is a finding.
    pub score: u8,
    /// Bytes of the input, on character boundaries.
    pub span: Range<usize>,
}

/// A text after redaction.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted<'t> {
    /// The redacted text; borrowed when nothing was found.
    pub text: Cow<'t, str>,
    /// What was found in the input, in order and without overlap.
    pub findings: Vec<Finding>,
}

/// Prints the findings only: the text is content.
impl std::fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redacted").field("findings", &self.findings).finish_non_exhaustive()
    }
}

impl Engine {
    /// Checks the policy and builds the matching tables.
    ///
    /// # Errors
    /// [`PolicyError`] when the policy does not hold.
    pub fn new(policy: Policy) -> Result<Engine, PolicyError> {
        Engine::with_names(policy, None)
    }

    /// The same, with the names tier where there is one. Whether an engine may do without is for its owner to say.
    ///
    /// # Errors
    /// [`PolicyError`] when the policy does not hold.
    pub fn with_names(policy: Policy, names: Option<Arc<Names>>) -> Result<Engine, PolicyError> {
        policy.validate()?;
        Ok(Engine { enabled: policy.looked_for(), tables: Tables::shared()?, names, policy })
    }

    /// Returns the policy it was built from.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Tells whether the names tier takes part.
    pub fn has_names(&self) -> bool {
        self.names.is_some()
    }

    /// Finds values: sorted by place, without overlap.
    pub fn scan(&self, text: &str) -> Vec<Finding> {
        self.analyse(text, Around::default(), self.named(text), None)
    }

    /// Finds values in a word that stands alone, such as a key or a label. The tagger reads sentences: of `find_slots` alone it is sure
    /// and wrong. So a name counts only where the network was asked and is nearly sure.
    pub fn scan_word(&self, word: &str) -> Vec<Finding> {
        self.analyse(word, Around::default(), self.named_word(word), None)
    }

    fn named_word(&self, word: &str) -> Vec<Hit> {
        self.named(word).into_iter().filter(|hit| hit.rule == "network" && hit.score >= SURE).collect()
    }

    /// Replaces values as the policy says; pseudonyms are made under `key`.
    pub fn redact<'t>(&self, text: &'t str, key: &PseudonymKey) -> Redacted<'t> {
        self.apply(text, self.scan(text), key)
    }

    /// Redacts the value of a field called `name`, which counts as its context: the value of `password` is dropped whatever
    /// it is. The name itself is content too: pass it through [`Engine::redact`] where it is a client's own.
    pub fn redact_value<'t>(&self, name: &str, value: &'t str, key: &PseudonymKey) -> Redacted<'t> {
        let findings = self.scan_value(value, &NameCue::of(name, self.tables));
        self.apply(value, findings, key)
    }

    /// Redacts JSON text: strings, keys and numbers, by value and by the names of their fields. See [`RedactedJson`].
    ///
    /// # Errors
    /// [`JsonError`] when the text is not JSON (RFC 8259) or goes over a limit.
    pub fn redact_json(&self, json: &str, key: &PseudonymKey, limits: JsonLimits) -> Result<RedactedJson, JsonError> {
        json::redact(self, json, key, limits)
    }

    /// Takes what `find` names out of the strings, keys and numbers of JSON, each decoded, as [`Engine::apply`] does of a text.
    /// Nothing else is looked for.
    ///
    /// # Errors
    /// As [`Engine::redact_json`].
    pub fn apply_json(
        &self,
        json: &str,
        key: &PseudonymKey,
        limits: JsonLimits,
        find: &dyn Fn(&str) -> Vec<Finding>,
    ) -> Result<RedactedJson, JsonError> {
        json::take_out(self, json, key, limits, find)
    }

    /// Says of every candidate what it was taken for and what became of it, in order.
    pub fn explain(&self, text: &str) -> Vec<Trace> {
        let mut traces = Vec::new();
        self.analyse(text, Around::default(), self.named(text), Some(&mut traces));
        traces.sort_by_key(|trace| (trace.span.start, trace.span.end, trace.class));
        traces.dedup();
        traces
    }

    /// Says of every candidate in the value of a field called `name` what [`Engine::explain`] says of those in a text.
    pub fn explain_value(&self, name: &str, value: &str) -> Vec<Trace> {
        self.explain_cued(value, &NameCue::of(name, self.tables))
    }

    /// Says of every candidate in JSON the same, with the number of the node it is in ([`JsonFinding::node`]).
    ///
    /// # Errors
    /// As [`Engine::redact_json`].
    pub fn explain_json(&self, json: &str, limits: JsonLimits) -> Result<Vec<(usize, Trace)>, JsonError> {
        json::explain(self, json, limits)
    }

    fn explain_cued(&self, value: &str, cue: &NameCue) -> Vec<Trace> {
        let findings = self.scan_value(value, cue);
        let mut traces = Vec::new();
        match cue.whole(value) {
            Some((class, _)) if self.enabled.holds(class) => {
                traces.extend(findings.into_iter().map(|finding| self.announced(finding)));
            }
            _ => {
                let around = Around { hint: cue.hint(), ear: None };
                self.analyse(value, around, self.named(value), Some(&mut traces));
            }
        }
        traces.sort_by_key(|trace| (trace.span.start, trace.span.end, trace.class));
        traces.dedup();
        traces
    }

    /// Returns the trace of a value that the name of its field announced.
    fn announced(&self, finding: Finding) -> Trace {
        Trace {
            class: finding.class,
            rule: finding.rule,
            score: finding.score,
            span: finding.span,
            stage: Stage::Name,
            verdict: "announced by the name of its field",
            word: None,
            outcome: Outcome::Found,
            operator: self.policy.operator(finding.class),
            policy_version: self.policy.version,
        }
    }

    /// Says what the text tries, such as a prompt injection: labels to search by, which block nothing.
    pub fn risks(&self, text: &str) -> Risks {
        Risks::of(text, self.tables.triggers())
    }

    /// As [`Engine::explain`], of a word that stands alone.
    fn explain_word(&self, word: &str) -> Vec<Trace> {
        let mut traces = Vec::new();
        self.analyse(word, Around::default(), self.named_word(word), Some(&mut traces));
        traces
    }

    /// Replaces findings that [`Engine::scan`] returned for this text, or some of them.
    ///
    /// # Panics
    /// When the findings are not in order, overlap, or do not lie on character boundaries of `text`.
    pub fn apply<'t>(&self, text: &'t str, findings: Vec<Finding>, key: &PseudonymKey) -> Redacted<'t> {
        let text = match findings.is_empty() {
            true => Cow::Borrowed(text),
            false => Cow::Owned(operators::apply(text, &findings, &self.policy, Some(&key.tokens()))),
        };
        Redacted { text, findings }
    }

    /// Finds values in the value of a named field.
    fn scan_value(&self, value: &str, cue: &NameCue) -> Vec<Finding> {
        match cue.whole(value) {
            Some((class, rule)) if self.enabled.holds(class) => {
                let taken = resolve::redacted(value);
                let done = taken.iter().map(ExactSizeIterator::len).sum::<usize>() == value.trim().len();
                if done { Vec::new() } else { vec![Finding { class, rule, score: 90, span: 0..value.len() }] }
            }
            _ => self.analyse(value, Around { hint: cue.hint(), ear: None }, self.named(value), None),
        }
    }

    /// Returns what the names tier finds in `text`, in places of its normal form.
    fn named(&self, text: &str) -> Vec<Hit> {
        let classes = [Class::Person, Class::Address, Class::Location];
        let Some(names) = self.names.as_ref().filter(|_| classes.iter().any(|&class| self.enabled.holds(class))) else {
            return Vec::new();
        };
        let found = names.find(&Normalised::new(text).text).into_iter();
        found.filter(|span| self.enabled.holds(span.class)).map(Hit::from).collect()
    }

    /// Scans until the redacted text yields nothing new. `named` is what the names tier found in the normal form of `text`.
    fn analyse(
        &self,
        text: &str,
        around: Around<'_>,
        named: Vec<Hit>,
        mut traces: Option<&mut Vec<Trace>>,
    ) -> Vec<Finding> {
        let mut findings = self.pass(text, around, named, |span| span, traces.as_deref_mut());
        let mut fresh: Vec<usize> = findings.iter().map(|finding| finding.span.start).collect();
        for _ in 1..MAX_PASSES {
            if fresh.is_empty() {
                break;
            }
            let shadow = operators::apply(text, &findings, &self.policy, None);
            let back = Unshadow::new(&findings, &self.policy, text);
            let mut more = Vec::new();
            for region in back.regions(&shadow, &findings, &fresh) {
                let place = |span: Range<usize>| back.original(span.start + region.start..span.end + region.start);
                more.extend(self.pass(&shadow[region.clone()], around, Vec::new(), place, traces.as_deref_mut()));
            }
            more.retain_mut(|finding| match beside(text, &finding.span, &findings) {
                Some(span) => {
                    finding.span = span;
                    true
                }
                None => false,
            });
            fresh = more.iter().map(|finding| finding.span.start).collect();
            findings.extend(more);
            findings.sort_by_key(|finding| finding.span.start);
        }
        findings
    }

    fn pass(
        &self,
        text: &str,
        around: Around<'_>,
        named: Vec<Hit>,
        original: impl Fn(Range<usize>) -> Range<usize>,
        traces: Option<&mut Vec<Trace>>,
    ) -> Vec<Finding> {
        let normalised = Normalised::new(text);
        let hits = self.hits(&normalised.text, around, named);
        if hits.is_empty() {
            return Vec::new();
        }
        let decided = resolve::resolve(&normalised.text, hits);
        let place = |span: &Range<usize>| original(normalised.original(span.clone()));
        if let Some(traces) = traces {
            traces.extend(decided.iter().map(|(hit, outcome)| self.trace(hit, *outcome, place(&hit.span))));
        }
        let found = decided.iter().filter(|(_, outcome)| *outcome == Outcome::Found);
        let finding =
            |hit: &Hit| Finding { class: hit.class, rule: hit.rule, score: hit.score, span: place(&hit.span) };
        let mut findings: Vec<Finding> = found.map(|(hit, _)| finding(hit)).collect();
        findings.sort_by_key(|finding| finding.span.start);
        findings
    }

    fn hits(&self, normal: &str, around: Around<'_>, mut hits: Vec<Hit>) -> Vec<Hit> {
        let view = View {
            text: normal,
            bytes: normal.as_bytes(),
            tables: self.tables,
            enabled: self.enabled,
            assume_context: self.policy.assume_context,
            hint: around.hint,
            ear: around.ear,
            before: Cell::new(None),
            near: RefCell::new((usize::MAX, Vec::new())),
        };
        scan::scan(&view, &mut hits);
        hits
    }

    fn trace(&self, hit: &Hit, outcome: Outcome, span: Range<usize>) -> Trace {
        Trace {
            class: hit.class,
            rule: hit.rule,
            score: hit.score,
            span,
            stage: hit.stage,
            verdict: hit.verdict,
            word: hit.word,
            outcome,
            operator: self.policy.operator(hit.class),
            policy_version: self.policy.version,
        }
    }
}

/// What is known of a text beside its words.
#[derive(Clone, Copy, Default)]
struct Around<'a> {
    /// What the name of the field, or the question before, speaks for.
    hint: Option<Word>,
    /// What listens, where the text is a turn of a conversation.
    ear: Option<&'a Ear>,
}

/// Returns the last character boundary up to `at`, at most the length of the text.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Returns what of a later pass's finding stands beside those of the passes before: a mask can be taken for a part of something else.
fn beside(text: &str, span: &Range<usize>, findings: &[Finding]) -> Option<Range<usize>> {
    let next = findings.partition_point(|known| known.span.end <= span.start);
    let touched = findings.get(next).filter(|known| known.span.start <= span.start);
    let start = touched.map_or(span.start, |known| known.span.end);
    let behind = findings.get(next + usize::from(touched.is_some()));
    let end = behind.map_or(span.end, |known| span.end.min(known.span.start));
    (start < end && text.is_char_boundary(start) && text.is_char_boundary(end)).then_some(start..end)
}

/// The way back from a redacted text to the text it came from, for what was not replaced.
struct Unshadow {
    /// Where each unreplaced piece starts: in the redacted text, and in the original.
    pieces: Vec<(usize, usize)>,
}

impl Unshadow {
    fn new(findings: &[Finding], policy: &Policy, text: &str) -> Self {
        let mut pieces = vec![(0, 0)];
        let (mut shadow, mut copied) = (0, 0);
        let mut replaced = String::new();
        for finding in findings {
            replaced.clear();
            let value = &text[finding.span.clone()];
            operators::replace(value, finding.class, policy.operator(finding.class), None, &mut replaced);
            shadow += finding.span.start - copied + replaced.len();
            copied = finding.span.end;
            pieces.push((shadow, copied));
        }
        Unshadow { pieces }
    }

    /// Returns what of the redacted text has to be scanned again: all of a short one, of a long one what lies around the `fresh`
    /// findings, given by their starts in order. Words and cues reach no further.
    fn regions(&self, shadow: &str, findings: &[Finding], fresh: &[usize]) -> Vec<Range<usize>> {
        if shadow.len() <= 8 * REACH {
            return std::iter::once(0..shadow.len()).collect();
        }
        let mut regions: Vec<Range<usize>> = Vec::new();
        let is_fresh = |finding: &Finding| fresh.binary_search(&finding.span.start).is_ok();
        let places = findings.iter().zip(&self.pieces[1..]).filter(|(finding, _)| is_fresh(finding));
        for (_, (behind, _)) in places {
            let from = floor_boundary(shadow, behind.saturating_sub(REACH));
            let to = floor_boundary(shadow, behind + REACH);
            let (least, most) =
                (floor_boundary(shadow, from.saturating_sub(REACH)), floor_boundary(shadow, to + REACH));
            let is_space = |c: char| c.is_ascii_whitespace();
            let start = shadow[least..from].rfind(is_space).map_or(least, |space| least + space + 1);
            let end = shadow[to..most].find(is_space).map_or(most, |space| to + space);
            match regions.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                _ => regions.push(start..end),
            }
        }
        regions
    }

    fn original(&self, span: Range<usize>) -> Range<usize> {
        let at = self.pieces.partition_point(|(shadow, _)| *shadow <= span.start).saturating_sub(1);
        let (shadow, original) = self.pieces[at];
        span.start - shadow + original..span.end - shadow + original
    }
}

/// From which score, in percent, a word counts as a name without a sentence around it.
const SURE: u8 = 90;
/// How far what stands in place of a finding can change what is found beside it.
const REACH: usize = 512;
/// How often a text is scanned at most. Two passes do for all but texts made to need more.
const MAX_PASSES: usize = 8;
