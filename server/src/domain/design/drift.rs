//! Where what is designed and what was seen agree, and where they do not: findings, each about one thing.
//!
//! They are worked out anew from both sides and never stored, so nobody keeps them up to date. Every address that was
//! seen is what exactly one finding is about; an event is what one is about when nothing of it was seen, else it stands in
//! those of its addresses. So nothing is told twice, and nothing is left out:
//!
//! ```text
//! address  -- event has all of it: match, a part of it: partial, none: runtime only
//! event    -- nothing at its address: design only
//! topic    -- schema of its subject: match, of its keys alone or an event alone: partial, nothing: runtime only
//! schema   -- no topic of its subject: design only
//! application -- nobody of its name has clients: design only; its clients are seen, and it is not designed: runtime only
//! use      -- an application says it and does it: match, says it: design only, does it: runtime only or partial
//! ```
//!
//! A designed application and the one that has clients are the same when they have the same name: nothing else ties them.
//! What people decided about a finding is a [`Decision`]. Not here: rates, ages and rights, which change nothing of this.

pub mod adoption;
mod decision;
mod index;
mod told;
pub mod trend;
mod uses;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use mesh_protocol::id::{BrokerId, DesignObjectId};
use mesh_protocol::topic::Filter;
use sha2::{Digest, Sha256};

use super::{Fit, Graph, Kind, Object, Version, standing, topics};

pub use decision::{Decision, REASON_BYTES_MAX};
pub use index::Index;

/// How the two sides stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// What was seen is what is meant.
    Match,
    /// A part of it is.
    Partial,
    /// It is meant and was not seen.
    DesignOnly,
    /// It was seen and nobody meant it.
    RuntimeOnly,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Match, Self::Partial, Self::DesignOnly, Self::RuntimeOnly];

    /// As people and the API write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Partial => "partial",
            Self::DesignOnly => "design_only",
            Self::RuntimeOnly => "runtime_only",
        }
    }
}

/// Which way an application uses an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// It sends it.
    Publish,
    /// It takes it.
    Consume,
}

impl Side {
    /// As keys have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// An event address that was seen.
    Address(&'a str),
    /// A Kafka topic.
    Topic(BrokerId, &'a str),
    /// A designed event of which nothing was seen.
    Event(&'a Object),
    /// A designed schema that is the subject of a Kafka topic which is not there.
    Schema(&'a Object),
    /// A designed application of whose name nobody has clients.
    Application(&'a Object),
    /// An application whose clients were seen, by its name.
    Client(&'a str),
    /// A designed application that says it uses an event.
    Says(&'a Object, Side, &'a Object),
    /// A designed application that was seen using an address.
    Does(&'a Object, Side, &'a str),
}

/// Written it is the key of its finding: the same for as long as the thing is called so.
impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address:{address}"),
            Self::Topic(broker, name) => write!(f, "topic:{broker}:{name}"),
            Self::Event(object) => write!(f, "event:{}", object.id),
            Self::Schema(object) => write!(f, "schema:{}", object.id),
            Self::Application(object) => write!(f, "application:{}", object.id),
            Self::Client(name) => write!(f, "client:{name}"),
            Self::Says(object, side, event) => write!(f, "says:{}:{}:{}", object.id, side.name(), event.id),
            Self::Does(object, side, address) => write!(f, "does:{}:{}:{address}", object.id, side.name()),
        }
    }
}

/// A design that a finding names on the other side of what it is about.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// How much of what was seen is its own.
    pub fit: Fit,
    /// The design.
    pub object: &'a Object,
}

/// One thing, and how its two sides stand to each other.
#[derive(Clone, Debug)]
pub struct Finding<'a> {
    /// What it is about.
    pub subject: Subject<'a>,
    /// How the sides stand.
    pub status: Status,
    /// The designs on the other side, those that have all of it first.
    pub designs: Vec<Bound<'a>>,
    /// What is meant, where that is one text: the address of an event, the topic of a schema.
    pub meant: String,
}

impl Finding<'_> {
    /// Its key, for as long as the thing is called so.
    #[must_use]
    pub fn key(&self) -> String {
        self.subject.to_string()
    }

    /// Another text whenever what differs is something else. Rates and ages are no difference.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        part(&self.key());
        part(self.status.name());
        part(&self.meant);
        for bound in &self.designs {
            part(&bound.object.id.to_string());
            part(if bound.fit == Fit::Whole { "whole" } else { "part" });
        }
        hex::encode(&hash.finalize()[..16])
    }
}

/// A Kafka topic that is there.
#[derive(Clone, Debug)]
pub struct SeenTopic<'a> {
    /// Its cluster.
    pub broker: BrokerId,
    /// Its name.
    pub name: &'a str,
    /// The topics of the mesh that routes make of its records.
    pub mapped: Vec<Filter>,
}

/// Somebody of an application at an address.
#[derive(Clone, Copy, Debug)]
pub struct SeenUse<'a> {
    /// Name of the application.
    pub application: &'a str,
    /// Sends or takes.
    pub side: Side,
    /// The address.
    pub address: &'a str,
    /// Its topics.
    pub filter: &'a Filter,
}

/// What was seen, each once.
#[derive(Clone, Debug, Default)]
pub struct Seen<'a> {
    /// Event addresses with the filter of their topics; none = it is not one, and nothing can be of it.
    pub addresses: Vec<(&'a str, Option<&'a Filter>)>,
    /// Kafka topics that are there, without those that are Kafka's own.
    pub topics: Vec<SeenTopic<'a>>,
    /// Whether anybody looked into a cluster. If not, that a topic is not there says nothing.
    pub is_scanned: bool,
    /// Names of the applications that have clients.
    pub clients: BTreeSet<&'a str>,
    /// Who uses what.
    pub uses: Vec<SeenUse<'a>>,
}

/// What is designed, with what the schema registry knows of it.
#[derive(Clone, Debug)]
pub struct Meant<'a> {
    /// Objects of every kind.
    pub objects: Vec<&'a Object>,
    /// Their versions.
    pub graph: &'a Graph<'a>,
    /// Subjects of schemas.
    pub subjects: HashMap<&'a str, &'a Object>,
}

/// How a subject goes on behind the name of its Kafka topic, by the strategy that serializers have when nobody chose one:
/// that of what is in records, and that of their keys.
pub const OF_TOPIC: [&str; 2] = ["-value", "-key"];

/// An event that is not retired, with the version that stands for it and its topics.
struct Event<'a> {
    object: &'a Object,
    filter: Filter,
    address: String,
}

/// All findings, in no order.
#[must_use]
pub fn findings<'a>(meant: &Meant<'a>, seen: &Seen<'a>) -> Vec<Finding<'a>> {
    let events: Vec<Event<'a>> = meant.of_kind(Kind::Event).filter_map(|object| meant.event(object)).collect();
    let index: Index<usize> = events.iter().enumerate().map(|(at, event)| (event.filter.clone(), at)).collect();
    let mut found = Vec::with_capacity(seen.addresses.len() + seen.topics.len());
    let mut seen_events = HashSet::new();
    for (address, filter) in &seen.addresses {
        let designs = filter.map(|filter| bound(filter, &index, &events)).unwrap_or_default();
        seen_events.extend(designs.iter().map(|bound| bound.object.id));
        found.push(of_address(address, designs));
    }
    let unseen = events.iter().filter(|event| !seen_events.contains(&event.object.id));
    found.extend(unseen.map(|event| Finding {
        subject: Subject::Event(event.object),
        status: Status::DesignOnly,
        designs: Vec::new(),
        meant: event.address.clone(),
    }));
    found.extend(seen.topics.iter().map(|topic| of_topic(topic, meant, &index, &events)));
    if seen.is_scanned {
        found.extend(schemas(meant, seen));
    }
    found.extend(uses::findings(meant, seen));
    found
}

fn bound<'a>(filter: &Filter, index: &Index<usize>, events: &[Event<'a>]) -> Vec<Bound<'a>> {
    let mut designs: Vec<Bound<'a>> = Vec::new();
    index.fitting(filter, &mut |fit, at: &usize| designs.push(Bound { fit, object: events[*at].object }));
    designs.sort_by(|a, b| {
        b.fit.cmp(&a.fit).then_with(|| (&a.object.spec.name, a.object.id).cmp(&(&b.object.spec.name, b.object.id)))
    });
    designs
}

fn of_address<'a>(address: &'a str, designs: Vec<Bound<'a>>) -> Finding<'a> {
    let status = match designs.first().map(|best| best.fit) {
        Some(Fit::Whole) => Status::Match,
        Some(Fit::Part) => Status::Partial,
        None => Status::RuntimeOnly,
    };
    Finding { subject: Subject::Address(address), status, designs, meant: String::new() }
}

fn of_topic<'a>(topic: &SeenTopic<'a>, meant: &Meant<'a>, index: &Index<usize>, events: &[Event<'a>]) -> Finding<'a> {
    let schema = |end: &str| meant.subjects.get(format!("{}{end}", topic.name).as_str()).copied();
    let [value, key] = OF_TOPIC.map(schema);
    let whole = |object| Bound { fit: Fit::Whole, object };
    let mut designs: Vec<Bound<'a>> = value.into_iter().chain(key).map(whole).collect();
    let mut known: HashSet<DesignObjectId> = HashSet::new();
    for filter in &topic.mapped {
        let events = bound(filter, index, events).into_iter();
        designs.extend(events.filter(|bound| known.insert(bound.object.id)));
    }
    let status = match (value, designs.is_empty()) {
        (Some(_), _) => Status::Match,
        (None, false) => Status::Partial,
        (None, true) => Status::RuntimeOnly,
    };
    Finding { subject: Subject::Topic(topic.broker, topic.name), status, designs, meant: String::new() }
}

/// Schemas that say by their subject which Kafka topic they are of, where there is none.
fn schemas<'a>(meant: &Meant<'a>, seen: &Seen<'a>) -> Vec<Finding<'a>> {
    let there: HashSet<&str> = seen.topics.iter().map(|topic| topic.name).collect();
    let missing = meant.subjects.iter().filter_map(|(subject, object)| {
        let topic = OF_TOPIC.iter().find_map(|end| subject.strip_suffix(end))?;
        let is_served = standing(meant.graph.versions(object.id)).is_some();
        (is_served && !there.contains(topic)).then(|| Finding {
            subject: Subject::Schema(object),
            status: Status::DesignOnly,
            designs: Vec::new(),
            meant: topic.to_owned(),
        })
    });
    missing.collect()
}

impl<'a> Meant<'a> {
    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &'a Object> {
        self.objects.iter().copied().filter(move |object| object.kind == kind)
    }

    /// The version that stands for an object.
    fn standing(&self, object: &Object) -> Option<&'a Version> {
        standing(self.graph.versions(object.id))
    }

    fn event(&self, object: &'a Object) -> Option<Event<'a>> {
        let version = self.standing(object)?;
        let super::Content::Event(event) = &version.spec.content else { return None };
        Some(Event { object, filter: topics(version)?, address: event.address.clone() })
    }
}

#[cfg(test)]
mod tests;
