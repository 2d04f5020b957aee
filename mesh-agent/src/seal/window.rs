//! Which frames of a session have come: each is taken once, whatever a hub does with copies of it.
//!
//! Links and priorities let newer frames overtake older ones, so a frame need not be the next; what is older than the
//! window is not taken, since nobody knows any more whether it came before.

/// Counters that may be overtaken, in bits.
const BITS: u64 = 4_096;
const WORD_BITS: u64 = u64::BITS as u64;
const WORDS: usize = (BITS / WORD_BITS) as usize;
/// Older than the newest by this is too old: the word that the newest is in has no room for others.
const SPAN: u64 = BITS - WORD_BITS;

/// See the module. A ring of words; the newest counter's word is the last.
#[derive(Debug)]
pub(super) struct Window {
    /// The newest that came, and one more; 0 = none.
    next: u64,
    seen: Box<[u64; WORDS]>,
}

impl Default for Window {
    fn default() -> Self {
        Self { next: 0, seen: Box::new([0; WORDS]) }
    }
}

impl Window {
    /// Whether a frame with this counter has not come yet.
    pub(super) fn is_new(&self, counter: u64) -> bool {
        if counter >= self.next {
            return counter < u64::MAX;
        }
        self.next - counter <= SPAN && self.seen[word(counter)] & bit(counter) == 0
    }

    /// It came and was genuine.
    pub(super) fn note(&mut self, counter: u64) {
        if counter >= self.next {
            let (newest, last) = (counter / WORD_BITS, self.next.saturating_sub(1) / WORD_BITS);
            for passed in (last + 1..=newest).rev().take(WORDS) {
                self.seen[word(passed * WORD_BITS)] = 0;
            }
            self.next = counter + 1;
        }
        self.seen[word(counter)] |= bit(counter);
    }
}

fn word(counter: u64) -> usize {
    usize::try_from(counter / WORD_BITS % WORDS as u64).expect("below the number of words")
}

fn bit(counter: u64) -> u64 {
    1 << (counter % WORD_BITS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_counter_of_all_is_none() {
        let mut window = Window::default();
        assert!(!window.is_new(u64::MAX));
        window.note(u64::MAX - 1);
        assert!(!window.is_new(u64::MAX - 1) && window.is_new(u64::MAX - 2));
    }

    proptest! {
        /// Against a set that remembers everything.
        #[test]
        fn every_counter_is_new_once(steps in proptest::collection::vec((0u64..6_000, any::<bool>()), 1..400)) {
            let (mut window, mut came, mut at) = (Window::default(), BTreeSet::new(), 3_000u64);
            for (step, jump) in steps {
                if jump {
                    at += step;
                }
                let counter = at.saturating_sub(step);
                let newest = came.last().copied();
                let in_reach = newest.is_none_or(|newest| newest < counter || newest - counter < SPAN);
                let expected = in_reach && !came.contains(&counter);
                prop_assert_eq!(window.is_new(counter), expected, "{}", counter);
                if expected {
                    window.note(counter);
                    came.insert(counter);
                    prop_assert!(!window.is_new(counter));
                }
            }
        }
    }
}
