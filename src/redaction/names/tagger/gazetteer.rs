//! What is known of a word by lists: a given name, a surname, a town, a common word.
//!
//! A table of 16-bit fingerprints in buckets by the upper bits of the hash: compact, and wrong about one unknown word in
//! some ten thousand, which is no matter for a feature.

use super::hash::Fnv;
use super::token::{Kind, Token};

/// Given name.
pub const GIVEN: u8 = 1;
/// Family name.
pub const FAMILY: u8 = 2;
/// Town or district.
pub const PLACE: u8 = 4;
/// Part of a street's name, such as "street" or "platz".
pub const STREET: u8 = 8;
/// Common word.
pub const COMMON: u8 = 16;
/// Country.
pub const COUNTRY: u8 = 32;
/// State or province.
pub const STATE: u8 = 64;
/// Part of an entry of several tokens.
pub const PHRASE: u8 = 128;

/// A read-only table from words to flags.
pub struct Gazetteer {
    /// Start of each bucket in `prints`, and one more for the end.
    pub(super) starts: Vec<u32>,
    pub(super) prints: Vec<u16>,
    pub(super) flags: Vec<u8>,
}

impl Gazetteer {
    /// Builds a table of `2^BITS` buckets from hashes and their flags.
    pub fn build(entries: &[(u32, u8)]) -> Gazetteer {
        let mut entries: Vec<_> = entries.iter().map(|&(hash, flags)| (bucket(hash), print(hash), flags)).collect();
        entries.sort_unstable();
        entries.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            kept.2 |= if same { next.2 } else { 0 };
            same
        });
        let mut starts = vec![0_u32; BUCKETS + 1];
        entries.iter().for_each(|entry| starts[entry.0 + 1] += 1);
        (1..=BUCKETS).for_each(|at| starts[at] += starts[at - 1]);
        let (prints, flags) = entries.into_iter().map(|(_, print, flags)| (print, flags)).unzip();
        Gazetteer { starts, prints, flags }
    }

    /// Returns the flags of a hash; 0 when it is not there.
    pub fn get(&self, hash: u32) -> u8 {
        let bucket = bucket(hash);
        let range = self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        let wanted = print(hash);
        let found = self.prints[range.clone()].iter().position(|&print| print == wanted);
        found.map_or(0, |at| self.flags[range.start + at])
    }

    /// Fills in the flags of tokens, by themselves and as parts of entries of several tokens.
    pub fn mark(&self, text: &str, tokens: &mut [Token]) {
        for at in 0..tokens.len() {
            if tokens[at].kind == Kind::Word {
                tokens[at].flags |= self.get(tokens[at].hash);
            }
            self.mark_phrases(text, tokens, at);
        }
    }

    fn mark_phrases(&self, text: &str, tokens: &mut [Token], at: usize) {
        let most = match tokens[at].kind {
            Kind::Word => 3,
            Kind::Letter => 8,
            _ => return,
        };
        let mut fnv = Fnv::new();
        for next in at..tokens.len().min(at + most) {
            if next > at && !push_gap(&tokens[next], &mut fnv) {
                return;
            }
            let own = text[tokens[next].span.clone()].chars().take(32);
            own.flat_map(char::to_lowercase).for_each(|char| fnv.push_char(char));
            let flags = if next > at { self.get(fnv.get()) } else { 0 };
            if flags != 0 {
                tokens[at..=next].iter_mut().for_each(|token| token.flags |= flags | PHRASE);
            }
        }
    }
}

/// Feeds what stands before a later token of an entry; false when an entry cannot go on over it.
fn push_gap(token: &Token, fnv: &mut Fnv) -> bool {
    if token.spaced {
        fnv.push_char(' ');
    }
    matches!(token.kind, Kind::Word | Kind::Letter | Kind::Sign)
}

fn bucket(hash: u32) -> usize {
    (hash.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

fn print(hash: u32) -> u16 {
    (hash.wrapping_mul(0x85EB_CA6B) >> 8) as u16
}

const BITS: u32 = 15;
/// How many buckets a table has.
pub(super) const BUCKETS: usize = 1 << BITS;
