//! What events would be made of: addresses that were seen and Kafka topics that routes bring into the mesh, put together where
//! they are one.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::id::{ApplicationDomainId, BrokerId, DesignObjectId};

use super::super::scene::Study;
use crate::app::catalog::Entry;
use crate::domain::address;
use crate::domain::design::drift::adoption::proposed;
use crate::domain::design::drift::{OF_TOPIC, Side};
use crate::domain::flow::Flow;

/// Schemas with the subjects they were found by.
type Schemas = BTreeSet<(String, DesignObjectId)>;

/// One thing that was seen and could be an event.
pub(super) struct Candidate<'a> {
    address: &'a str,
    entry: Option<&'a Entry>,
    /// Kafka topics that its records come from.
    topics: BTreeSet<&'a str>,
    /// Where it is a topic, how that is said.
    because: Option<String>,
}

/// An event that would be made.
pub(super) struct Shape<'a> {
    pub(super) address: String,
    /// The addresses that it is made of.
    pub(super) of: Vec<&'a str>,
    pub(super) because: Vec<String>,
    /// The domain that claims it.
    pub(super) domain: Option<ApplicationDomainId>,
    /// Who answers for it in the catalog, not by its domain.
    pub(super) owner: Option<String>,
    pub(super) description: String,
    /// Applications that publish there, the busiest first.
    pub(super) producers: Vec<&'a str>,
    pub(super) schemas: Schemas,
    pub(super) key_schemas: Schemas,
    pub(super) rate: f64,
}

impl<'a> Candidate<'a> {
    pub(super) fn of_address(address: &'a str, study: &'a Study<'a>) -> Self {
        let flows = study.flows_at.get(address).into_iter().flatten();
        Self {
            address,
            entry: study.entry_at(address),
            topics: flows.filter_map(|flow| flow.broker_topic.as_deref()).collect(),
            because: None,
        }
    }

    /// One for each address that routes make of a topic's records.
    pub(super) fn of_topic(broker: BrokerId, name: &'a str, study: &'a Study<'a>) -> Vec<Self> {
        let candidate = |address: &'a str| Self {
            address,
            entry: study.entry_of(broker, name),
            topics: BTreeSet::from([name]),
            because: Some(format!("A route makes it of the Kafka topic {name}.")),
        };
        study.addresses_of(broker, name).into_iter().map(candidate).collect()
    }
}

/// Events of all candidates, by address.
pub(super) fn shapes<'a>(candidates: Vec<Candidate<'a>>, study: &'a Study<'a>) -> Vec<Shape<'a>> {
    let mut by_address: BTreeMap<&'a str, Vec<Candidate<'a>>> = BTreeMap::new();
    for candidate in candidates {
        by_address.entry(candidate.address).or_default().push(candidate);
    }
    let all = proposed(by_address.keys().copied());
    let shape = |one: crate::domain::design::drift::adoption::Proposed<'a>| {
        let parts = one.of.iter().filter_map(|address| by_address.get(address)).flatten();
        shape(one.address, one.of.clone(), one.because, &parts.collect::<Vec<_>>(), study)
    };
    all.into_iter().map(shape).collect()
}

fn shape<'a>(
    address: String,
    of: Vec<&'a str>,
    because: Option<String>,
    parts: &[&Candidate<'a>],
    study: &'a Study<'a>,
) -> Shape<'a> {
    let claimed = address::filter(&address).ok().and_then(|filter| study.claims.of_address(&filter));
    let entries: Vec<&Entry> = parts.iter().filter_map(|part| part.entry).collect();
    // Nobody claims all of it: where one domain has every part, it has this.
    let homes: BTreeSet<_> = entries.iter().map(|entry| entry.domain).collect();
    let only = if homes.len() == 1 { homes.into_iter().next().flatten() } else { None };
    let topics: BTreeSet<&str> = parts.iter().flat_map(|part| part.topics.iter().copied()).collect();
    let [schemas, key_schemas] = OF_TOPIC.map(|end| schemas(&topics, end, study));
    let noted = entries.iter().find(|entry| !entry.row.owner_by_domain && !entry.row.owner.is_empty());
    let described = entries.iter().find(|entry| entry.pattern.is_some() && !entry.row.description.is_empty());
    let told: BTreeSet<String> = parts.iter().filter_map(|part| part.because.clone()).collect();
    Shape {
        because: because.into_iter().chain(told).collect(),
        domain: claimed.map(|domain| domain.id).or(only),
        owner: noted.map(|entry| entry.row.owner.clone()),
        description: described.map(|entry| entry.row.description.clone()).unwrap_or_default(),
        producers: producers(&of, study),
        schemas,
        key_schemas,
        rate: crate::domain::flow::total(entries.iter().map(|entry| entry.row.rate)),
        address,
        of,
    }
}

fn schemas(topics: &BTreeSet<&str>, end: &str, study: &Study<'_>) -> Schemas {
    let registry = &study.scene.designs.registry;
    let found = topics.iter().filter_map(|topic| {
        let subject = registry.subject(&format!("{topic}{end}"))?;
        Some((subject.name.clone(), subject.object?))
    });
    found.collect()
}

/// Applications that publish at any of these, the busiest first.
fn producers<'a>(of: &[&str], study: &'a Study<'a>) -> Vec<&'a str> {
    let now_ms = study.scene.world.now_ms();
    let mut rates: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, flows) in of.iter().flat_map(|address| study.users_of(address, Side::Publish)) {
        let rate = flows.iter().map(|flow: &&Flow| flow.rate_at(now_ms));
        *rates.entry(name).or_default() += crate::domain::flow::total(rate);
    }
    let mut all: Vec<(&str, f64)> = rates.into_iter().collect();
    all.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    all.into_iter().map(|(name, _)| name).collect()
}

/// A name for the event of an address: what does not vary of it.
pub(super) fn name_of(address: &str) -> String {
    let fixed = address.split('/').filter(|level| !level.is_empty() && !level.contains('{'));
    let name = fixed.collect::<Vec<_>>().join("-");
    if name.is_empty() { "event".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn an_event_is_called_by_what_does_not_vary() {
        assert_eq!(name_of("orders/{country}/{store}/created"), "orders-created");
        assert_eq!(name_of("{x}"), "event");
    }
}
