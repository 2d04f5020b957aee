//! One look at a cluster, request by request. Blocking: it runs on a thread of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mesh_protocol::desired::BrokerConnection;
use mesh_protocol::report::{
    BrokerNode, ClusterFacts, GroupFacts, MemberFacts, MissingRight, ObjectFacts, OffsetFacts, PartitionFacts,
    RuntimeObject, TopicFacts,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer as _;
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::kafka::admin::{self, End, Group};
use crate::kafka::client::{Asker, Complaints, Context, code_of};
use crate::kafka::trouble::{Operation, Resource, Right, Target};
use crate::part::StartError;

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Topics whose settings are asked for at once.
const CONFIGS_AT_ONCE: usize = 100;
/// Partitions whose ends are asked for at once.
const OFFSETS_AT_ONCE: usize = 1_000;
/// Groups that are described at once.
const GROUPS_AT_ONCE: usize = 50;
/// Most topics and groups that are reported; the rest is counted.
const TOPICS_MAX: usize = 20_000;
const GROUPS_MAX: usize = 10_000;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Everything.
    All,
    /// All but the settings of topics that are known.
    Changes,
}

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) objects: Vec<RuntimeObject>,
    pub(super) missing: Vec<MissingRight>,
    /// Rights that one may have reasons not to give: without them nothing is wrong.
    pub(super) optional: Vec<MissingRight>,
    /// What could not be read for other reasons.
    pub(super) trouble: Vec<String>,
    pub(super) topics: u64,
    pub(super) partitions: u64,
    pub(super) groups: u64,
}

impl Found {
    /// Says of each right once what it would show: one command grants it.
    pub(super) fn fold_missing(&mut self) {
        let mut folded: Vec<MissingRight> = Vec::new();
        for missing in self.missing.drain(..) {
            match folded.iter_mut().find(|known| known.command == missing.command) {
                Some(known) if known.what.split("; ").any(|what| what == missing.what) => {}
                Some(known) => known.what = format!("{}; {}", known.what, missing.what),
                None => folded.push(missing),
            }
        }
        self.missing = folded;
    }
}

/// Looks at one cluster, again and again.
pub(super) struct Scanner {
    asker: Asker,
    target: Target,
    complaints: Complaints,
    /// It logs in, so there may be an authoriser.
    logs_in: bool,
    stopping: Arc<AtomicBool>,
    configs: BTreeMap<String, BTreeMap<String, String>>,
}

/// Ends of a partition.
type Ends = BTreeMap<(String, i32), i64>;

impl Scanner {
    pub(super) fn new(
        broker: &BrokerConnection,
        settings: &ClientConfig,
        stopping: Arc<AtomicBool>,
    ) -> Result<Self, StartError> {
        let target = Target::from(broker);
        let context = Context::default();
        let complaints = context.complaints.clone();
        let mut settings = settings.clone();
        settings.set("statistics.interval.ms", "0");
        let asker: Asker =
            settings.create_with_context(context).map_err(|error| StartError::Rejected(target.unusable(&error)))?;
        let logs_in = broker.security.sasl.is_some();
        Ok(Self { asker, target, complaints, logs_in, stopping, configs: BTreeMap::new() })
    }

    /// Looks at everything it may see.
    ///
    /// # Errors
    /// Why nothing could be read at all.
    pub(super) fn scan(&mut self, depth: Depth) -> Result<Found, String> {
        self.serve_complaints();
        let metadata = self.asker.fetch_metadata(None, ANSWER).map_err(|error| {
            self.serve_complaints();
            self.complaints.explain(&self.target, code_of(&error))
        })?;
        self.complaints.clear();
        let mut found = Found::default();
        self.cluster(&metadata, &mut found);
        let ends = self.topics(&metadata, depth, &mut found);
        self.groups(&ends, &mut found);
        Ok(found)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Complaints come as events of the client's main queue.
    fn serve_complaints(&self) {
        for _ in 0..100 {
            if self.asker.poll(Duration::ZERO).is_none() {
                return;
            }
        }
    }

    fn cluster(&self, metadata: &Metadata, found: &mut Found) {
        let from_metadata = |metadata: &Metadata| {
            let nodes = metadata.brokers().iter();
            nodes
                .map(|node| BrokerNode {
                    id: node.id(),
                    address: format!("{}:{}", node.host(), node.port()),
                    log_dirs: Vec::new(),
                })
                .collect()
        };
        let facts = match admin::describe_cluster(self.asker.client(), ANSWER) {
            Ok(cluster) => {
                if cluster.may_describe == Some(false) {
                    let right = Right { operation: Operation::Describe, resource: Resource::Cluster };
                    let what = "consumer groups, but for those that may be seen one by one";
                    found.missing.push(self.target.missing(what, &right));
                }
                let nodes = cluster.nodes.into_iter();
                ClusterFacts {
                    cluster_id: cluster.id.unwrap_or_default(),
                    controller: cluster.controller,
                    brokers: nodes
                        .map(|(id, host, port)| BrokerNode {
                            id,
                            address: format!("{host}:{port}"),
                            log_dirs: Vec::new(),
                        })
                        .collect(),
                    ..ClusterFacts::default()
                }
            }
            // Old clusters do not describe themselves; the id came with the metadata.
            Err(_) => ClusterFacts {
                cluster_id: self.asker.client().fetch_cluster_id(ANSWER).unwrap_or_default(),
                controller: None,
                brokers: from_metadata(metadata),
                ..ClusterFacts::default()
            },
        };
        let name = self.target.name().to_owned();
        found.objects.push(RuntimeObject { name, facts: ObjectFacts::Cluster(facts) });
    }

    /// Topics with their partitions; returns the newest ends, for the groups' lag.
    fn topics(&mut self, metadata: &Metadata, depth: Depth, found: &mut Found) -> Ends {
        let all: Vec<&MetadataTopic> = metadata.topics().iter().filter(|topic| topic.error().is_none()).collect();
        if all.is_empty() && self.logs_in {
            let right = Right { operation: Operation::Describe, resource: Resource::Topic("*".to_owned()) };
            let what = "topics: none is visible, so either there is none or this user may see none";
            found.missing.push(self.target.missing(what, &right));
        }
        if all.len() > TOPICS_MAX {
            found.trouble.push(format!("{} topics are left out: more than {TOPICS_MAX}", all.len() - TOPICS_MAX));
        }
        let topics = &all[..all.len().min(TOPICS_MAX)];
        self.read_configs(topics, depth, found);
        let low = self.ends(topics, End::Oldest, found);
        let high = self.ends(topics, End::Newest, found);
        for topic in topics {
            let partitions = topic.partitions().iter().map(|partition| {
                let key = (topic.name().to_owned(), partition.id());
                PartitionFacts {
                    id: partition.id(),
                    leader: Some(partition.leader()).filter(|leader| *leader >= 0),
                    replicas: partition.replicas().to_vec(),
                    in_sync: partition.isr().to_vec(),
                    low: low.get(&key).copied(),
                    high: high.get(&key).copied(),
                    bytes: None,
                }
            });
            let mut partitions: Vec<_> = partitions.collect();
            partitions.sort_by_key(|partition| partition.id);
            found.partitions += partitions.len() as u64;
            let facts = TopicFacts {
                internal: topic.name().starts_with("__"),
                partitions,
                configs: self.configs.get(topic.name()).cloned().unwrap_or_default(),
                ..TopicFacts::default()
            };
            found.objects.push(RuntimeObject { name: topic.name().to_owned(), facts: ObjectFacts::Topic(facts) });
        }
        found.topics = topics.len() as u64;
        high
    }

    /// Reads settings, of new topics only when `depth` says so.
    fn read_configs(&mut self, topics: &[&MetadataTopic], depth: Depth, found: &mut Found) {
        let names: BTreeSet<&str> = topics.iter().map(|topic| topic.name()).collect();
        self.configs.retain(|name, _| names.contains(name.as_str()));
        let wanted = names.iter().filter(|name| depth == Depth::All || !self.configs.contains_key(**name));
        let wanted: Vec<String> = wanted.map(|name| (*name).to_owned()).collect();
        let mut refused = 0_u64;
        for chunk in wanted.chunks(CONFIGS_AT_ONCE) {
            if self.is_stopping() {
                return;
            }
            let answers = match admin::topic_configs(self.asker.client(), chunk, ANSWER) {
                Ok(answers) => answers,
                Err(code) => {
                    return found.trouble.push(format!("settings of topics: {}", self.target.connection(code, "")));
                }
            };
            for (name, configs) in answers {
                refused += u64::from(configs == Err(Code::TopicAuthorizationFailed));
                // Also a refusal is kept, so that it is asked for again with the next full scan only.
                self.configs.insert(name, configs.unwrap_or_default());
            }
        }
        if refused > 0 {
            let right = Right { operation: Operation::DescribeConfigs, resource: Resource::Topic("*".to_owned()) };
            found.missing.push(self.target.missing(format!("settings of {refused} topics"), &right));
        }
    }

    fn ends(&self, topics: &[&MetadataTopic], end: End, found: &mut Found) -> Ends {
        let with_leader = topics.iter().flat_map(|topic| {
            let led = topic.partitions().iter().filter(|partition| partition.leader() >= 0);
            led.map(|partition| (topic.name().to_owned(), partition.id()))
        });
        let partitions: Vec<_> = with_leader.collect();
        let mut ends = Ends::new();
        for chunk in partitions.chunks(OFFSETS_AT_ONCE) {
            if self.is_stopping() {
                return ends;
            }
            match admin::list_offsets(self.asker.client(), chunk, end, ANSWER) {
                Ok(answers) => ends.extend(
                    answers
                        .into_iter()
                        .filter_map(|answer| Some(((answer.topic, answer.partition), answer.offset.ok()?))),
                ),
                Err(code) => {
                    found.trouble.push(format!("offsets of partitions: {}", self.target.connection(code, "")));
                    return ends;
                }
            }
        }
        ends
    }

    fn groups(&self, ends: &Ends, found: &mut Found) {
        let (mut ids, errors) = match admin::list_groups(self.asker.client(), ANSWER) {
            Ok(answer) => answer,
            Err(code) => return self.no_groups(code, found),
        };
        if let Some(code) = errors.first() {
            self.no_groups(*code, found);
        }
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > GROUPS_MAX {
            found.trouble.push(format!("{} groups are left out: more than {GROUPS_MAX}", ids.len() - GROUPS_MAX));
            ids.truncate(GROUPS_MAX);
        }
        for chunk in ids.chunks(GROUPS_AT_ONCE) {
            if self.is_stopping() {
                return;
            }
            match admin::describe_groups(self.asker.client(), chunk, ANSWER) {
                Ok(groups) => groups.into_iter().for_each(|group| self.group(group, ends, found)),
                Err(code) => found.trouble.push(format!("consumer groups: {}", self.target.connection(code, ""))),
            }
        }
        found.groups = ids.len() as u64;
    }

    fn no_groups(&self, code: Code, found: &mut Found) {
        if matches!(code, Code::ClusterAuthorizationFailed | Code::GroupAuthorizationFailed) {
            let right = Right { operation: Operation::Describe, resource: Resource::Cluster };
            found.missing.push(self.target.missing("consumer groups", &right));
        } else {
            found.trouble.push(format!("consumer groups: {}", self.target.connection(code, "")));
        }
    }

    fn group(&self, group: Group, ends: &Ends, found: &mut Found) {
        match group.error {
            Some(Code::GroupAuthorizationFailed) => {
                let right = Right { operation: Operation::Describe, resource: Resource::Group(group.id.clone()) };
                return found.missing.push(self.target.missing(format!("consumer group {}", group.id), &right));
            }
            Some(code) => {
                return found.trouble.push(format!(
                    "consumer group {}: {}",
                    group.id,
                    self.target.connection(code, "")
                ));
            }
            None => {}
        }
        // A group that went between the two questions describes itself as dead.
        if group.state == "Dead" {
            return;
        }
        let offsets = self.offsets(&group.id, ends, found);
        let members = group.members.into_iter().map(|member| MemberFacts {
            client_id: member.client_id,
            host: member.host.trim_start_matches('/').to_owned(),
            assigned: member.assigned,
        });
        let mut members: Vec<_> = members.collect();
        members.sort_by(|a, b| (&a.client_id, &a.host, &a.assigned).cmp(&(&b.client_id, &b.host, &b.assigned)));
        let facts = GroupFacts { state: group.state, members, offsets };
        found.objects.push(RuntimeObject { name: group.id, facts: ObjectFacts::Group(facts) });
    }

    fn offsets(&self, group: &str, ends: &Ends, found: &mut Found) -> Vec<OffsetFacts> {
        if self.is_stopping() {
            return Vec::new();
        }
        let known = match admin::group_offsets(self.asker.client(), group, ANSWER) {
            Ok(known) => known,
            Err(code) => {
                found.trouble.push(format!("offsets of group {group}: {}", self.target.connection(code, "")));
                return Vec::new();
            }
        };
        let known = known.into_iter().filter_map(|entry| {
            let committed = entry.offset.ok()?;
            let key = (entry.topic, entry.partition);
            let lag = ends.get(&key).map(|end| (end - committed).max(0));
            Some(OffsetFacts { topic: key.0, partition: key.1, committed, lag })
        });
        let mut offsets: Vec<_> = known.collect();
        offsets.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        offsets
    }
}
