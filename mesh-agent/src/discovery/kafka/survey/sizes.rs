//! How much room logs take on the brokers' disks.

use std::collections::BTreeMap;

use kafka_protocol::messages::DescribeLogDirsRequest;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use mesh_protocol::report::{LogDirFacts, PartitionFacts, TopicFacts};

use super::{Lines, Notes, Told, Unanswered, describe_cluster};
use crate::kafka::wire::refusal;

/// Bytes of each replica: topic, partition, node.
#[derive(Debug, Default)]
pub(super) struct Sizes(BTreeMap<String, BTreeMap<i32, BTreeMap<i32, u64>>>);

/// Folders by node, and sizes.
type Both = (BTreeMap<i32, Vec<LogDirFacts>>, Sizes);

/// Of all brokers; what one does not tell is missing, and said to be.
pub(super) async fn sizes(lines: &mut Lines<'_>, notes: &mut Notes) -> Told<Both> {
    let mut both = Both::default();
    for node in lines.nodes {
        let answer = match lines.ask(node, &DescribeLogDirsRequest::default().with_topics(None)).await {
            Ok(answer) => answer,
            Err(Unanswered::Failed(reason)) => {
                notes.trouble.push(format!("sizes on disk: {reason}"));
                continue;
            }
            Err(why) => return why.into(),
        };
        if let Some(error) = refusal(answer.error_code) {
            return Told::from_error(error, describe_cluster());
        }
        // Versions before 3 have no room for a refusal: the list is empty then, which it never is otherwise.
        if answer.results.is_empty() {
            return Told::Refused(describe_cluster());
        }
        let dirs = answer.results.iter().map(|dir| both.1.take(node.id, dir)).collect();
        both.0.insert(node.id, dirs);
    }
    Told::Is(both)
}

impl Sizes {
    fn take(&mut self, node: i32, dir: &DescribeLogDirsResult) -> LogDirFacts {
        let mut used_bytes = 0_u64;
        for topic in &dir.topics {
            let partitions = self.0.entry(topic.name.to_string()).or_default();
            for replica in &topic.partitions {
                let bytes = replica.partition_size.max(0).unsigned_abs();
                used_bytes = used_bytes.saturating_add(bytes);
                // While a replica moves between two folders of a broker, both hold some of it.
                let nodes = partitions.entry(replica.partition_index).or_default();
                let known = nodes.entry(node).or_default();
                *known = known.saturating_add(bytes);
            }
        }
        LogDirFacts {
            path: dir.log_dir.to_string(),
            used_bytes,
            total_bytes: u64::try_from(dir.total_bytes).ok(),
            usable_bytes: u64::try_from(dir.usable_bytes).ok(),
            error: refusal(dir.error_code).map(|error| error.to_string()),
        }
    }

    pub(super) fn tell(&self, name: &str, topic: &mut TopicFacts) {
        let Some(sizes) = self.0.get(name) else { return };
        // A broker that did not tell has a part of it: then the whole is not known.
        let is_known = |partition: &PartitionFacts| {
            let nodes = sizes.get(&partition.id);
            partition.replicas.iter().all(|replica| nodes.is_some_and(|nodes| nodes.contains_key(replica)))
        };
        let whole = topic.partitions.iter().all(is_known);
        topic.disk_bytes = whole.then(|| sizes.values().flat_map(BTreeMap::values).sum());
        for partition in &mut topic.partitions {
            let of_leader = |nodes: &BTreeMap<i32, u64>| nodes.get(&partition.leader?).copied();
            partition.bytes = sizes.get(&partition.id).and_then(of_leader);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::describe_log_dirs_response::{DescribeLogDirsPartition, DescribeLogDirsTopic};
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn a_topic_takes_the_room_of_all_its_replicas_and_a_partition_that_of_its_leader() {
        let dir = |sizes: &[(i32, i64)]| {
            let replica = |(index, bytes): &(i32, i64)| {
                DescribeLogDirsPartition::default().with_partition_index(*index).with_partition_size(*bytes)
            };
            let topic = DescribeLogDirsTopic::default()
                .with_name(StrBytes::from_static_str("orders").into())
                .with_partitions(sizes.iter().map(replica).collect());
            DescribeLogDirsResult::default().with_topics(vec![topic]).with_total_bytes(-1).with_usable_bytes(9)
        };
        let mut sizes = Sizes::default();
        let first = sizes.take(1, &dir(&[(0, 100), (1, 7)]));
        assert_eq!((first.used_bytes, first.total_bytes, first.usable_bytes), (107, None, Some(9)));
        sizes.take(2, &dir(&[(0, 90)]));
        let partition = |id, leader, replicas: &[i32]| PartitionFacts {
            id,
            leader,
            replicas: replicas.to_vec(),
            in_sync: vec![1],
            low: None,
            high: None,
            bytes: None,
        };
        let mut topic = TopicFacts {
            partitions: vec![partition(0, Some(2), &[1, 2]), partition(1, None, &[1])],
            ..TopicFacts::default()
        };
        sizes.tell("orders", &mut topic);
        assert_eq!(
            (topic.disk_bytes, topic.partitions[0].bytes, topic.partitions[1].bytes),
            (Some(197), Some(90), None)
        );
        sizes.tell("prices", &mut topic);
        assert_eq!(topic.disk_bytes, Some(197), "of a topic that is not there nothing is told");
        topic.partitions[1].replicas.push(3);
        sizes.tell("orders", &mut topic);
        assert_eq!(topic.disk_bytes, None, "nobody has told what broker 3 holds");
    }
}
