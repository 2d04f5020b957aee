//! Both sides as one caller sees them, and the findings between them with what is known about each.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use mesh_protocol::id::{ApplicationDomainId, BrokerId, PrincipalId};
use mesh_protocol::report::Direction;
use mesh_protocol::topic::Filter;

use super::super::Designs;
use super::push::Uses;
use crate::app::catalog::{Entry, ObjectKey};
use crate::app::observed::World;
use crate::app::sight::Sight;
use crate::app::{App, Caller, Result};
use crate::domain::application_domain::{ApplicationDomain, Claims};
use crate::domain::design::drift::adoption::address_of;
use crate::domain::design::drift::{
    Decision, Finding, Index, Meant, Seen, SeenTopic, SeenUse, Side, Status, Subject, findings,
};
use crate::domain::design::{Content, Fit, Graph, Kind as Design, Object, Sharing, standing, topics};
use crate::domain::flow::Flow;
use crate::domain::principal::Kind;
use crate::domain::route::From;
use crate::store::Tx;

/// What a caller sees of both sides, at one moment.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) designs: Arc<Designs>,
    pub(super) sight: Sight,
    /// Places in the catalog of addresses, and of Kafka topics that are there.
    entries: Vec<usize>,
    decisions: HashMap<String, Decision>,
}

/// A finding with what is known around it.
pub(super) struct Row<'a> {
    pub(super) key: String,
    pub(super) finding: Finding<'a>,
    /// The decision that holds for it.
    pub(super) ignored: Option<&'a Decision>,
    /// The domain it is in.
    pub(super) domain: Option<ApplicationDomainId>,
    /// Where it is listed among what was seen.
    pub(super) entry: Option<&'a Entry>,
    /// The flows that it is about.
    pub(super) flows: Vec<&'a Flow>,
    pub(super) rate: f64,
    pub(super) last_seen: Option<i64>,
}

impl Row<'_> {
    /// Events per thousand seconds: a rate that can be ordered and written into a cursor.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are small and never negative")]
    pub(super) fn milli_rate(&self) -> u64 {
        (self.rate * 1_000.0) as u64
    }

    /// Somebody should look at it.
    pub(super) fn is_open(&self) -> bool {
        self.finding.status != Status::Match && self.ignored.is_none()
    }
}

impl App {
    pub(super) async fn scene(&self, caller: &Caller) -> Result<Scene> {
        let mut tx = self.store().read().await?;
        self.scene_in(caller, &mut tx).await
    }

    /// With designs and decisions as this transaction sees them.
    pub(super) async fn scene_in(&self, caller: &Caller, tx: &mut Tx) -> Result<Scene> {
        let decisions = tx.drift_decisions(self.environment()).await?;
        let designs = self.designs_in(tx).await?;
        let world = self.world().await?;
        let sight = world.config.sight(caller);
        Ok(Scene::of(world, designs, sight, decisions))
    }
}

impl Scene {
    /// Of what is known of both sides.
    pub(super) fn of(world: World, designs: Arc<Designs>, sight: Sight, decisions: HashMap<String, Decision>) -> Self {
        let is_meant = |entry: &Entry| match entry.key {
            ObjectKey::Address(_) => true,
            ObjectKey::Topic(..) => !entry.row.gone && !entry.is_internal,
            _ => false,
        };
        let all = world.catalog().iter().enumerate();
        let meant = all.filter(|(_, entry)| is_meant(entry) && sight.sees(entry.domain));
        let entries = meant.map(|(at, _)| at).collect();
        Self { world, designs, sight, entries, decisions }
    }

    pub(super) fn study(&self) -> Study<'_> {
        Study::of(self)
    }

    /// Addresses, and Kafka topics that are there.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|at| self.world.catalog().at(*at))
    }
}

/// What routes make of the records of Kafka topics: topics of the mesh, and the address that an event of them has.
type Mapped<'a> = HashMap<(BrokerId, &'a str), Vec<(Filter, Option<String>)>>;

/// A scene with what makes looking things up in it quick.
pub(super) struct Study<'a> {
    pub(super) scene: &'a Scene,
    pub(super) graph: Graph<'a>,
    pub(super) claims: Claims<'a>,
    domains: HashMap<ApplicationDomainId, &'a ApplicationDomain>,
    by_address: HashMap<&'a str, &'a Entry>,
    by_topic: HashMap<(BrokerId, &'a str), &'a Entry>,
    pub(super) flows_at: HashMap<&'a str, Vec<&'a Flow>>,
    flows_of: HashMap<(BrokerId, &'a str), Vec<&'a Flow>>,
    /// Flows of applications by name, side and address.
    used: HashMap<(&'a str, Side, &'a str), Vec<&'a Flow>>,
    /// Topics of the mesh that routes make of a Kafka topic's records, with the address that an event of them has.
    mapped: Mapped<'a>,
    clients: BTreeSet<&'a str>,
    /// Designed events by their topics, once somebody asks.
    events: OnceCell<Index<(&'a Object, &'a str)>>,
    /// What applications say that they do, once somebody asks.
    pub(super) uses: OnceCell<Uses<'a>>,
}

impl<'a> Study<'a> {
    fn of(scene: &'a Scene) -> Self {
        let mut by_address = HashMap::new();
        let mut by_topic = HashMap::new();
        for entry in scene.entries() {
            match &entry.key {
                ObjectKey::Address(address) => {
                    by_address.insert(address.as_str(), entry);
                }
                ObjectKey::Topic(broker, name) => {
                    by_topic.insert((*broker, name.as_str()), entry);
                }
                _ => {}
            }
        }
        let (applications, clients) = applications(&scene.world);
        let mut flows_at: HashMap<_, Vec<&Flow>> = HashMap::new();
        let mut flows_of: HashMap<_, Vec<&Flow>> = HashMap::new();
        let mut used: HashMap<_, Vec<&Flow>> = HashMap::new();
        for flow in &scene.world.seen.flows {
            let address = flow.address.as_str();
            if !by_address.contains_key(address) {
                continue;
            }
            flows_at.entry(address).or_default().push(flow);
            if let (Some(broker), Some(topic)) = (flow.broker, flow.broker_topic.as_deref()) {
                flows_of.entry((broker, topic)).or_default().push(flow);
            }
            if let Some(name) = flow.principal.and_then(|id| applications.get(&id)) {
                used.entry((*name, side(flow.direction), address)).or_default().push(flow);
            }
        }
        Self {
            graph: scene.designs.graph(),
            claims: Claims::of(&scene.world.config.domains),
            domains: scene.world.config.domains.iter().map(|domain| (domain.id, domain)).collect(),
            mapped: mapped(&scene.world),
            scene,
            by_address,
            by_topic,
            flows_at,
            flows_of,
            used,
            clients,
            events: OnceCell::new(),
            uses: OnceCell::new(),
        }
    }

    /// All findings that are the caller's to see.
    pub(super) fn rows(&'a self) -> Vec<Row<'a>> {
        let sight = &self.scene.sight;
        let found = findings(&self.meant(), &self.seen());
        // Where what was seen of an event is out of sight, nobody can tell whether it is used.
        let is_known = |finding: &Finding<'_>| match finding.subject {
            Subject::Says(_, _, event) => sight.sees(Some(event.spec.domain)),
            _ => true,
        };
        let known = found.into_iter().filter(is_known);
        known.map(|finding| self.row(finding)).filter(|row| sight.sees(row.domain)).collect()
    }

    fn meant(&'a self) -> Meant<'a> {
        let designs = &self.scene.designs;
        let objects: Vec<&Object> =
            designs.objects.iter().filter(|object| self.scene.sight.sees_design(object)).collect();
        let subject = |object: &&'a Object| Some((designs.registry.subject_of(object.id)?.name.as_str(), *object));
        Meant { subjects: objects.iter().filter_map(subject).collect(), objects, graph: &self.graph }
    }

    fn seen(&'a self) -> Seen<'a> {
        let mut seen = Seen { is_scanned: !self.scene.world.seen.scans.is_empty(), ..Seen::default() };
        for entry in self.scene.entries() {
            match &entry.key {
                ObjectKey::Address(address) => seen.addresses.push((address, entry.pattern.as_ref())),
                ObjectKey::Topic(broker, name) => {
                    let mapped = self.mapped.get(&(*broker, name.as_str())).into_iter().flatten();
                    let mapped = mapped.map(|(filter, _)| filter.clone()).collect();
                    seen.topics.push(SeenTopic { broker: *broker, name, mapped });
                }
                _ => {}
            }
        }
        seen.clients.clone_from(&self.clients);
        let uses = self.used.keys().filter_map(|(application, side, address)| {
            let filter = self.by_address.get(address)?.pattern.as_ref()?;
            Some(SeenUse { application, side: *side, address, filter })
        });
        seen.uses = uses.collect();
        seen
    }

    fn row(&'a self, finding: Finding<'a>) -> Row<'a> {
        let key = finding.key();
        let now_ms = self.scene.world.now_ms();
        let entry = match finding.subject {
            Subject::Address(address) | Subject::Does(_, _, address) => self.by_address.get(address).copied(),
            Subject::Topic(broker, name) => self.by_topic.get(&(broker, name)).copied(),
            _ => None,
        };
        let flows = self.flows(&finding.subject);
        let rate = match finding.subject {
            // Of both sides of an address, what is published counts.
            Subject::Address(_) | Subject::Topic(..) => entry.map_or(0.0, |entry| entry.row.rate),
            _ => crate::domain::flow::total(flows.iter().map(|flow| flow.rate_at(now_ms))),
        };
        let domain = match finding.subject {
            Subject::Address(_) | Subject::Topic(..) => entry.and_then(|entry| entry.domain),
            Subject::Event(object) | Subject::Schema(object) | Subject::Application(object) => Some(object.spec.domain),
            Subject::Says(object, ..) | Subject::Does(object, ..) => Some(object.spec.domain),
            Subject::Client(_) => None,
        };
        let seen_at = entry.and_then(|entry| entry.row.freshness.as_ref()).map(|seen| seen.as_of);
        let decision = self.scene.decisions.get(&key);
        Row {
            ignored: decision.filter(|decision| decision.holds(&finding, now_ms)),
            last_seen: seen_at.or_else(|| flows.iter().map(|flow| flow.last_seen_ms).max()),
            key,
            finding,
            domain,
            entry,
            flows,
            rate,
        }
    }

    fn flows(&self, subject: &Subject<'a>) -> Vec<&'a Flow> {
        match *subject {
            Subject::Address(address) => self.flows_at.get(address).cloned().unwrap_or_default(),
            Subject::Topic(broker, name) => self.flows_of.get(&(broker, name)).cloned().unwrap_or_default(),
            Subject::Does(object, side, address) => {
                self.used.get(&(object.spec.name.as_str(), side, address)).cloned().unwrap_or_default()
            }
            Subject::Client(name) => self.used_by(name).flat_map(|(_, flows)| flows.iter().copied()).collect(),
            _ => Vec::new(),
        }
    }

    /// The addresses that events of a Kafka topic's records have.
    pub(super) fn addresses_of<'b>(&'b self, broker: BrokerId, name: &'b str) -> Vec<&'b str> {
        let mapped = self.mapped.get(&(broker, name)).into_iter().flatten();
        mapped.filter_map(|(_, address)| address.as_deref()).collect()
    }

    /// Where an address is listed.
    pub(super) fn entry_at(&self, address: &str) -> Option<&'a Entry> {
        self.by_address.get(address).copied()
    }

    /// Where a Kafka topic is listed.
    pub(super) fn entry_of(&self, broker: BrokerId, name: &'a str) -> Option<&'a Entry> {
        self.by_topic.get(&(broker, name)).copied()
    }

    /// Applications that use an address from one side, with their flows.
    pub(super) fn users_of(&self, address: &str, side: Side) -> Vec<(&'a str, &Vec<&'a Flow>)> {
        let own = self.used.iter().filter(|((_, of, at), _)| *of == side && *at == address);
        own.map(|((name, ..), flows)| (*name, flows)).collect()
    }

    /// The designed event that has all of an address, with its own address as it is written.
    pub(super) fn event_of(&self, address: &str) -> Option<(&'a Object, String)> {
        let seen = crate::domain::address::filter(address).ok()?;
        let mut found = Vec::new();
        self.events.get_or_init(|| self.index()).fitting(&seen, &mut |fit, event: &(&'a Object, &'a str)| {
            if fit == Fit::Whole {
                found.push(*event);
            }
        });
        // Of several, the same one counts whatever their order.
        let (object, written) = found.into_iter().min_by_key(|(object, _)| (&object.spec.name, object.id))?;
        Some((object, written.to_owned()))
    }

    fn index(&self) -> Index<(&'a Object, &'a str)> {
        let events = self.scene.designs.objects.iter().filter(|object| object.kind == Design::Event);
        let known = events.filter_map(|object| {
            let version = standing(self.graph.versions(object.id))?;
            let Content::Event(event) = &version.spec.content else { return None };
            Some((topics(version)?, (object, event.address.as_str())))
        });
        known.collect()
    }

    /// What an application was seen doing: side, address and flows.
    pub(super) fn used_by(&self, name: &str) -> impl Iterator<Item = ((Side, &'a str), &Vec<&'a Flow>)> {
        let own = self.used.iter().filter(move |((application, ..), _)| *application == name);
        own.map(|((_, side, address), flows)| ((*side, *address), flows))
    }

    /// What a finding is about, for people.
    pub(super) fn name(&self, row: &Row<'_>) -> String {
        match row.finding.subject {
            Subject::Address(text) | Subject::Topic(_, text) | Subject::Client(text) => text.to_owned(),
            Subject::Event(object) | Subject::Schema(object) | Subject::Application(object) => object.spec.name.clone(),
            Subject::Says(object, ..) | Subject::Does(object, ..) => object.spec.name.clone(),
        }
    }

    /// Name of a finding's domain, and who answers for it; empty = none.
    pub(super) fn place(&self, row: &Row<'_>) -> (&'a str, String) {
        let domain = row.domain.and_then(|id| self.domains.get(&id).copied());
        let of_domain = || domain.map(|domain| self.claims.owner(domain).to_owned()).unwrap_or_default();
        let own = match row.finding.subject {
            Subject::Address(_) | Subject::Topic(..) => row.entry.map(|entry| entry.row.owner.clone()),
            Subject::Event(object) | Subject::Schema(object) | Subject::Application(object) => {
                Some(object.spec.owner.clone())
            }
            Subject::Says(object, ..) | Subject::Does(object, ..) => Some(object.spec.owner.clone()),
            Subject::Client(name) => self.application_owner(name),
        };
        let owner = own.filter(|owner| !owner.is_empty()).unwrap_or_else(of_domain);
        (domain.map(|domain| domain.spec.name.as_str()).unwrap_or_default(), owner)
    }

    /// Who answers for the application of a name that has clients.
    pub(super) fn application_owner(&self, name: &str) -> Option<String> {
        let applications = &self.scene.world.config.applications;
        applications.iter().find(|found| found.spec.name == name).map(|found| found.spec.owner.clone())
    }

    /// A domain by its id.
    pub(super) fn domain(&self, id: ApplicationDomainId) -> Option<&'a ApplicationDomain> {
        self.domains.get(&id).copied()
    }

    /// Whether every domain may build on a design, or this one may.
    pub(super) fn may_use(object: &Object, domain: Option<ApplicationDomainId>) -> bool {
        object.spec.sharing == Sharing::Shared || Some(object.spec.domain) == domain
    }
}

pub(super) const fn side(direction: Direction) -> Side {
    match direction {
        Direction::Produce => Side::Publish,
        Direction::Consume => Side::Consume,
    }
}

/// The application of each client, by name, and all names that clients have: a client of no application stands for itself.
fn applications(world: &World) -> (HashMap<PrincipalId, &str>, BTreeSet<&str>) {
    let config = &world.config;
    let names: HashMap<_, &str> =
        config.applications.iter().map(|found| (found.id, found.spec.name.as_str())).collect();
    let clients = config.mesh.principals.iter().filter(|principal| principal.kind == Kind::Client);
    let by_client: HashMap<PrincipalId, &str> = clients
        .map(|principal| {
            let application = principal.application.and_then(|id| names.get(&id).copied());
            (principal.id, application.unwrap_or(principal.username.as_str()))
        })
        .collect();
    let all = by_client.values().copied().collect();
    (by_client, all)
}

fn mapped(world: &World) -> Mapped<'_> {
    let mut mapped: HashMap<_, Vec<(Filter, Option<String>)>> = HashMap::new();
    for route in &world.config.mesh.routes {
        let From::Kafka { broker, topics, template, .. } = &route.spec.from else { continue };
        let Some(filter) = route.spec.publishes() else { continue };
        let address = address_of(template);
        for topic in topics {
            mapped.entry((*broker, topic.as_str())).or_default().push((filter.clone(), address.clone()));
        }
    }
    mapped
}
