//! What speaks for an owner: the domain something lies in, the designs that describe it, who sends there, and who owns
//! what lies beside it; and how busy it is.

use std::cell::OnceCell;
use std::collections::HashMap;

use mesh_protocol::id::{ApplicationDomainId, BrokerId, DesignObjectId, PrincipalId};
use mesh_protocol::report::Direction;

use super::scene::{Scene, Thing, What};
use crate::app::catalog::{Entry, ObjectKey};
use crate::domain::application::Application;
use crate::domain::application_domain::{ApplicationDomain, Claims};
use crate::domain::design::drift::Index;
use crate::domain::design::{Content, Fit, Graph, Kind, Object, standing, topics};
use crate::domain::flow::Flow;
use crate::domain::ownership::{Hint, Majority, Naming, Siblings, Suggestion, best, most};

/// How a subject goes on behind the name of its Kafka topic.
const OF_TOPIC: [&str; 2] = ["-value", "-key"];

/// How many of something each owner has.
type Owners<'a> = HashMap<&'a str, usize>;

/// A scene with what makes looking things up in it quick.
pub(super) struct Study<'a> {
    pub(super) scene: &'a Scene,
    claims: Claims<'a>,
    graph: Graph<'a>,
    rates: HashMap<Busy, f64>,
    /// Who owns what was seen of a design.
    seen_owners: HashMap<DesignObjectId, Owners<'a>>,
    events: Index<&'a Object>,
    things: &'a [Thing<'a>],
    beside: OnceCell<Beside<'a>>,
    senders: OnceCell<Senders<'a>>,
}

/// What rates are known of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Busy {
    Domain(ApplicationDomainId),
    Design(DesignObjectId),
}

/// Who owns what lies beside other things.
struct Beside<'a> {
    siblings: Siblings<'a>,
    in_domain: HashMap<ApplicationDomainId, Owners<'a>>,
}

/// Who sends where.
struct Senders<'a> {
    at: HashMap<&'a str, Vec<&'a Flow>>,
    /// Addresses whose events routes write to a Kafka topic.
    written: HashMap<(BrokerId, &'a str), Vec<&'a str>>,
    applications: HashMap<PrincipalId, &'a Application>,
}

fn hint(owner: &str, sentence: String) -> Hint {
    Hint { owner: owner.to_owned(), sentence }
}

impl<'a> Study<'a> {
    pub(super) fn of(scene: &'a Scene, things: &'a [Thing<'a>]) -> Self {
        let graph = scene.designs.graph();
        let events = things.iter().filter_map(|thing| match thing.what {
            What::Design(object) if object.kind == Kind::Event => {
                Some((topics(standing(graph.versions(object.id))?)?, object))
            }
            _ => None,
        });
        let mut study = Self {
            scene,
            claims: Claims::of(&scene.world.config.domains),
            events: events.collect(),
            graph,
            rates: HashMap::new(),
            seen_owners: HashMap::new(),
            things,
            beside: OnceCell::new(),
            senders: OnceCell::new(),
        };
        study.look();
        study
    }

    /// Adds up what was seen of domains and designs.
    fn look(&mut self) {
        let scene = self.scene;
        for thing in self.things.iter().filter(|thing| thing.is_queued) {
            let Some(entry) = thing.entry() else { continue };
            if let (Some(domain), ObjectKey::Address(_)) = (entry.domain, &entry.key) {
                *self.rates.entry(Busy::Domain(domain)).or_default() += entry.row.rate;
            }
            for object in described_by(&self.events, entry, scene) {
                *self.rates.entry(Busy::Design(object.id)).or_default() += entry.row.rate;
                if !thing.owner.is_empty() {
                    *self.seen_owners.entry(object.id).or_default().entry(thing.owner).or_default() += 1;
                }
            }
        }
    }

    /// Events per second now.
    pub(super) fn rate(&self, thing: &Thing<'_>) -> f64 {
        let of = |busy| self.rates.get(&busy).copied().unwrap_or_default();
        match thing.what {
            What::Domain(domain) => of(Busy::Domain(domain.id)),
            What::Design(object) => of(Busy::Design(object.id)),
            What::Application(_) => 0.0,
            What::Entry(entry) => entry.row.rate,
        }
    }

    /// Who could answer for something.
    pub(super) fn suggestion(&self, thing: &Thing<'a>) -> Option<Suggestion> {
        let mut hints: Vec<Hint> = self.by_domain(thing).into_iter().collect();
        match thing.what {
            What::Domain(domain) => hints.extend(self.senders_in(domain)),
            What::Design(object) => hints.extend(self.of_design(object)),
            What::Application(_) => {}
            What::Entry(entry) => {
                hints
                    .extend(described_by(&self.events, entry, self.scene).filter_map(|object| self.describing(object)));
                hints.extend(self.sending(entry));
                hints.extend(self.beside(entry));
            }
        }
        hints.extend(self.in_domain(thing));
        best(hints)
    }

    /// Who answers for the domain that something lies in.
    fn by_domain(&self, thing: &Thing<'a>) -> Option<Hint> {
        if thing.by_domain.is_empty() {
            return None;
        }
        let owner = thing.by_domain;
        let sentence = match thing.domain {
            Some(domain) if domain.spec.owner == owner => {
                format!("The domain {} belongs to {owner}.", domain.spec.name)
            }
            Some(domain) => format!("A domain above {} belongs to {owner}.", domain.spec.name),
            None => format!("A domain that it is in belongs to {owner}."),
        };
        Some(hint(owner, sentence))
    }

    /// Who owns a design, by itself or by its domain.
    fn owner_of(&self, object: &'a Object) -> &'a str {
        if !object.spec.owner.is_empty() {
            return &object.spec.owner;
        }
        let domain = self.scene.world.config.domains.iter().find(|domain| domain.id == object.spec.domain);
        domain.map(|domain| self.claims.owner(domain)).unwrap_or_default()
    }

    fn describing(&self, object: &'a Object) -> Option<Hint> {
        let owner = Some(self.owner_of(object)).filter(|owner| !owner.is_empty())?;
        Some(hint(owner, format!("The {} {} describes it and belongs to {owner}.", object.kind, object.spec.name)))
    }

    fn senders(&self) -> &Senders<'a> {
        self.senders.get_or_init(|| Senders::of(self.scene))
    }

    /// Whose applications send what is seen there, those that send most first.
    fn sending(&self, entry: &'a Entry) -> Vec<Hint> {
        let senders = self.senders();
        let addresses: Vec<&str> = match &entry.key {
            ObjectKey::Address(address) => vec![address.as_str()],
            ObjectKey::Topic(broker, name) => {
                senders.written.get(&(*broker, name.as_str())).cloned().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let verb = if matches!(entry.key, ObjectKey::Address(_)) { "sends there" } else { "sends what comes there" };
        let sentence = |application: &Application| {
            format!("{} {verb} and belongs to {}.", application.spec.name, application.spec.owner)
        };
        self.by_traffic(&addresses).into_iter().map(|found| hint(&found.spec.owner, sentence(found))).collect()
    }

    /// Applications with an owner that send at addresses, the busiest first.
    fn by_traffic(&self, addresses: &[&str]) -> Vec<&'a Application> {
        let senders = self.senders();
        let now_ms = self.scene.world.now_ms();
        let mut rates: HashMap<_, (f64, i64, &Application)> = HashMap::new();
        for flow in addresses.iter().filter_map(|address| senders.at.get(address)).flatten() {
            let Some(application) = flow.principal.and_then(|id| senders.applications.get(&id).copied()) else {
                continue;
            };
            let (rate, last, _) = rates.entry(application.id).or_insert((0.0, 0, application));
            *rate += flow.rate_at(now_ms);
            *last = (*last).max(flow.last_seen_ms);
        }
        let mut all: Vec<_> = rates.into_values().collect();
        all.sort_by(|a, b| {
            b.0.total_cmp(&a.0).then_with(|| b.1.cmp(&a.1)).then_with(|| a.2.spec.name.cmp(&b.2.spec.name))
        });
        all.into_iter().map(|(.., application)| application).filter(|found| !found.spec.owner.is_empty()).collect()
    }

    /// Who sends most of what happens in a domain.
    fn senders_in(&self, domain: &'a ApplicationDomain) -> Vec<Hint> {
        let addresses: Vec<&str> = self
            .things
            .iter()
            .filter_map(Thing::entry)
            .filter(|entry| entry.domain == Some(domain.id))
            .filter_map(|entry| match &entry.key {
                ObjectKey::Address(address) => Some(address.as_str()),
                _ => None,
            })
            .collect();
        let sentence =
            |found: &Application| format!("{} sends in it and belongs to {}.", found.spec.name, found.spec.owner);
        self.by_traffic(&addresses).into_iter().map(|found| hint(&found.spec.owner, sentence(found))).collect()
    }

    fn of_design(&self, object: &'a Object) -> Vec<Hint> {
        let mut hints = Vec::new();
        if object.kind == Kind::Application && self.scene.sight.is_whole() {
            let named = self.scene.world.config.applications.iter().find(|found| found.spec.name == object.spec.name);
            hints.extend(named.map(|found| {
                let owner = &found.spec.owner;
                hint(owner, format!("The application of this name that has clients belongs to {owner}."))
            }));
        }
        for application in self.publishers(object) {
            let owner = self.owner_of(application);
            hints.push(hint(
                owner,
                format!("The application {} publishes it and belongs to {owner}.", application.spec.name),
            ));
        }
        if let Some((owner, count)) = self.seen_owners.get(&object.id).and_then(|owners| most(pairs(owners))) {
            let what = if count == 1 {
                "1 place where it was seen belongs".to_owned()
            } else {
                format!("{count} places where it was seen belong")
            };
            hints.push(hint(owner, format!("{what} to {owner}.")));
        }
        hints
    }

    /// Designed applications that publish an event, by name.
    fn publishers(&self, object: &Object) -> Vec<&'a Object> {
        let versions = self.graph.versions(object.id);
        let mut found: Vec<&Object> = versions
            .iter()
            .flat_map(|version| self.graph.used_by(version.id).into_iter().map(move |user| (version.id, user)))
            .filter(|(id, user)| matches!(&user.spec.content, Content::Application(of) if of.publishes.contains(id)))
            .filter_map(|(_, user)| self.graph.object(user.object))
            .filter(|application| self.scene.sight.sees_design(application))
            .collect();
        found.sort_by(|a, b| (&a.spec.name, a.id).cmp(&(&b.spec.name, b.id)));
        found.dedup_by_key(|application| application.id);
        found
    }

    fn neighbours(&self) -> &Beside<'a> {
        self.beside.get_or_init(|| {
            let mut beside = Beside { siblings: Siblings::default(), in_domain: HashMap::new() };
            for thing in self.things.iter().filter(|thing| !thing.owner.is_empty()) {
                if let Some(domain) = thing.domain {
                    *beside.in_domain.entry(domain.id).or_default().entry(thing.owner).or_default() += 1;
                }
                if let Some((entry, naming)) = thing.entry().and_then(|entry| Some((entry, naming(entry)?))) {
                    beside.siblings.note(naming, &entry.row.name, thing.owner);
                }
            }
            beside
        })
    }

    /// Who owns most of what has the same beginning.
    fn beside(&self, entry: &'a Entry) -> Option<Hint> {
        let Majority { prefix, owner, count, of } = self.neighbours().siblings.of(naming(entry)?, &entry.row.name)?;
        let sentence = match of {
            1 => format!("One other under {prefix} has an owner: {owner}."),
            of => format!("{count} of {of} under {prefix} that have an owner belong to {owner}."),
        };
        Some(hint(owner, sentence))
    }

    /// Who owns most of what is in the same domain; of a domain, most of what is in it.
    fn in_domain(&self, thing: &Thing<'a>) -> Option<Hint> {
        let (domain, word) = match thing.what {
            What::Domain(domain) => (domain, "in it"),
            _ => (thing.domain?, "in its domain"),
        };
        let owners = self.neighbours().in_domain.get(&domain.id)?;
        let (owner, count) = most(pairs(owners))?;
        let sentence = match owners.values().sum::<usize>() {
            1 => format!("The 1 thing {word} that has an owner belongs to {owner}."),
            of => format!("{count} of {of} things {word} that have an owner belong to {owner}."),
        };
        Some(hint(owner, sentence))
    }
}

fn pairs<'a>(owners: &Owners<'a>) -> impl Iterator<Item = (&'a str, usize)> {
    owners.iter().map(|(owner, count)| (*owner, *count))
}

fn naming(entry: &Entry) -> Option<Naming> {
    match entry.key {
        ObjectKey::Address(_) => Some(Naming::Address),
        ObjectKey::Topic(..) => Some(Naming::Kafka),
        _ => None,
    }
}

/// The designs in sight that describe all of what was seen, by name.
fn described_by<'a>(
    events: &Index<&'a Object>,
    entry: &Entry,
    scene: &'a Scene,
) -> impl Iterator<Item = &'a Object> + use<'a> {
    let mut found: Vec<&Object> = Vec::new();
    match (&entry.key, &entry.pattern) {
        (ObjectKey::Topic(_, name), _) => {
            let subject = |end: &&str| scene.designs.registry.subject(&format!("{name}{end}"))?.object;
            let objects = OF_TOPIC.iter().filter_map(subject).filter_map(|id| scene.designs.object(id).ok());
            found.extend(objects.filter(|object| scene.sight.sees_design(object)));
        }
        (ObjectKey::Address(_), Some(pattern)) => {
            events.fitting(pattern, &mut |fit, event: &&'a Object| {
                if fit == Fit::Whole {
                    found.push(*event);
                }
            });
        }
        _ => {}
    }
    found.sort_by(|a, b| (&a.spec.name, a.id).cmp(&(&b.spec.name, b.id)));
    found.into_iter()
}

impl<'a> Senders<'a> {
    fn of(scene: &'a Scene) -> Self {
        let mut senders = Self { at: HashMap::new(), written: HashMap::new(), applications: HashMap::new() };
        // Who is behind a client is not of any domain.
        if !scene.sight.is_whole() {
            return senders;
        }
        let config = &scene.world.config;
        let by_id: HashMap<_, &Application> = config.applications.iter().map(|found| (found.id, found)).collect();
        for principal in &config.mesh.principals {
            if let Some(application) = principal.application.and_then(|id| by_id.get(&id)) {
                senders.applications.insert(principal.id, application);
            }
        }
        for flow in &scene.world.seen.flows {
            match (flow.direction, flow.broker, flow.broker_topic.as_deref()) {
                (Direction::Produce, ..) => senders.at.entry(&flow.address).or_default().push(flow),
                (Direction::Consume, Some(broker), Some(topic)) => {
                    senders.written.entry((broker, topic)).or_default().push(&flow.address);
                }
                (Direction::Consume, ..) => {}
            }
        }
        senders
    }
}
