//! Redaction: spans lie in order, what is found is explained, JSON stays JSON and keeps its shape, a second time too.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use subrosa::redaction::{Engine, JsonError, JsonLimits, Pack, Policy, PseudonymKey};
use subrosa_fuzz::Input;

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    let all = Policy { packs: Pack::ALL.iter().copied().collect(), ..Policy::default() };
    [Policy::default(), all].map(|policy| Engine::new(policy).expect("the policy holds"))
});
static KEY: LazyLock<PseudonymKey> = LazyLock::new(|| PseudonymKey::from_bytes([7; 32]));
const LIMITS: JsonLimits = JsonLimits { depth: 16, nodes: 200 };

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let how = input.byte();
    let engine = &ENGINES[usize::from(how & 1)];
    let Ok(text) = std::str::from_utf8(input.0) else { return };
    match how & 6 {
        0 | 2 => plain(engine, text),
        4 => value(engine, text),
        _ => json(engine, text),
    }
});

fn plain(engine: &Engine, text: &str) {
    let once = engine.redact(text, &KEY);
    let mut end = 0;
    for finding in &once.findings {
        assert!(finding.span.start >= end && finding.span.start < finding.span.end && finding.span.end <= text.len());
        assert!(text.get(finding.span.clone()).is_some(), "a span cuts a character");
        assert!((50..=100).contains(&finding.score));
        end = finding.span.end;
    }
    assert_eq!(once.findings.is_empty(), once.text == text);
    // A second time may redact more: a tag is shorter than what it stands for, and a cue then reaches further. It must hold.
    let _ = engine.redact(&once.text, &KEY);
    assert!(once.findings.len() <= engine.explain(text).len());
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
