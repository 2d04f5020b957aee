//! The consumer's context: what happens when partitions come and go.
//!
//! All of it runs on the poll thread, inside its `poll`. Coming: the position is looked up, in the group and in the
//! source's own note, and checked against what the partition holds before a record is read. Going: the batches under way
//! get a moment, then what was taken is noted and committed.

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
use super::alone::Followers;
use super::lane::{Lane, Split};
use super::note::{Note, Noted, Resumed};
use super::position::{Gap, position};
use super::record::Place;
use crate::kafka::client::code_of;
use crate::kafka::stats;
use crate::kafka::trouble::{Operation, Resource, Right};
use crate::router::DestinationId;
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

/// Where a partition is read from.
struct Found {
    topic: String,
    partition: i32,
    at: i64,
    /// Nothing was committed yet.
    fresh: bool,
    /// Records below it may have been published before; none: nothing was left half done.
    doubtful_below: Option<i64>,
    /// Who is behind, and where each goes on.
    alone: Vec<(DestinationId, i64)>,
}

/// What the library calls.
#[derive(Debug)]
pub(super) struct Context {
    shared: Arc<Shared>,
    tasks: Tasks,
    lanes: Mutex<Lanes>,
    /// Known before the first assignment.
    cluster: Mutex<Arc<str>>,
    note: Mutex<Note>,
    followers: Mutex<Followers>,
    /// For a destination that reads alone: it is no member of the group, and what it reads it is told.
    alone: bool,
}

impl Context {
    pub(super) fn new(shared: Arc<Shared>, tasks: Tasks, alone: bool) -> Self {
        let note = Mutex::new(Note::new(shared.identity.generation, ""));
        let (lanes, followers) = Default::default();
        Self { shared, tasks, lanes, cluster: Mutex::new("".into()), note, followers, alone }
    }

    /// The lanes now. Only the poll thread takes this lock.
    pub(super) fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().expect("no panic while held")
    }

    /// Who reads alone. Only the poll thread takes this lock.
    pub(super) fn followers(&self) -> MutexGuard<'_, Followers> {
        self.followers.lock().expect("no panic while held")
    }

    fn noted(&self) -> MutexGuard<'_, Note> {
        self.note.lock().expect("no panic while held")
    }

    /// Names the cluster, before the first assignment, and reads what was noted about it.
    pub(super) fn set_cluster(&self, id: &str) {
        *self.cluster.lock().expect("no panic while held") = id.into();
        let identity = &self.shared.identity;
        let saved = self.shared.deps.notes.load(identity.route);
        *self.noted() = Note::read(saved.as_ref(), identity.generation, id);
    }

    /// Notes how far everybody is.
    pub(super) fn save(&self) {
        let mut news = false;
        for ((topic, partition), lane) in self.lanes().iter() {
            news |= self.put(topic, *partition, lane, false);
        }
        if news {
            self.write();
        }
    }

    fn put(&self, topic: &str, partition: i32, lane: &Lane, clean: bool) -> bool {
        // In this order: whoever falls behind does so before the others go on.
        let at = lane.state.floor();
        let alone = lane.state.step.alone().into_iter();
        let name = |destination| self.shared.deps.router.describe(destination).0.to_string();
        let alone = alone.map(|(destination, floor)| (name(destination), floor)).collect();
        self.noted().put(topic, partition, Noted { at, clean, alone })
    }

    fn write(&self) {
        let note = self.noted().write();
        if !self.shared.deps.notes.save(self.shared.identity.route, note) {
            tracing::warn!("the position of a source could not be noted; its group in the cluster has it");
        }
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
        let list = |which: &dyn Fn(&Found) -> bool| {
            let mut list = TopicPartitionList::new();
            for found in found.iter().filter(|found| which(found)) {
                list.add_partition_offset(&found.topic, found.partition, Offset::Offset(found.at))?;
            }
            Ok::<_, KafkaError>(list)
        };
        let (all, fresh) = match (list(&|_| true), list(&|found| found.fresh)) {
            (Ok(all), Ok(fresh)) => (all, fresh),
            (Err(error), _) | (_, Err(error)) => return self.note(&error),
        };
        if let Err(error) = consumer.assign(&all) {
            return self.note(&error);
        }
        if fresh.count() > 0
            && let Err(error) = consumer.commit(&fresh, CommitMode::Async)
        {
            self.note(&error);
        }
        let mut begun = Vec::new();
        for found in found {
            begun.push(self.prepare(found));
        }
        // Before the first of their records is given to anybody: from now on nothing is certain.
        self.save();
        begun.into_iter().for_each(|work| self.tasks.spawn("lane", work));
        let count = self.lanes().len() as u64;
        self.shared.tally.edit(|figures| {
            figures.partitions = count;
            figures.trouble.remove("group");
        });
    }

    /// Makes the lane of a partition, and tells who reads it alone; the lane's work is returned.
    fn prepare(&self, found: Found) -> impl Future<Output = ()> + Send + use<> {
        let Found { topic, partition, at, doubtful_below: doubt, alone, .. } = found;
        let cluster = self.cluster.lock().expect("no panic while held").clone();
        let place = Place::new(cluster, &topic, partition);
        let key = (place.topic.clone(), place.partition);
        let (lane, work) = Lane::shared(self.shared.clone(), place, at, doubt.unwrap_or(at));
        for (destination, its) in alone {
            let (place, step) = (lane.state.place.clone(), lane.state.step.clone());
            step.split(destination, its);
            let doubtful_below = doubt.unwrap_or(its);
            let (under_way, judged) = (None, None);
            self.shared.split(Split { destination, place, step, at: its, doubtful_below, under_way, judged });
        }
        self.lanes().insert(key, lane);
        work
    }

    /// Where each partition is read from; asks until the cluster answers or the source stops.
    fn positions(&self, consumer: &Consumer, partitions: &TopicPartitionList) -> Option<Vec<Found>> {
        while !self.shared.is_stopping() {
            match self.look_up(consumer, partitions) {
                Ok(found) => return Some(found),
                Err(error) => self.note(&error),
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        None
    }

    fn look_up(&self, consumer: &Consumer, partitions: &TopicPartitionList) -> KafkaResult<Vec<Found>> {
        let committed = consumer.committed_offsets(partitions.clone(), ANSWER)?;
        let mut all = Vec::new();
        for element in committed.elements() {
            element.error()?;
            let (topic, partition) = (element.topic(), element.partition());
            let clean = element.metadata() == CLEAN;
            let committed = if let Offset::Offset(at) = element.offset() { Some((at, clean)) } else { None };
            let ends = consumer.fetch_watermarks(topic, partition, ANSWER)?;
            let resumed = self.noted().resume(topic, partition, committed);
            all.push(self.decide((topic, partition), ends, resumed));
        }
        Ok(all)
    }

    fn decide(&self, (topic, partition): (&str, i32), (low, high): (i64, i64), resumed: Option<Resumed>) -> Found {
        let start = self.shared.source.start;
        let known = resumed.as_ref().map(|resumed| resumed.at);
        let found = position(known, low, high, start);
        if let Some(gap) = found.gap {
            self.tell_gap(topic, partition, gap, None);
        }
        let certain = found.fresh || resumed.as_ref().is_some_and(|resumed| resumed.clean);
        let mut alone = Vec::new();
        let behind = resumed.map(|resumed| resumed.alone).unwrap_or_default();
        for (name, at) in behind.into_iter().filter(|_| found.gap != Some(Gap::Restarted)) {
            let destination = self.shared.deps.router.destination(&name, "");
            let its = position(Some(at), low, high, start);
            if let Some(gap) = its.gap {
                self.tell_gap(topic, partition, gap, Some(destination));
            }
            if its.at < found.at {
                alone.push((destination, its.at));
            }
        }
        let doubtful_below = (!certain).then_some(high.max(found.at));
        Found { topic: topic.to_owned(), partition, at: found.at, fresh: found.fresh, doubtful_below, alone }
    }

    /// After the cluster said that a position is out of range: finds which, tells the gap and goes on behind it.
    pub(super) fn mend(&self, consumer: &Consumer) {
        let lanes: Vec<_> = self.lanes().values().map(|lane| lane.state.clone()).collect();
        for lane in lanes {
            let (topic, partition) = (&*lane.place.topic, lane.place.partition);
            let found = match consumer.fetch_watermarks(topic, partition, ANSWER) {
                Ok((low, high)) => position(Some(lane.floor()), low, high, self.shared.source.start),
                Err(error) => return self.note(&error),
            };
            let Some(gap) = found.gap else { continue };
            self.tell_gap(topic, partition, gap, lane.alone);
            if gap == Gap::Restarted {
                lane.step.reset();
            }
            if let Err(error) = consumer.seek(topic, partition, Offset::Offset(found.at), ANSWER) {
                self.note(&error);
            }
        }
    }

    fn tell_gap(&self, topic: &str, partition: i32, gap: Gap, alone: Option<DestinationId>) {
        let (mut what, records) = match gap {
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
        if let Some(destination) = alone {
            what = format!("{}, which was behind: {what}", self.shared.deps.router.describe(destination).1);
        }
        tracing::warn!(%what, "gap in a source");
        self.shared.tally.gap(what, records);
    }

    /// Partitions go: the batches under way get a moment, then what was taken is noted and committed.
    fn revoked(&self, consumer: &Consumer, partitions: &TopicPartitionList) {
        let (mut going, mut alone) = (Vec::new(), Vec::new());
        {
            let (mut lanes, followers) = (self.lanes(), self.followers());
            for element in partitions.elements() {
                let key = (element.topic().into(), element.partition());
                alone.extend(followers.remove(&key));
                going.extend(lanes.remove_entry(&key));
            }
            let count = lanes.len() as u64;
            self.shared.tally.edit(|figures| figures.partitions = count);
        }
        going.iter().map(|(_, lane)| lane).chain(&alone).for_each(Lane::close);
        let until = Instant::now() + DRAIN;
        let drained = |lane: &Lane| lane.wait(until.saturating_duration_since(Instant::now()));
        // First those who get on; whoever reads alone may be away.
        let shared: Vec<bool> = going.iter().map(|(_, lane)| drained(lane)).collect();
        let unfinished: Vec<&Lane> = alone.iter().filter(|lane| !drained(lane)).collect();
        let mut done = TopicPartitionList::new();
        for (((topic, partition), lane), drained) in going.iter().zip(shared) {
            let step = &lane.state.step;
            let open = unfinished.iter().any(|other| Arc::ptr_eq(&other.state.step, step));
            let clean = drained && !open && !self.shared.is_splitting(step);
            self.put(topic, *partition, lane, clean);
            if done.add_partition_offset(topic, *partition, Offset::Offset(lane.state.lowest())).is_err() {
                tracing::warn!(%topic, partition, "a position cannot be committed");
            } else if let (true, Some(mut element)) = (clean, done.find_partition(topic, *partition)) {
                element.set_metadata(CLEAN);
            }
        }
        if !going.is_empty() {
            self.write();
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

    /// How far each destination that reads alone is behind the ends of its partitions, by what people call it.
    fn behind(&self, ends: &BTreeMap<(&str, i32), i64>) -> BTreeMap<Arc<str>, u64> {
        let mut behind = BTreeMap::new();
        for ((topic, partition), lane) in self.lanes().iter() {
            let end = ends.get(&(&**topic, *partition)).copied().unwrap_or_else(|| lane.state.floor());
            for (destination, floor) in lane.state.step.alone() {
                let label = self.shared.deps.router.describe(destination).1;
                *behind.entry(label).or_default() += u64::try_from(end - floor).unwrap_or(0);
            }
        }
        behind
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
        let Some(stats) = stats::read(json).filter(|_| !self.alone) else { return };
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
        let behind = self.behind(&ends);
        self.shared.contact.told(stats.up);
        self.shared.tally.edit(|figures| {
            figures.lag = lag;
            figures.behind = behind;
        });
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &Consumer, code: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        match code {
            // Its end; what it was reading is decided by the group's own consumer.
            _ if self.alone => drop(consumer.unassign()),
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
