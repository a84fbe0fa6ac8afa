//! The street lines: which tokens around a street word, a unit, a box or a house number make one.

use std::sync::LazyLock;

use super::Core;
use super::token::{Kind, Line, Token};
use super::words;

/// Number, name, street type: `12 Rose Street`.
pub(super) fn behind(line: &Line<'_>, at: usize, common: bool) -> Option<Core> {
    let k = line.at(at);
    let mut start = k;
    let (mut capitals, mut lower) = (0, 0);
    while let Some(before) = start.checked_sub(1) {
        let token = &line.tokens[before];
        match token.kind {
            _ if token.ends || k - before > MAX_NAME => return None,
            Kind::Number => {
                start = before;
                break;
            }
            Kind::Capital => capitals += 1,
            Kind::Lower if lower < 3 && !STOP.contains(&token.text) => lower += 1,
            _ => return None,
        }
        start = before;
    }
    let type_capital = line.is(k, Kind::Capital);
    let plain = capitals + lower > 0
        && line.is(start, Kind::Number)
        && (!common || capitals > 0 && (type_capital || lower == 0) && lower < 2);
    if !plain {
        return None;
    }
    if start > 0 && line.is(start - 1, Kind::Number) && !line.tokens[start - 1].ends {
        start -= 1;
    }
    let end = direction(line, k + 1);
    Some(Core { tokens: start..end, score: 75, unit: false })
}

fn direction(line: &Line<'_>, at: usize) -> usize {
    let towards = |token: &Token<'_>| DIRECTIONS.contains(&token.lower().as_str());
    if line.tokens.get(at).is_some_and(towards) && !line.tokens[at - 1].ends { at + 1 } else { at }
}

/// Street type, name, number; or number, street type, name: `Calle Mayor 5`, `14 rue Victor Hugo`.
pub(super) fn before(line: &Line<'_>, at: usize, capital: bool) -> Option<Core> {
    let k = line.at(at);
    if capital && !line.is(k, Kind::Capital) {
        return None;
    }
    // A type of two words ends behind its last one; the loop takes the others for the name.
    let mut end = k + 1;
    let (mut capitals, mut lower) = (0, 0);
    while let Some(token) =
        line.tokens.get(end).filter(|token| end - k <= MAX_NAME && !line.tokens[end - 1].ends || token.is(Kind::Number))
    {
        match token.kind {
            Kind::Capital if !is_unit(token) => capitals += 1,
            Kind::Lower if token.is_particle() => {}
            Kind::Lower
                if !capital
                    && lower < 3
                    && !STOP.contains(&token.text)
                    && !is_unit(token)
                    && !NUMERALS.contains(&token.text) =>
            {
                lower += 1
            }
            _ => break,
        }
        end += 1;
    }
    while end > k + 1 && line.tokens[end - 1].is_particle() {
        end -= 1;
    }
    if capitals + lower == 0 || capital && capitals == 0 {
        return None;
    }
    let (start, leads) = leading_number(line, k);
    // "7:35 AM" is no street "Am".
    // Behind a number in front and a comma stands the postcode.
    let behind = number_behind(line, end).filter(|_| !(leads && line.is(end, Kind::Comma)));
    let small = words::PARTICLES.contains(&line.tokens[k].lower().as_str());
    let holds = behind.is_some() || leads && !small && (capitals > 0 || !capital);
    holds.then(|| Core { tokens: start..behind.unwrap_or(end), score: 75, unit: false })
}

/// Returns where the line starts with the number before `k`, `12 bis` among them, and whether there is one.
fn leading_number(line: &Line<'_>, k: usize) -> (usize, bool) {
    let comma = usize::from(k > 0 && line.is(k - 1, Kind::Comma));
    let word = |back: usize| k.checked_sub(back + comma).map(|at| (at, &line.tokens[at]));
    let bis = usize::from(word(1).is_some_and(|(_, token)| ["bis", "ter", "quater"].contains(&token.text)));
    match word(1 + bis) {
        Some((at, token)) if token.is(Kind::Number) && !token.ends => {
            let second = at > 0 && line.is(at - 1, Kind::Number);
            (at - usize::from(second), true)
        }
        _ => (k, false),
    }
}

/// Returns where the number behind a street name ends: `5`, `, 5`, `No: 12`, `nº 5`, `д. 5`, `s/n`.
fn number_behind(line: &Line<'_>, at: usize) -> Option<usize> {
    let comma = usize::from(line.is(at, Kind::Comma));
    let word = |k: usize| line.tokens.get(k).map(Token::lower).unwrap_or_default();
    let mark = usize::from(NUMERALS.contains(&word(at + comma).as_str()));
    let number = at + comma + mark;
    let token = line.tokens.get(number).filter(|token| token.is(Kind::Number) && token.digits() <= 5)?;
    let letter =
        line.tokens.get(number + 1).is_some_and(|next| next.text.len() == 1 && next.is(Kind::Capital) && !token.ends);
    Some(number + 1 + usize::from(letter))
}

/// Returns whether the word that ends at `end` ends as the names of streets do.
pub(super) fn has_ending(text: &str, end: usize) -> bool {
    let word = text[..end].trim_end_matches(['.', ',']);
    let Some(last) = word.bytes().next_back() else { return false };
    let endings = &ENDINGS_BY_LAST[usize::from(last.to_ascii_lowercase())];
    let begins = |byte: &u8| matches!(byte, b' ' | b'\n' | b',');
    let length = word.bytes().rev().take(MAX_WORD + 1).take_while(|byte| !begins(byte)).count();
    if endings.is_empty() || !(1..=MAX_WORD).contains(&length) {
        return false;
    }
    let word = &word[word.len() - length..];
    if word.is_ascii() && !endings.iter().any(|(ending, _)| ends_with(word, ending)) {
        return false;
    }
    let lower = word.to_lowercase();
    let capital = word.starts_with(char::is_uppercase);
    let length = lower.chars().count();
    endings.iter().any(|&(ending, slavic)| {
        let letters = ending.chars().count();
        let compound = lower.len() >= ending.len() + 3 && ending.len() > 2 && (capital || letters > 4);
        lower.ends_with(ending) && if slavic { capital && length >= 6 } else { compound || lower == ending }
    })
}

fn ends_with(word: &str, ending: &str) -> bool {
    let word = word.as_bytes();
    word.len() >= ending.len() && word[word.len() - ending.len()..].eq_ignore_ascii_case(ending.as_bytes())
}

/// The ends of street names by their last byte, each with whether it is that of a Slavic adjective.
static ENDINGS_BY_LAST: LazyLock<Vec<Vec<(&'static str, bool)>>> = LazyLock::new(|| {
    let mut table = vec![Vec::new(); 256];
    let endings =
        words::ENDINGS.iter().map(|ending| (*ending, false)).chain(words::SLAVIC.iter().map(|ending| (*ending, true)));
    for (ending, slavic) in endings {
        if let Some(last) = ending.bytes().next_back() {
            table[usize::from(last)].push((ending, slavic));
        }
    }
    table
});

/// Name and number, where [`has_ending`] knows the name: `Musterstraße 12a`.
pub(super) fn ending(line: &Line<'_>, at: usize) -> Option<Core> {
    let number = line.at(at);
    let k = number.checked_sub(1).map(|k| if line.is(k, Kind::Comma) { k - 1 } else { k })?;
    let mut start = k;
    while let Some(before) = start.checked_sub(1).filter(|before| k - before <= 3) {
        let token = &line.tokens[before];
        if token.ends || !(token.is(Kind::Capital) || token.is_particle() && start < k) {
            break;
        }
        start = before;
    }
    while start < k && (line.tokens[start].is_particle() || LEADS.contains(&line.tokens[start].lower().as_str())) {
        start += 1;
    }
    let alone = start == k && words::ENDINGS.contains(&line.tokens[k].lower().as_str());
    if alone || !line.is(number, Kind::Number) {
        return None;
    }
    if start > 0 && line.is(start - 1, Kind::Number) {
        start -= 1;
    }
    let letter = line.tokens.get(number + 1).is_some_and(|token| token.text.len() == 1 && token.is(Kind::Capital));
    Some(Core { tokens: start..number + 1 + usize::from(letter), score: 70, unit: false })
}

/// Town, state and ZIP code: `Springfield, IL 62704`.
pub(super) fn zip(line: &Line<'_>, at: usize) -> Option<Core> {
    let zip = line.at(at);
    let state = zip.checked_sub(1).filter(|state| words::STATES.contains(&line.tokens[*state].text))?;
    let comma = state.checked_sub(1).filter(|comma| line.is(*comma, Kind::Comma));
    let mut start = comma.unwrap_or(state);
    while start.checked_sub(1).is_some_and(|before| line.is(before, Kind::Capital) && state - before <= 4) {
        start -= 1;
    }
    (start < comma.unwrap_or(state) && line.is(zip, Kind::Number)).then_some(Core {
        tokens: start..zip + 1,
        score: 65,
        unit: false,
    })
}

/// A part of a building, with the street line before it.
pub(super) fn unit(line: &Line<'_>, at: usize) -> Option<Core> {
    let k = line.at(at);
    let hash = usize::from(line.tokens.get(k + 1).is_some_and(|token| token.text == "#"));
    if !line.is(k + 1 + hash, Kind::Number) {
        return None;
    }
    let start = street_line(line, k);
    let known = matches!(line.tokens[k].lower().as_str(), "apt" | "suite" | "ste" | "apartment" | "apto");
    let score = if start < k { 75 } else { 55 };
    (start < k || known && line.is(k, Kind::Capital)).then_some(Core { tokens: start..k + 2 + hash, score, unit: true })
}

/// Returns where the street line that ends before `k` starts: capitals and numbers, a number among them.
fn street_line(line: &Line<'_>, k: usize) -> usize {
    let mut end = k;
    while end > 0 && (line.is(end - 1, Kind::Line) || line.is(end - 1, Kind::Comma)) && k - end < 2 {
        end -= 1;
    }
    let mut start = end;
    while let Some(before) = start.checked_sub(1).filter(|before| end - before <= MAX_LINE) {
        let token = &line.tokens[before];
        let street = token.is(Kind::Lower) && (token.is_particle() || start == end && !STOP.contains(&token.text));
        if token.ends && before + 1 < end
            || !(token.is(Kind::Number) || token.is(Kind::Capital) || street)
            || is_unit(token) && start < end
        {
            break;
        }
        start = before;
    }
    while start < end && line.is(start, Kind::Lower) {
        start += 1;
    }
    if !(start..end).any(|at| line.is(at, Kind::Capital)) {
        return k;
    }
    let numbers: Vec<usize> = (start..end).filter(|at| line.is(*at, Kind::Number)).collect();
    match numbers[..] {
        [] => k,
        // "Jane Doe 6343 Rose Way 106": what stands before the first of two numbers is no street.
        [first, .., last] if first > start && last > first + 1 => first,
        _ if end - start < 2 => k,
        _ => start,
    }
}

/// A box of the post: `P.O. Box 104`, `PSC 2721, Box 8637`.
pub(super) fn boxed(line: &Line<'_>, at: usize) -> Option<Core> {
    let k = line.at(at);
    let number = (k + 1..k + 5).find(|at| line.is(*at, Kind::Number))?;
    let plain = (k + 1..number)
        .all(|at| line.tokens[at].text.len() <= 8 && !line.is(at, Kind::Line) && !line.is(at, Kind::Break));
    let start = street_line(line, k);
    plain.then_some(Core { tokens: start..number + 1, score: 75, unit: true })
}

/// A military post office: `APO AE 09012`, with the ship or box on the line before.
pub(super) fn military(line: &Line<'_>, at: usize) -> Option<Core> {
    let k = line.at(at);
    let region = line.tokens.get(k + 1).is_some_and(|token| matches!(token.lower().as_str(), "aa" | "ae" | "ap"));
    if !region || !line.is(k + 2, Kind::Number) {
        return None;
    }
    let break_at = k.checked_sub(1).filter(|before| line.is(*before, Kind::Line) || line.is(*before, Kind::Comma));
    let mut start = break_at.unwrap_or(k);
    let end = start;
    while let Some(before) = start.checked_sub(1).filter(|before| end - before <= 6) {
        let token = &line.tokens[before];
        let part = token.is(Kind::Number) || token.is(Kind::Capital) || token.is_unit() || token.is(Kind::Comma);
        if !part || token.ends {
            break;
        }
        start = before;
    }
    let start = if start == end { k } else { start };
    Some(Core { tokens: start..k + 3, score: 75, unit: false })
}

/// What follows a cue: capitals and numbers, both.
pub(super) fn announced(line: &Line<'_>, at: usize) -> Option<Core> {
    let mut start = line.at(at);
    while line.tokens.get(start).is_some_and(|token| token.is(Kind::Line) || LEADS.contains(&token.lower().as_str())) {
        start += 1;
    }
    let mut end = start;
    let (mut numbers, mut capitals) = (0, 0);
    while let Some(token) = line.tokens.get(end).filter(|_| end - start <= MAX_LINE) {
        match token.kind {
            Kind::Number => numbers += 1,
            Kind::Capital => capitals += 1,
            Kind::Lower if token.is_particle() || token.is_unit() => {}
            Kind::Comma if numbers == 0 && capitals > 0 => {}
            _ => break,
        }
        end += 1;
        if token.ends {
            break;
        }
    }
    while end > start && (line.is(end - 1, Kind::Lower) || line.is(end - 1, Kind::Comma)) {
        end -= 1;
    }
    let capital_first = line.is(start, Kind::Capital) || line.is(start, Kind::Number);
    (numbers > 0 && capitals > 0 && capital_first).then_some(Core { tokens: start..end, score: 70, unit: true })
}

fn is_unit(token: &Token<'_>) -> bool {
    token.is_unit()
}

/// The longest word, in bytes, that can be the name of a street.
const MAX_WORD: usize = 48;
const MAX_NAME: usize = 6;
const MAX_LINE: usize = 9;

/// Words between a number and a street word that make it no address.
const STOP: &[&str] = &[
    "of",
    "the",
    "on",
    "this",
    "in",
    "to",
    "a",
    "and",
    "per",
    "for",
    "people",
    "minutes",
    "minute",
    "miles",
    "down",
    "by",
    "at",
    "from",
    "with",
    "is",
    "are",
    "or",
    "blocks",
    "block",
    "star",
    "stars",
    "more",
    "other",
    "different",
    "my",
    "your",
    "we",
    "i",
    "you",
    "it",
    "that",
    "hours",
    "hour",
    "days",
    "times",
    "am",
    "pm",
    "next",
    "nearest",
    "near",
    "across",
    "good",
    "best",
    "same",
    "any",
    "some",
    "no",
    "was",
    "has",
    "have",
    "they",
    "will",
    "car",
    "cars",
    "km",
    "percent",
    "dollars",
    "tickets",
    "rooms",
    "way",
    "there",
    "off",
    "over",
    "until",
    "before",
    "after",
    "if",
    "when",
    "so",
    "but",
    "not",
    "be",
    "people's",
    "long",
    "short",
    "seater",
    "nights",
    "weeks",
    "days'",
];
/// Words at the start of a line that are not part of it.
const LEADS: &[&str] = &[
    "the", "die", "der", "das", "is", "at", "to", "in", "on", "it's", "it", "now", "die", "wohne", "ich", "adresse",
    "address", "our", "my", "at:",
];
const DIRECTIONS: &[&str] = &[
    "north",
    "south",
    "east",
    "west",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
    "ne",
    "nw",
    "se",
    "sw",
    "n",
    "s",
    "e",
    "w",
];
const NUMERALS: &[&str] =
    &["no", "nº", "n°", "n", "nr", "num", "número", "numero", "д", "дом", "č", "km", "#", "house"];
