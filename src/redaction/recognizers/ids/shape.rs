//! How an identifier is written: a small language for shapes, and the index that finds the shapes a run of letters and digits can begin.
//!
//! | sign | stands for |
//! |---|---|
//! | `9` `A` `*` | a digit, a letter, either (ASCII) |
//! | a small letter or `+` `/` `:` | itself, in either case |
//! | `?` | the sign before it may be missing |
//! | `_` `-` | a separator that may, or must, stand there: one of those the rule allows |

use std::ops::Range;

use super::rules::Rule;

/// One sign of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sign {
    kind: Kind,
    optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Digit,
    Letter,
    Either,
    Itself(u8),
    Separator,
}

/// A shape ready to be matched.
pub(super) struct Shape {
    signs: Vec<Sign>,
    /// Which rule it is of.
    pub(super) rule: &'static Rule,
}

/// What a shape matched: the span, and its letters and digits without separators, in capitals.
pub(super) struct Match {
    pub(super) span: Range<usize>,
    pub(super) separated: bool,
    signs: [u8; MAX_SIGNS],
    count: usize,
}

impl Match {
    /// The letters and digits, in capitals.
    pub(super) fn signs(&self) -> &[u8] {
        &self.signs[..self.count]
    }
}

impl Shape {
    fn new(text: &str, rule: &'static Rule) -> Self {
        let mut signs = Vec::with_capacity(text.len());
        for byte in text.bytes() {
            let (kind, optional) = match byte {
                b'?' => {
                    if let Some(last) = signs.last_mut() {
                        *last = Sign { optional: true, ..*last };
                    }
                    continue;
                }
                b'9' => (Kind::Digit, false),
                b'A' => (Kind::Letter, false),
                b'*' => (Kind::Either, false),
                b'_' => (Kind::Separator, true),
                b'-' => (Kind::Separator, false),
                byte => (Kind::Itself(byte.to_ascii_uppercase()), false),
            };
            signs.push(Sign { kind, optional });
        }
        Shape { signs, rule }
    }

    /// Returns whether it may go on behind that sign.
    fn goes_over(&self, separator: u8) -> bool {
        separator == b'+' || self.rule.separators.as_bytes().contains(&separator)
    }

    /// Returns whether the signs that must stand first fit; a cheap test that most places fail.
    fn head_fits(&self, start: &[u8]) -> bool {
        let head = self.signs.iter().take_while(|sign| !sign.optional);
        let bytes = start.iter().copied().map(Some).chain(std::iter::repeat(None));
        head.zip(bytes).all(|(sign, byte)| byte.is_some_and(|byte| self.fits(sign.kind, byte)))
    }

    /// Matches at `start`, up to where a run of letters and digits ends.
    pub(super) fn find(&self, bytes: &[u8], start: usize) -> Option<Match> {
        let mut found = Match { span: start..start, separated: false, signs: [0; MAX_SIGNS], count: 0 };
        self.follow(bytes, 0, &mut found).then_some(found)
    }

    /// Takes as much as it can first, and gives back where the rest does not fit. Shapes have few optional signs, so this is short.
    fn follow(&self, bytes: &[u8], place: usize, so_far: &mut Match) -> bool {
        let at = so_far.span.end;
        let Some(sign) = self.signs.get(place) else {
            return !bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        };
        if let Some(&byte) = bytes.get(at)
            && self.fits(sign.kind, byte)
        {
            let (count, separated) = (so_far.count, so_far.separated);
            if sign.kind == Kind::Separator {
                so_far.separated = true;
            } else if count < MAX_SIGNS {
                so_far.signs[count] = byte.to_ascii_uppercase();
                so_far.count += 1;
            }
            so_far.span.end = at + 1;
            if self.follow(bytes, place + 1, so_far) {
                return true;
            }
            (so_far.count, so_far.separated, so_far.span.end) = (count, separated, at);
        }
        sign.optional && self.follow(bytes, place + 1, so_far)
    }

    fn fits(&self, kind: Kind, byte: u8) -> bool {
        match kind {
            Kind::Digit => byte.is_ascii_digit(),
            Kind::Letter => byte.is_ascii_alphabetic(),
            Kind::Either => byte.is_ascii_alphanumeric(),
            Kind::Itself(itself) => byte.to_ascii_uppercase() == itself,
            Kind::Separator => self.rule.separators.as_bytes().contains(&byte),
        }
    }

    /// Returns how long the first run of letters and digits, and the second, can be.
    fn runs(&self) -> Runs {
        let mut runs = Runs { whole: 0, second: [0; MAX_RUN] };
        self.count_runs(0, 0, None, &mut runs);
        runs
    }

    /// Goes every way through the signs, up to the end of the second run; `first` is the length of the first, once it has ended.
    fn count_runs(&self, place: usize, length: usize, first: Option<usize>, runs: &mut Runs) {
        let Some(sign) = self.signs.get(place) else {
            match first {
                None => runs.whole |= 1 << length,
                Some(first) => runs.second[first] |= 1 << length,
            }
            return;
        };
        if sign.optional {
            self.count_runs(place + 1, length, first, runs);
        }
        match (sign.kind, first) {
            (Kind::Separator, None) => self.count_runs(place + 1, 0, Some(length), runs),
            (Kind::Itself(sign), None) if !sign.is_ascii_alphanumeric() => self.count_runs(place + 1, 0, Some(length), runs),
            (Kind::Separator, Some(first)) => runs.second[first] |= 1 << length,
            _ => self.count_runs(place + 1, length + 1, first, runs),
        }
    }

    fn begins_with(&self, digit: bool) -> bool {
        match self.signs.first().map(|sign| sign.kind) {
            Some(Kind::Digit) => digit,
            Some(Kind::Letter | Kind::Itself(_)) => !digit,
            _ => true,
        }
    }
}

/// How long the runs of letters and digits can be that a shape begins with: bit n for n.
struct Runs {
    /// Where it is one run.
    whole: u64,
    /// The second run, by the length of the first.
    second: [u64; MAX_RUN],
}

/// All shapes by what the first two runs of letters and digits look like.
pub(super) struct Index {
    shapes: Vec<Shape>,
    digit: Slots,
    letter: Slots,
}

/// Places in the list of shapes, by the length of the first run.
struct Slots {
    /// Those that this run may be the whole of.
    whole: [Vec<usize>; MAX_RUN],
    /// Those that go on behind a separator, by the length of the second run, in a flat table.
    further: Vec<Vec<usize>>,
}

impl Slots {
    fn new(shapes: &[Shape], digit: bool) -> Self {
        let mut slots =
            Slots { whole: std::array::from_fn(|_| Vec::new()), further: vec![Vec::new(); MAX_RUN * MAX_RUN] };
        for (at, shape) in shapes.iter().enumerate().filter(|(_, shape)| shape.begins_with(digit)) {
            let runs = shape.runs();
            for first in 0..MAX_RUN {
                if runs.whole >> first & 1 == 1 {
                    slots.whole[first].push(at);
                }
                for second in (1..MAX_RUN).filter(|second| runs.second[first] >> second & 1 == 1) {
                    slots.further[first * MAX_RUN + second].push(at);
                }
            }
        }
        slots
    }
}

impl Index {
    pub(super) fn new(rules: impl Iterator<Item = &'static Rule>) -> Self {
        let shapes: Vec<Shape> =
            rules.flat_map(|rule| rule.shapes.iter().map(move |text| Shape::new(text, rule))).collect();
        Index { digit: Slots::new(&shapes, true), letter: Slots::new(&shapes, false), shapes }
    }

    /// Returns the shapes that may match where the run `first` begins.
    pub(super) fn shapes<'i>(&'i self, bytes: &[u8], first: &Range<usize>) -> impl Iterator<Item = &'i Shape> {
        let digit = bytes.get(first.start).is_some_and(u8::is_ascii_digit);
        let slots = if digit { &self.digit } else { &self.letter };
        let letters = !digit && bytes[first.clone()].iter().all(u8::is_ascii_alphabetic);
        let whole = slots.whole.get(first.len()).filter(|_| !letters).map_or(&[][..], Vec::as_slice);
        let second = if first.len() < MAX_RUN { second_run(bytes, first.end) } else { 0 };
        let further = match second {
            0 => &[][..],
            second => slots.further[first.len() * MAX_RUN + second].as_slice(),
        };
        let separator = bytes.get(first.end).copied().unwrap_or(b' ');
        let further = further.iter().filter(move |at| self.shapes[**at].goes_over(separator));
        let start = &bytes[first.start..];
        whole.iter().chain(further).map(|at| &self.shapes[*at]).filter(move |shape| shape.head_fits(start))
    }
}

/// Returns the length of the run behind one separator at `end`; 0 where there is none, or none so short.
fn second_run(bytes: &[u8], end: usize) -> usize {
    if !bytes.get(end).is_some_and(|byte| b" -./+".contains(byte)) {
        return 0;
    }
    let length = bytes[end + 1..].iter().take(MAX_RUN).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if length < MAX_RUN { length } else { 0 }
}

/// The longest identifier, separators not counted.
pub(super) const MAX_SIGNS: usize = 32;
/// The longest run that begins one, and one more.
const MAX_RUN: usize = 32;

#[cfg(test)]
mod tests {
    use super::super::rules::rule;
    use super::*;
    use crate::redaction::Class;

    static RULE: Rule = rule(Class::UkNino, "test", &["aA9?9_9-A?"], |_| true);

    fn matched(text: &str) -> Option<String> {
        let shape = Shape::new(RULE.shapes[0], &RULE);
        let found = shape.find(text.as_bytes(), 0)?;
        Some(String::from_utf8_lossy(found.signs()).into_owned())
    }

    #[test]
    fn signs_match_and_optional_ones_give_back() {
        assert_eq!(matched("ax12 3-z,"), Some("AX123Z".to_owned()));
        assert_eq!(matched("aX12-"), Some("AX12".to_owned()));
        assert_eq!(matched("AX1-2"), None);
        assert_eq!(matched("bx12 3-z"), None);
        assert_eq!(matched("ax12 3-zz"), None);
    }

    #[test]
    fn the_runs_have_the_lengths_that_the_shape_allows() {
        let shape = Shape::new(RULE.shapes[0], &RULE);
        let runs = shape.runs();
        assert_eq!((runs.whole, runs.second[3]), (0, 1 << 0 | 1 << 1));
        assert_eq!(runs.second[4], 1 << 0 | 1 << 1);
        assert!(shape.begins_with(false) && !shape.begins_with(true));
    }
}
