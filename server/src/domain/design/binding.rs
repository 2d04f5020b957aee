//! Which designs speak of what was seen, and which of what was seen a design speaks of.
//!
//! An event is bound to the addresses whose topics are among its own; nobody keeps the two together by hand, so what is seen
//! tomorrow is bound tomorrow. The version that stands for an event is the one that is served, else the newest that is not
//! retired: what is only a draft is bound as well, and says so.

use mesh_protocol::topic::Filter;

use super::{Address, Content, Graph, Kind, Object, State, Version};

/// How much of what was seen is the event's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Some of its topics are.
    Part,
    /// All of its topics are.
    Whole,
}

/// How an event's address fits what was seen; none = not at all.
#[must_use]
pub fn fit(designed: &Filter, seen: &Filter) -> Option<Fit> {
    match (designed.includes(seen), designed.overlaps(seen)) {
        (true, _) => Some(Fit::Whole),
        (false, true) => Some(Fit::Part),
        (false, false) => None,
    }
}

/// The topics of a version of an event.
#[must_use]
pub fn topics(version: &Version) -> Option<Filter> {
    match &version.spec.content {
        Content::Event(event) => Address::parse(&event.address).ok().map(|address| address.filter()),
        _ => None,
    }
}

/// The version that stands for an object: the highest that is served, else the highest that is not retired.
#[must_use]
pub fn standing<'a>(versions: &[&'a Version]) -> Option<&'a Version> {
    let highest = |may: fn(State) -> bool| versions.iter().rev().find(|version| may(version.state)).copied();
    highest(State::is_live).or_else(|| highest(|state| state != State::Retired))
}

/// The events that speak of what was seen, those that have all of it first.
#[must_use]
pub fn events_of<'a>(seen: &Filter, objects: &'a [Object], graph: &Graph<'a>) -> Vec<(Fit, &'a Object, &'a Version)> {
    let events = objects.iter().filter(|object| object.kind == Kind::Event);
    let bound = events.filter_map(|object| {
        let version = standing(graph.versions(object.id))?;
        Some((fit(&topics(version)?, seen)?, object, version))
    });
    let mut bound: Vec<_> = bound.collect();
    bound.sort_by(|(a, one, _), (b, other, _)| b.cmp(a).then_with(|| one.spec.name.cmp(&other.spec.name)));
    bound
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Catalog, event};
    use super::*;

    #[test]
    fn an_event_has_all_of_an_address_or_a_part_or_nothing() {
        let filter = |text: &str| Filter::mesh(text).expect("a filter");
        assert_eq!(fit(&filter("orders/*/created"), &filter("orders/fr/created")), Some(Fit::Whole));
        assert_eq!(fit(&filter("orders/*/created"), &filter("orders/*/created")), Some(Fit::Whole));
        assert_eq!(fit(&filter("orders/fr/created"), &filter("orders/*/created")), Some(Fit::Part));
        assert_eq!(fit(&filter("orders/fr/created"), &filter("orders/de/created")), None);
    }

    #[test]
    fn the_version_that_is_served_stands_for_its_event() {
        let mut catalog = Catalog::default();
        catalog.both("order", event("orders/{country}/created", None));
        let (_, other) = catalog.both("old", event("orders/fr/created", None));
        let graph = catalog.graph();
        let seen = Filter::mesh("orders/*/created").expect("a filter");
        let bound: Vec<_> = events_of(&seen, &catalog.objects, &graph)
            .into_iter()
            .map(|(fit, object, _)| (fit, object.spec.name.clone()))
            .collect();
        assert_eq!(bound, [(Fit::Whole, "order".to_owned()), (Fit::Part, "old".to_owned())]);
        catalog.at(other).state = State::Retired;
        let graph = catalog.graph();
        assert_eq!(events_of(&seen, &catalog.objects, &graph).len(), 1, "what is retired speaks of nothing");
    }
}
