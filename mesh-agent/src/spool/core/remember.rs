//! Last values of topics, while a turn is put together: see [`values`](crate::spool::values).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bytes::Bytes;
use mesh_protocol::topic::Topic;

use super::stage::Stage;
use crate::router::Admitted;
use crate::spool::disk::{Disk, Place};
use crate::spool::index::Index;
use crate::spool::layout;
use crate::spool::op::{Addressed, Done, Refusal};
use crate::spool::values::{self, Stored};

/// What is stored for the topics of one operation.
pub(super) type Known = BTreeMap<Bytes, Option<Bytes>>;

fn key(topic: &Topic) -> Bytes {
    Bytes::copy_from_slice(topic.as_str().as_bytes())
}

impl Stage {
    fn value(&self, disk: &dyn Disk, key: &Bytes) -> Result<Option<Bytes>, Refusal> {
        match self.last_write(Place::Values, key) {
            Some(staged) => Ok(staged),
            None => disk.get(Place::Values, key).map_err(|_| Refusal::Failed),
        }
    }

    /// The values that an operation may change. `from_here`: whoever brings them can be told that there is no room.
    pub(super) fn known_values(
        &self,
        disk: &dyn Disk,
        index: &Index,
        events: &[Addressed],
        (topics_max, from_here): (u64, bool),
    ) -> Result<Known, Refusal> {
        let mut known = Known::new();
        for event in events.iter().map(|addressed| &addressed.event).filter(|event| event.is_last_value()) {
            let key = key(&event.event().topic);
            if let std::collections::btree_map::Entry::Vacant(vacant) = known.entry(key) {
                let stored = self.value(disk, vacant.key())?;
                let (before, after) = (stored.as_ref().map(Stored::of), Stored::of(event.encoded()));
                // A value that is not there is refused; an end that is not remembered is none.
                let is_refused = from_here && !event.is_recalled() && !after.is_end;
                if is_refused && !index.values.has_room(topics_max, before, after) {
                    return Err(Refusal::ValuesFull);
                }
                vacant.insert(stored);
            }
        }
        Ok(known)
    }

    /// Keeps an event as the last value of its topic, unless a later one is known. Whether it goes on to its queues: what is
    /// new always does, what is recalled only if it is the last one.
    pub(super) fn remember(
        &mut self,
        index: &mut Index,
        known: &mut Known,
        event: &Admitted,
        (topics_max, from_here): (u64, bool),
    ) -> bool {
        let key = key(&event.event().topic);
        let stored = known.get(&key).cloned().flatten();
        let order = stored.as_ref().map_or(Ordering::Greater, |stored| values::order(event, stored));
        let had_one = stored.as_ref().is_some_and(|stored| !values::is_end(stored));
        if event.is_recalled() && from_here {
            return order != Ordering::Less;
        }
        if order == Ordering::Greater {
            let bytes = event.encoded().clone();
            let (before, after) = (stored.as_ref().map(Stored::of), Stored::of(&bytes));
            if index.values.has_room(topics_max, before, after) {
                index.values.count(before, Some(after));
                index.values.saw(event.event());
                known.insert(key.clone(), Some(bytes.clone()));
                self.put_value(key, Some(bytes));
            } else {
                self.tally.unkept_values += 1;
            }
        }
        // The end of a value that was not known is nobody's news.
        let is_end = event.event().payload.is_empty();
        !event.is_recalled() || (order == Ordering::Greater && (!is_end || had_one))
    }

    pub(super) fn forget_values(
        &mut self,
        disk: &dyn Disk,
        index: &mut Index,
        topics: &[(Topic, i64)],
    ) -> Result<Done, Refusal> {
        for (topic, admitted_at_ms) in topics {
            let key = key(topic);
            let Some(stored) = self.value(disk, &key)? else { continue };
            let event = mesh_protocol::event::decode(stored.clone());
            // What is not readable is nobody's value.
            if event.is_ok_and(|event| event.admitted_at_ms != *admitted_at_ms) {
                continue;
            }
            index.values.count(Some(Stored::of(&stored)), None);
            self.put_value(key, None);
        }
        Ok(Done::Durable)
    }

    fn put_value(&mut self, key: Bytes, value: Option<Bytes>) {
        match value {
            Some(value) => self.put(Place::Values, key, value),
            None => self.remove(Place::Values, key),
        }
        self.values_changed = true;
    }

    /// What is known of all of them together.
    pub(super) fn count_values(&mut self, index: &Index) {
        if std::mem::take(&mut self.values_changed) {
            self.put(Place::Meta, layout::meta_key(layout::VALUES), layout::totals_value(index.values.totals));
        }
    }
}
