//! What the tagger sees of a token: hashed features of the token and its neighbours.

use super::hash::mix;
use super::token::{Kind, Shape, Token};

/// Features of one token, as hashes.
pub type Features = Vec<u32>;

/// How a stretch of text is written as a whole: capitals say nothing where everything or nothing has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Case {
    /// Capitals here and there.
    Mixed,
    /// No capitals.
    Lower,
    /// Capitals only.
    Upper,
    /// A capital at the head of every word.
    Title,
}

impl Case {
    /// Looks at the words of a stretch.
    pub fn of(tokens: &[Token]) -> Case {
        let (mut lower, mut upper, mut title) = (0, 0, 0);
        for token in tokens {
            match token.shape {
                Shape::Lower => lower += 1,
                Shape::Upper => upper += 1,
                Shape::Title => title += 1,
                _ => {}
            }
        }
        match (lower, upper, title) {
            (_, 0, 0) => Case::Lower,
            (0, 2.., 0) => Case::Upper,
            (0, _, 3..) => Case::Title,
            _ => Case::Mixed,
        }
    }
}

/// Pushes the features of the token at `at`.
pub fn extract(tokens: &[Token], at: usize, case: Case, out: &mut Features) {
    let view = Around { tokens, at };
    let mut push = |kind: u32, first: u32, second: u32| out.push(mix(kind, first, second));
    let (here, before, after) = (view.word(0), view.word(-1), view.word(1));
    let own = &tokens[at];
    let (look, left, right) = (view.look(0), view.look(-1), view.look(1));
    let cased = look << 2 | case as u32;
    let flags = u32::from(own.flags);
    push(0, cased, 0);
    push(1, here, 0);
    push(2, before, 0);
    push(3, after, 0);
    push(4, view.word(-2), 0);
    push(5, view.word(2), 0);
    push(6, before, here);
    push(7, here, after);
    push(8, view.word(-2), before);
    push(9, after, view.word(2));
    push(10, here, cased);
    push(11, left << 16 | look << 8 | right, case as u32);
    push(12, flags, cased);
    push(13, flags, view.flags(-1) << 8 | view.flags(1));
    push(14, flags << 8 | view.flags(-1), left << 16 | cased);
    push(15, flags << 8 | view.flags(1), right << 16 | cased);
    push(16, before, cased << 8 | flags);
    push(17, after, cased << 8 | flags);
    push(18, mix(0, before, view.word(-2)), look << 8 | flags);
    push(19, before, after);
    push(20, u32::from(own.letters), cased | u32::from(own.script) << 8);
    push(21, view.first() << 8 | look, case as u32 | flags << 8);
    push(22, mix(0, after, view.word(2)), look);
    push(23, view.word(-3), look);
    push(24, view.word(3), look);
    push(25, mix(0, view.word(-3), view.word(-2)), before);
    push(26, view.flags(-2) << 8 | view.flags(-1), flags << 8 | look);
    push(27, view.flags(2) << 8 | view.flags(1), flags << 8 | look);
    for offset in 2..=6 {
        push(30, view.word(-offset), 0);
    }
    for offset in 2..=4 {
        push(31, view.word(offset), 0);
    }
    match own.kind {
        Kind::Word => spelling(&view, cased, &mut push),
        Kind::Letter => letters(&view, &mut push),
        _ => {}
    }
}

/// Heads and tails of a word and of its neighbours.
fn spelling(view: &Around<'_>, cased: u32, push: &mut impl FnMut(u32, u32, u32)) {
    let own = &view.tokens[view.at];
    for length in 1..4 {
        push(40 + length as u32, own.heads[length], 0);
        push(44 + length as u32, own.tails[length], 0);
        push(48 + length as u32, own.tails[length], cased);
    }
    push(53, view.tail(-1), own.tails[2]);
    push(54, own.tails[2], view.tail(1));
    push(55, view.tail(-1), cased);
    push(56, view.tail(1), cased);
}

/// Runs of letters around a letter of a script without spaces.
fn letters(view: &Around<'_>, push: &mut impl FnMut(u32, u32, u32)) {
    let run = |from: i32, to: i32| (from..=to).fold(0, |sum, offset| mix(60, sum, view.word(offset)));
    for (kind, (from, to)) in RUNS.iter().enumerate() {
        push(61 + kind as u32, run(*from, *to), 0);
    }
    let flags = u32::from(view.tokens[view.at].flags);
    push(80, run(-3, -1), flags);
    push(81, run(1, 3), flags);
    push(82, view.flags(-2) << 8 | view.flags(-1), view.flags(1) << 16 | flags << 8 | view.flags(2));
}

struct Around<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Around<'_> {
    fn get(&self, offset: i32) -> Option<&Token> {
        self.at.checked_add_signed(offset as isize).and_then(|at| self.tokens.get(at))
    }

    fn word(&self, offset: i32) -> u32 {
        self.get(offset).map_or(EDGE, |token| token.hash)
    }

    fn flags(&self, offset: i32) -> u32 {
        self.get(offset).map_or(0, |token| u32::from(token.flags))
    }

    fn tail(&self, offset: i32) -> u32 {
        self.get(offset).map_or(EDGE, |token| token.tails[2])
    }

    /// Kind, shape and spacing of a neighbour in one byte.
    fn look(&self, offset: i32) -> u32 {
        self.get(offset)
            .map_or(255, |token| (token.kind as u32) << 4 | (token.shape as u32) << 1 | u32::from(token.spaced))
    }

    /// Whether a sentence starts here.
    fn first(&self) -> u32 {
        let before = self.get(-1);
        u32::from(before.is_none_or(|token| token.kind == Kind::Line || token.kind == Kind::Sign && !token.spaced))
    }
}

/// The word beyond either end of the text.
const EDGE: u32 = 0x5EED;

/// Which neighbours the runs cover.
const RUNS: [(i32, i32); 14] = [
    (-1, 0),
    (0, 1),
    (-1, 1),
    (-2, 0),
    (0, 2),
    (-3, 0),
    (0, 3),
    (-2, 1),
    (-1, 2),
    (-3, -1),
    (1, 3),
    (-4, -1),
    (1, 4),
    (-2, -1),
];
