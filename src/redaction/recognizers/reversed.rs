//! Secrets that stand before the word which names them: "482911 is your login code", "hunter2 is my password".

use std::ops::Range;

use super::super::scan::View;
use super::cues::Kind;
use super::secrets::prose::{COPULAS, POSSESSIVES};

/// Returns the value before the cue that starts at `cue`: a value, a word such as "is", one such as "your", at most two more words.
pub(crate) fn find(view: &View<'_>, kind: Kind, cue: usize) -> Option<Range<usize>> {
    let from = super::super::floor_boundary(view.text, cue.saturating_sub(MAX_BACK));
    let before = &view.text[from..cue];
    let words: Vec<(usize, &str)> = words(before).collect();
    let last = words.len().checked_sub(1)?;
    let is = |word: &str, known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(word));
    let owner = (last.saturating_sub(2)..=last).rev().find(|&at| is(words[at].1, POSSESSIVES))?;
    let copula = owner.checked_sub(1).filter(|&at| is(words[at].1, COPULAS) && words[at].1 != "to")?;
    let mut value = copula.checked_sub(1)?;
    while let Some(more) = value.checked_sub(1) {
        let spelled = |at: usize| words[at].1.len() <= 3 && words[at].1.bytes().all(|byte| byte.is_ascii_digit());
        if !(spelled(value) && spelled(more)) {
            break;
        }
        value = more;
    }
    let start = words[value].0;
    let end = words[copula - 1].0 + words[copula - 1].1.len();
    let span = from + start..from + end;
    (fits(kind, &before[start..end]) && view.starts_clean(span.start) && !signed(view, span.start)).then_some(span)
}

/// Returns the words of `text` with their places, without the punctuation around them.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let place = move |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_ascii_whitespace().map(move |word| {
        let bare = word.trim_matches(['"', '\'', '`', ',', '(', ')', '*']);
        (place(bare), bare)
    })
}

/// Returns whether a sign of money or of a number stands before the value.
fn signed(view: &View<'_>, start: usize) -> bool {
    view.text[..start].chars().next_back().is_some_and(|c| matches!(c, '$' | '€' | '£' | '.' | '-' | '#'))
}

fn fits(kind: Kind, value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let only = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ' || byte == b'-');
    match kind {
        Kind::OneTime | Kind::Code => only && (4..=8).contains(&digits),
        Kind::Tan => only && digits == 6,
        Kind::Pin => only && (4..=8).contains(&digits),
        Kind::CardCode => only && (3..=4).contains(&digits),
        Kind::Password | Kind::ForeignPassword => {
            let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
            digits > 0 && letters && value.len() >= 6 && !value.contains(' ')
        }
        _ => false,
    }
}

/// Bytes before the cue that are looked at.
const MAX_BACK: usize = 64;
