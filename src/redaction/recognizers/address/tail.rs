//! What belongs to a street line behind it: the part of the building, the town, the state, the postcode, the country.

use super::token::{Kind, Line};
use super::words;

/// Returns the end of the address whose street line ends before token `end`.
pub(super) fn extend(line: &Line<'_>, end: usize, unit: bool) -> usize {
    let mut walk = Walk { line, at: end, best: end, unit, capitals: 0, breaks: 0, fresh: false, coded: false };
    while walk.at - end < MAX_TOKENS && walk.step() {}
    walk.best
}

struct Walk<'l, 't> {
    line: &'l Line<'t>,
    at: usize,
    /// The end of what surely belongs to it.
    best: usize,
    /// Whether a part of the building was the last thing, behind which the town follows without a sign.
    unit: bool,
    /// Capitals since the last sign.
    capitals: usize,
    breaks: usize,
    /// Whether a comma stands directly before.
    fresh: bool,
    /// Whether a postcode was seen.
    coded: bool,
}

impl Walk<'_, '_> {
    /// Takes one token, and returns whether the address may go on.
    fn step(&mut self) -> bool {
        if self.at > 0 && self.line.tokens[self.at - 1].ends {
            return false;
        }
        let Some(token) = self.line.tokens.get(self.at) else { return false };
        match token.kind {
            Kind::Comma | Kind::Line => self.sign(token.is(Kind::Comma)),
            Kind::Number => self.number(),
            _ if token.is_unit() || self.numeral() => self.part(),
            Kind::Capital => self.capital(),
            Kind::Lower if token.is_particle() => {
                self.at += 1;
                true
            }
            Kind::Lower if token.text == "floor" && self.at == self.best => self.take(1),
            Kind::Lower | Kind::Break => false,
        }
    }

    fn sign(&mut self, comma: bool) -> bool {
        self.breaks += 1;
        self.at += 1;
        self.capitals = 0;
        self.fresh = comma && self.best + 1 == self.at;
        self.breaks <= MAX_BREAKS
    }

    /// "Apt 5", "кв. 12", "# 125C", "3º B", "д. 5".
    fn part(&mut self) -> bool {
        let next = self.line.tokens.get(self.at + 1);
        let numbered = next.is_some_and(|next| next.is(Kind::Number) || next.text.len() <= 5 && next.digits() > 0);
        if !numbered {
            return false;
        }
        self.unit = true;
        self.take(2)
    }

    fn numeral(&self) -> bool {
        let token = &self.line.tokens[self.at];
        matches!(token.lower().as_str(), "д" | "no" | "d" | "кв" | "стр" | "к" | "#")
            && self.line.is(self.at + 1, Kind::Number)
    }

    fn number(&mut self) -> bool {
        let token = &self.line.tokens[self.at];
        let digits = token.digits();
        let storey = token.text.ends_with(['º', 'ª', '°']);
        if storey {
            let letter = self.line.tokens.get(self.at + 1).is_some_and(|next| next.text.chars().count() == 1);
            return self.take(1 + usize::from(letter));
        }
        // "111 22 Stockholm", "1016 GV Amsterdam".
        let second = self
            .line
            .tokens
            .get(self.at + 1)
            .is_some_and(|next| next.is(Kind::Number) && next.text.len() == 2 && digits == 3);
        let house = self.fresh && digits < 3 && !self.coded;
        if !(3..=8).contains(&digits) && !house || self.coded && digits < 3 {
            return false;
        }
        self.coded = digits >= 3;
        self.take(1 + usize::from(second))
    }

    fn capital(&mut self) -> bool {
        let token = &self.line.tokens[self.at];
        self.capitals += 1;
        let code = is_code(token.text);
        let follows = self.unit || self.coded && self.breaks <= MAX_BREAKS;
        if code {
            self.coded = true;
            let second =
                self.line.tokens.get(self.at + 1).is_some_and(|next| next.text.len() == 3 && next.digits() > 0);
            return self.take(1 + usize::from(second));
        }
        let storey = self.line.tokens.get(self.at + 1).is_some_and(|next| next.lower() == "floor");
        if storey {
            return self.take(2);
        }
        let town = self.fresh && self.breaks > 0 && !SMALL.contains(&token.lower().as_str());
        let state = words::STATES.contains(&token.text) && self.best == self.at;
        if self.capitals <= MAX_TOWN && (follows || town || state) {
            let joined = self.at == self.best || self.fresh || self.line.tokens[self.at - 1].is_particle();
            if joined && !SMALL.contains(&token.lower().as_str()) {
                return self.take_town();
            }
        }
        self.at += 1;
        self.capitals <= MAX_CAPITALS
    }

    fn take(&mut self, count: usize) -> bool {
        self.at += count;
        self.best = self.at.min(self.line.tokens.len());
        self.fresh = false;
        self.capitals = 0;
        true
    }

    fn take_town(&mut self) -> bool {
        self.at += 1;
        self.best = self.at;
        true
    }
}

/// Returns whether the token is a postcode, or the first half of one, with letters: `SW1A`, `K1A`.
fn is_code(token: &str) -> bool {
    let bytes = token.as_bytes();
    (2..=4).contains(&bytes.len())
        && bytes[0].is_ascii_uppercase()
        && bytes.iter().any(u8::is_ascii_digit)
        && bytes.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

const MAX_TOKENS: usize = 24;
const MAX_BREAKS: usize = 7;
const MAX_TOWN: usize = 4;
const MAX_CAPITALS: usize = 5;
const SMALL: &[&str] = &[
    "please",
    "thanks",
    "thank",
    "i",
    "can",
    "could",
    "and",
    "the",
    "my",
    "is",
    "ok",
    "what",
    "how",
    "when",
    "do",
    "you",
    "we",
    "it",
    "but",
    "or",
    "yes",
    "no",
    "if",
    "phone",
    "tel",
    "email",
    "so",
    "mobile",
    "fax",
    "card",
    "it's",
    "i'm",
    "this",
    "that",
    "they",
    "their",
    "appointment",
    "sorry",
    "at",
    "for",
];
