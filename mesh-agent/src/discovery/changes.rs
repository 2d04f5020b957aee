//! What changed since it was told last, by digest, cut into reports of bounded size.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{Discovery, MissingRight, OBJECTS_MAX, ObjectFacts, ObjectKey, RuntimeObject};

use crate::reports::{REPORT_BYTES_MAX, json_bytes};

/// Most partitions, members and offsets in one report, so that its message stays a few megabytes.
const DETAILS_MAX: usize = 20_000;

/// Digests of everything that was told.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<ObjectKey, u64>);

/// What is new, changed or gone.
#[derive(Debug, Default)]
pub(super) struct Changes {
    objects: Vec<RuntimeObject>,
    removed: Vec<ObjectKey>,
}

impl Known {
    /// Takes these for all there is and tells all of them.
    pub(super) fn replace(&mut self, objects: Vec<RuntimeObject>) -> Changes {
        let removed = self.gone(&objects);
        self.0 = objects.iter().map(|object| (object.key(), digest(object))).collect();
        Changes { objects, removed }
    }

    /// Takes these for all there is and tells those that are not as they were.
    pub(super) fn update(&mut self, mut objects: Vec<RuntimeObject>) -> Changes {
        let removed = self.gone(&objects);
        for key in &removed {
            self.0.remove(key);
        }
        objects.retain(|object| {
            let digest = digest(object);
            self.0.insert(object.key(), digest) != Some(digest)
        });
        Changes { objects, removed }
    }

    fn gone(&self, objects: &[RuntimeObject]) -> Vec<ObjectKey> {
        let there: std::collections::BTreeSet<_> = objects.iter().map(RuntimeObject::key).collect();
        self.0.keys().filter(|key| !there.contains(key)).cloned().collect()
    }
}

impl Changes {
    /// Nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.removed.is_empty()
    }

    /// At least one report; the last is marked, and names what may not be seen.
    pub(super) fn reports(
        self,
        broker: BrokerId,
        scan: u64,
        full: bool,
        missing: &[MissingRight],
        at_ms: i64,
    ) -> Vec<Discovery> {
        let report = |objects, removed| Discovery {
            broker,
            at_ms,
            full,
            scan,
            last: false,
            objects,
            removed,
            missing_rights: Vec::new(),
            failed: None,
        };
        let gone = chunks(self.removed, |_| 0).into_iter().map(|removed| report(Vec::new(), removed));
        let mut reports: Vec<Discovery> =
            chunks(self.objects, weight).into_iter().map(|objects| report(objects, Vec::new())).chain(gone).collect();
        if reports.is_empty() {
            reports.push(report(Vec::new(), Vec::new()));
        }
        let last = reports.last_mut().expect("there is always one");
        last.last = true;
        last.missing_rights = missing.to_vec();
        reports
    }
}

/// Cuts entries into pieces of one report each: by their number, their details and their bytes. One that is larger than
/// that goes alone.
fn chunks<T: serde::Serialize>(entries: Vec<T>, weight: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut chunks: Vec<Vec<T>> = Vec::new();
    let (mut details, mut bytes) = (0, 0);
    for entry in entries {
        let (entry_details, entry_bytes) = (weight(&entry), json_bytes(&entry) + 1);
        let full = |chunk: &Vec<T>| {
            chunk.len() == OBJECTS_MAX
                || details + entry_details > DETAILS_MAX
                || bytes + entry_bytes > REPORT_BYTES_MAX
        };
        if chunks.last().is_none_or(full) {
            chunks.push(Vec::new());
            (details, bytes) = (0, 0);
        }
        details += entry_details;
        bytes += entry_bytes;
        chunks.last_mut().expect("there is one by now").push(entry);
    }
    chunks
}

fn weight(object: &RuntimeObject) -> usize {
    match &object.facts {
        ObjectFacts::Cluster(cluster) => cluster.brokers.len(),
        ObjectFacts::Topic(topic) => topic.partitions.len() + topic.producers.len(),
        ObjectFacts::Group(group) => {
            let assigned: usize = group.members.iter().flat_map(|member| member.assigned.values()).map(Vec::len).sum();
            group.members.len() + assigned + group.offsets.len()
        }
        ObjectFacts::Acl(acl) => acl.entries.len(),
        ObjectFacts::Transaction(transaction) => transaction.partitions.values().map(Vec::len).sum(),
        ObjectFacts::Subject(subject) => subject.versions.iter().map(|version| 1 + version.references.len()).sum(),
        ObjectFacts::ConnectConnector(connector) => connector.tasks.len() + connector.topics.len(),
        ObjectFacts::Connect(connect) => connect.workers.len(),
        ObjectFacts::RabbitExchange(exchange) => exchange.bindings.len(),
        ObjectFacts::RabbitQueue(queue) => queue.consumed_by.len(),
        ObjectFacts::RabbitUser(user) => user.permissions.len() + user.topic_permissions.len(),
        ObjectFacts::Rabbit(rabbit) => rabbit.vhosts.len() + rabbit.nodes.as_ref().map_or(0, Vec::len),
        ObjectFacts::Mqtt(_) | ObjectFacts::MqttAddress(_) => 1,
        ObjectFacts::Quota(_) | ObjectFacts::ScramUser(_) | ObjectFacts::Registry(_) | ObjectFacts::Unknown => 1,
    }
}

fn digest(object: &RuntimeObject) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Maps inside are ordered, so equal facts give equal text.
    serde_json::to_string(object).expect("reports are plain data").hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_protocol::report::{PartitionFacts, TopicFacts};
    use proptest::prelude::*;
    use uuid::Uuid;

    fn topic(name: &str, high: i64, partitions: usize) -> RuntimeObject {
        let partition = |id| PartitionFacts {
            id,
            leader: Some(1),
            replicas: vec![1],
            in_sync: vec![1],
            low: Some(0),
            high: Some(high),
            bytes: None,
        };
        let partitions = (0..).take(partitions).map(partition).collect();
        RuntimeObject {
            name: name.to_owned(),
            facts: ObjectFacts::Topic(TopicFacts { partitions, ..TopicFacts::default() }),
        }
    }

    fn names(changes: &Changes) -> Vec<&str> {
        changes.objects.iter().map(|object| object.name.as_str()).collect()
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut known = Known::default();
        assert_eq!(names(&known.replace(vec![topic("a", 1, 1), topic("b", 1, 1)])), ["a", "b"]);
        assert!(known.update(vec![topic("a", 1, 1), topic("b", 1, 1)]).is_empty());
        let changes = known.update(vec![topic("b", 2, 1), topic("c", 0, 1)]);
        assert_eq!(names(&changes), ["b", "c"]);
        assert_eq!(changes.removed, [topic("a", 1, 1).key()]);
        assert_eq!(names(&known.replace(vec![topic("b", 2, 1)])), ["b"], "a full scan tells everything");
    }

    #[test]
    fn an_empty_cluster_is_still_one_report() {
        let reports = Known::default().replace(Vec::new()).reports(Uuid::nil().into(), 1, true, &[], 7);
        assert_eq!(reports.len(), 1);
        assert!(reports[0].last && reports[0].full);
    }

    #[test]
    fn reports_are_bounded_by_bytes_too() {
        // Names and settings are the cluster's own: nothing bounds their number or length here.
        let named = |number| RuntimeObject { name: format!("{number}{}", "n".repeat(100_000)), ..topic("", 0, 1) };
        let mut known = Known::default();
        let scans = [known.replace((0..100).map(named).collect()), known.replace(Vec::new())];
        let mut told = Vec::new();
        for (scan, changes) in (1..).zip(scans) {
            let reports = changes.reports(Uuid::nil().into(), scan, true, &[], 7);
            assert!(reports.iter().all(|report| json_bytes(report) < REPORT_BYTES_MAX + 1_000));
            assert_eq!(reports.iter().position(|report| report.last), Some(reports.len() - 1));
            let count = |of: fn(&Discovery) -> usize| reports.iter().map(of).sum::<usize>();
            told.push((count(|report| report.objects.len()), count(|report| report.removed.len())));
        }
        assert_eq!(told, [(100, 0), (0, 100)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn reports_are_bounded_and_lose_nothing(sizes in proptest::collection::vec(0_usize..3_000, 0..60)) {
            let objects: Vec<_> = sizes.iter().enumerate().map(|(at, size)| topic(&at.to_string(), 0, *size)).collect();
            let reports = Known::default().replace(objects.clone()).reports(Uuid::nil().into(), 1, true, &[], 7);
            for report in &reports {
                let details: usize = report.objects.iter().map(weight).sum();
                prop_assert!(report.objects.len() <= OBJECTS_MAX);
                prop_assert!(details <= DETAILS_MAX || report.objects.len() == 1);
            }
            prop_assert_eq!(reports.iter().filter(|report| report.last).count(), 1);
            let told: Vec<_> = reports.into_iter().flat_map(|report| report.objects).collect();
            prop_assert_eq!(told, objects);
        }
    }
}
