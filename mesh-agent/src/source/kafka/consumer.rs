//! The consumer's context: what happens when partitions come and go.
//!
//! All of it runs on the poll thread, inside its `poll`. Coming: the committed position is looked up and checked against
//! what the partition holds before a record is read. Going: the batches under way get a moment, then what was taken is
//! committed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::Shared;
use super::lane::Lane;
use super::position::{Gap, position};
use super::record::Place;
use crate::kafka::client::code_of;
use crate::kafka::stats;
use crate::kafka::trouble::{Operation, Resource, Right};
use crate::task::Tasks;

/// The consumer of a source.
pub(super) type Consumer = BaseConsumer<Context>;

/// Longest wait for one answer of the cluster.
const ANSWER: Duration = Duration::from_secs(5);
/// How long batches under way may take when their partition goes.
const DRAIN: Duration = Duration::from_secs(3);

/// Stands beside a committed position below which nothing was left half done. Without it (a crash, a batch that was
/// given up) nobody knows what was published above the position, and it is flagged when it is read again.
const CLEAN: &str = "clean";

/// Lanes by topic and partition.
pub(super) type Lanes = BTreeMap<(Arc<str>, i32), Lane>;

/// Where partitions are read from.
#[derive(Default)]
struct Positions {
    places: TopicPartitionList,
    /// Those of `places` that are not committed yet.
    fresh: TopicPartitionList,
    /// For each of `places`: records below it may have been published before.
    doubtful: Vec<i64>,
}

/// What the library calls.
#[derive(Debug)]
pub(super) struct Context {
    shared: Arc<Shared>,
    tasks: Tasks,
    lanes: Mutex<Lanes>,
    /// Known before the first assignment.
    cluster: Mutex<Arc<str>>,
}

impl Context {
    pub(super) fn new(shared: Arc<Shared>, tasks: Tasks) -> Self {
        Self { shared, tasks, lanes: Mutex::default(), cluster: Mutex::new("".into()) }
    }

    /// The lanes now. Only the poll thread takes this lock.
    pub(super) fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().expect("no panic while held")
    }

    /// Names the cluster, before the first assignment.
    pub(super) fn set_cluster(&self, id: &str) {
        *self.cluster.lock().expect("no panic while held") = id.into();
    }

    fn note(&self, error: &KafkaError) {
        let code = code_of(error);
        if code == Code::GroupAuthorizationFailed {
            let right = Right { operation: Operation::Read, resource: Resource::Group(self.shared.identity.group()) };
            let sentence = self.shared.target.not_allowed(&right);
            self.shared.tally.edit(|figures| drop(figures.trouble.insert("group".to_owned(), sentence)));
        } else {
            self.shared.complaints.note(code, &error.to_string());
        }
    }

    /// Partitions came: decides where each is read from, and starts its lane.
    fn assigned(&self, consumer: &Consumer, partitions: &TopicPartitionList) {
        let Some(found) = self.positions(consumer, partitions) else { return };
        let Positions { places, fresh, doubtful } = found;
        if let Err(error) = consumer.assign(&places) {
            return self.note(&error);
        }
        if fresh.count() > 0
            && let Err(error) = consumer.commit(&fresh, CommitMode::Async)
        {
            self.note(&error);
        }
        let cluster = self.cluster.lock().expect("no panic while held").clone();
        let mut lanes = self.lanes();
        for (element, doubtful_below) in places.elements().iter().zip(doubtful) {
            let Offset::Offset(at) = element.offset() else { continue };
            let place = Place::new(cluster.clone(), element.topic(), element.partition());
            let key = (place.topic.clone(), place.partition);
            let (lane, work) = Lane::new(self.shared.clone(), place, at, doubtful_below);
            self.tasks.spawn("lane", work);
            lanes.insert(key, lane);
        }
        let count = lanes.len() as u64;
        self.shared.tally.edit(|figures| {
            figures.partitions = count;
            figures.trouble.remove("group");
        });
    }

    /// Where each partition is read from, and which positions are new; asks until the cluster answers or the source
    /// stops.
    fn positions(&self, consumer: &Consumer, partitions: &TopicPartitionList) -> Option<Positions> {
        while !self.shared.is_stopping() {
            match self.look_up(consumer, partitions) {
                Ok(found) => return Some(found),
                Err(error) => self.note(&error),
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        None
    }

    fn look_up(&self, consumer: &Consumer, partitions: &TopicPartitionList) -> KafkaResult<Positions> {
        let committed = consumer.committed_offsets(partitions.clone(), ANSWER)?;
        let mut all = Positions::default();
        for element in committed.elements() {
            element.error()?;
            let (topic, partition) = (element.topic(), element.partition());
            let known = if let Offset::Offset(at) = element.offset() { Some(at) } else { None };
            let (low, high) = consumer.fetch_watermarks(topic, partition, ANSWER)?;
            let found = position(known, low, high, self.shared.source.start);
            if let Some(gap) = found.gap {
                self.tell_gap(topic, partition, gap);
            }
            all.places.add_partition_offset(topic, partition, Offset::Offset(found.at))?;
            if found.fresh {
                all.fresh.add_partition_offset(topic, partition, Offset::Offset(found.at))?;
            }
            let certain = found.fresh || element.metadata() == CLEAN;
            all.doubtful.push(if certain { found.at } else { high });
        }
        Ok(all)
    }

    /// After the cluster said that a position is out of range: finds which, tells the gap and goes on behind it.
    pub(super) fn mend(&self, consumer: &Consumer) {
        let next: Vec<_> = {
            let lanes = self.lanes();
            lanes.iter().map(|((topic, partition), lane)| (topic.clone(), *partition, lane.state.floor())).collect()
        };
        for (topic, partition, floor) in next {
            let found = match consumer.fetch_watermarks(&topic, partition, ANSWER) {
                Ok((low, high)) => position(Some(floor), low, high, self.shared.source.start),
                Err(error) => return self.note(&error),
            };
            let Some(gap) = found.gap else { continue };
            self.tell_gap(&topic, partition, gap);
            if let Err(error) = consumer.seek(&topic, partition, Offset::Offset(found.at), ANSWER) {
                self.note(&error);
            }
        }
    }

    fn tell_gap(&self, topic: &str, partition: i32, gap: Gap) {
        let (what, records) = match gap {
            Gap::Deleted(count) => (
                format!(
                    "{count} offsets of {topic} partition {partition} were deleted before they were read; raise the \
                     topic's retention if this happens again"
                ),
                u64::try_from(count).unwrap_or(0),
            ),
            Gap::Restarted => (
                format!(
                    "{topic} partition {partition} ends before our position: it was truncated or made anew, and is read from its beginning"
                ),
                1,
            ),
        };
        tracing::warn!(%what, "gap in a source");
        self.shared.tally.gap(what, records);
    }

    /// Partitions go: the batches under way get a moment, then what was taken is committed.
    fn revoked(&self, consumer: &Consumer, partitions: &TopicPartitionList) {
        let mut going = Vec::new();
        {
            let mut lanes = self.lanes();
            for element in partitions.elements() {
                going.extend(lanes.remove_entry(&(element.topic().into(), element.partition())));
            }
            let count = lanes.len() as u64;
            self.shared.tally.edit(|figures| figures.partitions = count);
        }
        going.iter().for_each(|(_, lane)| lane.close());
        let until = Instant::now() + DRAIN;
        let mut done = TopicPartitionList::new();
        for ((topic, partition), lane) in &going {
            let clean = lane.wait(until.saturating_duration_since(Instant::now()));
            if done.add_partition_offset(topic, *partition, Offset::Offset(lane.state.floor())).is_err() {
                tracing::warn!(%topic, partition, "a position cannot be committed");
            } else if let (true, Some(mut element)) = (clean, done.find_partition(topic, *partition)) {
                element.set_metadata(CLEAN);
            }
        }
        // Of partitions that were taken from us the new owner decides.
        if done.count() > 0
            && !consumer.assignment_lost()
            && let Err(error) = consumer.commit(&done, CommitMode::Sync)
        {
            self.note(&error);
        }
        if let Err(error) = consumer.unassign() {
            self.note(&error);
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.shared.complaints.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // What is about topics, groups and offsets is handled where `poll` returns it.
        let code = code_of(&error);
        let mine = matches!(
            code,
            Code::UnknownTopicOrPartition
                | Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::AutoOffsetReset
                | Code::OffsetOutOfRange
        );
        if !mine {
            self.shared.complaints.note(code, reason);
        }
    }

    fn stats_raw(&self, json: &[u8]) {
        let Some(stats) = stats::read(json) else { return };
        let ends: BTreeMap<(&str, i32), i64> =
            stats.ends.iter().map(|(topic, partition, end)| ((topic.as_str(), *partition), *end)).collect();
        let floors: Vec<_> = {
            let lanes = self.lanes();
            lanes.iter().map(|((topic, partition), lane)| (topic.clone(), *partition, lane.state.floor())).collect()
        };
        let behind = floors.iter().map(|(topic, partition, floor)| {
            let end = ends.get(&(&**topic, *partition))?;
            u64::try_from(end - floor).ok().or(Some(0))
        });
        // Not known before every partition has told its end.
        let lag = if floors.is_empty() { None } else { behind.sum::<Option<u64>>() };
        self.shared.contact.told(stats.up);
        self.shared.tally.edit(|figures| figures.lag = lag);
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &Consumer, code: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(consumer, partitions),
            _ => self.revoked(consumer, partitions),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            Err(error) if code_of(&error) != Code::NoOffset => self.note(&error),
            _ => {}
        }
    }
}
