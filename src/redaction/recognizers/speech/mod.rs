//! What is said rather than written: numbers and mail addresses in words, and what one turn of a conversation asks of the next.
//!
//! | for this | see |
//! |---|---|
//! | which words wake a recognizer here | [`Triggers`] |
//! | digits in words, spelled out or spaced | [`number`] |
//! | mail addresses in words | [`mail`] |
//! | what is asked for, in which words | [`ask`] |
//! | what is remembered while a turn is scanned | [`ear`] |
//! | the pieces of an answer | [`piece`] |
//!
//! All are reached from the one automaton over cues, or from a digit or `@` at which the byte gate stops.

mod answer;
pub(crate) mod ask;
pub(crate) mod ear;
pub(crate) mod mail;
pub(crate) mod number;
mod phrases;
pub(crate) mod piece;
mod words;

use std::ops::Range;

use super::super::context::is_whole;
use super::super::scan::View;
use super::{Hit, address, named};
use ask::Asked;
use words::Words;

/// What is woken by a pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trigger {
    /// A number word.
    Number,
    /// A word for the dot or the at sign of a mail address.
    Mail,
    /// A phrase that names what is asked for.
    Ask(Asked),
    /// The beginning of a word that names what is asked for; endings follow.
    Stem(Asked),
    /// A word that announces a user name or a reference number.
    Named(named::Kind),
    /// A word that stands in street lines.
    Street(address::Word),
}

/// Where the patterns of a trigger are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// In every text.
    Always,
    /// Near digits.
    Streets,
    /// In conversations.
    Asks,
}

impl Trigger {
    fn group(self) -> Group {
        match self {
            Trigger::Number | Trigger::Mail | Trigger::Named(_) => Group::Always,
            Trigger::Street(_) => Group::Streets,
            Trigger::Ask(_) | Trigger::Stem(_) => Group::Asks,
        }
    }
}

/// Every pattern of this room, for the combined automaton.
pub(crate) struct Triggers {
    patterns: Vec<(String, Trigger)>,
    words: Words,
}

/// How far the text is done with, by recognizer, so that no stretch is read twice.
#[derive(Default)]
pub(crate) struct Done<'t> {
    number: usize,
    mail: usize,
    ask: usize,
    pub(crate) street: usize,
    pub(crate) lines: address::Lines<'t>,
}

impl Triggers {
    pub(crate) fn new() -> Self {
        let words = Words::new();
        let mut patterns: Vec<(String, Trigger)> = Vec::new();
        patterns.extend(words.triggers().map(|word| (word, Trigger::Number)));
        patterns.extend(mail::TRIGGERS.iter().map(|word| ((*word).to_owned(), Trigger::Mail)));
        for (asked, phrases) in phrases::PHRASES {
            patterns.extend(phrases.iter().map(|phrase| match phrase.strip_suffix('~') {
                Some(stem) => (stem.to_owned(), Trigger::Stem(*asked)),
                None => ((*phrase).to_owned(), Trigger::Ask(*asked)),
            }));
        }
        patterns.extend(named::CUES.iter().map(|(word, kind)| ((*word).to_owned(), Trigger::Named(*kind))));
        let numbers = phrases::PHRASES.iter().filter(|(asked, _)| *asked == Asked::Reference);
        let numbers = numbers.flat_map(|(_, phrases)| *phrases).map(|phrase| phrase.trim_end_matches('~').to_owned());
        patterns.extend(numbers.map(|phrase| (phrase, Trigger::Named(named::Kind::Reference))));
        patterns.extend(address::triggers().map(|(word, kind)| (word, Trigger::Street(kind))));
        let capitals: Vec<_> = patterns.iter().filter_map(|(word, trigger)| Some((capital(word)?, *trigger))).collect();
        patterns.extend(capitals);
        Triggers { patterns, words }
    }

    /// Returns the patterns of a group, each with the number under which [`Triggers::fire`] knows it.
    pub(crate) fn patterns(&self, group: Group) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.patterns.iter().enumerate();
        let ours = numbered.filter(move |(_, (_, trigger))| trigger.group() == group);
        ours.map(|(at, (pattern, _))| (at, pattern.as_str()))
    }

    /// Returns the number words.
    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    /// Follows up the pattern of that number, which stands at `span`.
    pub(crate) fn fire<'t>(
        &self,
        view: &View<'t>,
        pattern: usize,
        span: Range<usize>,
        done: &mut Done<'t>,
        hits: &mut Vec<Hit>,
    ) {
        let Some((_, trigger)) = self.patterns.get(pattern) else { return };
        match *trigger {
            Trigger::Number if span.start >= done.number => done.number = number::find(view, &self.words, span, hits),
            Trigger::Mail if span.start >= done.mail => done.mail = mail::find(view, &self.words, span, hits),
            Trigger::Stem(asked) => hear(view, asked, span, true, done),
            Trigger::Ask(asked) => hear(view, asked, span, false, done),
            Trigger::Named(kind) => named::find(view, kind, span, hits),
            Trigger::Street(kind) => address::find(view, kind, span, done, hits),
            Trigger::Number | Trigger::Mail => {}
        }
    }
}

/// Notes what a phrase asks for, where a conversation is listened to; a phrase within a longer one is none.
fn hear(view: &View<'_>, asked: Asked, span: Range<usize>, stem: bool, done: &mut Done<'_>) {
    let Some(ear) = view.ear else { return };
    if span.start < done.ask || !view.text.is_char_boundary(span.start) {
        return;
    }
    if asked == Asked::Phone && is_some_number(&view.text[span.clone()], &view.text[span.end..]) {
        return;
    }
    let left = span.start..view.bytes.len();
    if if stem { is_whole(view.bytes, &left) } else { whole(view, &span) } {
        done.ask = span.end;
        ear.ask(asked, span);
    }
}

/// Returns whether "your number" goes on to say of what it is the number.
fn is_some_number(phrase: &str, behind: &str) -> bool {
    let number = ["number", "numéro", "número", "numero", "nummer", "номер"].iter().any(|word| phrase.ends_with(word));
    let of =
        [" de ", " di ", " do ", " da ", " of ", " d'", " della ", " du ", " карт", " счет", " заказ", " on ", " van "];
    number && phrase.split(' ').count() == 2 && of.iter().any(|word| behind.starts_with(word))
}

/// Returns whether the phrase stands as words of its own; scripts that run words together or inflect them are taken as they come.
fn whole(view: &View<'_>, span: &Range<usize>) -> bool {
    let first = view.text[span.clone()].chars().next();
    first.is_some_and(|c| c as u32 >= 0x370) || is_whole(view.bytes, span)
}

/// Returns the word with a capital, where the automaton, which folds ASCII only, would not know it.
fn capital(word: &str) -> Option<String> {
    let mut chars = word.chars();
    let first = chars.next().filter(|c| !c.is_ascii() && c.is_lowercase())?;
    Some(first.to_uppercase().chain(chars).collect())
}
