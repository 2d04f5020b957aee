use proptest::prelude::*;
use uuid::Uuid;

use super::super::Kind;
use super::super::fixture::{Catalog, application, avro, avro_with, event, record, told};
use super::*;

const SKU: &str = r#"{"name": "sku", "type": "string"}"#;

fn names(versions: &[&Version], graph: &Graph<'_>) -> Vec<String> {
    versions.iter().map(|version| graph.label(version.id)).collect()
}

#[test]
fn what_a_change_could_hurt_is_found_through_others() {
    let mut catalog = Catalog::default();
    let (_, line) = catalog.both("line", record("Line", SKU, &[]));
    let (_, order) = catalog.both("order", avro_with(SKU, &[("Line", line)]));
    let (_, created) = catalog.both("order-created", event("orders/created", Some(order)));
    catalog.both("shop", application(&[created], &[created]));
    let graph = catalog.graph();
    assert_eq!(
        names(&graph.affected_by(line), &graph),
        ["schema order 1.0.0", "event order-created 1.0.0", "application shop 1.0.0"]
    );
    assert_eq!(names(&graph.used_by(created), &graph), ["application shop 1.0.0"], "once, though it does both");
    let fields: Vec<_> = graph.users(created).iter().map(|user| user.field).collect();
    assert_eq!(fields, ["publishes", "consumes"]);
    assert_eq!(graph.affected_by(DesignVersionId(Uuid::nil())).len(), 0);
}

#[test]
fn needs_that_are_not_there_count_as_retired() {
    let mut catalog = Catalog::default();
    let gone = DesignVersionId(Uuid::nil());
    let (_, id) = catalog.both("order-created", event("orders/created", Some(gone)));
    let graph = catalog.graph();
    let needs = graph.needs(graph.version(id).expect("it is there"));
    assert_eq!((needs[0].state, needs[0].field), (State::Retired, "schema"));
}

#[test]
fn a_schema_is_read_with_all_it_uses() {
    let mut catalog = Catalog::default();
    let (_, money) = catalog.both("money", record("Money", r#"{"name": "cents", "type": "long"}"#, &[]));
    let price = r#"{"name": "price", "type": "Money"}"#;
    let (_, line) = catalog.both("line", record("Line", price, &[("Money", money)]));
    let lines = r#"{"name": "lines", "type": {"type": "array", "items": "Line"}}"#;
    let (_, order) = catalog.both("order", avro_with(lines, &[("Line", line)]));
    let graph = catalog.graph();
    let Content::Schema(content) = &graph.version(order).expect("it is there").spec.content else { panic!("a schema") };
    let schema = graph.schema(Some(order), content).expect("sound");
    assert!(schema.fields().iter().any(|field| field.path == "lines[].price.cents"), "{:?}", schema.fields());
    let order: Vec<_> = graph.closure(Some(order), content).expect("no circle").iter().map(|one| &*one.name).collect();
    assert_eq!(order, ["Money", "Line"], "each after those it needs");
    let lone = Schema { references: vec![], ..content.clone() };
    assert!(told(graph.schema(None, &lone)).starts_with("text is not sound"));
}

#[test]
fn a_circle_is_named_whole() {
    let mut catalog = Catalog::default();
    let (_, line) = catalog.both("line", avro(SKU));
    let (_, order) = catalog.both("order", avro_with(SKU, &[("Line", line)]));
    catalog.at(line).spec.content = avro_with(SKU, &[("Order", order)]);
    let graph = catalog.graph();
    let Content::Schema(content) = &graph.version(line).expect("it is there").spec.content else { panic!("a schema") };
    assert_eq!(
        told(graph.schema(Some(line), content)),
        "references goes round in a circle: schema line 1.0.0 -> schema order 1.0.0 -> schema line 1.0.0; \
         take one of them out"
    );
    assert_eq!(graph.affected_by(line).len(), 1, "walks end in a circle too");
}

#[test]
fn one_name_for_two_versions_is_refused() {
    let mut catalog = Catalog::default();
    let (object, one) = catalog.both("money", avro(SKU));
    let two = catalog.version(object, "2.0.0", avro(SKU));
    let (_, line) = catalog.both("line", avro_with(SKU, &[("Money", one)]));
    let Content::Schema(content) = avro_with(SKU, &[("Money", two), ("Line", line)]) else { panic!("a schema") };
    let error = told(catalog.graph().schema(None, &content));
    assert!(error.contains("schema money 1.0.0") && error.contains("schema money 2.0.0"), "{error}");
}

#[test]
fn a_chain_of_schemas_has_an_end() {
    let edges: Vec<Vec<usize>> =
        (0..mesh_schema::REFERENCES_MAX + 2).map(|number| number.checked_sub(1).into_iter().collect()).collect();
    let catalog = schemas(&edges);
    let error = |number: usize| {
        let Content::Schema(content) = &catalog.versions[number].spec.content else { panic!("a schema") };
        told(catalog.graph().schema(None, content))
    };
    assert!(
        !error(mesh_schema::REFERENCES_MAX).starts_with("references with all"),
        "{}",
        error(mesh_schema::REFERENCES_MAX)
    );
    assert!(error(mesh_schema::REFERENCES_MAX + 1).starts_with("references with all they use are more than 100"));
}

#[test]
fn a_version_is_compared_with_the_highest_live_one_below_it() {
    let mut catalog = Catalog::default();
    let (object, one) = catalog.both("order", event("orders/created", None));
    let two = catalog.version(object, "2.0.0", event("orders/paid", None));
    let middle = catalog.version(object, "1.10.0", event("orders/{verb}", None));
    let change = |catalog: &Catalog, id| {
        let graph = catalog.graph();
        let change = graph.change(graph.version(id).expect("it is there"), Level::Backward);
        change.map(|change| (change.since.to_string(), change.class))
    };
    assert_eq!(change(&catalog, one), None);
    assert_eq!(change(&catalog, middle), Some(("1.0.0".into(), Class::Compatible)));
    assert_eq!(change(&catalog, two), Some(("1.10.0".into(), Class::Breaking)));
    catalog.at(middle).state = State::Draft;
    assert_eq!(change(&catalog, two), Some(("1.0.0".into(), Class::Breaking)));
}

/// A schema for each row, which refers to the ones with these numbers.
fn schemas(edges: &[Vec<usize>]) -> Catalog {
    let mut catalog = Catalog::default();
    let object = catalog.object(Kind::Schema, "node", 1);
    let id = |number: usize| DesignVersionId(Uuid::from_u128(number as u128 + 1));
    for (number, to) in edges.iter().enumerate() {
        let labels: Vec<String> = to.iter().map(|to| format!("n{to}")).collect();
        let references: Vec<_> = labels.iter().map(String::as_str).zip(to.iter().map(|to| id(*to))).collect();
        catalog.version(object, &format!("1.0.{number}"), avro_with(SKU, &references));
    }
    catalog
}

/// Who reaches whom in one step or more, by doing all steps until nothing is new.
fn reach(edges: &[Vec<usize>]) -> Vec<Vec<bool>> {
    let n = edges.len();
    let mut reach: Vec<Vec<bool>> = edges.iter().map(|to| (0..n).map(|j| to.contains(&j)).collect()).collect();
    for k in 0..n {
        for i in 0..n {
            for j in 0..n {
                reach[i][j] |= reach[i][k] && reach[k][j];
            }
        }
    }
    reach
}

proptest! {
    #[test]
    fn walks_find_what_is_reached_and_every_circle(
        edges in prop::collection::vec(prop::collection::btree_set(0_usize..7, 0..3), 7)
    ) {
        let edges: Vec<Vec<usize>> = edges.into_iter().map(|to| to.into_iter().collect()).collect();
        let (catalog, reach) = (schemas(&edges), reach(&edges));
        let graph = catalog.graph();
        for (number, version) in catalog.versions.iter().enumerate() {
            let Content::Schema(content) = &version.spec.content else { panic!("a schema") };
            let in_circle = (0..7).any(|at| (at == number || reach[number][at]) && reach[at][at]);
            let closure = graph.closure(Some(version.id), content);
            prop_assert_eq!(closure.is_err(), in_circle);
            let affected: HashSet<_> = graph.affected_by(version.id).iter().map(|version| version.id).collect();
            for (other, user) in catalog.versions.iter().enumerate() {
                prop_assert_eq!(affected.contains(&user.id), other != number && reach[other][number]);
            }
            let built_on: HashSet<_> = graph.built_on(version.id).iter().map(|version| version.id).collect();
            for (other, needed) in catalog.versions.iter().enumerate() {
                prop_assert_eq!(built_on.contains(&needed.id), other != number && reach[number][other]);
            }
            let Ok(closure) = closure else { continue };
            let ids: Vec<_> = closure.iter().map(|reference| reference.version).collect();
            for (other, used) in catalog.versions.iter().enumerate() {
                let place = ids.iter().position(|id| *id == used.id);
                prop_assert_eq!(place.is_some(), reach[number][other]);
                let before = edges[other].iter().map(|to| ids.iter().position(|id| *id == catalog.versions[*to].id));
                prop_assert!(place.is_none() || before.into_iter().all(|before| before < place));
            }
        }
    }
}

#[test]
fn a_transitive_level_sees_the_harm_to_versions_before_the_last() {
    let mut catalog = Catalog::default();
    let note =
        |kind: &str, default: &str| format!(r#"{SKU}, {{"name": "note", "type": "{kind}", "default": {default}}}"#);
    let (order, _) = catalog.both("order", avro(&note("string", "\"\"")));
    catalog.version(order, "1.1.0", avro(SKU));
    let last = catalog.version(order, "1.2.0", avro(&note("int", "0")));
    let change = |catalog: &Catalog, level| {
        let version = catalog.versions.iter().find(|version| version.id == last).expect("just made");
        catalog.graph().change(version, level).map(|change| (change.since.to_string(), change.class))
    };
    assert_eq!(change(&catalog, Level::Backward), Some(("1.1.0".to_owned(), Class::Compatible)));
    assert_eq!(change(&catalog, Level::BackwardTransitive), Some(("1.0.0".to_owned(), Class::Breaking)));
    catalog.versions[0].state = State::Retired;
    assert_eq!(change(&catalog, Level::BackwardTransitive), Some(("1.1.0".to_owned(), Class::Compatible)));
}
