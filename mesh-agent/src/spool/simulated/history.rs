//! What was committed, in words: for a checker that does not believe the index.

use bytes::Bytes;
use mesh_protocol::event::{self, Event};
use mesh_protocol::id::Seq;

use super::SimulatedDisk;
use crate::spool::disk::{Place, SegmentNo, Write};
use crate::spool::layout::{self, Fact, MarkKey, QueueNo};

/// One change of a commit.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A queue is there.
    Opened(QueueNo, String),
    /// A queue is gone, with all that was in it.
    Closed(String),
    /// An event is in the log.
    Logged(u64, Box<Event>),
    /// An event is in a queue, or more is known of it there.
    Held(QueueNo, u64),
    /// An event left a queue.
    Left(QueueNo, u64),
    /// A stream's mark.
    Marked(MarkKey, Seq),
    /// What a queue's consumer noted about itself.
    Noted(QueueNo, Bytes),
}

/// What is on a disk.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// Everything as it would be told if it were committed now.
    pub(crate) changes: Vec<Change>,
    /// Rows of which the event cannot be found.
    pub(crate) without_event: Vec<(QueueNo, u64)>,
}

impl SimulatedDisk {
    /// Every commit from now on is kept until it is asked for.
    pub(crate) fn remember(&self) {
        self.state().history.get_or_insert_default();
    }

    /// The commits since the last call, in order.
    pub(crate) fn take_history(&self) -> Vec<Vec<Change>> {
        let commits = self.state().history.as_mut().map(std::mem::take).unwrap_or_default();
        let told = |write| match write {
            Write::Put(place, key, value) => put(place, &key, &value),
            Write::Remove(place, key) => removed(place, &key),
        };
        commits.into_iter().map(|writes| writes.into_iter().filter_map(told).collect()).collect()
    }

    /// What is there now.
    pub(crate) fn content(&self) -> Content {
        let state = self.state();
        let mut content = Content::default();
        for ((place, key), value) in &state.tables {
            if let Place::Segment(segment) = place
                && !state.segments.contains(segment)
            {
                continue;
            }
            content.changes.extend(put(*place, key, value));
        }
        let segments: Vec<SegmentNo> = state.segments.iter().copied().collect();
        for change in &content.changes {
            let Change::Held(queue, seq) = change else { continue };
            let key = layout::seq_key(*seq);
            let there =
                segments.iter().any(|segment| state.tables.contains_key(&(Place::Segment(*segment), key.clone())));
            if !there {
                content.without_event.push((*queue, *seq));
            }
        }
        content
    }
}

fn put(place: Place, key: &[u8], value: &[u8]) -> Option<Change> {
    match place {
        Place::Segment(_) => {
            let event = event::decode(Bytes::copy_from_slice(value)).expect("an event is on disk as it was admitted");
            Some(Change::Logged(layout::seq_of(key)?, Box::new(event)))
        }
        Place::Rows => Some(Change::Held(layout::queue_of(key.get(..4)?)?, layout::row_seq(key)?)),
        Place::Marks => Some(Change::Marked(MarkKey::decode(key)?, layout::mark_of(value)?)),
        Place::Meta => match Fact::decode(key, value)? {
            Fact::Name(name, queue) => Some(Change::Opened(queue, name)),
            Fact::Note(queue, note) => Some(Change::Noted(queue, note)),
            _ => None,
        },
        Place::Values => None,
    }
}

fn removed(place: Place, key: &[u8]) -> Option<Change> {
    match place {
        Place::Rows => Some(Change::Left(layout::queue_of(key.get(..4)?)?, layout::row_seq(key)?)),
        Place::Meta => layout::name_of(key).map(|name| Change::Closed(name.to_owned())),
        Place::Segment(_) | Place::Marks | Place::Values => None,
    }
}
