//! What a grant gives at a Kafka cluster, and the users that it is used by.
//!
//! A grant speaks of addresses of the mesh, a cluster's access lists of its topics. Routes tie the two: what a route brings in
//! from a topic or takes out into one lies in that topic. Somebody may read a topic when **all** that lies in it, as far as
//! routes say, is granted, and write to one when all that routes make of it is granted: a topic that holds more is left out,
//! with the reason, because Kafka knows no finer rights.
//!
//! Routes decide, not what was seen of them: agents must be told the same for the same policy revision.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::desired::{KafkaAcl, KafkaOperation, KafkaPattern, KafkaResource, Password};
use mesh_protocol::id::{AgentId, BrokerId, EnvironmentId, GrantId, KafkaCredentialId};
use mesh_protocol::template::Template;
use mesh_protocol::topic::Filter;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::route::{From, Route, To};
use super::grant::{Grant, Terms};

/// Most Kafka credentials of one grant that are not removed.
pub const CREDENTIALS_MAX: usize = 20;

/// A user of a cluster that was made for a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Stable id.
    pub id: KafkaCredentialId,
    /// What it is for.
    pub grant: GrantId,
    /// Where it is.
    pub broker: BrokerId,
    /// Its name there; never used again.
    pub username: String,
    /// When it ends, in milliseconds since the Unix epoch; none = with the grant.
    pub expires_at_ms: Option<i64>,
    /// When somebody removed it or its time was over. It is kept until the agent has said that the user is gone.
    pub removed_at_ms: Option<i64>,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Who made it.
    pub created_by: String,
}

/// A credential with its password as one agent is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub credential: Credential,
    /// The agent that keeps its cluster, with the sealing key that it has told; none = there is none.
    pub keeper: Option<(AgentId, Option<String>)>,
    /// Sealed to that agent.
    pub password: Password,
}

/// What a grant gives of a cluster's topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    /// Those that may be read.
    pub reads: BTreeSet<String>,
    /// Those that may be written to.
    pub writes: BTreeSet<String>,
    /// Those that hold something of what is granted and are not given, each with the reason as a sentence.
    pub left_out: BTreeMap<String, String>,
}

/// What a route makes of a topic.
struct Tie<'a> {
    route: &'a str,
    addresses: Vec<Filter>,
    /// What is written to the topic goes into the mesh.
    goes_in: bool,
    /// Records that a source leaves out lie in the topic all the same.
    holds_more: bool,
}

impl Topics {
    /// By the routes of a cluster.
    #[must_use]
    pub fn of(routes: &[Route], broker: BrokerId, terms: &Terms) -> Self {
        let mut topics = Self::default();
        for (name, ties) in ties(routes, broker) {
            let is_touched = |given: &[Filter]| {
                ties.iter().flat_map(|tie| &tie.addresses).any(|address| given.iter().any(|one| one.overlaps(address)))
            };
            let is_read = is_touched(&terms.subscribe);
            let goes_in = ties.iter().any(|tie| tie.goes_in);
            let is_written = goes_in && is_touched(&terms.publish);
            let mut why = Vec::new();
            if is_read {
                match too_much(&ties, &terms.subscribe, true) {
                    None => _ = topics.reads.insert(name.clone()),
                    Some(reason) => why.push(format!("It cannot be read: {reason}.")),
                }
            }
            if is_written {
                match too_much(&ties, &terms.publish, false) {
                    None => _ = topics.writes.insert(name.clone()),
                    Some(reason) => why.push(format!("It cannot be written to: {reason}.")),
                }
            }
            if !why.is_empty() {
                topics.left_out.insert(name, why.join(" "));
            }
        }
        topics
    }

    /// Whether it gives nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.writes.is_empty()
    }

    /// The cluster's access lists for a user that may have this. Who reads has groups of its own, those of its grant.
    #[must_use]
    pub fn acls(&self, group_prefix: &str) -> Vec<KafkaAcl> {
        let topic = |name: &String, operation| KafkaAcl {
            resource: KafkaResource::Topic,
            pattern: KafkaPattern::Literal,
            name: name.clone(),
            operation,
        };
        let mut acls = BTreeSet::new();
        for name in &self.reads {
            acls.extend([KafkaOperation::Read, KafkaOperation::Describe].map(|operation| topic(name, operation)));
        }
        for name in &self.writes {
            acls.extend([KafkaOperation::Write, KafkaOperation::Describe].map(|operation| topic(name, operation)));
        }
        if !self.reads.is_empty() {
            acls.insert(KafkaAcl {
                resource: KafkaResource::Group,
                pattern: KafkaPattern::Prefixed,
                name: group_prefix.to_owned(),
                operation: KafkaOperation::Read,
            });
        }
        acls.into_iter().collect()
    }
}

/// By topic, what routes make of it. Sinks that choose their topic by the event tie none: nobody knows which there will be.
fn ties(routes: &[Route], broker: BrokerId) -> BTreeMap<String, Vec<Tie<'_>>> {
    let mut all: BTreeMap<String, Vec<Tie<'_>>> = BTreeMap::new();
    for route in routes {
        let spec = &route.spec;
        if let From::Kafka { broker: from, topics, filter, .. } = &spec.from
            && *from == broker
        {
            for topic in topics {
                all.entry(topic.clone()).or_default().push(Tie {
                    route: &spec.name,
                    addresses: spec.publishes().into_iter().collect(),
                    goes_in: true,
                    holds_more: !filter.trim().is_empty(),
                });
            }
        }
        if let To::Kafka { broker: to, topic, .. } = &spec.to
            && *to == broker
            && is_fixed(topic)
        {
            let tie = Tie { route: &spec.name, addresses: spec.takes(), goes_in: false, holds_more: false };
            all.entry(topic.clone()).or_default().push(tie);
        }
    }
    all
}

/// Whether a sink's topic is the same for every event.
fn is_fixed(topic: &str) -> bool {
    !topic.contains(['{', '}']) && Template::parse(topic).is_ok()
}

/// Why a topic holds more than is given; none = it does not.
fn too_much(ties: &[Tie<'_>], given: &[Filter], reads: bool) -> Option<String> {
    ties.iter().find_map(|tie| {
        if reads && tie.holds_more {
            return Some(format!("it holds records that the route {} leaves out", tie.route));
        }
        if tie.addresses.is_empty() {
            return Some(format!("nobody can say what the route {} ties it to", tie.route));
        }
        let more = tie.addresses.iter().find(|address| !given.iter().any(|one| one.includes(address)))?;
        Some(format!("the route {} ties it to {}, which is more than is granted", tie.route, more.text()))
    })
}

/// What the names of all users begin with that a mesh keeps by one broker connection.
#[must_use]
pub fn user_prefix(environment: EnvironmentId, broker: BrokerId) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"meshport/kafka-users/v1\0");
    hasher.update(environment.0.as_bytes());
    hasher.update(broker.0.as_bytes());
    let digits: String = hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("mp-{digits}-")
}

/// What consumer groups of a grant's users begin with. The grant's and not the user's: a rotated credential goes on where the
/// one before stood.
#[must_use]
pub fn group_prefix(grant: GrantId) -> String {
    let digits = grant.0.simple().to_string();
    format!("mp-{}.", &digits[digits.len() - 12..])
}

/// A name for a new user, which no other ever had.
#[must_use]
pub fn user_name(prefix: &str, drawn: Uuid) -> String {
    let digits = drawn.simple().to_string();
    format!("{prefix}{}", &digits[digits.len() - 10..])
}

impl Credential {
    /// When it ends under its grant, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn ends(&self, grant: &Grant) -> Option<i64> {
        let both = self.expires_at_ms.zip(grant.until_ms).map(|(own, grants)| own.min(grants));
        both.or(self.expires_at_ms).or(grant.until_ms)
    }
}

#[cfg(test)]
pub(crate) mod tests;
