//! Running the engine over a set, with the time of every message.

use std::time::{Duration, Instant};

use crate::cli::redact::CodePoints;
use crate::redaction::{Engine, Pack, Policy, PseudonymKey};

use super::RedactArgs;
use super::score::{Answer, Answers};
use super::sets::Document;
use crate::cli::exit::CliError;

/// How fast it went.
pub(super) struct Speed {
    pub(super) messages: usize,
    pub(super) bytes: usize,
    /// The time of each message, ascending.
    pub(super) times: Vec<Duration>,
}

impl Speed {
    pub(super) fn total(&self) -> Duration {
        self.times.iter().sum()
    }

    /// Returns the time that `percent` of the messages took at most.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let at = (self.times.len() * percent).div_ceil(100).saturating_sub(1);
        self.times.get(at).copied().unwrap_or_default()
    }
}

/// Returns the policy that the arguments ask for.
pub(super) fn policy(args: &RedactArgs) -> Policy {
    let mut policy = Policy { assume_context: args.assume_context, ..Policy::default() };
    policy.packs = Pack::ALL.iter().copied().collect();
    if !args.classes.is_empty() {
        policy.classes = args.classes.iter().copied().collect();
    }
    policy
}

/// Redacts every document, one after the other on this thread.
pub(super) fn answers(args: &RedactArgs, documents: &[Document]) -> Result<(Answers, Speed), CliError> {
    let engine = Engine::new(policy(args))?;
    let key = PseudonymKey::from_bytes([7; 32]);
    let mut speed = Speed { messages: 0, bytes: 0, times: Vec::new() };
    let answers = documents.iter().map(|document| answer(&engine, &key, document, &mut speed)).collect();
    speed.times.sort_unstable();
    Ok((answers, speed))
}

/// Redacts one document.
pub(super) fn answer(engine: &Engine, key: &PseudonymKey, document: &Document, speed: &mut Speed) -> Vec<Vec<Answer>> {
    let mut turns = Vec::new();
    for turn in &document.turns {
        let begin = Instant::now();
        let redacted = engine.redact(&turn.text, key);
        speed.times.push(begin.elapsed());
        speed.messages += 1;
        speed.bytes += turn.text.len();
        let mut points = CodePoints::new(&turn.text);
        let findings = redacted.findings.iter().map(|finding| Answer {
            class: finding.class.as_str().to_owned(),
            rule: finding.rule.to_owned(),
            span: points.of(&finding.span),
        });
        turns.push(findings.collect());
    }
    turns
}
