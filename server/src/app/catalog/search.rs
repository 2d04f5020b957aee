//! Finding entries: words, topics and filters in one box, facets that count what each choice would give.

use std::collections::BTreeMap;

use frontend::api::{CatalogKind, CatalogPage, CatalogQuery, CatalogRow, Facet, FacetValue};
use mesh_protocol::topic::{Filter, Topic};

use super::entry::Entry;
use crate::app::Result;
use crate::app::page::{Slice, page};

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

pub(super) fn search(entries: Vec<Entry>, query: &CatalogQuery) -> Result<CatalogPage> {
    let wanted = Wanted::of(&query.q);
    let found: Vec<Entry> =
        entries.into_iter().filter(|entry| (query.gone || !entry.row.gone) && wanted.is_met_by(entry)).collect();
    let facets = FIELDS.iter().map(|(field, name)| facet(*field, name, &found, query)).collect();
    let restricted = |entry: &Entry| FIELDS.iter().all(|(field, _)| is_chosen(*field, &entry.row, query));
    let rows = found.into_iter().filter(restricted).map(|entry| entry.row).collect();
    let key = |row: &CatalogRow| (wanted.rank(row), row.name.clone(), row.id.clone());
    let page = page(rows, Slice::of(query.cursor.as_deref(), query.limit, 50, 200), key)?;
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

fn facet(field: Field, name: &str, found: &[Entry], query: &CatalogQuery) -> Facet {
    let others = |entry: &&Entry| {
        FIELDS.iter().filter(|(other, _)| *other != field).all(|(other, _)| is_chosen(*other, &entry.row, query))
    };
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for entry in found.iter().filter(others) {
        for value in values(field, &entry.row) {
            *counts.entry(value).or_default() += 1;
        }
    }
    let mut values: Vec<FacetValue> =
        counts.into_iter().map(|((value, label), count)| FacetValue { value, label, count }).collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
    values.truncate(FACET_VALUES_MAX);
    Facet { field: name.to_owned(), values }
}

fn values(field: Field, row: &CatalogRow) -> Vec<(String, String)> {
    let plain = |text: &String| (text.clone(), text.clone());
    match field {
        Field::Kind => vec![kind(row.kind)],
        Field::Site => row.sites.iter().map(plain).collect(),
        Field::Broker => row.broker.iter().map(plain).collect(),
        Field::Domain if row.domain.is_none() => {
            domain_of(row).map(|none| (none.to_owned(), "no domain".to_owned())).into_iter().collect()
        }
        Field::Domain => row.domain.iter().map(plain).collect(),
        Field::Owner if row.owner.is_empty() => vec![(NOBODY.to_owned(), "no owner".to_owned())],
        Field::Owner => vec![plain(&row.owner)],
    }
}

fn kind(kind: CatalogKind) -> (String, String) {
    let (value, label) = match kind {
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
        CatalogKind::Application => ("application", "Applications"),
        CatalogKind::Principal => ("principal", "Clients"),
    };
    (value.to_owned(), label.to_owned())
}
