//! Destinations that could not keep up with the shared read, each with a consumer of its own.
//!
//! A site that is away for days leaves its records where they are safe: in the cluster. When it is back they are read again
//! for it alone, from its own position, outside of the group, until it meets the shared read. The poll thread serves these
//! consumers between two turns of its own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::consumer::{Consumer, Context};
use super::lane::{Lane, Split};
use super::poll::{Patience, Poller};
use crate::kafka::client::code_of;
use crate::router::DestinationId;

/// The consumers of those who read alone.
#[derive(Default)]
pub(super) struct Followers(BTreeMap<DestinationId, Consumer>);

impl fmt::Debug for Followers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Followers {
    /// Ends the reads of a partition.
    pub(super) fn remove(&self, (topic, partition): &(Arc<str>, i32)) -> Vec<Lane> {
        let mut gone = Vec::new();
        for consumer in self.0.values() {
            let lane = consumer.context().lanes().remove(&(topic.clone(), *partition));
            gone.extend(lane.inspect(|lane| stop_reading(consumer, topic, *partition, lane)));
        }
        gone
    }

    /// Whether records may come for any of them.
    pub(super) fn reads(&self) -> bool {
        self.0.values().any(|consumer| consumer.context().lanes().values().any(|lane| lane.assigned && !lane.paused))
    }
}

impl Poller {
    /// Serves those who read alone: new ones begin, and who has met the shared read ends.
    pub(super) fn follow(&self, main: &Consumer) -> KafkaResult<()> {
        for split in self.shared.take_splits() {
            // The partition may have gone meanwhile: then its next owner decides.
            let key = (split.place.topic.clone(), split.place.partition);
            let its = main.context().lanes().get(&key).is_some_and(|lane| Arc::ptr_eq(&lane.state.step, &split.step));
            if its && let Err((error, split)) = self.begin(main, split) {
                self.shared.complaints.note(code_of(&error), &error.to_string());
                self.shared.split(*split);
                break;
            }
        }
        let mut followers = main.context().followers();
        for consumer in followers.0.values() {
            begin_reading(consumer)?;
            self.turn(consumer, Duration::ZERO)?;
            self.regulate(consumer, Patience::None);
            end_reading(consumer);
        }
        followers.0.retain(|_, consumer| !consumer.context().lanes().is_empty());
        Ok(())
    }

    fn begin(&self, main: &Consumer, split: Split) -> Result<(), (rdkafka::error::KafkaError, Box<Split>)> {
        let mut followers = main.context().followers();
        let destination = split.destination;
        let consumer = match followers.0.entry(destination) {
            Entry::Occupied(its) => its.into_mut(),
            Entry::Vacant(place) => {
                let context = Context::new(self.shared.clone(), self.tasks.clone(), true);
                match self.settings.create_with_context(context) {
                    Ok(consumer) => place.insert(consumer),
                    Err(error) => return Err((error, Box::new(split))),
                }
            }
        };
        let key = (split.place.topic.clone(), split.place.partition);
        let (lane, work) = Lane::alone(self.shared.clone(), split);
        self.tasks.spawn("lane", work);
        if let Some(before) = consumer.context().lanes().insert(key.clone(), lane) {
            // It has met the shared read and fallen behind again before this thread saw it.
            stop_reading(consumer, &key.0, key.1, &before);
        }
        Ok(())
    }
}

/// Asks the cluster for what lanes want by now.
fn begin_reading(consumer: &Consumer) -> KafkaResult<()> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), lane) in consumer.context().lanes().iter_mut().filter(|(_, lane)| !lane.assigned) {
        if let Some(at) = lane.state.begins() {
            list.add_partition_offset(topic, *partition, Offset::Offset(at))?;
            lane.assigned = true;
        }
    }
    if list.count() > 0 { consumer.incremental_assign(&list) } else { Ok(()) }
}

/// Asks no more for what lanes do not need.
fn end_reading(consumer: &Consumer) {
    consumer.context().lanes().retain(|(topic, partition), lane| {
        let over = lane.state.is_over();
        if over {
            stop_reading(consumer, topic, *partition, lane);
        }
        !over
    });
}

fn stop_reading(consumer: &Consumer, topic: &str, partition: i32, lane: &Lane) {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    if lane.assigned
        && let Err(error) = consumer.incremental_unassign(&list)
    {
        tracing::debug!(%error, topic, partition, "a partition is still read for one that needs it no more");
    }
}
