//! Identifiers of countries and trades: one table of rules, one file per family, each rule with the source of its structure.
//!
//! A digit that the gate stops at leads to the run of letters and digits around it and to one or two short runs of letters in front of
//! it. At each of these starts the shapes that such a run can begin are tried, those that match are checked, and the words around decide.
//! Where several kinds fit one place, [`settle`] takes the one that a word names, the nearest first; then the better check.

mod africa;
mod asia;
mod au;
mod ca;
mod checks;
mod crypto;
mod de;
mod es;
mod india;
mod it;
mod kr;
mod national;
mod nordic;
mod pl;
mod rules;
mod shape;
mod uk;
mod us;
mod uuid;
mod words;

use std::ops::Range;
use std::sync::LazyLock;

use super::super::Class;
use super::super::class::ClassSet;
use super::super::explain::Stage;
use super::super::scan::View;
use super::{Hit, THRESHOLD};
use rules::Rule;
use shape::{Index, Match};

pub(in super::super) use words::words;

/// What is built once, as no policy changes it.
pub(crate) struct Ids {
    index: Index,
    classes: ClassSet,
}

impl Ids {
    /// Returns the one table of this process.
    pub(crate) fn shared() -> &'static Ids {
        static SHARED: LazyLock<Ids> = LazyLock::new(Ids::new);
        &SHARED
    }

    fn new() -> Self {
        let classes = rules().map(|rule| rule.class).chain([Class::Crypto]).collect();
        Ids { index: Index::new(rules()), classes }
    }

    /// Returns whether `view` looks for any identifier.
    pub(crate) fn wanted(&self, view: &View<'_>) -> bool {
        view.enabled.meets(self.classes)
    }

    /// Judges what can start at or directly before the digit at `here`, and returns up to where digits need no more looking at.
    /// `done` is what the call before returned.
    pub(crate) fn find(
        &self,
        view: &View<'_>,
        here: usize,
        done: usize,
        found: &mut Vec<Candidate>,
        hits: &mut Vec<Hit>,
    ) -> usize {
        let run = run_around(view.bytes, here, done);
        self.start(view, run.clone(), found);
        if run.len() >= CRYPTO_RUN && view.looks_for(Class::Crypto) {
            crypto::find(view, &run, hits);
        }
        if let Some(glued) = after_is(view, &run) {
            self.start(view, glued, found);
        }
        let mut start = run.start;
        for _ in 0..LETTER_RUNS {
            let Some(before) = letters_before(view.bytes, start, done) else { break };
            let last = before.len() > MAX_SECOND;
            start = before.start;
            self.start(view, before, found);
            if last {
                break;
            }
        }
        run.end
    }

    fn start(&self, view: &View<'_>, run: Range<usize>, found: &mut Vec<Candidate>) {
        for shape in self.index.shapes(view.bytes, &run) {
            if !view.looks_for(shape.rule.class) {
                continue;
            }
            let Some(matched) = shape.find(view.bytes, run.start) else { continue };
            if (shape.rule.check)(matched.signs()) && !is_part(view, &matched) {
                found.push(judge(view, shape.rule, &matched));
            }
        }
    }
}

/// A hit and how well it is supported against others at the same place.
pub(crate) struct Candidate {
    hit: Hit,
    /// How far the word that names it is; far beyond any window where there is none.
    distance: usize,
    checked: bool,
}

fn judge(view: &View<'_>, rule: &'static Rule, matched: &Match) -> Candidate {
    let span = matched.span.clone();
    let (small, large) = (count(view, &span, u8::is_ascii_lowercase), count(view, &span, u8::is_ascii_uppercase));
    let prose = matched.separated && !rule.checked && small > 0 && (large > 0 || matched.signs().len() < small + 3);
    let named =
        view.names(&span, rule.class).filter(|(_, distance)| if *distance == 0 { !rule.spoken } else { !prose });
    let score = match named {
        Some(_) => 85 + 10 * u8::from(rule.checked),
        None if small > 0 => rule.alone.min(20),
        None if rule.alone < CERTAIN && view.named_otherwise(&span) => rule.alone.saturating_sub(25),
        None => rule.alone,
    };
    let (stage, verdict) = (
        if named.is_some() { Stage::Context } else { Stage::Validate },
        if rule.checked { "structure and check digits hold" } else { "structure holds" },
    );
    let (word, distance) = named.map_or((None, usize::MAX), |(word, distance)| (Some(word), distance));
    let hit = Hit { class: rule.class, rule: rule.name, score, span, stage, verdict, word };
    Candidate { hit, distance, checked: rule.checked }
}

fn count(view: &View<'_>, span: &Range<usize>, kind: fn(&u8) -> bool) -> usize {
    view.bytes[span.clone()].iter().filter(|byte| kind(byte)).count()
}

/// Returns whether a match of digits is a piece of a longer number: a decimal, an amount, an international telephone number.
fn is_part(view: &View<'_>, matched: &Match) -> bool {
    let span = &matched.span;
    let byte = |at: Option<usize>| at.and_then(|at| view.bytes.get(at)).copied().unwrap_or(b' ');
    let (before, after) = (byte(span.start.checked_sub(1)), byte(Some(span.end)));
    let digit_before = byte(span.start.checked_sub(2)).is_ascii_digit();
    let digit_after = byte(Some(span.end + 1)).is_ascii_digit();
    if !matched.signs().iter().all(u8::is_ascii_digit) {
        let joined = |sign: u8| matches!(sign, b'-' | b'/' | b'@');
        return joined(before) && digit_before || joined(after) && digit_after;
    }
    let joins = |sign: u8| b"-./:".contains(&sign) || sign == b' ' && matched.separated;
    let money = view.text[..span.start].ends_with(['+', '$', '€', '£', '¥', '₹', '%']);
    money || after == b'%' || joins(before) && digit_before || joins(after) && digit_after
}

/// Returns the run of letters and digits around `here`, not reaching before `done`.
fn run_around(bytes: &[u8], here: usize, done: usize) -> Range<usize> {
    let before = bytes[done.min(here)..here].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let after = bytes[here..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let start = here - before;
    if start > 0 && (bytes[start - 1] == b'_' || bytes[start - 1].is_ascii_alphanumeric()) {
        return here + after..here + after;
    }
    start..here + after
}

/// Returns the short run of letters that ends one separator before `start`.
fn letters_before(bytes: &[u8], start: usize, done: usize) -> Option<Range<usize>> {
    let end = start.checked_sub(1).filter(|&end| end > done && b" -".contains(&bytes[end]))?;
    let letters =
        bytes[done..end].iter().rev().take(MAX_LETTERS + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let clean = end - letters == 0 || !matches!(bytes[end - letters - 1], b'_' | b'0'..=b'9');
    ((1..=MAX_LETTERS).contains(&letters) && clean).then_some(end - letters..end)
}

/// Returns the run without an "is" that somebody glued to it, as in "my code is030594".
fn after_is(view: &View<'_>, run: &Range<usize>) -> Option<Range<usize>> {
    let text = &view.bytes[run.clone()];
    (text.len() > 8 && text.starts_with(b"is") && text[2].is_ascii_digit()).then_some(run.start + 2..run.end)
}

/// Pushes the candidates as hits; of those at one place only the best keeps its score.
pub(crate) fn settle(mut found: Vec<Candidate>, hits: &mut Vec<Hit>) {
    found.sort_by_key(|one| {
        let weak = one.hit.score < THRESHOLD;
        (
            weak,
            one.distance,
            !one.checked,
            usize::MAX - one.hit.span.len(),
            one.hit.class.rank(),
            u8::MAX - one.hit.score,
        )
    });
    let mut taken = std::collections::BTreeMap::new();
    for Candidate { mut hit, .. } in found {
        let beaten = taken.range(..hit.span.end).next_back().is_some_and(|(_, end)| *end > hit.span.start);
        if hit.score >= THRESHOLD && beaten {
            hit.score = BEATEN;
        } else if hit.score >= THRESHOLD {
            taken.insert(hit.span.start, hit.span.end);
        }
        hits.push(hit);
    }
}

fn rules() -> impl Iterator<Item = &'static Rule> + Clone {
    const ALL: &[&[Rule]] = &[
        us::RULES,
        uk::RULES,
        de::RULES,
        es::RULES,
        it::RULES,
        pl::RULES,
        nordic::RULES,
        au::RULES,
        ca::RULES,
        india::RULES,
        kr::RULES,
        africa::RULES,
        asia::RULES,
        national::RULES,
        uuid::RULES,
    ];
    ALL.iter().flat_map(|family| family.iter())
}

/// From this score on, words that speak of something else change nothing.
const CERTAIN: u8 = 75;
/// The score of what another kind at the same place beats.
const BEATEN: u8 = 40;
/// Runs of letters that can stand before the first digit, as in `B AB 1234`.
const LETTER_RUNS: usize = 2;
/// The longest that another can stand before.
const MAX_SECOND: usize = 2;
/// The longest of them, as in the fiscal code of Italy.
const MAX_LETTERS: usize = 6;
/// The shortest wallet address.
const CRYPTO_RUN: usize = 14;

#[cfg(test)]
mod testing {
    use super::super::testing::{assumed, found};
    use crate::redaction::Class;

    /// Asserts that each stands alone.
    pub(super) fn stands(class: Class, values: &[&str]) {
        for value in values {
            assert_eq!(found(class, &format!("so {value}, ok?")), [*value]);
            assert_eq!(found(class, &format!("x{value}9")), [""; 0], "{value}");
        }
    }

    /// Asserts that each needs a word in front or behind.
    pub(super) fn only_named(class: Class, word: &str, values: &[&str]) {
        for value in values {
            assert_eq!(found(class, &format!("so {value}, ok?")), [""; 0], "{value}");
            assert_eq!(found(class, &format!("{word}: {value}.")), [*value]);
            assert_eq!(found(class, &format!("{value} ({word})")), [*value]);
        }
    }

    /// Asserts that none is found whatever the words say.
    pub(super) fn wrong(class: Class, values: &[&str]) {
        for value in values {
            assert_eq!(assumed(class, value), [""; 0], "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    /// Says what the page says of a class: whether it needs a word near it.
    fn need(class: Class) -> &'static str {
        let scores = rules().filter(|rule| rule.class == class).map(|rule| rule.alone);
        match (scores.clone().min(), scores.max()) {
            (Some(least), _) if least >= THRESHOLD => "no",
            (_, Some(most)) if most < THRESHOLD => "always",
            (Some(_), _) => "some ways of writing it do",
            (None, _) => "no",
        }
    }

    #[test]
    fn the_page_says_pack_and_need_of_every_class() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/redaction.md")).unwrap();
        let ids = Ids::shared();
        for &class in Class::ALL.iter().filter(|class| ids.classes.holds(**class)) {
            let pack = class.pack().map_or("none", crate::redaction::Pack::as_str);
            let begin = format!("| `{class}` | {pack} | ");
            let row =
                page.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("no row for {class}"));
            assert!(row.ends_with(&format!("| {} |", need(class))), "{class} needs a word: {}", need(class));
        }
        let rows = page.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 6);
        assert_eq!(rows.count(), Class::ALL.iter().filter(|class| ids.classes.holds(**class)).count());
    }

    #[test]
    fn every_class_of_a_pack_has_a_rule_and_a_word() {
        for &class in Class::ALL.iter().filter(|class| class.pack().is_some() && **class != Class::UsSsn) {
            assert!(rules().any(|rule| rule.class == class), "{class} has no rule");
            assert!(words().any(|(classes, _)| classes.contains(&class)), "{class} has no word");
        }
    }

    #[test]
    fn the_nearest_word_decides_between_kinds() {
        let text = "my bank account and my passport number: 123456789";
        assert_eq!((found(Class::UsPassport, text), found(Class::UsBankNumber, text)), (vec!["123456789"], vec![]));
        let text = "my passport and my bank account number: 123456789";
        assert_eq!((found(Class::UsPassport, text), found(Class::UsBankNumber, text)), (vec![], vec!["123456789"]));
    }

    #[test]
    fn a_word_of_another_thing_hides_the_name() {
        assert_eq!(found(Class::InPassport, "passport K1234567"), ["K1234567"]);
        assert_eq!(found(Class::InPassport, "with my passport I placed order K1234567"), [""; 0]);
    }

    #[test]
    fn pieces_of_longer_numbers_are_none() {
        for text in
            ["TFN 123 456 782 123", "TFN 123456782.50", "TFN $123456782", "TFN +123456782", "TFN 12-123-456-782"]
        {
            assert_eq!(found(Class::AuTfn, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn ordinary_talk_holds_none() {
        for text in [
            "I am in room 12 B at 11:15, pick me up at 6 with the car",
            "a car for 2 people on March 9th at 4:30 pm, $85.00 in total",
            "the order AB1234567 and part A123 BCD cost 123456789",
            "my license expires in 2026 and my flight is BA 1234",
        ] {
            let mut hits = Vec::new();
            crate::redaction::Engine::new(crate::redaction::Policy::default())
                .unwrap()
                .scan(text)
                .into_iter()
                .for_each(|one| hits.push(one.class));
            assert!(hits.iter().all(|class| !Ids::shared().classes.holds(*class)), "{text}: {hits:?}");
        }
    }
}
