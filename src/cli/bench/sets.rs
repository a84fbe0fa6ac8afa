//! Reading marked texts.

use std::io::BufRead as _;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use crate::cli::exit::CliError;

/// One line of a set: a conversation, or a text that stands alone.
pub(super) struct Document {
    /// Its line in the file, from 1.
    pub(super) line: usize,
    pub(super) turns: Vec<Turn>,
    /// The one kind of value that the line is about, where it is a recognizer's case.
    pub(super) entity: Option<String>,
    /// Whether the line has turns, and so roles.
    pub(super) spoken: bool,
}

/// A text and what is marked in it.
pub(super) struct Turn {
    pub(super) role: String,
    pub(super) text: String,
    pub(super) gold: Vec<Gold>,
}

/// A marked place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gold {
    pub(super) label: String,
    /// Unicode code points.
    pub(super) span: Range<usize>,
}

#[derive(Deserialize)]
struct Line {
    text: Option<String>,
    #[serde(default)]
    spans: Vec<Span>,
    turns: Option<Vec<TurnLine>>,
    entity: Option<String>,
    #[serde(default)]
    expected: Vec<(usize, usize)>,
}

#[derive(Deserialize)]
struct TurnLine {
    role: String,
    text: String,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    start: usize,
    end: usize,
    label: String,
}

/// Reads a set.
///
/// # Errors
/// The file cannot be read, or a line, which is named, has none of the three forms.
pub(super) fn read(path: &Path) -> Result<Vec<Document>, CliError> {
    let failed = |why: &dyn std::fmt::Display| CliError::Failed(format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut documents = Vec::new();
    for (at, line) in std::io::BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| failed(&error))?;
        if !line.trim().is_empty() {
            let document =
                document(at + 1, &line).ok_or_else(|| failed(&format!("line {} is of no known form", at + 1)))?;
            documents.push(document);
        }
    }
    Ok(documents)
}

fn document(line: usize, json: &str) -> Option<Document> {
    let read: Line = serde_json::from_str(json).ok()?;
    let spoken = read.turns.is_some();
    let turns = match (read.text, read.turns) {
        (Some(text), None) => {
            let gold = match &read.entity {
                Some(entity) => read.expected.iter().map(|&(start, end)| gold(entity, start, end)).collect(),
                None => marked(read.spans),
            };
            vec![Turn { role: "user".to_owned(), text, gold }]
        }
        (None, Some(turns)) => {
            turns.into_iter().map(|turn| Turn { role: turn.role, text: turn.text, gold: marked(turn.spans) }).collect()
        }
        _ => return None,
    };
    Some(Document { line, turns, entity: read.entity, spoken })
}

fn marked(spans: Vec<Span>) -> Vec<Gold> {
    spans.into_iter().map(|span| gold(&span.label, span.start, span.end)).collect()
}

fn gold(label: &str, start: usize, end: usize) -> Gold {
    Gold { label: label.to_owned(), span: start..end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_a_line_are_read() {
        let plain = document(1, r#"{"text": "ab", "spans": [{"start": 0, "end": 1, "label": "X"}]}"#).unwrap();
        assert_eq!(plain.turns[0].gold, [gold("X", 0, 1)]);
        let turns =
            document(1, r#"{"conversation": "7", "turns": [{"role": "user", "text": "ab", "spans": []}]}"#).unwrap();
        assert!(turns.spoken && turns.turns[0].role == "user");
        let case = document(1, r#"{"entity": "US_SSN", "text": "ab", "expected": [[0, 2]], "lang": "en"}"#).unwrap();
        assert_eq!((case.entity.as_deref(), &case.turns[0].gold), (Some("US_SSN"), &vec![gold("US_SSN", 0, 2)]));
        assert!(document(1, r#"{"words": []}"#).is_none() && document(1, "7").is_none());
    }
}
