//! A bound on the work of one walk.
//!
//! A few lines of schema can stand for exponentially many pairs to compare. A walk that runs out stops and says so; it
//! never decides on what it has not seen.

/// Most steps of one comparison or one list of fields.
const STEPS_MAX: usize = 200_000;
/// Most steps of one example: nobody reads a longer one.
const EXAMPLE_STEPS_MAX: usize = 20_000;
/// Deepest recursion of one walk, through named types too. A debug build needs about 2 KiB of stack for a level.
pub(super) const DEPTH_MAX: usize = 100;

/// Most steps of the check of a payload: so many, and so many more for each of its bytes.
const PAYLOAD_STEPS: (usize, usize) = (50_000, 16);
/// Deepest recursion of the check of a payload: it may nest deeper than what is shown.
const PAYLOAD_DEPTH_MAX: usize = 200;

/// Steps and levels left.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    steps: usize,
    depth: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { steps: STEPS_MAX, depth: DEPTH_MAX }
    }

    /// That of something that is shown as a whole.
    pub(super) fn for_example() -> Self {
        Self { steps: EXAMPLE_STEPS_MAX, ..Self::new() }
    }

    /// That of the check of a payload of so many bytes.
    pub(super) fn for_payload(bytes: usize) -> Self {
        let (least, more) = PAYLOAD_STEPS;
        Self { steps: bytes.saturating_mul(more).saturating_add(least), depth: PAYLOAD_DEPTH_MAX }
    }

    /// Takes one step and one level down. No more after the first refusal of a step.
    pub(super) fn enter(&mut self) -> bool {
        if self.steps == 0 || self.depth == 0 {
            return false;
        }
        self.steps -= 1;
        self.depth -= 1;
        true
    }

    /// Takes steps for work on one level; no when there are not so many left, and then none are left.
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        let enough = self.steps >= steps;
        self.steps = if enough { self.steps - steps } else { 0 };
        enough
    }

    /// Gives up.
    pub(super) fn exhaust(&mut self) {
        self.steps = 0;
    }

    /// Gives the level back after [`Self::enter`] said yes.
    pub(super) fn leave(&mut self) {
        self.depth += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_back_and_steps_do_not() {
        let mut budget = Budget { steps: 2, depth: 1 };
        assert!(budget.enter());
        assert!(!budget.enter(), "no level left");
        budget.leave();
        assert!(budget.enter());
        budget.leave();
        assert!(!budget.enter(), "no step left");
    }

    #[test]
    fn what_is_too_dear_takes_all_that_is_left() {
        let mut budget = Budget { steps: 5, depth: 1 };
        assert!(budget.spend(3));
        assert!(!budget.spend(3));
        assert!(!budget.spend(1), "nothing is left");
    }
}
