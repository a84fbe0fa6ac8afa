//! Number words of English, German, French, Spanish, Italian, Portuguese, Dutch, romanised Hindi, Polish, Swedish, Danish, Norwegian,
//! Turkish, Russian and Czech.

mod lists;

use std::collections::HashMap;

use lists::{COMMON, HUNDREDS, NUMBERS, TENS, TENS_DE, TENS_IT, TENS_NL, TIMES, UNITS_DE, UNITS_IT, UNITS_NL};

/// A set of languages, a bit each.
pub(super) type Languages = u16;
const EN: Languages = 1;
const DE: Languages = 2;
pub(super) const FR: Languages = 4;
const ES: Languages = 8;
const IT: Languages = 16;
const PT: Languages = 32;
const NL: Languages = 64;
const HI: Languages = 128;
const PL: Languages = 256;
const SV: Languages = 512;
const DA: Languages = 1024;
const TR: Languages = 2048;
const RU: Languages = 4096;
const CS: Languages = 8192;

/// What a word says in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// 0 to 99.
    Number(u8),
    /// "double", "triple": the next digit so many times.
    Times(u8),
    /// "hundred": two zeros behind the digit before.
    Hundred,
}

/// The number words and what they say, by language.
#[derive(Debug)]
pub(crate) struct Words {
    table: HashMap<String, (Said, Languages)>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut table: HashMap<String, (Said, Languages)> = HashMap::new();
        let mut add = |word: &str, said: Said, languages: Languages| {
            let entry = table.entry(word.to_owned()).or_insert((said, 0));
            // The languages that agree share an entry; the first language to give a word another meaning loses it.
            if entry.0 == said {
                entry.1 |= languages;
            }
        };
        for (languages, first, words) in NUMBERS {
            for (value, word) in (*first..).zip(*words) {
                word.split('|')
                    .filter(|word| !word.is_empty())
                    .for_each(|word| add(word, Said::Number(value), *languages));
            }
        }
        for (languages, words) in TENS {
            for (value, word) in (2u8..).zip(*words) {
                word.split('|')
                    .filter(|word| !word.is_empty())
                    .for_each(|word| add(word, Said::Number(value * 10), *languages));
            }
        }
        for (word, times, languages) in TIMES {
            add(word, Said::Times(*times), *languages);
        }
        for (word, languages) in HUNDREDS {
            add(word, Said::Hundred, *languages);
        }
        compounds(&mut add);
        Words { table }
    }

    /// Returns what a word in lower case says.
    pub(super) fn get(&self, word: &str) -> Option<(Said, Languages)> {
        self.table.get(word).copied()
    }

    /// Returns whether a word in lower case says a number in some language.
    pub(in super::super) fn says(&self, word: &str) -> bool {
        matches!(self.table.get(word), Some((Said::Number(_), _)))
    }

    /// Returns the patterns at which a number may be under way: the word behind a space or hyphen. Words that are common in
    /// another sense wake nothing; a number has others.
    pub(super) fn triggers(&self) -> impl Iterator<Item = String> {
        let rare = |word: &&String| word.len() > 2 && !COMMON.contains(&word.as_str()) && self.is_shortest(word);
        let mut words: Vec<&String> = self.table.keys().filter(rare).collect();
        words.sort();
        let english = |word: &str| self.get(word).is_some_and(|(_, languages)| languages & EN != 0);
        let hyphened = words.iter().filter(|word| english(word)).map(|word| format!("-{word}"));
        let patterns: Vec<String> = words.iter().map(|word| format!(" {word}")).chain(hyphened).collect();
        patterns.into_iter()
    }

    /// Returns whether no other word begins this one, so that one pattern wakes for all that begin with it.
    fn is_shortest(&self, word: &str) -> bool {
        let heads = (3..word.len()).filter_map(|at| word.get(..at));
        !heads.into_iter().any(|head| self.table.contains_key(head) && !COMMON.contains(&head))
    }
}

/// Adds `vierundzwanzig`, `vierentwintig`, `ventiquattro`.
fn compounds(add: &mut impl FnMut(&str, Said, Languages)) {
    for (tens, ten) in (2u8..).zip(TENS_DE) {
        for (unit, digit) in (1u8..).zip(UNITS_DE) {
            add(&format!("{digit}und{ten}"), Said::Number(tens * 10 + unit), DE);
        }
    }
    for (tens, ten) in (2u8..).zip(TENS_NL) {
        for (unit, digit) in (1u8..).zip(UNITS_NL) {
            let and = if digit.ends_with('e') { "ën" } else { "en" };
            add(&format!("{digit}{and}{ten}"), Said::Number(tens * 10 + unit), NL);
        }
    }
    for (tens, ten) in (2u8..).zip(TENS_IT) {
        for (unit, digit) in (1u8..).zip(UNITS_IT) {
            let stem = if matches!(unit, 1 | 8) { &ten[..ten.len() - 1] } else { ten };
            add(&format!("{stem}{digit}"), Said::Number(tens * 10 + unit), IT);
        }
    }
    for (unit, digit) in (1u8..).zip(["uno|ún", "dós", "trés", "cuatro", "cinco", "séis", "siete", "ocho", "nueve"])
    {
        for digit in digit.split('|') {
            add(&format!("veinti{digit}"), Said::Number(20 + unit), ES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_compounds_are_known() {
        let words = Words::new();
        for (word, value) in [
            ("seven", 7),
            ("fünfundvierzig", 45),
            ("achtentachtig", 88),
            ("tweeëntwintig", 22),
            ("ventotto", 28),
            ("quarantadue", 42),
            ("veintidós", 22),
            ("quatorze", 14),
            ("paanch", 5),
            ("noventa", 90),
        ] {
            assert_eq!(words.get(word).map(|(said, _)| said), Some(Said::Number(value)), "{word}");
        }
        assert_eq!(words.get("house"), None);
    }
}
