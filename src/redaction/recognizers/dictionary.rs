//! Hundreds of words and prefixes in one pass at the speed of a table of 8 KiB.
//!
//! An automaton over all of them would not stay in the first-level cache: every byte of ordinary text would cost a look into megabytes.
//! So small tables of hashed beginnings say of nearly every place that nothing starts there, and only the rest asks the
//! automaton, anchored at that place.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, BuildError, Input, Match, MatchKind, StartKind};

/// Where a scan goes on after a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Behind it: what lies within it is part of it.
    Behind,
    /// Within it, at shorter words that begin where it does and then at those that begin later.
    Within,
}

/// A set of words, found without regard to the case of ASCII letters.
pub(crate) struct Dictionary {
    automaton: AhoCorasick,
    /// The beginnings of all words.
    all: Beginnings,
    /// The beginnings of those that count inside a word too.
    inside: Beginnings,
    /// Which words count inside a word too.
    counts_inside: Vec<bool>,
}

/// Hashed beginnings of words.
struct Beginnings {
    /// Which hashes the first three bytes of a word have.
    threes: Table,
    /// The same of words of two and three bytes alone: they would fill the other tables.
    short: Table,
    /// Which hashes the first four bytes of a longer word have.
    fours: Table,
    /// The same of words of four and five bytes alone.
    middle: Table,
    /// Which hashes the first six bytes of a word have.
    sixes: Table,
    /// The words of two bytes, in small letters.
    twos: Vec<[u8; 2]>,
}

type Table = Box<[u64; WORDS]>;

impl Beginnings {
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let [threes, short, fours, middle, sixes] = std::array::from_fn(|_| Box::new([0; WORDS]));
        let mut beginnings = Beginnings { threes, short, fours, middle, sixes, twos: Vec::new() };
        words.for_each(|word| beginnings.enter(word.as_bytes()));
        beginnings
    }

    fn enter(&mut self, word: &[u8]) {
        if let [first, second] = *word {
            self.twos.push([first | CASE, second | CASE]);
            for third in 0..=255 {
                set(&mut self.threes, pack(&[first, second, third]));
                set(&mut self.short, pack(&[first, second, third]));
            }
            return;
        }
        let three = pack(word);
        set(&mut self.threes, three);
        match *word {
            [_, _, _] => set(&mut self.short, three),
            [_, _, _, fourth, fifth, sixth, ..] => {
                set(&mut self.fours, three | top(fourth));
                set(&mut self.sixes, six(three | top(fourth), fifth, sixth));
            }
            [_, _, _, fourth, ..] => {
                set(&mut self.fours, three | top(fourth));
                set(&mut self.middle, three | top(fourth));
            }
            _ => {}
        }
    }

    /// Returns whether a word may start `text`, whose first three bytes are those of one.
    fn may_start(&self, text: &[u8]) -> bool {
        let three = pack(text);
        if is_set(&self.short, three) {
            return true;
        }
        let Some(four) = text.get(3).map(|fourth| three | top(*fourth)) else { return false };
        if !is_set(&self.fours, four) {
            return false;
        }
        is_set(&self.middle, four)
            || text.get(4).zip(text.get(5)).is_some_and(|(fifth, sixth)| is_set(&self.sixes, six(four, *fifth, *sixth)))
    }
}

impl Dictionary {
    /// Builds the tables; every word has two bytes or more. A word counts where no ASCII letter or digit runs into it from
    /// before; those of which `inside` says so by their number count anywhere.
    pub(crate) fn new(words: &[&str], inside: impl Fn(usize) -> bool) -> Result<Self, BuildError> {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .start_kind(StartKind::Anchored)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(words)?;
        let counts_inside: Vec<bool> = (0..words.len()).map(inside).collect();
        let within = words.iter().zip(&counts_inside).filter(|(_, inside)| **inside).map(|(word, _)| *word);
        let (all, inside) = (Beginnings::of(words.iter().copied()), Beginnings::of(within));
        Ok(Dictionary { automaton, all, inside, counts_inside })
    }

    /// Calls `found` with every match in `within`: the leftmost first, of those at one place the longest, and goes on as it answers.
    pub(crate) fn scan(&self, text: &[u8], within: Range<usize>, mut found: impl FnMut(Match) -> Next) {
        let (mut at, text) = (within.start, &text[..within.end]);
        while let Some(place) = self.candidate(text, at) {
            at = place + 1;
            let (mut end, inside) = (text.len(), is_inside(text, place));
            while let Some(word) = self.longest(text, place..end) {
                if inside && !self.counts_inside[word.pattern().as_usize()] {
                    end = word.end() - 1;
                    continue;
                }
                match found(word) {
                    Next::Behind => {
                        at = word.end();
                        break;
                    }
                    Next::Within => end = word.end() - 1,
                }
            }
        }
    }

    /// Returns the longest word that begins with `span` and lies in it.
    fn longest(&self, text: &[u8], span: Range<usize>) -> Option<Match> {
        self.automaton.try_find(Input::new(text).span(span).anchored(Anchored::Yes)).ok().flatten()
    }

    /// Returns the first place from `at` on at which a word may start.
    fn candidate(&self, text: &[u8], mut at: usize) -> Option<usize> {
        let beginnings = [&self.all, &self.inside];
        let tables = beginnings.map(|beginnings| &beginnings.threes);
        let mut before = at.checked_sub(1).map_or(0, |before| JOINS[usize::from(text[before])]);
        for three in text.get(at..)?.windows(3) {
            let here = JOINS[usize::from(three[0])];
            let inside = usize::from(before & here);
            before = here;
            if is_set(tables[inside], pack(three)) && beginnings[inside].may_start(&text[at..]) {
                return Some(at);
            }
            at += 1;
        }
        let last = text.len().checked_sub(2).filter(|last| *last >= at)?;
        self.all.twos.contains(&[text[last] | CASE, text[last + 1] | CASE]).then_some(last)
    }
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

/// Packs three bytes, small letters for capitals.
fn pack(three: &[u8]) -> u32 {
    u32::from(three[0] | CASE) | u32::from(three[1] | CASE) << 8 | u32::from(three[2] | CASE) << 16
}

/// Returns the fourth byte where it stands beside a packed three.
fn top(fourth: u8) -> u32 {
    u32::from(fourth | CASE) << 24
}

/// Mixes two more bytes into a packed four.
fn six(four: u32, fifth: u8, sixth: u8) -> u32 {
    four.wrapping_mul(0x85EB_CA6B) ^ u32::from(fifth | CASE) ^ u32::from(sixth | CASE) << 8
}

/// Fibonacci hashing (Knuth, volume 3, 6.4) to 16 bits.
fn slot(key: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B1) >> 16) as usize
}

fn set(table: &mut [u64; WORDS], key: u32) {
    table[slot(key) / 64] |= 1 << (slot(key) % 64);
}

fn is_set(table: &[u64; WORDS], key: u32) -> bool {
    table[slot(key) / 64] >> (slot(key) % 64) & 1 == 1
}

/// The bit in which capitals and small letters of ASCII differ.
const CASE: u8 = 0x20;
/// 64 Ki bits.
const WORDS: usize = 1024;

#[cfg(test)]
mod tests {
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
}
