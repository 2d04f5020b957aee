//! The walk over two schemas that a comparison is: where it stands, what it found, and how it ends.
//!
//! Types refer to themselves, so a pair that is met again while it is being compared counts as fitting: if it does
//! not fit in the end, the comparison under way says so. A trial asks only whether a pair fits, to choose between the
//! branches of a union. What a trial refuses is refused for good, since assumptions only help; what it accepts is not
//! kept.

use std::collections::HashSet;
use std::hash::Hash;

use super::budget::Budget;
use super::compat::{FINDINGS_MAX, Problem, Sides, UNDECIDED};
use super::field::{join, shown};

/// `P` is a pair of types, the reader's and the writer's.
#[derive(Debug)]
pub(super) struct Walk<P> {
    pub(super) sides: Sides,
    budget: Budget,
    /// Pairs that are compared right now.
    open: HashSet<P>,
    /// Pairs that do not fit, whatever is assumed.
    refused: HashSet<P>,
    /// Pairs whose problems are told already.
    told: HashSet<P>,
    trials: usize,
    path: String,
    problems: Vec<Problem>,
}

/// Where a comparison or a trial began.
#[derive(Debug)]
#[must_use]
pub(super) struct Mark(usize);

impl<P: Copy + Eq + Hash> Walk<P> {
    pub(super) fn new(sides: Sides) -> Self {
        Self {
            sides,
            budget: Budget::new(),
            open: HashSet::new(),
            refused: HashSet::new(),
            told: HashSet::new(),
            trials: 0,
            path: String::new(),
            problems: Vec::new(),
        }
    }

    /// A walk of its own for a question the other way round. It uses up what is left here; see [`Self::rejoin`].
    pub(super) fn fork(&self) -> Self {
        Self { budget: self.budget.clone(), ..Self::new(self.sides) }
    }

    /// Takes back what is left of a fork, and says whether it found nothing.
    pub(super) fn rejoin(&mut self, fork: Self) -> bool {
        self.budget = fork.budget;
        fork.problems.is_empty()
    }

    /// Begins a pair, unless nothing is to be learnt from it.
    pub(super) fn enter(&mut self, pair: P) -> Option<Mark> {
        if self.trials > 0 && self.refused.contains(&pair) {
            self.add(UNDECIDED, String::new());
            return None;
        }
        let known = self.open.contains(&pair) || (self.trials == 0 && self.told.contains(&pair));
        if known || self.problems.len() >= FINDINGS_MAX {
            return None;
        }
        if !self.budget.enter() {
            let Sides { reader, writer } = self.sides;
            let advice = "the schemas are too large or too deep to compare, split them";
            self.add(
                UNDECIDED,
                format!("it is not known whether a consumer with {reader} reads data of {writer}: {advice}"),
            );
            return None;
        }
        self.open.insert(pair);
        Some(Mark(self.problems.len()))
    }

    /// Takes steps for work within a pair; see [`Budget::spend`].
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        self.budget.spend(steps)
    }

    /// Ends a pair.
    pub(super) fn leave(&mut self, pair: P, Mark(before): Mark) {
        self.open.remove(&pair);
        self.budget.leave();
        if self.problems.len() > before {
            self.refused.insert(pair);
        }
        if self.trials == 0 {
            self.told.insert(pair);
        }
    }

    pub(super) fn begin_trial(&mut self) -> Mark {
        self.trials += 1;
        Mark(self.problems.len())
    }

    /// How many problems there were; they are not told.
    pub(super) fn end_trial(&mut self, Mark(before): Mark) -> usize {
        self.trials -= 1;
        let found = self.problems.len() - before;
        self.problems.truncate(before);
        found
    }

    /// Goes a step down, as long as `step` stays.
    pub(super) fn down(&mut self, step: &str) -> usize {
        let length = self.path.len();
        self.path.push_str(step);
        length
    }

    /// Goes down to a named part.
    pub(super) fn down_to(&mut self, name: &str) -> usize {
        let length = self.path.len();
        self.path = join(&self.path, name);
        length
    }

    /// Comes back from [`Self::down`].
    pub(super) fn up(&mut self, length: usize) {
        self.path.truncate(length);
    }

    pub(super) fn add(&mut self, rule: &'static str, reason: String) {
        self.problems.push(Problem { path: shown(&self.path), rule, reason });
    }

    /// Adds that the reader refuses what the writer allows.
    pub(super) fn refuses(&mut self, rule: &'static str, what: &str, advice: &str) {
        let Sides { reader, writer } = self.sides;
        self.add(rule, format!("a consumer with {reader} refuses {what}, which {writer} allows: {advice}"));
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}
