//! A linear-chain conditional random field over the labels of tokens: from scores to probabilities.
//!
//! Forward and backward in probability space, normalised at every token: see Lafferty, McCallum, Pereira, "Conditional
//! Random Fields" (2001), and Rabiner, "A Tutorial on Hidden Markov Models" (1989), for the scaling.

use super::model::{LABELS, Scores};

/// What a token is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// The name of a person.
    Person,
    /// A postal address or a line of one.
    Address,
    /// A town, state or country.
    Location,
    /// The name of something else: a company, a film, a brand.
    Other,
}

/// Index of "begins a span of this label"; "continues" is one more. 0 is "nothing"; other names do not begin.
pub fn begin(label: Label) -> usize {
    match label {
        Label::Person => 1,
        Label::Address => 3,
        Label::Location => 5,
        Label::Other => 7,
    }
}

/// Whether `to` may follow `from` ([`LABELS`] is the start): only what began can go on.
pub fn allowed(from: usize, to: usize) -> bool {
    !matches!(to, 2 | 4 | 6) || from == to || from + 1 == to
}

/// Working memory, used again for each stretch.
#[derive(Default)]
pub struct Lattice {
    /// `exp` of the scores, then in place the probabilities.
    pub marginals: Vec<Scores>,
    forward: Vec<Scores>,
    norms: Vec<f32>,
}

/// Transitions as factors; 0 where a step is not allowed.
pub struct Steps(pub [Scores; LABELS + 1]);

impl Steps {
    /// Takes transition scores.
    pub fn new(transitions: &[Scores; LABELS + 1]) -> Steps {
        let mut steps = [[0.0; LABELS]; LABELS + 1];
        for (from, to) in (0..=LABELS).flat_map(|from| (0..LABELS).map(move |to| (from, to))) {
            steps[from][to] = if allowed(from, to) { transitions[from][to].clamp(-15.0, 15.0).exp() } else { 0.0 };
        }
        Steps(steps)
    }
}

impl Lattice {
    /// Turns scores into the probability of each label at each token, left in `marginals`. `pairs` is told the probability
    /// of each step at each token.
    pub fn run(&mut self, scores: &[Scores], steps: &Steps, mut pairs: impl FnMut(usize, usize, usize, f32)) {
        self.forward(scores, steps);
        let mut backward = [1.0_f32; LABELS];
        for at in (0..scores.len()).rev() {
            let factors = self.marginals[at];
            let forward = self.forward[at];
            let sums: Scores = std::array::from_fn(|label| forward[label] * backward[label]);
            let sum = sums.iter().sum::<f32>().max(f32::MIN_POSITIVE);
            self.marginals[at] = sums.map(|value| value / sum);
            let onward: Scores = std::array::from_fn(|label| factors[label] * backward[label] / self.norms[at]);
            let before = if at > 0 { Some(self.forward[at - 1]) } else { None };
            let mut next = [0.0; LABELS];
            for from in 0..LABELS {
                for (to, onward) in onward.iter().enumerate() {
                    let step = steps.0[from][to] * onward;
                    next[from] += step;
                    if let Some(before) = before {
                        pairs(from, to, at, before[from] * step);
                    }
                }
            }
            if at == 0 {
                (0..LABELS).for_each(|to| pairs(LABELS, to, 0, self.marginals[0][to]));
            }
            backward = next;
        }
    }

    fn forward(&mut self, scores: &[Scores], steps: &Steps) {
        self.marginals.clear();
        self.forward.clear();
        self.norms.clear();
        let mut before: Option<Scores> = None;
        for scores in scores {
            let top = scores.iter().copied().fold(f32::MIN, f32::max);
            let factors = scores.map(|score| (score - top).max(-30.0).exp());
            let mut now = [0.0; LABELS];
            match before {
                None => now = steps.0[LABELS],
                Some(before) => {
                    for (from, value) in before.iter().enumerate() {
                        (0..LABELS).for_each(|to| now[to] += value * steps.0[from][to]);
                    }
                }
            }
            (0..LABELS).for_each(|to| now[to] *= factors[to]);
            let norm = now.iter().sum::<f32>().max(f32::MIN_POSITIVE);
            let now = now.map(|value| value / norm);
            self.marginals.push(factors);
            self.norms.push(norm);
            self.forward.push(now);
            before = Some(now);
        }
    }
}
