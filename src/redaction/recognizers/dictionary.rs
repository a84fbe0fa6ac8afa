//! Hundreds of words and prefixes in one pass at the speed of tables that stay in the first-level cache.
//!
//! An automaton over all of them would not stay there: every byte of ordinary text would cost a look into megabytes. So small tables of
//! hashed [`beginnings`] say of nearly every place that nothing starts there. What is left is looked up by its first bytes and compared.

mod beginnings;

use std::ops::Range;

use aho_corasick::Match;

use beginnings::{BLOCK, Beginnings, FOURS, pack, slot};

/// Where a scan goes on after a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Behind it: what lies within it is part of it.
    Behind,
    /// Within it, at shorter words that begin where it does and then at those that begin later.
    Within,
}

/// The word of that number has less than two bytes: it would be found nearly everywhere.
#[derive(Debug, thiserror::Error)]
#[error("word {0} of a dictionary has less than two bytes")]
pub(crate) struct TooShort(usize);

/// A set of words, found without regard to the case of ASCII letters.
pub(crate) struct Dictionary {
    beginnings: Beginnings,
    /// The words of four bytes and more, of three, and of two.
    lists: [List; 3],
}

impl Dictionary {
    /// Builds the tables. A word counts where no ASCII letter or digit runs into it from before; those of which `inside` says so by
    /// their number count anywhere.
    ///
    /// # Errors
    /// [`TooShort`] when a word has less than two bytes.
    pub(crate) fn new(words: &[&str], inside: impl Fn(usize) -> bool) -> Result<Self, TooShort> {
        if let Some(short) = words.iter().position(|word| word.len() < 2) {
            return Err(TooShort(short));
        }
        let words = words.iter().enumerate().map(|(pattern, word)| Word {
            text: word.to_ascii_lowercase().into_bytes().into_boxed_slice(),
            pattern,
            inside: inside(pattern),
        });
        let words: Vec<Word> = words.collect();
        let mut beginnings = Beginnings::new();
        words.iter().for_each(|word| beginnings.enter(&word.text, word.inside));
        let (two, longer): (Vec<Word>, Vec<Word>) = words.into_iter().partition(|word| word.text.len() == 2);
        let (three, longer) = longer.into_iter().partition(|word| word.text.len() == 3);
        Ok(Dictionary { beginnings, lists: [longer, three, two].map(List::new) })
    }

    /// Calls `found` with every match in `within`: the leftmost first, of those at one place the longest, and goes on as it answers.
    pub(crate) fn scan(&self, text: &[u8], within: Range<usize>, mut found: impl FnMut(Match) -> Next) {
        let (mut at, text) = (within.start, &text[..within.end]);
        let mut block = at;
        while block < text.len() {
            let mut starts = self.beginnings.block(text, block);
            while starts != 0 {
                let place = block + starts.trailing_zeros() as usize;
                starts &= starts - 1;
                if place >= at {
                    at = self.at(text, place, &mut found);
                }
            }
            block = at.max(block + BLOCK);
        }
    }

    /// Calls `found` with the words that start at `place`, the longest first, and returns from where on it wants more.
    fn at(&self, text: &[u8], place: usize, found: &mut impl FnMut(Match) -> Next) -> usize {
        let rest = &text[place..];
        for list in &self.lists {
            for word in list.beginning(rest) {
                let end = place + word.text.len();
                let counts = word.inside || !is_inside(text, place);
                if counts && found(Match::must(word.pattern, place..end)) == Next::Behind {
                    return end;
                }
            }
        }
        place + 1
    }
}

/// A word in small letters.
struct Word {
    text: Box<[u8]>,
    /// Its number.
    pattern: usize,
    /// Whether it counts inside a word too.
    inside: bool,
}

/// Words by their first four bytes, or all that they have.
struct List {
    /// Sorted by the hash of their beginnings, and of one hash the longest first.
    words: Vec<Word>,
    /// The first eight bytes of each word as a text that begins with it has them, and which bits of them count: most words are told from
    /// the text by these, in one line of the cache.
    heads: Vec<[u64; 2]>,
    /// Where those of each hash start.
    starts: Vec<u32>,
    /// How many bytes of each are hashed.
    length: usize,
}

impl List {
    fn new(mut words: Vec<Word>) -> Self {
        let length = words.iter().map(|word| word.text.len()).min().unwrap_or(4).min(4);
        let hash = |word: &Word| slot(pack(&word.text[..length]), FOURS);
        words.sort_by_key(|word| (hash(word), usize::MAX - word.text.len()));
        let starts = (0..=1 << FOURS).map(|slot| words.partition_point(|word| hash(word) < slot) as u32).collect();
        let heads = words.iter().map(|word| [eight(&word.text), eight_mask(word.text.len())]).collect();
        List { words, heads, starts, length }
    }

    /// Returns the words that begin `text`, the longest first.
    fn beginning<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a Word> {
        let slot = text.get(..self.length).map_or(0, |start| slot(pack(start), FOURS));
        let range = self.starts[slot] as usize..self.starts[slot + 1] as usize;
        let start = eight(text);
        let near = self.heads[range.clone()].iter().zip(&self.words[range]);
        let near = near.filter(move |([head, mask], _)| (start ^ head) & mask == 0).map(|(_, word)| word);
        near.filter(|word| text.get(..word.text.len()).is_some_and(|start| start.eq_ignore_ascii_case(&word.text)))
    }
}

/// Packs the first eight bytes, small letters for capitals.
fn eight(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    match text.first_chunk() {
        Some(first) => bytes = *first,
        None => bytes[..text.len()].copy_from_slice(text),
    }
    u64::from_le_bytes(bytes) | 0x2020_2020_2020_2020
}

/// Returns which bits of eight bytes a word of that length has.
fn eight_mask(length: usize) -> u64 {
    if length < 8 { (1 << (8 * length)) - 1 } else { u64::MAX }
}

/// Returns whether the sign at `at` goes on with a word of ASCII letters and digits.
fn is_inside(text: &[u8], at: usize) -> bool {
    let joins = |at: usize| text.get(at).is_some_and(|byte| JOINS[usize::from(*byte)] == 1);
    at.checked_sub(1).is_some_and(joins) && joins(at)
}

/// 1 for the letters and digits of ASCII.
const JOINS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() as u8;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use aho_corasick::{AhoCorasick, MatchKind};

    use super::*;

    fn all(words: &[&str], text: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let dictionary = Dictionary::new(words, |_| true).unwrap();
        dictionary.scan(text.as_bytes(), 0..text.len(), |word| {
            found.push((word.pattern().as_usize(), text[word.start()..word.end()].to_owned()));
            Next::Behind
        });
        found
    }

    #[test]
    fn the_longest_word_at_the_leftmost_place_is_found() {
        let words = ["pin", "pin code", "pw", "code", "код", "密码"];
        assert_eq!(all(&words, "my PIN code, pw"), [(1, "PIN code".to_owned()), (2, "pw".to_owned())]);
        assert_eq!(all(&words, "код 密码pin"), [(4, "код".into()), (5, "密码".into()), (0, "pin".into())]);
        assert_eq!(all(&words, "pi pinpin"), [(0, "pin".to_owned()), (0, "pin".to_owned())]);
        assert_eq!(all(&words, "p"), []);
    }

    #[test]
    fn within_a_word_shorter_and_later_ones_are_found() {
        let dictionary = Dictionary::new(&["pin", "pin code", "code"], |_| true).unwrap();
        let mut found = Vec::new();
        dictionary.scan(b"pin code", 0..8, |word| {
            found.push(word.start()..word.end());
            Next::Within
        });
        assert_eq!(found, [0..8, 0..3, 4..8]);
    }

    #[test]
    fn inside_a_word_only_those_count_that_are_to() {
        let words = ["word", "pass", "password", "sword"];
        let dictionary = Dictionary::new(&words, |word| words[word] == "pass").unwrap();
        let mut found = Vec::new();
        for text in ["my password", "mypassword", "my-word", "x_sword", "swords"] {
            dictionary.scan(text.as_bytes(), 0..text.len(), |word| {
                found.push(&text[word.start()..word.end()]);
                Next::Behind
            });
        }
        assert_eq!(found, ["password", "pass", "word", "sword", "sword"]);
    }

    #[test]
    fn it_finds_what_an_automaton_over_the_whole_text_finds() {
        let words = ["ab", "abc", "bca", "cab", "aabb", "-us", "Q~"];
        let plain = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(words)
            .unwrap();
        let mut state = 1u32;
        let signs: Vec<char> = "abcABC-usq~Q".chars().collect();
        let text: String = (0..50_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                signs[(state >> 16) as usize % signs.len()]
            })
            .collect();
        let expected: Vec<usize> = plain.find_iter(&text).map(|word| word.pattern().as_usize()).collect();
        let found: Vec<usize> = all(&words, &text).into_iter().map(|(word, _)| word).collect();
        assert!(found.len() > 500);
        assert_eq!(found, expected);
    }

    #[test]
    fn every_kind_of_word_is_found_wherever_a_window_ends() {
        let words = ["im", "cvv", "token", " st", " five", "-us", "(at)", "--x", "Q~", "id_x", "k~", " собака", "код"];
        let inside = ["token", "Q~", "id_x", "k~"];
        let dictionary = Dictionary::new(&words, |word| inside.contains(&words[word])).unwrap();
        for (number, word) in words.iter().enumerate() {
            for filler in [" .", "ab"].into_iter().filter(|filler| *filler == " ." || inside.contains(word)) {
                for before in 0..140 {
                    let text = format!("{}{word}{filler}", &filler.repeat(70)[..before]);
                    let mut found = Vec::new();
                    dictionary.scan(text.as_bytes(), 0..text.len(), |word| {
                        found.push((word.pattern().as_usize(), word.start()));
                        Next::Behind
                    });
                    assert_eq!(found, [(number, before)], "{text}");
                }
            }
        }
    }

    #[test]
    fn a_word_of_one_byte_is_refused() {
        assert!(Dictionary::new(&["ab", "c"], |_| false).is_err());
    }
}
