//! Postal addresses by rule: a street word, a house number, and the postcode and town behind them, in the forms of many countries.
//!
//! What wakes a rule is a street word of [`words`] (by the automaton over cues), a cue such as "my address is", or a house number behind
//! a word that ends as streets do ("Musterstraße 12a"). Each rule finds the street line; [`tail`] adds what belongs to it.

mod cjk;
mod street;
mod tail;
mod token;
mod words;

use std::ops::Range;

use super::super::Class;
use super::super::explain::Stage;
use super::super::scan::{NumberRun, View};
use super::Hit;
use super::speech::Done;
use token::Line;
pub(crate) use token::Lines;

/// How a word stands in an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// A street type behind the name; whether it is an ordinary word too.
    Behind(bool),
    /// A street type before the name; whether it needs a capital.
    Before(bool),
    /// A part of a building.
    Unit,
    /// A box of the post.
    Box,
    /// A military post office.
    Military,
    /// What announces an address.
    Cue,
}

/// Returns every word that wakes this recognizer, as the automaton is to find it.
pub(crate) fn triggers() -> impl Iterator<Item = (String, Word)> {
    let spaced = |word: &str| format!(" {word}");
    let behind = words::BEHIND.iter().map(move |(word, common)| (spaced(word), Word::Behind(*common)));
    let before = words::BEFORE.iter().filter(|(word, _)| !words::BEHIND.iter().any(|(other, _)| other == word));
    let before = before.flat_map(move |(word, capital)| {
        let lone = (!capital).then(|| ((*word).to_owned(), Word::Before(*capital)));
        std::iter::once((spaced(word), Word::Before(*capital))).chain(lone)
    });
    let units = words::UNITS.iter().map(move |word| (spaced(word), Word::Unit));
    let units = units.chain(["apt", "suite", "flat", "unit"].map(|word| (format!("\n{word}"), Word::Unit)));
    let boxes = words::BOXES.iter().map(|word| ((*word).to_owned(), Word::Box));
    let military = ["apo a", "fpo a", "dpo a"].map(|word| (word.to_owned(), Word::Military));
    let cues = words::CUES.iter().map(|cue| ((*cue).to_owned(), Word::Cue));
    behind.chain(before).chain(units).chain(boxes).chain(military).chain(cues)
}

/// Judges the surroundings of the word at `span`.
pub(crate) fn find<'t>(view: &View<'t>, word: Word, span: Range<usize>, done: &mut Done<'t>, hits: &mut Vec<Hit>) {
    if !view.looks_for(Class::Address) || span.end <= done.street || !likely(view, word, &span) {
        return;
    }
    let first = view.bytes[span.start];
    let start = span.start + usize::from(matches!(first, b' ' | b'\n'));
    let whole = !view.joins(Some(span.end)) || matches!(word, Word::Military);
    if !whole || !view.text.is_char_boundary(start) || start > 0 && view.joins(Some(start - 1)) {
        return;
    }
    if matches!(word, Word::Before(true)) && view.bytes[start].is_ascii_lowercase() {
        return;
    }
    let line = done.lines.around(view.text, start);
    let core = match word {
        Word::Behind(common) => {
            street::behind(line, start, common).or_else(|| turned(line, &view.text[start..span.end], start))
        }
        Word::Before(capital) => street::before(line, start, capital),
        Word::Unit => street::unit(line, start),
        Word::Box => street::boxed(line, start),
        Word::Military => street::military(line, start),
        Word::Cue => street::announced(line, span.end),
    };
    let rule = match word {
        Word::Behind(_) | Word::Before(_) => "address_street",
        Word::Unit => "address_unit",
        Word::Box | Word::Military => "address_box",
        Word::Cue => "address_cue",
    };
    if let Some(core) = core {
        done.street = push(line, core, rule, hits).max(done.street);
    }
}

/// Judges a house number behind a word that ends as streets do, and the town, state and ZIP code of the United States.
pub(crate) fn number(view: &View<'_>, run: &NumberRun<'_>, hits: &mut Vec<Hit>) {
    let group = &run.groups[0];
    let Some(before) = group.start.checked_sub(2) else { return };
    if group.len() > 5 {
        return;
    }
    let (gap, last) = (view.bytes[before + 1], view.bytes[before]);
    if gap >= 0x80 {
        hits.extend(cjk::find(view.text, group));
    } else if gap == b' ' && (last.is_ascii_alphabetic() || last >= 0x80 || matches!(last, b'.' | b',')) {
        let ends = street::has_ending(view.text, before + 1);
        let zip = group.len() == 5 && last.is_ascii_uppercase();
        if ends || zip || last >= 0x80 {
            let line = Line::around(view.text, group.start);
            let core = if ends { street::ending(&line, group.start) } else { None };
            let core = core.or_else(|| if zip { street::zip(&line, group.start) } else { None });
            if let Some(core) = core {
                push(&line, core, "address_street", hits);
            } else if last >= 0x80 {
                hits.extend(cjk::find(view.text, group));
            }
        }
    }
}

/// Judges a word that stands before the name in other languages: `Avenue de la Gare 5`.
fn turned(line: &Line<'_>, word: &str, at: usize) -> Option<Core> {
    let (_, capital) = words::BEFORE.iter().find(|(before, _)| before.eq_ignore_ascii_case(word))?;
    street::before(line, at, *capital)
}

/// Tokens of a line that make a street.
pub(super) struct Core {
    tokens: Range<usize>,
    score: u8,
    /// Whether a part of a building is the last of it, behind which the town may follow without a sign.
    unit: bool,
}

fn push(line: &Line<'_>, core: Core, rule: &'static str, hits: &mut Vec<Hit>) -> usize {
    let end = tail::extend(line, core.tokens.end, core.unit);
    let span = line.tokens[core.tokens.start].span.start..line.tokens[end - 1].span.end;
    hits.push(Hit {
        class: Class::Address,
        rule,
        score: core.score,
        span: span.clone(),
        stage: Stage::Validate,
        verdict: "street line holds",
        word: None,
    });
    span.end
}

/// Returns whether a digit stands near enough for an address.
fn likely(view: &View<'_>, word: Word, span: &Range<usize>) -> bool {
    let digit = |range: Range<usize>| view.bytes[range].iter().any(u8::is_ascii_digit);
    let before = span.start.saturating_sub(48)..span.start;
    let after = span.end..view.bytes.len().min(span.end + 56);
    match word {
        Word::Behind(true) => digit(before),
        Word::Behind(false) | Word::Before(_) => digit(before) || digit(after),
        Word::Unit | Word::Box | Word::Military | Word::Cue => digit(after),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    fn all(forms: &[&str]) {
        for address in forms {
            assert_eq!(found(Class::Address, &format!("so it is {address}. ok?")), [*address], "{address}");
        }
    }

    #[test]
    fn english_forms() {
        all(&[
            "12 Rose Street",
            "221b Baker Street, London",
            "4500 North Oak Grove Avenue, Springfield, IL 62704",
            "100-15 Pine Road, East Town, NY 11369",
            "77 Church Lane, Suite 900, Austin TX 78701",
            "10806 north 32nd street",
            "1 Harbour Way",
            "9 Mill Rd, Cambridge CB1 2AB",
            "12 Wattle Crescent, Newtown NSW 2042",
            "P.O. Box 104",
            "Apt. 425",
        ]);
    }

    #[test]
    fn german_and_dutch_forms() {
        all(&[
            "Rosenstraße 12a, 10115 Berlin",
            "Lange Gasse 5, 80331 München",
            "Kirchplatz 3",
            "Prinsengracht 263, 1016 GV Amsterdam",
            "Dorpsstraat 14",
        ]);
    }

    #[test]
    fn romance_forms() {
        all(&[
            "12 bis rue de la Paix, 75002 Paris",
            "14 rue Victor Hugo, 69002 Lyon",
            "Calle Mayor 5, 3º B, 28013 Madrid",
            "Avenida de la Constitución, 22, 41004 Sevilla",
            "Via Garibaldi 12, 20121 Milano",
            "Rua das Flores, 123, 4050 Porto",
        ]);
    }

    #[test]
    fn slavic_nordic_and_other_forms() {
        all(&[
            "ul. Długa 5/7, 00-238 Warszawa",
            "Storgatan 12, 111 22 Stockholm",
            "Koskikatu 25",
            "Petőfi Sándor utca 8",
            "Atatürk Cad. No: 12 D: 5",
            "ул. Ленина, д. 5, кв. 12",
        ]);
    }

    #[test]
    fn cjk_forms() {
        for (text, address) in [
            ("住所は東京都千代田区丸の内1-2-3です", "東京都千代田区丸の内1-2-3"),
            ("我住在北京市朝阳区建国路88号", "北京市朝阳区建国路88号"),
            ("서울특별시 강남구 테헤란로 123 입니다", "서울특별시 강남구 테헤란로 123"),
        ] {
            assert_eq!(found(Class::Address, text), [address], "{text}");
        }
    }

    #[test]
    fn over_lines() {
        let text = "Ship to:\n 45 Elm Street\n Apt. 12\n Springfield\n United States 21959\n\nthanks";
        assert_eq!(found(Class::Address, text), ["45 Elm Street\n Apt. 12\n Springfield\n United States 21959"]);
    }

    #[test]
    fn ordinary_talk_is_none() {
        for text in [
            "it takes 5 minutes down the street",
            "we need 2 places at a good place",
            "there are 3 ways, one way or another",
            "I drive 20 miles to court",
            "on March 3 we drive via 5 towns",
            "in to 5 minutes",
            "room 204 on floor 3",
            "I have 2 dogs and live in a house",
            "a table for 4 at 11:15 am",
        ] {
            assert_eq!(found(Class::Address, text), [""; 0], "{text}");
        }
    }
}
