//! Stage 3: one file per family of values, each with its own grammar, validator and vectors.
//!
//! A recognizer gets a candidate and the view around it, and pushes a [`Hit`] for what it can stand behind, weak ones too: those under
//! the threshold are not findings, but `explain` shows them. To add one: a file here with its vectors, a line in the
//! dispatcher of its candidate kind ([`number`], [`colon`] or the cue list), and its class.

pub(super) mod address;
pub(super) mod card;
pub(super) mod cues;
pub(super) mod date_of_birth;
pub(super) mod dictionary;
pub(super) mod email;
pub(super) mod iban;
pub(super) mod ids;
pub(super) mod ip;
pub(super) mod mac;
pub(super) mod named;
pub(super) mod names_by_cue;
pub(super) mod phone;
mod phone_plans;
pub(super) mod reversed;
pub(super) mod secret;
pub(super) mod secrets;
pub(super) mod speech;
pub(super) mod tokens;
pub(super) mod url_credential;
pub(super) mod us_ssn;
pub(super) mod vendor_key;

use std::ops::Range;

use super::Class;
use super::explain::Stage;
use super::scan::{NumberRun, View};

/// What a recognizer says about a candidate.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) class: Class,
    pub(super) rule: &'static str,
    /// Percent; from [`THRESHOLD`] it is a finding.
    pub(super) score: u8,
    /// Bytes of the normalised text.
    pub(super) span: Range<usize>,
    /// The stage that decided.
    pub(super) stage: Stage,
    /// What the validator said.
    pub(super) verdict: &'static str,
    /// The context word that counted, from our own list.
    pub(super) word: Option<&'static str>,
}

/// The score from which a hit is a finding.
pub(super) const THRESHOLD: u8 = 50;

/// Judges a run of digit groups.
pub(super) fn number(view: &View<'_>, run: &NumberRun<'_>, hits: &mut Vec<Hit>) {
    if view.looks_for(Class::Iban) {
        iban::find(view, run, hits);
    }
    if view.looks_for(Class::Ip) {
        ip::find_v4(view, run, hits);
    }
    if view.looks_for(Class::Address) {
        address::number(view, run, hits);
    }
    if run.digits < 7 {
        return;
    }
    if view.looks_for(Class::Card) {
        card::find(view, run, hits);
    }
    if view.looks_for(Class::UsSsn) {
        us_ssn::find(view, run, hits);
    }
    if view.looks_for(Class::Phone) {
        phone::find(view, run, hits);
    }
    spaced(view, run, hits);
}

/// Judges seven digits and more that stand one by one.
fn spaced(view: &View<'_>, run: &NumberRun<'_>, hits: &mut Vec<Hit>) {
    for groups in run.groups.chunk_by(|a, b| a.len() == 1 && b.len() == 1) {
        if groups.len() >= 7 {
            speech::number::single(view, groups, hits);
        }
    }
}

/// Judges what stands around the `@` at `at`.
pub(super) fn at_sign(view: &View<'_>, at: usize, hits: &mut Vec<Hit>) {
    let before = hits.len();
    email::find(view, at, hits);
    if hits.len() == before && view.looks_for(Class::Email) {
        speech::mail::spaced(view, at, hits);
    }
    if hits.len() == before {
        named::mention(view, at, hits);
    }
}

/// Judges what stands around the colon at `at`, and returns up to where colons need no more looking at.
pub(super) fn colon(view: &View<'_>, at: usize, hits: &mut Vec<Hit>) -> usize {
    if view.bytes[at..].starts_with(b"://") {
        url_credential::find(view, at, hits);
        return at + 1;
    }
    ip::find_hex(view, at, hits)
}

#[cfg(test)]
pub(super) mod testing {
    use crate::redaction::{Class, Engine, Policy};

    /// Returns what of `text` is found as `class`.
    pub(crate) fn found(class: Class, text: &str) -> Vec<&str> {
        with(Policy::default(), class, text)
    }

    /// The same, with every context word assumed; nothing else is looked for, as every other class would be named there too.
    pub(crate) fn assumed(class: Class, text: &str) -> Vec<&str> {
        with(Policy { assume_context: true, classes: [class].into(), ..Policy::default() }, class, text)
    }

    fn with(policy: Policy, class: Class, text: &str) -> Vec<&str> {
        let findings = Engine::new(policy).unwrap().scan(text);
        findings.into_iter().filter(|finding| finding.class == class).map(|finding| &text[finding.span]).collect()
    }
}
