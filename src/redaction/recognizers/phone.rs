//! Telephone numbers, by their own grammar: how they are written decides, then the words around them.
//!
//! International numbers (ITU-T E.164: `+`, calling code, at most 15 digits) and the North American 3-3-4 stand alone. Other
//! national ways of writing are weaker, and bare digits need a word that names them.

use std::ops::Range;

use super::super::Class;
use super::super::context::Topic;
use super::super::explain::Stage;
use super::super::scan::{NumberRun, Support, View};
use super::{Hit, ip, phone_plans};

/// Pushes the best reading from each place in the run where a number can start.
pub(crate) fn find(view: &View<'_>, run: &NumberRun<'_>, hits: &mut Vec<Hit>) {
    let mut first = 0;
    while first < run.groups.len() {
        match best(view, run, first) {
            Some((last, hit)) => {
                first = if hit.score >= super::THRESHOLD { last + 1 } else { first + 1 };
                hits.push(hit);
            }
            None => first += 1,
        }
    }
}

/// How a number is written, and how much that alone says.
#[derive(Clone, Copy)]
struct Shape {
    rule: &'static str,
    score: u8,
}

fn best(view: &View<'_>, run: &NumberRun<'_>, first: usize) -> Option<(usize, Hit)> {
    if !run.starts_clean(view, first) || after_currency(view, run, first) {
        return None;
    }
    let mut digits = 0;
    let mut best: Option<(usize, Shape)> = None;
    for last in first..run.groups.len().min(first + MAX_GROUPS) {
        digits += run.groups[last].len();
        if digits > MAX_DIGITS {
            break;
        }
        let ended = run.ends_clean(view, last) || extension(view, run.groups[last].end).is_some();
        let shape = shape(view, run, first..last + 1, digits).filter(|_| ended);
        let better = |shape: &Shape| best.is_none_or(|(_, so_far)| shape.score >= so_far.score);
        best = shape.filter(better).map(|shape| (last, shape)).or(best);
    }
    best.map(|(last, shape)| (last, judge(view, run, first, last, shape)))
}

fn judge(view: &View<'_>, run: &NumberRun<'_>, first: usize, last: usize, shape: Shape) -> Hit {
    let end = run.groups[last].end;
    let span = opening(view, run, first)..extension(view, end).unwrap_or_else(|| closing(view, run, first, last));
    let support = view.support(&span, Topic::Phone);
    let hash = span.start.checked_sub(1).is_some_and(|at| view.bytes[at] == b'#');
    let score = match support {
        _ if shape.rule == "phone_international" => shape.score,
        _ if hash => shape.score.saturating_sub(25),
        Support::For(_) => (shape.score + 35).min(95),
        Support::Against(_) => shape.score.saturating_sub(25),
        Support::Silent => shape.score,
    };
    let stage = if support == Support::Silent { Stage::Validate } else { Stage::Context };
    Hit { class: Class::Phone, rule: shape.rule, score, span, stage, verdict: "grammar holds", word: support.word() }
}

fn shape(view: &View<'_>, run: &NumberRun<'_>, window: Range<usize>, digits: usize) -> Option<Shape> {
    let groups = &run.groups[window.clone()];
    if digits < 7 {
        return None;
    }
    if window.start == 0 && international(view, run, groups, digits) {
        return Some(Shape { rule: "phone_international", score: 85 });
    }
    if abroad(view, groups).is_some_and(|skip| digits >= skip + 8 && holds_plan(view, groups, skip, digits)) {
        return Some(Shape { rule: "phone_abroad", score: if groups.len() > 1 { 70 } else { 45 } });
    }
    if plus(view, run, window.start) || digits > 13 || is_something_else(view, run, &window) {
        return None;
    }
    if let Some(score) = north_american(view, run, &window) {
        return Some(Shape { rule: "phone_north_american", score });
    }
    let bracketed = groups.len() > 1 && is_bracketed(view, &groups[0]) && (2..=5).contains(&groups[0].len());
    let zero = view.bytes[groups[0].start] == b'0';
    let trunk =
        groups.len() > 2 && matches!(&view.text[groups[0].clone()], "0" | "8") && is_bracketed(view, &groups[1]);
    let score = match groups.len() {
        1 => 30,
        _ if bracketed && digits <= 11 || trunk && digits == 11 => 60,
        _ if zero && (9..=12).contains(&digits) && groups.iter().all(|group| group.len() > 1) => 55,
        _ if is_written(view, groups) => 55,
        _ if groups.iter().skip(1).all(|group| group.len() > 1) => 38,
        _ => return None,
    };
    Some(Shape { rule: "phone_national", score })
}

fn plus(view: &View<'_>, run: &NumberRun<'_>, first: usize) -> bool {
    run.groups[first].start.checked_sub(1).is_some_and(|at| view.bytes[at] == b'+')
}

/// Returns whether the number has a `+` and a length that its calling code allows.
fn international(view: &View<'_>, run: &NumberRun<'_>, groups: &[Range<usize>], digits: usize) -> bool {
    if !plus(view, run, 0) {
        return false;
    }
    holds_plan(view, groups, 0, digits)
}

/// Returns whether the digits after the first `skip` are a calling code and as many more as its plan has.
fn holds_plan(view: &View<'_>, groups: &[Range<usize>], skip: usize, digits: usize) -> bool {
    let head: String = groups.iter().flat_map(|group| view.text[group.clone()].chars()).skip(skip).take(3).collect();
    let trunk = usize::from(groups.iter().any(|group| group.len() == 1 && &view.text[group.clone()] == "0"));
    phone_plans::lengths(&head).is_some_and(|(min, max)| (min..=max + trunk).contains(&(digits - skip)))
}

/// Returns the digits of the prefix under which one calls abroad, `00` or `011`, that the number begins with.
fn abroad(view: &View<'_>, groups: &[Range<usize>]) -> Option<usize> {
    let first = &view.text[groups[0].clone()];
    match first {
        "011" if groups.len() > 2 => Some(3),
        _ if first.starts_with("00") && !first.starts_with("000") && first != "001" => Some(2),
        _ => None,
    }
}

/// Scores the numbering plan of North America: 3-3-4, with `1` or `001` in front or not.
fn north_american(view: &View<'_>, run: &NumberRun<'_>, window: &Range<usize>) -> Option<u8> {
    let groups = &run.groups[window.clone()];
    let text = |k: usize| &view.text[groups[k].clone()];
    let skip = usize::from(groups.len() > 1 && matches!(text(0), "1" | "001"));
    let (lengths, count) = lengths(&groups[skip..]);
    let lengths = &lengths[..count];
    let mut digits = groups[skip..].iter().flat_map(|group| view.bytes[group.clone()].iter().copied());
    let (area, exchange) = (digits.next()?, digits.nth(2)?);
    let assigned = area > b'1' && exchange > b'1';
    if area == b'0' {
        return None;
    }
    let bracketed = is_bracketed(view, &groups[skip]);
    match *lengths {
        [3, 3, 4] | [3, 7] | [6, 4] => {
            let first = window.start + skip;
            let spaced = (first..window.end - 1).all(|k| run.separator(view, k) == b" ");
            let slashed = (first..window.end - 1).any(|k| run.separator(view, k).contains(&b'/'));
            Some(match (lengths.len(), spaced || slashed, assigned) {
                (3, false, true) => 75,
                (3, false, false) => 60,
                (3, true, true) => 60,
                (2, _, true) if bracketed => 70,
                _ => 40,
            })
        }
        [10] if assigned => Some(35 + 5 * u8::from(skip == 1)),
        _ => None,
    }
}

/// Returns whether the groups are those of a plan that needs no zero in front: mobile phones of China, services of Australia.
fn is_written(view: &View<'_>, groups: &[Range<usize>]) -> bool {
    let (lengths, count) = lengths(groups);
    let first = &view.text[groups[0].clone()];
    match lengths[..count] {
        [3, 4, 4] => matches!(first.as_bytes(), [b'1', b'3'..=b'9', _]),
        [4, 3, 3] => matches!(first, "1300" | "1800"),
        _ => false,
    }
}

/// Returns how many digits each group has, and how many groups there are.
fn lengths(groups: &[Range<usize>]) -> ([usize; MAX_GROUPS], usize) {
    let mut lengths = [0; MAX_GROUPS];
    for (length, group) in lengths.iter_mut().zip(groups) {
        *length = group.len();
    }
    (lengths, groups.len().min(MAX_GROUPS))
}

/// Returns whether the groups read as a date, a span of years, an SSN, an internet address or a decimal fraction.
fn is_something_else(view: &View<'_>, run: &NumberRun<'_>, window: &Range<usize>) -> bool {
    let groups = &run.groups[window.clone()];
    let number = |k: usize| view.text[groups[k].clone()].parse::<u32>().unwrap_or(u32::MAX);
    let (lengths, count) = lengths(groups);
    let year = |k: usize| (1900..2100).contains(&number(k));
    let day = |a: usize, b: usize| number(a) <= 31 && number(b) <= 31 && number(a).min(number(b)) <= 12;
    let fraction = window.start > 0 && run.separator(view, window.start - 1) == b".";
    match lengths[..count] {
        [_] if fraction => true,
        [12] => view.text[groups[0].clone()].starts_with("09"),
        [1 | 2, 1 | 2, 4, ..] if year(2) && day(0, 1) => true,
        [4, 1 | 2, 1 | 2, ..] if year(0) && day(1, 2) => true,
        [4, 4, ..] if year(0) && year(1) => true,
        [8] if lone_date(&view.text[groups[0].clone()]) => true,
        [3, 2, 4] => run.separator(view, window.start) == b"-",
        [1 | 2, _] => run.separator(view, window.start) == b".",
        [_, _, _, _] => ip::is_quad(view, groups) && run.separator(view, window.start) == b".",
        _ => false,
    }
}

/// Returns whether eight digits read as `20240131`.
fn lone_date(digits: &str) -> bool {
    let part = |range: Range<usize>| digits.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    (1900..2100).contains(&part(0..4)) && (1..=12).contains(&part(4..6)) && (1..=31).contains(&part(6..8))
}

fn after_currency(view: &View<'_>, run: &NumberRun<'_>, first: usize) -> bool {
    view.text[..run.groups[first].start].trim_end_matches(' ').ends_with(['$', '€', '£', '¥', '₹', '%'])
}

fn is_bracketed(view: &View<'_>, group: &Range<usize>) -> bool {
    group.start.checked_sub(1).is_some_and(|at| view.bytes[at] == b'(') && view.bytes.get(group.end) == Some(&b')')
}

/// Returns where the number starts, with its `+` or bracket.
fn opening(view: &View<'_>, run: &NumberRun<'_>, first: usize) -> usize {
    let start = run.groups[first].start;
    let mark = |at: usize, mark: u8| at.checked_sub(1).filter(|&at| view.bytes[at] == mark);
    let start = mark(start, b'+').unwrap_or(start);
    let closes = view.bytes[run.groups[first].end..].first() == Some(&b')');
    if closes { mark(start, b'(').unwrap_or(start) } else { start }
}

/// Returns where the number ends: with the bracket, when it is all in brackets.
fn closing(view: &View<'_>, run: &NumberRun<'_>, first: usize, last: usize) -> usize {
    let end = run.groups[last].end;
    let open = view.bytes[opening(view, run, first)] == b'(';
    if open && first == last && view.bytes.get(end) == Some(&b')') { end + 1 } else { end }
}

/// Returns the end of an extension such as `x0135`, ` ext. 12` or ` #7` behind `end`.
fn extension(view: &View<'_>, end: usize) -> Option<usize> {
    let rest = &view.bytes[end..view.bytes.len().min(end + MAX_EXTENSION)];
    let spaces = |bytes: &[u8]| bytes.iter().take(2).take_while(|byte| matches!(byte, b' ' | b',')).count();
    let mark_at = spaces(rest);
    let is_mark =
        |mark: &&&[u8]| rest.get(mark_at..mark_at + mark.len()).is_some_and(|at| at.eq_ignore_ascii_case(mark));
    let mark: &[u8] = EXTENSION_MARKS.iter().find(is_mark)?;
    let mut at = mark_at + mark.len();
    at += rest[at..].iter().take(2).take_while(|byte| matches!(byte, b' ' | b'.' | b':')).count();
    let digits = rest[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = end + at + digits;
    ((1..=6).contains(&digits) && view.ends_clean(end)).then_some(end)
}

const MAX_DIGITS: usize = 18;
const MAX_GROUPS: usize = 8;
const MAX_EXTENSION: usize = 24;
const EXTENSION_MARKS: &[&[u8]] = &[
    b"extension",
    b"ext",
    b"x",
    b"#",
    b"durchwahl",
    b"poste",
    b"interno",
    b"anexo",
    b"ramal",
    b"wew",
    b"toestel",
    b"dahili",
];

#[cfg(test)]
mod tests {
    use super::super::testing::{assumed, found};
    use super::*;

    #[test]
    fn numbers_that_stand_alone() {
        for number in [
            "(415) 555-0132",
            "(415)555-0132",
            "415-555-0132",
            "415.555.0132",
            "1-800-555-0132",
            "001-415-555-0132",
            "+1 415-555-0132",
            "+44 (20) 7946 0018",
            "+33 1 42 68 53 00",
            "+46 (0)8 928 571 38",
            "+14155550132",
            "415-555-0132 ext. 12",
            "415-555-0132x0135",
            "(08) 8747 6301",
            "01.84.17.61.18",
            "078 8098 1119",
            "0049 151 23456789",
            "011 44 20 7946 0018",
            "0151/23456789",
            "089 1234567",
            "0 (532) 123 45 67",
            "8 (912) 345-67-89",
            "138-1234-5678",
            "1300 123 456",
            "0812-3456-7890",
            "(415) 5550132",
            "030 1234567 Durchwahl 12",
        ] {
            assert_eq!(found(Class::Phone, &format!("so {number}, ok?")), [number]);
        }
    }

    #[test]
    fn bare_digits_need_a_word() {
        for number in ["4155550132", "668 5702", "28-64-66-98", "99 668472"] {
            assert_eq!(found(Class::Phone, &format!("so {number}, ok")), [""; 0]);
            assert_eq!(found(Class::Phone, &format!("call me on {number}, ok")), [number]);
            assert_eq!(found(Class::Phone, &format!("order {number}, ok")), [""; 0]);
            assert_eq!(assumed(Class::Phone, number), [number]);
        }
    }

    #[test]
    fn two_numbers_in_a_row_are_two() {
        assert_eq!(found(Class::Phone, "415-555-0132 415-555-0133"), ["415-555-0132", "415-555-0133"]);
    }

    #[test]
    fn other_numbers_are_none() {
        for text in [
            "call on 05-20-2021",
            "call on 2021-05-21",
            "call 192.168.10.100",
            "call about $1900000000",
            "call 2019-2020",
            "phone costs 37.7749295",
            "call 20240131",
            "a4155550132",
            "415-555-0132a",
        ] {
            assert_eq!(found(Class::Phone, text), [""; 0], "{text}");
        }
    }
}
