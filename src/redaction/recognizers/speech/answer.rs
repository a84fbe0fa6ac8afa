//! Answers that are not digits: the mail address, the password, the name or the postal address that was asked for.

mod lists;

use std::ops::Range;

use super::super::super::explain::Stage;
use super::super::super::scan::View;
use super::super::{Hit, THRESHOLD};
use super::ask::Asked;

pub(crate) use lists::JOINS;
use lists::{LEAD_INS, SMALL};

/// Pushes the answer to `asked` in the text from `from` on, and returns whether there was one.
pub(crate) fn find(view: &View<'_>, asked: Asked, from: usize, hits: &mut Vec<Hit>) -> bool {
    let told = hits.iter().any(|hit| hit.score >= THRESHOLD && hit.class == asked.class() && hit.span.start >= from);
    if view.text.len() - from > MAX_ANSWER || from == view.text.len() || told && asked != Asked::Address {
        return told;
    }
    let spans = match asked {
        Asked::Email => tokens(view, from, is_mail_piece),
        Asked::Password => tokens(view, from, is_password).into_iter().map(|span| with_mark(view, span)).collect(),
        Asked::Username => tokens(view, from, is_username).into_iter().take(1).collect(),
        Asked::Name => name(view, from).into_iter().collect(),
        Asked::Address => address(view, from).into_iter().flat_map(|span| beside(span, hits)).collect(),
        _ => return false,
    };
    let free = |span: &Range<usize>, hits: &[Hit]| {
        let usernames = hits.iter().filter(|hit| hit.class == super::super::super::Class::Username);
        asked != Asked::Password
            || !usernames.into_iter().any(|hit| hit.span.start < span.end && span.start < hit.span.end)
    };
    let spans: Vec<Range<usize>> = spans.into_iter().filter(|span| free(span, hits)).collect();
    let before = hits.len();
    hits.extend(spans.into_iter().map(|span| Hit {
        class: asked.class(),
        rule: asked.rule(),
        score: if asked == Asked::Address { 80 } else { 60 },
        span,
        stage: Stage::Cue,
        verdict: "it was asked for, and its form fits",
        word: None,
    }));
    hits.len() > before || told
}

/// Returns the tokens between spaces that are a piece of the answer; `alone` says that a token is all that was said.
fn tokens(view: &View<'_>, from: usize, is_piece: impl Fn(&str, bool) -> bool) -> Vec<Range<usize>> {
    let words: Vec<&str> = view.text[from..].split_whitespace().collect();
    let alone = without_lead_in(view, from).is_some_and(|span| !view.text[span].contains(char::is_whitespace));
    let spoken = words.into_iter().filter(|word| !is_small(word)).map(bare);
    let place = |word: &str| {
        let start = word.as_ptr() as usize - view.text.as_ptr() as usize;
        start..start + word.len()
    };
    spoken.filter(|word| !word.is_empty() && is_piece(word, alone)).map(place).collect()
}

/// Returns the word without the signs around it.
fn bare(word: &str) -> &str {
    word.trim_end_matches([',', ';', '!', '?', '.', ')', '"']).trim_start_matches(['(', '"'])
}

/// Returns whether a token is a mail address in part: `jane.doe`, `@example.org`, `example.org`.
fn is_mail_piece(word: &str, alone: bool) -> bool {
    let signs = word.chars().all(|c| c.is_alphanumeric() || "@._-+".contains(c));
    let inner = word.trim_matches('.').contains(['@', '.', '_']) || word.bytes().any(|byte| byte.is_ascii_digit());
    signs && word.chars().count() > 2 && (inner || alone) && !word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Widens a password to the marks at its end, which may be part of it.
fn with_mark(view: &View<'_>, span: Range<usize>) -> Range<usize> {
    let marks = view.bytes[span.end..].iter().take_while(|byte| matches!(byte, b'!' | b'?')).count();
    span.start..span.end + marks
}

/// Returns whether a token has a sign that no word has, or is all that was said.
fn is_username(word: &str, alone: bool) -> bool {
    let name = word.trim_start_matches('@');
    let signs = name.chars().all(|c| c.is_alphanumeric() || "._-+".contains(c));
    let letter = name.chars().any(char::is_alphabetic);
    let marked = name.bytes().any(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b'.');
    signs && letter && name.chars().count() > 2 && (alone || marked || word.starts_with('@'))
}

/// Returns whether a token looks chosen rather than spoken, or is all that was said.
fn is_password(word: &str, alone: bool) -> bool {
    let digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let letter = word.chars().any(char::is_alphabetic);
    let sign = word.chars().any(|c| c.is_ascii_punctuation() && !"'.,-?!".contains(c));
    let mixed = word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
    word.chars().count() >= 4 && (alone || letter && (digit || sign || mixed))
}

/// Returns the one to four words that are left when the lead-in is taken off, if none of them is a small word.
fn name(view: &View<'_>, from: usize) -> Option<Range<usize>> {
    let span = without_lead_in(view, from)?;
    let text = &view.text[span.clone()];
    let words: Vec<&str> = text.split([' ', '.']).filter(|word| !word.is_empty()).collect();
    let letters = |word: &&str| word.chars().all(|c| c.is_alphabetic() || "-'".contains(c) || !c.is_ascii());
    let fits = (1..=4).contains(&words.len()) && words.iter().all(letters) && !words.iter().any(|word| is_small(word));
    (fits && text.chars().count() > 1).then_some(span)
}

/// Returns the turn without its lead-in, if it is short and has a number in it.
fn address(view: &View<'_>, from: usize) -> Option<Range<usize>> {
    let span = without_lead_in(view, from)?;
    let text = &view.text[span.clone()];
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let words = text.split_whitespace().count();
    (digits && letters > 1 && words <= 20 && !text.contains(['?', '$', '€', '£'])).then_some(span)
}

/// Returns what stays of `span` beside the hits that stand in it already.
fn beside(span: Range<usize>, hits: &[Hit]) -> Vec<Range<usize>> {
    let inside = |hit: &&Hit| hit.score >= THRESHOLD && hit.class.rank() < super::super::super::Class::Address.rank();
    let mut taken: Vec<Range<usize>> = hits.iter().filter(inside).map(|hit| hit.span.clone()).collect();
    taken.retain(|taken| taken.start < span.end && span.start < taken.end);
    taken.sort_by_key(|taken| taken.start);
    let starts = std::iter::once(span.start).chain(taken.iter().map(|taken| taken.end)).collect::<Vec<_>>();
    let ends = taken.iter().map(|taken| taken.start).chain([span.end]);
    starts.into_iter().zip(ends).filter(|(start, end)| start + 2 < *end).map(|(start, end)| start..end).collect()
}

/// Returns the turn from `from` on, without "sure, it's" and the like in front, and without the sign at its end.
fn without_lead_in(view: &View<'_>, from: usize) -> Option<Range<usize>> {
    let mut rest = view.text[from..].trim_start_matches(is_gap);
    'words: loop {
        for lead in LEAD_INS {
            let head = rest.get(..lead.len()).filter(|head| head.to_lowercase() == *lead);
            let after = head.map(|_| &rest[lead.len()..]);
            if let Some(after) = after.filter(|after| after.starts_with(is_gap)) {
                rest = after.trim_start_matches(is_gap);
                continue 'words;
            }
        }
        break;
    }
    let start = view.text.len() - rest.len();
    let length = rest.trim_end_matches(|c: char| is_gap(c) || ".!;".contains(c)).len();
    (length > 0).then_some(start..start + length)
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ':' | '-' | '"')
}

fn is_small(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    word.is_empty() || SMALL.contains(&word.as_str()) || JOINS.contains(&word.as_str())
}

/// The longest turn that is read as an answer in words.
const MAX_ANSWER: usize = 240;
