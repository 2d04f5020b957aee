//! What changed since it was told last, by digest, cut into reports of bounded size.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{Discovery, MissingRight, OBJECTS_MAX, ObjectFacts, ObjectKey, RuntimeObject};

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

    /// At least one report; the last is marked, and names what is gone and what may not be seen.
    pub(super) fn reports(
        self,
        broker: BrokerId,
        scan: u64,
        full: bool,
        missing: &[MissingRight],
        at_ms: i64,
    ) -> Vec<Discovery> {
        let mut chunks: Vec<Vec<RuntimeObject>> = vec![Vec::new()];
        let mut details = 0;
        for object in self.objects {
            let weight = weight(&object);
            let chunk = chunks.last().expect("there is always one");
            if !chunk.is_empty() && (chunk.len() == OBJECTS_MAX || details + weight > DETAILS_MAX) {
                chunks.push(Vec::new());
                details = 0;
            }
            details += weight;
            chunks.last_mut().expect("there is always one").push(object);
        }
        let empty = |objects| Discovery {
            broker,
            at_ms,
            full,
            scan,
            last: false,
            objects,
            removed: Vec::new(),
            missing_rights: Vec::new(),
            failed: None,
        };
        let mut reports: Vec<Discovery> = chunks.into_iter().map(empty).collect();
        let last = reports.last_mut().expect("there is always one");
        last.last = true;
        last.removed = self.removed;
        last.missing_rights = missing.to_vec();
        reports
    }
}

fn weight(object: &RuntimeObject) -> usize {
    match &object.facts {
        ObjectFacts::Cluster(cluster) => cluster.brokers.len(),
        ObjectFacts::Topic(topic) => topic.partitions.len(),
        ObjectFacts::Group(group) => {
            let assigned: usize = group.members.iter().flat_map(|member| member.assigned.values()).map(Vec::len).sum();
            group.members.len() + assigned + group.offsets.len()
        }
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
