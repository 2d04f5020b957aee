//! Who writes to topics, as far as brokers remember it: producers with numbers (idempotent ones, which is what clients
//! are unless somebody chose otherwise).
//!
//! A broker walks through everything it remembers of a partition to answer, so it is asked about a partition only when
//! something was written there since, and about all of them with a full scan: what is idle expires without a write. A topic
//! that may not be read is not asked about again either; one of those in each look is, to see whether that has changed.
//! Topics internal to Kafka are left aside: their producers are those of other topics.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::DescribeProducersRequest;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState};
use kafka_protocol::protocol::StrBytes;
use mesh_protocol::report::{BrokerNode, ObjectFacts, PRODUCERS_MAX, ProducerFacts, TopicFacts};

use super::{Lines, Notes, Unanswered};
use crate::discovery::kafka::scan::{Depth, Found};
use crate::kafka::trouble::{Operation, Resource, Right, Target};
use crate::kafka::wire::refusal;

/// Most partitions that are asked about in one look; those left over come with the next.
const PARTITIONS_PER_LOOK: usize = 5_000;
/// Partitions that are asked about at once.
const PARTITIONS_AT_ONCE: usize = 1_000;

/// What is known of each partition.
#[derive(Debug, Default)]
pub(super) struct Producers {
    partitions: BTreeMap<(String, i32), Partition>,
    /// Topics that may not be read.
    refused: BTreeSet<String>,
    /// Which of those was asked about last.
    tried: Option<String>,
}

#[derive(Debug, Default)]
struct Partition {
    /// Where it ended when it was asked about; none = it must be asked about.
    end: Option<i64>,
    /// The latest, at most [`PRODUCERS_MAX`].
    producers: Vec<Producer>,
    left_out: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Producer {
    id: i64,
    epoch: i32,
    last_ms: i64,
    in_transaction: bool,
}

/// A partition to ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    topic: String,
    partition: i32,
    leader: i32,
    end: i64,
}

impl Producers {
    pub(super) async fn learn(
        &mut self,
        lines: &mut Lines<'_>,
        target: &Target,
        found: &Found,
        depth: Depth,
        notes: &mut Notes,
    ) {
        let topics: Vec<(&str, &TopicFacts)> = topics(found).collect();
        let lacked = !self.refused.is_empty();
        let wanted = self.wanted(&topics, depth);
        self.ask_all(lines, &wanted, notes).await;
        if lacked && self.refused.is_empty() {
            // The right came: what was refused is asked about at once.
            let wanted = self.wanted(&topics, Depth::Changes);
            self.ask_all(lines, &wanted, notes).await;
        }
        if let Some(right) = self.lacking() {
            let count = self.refused.len();
            let what = format!(
                "who produces to {count} of {} topics (READ lets the agent read their records too: grant it only if it may)",
                topics.len()
            );
            notes.optional.push(target.missing(what, &right));
        }
    }

    /// What to ask about now: what was written to first, then what was not asked about for long.
    fn wanted(&mut self, topics: &[(&str, &TopicFacts)], depth: Depth) -> Vec<Wanted> {
        let there: BTreeSet<&str> = topics.iter().map(|(name, _)| *name).collect();
        self.partitions.retain(|(topic, _), _| there.contains(topic.as_str()));
        self.refused.retain(|topic| there.contains(topic.as_str()));
        if depth == Depth::All {
            self.partitions.values_mut().for_each(|partition| partition.end = None);
        }
        let tried = self.next_try();
        let (mut written, mut rest) = (Vec::new(), Vec::new());
        for (name, topic) in topics {
            if self.refused.contains(*name) && tried.as_deref() != Some(*name) {
                continue;
            }
            for partition in &topic.partitions {
                let (Some(leader), Some(end)) = (partition.leader, partition.high) else { continue };
                let wanted = Wanted { topic: (*name).to_owned(), partition: partition.id, leader, end };
                match self.partitions.get(&(wanted.topic.clone(), wanted.partition)).and_then(|known| known.end) {
                    // Nothing was ever written there.
                    None if end == 0 => {}
                    None => rest.push(wanted),
                    Some(before) if before != end => written.push(wanted),
                    Some(_) => {}
                }
            }
        }
        self.tried = tried;
        written.extend(rest);
        written.truncate(PARTITIONS_PER_LOOK);
        written
    }

    /// The refused topic whose turn it is.
    fn next_try(&self) -> Option<String> {
        let after = self.tried.iter().flat_map(|last| self.refused.range::<String, _>(last.clone()..).skip(1)).next();
        after.or_else(|| self.refused.first()).cloned()
    }

    async fn ask_all(&mut self, lines: &mut Lines<'_>, wanted: &[Wanted], notes: &mut Notes) {
        for node in lines.nodes {
            let led: Vec<&Wanted> = wanted.iter().filter(|wanted| wanted.leader == node.id).collect();
            for chunk in led.chunks(PARTITIONS_AT_ONCE) {
                if !self.ask(lines, node, chunk, notes).await {
                    break;
                }
            }
        }
    }

    /// Whether the broker can be asked on.
    async fn ask(&mut self, lines: &mut Lines<'_>, node: &BrokerNode, wanted: &[&Wanted], notes: &mut Notes) -> bool {
        let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for partition in wanted {
            by_topic.entry(&partition.topic).or_default().push(partition.partition);
        }
        let topics = by_topic.into_iter().map(|(name, partitions)| {
            let name = StrBytes::from_string(name.to_owned());
            TopicRequest::default().with_name(name.into()).with_partition_indexes(partitions)
        });
        let request = DescribeProducersRequest::default().with_topics(topics.collect());
        let answer = match lines.ask(node, &request).await {
            Ok(answer) => answer,
            Err(Unanswered::Untold(reason)) => {
                notes.untold.push(format!("producers: {reason}"));
                return false;
            }
            Err(Unanswered::Failed(reason)) => {
                notes.trouble.push(format!("producers: {reason}"));
                return false;
            }
        };
        let ends: BTreeMap<(&str, i32), i64> =
            wanted.iter().map(|wanted| ((wanted.topic.as_str(), wanted.partition), wanted.end)).collect();
        for topic in answer.topics {
            for partition in topic.partitions {
                let end = ends.get(&(topic.name.as_str(), partition.partition_index)).copied();
                self.take(topic.name.as_str(), end, partition);
            }
        }
        true
    }

    fn take(&mut self, topic: &str, end: Option<i64>, told: PartitionResponse) {
        match refusal(told.error_code) {
            None => {
                // The right came, and not for this one alone, as far as anybody knows.
                if self.refused.remove(topic) {
                    self.refused.clear();
                }
                let (producers, left_out) = latest(told.active_producers);
                let known = Partition { end, producers, left_out };
                self.partitions.insert((topic.to_owned(), told.partition_index), known);
            }
            Some(ResponseError::TopicAuthorizationFailed) => {
                self.refused.insert(topic.to_owned());
                self.partitions.retain(|(name, _), _| name != topic);
            }
            // It has another leader by now, or is gone: the next scan knows.
            Some(_) => {}
        }
    }

    fn lacking(&self) -> Option<Right> {
        let name = match self.refused.len() {
            0 => return None,
            1 => self.refused.first()?.clone(),
            _ => "*".to_owned(),
        };
        Some(Right { operation: Operation::Read, resource: Resource::Topic(name) })
    }

    /// The producers of a topic, its partitions folded; `ids` are the transactional ids of producers.
    pub(super) fn tell(&self, name: &str, topic: &mut TopicFacts, ids: &BTreeMap<i64, &str>) {
        let mut folded: BTreeMap<(i64, i32), ProducerFacts> = BTreeMap::new();
        let mut left_out = 0;
        for partition in &topic.partitions {
            let Some(known) = self.partitions.get(&(name.to_owned(), partition.id)) else { continue };
            left_out = left_out.max(known.left_out);
            for producer in &known.producers {
                let facts = folded.entry((producer.id, producer.epoch)).or_insert_with(|| ProducerFacts {
                    producer_id: producer.id,
                    epoch: producer.epoch,
                    transactional_id: ids.get(&producer.id).map(|id| (*id).to_owned()),
                    ..ProducerFacts::default()
                });
                facts.partitions += 1;
                facts.last_ms = facts.last_ms.max(Some(producer.last_ms).filter(|at| *at >= 0));
                facts.in_transaction |= producer.in_transaction;
            }
        }
        let mut producers: Vec<ProducerFacts> = folded.into_values().collect();
        producers.sort_by_key(|producer| (std::cmp::Reverse(producer.last_ms), producer.producer_id, producer.epoch));
        topic.producers_left_out = left_out + producers.len().saturating_sub(PRODUCERS_MAX) as u64;
        producers.truncate(PRODUCERS_MAX);
        topic.producers = producers;
    }
}

/// Topics that people made.
fn topics(found: &Found) -> impl Iterator<Item = (&str, &TopicFacts)> {
    found.objects.iter().filter_map(|object| match &object.facts {
        ObjectFacts::Topic(topic) if !topic.internal => Some((object.name.as_str(), topic)),
        _ => None,
    })
}

fn latest(states: Vec<ProducerState>) -> (Vec<Producer>, u64) {
    let producer = |state: ProducerState| Producer {
        id: state.producer_id.0,
        epoch: state.producer_epoch,
        last_ms: state.last_timestamp,
        in_transaction: state.current_txn_start_offset >= 0,
    };
    let mut producers: Vec<Producer> = states.into_iter().map(producer).collect();
    producers.sort_by_key(|producer| std::cmp::Reverse((producer.in_transaction, producer.last_ms)));
    let left_out = producers.len().saturating_sub(PRODUCERS_MAX) as u64;
    producers.truncate(PRODUCERS_MAX);
    (producers, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_protocol::report::PartitionFacts;

    fn topic(ends: &[i64]) -> TopicFacts {
        let partition = |(id, end): (i32, &i64)| PartitionFacts {
            id,
            leader: Some(1),
            replicas: vec![1],
            in_sync: vec![1],
            low: Some(0),
            high: Some(*end),
            bytes: None,
        };
        TopicFacts { partitions: (0..).zip(ends).map(partition).collect(), ..TopicFacts::default() }
    }

    fn state(id: i64, last_ms: i64) -> ProducerState {
        ProducerState::default()
            .with_producer_id(id.into())
            .with_last_timestamp(last_ms)
            .with_current_txn_start_offset(-1)
    }

    fn told(partition: i32, states: Vec<ProducerState>) -> PartitionResponse {
        PartitionResponse::default().with_partition_index(partition).with_active_producers(states)
    }

    /// Partitions that would be asked about.
    fn wanted(producers: &mut Producers, name: &str, ends: &[i64], depth: Depth) -> Vec<i32> {
        let topic = topic(ends);
        producers.wanted(&[(name, &topic)], depth).into_iter().map(|wanted| wanted.partition).collect()
    }

    #[test]
    fn only_what_was_written_to_is_asked_about_again() {
        let mut producers = Producers::default();
        assert_eq!(wanted(&mut producers, "orders", &[5, 0, 7], Depth::All), [0, 2], "nobody ever wrote to 1");
        producers.take("orders", Some(5), told(0, Vec::new()));
        producers.take("orders", Some(7), told(2, Vec::new()));
        assert_eq!(wanted(&mut producers, "orders", &[5, 0, 7], Depth::Changes), [0; 0]);
        assert_eq!(wanted(&mut producers, "orders", &[5, 1, 8], Depth::Changes), [2, 1], "what was written to first");
        assert_eq!(wanted(&mut producers, "orders", &[5, 0, 7], Depth::All), [0, 2], "what is idle expires");
    }

    #[test]
    fn a_refused_topic_is_tried_in_its_turn_and_one_success_asks_about_all() {
        let mut producers = Producers::default();
        let refused = || told(0, Vec::new()).with_error_code(29);
        let (a, b) = (topic(&[5]), topic(&[5]));
        let topics = [("a", &a), ("b", &b)];
        let names = |wanted: Vec<Wanted>| wanted.into_iter().map(|wanted| wanted.topic).collect::<Vec<_>>();
        assert_eq!(names(producers.wanted(&topics, Depth::All)), ["a", "b"]);
        producers.take("a", Some(5), refused());
        assert_eq!(producers.lacking().map(|right| right.to_string()).as_deref(), Some("READ on Topic a"));
        producers.take("b", Some(5), refused());
        assert_eq!(producers.lacking().map(|right| right.to_string()).as_deref(), Some("READ on Topic *"));
        assert_eq!(names(producers.wanted(&topics, Depth::All)), ["a"]);
        assert_eq!(names(producers.wanted(&topics, Depth::Changes)), ["b"]);
        assert_eq!(names(producers.wanted(&topics, Depth::Changes)), ["a"]);
        producers.take("a", Some(5), told(0, Vec::new()));
        assert_eq!(producers.lacking(), None);
        assert_eq!(names(producers.wanted(&topics, Depth::Changes)), ["b"]);
    }

    #[test]
    fn a_producer_is_told_once_for_all_partitions_and_the_latest_come_first() {
        let mut producers = Producers::default();
        producers.take("orders", Some(5), told(0, vec![state(1, 10), state(2, 50).with_current_txn_start_offset(3)]));
        producers.take("orders", Some(5), told(1, vec![state(1, 90), state(3, -1)]));
        let mut topic = topic(&[5, 5]);
        producers.tell("orders", &mut topic, &BTreeMap::from([(2, "payments")]));
        let facts: Vec<_> = topic
            .producers
            .iter()
            .map(|producer| (producer.producer_id, producer.partitions, producer.last_ms, producer.in_transaction))
            .collect();
        assert_eq!(facts, [(1, 2, Some(90), false), (2, 1, Some(50), true), (3, 1, None, false)]);
        assert_eq!(topic.producers[1].transactional_id.as_deref(), Some("payments"));
    }

    #[test]
    fn the_oldest_of_many_producers_are_counted_only() {
        let mut producers = Producers::default();
        let many = (0..).take(PRODUCERS_MAX + 9).map(|number| state(number, number)).collect();
        producers.take("orders", Some(5), told(0, many));
        let mut topic = topic(&[5]);
        producers.tell("orders", &mut topic, &BTreeMap::new());
        assert_eq!((topic.producers.len(), topic.producers_left_out), (PRODUCERS_MAX, 9));
        assert_eq!(topic.producers[0].last_ms, Some((PRODUCERS_MAX + 8) as i64));
    }
}
