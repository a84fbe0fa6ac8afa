//! Reading what another program found, so that the same scorer judges it.

use std::io::BufRead as _;
use std::path::Path;

use serde::Deserialize;

use crate::cli::exit::CliError;

use super::score::{Answer, Answers};
use super::sets::Document;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    findings: Vec<Found>,
    #[serde(default)]
    turns: Vec<Turn>,
}

#[derive(Deserialize)]
struct Turn {
    findings: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    class: String,
    start: usize,
    end: usize,
    #[serde(default)]
    rule: String,
}

/// Reads the answers to `documents`.
///
/// # Errors
/// The file cannot be read, or does not answer every turn.
pub(super) fn read(path: &Path, documents: &[Document]) -> Result<Answers, CliError> {
    let failed = |why: &dyn std::fmt::Display| CliError::Failed(format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let lines = std::io::BufReader::new(file).lines();
    let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(|error| failed(&error))?;
    if lines.len() != documents.len() {
        return Err(failed(&format!("{} lines answer {}", lines.len(), documents.len())));
    }
    let answers = lines.iter().zip(documents);
    answers
        .map(|(line, document)| {
            answer(line, document).ok_or_else(|| failed(&format!("does not answer line {}", document.line)))
        })
        .collect()
}

fn answer(line: &str, document: &Document) -> Option<Vec<Vec<Answer>>> {
    let line: Line = serde_json::from_str(line).ok()?;
    let turns = if document.spoken { line.turns } else { vec![Turn { findings: line.findings }] };
    let turn = |turn: Turn| turn.findings.into_iter().map(Answer::from).collect();
    (turns.len() == document.turns.len()).then(|| turns.into_iter().map(turn).collect())
}

impl From<Found> for Answer {
    fn from(found: Found) -> Self {
        Answer { class: found.class, rule: found.rule, span: found.start..found.end }
    }
}
