//! Which domain something belongs to: the one with the narrowest claim on it.
//!
//! An estate has ten thousand topics and a thousand claims, and asks for all of them at once. So filters are looked up by
//! the first level of what they match, and names of Kafka topics by the lengths that claims have.

use std::collections::{BTreeSet, HashMap};

use mesh_protocol::topic::Filter;

use super::{ApplicationDomain, filter, owner};

/// All domains, ready to say what belongs to which.
#[derive(Debug)]
pub struct Claims<'a> {
    domains: &'a [ApplicationDomain],
    /// By their text: of claims that only overlap, the same one counts whatever the order of domains.
    filters: Vec<(Filter, &'a ApplicationDomain)>,
    /// Places of filters whose topics all begin with a level.
    by_level: HashMap<String, Vec<usize>>,
    /// Places of the other filters.
    anywhere: Vec<usize>,
    /// Whole names of Kafka topics.
    names: HashMap<&'a str, &'a ApplicationDomain>,
    /// Beginnings of names.
    beginnings: HashMap<&'a str, &'a ApplicationDomain>,
    /// Lengths of the beginnings, the longest first.
    lengths: Vec<usize>,
}

impl<'a> Claims<'a> {
    /// Of these domains.
    #[must_use]
    pub fn of(domains: &'a [ApplicationDomain]) -> Self {
        let filters = domains.iter().flat_map(|domain| {
            // What was stored was checked.
            domain.spec.topics.iter().filter_map(move |topic| Some((filter(topic).ok()?, domain)))
        });
        let mut filters: Vec<_> = filters.collect();
        filters.sort_by(|(a, _), (b, _)| a.text().cmp(b.text()));
        let mut claims = Self {
            domains,
            filters,
            by_level: HashMap::new(),
            anywhere: Vec::new(),
            names: HashMap::new(),
            beginnings: HashMap::new(),
            lengths: Vec::new(),
        };
        for (at, (filter, _)) in claims.filters.iter().enumerate() {
            match first_level(filter) {
                Some(level) => claims.by_level.entry(level.to_owned()).or_default().push(at),
                None => claims.anywhere.push(at),
            }
        }
        for (domain, name) in domains.iter().flat_map(|of| of.spec.kafka_topics.iter().map(move |name| (of, name))) {
            match name.strip_suffix('*') {
                Some(beginning) => claims.beginnings.insert(beginning, domain),
                None => claims.names.insert(name, domain),
            };
        }
        let lengths: BTreeSet<usize> = claims.beginnings.keys().map(|beginning| beginning.len()).collect();
        claims.lengths = lengths.into_iter().rev().collect();
        claims
    }

    /// The domain of an address, given as the filter of all its topics.
    #[must_use]
    pub fn of_address(&self, address: &Filter) -> Option<&'a ApplicationDomain> {
        let here = first_level(address).and_then(|level| self.by_level.get(level)).map_or(&[][..], Vec::as_slice);
        let mut places: Vec<usize> = here.iter().chain(&self.anywhere).copied().collect();
        places.sort_unstable();
        let claiming = places.into_iter().map(|at| &self.filters[at]).filter(|(claim, _)| claim.includes(address));
        let narrowest = claiming.reduce(|best, next| if best.0.includes(&next.0) { next } else { best });
        narrowest.map(|(_, domain)| *domain)
    }

    /// The domain of a Kafka topic. A whole name is narrower than any beginning of it.
    #[must_use]
    pub fn of_kafka(&self, name: &str) -> Option<&'a ApplicationDomain> {
        let beginnings = self.lengths.iter().filter_map(|length| name.get(..*length));
        let by_beginning = || beginnings.into_iter().find_map(|beginning| self.beginnings.get(beginning));
        self.names.get(name).or_else(by_beginning).copied()
    }

    /// Who answers for what is in a domain; empty = nobody.
    #[must_use]
    pub fn owner(&self, domain: &'a ApplicationDomain) -> &'a str {
        owner(domain, self.domains)
    }
}

/// The first level of every topic that a filter matches, where it is the same for all of them.
fn first_level(filter: &Filter) -> Option<&str> {
    match filter.literal() {
        (topic, true) => topic.split('/').next(),
        // What begins so may go on in the same level.
        (beginning, false) => beginning.split_once('/').map(|(level, _)| level),
    }
}
