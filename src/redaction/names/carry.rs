//! Names of earlier turns, found again in later ones: "Jane Doe" once, then "jane", "DOE's".
//!
//! What is kept is no name: 8 bytes of a keyed hash of each word in small letters, under the conversation's pseudonym key, of the newest
//! 256 words. Without the key it says nothing, and it dies with the key.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::LazyLock;

use super::words::{CUES, ORDINARY};
use crate::redaction::pseudonym::{PseudonymKey, Tokens};

/// The words of names that a conversation has shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Carried(VecDeque<[u8; HASH]>);

/// Prints how many there are.
impl std::fmt::Debug for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Carried({})", self.0.len())
    }
}

impl Carried {
    /// Takes over what [`Carried::to_bytes`] gave; bytes over the limit or short of a whole hash are left out.
    pub fn from_bytes(bytes: &[u8]) -> Carried {
        Carried(bytes.as_chunks::<HASH>().0.iter().rev().take(MOST).rev().copied().collect())
    }

    /// Returns the hashes, the oldest first, to be kept sealed with the conversation.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flatten().copied().collect()
    }

    /// Returns whether no name was seen yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remembers the words of a name.
    pub(crate) fn learn(&mut self, name: &str, key: &PseudonymKey) {
        let tokens = key.tokens();
        for (_, word) in words(name) {
            let lower = bare(word).to_lowercase();
            if lower.chars().count() < SHORTEST && lower.is_ascii() || is_cue(&lower) {
                continue;
            }
            let hash = hash(&tokens, is_ordinary(&lower), &lower);
            self.0.retain(|known| *known != hash);
            self.0.push_back(hash);
        }
        let over = self.0.len().saturating_sub(MOST);
        self.0.drain(..over);
    }

    /// Returns where words of known names stand in `text`; neighbours are one.
    pub(crate) fn find(&self, text: &str, key: &PseudonymKey) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if self.0.is_empty() {
            return found;
        }
        let tokens = key.tokens();
        for (at, word) in words(text) {
            let name = bare(word);
            let lower = name.to_lowercase();
            let common = is_ordinary(&lower);
            if common && !inside_capital(text, at, word) || !self.0.contains(&hash(&tokens, common, &lower)) {
                continue;
            }
            match found.last_mut() {
                Some(last) if &text[last.end..at] == " " => last.end = at + name.len(),
                _ => found.push(at..at + name.len()),
            }
        }
        found
    }
}

/// An ordinary word is hashed apart, so that only its capitalised form inside a sentence meets it.
fn hash(tokens: &Tokens, common: bool, lower: &str) -> [u8; HASH] {
    tokens.hash(if common { "name word, capitalised" } else { "name word" }, lower)
}

/// Returns the words of `text` and where they start: letters, and apostrophes and hyphens between letters.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let cut = text.split(|c: char| !c.is_alphabetic() && !matches!(c, '\'' | '\u{2019}'));
    let words = cut.map(|word| word.trim_matches(['\'', '\u{2019}'])).filter(|word| !word.is_empty());
    words.map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// Returns `word` without the ending of a possessive.
fn bare(word: &str) -> &str {
    ["'s", "'S", "\u{2019}s", "\u{2019}S"].iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word)
}

/// Returns whether the word at `at` is capitalised, not all in capitals, and something of the same sentence stands before it.
fn inside_capital(text: &str, at: usize, word: &str) -> bool {
    let before = text[..at].trim_end();
    let capital = word.chars().next().is_some_and(char::is_uppercase) && word.chars().any(char::is_lowercase);
    capital && before.ends_with(|c: char| c.is_alphanumeric() || c == ',')
}

/// The two lists, so that a long text does not read them through at every word.
static LISTS: LazyLock<[HashSet<&'static str>; 2]> =
    LazyLock::new(|| [CUES, ORDINARY].map(|list| list.split_ascii_whitespace().collect()));

fn is_cue(word: &str) -> bool {
    LISTS[0].contains(word)
}

fn is_ordinary(word: &str) -> bool {
    LISTS[1].contains(word)
}

/// Bytes of a hash.
const HASH: usize = 8;
/// Words kept.
const MOST: usize = 256;
/// Letters of the shortest Latin word kept.
const SHORTEST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> PseudonymKey {
        PseudonymKey::from_bytes([byte; 32])
    }

    fn found<'t>(name: &str, text: &'t str) -> Vec<&'t str> {
        let mut carried = Carried::default();
        carried.learn(name, &key(1));
        carried.find(text, &key(1)).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn a_name_is_found_again_in_any_case_and_in_part() {
        assert_eq!(found("Jane Doe", "ask JANE or doe's boss, not janet"), ["JANE", "doe"]);
        assert_eq!(found("Jane Doe", "it was jane doe again"), ["jane doe"]);
        assert_eq!(found("Анна Петрова", "спросите АННА"), ["АННА"]);
    }

    #[test]
    fn a_name_that_is_a_word_needs_its_capital() {
        assert_eq!(found("Will May", "you will see in may"), [""; 0]);
        assert_eq!(found("Will May", "I met Will. Will you come? WILL DO"), ["Will"]);
    }

    #[test]
    fn titles_and_initials_are_not_kept() {
        assert_eq!(found("Mr J. Doe", "mr j is here, J too"), [""; 0]);
    }

    #[test]
    fn another_conversation_knows_nothing() {
        let mut carried = Carried::default();
        carried.learn("Jane", &key(1));
        assert!(carried.find("Jane", &key(2)).is_empty());
    }

    #[test]
    fn the_newest_words_stay() {
        let mut carried = Carried::default();
        let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
        let name = |n: usize| format!("x{}{}q", letter(n / 26), letter(n));
        (0..300).for_each(|n| carried.learn(&name(n), &key(1)));
        carried.learn("Jane", &key(1));
        assert_eq!(carried.to_bytes().len(), MOST * HASH);
        assert!(carried.find(&name(0), &key(1)).is_empty());
        let again = Carried::from_bytes(&carried.to_bytes());
        assert_eq!(again, carried);
        assert_eq!(again.find("jane", &key(1)), vec![0..4]);
    }
}
