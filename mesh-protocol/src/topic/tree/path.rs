//! A topic, cut and hashed once for all the nodes and trees it is looked up in.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// Topics of so many levels need no allocation.
const INLINE: usize = 12;

/// One level of a topic with its hash.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step<'a> {
    pub(super) hash: u64,
    pub(super) text: &'a str,
}

impl<'a> Step<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        // This hasher leaves its best bits at the bottom; lists are chosen by those at the top.
        Self { hash: hasher.finish().rotate_right(26), text }
    }
}

/// A topic's levels.
#[derive(Debug)]
pub(crate) struct Path<'a> {
    pub(super) system: bool,
    steps: Steps<'a>,
}

#[derive(Debug)]
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::large_enum_variant, reason = "lives on the stack for one lookup, to save the allocation")
)]
enum Steps<'a> {
    Few([Step<'a>; INLINE], usize),
    Many(Vec<Step<'a>>),
}

impl<'a> Path<'a> {
    pub(crate) fn of(topic: &'a str) -> Self {
        let mut few = [Step::default(); INLINE];
        let mut levels = topic.split('/').map(Step::of);
        let mut used = 0;
        for slot in &mut few {
            match levels.next() {
                Some(step) => *slot = step,
                None => break,
            }
            used += 1;
        }
        let steps = match levels.next() {
            None => Steps::Few(few, used),
            Some(step) => Steps::Many(few.into_iter().chain([step]).chain(levels).collect()),
        };
        Self { system: topic.starts_with('$'), steps }
    }

    pub(super) fn steps(&self) -> &[Step<'a>] {
        match &self.steps {
            Steps::Few(few, used) => &few[..*used],
            Steps::Many(many) => many,
        }
    }
}
