//! Payment cards: ISO/IEC 7812 length and issuer range, and the Luhn check digit of its annex B.

use std::ops::Range;

use super::super::Class;
use super::super::context::Topic;
use super::super::explain::Stage;
use super::super::scan::{NumberRun, Support, View};
use super::Hit;

/// Pushes every card in the run: windows of groups with 12 to 19 digits.
pub(crate) fn find(view: &View<'_>, run: &NumberRun<'_>, hits: &mut Vec<Hit>) {
    if run.digits < MIN_DIGITS {
        return;
    }
    for first in 0..run.groups.len() {
        let before = run.groups[first].start.checked_sub(1).map(|at| view.bytes[at]);
        if run.starts_clean(view, first) && before != Some(b'+') {
            from(view, run, first, hits);
        }
    }
}

/// Returns whether `digits` (values 0 to 9) pass the Luhn check.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, &d)| u32::from(if at % 2 == 1 { doubled(d) } else { d })).sum();
    sum.is_multiple_of(10)
}

fn from(view: &View<'_>, run: &NumberRun<'_>, first: usize, hits: &mut Vec<Hit>) {
    let mut digits = [0; MAX_DIGITS];
    let mut count = 0;
    for (last, group) in run.groups.iter().enumerate().skip(first) {
        if count + group.len() > MAX_DIGITS {
            return;
        }
        for (slot, byte) in digits[count..].iter_mut().zip(&view.bytes[group.clone()]) {
            *slot = byte - b'0';
        }
        count += group.len();
        if count >= MIN_DIGITS && run.ends_clean(view, last) {
            hits.extend(judge(view, run, first..last + 1, &digits[..count]));
        }
    }
}

fn judge(view: &View<'_>, run: &NumberRun<'_>, window: Range<usize>, digits: &[u8]) -> Option<Hit> {
    let issuer = issuer(digits);
    let span = run.groups[window.start].start..run.groups[window.end - 1].end;
    let hit = |score, verdict, word: Option<&'static str>| {
        let stage = if word.is_some() { Stage::Context } else { Stage::Validate };
        Hit { class: Class::Card, rule: "card", score, span: span.clone(), stage, verdict, word }
    };
    if !luhn(digits) || digits.iter().all(|digit| *digit == digits[0]) {
        let close = issuer == Issuer::Strong && is_plain(view, run, &window);
        return close.then(|| hit(20, "issuer range holds, check digit fails", None));
    }
    let plain = is_plain(view, run, &window);
    let base = match (plain, issuer) {
        (true, Issuer::Strong) => return Some(hit(95, "issuer range and check digit hold", None)),
        (true, Issuer::Weak) => 50,
        (true, Issuer::Unknown) => 30,
        (false, Issuer::Unknown) => return None,
        (false, _) => 40,
    };
    match view.support(&span, Topic::Card) {
        Support::For(word) => Some(hit(base + 40, "check digit holds, words speak for it", Some(word))),
        Support::Against(word) => Some(hit(base - 15, "check digit holds, words speak against", Some(word))),
        Support::Silent => Some(hit(base, "check digit holds, form or issuer is weak", None)),
    }
}

/// Returns whether the digits are written as cards are: in one piece, or in the usual groups with one kind of separator.
fn is_plain(view: &View<'_>, run: &NumberRun<'_>, window: &Range<usize>) -> bool {
    let groups = &run.groups[window.clone()];
    if let [group] = groups {
        let decimal =
            window.start > 0 && run.separator(view, window.start - 1) == b"." && run.groups[window.start - 1].len() < 4;
        return !decimal || group.len() < MIN_DIGITS;
    }
    let lengths = groups.iter().map(ExactSizeIterator::len);
    if !LAYOUTS.iter().any(|layout| lengths.clone().eq(layout.iter().copied())) {
        return false;
    }
    let separator = run.separator(view, window.start);
    let same = (window.start..window.end - 1).all(|k| run.separator(view, k) == separator);
    same && separator.len() == 1 && b" -.".contains(&separator[0])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Issuer {
    /// The range and the length leave little room for chance.
    Strong,
    /// A short number, or a range that much else falls in.
    Weak,
    /// No network is known to use the range; only a word can make it a card.
    Unknown,
}

/// Returns how well the issuer identification number and the length go together.
///
/// Ranges as published by the networks (collected in Wikipedia's "Payment card number").
fn issuer(digits: &[u8]) -> Issuer {
    let prefix = |n: usize| digits[..n].iter().fold(0, |value: u32, digit| value * 10 + u32::from(*digit));
    let (two, three, four, six) = (prefix(2), prefix(3), prefix(4), prefix(6));
    let length = digits.len();
    let strong = match length {
        13 => digits[0] == 4,
        14 => matches!(three, 300..=305 | 309) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37) || matches!(four, 1800 | 2131),
        16..=19 => {
            digits[0] == 4
                || (matches!(two, 51..=55) || matches!(four, 2221..=2720)) && length == 16
                || matches!(four, 2200..=2204 | 3528..=3589 | 6011 | 9792)
                || matches!(three, 300..=305 | 309 | 636 | 644..=649)
                || matches!(two, 36 | 38 | 39 | 50 | 56..=58 | 60 | 62 | 63 | 65 | 67 | 81 | 82)
                || six == 357_111
        }
        _ => false,
    };
    let weak = length == 15 && digits[0] == 1 || matches!(two, 50 | 56..=69);
    match (strong, weak) {
        (true, _) => Issuer::Strong,
        (_, true) => Issuer::Weak,
        _ => Issuer::Unknown,
    }
}

const MIN_DIGITS: usize = 12;
const MAX_DIGITS: usize = 19;

const LAYOUTS: [&[usize]; 7] =
    [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3], &[4, 4, 4, 4, 2], &[4, 4, 4, 4, 1], &[4, 5, 6]];

#[cfg(test)]
mod tests {
    use super::super::testing::{assumed, found};
    use super::*;

    #[test]
    fn luhn_accepts_the_sample_of_the_standard_only() {
        let digits = [7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3];
        assert!(luhn(&digits));
        for check in 0..10 {
            let mut wrong = digits;
            wrong[10] = check;
            assert_eq!(luhn(&wrong), check == 3);
        }
    }

    #[test]
    fn the_networks_own_test_numbers_are_found() {
        for number in [
            "4242424242424242",
            "5555555555554444",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "2223003122003222",
            "6200000000000005",
            "4222222222222",
        ] {
            assert_eq!(found(Class::Card, number), [number]);
        }
    }

    #[test]
    fn usual_groupings_are_found() {
        for number in ["4242 4242 4242 4242", "4242-4242-4242-4242", "3782 822463 10005", "4242.4242.4242.4242"] {
            assert_eq!(found(Class::Card, &format!("it is {number}, ok")), [number]);
        }
    }

    #[test]
    fn a_wrong_check_digit_is_no_card() {
        assert_eq!(found(Class::Card, "card 4242424242424241"), [""; 0]);
    }

    #[test]
    fn unusual_groupings_need_a_word() {
        assert_eq!(found(Class::Card, "42 42424242 424242"), [""; 0]);
        assert_eq!(found(Class::Card, "my card: 42 42424242 424242"), ["42 42424242 424242"]);
        assert_eq!(assumed(Class::Card, "42 42424242 424242"), ["42 42424242 424242"]);
    }

    #[test]
    fn a_range_of_no_known_network_needs_a_word() {
        assert_eq!(found(Class::Card, "3598899323053410"), [""; 0]);
        assert_eq!(found(Class::Card, "my card 3598899323053410"), ["3598899323053410"]);
    }

    #[test]
    fn expiry_and_code_behind_do_not_hide_the_card() {
        assert_eq!(found(Class::Card, "4242 4242 4242 4242 12/29 123"), ["4242 4242 4242 4242"]);
    }

    #[test]
    fn identifiers_and_fractions_are_no_cards() {
        assert_eq!(found(Class::Card, "a4242424242424242"), [""; 0]);
        assert_eq!(found(Class::Card, "0.4242424242424242"), [""; 0]);
        assert_eq!(found(Class::Card, "0000000000000000"), [""; 0]);
    }
}
