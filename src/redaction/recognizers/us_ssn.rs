//! Social security numbers of the United States: area, group and serial that have been or can be issued.
//!
//! <https://www.ssa.gov/employer/randomization.html>: areas 000, 666 and 900 to 999, group 00 and serial 0000 are never given.

use std::ops::Range;

use super::super::Class;
use super::super::context::Topic;
use super::super::explain::Stage;
use super::super::scan::{NumberRun, Support, View};
use super::Hit;

/// Pushes every number of nine digits, in one piece or written 3-2-4.
pub(crate) fn find(view: &View<'_>, run: &NumberRun<'_>, hits: &mut Vec<Hit>) {
    for (first, group) in run.groups.iter().enumerate() {
        if group.len() == 9 {
            judge(view, run, first..first + 1, 30, hits);
        } else if let Some(score) = written(view, run, first) {
            judge(view, run, first..first + 3, score, hits);
        }
    }
}

fn layout(run: &NumberRun<'_>, first: usize) -> bool {
    run.groups.get(first + 1).is_some_and(|group| group.len() == 2)
        && run.groups.get(first + 2).is_some_and(|group| group.len() == 4)
}

/// Returns the score of the way it is written; nothing when it is not 3-2-4, or a piece of something longer.
fn written(view: &View<'_>, run: &NumberRun<'_>, first: usize) -> Option<u8> {
    if run.groups[first].len() != 3 || !layout(run, first) {
        return None;
    }
    let separator = run.separator(view, first);
    if separator != run.separator(view, first + 1) {
        return None;
    }
    let longer = |k: usize| separator != b" " && run.separator(view, k) == separator;
    if first > 0 && longer(first - 1) || first + 3 < run.groups.len() && longer(first + 2) {
        return None;
    }
    match separator {
        b"-" => Some(80),
        b"." => Some(55),
        b" " => Some(50),
        _ => None,
    }
}

fn judge(view: &View<'_>, run: &NumberRun<'_>, window: Range<usize>, base: u8, hits: &mut Vec<Hit>) {
    let last = window.end - 1;
    if !run.starts_clean(view, window.start) || !run.ends_clean(view, last) {
        return;
    }
    let span = run.groups[window.start].start..run.groups[last].end;
    let digits = view.bytes[span.clone()].iter().filter(|byte| byte.is_ascii_digit());
    let number = digits.fold(0, |value: u32, digit| value * 10 + u32::from(digit - b'0'));
    let (score, verdict, word) = if !issued(number) {
        (10, "never issued", None)
    } else {
        match view.support(&span, Topic::Ssn) {
            Support::For(word) => (95, "can be issued", Some(word)),
            Support::Against(word) => (base - 10, "can be issued, words speak against", Some(word)),
            Support::Silent => (base, "can be issued", None),
        }
    };
    let stage = if word.is_some() { Stage::Context } else { Stage::Validate };
    hits.push(Hit { class: Class::UsSsn, rule: "us_ssn", score, span, stage, verdict, word });
}

fn issued(number: u32) -> bool {
    let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
    !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0 && !ADVERTISED.contains(&number)
}

/// Numbers printed in advertisements, and therefore withdrawn.
const ADVERTISED: [u32; 3] = [78_051_120, 219_099_999, 457_555_462];

#[cfg(test)]
mod tests {
    use super::super::testing::{assumed, found};
    use super::*;

    #[test]
    fn hyphens_are_enough() {
        assert_eq!(found(Class::UsSsn, "it's 536-22-8726."), ["536-22-8726"]);
    }

    #[test]
    fn bare_digits_need_a_word() {
        assert_eq!(found(Class::UsSsn, "536228726"), [""; 0]);
        assert_eq!(found(Class::UsSsn, "SSN 536228726"), ["536228726"]);
        assert_eq!(assumed(Class::UsSsn, "536228726"), ["536228726"]);
    }

    #[test]
    fn numbers_that_are_never_issued_are_none() {
        for text in ["000-12-3456", "666-12-3456", "900-12-3456", "536-00-3456", "536-22-0000", "078-05-1120"] {
            assert_eq!(found(Class::UsSsn, &format!("ssn {text}")), [""; 0], "{text}");
        }
    }

    #[test]
    fn pieces_of_longer_numbers_are_none() {
        assert_eq!(found(Class::UsSsn, "1-536-22-8726-5"), [""; 0]);
        assert_eq!(found(Class::UsSsn, "536-22 8726"), [""; 0]);
    }
}
