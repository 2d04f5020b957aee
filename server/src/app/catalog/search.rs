//! Finding entries: words, topics and filters in one box, facets that count what each choice would give.

use std::collections::HashMap;

use frontend::api::{CatalogKind, CatalogPage, CatalogQuery, CatalogRow, Facet, FacetValue};
use mesh_protocol::topic::{Filter, Topic};

use super::entry::Entry;
use crate::app::Result;
use crate::app::page::Slice;

/// Values of one facet that are listed.
const FACET_VALUES_MAX: usize = 20;
/// In the owner field: objects nobody answers for; in the domain field: those that no domain claims.
const NOBODY: &str = "none";

/// The fields of a query that restrict, which are also the facets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Kind,
    Site,
    Broker,
    Domain,
    Owner,
}

const FIELDS: [(Field, &str); 5] = [
    (Field::Kind, "kind"),
    (Field::Site, "site"),
    (Field::Broker, "broker"),
    (Field::Domain, "domain"),
    (Field::Owner, "owner"),
];

/// How often each value of a field was met, by the value and its words.
type Counts<'a> = HashMap<(&'a str, &'a str), u64>;

/// Finds among entries that come by name.
pub(super) fn search<'a>(entries: impl Iterator<Item = &'a Entry>, query: &CatalogQuery) -> Result<CatalogPage> {
    let slice = Slice::of(query.cursor.as_deref(), query.limit, 50, 200);
    let after = slice.after::<(u8, String, String)>()?;
    let wanted = Wanted::of(&query.q);
    let mut counts: [Counts<'a>; FIELDS.len()] = Default::default();
    let mut behind: Vec<(u8, &CatalogRow)> = Vec::new();
    let mut total = 0;
    for entry in entries.filter(|entry| (query.gone || !entry.row.gone) && wanted.is_met_by(entry)) {
        let row = &entry.row;
        let mut missed = (0..FIELDS.len()).filter(|at| !is_chosen(FIELDS[*at].0, row, query));
        // A facet counts what each of its values would give, so its own restriction is no matter.
        match (missed.next(), missed.next()) {
            (None, _) => {
                FIELDS.iter().zip(&mut counts).for_each(|((field, _), counts)| count(*field, row, counts));
                total += 1;
                let rank = wanted.rank(row);
                let is_behind = |(last, name, id): &(u8, String, String)| {
                    (rank, &*row.name, &*row.id) > (*last, name.as_str(), id.as_str())
                };
                if after.as_ref().is_none_or(is_behind) {
                    behind.push((rank, row));
                }
            }
            (Some(at), None) => count(FIELDS[at].0, row, &mut counts[at]),
            (Some(_), Some(_)) => {}
        }
    }
    // Names stay in their order.
    behind.sort_by_key(|(rank, _)| *rank);
    behind.truncate(slice.limit() + 1);
    let page = slice.cut(behind, total, |(rank, row)| (*rank, row.name.clone(), row.id.clone()));
    let page = page.map(|(_, row)| row.clone());
    let facets = FIELDS.iter().zip(counts).map(|((_, name), counts)| facet(name, counts)).collect();
    Ok(CatalogPage { items: page.items, next: page.next, total: page.total, facets })
}

/// What was typed, understood.
struct Wanted {
    words: Vec<String>,
    topic: Option<Topic>,
    filters: Vec<Filter>,
}

impl Wanted {
    fn of(text: &str) -> Self {
        let text = text.trim();
        let is_address = text.contains('/');
        let filters = [Filter::mesh(text), Filter::mqtt(text)].into_iter().filter_map(std::result::Result::ok);
        Self {
            words: text.to_lowercase().split_whitespace().map(str::to_owned).collect(),
            topic: if is_address { Topic::new(text).ok() } else { None },
            filters: if is_address { filters.collect() } else { Vec::new() },
        }
    }

    fn is_met_by(&self, entry: &Entry) -> bool {
        let row = &entry.row;
        let in_text = |word: &String| {
            [&row.name, &row.description, &row.owner].iter().any(|text| text.to_lowercase().contains(word))
        };
        self.words.iter().all(in_text) || entry.pattern.as_ref().is_some_and(|pattern| self.is_about(pattern))
    }

    fn is_about(&self, pattern: &Filter) -> bool {
        self.topic.as_ref().is_some_and(|topic| pattern.matches(topic))
            || self.filters.iter().any(|filter| filter.overlaps(pattern))
    }

    /// Names that begin with what was typed come first, then names that hold it, then the rest.
    fn rank(&self, row: &CatalogRow) -> u8 {
        let Some(first) = self.words.first() else { return 0 };
        let name = row.name.to_lowercase();
        match (name == *first, name.starts_with(first), name.contains(first)) {
            (true, ..) => 0,
            (_, true, _) => 1,
            (.., true) => 2,
            _ => 3,
        }
    }
}

fn is_chosen(field: Field, row: &CatalogRow, query: &CatalogQuery) -> bool {
    match field {
        Field::Kind => query.kind.is_none_or(|kind| kind == row.kind),
        Field::Site => query.site.as_ref().is_none_or(|site| row.sites.contains(site)),
        Field::Broker => query.broker.as_ref().is_none_or(|broker| row.broker.as_ref() == Some(broker)),
        Field::Domain => query.domain.as_ref().is_none_or(|domain| domain_of(row) == Some(domain)),
        Field::Owner => query.owner.as_ref().is_none_or(|owner| owner_of(row) == owner),
    }
}

/// Only addresses and Kafka topics belong to domains.
fn domain_of(row: &CatalogRow) -> Option<&str> {
    let may = matches!(row.kind, CatalogKind::Address | CatalogKind::Topic);
    row.domain.as_deref().or(may.then_some(NOBODY))
}

fn owner_of(row: &CatalogRow) -> &str {
    if row.owner.is_empty() { NOBODY } else { &row.owner }
}

fn facet(name: &str, counts: Counts<'_>) -> Facet {
    let value = |((value, label), count): ((&str, &str), u64)| FacetValue {
        value: value.to_owned(),
        label: label.to_owned(),
        count,
    };
    let mut values: Vec<FacetValue> = counts.into_iter().map(value).collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
    values.truncate(FACET_VALUES_MAX);
    Facet { field: name.to_owned(), values }
}

fn count<'a>(field: Field, row: &'a CatalogRow, counts: &mut Counts<'a>) {
    let mut one = |value: &'a str, label: &'a str| *counts.entry((value, label)).or_default() += 1;
    match field {
        Field::Kind => {
            let (value, label) = kind(row.kind);
            one(value, label);
        }
        Field::Site => row.sites.iter().for_each(|site| one(site, site)),
        Field::Broker => row.broker.iter().for_each(|broker| one(broker, broker)),
        Field::Domain => match (&row.domain, domain_of(row)) {
            (Some(domain), _) => one(domain, domain),
            (None, Some(none)) => one(none, "no domain"),
            (None, None) => {}
        },
        Field::Owner if row.owner.is_empty() => one(NOBODY, "no owner"),
        Field::Owner => one(&row.owner, &row.owner),
    }
}

const fn kind(kind: CatalogKind) -> (&'static str, &'static str) {
    match kind {
        CatalogKind::Address => ("address", "Event addresses"),
        CatalogKind::Topic => ("topic", "Kafka topics"),
        CatalogKind::Group => ("group", "Consumer groups"),
        CatalogKind::Cluster => ("cluster", "Clusters"),
        CatalogKind::User => ("user", "Kafka users"),
        CatalogKind::Transaction => ("transaction", "Transactional ids"),
        CatalogKind::Registry => ("registry", "Schema registries"),
        CatalogKind::Subject => ("subject", "Registry subjects"),
        CatalogKind::Connect => ("connect", "Kafka Connect clusters"),
        CatalogKind::ConnectConnector => ("connect_connector", "Connect connectors"),
        CatalogKind::Rabbit => ("rabbit", "RabbitMQ clusters"),
        CatalogKind::RabbitExchange => ("rabbit_exchange", "RabbitMQ exchanges"),
        CatalogKind::RabbitQueue => ("rabbit_queue", "RabbitMQ queues"),
        CatalogKind::RabbitUser => ("rabbit_user", "RabbitMQ users"),
        CatalogKind::Mqtt => ("mqtt", "MQTT brokers"),
        CatalogKind::MqttAddress => ("mqtt_address", "MQTT addresses"),
        CatalogKind::Application => ("application", "Applications"),
        CatalogKind::Principal => ("principal", "Clients"),
    }
}
