//! One look at a topic. Blocking: it runs on a thread for that.
//!
//! ```text
//! newest, before  end - n .. end     read forwards, the last n are taken
//! after, since    begin ..           read forwards, the first n are taken
//! ```
//! Kafka can only be read forwards. So a look backwards begins as far before its end as may be needed: so many records as
//! are wanted, or, when only those with a text are, so many as a look may read through at all.

mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mesh_protocol::browse::{LOOKED_AT_MAX, Places, RECORDS_MAX, TopicAsk, TopicFrom, TopicPage};
use mesh_protocol::desired::BrokerConnection;
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio_util::sync::CancellationToken;

use self::tell::{Find, Room, record};
use super::kept::{Kept, Side};
use crate::kafka::client::{Asker, Complaints, Context, code_of};
use crate::kafka::trouble::{Operation, Resource, Right, Target};

/// Longest wait for one answer of the cluster.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest wait for the next record, so that the look can be stopped between two.
const POLL: Duration = Duration::from_millis(100);
/// What the client may have fetched ahead, in KiB.
const AHEAD_KBYTES: &str = "4096";

/// When a look ends, whatever it has.
#[derive(Debug)]
pub(super) struct End {
    at: Instant,
    stopping: CancellationToken,
}

impl End {
    pub(super) fn new(at: Instant, stopping: CancellationToken) -> Self {
        Self { at, stopping }
    }

    fn is_here(&self) -> bool {
        Instant::now() >= self.at || self.stopping.is_cancelled()
    }
}

/// A look at one topic.
pub(super) struct Look {
    asker: Asker,
    complaints: Complaints,
    target: Target,
    ask: TopicAsk,
    limit: usize,
    end: End,
}

/// Of each partition: an offset, and the one behind its last.
type Spans = BTreeMap<i32, (i64, i64)>;

impl Look {
    /// # Errors
    /// The connection cannot be used; what to do.
    pub(super) fn new(
        broker: &BrokerConnection,
        mut settings: ClientConfig,
        ask: TopicAsk,
        end: End,
    ) -> Result<Self, String> {
        let target = Target::from(broker);
        let context = Context::default();
        let complaints = context.complaints.clone();
        settings
            // The library assigns nothing without a name. The group is never joined and nothing is committed for it.
            .set("group.id", "meshport-browse")
            .set("statistics.interval.ms", "0")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("allow.auto.create.topics", "false")
            .set("fetch.wait.max.ms", "100")
            .set("queued.max.messages.kbytes", AHEAD_KBYTES);
        let asker = settings.create_with_context(context).map_err(|error| target.unusable(&error))?;
        let limit = ask.limit.clamp(1, RECORDS_MAX) as usize;
        Ok(Self { asker, complaints, target, ask, limit, end })
    }

    /// Looks.
    ///
    /// # Errors
    /// Why nothing could be read, and what to do.
    pub(super) fn look(self) -> Result<TopicPage, String> {
        let bounds = self.bounds()?;
        let spans = self.spans(&bounds)?;
        let begins: Places = spans.iter().map(|(id, (first, _))| (*id, *first)).collect();
        let side = match self.ask.from {
            TopicFrom::Newest | TopicFrom::Before { .. } => Side::Last,
            TopicFrom::After { .. } | TopicFrom::Since { .. } => Side::First,
        };
        let mut kept = Kept::new(side, self.limit, begins);
        let (looked_at, stopped) = self.read(&spans, &mut kept)?;
        let taken = kept.take();
        let (older, newer) = match side {
            Side::Last => (taken.places, spans.iter().map(|(id, (_, last))| (*id, *last)).collect()),
            Side::First => (spans.iter().map(|(id, (first, _))| (*id, *first)).collect(), taken.places),
        };
        let is_behind = |id: &i32, place: i64| bounds.get(id).is_some_and(|(low, _)| place > *low);
        let older: Places = older.into_iter().filter(|(id, place)| is_behind(id, *place)).collect();
        Ok(TopicPage { records: taken.records, older, newer, looked_at, stopped, hides: true })
    }

    /// First offset of each partition that is meant, and the one behind its last.
    fn bounds(&self) -> Result<Spans, String> {
        let metadata = self.asker.fetch_metadata(Some(&self.ask.topic), ANSWER).map_err(|error| self.why(&error))?;
        let topic = metadata.topics().iter().find(|topic| topic.name() == self.ask.topic);
        let topic = topic.ok_or_else(|| self.target.no_topic(&self.ask.topic))?;
        match topic.error().map(Code::from) {
            None => {}
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
                return Err(self.target.no_topic(&self.ask.topic));
            }
            Some(Code::TopicAuthorizationFailed) => return Err(self.not_allowed(Operation::Describe)),
            Some(code) => return Err(self.complaints.explain(&self.target, code)),
        }
        let meant = |id: i32| self.ask.partition.is_none_or(|only| only == id);
        let ids: Vec<i32> = topic.partitions().iter().map(|partition| partition.id()).filter(|id| meant(*id)).collect();
        if ids.is_empty() {
            return Err(match self.ask.partition {
                Some(partition) => format!("{} has no partition {partition}", self.ask.topic),
                None => format!("{} has no partitions", self.ask.topic),
            });
        }
        let bound = |id: i32| {
            let marks = self.asker.fetch_watermarks(&self.ask.topic, id, ANSWER);
            marks.map(|marks| (id, marks)).map_err(|error| self.why(&error))
        };
        ids.into_iter().map(bound).collect()
    }

    /// What is to be read of each partition.
    fn spans(&self, bounds: &Spans) -> Result<Spans, String> {
        let back = self.way_back(bounds.len());
        let before = |id: i32, end: i64| {
            let (low, high) = bounds[&id];
            let end = end.clamp(low, high);
            (id, (end.saturating_sub(back).max(low), end))
        };
        let all = bounds.iter().map(|(id, (low, high))| (*id, *low, *high));
        Ok(match &self.ask.from {
            TopicFrom::Newest => all.map(|(id, _, high)| before(id, high)).collect(),
            TopicFrom::Before { places } => {
                all.map(|(id, low, _)| before(id, places.get(&id).copied().unwrap_or(low))).collect()
            }
            TopicFrom::After { places } => {
                let from =
                    |id: i32, low: i64, high: i64| places.get(&id).map_or(low, |place| *place.clamp(&low, &high));
                all.map(|(id, low, high)| (id, (from(id, low, high), high))).collect()
            }
            TopicFrom::Since { at_ms } => self.since(*at_ms, bounds)?,
        })
    }

    /// How far before the end of a partition a look backwards begins.
    fn way_back(&self, partitions: usize) -> i64 {
        let most = LOOKED_AT_MAX / partitions.max(1) as u64;
        let wanted = if self.ask.find.is_empty() { most.min(self.limit as u64) } else { most };
        i64::try_from(wanted.max(1)).unwrap_or(i64::MAX)
    }

    fn since(&self, at_ms: i64, bounds: &Spans) -> Result<Spans, String> {
        let mut asked = TopicPartitionList::new();
        for id in bounds.keys() {
            let added = asked.add_partition_offset(&self.ask.topic, *id, Offset::Offset(at_ms.max(0)));
            added.map_err(|error| self.why(&error))?;
        }
        let found = self.asker.offsets_for_times(asked, ANSWER).map_err(|error| self.why(&error))?;
        let first = |id: i32, high: i64| match found.find_partition(&self.ask.topic, id).map(|place| place.offset()) {
            Some(Offset::Offset(offset)) => offset.min(high),
            // Nothing is as new as that.
            _ => high,
        };
        Ok(bounds.iter().map(|(id, (_, high))| (*id, (first(*id, *high), *high))).collect())
    }

    /// Reads all spans to their ends. How many records there were, and why it ended before.
    fn read(&self, spans: &Spans, kept: &mut Kept) -> Result<(u64, Option<String>), String> {
        let mut open: BTreeSet<i32> = BTreeSet::new();
        let mut list = TopicPartitionList::new();
        for (id, (first, _)) in spans.iter().filter(|(_, (first, last))| first < last) {
            let added = list.add_partition_offset(&self.ask.topic, *id, Offset::Offset(*first));
            added.map_err(|error| self.why(&error))?;
            open.insert(*id);
        }
        self.asker.assign(&list).map_err(|error| self.why(&error))?;
        let find = Find::new(&self.ask);
        let room = Room::new(self.ask.content_bytes_max, self.limit, spans.len());
        let mut looked_at = 0;
        while !open.is_empty() {
            if self.end.is_here() {
                return Ok((looked_at, Some("the time for one look is over".to_owned())));
            }
            if looked_at >= LOOKED_AT_MAX {
                return Ok((looked_at, Some(format!("one look reads through {LOOKED_AT_MAX} records"))));
            }
            match self.asker.poll(POLL) {
                None => {}
                Some(Ok(message)) => {
                    let (id, offset) = (message.partition(), message.offset());
                    let Some((_, last)) = spans.get(&id).filter(|_| open.contains(&id)) else { continue };
                    if offset < *last {
                        looked_at += 1;
                        kept.read(id, offset, || find.meets(&message).then(|| record(&message, room)));
                    }
                    if offset + 1 >= *last || kept.has_enough_of(id) {
                        open.remove(&id);
                        self.done_with(id)?;
                    }
                }
                // Behind the last record there may be marks of transactions, which take offsets.
                Some(Err(KafkaError::PartitionEOF(id))) => {
                    if let (true, Some((_, last))) = (open.remove(&id), spans.get(&id)) {
                        kept.read(id, *last - 1, || None);
                    }
                }
                Some(Err(error)) => match code_of(&error) {
                    Code::TopicAuthorizationFailed => return Err(self.not_allowed(Operation::Read)),
                    code if is_passing(code) => {}
                    _ => return Err(self.why(&error)),
                },
            }
        }
        Ok((looked_at, None))
    }

    /// Nothing more is fetched of a partition.
    fn done_with(&self, id: i32) -> Result<(), String> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.ask.topic, id);
        self.asker.pause(&list).map_err(|error| self.why(&error))
    }

    fn why(&self, error: &KafkaError) -> String {
        match error.rdkafka_error_code() {
            Some(code) => self.complaints.explain(&self.target, code),
            // Some errors of the library are a text alone.
            None => self.target.connection(Code::Fail, &error.to_string()),
        }
    }

    fn not_allowed(&self, operation: Operation) -> String {
        let right = Right { operation, resource: Resource::Topic(self.ask.topic.clone()) };
        self.target.not_allowed(&right)
    }
}

/// Troubles that the client gets over by itself while the look has time, and that of a group which it does not need.
const fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::RequestTimedOut
            | Code::GroupAuthorizationFailed
            | Code::CoordinatorNotAvailable
    )
}
