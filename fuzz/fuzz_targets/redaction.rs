//! Redaction: spans lie in order, what is found is explained and gone, JSON stays JSON and keeps its shape, a second time too; what a
//! conversation remembers survives its bytes; the tagger of names stays within the text.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use subrosa::redaction::names::tagger::{Gate as _, Tagger};
use subrosa::redaction::{
    Dialogue, Engine, Finding, JsonError, JsonLimits, Operator, Pack, Policy, PseudonymKey, Redacted, Speaker,
};
use subrosa_fuzz::Input;

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    let all = Policy { packs: Pack::ALL.iter().copied().collect(), ..Policy::default() };
    [Policy::default(), all].map(|policy| Engine::new(policy).expect("the policy holds"))
});
static TAGGER: LazyLock<Tagger> = LazyLock::new(|| Tagger::new().expect("the weights are whole"));
static KEY: LazyLock<PseudonymKey> = LazyLock::new(|| PseudonymKey::from_bytes([7; 32]));
const LIMITS: JsonLimits = JsonLimits { depth: 16, nodes: 200 };

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let how = input.byte();
    let engine = &ENGINES[usize::from(how & 1)];
    if how & 8 != 0 {
        let _ = Dialogue::from_bytes(input.0).map(|dialogue| same_bytes(&dialogue));
    }
    let Ok(text) = std::str::from_utf8(input.0) else { return };
    match how & 7 {
        0 | 1 => plain(engine, text),
        2 | 3 => dialogue(engine, text),
        4 | 5 => value(engine, text),
        _ => json(engine, text),
    }
});

fn plain(engine: &Engine, text: &str) {
    let once = engine.redact(text, &KEY);
    holds(engine, text, &once);
    // A second time may redact more: a tag is shorter than what it stands for, and a cue then reaches further. It must hold.
    let _ = engine.redact(&once.text, &KEY);
    assert!(once.findings.len() <= engine.explain(text).len());
    let verdict = TAGGER.judge(text);
    in_order(text, verdict.spans.iter().map(|span| &span.span));
    in_order(text, verdict.doubts.iter());
    assert_eq!(verdict.ask, !verdict.doubts.is_empty());
}

/// Every line is a turn, of the user where it begins with a space. The state is written down and read between turns.
fn dialogue(engine: &Engine, text: &str) {
    let mut dialogue = Dialogue::default();
    for turn in text.split('\n') {
        let speaker = if turn.starts_with(' ') { Speaker::User } else { Speaker::Asker };
        let told = engine.explain_turn(&mut dialogue.clone(), speaker, turn, &KEY).len();
        let once = engine.redact_turn(&mut dialogue, speaker, turn, &KEY);
        holds(engine, turn, &once);
        assert!(once.findings.len() <= told);
        dialogue = same_bytes(&dialogue);
    }
}

fn same_bytes(dialogue: &Dialogue) -> Dialogue {
    let bytes = dialogue.to_bytes();
    assert!(bytes.len() <= Dialogue::MAX_BYTES);
    let read = Dialogue::from_bytes(&bytes).expect("what was written is read");
    assert!(read == *dialogue && format!("{read:?}").len() < 4096);
    read
}

/// Spans are those of whole characters, in order, and nothing found of six bytes and more is left at its place.
fn holds(engine: &Engine, text: &str, once: &Redacted<'_>) {
    in_order(text, once.findings.iter().map(|finding| &finding.span));
    assert!(once.findings.iter().all(|finding| (50..=100).contains(&finding.score)));
    assert_eq!(once.findings.is_empty(), once.text == text);
    let mut rest = &*once.text;
    let mut copied = 0;
    for finding in &once.findings {
        let kept = &text[copied..finding.span.start];
        rest = rest.strip_prefix(kept).expect("what stands between findings stays");
        rest = &rest[replaced(engine, finding, &text[finding.span.clone()], rest)..];
        copied = finding.span.end;
    }
    assert_eq!(rest, &text[copied..]);
}

/// Returns how long what stands in place of `value` is.
fn replaced(engine: &Engine, finding: &Finding, value: &str, rest: &str) -> usize {
    assert!(value.len() < 6 || !rest.starts_with(value), "a value was left");
    match engine.policy().operator(finding.class) {
        Operator::Mask if !rest.starts_with('<') => rest.find('*').map_or(0, |star| {
            let stars = rest[star..].bytes().take_while(|byte| *byte == b'*').count();
            star + stars + rest[star + stars..].bytes().take(4).take_while(u8::is_ascii_digit).count()
        }),
        _ => rest.find('>').expect("a token ends") + 1,
    }
}

fn in_order<'s>(text: &str, spans: impl Iterator<Item = &'s std::ops::Range<usize>>) {
    let mut end = 0;
    for span in spans {
        assert!(span.start >= end && span.start < span.end && span.end <= text.len());
        assert!(text.get(span.clone()).is_some(), "a span cuts a character");
        end = span.end;
    }
}

/// The first line names a field, the rest is its value.
fn value(engine: &Engine, text: &str) {
    let (name, value) = text.split_once('\n').unwrap_or(("password", text));
    let once = engine.redact_value(name, value, &KEY).text;
    let _ = engine.redact_value(name, &once, &KEY);
}

fn json(engine: &Engine, text: &str) {
    let before = serde_json::from_str::<Value>(text);
    match engine.redact_json(text, &KEY, LIMITS) {
        Ok(once) => {
            let after: Value = serde_json::from_str(&once.json).expect("it stays JSON");
            same_shape(&before.expect("only JSON is taken"), &after);
            let again = engine.redact_json(&once.json, &KEY, LIMITS).expect("it stays within the limits");
            same_shape(&after, &serde_json::from_str(&again.json).expect("it stays JSON"));
        }
        Err(error) => {
            // Numbers are all that it can hold.
            let none = match error {
                JsonError::Syntax { offset } => offset <= text.len(),
                JsonError::TooDeep { limit } => return assert_eq!(limit, LIMITS.depth),
                JsonError::TooManyNodes { limit } => return assert_eq!(limit, LIMITS.nodes),
            };
            assert!(none && before.is_err(), "JSON was refused as none");
        }
    }
}

/// No member and no element is lost; what was a number may be a string now.
fn same_shape(before: &Value, after: &Value) {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).for_each(|(before, after)| same_shape(before, after));
        }
        (Value::Object(before), Value::Object(after)) => assert_eq!(before.len(), after.len()),
        (Value::String(_) | Value::Number(_), Value::String(_)) => {}
        _ => assert_eq!(before, after),
    }
}
