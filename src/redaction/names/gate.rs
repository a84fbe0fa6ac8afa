//! Which texts may hold a name or an address: the others never reach the network.

use std::collections::HashSet;

use super::NameSpan;
use super::words::{CUES, GIVEN, ORDINARY};

/// What stands in front of the network.
pub(crate) trait Gate: Send + Sync {
    /// Says of a text whether the network is to be asked, and what is sure without it.
    fn judge(&self, text: &str) -> Verdict;
}

/// What a gate says of a text.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Whether the network is to be asked.
    pub(crate) ask: bool,
    /// What is found without it.
    pub(crate) spans: Vec<NameSpan>,
}

/// Rules: capitals inside a sentence, letters beyond ASCII, words that go with names and streets, given names in small letters.
pub(crate) struct RuleGate {
    ordinary: HashSet<&'static str>,
    telling: HashSet<&'static str>,
}

impl RuleGate {
    pub(crate) fn new() -> RuleGate {
        let list = |words: &'static str| words.split_ascii_whitespace();
        RuleGate { ordinary: list(ORDINARY).collect(), telling: list(CUES).chain(list(GIVEN)).collect() }
    }

    /// Returns whether `word` may be part of a name or an address.
    fn tells(&self, word: &str) -> bool {
        let lower = word.to_ascii_lowercase();
        let bare = lower.strip_suffix("'s").unwrap_or(&lower);
        let capital = word.starts_with(|c: char| c.is_ascii_uppercase()) && word.len() > 1;
        self.telling.contains(bare) || capital && !self.ordinary.contains(bare) && !self.ordinary.contains(&*lower)
    }
}

impl Gate for RuleGate {
    fn judge(&self, text: &str) -> Verdict {
        let foreign = text.chars().any(|c| !c.is_ascii() && c.is_alphabetic());
        let mut words = text.split(|c: char| !c.is_ascii_alphabetic() && c != '\'').filter(|word| !word.is_empty());
        Verdict { ask: foreign || words.any(|word| self.tells(word)), spans: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(text: &str) -> bool {
        RuleGate::new().judge(text).ask
    }

    #[test]
    fn plain_talk_is_not_asked_about() {
        for text in
            ["Yes, that works for me.", "I need 2 tickets for Monday at 7 pm", "ok thanks", "What time is it?", ""]
        {
            assert!(!asks(text), "{text}");
        }
    }

    #[test]
    fn what_may_hold_a_name_is_asked_about() {
        for text in [
            "this is Pemberton",
            "Ziska here",
            "hi im sarah",
            "JOHN SMITH CALLED",
            "my name is qwertz",
            "send it to 12 elm street",
            "меня зовут Анна",
            "Jane's order",
        ] {
            assert!(asks(text), "{text}");
        }
    }
}
