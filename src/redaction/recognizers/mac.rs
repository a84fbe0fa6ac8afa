//! Hardware addresses: six octets with colons or hyphens, or three groups of four with dots (IEEE 802 EUI-48).

use std::ops::Range;

use super::super::Class;
use super::super::explain::Stage;
use super::super::scan::View;
use super::Hit;

/// Judges a span of hexadecimal digits and colons.
pub(crate) fn find_colons(view: &View<'_>, span: &Range<usize>, hits: &mut Vec<Hit>) {
    let text = &view.bytes[span.clone()];
    if text.len() == 17 && is_grouped(text, 2, b':') {
        push(view, span.clone(), hits);
    }
}

/// Judges the address whose first separator is the `-` or `.` at `at`, and returns up to where these separators need no
/// more looking at.
pub(crate) fn find_separated(view: &View<'_>, at: usize, hits: &mut Vec<Hit>) -> usize {
    let (group, total) = if view.bytes[at] == b'-' { (2, 17) } else { (4, 14) };
    let Some(start) = at.checked_sub(group) else { return at + 1 };
    let Some(text) = view.bytes.get(start..start + total) else { return at + 1 };
    let telling = view.assume_context || text.iter().any(u8::is_ascii_alphabetic);
    if !view.looks_for(Class::Mac) || !is_grouped(text, group, view.bytes[at]) || !telling {
        return at + 1;
    }
    push(view, start..start + total, hits);
    start + total
}

fn is_grouped(text: &[u8], group: usize, separator: u8) -> bool {
    text.iter()
        .enumerate()
        .all(|(at, byte)| if at % (group + 1) == group { *byte == separator } else { byte.is_ascii_hexdigit() })
}

fn push(view: &View<'_>, span: Range<usize>, hits: &mut Vec<Hit>) {
    let digits = view.bytes[span.clone()].iter().filter(|byte| byte.is_ascii_hexdigit());
    let personal =
        !digits.clone().all(|byte| *byte == b'0') && !digits.clone().all(|byte| byte.eq_ignore_ascii_case(&b'f'));
    if view.starts_clean(span.start) && view.ends_clean(span.end) && personal {
        let verdict = "six octets";
        hits.push(Hit { class: Class::Mac, rule: "mac", score: 85, span, stage: Stage::Validate, verdict, word: None });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn the_three_notations_are_found() {
        for address in ["02:00:5e:10:00:ff", "AA-BB-CC-DD-EE-0F", "0200.5e10.00ff", "aa:bb:cc:dd:ee:0f"] {
            assert_eq!(found(Class::Mac, &format!("MAC: {address}.")), [address]);
        }
    }

    #[test]
    fn broadcast_short_long_and_mixed_are_none() {
        for text in
            ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "02:00:5e:10:00", "02:00:5e:10:00:ff:01", "02:00:5e-10-00-ff"]
        {
            assert_eq!(found(Class::Mac, text), [""; 0], "{text}");
        }
    }
}
