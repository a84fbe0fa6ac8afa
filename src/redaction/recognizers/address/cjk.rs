//! Addresses of Japan, China, Taiwan and Korea: from the largest unit to the house number, mostly without gaps.

use std::ops::Range;

use super::super::super::Class;
use super::super::super::explain::Stage;
use super::super::Hit;

/// Returns the address of which the digits at `group` are the house number.
pub(super) fn find(text: &str, group: &Range<usize>) -> Option<Hit> {
    let before = text[..group.start].trim_end_matches(' ');
    let mut start = before.len();
    let (mut units, mut last_unit) = (0, false);
    for (at, c) in before.char_indices().rev().take(MAX_CHARS) {
        let ours = is_cjk(c) || c == ' ' && is_hangul(before[..at].chars().next_back().unwrap_or('a'));
        if !ours || STOPS.contains(&c) {
            break;
        }
        let unit = UNITS.contains(&c);
        units += usize::from(unit);
        last_unit |= unit && (at + c.len_utf8() == before.len() || is_cjk(c) && !is_hangul(c));
        start = at;
    }
    let head =
        LEADS.iter().find_map(|lead| text[start..].strip_prefix(lead)).map_or(start, |rest| text.len() - rest.len());
    let length = number(&text[group.start..]);
    let street = units >= 2 && last_unit;
    (street && head < before.len()).then(|| Hit {
        class: Class::Address,
        rule: "address_street",
        score: 70,
        span: head..group.start + length,
        stage: Stage::Validate,
        verdict: "street line holds",
        word: None,
    })
}

/// Returns the length of the house number with its units: `1-2-3`, `88号`, `1丁目2番3号`.
fn number(text: &str) -> usize {
    let part = |c: char| {
        c.is_ascii_digit()
            || matches!(
                c,
                '-' | '号'
                    | '號'
                    | '丁'
                    | '目'
                    | '番'
                    | '地'
                    | '楼'
                    | '室'
                    | '层'
                    | '栋'
                    | '单'
                    | '元'
                    | '호'
                    | '번'
                    | '층'
            )
    };
    text.char_indices().take(MAX_CHARS).find(|(_, c)| !part(*c)).map_or(text.len().min(MAX_CHARS), |(at, _)| at)
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}') || is_hangul(c)
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{AC00}'..='\u{D7A3}')
}

const MAX_CHARS: usize = 40;
/// Province, city, ward, town, road and the like, in each of the scripts.
const UNITS: &[char] = &[
    '都', '道', '府', '県', '市', '区', '區', '郡', '町', '村', '省', '县', '縣', '镇', '路', '街', '巷', '弄', '段',
    '丁', '시', '구', '동', '로', '길', '군', '읍', '면',
];
/// Where the address cannot reach over: particles of the sentence before it.
const STOPS: &[char] = &['は', 'を', 'が', '是', '。', '，'];
const LEADS: &[&str] = &["我住在", "住在", "地址", "我家在", "在", "住所"];
