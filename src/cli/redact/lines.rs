//! One JSON object a line, in and out.

use std::io::{self, BufRead, Write};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{DONE, FAILED};
use crate::redaction::{Class, Dialogue, Engine, Finding, PseudonymKey, Redacted, Speaker, Trace};

/// Redacts every line under a key of its own; a bad line becomes `{"error": reason}`. Returns the exit code.
pub(super) fn redact(
    engine: &Engine,
    explain: bool,
    mut input: impl BufRead,
    output: &mut impl Write,
    new_key: &mut impl FnMut() -> PseudonymKey,
) -> io::Result<u8> {
    let mut code = DONE;
    let mut line = Vec::new();
    while let Some(read) = next_line(&mut input, &mut line)? {
        let answer = read.and_then(|()| redact_line(engine, explain, &line, &new_key())).unwrap_or_else(|error| {
            code = FAILED;
            Answer::Error { error }
        });
        serde_json::to_writer(&mut *output, &answer)?;
        output.write_all(b"\n")?;
    }
    Ok(code)
}

#[derive(Deserialize)]
struct Line {
    text: Option<String>,
    turns: Option<Vec<Turn>>,
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    text: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Text(Text),
    Turns { turns: Vec<TurnAnswer> },
    Error { error: &'static str },
}

#[derive(Serialize)]
struct TurnAnswer {
    role: String,
    #[serde(flatten)]
    text: Text,
}

#[derive(Serialize)]
struct Text {
    text: String,
    findings: Vec<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Vec<Explained>>,
}

/// A finding; the place in Unicode code points of the input.
#[derive(Serialize)]
struct Found {
    class: Class,
    start: usize,
    end: usize,
    score: f64,
    rule: &'static str,
}

#[derive(Serialize)]
struct Explained {
    start: usize,
    end: usize,
    #[serde(flatten)]
    trace: Trace,
}

fn redact_line(engine: &Engine, explain: bool, line: &[u8], key: &PseudonymKey) -> Result<Answer, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8")?;
    let line: Line =
        serde_json::from_str(line).map_err(|_| "the line is not a JSON object with \"text\" or \"turns\"")?;
    match line {
        Line { text: Some(given), turns: None } => {
            let traces = || engine.explain(&given);
            Ok(Answer::Text(answer(&given, engine.redact(&given, key), explain.then(traces))))
        }
        Line { text: None, turns: Some(turns) } => {
            let mut dialogue = Dialogue::default();
            let turns = turns.into_iter().map(|turn| redact_turn(engine, explain, &turn, &mut dialogue, key));
            Ok(Answer::Turns { turns: turns.collect() })
        }
        _ => Err("the line needs either \"text\" or \"turns\""),
    }
}

fn redact_turn(engine: &Engine, explain: bool, turn: &Turn, dialogue: &mut Dialogue, key: &PseudonymKey) -> TurnAnswer {
    let speaker = Speaker::of_role(&turn.role);
    let traces = explain.then(|| engine.explain_turn(&mut dialogue.clone(), speaker, &turn.text, key));
    let redacted = engine.redact_turn(dialogue, speaker, &turn.text, key);
    let role = engine.redact(&turn.role, key).text.into_owned();
    TurnAnswer { role, text: answer(&turn.text, redacted, traces) }
}

fn answer(text: &str, redacted: Redacted<'_>, traces: Option<Vec<Trace>>) -> Text {
    let mut points = CodePoints::new(text);
    let found = |finding: &Finding| {
        let Range { start, end } = points.of(&finding.span);
        Found { class: finding.class, start, end, score: f64::from(finding.score) / 100.0, rule: finding.rule }
    };
    let findings = redacted.findings.iter().map(found).collect();
    let explained = |trace: Trace| {
        let Range { start, end } = CodePoints::new(text).of(&trace.span);
        Explained { start, end, trace }
    };
    let explain = traces.map(|traces| traces.into_iter().map(explained).collect());
    Text { text: redacted.text.into_owned(), findings, explain }
}

/// Counts code points up to places that come in order.
pub(crate) struct CodePoints<'t> {
    text: &'t str,
    byte: usize,
    point: usize,
}

impl<'t> CodePoints<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        CodePoints { text, byte: 0, point: 0 }
    }

    pub(crate) fn of(&mut self, span: &Range<usize>) -> Range<usize> {
        self.at(span.start)..self.at(span.end)
    }

    fn at(&mut self, byte: usize) -> usize {
        self.point += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.point
    }
}

/// Reads the next line into `line`, without its end; a line over the limit is read to its end and refused.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<Result<(), &'static str>>> {
    line.clear();
    let mut length = 0;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', buffer);
        let part = &buffer[..end.unwrap_or(buffer.len())];
        length += part.len();
        if length <= MAX_LINE {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(if length > MAX_LINE { Err("the line is over 1 MiB") } else { Ok(()) }));
        }
    }
    Ok((length > 0).then_some(if length > MAX_LINE { Err("the line is over 1 MiB") } else { Ok(()) }))
}

const MAX_LINE: usize = 1 << 20;
