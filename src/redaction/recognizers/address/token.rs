//! A stretch of text cut into the tokens that address lines are made of.

use std::ops::Range;

use super::super::super::floor_boundary;
use super::words;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number of up to 6 digits, with a letter or a range: `12a`, `5/7`, `100-15`.
    Number,
    /// A word that begins with a capital, or an ordinal.
    Capital,
    /// A word that does not.
    Lower,
    /// A comma.
    Comma,
    /// The end of a line.
    Line,
    /// Anything that no address goes over.
    Break,
}

/// A token and where it stands.
#[derive(Clone)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
    pub(super) text: &'t str,
    /// Whether a sentence may end behind it.
    pub(super) ends: bool,
}

impl Token<'_> {
    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    pub(super) fn lower(&self) -> String {
        self.text.to_lowercase()
    }

    /// Returns whether it is a small word inside names, such as `de`.
    pub(super) fn is_particle(&self) -> bool {
        self.is(Kind::Lower) && words::PARTICLES.contains(&self.text)
    }

    pub(super) fn is_unit(&self) -> bool {
        let lower = self.lower();
        words::UNITS.contains(&lower.as_str()) || lower == "box" || lower == "#"
    }

    pub(super) fn digits(&self) -> usize {
        self.text.bytes().filter(u8::is_ascii_digit).count()
    }
}

/// The tokens around a place.
pub(super) struct Line<'t> {
    pub(super) tokens: Vec<Token<'t>>,
}

impl<'t> Line<'t> {
    /// Cuts the text from 96 bytes before `at` to 200 bytes behind it.
    pub(super) fn around(text: &'t str, at: usize) -> Line<'t> {
        Line::cut(text, at, BEHIND)
    }

    /// Cuts the text from 96 bytes before `at` to `behind` bytes behind it.
    fn cut(text: &'t str, at: usize, behind: usize) -> Line<'t> {
        let from = floor_boundary(text, at.saturating_sub(BEFORE));
        // A word that the window cuts is none.
        let start = if from == 0 { 0 } else { text[from..at].find([' ', '\n']).map_or(at, |gap| from + gap) };
        let end = floor_boundary(text, at + behind);
        let mut tokens = Vec::with_capacity((end - start) / 4 + 1);
        let mut at = start;
        while at < end {
            at = cut(text, at..end, &mut tokens);
        }
        Line { tokens }
    }

    /// Returns the number of the token that holds the byte at `at`, or the first one behind it.
    pub(super) fn at(&self, at: usize) -> usize {
        self.tokens.partition_point(|token| token.span.end <= at)
    }

    pub(super) fn is(&self, k: usize, kind: Kind) -> bool {
        self.tokens.get(k).is_some_and(|token| token.kind == kind)
    }
}

/// The line that was cut last. Where street words stand close together it is a long one, so that each stretch is cut once and not at
/// every word.
#[derive(Default)]
pub(crate) struct Lines<'t> {
    last: Option<(Range<usize>, Line<'t>)>,
}

impl<'t> Lines<'t> {
    /// Returns a line with the tokens around `at`; places come in order.
    pub(super) fn around(&mut self, text: &'t str, at: usize) -> &Line<'t> {
        let needed = at.saturating_sub(BEFORE)..text.len().min(at + BEHIND);
        let (known, line) = self.last.take().unwrap_or_else(|| (0..0, Line { tokens: Vec::new() }));
        let line = if known.start <= needed.start && needed.end <= known.end {
            (known, line)
        } else {
            let behind = if at < known.end { CLOSE } else { BEHIND };
            (needed.start..text.len().min(at + behind), Line::cut(text, at, behind))
        };
        &self.last.insert(line).1
    }
}

/// Cuts one token off, and returns where the next one starts.
fn cut<'t>(text: &'t str, window: Range<usize>, tokens: &mut Vec<Token<'t>>) -> usize {
    let at = window.start;
    let rest = &text[window];
    let Some(first) = rest.chars().next() else { return at + 1 };
    let mut push =
        |kind, length: usize, ends| tokens.push(Token { kind, span: at..at + length, text: &rest[..length], ends });
    match first {
        ' ' | '\t' | '\r' => return at + 1,
        ',' => push(Kind::Comma, 1, false),
        '\n' => {
            push(Kind::Line, 1, false);
            // Quoted mail and lists begin their lines with a sign.
            let junk = rest[1..].find(|c: char| !matches!(c, '>' | '?' | '|' | '*' | ' ' | '\t' | '-' | '\r'));
            return at + 1 + junk.unwrap_or(rest.len() - 1);
        }
        '#' => push(Kind::Lower, 1, false),
        _ if first.is_alphanumeric() => {
            let length = inner(rest);
            let word = trimmed(&rest[..length]);
            let (stop, behind) = (word.len() < length, rest[length..].chars().next());
            let closed = behind.is_some_and(|c| matches!(c, '?' | '!' | ';' | ')' | ']' | '"'));
            let ends = closed || stop && word.chars().count() > 4 && !word.starts_with(|c: char| c.is_ascii_digit());
            let kind = if behind == Some(':') && !word_takes_colon(word) { Kind::Break } else { kind(word) };
            push(kind, word.len(), ends);
            return at + length;
        }
        '.' | ':' | '\'' | '(' => return at + 1,
        _ => push(Kind::Break, first.len_utf8(), false),
    }
    at + first.len_utf8()
}

/// Returns the length of the word at the start of `text`.
fn inner(text: &str) -> usize {
    let plain = text.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(text.len());
    plain + text[plain..].find(|c: char| !is_inner(c)).unwrap_or(text.len() - plain)
}

fn is_inner(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\'' | '-' | '/' | '.' | 'º' | 'ª' | '°' | '&')
}

/// Takes the signs off the end; the dot of an abbreviation is not part of it either.
fn trimmed(word: &str) -> &str {
    word.trim_end_matches(['.', '-', '/', '\''])
}

fn word_takes_colon(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "no" | "d" | "nr" | "n" | "kat" | "daire")
}

fn kind(word: &str) -> Kind {
    let first = word.chars().next().unwrap_or(' ');
    if first.is_ascii_digit() {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let ordinal = letters == 2 && ["st", "nd", "rd", "th"].iter().any(|end| word.to_lowercase().ends_with(end));
        return match () {
            () if ordinal => Kind::Capital,
            () if digits > 9 || letters > 2 || word.contains('.') && !word.ends_with('.') => Kind::Break,
            () if digits > 6 && !word.contains(['/', '-']) => Kind::Break,
            () if digits > 8 => Kind::Break,
            () => Kind::Number,
        };
    }
    if first.is_uppercase() || !first.is_lowercase() { Kind::Capital } else { Kind::Lower }
}

const BEFORE: usize = 96;
const BEHIND: usize = 200;
/// The same where street words stand close together.
const CLOSE: usize = 2048;
