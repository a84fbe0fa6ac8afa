//! From the probabilities of tokens to spans, and to the question whether the network is to be asked.

use super::gazetteer::COUNTRY;
use super::lattice::Label;
use super::model::Scores;
use super::token::{Kind, Token};
use super::{Span, Thresholds, Verdict};

/// Collects tokens into spans.
pub(super) struct Spans {
    thresholds: Thresholds,
    verdict: Verdict,
    open: Option<Open>,
}

struct Open {
    label: Label,
    start: usize,
    end: usize,
    sum: f32,
    words: f32,
    country: bool,
}

impl Spans {
    pub(super) fn new(thresholds: Thresholds) -> Self {
        Spans { thresholds, verdict: Verdict::default(), open: None }
    }

    /// Takes the next token.
    pub(super) fn push(&mut self, token: &Token, scores: &Scores) {
        let all = [scores[1] + scores[2], scores[3] + scores[4], scores[5] + scores[6]];
        let total: f32 = all.iter().sum();
        let private = all[0] + all[1];
        let nameable = matches!(token.kind, Kind::Word | Kind::Letter | Kind::Number);
        let readable = token.script <= LATIN;
        if nameable
            && readable
            && (self.thresholds.doubt..self.thresholds.sure).contains(&total)
            && private > total / 2.0
        {
            self.verdict.doubt(&token.span);
        }
        let best = if all[0] >= all[1] && all[0] >= all[2] {
            0
        } else if all[1] >= all[2] {
            1
        } else {
            2
        };
        let label = [Label::Person, Label::Address, Label::Location][best];
        if total < self.thresholds.take || token.kind == Kind::Opaque {
            return self.close();
        }
        let begins = scores[1 + 2 * best] > scores[2 + 2 * best];
        if begins || self.open.as_ref().is_none_or(|open| open.label != label) {
            self.close();
        }
        if self.open.is_none() && !nameable {
            return;
        }
        let open = self.open.get_or_insert(Open {
            label,
            start: token.span.start,
            end: 0,
            sum: 0.0,
            words: 0.0,
            country: true,
        });
        if nameable {
            open.end = token.span.end;
            open.sum += total;
            open.words += 1.0;
            open.country &= token.flags & COUNTRY != 0;
        }
    }

    /// Ends the text.
    pub(super) fn finish(mut self) -> Verdict {
        self.close();
        self.verdict
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let span = open.start..open.end;
        let country = open.country && open.label == Label::Location;
        self.verdict.spans.push(Span { label: open.label, span, probability: open.sum / open.words, country });
    }
}

/// The script that the network reads; below it is what has none, such as digits.
const LATIN: u8 = 1;
