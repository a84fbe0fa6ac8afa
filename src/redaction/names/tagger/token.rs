//! Text cut into the units that the tagger labels.
//!
//! Words, numbers and single signs; in scripts that are written without spaces (and in Hangul, whose particles stick to
//! names) every letter with its marks is a unit. Mail addresses, links, handles and the tokens of an earlier redaction
//! are one unit each, so that no name is seen in them.

use std::ops::Range;

use super::hash::Fnv;

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Letters of a script that is written with spaces.
    Word,
    /// One letter of a script that is written without, or a syllable of Hangul.
    Letter,
    /// Digits, with the letters that stick to them.
    Number,
    /// A punctuation mark or symbol.
    Sign,
    /// The end of a line.
    Line,
    /// A mail address, link, handle or redaction token: never a name.
    Opaque,
}

/// How the letters of a unit look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Shape {
    /// No letters with case.
    None,
    /// `word`
    Lower,
    /// `Word`
    Title,
    /// `W`
    Initial,
    /// `WORD`
    Upper,
    /// `wOrd`, `McWord`
    Mixed,
}

/// One unit of a text.
#[derive(Clone, Debug)]
pub struct Token {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// How it is written.
    pub shape: Shape,
    /// Whether white space stands before it.
    pub spaced: bool,
    /// Its letters, at most 15.
    pub letters: u8,
    /// Which script: see [`script`].
    pub script: u8,
    /// Hash of its lower case; of a number, of its length.
    pub hash: u32,
    /// Hashes of its first one to four letters.
    pub heads: [u32; 4],
    /// Hashes of its last one to four letters.
    pub tails: [u32; 4],
    /// What the gazetteer knows of it; filled in later.
    pub flags: u8,
}

/// Reads the units of a text one after the other.
pub struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'t str) -> Self {
        Tokens { text, at: 0 }
    }

    /// Returns the opaque unit at `at`, by its end.
    fn opaque(&self, at: usize, first: char) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let fresh = at == 0 || !chunk_byte(bytes[at - 1]);
        match first {
            '<' => redaction_token(&bytes[at..]).map(|length| at + length),
            _ if !fresh || !chunk_byte(bytes[at]) => None,
            _ => {
                let length = bytes[at..].iter().take(MAX_CHUNK).take_while(|&&byte| chunk_byte(byte)).count();
                let chunk = &self.text[at..at + length];
                let trimmed = chunk.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '>', '"', '\'']);
                is_opaque(trimmed).then_some(at + trimmed.len())
            }
        }
    }

    /// Says what starts at `at`, and where it ends.
    fn kind_at(&self, at: usize, first: char) -> (Kind, usize) {
        if let Some(end) = self.opaque(at, first) {
            return (Kind::Opaque, end);
        }
        if let Some(end) = self.clitic(at, first) {
            return (Kind::Word, end);
        }
        let of = script(first);
        match first {
            '\n' => (Kind::Line, at + 1),
            _ if first.is_numeric() => (Kind::Number, self.number_end(at)),
            _ if unspaced(of) && is_letter(first) => (Kind::Letter, self.letter_end(at, first)),
            _ if is_letter(first) => (Kind::Word, self.word_end(at, of)),
            _ => (Kind::Sign, at + first.len_utf8()),
        }
    }

    fn word_end(&self, at: usize, script_of_first: u8) -> usize {
        let rest = &self.text[at..];
        let mut end = at;
        for (offset, char) in rest.char_indices() {
            let inner = is_letter(char) || is_mark(char);
            if !inner || (offset > 0 && is_letter(char) && unspaced(script(char)) != unspaced(script_of_first)) {
                break;
            }
            end = at + offset + char.len_utf8();
        }
        self.apostrophe(at, end)
    }

    /// Puts an apostrophe to the shorter side: `l'|adresse`, `Sarah|'s`.
    fn apostrophe(&self, at: usize, end: usize) -> usize {
        let mut following = self.text[end..].chars();
        let length = self.text[at..end].chars().take(3).count();
        match (following.next(), following.next()) {
            (Some(sign @ ('\'' | '’')), Some(letter)) if length <= 2 && is_letter(letter) => end + sign.len_utf8(),
            _ => end,
        }
    }

    fn number_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let inner = |char: char| char.is_ascii_alphanumeric() || char.is_numeric() && char.to_digit(36).is_none();
        at + rest.find(|char: char| !inner(char)).unwrap_or(rest.len())
    }

    fn letter_end(&self, at: usize, first: char) -> usize {
        let rest = &self.text[at + first.len_utf8()..];
        at + first.len_utf8() + rest.find(|char: char| !is_mark(char)).unwrap_or(rest.len())
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let from = self.at;
        let rest = &self.text[from..];
        let blank = rest.find(|char: char| char == '\n' || !(char.is_whitespace() || is_hidden(char)));
        let at = from + blank?;
        let first = self.text[at..].chars().next()?;
        let (kind, end) = self.kind_at(at, first);
        self.at = end;
        Some(token(self.text, at..end, kind, at > from || at == 0))
    }
}

impl Tokens<'_> {
    /// Returns the end of a clitic such as `'s` or `'ll`, which hangs on the word before.
    fn clitic(&self, at: usize, sign: char) -> Option<usize> {
        if !matches!(sign, '\'' | '’') {
            return None;
        }
        let after = at + sign.len_utf8();
        let hangs = self.text[..at].chars().next_back().is_some_and(is_letter);
        let letters = self.text[after..].chars().take(3).take_while(|char| is_letter(*char));
        let length: usize = letters.map(char::len_utf8).sum();
        let ends = !self.text[after + length..].chars().next().is_some_and(is_letter);
        (hangs && ends && length > 0).then_some(after + length)
    }
}

fn token(text: &str, span: Range<usize>, kind: Kind, spaced: bool) -> Token {
    let own = &text[span.clone()];
    let mut token = Token {
        shape: if kind == Kind::Word { shape(own) } else { Shape::None },
        script: own.chars().next().map_or(0, script),
        span,
        kind,
        spaced,
        letters: 0,
        hash: 0,
        heads: [0; 4],
        tails: [0; 4],
        flags: 0,
    };
    match kind {
        Kind::Opaque => token.hash = 1,
        Kind::Number => number(own, &mut token),
        _ => letters(own, &mut token),
    }
    token
}

/// Hashes a number by its form: `64677` as five digits, `12b` as two and a letter.
fn number(own: &str, token: &mut Token) {
    let mut fnv = Fnv::new();
    for char in own.chars().take(MAX_LETTERS) {
        fnv.push(if char.is_numeric() { b'0' } else { b'a' });
        token.letters = (token.letters + 1).min(15);
    }
    token.hash = fnv.get();
}

fn letters(own: &str, token: &mut Token) {
    let mut fnv = Fnv::new();
    let mut last = [0_u32; 4];
    for char in own.chars().take(MAX_LETTERS).flat_map(char::to_lowercase) {
        fnv.push_char(char);
        let at = usize::from(token.letters);
        if at < 4 {
            token.heads[at..].fill(fnv.get());
        }
        last.rotate_left(1);
        last[3] = char as u32;
        token.letters = (token.letters + 1).min(15);
    }
    token.hash = fnv.get();
    for (length, tail) in token.tails.iter_mut().enumerate() {
        let mut fnv = Fnv::new();
        last[3 - length..].iter().for_each(|&char| fnv.push_u32(char));
        *tail = fnv.get();
    }
}

fn shape(word: &str) -> Shape {
    let (mut upper, mut lower, mut first_upper, mut seen) = (0, 0, false, 0);
    for char in word.chars().take(MAX_LETTERS).filter(|char| is_letter(*char)) {
        match (char.is_uppercase(), char.is_lowercase()) {
            (true, _) => upper += 1,
            (_, true) => lower += 1,
            _ => {}
        }
        first_upper |= seen == 0 && char.is_uppercase();
        seen += 1;
    }
    match (upper, lower) {
        (0, 0) => Shape::None,
        (0, _) => Shape::Lower,
        (1, 0) => Shape::Initial,
        (_, 0) => Shape::Upper,
        (1, _) if first_upper => Shape::Title,
        _ => Shape::Mixed,
    }
}

/// Returns a small number for the script of a letter; 0 for what is none.
pub fn script(char: char) -> u8 {
    match char as u32 {
        0x41..=0x24F | 0x1E00..=0x1EFF => 1,
        0x370..=0x3FF | 0x1F00..=0x1FFF => 2,
        0x400..=0x52F => 3,
        0x530..=0x58F => 4,
        0x590..=0x5FF => 5,
        0x600..=0x77F | 0x8A0..=0x8FF | 0xFB50..=0xFDFF => 6,
        0x900..=0x97F => 7,
        0x980..=0xDFF => 8,
        0x10A0..=0x10FF => 9,
        0x1200..=0x139F => 10,
        0xE00..=0xEFF => 11,
        0x1000..=0x109F | 0x1780..=0x17FF => 12,
        0x3040..=0x309F => 13,
        0x30A0..=0x30FF | 0xFF66..=0xFF9F => 14,
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x3005..=0x3007 | 0x20000..=0x3FFFF => 15,
        0x1100..=0x11FF | 0xAC00..=0xD7AF => 16,
        _ => 0,
    }
}

/// Whether a script is cut into single letters.
fn unspaced(script: u8) -> bool {
    script >= 11
}

fn is_letter(char: char) -> bool {
    char.is_alphabetic() && !char.is_numeric()
}

/// Vowel signs, accents and viramas that continue the letter before: combining marks of the scripts that chats show.
fn is_mark(char: char) -> bool {
    matches!(char as u32, 0x300..=0x36F | 0x483..=0x487 | 0x591..=0x5C7 | 0x610..=0x61A | 0x64B..=0x65F | 0x670
        | 0x6D6..=0x6ED | 0x900..=0x903 | 0x93A..=0x94F | 0x951..=0x957 | 0x962..=0x963 | 0x981..=0x983
        | 0x9BC..=0x9D7 | 0xA01..=0xA03 | 0xA3C..=0xA51 | 0xA70..=0xA71 | 0xA81..=0xA83 | 0xABC..=0xACD
        | 0xB01..=0xB03 | 0xB3C..=0xB57 | 0xB82 | 0xBBE..=0xBCD | 0xC00..=0xC04 | 0xC3E..=0xC56 | 0xC81..=0xC83
        | 0xCBC..=0xCD6 | 0xD00..=0xD03 | 0xD3B..=0xD4D | 0xD81..=0xD83 | 0xDCA..=0xDDF | 0xE31 | 0xE34..=0xE3A
        | 0xE47..=0xE4E | 0xEB1 | 0xEB4..=0xEBC | 0xEC8..=0xECE | 0x102B..=0x103E | 0x17B4..=0x17D3 | 0x200D
        | 0x3099..=0x309A | 0x30FC | 0xFE00..=0xFE0F)
}

/// Format characters that are seen by nobody.
fn is_hidden(char: char) -> bool {
    matches!(char as u32, 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2064 | 0xFEFF | 0xAD)
}

fn chunk_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'<'
}

fn is_opaque(chunk: &str) -> bool {
    let bytes = chunk.as_bytes();
    let mail = memchr::memchr(b'@', bytes).is_some_and(|at| at > 0 && at + 1 < bytes.len());
    let handle = bytes.len() > 1 && matches!(bytes[0], b'@' | b'#') && bytes[1].is_ascii_alphabetic();
    mail || handle || chunk.contains("://") || chunk.starts_with("www.")
}

/// Returns the length of a token of an earlier redaction, such as `<PERSON_7K3Q>`.
fn redaction_token(bytes: &[u8]) -> Option<usize> {
    let inner = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let length = bytes[1..].iter().take(64).take_while(|byte| inner(byte)).count();
    (length > 2 && bytes.get(length + 1) == Some(&b'>')).then_some(length + 2)
}

/// Letters of one unit that are looked at.
const MAX_LETTERS: usize = 64;
/// Bytes up to which one piece without spaces is looked at as a whole.
const MAX_CHUNK: usize = 256;
