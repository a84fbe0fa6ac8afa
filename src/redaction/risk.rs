//! What a text tries, as labels to search by: prompt injection, told by rules over clauses. It never blocks and never changes a text.
//!
//! A word alone means nothing: people ask what "ignore previous instructions" means. So a rule wants an order (its verb first in a
//! clause), what the order is about (a target with a qualifier), and a sentence that neither asks nor quotes. Signs that nobody
//! writes by hand, such as role markers of chat templates and invisible letters, count alone.
//!
//! The kinds of attack are those of the OWASP Top 10 for LLM applications, LLM01 (prompt injection) and LLM07 (system prompt leakage).

mod rules;
mod triggers;

use std::ops::Range;

use rules::{ABOUT, MENTIONS, OPENERS, ORDERS, PHRASES, ROLES};
pub(super) use triggers::Triggers;
use triggers::{Sign, in_word};

/// What a text tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// To give the assistant that reads it orders that are not its operator's.
    PromptInjection,
}

impl Risk {
    /// Returns the label under which a conversation is found that holds such a text.
    pub const fn label(self) -> &'static str {
        match self {
            Risk::PromptInjection => "risk:prompt_injection",
        }
    }
}

/// The risks of one text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risks {
    /// By which rule the text looks like a prompt injection.
    injection: Option<&'static str>,
}

impl Risks {
    /// Reads the text once, and closer where `triggers` says that there may be something.
    pub(super) fn of(text: &str, triggers: &Triggers) -> Risks {
        let tagged = memchr::memchr(TAG_LEAD, text.as_bytes()).and_then(|_| hidden(text));
        let (mut injection, mut invisible, mut read) = (tagged, false, 0);
        triggers.each(text, |sign, place| {
            if injection.is_some() {
                return;
            }
            injection = match sign {
                Sign::Invisible if invisible => None,
                Sign::Invisible => {
                    invisible = true;
                    hidden(text)
                }
                Sign::Link => exfiltrates(text, place.start),
                Sign::Marker => marked(text, place.start),
                Sign::Words if place.start < read => None,
                Sign::Words => {
                    let sentence = Sentence::around(text, read, place);
                    read = sentence.end;
                    ordered(&sentence)
                }
            };
        });
        Risks { injection }
    }

    /// Returns whether the text has none.
    pub fn is_empty(&self) -> bool {
        self.injection.is_none()
    }

    /// Returns the risks, each with the rule that told it.
    pub fn iter(&self) -> impl Iterator<Item = (Risk, &'static str)> {
        self.injection.map(|rule| (Risk::PromptInjection, rule)).into_iter()
    }

    /// Returns the labels of the risks.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> {
        self.iter().map(|(risk, _)| risk.label())
    }
}

/// Tells of letters that no screen shows: tag characters (Unicode, block E0000) outside of a flag, and long runs of zero width.
fn hidden(text: &str) -> Option<&'static str> {
    let (mut tags, mut zero, mut flag) = (0, 0, false);
    for c in text.chars() {
        match c {
            '\u{1F3F4}' => flag = true,
            '\u{E0001}'..='\u{E007F}' if !flag => tags += 1,
            '\u{E0001}'..='\u{E007F}' => {}
            c if NO_WIDTH.contains(&c) => zero += 1,
            _ => (zero, flag) = (0, false),
        }
        if tags >= MIN_TAGS || zero >= MIN_ZERO_WIDTH {
            return Some("hidden_text");
        }
    }
    None
}

/// Tells of a line that starts as a turn of a chat template does, with the marker at `at`, and goes on.
fn marked(text: &str, at: usize) -> Option<&'static str> {
    let (before, line) = text.split_at_checked(at)?;
    let indent = before.trim_end_matches(|c: char| c.is_whitespace() && c != '\n');
    if !(indent.is_empty() || indent.ends_with('\n')) {
        return None;
    }
    let line = line.lines().next()?;
    let marker = ROLES.iter().find(|marker| starts(line, marker))?;
    let rest = line[marker.len()..].trim();
    (!rest.ends_with('?')).then_some("role_marker")
}

/// Tells of a link at `at`, as images have, whose address takes the conversation along.
fn exfiltrates(text: &str, at: usize) -> Option<&'static str> {
    let start = at + 2;
    let end = super::floor_boundary(text, start + MAX_URL);
    // What follows the next link is that one's.
    let url = text.get(start..end)?.split(LINK).next().unwrap_or_default();
    let url = url.split([')', '(', ' ', '\n']).next().unwrap_or_default();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.contains(['{', '[', '<']).then_some("exfiltration_link")
}

fn starts(line: &str, marker: &str) -> bool {
    line.as_bytes().get(..marker.len()).is_some_and(|start| start.eq_ignore_ascii_case(marker.as_bytes()))
}

/// A sentence in small letters, and what ended it.
struct Sentence {
    text: String,
    asks: bool,
    end: usize,
}

impl Sentence {
    /// Returns the sentence that holds `place`, and starts at `read` or later.
    fn around(text: &str, read: usize, place: Range<usize>) -> Sentence {
        let before = &text[read..place.start];
        let ended = before.char_indices().rev().find(|(at, c)| ends(&before[*at..], *c));
        let start = ended.map_or(read, |(at, c)| read + at + if c == '.' { 2 } else { c.len_utf8() });
        let after = &text[place.end..];
        let ended = after.char_indices().find(|(at, c)| ends(&after[*at..], *c));
        let end = ended.map_or(text.len(), |(at, c)| place.end + at + c.len_utf8());
        let text = &text[start..end];
        let asks = text.trim_end().ends_with(['?', '？']);
        Sentence { text: text.chars().flat_map(char::to_lowercase).collect(), asks, end }
    }
}

/// Returns whether a sentence ends with the character that `rest` begins with.
fn ends(rest: &str, c: char) -> bool {
    matches!(c, '!' | '?' | '\n' | '。' | '！' | '？') || rest.starts_with(". ")
}

/// Tells of an order in a sentence that neither asks nor speaks about such orders.
fn ordered(sentence: &Sentence) -> Option<&'static str> {
    if sentence.asks {
        return None;
    }
    let mut mentioned = false;
    for clause in sentence
        .text
        .split([',', ';', ':', '—'])
        .flat_map(|part| part.split(" and "))
        .flat_map(|part| part.split(" then "))
    {
        let quoted = clause.trim_start().starts_with(['"', '\'', '“', '‘', '«', '`']);
        let words = words(clause);
        let daily = words.iter().any(|word| ABOUT.contains(word));
        if !quoted
            && !mentioned
            && !daily
            && let Some(rule) = told(clause, &words)
        {
            return Some(rule);
        }
        mentioned |= words.iter().any(|word| MENTIONS.contains(word));
    }
    None
}

fn words(clause: &str) -> Vec<&str> {
    clause.split(|c| !in_word(c)).filter(|word| !word.is_empty()).collect()
}

fn told<'c>(clause: &'c str, words: &[&'c str]) -> Option<&'static str> {
    let opened = words.iter().position(|word| !OPENERS.contains(word))?;
    let rest = &words[opened..];
    let joined = rest.join(" ");
    let mentions = rest.iter().any(|word| MENTIONS.contains(word));
    if let Some((_, rule)) = PHRASES.iter().find(|(phrase, _)| !mentions && has(&joined, phrase)) {
        return Some(rule);
    }
    ORDERS.iter().find_map(|order| {
        let verb =
            order.verbs.iter().any(|verb| if order.anywhere { clause.contains(verb) } else { begins(&joined, verb) });
        let qualified = || {
            order.qualifiers.is_empty()
                || order.qualifiers.iter().any(|word| near(clause, &joined, word, order.anywhere))
        };
        let about = || order.targets.iter().any(|word| near(clause, &joined, word, order.anywhere));
        (verb && qualified() && about()).then_some(order.rule)
    })
}

/// Returns whether `words` holds `word` from the start of a word on.
fn near(clause: &str, words: &str, word: &str, anywhere: bool) -> bool {
    match anywhere {
        true => clause.contains(word),
        false if word.len() <= MAX_WHOLE => has(words, word),
        false => words.starts_with(word) || words.contains(&format!(" {word}")),
    }
}

fn begins(words: &str, verb: &str) -> bool {
    words.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn has(words: &str, phrase: &str) -> bool {
    words.match_indices(phrase).any(|(at, _)| {
        let end = at + phrase.len();
        (at == 0 || words.as_bytes()[at - 1] == b' ') && (end == words.len() || words.as_bytes()[end] == b' ')
    })
}

/// Words up to this length count whole only: longer ones may have endings.
const MAX_WHOLE: usize = 4;
/// So many tag characters spell a word.
const MIN_TAGS: usize = 4;
/// So many characters of no width in a row are an alphabet of bits, and no joined emoji.
const MIN_ZERO_WIDTH: usize = 16;
/// Characters that take no room.
const NO_WIDTH: [char; 5] = ['\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FEFF}'];
/// What the UTF-8 form of every tag character begins with, and of hardly any letter.
const TAG_LEAD: u8 = 0xF3;
/// Where the address of a link begins.
const LINK: &str = "](http";
/// Bytes of an address that are looked at.
const MAX_URL: usize = 2048;

#[cfg(test)]
mod tests;
