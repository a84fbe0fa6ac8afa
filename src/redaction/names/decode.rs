//! Probabilities of pieces to spans: whole words, of the classes this product has.
//!
//! The thresholds were chosen on the synthetic development messages alone (presidio-research, 1,500 messages), where F2 is best: leaving a
//! name in costs more than taking a word too many. The network does not see capitals, so they count here: a capitalised word needs
//! little, a small one in a text that has capitals needs much.

use std::ops::Range;

use super::network::LABELS;
use super::wordpiece::Piece;
use crate::redaction::Class;

/// A name or an address that was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NameSpan {
    /// [`Class::Person`], [`Class::Address`] or [`Class::Location`].
    pub(crate) class: Class,
    /// Bytes of the text.
    pub(crate) span: Range<usize>,
    /// The probability of its surest word, in percent.
    pub(crate) score: u8,
    /// What found it.
    pub(crate) rule: &'static str,
    /// The threshold that the word went over, as `explain` shows it.
    pub(crate) verdict: &'static str,
}

/// Turns a row of [`LABELS`] probabilities a piece into spans of `text`, in order.
pub(super) fn spans(text: &str, pieces: &[Piece], rows: &[f32]) -> Vec<NameSpan> {
    let case = Case::of(text);
    let words = words(pieces, rows);
    let mut runs: Vec<Run> = Vec::new();
    for word in &words {
        let Some((kind, threshold)) = kind(text, word, case) else { continue };
        match runs.last_mut() {
            Some(run) if run.kind == kind && joins(kind, &text[run.span.end..word.span.start]) => run.add(word),
            _ => runs.push(Run::new(kind, word, threshold)),
        }
    }
    runs.iter().filter_map(|run| run.finish(text)).collect()
}

/// What a word is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Person,
    Place,
}

/// A whole word with the probabilities of its surest piece.
struct Word {
    span: Range<usize>,
    person: f32,
    street: f32,
    town: f32,
}

fn words(pieces: &[Piece], rows: &[f32]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (piece, row) in pieces.iter().zip(rows.chunks_exact(LABELS)) {
        let sum = |labels: Range<usize>| row[labels].iter().sum::<f32>();
        let (person, street, town) = (sum(PERSON), sum(STREET), sum(TOWN));
        match words.last_mut() {
            Some(word) if piece.continues => {
                word.span.end = piece.span.end;
                word.person = word.person.max(person);
                word.street = word.street.max(street);
                word.town = word.town.max(town);
            }
            _ => words.push(Word { span: piece.span.clone(), person, street, town }),
        }
    }
    words
}

/// How a text uses capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// Both cases stand in it: a capital says something.
    Mixed,
    /// It is in one case, or in a script without cases.
    Single,
}

impl Case {
    fn of(text: &str) -> Case {
        let both = text.chars().any(char::is_uppercase) && text.chars().any(char::is_lowercase);
        if both { Case::Mixed } else { Case::Single }
    }
}

/// Returns what `word` is part of, and the threshold it went over.
fn kind(text: &str, word: &Word, case: Case) -> Option<(Kind, &'static Threshold)> {
    let value = &text[word.span.clone()];
    let first = value.chars().next()?;
    if NEVER.iter().any(|never| value.eq_ignore_ascii_case(never)) {
        return None;
    }
    let place = word.street + word.town;
    let threshold = match case {
        _ if !first.is_alphabetic() => &OTHER,
        Case::Single => &SINGLE,
        Case::Mixed if first.is_uppercase() => &CAPITAL,
        Case::Mixed => &SMALL,
    };
    if word.person >= threshold.person && word.person >= place {
        Some((Kind::Person, threshold))
    } else if place >= threshold.place && place > word.person {
        Some((Kind::Place, threshold))
    } else {
        None
    }
}

/// Returns whether words of `kind` with `gap` between them are one value.
fn joins(kind: Kind, gap: &str) -> bool {
    match kind {
        Kind::Person => gap.chars().all(|c| c == ' ') || matches!(gap, "-" | "'" | "." | ". " | "\u{2019}"),
        Kind::Place => gap.len() < 4 && matches!(gap.trim(), "" | "," | "." | "-" | "/" | "#" | ".," | "'"),
    }
}

/// Words of one value.
struct Run {
    kind: Kind,
    span: Range<usize>,
    score: f32,
    street: f32,
    town: f32,
    threshold: &'static Threshold,
}

impl Run {
    fn new(kind: Kind, word: &Word, threshold: &'static Threshold) -> Run {
        let mut run = Run { kind, span: word.span.clone(), score: 0.0, street: 0.0, town: 0.0, threshold };
        run.add(word);
        run
    }

    fn add(&mut self, word: &Word) {
        self.span.end = word.span.end;
        let score = if self.kind == Kind::Person { word.person } else { word.street + word.town };
        self.score = self.score.max(score);
        self.street = self.street.max(word.street);
        self.town = self.town.max(word.town);
    }

    /// Returns the value, or nothing for what cannot be one: a lone number that is not surely one, a lone letter.
    fn finish(&self, text: &str) -> Option<NameSpan> {
        let value = &text[self.span.clone()];
        let letters = value.chars().filter(|c| c.is_alphabetic()).count();
        let stands = match self.kind {
            Kind::Person => letters > 1 || value.chars().any(super::wordpiece::is_han),
            Kind::Place => letters > 1 || self.score >= LONE_NUMBER && value.contains(char::is_numeric),
        };
        let class = match self.kind {
            Kind::Person => Class::Person,
            Kind::Place if self.street >= self.town.min(SURE_STREET) => Class::Address,
            Kind::Place => Class::Location,
        };
        let score = (self.score * 100.0).round().clamp(50.0, 100.0) as u8;
        let verdict = self.threshold.name;
        stands.then(|| NameSpan { class, span: self.span.clone(), score, rule: "network", verdict })
    }
}

/// From which probability a word counts.
struct Threshold {
    name: &'static str,
    person: f32,
    place: f32,
}

const CAPITAL: Threshold =
    Threshold { name: "over the threshold of a capitalised word (person .06, place .02)", person: 0.06, place: 0.02 };
const SMALL: Threshold = Threshold {
    name: "over the threshold of a small word among capitals (person .5, place .2)",
    person: 0.5,
    place: 0.2,
};
const SINGLE: Threshold =
    Threshold { name: "over the threshold of a text in one case (person .1, place .2)", person: 0.1, place: 0.2 };
const OTHER: Threshold = Threshold { name: "over the threshold of a number (place .03)", person: 2.0, place: 0.03 };
/// From which probability of a street a place is an address, whatever town stands in it.
const SURE_STREET: f32 = 0.3;
/// Words beside names that the network takes in now and then.
const NEVER: [&str; 14] = [
    "im", "is", "me", "my", "hi", "hey", "hello", "and", "called", "phoned", "here", "speaking", "goodbye", "farewell",
];
/// From which probability a number alone is a postal code or a house number.
const LONE_NUMBER: f32 = 0.6;

/// `B-` and `I-` of GIVEN_NAME and SURNAME, in the order of the model's `config.json`.
const PERSON: Range<usize> = 1..5;
/// Of BUILDING_NUMBER, STREET_NAME and SECONDARY_ADDRESS.
const STREET: Range<usize> = 23..29;
/// Of CITY, STATE and ZIP_CODE.
const TOWN: Range<usize> = 29..35;

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts `text` at its blanks and gives each word the label of the same place, at probability .9; 0 is "none".
    fn found(text: &str, labels: &[usize]) -> Vec<(Class, String)> {
        let mut rows = Vec::new();
        let mut at = 0;
        let pieces: Vec<Piece> = text
            .split(' ')
            .zip(labels)
            .map(|(word, &label)| {
                let mut row = [0.0; LABELS];
                row[0] = 0.1;
                row[label] = 0.9;
                rows.extend(row);
                let span = at..at + word.len();
                at = span.end + 1;
                Piece { id: 5, span, continues: false }
            })
            .collect();
        spans(text, &pieces, &rows).into_iter().map(|found| (found.class, text[found.span].to_owned())).collect()
    }

    #[test]
    fn given_name_and_surname_are_one_person() {
        assert_eq!(found("I met Jane Doe today", &[0, 0, 1, 3, 0]), [(Class::Person, "Jane Doe".to_owned())]);
    }

    #[test]
    fn number_street_and_town_are_one_address() {
        let text = "at 12 Elm Street Flat 3 Leeds please";
        let all = (Class::Address, "12 Elm Street Flat 3 Leeds".to_owned());
        assert_eq!(found(text, &[0, 23, 25, 26, 27, 28, 29, 0]), [all]);
    }

    #[test]
    fn a_town_alone_is_a_place() {
        assert_eq!(found("from Leeds to York", &[0, 29, 0, 29]).len(), 2);
        assert_eq!(found("in Boston 02134 now", &[0, 29, 33, 0]), [(Class::Location, "Boston 02134".to_owned())]);
    }

    #[test]
    fn what_holds_no_letter_is_no_person() {
        assert_eq!(found("Jane has 12 x", &[0, 0, 1, 1]), []);
    }
}
