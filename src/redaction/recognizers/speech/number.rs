//! Numbers in words: "four one one one", "double five", "forty two", "vier eins", "4 one 1", and digits with a space between each.
//!
//! The digits are given to the ordinary recognizers as if they were written; what these find counts where the words stand.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use super::super::super::Class;
use super::super::super::context::Topic;
use super::super::super::explain::Stage;
use super::super::super::scan::{NumberRun, View};
use super::super::{Hit, THRESHOLD};
use super::words::{FR, Languages, Said, Words};

/// Judges the number of which the word behind the space or hyphen at `trigger` is part, and returns where it ends.
pub(crate) fn find(view: &View<'_>, words: &Words, trigger: Range<usize>, hits: &mut Vec<Hit>) -> usize {
    if !view.text.is_char_boundary(trigger.start) {
        return trigger.end;
    }
    let run = around(view, words, &trigger);
    let Some((first, last)) = run.digits.first().zip(run.digits.last()) else { return trigger.end };
    let span = first.span.start..last.span.end;
    if let Some(ear) = view.ear.filter(|_| run.words >= 2 || run.digits.len() > 1) {
        ear.spoken(span.clone(), run.digits.len());
    }
    if run.words >= MIN_WORDS && run.digits.len() >= MIN_DIGITS && !counts_up(&run.digits) {
        judge(view, &run.digits, hits);
    }
    span.end.max(trigger.end)
}

/// Judges digits that stand one by one, as in `4 2 4 2`.
pub(crate) fn single(view: &View<'_>, groups: &[Range<usize>], hits: &mut Vec<Hit>) {
    let digit = |span: &Range<usize>| Digit { value: view.bytes[span.start] - b'0', span: span.clone() };
    let digits: Vec<Digit> = groups.iter().take(MAX_RUN).map(digit).collect();
    if !counts_up(&digits) {
        judge(view, &digits, hits);
    }
}

/// A digit and the bytes that say it.
#[derive(Clone)]
struct Digit {
    value: u8,
    span: Range<usize>,
}

#[derive(Default)]
struct Run {
    digits: Vec<Digit>,
    words: usize,
}

/// Reads the run that the word at `trigger` is part of. A word before it that counts in another language only ("to", "no") is none of it.
fn around(view: &View<'_>, words: &Words, trigger: &Range<usize>) -> Run {
    let mut start = begin(view, words, trigger.start);
    loop {
        let run = read(view.text, words, start);
        let end = run.digits.last().map_or(start, |last| last.span.end);
        match next(view.text, start) {
            Some(word) if end <= trigger.start && word.end <= trigger.start => start = word.end,
            _ => return run,
        }
    }
}

/// Walks back over the number words before `at`, and returns where the first of them starts.
fn begin(view: &View<'_>, words: &Words, at: usize) -> usize {
    let mut start = at;
    for _ in 0..MAX_BACK {
        let before = view.text[..start].trim_end_matches(is_gap);
        let word = before.rfind(|c: char| !c.is_alphanumeric()).map_or(0, |gap| gap + 1);
        let from = (word..=before.len()).find(|&at| before.is_char_boundary(at)).unwrap_or(before.len());
        let token = &before[from..];
        if token.is_empty() || token.len() > MAX_WORD || start - before.len() > MAX_GAP {
            break;
        }
        let digits = token.len() <= 4 && token.bytes().all(|byte| byte.is_ascii_digit());
        if !digits && words.get(&token.to_lowercase()).is_none() {
            break;
        }
        start = from;
    }
    start
}

/// Reads number words, digits and fillers from `at` on, as long as one language has all the words.
fn read(text: &str, words: &Words, at: usize) -> Run {
    let mut run = Run::default();
    let (mut languages, mut at, mut state) = (Languages::MAX, at, State::default());
    let mut fillers = 0;
    while run.digits.len() < MAX_RUN {
        let Some(span) = next(text, at) else { break };
        let token = &text[span.clone()];
        if token.bytes().all(|byte| byte.is_ascii_digit()) && token.len() <= 4 {
            state.literal(token, &span, &mut run);
            fillers = 0;
        } else {
            let lower = token.to_lowercase();
            match words.get(&lower) {
                Some((said, of)) if languages & of != 0 => {
                    languages &= of;
                    state.french = languages & FR != 0;
                    state.word(said, &span, &mut run);
                    run.words += 1;
                    fillers = 0;
                }
                _ if FILLERS.contains(&lower.as_str()) && fillers < MAX_FILLERS && !run.digits.is_empty() => {
                    fillers += 1
                }
                _ => break,
            }
        }
        at = span.end;
    }
    run
}

/// What the words so far leave open: "forty" may be followed by "two", "double" by "five".
#[derive(Default)]
struct State {
    /// The value of the word before, and where its digits are.
    tens: Option<(u8, usize)>,
    times: Option<(u8, usize)>,
    /// Whether "quatre-vingt" is 80.
    french: bool,
}

impl State {
    fn literal(&mut self, token: &str, span: &Range<usize>, run: &mut Run) {
        let times = self.times.take().map_or(1, |(times, _)| if token.len() == 1 { times } else { 1 });
        self.tens = None;
        for byte in token.bytes() {
            (0..times).for_each(|_| run.digits.push(Digit { value: byte - b'0', span: span.clone() }));
        }
    }

    fn word(&mut self, said: Said, span: &Range<usize>, run: &mut Run) {
        match said {
            Said::Times(times) => (self.times, self.tens) = (Some((times, span.start)), None),
            Said::Hundred => {
                (0..2).for_each(|_| run.digits.push(Digit { value: 0, span: span.clone() }));
                self.tens = None;
            }
            Said::Number(value) => self.number(value, span, run),
        }
    }

    fn number(&mut self, value: u8, span: &Range<usize>, run: &mut Run) {
        if let Some((times, start)) = self.times.take() {
            let digit = Digit { value: value % 10, span: start..span.end };
            (0..if value < 10 { times } else { 1 }).for_each(|_| run.digits.push(digit.clone()));
            return;
        }
        // "quatre-vingt" is 80, "soixante-dix" 70, "quatre-vingt-dix" 90; "forty two" is 42.
        if let Some((tens, at)) = self.tens.take() {
            let sum = if value == 20 && tens == 4 && self.french { Some(80) } else { joined(tens, value) };
            if let Some(sum) = sum.filter(|_| at < run.digits.len()) {
                let start = run.digits[at].span.start;
                run.digits.truncate(at);
                self.push(sum, &(start..span.end), run);
                return;
            }
        }
        self.push(value, span, run);
    }

    fn push(&mut self, value: u8, span: &Range<usize>, run: &mut Run) {
        let open = value == 4 || value >= 20 && value.is_multiple_of(10);
        self.tens = open.then_some((value, run.digits.len()));
        if value >= 10 {
            run.digits.push(Digit { value: value / 10, span: span.clone() });
        }
        run.digits.push(Digit { value: value % 10, span: span.clone() });
    }
}

/// Returns the sum where the second number completes the first.
fn joined(tens: u8, value: u8) -> Option<u8> {
    let unit = tens >= 20 && (1..10).contains(&value);
    let teen = matches!(tens, 60 | 80) && (10..20).contains(&value);
    (unit || teen).then_some(tens + value)
}

/// Returns the next word or digit group, over a short gap.
fn next(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let gap = rest.find(|c: char| !is_gap(c))?;
    if gap > MAX_GAP {
        return None;
    }
    let word = &rest[gap..];
    let length = word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len());
    (1..=MAX_WORD).contains(&length).then_some(at + gap..at + gap + length)
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | ',' | '-' | '.' | '/' | '\n' | '\t')
}

/// Gives the digits to the ordinary recognizers, and takes over what they find.
fn judge(view: &View<'_>, digits: &[Digit], hits: &mut Vec<Hit>) {
    let text: String = digits.iter().map(|digit| char::from(b'0' + digit.value)).collect();
    let span = digits[0].span.start..digits[digits.len() - 1].span.end;
    let inner = View {
        text: &text,
        bytes: text.as_bytes(),
        tables: view.tables,
        enabled: view.enabled,
        assume_context: view.assume_context,
        hint: view.naming(&span).or_else(|| view.nearest(&span)),
        ear: None,
        before: Cell::new(None),
        near: RefCell::new((usize::MAX, Vec::new())),
    };
    let mut found = Vec::new();
    let group = 0..text.len();
    super::super::number(&inner, &NumberRun { groups: std::slice::from_ref(&group), digits: text.len() }, &mut found);
    let (ids, mut candidates) = (view.tables.ids, Vec::new());
    if ids.wanted(&inner) {
        ids.find(&inner, 0, 0, &mut candidates, &mut found);
        super::super::ids::settle(candidates, &mut found);
    }
    let other = inner.hint.is_some_and(|word| word.topic != Topic::Phone);
    for mut hit in found {
        let Some(last) = hit.span.end.checked_sub(1).filter(|last| *last < digits.len()) else { continue };
        if hit.class == Class::Phone && !other && hit.score < THRESHOLD {
            hit.score += SPOKEN;
        }
        hit.span = digits[hit.span.start].span.start..digits[last].span.end;
        hit.stage = if hit.word.is_some() { Stage::Context } else { Stage::Validate };
        hits.push(hit);
    }
}

/// Returns whether somebody counts: every digit is one more, or one less, than the one before.
fn counts_up(digits: &[Digit]) -> bool {
    let next = |by: u8| digits.windows(2).take(6).all(|pair| pair[1].value == (pair[0].value + by) % 10);
    next(1) || next(9)
}

/// Who says seven digits and more one by one means a number to be written down; mostly it is a phone's.
const SPOKEN: u8 = 25;
const MIN_WORDS: usize = 3;
const MIN_DIGITS: usize = 7;
const MAX_RUN: usize = 40;
const MAX_BACK: usize = 24;
const MAX_GAP: usize = 5;
const MAX_WORD: usize = 24;
const MAX_FILLERS: usize = 3;

const FILLERS: &[&str] = &[
    "and", "then", "uh", "um", "uhm", "er", "erm", "hmm", "mm", "ok", "okay", "dash", "hyphen", "space", "pause",
    "next", "now", "again", "und", "dann", "äh", "ähm", "strich", "y", "luego", "después", "eh", "este", "et", "puis",
    "euh", "ensuite", "e", "poi", "ehm", "depois", "é", "en", "dan", "aur", "phir", "i",
];

#[cfg(test)]
mod tests {
    use super::super::super::testing::found;
    use super::*;

    #[test]
    fn cards_in_words_are_found_in_each_language() {
        for text in [
            "four two four two four two four two four two four two four two four two",
            "four two four two, uh, four two four two and then four two four two four two four two",
            "forty two forty two forty two forty two forty two forty two forty two forty two",
            "forty-two forty-two forty-two forty-two forty-two forty-two forty-two forty-two",
            "4242 four two four two 4242 four two four two",
            "vier zwei vier zwei vier zwei vier zwei vier zwei vier zwei vier zwei vier zwei",
            "zweiundvierzig zweiundvierzig zweiundvierzig zweiundvierzig zweiundvierzig zweiundvierzig zweiundvierzig zweiundvierzig",
            "cuatro dos cuatro dos cuatro dos cuatro dos cuatro dos cuatro dos cuatro dos cuatro dos",
            "quatre deux quatre deux quatre deux quatre deux quatre deux quatre deux quatre deux quatre deux",
            "quattro due quattro due quattro due quattro due quattro due quattro due quattro due quattro due",
            "quatro dois quatro dois quatro dois quatro dois quatro dois quatro dois quatro dois quatro dois",
            "vier twee vier twee vier twee vier twee vier twee vier twee vier twee vier twee",
            "chaar do chaar do chaar do chaar do chaar do chaar do chaar do chaar do",
            "triple five five triple five five triple five five triple four four",
        ] {
            assert_eq!(found(Class::Card, &format!("it is {text}. ok")), [text], "{text}");
        }
    }

    #[test]
    fn phones_in_words_are_found() {
        for text in [
            "four one five five five five oh one three two",
            "zero six twelve thirty four fifty six seventy eight",
            "zéro six douze trente-quatre cinquante-six soixante-dix-huit",
            "null eins fünf eins zwei drei vier fünf sechs sieben acht",
            "4 one 5 five double five 0 one 3 two",
        ] {
            assert_eq!(found(Class::Phone, &format!("call me, {text} thanks")), [text], "{text}");
        }
    }

    #[test]
    fn values_come_out_right() {
        let words = Words::new();
        for (text, digits) in [
            ("quatre-vingt-dix-sept quatre vingt un", "9781"),
            ("soixante et onze soixante-douze", "7172"),
            ("nineteen eighty four", "1984"),
            ("four hundred", "400"),
            ("double five triple eight oh", "558880"),
            ("cuarenta y dos", "42"),
            ("twenty one", "21"),
        ] {
            let said: String = read(text, &words, 0).digits.iter().map(|digit| digit.value.to_string()).collect();
            assert_eq!(said, digits, "{text}");
        }
    }

    #[test]
    fn ordinary_speech_is_none() {
        for text in [
            "just one or two of them, three at most",
            "one two three testing",
            "one two three four five six seven eight nine ten",
            "nineteen eighty four was a good book",
            "it was four thirty, and we had six people, two cars and one dog",
            "we need one, no, two or three or four or five or six or seven tables",
            "ein oder zwei oder drei",
            "he does no do so",
        ] {
            for class in [Class::Card, Class::Phone, Class::UsSsn] {
                assert_eq!(found(class, text), [""; 0], "{text}");
            }
        }
    }
}
