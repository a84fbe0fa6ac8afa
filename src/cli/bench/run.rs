//! Running the engine over a set, with the time of every message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::exit::{CliError, with_causes};
use crate::cli::redact::{CodePoints, model};
use crate::redaction::{Dialogue, Engine, Pack, Policy, PseudonymKey, Redacted, Speaker};

use super::RedactArgs;
use super::score::{Answer, Answers};
use super::sets::{Document, Turn};

/// How fast it went.
pub(super) struct Speed {
    pub(super) messages: usize,
    pub(super) bytes: usize,
    /// The time of each message of the first pass, ascending.
    pub(super) times: Vec<Duration>,
    /// How long all took together.
    pub(super) total: Duration,
}

impl Speed {
    pub(super) fn new() -> Self {
        Speed { messages: 0, bytes: 0, times: Vec::new(), total: Duration::ZERO }
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
    let names = args.names.model().map(|file| model::load(Some(&file), 1)).transpose();
    let names = names.map_err(|error| CliError::Failed(with_causes(&error)))?;
    let engine = Engine::with_names(policy(args), names.map(Arc::new))?;
    let key = PseudonymKey::from_bytes([7; 32]);
    let mut speed = Speed::new();
    let answers = documents.iter().map(|document| answer(&engine, &key, document, &mut speed)).collect();
    speed.times.sort_unstable();
    speed.total = speed.times.iter().sum();
    if args.repeat > 0 {
        speed.total = repeat(&engine, &key, documents, args.repeat, &mut speed);
    }
    Ok((answers, speed))
}

/// Goes over all documents `times` times, and returns how long it took.
fn repeat(engine: &Engine, key: &PseudonymKey, documents: &[Document], times: u32, speed: &mut Speed) -> Duration {
    (speed.messages, speed.bytes) = (0, 0);
    let begin = Instant::now();
    for document in (0..times).flat_map(|_| documents) {
        let mut dialogue = Dialogue::default();
        for turn in &document.turns {
            std::hint::black_box(redact(engine, key, document.spoken.then_some(&mut dialogue), turn));
            speed.messages += 1;
            speed.bytes += turn.text.len();
        }
    }
    begin.elapsed()
}

/// Returns the most memory that this process ever held, in bytes, where the system says it (Linux: `VmHWM`, proc(5)).
pub(super) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Redacts a turn of a conversation, or a text that stands alone, as `subrosa redact --json` does.
fn redact<'t>(engine: &Engine, key: &PseudonymKey, dialogue: Option<&mut Dialogue>, turn: &'t Turn) -> Redacted<'t> {
    match dialogue {
        Some(dialogue) => engine.redact_turn(dialogue, Speaker::of_role(&turn.role), &turn.text, key),
        None => engine.redact(&turn.text, key),
    }
}

/// Redacts one document.
pub(super) fn answer(engine: &Engine, key: &PseudonymKey, document: &Document, speed: &mut Speed) -> Vec<Vec<Answer>> {
    let (mut turns, mut dialogue) = (Vec::new(), Dialogue::default());
    for turn in &document.turns {
        let begin = Instant::now();
        let redacted = redact(engine, key, document.spoken.then_some(&mut dialogue), turn);
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
