//! Personal data and secrets: text in, findings and redacted text out. Pure: no I/O, no clock, no randomness.
//!
//! | for this task | use |
//! |---|---|
//! | say what is looked for and what is done with it | [`Policy`] |
//! | build once, share, and redact text | [`Engine`], [`Engine::redact`] |
//! | redact the value of a named field, such as metadata | [`Engine::redact_value`] |
//! | redact JSON by value, such as tool arguments | [`Engine::redact_json`] |
//! | redact the turns of a conversation, with names of earlier ones found again | [`Engine::redact_turns`] |
//! | see why something was found or was not | [`Engine::explain`] |
//! | load the model of the names tier | [`names::Names`] |
//!
//! The stages: `normalise` the text, `scan` it for candidates, have `recognizers` judge them, `resolve` overlaps,
//! apply `operators`. The redacted text is scanned once more until nothing new comes up, so that redacting twice is
//! redacting once.
//!
//! # Security
//! No error, trace or finding holds a value. Findings say where a value was and what it was, not what it said.

mod class;
mod context;
mod explain;
mod json;
pub mod names;
mod normalise;
mod operators;
mod policy;
mod pseudonym;
mod recognizers;
mod resolve;
mod scan;

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

pub use class::{Class, Pack, UnknownClass};
pub use explain::{Outcome, Stage, Trace};
pub use json::{JsonError, JsonFinding, JsonLimits, RedactedJson};
pub use policy::{Operator, Policy, PolicyError};
pub use pseudonym::PseudonymKey;

use class::ClassSet;
use context::Word;
use json::names::NameCue;
use names::{Carried, NameSpan, Names};
use normalise::Normalised;
use recognizers::Hit;
use scan::{Tables, View};

/// Finds and replaces personal data by one policy. Built once per policy and shared; holds no text.
pub struct Engine {
    policy: Policy,
    enabled: ClassSet,
    tables: Tables,
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
        Ok(Engine { enabled: policy.looked_for(), tables: Tables::new()?, names, policy })
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
        self.analyse(text, None, self.named(text), None)
    }

    /// Replaces values as the policy says; pseudonyms are made under `key`.
    pub fn redact<'t>(&self, text: &'t str, key: &PseudonymKey) -> Redacted<'t> {
        self.apply(text, self.scan(text), key)
    }

    /// Redacts turns of one conversation, in order. What the network has to see of them runs together; names found in one turn are found
    /// again in the later ones, and kept in `carried` for those still to come.
    pub fn redact_turns<'t>(&self, turns: &[&'t str], key: &PseudonymKey, carried: &mut Carried) -> Vec<Redacted<'t>> {
        let named = self.named_all(turns);
        let redacted = turns.iter().zip(named).map(|(turn, mut hits)| {
            hits.extend(self.carried(turn, key, carried));
            let findings = self.analyse(turn, None, hits, None);
            let people = findings.iter().filter(|finding| finding.class == Class::Person);
            people.for_each(|finding| carried.learn(&turn[finding.span.clone()], key));
            self.apply(turn, findings, key)
        });
        redacted.collect()
    }

    /// Redacts the value of a field called `name`, which counts as its context: the value of `password` is dropped whatever
    /// it is. The name itself is content too: pass it through [`Engine::redact`] where it is a client's own.
    pub fn redact_value<'t>(&self, name: &str, value: &'t str, key: &PseudonymKey) -> Redacted<'t> {
        let findings = self.scan_value(value, &NameCue::of(name, &self.tables));
        self.apply(value, findings, key)
    }

    /// Redacts JSON text: strings, keys and numbers, by value and by the names of their fields. See [`RedactedJson`].
    ///
    /// # Errors
    /// [`JsonError`] when the text is not JSON (RFC 8259) or goes over a limit.
    pub fn redact_json(&self, json: &str, key: &PseudonymKey, limits: JsonLimits) -> Result<RedactedJson, JsonError> {
        json::redact(self, json, key, limits)
    }

    /// Says of every candidate what it was taken for and what became of it, in order.
    pub fn explain(&self, text: &str) -> Vec<Trace> {
        let mut traces = Vec::new();
        self.analyse(text, None, self.named(text), Some(&mut traces));
        traces.sort_by_key(|trace| (trace.span.start, trace.span.end, trace.class));
        traces.dedup();
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
            _ => self.analyse(value, cue.hint(), self.named(value), None),
        }
    }

    /// Returns what the names tier finds in `text`.
    fn named(&self, text: &str) -> Vec<Hit> {
        self.named_all(&[text]).pop().unwrap_or_default()
    }

    /// Returns what the names tier finds in each of `texts`, in places of their normal forms.
    fn named_all(&self, texts: &[&str]) -> Vec<Vec<Hit>> {
        let Some(names) = self.names.as_ref().filter(|_| self.looks_for_names()) else {
            return texts.iter().map(|_| Vec::new()).collect();
        };
        let normal: Vec<Normalised<'_>> = texts.iter().map(|text| Normalised::new(text)).collect();
        let normal: Vec<&str> = normal.iter().map(|normal| &*normal.text).collect();
        let found = names.find(&normal).into_iter();
        found
            .map(|spans| spans.into_iter().filter(|span| self.enabled.holds(span.class)).map(hit_of).collect())
            .collect()
    }

    fn looks_for_names(&self) -> bool {
        [Class::Person, Class::Address, Class::Location].iter().any(|&class| self.enabled.holds(class))
    }

    /// Returns the names of earlier turns that stand in `turn`.
    fn carried(&self, turn: &str, key: &PseudonymKey, carried: &Carried) -> Vec<Hit> {
        if !self.enabled.holds(Class::Person) {
            return Vec::new();
        }
        let found = carried.find(&Normalised::new(turn).text, key).into_iter();
        found
            .map(|span| Hit {
                class: Class::Person,
                rule: "carried",
                score: 70,
                span,
                stage: Stage::Names,
                verdict: "the word of a name of an earlier turn",
                word: None,
            })
            .collect()
    }

    /// Scans until the redacted text yields nothing new. `named` is what the names tier found in the normal form of `text`.
    fn analyse(
        &self,
        text: &str,
        hint: Option<Word>,
        named: Vec<Hit>,
        mut traces: Option<&mut Vec<Trace>>,
    ) -> Vec<Finding> {
        let mut findings = self.pass(text, hint, named, |span| span, traces.as_deref_mut());
        for _ in 1..MAX_PASSES {
            if findings.is_empty() {
                break;
            }
            let shadow = operators::apply(text, &findings, &self.policy, None);
            let back = Unshadow::new(&findings, &self.policy, text);
            let more = self.pass(&shadow, hint, Vec::new(), |span| back.original(span), traces.as_deref_mut());
            if more.is_empty() {
                break;
            }
            findings.extend(more);
            findings.sort_by_key(|finding| finding.span.start);
        }
        findings
    }

    fn pass(
        &self,
        text: &str,
        hint: Option<Word>,
        named: Vec<Hit>,
        original: impl Fn(Range<usize>) -> Range<usize>,
        traces: Option<&mut Vec<Trace>>,
    ) -> Vec<Finding> {
        let normalised = Normalised::new(text);
        let hits = self.hits(&normalised.text, hint, named);
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

    fn hits(&self, normal: &str, hint: Option<Word>, mut hits: Vec<Hit>) -> Vec<Hit> {
        let view = View {
            text: normal,
            bytes: normal.as_bytes(),
            tables: &self.tables,
            enabled: self.enabled,
            assume_context: self.policy.assume_context,
            hint,
            before: Cell::new(None),
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

fn hit_of(found: NameSpan) -> Hit {
    let NameSpan { class, span, score, verdict } = found;
    Hit { class, rule: "network", score, span, stage: Stage::Names, verdict, word: None }
}

/// Returns the last character boundary up to `at`, at most the length of the text.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
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

    fn original(&self, span: Range<usize>) -> Range<usize> {
        let at = self.pieces.partition_point(|(shadow, _)| *shadow <= span.start).saturating_sub(1);
        let (shadow, original) = self.pieces[at];
        span.start - shadow + original..span.end - shadow + original
    }
}

/// How often a text is scanned at most. Two passes do for all but texts made to need more.
const MAX_PASSES: usize = 8;
