//! What was seen, and why it was or was not taken: a trace that never holds the value.

use std::ops::Range;

use serde::{Serialize, Serializer};

use super::{Class, Operator};

/// The stage that decided about a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The form alone told it, as of a key prefix.
    Scan,
    /// A validator told it, as the check digits of a card.
    Validate,
    /// A word near it told it.
    Context,
    /// A cue in front of it announced it.
    Cue,
    /// The name of its field announced it.
    Name,
    /// The names tier told it: the network, or an earlier turn that held it.
    Names,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is a finding.
    Found,
    /// Its score is too low.
    BelowThreshold,
    /// A stronger finding covers part of it, or it stands in a token of an earlier redaction.
    Overlapped,
}

/// One candidate and its fate. Never holds the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// What it would be.
    pub class: Class,
    /// The rule that proposed it.
    pub rule: &'static str,
    /// Percent; written as a fraction.
    #[serde(serialize_with = "fraction")]
    pub score: u8,
    /// Bytes of the input.
    pub span: Range<usize>,
    /// The stage that decided.
    pub stage: Stage,
    /// What the validator said.
    pub verdict: &'static str,
    /// The context word that counted; it comes from the product's list, not from the text.
    pub word: Option<&'static str>,
    /// What became of it.
    pub outcome: Outcome,
    /// What the policy does with its class.
    pub operator: Operator,
    /// The version of the policy.
    pub policy_version: u32,
}

fn fraction<S: Serializer>(score: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(f64::from(*score) / 100.0)
}
