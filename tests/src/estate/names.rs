//! What the estate holds: names as companies give them, and figures that move.

use std::collections::BTreeMap;

use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{
    BrokerNode, ClusterFacts, Discovery, GroupFacts, MemberFacts, ObjectFacts, OffsetFacts, PartitionFacts,
    RuntimeObject, TopicFacts,
};

use super::Size;

/// First parts of the names; each is an application domain.
pub(super) const AREAS: [&str; 25] = [
    "orders",
    "billing",
    "payments",
    "inventory",
    "shipping",
    "customers",
    "catalog",
    "pricing",
    "loyalty",
    "returns",
    "fraud",
    "marketing",
    "search",
    "stores",
    "suppliers",
    "warehouse",
    "fleet",
    "sensors",
    "energy",
    "hr",
    "finance",
    "tax",
    "support",
    "identity",
    "audit",
];
const ENTITIES: [&str; 40] = [
    "order", "invoice", "payment", "item", "parcel", "customer", "product", "price", "voucher", "return", "case",
    "campaign", "query", "store", "supplier", "pallet", "truck", "reading", "meter", "employee", "ledger", "rate",
    "ticket", "session", "entry", "basket", "refund", "route", "forecast", "label", "batch", "shelf", "till", "device",
    "alarm", "contract", "quote", "lead", "review", "document",
];
const VERBS: [&str; 10] =
    ["created", "changed", "deleted", "approved", "rejected", "shipped", "paid", "closed", "expired", "enriched"];
/// Partitions of a topic.
const PARTITIONS: i32 = 4;
/// Objects in one report.
const CHUNK: usize = 500;

/// Which part of the estate one cluster's scan speaks of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) cluster: usize,
    pub(super) clusters: usize,
    pub(super) size: Size,
    pub(super) scan: u64,
    /// One of so many objects; 1 = all, as a full scan.
    pub(super) of: usize,
}

fn topic_name(number: usize) -> String {
    let (area, entity) = (AREAS[number % AREAS.len()], ENTITIES[number / AREAS.len() % ENTITIES.len()]);
    let verb = VERBS[number / (AREAS.len() * ENTITIES.len()) % VERBS.len()];
    let version = number / (AREAS.len() * ENTITIES.len() * VERBS.len()) + 1;
    format!("{area}.{entity}.{verb}.v{version}")
}

fn group_name(number: usize) -> String {
    format!("{}-{}-reader-{number}", AREAS[number % AREAS.len()], ENTITIES[number % ENTITIES.len()])
}

fn topic(number: usize, scan: u64) -> RuntimeObject {
    let partition = |id: i32| PartitionFacts {
        id,
        leader: Some(1 + id % 3),
        replicas: vec![1, 2, 3],
        in_sync: vec![1, 2, 3],
        bytes: None,
        low: Some(0),
        high: Some(i64::try_from(number).unwrap_or(0) * 100 + i64::try_from(scan).unwrap_or(0) * 7),
    };
    let configs = [("retention.ms", "604800000"), ("cleanup.policy", "delete")];
    RuntimeObject {
        name: topic_name(number),
        facts: ObjectFacts::Topic(TopicFacts {
            partitions: (0..PARTITIONS).map(partition).collect(),
            configs: configs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ..TopicFacts::default()
        }),
    }
}

fn group(number: usize, part: Part) -> RuntimeObject {
    // It reads a few topics of its cluster.
    let topics = (0..3)
        .map(|i| (number * 7 + i * part.clusters) % part.size.topics.max(1))
        .map(|at| topic_name(at / part.clusters * part.clusters + part.cluster));
    let topics: Vec<String> = topics.collect();
    let offset = |topic: &String, partition| OffsetFacts {
        topic: topic.clone(),
        partition,
        committed: 100,
        lag: Some(i64::try_from(part.scan).unwrap_or(0) % 50),
    };
    let assigned: BTreeMap<String, Vec<i32>> =
        topics.iter().map(|topic| (topic.clone(), (0..PARTITIONS).collect())).collect();
    RuntimeObject {
        name: group_name(number),
        facts: ObjectFacts::Group(GroupFacts {
            state: "Stable".to_owned(),
            members: vec![MemberFacts { client_id: format!("reader-{number}"), host: "10.0.0.1".to_owned(), assigned }],
            offsets: topics
                .iter()
                .flat_map(|topic| (0..PARTITIONS).map(move |partition| offset(topic, partition)))
                .collect(),
        }),
    }
}

/// The reports of a scan of one cluster.
pub(super) fn reports(broker: BrokerId, part: Part) -> Vec<Discovery> {
    let offset = usize::try_from(part.scan).unwrap_or(0);
    let is_meant = |number: &usize| {
        number % part.clusters == part.cluster && (number / part.clusters + offset).is_multiple_of(part.of)
    };
    let nodes = (1..=3).map(|id| BrokerNode {
        id,
        address: format!("broker-{id}.kafka-{}:9092", part.cluster),
        log_dirs: Vec::new(),
    });
    let cluster = ClusterFacts {
        cluster_id: format!("estate-{}", part.cluster),
        controller: Some(1),
        brokers: nodes.collect(),
        ..ClusterFacts::default()
    };
    let cluster = RuntimeObject { name: "cluster".to_owned(), facts: ObjectFacts::Cluster(cluster) };
    let topics = (0..part.size.topics).filter(is_meant).map(|number| topic(number, part.scan));
    let groups = (0..part.size.groups).filter(is_meant).map(|number| group(number, part));
    let objects: Vec<RuntimeObject> = std::iter::once(cluster).chain(topics).chain(groups).collect();
    let chunks = objects.len().div_ceil(CHUNK);
    let report = |(i, objects): (usize, &[RuntimeObject])| Discovery {
        broker,
        at_ms: mesh_agent::status::now_ms(),
        full: part.of == 1,
        scan: part.scan,
        last: i + 1 == chunks,
        objects: objects.to_vec(),
        removed: Vec::new(),
        missing_rights: Vec::new(),
        failed: None,
    };
    objects.chunks(CHUNK).enumerate().map(report).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_topic_has_a_name_of_its_own_and_every_cluster_its_share() {
        let names: BTreeSet<String> = (0..25_000).map(topic_name).collect();
        assert_eq!(names.len(), 25_000);
        let size = Size::of_topics(1_000);
        let of = |cluster, of| {
            let part = Part { cluster, clusters: 4, size, scan: 3, of };
            reports(BrokerId(uuid::Uuid::nil()), part).iter().map(|report| report.objects.len()).sum::<usize>()
        };
        assert_eq!((0..4).map(|cluster| of(cluster, 1)).sum::<usize>(), 1_000 + 200 + 4);
        assert_eq!(of(0, 10), 25 + 5 + 1);
    }
}
