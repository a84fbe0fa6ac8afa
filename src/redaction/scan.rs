//! Stage 2a: one pass that stops only at bytes a candidate can start from, and cuts the candidates out.
//!
//! Most of a chat is letters, and a 256-entry table says so at a byte each. What stops the pass: digits (number runs),
//! `@` (mail addresses), `:` (hardware and IPv6 addresses, URLs), `-` and `.` (hardware addresses). Every run is cut once, so the
//! pass is linear in the text whatever the text is.

use std::cell::{Cell, RefCell, RefMut};
use std::ops::Range;
use std::sync::LazyLock;

use super::class::ClassSet;
use super::context::{Topic, Word, Words};
use super::recognizers::dictionary::TooShort;
use super::recognizers::ids::{self, Ids};
use super::recognizers::speech::ear::Ear;
use super::recognizers::speech::piece;
use super::recognizers::{self, Hit, cues::Cues};
use super::risk::Triggers;
use super::{Class, PolicyError};

/// What is built once per process and used by every scan, whatever the policy.
pub(super) struct Tables {
    words: Words,
    cues: Cues,
    triggers: Triggers,
    pub(super) ids: &'static Ids,
}

impl Tables {
    /// Returns the tables, building them when they are first asked for.
    pub(super) fn shared() -> Result<&'static Self, PolicyError> {
        static TABLES: LazyLock<Result<Tables, PolicyError>> = LazyLock::new(Tables::build);
        TABLES.as_ref().map_err(Clone::clone)
    }

    fn build() -> Result<Self, PolicyError> {
        let words = Words::new().map_err(|error| PolicyError::Tables(error.to_string()))?;
        let short = |error: TooShort| PolicyError::Tables(error.to_string());
        let (cues, triggers) = (Cues::new().map_err(short)?, Triggers::new().map_err(short)?);
        Ok(Tables { words, cues, triggers, ids: Ids::shared() })
    }

    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    pub(super) fn cues(&self) -> &Cues {
        &self.cues
    }

    pub(super) fn triggers(&self) -> &Triggers {
        &self.triggers
    }
}

/// A text under scan, with all that a recognizer may ask about it.
pub(super) struct View<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) tables: &'a Tables,
    /// The classes looked for.
    pub(super) enabled: ClassSet,
    /// Whether every candidate counts as named by its surroundings.
    pub(super) assume_context: bool,
    /// What the name of the field speaks for, where the text is the value of one.
    pub(super) hint: Option<Word>,
    /// What the turns before asked for, where the text is a turn of a conversation.
    pub(super) ear: Option<&'a Ear>,
    /// The word before the last place that was asked about: recognizers ask about one place in a row.
    pub(super) before: Cell<Option<(usize, Option<Word>)>>,
    /// All words before the last place that was asked about, the nearest first, each with its distance.
    pub(super) near: RefCell<(usize, Vec<(Word, usize)>)>,
}

/// What the surroundings of a candidate say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Support {
    /// They name its class.
    For(&'static str),
    /// They name something else.
    Against(&'static str),
    /// They say nothing.
    Silent,
}

impl Support {
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Support::For(word) | Support::Against(word) => Some(word),
            Support::Silent => None,
        }
    }
}

impl View<'_> {
    pub(super) fn looks_for(&self, class: Class) -> bool {
        self.enabled.holds(class)
    }

    /// Asks the words around `span` about `topic`; the nearest one answers.
    pub(super) fn support(&self, span: &Range<usize>, topic: Topic) -> Support {
        if self.assume_context {
            return Support::For("assumed");
        }
        match self.nearest(span) {
            Some(word) if word.topic == topic => Support::For(word.word),
            Some(word) => Support::Against(word.word),
            None => Support::Silent,
        }
    }

    /// Fills `near` with the words before `at`.
    fn look_before(&self, at: usize) -> RefMut<'_, (usize, Vec<(Word, usize)>)> {
        let mut near = self.near.borrow_mut();
        if near.0 != at {
            near.0 = at;
            near.1.clear();
            self.tables.words.all_before(self.bytes, at, &mut near.1);
        }
        near
    }

    /// Returns the nearest word before `span` when it names some kind of identifiers, or else the hint when that does.
    pub(super) fn naming(&self, span: &Range<usize>) -> Option<Word> {
        let nearest = self.look_before(span.start).1.first().map(|(word, _)| *word);
        nearest.or(self.hint).filter(Word::names_some)
    }

    /// Returns the nearest word that names `class` of identifiers, and its distance; 0 where it is assumed. A word that speaks of another thing
    /// hides what stands before it.
    pub(super) fn names(&self, span: &Range<usize>, class: Class) -> Option<(&'static str, usize)> {
        if self.assume_context {
            return Some(("assumed", 0));
        }
        let near = self.look_before(span.start);
        let telling = near.1.iter().take_while(|(word, _)| !word.speaks_of_another_thing());
        let before =
            telling.filter(|(word, _)| word.names(class)).map(|(word, distance)| (word.word, distance + 1)).next();
        let behind =
            || self.tables.words.naming_after(self.bytes, span.end, class).map(|(word, distance)| (word, distance + 1));
        let hint = || self.hint.filter(|word| word.names(class)).map(|word| (word.word, 1));
        before.or_else(behind).or_else(hint)
    }

    /// Returns whether the nearest word speaks of another thing than an identifier.
    pub(super) fn named_otherwise(&self, span: &Range<usize>) -> bool {
        self.nearest(span).is_some_and(|word| word.speaks_of_another_thing())
    }

    /// Returns the word nearest to `span`, or what the name of the field says.
    pub(super) fn nearest(&self, span: &Range<usize>) -> Option<Word> {
        let words = &self.tables.words;
        let before = match self.before.get() {
            Some((place, word)) if place == span.start => word,
            _ => words.before(self.bytes, span.start),
        };
        self.before.set(Some((span.start, before)));
        before.or_else(|| words.after(self.bytes, span.end)).or(self.hint)
    }

    /// Returns whether the byte at `at` continues an identifier; outside the text it does not.
    pub(super) fn joins(&self, at: Option<usize>) -> bool {
        at.and_then(|at| self.bytes.get(at)).is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    pub(super) fn starts_clean(&self, start: usize) -> bool {
        !self.joins(start.checked_sub(1))
    }

    pub(super) fn ends_clean(&self, end: usize) -> bool {
        !self.joins(Some(end))
    }
}

/// Groups of digits with short separators between them.
pub(super) struct NumberRun<'a> {
    pub(super) groups: &'a [Range<usize>],
    pub(super) digits: usize,
}

impl NumberRun<'_> {
    /// Returns the bytes between group `k` and the next.
    pub(super) fn separator<'t>(&self, view: &View<'t>, k: usize) -> &'t [u8] {
        &view.bytes[self.groups[k].end..self.groups[k + 1].start]
    }

    /// Returns whether group `k` begins a number: no letter stands directly before it.
    pub(super) fn starts_clean(&self, view: &View<'_>, k: usize) -> bool {
        k > 0 || view.starts_clean(self.groups[0].start)
    }

    /// Returns whether group `k` ends a number: no letter stands directly behind it.
    pub(super) fn ends_clean(&self, view: &View<'_>, k: usize) -> bool {
        view.ends_clean(self.groups[k].end)
    }
}

/// Cuts all candidates out of the text and has the recognizers judge them.
pub(super) fn scan(view: &View<'_>, hits: &mut Vec<Hit>) {
    let numbers = gate(view, hits);
    view.tables.cues.scan(view, &numbers, hits);
    if let Some(ear) = view.ear {
        piece::find(view, ear, hits);
    }
}

/// Returns the surroundings of all digits, in order and apart.
fn gate(view: &View<'_>, hits: &mut Vec<Hit>) -> Vec<Range<usize>> {
    let (mut groups, mut numbers, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let ids = Some(view.tables.ids).filter(|ids| ids.wanted(view));
    let (mut at, mut colons_done, mut dots_done, mut ids_done) = (0, 0, 0, 0);
    while let Some(stop) = view.bytes[at..].iter().position(|&byte| STOPS[usize::from(byte)] != 0) {
        let here = at + stop;
        at = here + 1;
        match view.bytes[here] {
            b'0'..=b'9' => {
                let digits = cut_number(view.bytes, here, &mut groups);
                if let Some(ids) = ids {
                    for group in &groups {
                        if group.start >= ids_done {
                            ids_done = ids.find(view, group.start, ids_done, &mut found, hits);
                        }
                    }
                }
                at = groups.last().map_or(at, |group| group.end);
                surround(view, here..at, &mut numbers);
                if matches!(view.bytes.get(groups[0].end), Some(b'-' | b'.')) && groups[0].end >= dots_done {
                    dots_done = recognizers::mac::find_separated(view, groups[0].end, hits);
                }
                if let Some(ear) = view.ear {
                    ear.number(&groups);
                }
                recognizers::number(view, &NumberRun { groups: &groups, digits }, hits);
            }
            b'@' => recognizers::at_sign(view, here, hits),
            b':' if here >= colons_done => colons_done = recognizers::colon(view, here, hits),
            b'-' | b'.' if here >= dots_done => dots_done = recognizers::mac::find_separated(view, here, hits),
            _ => {}
        }
    }
    ids::settle(found, hits);
    numbers
}

/// Adds the surroundings of a number, joined with the last ones where they touch.
fn surround(view: &View<'_>, number: Range<usize>, numbers: &mut Vec<Range<usize>>) {
    let around = number.start.saturating_sub(SURROUNDINGS)..view.bytes.len().min(number.end + SURROUNDINGS);
    match numbers.last_mut() {
        Some(last) if last.end >= around.start => last.end = around.end,
        _ => numbers.push(around),
    }
}

/// Fills `groups` with the number run that starts with the digit at `start`, and returns how many digits it has.
fn cut_number(bytes: &[u8], start: usize, groups: &mut Vec<Range<usize>>) -> usize {
    groups.clear();
    let (mut digits, mut at) = (0, start);
    loop {
        let length = bytes[at..].iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len() - at);
        groups.push(at..at + length);
        digits += length;
        at += length;
        let gap = bytes[at..].iter().take(MAX_GAP + 1).take_while(|byte| SEPARATORS.contains(byte)).count();
        if gap == 0 || gap > MAX_GAP || !bytes.get(at + gap).is_some_and(u8::is_ascii_digit) {
            return digits;
        }
        at += gap;
    }
}

/// How far from a number a street word or the cue of an address is looked for.
const SURROUNDINGS: usize = 64;
/// How many separators may stand between two groups of one number, as in `) (`.
const MAX_GAP: usize = 3;
const SEPARATORS: &[u8] = b" -./()\t";

const STOPS: [u8; 256] = {
    let mut table = [0; 256];
    let stops = b"0123456789@:-.";
    let mut at = 0;
    while at < stops.len() {
        table[stops[at] as usize] = 1;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let mut groups = Vec::new();
        cut_number(text.as_bytes(), 0, &mut groups);
        groups.into_iter().map(|group| &text[group]).collect()
    }

    #[test]
    fn a_number_run_goes_over_short_separators_only() {
        assert_eq!(cut("1 (800) 555-0132, 7"), ["1", "800", "555", "0132"]);
        assert_eq!(cut("12    34"), ["12"]);
        assert_eq!(cut("12:34"), ["12"]);
        assert_eq!(cut("12."), ["12"]);
    }
}
