//! A recognizer's cases: texts with exactly what one recognizer must find in them, or must not.
//!
//! Every case is run with its class alone, and with the context assumed where the text is a bare value. Cases that another case
//! contradicts, and those of kinds that no class is for, are left out and counted.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use crate::cli::exit::CliError;
use crate::cli::output::Printer;
use crate::redaction::{Class, Engine, Policy, PseudonymKey};

use super::RedactArgs;
use super::labels::class;
use super::report;
use super::run::{self, Speed};
use super::score::{self, Fault};
use super::sets::Document;

#[derive(Default)]
struct Tally {
    positives: u64,
    found: u64,
    negatives: u64,
    kept: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.positives += other.positives;
        self.found += other.found;
        self.negatives += other.negatives;
        self.kept += other.kept;
    }
}

/// Scores cases and prints a line a class.
pub(super) fn run(args: &RedactArgs, documents: &[Document], printer: &mut Printer) -> Result<(), CliError> {
    let mut engines = HashMap::new();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut left_out = 0_u64;
    for document in documents {
        let Some(class) = document.entity.as_deref().and_then(class).filter(|_| !contradicted(document, documents))
        else {
            left_out += 1;
            continue;
        };
        let assume = args.assume_context || is_bare(&document.turns[0].text);
        let engine = match engines.entry((class, assume)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(engine(class, assume)?),
        };
        let tally = judge(args, engine, document, printer)?;
        tallies.entry(class.as_str()).or_default().add(&tally);
    }
    print(&tallies, left_out, printer)
}

fn engine(class: Class, assume_context: bool) -> Result<Engine, CliError> {
    Ok(Engine::new(Policy { classes: [class].into(), assume_context, ..Policy::default() })?)
}

fn judge(args: &RedactArgs, engine: &Engine, document: &Document, printer: &mut Printer) -> Result<Tally, CliError> {
    let mut speed = Speed::new();
    let answers = vec![run::answer(engine, &PseudonymKey::from_bytes([7; 32]), document, &mut speed)];
    let score = score::score(std::slice::from_ref(document), &answers);
    let gold = document.turns[0].gold.len() as u64;
    let missed = score.places.iter().filter(|place| place.fault == Fault::Missed).count() as u64;
    let wrong = score.places.iter().any(|place| place.fault == Fault::Wrong);
    report::list(args, std::slice::from_ref(document), &score.places, printer)?;
    Ok(Tally {
        positives: gold,
        found: gold - missed,
        negatives: u64::from(gold == 0),
        kept: u64::from(gold == 0 && !wrong),
    })
}

/// Returns whether the text is a value and nothing else: no word of letters only stands in it.
fn is_bare(text: &str) -> bool {
    !text.split_whitespace().any(|word| word.chars().count() > 3 && word.chars().all(char::is_alphabetic))
}

/// Returns whether another case says the opposite of the same text.
fn contradicted(document: &Document, documents: &[Document]) -> bool {
    let (text, gold) = (&document.turns[0].text, &document.turns[0].gold);
    documents.iter().any(|other| {
        other.entity == document.entity
            && other.turns[0].text == *text
            && other.turns[0].gold.is_empty() != gold.is_empty()
    })
}

fn print(tallies: &BTreeMap<&str, Tally>, left_out: u64, printer: &mut Printer) -> Result<(), CliError> {
    let mut all = Tally::default();
    tallies.values().for_each(|tally| all.add(tally));
    let row = |name: &str, tally: &Tally| json!({"class": name, "positives": tally.positives, "found": tally.found, "negatives": tally.negatives, "kept": tally.kept});
    let mut rows: Vec<_> = tallies.iter().map(|(name, tally)| row(name, tally)).collect();
    rows.push(row("all", &all));
    printer.table(&rows, &["class", "positives", "found", "negatives", "kept"].map(|name| (name, name)))?;
    let rate = |part, whole| score::share(part, whole).unwrap_or(1.0);
    let summary = json!({
        "positives_found": report::rounded(rate(all.found, all.positives)),
        "negatives_kept": report::rounded(rate(all.kept, all.negatives)),
        "left_out": left_out,
    });
    printer.value(&summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_alone_is_bare() {
        assert!(is_bare("536-22-8726") && is_bare("AB 12 34 56 C") && is_bare("1234 AB"));
        assert!(!is_bare("my number is 536-22-8726"));
    }
}
