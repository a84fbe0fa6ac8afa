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

    /// Returns the lengths that the first run of letters and digits can have: bit n for n.
    fn first_runs(&self) -> u64 {
        let (mut now, mut ends) = (1u64, 0u64);
        for sign in &self.signs {
            let breaks = match sign.kind {
                Kind::Separator => true,
                Kind::Itself(itself) => !itself.is_ascii_alphanumeric(),
                _ => false,
            };
            match (breaks, sign.optional) {
                (true, true) => ends |= now,
                (true, false) => return ends | now,
                (false, true) => now |= now << 1,
                (false, false) => now <<= 1,
            }
        }
        ends | now
    }

    fn begins_with(&self, digit: bool) -> bool {
        match self.signs.first().map(|sign| sign.kind) {
            Some(Kind::Digit) => digit,
            Some(Kind::Letter | Kind::Itself(_)) => !digit,
            _ => true,
        }
    }
}

/// All shapes by what the first run of letters and digits looks like.
pub(super) struct Index {
    digit: [Vec<Shape>; MAX_RUN],
    letter: [Vec<Shape>; MAX_RUN],
}

impl Index {
    pub(super) fn new(rules: impl Iterator<Item = &'static Rule> + Clone) -> Self {
        let slot = |digit: bool, length: usize| {
            let shapes = rules.clone().flat_map(|rule| rule.shapes.iter().map(move |text| Shape::new(text, rule)));
            shapes.filter(|shape| shape.begins_with(digit) && shape.first_runs() >> length & 1 == 1).collect()
        };
        Index {
            digit: std::array::from_fn(|length| slot(true, length)),
            letter: std::array::from_fn(|length| slot(false, length)),
        }
    }

    /// Returns the shapes that a run of that length, with that first byte, can begin.
    pub(super) fn shapes(&self, first: u8, length: usize) -> &[Shape] {
        let slots = if first.is_ascii_digit() { &self.digit } else { &self.letter };
        slots.get(length).map_or(&[], Vec::as_slice)
    }
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
    fn the_first_run_has_the_lengths_that_the_shape_allows() {
        let shape = Shape::new(RULE.shapes[0], &RULE);
        assert_eq!(shape.first_runs(), 1 << 3 | 1 << 4 | 1 << 5);
        assert!(shape.begins_with(false) && !shape.begins_with(true));
    }
}
