use mesh_protocol::desired::Start;
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::{PrincipalId, RouteId};

use super::super::super::route::Spec;
use super::*;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn here() -> BrokerId {
    BrokerId(id(1))
}

fn filters(texts: &[&str]) -> Vec<Filter> {
    texts.iter().map(|text| Filter::mesh(text).expect("sound")).collect()
}

fn route(name: &str, from: From, to: To) -> Route {
    let spec = Spec { name: name.to_owned(), enabled: true, from, to, mode: DeliveryMode::Direct, note: String::new() };
    Route {
        id: RouteId(id(2)),
        principal: PrincipalId(id(3)),
        spec,
        generation: 1,
        since_revision: 1,
        revision: 1,
        updated_at_ms: 0,
        updated_by: String::new(),
    }
}

/// Brings records of a topic into the mesh.
fn source(name: &str, topic: &str, template: &str, filter: &str) -> Route {
    let from = From::Kafka {
        broker: here(),
        topics: vec![topic.to_owned()],
        template: template.to_owned(),
        filter: filter.to_owned(),
        schemas: None,
        start: Start::Latest,
    };
    route(name, from, To::Mesh)
}

/// Takes events out of the mesh into a topic.
fn sink(name: &str, takes: &str, topic: &str) -> Route {
    let to = To::Kafka { broker: here(), topic: topic.to_owned(), key: String::new() };
    route(name, From::Mesh { filters: vec![takes.to_owned()] }, to)
}

fn terms(subscribe: &[&str], publish: &[&str]) -> Terms {
    Terms { subscribe: filters(subscribe), publish: filters(publish), ..Terms::default() }
}

fn names(topics: &BTreeSet<String>) -> Vec<&str> {
    topics.iter().map(String::as_str).collect()
}

#[test]
fn a_topic_is_given_when_all_of_it_is_granted() {
    let routes = [
        source("in", "orders", "orders/{value.country}/created", ""),
        sink("out", "stock/>", "stock"),
        source("some", "payments", "payments/{key}", "value.amount > 5"),
        sink("by-event", "sensors/>", "sensors-{1}"),
    ];
    let topics = Topics::of(&routes, here(), &terms(&["orders/>", "stock/>", "payments/>", "sensors/>"], &[]));
    assert_eq!(names(&topics.reads), ["orders", "stock"]);
    assert_eq!(names(&topics.writes), [""; 0]);
    assert!(topics.left_out["payments"].contains("records that the route some leaves out"), "{topics:?}");
    assert!(!topics.left_out.contains_key("sensors-{1}"));

    let narrow = Topics::of(&routes, here(), &terms(&["orders/fr/>"], &[]));
    assert!(narrow.is_empty());
    assert!(narrow.left_out["orders"].contains("route in ties it to orders/*/created"), "{narrow:?}");
    assert_eq!(narrow.left_out.len(), 1, "what has nothing to do with the grant is not told of");

    let elsewhere = Topics::of(&routes, BrokerId(id(9)), &terms(&["orders/>"], &[]));
    assert_eq!(elsewhere, Topics::default());
}

#[test]
fn one_route_more_takes_a_topic_away() {
    let mut routes = vec![source("in", "orders", "orders/{key}", "")];
    let terms = terms(&["orders/>"], &["orders/>"]);
    let topics = Topics::of(&routes, here(), &terms);
    assert_eq!((names(&topics.reads), names(&topics.writes)), (vec!["orders"], vec!["orders"]));
    routes.push(sink("also", "customers/>", "orders"));
    let topics = Topics::of(&routes, here(), &terms);
    assert!(topics.is_empty());
    let why = &topics.left_out["orders"];
    assert!(why.contains("cannot be read") && why.contains("cannot be written to"), "{why}");
    assert!(why.contains("route also ties it to customers/>"), "{why}");
}

#[test]
fn only_what_goes_into_the_mesh_is_written_to() {
    let routes = [sink("out", "orders/>", "orders-copy"), source("in", "orders", "orders/{key}", "value.amount > 5")];
    let topics = Topics::of(&routes, here(), &terms(&[], &["orders/>"]));
    assert_eq!((names(&topics.reads), names(&topics.writes)), (vec![], vec!["orders"]));
    assert_eq!(topics.left_out, BTreeMap::new());
}

#[test]
fn rights_are_exactly_what_is_given() {
    let acl =
        |resource, pattern, name: &str, operation| KafkaAcl { resource, pattern, name: name.to_owned(), operation };
    let topics = Topics {
        reads: ["orders".to_owned()].into(),
        writes: ["orders".to_owned(), "stock".to_owned()].into(),
        left_out: BTreeMap::new(),
    };
    let (topic, literal) = (KafkaResource::Topic, KafkaPattern::Literal);
    let mut expected = vec![
        acl(topic, literal, "orders", KafkaOperation::Read),
        acl(topic, literal, "orders", KafkaOperation::Write),
        acl(topic, literal, "orders", KafkaOperation::Describe),
        acl(topic, literal, "stock", KafkaOperation::Write),
        acl(topic, literal, "stock", KafkaOperation::Describe),
        acl(KafkaResource::Group, KafkaPattern::Prefixed, "mp-g.", KafkaOperation::Read),
    ];
    expected.sort();
    assert_eq!(topics.acls("mp-g."), expected);
    let writes = Topics { reads: BTreeSet::new(), ..topics };
    assert!(writes.acls("mp-g.").iter().all(|acl| acl.resource == topic), "who only writes has no groups");
    assert_eq!(Topics::default().acls("mp-g."), []);
}

#[test]
fn names_tell_meshes_and_connections_apart() {
    let prefix = |environment, broker| user_prefix(EnvironmentId(id(environment)), BrokerId(id(broker)));
    let all = BTreeSet::from([prefix(1, 1), prefix(1, 2), prefix(2, 1)]);
    assert_eq!(all.len(), 3);
    assert_eq!(prefix(1, 1), prefix(1, 1));
    let name = user_name(&prefix(1, 1), id(0xabcd));
    assert!(name.starts_with(&prefix(1, 1)) && name.ends_with("-000000abcd"), "{name}");
    let access = mesh_protocol::desired::KafkaAccess { broker: here(), prefix: prefix(1, 1), users: Vec::new() };
    assert_eq!(access.check(), Ok(()), "agents take it");
    assert_eq!(group_prefix(GrantId(id(0xff))), "mp-0000000000ff.");
}
