//! The first tagger: names of people, addresses and places by a small model in front of the network.
//!
//! | for this task | use |
//! |---|---|
//! | decide whether a text needs the network, and take what is sure | [`Gate::judge`] |
//! | find names without a network | [`Tagger::tag`] |
//! | train | `training/` at the top of the project, which compiles these same files |
//!
//! A linear-chain conditional random field over hashed features of tokens: some ten microseconds a chat turn, and the
//! detector for scripts that the network's vocabulary does not cover. Memory is bounded and time linear: long texts are
//! read in stretches of [`STRETCH`] tokens that overlap.

pub mod features;
pub mod gazetteer;
pub mod hash;
pub mod lattice;
pub mod model;
mod spans;
#[cfg(test)]
mod tests;
pub mod token;

use std::ops::Range;

pub use lattice::Label;
pub use model::{Model, ModelError};

use lattice::{Lattice, Steps};
use spans::Spans;
use token::{Token, Tokens};

/// Decides before the network whether a text is worth its time.
pub trait Gate {
    /// Says what is sure in `text` and whether the network is to look at it.
    fn judge(&self, text: &str) -> Verdict;
}

/// What the tagger says of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What it found, in order and without overlap; all of it when `ask` is false.
    pub spans: Vec<Span>,
    /// Whether something is too likely to be passed over and too unlikely to be taken.
    pub ask: bool,
    /// Where that is, in order; places that stand near each other are one.
    pub doubts: Vec<Range<usize>>,
}

impl Verdict {
    /// Notes that something at `place` is in doubt; places come in order.
    fn doubt(&mut self, place: &Range<usize>) {
        self.ask = true;
        match self.doubts.last_mut() {
            Some(last) if last.end + NEAR >= place.start && place.end - last.start <= FAR => last.end = place.end,
            _ => self.doubts.push(place.clone()),
        }
    }
}

/// A stretch of text and what it is taken for.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// What it is. [`Label::Other`] is never given out.
    pub label: Label,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// How likely it is, 0 to 1: the mean over its tokens.
    pub probability: f32,
    /// Whether every word of it is a country's: such a place is no personal data by itself.
    pub country: bool,
}

/// Where the tagger is sure. Chosen on development data; see `training/README.md`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// From here on a token is part of a name.
    pub take: f32,
    /// Below this nothing is there; from here up to `sure` the network is asked.
    pub doubt: f32,
    /// From here on the network is not asked.
    pub sure: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { take: 0.35, doubt: 0.08, sure: 0.6 }
    }
}

/// Finds names of people, addresses and places.
pub struct Tagger {
    model: Model,
    steps: Steps,
    thresholds: Thresholds,
}

impl Tagger {
    /// Loads the weights that are built in.
    ///
    /// # Errors
    /// [`ModelError`] when they are damaged.
    pub fn new() -> Result<Tagger, ModelError> {
        Model::read(WEIGHTS).map(|model| Tagger::with(model, Thresholds::default()))
    }

    /// Uses other weights and thresholds.
    pub fn with(model: Model, thresholds: Thresholds) -> Tagger {
        Tagger { steps: Steps::new(&model.transitions), model, thresholds }
    }

    /// Finds spans by the tagger alone.
    pub fn tag(&self, text: &str) -> Vec<Span> {
        self.judge(text).spans
    }

    /// Hands the probabilities of each token of `text` to `each`.
    pub fn probabilities(&self, text: &str, mut each: impl FnMut(&Token, &model::Scores)) {
        let mut work = Work::default();
        let mut source = Tokens::new(text);
        let mut first = true;
        loop {
            let read = source.by_ref().take(STRETCH - work.tokens.len());
            work.tokens.extend(read);
            let last = work.tokens.len() < STRETCH;
            self.label(text, &mut work);
            let from = if first { 0 } else { OVERLAP / 2 };
            let to = if last { work.tokens.len() } else { STRETCH - OVERLAP / 2 };
            for at in from..to.max(from) {
                each(&work.tokens[at], &work.lattice.marginals[at]);
            }
            if last {
                return;
            }
            first = false;
            work.tokens.drain(..STRETCH - OVERLAP);
        }
    }

    fn label(&self, text: &str, work: &mut Work) {
        work.tokens.iter_mut().for_each(|token| token.flags = 0);
        self.model.gazetteer.mark(text, &mut work.tokens);
        let case = features::Case::of(&work.tokens);
        work.scores.clear();
        for at in 0..work.tokens.len() {
            work.features.clear();
            features::extract(&work.tokens, at, case, &mut work.features);
            work.scores.push(self.model.score(&work.features));
        }
        work.lattice.run(&work.scores, &self.steps, |_, _, _, _| ());
    }
}

impl Gate for Tagger {
    fn judge(&self, text: &str) -> Verdict {
        let mut spans = Spans::new(self.thresholds);
        self.probabilities(text, |token, scores| spans.push(token, scores));
        spans.finish()
    }
}

#[derive(Default)]
struct Work {
    tokens: Vec<Token>,
    features: features::Features,
    scores: Vec<model::Scores>,
    lattice: Lattice,
}

/// Bytes between two places in doubt that are asked about together.
const NEAR: usize = 512;
/// Bytes that are asked about together at most, one token more.
const FAR: usize = 8192;
/// Tokens that are looked at together.
pub const STRETCH: usize = 512;
/// Tokens that one stretch shares with the next, so that a name on the border is seen whole.
const OVERLAP: usize = 32;

static WEIGHTS: &[u8] = include_bytes!("weights.bin");
