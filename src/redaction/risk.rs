//! What a text tries, as labels to search by: prompt injection, told by rules over clauses. It never blocks and never changes a text.
//!
//! A word alone means nothing: people ask what "ignore previous instructions" means. So a rule wants an order (its verb first in a
//! clause), what the order is about (a target with a qualifier), and a sentence that neither asks nor quotes. Signs that nobody
//! writes by hand, such as role markers of chat templates and invisible letters, count alone.
//!
//! The kinds of attack are those of the OWASP Top 10 for LLM applications, LLM01 (prompt injection) and LLM07 (system prompt leakage).

mod rules;

use rules::{ABOUT, MENTIONS, OPENERS, ORDERS, PHRASES, ROLES};

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
    /// Reads the text once.
    pub(super) fn of(text: &str) -> Risks {
        let spoken = || sentences(text).find_map(|sentence| ordered(&sentence));
        Risks { injection: hidden(text).or_else(|| marked(text)).or_else(|| exfiltrates(text)).or_else(spoken) }
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
    if text.is_ascii() {
        return None;
    }
    let (mut tags, mut zero, mut flag) = (0, 0, false);
    for c in text.chars() {
        match c {
            '\u{1F3F4}' => flag = true,
            '\u{E0001}'..='\u{E007F}' if !flag => tags += 1,
            '\u{E0001}'..='\u{E007F}' => {}
            '\u{200B}' | '\u{200C}' | '\u{200D}' | '\u{2060}' | '\u{FEFF}' => zero += 1,
            _ => (zero, flag) = (0, false),
        }
        if tags >= MIN_TAGS || zero >= MIN_ZERO_WIDTH {
            return Some("hidden_text");
        }
    }
    None
}

/// Tells of a line that starts as a turn of a chat template does, and goes on.
fn marked(text: &str) -> Option<&'static str> {
    text.lines().map(str::trim_start).find_map(|line| {
        let marker = ROLES.iter().find(|marker| starts(line, marker))?;
        let rest = line[marker.len()..].trim();
        (!rest.ends_with('?')).then_some("role_marker")
    })
}

/// Tells of an image whose address takes the conversation along.
fn exfiltrates(text: &str) -> Option<&'static str> {
    let mut at = 0;
    while let Some(image) = text[at..].find("](http") {
        at += image + 2;
        let end = super::floor_boundary(text, at + MAX_URL);
        let url = text[at..end].split([')', '(', ' ', '\n']).next().unwrap_or_default();
        let query = url.split_once('?').map_or("", |(_, query)| query);
        if query.contains(['{', '[', '<']) {
            return Some("exfiltration_link");
        }
    }
    None
}

fn starts(line: &str, marker: &str) -> bool {
    line.as_bytes().get(..marker.len()).is_some_and(|start| start.eq_ignore_ascii_case(marker.as_bytes()))
}

/// A sentence in small letters, and what ended it.
struct Sentence {
    text: String,
    asks: bool,
}

fn sentences(text: &str) -> impl Iterator<Item = Sentence> {
    text.split_inclusive(['!', '?', '\n', '。', '！', '？']).flat_map(|part| part.split_inclusive(". ")).map(|part| {
        Sentence {
            text: part.chars().flat_map(char::to_lowercase).collect(),
            asks: part.trim_end().ends_with(['?', '？']),
        }
    })
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
        if !quoted && !mentioned && !words.iter().any(|word| ABOUT.contains(word)) {
            if let Some(rule) = told(clause, &words) {
                return Some(rule);
            }
        }
        mentioned |= words.iter().any(|word| MENTIONS.contains(word));
    }
    None
}

fn words(clause: &str) -> Vec<&str> {
    clause.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’')).filter(|word| !word.is_empty()).collect()
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
        let qualified = || order.qualifiers.is_empty()
            || order.qualifiers.iter().any(|word| near(clause, &joined, word, order.anywhere));
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
/// Bytes of an address that are looked at.
const MAX_URL: usize = 2048;

#[cfg(test)]
mod tests;
