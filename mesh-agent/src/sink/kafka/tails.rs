//! What this sink wrote before a restart, read from the ends of its partitions.
//!
//! A sink that ends in the middle of writing leaves records of which its queue does not know whether the cluster has them.
//! Every record carries its event's place in the queue ([`PLACE`](crate::kafka::headers::PLACE)), so the partitions tell: what
//! is found there is not written again, and what is surely not there is written as if nothing had happened. Only where
//! neither is known, because others have written too much meanwhile or the cluster does not let us read, the record goes
//! out flagged.
//!
//! ```text
//! partition:  ... 7  8  x  9 | x  x  11  x  12  x |      x: records of others
//!                  tail begins ^               end ^
//! 11, 12: written.  From 11 on, what is not found is not in this partition: the places of a partition ascend.
//! ```

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use mesh_protocol::id::{RouteId, SpoolId};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Headers as _, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use sha2::{Digest, Sha256};

use crate::kafka::headers;

/// Records at the end of each partition that are looked at.
const RECORDS: i64 = 10_000;
/// Longest time spent on one topic.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest wait for one answer of the cluster.
const ANSWER: Duration = Duration::from_secs(5);

/// Which queue a place belongs to: a mark that no other queue in any spool has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueueMark(String);

/// What is known of an event that may have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is there.
    Written,
    /// It is surely not there.
    NotWritten,
    /// Nobody knows.
    Unknown,
}

/// The ends of one topic's partitions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    written: HashSet<u64>,
    /// From this place on everything that was written is among `written`.
    covers_from: u64,
}

/// Tails by topic, read when they are first needed.
#[derive(Debug)]
pub(super) struct Tails {
    settings: ClientConfig,
    mark: QueueMark,
    topics: BTreeMap<String, Tail>,
}

/// What was seen of one partition.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Its tail begins at its beginning.
    whole: bool,
    /// Our lowest place among records that are no repeats.
    lowest: Option<u64>,
    /// The offset behind the last record that was there at first.
    end: i64,
}

impl QueueMark {
    pub(super) fn new(route: RouteId, spool: SpoolId) -> Self {
        let digest = Sha256::digest(format!("{route}/{spool}"));
        Self(hex::encode(&digest[..8]))
    }

    /// As it stands in a record.
    pub(super) fn place(&self, seq: u64) -> String {
        format!("{}/{seq}", self.0)
    }

    /// The place in this queue, when it is of this queue.
    fn read(&self, value: &[u8]) -> Option<u64> {
        let rest = std::str::from_utf8(value).ok()?.strip_prefix(&self.0)?;
        rest.strip_prefix('/')?.parse().ok()
    }
}

impl Tail {
    /// Nothing is known: nothing was read.
    fn unknown() -> Self {
        Self { written: HashSet::new(), covers_from: u64::MAX }
    }

    fn of(written: HashSet<u64>, partitions: impl Iterator<Item = Seen>) -> Self {
        let from = |seen: Seen| if seen.whole { 0 } else { seen.lowest.unwrap_or(u64::MAX) };
        Self { written, covers_from: partitions.map(from).max().unwrap_or(0) }
    }

    fn know(&self, seq: u64) -> Known {
        if self.written.contains(&seq) {
            Known::Written
        } else if seq >= self.covers_from {
            Known::NotWritten
        } else {
            Known::Unknown
        }
    }
}

impl Tails {
    /// `settings` are those of a consumer that positions by itself.
    pub(super) fn new(mut settings: ClientConfig, mark: QueueMark) -> Self {
        settings.set("enable.partition.eof", "true");
        Self { settings, mark, topics: BTreeMap::new() }
    }

    /// The queue's mark.
    pub(super) fn mark(&self) -> &QueueMark {
        &self.mark
    }

    /// What was read is old: another producer has written since.
    pub(super) fn forget(&mut self) {
        self.topics.clear();
    }

    /// What is known of the event at this place of the queue. Blocks the thread when the topic is asked for first.
    pub(super) fn know(&mut self, topic: &str, seq: u64) -> Known {
        if let Some(tail) = self.topics.get(topic) {
            return tail.know(seq);
        }
        let tail = read(&self.settings, &self.mark, topic).unwrap_or_else(|error| {
            tracing::info!(topic, %error, "what was written before cannot be read; what may be a repeat is flagged");
            Tail::unknown()
        });
        let known = tail.know(seq);
        self.topics.insert(topic.to_owned(), tail);
        known
    }
}

fn read(settings: &ClientConfig, mark: &QueueMark, topic: &str) -> KafkaResult<Tail> {
    let consumer: BaseConsumer = settings.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
    let partitions = metadata.topics().first().map_or(&[][..], |found| found.partitions());
    let (mut places, mut open) = (TopicPartitionList::new(), BTreeMap::new());
    for partition in partitions.iter().map(|partition| partition.id()) {
        let (low, high) = consumer.fetch_watermarks(topic, partition, ANSWER)?;
        let from = low.max(high - RECORDS);
        open.insert(partition, Seen { whole: from == low, lowest: None, end: high });
        if low < high {
            places.add_partition_offset(topic, partition, Offset::Offset(from))?;
        }
    }
    consumer.assign(&places)?;
    let (mut written, began) = (HashSet::new(), Instant::now());
    let mut waiting: HashSet<i32> = places.elements().iter().map(|element| element.partition()).collect();
    while !waiting.is_empty() {
        if began.elapsed() > PATIENCE {
            // What was found is found; that something is not there is no longer sure.
            return Ok(Tail { written, covers_from: u64::MAX });
        }
        let message = match consumer.poll(Duration::from_millis(100)) {
            None => continue,
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                waiting.remove(&partition);
                continue;
            }
            Some(Err(error)) => return Err(error),
            Some(Ok(message)) => message,
        };
        let Some(seen) = open.get_mut(&message.partition()) else { continue };
        let headers = || message.headers().into_iter().flat_map(|headers| headers.iter());
        let place = headers().find(|header| header.key == headers::PLACE);
        if let Some(seq) = place.and_then(|header| mark.read(header.value.unwrap_or_default())) {
            written.insert(seq);
            if !headers().any(|header| header.key == headers::REDELIVERED) {
                seen.lowest = Some(seen.lowest.map_or(seq, |lowest| lowest.min(seq)));
            }
        }
        if message.offset() + 1 >= seen.end {
            waiting.remove(&message.partition());
        }
    }
    Ok(Tail::of(written, open.into_values()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn seen(whole: bool, lowest: Option<u64>) -> Seen {
        Seen { whole, lowest, end: 0 }
    }

    #[test]
    fn places_of_other_queues_are_nobodys() {
        let mark = |route: u128, spool| QueueMark::new(Uuid::from_u128(route).into(), SpoolId([spool; 16]));
        let place = mark(1, 1).place(17);
        assert_eq!(mark(1, 1).read(place.as_bytes()), Some(17));
        for other in [mark(2, 1), mark(1, 2)] {
            assert_eq!(other.read(place.as_bytes()), None);
        }
        assert_eq!(mark(1, 1).read(b"17"), None);
        assert_eq!(mark(1, 1).read(&[0xff]), None);
    }

    #[test]
    fn what_is_found_is_written_and_what_would_have_been_seen_is_not() {
        let tail = Tail::of(HashSet::from([11, 12]), [seen(false, Some(11)), seen(true, None)].into_iter());
        assert_eq!(
            [11, 12, 13, 10].map(|seq| tail.know(seq)),
            [Known::Written, Known::Written, Known::NotWritten, Known::Unknown]
        );
    }

    #[test]
    fn one_partition_full_of_others_makes_all_that_is_not_found_unknown() {
        let tail = Tail::of(HashSet::from([11]), [seen(false, Some(11)), seen(false, None)].into_iter());
        assert_eq!([11, 13].map(|seq| tail.know(seq)), [Known::Written, Known::Unknown]);
        assert_eq!(Tail::unknown().know(1), Known::Unknown);
    }

    #[test]
    fn a_topic_that_was_never_written_to_is_known_whole() {
        assert_eq!(Tail::of(HashSet::new(), [seen(true, None)].into_iter()).know(1), Known::NotWritten);
        assert_eq!(Tail::of(HashSet::new(), std::iter::empty()).know(1), Known::NotWritten);
    }
}
