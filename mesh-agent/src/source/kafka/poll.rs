//! The one thread that polls a source's consumers: hands records to lanes, pauses what is full, commits what everybody has.
//!
//! It keeps polling while everything is paused, so that the cluster never takes the source for dead.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::runtime::Handle;

use super::Shared;
use super::consumer::{Consumer, Context, Lanes};
use super::record::Record;
use crate::kafka::client::code_of;
use crate::kafka::trouble::{Operation, Resource, Right};
use crate::task::Tasks;

/// Longest wait for a record; also how late a stop is noticed.
const TURN: Duration = Duration::from_millis(100);
/// The same while others are served between two turns.
const SHORT_TURN: Duration = Duration::from_millis(2);
/// Most records handed over in one turn.
const TURN_RECORDS_MAX: usize = 2_000;
/// Positions are committed this often.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// How often topics that are missing are looked for.
const LOOK_INTERVAL: Duration = Duration::from_secs(3);
/// Most bytes that wait in all lanes of one source, shared evenly.
const QUEUED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most and least bytes that may wait in one lane before its partition is paused.
const LANE_BYTES: (usize, usize) = (64 * 1024, 2 * 1024 * 1024);
/// How long the thread waits for a lane that has too much before it pauses the partition. Pausing throws away what the
/// library has fetched ahead, so it is for lanes that do not get on, not for those that are just busy.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two looks at such a lane.
const PATIENT_LOOK: Duration = Duration::from_millis(1);
/// Pause before a new consumer after a fatal error.
const BACKOFF: Duration = Duration::from_secs(3);

/// The thread's own state.
pub(super) struct Poller {
    pub(super) shared: Arc<Shared>,
    pub(super) settings: ClientConfig,
    pub(super) tasks: Tasks,
    runtime: Handle,
}

/// Whether lanes that are full get a moment before their partitions are paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// They do.
    Some,
    /// Others must not wait for them.
    None,
}

impl Poller {
    /// Must be called on a runtime, where the lanes will live.
    pub(super) fn new(shared: Arc<Shared>, settings: ClientConfig, tasks: Tasks) -> Self {
        Self { shared, settings, tasks, runtime: Handle::current() }
    }

    /// Whether the client library takes the settings (a certificate that is no PEM, for example).
    pub(super) fn check(&self) -> KafkaResult<()> {
        let mut settings = self.settings.clone();
        settings.remove("group.id");
        settings.create::<rdkafka::consumer::BaseConsumer>().map(drop)
    }

    /// Polls until the source stops.
    pub(super) fn run(self) {
        // However this thread ends, the source has ended.
        let _ended = self.tasks.token().drop_guard();
        let runtime = self.runtime.clone();
        let _lanes_are_spawned_here = runtime.enter();
        while self.goes_on() {
            if let Err(error) = self.consume() {
                self.shared.complaints.note(code_of(&error), &error.to_string());
                let until = Instant::now() + BACKOFF;
                while Instant::now() < until && self.goes_on() {
                    std::thread::sleep(TURN);
                }
            }
        }
    }

    fn goes_on(&self) -> bool {
        !self.shared.is_stopping() && !self.tasks.token().is_cancelled()
    }

    /// One consumer's life. Its end revokes everything, which drains the lanes and commits.
    fn consume(&self) -> KafkaResult<()> {
        let context = Context::new(self.shared.clone(), self.tasks.clone(), false);
        let consumer: Consumer = self.settings.create_with_context(context)?;
        let Some(cluster) = self.cluster(&consumer) else { return Ok(()) };
        consumer.context().set_cluster(&cluster);
        let topics: Vec<&str> = self.shared.source.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics)?;
        let mut round = Round { committed_at: Instant::now(), looked_at: Instant::now(), floors: BTreeMap::new() };
        while self.goes_on() {
            let wait = if consumer.context().followers().reads() { SHORT_TURN } else { TURN };
            self.turn(&consumer, wait)?;
            self.regulate(&consumer, Patience::Some);
            self.follow(&consumer)?;
            round.commit(&consumer, false);
            round.look(self, &consumer);
        }
        round.commit(&consumer, true);
        Ok(())
    }

    /// The cluster's own id, once it answers; none when the source stops before.
    fn cluster(&self, consumer: &Consumer) -> Option<String> {
        let goes_on = || {
            // Serves complaints, so that the part can say why there is no answer.
            drop(consumer.poll(Duration::ZERO));
            self.goes_on()
        };
        self.shared.contact.meet(consumer.client(), &self.shared.complaints, goes_on)
    }

    /// Takes what is there and hands it to the lanes.
    pub(super) fn turn(&self, consumer: &Consumer, mut wait: Duration) -> KafkaResult<()> {
        let mut found: Vec<(Arc<str>, i32, Vec<Record>)> = Vec::new();
        for _ in 0..TURN_RECORDS_MAX {
            let message = match consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    self.hand_over(consumer, found);
                    return self.trouble(consumer, error);
                }
            };
            wait = Duration::ZERO;
            let (topic, partition) = (message.topic(), message.partition());
            let mine = found.iter_mut().rev().find(|(name, number, _)| *number == partition && **name == *topic);
            match mine {
                Some((_, _, records)) => records.push(Record::copy(&message)),
                None => found.push((topic.into(), partition, vec![Record::copy(&message)])),
            }
        }
        self.hand_over(consumer, found);
        Ok(())
    }

    fn hand_over(&self, consumer: &Consumer, found: Vec<(Arc<str>, i32, Vec<Record>)>) {
        let lanes = consumer.context().lanes();
        for (topic, partition, records) in found {
            // A partition that has just gone has no lane: its records are the next owner's.
            if let Some(lane) = lanes.get(&(topic, partition)) {
                lane.push(records);
            }
        }
    }

    /// Pauses lanes that have too much and keep it, resumes those that have little.
    pub(super) fn regulate(&self, consumer: &Consumer, patience: Patience) {
        let began = Instant::now();
        let patient = || patience == Patience::Some && is_any_full(&consumer.context().lanes());
        while patient() && began.elapsed() < PATIENCE && self.goes_on() {
            std::thread::sleep(PATIENT_LOOK);
        }
        let (mut full, mut empty) = (TopicPartitionList::new(), TopicPartitionList::new());
        {
            let mut lanes = consumer.context().lanes();
            let most = lane_bytes_max(&lanes);
            for ((topic, partition), lane) in lanes.iter_mut() {
                let queued = lane.state.queued_bytes();
                if !lane.paused && queued > most {
                    lane.paused = true;
                    full.add_partition(topic, *partition);
                } else if lane.paused && queued < most / 4 {
                    lane.paused = false;
                    empty.add_partition(topic, *partition);
                }
            }
        }
        let paused = if full.count() > 0 { consumer.pause(&full) } else { Ok(()) };
        let resumed = if empty.count() > 0 { consumer.resume(&empty) } else { Ok(()) };
        if let Err(error) = paused.and(resumed) {
            tracing::warn!(%error, "a partition could not be paused or resumed");
        }
    }

    /// What `poll` returned instead of a record.
    fn trouble(&self, consumer: &Consumer, error: KafkaError) -> KafkaResult<()> {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(error);
        }
        match code_of(&error) {
            Code::AutoOffsetReset | Code::OffsetOutOfRange => consumer.context().mend(consumer),
            Code::UnknownTopicOrPartition | Code::TopicAuthorizationFailed => self.look_for_topics(consumer),
            Code::GroupAuthorizationFailed => {
                let resource = Resource::Group(self.shared.identity.group());
                let sentence = self.shared.target.not_allowed(&Right { operation: Operation::Read, resource });
                self.shared.tally.edit(|figures| drop(figures.trouble.insert("group".to_owned(), sentence)));
            }
            // Told by the context with its reason.
            _ => {}
        }
        Ok(())
    }

    /// Which of the route's topics are missing or forbidden.
    fn look_for_topics(&self, consumer: &Consumer) {
        for topic in &self.shared.source.topics {
            let Ok(metadata) = consumer.fetch_metadata(Some(topic), Duration::from_secs(2)) else { return };
            let code = metadata.topics().first().and_then(|found| found.error()).map(Code::from);
            let target = &self.shared.target;
            let sentence = match code {
                None => None,
                Some(Code::TopicAuthorizationFailed) => {
                    let resource = Resource::Topic(topic.clone());
                    Some(target.not_allowed(&Right { operation: Operation::Read, resource }))
                }
                Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => Some(target.no_topic(topic)),
                Some(code) => Some(target.connection(code, "")),
            };
            let name = format!("topic {topic}");
            self.shared.tally.edit(|figures| {
                match sentence {
                    Some(sentence) => figures.trouble.insert(name, sentence),
                    None => figures.trouble.remove(&name),
                };
            });
        }
    }
}

/// Most bytes that may wait in one lane.
fn lane_bytes_max(lanes: &Lanes) -> usize {
    (QUEUED_BYTES_MAX / lanes.len().max(1)).clamp(LANE_BYTES.0, LANE_BYTES.1)
}

/// Whether a partition that is read has a lane with too much.
fn is_any_full(lanes: &Lanes) -> bool {
    let most = lane_bytes_max(lanes);
    lanes.values().any(|lane| !lane.paused && lane.state.queued_bytes() > most)
}

/// What is done from time to time.
struct Round {
    committed_at: Instant,
    looked_at: Instant,
    /// What was committed last.
    floors: BTreeMap<(Arc<str>, i32), i64>,
}

impl Round {
    fn commit(&mut self, consumer: &Consumer, now: bool) {
        if !now && self.committed_at.elapsed() < COMMIT_INTERVAL {
            return;
        }
        self.committed_at = Instant::now();
        consumer.context().save();
        let mut list = TopicPartitionList::new();
        for ((topic, partition), lane) in consumer.context().lanes().iter() {
            let floor = lane.state.lowest();
            let before = self.floors.insert((topic.clone(), *partition), floor);
            if before != Some(floor) && list.add_partition_offset(topic, *partition, Offset::Offset(floor)).is_err() {
                tracing::warn!(%topic, partition, floor, "a position cannot be committed");
            }
        }
        if list.count() > 0
            && let Err(error) = consumer.commit(&list, CommitMode::Async)
        {
            tracing::debug!(%error, "commit of positions failed; they are committed again with the next");
            self.floors.clear();
        }
    }

    fn look(&mut self, poller: &Poller, consumer: &Consumer) {
        if self.looked_at.elapsed() < LOOK_INTERVAL {
            return;
        }
        self.looked_at = Instant::now();
        if poller.shared.tally.figures().trouble.keys().any(|name| name.starts_with("topic ")) {
            poller.look_for_topics(consumer);
        }
    }
}
