//! Words that announce a value ("password", "cvv", "date of birth") and prefixes that begin one, in one automaton.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, Input, MatchKind};

use super::super::Class;
use super::super::context::is_whole;
use super::super::resolve::in_tag;
use super::super::scan::View;
use super::speech::ask::Asked;
use super::speech::{Done, Group, Triggers};
use super::{Hit, date_of_birth, secret, tokens};

/// What kind of value a cue announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A password; words of prose are told apart.
    Password,
    /// A word such as `pass`, which announces a password only before `:` or `=`.
    WeakPassword,
    /// Several words: a pass phrase or the words of a wallet.
    Phrase,
    /// 3 to 12 digits.
    Pin,
    /// The 3 or 4 digits on a card.
    CardCode,
    /// 4 to 10 digits or letters, good once.
    OneTime,
    /// A long random value.
    Key,
    /// A date.
    Birth,
}

/// A cue word and what it announces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cue {
    pub(crate) word: &'static str,
    pub(crate) kind: Kind,
}

/// The automata over cues, token prefixes, the PEM header and what is said in words.
///
/// One for all would be too large for the cache, and ordinary text would go at half the speed. So what is seldom needed stands apart:
/// street words are looked for near digits only, questions in conversations only, and patterns beyond ASCII in texts beyond ASCII.
pub(crate) struct Cues {
    always: Patterns,
    streets: Patterns,
    asks: Patterns,
    triggers: Triggers,
}

/// The automata over one group of patterns.
struct Patterns {
    ascii: Automaton,
    beyond: Automaton,
}

impl Patterns {
    fn new(patterns: &[(usize, &str)]) -> Result<Self, BuildError> {
        let group = |ascii: bool| patterns.iter().copied().filter(move |(_, pattern)| pattern.is_ascii() == ascii);
        Ok(Patterns { ascii: Automaton::new(group(true))?, beyond: Automaton::new(group(false))? })
    }

    fn each(&self, text: &str) -> impl Iterator<Item = &Automaton> {
        std::iter::once(&self.ascii).chain((!text.is_ascii()).then_some(&self.beyond))
    }
}

/// An automaton, and the place of each of its patterns among all.
struct Automaton {
    automaton: AhoCorasick,
    places: Vec<usize>,
}

impl Automaton {
    fn new<'p>(patterns: impl Iterator<Item = (usize, &'p str)>) -> Result<Self, BuildError> {
        let (places, patterns): (Vec<usize>, Vec<&str>) = patterns.unzip();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(patterns)?;
        Ok(Automaton { automaton, places })
    }

    /// Returns the next pattern of the place, by its place among all, and where it stands.
    fn next(&self, bytes: &[u8], within: Range<usize>) -> Option<(usize, Range<usize>)> {
        let found = self.automaton.find(Input::new(bytes).range(within))?;
        Some((self.places[found.pattern().as_usize()], found.start()..found.end()))
    }
}

impl Cues {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let prefixes = tokens::PREFIXES.iter().map(|prefix| prefix.text);
        let triggers = Triggers::new();
        let patterns = CUES.iter().map(|cue| cue.word).chain(prefixes).chain([tokens::BEGIN]);
        let always: Vec<_> = patterns.enumerate().chain(triggers.patterns(Group::Always)).collect();
        let (streets, asks): (Vec<_>, Vec<_>) =
            (triggers.patterns(Group::Streets).collect(), triggers.patterns(Group::Asks).collect());
        let (always, streets, asks) = (Patterns::new(&always)?, Patterns::new(&streets)?, Patterns::new(&asks)?);
        Ok(Cues { always, streets, asks, triggers })
    }

    /// Returns the words and phrases of speech.
    pub(crate) fn speech(&self) -> &Triggers {
        &self.triggers
    }

    /// Pushes what cues and prefixes lead to, over the whole text; `numbers` are the places around which digits stand.
    pub(crate) fn scan(&self, view: &View<'_>, numbers: &[Range<usize>], hits: &mut Vec<Hit>) {
        self.always.each(view.text).for_each(|automaton| self.pass(automaton, view, hits));
        if view.looks_for(Class::Address) && !numbers.is_empty() {
            self.streets.each(view.text).for_each(|automaton| self.near(automaton, view, numbers, hits));
        }
        if view.ear.is_some() {
            let all = 0..view.bytes.len();
            self.asks
                .each(view.text)
                .for_each(|automaton| self.near(automaton, view, std::slice::from_ref(&all), hits));
        }
    }

    /// Follows up the triggers that stand within one of the places.
    fn near(&self, automaton: &Automaton, view: &View<'_>, places: &[Range<usize>], hits: &mut Vec<Hit>) {
        let mut done = Done::default();
        for place in places {
            let mut at = place.start;
            while let Some((pattern, span)) = automaton.next(view.bytes, at..place.end) {
                at = span.start + 1;
                self.triggers.fire(view, pattern, span, &mut done, hits);
            }
        }
    }

    fn pass(&self, automaton: &Automaton, view: &View<'_>, hits: &mut Vec<Hit>) {
        let secrets = view.looks_for(Class::Secret);
        let (mut token_end, mut value_end, mut pem_ends) = (0, 0, true);
        let (mut at, mut done) = (0, Done::default());
        while let Some((pattern, span)) = automaton.next(view.bytes, at..view.bytes.len()) {
            at = span.end;
            if pattern >= FIRST_TRIGGER {
                // A cue may begin inside a trigger, as "one-time code" does in " one".
                at = span.start + 1;
                self.triggers.fire(view, pattern, span, &mut done, hits);
            } else if let Some(cue) = CUES.get(pattern) {
                if span.start >= value_end {
                    let before = hits.len();
                    announce(view, *cue, span, hits);
                    value_end = hits[before..].last().map_or(value_end, |hit| hit.span.end);
                }
            } else if !secrets || span.start < token_end {
            } else if let Some(prefix) = tokens::PREFIXES.get(pattern - CUES.len()) {
                token_end = tokens::find(view, prefix, span.start, hits);
            } else if &view.bytes[span.clone()] == tokens::BEGIN.as_bytes() {
                token_end = tokens::find_pem(view, span.start, &mut pem_ends, hits);
            }
        }
    }
}

fn announce(view: &View<'_>, cue: Cue, span: Range<usize>, hits: &mut Vec<Hit>) {
    if view.joins(Some(span.end)) || in_tag(view.bytes, &span) {
        return;
    }
    let whole = is_whole(view.bytes, &span);
    if let (Some(ear), Some(asked), true) = (view.ear, asked(cue.kind), whole) {
        ear.ask(asked, span.clone());
    }
    if cue.kind == Kind::Birth {
        if whole && view.looks_for(Class::DateOfBirth) {
            date_of_birth::find(view, cue, span.end, hits);
        }
    } else if view.looks_for(Class::Secret) {
        secret::find(view, cue, span.end, whole, hits);
    }
}

/// The patterns before it are cues, prefixes and the PEM header.
pub(super) const FIRST_TRIGGER: usize = CUES.len() + tokens::PREFIXES.len() + 1;

/// Returns what a cue asks for when nothing follows it.
fn asked(kind: Kind) -> Option<Asked> {
    match kind {
        Kind::Password | Kind::Phrase => Some(Asked::Password),
        Kind::Pin => Some(Asked::Pin),
        Kind::CardCode => Some(Asked::CardCode),
        Kind::OneTime => Some(Asked::OneTime),
        Kind::Birth => Some(Asked::Birth),
        _ => None,
    }
}

const fn cue(word: &'static str, kind: Kind) -> Cue {
    Cue { word, kind }
}

/// Every cue; where two begin at one place, the longer one counts.
pub(crate) const CUES: &[Cue] = &[
    cue("password", Kind::Password),
    cue("pass word", Kind::Password),
    cue("passwd", Kind::Password),
    cue("passcode", Kind::Password),
    cue("pass code", Kind::Password),
    cue("pwd", Kind::Password),
    cue("passwort", Kind::Password),
    cue("kennwort", Kind::Password),
    cue("contraseña", Kind::Password),
    cue("contrasena", Kind::Password),
    cue("mot de passe", Kind::Password),
    cue("senha", Kind::Password),
    cue("wachtwoord", Kind::Password),
    cue("parola d'ordine", Kind::Password),
    cue("pass", Kind::WeakPassword),
    cue("pw", Kind::WeakPassword),
    cue("psw", Kind::WeakPassword),
    cue("passphrase", Kind::Phrase),
    cue("pass phrase", Kind::Phrase),
    cue("seed phrase", Kind::Phrase),
    cue("recovery phrase", Kind::Phrase),
    cue("mnemonic", Kind::Phrase),
    cue("pin", Kind::Pin),
    cue("pin code", Kind::Pin),
    cue("pin number", Kind::Pin),
    cue("pincode", Kind::Pin),
    cue("cvv", Kind::CardCode),
    cue("cvv2", Kind::CardCode),
    cue("cvc", Kind::CardCode),
    cue("cvc2", Kind::CardCode),
    cue("csc", Kind::CardCode),
    cue("security code", Kind::CardCode),
    cue("card security code", Kind::CardCode),
    cue("card verification", Kind::CardCode),
    cue("verification value", Kind::CardCode),
    cue("otp", Kind::OneTime),
    cue("one-time code", Kind::OneTime),
    cue("one time code", Kind::OneTime),
    cue("one-time password", Kind::OneTime),
    cue("one time password", Kind::OneTime),
    cue("one-time passcode", Kind::OneTime),
    cue("one time passcode", Kind::OneTime),
    cue("verification code", Kind::OneTime),
    cue("2fa code", Kind::OneTime),
    cue("auth code", Kind::OneTime),
    cue("authentication code", Kind::OneTime),
    cue("login code", Kind::OneTime),
    cue("access code", Kind::OneTime),
    cue("api key", Kind::Key),
    cue("api_key", Kind::Key),
    cue("api-key", Kind::Key),
    cue("apikey", Kind::Key),
    cue("api token", Kind::Key),
    cue("api_token", Kind::Key),
    cue("secret key", Kind::Key),
    cue("secret_key", Kind::Key),
    cue("secret-key", Kind::Key),
    cue("secretkey", Kind::Key),
    cue("access key", Kind::Key),
    cue("access_key", Kind::Key),
    cue("accesskey", Kind::Key),
    cue("access token", Kind::Key),
    cue("access_token", Kind::Key),
    cue("accesstoken", Kind::Key),
    cue("auth token", Kind::Key),
    cue("auth_token", Kind::Key),
    cue("refresh_token", Kind::Key),
    cue("private key", Kind::Key),
    cue("private_key", Kind::Key),
    cue("encryption key", Kind::Key),
    cue("signing key", Kind::Key),
    cue("client secret", Kind::Key),
    cue("client_secret", Kind::Key),
    cue("token", Kind::Key),
    cue("secret", Kind::Key),
    cue("bearer", Kind::Key),
    cue("authorization", Kind::Key),
    cue("credentials", Kind::Key),
    cue("sessionid", Kind::Key),
    cue("session_id", Kind::Key),
    cue("cookie", Kind::Key),
    cue("date of birth", Kind::Birth),
    cue("birth date", Kind::Birth),
    cue("birthdate", Kind::Birth),
    cue("birthday", Kind::Birth),
    cue("dob", Kind::Birth),
    cue("d.o.b", Kind::Birth),
    cue("born", Kind::Birth),
    cue("geburtsdatum", Kind::Birth),
    cue("fecha de nacimiento", Kind::Birth),
    cue("date de naissance", Kind::Birth),
];
