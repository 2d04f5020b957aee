use mesh_protocol::id::ApplicationDomainId;
use mesh_schema::Format;
use uuid::Uuid;

use super::super::fixture::{Catalog, application, avro, avro_with, event, spec, told};
use super::super::{EVENTS_MAX, Schema};
use super::*;

const SKU: &str = r#"{"name": "sku", "type": "string"}"#;

#[test]
fn an_object_that_is_written_wrong_says_where() {
    let mut catalog = Catalog::default();
    let id = catalog.object(Kind::Event, "order-created", 1);
    let all = catalog.objects;
    let wrong = |change: &dyn Fn(&mut Spec)| {
        let mut spec = all[0].spec.clone();
        spec.name = "order-paid".to_owned();
        change(&mut spec);
        told(spec.check(Kind::Event, None, &all))
    };
    assert_eq!(wrong(&|_| ()), "");
    assert!(wrong(&|spec| spec.name = "Order created".into()).starts_with("name may hold"));
    assert!(wrong(&|spec| spec.name = "order-created".into()).starts_with("name is that of another event"));
    assert!(wrong(&|spec| spec.people = vec!["Ada Lovelace".into()]).starts_with("people"));
    assert!(wrong(&|spec| spec.people = vec!["ada".into(); OWNERS_MAX + 1]).starts_with("people"));
    for tag in ["", "a,b", "a\nb", &"x".repeat(LABEL_BYTES_MAX + 1)] {
        assert!(wrong(&|spec| spec.tags = vec![tag.to_owned()]).starts_with("tags hold"), "{tag:?}");
    }
    assert_eq!(wrong(&|spec| spec.tags = vec!["env:production".into(), "PII, ".trim_matches([',', ' ']).into()]), "");
    assert!(wrong(&|spec| spec.tags = (0..=TAGS_MAX).map(|n| n.to_string()).collect()).starts_with("tags are more"));
    assert!(wrong(&|spec| drop(spec.attributes.insert("Cost".into(), String::new()))).starts_with("attributes"));
    assert!(wrong(&|spec| drop(spec.attributes.insert("cost".into(), "\0".into()))).starts_with("attributes hold"));
    assert_eq!(wrong(&|spec| spec.document = "x".repeat(DOCUMENT_BYTES_MAX)), "");
    assert!(wrong(&|spec| spec.document = "x".repeat(DOCUMENT_BYTES_MAX + 1)).starts_with("document"));
    assert_eq!(told(all[0].spec.check(Kind::Event, Some(id), &all)), "", "its own name is its own");
    assert_eq!(told(all[0].spec.check(Kind::Schema, None, &all)), "", "names are those of a kind");
    let elsewhere = Spec { domain: ApplicationDomainId(Uuid::from_u128(2)), ..all[0].spec.clone() };
    assert_eq!(told(elsewhere.check(Kind::Event, None, &all)), "", "and of a domain");
}

#[test]
fn objects_are_tidied() {
    let mut catalog = Catalog::default();
    catalog.object(Kind::Event, " order ", 1);
    let mut spec = catalog.objects.remove(0).spec;
    spec.tags = [" pii", "b", "", "pii"].map(str::to_owned).to_vec();
    spec.attributes.insert(" cost ".into(), " 12".into());
    let tidied = spec.tidied();
    assert_eq!(
        (&*tidied.name, tidied.tags, &*tidied.attributes["cost"]),
        ("order", vec!["b".into(), "pii".into()], "12")
    );
}

#[test]
fn versions_are_tidied() {
    let [one, two] = [1, 2].map(|number| DesignVersionId(Uuid::from_u128(number)));
    let tidied = |content| spec("1.0.0", content).tidied().content;
    assert_eq!(tidied(event(" orders ", None)), event("orders", None));
    assert_eq!(tidied(application(&[two, one, two], &[two, one])), application(&[one, two], &[one, two]));
}

#[test]
fn a_version_that_is_written_wrong_says_where() {
    let mut catalog = Catalog::default();
    let (schema_object, schema) = catalog.both("order", avro(SKU));
    let (event_object, created) = catalog.both("order-created", event("orders/created", Some(schema)));
    let shop = catalog.object(Kind::Application, "shop", 1);
    let graph = catalog.graph();
    let wrong = |object, spec: &VersionSpec| told(spec.check(graph.object(object).expect("an object"), None, &graph));
    let (good, gone) = (spec("1.1.0", event("orders/{id}", Some(schema))), DesignVersionId(Uuid::nil()));
    assert_eq!(wrong(event_object, &good), "");
    assert_eq!(told(catalog.versions[1].spec.check(&catalog.objects[1], Some(created), &graph)), "", "its own number");
    assert_eq!(
        wrong(event_object, &spec("1.0.0", event("orders/{id}", None))),
        "number 1.0.0 is used already: 1.1.0 is free"
    );
    assert!(
        wrong(event_object, &spec("1.1.0", avro(SKU)))
            .starts_with("content is of kind schema, and the object is of kind event")
    );
    assert!(wrong(event_object, &spec("1.1.0", event("orders/*", None))).starts_with("address holds `*`"));
    assert!(
        wrong(event_object, &spec("1.1.0", event("a", Some(gone)))).starts_with("schema names a version that is not")
    );
    assert!(
        wrong(event_object, &spec("1.1.0", event("a", Some(created)))).ends_with("choose a version of kind schema")
    );
    assert!(
        wrong(shop, &spec("1.0.0", application(&[schema], &[created]))).starts_with("publishes names schema order")
    );
    let many = application(&[], &vec![created; EVENTS_MAX + 1]);
    assert!(wrong(shop, &spec("1.0.0", many)).starts_with("consumes names more than 500"));
    assert!(wrong(schema_object, &spec("1.1.0", avro("{}"))).starts_with("text is not sound"));
    let twice = avro_with(SKU, &[("A", schema), ("A", schema)]);
    assert!(wrong(schema_object, &spec("1.1.0", twice)).starts_with("references calls two"));
    let format = Format::JsonSchema;
    let other = Schema {
        format,
        text: "true".into(),
        references: vec![super::super::SchemaReference { name: "a".into(), version: schema }],
    };
    assert!(wrong(schema_object, &spec("1.1.0", Content::Schema(other))).contains("which is Avro"));
    for (replacement, words) in [(gone, "is not there"), (schema, "choose one of kind event")] {
        let spec = VersionSpec { replacement: Some(replacement), ..good.clone() };
        assert!(wrong(event_object, &spec).contains(words));
    }
    let both = VersionSpec { description: "x".repeat(3_000), ..spec("1.0.0", event("", None)) };
    assert_eq!(both.check(&catalog.objects[1], None, &graph).expect_err("three mistakes").0.len(), 3);
}

#[test]
fn what_is_retired_or_kept_private_cannot_be_built_on() {
    let mut catalog = Catalog::default();
    let (object, schema) = catalog.both("order", avro(SKU));
    let near = catalog.object(Kind::Event, "near", 1);
    let far = catalog.object(Kind::Event, "far", 2);
    let wrong = |catalog: &Catalog, event_object| {
        let graph = catalog.graph();
        let spec = spec("1.0.0", event("orders", Some(schema)));
        told(spec.check(graph.object(event_object).expect("an object"), None, &graph))
    };
    assert_eq!(wrong(&catalog, near), "");
    assert!(wrong(&catalog, far).contains("is not shared: ask its owner"));
    catalog.share(object);
    assert_eq!(wrong(&catalog, far), "");
    catalog.at(schema).state = State::Retired;
    assert_eq!(wrong(&catalog, near), "schema names schema order 1.0.0, which is retired: choose another one");
}

#[test]
fn an_edit_checks_all_of_a_draft_and_later_only_what_may_change() {
    let mut catalog = Catalog::default();
    let (_, schema) = catalog.both("order", avro(SKU));
    let (_, created) = catalog.both("created", event("orders", Some(schema)));
    catalog.at(schema).state = State::Retired;
    let edit = |catalog: &Catalog, description: &str| {
        let version = &catalog.versions[1];
        let new = VersionSpec { description: description.to_owned(), ..version.spec.clone() };
        told(version.check_edit(&new, &catalog.objects[1], &catalog.graph()))
    };
    assert_eq!(edit(&catalog, "Words."), "", "what it stands on was retired later, and cannot be changed now");
    assert!(edit(&catalog, &"x".repeat(3_000)).starts_with("description"));
    catalog.at(created).state = State::Draft;
    assert!(edit(&catalog, "Words.").contains("which is retired"));
}

#[test]
fn an_object_stays_shared_and_where_it_is_as_long_as_references_need_that() {
    let mut catalog = Catalog::default();
    let (schema_object, schema) = catalog.both("order", avro(SKU));
    let (event_object, created) = catalog.both("created", event("orders", Some(schema)));
    let domain = ApplicationDomainId(Uuid::from_u128(2));
    let moved = |catalog: &Catalog, index: usize, sharing| {
        let object = &catalog.objects[index];
        told(Spec { domain, sharing, ..object.spec.clone() }.check_reach(object.id, &catalog.graph()))
    };
    assert_eq!((schema_object, event_object), (catalog.objects[0].id, catalog.objects[1].id));
    assert!(moved(&catalog, 0, Sharing::Domain).starts_with("sharing must be with all domains"));
    assert_eq!(moved(&catalog, 0, Sharing::Shared), "");
    assert_eq!(
        moved(&catalog, 1, Sharing::Domain),
        "domain cannot be another one while this is not shared: schema order 1.0.0"
    );
    catalog.at(created).state = State::Retired;
    assert_eq!(moved(&catalog, 1, Sharing::Domain), "", "what is gone holds nothing");
    catalog.version(schema_object, "2.0.0", avro_with(SKU, &[("Old", schema)]));
    assert_eq!(moved(&catalog, 0, Sharing::Domain), "", "versions of one object move together");
}
