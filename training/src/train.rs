//! Fits the field: stochastic gradient on the likelihood, with AdaGrad steps.
//!
//! AdaGrad: Duchi, Hazan, Singer, "Adaptive Subgradient Methods" (2011).

use crate::corpus::{Corpus, Sample};
use crate::rng::Rng;
use crate::tagger::features::{self, Case};
use crate::tagger::gazetteer::COMMON;
use crate::tagger::gazetteer::Gazetteer;
use crate::tagger::lattice::{Lattice, Steps, begin};
use crate::tagger::model::{LABELS, Model, Scores, row};
use crate::tagger::token::{Kind, Token, Tokens};

/// Rows of weights of the finished model.
pub const ROWS: usize = 184_320;

/// Weights under training.
pub struct Trainer {
    rows: Vec<Scores>,
    squares: Vec<Scores>,
    transitions: [Scores; LABELS + 1],
    transition_squares: [Scores; LABELS + 1],
    gazetteer: Gazetteer,
    rng: Rng,
    rate: f32,
    lattice: Lattice,
    /// Letters of scripts without spaces, as seen lately.
    letters: Vec<(u8, u32)>,
}

impl Trainer {
    /// Starts from nothing.
    pub fn new(gazetteer: Gazetteer, seed: u64) -> Trainer {
        Trainer {
            rows: vec![[0.0; LABELS]; ROWS],
            squares: vec![[0.0; LABELS]; ROWS],
            transitions: [[0.0; LABELS]; LABELS + 1],
            transition_squares: [[0.0; LABELS]; LABELS + 1],
            gazetteer,
            rng: Rng(seed),
            rate: RATE,
            lattice: Lattice::default(),
            letters: Vec::new(),
        }
    }

    /// Learns from `count` samples and returns the mean loss of a token over the last tenth.
    pub fn run(&mut self, corpus: &Corpus, count: usize) -> f32 {
        let (mut loss, mut tokens) = (0.0_f64, 0_usize);
        for at in 0..count {
            let progress = at as f32 / count as f32;
            self.rate = RATE * if progress < 0.6 { 1.0 } else { (1.0 - progress) / 0.4 + 0.02 };
            let sample = corpus.sample(&mut self.rng);
            let (own, length) = self.learn(&sample);
            if at >= count / 10 * 9 {
                loss += f64::from(own);
                tokens += length;
            }
            if at % 50_000 == 49_999 {
                eprintln!("{} samples", at + 1);
            }
        }
        (loss / tokens.max(1) as f64) as f32
    }

    fn learn(&mut self, sample: &Sample) -> (f32, usize) {
        let mut tokens: Vec<Token> = Tokens::new(&sample.text).take(200).collect();
        if tokens.is_empty() {
            return (0.0, 0);
        }
        let gold = labels(&tokens, sample);
        self.gazetteer.mark(&sample.text, &mut tokens);
        let case = Case::of(&tokens);
        self.forget(&mut tokens, &gold);
        let mut all = Vec::with_capacity(tokens.len());
        let mut scores = Vec::with_capacity(tokens.len());
        for at in 0..tokens.len() {
            let mut found = Vec::with_capacity(64);
            features::extract(&tokens, at, case, &mut found);
            found.retain(|_| !self.rng.chance(DROPPED));
            let sums = found.iter().fold([0.0; LABELS], |mut sums: Scores, &feature| {
                sums.iter_mut().zip(&self.rows[row(feature, ROWS)]).for_each(|(sum, weight)| *sum += weight);
                sums
            });
            scores.push(sums);
            all.push(found);
        }
        let steps = Steps::new(&self.transitions);
        let mut expected = [[0.0_f32; LABELS]; LABELS + 1];
        self.lattice.run(&scores, &steps, |from, to, _, probability| expected[from][to] += probability);
        let marginals = std::mem::take(&mut self.lattice.marginals);
        let mut before = LABELS;
        let mut loss = 0.0;
        for (at, &label) in gold.iter().enumerate() {
            expected[before][label] -= 1.0;
            before = label;
            let mut slope = marginals[at];
            loss -= slope[label].max(1e-9).ln();
            slope[label] -= 1.0;
            self.step(&all[at], &slope);
        }
        self.lattice.marginals = marginals;
        self.step_transitions(&expected);
        (loss, gold.len())
    }

    /// Makes words unknown now and then, so that what stands around them is learned as well.
    fn forget(&mut self, tokens: &mut [Token], gold: &[usize]) {
        let sentence = self.rng.chance(25);
        let mut keep = true;
        for (token, &label) in tokens.iter_mut().zip(gold) {
            let starts = label % 2 == 1;
            let named = matches!(label, 1..=6);
            if starts {
                keep = !self.rng.chance(if sentence { 60 } else { 12 });
            }
            let gone = if named { !keep } else { self.rng.chance(if label == 7 { 30 } else { 6 }) };
            if token.kind == Kind::Letter && (self.letters.len() < LETTERS || self.rng.chance(5)) {
                self.keep_letter(token);
            }
            if token.kind == Kind::Letter && gone && named {
                token.hash = self.other_letter(token);
                token.flags = 0;
            }
            if !gone || token.kind != Kind::Word || self.rng.chance(15) && named {
                continue;
            }
            token.hash = self.rng.next() as u32;
            token.flags &= if named { 0 } else { COMMON };
            if self.rng.chance(40) {
                token.tails[3] = self.rng.next() as u32;
                token.heads[3] = self.rng.next() as u32;
            }
        }
    }

    fn keep_letter(&mut self, token: &Token) {
        let letter = (token.script, token.hash);
        if self.letters.len() < LETTERS {
            self.letters.push(letter);
        } else {
            let at = self.rng.below(LETTERS);
            self.letters[at] = letter;
        }
    }

    /// Returns the hash of another letter of the same script, so that unknown names are made of known letters.
    fn other_letter(&mut self, token: &Token) -> u32 {
        let tries: Vec<_> = (0..30).map(|_| self.rng.below(self.letters.len().max(1))).collect();
        let same = tries.into_iter().filter_map(|at| self.letters.get(at)).find(|letter| letter.0 == token.script);
        same.map_or(token.hash, |letter| letter.1)
    }

    fn step(&mut self, features: &[u32], slope: &Scores) {
        if slope.iter().all(|value| value.abs() < 0.002) {
            return;
        }
        for &feature in features {
            let at = row(feature, ROWS);
            adapt(&mut self.rows[at], &mut self.squares[at], slope, self.rate);
        }
    }

    fn step_transitions(&mut self, slope: &[Scores; LABELS + 1]) {
        for (from, slope) in slope.iter().enumerate() {
            adapt(&mut self.transitions[from], &mut self.transition_squares[from], slope, self.rate * 0.5);
        }
    }

    /// Rounds the weights to eight bits.
    pub fn finish(self) -> Model {
        let mut sizes: Vec<f32> = self.rows.as_flattened().iter().map(|weight| weight.abs()).collect();
        sizes.sort_unstable_by(f32::total_cmp);
        let scale = sizes[sizes.len() / 10_000 * 9_995].max(1e-3) / 127.0;
        let quantise = |weight: f32| (weight / scale).round().clamp(-127.0, 127.0) as i8;
        let rows = self.rows.iter().map(|row| row.map(quantise)).collect();
        Model { transitions: self.transitions, scale, rows, gazetteer: self.gazetteer }
    }
}

fn adapt(weights: &mut Scores, squares: &mut Scores, slope: &Scores, rate: f32) {
    for label in 0..LABELS {
        squares[label] += slope[label] * slope[label];
        weights[label] -= rate * slope[label] / (squares[label] + 1.0).sqrt();
        weights[label] *= 1.0 - rate * DECAY;
    }
}

/// The label of each token: 0 nothing, odd begins, even goes on, 7 another name.
pub fn labels(tokens: &[Token], sample: &Sample) -> Vec<usize> {
    let mut spans = sample.spans.iter().peekable();
    let mut started = false;
    let mut of = |token: &Token| {
        while spans.peek().is_some_and(|(span, _)| span.end <= token.span.start) {
            spans.next();
            started = false;
        }
        let Some((span, label)) = spans.peek().filter(|(span, _)| span.start < token.span.end) else { return 0 };
        let goes_on = std::mem::replace(&mut started, true);
        debug_assert!(span.end > token.span.start);
        begin(*label) + usize::from(goes_on && begin(*label) != 7)
    };
    tokens.iter().map(&mut of).collect()
}

const RATE: f32 = 0.15;
/// Share of features left out of a sample, in percent.
const DROPPED: usize = 12;
/// How many letters are kept.
const LETTERS: usize = 8192;
const DECAY: f32 = 2e-6;
