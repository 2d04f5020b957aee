use mesh_protocol::id::DesignObjectId;

use super::super::fixture::{Catalog, avro, avro_with, event};
use super::super::{Class, Schema, State, between_objects};
use super::*;

const ID: &str = r#"{"name": "id", "type": "string"}"#;

impl Catalog {
    fn validate(&mut self, id: DesignObjectId, validation: Validation) {
        let object = self.objects.iter_mut().find(|object| object.id == id);
        object.expect("an object of the test").spec.validation = validation;
    }

    fn contracts(&self) -> Contracts {
        contracts(&self.objects, &self.graph())
    }

    fn labels(&self) -> Vec<(String, OnInvalid)> {
        let contracts = self.contracts().contracts;
        contracts.into_iter().map(|contract| (contract.label, contract.on_invalid)).collect()
    }
}

fn json(text: &str) -> Content {
    Content::Schema(Schema { format: Format::JsonSchema, text: text.to_owned(), references: Vec::new() })
}

#[test]
fn a_checked_event_brings_its_live_versions_the_highest_first() {
    let mut catalog = Catalog::default();
    let (_, schema) = catalog.both("order", avro(ID));
    let (order, first) = catalog.both("order-created", event("orders/{country}/created", Some(schema)));
    assert!(catalog.contracts().is_empty(), "nobody wants anything checked");
    catalog.validate(order, Validation::Rejected);
    let second = catalog.version(order, "2.0.0", event("orders/{country}/{store}/created", None));
    let draft = catalog.version(order, "3.0.0", event("orders/{country}/created", None));
    catalog.at(draft).state = State::Draft;
    let label = |number: &str| (format!("order-created {number}"), OnInvalid::Reject);
    assert_eq!(catalog.labels(), [label("2.0.0"), label("1.0.0")]);
    let contracts = catalog.contracts();
    assert_eq!((contracts.contracts[0].schema, contracts.contracts[1].schema), (None, Some(0)));
    assert_eq!(contracts.contracts[1].filter.text(), "orders/*/created");
    assert_eq!((contracts.texts.len(), contracts.schemas.len()), (1, 1));
    catalog.at(first).state = State::Deprecated;
    assert_eq!(catalog.labels().len(), 2, "a deprecated version is served");
    catalog.at(second).state = State::Retired;
    catalog.at(first).state = State::InReview;
    assert!(catalog.contracts().is_empty(), "nothing is served");
}

#[test]
fn an_unchecked_event_is_told_where_it_shares_topics() {
    let mut catalog = Catalog::default();
    let (order, _) = catalog.both("order", event("orders/{country}", None));
    catalog.both("note", event("orders/fr", None));
    catalog.both("price", event("prices/{country}", None));
    catalog.validate(order, Validation::Reported);
    let all = [("order 1.0.0".to_owned(), OnInvalid::Report), ("note 1.0.0".to_owned(), OnInvalid::Accept)];
    assert_eq!(catalog.labels(), all);
    assert!(!catalog.contracts().rejects());
}

#[test]
fn each_text_stands_once() {
    let mut catalog = Catalog::default();
    let (_, line) = catalog.both("line", record("Line", r#"{"name": "sku", "type": "string"}"#));
    let with_line = r#"{"name": "line", "type": "shop.Line"}"#;
    let (_, one) = catalog.both("one", avro_with(with_line, &[("shop.Line", line)]));
    let (_, same) = catalog.both("same", avro_with(with_line, &[("shop.Line", line)]));
    for (name, schema) in [("a", one), ("b", same), ("c", line)] {
        let (id, _) = catalog.both(name, event(&format!("{name}/x"), Some(schema)));
        catalog.validate(id, Validation::Rejected);
    }
    let contracts = catalog.contracts();
    assert_eq!((contracts.texts.len(), contracts.schemas.len(), contracts.contracts.len()), (2, 2, 3));
    assert_eq!((contracts.contracts[0].schema, contracts.contracts[1].schema), (Some(0), Some(0)));
    assert_eq!(check(&contracts, &Contracts::default()), Ok(()));
}

fn record(name: &str, fields: &str) -> Content {
    let text = format!(r#"{{"type": "record", "name": "shop.{name}", "fields": [{fields}]}}"#);
    Content::Schema(Schema { format: Format::Avro, text, references: Vec::new() })
}

#[test]
fn designs_in_another_order_make_the_same_document() {
    let mut catalog = Catalog::default();
    let (_, a) = catalog.both("a", json(r#"{"type":"object"}"#));
    let (_, b) = catalog.both("b", json(r#"{"type":"string"}"#));
    for (name, schema) in [("x", a), ("y", b), ("z", a)] {
        let (id, _) = catalog.both(name, event(&format!("{name}/{{all}}"), Some(schema)));
        catalog.validate(id, Validation::Reported);
    }
    let before = catalog.contracts();
    catalog.objects.reverse();
    catalog.versions.reverse();
    assert_eq!(catalog.contracts(), before);
}

#[test]
fn what_agents_could_not_enforce_is_told() {
    let mut catalog = Catalog::default();
    let (_, slow) = catalog.both("slow", json(r#"{"pattern":"^(?=a)b$"}"#));
    let (order, _) = catalog.both("order", event("orders/x", Some(slow)));
    catalog.validate(order, Validation::Rejected);
    let contracts = catalog.contracts();
    let told = check(&contracts, &Contracts::default()).expect_err("it looks around");
    assert!(told.contains("agents cannot check order 1.0.0") && told.contains("may not look around"), "{told}");
    assert_eq!(check(&contracts, &contracts), Ok(()), "asked about before");

    let mut catalog = Catalog::default();
    for number in 0..3 {
        let text = format!(r#"{{"description":"{}{number}"}}"#, "x".repeat(CONTRACT_TEXT_BYTES_MAX / 3));
        let (_, schema) = catalog.both(&format!("schema-{number}"), json(&text));
        let (id, _) = catalog.both(&format!("event-{number}"), event(&format!("e/{number}"), Some(schema)));
        catalog.validate(id, Validation::Rejected);
    }
    let told = check(&catalog.contracts(), &Contracts::default()).expect_err("too much");
    assert!(told.starts_with("would make the schemas that agents check ") && told.contains("2097152"), "{told}");
}

#[test]
fn a_schema_that_is_not_there_never_counts_as_none() {
    let mut catalog = Catalog::default();
    let missing = uuid::Uuid::from_u128(99).into();
    let (order, _) = catalog.both("order", event("orders/x", Some(missing)));
    catalog.validate(order, Validation::Rejected);
    let contracts = catalog.contracts();
    assert!(contracts.contracts[0].schema.is_some());
    assert!(check(&contracts, &Contracts::default()).expect_err("missing").contains("cannot be read"));
}

#[test]
fn a_stricter_word_may_hurt_who_sends_and_a_milder_one_hurts_nobody() {
    let mut catalog = Catalog::default();
    let (order, _) = catalog.both("order", event("orders/x", None));
    let spec = |catalog: &Catalog| catalog.objects[0].spec.clone();
    let before = spec(&catalog);
    catalog.validate(order, Validation::Rejected);
    let after = spec(&catalog);
    let mut stricter = between_objects(&before, &after).rows;
    let stricter = stricter.remove(0);
    assert_eq!((stricter.path.as_str(), stricter.class), ("validation", Class::Breaking));
    assert_eq!((stricter.before.as_deref(), stricter.after.as_deref()), (Some("unchecked"), Some("rejected")));
    assert_eq!(between_objects(&after, &before).rows[0].class, Class::Cosmetic);
}
