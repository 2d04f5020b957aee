//! Gathers events into frames: as many as fit, each frame for one set of destinations.

use bytes::Bytes;
use mesh_protocol::frame::{EVENTS_MAX, StreamEvent, TARGET_BYTES};
use mesh_protocol::id::{AgentId, Epoch, Lane, Seq};
use smallvec::SmallVec;

/// Destinations of a stream frame, by agent, ascending, each with its `prev`.
pub(super) type Places = SmallVec<[(AgentId, Seq); 4]>;
/// Destinations of a direct frame, ascending.
pub(super) type Agents = SmallVec<[AgentId; 4]>;

/// Open frames looked through for one that fits; more would cost more than they save.
const LOOK_BACK: usize = 32;
const EVENT_BYTES: usize = 24;

/// Frames in the making. They are sent in the order in which they were begun.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    frames: Vec<Draft>,
}

/// One frame without its header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Draft {
    /// Guaranteed events.
    Stream { epoch: Epoch, lane: Lane, places: Places, events: Vec<StreamEvent>, bytes: usize },
    /// Best effort events.
    Direct { agents: Agents, events: Vec<Bytes>, bytes: usize },
}

impl Batcher {
    /// Adds a guaranteed event that goes to these destinations.
    pub(super) fn stream(&mut self, (epoch, lane): (Epoch, Lane), places: Places, event: StreamEvent) {
        let size = event.bytes.len() + EVENT_BYTES;
        for draft in self.frames.iter_mut().rev().take(LOOK_BACK) {
            let Draft::Stream { epoch: its_epoch, lane: its, places: to, events, bytes } = draft else { continue };
            let room = *bytes + size <= TARGET_BYTES && events.len() < EVENTS_MAX;
            // It follows the frame's last event at every destination, so nothing can have gone in between.
            let follows = (*its_epoch, *its) == (epoch, lane)
                && to.len() == places.len()
                && events.last().is_some_and(|last| {
                    places.iter().zip(to.iter()).all(|((agent, prev), (there, _))| agent == there && *prev == last.seq)
                });
            if follows && room {
                events.push(event);
                *bytes += size;
                return;
            }
        }
        self.frames.push(Draft::Stream { epoch, lane, places, events: vec![event], bytes: size });
    }

    /// Adds a direct event that goes to these destinations.
    pub(super) fn direct(&mut self, agents: Agents, event: Bytes) {
        let size = event.len() + EVENT_BYTES;
        for draft in self.frames.iter_mut().rev().take(LOOK_BACK) {
            let Draft::Direct { agents: to, events, bytes } = draft else { continue };
            if *to != agents {
                // An older frame would be overtaken by what is in this one, if they share a destination.
                if agents.iter().any(|agent| to.contains(agent)) {
                    break;
                }
                continue;
            }
            if *bytes + size <= TARGET_BYTES && events.len() < EVENTS_MAX {
                events.push(event);
                *bytes += size;
                return;
            }
            break;
        }
        self.frames.push(Draft::Direct { agents, events: vec![event], bytes: size });
    }

    /// The frames, in order; the batcher is empty again.
    pub(super) fn take(&mut self) -> Vec<Draft> {
        std::mem::take(&mut self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(number: u128) -> AgentId {
        AgentId(uuid::Uuid::from_u128(number))
    }

    fn event(counter: u64) -> StreamEvent {
        StreamEvent {
            seq: Seq::from_counter(counter),
            redelivered: false,
            recalled: false,
            bytes: Bytes::from_static(b"event"),
        }
    }

    fn places(of: &[(u128, u64)]) -> Places {
        of.iter().map(|(number, prev)| (agent(*number), Seq::from_counter(*prev))).collect()
    }

    fn sizes(batcher: &mut Batcher) -> Vec<usize> {
        let count = |draft: Draft| match draft {
            Draft::Stream { events, .. } => events.len(),
            Draft::Direct { events, .. } => events.len(),
        };
        batcher.take().into_iter().map(count).collect()
    }

    #[test]
    fn events_that_follow_each_other_everywhere_share_a_frame() {
        let mut batcher = Batcher::default();
        batcher.stream((Epoch(1), Lane(0)), places(&[(1, 0), (2, 0)]), event(1));
        batcher.stream((Epoch(1), Lane(0)), places(&[(1, 1), (2, 1)]), event(2));
        batcher.stream((Epoch(1), Lane(0)), places(&[(1, 2)]), event(3));
        batcher.stream((Epoch(1), Lane(0)), places(&[(1, 3), (2, 2)]), event(4));
        batcher.stream((Epoch(1), Lane(1)), places(&[(1, 0)]), event(5));
        batcher.stream((Epoch(1), Lane(0)), places(&[(1, 4), (2, 4)]), event(6));
        assert_eq!(sizes(&mut batcher), [2, 1, 2, 1]);
    }

    #[test]
    fn direct_events_to_one_destination_keep_their_order() {
        let mut batcher = Batcher::default();
        let to = |numbers: &[u128]| numbers.iter().map(|number| agent(*number)).collect::<Agents>();
        batcher.direct(to(&[1]), Bytes::from_static(b"a"));
        batcher.direct(to(&[2]), Bytes::from_static(b"b"));
        batcher.direct(to(&[1]), Bytes::from_static(b"c"));
        batcher.direct(to(&[1, 2]), Bytes::from_static(b"d"));
        batcher.direct(to(&[1]), Bytes::from_static(b"e"));
        assert_eq!(sizes(&mut batcher), [2, 1, 1, 1]);
    }
}
