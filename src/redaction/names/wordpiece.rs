//! Text to the pieces of words that the network knows, each with the bytes it came from.
//!
//! The uncased rules of BERT: control characters out, accents and capitals off, every mark of punctuation and every Han character a
//! word of its own, then the longest known piece first (Y. Wu et al., <https://arxiv.org/abs/1609.08144>, section 4.1). What comes out is
//! what the `tokenizers` library makes of the model's `tokenizer.json`; the vectors below were computed with it.

use std::collections::HashMap;
use std::ops::Range;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::ModelError;

/// One piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its number in the vocabulary.
    pub(super) id: u32,
    /// Bytes of the text it stands for.
    pub(super) span: Range<usize>,
    /// Whether it goes on with the word of the piece before it.
    pub(super) continues: bool,
}

/// The vocabulary and the rules.
pub(super) struct WordPiece {
    starts: HashMap<Box<str>, u32>,
    continuations: HashMap<Box<str>, u32>,
    longest: usize,
    marks: Regex,
    others: Regex,
    punctuation: Regex,
}

impl WordPiece {
    /// Reads a vocabulary: one piece a line, its number the line's from 0; `##` in front of a continuation.
    ///
    /// # Errors
    /// [`ModelError::Format`] when it does not hold the marks that stand around every text.
    pub(super) fn new(vocabulary: &str) -> Result<WordPiece, ModelError> {
        let (mut starts, mut continuations): (HashMap<Box<str>, u32>, HashMap<Box<str>, u32>) = Default::default();
        for (id, line) in (0..).zip(vocabulary.lines()) {
            match line.strip_prefix("##") {
                Some(rest) => continuations.insert(rest.into(), id),
                None => starts.insert(line.into(), id),
            };
        }
        let marks = [("[UNK]", UNKNOWN), ("[CLS]", START), ("[SEP]", END)];
        if marks.iter().any(|(mark, id)| starts.get(*mark) != Some(id)) {
            return Err(ModelError::Format("the vocabulary is another one"));
        }
        let class = |pattern: &str| Regex::new(pattern).map_err(|_| ModelError::Format("a pattern does not build"));
        let longest = starts.keys().chain(continuations.keys()).map(|piece| piece.chars().count()).max().unwrap_or(0);
        let (marks, others, punctuation) = (class(r"^\p{Mn}$")?, class(r"^\p{C}$")?, class(r"^\p{P}$")?);
        Ok(WordPiece { starts, continuations, longest, marks, others, punctuation })
    }

    /// Cuts `text` into pieces, without the marks around it.
    pub(super) fn cut(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut word = Word::default();
        for (at, c) in text.char_indices() {
            let span = at..at + c.len_utf8();
            match self.kind(c) {
                Kind::Nothing => {}
                Kind::Space => self.finish(&mut word, &mut pieces),
                Kind::Alone => {
                    self.finish(&mut word, &mut pieces);
                    self.letters(c, &span, &mut word);
                    self.finish(&mut word, &mut pieces);
                }
                Kind::Letter => self.letters(c, &span, &mut word),
            }
        }
        self.finish(&mut word, &mut pieces);
        pieces
    }

    fn kind(&self, c: char) -> Kind {
        if c.is_ascii() {
            return match c {
                '\t' | '\n' | '\r' | ' ' => Kind::Space,
                _ if c.is_ascii_control() => Kind::Nothing,
                _ if c.is_ascii_punctuation() => Kind::Alone,
                _ => Kind::Letter,
            };
        }
        let is = |class: &Regex| class.is_match(c.encode_utf8(&mut [0; 4]));
        match c {
            '\u{FFFD}' => Kind::Nothing,
            _ if is(&self.others) => Kind::Nothing,
            _ if c.is_whitespace() => Kind::Space,
            _ if is_han(c) || is(&self.punctuation) => Kind::Alone,
            _ => Kind::Letter,
        }
    }

    /// Adds what `c` becomes to `word`: decomposed, without accents, in lower case.
    fn letters(&self, c: char, span: &Range<usize>, word: &mut Word) {
        if c.is_ascii() {
            return word.push(c.to_ascii_lowercase(), span);
        }
        let bare = std::iter::once(c).nfd().filter(|c| !self.marks.is_match(c.encode_utf8(&mut [0; 4])));
        bare.flat_map(char::to_lowercase).for_each(|c| word.push(c, span));
    }

    /// Cuts `word` into the longest known pieces from its front and empties it; a word with an unknown piece is unknown as a whole.
    fn finish(&self, word: &mut Word, pieces: &mut Vec<Piece>) {
        let (Some(first), Some(last)) = (word.spans.first(), word.spans.last()) else { return };
        let whole = Piece { id: UNKNOWN, span: first.start..last.end, continues: false };
        let before = pieces.len();
        let mut at = 0;
        while at < word.spans.len() {
            match self.longest(word, at).filter(|_| word.spans.len() <= MAX_WORD) {
                Some((id, end)) => {
                    let span = word.spans[at].start..word.spans[end - 1].end;
                    pieces.push(Piece { id, span, continues: at > 0 });
                    at = end;
                }
                None => {
                    pieces.truncate(before);
                    pieces.push(whole);
                    break;
                }
            }
        }
        word.clear();
    }

    /// Returns the longest known piece of `word` from its letter `at`, and the letter it ends before.
    fn longest(&self, word: &Word, at: usize) -> Option<(u32, usize)> {
        let table = if at == 0 { &self.starts } else { &self.continuations };
        let most = word.spans.len().min(at + self.longest);
        (at + 1..=most).rev().find_map(|end| {
            let id = table.get(&word.text[word.places[at]..word.end(end)])?;
            Some((*id, end))
        })
    }
}

/// What a character does to the word it stands in.
enum Kind {
    Nothing,
    Space,
    Alone,
    Letter,
}

/// A word while its letters come in.
#[derive(Default)]
struct Word {
    text: String,
    /// Where each letter starts in `text`.
    places: Vec<usize>,
    /// Where each letter came from.
    spans: Vec<Range<usize>>,
}

impl Word {
    fn push(&mut self, c: char, span: &Range<usize>) {
        self.places.push(self.text.len());
        self.text.push(c);
        self.spans.push(span.clone());
    }

    fn end(&self, letter: usize) -> usize {
        self.places.get(letter).copied().unwrap_or(self.text.len())
    }

    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
        self.spans.clear();
    }
}

/// Returns whether `c` is a Han character.
pub(super) fn is_han(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F | 0x2B920..=0x2CEAF
        | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

/// `[UNK]`.
const UNKNOWN: u32 = 1;
/// `[CLS]`, in front of every text.
pub(super) const START: u32 = 2;
/// `[SEP]`, behind every text.
pub(super) const END: u32 = 3;
/// Letters of the longest word that is cut; a longer one is unknown.
const MAX_WORD: usize = 100;

#[cfg(test)]
mod tests {
    use super::super::testing::file;
    use super::*;

    fn cut(text: &str) -> Vec<Place> {
        let vocabulary = String::from_utf8(file(super::super::Names::VOCABULARY)).unwrap();
        let pieces = WordPiece::new(&vocabulary).unwrap().cut(text);
        pieces.into_iter().map(|piece| (piece.id, piece.span.start, piece.span.end)).collect()
    }

    /// Computed once with the `tokenizers` library (0.23.3, Python) from the model's `tokenizer.json`.
    #[test]
    fn pieces_and_places_are_those_of_the_reference() {
        for (text, expected) in VECTORS {
            assert_eq!(cut(text), *expected, "{text:?}");
        }
        assert_eq!(cut(&"x".repeat(101)), [(UNKNOWN, 0, 101)]);
        assert_ne!(cut(&"x".repeat(100))[0].0, UNKNOWN);
    }

    #[test]
    fn another_vocabulary_is_refused() {
        assert!(WordPiece::new("[PAD]\n[CLS]\n[UNK]\n[SEP]\n").is_err());
    }

    /// Number, start and end of a piece.
    type Place = (u32, usize, usize);

    #[rustfmt::skip]
    const VECTORS: &[(&str, &[Place])] = &[
        ("Hi, I'm Ada Lovelace!", &[(9573, 0, 2), (8381, 2, 3), (778, 4, 5), (15214, 5, 6), (15912, 6, 7), (7191, 8, 11), (18621, 12, 16), (10546, 16, 20), (4664, 20, 21)]),
        ("Élodie Çelik-Müller", &[(13963, 0, 3), (4509, 3, 5), (14573, 5, 7), (1382, 8, 11), (18733, 11, 14), (9046, 14, 15), (13076, 15, 22)]),
        ("naïve café ñandú", &[(19401, 0, 2), (10228, 2, 6), (14431, 7, 12), (16981, 13, 17), (8838, 17, 20)]),
        ("王小明 lives in 東京", &[(18326, 0, 3), (18012, 3, 6), (3689, 6, 9), (17372, 10, 15), (8467, 16, 18), (16023, 19, 22), (3579, 22, 25)]),
        ("김철수님", &[(6858, 0, 3), (12032, 0, 3), (8457, 0, 3), (2332, 3, 6), (17242, 3, 6), (8890, 3, 6), (4964, 6, 9), (16155, 6, 9), (3188, 9, 12), (12032, 9, 12), (8457, 9, 12)]),
        ("a\u{0}b\u{200B}c\u{FFFD}d\te\u{A0}f", &[(12992, 0, 7), (13289, 10, 11), (6668, 12, 13), (15978, 15, 16)]),
        ("don't—stop… “now” $5.00", &[(8082, 0, 3), (15214, 3, 4), (10347, 4, 5), (13730, 5, 8), (15571, 8, 12), (3574, 12, 15), (2513, 16, 19), (15872, 19, 22), (11806, 22, 25), (10538, 26, 27), (8966, 27, 28), (7148, 28, 29), (10004, 29, 31)]),
        ("Ünïcödé: ΣΊΣΥΦΟΣ Привет", &[(10221, 0, 3), (14329, 3, 8), (8020, 8, 11), (10198, 11, 12), (7203, 13, 15), (13681, 15, 17), (13973, 17, 19), (11667, 19, 21), (756, 21, 23), (11280, 23, 25), (13973, 25, 27), (4001, 28, 30), (2867, 30, 32), (7566, 32, 34), (16824, 34, 36), (11722, 36, 38), (5221, 38, 40)]),
        ("हिन्दी नमस्ते", &[(3220, 0, 3), (145, 3, 6), (17877, 6, 9), (113, 12, 15), (4892, 15, 18), (8887, 19, 22), (13708, 22, 25), (19490, 25, 28), (5524, 31, 34)]),
        ("😀 smile ﬁne ½", &[(1, 0, 4), (959, 5, 10), (477, 11, 14), (3306, 14, 16), (12626, 17, 19)]),
        ("मेरा İstanbul", &[(8344, 0, 3), (18086, 6, 9), (17610, 9, 12), (10822, 13, 22)]),
    ];
}
