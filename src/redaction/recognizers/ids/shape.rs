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

    /// Goes every way through the signs, up to the start of the second run, and says what the runs can be.
    fn runs(&self, place: usize, first: Run, report: &mut impl FnMut(Run, Option<Run>)) {
        let Some(sign) = self.signs.get(place) else { return report(first, None) };
        if sign.optional {
            self.runs(place + 1, first, report);
        }
        match sign.kind {
            Kind::Separator => self.second_runs(place + 1, first, Run::EMPTY, report),
            Kind::Itself(sign) if !sign.is_ascii_alphanumeric() => {
                self.second_runs(place + 1, first, Run::EMPTY, report)
            }
            kind => self.runs(place + 1, first.and(kind), report),
        }
    }

    fn second_runs(&self, place: usize, first: Run, second: Run, report: &mut impl FnMut(Run, Option<Run>)) {
        let Some(sign) = self.signs.get(place) else { return report(first, Some(second)) };
        if sign.optional {
            self.second_runs(place + 1, first, second, report);
        }
        match sign.kind {
            Kind::Separator => report(first, Some(second)),
            kind => self.second_runs(place + 1, first, second.and(kind), report),
        }
    }
}

/// What a run of letters and digits can be: its length, and whether it must have a digit or a letter.
#[derive(Clone, Copy)]
struct Run {
    length: usize,
    digit: bool,
    letter: bool,
}

impl Run {
    const EMPTY: Run = Run { length: 0, digit: false, letter: false };

    fn and(self, kind: Kind) -> Run {
        Run {
            length: self.length + 1,
            digit: self.digit || kind == Kind::Digit,
            letter: self.letter || !matches!(kind, Kind::Digit | Kind::Either),
        }
    }

    /// Returns the makes of text that fit.
    fn makes(self) -> impl Iterator<Item = Make> {
        [Make::Digits, Make::Letters, Make::Mixed].into_iter().filter(move |make| match make {
            Make::Digits => !self.letter,
            Make::Letters => !self.digit,
            Make::Mixed => self.length > 1,
        })
    }
}

/// What a run of text is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Make {
    Digits,
    Letters,
    Mixed,
}

impl Make {
    fn of(run: &[u8]) -> Make {
        let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
        match digits {
            0 => Make::Letters,
            digits if digits == run.len() => Make::Digits,
            _ => Make::Mixed,
        }
    }
}

/// All shapes by what the first two runs of letters and digits look like: length and make.
///
/// Nearly every place is turned away here, so all that it takes stands close together.
pub(super) struct Index {
    shapes: Vec<Shape>,
    /// Those that one run may be the whole of.
    whole: Lists,
    /// Those that go on behind a separator.
    further: Lists,
    /// Whether any shape goes on behind a run.
    goes_on: [bool; RUNS],
}

impl Index {
    pub(super) fn new(rules: impl Iterator<Item = &'static Rule>) -> Self {
        let shapes: Vec<Shape> =
            rules.flat_map(|rule| rule.shapes.iter().map(move |text| Shape::new(text, rule))).collect();
        let (mut whole, mut further) = (vec![Vec::new(); RUNS], vec![Vec::new(); RUNS * RUNS]);
        let mut goes_on = [false; RUNS];
        for (at, shape) in shapes.iter().enumerate() {
            shape.runs(0, Run::EMPTY, &mut |first, second| {
                for make in first.makes() {
                    let first = slot(first.length, make);
                    goes_on[first] |= second.is_some();
                    match second {
                        None => put(&mut whole[first], at),
                        Some(second) => second.makes().for_each(|then| {
                            put(&mut further[first * RUNS + slot(second.length, then)], at);
                        }),
                    }
                }
            });
        }
        let [whole, further] = [whole, further].map(|slots| Lists::new(&slots, &shapes));
        Index { shapes, whole, further, goes_on }
    }

    /// Returns the shapes that may match where the run `first` begins.
    pub(super) fn shapes<'i>(&'i self, bytes: &[u8], first: &Range<usize>) -> impl Iterator<Item = &'i Shape> {
        let (whole, further) = self.slots(bytes, first);
        let separator = bytes.get(first.end).map_or(0, |separator| separator_bit(*separator));
        let further = further.iter().filter(move |entry| entry.separators & separator != 0);
        let start = &bytes[first.start..];
        let fitting = whole.iter().chain(further).filter(move |entry| entry.fits(start));
        fitting.map(|entry| &self.shapes[usize::from(entry.shape)])
    }

    fn slots(&self, bytes: &[u8], first: &Range<usize>) -> (&[Entry], &[Entry]) {
        if first.is_empty() || first.len() >= MAX_RUN {
            return (&[], &[]);
        }
        let at = slot(first.len(), Make::of(&bytes[first.clone()]));
        let second = if self.goes_on[at] { second_run(bytes, first.end) } else { None };
        let further = second.map_or(&[][..], |second| self.further.of(at * RUNS + second));
        (self.whole.of(at), further)
    }
}

/// The shapes of every slot, one slot behind the other.
struct Lists {
    entries: Vec<Entry>,
    starts: Vec<u32>,
}

impl Lists {
    fn new(slots: &[Vec<usize>], shapes: &[Shape]) -> Self {
        let mut lists = Lists { entries: Vec::new(), starts: vec![0] };
        for slot in slots {
            lists.entries.extend(slot.iter().map(|at| Entry::new(*at, &shapes[*at])));
            lists.starts.push(lists.entries.len() as u32);
        }
        lists
    }

    fn of(&self, slot: usize) -> &[Entry] {
        &self.entries[self.starts[slot] as usize..self.starts[slot + 1] as usize]
    }
}

/// A shape, and what turns most places away from it.
struct Entry {
    /// Its number.
    shape: u16,
    /// The separators over which it goes, as [`separator_bit`] has them.
    separators: u8,
    /// What the first bytes must be; [`ANY`] where nothing is said of them.
    head: [u8; HEAD],
}

impl Entry {
    fn new(number: usize, shape: &Shape) -> Self {
        let separators = SEPARATORS.iter().filter(|sign| shape.goes_over(**sign));
        let mut head = [ANY; HEAD];
        let kinds = shape.signs.iter().take_while(|sign| !sign.optional && sign.kind != Kind::Separator);
        for (entry, sign) in head.iter_mut().zip(kinds) {
            *entry = match sign.kind {
                Kind::Digit => DIGIT,
                Kind::Letter => LETTER,
                Kind::Either => DIGIT | LETTER,
                Kind::Itself(byte) => byte,
                Kind::Separator => ANY,
            };
        }
        Entry { shape: number as u16, separators: separators.map(|sign| separator_bit(*sign)).sum(), head }
    }

    /// Returns whether the signs that must stand first fit.
    fn fits(&self, start: &[u8]) -> bool {
        self.head.iter().enumerate().all(|(at, &sign)| match (sign, start.get(at)) {
            (ANY, _) => true,
            (_, None) => false,
            (..=ANY, Some(byte)) => sign & make_bit(*byte) != 0,
            (_, Some(byte)) => byte.to_ascii_uppercase() == sign,
        })
    }
}

/// Returns [`DIGIT`], [`LETTER`] or neither.
fn make_bit(byte: u8) -> u8 {
    if byte.is_ascii_digit() {
        DIGIT
    } else if byte.is_ascii_alphabetic() {
        LETTER
    } else {
        0
    }
}

/// Returns the bit of a separator behind the first run; 0 for what is none.
fn separator_bit(sign: u8) -> u8 {
    SEPARATORS.iter().position(|separator| *separator == sign).map_or(0, |at| 1 << at)
}

fn put(list: &mut Vec<usize>, at: usize) {
    if list.last() != Some(&at) {
        list.push(at);
    }
}

fn slot(length: usize, make: Make) -> usize {
    length * 3 + make as usize
}

/// Returns the slot of the run behind one separator at `end`, if there is one and it is not too long.
fn second_run(bytes: &[u8], end: usize) -> Option<usize> {
    if !bytes.get(end).is_some_and(|byte| SEPARATORS.contains(byte)) {
        return None;
    }
    let rest = &bytes[end + 1..];
    let length = rest.iter().take(MAX_RUN).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    (1..MAX_RUN).contains(&length).then(|| slot(length, Make::of(&rest[..length])))
}

/// What may stand between the first two runs.
const SEPARATORS: &[u8] = b" -./+";
/// How many signs of a shape its entry has.
const HEAD: usize = 5;
/// The signs of a head that stand for more than themselves; no byte of a shape is as small.
const DIGIT: u8 = 1;
const LETTER: u8 = 2;
const ANY: u8 = 4;
/// How many slots there are.
const RUNS: usize = MAX_RUN * 3;
/// The longest identifier, separators not counted.
pub(super) const MAX_SIGNS: usize = 32;
/// The longest run that begins one, and one more.
const MAX_RUN: usize = 33;

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
    fn the_index_knows_the_first_two_runs() {
        let index = Index::new(std::iter::once(&RULE));
        let tried = |text: &str, first: usize| index.shapes(text.as_bytes(), &(0..first)).count();
        assert_eq!((tried("AB12-3", 4), tried("AB1 3-Z", 3), tried("AB12", 4)), (1, 1, 0));
        assert_eq!((tried("XB12-3", 4), tried("ABCD-3", 4), tried("AB12-33", 4), tried("AB12/3", 4)), (0, 0, 0, 0));
    }
}
