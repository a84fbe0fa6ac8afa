//! What the tagger and the network take for a name and is none: terms of trade, state codes, words that begin a sentence, works and houses.

use super::NameSpan;
use crate::redaction::Class;

/// Returns whether the finding may stand.
pub(super) fn holds(text: &str, found: &NameSpan) -> bool {
    let (Some(inner), Some(before), Some(after)) =
        (text.get(found.span.clone()), text.get(..found.span.start), text.get(found.span.end..))
    else {
        return true;
    };
    if words(inner).all(|word| listed(TERMS, word)) {
        return false;
    }
    found.class != Class::Person
        || !(is_state(before, inner) || asks(before, inner, after) || is_work(before) || is_house(inner, after))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|word| !word.is_empty())
}

fn listed(list: &[&str], word: &str) -> bool {
    let word = word.to_lowercase();
    list.contains(&word.as_str())
}

/// Returns whether it is two capitals behind the comma of a town: `Fresno, CA`.
fn is_state(before: &str, inner: &str) -> bool {
    inner.len() == 2 && inner.bytes().all(|byte| byte.is_ascii_uppercase()) && before.ends_with(", ")
}

/// Returns whether it is the first word of a question: "Will it rain?".
fn asks(before: &str, inner: &str, after: &str) -> bool {
    let begins = before.trim_end().is_empty() || before.trim_end().ends_with(['.', '!', '?', '\n']);
    let next = after.strip_prefix(' ').and_then(|rest| words(rest).next()).unwrap_or_default();
    begins && matches!(inner, "Will" | "May") && PRONOUNS.contains(&next)
}

/// Returns whether the word before says that it is the name of a work.
fn is_work(before: &str) -> bool {
    let last = |text: &str| text.trim_end().rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_owned();
    before.ends_with(' ') && listed(WORKS, &last(before))
}

/// Returns whether it is the name of a house or a business: it ends in the word for one, or such a word follows.
fn is_house(inner: &str, after: &str) -> bool {
    let after = after.strip_prefix("'s").or_else(|| after.strip_prefix("'S")).unwrap_or(after);
    let next = after.strip_prefix(' ').and_then(|rest| rest.split(|c: char| !c.is_alphabetic()).next());
    let capital = |word: &str| word.starts_with(char::is_uppercase) && listed(HOUSES, word);
    words(inner).last().is_some_and(capital) && words(inner).count() > 1 || next.is_some_and(capital)
}

const PRONOUNS: &[&str] =
    &["it", "there", "you", "the", "that", "this", "we", "they", "he", "she", "i", "I", "my", "be"];
const WORKS: &[&str] = &["song", "album", "movie", "film", "musical", "novel", "titled", "subtitles"];
const HOUSES: &[&str] = &[
    "salon",
    "restaurant",
    "kitchen",
    "cuisine",
    "theater",
    "theatre",
    "hotel",
    "bridge",
    "cafe",
    "airport",
    "playhouse",
    "barbershop",
    "bistro",
    "grill",
    "museum",
    "terrace",
    "stadium",
    "auditorium",
    "amphitheater",
    "concert",
    "pizzeria",
    "brewery",
    "bakery",
];
const TERMS: &[&str] = &[
    "iban",
    "bic",
    "mac",
    "ip",
    "otp",
    "pin",
    "ssn",
    "pan",
    "vat",
    "pesel",
    "cpf",
    "cnpj",
    "bsn",
    "dni",
    "nif",
    "curp",
    "rfc",
    "aadhaar",
    "aadhar",
    "снилс",
    "инн",
    "дату",
    "tc",
    "steuer",
    "steuer-id",
    "meine",
    "ausweis",
    "nacimiento",
    "nascimento",
    "nascita",
    "naissance",
    "svp",
    "kripya",
    "aapko",
    "apna",
    "batayein",
    "hai",
    "woh",
    "mila",
    "bhej",
    "diya",
    "conn",
    "wifi",
    "pw",
    "pwd",
    "thanks",
    "thank",
    "thx",
    "goodbye",
    "bye",
    "max",
    "rodné",
    "číslo",
    "numer",
    "numero",
    "número",
    "numéro",
    "cvv",
    "cvc",
    "url",
    "api",
    "usb",
    "pdf",
    "gps",
    "sms",
    "pricey",
    "id",
];

/// Keeps what holds.
pub(super) fn sift(text: &str, found: &mut Vec<NameSpan>) {
    found.retain(|found| holds(text, found));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(text: &str, name: &str) -> bool {
        let start = text.find(name).unwrap();
        let span = start..start + name.len();
        holds(text, &NameSpan { class: Class::Person, span, score: 80, rule: "test", verdict: "" })
    }

    #[test]
    fn terms_states_questions_works_and_houses_are_no_names() {
        for (text, name) in [
            ("the IBAN please", "IBAN"),
            ("from Salem, OR to here", "OR"),
            ("Will it snow?", "Will"),
            ("play the song Ophelia now", "Ophelia"),
            ("at Edgar's Salon today", "Edgar"),
            ("the Rosa Bridge is", "Rosa Bridge"),
        ] {
            assert!(!person(text, name), "{text}");
        }
    }

    #[test]
    fn people_stay() {
        for (text, name) in [
            ("Will Turner called", "Will Turner"),
            ("Will called", "Will"),
            ("ask Ophelia about the song", "Ophelia"),
            ("Rosa at the hotel", "Rosa"),
            ("it is Edgar's", "Edgar"),
        ] {
            assert!(person(text, name), "{text}");
        }
    }
}
