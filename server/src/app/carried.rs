//! Which versions of which schemas travel: what the ids in payloads stand for, and so who still uses which version.
//!
//! An id means something only at the registry that gave it out, and payloads do not name it. What else is known decides: a
//! subject that is named after the flow's Kafka topic, or a schema that a designed event of the flow's address has, says
//! more than a registry at the same site; and where several registries would do and nothing speaks for one of them, nothing
//! is said.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use frontend::api::{FlowRow, FlowSchema};
use mesh_protocol::id::{BrokerId, DesignObjectId, DesignVersionId};
use mesh_protocol::report::{Direction, ObjectFacts, ObjectKind, topic_of_subject};
use mesh_protocol::schema_id::SchemaId;
use mesh_protocol::topic::Filter;

use super::catalog::{ObjectKey, flow_row, href, readers_of};
use super::design::Designs;
use super::observed::World;
use super::rights::Rights;
use super::sight::Sight;
use crate::domain::address;
use crate::domain::design::{Content, Version, topics};
use crate::domain::flow::{Flow, LATELY_MS, NamedSchema, STALE_AFTER_MS, total};

/// Most users of a version that its page names on each side, the busiest; more are counted.
pub(super) const USERS_MAX: usize = 500;
/// What speaks for a schema when its name or a design ties it to a flow, and when only its place does.
const TIED: u32 = 2;
const NEAR: u32 = 1;

/// What an id stands for at one registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Meaning<'a> {
    /// The registry; none = the portal's own.
    registry: Option<BrokerId>,
    subject: &'a str,
    version: i64,
    /// At the portal's own registry.
    design: Option<(DesignObjectId, DesignVersionId)>,
}

/// What the ids of some flows stand for.
pub(super) struct Carried<'a> {
    world: &'a World,
    meanings: HashMap<SchemaId, Vec<Meaning<'a>>>,
    /// Kafka topics that connectors tie to addresses.
    topics: HashMap<&'a str, BTreeSet<&'a str>>,
    /// What designed events say: their topics and the schemas of their payloads.
    events: Vec<(Filter, DesignVersionId)>,
    /// What the addresses of flows stand for, worked out for the first version that is asked for.
    addresses: OnceCell<HashMap<&'a str, Filter>>,
}

/// Who uses a version, as agents see it.
#[derive(Debug, Default)]
pub(super) struct Users {
    pub(super) producers: Vec<FlowRow>,
    pub(super) consumers: Vec<FlowRow>,
    pub(super) left_out: u64,
}

/// Clients, each once, by their names and client ids.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) producers: BTreeSet<(String, String)>,
    pub(super) consumers: BTreeSet<(String, String)>,
}

/// Whose users are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// Those of a design version.
    Design(&'a Version),
    /// Those of all versions of a subject of a registry that was discovered.
    Subject(BrokerId, &'a str),
}

impl<'a> Carried<'a> {
    /// What the ids of flows that are meant stand for.
    pub(super) fn of(world: &'a World, designs: &'a Designs, is_meant: impl Fn(&Flow) -> bool) -> Self {
        let naming = || world.seen.flows.iter().filter(|flow| !flow.schemas.is_empty());
        let ids: BTreeSet<SchemaId> =
            naming().filter(|flow| is_meant(flow)).flat_map(|flow| &flow.schemas).map(|named| named.id).collect();
        let mut carried = Self {
            world,
            meanings: HashMap::new(),
            topics: HashMap::new(),
            events: Vec::new(),
            addresses: OnceCell::new(),
        };
        if ids.is_empty() {
            return carried;
        }
        carried.learn_own(&ids, designs);
        carried.learn_discovered(&ids);
        for flow in naming() {
            if let Some(topic) = flow.broker_topic.as_deref() {
                carried.topics.entry(&flow.address).or_default().insert(topic);
            }
        }
        let of_event = |version: &Version| match &version.spec.content {
            Content::Event(event) => Some((topics(version)?, event.schema?)),
            Content::Schema(_) | Content::Application(_) | Content::EventApi(_) | Content::Product(_) => None,
        };
        carried.events = designs.versions().iter().filter_map(of_event).collect();
        carried
    }

    fn learn_own(&mut self, ids: &BTreeSet<SchemaId>, designs: &'a Designs) {
        for id in ids {
            let Ok(holders) = designs.registry.holders(*id) else { continue };
            let meanings = holders.iter().filter_map(|(subject, listed)| {
                let version = designs.versions().get(listed.place)?;
                let design = Some((version.object, version.id));
                Some(Meaning { registry: None, subject, version: i64::from(listed.registered.version), design })
            });
            self.meanings.entry(*id).or_default().extend(meanings);
        }
    }

    fn learn_discovered(&mut self, ids: &BTreeSet<SchemaId>) {
        let brokers = self.world.config.mesh.brokers.iter();
        let subjects = brokers.flat_map(|broker| self.world.seen.found.of_kind(broker.id, ObjectKind::Subject));
        for found in subjects {
            let ObjectFacts::Subject(facts) = &found.facts else { continue };
            for version in &facts.versions {
                let id = version.id.and_then(|id| u32::try_from(id).ok()).and_then(SchemaId::new);
                let Some(id) = id.filter(|id| ids.contains(id)) else { continue };
                let meaning = Meaning {
                    registry: Some(found.broker),
                    subject: &found.name,
                    version: version.version,
                    design: None,
                };
                self.meanings.entry(id).or_default().push(meaning);
            }
        }
    }

    /// What an id in a flow's payloads stands for; none = nothing that is known, or it cannot be told.
    fn meaning(&self, flow: &Flow, id: SchemaId) -> Option<&Meaning<'a>> {
        let meanings = self.meanings.get(&id)?;
        let (address, site) = (address::filter(&flow.address).ok(), self.world.site_of(flow.agent));
        let tied = self.topics.get(flow.address.as_str());
        let is_tied = |meaning: &Meaning<'_>| {
            let of_topic = topic_of_subject(meaning.subject).is_some_and(|(topic, is_key)| {
                !is_key
                    && (flow.broker_topic.as_deref() == Some(topic) || tied.is_some_and(|tied| tied.contains(topic)))
            });
            of_topic
                || meaning.design.zip(address.as_ref()).is_some_and(|((_, design), address)| {
                    self.events.iter().any(|(event, schema)| *schema == design && event.overlaps(address))
                })
        };
        let is_near = |meaning: &Meaning<'_>| match meaning.registry {
            Some(registry) => self.world.broker_site(registry).as_deref() == Some(site.as_str()),
            None => false,
        };
        let weight = |meaning: &Meaning<'_>| u32::from(is_tied(meaning)) * TIED + u32::from(is_near(meaning)) * NEAR;
        let best = meanings.iter().map(weight).max()?;
        let mut best_ones = meanings.iter().filter(|meaning| weight(meaning) == best);
        let first = best_ones.clone().min()?;
        // A connection to the portal's own registry tells the same again.
        let is_same = |other: &Meaning<'_>| {
            other.registry == first.registry || (other.subject, other.version) == (first.subject, first.version)
        };
        let is_told = best >= TIED || best_ones.all(is_same);
        is_told.then_some(first)
    }

    /// The schemas of a flow, for its row.
    pub(super) fn schemas(&self, flow: &Flow, sight: &Sight) -> Vec<FlowSchema> {
        let now_ms = self.world.now_ms();
        let shown = |named: &NamedSchema| {
            let meaning = self.meaning(flow, named.id);
            FlowSchema {
                id: named.id.get(),
                subject: meaning.map(|meaning| meaning.subject.to_owned()),
                version: meaning.map(|meaning| meaning.version),
                registry: meaning.and_then(|meaning| meaning.registry).and_then(|id| self.world.broker_name(id)),
                href: meaning.filter(|_| sight.is_whole()).map(Meaning::href),
                rate: named.rate_at(now_ms),
                last_seen: named.last_seen_ms,
            }
        };
        flow.schemas.iter().map(shown).collect()
    }

    fn is_at(&self, flow: &Flow, asked: &Asked<'_>) -> bool {
        let is_among = |topics| self.is_among(flow, std::slice::from_ref(topics));
        !asked.is_nothing && asked.topics.as_ref().is_none_or(is_among)
    }

    /// Whether all that a flow's address stands for is among these topics.
    fn is_among(&self, flow: &Flow, topics: &[Filter]) -> bool {
        if topics.is_empty() {
            return false;
        }
        let of_all = || {
            let addresses = self.world.seen.flows.iter().map(|flow| flow.address.as_str());
            addresses.filter_map(|at| Some((at, address::filter(at).ok()?))).collect()
        };
        let seen = self.addresses.get_or_init(of_all).get(flow.address.as_str());
        seen.is_some_and(|seen| topics.iter().any(|topics| topics.includes(seen)))
    }

    /// Who uses what is wanted, the flows with those of their schemas that it is; without any where only the address tells.
    fn using(&self, wanted: Wanted<'_>, designs: &Designs) -> Vec<(&'a Flow, Vec<&'a NamedSchema>)> {
        let asked = Asked::of(wanted, designs);
        let of_flow = |flow: &'a Flow| {
            if !self.is_at(flow, &asked) {
                return None;
            }
            let is_wanted = |named: &&NamedSchema| {
                self.meaning(flow, named.id).is_some_and(|meaning| self.is(meaning, named.id, &asked))
            };
            let named: Vec<&NamedSchema> = flow.schemas.iter().filter(is_wanted).collect();
            let by_address = flow.schemas.is_empty() && self.is_among(flow, &asked.by_address);
            (by_address || !named.is_empty()).then_some((flow, named))
        };
        self.world.seen.flows.iter().filter_map(of_flow).collect()
    }

    fn is(&self, meaning: &Meaning<'_>, id: SchemaId, asked: &Asked<'_>) -> bool {
        if let Some(schema) = asked.schema {
            return meaning.design.is_some_and(|(_, design)| design == schema);
        }
        let Some((registry, subject)) = asked.subject else { return false };
        let is_there = |other: &Meaning<'_>| {
            (other.registry, other.subject, other.version) == (Some(registry), subject, meaning.version)
        };
        meaning.subject == subject
            && meaning.registry.is_none_or(|own| own == registry)
            && self.meanings.get(&id).is_some_and(|all| all.iter().any(is_there))
    }

    /// Who uses what is wanted, as far as it is in sight.
    pub(super) fn users(&self, wanted: Wanted<'_>, designs: &Designs, sight: &Sight) -> Users {
        let mut rights = Rights::new(self.world);
        let mut users = Users::default();
        let mut read = BTreeSet::new();
        for (flow, named) in self.using(wanted, designs) {
            if !self.world.sees_flow(sight, flow) {
                continue;
            }
            read.extend(flow.broker.zip(flow.broker_topic.as_deref()));
            let row = self.row(flow, &named, rights.permits(flow), sight);
            match flow.direction {
                Direction::Produce => users.producers.push(row),
                Direction::Consume => users.consumers.push(row),
            }
        }
        if sight.is_whole() {
            users.consumers.extend(read.into_iter().flat_map(|(broker, topic)| readers_of(broker, topic, self.world)));
        }
        for side in [&mut users.producers, &mut users.consumers] {
            side.sort_by(|a, b| b.rate.total_cmp(&a.rate).then_with(|| b.freshness.as_of.cmp(&a.freshness.as_of)));
            users.left_out += side.len().saturating_sub(USERS_MAX) as u64;
            side.truncate(USERS_MAX);
        }
        users
    }

    /// Clients that were seen sending and taking what is wanted lately.
    pub(super) fn clients(&self, wanted: Wanted<'_>, designs: &Designs, sight: &Sight) -> Clients {
        let since_ms = self.world.now_ms() - LATELY_MS;
        let (mut producers, mut consumers, mut read) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (flow, named) in self.using(wanted, designs) {
            let last_ms = named.iter().map(|named| named.last_seen_ms).max().unwrap_or(flow.last_seen_ms);
            if last_ms < since_ms || !self.world.sees_flow(sight, flow) {
                continue;
            }
            read.extend(flow.broker.zip(flow.broker_topic.as_deref()));
            let side = if flow.direction == Direction::Produce { &mut producers } else { &mut consumers };
            side.insert((flow.principal_name.clone(), flow.client_id.clone()));
        }
        if sight.is_whole() {
            let groups = read.into_iter().flat_map(|(broker, topic)| readers_of(broker, topic, self.world));
            consumers.extend(groups.map(|group| (group.name, String::new())));
        }
        Clients { producers, consumers }
    }

    fn row(&self, flow: &Flow, named: &[&NamedSchema], permitted: bool, sight: &Sight) -> FlowRow {
        let mut row = flow_row(flow, permitted, self.schemas(flow, sight), self.world);
        if let (Some(first), Some(last)) =
            (named.iter().map(|one| one.first_seen_ms).min(), named.iter().map(|one| one.last_seen_ms).max())
        {
            row.rate = total(named.iter().map(|named| named.rate_at(self.world.now_ms())));
            row.first_seen = first;
            row.freshness.as_of = last;
            row.freshness.stale |= self.world.now_ms().saturating_sub(last) > STALE_AFTER_MS;
            row.schemas.retain(|schema| named.iter().any(|named| named.id.get() == schema.id));
        }
        if !sight.is_whole() {
            row.href = None;
        }
        row
    }
}

/// What is looked for, ready to be compared.
struct Asked<'a> {
    /// A design version of a schema.
    schema: Option<DesignVersionId>,
    subject: Option<(BrokerId, &'a str)>,
    /// Only flows at these topics.
    topics: Option<Filter>,
    /// Whoever is at these topics uses it, for no other version is served there.
    by_address: Vec<Filter>,
    /// Nobody uses it as far as can be told.
    is_nothing: bool,
}

impl<'a> Asked<'a> {
    fn of(wanted: Wanted<'a>, designs: &Designs) -> Self {
        let nothing = Self { schema: None, subject: None, topics: None, by_address: Vec::new(), is_nothing: true };
        match wanted {
            Wanted::Subject(registry, name) => Self { subject: Some((registry, name)), is_nothing: false, ..nothing },
            Wanted::Design(version) => match &version.spec.content {
                Content::Application(_) | Content::EventApi(_) | Content::Product(_) => nothing,
                Content::Schema(_) => {
                    // What an event carries is used by whoever uses the event.
                    let carries = |other: &&Version| match &other.spec.content {
                        Content::Event(event) => event.schema == Some(version.id) && is_only_one(other, designs),
                        Content::Schema(_) | Content::Application(_) | Content::EventApi(_) | Content::Product(_) => {
                            false
                        }
                    };
                    let by_address = designs.versions().iter().filter(carries).filter_map(topics).collect();
                    Self { schema: Some(version.id), by_address, is_nothing: false, ..nothing }
                }
                Content::Event(event) => {
                    let topics = topics(version);
                    let is_nothing = topics.is_none();
                    let by_address = topics.iter().filter(|_| is_only_one(version, designs)).cloned().collect();
                    Self { schema: event.schema, topics, by_address, is_nothing, ..nothing }
                }
            },
        }
    }
}

/// Whether a version is the only one of its object that is served: what is not told apart is of this one then.
pub(super) fn is_only_one(version: &Version, designs: &Designs) -> bool {
    let of_object = designs.versions().iter().filter(|other| other.object == version.object && other.state.is_live());
    version.state.is_live() && of_object.count() == 1
}

impl Meaning<'_> {
    fn href(&self) -> String {
        match (self.registry, self.design) {
            (Some(registry), _) => href(&ObjectKey::Subject(registry, self.subject.to_owned())),
            (None, Some((object, version))) => format!("/designs/{object}/versions/{version}"),
            (None, None) => "/designs".to_owned(),
        }
    }
}
