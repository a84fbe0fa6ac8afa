//! Recall, precision and leaks.
//!
//! A marked place is *recalled* when at least half of its characters are covered by findings of its group; it *leaks* when less than
//! 90 % of it is covered by findings of any kind. A finding is *right* when at least half of it lies on marked places of its group.
//! F2 weighs recall twice as heavily as precision (van Rijsbergen's F-measure with beta 2).

use std::collections::BTreeMap;
use std::ops::Range;

use super::labels::{group, is_direct};
use super::sets::{Document, Gold};

/// What was found at one place; code points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) class: String,
    pub(super) rule: String,
    pub(super) span: Range<usize>,
}

/// The answers to a set: by document, by turn.
pub(super) type Answers = Vec<Vec<Vec<Answer>>>;

/// The counts of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) gold: u64,
    pub(super) recalled: u64,
    pub(super) leaked: u64,
    pub(super) found: u64,
    pub(super) right: u64,
}

impl Counts {
    /// Returns the part of the marked places that was recalled.
    pub(super) fn recall(&self) -> Option<f64> {
        share(self.recalled, self.gold)
    }

    /// Returns the part of the findings that is right.
    pub(super) fn precision(&self) -> Option<f64> {
        share(self.right, self.found)
    }

    pub(super) fn f2(&self) -> Option<f64> {
        let (recall, precision) = (self.recall()?, self.precision().unwrap_or(0.0));
        let below = 4.0 * precision + recall;
        Some(if below > 0.0 { 5.0 * precision * recall / below } else { 0.0 })
    }
}

/// What went wrong at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Missed,
    Leaked,
    Wrong,
}

/// One fault, for listing.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) fault: Fault,
    pub(super) document: usize,
    pub(super) turn: usize,
    pub(super) group: String,
    /// The label of the set, or our class and rule.
    pub(super) label: String,
    pub(super) span: Range<usize>,
}

/// The score of a set.
#[derive(Default)]
pub(super) struct Score {
    pub(super) groups: BTreeMap<String, Counts>,
    /// By group and label of the set; of what is found a label knows nothing.
    pub(super) labels: BTreeMap<(String, String), Counts>,
    /// Marked places that identify somebody by themselves, and how many of them leaked.
    pub(super) direct: (u64, u64),
    pub(super) places: Vec<Place>,
}

/// Scores the answers to a set.
pub(super) fn score(documents: &[Document], answers: &Answers) -> Score {
    let mut score = Score::default();
    for (document, (given, found)) in documents.iter().zip(answers).enumerate() {
        for (turn, (marked, found)) in given.turns.iter().zip(found).enumerate() {
            score.turn((document, turn), &marked.gold, found);
        }
    }
    score
}

impl Score {
    fn turn(&mut self, place: (usize, usize), marked: &[Gold], found: &[Answer]) {
        for gold in marked {
            self.gold(place, gold, found);
        }
        for answer in found {
            let kin = marked.iter().filter(|gold| group(&gold.label) == group(&answer.class)).map(|gold| &gold.span);
            let right = 2 * covered(&answer.span, kin) >= answer.span.len();
            let counts = self.groups.entry(group(&answer.class).to_owned()).or_default();
            counts.found += 1;
            counts.right += u64::from(right);
            if !right {
                self.fault(
                    Fault::Wrong,
                    place,
                    &answer.class,
                    format!("{} by {}", answer.class, answer.rule),
                    &answer.span,
                );
            }
        }
    }

    fn gold(&mut self, place: (usize, usize), gold: &Gold, found: &[Answer]) {
        let kin = found.iter().filter(|answer| group(&answer.class) == group(&gold.label)).map(|answer| &answer.span);
        let recalled = 2 * covered(&gold.span, kin) >= gold.span.len();
        let any = covered(&gold.span, found.iter().map(|answer| &answer.span));
        let leaked = 10 * any < 9 * gold.span.len();
        let name = group(&gold.label).to_owned();
        let label = self.labels.entry((name.clone(), gold.label.clone())).or_default();
        for counts in [label, self.groups.entry(name).or_default()] {
            counts.gold += 1;
            counts.recalled += u64::from(recalled);
            counts.leaked += u64::from(leaked);
        }
        if is_direct(&gold.label) {
            self.direct.0 += 1;
            self.direct.1 += u64::from(leaked);
        }
        if !recalled {
            self.fault(Fault::Missed, place, &gold.label, gold.label.clone(), &gold.span);
        } else if leaked {
            self.fault(Fault::Leaked, place, &gold.label, gold.label.clone(), &gold.span);
        }
    }

    fn fault(&mut self, fault: Fault, (document, turn): (usize, usize), of: &str, label: String, span: &Range<usize>) {
        let group = group(of).to_owned();
        self.places.push(Place { fault, document, turn, group, label, span: span.clone() });
    }
}

/// Returns how many characters of `span` lie in one of `others`.
fn covered<'r>(span: &Range<usize>, others: impl Iterator<Item = &'r Range<usize>>) -> usize {
    let mut parts: Vec<Range<usize>> = others
        .map(|other| span.start.max(other.start)..span.end.min(other.end))
        .filter(|part| !part.is_empty())
        .collect();
    parts.sort_by_key(|part| part.start);
    let mut end = span.start;
    parts.iter().fold(0, |sum, part| {
        let from = part.start.max(end);
        end = end.max(part.end);
        sum + end.saturating_sub(from)
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a set are far below 2^52")]
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::sets::Turn;

    fn scored(gold: &[(&str, Range<usize>)], found: &[(&str, Range<usize>)]) -> Score {
        let gold = gold.iter().map(|(label, span)| Gold { label: (*label).to_owned(), span: span.clone() }).collect();
        let turn = Turn { role: "user".to_owned(), text: String::new(), gold };
        let answer = |(class, span): &(&str, Range<usize>)| Answer {
            class: (*class).to_owned(),
            rule: "r".to_owned(),
            span: span.clone(),
        };
        let document = Document { line: 1, turns: vec![turn], entity: None, spoken: false };
        score(&[document], &vec![vec![found.iter().map(answer).collect()]])
    }

    #[test]
    fn half_of_it_recalls_and_nine_tenths_keep_it() {
        let counts = |span: Range<usize>| {
            let score = scored(&[("PHONE_NUMBER", 0..10)], &[("PHONE", span)]);
            let counts = &score.groups["PHONE"];
            (counts.recalled, counts.leaked, score.direct)
        };
        assert_eq!(counts(0..4), (0, 1, (1, 1)));
        assert_eq!(counts(0..5), (1, 1, (1, 1)));
        assert_eq!(counts(0..9), (1, 0, (1, 0)));
    }

    #[test]
    fn overlapping_findings_count_a_character_once() {
        let spans = [3..8, 0..5, 4..6, 20..30];
        assert_eq!(covered(&(0..10), spans.iter()), 8);
        assert_eq!(covered(&(9..10), spans.iter()), 0);
    }

    #[test]
    fn any_finding_keeps_a_value_but_only_its_kin_recalls_it() {
        let score = scored(&[("PERSON", 0..10)], &[("LOCATION", 0..10)]);
        assert_eq!((score.groups["PERSON"].recalled, score.groups["PERSON"].leaked), (0, 0));
        assert_eq!((score.groups["ADDRESS"].found, score.groups["ADDRESS"].right), (1, 0));
        assert_eq!(score.places.len(), 2);
    }

    #[test]
    fn two_marked_places_make_one_long_finding_right() {
        let score = scored(&[("CITY", 0..4), ("STREET_ADDRESS", 5..9)], &[("ADDRESS", 0..10)]);
        let counts = &score.groups["ADDRESS"];
        assert_eq!((counts.gold, counts.recalled, counts.found, counts.right), (2, 2, 1, 1));
        assert_eq!((counts.recall(), counts.precision(), counts.f2()), (Some(1.0), Some(1.0), Some(1.0)));
        let label = &score.labels[&("ADDRESS".to_owned(), "CITY".to_owned())];
        assert_eq!((label.gold, label.recalled), (1, 1));
    }
}
