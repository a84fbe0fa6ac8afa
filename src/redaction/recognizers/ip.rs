//! Internet addresses, IPv4 (RFC 791) and IPv6 (RFC 4291, zones of RFC 4007), with a prefix length where one is written.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::super::Class;
use super::super::context::Topic;
use super::super::explain::Stage;
use super::super::scan::{NumberRun, Support, View};
use super::{Hit, mac};

/// Pushes every dotted quad of the run.
pub(crate) fn find_v4(view: &View<'_>, run: &NumberRun<'_>, hits: &mut Vec<Hit>) {
    let dotted = |k: usize| run.separator(view, k) == b".";
    let count = run.groups.len();
    let mut first = 0;
    while first + 4 <= count {
        let mut last = first;
        while last + 1 < count && dotted(last) {
            last += 1;
        }
        if last - first == 3 && run.starts_clean(view, first) && run.ends_clean(view, last) {
            judge_v4(view, run, first, hits);
        }
        first = last + 1;
    }
}

/// Returns whether the four groups from `first` are a dotted quad of octets without leading zeros.
pub(crate) fn is_quad(view: &View<'_>, groups: &[Range<usize>]) -> bool {
    groups.len() == 4
        && groups.iter().all(|group| view.text[group.clone()].len() <= 3 && octet(&view.bytes[group.clone()]))
}

/// Judges the run of hexadecimal digits, colons and dots around the colon at `at`, as a hardware or an IPv6 address, and returns
/// where that run ends.
pub(crate) fn find_hex(view: &View<'_>, at: usize, hits: &mut Vec<Hit>) -> usize {
    let left = view.bytes[..at].iter().rev().take(MAX_HEX).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let stop = view.bytes[at..].iter().position(|byte| !is_part(byte)).map_or(view.bytes.len(), |length| at + length);
    let label = left > 0 && !view.starts_clean(at - left);
    let start = if label { at + 1 } else { at - left };
    if stop > start && stop - start <= MAX_HEX && !(label && is_group(&view.bytes[at - left..at])) {
        let span = trim(view, start..stop);
        if view.looks_for(Class::Mac) {
            mac::find_colons(view, &span, hits);
        }
        if view.looks_for(Class::Ip) {
            hits.extend(judge_v6(view, span));
        }
    }
    stop.max(at + 1)
}

/// Returns whether what stands before the colon is a group with something glued to it, and not the end of a label such as `IPv6`.
fn is_group(hex: &[u8]) -> bool {
    hex.len() > 1 && hex.iter().any(u8::is_ascii_digit)
}

fn octet(digits: &[u8]) -> bool {
    let value = digits.iter().fold(0, |value: u32, digit| value * 10 + u32::from(digit - b'0'));
    value <= 255 && (digits.len() == 1 || digits[0] != b'0')
}

fn judge_v4(view: &View<'_>, run: &NumberRun<'_>, first: usize, hits: &mut Vec<Hit>) {
    if !is_quad(view, &run.groups[first..first + 4]) {
        return;
    }
    let start = run.groups[first].start;
    let end = with_prefix(view, run.groups[first + 3].end, 32);
    let (score, verdict, word) = match view.support(&(start..end), Topic::Network) {
        Support::For(word) => (95, "four octets", Some(word)),
        Support::Against(word @ ("version" | "release" | "build" | "section" | "isbn")) => {
            (30, "four octets, words speak against", Some(word))
        }
        _ => (80, "four octets", None),
    };
    let stage = if word.is_some() { Stage::Context } else { Stage::Validate };
    hits.push(Hit { class: Class::Ip, rule: "ipv4", score, span: start..end, stage, verdict, word });
}

/// Takes off the punctuation of the sentence: one colon in front, dots and one colon behind.
fn trim(view: &View<'_>, span: Range<usize>) -> Range<usize> {
    let mut text = &view.text[span.clone()];
    let mut start = span.start;
    if text.starts_with(':') && !text.starts_with("::") {
        text = &text[1..];
        start += 1;
    }
    text = text.trim_end_matches('.');
    if text.ends_with(':') && !text.ends_with("::") {
        text = &text[..text.len() - 1];
    }
    start..start + text.len()
}

fn judge_v6(view: &View<'_>, span: Range<usize>) -> Option<Hit> {
    let text = &view.text[span.clone()];
    if !text.contains("::") && text.bytes().filter(|byte| *byte == b':').count() < 6 {
        return None;
    }
    text.parse::<Ipv6Addr>().ok()?;
    let end = with_prefix(view, with_zone(view, span.end), 128);
    let telling = end > span.end || text.bytes().any(|byte| byte.is_ascii_digit()) || text.matches(':').count() > 3;
    if !telling || !view.starts_clean(span.start) || !view.ends_clean(end) {
        return None;
    }
    let verdict = "parses as an address";
    Some(Hit {
        class: Class::Ip,
        rule: "ipv6",
        score: 95,
        span: span.start..end,
        stage: Stage::Validate,
        verdict,
        word: None,
    })
}

/// Returns the end of a zone such as `%eth0` at `end`.
fn with_zone(view: &View<'_>, end: usize) -> usize {
    let zone = view.bytes[end..].iter().skip(1).take(MAX_ZONE).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if view.bytes.get(end) == Some(&b'%') && zone > 0 { end + 1 + zone } else { end }
}

/// Returns the end of a prefix length such as `/24` at `end`, if it is at most `max`.
fn with_prefix(view: &View<'_>, end: usize, max: u32) -> usize {
    let digits = view.bytes[end..].iter().skip(1).take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let prefix = view.text.get(end + 1..end + 1 + digits).and_then(|digits| digits.parse::<u32>().ok());
    let written = view.bytes.get(end) == Some(&b'/') && prefix.is_some_and(|prefix| prefix <= max);
    if written && view.ends_clean(end + 1 + digits) { end + 1 + digits } else { end }
}

/// The longest text of an address is 45 characters; what is longer by more is none.
const MAX_HEX: usize = 48;
const MAX_ZONE: usize = 15;

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn addresses_are_found() {
        for (text, address) in [
            ("from 203.0.113.7.", "203.0.113.7"),
            ("203.0.113.0/24 it is", "203.0.113.0/24"),
            ("203.0.113.0/123", "203.0.113.0"),
            ("2001:db8::8a2e:370:7334,", "2001:db8::8a2e:370:7334"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("IPv6:2001:db8::1", "2001:db8::1"),
            ("fe80::1%eth0/64", "fe80::1%eth0/64"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("2001:db8:0:0:0:0:0:1.", "2001:db8:0:0:0:0:0:1"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(found(Class::Ip, text), [address], "{text}");
        }
    }

    #[test]
    fn times_paths_and_versions_are_none() {
        for text in [
            "12:34:56",
            "std::fs",
            "a::b",
            ":::",
            "1.2.3",
            "version 1.2.3.4",
            "v1.2.3.4",
            "1.2.3.4.5",
            "256.1.1.1",
            "192.0.2.1x",
            "01.02.03.04",
            "12345:db8::1",
            "2001:db8::1text",
            "text2001:db8::1",
        ] {
            assert_eq!(found(Class::Ip, text), [""; 0], "{text}");
        }
    }
}
