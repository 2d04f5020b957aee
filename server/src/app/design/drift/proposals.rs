//! What could be made of what was seen: domains, events, applications and who answers for them, each with what speaks for
//! it. Nothing is made before a person has looked, changed and confirmed it.

mod events;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use frontend::api::{
    ApplicationDomainInput, DriftApplicationInput, DriftEventInput, DriftLeftOut, DriftProposal, DriftProposals,
    DriftSelection,
};

use self::events::{Candidate, Shape};
use super::scene::{Row, Scene, Study};
use super::task::chosen;
use crate::app::Result;
use crate::domain::application_domain::{Unclaimed, suggest};
use crate::domain::design::drift::{Side, Subject};
use crate::domain::design::{Kind, Object};
use crate::domain::registry::{UNCLAIMED, object_name};

/// The domain that something would be in, by name.
struct Home {
    name: String,
    because: String,
}

/// Builds proposals up, one kind after the other.
struct Proposing<'a> {
    study: &'a Study<'a>,
    domains: BTreeMap<String, DriftProposal<ApplicationDomainInput>>,
    /// Names that are taken, by kind and domain.
    taken: BTreeSet<(Kind, String, String)>,
    events: Vec<DriftProposal<DriftEventInput>>,
    /// The event of an address that was seen, as a place in `events`.
    event_of: HashMap<&'a str, usize>,
    applications: Vec<DriftProposal<DriftApplicationInput>>,
    left_out: Vec<DriftLeftOut>,
}

/// The proposals, with the addresses that each event is made of.
pub(super) fn proposals(scene: &Scene, select: &DriftSelection) -> Result<(DriftProposals, Vec<Vec<String>>)> {
    let study = scene.study();
    let mut proposing = Proposing::of(&study);
    let mut candidates = Vec::new();
    let mut applications = BTreeSet::new();
    for (_, row) in chosen(select, &study)? {
        let Some(row) = row else { continue };
        if !study.is_adoptable(&row) {
            proposing.leave_out(&row);
            continue;
        }
        match row.finding.subject {
            Subject::Client(name) => {
                applications.insert(name);
            }
            Subject::Address(address) => candidates.push(Candidate::of_address(address, &study)),
            Subject::Topic(broker, name) => {
                // What was checked has one.
                candidates.extend(Candidate::of_topic(broker, name, &study));
            }
            _ => {}
        }
    }
    for shape in events::shapes(candidates, &study) {
        proposing.event(shape);
    }
    for name in applications {
        proposing.application(name);
    }
    proposing.share();
    let mut addresses = vec![Vec::new(); proposing.events.len()];
    for (address, event) in &proposing.event_of {
        addresses[*event].push((*address).to_owned());
    }
    let Proposing { domains, events, applications, left_out, .. } = proposing;
    Ok((DriftProposals { domains: domains.into_values().collect(), events, applications, left_out }, addresses))
}

impl<'a> Proposing<'a> {
    fn of(study: &'a Study<'a>) -> Self {
        let objects = study.scene.designs.objects.iter().filter_map(|object| {
            let domain = study.domain(object.spec.domain)?;
            Some((object.kind, domain.spec.name.clone(), object.spec.name.clone()))
        });
        Self {
            study,
            domains: BTreeMap::new(),
            taken: objects.collect(),
            events: Vec::new(),
            event_of: HashMap::new(),
            applications: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn leave_out(&mut self, row: &Row<'_>) {
        let hint = self.study.hint(row);
        let reason = if hint.is_empty() { "It was not seen, so there is nothing to adopt.".to_owned() } else { hint };
        self.left_out.push(DriftLeftOut { name: self.study.name(row), reason });
    }

    /// A name in a domain that nothing else has, kept from then on.
    fn name(&mut self, kind: Kind, domain: &str, wanted: &str) -> String {
        let taken = |name: &str| self.taken.contains(&(kind, domain.to_owned(), name.to_owned()));
        let name = object_name(wanted, taken);
        self.taken.insert((kind, domain.to_owned(), name.clone()));
        name
    }

    fn event(&mut self, shape: Shape<'a>) {
        let home = self.home_of(&shape);
        let mut evidence = vec![home.because];
        evidence.extend(shape.because);
        let (owner, because) = self.owner_of(&home.name, shape.owner, &shape.producers);
        evidence.extend(because);
        let (schema, key_schema) = (self.link(&shape.schemas, &home.name, &mut evidence), shape.key_schemas);
        let key_schema = self.link(&key_schema, &home.name, &mut evidence);
        let name = self.name(Kind::Event, &home.name, &events::name_of(&shape.address));
        for address in &shape.of {
            self.event_of.insert(address, self.events.len());
        }
        let input = DriftEventInput {
            name,
            domain: home.name,
            owner,
            address: shape.address,
            schema,
            schema_text: None,
            key_schema,
            shared: false,
            description: shape.description,
        };
        self.events.push(DriftProposal { input, evidence, rate: shape.rate });
    }

    /// The schema version that all of it has by their subjects.
    fn link(
        &self,
        schemas: &BTreeSet<(String, mesh_protocol::id::DesignObjectId)>,
        domain: &str,
        evidence: &mut Vec<String>,
    ) -> Option<mesh_protocol::id::DesignVersionId> {
        let objects: BTreeSet<_> = schemas.iter().map(|(_, object)| *object).collect();
        let subjects: Vec<&str> = schemas.iter().map(|(subject, _)| subject.as_str()).collect();
        if objects.len() > 1 {
            evidence
                .push(format!("Its Kafka topics have several schemas ({}): choose one later.", subjects.join(", ")));
            return None;
        }
        let object = self.study.graph.object(*objects.first()?)?;
        let home = self.study.scene.world.config.domains.iter().find(|found| found.spec.name == domain);
        if !Study::may_use(object, home.map(|home| home.id)) {
            evidence
                .push(format!("The schema {} is of another domain and not shared: it is left out.", object.spec.name));
            return None;
        }
        let version = crate::domain::design::standing(self.study.graph.versions(object.id))?;
        evidence.push(format!("Schema by its subject {}: {}.", subjects.join(", "), self.study.graph.name(version.id)));
        Some(version.id)
    }

    /// The domain that claims it, else one by how its name begins, which is made when it is not there.
    fn home_of(&mut self, shape: &Shape<'a>) -> Home {
        if let Some(domain) = shape.domain.and_then(|id| self.study.domain(id)) {
            let because = format!("The domain {} claims it.", domain.spec.name);
            return Home { name: domain.spec.name.clone(), because };
        }
        let suggested = suggest([Unclaimed::Address(&shape.address, shape.rate)]).pop();
        let Some(suggested) = suggested else { return self.unclaimed("its first level is no name") };
        let name = suggested.name;
        if self.study.scene.world.config.domains.iter().any(|domain| domain.spec.name == name) {
            let because = format!("No domain claims it; the domain {name} is called as it begins.");
            return Home { name, because };
        }
        let because = format!("No domain claims it; the new domain {name} would, by how it begins.");
        let (owner, owned) = self.producing_owner(&shape.producers);
        let proposal = self.domains.entry(name.clone()).or_insert_with(|| DriftProposal {
            input: ApplicationDomainInput { name: name.clone(), owner, ..ApplicationDomainInput::default() },
            evidence: owned.into_iter().collect(),
            rate: 0.0,
        });
        for topic in suggested.topics {
            if !proposal.input.topics.contains(&topic) {
                proposal.evidence.push(format!("{topic} claims what begins so."));
                proposal.input.topics.push(topic);
            }
        }
        proposal.rate += shape.rate;
        Home { name, because }
    }

    /// The domain of what belongs to none.
    fn unclaimed(&mut self, why: &str) -> Home {
        let is_there = self.study.scene.world.config.domains.iter().any(|domain| domain.spec.name == UNCLAIMED);
        if !is_there {
            self.domains.entry(UNCLAIMED.to_owned()).or_insert_with(|| DriftProposal {
                input: ApplicationDomainInput { name: UNCLAIMED.to_owned(), ..ApplicationDomainInput::default() },
                evidence: vec!["For what nothing says where it belongs: move it to its own from there.".to_owned()],
                rate: 0.0,
            });
        }
        Home { name: UNCLAIMED.to_owned(), because: format!("Nothing says where it belongs: {why}.") }
    }

    /// Who would answer for it itself; empty = who answers for the domain.
    fn owner_of(&self, domain: &str, noted: Option<String>, producers: &[&str]) -> (String, Option<String>) {
        if let Some(owner) = noted {
            let because = format!("{owner} answers for it in the catalog.");
            return (owner, Some(because));
        }
        let config = &self.study.scene.world.config;
        let there = config.domains.iter().find(|found| found.spec.name == domain);
        let of_domain = there.map(|domain| self.study.claims.owner(domain)).unwrap_or_default();
        let of_new = self.domains.get(domain).map(|proposal| proposal.input.owner.as_str()).unwrap_or_default();
        match [of_domain, of_new].into_iter().find(|owner| !owner.is_empty()) {
            Some(owner) => (String::new(), Some(format!("{owner} answers for the domain {domain}."))),
            None => self.producing_owner(producers),
        }
    }

    /// Who answers for an application that publishes there.
    fn producing_owner(&self, producers: &[&str]) -> (String, Option<String>) {
        let owned = producers.iter().find_map(|name| {
            let owner = self.study.application_owner(name).filter(|owner| !owner.is_empty())?;
            Some((*name, owner))
        });
        match owned {
            Some((name, owner)) => {
                let because = format!("{owner} answers for {name}, which publishes there.");
                (owner, Some(because))
            }
            None => (String::new(), None),
        }
    }

    fn application(&mut self, name: &'a str) {
        let mut used: Vec<(Side, &str, f64)> = self
            .study
            .used_by(name)
            .map(|((side, address), flows)| {
                let now_ms = self.study.scene.world.now_ms();
                (side, address, crate::domain::flow::total(flows.iter().map(|flow| flow.rate_at(now_ms))))
            })
            .collect();
        used.sort_by(|(a, one, _), (b, other, _)| (a, one).cmp(&(b, other)));
        let rate = crate::domain::flow::total(used.iter().map(|(_, _, rate)| *rate));
        let (mut publishes, mut consumes, mut evidence) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let mut homes: BTreeMap<String, usize> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (side, address, _) in &used {
            let Some((event, domain)) = self.event_at(address) else {
                unknown.push(*address);
                continue;
            };
            // What it publishes says more of where it belongs than what it consumes.
            *homes.entry(domain).or_default() += if *side == Side::Publish { 100 } else { 1 };
            if *side == Side::Publish {
                publishes.insert(event)
            } else {
                consumes.insert(event)
            };
        }
        let most = homes.into_iter().max_by(|(a, one), (b, other)| one.cmp(other).then_with(|| b.cmp(a)));
        let home = match most {
            Some((name, _)) => Home { because: format!("Most of what it uses is in the domain {name}."), name },
            None => self.unclaimed("it uses no event that is known"),
        };
        evidence.push(home.because);
        evidence.push(match used.len() {
            1 => "Its clients were seen at 1 address.".to_owned(),
            addresses => format!("Its clients were seen at {addresses} addresses."),
        });
        if !unknown.is_empty() {
            evidence.push(format!("Left out, because no event has them: {}.", unknown.join(" ")));
        }
        let owner = self.study.application_owner(name).unwrap_or_default();
        if !owner.is_empty() {
            evidence.push(format!("{owner} answers for the application with the clients."));
        }
        let named = self.name(Kind::Application, &home.name, name);
        if named != name {
            evidence
                .push(format!("It cannot be called {name} there; as {named} it is not tied to the clients of {name}."));
        }
        let input = DriftApplicationInput {
            name: named,
            domain: home.name,
            owner,
            publishes: publishes.into_iter().collect(),
            consumes: consumes.into_iter().collect(),
            description: String::new(),
        };
        self.applications.push(DriftProposal { input, evidence, rate });
    }

    /// The address and the domain of the event that an address is of: one that is proposed, else one that is there.
    fn event_at(&self, address: &str) -> Option<(String, String)> {
        if let Some(at) = self.event_of.get(address) {
            let input = &self.events[*at].input;
            return Some((input.address.clone(), input.domain.clone()));
        }
        let (object, written) = self.study.event_of(address)?;
        Some((written, self.study.domain(object.spec.domain)?.spec.name.clone()))
    }

    /// Events that applications of other domains use must be shared with them.
    fn share(&mut self) {
        let mut users: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for application in &self.applications {
            let input = &application.input;
            for address in input.publishes.iter().chain(&input.consumes) {
                users.entry(address).or_default().insert(&input.domain);
            }
        }
        for event in &mut self.events {
            let used = users.get(event.input.address.as_str()).into_iter().flatten();
            let others: Vec<&str> = used.copied().filter(|domain| *domain != event.input.domain).collect();
            if !others.is_empty() {
                event.input.shared = true;
                event.evidence.push(format!("Shared, because it is used in other domains: {}.", others.join(", ")));
            }
        }
        // An event that is there and kept to its domain cannot be named from another.
        let study = self.study;
        for application in &mut self.applications {
            let input = &mut application.input;
            let is_closed = |address: &String| {
                let known = study.event_of(address).filter(|(_, written)| written == address);
                known.is_some_and(|(object, _)| !is_reachable(object, &input.domain, study))
            };
            let closed: Vec<String> =
                input.publishes.iter().chain(&input.consumes).filter(|address| is_closed(address)).cloned().collect();
            input.publishes.retain(|address| !closed.contains(address));
            input.consumes.retain(|address| !closed.contains(address));
            if !closed.is_empty() {
                let text = format!("Left out, because their events are not shared: {}.", closed.join(" "));
                application.evidence.push(text);
            }
        }
    }
}

fn is_reachable(object: &Object, domain: &str, study: &Study<'_>) -> bool {
    let home = study.scene.world.config.domains.iter().find(|found| found.spec.name == domain);
    Study::may_use(object, home.map(|home| home.id))
}
