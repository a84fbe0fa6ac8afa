//! Values that a cue announces: passwords, PINs, card security codes, one-time codes and generic keys.

use std::ops::{Range, RangeInclusive};

use super::super::Class;
use super::super::explain::Stage;
use super::super::floor_boundary;
use super::super::scan::View;
use super::cues::{Cue, Kind, unspaced};
use super::secrets::prose::{
    AMBIGUOUS, ARTICLES, CLAUSE, CODE_OF, COMMON, COPULAS, FILLERS, PARTICLES, PURPOSE, SCHEMES,
};
use super::vendor_key::is_uuid;
use super::{Hit, reversed};

/// Pushes the value that follows the cue at `span`, or that stands before it. `whole` says that the cue is a word of its own.
pub(crate) fn find(view: &View<'_>, cue: Cue, span: &Range<usize>, whole: bool, hits: &mut Vec<Hit>) {
    let mut assigned = assignment(view, span.end);
    let part = assigned.strong && matches!(cue.kind, Kind::Password | Kind::ForeignPassword | Kind::Key);
    if !(whole || part) {
        return;
    }
    assigned.strong |= option(view, span);
    let after = value(view, cue.kind, &assigned, span);
    let Some((rule, span)) = after.or_else(|| Some((rule(cue.kind), reversed::find(view, cue.kind, span.start)?)))
    else {
        return;
    };
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

/// Returns the rule and the place of the value after a cue of that kind.
fn value(view: &View<'_>, kind: Kind, assigned: &Assigned, cue: &Range<usize>) -> Option<(&'static str, Range<usize>)> {
    let told = assigned.strong || assigned.copula;
    let number = |allowed: RangeInclusive<usize>| {
        digits(view, assigned.start, allowed.clone()).or_else(|| spelled(view, assigned.start, allowed))
    };
    let span = match kind {
        Kind::Password => password(view, assigned, false),
        Kind::ForeignPassword => password(view, assigned, true),
        Kind::WeakPassword if assigned.strong => password(view, assigned, false),
        Kind::WeakPassword if assigned.copula => {
            password(view, assigned, false).filter(|span| is_chosen(&view.bytes[span.clone()]))
        }
        Kind::Phrase => phrase(view, assigned),
        Kind::Pin => number(3..=12),
        Kind::CardCode => digits(view, assigned.start, 3..=4),
        Kind::OneTime => one_time(view, assigned),
        Kind::Tan => number(6..=6),
        Kind::Code if opens_nothing(view, cue.start) => None,
        Kind::Code => number(if told { 4..=8 } else { 6..=6 }),
        Kind::Key => key(view, assigned),
        Kind::WeakKey if assigned.strong => key(view, assigned).filter(|span| is_key(&view.bytes[span.clone()])),
        Kind::Curl => login(view, cue.end),
        Kind::WeakPassword | Kind::WeakKey | Kind::Birth => None,
    };
    span.map(|span| (rule(kind), span))
}

const fn rule(kind: Kind) -> &'static str {
    match kind {
        Kind::Password | Kind::ForeignPassword | Kind::WeakPassword => "password",
        Kind::Phrase => "passphrase",
        Kind::Pin => "pin",
        Kind::CardCode => "card_security_code",
        Kind::OneTime | Kind::Tan | Kind::Code => "one_time_code",
        Kind::Curl => "command_line_login",
        Kind::Key | Kind::WeakKey | Kind::Birth => "generic_key",
    }
}

/// Returns whether the cue is an option of a command line, as `--password` is.
fn option(view: &View<'_>, cue: &Range<usize>) -> bool {
    let dashes = cue.start.checked_sub(2).is_some_and(|at| &view.bytes[at..cue.start] == b"--");
    dashes && view.bytes.get(cue.end).is_some_and(|byte| b" =".contains(byte))
}

/// Returns whether the word before a "code" says that it is one of those that open nothing, such as a postal code.
fn opens_nothing(view: &View<'_>, code: usize) -> bool {
    let from = floor_boundary(view.text, code.saturating_sub(MAX_BEFORE));
    let before = view.text[from..code].trim_end_matches(|c: char| !c.is_alphanumeric());
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    CODE_OF.contains(&word.as_str())
}

/// Returns whether `value` has letters and digits, as no word has.
fn is_chosen(value: &[u8]) -> bool {
    value.len() >= 6 && value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Returns whether `value` is random beyond what a name, a hash or a UUID is.
fn is_key(value: &[u8]) -> bool {
    let mixed = value.iter().any(|byte| byte.is_ascii_digit())
        && value.iter().any(|byte| (b'g'..=b'z').contains(&byte.to_ascii_lowercase()));
    value.len() >= 20 && mixed && entropy(value) >= MIN_WEAK_ENTROPY && !is_uuid(value)
}

/// Returns the `user:password` after `-u` or `--user` of the command line whose name ends at `end`.
fn login(view: &View<'_>, end: usize) -> Option<Range<usize>> {
    let line = &view.text[end..floor_boundary(view.text, end + MAX_VALUE)];
    let place =
        [" -u ", " --user ", " --user=", " -u"].iter().find_map(|option| Some(line.find(option)? + option.len()))?;
    let quotes = ['"', '\''];
    let open = line[place..].len() - line[place..].trim_start_matches(quotes).len();
    let start = place + open;
    let length = line[start..].find(|c: char| c.is_whitespace() || quotes.contains(&c)).unwrap_or(line.len() - start);
    let (user, password) = line[start..start + length].split_once(':')?;
    let template = password.is_empty() || password.starts_with(['$', '<', '{', '*']);
    (!user.contains('/') && !template).then(|| end + start..end + start + length)
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
    /// Whether a word such as "for" began to say what the value opens.
    purpose: bool,
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
            _ if (byte.is_ascii_alphabetic() || byte >= 0x80) && seen.quote.is_none() => {
                match filler(view, at, &mut seen).or_else(|| seen.purpose.then(|| purpose(view, at))?) {
                    Some(length) => {
                        seen.start += length;
                        continue;
                    }
                    None => break,
                }
            }
            _ => break,
        }
        seen.start += 1;
    }
    seen
}

/// Returns the length of the word at `at` if it may stand between a cue and its value.
fn filler(view: &View<'_>, at: usize, seen: &mut Assigned) -> Option<usize> {
    let rest = &view.text[at..floor_boundary(view.text, at + MAX_WORD)];
    let first = unspaced(rest.chars().next()?);
    let length = rest.find(|c: char| !c.is_alphabetic() || unspaced(c) != first).unwrap_or(rest.len());
    let word = &rest[..length];
    if first {
        let known = PARTICLES.contains(&word)
            || word.char_indices().all(|(at, c)| PARTICLES.contains(&&word[at..at + c.len_utf8()]));
        seen.copula |= known;
        return (known && !seen.strong).then_some(length);
    }
    let is = |known: &&str| known.eq_ignore_ascii_case(word);
    if view.joins(Some(at + length)) {
        return None;
    }
    if seen.strong {
        return SCHEMES.iter().any(&is).then_some(length);
    }
    let copula = COPULAS.iter().any(&is);
    seen.copula |= copula;
    // "to" is a copula ("set to X") but for "to the ...".
    seen.purpose |= PURPOSE.iter().any(is) || seen.copula && ARTICLES.iter().any(is);
    (copula || FILLERS.iter().any(is)).then_some(length)
}

/// Returns the length of the words at `at` that say what the value opens ("for the admin portal is"), up to "is", `:` or `=`.
fn purpose(view: &View<'_>, at: usize) -> Option<usize> {
    let rest = &view.text[at..floor_boundary(view.text, at + MAX_BETWEEN)];
    let mut words = rest.split_inclusive(' ').scan(0, |end, word| {
        let start = std::mem::replace(end, *end + word.len());
        Some((start, word))
    });
    let is_copula =
        |word: &str| COPULAS.iter().any(|known| known.eq_ignore_ascii_case(word)) && !AMBIGUOUS.contains(&word);
    let (start, word) =
        words.by_ref().take(MAX_PURPOSE + 1).skip(1).find(|(_, word)| {
            is_copula(word.trim_end()) || word.trim_end().ends_with([':', '=']) || !is_name_part(word)
        })?;
    match word.trim_end().strip_suffix([':', '=']) {
        Some(named) => is_name_part(named).then_some(start + named.len()),
        None => is_copula(word.trim_end()).then_some(start),
    }
}

/// Returns whether the word can be a part of what a password opens.
fn is_name_part(word: &str) -> bool {
    word.trim_end().chars().all(|c| c.is_alphanumeric() || "-'._/&".contains(c))
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
            let length = clause(&view.text[start..start + length]);
            view.text[start..start + length].trim_end_matches(['.', ',', ';', ':', ')', ']', '}', '"', '\'', '`', '\\'])
        }
    };
    (!value.trim().is_empty()).then(|| start..start + value.len())
}

/// Returns how much of `value` the value is: in a connection string or a query up to the next field, and no sign of a script without spaces.
fn clause(value: &str) -> usize {
    let plain = value.starts_with(|c: char| c.is_ascii());
    let foreign = if plain { value.find(unspaced) } else { None }.unwrap_or(value.len());
    let field = value.find([';', '&']).filter(|end| {
        let next = &value.as_bytes()[end + 1..];
        let name = next.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        next.get(name) == Some(&b'=') || FIELDS.iter().any(|field| field.as_bytes() == next)
    });
    foreign.min(field.unwrap_or(value.len()))
}

fn password(view: &View<'_>, assigned: &Assigned, foreign: bool) -> Option<Range<usize>> {
    let told = assigned.strong || assigned.copula;
    let span = token(view, assigned, b"<\"", if told { usize::MAX } else { MAX_VALUE })?;
    let value = &view.text[span.clone()];
    let letters = value.chars().all(|c| c.is_alphabetic() || c == '\'');
    let common = letters && is_talk(value);
    let quoted = assigned.quote.is_some() && told;
    let holds = match letters {
        _ if value.chars().count() < 3 => false,
        _ if value.len() > MAX_WORDY => told,
        _ if quoted => !common,
        true if common || !told || foreign && !assigned.strong => false,
        true => {
            value.chars().skip(1).any(char::is_uppercase)
                || closes(view, span.end) && (assigned.strong || !is_verb(value))
        }
        false if told => {
            value.chars().any(char::is_alphanumeric) && !is_prose(value) && (assigned.strong || !is_date(value))
        }
        false => {
            value.bytes().any(|byte| byte.is_ascii_digit())
                && value.bytes().any(|byte| byte.is_ascii_alphabetic())
                && value.len() >= 6
        }
    };
    holds.then_some(span)
}

/// Returns whether the word follows "password is" in plain talk.
fn is_talk(word: &str) -> bool {
    COMMON.contains(&word) || COMMON.contains(&word.to_lowercase().as_str())
}

/// Returns whether digits with signs between them look like a day or an hour.
fn is_date(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit() || b"-/.:".contains(&byte))
        && value.bytes().any(|byte| !byte.is_ascii_digit())
}

/// Returns whether the word looks like a form of a verb, which says something of the password and is none.
fn is_verb(word: &str) -> bool {
    word.len() > 5 && (word.ends_with("ing") || word.ends_with("ed"))
}

/// Returns whether letters joined by hyphens or ended by `!` or `?` are no more than words.
fn is_prose(value: &str) -> bool {
    let bare = value.trim_end_matches(['!', '?']);
    let parts = bare.split(['-', '/', ',']);
    parts.clone().all(|part| part.bytes().all(|byte| byte.is_ascii_lowercase())) && parts.clone().any(is_talk)
}

/// Returns whether a clause ends at `end`: nothing, punctuation, a new line, or a word that begins another clause.
fn closes(view: &View<'_>, end: usize) -> bool {
    let rest = &view.text[end..floor_boundary(view.text, end + 16)];
    let next = rest.trim_start_matches([' ', '\t']);
    let word = next.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
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
    let talk = is_talk(first) && (!assigned.strong || value.split(' ').count() < 3);
    (value.len() >= 3 && !talk).then(|| start..start + value.len())
}

/// Returns a run of digits of an allowed length that is not the beginning of a longer number.
fn digits(view: &View<'_>, start: usize, allowed: RangeInclusive<usize>) -> Option<Range<usize>> {
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
fn spelled(view: &View<'_>, start: usize, allowed: RangeInclusive<usize>) -> Option<Range<usize>> {
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
pub(crate) fn entropy(value: &[u8]) -> f64 {
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
/// How many words may say what a value opens.
const MAX_PURPOSE: usize = 4;
/// Bytes that are looked at for the end of a value.
const MAX_VALUE: usize = 512;
/// Bytes up to which a value in quotation marks may be several words.
const MAX_QUOTED: usize = 256;
/// A longer token is no word and no joined words.
const MAX_WORDY: usize = 64;
/// The longest word that may stand between, in bytes.
const MAX_WORD: usize = 30;
/// Bytes before a "code" in which the word stands that says of what.
const MAX_BEFORE: usize = 32;
/// First words of the fields of a connection string whose names have more than one.
const FIELDS: [&str; 7] = ["User", "Initial", "Integrated", "Trusted", "Connection", "Data", "Persist"];
/// Bits a byte, where the word is "key" alone.
const MIN_WEAK_ENTROPY: f64 = 3.5;

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn announced_values_are_found() {
        for (text, value) in [
            ("my password is hunter2", "hunter2"),
            ("My Password: Tr0ub4dor&3!", "Tr0ub4dor&3!"),
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
            ("the password for the admin portal is Tr0ub4dor&3 ok", "Tr0ub4dor&3"),
            ("The password to the staging VPN gateway: Winter-2024x", "Winter-2024x"),
            ("das Passwort für den alten Drucker ist Regen77!", "Regen77!"),
            ("la contraseña del panel de control es Lluvia_88", "Lluvia_88"),
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
            "the password for the admin portal is required",
            "a token of my appreciation is coming",
        ] {
            assert_eq!(found(Class::Secret, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_card_behind_a_code_word_is_still_a_card() {
        assert_eq!(found(Class::Card, "cvv 4242 4242 4242 4242"), ["4242 4242 4242 4242"]);
    }
}
