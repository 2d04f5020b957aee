//! Whether to try to compress the next frame for a destination set.
//!
//! Trying costs time also where nothing is gained (payloads that are compressed or encrypted already). So a set whose
//! frames do not shrink is left alone for longer and longer, and tried again, because what is published changes.

use mesh_protocol::frame::Written;
use rustc_hash::FxHashMap;

use super::batch::Agents;

/// Smaller bodies are not tried, in bytes.
const BODY_BYTES_MIN: usize = 512;
/// Most frames of a set that are left alone after one that did not shrink.
const REST_FRAMES_MAX: u32 = 64;
/// Sets that are remembered; with more all begin anew.
const SETS_MAX: usize = 1_024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Compression {
    sets: FxHashMap<Agents, Rest>,
}

/// Of one set. Zero: its frames shrink.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    /// Frames that are still left alone.
    left: u32,
    /// How many were, the last time.
    last: u32,
}

impl Compression {
    /// Whether to try it with a body of this size.
    pub(super) fn is_worth_it(&mut self, set: &Agents, body_bytes: usize) -> bool {
        if body_bytes < BODY_BYTES_MIN {
            return false;
        }
        let Some(rest) = self.sets.get_mut(set) else { return true };
        if rest.left == 0 {
            return true;
        }
        rest.left -= 1;
        false
    }

    /// What became of a try.
    pub(super) fn tried(&mut self, set: &Agents, written: Written) {
        if written.is_compressed() {
            self.sets.remove(set);
            return;
        }
        if self.sets.len() >= SETS_MAX {
            self.sets.clear();
        }
        let rest = self.sets.entry(set.clone()).or_default();
        rest.last = (rest.last * 2).clamp(1, REST_FRAMES_MAX);
        rest.left = rest.last;
    }
}

#[cfg(test)]
mod tests {
    use mesh_protocol::id::AgentId;
    use uuid::Uuid;

    use super::*;

    const SHRUNK: Written = Written { plain: 1_000, written: 500 };
    const NOT: Written = Written { plain: 1_000, written: 1_000 };

    fn set(number: u128) -> Agents {
        Agents::from_iter([AgentId(Uuid::from_u128(number))])
    }

    /// How many of so many frames are tried when each try ends like this.
    fn tries(compression: &mut Compression, set: &Agents, frames: u32, written: Written) -> u32 {
        let mut tried = 0;
        for _ in 0..frames {
            if compression.is_worth_it(set, written.plain) {
                compression.tried(set, written);
                tried += 1;
            }
        }
        tried
    }

    #[test]
    fn what_does_not_shrink_is_left_alone_for_longer_and_longer() {
        let mut compression = Compression::default();
        assert_eq!(tries(&mut compression, &set(1), 100, SHRUNK), 100);
        assert_eq!(tries(&mut compression, &set(1), 1 + 1 + 1 + 2 + 1 + 4 + 1, NOT), 4);
        let many = tries(&mut compression, &set(1), 6_500, NOT);
        assert!((100..=106).contains(&many), "tried {many} times, one in 65");
        assert_eq!(tries(&mut compression, &set(2), 10, SHRUNK), 10, "another set is not concerned");
        let again = tries(&mut compression, &set(1), REST_FRAMES_MAX + 10, SHRUNK);
        assert!(again >= 10, "once it shrinks again, each frame is tried again");
        assert_eq!(tries(&mut compression, &set(1), 10, SHRUNK), 10);
    }

    #[test]
    fn a_small_body_is_not_tried_and_sets_are_bounded() {
        let mut compression = Compression::default();
        assert!(!compression.is_worth_it(&set(1), BODY_BYTES_MIN - 1));
        for number in 0..3 * SETS_MAX as u128 {
            compression.tried(&set(number), NOT);
        }
        assert!(compression.sets.len() <= SETS_MAX);
    }
}
