//! Stage 1: text as the recognizers see it, with a map back to the bytes the caller gave.
//!
//! NFKC, so that full-width and styled letters, ligatures and no-break spaces become plain; invisible format characters
//! removed; every decimal digit of Unicode and every dash folded to ASCII. Pure ASCII text is borrowed and has no map.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Text in its normal form.
pub(super) struct Normalised<'t> {
    /// What is scanned.
    pub(super) text: Cow<'t, str>,
    /// Empty when the text is the original.
    runs: Vec<Run>,
}

impl<'t> Normalised<'t> {
    /// Brings `original` to normal form; borrows it when it is ASCII.
    pub(super) fn new(original: &'t str) -> Self {
        if original.is_ascii() {
            return Normalised { text: Cow::Borrowed(original), runs: Vec::new() };
        }
        let mut builder = Builder { text: String::with_capacity(original.len()), runs: Vec::new() };
        builder.fill(original);
        Normalised { text: Cow::Owned(builder.text), runs: builder.runs }
    }

    /// Returns the bytes of the original that a non-empty range of the normal form came from.
    pub(super) fn original(&self, span: Range<usize>) -> Range<usize> {
        if self.runs.is_empty() {
            return span;
        }
        let first = self.run_of(span.start);
        let last = self.run_of(span.end.max(span.start + 1) - 1);
        let start = if first.identity { first.origin.start + (span.start - first.at) } else { first.origin.start };
        let end = if last.identity { last.origin.start + (span.end - last.at) } else { last.origin.end };
        start..end
    }

    fn run_of(&self, position: usize) -> &Run {
        let after = self.runs.partition_point(|run| run.at <= position);
        &self.runs[after.saturating_sub(1)]
    }
}

/// A stretch of normal text and where it came from.
struct Run {
    at: usize,
    origin: Range<usize>,
    /// Whether the bytes are the same on both sides; otherwise the run is one indivisible segment.
    identity: bool,
}

struct Builder {
    text: String,
    runs: Vec<Run>,
}

impl Builder {
    fn fill(&mut self, original: &str) {
        let mut position = 0;
        while position < original.len() {
            position = self.ascii(original, position);
            position = self.segment(original, position);
        }
        if self.runs.is_empty() {
            self.runs.push(Run { at: 0, origin: 0..original.len(), identity: false });
        }
    }

    /// Copies the ASCII that starts at `position`, but for a last character that a mark may follow.
    fn ascii(&mut self, original: &str, position: usize) -> usize {
        let rest = &original.as_bytes()[position..];
        let length = rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        let mut end = position + length;
        if length > 0 && original[end..].chars().next().is_some_and(continues) {
            end -= 1;
        }
        self.identity(original, position..end);
        end
    }

    /// Normalises one character with the marks that follow it.
    fn segment(&mut self, original: &str, position: usize) -> usize {
        let mut chars = original[position..].char_indices();
        let Some((_, first)) = chars.next() else { return position };
        let length = chars.find(|&(_, c)| !continues(c)).map_or(original.len() - position, |(at, _)| at);
        let origin = position..position + length;
        let at = self.text.len();
        if first.len_utf8() == length && !first.is_ascii() {
            self.single(first);
        } else {
            let marked = original[origin.clone()].nfkc().filter(|&c| !invisible(c));
            self.text.extend(marked.map(fold));
        }
        let end = origin.end;
        if self.text[at..] == original[origin.clone()] {
            self.text.truncate(at);
            self.identity(original, origin);
        } else if self.text.len() > at {
            self.runs.push(Run { at, origin, identity: false });
        }
        end
    }

    fn single(&mut self, c: char) {
        if !invisible(c) {
            self.text.extend(std::iter::once(c).nfkc().map(fold));
        }
    }

    fn identity(&mut self, original: &str, origin: Range<usize>) {
        if origin.is_empty() {
            return;
        }
        let at = self.text.len();
        self.text.push_str(&original[origin.clone()]);
        match self.runs.last_mut() {
            Some(last) if last.identity && last.origin.end == origin.start => last.origin.end = origin.end,
            _ => self.runs.push(Run { at, origin, identity: true }),
        }
    }
}

/// Returns whether `c` belongs to the character before it: a combining mark, or a Hangul vowel or final.
fn continues(c: char) -> bool {
    canonical_combining_class(c) != 0 || matches!(c, '\u{1161}'..='\u{1175}' | '\u{11A8}'..='\u{11C2}')
}

/// Returns whether `c` shows nothing and only serves to break words apart for a scanner.
///
/// Default_Ignorable_Code_Point of Unicode 16, without the Hangul fillers' letters that NFKC leaves visible.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

fn fold(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' | '\u{FE58}' | '\u{2E3A}' | '\u{2E3B}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{02BC}' => '\'',
        '\u{2024}' | '\u{FF61}' | '\u{3002}' => '.',
        '\u{1680}' | '\u{2028}' | '\u{2029}' => ' ',
        _ => digit(c).unwrap_or(c),
    }
}

/// Folds a decimal digit of any script to ASCII. NFKC has already folded the full-width and mathematical ones.
fn digit(c: char) -> Option<char> {
    if c.is_ascii() || !c.is_numeric() {
        return None;
    }
    let code = u32::from(c);
    let after = ZEROS.partition_point(|&zero| zero <= code);
    let zero = *ZEROS.get(after.checked_sub(1)?)?;
    char::from_digit(code - zero, 10)
}

/// The zeros of the scripts whose ten digits are General_Category Nd (Unicode 16), ascending.
const ZEROS: [u32; 65] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136,
    0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50,
    0x11DA0, 0x11F50, 0x16130, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        Normalised::new(text).text.into_owned()
    }

    /// Finds `needle` in the normal form of `text` and returns what of `text` it came from.
    fn origin<'t>(text: &'t str, needle: &str) -> &'t str {
        let normalised = Normalised::new(text);
        let at = normalised.text.find(needle).unwrap();
        &text[normalised.original(at..at + needle.len())]
    }

    #[test]
    fn ascii_is_borrowed() {
        assert!(matches!(Normalised::new("plain").text, Cow::Borrowed("plain")));
    }

    #[test]
    fn zero_width_characters_vanish_and_map_back() {
        assert_eq!(normal("é ja\u{200B}ne@x\u{AD}y.org"), "é jane@xy.org");
        assert_eq!(origin("é ja\u{200B}ne@x\u{AD}y.org!", "jane@xy.org"), "ja\u{200B}ne@x\u{AD}y.org");
    }

    #[test]
    fn full_width_forms_become_ascii() {
        assert_eq!(normal("４１１１＠ａ．ｂ"), "4111@a.b");
        assert_eq!(origin("(４１１１)", "4111"), "４１１１");
    }

    #[test]
    fn digits_of_other_scripts_fold() {
        assert_eq!(normal("٤١١١ ४२ 𝟜"), "4111 42 4");
        assert_eq!(normal("½ Ⅷ"), "1\u{2044}2 VIII", "fractions and Roman numerals are not decimal digits");
    }

    #[test]
    fn no_break_spaces_and_dashes_become_plain() {
        assert_eq!(normal("415\u{A0}555\u{2011}0132\u{2212}1"), "415 555-0132-1");
    }

    #[test]
    fn marks_compose_with_the_letter_before() {
        assert_eq!(normal("Jose\u{301} x"), "José x");
        assert_eq!(origin("Jose\u{301} x", "José"), "Jose\u{301}");
    }

    #[test]
    fn text_of_nothing_visible_is_empty() {
        assert_eq!(normal("\u{200B}\u{FEFF}"), "");
    }

    #[test]
    fn one_to_many_maps_to_the_whole_character() {
        assert_eq!(origin("a㏂b", "m"), "㏂");
    }
}
