//! Where in a text a word of a dictionary may start: small tables of hashed beginnings, asked word by word.

/// Hashed beginnings of words.
///
/// Most of a text is the insides of words, where few words of a dictionary count. So the text is cut into words first, 61 bytes at a
/// time and without a branch, and only three kinds of places are looked up: where a word starts (and the sign before it, with which
/// words of a dictionary begin too), signs that are no letters, and the insides of words of three bytes and more.
pub(super) struct Beginnings {
    /// What each byte is: see [`JOINS`], [`GLUE`], [`OWN`] and [`LEAD`].
    classes: [u8; 256],
    /// The first four bytes of words: see [`START`] and [`LED`].
    fours: Box<[u8; 1 << FOURS]>,
    /// Words of three bytes.
    threes: Box<[u8; 1 << SHORT]>,
    /// Words of two bytes.
    twos: Box<[u8; 1 << SHORT]>,
    /// The first three bytes of words that count inside another, or all two.
    inside: Box<[bool; 1 << FOURS]>,
    /// All bits, or none where no word counts inside another.
    some_inside: u64,
}

impl Beginnings {
    pub(super) fn new() -> Self {
        let mut classes = [0; 256];
        (0..=127u8).filter(u8::is_ascii_alphanumeric).for_each(|byte| classes[usize::from(byte)] = JOINS);
        let short = || Box::new([0; 1 << SHORT]);
        Beginnings {
            classes,
            fours: Box::new([0; 1 << FOURS]),
            threes: short(),
            twos: short(),
            inside: Box::new([false; 1 << FOURS]),
            some_inside: 0,
        }
    }

    /// Enters a word in small letters; `inside` says whether it counts inside a word too.
    pub(super) fn enter(&mut self, word: &[u8], inside: bool) {
        let (first, second) = (word[0], word[1]);
        if first.is_ascii_alphanumeric() {
            self.hash(word, START);
        } else if first < 0x80 && word.len() > 2 && (second.is_ascii_alphanumeric() || second >= 0x80) {
            self.mark(first, LEAD);
            self.hash(&word[1..], LED);
            if second >= 0x80 {
                self.mark(second, OWN);
            }
        } else {
            self.mark(first, OWN);
            self.hash(word, START);
        }
        if inside && first.is_ascii_alphanumeric() {
            self.enter_inside(word);
            let glue = word[1..].iter().take(2).filter(|byte| word.len() == 2 || !byte.is_ascii_alphanumeric());
            glue.for_each(|byte| self.mark(*byte, GLUE));
        }
    }

    fn enter_inside(&mut self, word: &[u8]) {
        self.some_inside = u64::MAX;
        match *word {
            [first, second] => {
                (0..=u8::MAX).for_each(|third| self.inside[slot(pack(&[first, second, third]), FOURS)] = true);
            }
            _ => self.inside[slot(pack(&word[..3]), FOURS)] = true,
        }
    }

    fn hash(&mut self, word: &[u8], kind: u8) {
        match word.len() {
            2 => self.twos[slot(pack(word), SHORT)] |= kind,
            3 => self.threes[slot(pack(word), SHORT)] |= kind,
            _ => self.fours[slot(pack(&word[..4]), FOURS)] |= kind,
        }
    }

    fn mark(&mut self, byte: u8, class: u8) {
        self.classes[usize::from(byte.to_ascii_lowercase())] |= class;
        self.classes[usize::from(byte.to_ascii_uppercase())] |= class;
    }

    /// Returns at which of the [`BLOCK`] places from `at` on a word may start, the first place in the lowest bit.
    pub(super) fn block(&self, text: &[u8], at: usize) -> u64 {
        let mut bytes = [0; WINDOW + 4];
        let (from, gap) = at.checked_sub(1).map_or((0, 1), |before| (before, 0));
        let rest = &text[from..text.len().min(from + WINDOW + 4 - gap)];
        bytes[gap..gap + rest.len()].copy_from_slice(rest);
        let mut classes = [0; WINDOW];
        classes.iter_mut().zip(&bytes).for_each(|(class, byte)| *class = self.classes[usize::from(*byte)]);
        let [joins, glue, own, lead] = masks(&classes);
        let starts = (joins & !(joins << 1) | own) & (PLACES | PLACES << 1);
        let inside = joins & joins << 1 & (joins >> 1 & (joins | glue) >> 2 | glue >> 1) & PLACES & self.some_inside;
        let found = self.starts(&bytes, starts, lead) | self.inside(&bytes, inside);
        (found & PLACES) >> 1
    }

    /// Looks up what starts at `places`, and at the signs of `lead` before them.
    fn starts(&self, bytes: &[u8; WINDOW + 4], mut places: u64, lead: u64) -> u64 {
        let mut found = 0;
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            places &= places - 1;
            let kinds = self.kinds(bytes, place);
            found |= u64::from(kinds & START != 0) << place;
            found |= (u64::from(kinds & LED != 0) << place) >> 1 & lead;
        }
        found
    }

    fn inside(&self, bytes: &[u8; WINDOW + 4], mut places: u64) -> u64 {
        let mut found = 0;
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            places &= places - 1;
            let three = four(bytes, place) & THREE;
            found |= u64::from(self.inside[slot(three, FOURS)]) << place;
        }
        found
    }

    /// Returns of which kinds the words are that begin as the bytes at `place` do.
    fn kinds(&self, bytes: &[u8; WINDOW + 4], place: usize) -> u8 {
        let four = four(bytes, place);
        self.fours[slot(four, FOURS)] | self.threes[slot(four & THREE, SHORT)] | self.twos[slot(four & TWO, SHORT)]
    }
}

/// Packs the four bytes at `place`, small letters for capitals.
fn four(bytes: &[u8; WINDOW + 4], place: usize) -> u32 {
    let place = place % WINDOW;
    u32::from_le_bytes([bytes[place], bytes[place + 1], bytes[place + 2], bytes[place + 3]]) | CASES
}

/// Gathers the four bits of each class into masks, the first byte in the lowest bit of each.
fn masks(classes: &[u8; WINDOW]) -> [u64; 4] {
    let mut masks = [0; 4];
    for (k, eight) in classes.as_chunks::<8>().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        for (class, mask) in masks.iter_mut().enumerate() {
            // The lowest bit of each byte, moved into the highest byte by one multiplication.
            let bits = (eight >> class & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            *mask |= bits << (8 * k);
        }
    }
    masks
}

/// Packs up to four bytes, small letters for capitals.
pub(super) fn pack(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |packed, byte| packed << 8 | u32::from(byte | CASE))
}

/// Fibonacci hashing (Knuth, volume 3, 6.4).
pub(super) fn slot(key: u32, bits: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B1) >> (32 - bits)) as usize
}

/// The bit in which capitals and small letters of ASCII differ.
const CASE: u8 = 0x20;
const CASES: u32 = 0x2020_2020;
/// What is left of four packed bytes when the last one is taken off, and the last two.
const THREE: u32 = 0xFF_FFFF;
const TWO: u32 = 0xFFFF;

/// A letter or digit of ASCII.
const JOINS: u8 = 1;
/// What else stands in second or third place of a word that counts inside others.
const GLUE: u8 = 2;
/// No letter or digit of ASCII, and begins words.
const OWN: u8 = 4;
/// A sign before the letters or digits that words begin with.
const LEAD: u8 = 8;

/// A word that counts where a word starts, or a sign.
const START: u8 = 1;
/// A word that counts behind a sign that belongs to it.
const LED: u8 = 2;

/// Bits of the hash of four bytes, and of fewer.
pub(super) const FOURS: u32 = 14;
const SHORT: u32 = 12;

/// Bytes looked at in one go: one before the places, and two behind them.
const WINDOW: usize = 64;
/// The places of a window, as bits of it.
const PLACES: u64 = ((1 << BLOCK) - 1) << 1;
/// How many places there are in a window.
pub(super) const BLOCK: usize = WINDOW - 3;
