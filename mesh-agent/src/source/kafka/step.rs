//! Who is in step with the shared read of a partition, and who reads it alone.
//!
//! ```text
//!             alone: lyon           shared batch under way
//!                 v                [from              begun)
//! offsets --------+----------------+------------------+------------->
//!                 |  lyon reads these by itself, up to `begun` and no further: it joins exactly there
//!                 '-- committed to the group
//! ```
//! The shared read asks before each batch whom to leave out; whoever reads alone asks before each of its own how far it may
//! go. Both ask under one lock, so between the two nobody gets a record twice or goes without.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;

use crate::router::DestinationId;

/// See the module.
#[derive(Debug)]
pub(super) struct Step {
    state: Mutex<State>,
    joined: Notify,
}

#[derive(Debug)]
struct State {
    /// Where the newest shared batch began,
    from: i64,
    /// and the offset behind its end.
    begun: i64,
    /// Who reads alone, and below which offset each has everything.
    alone: BTreeMap<DestinationId, i64>,
}

impl Step {
    /// Everybody is in step at this offset.
    pub(super) fn new(at: i64) -> Self {
        Self { state: Mutex::new(State { from: at, begun: at, alone: BTreeMap::new() }), joined: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// The shared read begins a batch, and leaves these out.
    pub(super) fn begin(&self, from: i64, up_to: i64) -> Vec<DestinationId> {
        let mut state = self.lock();
        (state.from, state.begun) = (from, up_to);
        state.alone.keys().copied().collect()
    }

    /// A destination falls behind: it has what is below the offset, and gets the rest alone.
    pub(super) fn split(&self, destination: DestinationId, floor: i64) {
        self.lock().alone.insert(destination, floor);
    }

    /// How far one that reads alone may go, when `next` is what it would read next. None: it is in step from now on, and
    /// that record comes to it with the others.
    pub(super) fn limit(&self, destination: DestinationId, next: i64) -> Option<i64> {
        let mut state = self.lock();
        if next < state.begun && state.alone.contains_key(&destination) {
            return Some(state.begun);
        }
        state.alone.remove(&destination);
        drop(state);
        self.joined.notify_waiters();
        None
    }

    /// The offsets mean nothing any more: everybody begins again with the shared read.
    pub(super) fn reset(&self) {
        self.lock().alone.clear();
        self.joined.notify_waiters();
    }

    /// One that reads alone has everything below.
    pub(super) fn advance(&self, destination: DestinationId, floor: i64) {
        if let Some(its) = self.lock().alone.get_mut(&destination) {
            *its = floor;
        }
    }

    /// Who reads alone, and how far each has come.
    pub(super) fn alone(&self) -> Vec<(DestinationId, i64)> {
        self.lock().alone.iter().map(|(destination, floor)| (*destination, *floor)).collect()
    }

    /// Below this everybody has everything, when the shared read has come as far as `floor`.
    pub(super) fn lowest(&self, floor: i64) -> i64 {
        self.lock().alone.values().copied().fold(floor, i64::min)
    }

    /// Gives one that is a batch behind at most the moment it needs to join: both read at the same pace, and would never
    /// meet.
    pub(super) async fn wait_for_near(&self, limit: Duration) {
        let joined = async {
            loop {
                let told = self.joined.notified();
                tokio::pin!(told);
                told.as_mut().enable();
                let is_near = {
                    let state = self.lock();
                    state.alone.values().any(|floor| *floor > state.from)
                };
                if !is_near {
                    return;
                }
                told.await;
            }
        };
        // Whoever does not make it in time stays alone.
        let _ = tokio::time::timeout(limit, joined).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Counters;
    use crate::router::{Budget, Router};
    use futures::FutureExt;
    use proptest::prelude::*;

    fn destinations() -> [DestinationId; 2] {
        let router = Router::new(Budget::new(1), &Counters::default());
        ["agent/1", "agent/2"].map(|name| router.destination(name, name))
    }

    #[test]
    fn one_that_is_left_behind_joins_where_the_others_have_begun() {
        let [lyon, berlin] = destinations();
        let step = Step::new(10);
        assert_eq!(step.begin(10, 20), []);
        step.split(lyon, 10);
        assert_eq!(step.begin(20, 30), [lyon], "the next batch goes without it");
        assert_eq!(step.limit(lyon, 10), Some(30), "it may read what the others have begun, and no further");
        step.advance(lyon, 30);
        step.advance(berlin, 5);
        assert_eq!(step.alone(), [(lyon, 30)]);
        assert_eq!(step.limit(lyon, 30), None, "here they meet");
        assert_eq!(step.begin(30, 40), []);
    }

    #[test]
    fn what_is_committed_is_what_the_slowest_has() {
        let [lyon, berlin] = destinations();
        let step = Step::new(0);
        assert_eq!(step.lowest(50), 50);
        step.split(lyon, 7);
        step.split(berlin, 9);
        assert_eq!(step.lowest(50), 7);
        step.advance(lyon, 60);
        assert_eq!(step.lowest(50), 9);
    }

    #[test]
    fn a_partition_that_was_made_anew_has_everybody_in_step() {
        let [lyon, _] = destinations();
        let step = Step::new(100);
        step.split(lyon, 50);
        step.reset();
        assert_eq!(step.limit(lyon, 50), None);
        assert_eq!(step.begin(0, 10), []);
    }

    #[tokio::test]
    async fn the_shared_read_waits_only_for_one_that_is_near() {
        let [lyon, _] = destinations();
        let step = Step::new(0);
        step.wait_for_near(Duration::from_secs(60)).await;
        step.begin(10, 20);
        step.split(lyon, 10);
        step.wait_for_near(Duration::from_secs(60)).await;
        step.advance(lyon, 15);
        assert!(step.wait_for_near(Duration::from_secs(60)).now_or_never().is_none());
        step.wait_for_near(Duration::from_millis(1)).await;
        step.advance(lyon, 20);
        let ((), joined) = tokio::join!(step.wait_for_near(Duration::from_secs(60)), async { step.limit(lyon, 20) });
        assert_eq!(joined, None);
    }

    proptest! {
        /// Batches of both readers in any interleaving, with another split at any time: one destination gets each record once
        /// and in order.
        #[test]
        fn each_record_goes_to_a_destination_once_and_in_order(
            turns in proptest::collection::vec((any::<bool>(), 1_i64..6, 0_u8..6), 1..200),
        ) {
            let [lyon, _] = destinations();
            let step = Step::new(0);
            let (mut shared, mut got) = (0_i64, Vec::new());
            for (alone_moves, length, fate) in turns {
                let its = step.alone().first().map(|(_, floor)| *floor);
                if let (true, Some(next)) = (alone_moves, its) {
                    let Some(limit) = step.limit(lyon, next) else { continue };
                    let end = (next + length).min(limit);
                    got.extend(next..end);
                    step.advance(lyon, end);
                } else {
                    let end = shared + length;
                    let without = step.begin(shared, end);
                    // It takes the batch with the others, or falls behind before any of it.
                    if without.is_empty() && fate == 0 {
                        step.split(lyon, shared);
                    } else if without.is_empty() {
                        got.extend(shared..end);
                    }
                    shared = end;
                    prop_assert!(step.lowest(shared) <= shared);
                }
            }
            prop_assert_eq!(&got, &(0..got.len() as i64).collect::<Vec<_>>());
            let rest = step.alone().first().map_or(shared, |(_, floor)| *floor);
            prop_assert_eq!(got.len() as i64, rest);
        }
    }
}
