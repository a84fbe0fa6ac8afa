//! Dates that a cue such as "born on" or "DOB" makes a date of birth.

mod words;

use super::super::Class;
use super::super::explain::Stage;
use super::super::floor_boundary;
use super::super::scan::View;
use super::cues::Cue;
use super::{Hit, secret};

pub(super) use words::BIRTHS;

/// Pushes the date that follows the cue which ends at `end`.
pub(crate) fn find(view: &View<'_>, cue: Cue, end: usize, hits: &mut Vec<Hit>) {
    let start = secret::assignment(view, end).start;
    let window = &view.text[start..floor_boundary(view.text, start + MAX_DATE)];
    let long = &view.text[start..floor_boundary(view.text, start + MAX_SAID)];
    let Some(length) = date(window).into_iter().chain(said(view, long)).max() else { return };
    let span = start..start + length;
    if !view.ends_clean(span.end) {
        return;
    }
    let verdict = "cue and date hold";
    hits.push(Hit {
        class: Class::DateOfBirth,
        rule: "date_of_birth",
        score: 80,
        span,
        stage: Stage::Cue,
        verdict,
        word: Some(cue.word),
    });
}

/// Returns the length of the date in words at the start of `text`: "the twelfth of June eighty four", "march third nineteen seventy".
/// The name of the month must be there, and a number in words.
pub(crate) fn said(view: &View<'_>, text: &str) -> Option<usize> {
    let numbers = view.tables.cues().speech().words();
    let (mut at, mut end, mut months, mut counted) = (0, 0, 0, 0);
    for _ in 0..MAX_WORDS {
        let gap = text[at..].find(|c| !matches!(c, ' ' | ',' | '-' | '.')).filter(|gap| *gap <= 2)?;
        let rest = &text[at + gap..];
        let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let word = rest[..length].to_lowercase();
        let digits = (1..=4).contains(&length) && word.bytes().all(|byte| byte.is_ascii_digit());
        let joins = JOINING.contains(&word.as_str());
        // Some months are also numbers ("mars", "sept"), and some numbers begin a month ("mar"): the month is once.
        if months == 0 && is_month(&word) {
            months += 1;
        } else if !joins && (words::is_ordinal(&word) || word.len() > 2 && numbers.says(&word)) {
            counted += 1;
        } else if !digits && !joins {
            break;
        }
        at += gap + length;
        if !joins {
            end = at;
        }
        if at == text.len() {
            break;
        }
    }
    (months == 1 && counted > 0).then_some(end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Number,
    Month,
}

/// Returns the length of the date at the start of `text`: day, month and year in any usual order, the month as number or name.
pub(crate) fn date(text: &str) -> Option<usize> {
    let mut parts = Vec::new();
    let (mut at, mut end) = (0, None);
    while parts.len() < 3 {
        let (part, length) = part(&text[at..])?;
        parts.extend(part);
        at += length;
        if is_date(&parts) {
            end = Some(at);
        }
        let gap = gap(&text[at..]);
        if end == Some(at) && parts.len() == 3 && text[at..].starts_with(['日', '일']) {
            end = Some(at + '日'.len_utf8());
        }
        if gap == 0 || part_missing(&text[at + gap..]) {
            break;
        }
        at += gap;
    }
    end
}

/// Returns the length of what stands between two parts of a date: two signs at most, or the counters of East Asia.
fn gap(text: &str) -> usize {
    let inner = |c: &char| " -/.,年月년월".contains(*c);
    text.chars().take(2).take_while(inner).map(char::len_utf8).sum()
}

fn part_missing(text: &str) -> bool {
    part(text).is_none()
}

fn is_date(parts: &[Part]) -> bool {
    use Part::{Month, Number, Year};
    matches!(
        parts,
        [Year, Number, Number]
            | [Number, Number, Year | Number]
            | [Number, Month, Year | Number]
            | [Month, Number, Year]
            | [Number, Month]
            | [Month, Number]
            | [Month, Year]
            | [Year, Month, Number]
    )
}

/// Returns the part at the start of `text` and its length; words such as "of" are no part but have a length.
fn part(text: &str) -> Option<(Option<Part>, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        let value: u32 = text[..digits].parse().ok()?;
        let suffix = ["st", "nd", "rd", "th"]
            .iter()
            .any(|suffix| text.get(digits..digits + 2).is_some_and(|at| at.eq_ignore_ascii_case(suffix)));
        return match digits {
            1 | 2 if value <= 99 => Some((Some(Part::Number), digits + 2 * usize::from(suffix))),
            4 if (1850..2100).contains(&value) => Some((Some(Part::Year), digits)),
            _ => None,
        };
    }
    let letters = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let word = text[..letters].to_lowercase();
    if matches!(word.as_str(), "of" | "the" | "on" | "de" | "del" | "di" | "den" | "der" | "d") {
        return Some((None, letters));
    }
    is_month(&word).then_some((Some(Part::Month), letters))
}

/// Returns whether the word is the name of a month, or its first three letters and more.
pub(crate) fn is_month(word: &str) -> bool {
    let word = word.to_lowercase();
    word.len() >= 3
        && (MONTHS.iter().any(|month| month.starts_with(&word)) || FOREIGN.iter().any(|month| *month == word))
}

const MAX_DATE: usize = 40;
/// Bytes and words of a date in words.
const MAX_SAID: usize = 96;
const MAX_WORDS: usize = 10;
/// Words within a date that are no part of it.
const JOINING: &[&str] = &[
    "of", "the", "on", "in", "and", "thousand", "de", "del", "di", "von", "den", "der", "am", "le", "el", "mil",
    "mille", "y", "et", "e",
];
/// Months in the languages that customers write in, in the forms that dates have.
#[rustfmt::skip]
const FOREIGN: &[&str] = &[
    "januar", "jänner", "februar", "feber", "märz", "mai", "juni", "juli", "oktober", "dezember", "janvier", "février",
    "fevrier", "mars", "avril", "juin", "juillet", "août", "aout", "septembre", "octobre", "novembre", "décembre",
    "decembre", "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "setiembre",
    "octubre", "noviembre", "diciembre", "gennaio", "febbraio", "aprile", "maggio", "giugno", "luglio", "settembre",
    "ottobre", "dicembre", "janeiro", "fevereiro", "março", "marco", "maio", "junho", "julho", "setembro", "outubro",
    "novembro", "dezembro", "januari", "februari", "maart", "mei", "augustus", "stycznia", "lutego", "marca",
    "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia", "ocak",
    "şubat", "mart", "nisan", "mayıs", "haziran", "temmuz", "ağustos", "eylül", "ekim", "kasım", "aralık", "января",
    "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря",
    "जनवरी", "फरवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर",
    "يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر",
];
const MONTHS: [&str; 13] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "sept",
    "october",
    "november",
    "december",
];

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn announced_dates_are_found() {
        for (text, value) in [
            ("date of birth: 12/03/1985.", "12/03/1985"),
            ("DOB 1985-03-12", "1985-03-12"),
            ("I was born on 3 May 1985 in", "3 May 1985"),
            ("born on the 3rd of May 1985", "3rd of May 1985"),
            ("my birthday is May 3rd, 1985!", "May 3rd, 1985"),
            ("birthday is 3rd March", "3rd March"),
        ] {
            assert_eq!(found(Class::DateOfBirth, text), [value], "{text}");
        }
    }

    #[test]
    fn other_dates_are_none() {
        for text in ["on 12/03/1985", "born in 12 cities", "my birthday is tomorrow", "born on 99999"] {
            assert_eq!(found(Class::DateOfBirth, text), [""; 0], "{text}");
        }
    }
}
