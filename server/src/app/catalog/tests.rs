use frontend::api::{CatalogKind, CatalogQuery, CatalogRow, Evidence};

use super::entry::{Entry, Key};
use super::search::search;
use crate::domain::address;

fn entry(key: Key, kind: CatalogKind, name: &str, owner: &str, site: &str) -> Entry {
    let pattern = if kind == CatalogKind::Address { address::filter(name).ok() } else { None };
    let row = CatalogRow {
        id: super::write_id(&key),
        kind,
        name: name.to_owned(),
        description: String::new(),
        owner: owner.to_owned(),
        owner_by_domain: false,
        team: None,
        domain: None,
        sites: vec![site.to_owned()],
        broker: None,
        evidence: Evidence::default(),
        rate: 0.0,
        lag: None,
        partitions: None,
        gone: false,
        freshness: None,
    };
    Entry { key, row, domain: None, first_seen: None, pattern, is_internal: false }
}

fn address_entry(name: &str, owner: &str, site: &str) -> Entry {
    entry(Key::Address(name.to_owned()), CatalogKind::Address, name, owner, site)
}

pub(super) fn shop() -> Vec<Entry> {
    let broker = uuid::Uuid::nil().into();
    vec![
        address_entry("orders/{country}/created", "retail", "hq"),
        address_entry("orders/{country}/paid", "", "store-lyon"),
        address_entry("sensors/{plant}/temp", "factory", "berlin"),
        entry(Key::Topic(broker, "retail.orders".to_owned()), CatalogKind::Topic, "retail.orders", "", "hq"),
    ]
}

fn by_name(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by_key(|entry| (&entry.row.name, &entry.row.id));
    entries.into_iter()
}

fn names(query: &CatalogQuery) -> Vec<String> {
    search(by_name(&shop()), query).expect("a page").items.into_iter().map(|row| row.name).collect()
}

fn typed(q: &str) -> CatalogQuery {
    CatalogQuery { q: q.to_owned(), ..CatalogQuery::default() }
}

#[test]
fn words_topics_and_filters_find_the_same_address() {
    for q in ["created", "orders/fr/created", "orders/*/created", "orders/+/created"] {
        assert!(names(&typed(q)).contains(&"orders/{country}/created".to_owned()), "{q}");
    }
    assert!(!names(&typed("orders/fr/created")).contains(&"sensors/{plant}/temp".to_owned()));
}

#[test]
fn a_facet_counts_without_its_own_restriction() {
    let query = CatalogQuery { site: Some("hq".to_owned()), ..CatalogQuery::default() };
    let shop = shop();
    let page = search(by_name(&shop), &query).expect("a page");
    assert_eq!(page.total, 2);
    let count = |field: &str, value: &str| {
        let facet = page.facets.iter().find(|facet| facet.field == field).expect("the facet");
        facet.values.iter().find(|found| found.value == value).map(|found| found.count)
    };
    assert_eq!(count("site", "berlin"), Some(1), "other sites stay to be chosen");
    assert_eq!(count("kind", "address"), Some(1), "kinds are counted inside the chosen site");
    assert_eq!(count("owner", "none"), Some(1));
}

#[test]
fn what_nobody_owns_can_be_listed() {
    let query = CatalogQuery { owner: Some("none".to_owned()), ..CatalogQuery::default() };
    assert_eq!(names(&query), ["orders/{country}/paid", "retail.orders"]);
}

#[test]
fn what_no_domain_claims_can_be_listed_and_clients_are_of_none() {
    let mut shop = shop();
    shop[0].row.domain = Some("orders".to_owned());
    shop.push(entry(Key::Principal(uuid::Uuid::nil().into()), CatalogKind::Principal, "till-1", "retail", "hq"));
    let found = |domain: &str| {
        let query = CatalogQuery { domain: Some(domain.to_owned()), ..CatalogQuery::default() };
        let page = search(by_name(&shop), &query).expect("a page");
        page.items.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    assert_eq!(found("orders"), ["orders/{country}/created"]);
    assert_eq!(found("none"), ["orders/{country}/paid", "retail.orders", "sensors/{plant}/temp"]);
}

#[test]
fn keys_survive_their_text() {
    let broker = uuid::Uuid::from_u128(7).into();
    for key in [
        Key::Address("a/{b}:c".to_owned()),
        Key::Topic(broker, "x:y".to_owned()),
        Key::Group(broker, "g".to_owned()),
        Key::Cluster(broker),
        Key::User(broker, "CN=a:b".to_owned()),
        Key::Transaction(broker, "t:1".to_owned()),
        Key::Registry(broker),
        Key::Subject(broker, ":.emea:orders-value".to_owned()),
        Key::Connect(broker),
        Key::ConnectConnector(broker, "files in:out".to_owned()),
        Key::Rabbit(broker),
        Key::RabbitExchange(broker, "%2F/a:b".to_owned()),
        Key::RabbitQueue(broker, "shop/orders".to_owned()),
        Key::RabbitUser(broker, "me".to_owned()),
        Key::Mqtt(broker),
        Key::MqttAddress(broker, "orders/eu:1".to_owned()),
        Key::Principal(uuid::Uuid::from_u128(9).into()),
    ] {
        assert_eq!(Key::read(&key.to_string()), Some(key));
    }
    assert_eq!(Key::read("nonsense"), None);
    assert_eq!(Key::read("topic:no-id:x"), None);
}
