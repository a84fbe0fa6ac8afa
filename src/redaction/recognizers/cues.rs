//! Words that announce a value ("password", "cvv", "date of birth") and prefixes that begin one, in one automaton.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::Match;

use super::super::Class;
use super::super::resolve::in_tag;
use super::super::scan::View;
use super::date_of_birth::BIRTHS;
use super::dictionary::{Dictionary, Next, TooShort};
use super::names_by_cue::{self, NAME_CUES, NameCue};
use super::secrets::families::{FAMILIES, Family};
use super::secrets::vendors::{Shape, VENDORS};
use super::secrets::words::WORDS;
use super::speech::ask::Asked;
use super::speech::{Done, Group, Triggers};
use super::{Hit, date_of_birth, secret, tokens, vendor_key};

/// What kind of value a cue announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A password; words of prose are told apart.
    Password,
    /// The same in a language whose prose is not known so well: a word alone counts behind `:` or `=` only.
    ForeignPassword,
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
    /// 6 digits, good for one transfer.
    Tan,
    /// 4 to 8 digits, where no other word says what the code is of.
    Code,
    /// A long random value.
    Key,
    /// The same behind `:` or `=` only, and longer.
    WeakKey,
    /// The user and password after `-u` on a command line.
    Curl,
    /// A date.
    Birth,
}

/// A cue word and what it announces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cue {
    pub(crate) word: &'static str,
    pub(crate) kind: Kind,
}

/// The dictionaries of cues, token prefixes, vendors, the PEM header, and what is said in words.
///
/// Street words are seldom needed, and begin like much else: they stand apart and are looked for near digits only.
pub(crate) struct Cues {
    all: Meanings,
    streets: Meanings,
    triggers: Triggers,
}

/// A dictionary, and what each of its words stands for.
struct Meanings {
    dictionary: Dictionary,
    meanings: Vec<Meaning>,
}

/// What a word announces, and what it triggers when it is spoken; one of the two at least.
#[derive(Default)]
struct Meaning {
    announces: Option<usize>,
    triggers: Vec<usize>,
}

impl Meaning {
    /// Returns whether the word counts inside another too: `password` in `dbpassword=`, what follows the first part of a token, a vendor.
    fn counts_inside(&self) -> bool {
        match self.announces.map(pattern) {
            Some(Pattern::Cue(cue)) => matches!(cue.kind, Kind::Password | Kind::ForeignPassword | Kind::Key),
            Some(Pattern::Family(family)) => family.before.is_some(),
            Some(Pattern::Vendor(_)) => true,
            _ => false,
        }
    }
}

impl Meanings {
    fn new<'w>(
        announcing: impl Iterator<Item = &'static str>,
        triggering: impl Iterator<Item = (usize, &'w str)>,
        inside: impl Fn(&Meaning) -> bool,
    ) -> Result<Self, TooShort> {
        let (mut words, mut meanings, mut places) = (Vec::new(), Vec::<Meaning>::new(), HashMap::new());
        let mut place = |word: &'w str| {
            *places.entry(word.to_ascii_lowercase()).or_insert_with(|| {
                words.push(word);
                words.len() - 1
            })
        };
        let mut announced = Vec::new();
        for (number, word) in announcing.enumerate() {
            announced.push((number, place(word)));
        }
        let triggering: Vec<(usize, usize)> = triggering.map(|(number, word)| (number, place(word))).collect();
        meanings.resize_with(words.len(), Meaning::default);
        for (number, place) in announced {
            meanings[place].announces.get_or_insert(number);
        }
        for (number, place) in triggering {
            meanings[place].triggers.push(number);
        }
        let inside = |word: usize| inside(&meanings[word]);
        Ok(Meanings { dictionary: Dictionary::new(&words, inside)?, meanings })
    }

    fn of(&self, found: &Match) -> &Meaning {
        &self.meanings[found.pattern().as_usize()]
    }
}

impl Cues {
    pub(crate) fn new() -> Result<Self, TooShort> {
        let triggers = Triggers::new();
        let spoken = triggers.patterns(Group::Always).chain(triggers.patterns(Group::Asks));
        let all = Meanings::new(announcing(), spoken, Meaning::counts_inside)?;
        let streets = Meanings::new(std::iter::empty(), triggers.patterns(Group::Streets), |_| false)?;
        Ok(Cues { all, streets, triggers })
    }

    /// Returns the words and phrases of speech.
    pub(crate) fn speech(&self) -> &Triggers {
        &self.triggers
    }

    /// Pushes what cues and prefixes lead to, over the whole text; `numbers` are the places around which digits stand.
    pub(crate) fn scan(&self, view: &View<'_>, numbers: &[Range<usize>], hits: &mut Vec<Hit>) {
        self.pass(view, hits);
        if view.looks_for(Class::Address) {
            let mut done = Done::default();
            for place in numbers {
                self.streets.dictionary.scan(view.bytes, place.clone(), |found| {
                    self.fire(view, self.streets.of(&found), &found, &mut done, hits);
                    Next::Within
                });
            }
        }
    }

    fn fire<'t>(&self, view: &View<'t>, meaning: &Meaning, found: &Match, done: &mut Done<'t>, hits: &mut Vec<Hit>) {
        for &trigger in &meaning.triggers {
            self.triggers.fire(view, trigger, found.start()..found.end(), done, hits);
        }
    }

    fn pass(&self, view: &View<'_>, hits: &mut Vec<Hit>) {
        let (secrets, names) = (view.looks_for(Class::Secret), view.looks_for(Class::Person));
        let (mut token_end, mut value_end, mut pem_ends) = (0, 0, true);
        let mut done = Done::default();
        self.all.dictionary.scan(view.bytes, 0..view.bytes.len(), |found| {
            let (span, meaning) = (found.start()..found.end(), self.all.of(&found));
            self.fire(view, meaning, &found, &mut done, hits);
            let Some(announces) = meaning.announces else { return Next::Within };
            match pattern(announces) {
                Pattern::Cue(cue) if span.start >= value_end => {
                    let before = hits.len();
                    announce(view, *cue, span, hits);
                    value_end = hits[before..].last().map_or(value_end, |hit| hit.span.end.max(value_end));
                }
                Pattern::Vendor(shapes) if secrets && span.start >= value_end => {
                    vendor_key::find(view, shapes, &span, hits);
                }
                Pattern::Family(family) if secrets && span.start >= token_end => {
                    token_end = tokens::find(view, family, span.start, hits);
                }
                Pattern::Pem
                    if secrets && span.start >= token_end && view.bytes[span.clone()] == *tokens::BEGIN.as_bytes() =>
                {
                    token_end = tokens::find_pem(view, span.start, &mut pem_ends, hits);
                }
                Pattern::Name(cue) => {
                    if names && !in_tag(view.bytes, &span) {
                        names_by_cue::find(view, *cue, &span, hits);
                    }
                    return Next::Within;
                }
                _ => {}
            }
            Next::Behind
        });
    }
}

/// What a pattern of the dictionary stands for.
enum Pattern {
    Cue(&'static Cue),
    Family(&'static Family),
    Vendor(&'static [Shape]),
    Name(&'static NameCue),
    Pem,
}

/// Returns the words that announce a value, numbered as [`pattern`] counts them.
fn announcing() -> impl Iterator<Item = &'static str> {
    let cues = CUES.iter().chain(WORDS).chain(BIRTHS).map(|cue| cue.word);
    let families = FAMILIES.iter().map(|family| family.prefix);
    let vendors = VENDORS.iter().map(|(name, _)| *name);
    let names = NAME_CUES.iter().map(|cue| cue.word);
    cues.chain(families).chain(vendors).chain(names).chain([tokens::BEGIN])
}

/// Returns what the pattern of that number stands for: they are numbered as in [`announcing`].
fn pattern(number: usize) -> Pattern {
    let word = number.wrapping_sub(CUES.len());
    let birth = word.wrapping_sub(WORDS.len());
    let family = birth.wrapping_sub(BIRTHS.len());
    let vendor = family.wrapping_sub(FAMILIES.len());
    if let Some(cue) = CUES.get(number).or_else(|| WORDS.get(word)).or_else(|| BIRTHS.get(birth)) {
        Pattern::Cue(cue)
    } else if let Some(family) = FAMILIES.get(family) {
        Pattern::Family(family)
    } else if let Some((_, shapes)) = VENDORS.get(vendor) {
        Pattern::Vendor(shapes)
    } else {
        NAME_CUES.get(vendor.wrapping_sub(VENDORS.len())).map_or(Pattern::Pem, Pattern::Name)
    }
}

/// Returns whether no letter or digit touches the cue at `span`. Scripts that write without spaces have no such rule.
fn stands_alone(text: &str, span: &Range<usize>) -> bool {
    let touches = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !unspaced(c));
    let before = !text[span.clone()].starts_with(unspaced) && touches(text[..span.start].chars().next_back());
    let after = !text[span.clone()].ends_with(unspaced) && touches(text[span.end..].chars().next());
    !before && !after
}

/// Returns whether `c` is of a script that does not put spaces between words, or hangs particles on them: Thai, Chinese, Japanese,
/// Korean.
pub(crate) fn unspaced(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0E7F}' | '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}')
}

fn announce(view: &View<'_>, cue: Cue, span: Range<usize>, hits: &mut Vec<Hit>) {
    let unspaced = view.text[span.clone()].ends_with(unspaced);
    if view.joins(Some(span.end)) && !unspaced || in_tag(view.bytes, &span) {
        return;
    }
    let whole = stands_alone(view.text, &span);
    if let (Some(ear), Some(asked), true) = (view.ear, asked(cue.kind), whole) {
        ear.ask(asked, span.clone());
    }
    if cue.kind == Kind::Birth {
        if whole && view.looks_for(Class::DateOfBirth) {
            date_of_birth::find(view, cue, span.end, hits);
        }
    } else if view.looks_for(Class::Secret) {
        secret::find(view, cue, &span, whole, hits);
    }
}

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

pub(crate) const fn cue(word: &'static str, kind: Kind) -> Cue {
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
