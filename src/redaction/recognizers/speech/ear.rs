//! What is remembered while one turn of a conversation is scanned: the digits that stand in it, and what it asks for.

use std::cell::RefCell;
use std::ops::Range;

use super::ask::Asked;

/// Listens to one turn. All it keeps are places and topics, never text.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    /// What the turns before asked for, the latest last.
    pub(crate) open: Vec<Asked>,
    /// Whether the one who asks speaks: what is named here is asked for, not announced.
    pub(crate) asker: bool,
    groups: RefCell<Vec<Group>>,
    asks: RefCell<Vec<(Asked, Range<usize>)>>,
    outcome: RefCell<Option<Outcome>>,
}

/// What a turn leaves for the turns after it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// The answers that came, whole or in part, with how many digits each has.
    pub(crate) answered: Vec<(Asked, usize)>,
    /// What it asks for, or announces, and does not say itself.
    pub(crate) asked: Vec<Asked>,
}

/// Digits without a sign between them, or a number in words.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Bytes of the normalised text.
    pub(crate) span: Range<usize>,
    /// How many digits it has.
    pub(crate) digits: usize,
    /// Which run of groups it belongs to.
    pub(crate) run: usize,
    /// Whether it is said in words.
    pub(crate) spoken: bool,
}

impl Ear {
    pub(crate) fn new(open: Vec<Asked>, asker: bool) -> Self {
        Ear { open, asker, ..Ear::default() }
    }

    /// Notes the groups of one number run.
    pub(crate) fn number(&self, groups: &[Range<usize>]) {
        let mut noted = self.groups.borrow_mut();
        let run = groups.first().map_or(0, |group| group.start);
        let room = MAX_GROUPS.saturating_sub(noted.len());
        noted.extend(groups.iter().take(room).map(|span| Group {
            span: span.clone(),
            digits: span.len(),
            run,
            spoken: false,
        }));
    }

    /// Notes a number in words.
    pub(crate) fn spoken(&self, span: Range<usize>, digits: usize) {
        let mut noted = self.groups.borrow_mut();
        if noted.len() < MAX_GROUPS {
            noted.push(Group { run: span.start, span, digits, spoken: true });
        }
    }

    /// Notes that something is asked for or announced.
    pub(crate) fn ask(&self, asked: Asked, span: Range<usize>) {
        let mut asks = self.asks.borrow_mut();
        if asks.len() < MAX_ASKS {
            asks.push((asked, span));
        }
    }

    /// Keeps what the first pass over the turn made of it; later passes see tokens in place of values.
    pub(crate) fn conclude(&self, outcome: impl FnOnce() -> Outcome) {
        self.outcome.borrow_mut().get_or_insert_with(outcome);
    }

    /// Returns what the turn leaves.
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome.borrow().clone().unwrap_or_default()
    }

    /// Returns whether a turn before asked for it.
    pub(crate) fn waits_for(&self, asked: Asked) -> bool {
        self.open.contains(&asked)
    }

    /// Returns the groups seen since the last call, in order.
    pub(crate) fn take_groups(&self) -> Vec<Group> {
        let mut groups = self.groups.take();
        groups.sort_by_key(|group| group.span.start);
        groups
    }

    /// Returns what was asked for since the last call, in order.
    pub(crate) fn take_asks(&self) -> Vec<(Asked, Range<usize>)> {
        self.asks.take()
    }
}

/// A turn with more than this is no answer to a question; what it holds is judged by the ordinary rules alone.
const MAX_GROUPS: usize = 256;
const MAX_ASKS: usize = 32;
