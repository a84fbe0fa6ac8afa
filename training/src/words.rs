//! Builds the gazetteer from the values.

use std::collections::BTreeMap;

use crate::tagger::gazetteer::{COMMON, COUNTRY, FAMILY, GIVEN, Gazetteer, PLACE, STATE, STREET};
use crate::tagger::hash::of_lower;
use crate::tagger::token::{Kind, Tokens};
use crate::values::Values;

/// Collects what is known of words and of entries of several words.
pub fn gazetteer(values: &Values) -> Gazetteer {
    let mut known: BTreeMap<u32, u8> = BTreeMap::new();
    let mut single = BTreeMap::new();
    for (kind, flag) in [("first", GIVEN), ("last", FAMILY), ("city", PLACE), ("country", COUNTRY), ("state", STATE)] {
        values.all(kind).for_each(|(_, value)| entry(value, flag, &mut known, &mut single));
    }
    for (list, flag) in [
        ("cities", PLACE),
        ("countries", COUNTRY),
        ("states", STATE),
        ("given", GIVEN),
        ("family", FAMILY),
        ("streets", STREET),
    ] {
        values.whole_list(list).iter().for_each(|value| entry(value, flag, &mut known, &mut single));
    }
    let mut streets: BTreeMap<u32, usize> = BTreeMap::new();
    for (_, value) in values.all("street") {
        Tokens::new(value)
            .filter(|token| token.kind == Kind::Word)
            .for_each(|token| *streets.entry(token.hash).or_default() += 1);
    }
    streets
        .into_iter()
        .filter(|(_, count)| *count >= 12)
        .for_each(|(hash, _)| *known.entry(hash).or_default() |= STREET);
    let common = values.common.iter().map(String::as_str).chain(values.all("word").map(|(_, word)| word));
    common.for_each(|word| *known.entry(of_lower(word)).or_default() |= COMMON);
    eprintln!("{} entries in the gazetteer", known.len());
    Gazetteer::build(&known.into_iter().collect::<Vec<_>>())
}

/// Adds an entry: whole when it has few tokens, and its longer words by themselves.
fn entry(value: &str, flag: u8, known: &mut BTreeMap<u32, u8>, _single: &mut BTreeMap<u32, u8>) {
    let tokens: Vec<_> = Tokens::new(value).collect();
    let letters = tokens.first().is_some_and(|token| token.kind == Kind::Letter);
    if tokens.len() > 1 && tokens.len() <= if letters { 8 } else { 3 } {
        *known.entry(of_lower(value)).or_default() |= flag;
    }
    if tokens.len() == 1 || flag & (GIVEN | FAMILY) != 0 && !letters {
        for token in tokens.iter().filter(|token| token.kind == Kind::Word && token.letters >= 2) {
            *known.entry(token.hash).or_default() |= flag;
        }
    }
}
