//! Where a risk may be: at the words that some rule cannot do without. Text with none of them, which is nearly all, costs one pass.
//!
//! They are taken out of the rules themselves, so a new rule needs nothing here. A phrase is looked up by its rarest word, and the
//! others must stand around it, however they are spaced.

use std::ops::Range;

use super::MAX_WHOLE;
use super::rules::{ORDERS, Order, PHRASES, ROLES};
use crate::redaction::recognizers::dictionary::{Dictionary, Next, TooShort};

/// What may be at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Two letters in a row that take no room.
    Invisible,
    /// A link in Markdown.
    Link,
    /// What a turn of a chat template starts with.
    Marker,
    /// What an order or a phrase is told by.
    Words,
}

/// The places that rules start from.
pub(crate) struct Triggers {
    dictionary: Dictionary,
    /// For each word of the dictionary, what it is a sign of.
    meanings: Vec<Vec<Meaning>>,
}

struct Meaning {
    sign: Sign,
    before: Vec<&'static str>,
    after: Vec<&'static str>,
    /// Whether a word starts with it.
    opens: bool,
    /// Whether a word ends with it.
    closes: bool,
}

impl Triggers {
    /// Takes the words out of the rules.
    pub(crate) fn new() -> Result<Triggers, TooShort> {
        let (mut words, mut meanings) = (Vec::<String>::new(), Vec::<Vec<Meaning>>::new());
        for (word, meaning) in of_orders().chain(of_phrases()).chain(of_signs()) {
            for form in forms(&word) {
                let known = words.iter().position(|known| *known == form).unwrap_or(words.len());
                if known == words.len() {
                    words.push(form);
                    meanings.push(Vec::new());
                }
                meanings[known].push(meaning.clone());
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(Triggers { dictionary: Dictionary::new(&words, |_| false)?, meanings })
    }

    /// Calls `found` with every place and what may be there, in order.
    pub(super) fn each(&self, text: &str, mut found: impl FnMut(Sign, Range<usize>)) {
        self.dictionary.scan(text.as_bytes(), 0..text.len(), |word| {
            let place = word.start()..word.end();
            for meaning in &self.meanings[word.pattern().as_usize()] {
                if meaning.fits(text, &place) {
                    found(meaning.sign, place.clone());
                }
            }
            Next::Within
        });
    }
}

impl Clone for Meaning {
    fn clone(&self) -> Self {
        Meaning { before: self.before.clone(), after: self.after.clone(), ..*self }
    }
}

impl Meaning {
    fn sign(sign: Sign) -> Meaning {
        Meaning { sign, before: Vec::new(), after: Vec::new(), opens: false, closes: false }
    }

    /// Returns whether the other words of the phrase stand around `place`.
    fn fits(&self, text: &str, place: &Range<usize>) -> bool {
        let (Some(mut left), Some(mut right)) = (text.get(..place.start), text.get(place.end..)) else { return false };
        if (self.opens && left.ends_with(in_word)) || (self.closes && right.starts_with(in_word)) {
            return false;
        }
        for word in self.before.iter().rev() {
            let Some(rest) =
                spaced(left, left.trim_end_matches(|c| !in_word(c))).and_then(|left| without_end(left, word))
            else {
                return false;
            };
            left = rest;
        }
        for word in &self.after {
            let Some(rest) =
                spaced(right, right.trim_start_matches(|c| !in_word(c))).and_then(|right| without_start(right, word))
            else {
                return false;
            };
            right = rest;
        }
        true
    }
}

/// Returns `trimmed` where it is shorter than `text`.
fn spaced<'t>(text: &str, trimmed: &'t str) -> Option<&'t str> {
    (trimmed.len() < text.len()).then_some(trimmed)
}

fn without_start<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let mut chars = text.chars();
    word.chars().all(|wanted| chars.next().is_some_and(|c| c.to_lowercase().eq([wanted]))).then_some(chars.as_str())
}

fn without_end<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let mut chars = text.chars();
    let same = word.chars().rev().all(|wanted| chars.next_back().is_some_and(|c| c.to_lowercase().eq([wanted])));
    same.then_some(chars.as_str())
}

/// Returns whether a character is one of a word, as the rules read words.
pub(super) fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '\'' || c == '’'
}

fn of_orders() -> impl Iterator<Item = (String, Meaning)> {
    ORDERS.iter().flat_map(|order| {
        let (words, verbs) = needed(order);
        words.iter().map(move |phrase| {
            let whole = !order.anywhere && (verbs || phrase.len() <= MAX_WHOLE);
            keyed(phrase, !order.anywhere, whole)
        })
    })
}

fn of_phrases() -> impl Iterator<Item = (String, Meaning)> {
    PHRASES.iter().map(|(phrase, _)| keyed(phrase, true, true))
}

fn of_signs() -> impl Iterator<Item = (String, Meaning)> {
    let pairs = super::NO_WIDTH.iter().flat_map(|one| super::NO_WIDTH.iter().map(move |two| format!("{one}{two}")));
    let markers = ROLES.iter().map(|marker| ((*marker).to_owned(), Meaning::sign(Sign::Marker)));
    let link = (super::LINK.to_owned(), Meaning::sign(Sign::Link));
    markers.chain([link]).chain(pairs.map(|pair| (pair, Meaning::sign(Sign::Invisible))))
}

/// Returns the rarest of the three things that an order needs all of, and whether it is its verb.
fn needed(order: &Order) -> (&'static [&'static str], bool) {
    match order.rule {
        "reveal" | "persona" | "mode" => (order.targets, false),
        "exfiltrate" => (order.qualifiers, false),
        _ => (order.verbs, true),
    }
}

/// Returns the rarest word of a phrase, and what must be around it.
fn keyed(phrase: &'static str, opens: bool, closes: bool) -> (String, Meaning) {
    let words: Vec<&str> = phrase.split(|c| !in_word(c)).filter(|word| !word.is_empty()).collect();
    let rare = |word: &str| (word.len() > 2, !COMMON.contains(&word), word.len());
    let key = (0..words.len()).max_by_key(|&index| rare(words[index])).unwrap_or_default();
    let (first, last) = (key == 0, key + 1 == words.len());
    let (opens, closes) = (opens || !first, closes || !last);
    let meaning =
        Meaning { sign: Sign::Words, before: words[..key].to_vec(), after: words[key + 1..].to_vec(), opens, closes };
    (words[key].to_owned(), meaning)
}

/// Returns a word as it is written: the dictionary minds the case of letters that are not of ASCII.
fn forms(word: &str) -> Vec<String> {
    let title = word.chars().next().into_iter().flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
    let mut forms = vec![word.to_owned()];
    if !word.is_ascii() {
        forms.extend([title, word.to_uppercase()]);
        forms.dedup();
    }
    forms
}

/// Words that ordinary talk is full of.
const COMMON: &[&str] = &[
    "without",
    "from",
    "now",
    "your",
    "everything",
    "message",
    "developer",
    "all",
    "you",
    "the",
    "are",
    "on",
    "to",
    "for",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_so_short_that_the_dictionary_gets_slow() {
        let short: Vec<String> = of_orders()
            .chain(of_phrases())
            .chain(of_signs())
            .map(|(word, _)| word)
            .filter(|word| word.len() < 3)
            .collect();
        assert!(short.is_empty(), "{short:?}");
    }
}
