//! Hundreds of words and prefixes in one pass at the speed of a table of 8 KiB.
//!
//! An automaton over all of them would not stay in the first-level cache: every byte of ordinary text would cost a look into megabytes.
//! So two small tables of hashed beginnings say of nearly every place that nothing starts there, and only the rest asks the
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
    /// Which hashes the first three bytes of a word have.
    threes: Box<[u64; WORDS]>,
    /// Which hashes the first four bytes of a word have.
    fours: Box<[u64; WORDS]>,
    /// Whether a word has two bytes only, for which the table of fours is too full to be asked alone.
    short: bool,
}

impl Dictionary {
    /// Builds the tables; every word has two bytes or more.
    pub(crate) fn new(words: &[&str]) -> Result<Self, BuildError> {
        let (mut threes, mut fours) = (Box::new([0; WORDS]), Box::new([0; WORDS]));
        for word in words {
            let fold = |at: usize| word.as_bytes().get(at).map_or(0..=255, |byte| byte | CASE..=byte | CASE);
            for third in fold(2) {
                let three = pack(&[word.as_bytes()[0], word.as_bytes()[1], third]);
                set(&mut threes, three);
                for fourth in fold(3) {
                    set(&mut fours, three | u32::from(fourth | CASE) << 24);
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .start_kind(StartKind::Anchored)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(words)?;
        let short = words.iter().any(|word| word.len() < 3);
        Ok(Dictionary { automaton, threes, fours, short })
    }

    /// Calls `found` with every match in `within`: the leftmost first, of those at one place the longest, and goes on as it answers.
    pub(crate) fn scan(&self, text: &[u8], within: Range<usize>, mut found: impl FnMut(Match) -> Next) {
        let (mut at, text) = (within.start, &text[..within.end]);
        while let Some(place) = self.candidate(text, at) {
            at = place + 1;
            let mut end = text.len();
            while let Some(word) = self.longest(text, place..end) {
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

    /// Returns the first place from `at` on at which a word may start; the last two bytes are too few to be sure, and always one.
    fn candidate(&self, text: &[u8], mut at: usize) -> Option<usize> {
        if !self.short {
            return self.long_candidate(text, at);
        }
        while let Some(hit) = text.get(at..)?.windows(3).position(|three| is_set(&self.threes, pack(three))) {
            let (three, fourth) = (pack(&text[at + hit..at + hit + 3]), text.get(at + hit + 3));
            if fourth.is_none_or(|fourth| is_set(&self.fours, three | u32::from(fourth | CASE) << 24)) {
                return Some(at + hit);
            }
            at += hit + 1;
        }
        text.len().checked_sub(2).filter(|last| *last >= at)
    }

    /// The same where every word has three bytes or more: one look at four bytes a place.
    fn long_candidate(&self, text: &[u8], at: usize) -> Option<usize> {
        let four =
            |four: &[u8]| u32::from_le_bytes([four[0], four[1], four[2], four[3]]) | u32::from_le_bytes([CASE; 4]);
        match text.get(at..)?.windows(4).position(|bytes| is_set(&self.fours, four(bytes))) {
            Some(hit) => Some(at + hit),
            None => text.len().checked_sub(3).filter(|last| *last >= at && is_set(&self.threes, pack(&text[*last..]))),
        }
    }
}

/// Packs three bytes, small letters for capitals.
fn pack(three: &[u8]) -> u32 {
    u32::from(three[0] | CASE) | u32::from(three[1] | CASE) << 8 | u32::from(three[2] | CASE) << 16
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
        let dictionary = Dictionary::new(words).unwrap();
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
        let dictionary = Dictionary::new(&["pin", "pin code", "code"]).unwrap();
        let mut found = Vec::new();
        dictionary.scan(b"pin code", 0..8, |word| {
            found.push(word.start()..word.end());
            Next::Within
        });
        assert_eq!(found, [0..8, 0..3, 4..8]);
    }

    #[test]
    fn it_finds_what_an_automaton_over_the_whole_text_finds() {
        differs_from_no_automaton(&["ab", "abc", "bca", "cab", "aabb", "-us", "Q~"]);
    }

    #[test]
    fn so_it_does_where_no_word_has_two_bytes() {
        differs_from_no_automaton(&["abc", "bca", "cabs", "aabbc", "-us", "uQ~"]);
    }

    /// Compares with a plain automaton over a long text of few signs, and over its ends.
    fn differs_from_no_automaton(words: &[&str]) {
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
        let found = |text: &str| all(words, text).into_iter().map(|(word, _)| word).collect::<Vec<usize>>();
        let expected = |text: &str| plain.find_iter(text).map(|word| word.pattern().as_usize()).collect::<Vec<_>>();
        assert!(found(&text).len() > 500);
        assert_eq!(found(&text), expected(&text));
        for end in 0..200 {
            assert_eq!(found(&text[..end]), expected(&text[..end]));
        }
    }
}
