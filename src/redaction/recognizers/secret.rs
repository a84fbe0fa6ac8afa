//! Values that a cue announces: passwords, PINs, card security codes, one-time codes and generic keys.

use std::ops::Range;

use super::super::Class;
use super::super::explain::Stage;
use super::super::floor_boundary;
use super::super::scan::View;
use super::Hit;
use super::cues::{Cue, Kind};

/// Pushes the value that follows the cue which ends at `end`. `whole` says that the cue stands as a word of its own.
pub(crate) fn find(view: &View<'_>, cue: Cue, end: usize, whole: bool, hits: &mut Vec<Hit>) {
    let assigned = assignment(view, end);
    let part = assigned.strong && matches!(cue.kind, Kind::Password | Kind::Key);
    if !(whole || part) {
        return;
    }
    let (rule, span) = match cue.kind {
        Kind::Password => ("password", password(view, &assigned)),
        Kind::WeakPassword if assigned.strong => ("password", password(view, &assigned)),
        Kind::WeakPassword => return,
        Kind::Phrase => ("passphrase", phrase(view, &assigned)),
        Kind::Pin => ("pin", digits(view, assigned.start, 3..=12).or_else(|| spelled(view, assigned.start, 3..=12))),
        Kind::CardCode => ("card_security_code", digits(view, assigned.start, 3..=4)),
        Kind::OneTime => ("one_time_code", one_time(view, &assigned)),
        Kind::Key => ("generic_key", key(view, &assigned)),
        Kind::Birth => return,
    };
    let Some(span) = span else { return };
    hits.push(Hit {
        class: Class::Secret,
        rule,
        score: 85,
        span,
        stage: Stage::Cue,
        verdict: "cue and form hold",
        word: Some(cue.word),
    });
}

/// How and where the value is given.
#[derive(Debug, Default)]
pub(crate) struct Assigned {
    /// Where the value starts.
    pub(crate) start: usize,
    /// By `:`, `=` or the like.
    pub(crate) strong: bool,
    /// By "is", "was" and the like.
    pub(crate) copula: bool,
    /// The quotation mark before the value.
    quote: Option<u8>,
}

/// Walks over what may stand between a cue and its value: fillers ("for my account"), "is", `:`, `=`, quotation marks.
pub(crate) fn assignment(view: &View<'_>, end: usize) -> Assigned {
    let mut seen = Assigned { start: end, ..Assigned::default() };
    let limit = view.bytes.len().min(end + MAX_BETWEEN);
    if view.bytes[end..].starts_with(b"'s ") {
        (seen.start, seen.copula) = (end + 3, true);
    }
    while seen.start < limit {
        let at = seen.start;
        let byte = view.bytes[at];
        let spaced = at > 0 && view.bytes[at - 1] == b' ' && view.bytes.get(at + 1) == Some(&b' ');
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'*' | b']' => {}
            b':' | b'=' | b'>' if seen.quote.is_none() || !seen.strong => (seen.strong, seen.quote) = (true, None),
            b'-' if !seen.strong && (spaced || view.bytes.get(at + 1) == Some(&b'>')) => seen.strong = true,
            b'"' | b'\'' | b'`' if seen.quote.is_none() => seen.quote = Some(byte),
            b'"' | b'\'' | b'`' if !seen.strong => seen.quote = None,
            b'#' | b'(' | b')' if !seen.strong => {}
            _ if byte.is_ascii_alphabetic() && seen.quote.is_none() => match filler(view, at, &mut seen) {
                Some(length) => {
                    seen.start += length;
                    continue;
                }
                None => break,
            },
            _ => break,
        }
        seen.start += 1;
    }
    seen
}

fn filler(view: &View<'_>, at: usize, seen: &mut Assigned) -> Option<usize> {
    let word = &view.bytes[at..];
    let length = word
        .iter()
        .take(MAX_WORD)
        .position(|byte| !byte.is_ascii_alphabetic())
        .filter(|length| !view.joins(Some(at + length)))?;
    let is = |known: &&str| known.as_bytes().eq_ignore_ascii_case(&word[..length]);
    if seen.strong {
        return SCHEMES.iter().any(is).then_some(length);
    }
    let copula = COPULAS.iter().any(is);
    seen.copula |= copula;
    (copula || FILLERS.iter().any(is)).then_some(length)
}

/// Returns the token at the value's place: to the closing quotation mark, or to the next space, at most `limit` bytes.
///
/// Who may turn a long token down must limit it, or a text of cues alone is read once a cue.
fn token(view: &View<'_>, assigned: &Assigned, stops: &[u8], limit: usize) -> Option<Range<usize>> {
    let start = assigned.start;
    let rest = &view.bytes[start..];
    let closing = |quote| rest.iter().take(MAX_QUOTED).position(|byte| *byte == quote);
    let value = match assigned.quote.and_then(closing) {
        Some(length) => view.text[start..start + length].trim_end_matches('\\'),
        None => {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || stops.contains(byte);
            let length = rest.iter().take(limit).position(ends).unwrap_or(rest.len().min(limit));
            let length = floor_boundary(&view.text[start..], length);
            view.text[start..start + length].trim_end_matches(['.', ',', ';', ':', ')', ']', '}', '"', '\'', '`', '\\'])
        }
    };
    (!value.trim().is_empty()).then(|| start..start + value.len())
}

fn password(view: &View<'_>, assigned: &Assigned) -> Option<Range<usize>> {
    let told = assigned.strong || assigned.copula;
    let span = token(view, assigned, b"<&\"", if told { usize::MAX } else { MAX_VALUE })?;
    let value = &view.text[span.clone()];
    let letters = value.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'\'');
    let common = letters && COMMON.iter().any(|word| word.eq_ignore_ascii_case(value));
    let quoted = assigned.quote.is_some() && (assigned.strong || assigned.copula);
    let holds = match letters {
        _ if value.chars().count() < 3 => false,
        _ if value.len() > MAX_WORDY => told,
        _ if quoted => !common,
        true => {
            !common && told && (closes(view, span.end) || value.bytes().skip(1).any(|byte| byte.is_ascii_uppercase()))
        }
        false if told => value.bytes().any(|byte| !byte.is_ascii_punctuation()) && !is_prose(value),
        false => {
            value.bytes().any(|byte| byte.is_ascii_digit())
                && value.bytes().any(|byte| byte.is_ascii_alphabetic())
                && value.len() >= 6
        }
    };
    holds.then_some(span)
}

/// Returns whether letters joined by hyphens or ended by `!` or `?` are no more than words.
fn is_prose(value: &str) -> bool {
    let bare = value.trim_end_matches(['!', '?']);
    let parts = bare.split(['-', '/', ',']);
    parts.clone().all(|part| part.bytes().all(|byte| byte.is_ascii_lowercase()))
        && parts.clone().any(|part| COMMON.contains(&part))
}

/// Returns whether a clause ends at `end`: nothing, punctuation, a new line, or a word that begins another clause.
fn closes(view: &View<'_>, end: usize) -> bool {
    let rest = &view.text[end..floor_boundary(view.text, end + 16)];
    let next = rest.trim_start_matches([' ', '\t']);
    let word = next.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    word.is_empty() || CLAUSE.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Returns the rest of the line or sentence, for pass phrases.
fn phrase(view: &View<'_>, assigned: &Assigned) -> Option<Range<usize>> {
    if assigned.quote.is_some() || !(assigned.strong || assigned.copula) {
        return if assigned.strong || assigned.copula { token(view, assigned, b"<", MAX_VALUE) } else { None };
    }
    let start = assigned.start;
    let rest = &view.text[start..floor_boundary(view.text, start + MAX_VALUE)];
    let length = rest.find(['\n', '.', '<', '"', ';', '?']).unwrap_or(rest.len());
    let value = rest[..length].trim_end();
    let first = value.split(' ').next().unwrap_or_default();
    let talk = COMMON.contains(&first) && (!assigned.strong || value.split(' ').count() < 3);
    (value.len() >= 3 && !talk).then(|| start..start + value.len())
}

/// Returns a run of digits of an allowed length that is not the beginning of a longer number.
fn digits(view: &View<'_>, start: usize, allowed: std::ops::RangeInclusive<usize>) -> Option<Range<usize>> {
    let count = |from: usize| {
        view.bytes[from.min(view.bytes.len())..].iter().take(20).take_while(|byte| byte.is_ascii_digit()).count()
    };
    let length = count(start);
    let end = start + length;
    let grouped = length == 4 && view.bytes.get(end).is_some_and(|byte| b" -".contains(byte)) && count(end + 1) == 4;
    let fraction = view.bytes.get(end).is_some_and(|byte| b".*,".contains(byte))
        && view.bytes.get(end + 1).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'*');
    let masked = view.bytes.get(end) == Some(&b'*');
    (allowed.contains(&length) && view.ends_clean(end) && !grouped && !fraction && !masked).then_some(start..end)
}

/// Returns digits that stand one by one, or in threes, with a space or a hyphen between them.
fn spelled(view: &View<'_>, start: usize, allowed: std::ops::RangeInclusive<usize>) -> Option<Range<usize>> {
    let (mut at, mut digits) = (start, 0);
    let width =
        view.bytes[start.min(view.bytes.len())..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    if !matches!(width, 1 | 3) {
        return None;
    }
    loop {
        let group = view.bytes.get(at..at + width).filter(|group| group.iter().all(u8::is_ascii_digit))?;
        (at, digits) = (at + group.len(), digits + width);
        let next = view.bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !next || !view.bytes.get(at).is_some_and(|byte| b" -".contains(byte)) {
            break;
        }
        if digits > *allowed.end() {
            return None;
        }
        at += 1;
    }
    (digits > width && allowed.contains(&digits) && view.ends_clean(at)).then_some(start..at)
}

/// Returns a one-time code: digits, digits in threes, or capitals and digits such as `G-482913`.
fn one_time(view: &View<'_>, assigned: &Assigned) -> Option<Range<usize>> {
    let plain = digits(view, assigned.start, 4..=10).or_else(|| spelled(view, assigned.start, 4..=10));
    if plain.is_some() || !(assigned.strong || assigned.copula) {
        return plain;
    }
    let span = token(view, assigned, b"<&\",;", MAX_VALUE)?;
    let value = &view.bytes[span.clone()];
    let coded = value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'-');
    (coded && (4..=12).contains(&value.len()) && value.iter().any(u8::is_ascii_digit)).then_some(span)
}

fn key(view: &View<'_>, assigned: &Assigned) -> Option<Range<usize>> {
    let stops = |byte: &u8| byte.is_ascii_whitespace() || !byte.is_ascii() || b"<&\"',;()[]{}".contains(byte);
    let rest = &view.bytes[assigned.start..];
    let length = rest.iter().take(MAX_VALUE).position(stops).unwrap_or(rest.len().min(MAX_VALUE));
    let value = rest[..length].strip_suffix(b".").unwrap_or(&rest[..length]);
    let least = if assigned.strong || assigned.quote.is_some() { 8 } else { 16 };
    let random = value.iter().any(u8::is_ascii_digit) || value.len() >= 24;
    if value.len() < least || !random || entropy(value) < MIN_ENTROPY {
        return None;
    }
    let more =
        if length == MAX_VALUE { rest[length..].iter().position(stops).unwrap_or(rest.len() - length) } else { 0 };
    Some(assigned.start..assigned.start + value.len() + more)
}

/// Returns Shannon's entropy of the bytes, in bits a byte.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let total = value.len() as f64;
    let share = |count: u32| f64::from(count) / total;
    counts.into_iter().filter(|count| *count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

/// Bits a byte: hexadecimal has up to 4, base64 up to 6; repeated or counted values stay below.
const MIN_ENTROPY: f64 = 2.5;
/// Bytes between a cue and its value.
const MAX_BETWEEN: usize = 64;
/// Bytes that are looked at for the end of a value.
const MAX_VALUE: usize = 512;
/// Bytes up to which a value in quotation marks may be several words.
const MAX_QUOTED: usize = 256;
/// A longer token is no word and no joined words.
const MAX_WORDY: usize = 64;
const MAX_WORD: usize = 12;

const COPULAS: [&str; 14] =
    ["is", "was", "are", "be", "being", "as", "to", "ist", "es", "est", "é", "like", "would", "s"];
const SCHEMES: [&str; 2] = ["bearer", "basic"];
const FILLERS: [&str; 44] = [
    "for",
    "my",
    "the",
    "this",
    "that",
    "your",
    "our",
    "his",
    "her",
    "their",
    "on",
    "of",
    "in",
    "account",
    "number",
    "code",
    "no",
    "num",
    "value",
    "set",
    "now",
    "still",
    "just",
    "currently",
    "today",
    "it",
    "its",
    "card",
    "back",
    "here",
    "new",
    "old",
    "temporary",
    "will",
    "been",
    "has",
    "changed",
    "login",
    "user",
    "wifi",
    "router",
    "email",
    "bearer",
    "basic",
];
const CLAUSE: [&str; 14] =
    ["and", "or", "but", "so", "please", "thanks", "thank", "can", "if", "user", "username", "login", "i", "then"];
/// Words that follow "password is" or "password:" in plain talk.
const COMMON: [&str; 115] = [
    "a",
    "an",
    "the",
    "not",
    "no",
    "wrong",
    "incorrect",
    "correct",
    "right",
    "required",
    "invalid",
    "valid",
    "expired",
    "weak",
    "strong",
    "too",
    "very",
    "so",
    "always",
    "never",
    "important",
    "needed",
    "missing",
    "empty",
    "blank",
    "case",
    "sensitive",
    "safe",
    "secure",
    "saved",
    "stored",
    "encrypted",
    "hashed",
    "hidden",
    "unknown",
    "forgotten",
    "lost",
    "changed",
    "updated",
    "reset",
    "set",
    "working",
    "being",
    "been",
    "protected",
    "compromised",
    "stolen",
    "leaked",
    "shared",
    "private",
    "secret",
    "what",
    "why",
    "how",
    "when",
    "where",
    "who",
    "which",
    "something",
    "anything",
    "nothing",
    "none",
    "null",
    "nil",
    "true",
    "false",
    "undefined",
    "optional",
    "string",
    "redacted",
    "please",
    "enter",
    "use",
    "your",
    "you",
    "my",
    "me",
    "we",
    "it",
    "that",
    "this",
    "there",
    "ok",
    "okay",
    "fine",
    "good",
    "bad",
    "long",
    "short",
    "old",
    "new",
    "different",
    "same",
    "default",
    "also",
    "only",
    "still",
    "now",
    "then",
    "and",
    "or",
    "but",
    "if",
    "to",
    "for",
    "in",
    "on",
    "at",
    "with",
    "by",
    "easy",
    "hard",
    "accepted",
    "rejected",
    "field",
];

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn announced_values_are_found() {
        for (text, value) in [
            ("my password is hunter2", "hunter2"),
            ("My Password: Tr0ub4dor&3!", "Tr0ub4dor"),
            ("the password is letmein.", "letmein"),
            ("password for my account is now S3cret!", "S3cret!"),
            ("password = \"correct horse\"", "correct horse"),
            ("{\"password\":\"x1y2z3\"}", "x1y2z3"),
            ("DB_PASSWORD=abc123def", "abc123def"),
            ("pwd:geheim12", "geheim12"),
            ("my pin is 4711.", "4711"),
            ("PIN 4711", "4711"),
            ("cvv 123", "123"),
            ("CVC: 1234,", "1234"),
            ("the security code on the back is 123", "123"),
            ("your verification code is 123456", "123456"),
            ("my password's Winter2024! ok", "Winter2024!"),
            ("pin is 4 7 1 1", "4 7 1 1"),
            ("verification code: 123-456", "123-456"),
            ("verification code is G-482913.", "G-482913"),
            ("pw: hunter2", "hunter2"),
            ("api_key=9f8e7d6c5b4a3210", "9f8e7d6c5b4a3210"),
            ("Authorization: Bearer 9f8e7d6c5b4a3210aa", "9f8e7d6c5b4a3210aa"),
            ("passphrase: correct horse battery staple", "correct horse battery staple"),
        ] {
            assert_eq!(found(Class::Secret, text), [value], "{text}");
        }
    }

    #[test]
    fn talk_about_secrets_is_not_one() {
        for text in [
            "my password is not working",
            "the password is wrong.",
            "I forgot my password.",
            "Password: required",
            "is the password case sensitive?",
            "I need a pin for 2 maps",
            "shipping 1234",
            "the token is expired",
            "tokens: 1234567890",
            "how do I reset my password?",
            "password: what do I do",
            "the secret is love.",
            "your passwords are 12345678",
            "pin it on 3.14",
            "the pass is 20 dollars",
        ] {
            assert_eq!(found(Class::Secret, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_card_behind_a_code_word_is_still_a_card() {
        assert_eq!(found(Class::Card, "cvv 4242 4242 4242 4242"), ["4242 4242 4242 4242"]);
    }
}
