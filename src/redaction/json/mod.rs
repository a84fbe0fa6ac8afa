//! JSON, walked by value: strings, keys and numbers are redacted like text, and the name of a field is the context of its value.

mod lexer;
pub(super) mod names;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use lexer::Lexer;
use names::NameCue;

use super::pseudonym::Tokens;
use super::{Engine, Finding, PseudonymKey, Risks, Trace, operators};

/// How much JSON is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// The deepest nesting of arrays and objects; never more than 128.
    pub depth: usize,
    /// The most keys, strings, numbers, arrays and objects.
    pub nodes: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        JsonLimits { depth: 64, nodes: 100_000 }
    }
}

/// JSON text after redaction.
///
/// It is valid JSON, and is the input byte for byte but for the keys, strings and numbers in which something was found;
/// order, white space and duplicate keys stay. A number in which something was found becomes a string. A key that would collide with
/// another of its object through redaction gets `#2`, `#3`... behind it, so that no value is lost.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedJson {
    /// The redacted JSON text.
    pub json: String,
    /// What was found, in document order.
    pub findings: Vec<JsonFinding>,
    /// What its strings try; told by [`Engine::redact_json`] only.
    pub risks: Risks,
}

/// Prints the findings only: the JSON is content.
impl std::fmt::Debug for RedactedJson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedactedJson").field("findings", &self.findings).finish_non_exhaustive()
    }
}

/// A finding in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFinding {
    /// Which node it is in, counted from 0 in document order over keys, strings, numbers, arrays and objects.
    pub node: usize,
    /// Whether the node is a key.
    pub in_key: bool,
    /// What was found; the span is in bytes of the decoded string, or of the number as written.
    pub finding: Finding,
}

/// Why JSON was refused. Never holds any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON by RFC 8259; a lone surrogate escape is none either.
    #[error("not JSON, at byte {offset}")]
    Syntax {
        /// Where the reading stopped.
        offset: usize,
    },
    /// It nests too deeply.
    #[error("JSON nests deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// It has too many nodes.
    #[error("JSON has more than {limit} nodes")]
    TooManyNodes {
        /// The limit.
        limit: usize,
    },
}

/// Redacts a JSON text.
pub(super) fn redact(
    engine: &Engine,
    json: &str,
    key: &PseudonymKey,
    limits: JsonLimits,
) -> Result<RedactedJson, JsonError> {
    walk(engine, json, key, limits, Way::Redact).map(|(redacted, _)| redacted)
}

/// Says of every candidate in a JSON text, with the node it is in, what it was taken for and what became of it.
pub(super) fn explain(engine: &Engine, json: &str, limits: JsonLimits) -> Result<Vec<(usize, Trace)>, JsonError> {
    // No token of it is shown.
    walk(engine, json, &PseudonymKey::from_bytes([0; 32]), limits, Way::Explain).map(|(_, traces)| traces)
}

/// Takes what `find` names out of the strings, keys and numbers of a JSON text, each decoded; nothing else is looked for.
pub(super) fn take_out(
    engine: &Engine,
    json: &str,
    key: &PseudonymKey,
    limits: JsonLimits,
    find: Find<'_>,
) -> Result<RedactedJson, JsonError> {
    walk(engine, json, key, limits, Way::TakeOut(find)).map(|(redacted, _)| redacted)
}

/// Names the findings in a text.
pub(super) type Find<'f> = &'f dyn Fn(&str) -> Vec<Finding>;

/// What a text is walked for.
#[derive(Clone, Copy)]
enum Way<'f> {
    Redact,
    /// As `Redact`, with traces.
    Explain,
    TakeOut(Find<'f>),
}

fn walk(
    engine: &Engine,
    json: &str,
    key: &PseudonymKey,
    limits: JsonLimits,
    way: Way<'_>,
) -> Result<(RedactedJson, Vec<(usize, Trace)>), JsonError> {
    let limits = JsonLimits { depth: limits.depth.min(MAX_DEPTH), ..limits };
    let mut walk = Walk {
        engine,
        way,
        traces: Vec::new(),
        tokens: key.tokens(),
        limits,
        lexer: Lexer::new(json),
        out: String::with_capacity(json.len()),
        copied: 0,
        nodes: 0,
        findings: Vec::new(),
        risks: Risks::default(),
    };
    walk.value(0, &NameCue::default())?;
    walk.lexer.finish()?;
    walk.out.push_str(&json[walk.copied..]);
    Ok((RedactedJson { json: walk.out, findings: walk.findings, risks: walk.risks }, walk.traces))
}

struct Walk<'j> {
    engine: &'j Engine,
    way: Way<'j>,
    traces: Vec<(usize, Trace)>,
    tokens: Tokens,
    limits: JsonLimits,
    lexer: Lexer<'j>,
    out: String,
    /// Up to where the input is in `out`.
    copied: usize,
    nodes: usize,
    findings: Vec<JsonFinding>,
    risks: Risks,
}

impl Walk<'_> {
    fn value(&mut self, depth: usize, cue: &NameCue) -> Result<(), JsonError> {
        match self.lexer.peek() {
            Some(b'{') => self.object(depth, cue),
            Some(b'[') => self.array(depth, cue),
            Some(b'"') => self.string(cue),
            Some(b'-' | b'0'..=b'9') => self.number(cue),
            _ => self.lexer.literal(),
        }
    }

    fn array(&mut self, depth: usize, cue: &NameCue) -> Result<(), JsonError> {
        self.enter(depth)?;
        self.lexer.expect(b'[')?;
        if self.lexer.take(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1, cue)?;
            if !self.lexer.take(b',') {
                return self.lexer.expect(b']');
            }
        }
    }

    fn object(&mut self, depth: usize, cue: &NameCue) -> Result<(), JsonError> {
        self.enter(depth)?;
        self.lexer.expect(b'{')?;
        let mut redacted_keys = HashMap::new();
        if self.lexer.take(b'}') {
            return Ok(());
        }
        loop {
            let own = self.key(&mut redacted_keys)?;
            self.lexer.expect(b':')?;
            self.value(depth + 1, if own.is_none() { cue } else { &own })?;
            if !self.lexer.take(b',') {
                return self.lexer.expect(b'}');
            }
        }
    }

    /// Redacts a key and returns what it says of its value.
    fn key(&mut self, redacted_keys: &mut HashMap<String, usize>) -> Result<NameCue, JsonError> {
        let node = self.count()?;
        let (span, key) = self.lexer.string()?;
        let findings = self.found(node, &key, |engine| engine.scan_word(&key), |engine| engine.explain_word(&key));
        let redacted = operators::apply(&key, &findings, &self.engine.policy, Some(&self.tokens));
        let cue = NameCue::of(&redacted, self.engine.tables);
        if !findings.is_empty() || key.contains(['<', '*']) {
            let unique = unique(redacted, redacted_keys);
            if unique != key {
                self.write(span, &unique);
            }
        }
        self.note(node, true, findings);
        Ok(cue)
    }

    fn string(&mut self, cue: &NameCue) -> Result<(), JsonError> {
        let node = self.count()?;
        let (span, text) = self.lexer.string()?;
        if matches!(self.way, Way::Redact) && self.risks.is_empty() {
            self.risks = self.engine.risks(&text);
        }
        self.scalar(node, span, text, cue);
        Ok(())
    }

    fn number(&mut self, cue: &NameCue) -> Result<(), JsonError> {
        let node = self.count()?;
        let (span, text) = self.lexer.number()?;
        self.scalar(node, span, Cow::Borrowed(text), cue);
        Ok(())
    }

    fn scalar(&mut self, node: usize, span: Range<usize>, text: Cow<'_, str>, cue: &NameCue) {
        let scan = |engine: &Engine| engine.scan_value(&text, cue);
        let findings = self.found(node, &text, scan, |engine| engine.explain_cued(&text, cue));
        if !findings.is_empty() {
            let redacted = operators::apply(&text, &findings, &self.engine.policy, Some(&self.tokens));
            self.write(span, &redacted);
        }
        self.note(node, false, findings);
    }

    /// Finds what is looked for in one node.
    fn found(
        &mut self,
        node: usize,
        text: &str,
        scan: impl FnOnce(&Engine) -> Vec<Finding>,
        explain: impl FnOnce(&Engine) -> Vec<Trace>,
    ) -> Vec<Finding> {
        match self.way {
            Way::TakeOut(find) => return find(text),
            Way::Explain => self.traces.extend(explain(self.engine).into_iter().map(|trace| (node, trace))),
            Way::Redact => {}
        }
        scan(self.engine)
    }

    /// Puts `text`, as a JSON string, in place of the input's bytes.
    fn write(&mut self, span: Range<usize>, text: &str) {
        self.out.push_str(&self.lexer.source()[self.copied..span.start]);
        self.out.push_str(&serde_json::Value::from(text).to_string());
        self.copied = span.end;
    }

    fn note(&mut self, node: usize, in_key: bool, findings: Vec<Finding>) {
        self.findings.extend(findings.into_iter().map(|finding| JsonFinding { node, in_key, finding }));
    }

    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        self.count()?;
        if depth >= self.limits.depth { Err(JsonError::TooDeep { limit: self.limits.depth }) } else { Ok(()) }
    }

    fn count(&mut self) -> Result<usize, JsonError> {
        if self.nodes >= self.limits.nodes {
            return Err(JsonError::TooManyNodes { limit: self.limits.nodes });
        }
        self.nodes += 1;
        Ok(self.nodes - 1)
    }
}

/// Returns `key`, or `key#2`, `key#3`... where it is taken already. `taken` holds the next number of each key.
fn unique(key: String, taken: &mut HashMap<String, usize>) -> String {
    let mut candidate = key.clone();
    while taken.contains_key(&candidate) {
        let next = taken.entry(key.clone()).or_insert(2);
        candidate = format!("{key}#{next}");
        *next += 1;
    }
    taken.insert(candidate.clone(), 2);
    candidate
}

/// The stack allows no more, whatever the caller says.
const MAX_DEPTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redaction::Policy;

    fn redact(json: &str) -> Result<RedactedJson, JsonError> {
        let engine = Engine::new(Policy::default()).unwrap();
        engine.redact_json(json, &PseudonymKey::from_bytes([7; 32]), JsonLimits::default())
    }

    fn json(text: &str) -> String {
        redact(text).unwrap().json
    }

    #[test]
    fn nothing_found_is_byte_for_byte_the_input() {
        let text = " {\"b\" : [1, 2.50e3, null,true], \"a\":\"x\\u0041\", \"a\":\"\"}\n";
        assert_eq!(json(text), text);
    }

    #[test]
    fn strings_keys_and_numbers_are_redacted() {
        assert_eq!(
            json(r#"{"jane@example.org": ["jane@example.org", 4242424242424242]}"#),
            r#"{"<EMAIL_HF22>": ["<EMAIL_HF22>", "424242******4242"]}"#
        );
    }

    #[test]
    fn escapes_are_decoded_first() {
        assert_eq!(json(r#"["jane\u0040example.org\n"]"#), r#"["<EMAIL_HF22>\n"]"#);
    }

    #[test]
    fn the_name_of_a_field_announces_its_value() {
        for (text, expected) in [
            (r#"{"password":"x"}"#, r#"{"password":"<SECRET>"}"#),
            (r#"{"dbPassword":["a b",{"v":1}]}"#, r#"{"dbPassword":["<SECRET>",{"v":"<SECRET>"}]}"#),
            (r#"{"cvv": 123}"#, r#"{"cvv": "<SECRET>"}"#),
            (r#"{"access_token":"abcdefgh"}"#, r#"{"access_token":"<SECRET>"}"#),
            (r#"{"prompt_tokens":12345678}"#, r#"{"prompt_tokens":12345678}"#),
            (r#"{"token":"pin: 1234"}"#, r#"{"token":"pin: <SECRET>"}"#),
            (r#"{"token":"pin: <SECRET>"}"#, r#"{"token":"pin: <SECRET>"}"#),
            (r#"{"password":null,"pin":true}"#, r#"{"password":null,"pin":true}"#),
        ] {
            assert_eq!(json(text), expected);
        }
        assert!(json(r#"{"ssn": 536228726, "phone": 4155550132}"#).starts_with(r#"{"ssn": "<US_SSN_"#));
    }

    #[test]
    fn colliding_keys_are_told_apart() {
        assert_eq!(
            json(r#"{"my pin is 4711":1,"my pin is 4712":2}"#),
            r##"{"my pin is <SECRET>":1,"my pin is <SECRET>#2":2}"##
        );
    }

    #[test]
    fn what_is_redacted_stays_as_it_is() {
        let once = json(r#"{"password":"x","a@b.org":{"card":4242424242424242,"k":"my pin is 4711"}}"#);
        assert_eq!(json(&once), once);
    }

    #[test]
    fn limits_hold() {
        assert_eq!(redact(&"[".repeat(200_000)), Err(JsonError::TooDeep { limit: 64 }));
        let many = format!("[{}1]", "1,".repeat(100_000));
        assert_eq!(redact(&many), Err(JsonError::TooManyNodes { limit: 100_000 }));
    }

    #[test]
    fn findings_name_their_node() {
        let findings = redact(r#"{"to":["hi jane@example.org"]}"#).unwrap().findings;
        assert_eq!((findings[0].node, findings[0].in_key, findings[0].finding.span.clone()), (3, false, 3..19));
    }
}
