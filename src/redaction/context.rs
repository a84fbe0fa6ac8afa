//! Stage 2b: words near a candidate that speak for or against a class, whole words only.

mod list;

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};
use unicode_normalization::UnicodeNormalization;

use super::class::{Class, ClassSet};
use super::recognizers::ids;
use super::resolve::in_tag;

use list::LIST;

/// What a context word speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// Telephone numbers.
    Phone,
    /// Payment cards.
    Card,
    /// US social security numbers.
    Ssn,
    /// Internet addresses.
    Network,
    /// Numbers that are none of the others: orders, prices, versions.
    Other,
    /// Identifiers of countries and trades; see [`Word::names`]. Asked about the other topics, it says nothing.
    Identifier,
}

/// A context word that was seen near a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The word, from our own list, never from the text.
    pub(super) word: &'static str,
    /// What it speaks for.
    pub(super) topic: Topic,
    /// The identifiers that it names.
    classes: ClassSet,
}

impl Word {
    pub(super) const fn new(word: &'static str, topic: Topic) -> Self {
        Word { word, topic, classes: ClassSet::NONE }
    }

    /// Returns a word that names `class` of identifiers.
    pub(super) const fn naming(word: &'static str, class: Class) -> Self {
        Word { word, topic: Topic::Identifier, classes: ClassSet::NONE.with(class) }
    }

    /// Returns whether it names some kind of identifiers.
    pub(super) fn names_some(&self) -> bool {
        self.classes != ClassSet::NONE
    }

    /// Returns whether it names `class` of identifiers.
    pub(super) fn names(&self, class: Class) -> bool {
        self.classes.holds(class)
    }

    /// Returns whether a number behind it is something else than an identifier of a person: an order, a telephone.
    pub(super) fn speaks_of_another_thing(&self) -> bool {
        let of_a_thing = match self.topic {
            Topic::Other => !VAGUE.contains(&self.word),
            Topic::Phone => ["phone", "tel", "mobile", "fax", "cell"].iter().any(|start| self.word.starts_with(start)),
            _ => false,
        };
        self.classes == ClassSet::NONE && of_a_thing
    }
}

/// The automaton over all context words.
pub(super) struct Words {
    automaton: AhoCorasick,
    list: Vec<Word>,
}

impl Words {
    pub(super) fn new() -> Result<Self, BuildError> {
        let list = merged();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(list.iter().map(|word| word.word.nfkc().collect::<String>()))?;
        Ok(Words { automaton, list })
    }

    /// Returns the last word in a name such as a JSON key, already split into words.
    pub(super) fn in_name(&self, name: &str) -> Option<Word> {
        self.whole(name.as_bytes(), 0..name.len()).last().map(|(word, _)| word)
    }

    /// Returns the last word in the 64 bytes before `end`.
    pub(super) fn before(&self, text: &[u8], end: usize) -> Option<Word> {
        let window = end.saturating_sub(BEFORE)..end;
        self.whole(text, window).filter(|(word, _)| word.topic != Topic::Identifier).last().map(|(word, _)| word)
    }

    /// Pushes every word in the 96 bytes before `end` with how far before it stands, the last one first.
    pub(super) fn all_before(&self, text: &[u8], end: usize, near: &mut Vec<(Word, usize)>) {
        let window = end.saturating_sub(BEFORE_IDENTIFIER)..end;
        near.extend(self.whole(text, window).map(|(word, span)| (word, end - span.end)));
        near.reverse();
    }

    /// Returns the first word in the 24 bytes after `start`, on the same line, that names `class`, and how far behind it stands.
    pub(super) fn naming_after(&self, text: &[u8], start: usize, class: Class) -> Option<(&'static str, usize)> {
        let line = same_line(text, start, LONGEST);
        let words = self.whole(text, start..line).take_while(|(_, span)| span.start - start <= AFTER);
        let mut words = words.take_while(|(word, _)| !word.speaks_of_another_thing());
        words.find(|(word, _)| word.names(class)).map(|(word, span)| (word.word, span.start - start))
    }

    /// Returns the first word in the 24 bytes after `start`, on the same line.
    pub(super) fn after(&self, text: &[u8], start: usize) -> Option<Word> {
        let words = self.whole(text, start..same_line(text, start, AFTER));
        words.map(|(word, _)| word).find(|word| word.topic != Topic::Identifier)
    }

    fn whole<'a>(&'a self, text: &'a [u8], window: Range<usize>) -> impl Iterator<Item = (Word, Range<usize>)> + 'a {
        let offset = window.start;
        self.automaton.find_iter(&text[window]).filter_map(move |found| {
            let span = found.start() + offset..found.end() + offset;
            let counts = (is_whole(text, &span) || takes_particles(&text[span.clone()])) && !in_tag(text, &span);
            counts.then(|| (self.list[found.pattern().as_usize()], span))
        })
    }
}

/// Returns the list of topics with the words that name identifiers, each word once.
fn merged() -> Vec<Word> {
    let mut list = LIST.to_vec();
    for (classes, words) in ids::words() {
        for word in *words {
            let at = list.iter().position(|known| known.word == *word).unwrap_or_else(|| {
                list.push(Word::new(word, Topic::Identifier));
                list.len() - 1
            });
            list[at].classes = classes.iter().fold(list[at].classes, |set, class| set.with(*class));
        }
    }
    list
}

/// Returns where the window of `length` behind `start` ends: at the end of the line at the latest.
fn same_line(text: &[u8], start: usize, length: usize) -> usize {
    let limit = text.len().min(start + length);
    memchr::memchr(b'\n', &text[start..limit]).map_or(limit, |at| start + at)
}

/// Returns whether the word is of a script whose words stand together or take particles (from Devanagari on: Thai, Hangul, Han), so that
/// what touches it does not matter.
fn takes_particles(word: &[u8]) -> bool {
    word.first().is_some_and(|byte| *byte >= 0xe0)
}

/// Returns whether no letter or digit touches `span`.
pub(super) fn is_whole(text: &[u8], span: &Range<usize>) -> bool {
    let touches = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
    let before = span.start.checked_sub(1).and_then(|at| text.get(at));
    !before.is_some_and(touches) && !text.get(span.end).is_some_and(touches)
}

const BEFORE: usize = 64;
const BEFORE_IDENTIFIER: usize = 96;
/// Enough for the longest word to begin in the window and end behind it.
const LONGEST: usize = 96;
/// Words of the topic "other" that do not say what a number is.
const VAGUE: &[&str] = &[
    "id",
    "date",
    "dated",
    "number of",
    "case",
    "item",
    "product",
    "total",
    "section",
    "article",
    "build",
    "release",
    "population",
    "zip",
    "postcode",
];
const AFTER: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(text: &str, value: &str) -> Option<&'static str> {
        let start = text.find(value).unwrap();
        let (words, text) = (Words::new().unwrap(), text.as_bytes());
        words.before(text, start).or_else(|| words.after(text, start + value.len())).map(|word| word.word)
    }

    #[test]
    fn the_nearest_word_before_wins() {
        assert_eq!(nearest("phone order: 123", "123"), Some("order"));
        assert_eq!(nearest("order by PHONE: 123", "123"), Some("phone"));
    }

    #[test]
    fn longer_phrases_win() {
        assert_eq!(nearest("the order number is 12", "12"), Some("order number is"));
    }

    #[test]
    fn only_whole_words_count() {
        assert_eq!(nearest("recalled 123", "123"), None);
        assert_eq!(nearest("microphone 123", "123"), None);
    }

    #[test]
    fn a_word_behind_counts_on_the_same_line_only() {
        assert_eq!(nearest("123 office", "123"), Some("office"));
        assert_eq!(nearest("123\noffice", "123"), None);
    }

    #[test]
    fn far_words_do_not_count() {
        assert_eq!(nearest(&format!("phone {} 123", "x ".repeat(40)), "123"), None);
    }
}
