//! Words that announce a value ("password", "cvv", "date of birth") and prefixes that begin one, in one automaton.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::super::Class;
use super::super::context::is_whole;
use super::super::resolve::in_tag;
use super::super::scan::View;
use super::names_by_cue::{self, NAME_CUES};
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

/// The automaton over cues, token prefixes and the PEM header.
pub(crate) struct Cues {
    automaton: AhoCorasick,
}

impl Cues {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let prefixes = tokens::PREFIXES.iter().map(|prefix| prefix.text);
        let names = NAME_CUES.iter().map(|cue| cue.word);
        let patterns = CUES.iter().map(|cue| cue.word).chain(prefixes).chain([tokens::BEGIN]).chain(names);
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(patterns)?;
        Ok(Cues { automaton })
    }

    /// Pushes what cues and prefixes lead to, over the whole text.
    pub(crate) fn scan(&self, view: &View<'_>, hits: &mut Vec<Hit>) {
        let secrets = view.looks_for(Class::Secret);
        let names = view.looks_for(Class::Person);
        if !secrets && !names && !view.looks_for(Class::DateOfBirth) {
            return;
        }
        let (mut token_end, mut value_end, mut pem_ends) = (0, 0, true);
        for found in self.automaton.find_iter(view.bytes) {
            let (pattern, span) = (found.pattern().as_usize(), found.start()..found.end());
            if let Some(cue) = CUES.get(pattern) {
                if span.start >= value_end {
                    let before = hits.len();
                    announce(view, *cue, span, hits);
                    value_end = hits[before..].last().map_or(value_end, |hit| hit.span.end);
                }
            } else if let Some(cue) = pattern.checked_sub(FIRST_NAME).and_then(|at| NAME_CUES.get(at)) {
                if names && !in_tag(view.bytes, &span) {
                    names_by_cue::find(view, *cue, &span, hits);
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

/// The first pattern that is a cue for a name: behind the cues, the prefixes and the PEM header.
const FIRST_NAME: usize = CUES.len() + tokens::PREFIXES.len() + 1;

fn announce(view: &View<'_>, cue: Cue, span: Range<usize>, hits: &mut Vec<Hit>) {
    if view.joins(Some(span.end)) || in_tag(view.bytes, &span) {
        return;
    }
    let whole = is_whole(view.bytes, &span);
    if cue.kind == Kind::Birth {
        if whole && view.looks_for(Class::DateOfBirth) {
            date_of_birth::find(view, cue, span.end, hits);
        }
    } else if view.looks_for(Class::Secret) {
        secret::find(view, cue, span.end, whole, hits);
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
