use mesh_schema::Format;
use proptest::prelude::*;

use super::super::fixture::{Catalog, application, avro, avro_with, event};
use super::super::{Number, Sharing, State, apply, suggest};
use super::*;

const SKU: &str = r#"{"name": "sku", "type": "string"}"#;
const NOTE: &str = r#"{"name": "note", "type": "string", "default": ""}"#;
const COUNT: &str = r#"{"name": "count", "type": "int"}"#;
const TOLD: &str = r#"{"name": "sku", "type": "string", "doc": "What it is."}"#;

fn both(old: &Content, new: &Content, catalog: &mut Catalog) -> Difference {
    let (object, one) = catalog.both("one", old.clone());
    let two = catalog.version(object, "1.1.0", new.clone());
    let graph = catalog.graph();
    let version = |id| graph.version(id).expect("a version of the test");
    between_versions(&graph, Level::Backward, version(one), version(two))
}

#[test]
fn a_schema_is_judged_by_its_level_and_the_next_number_follows() {
    let check = |new: &str, class, number: &str, sentence: &str| {
        let difference = both(&avro(SKU), &avro(new), &mut Catalog::default());
        assert_eq!((difference.class, &*difference.sentence), (Some(class), sentence));
        assert_eq!(suggest([Number::FIRST], class).expect("one is left").to_string(), number);
    };
    let and = |more: &str| format!("{SKU},\n{more}");
    check(&and(NOTE), Class::Compatible, "1.1.0", "The new schema adds the optional field `note`.");
    check(&and(COUNT), Class::Breaking, "2.0.0", "The new schema adds the required field `count`.");
    check(TOLD, Class::Cosmetic, "1.0.1", "The new schema documents `sku` anew.");
    check(&format!("  {SKU}"), Class::Cosmetic, "1.0.1", "Nothing changes but the layout.");
}

#[test]
fn the_level_decides_what_breaks() {
    let mut catalog = Catalog::default();
    let (object, one) = catalog.both("one", avro(&format!("{SKU},\n{COUNT}")));
    let two = catalog.version(object, "1.1.0", avro(SKU));
    let graph = catalog.graph();
    let class = |level, before, after| {
        let version = |id| graph.version(id).expect("a version of the test");
        between_versions(&graph, level, version(before), version(after)).class
    };
    assert_eq!(class(Level::Backward, one, two), Some(Class::Compatible), "new consumers skip what they do not know");
    assert_eq!(class(Level::Full, one, two), Some(Class::Breaking));
    assert_eq!(class(Level::Backward, two, one), Some(Class::Breaking));
    assert_eq!(class(Level::None, two, one), Some(Class::Compatible));
}

#[test]
fn words_beside_a_change_that_is_not_told_are_not_all() {
    let json = |least: u8, words: &str| {
        let text = format!(r#"{{"properties": {{"n": {{"minimum": {least}, "description": "{words}"}}}}}}"#);
        Content::Schema(Schema { format: Format::JsonSchema, text, references: vec![] })
    };
    let class = |new: &Content| both(&json(1, "a"), new, &mut Catalog::default()).class;
    assert_eq!(class(&json(1, "b")), Some(Class::Cosmetic));
    assert_eq!(class(&json(0, "b")), Some(Class::Compatible));
}

#[test]
fn a_schema_text_is_compared_line_by_line() {
    let (old, new) = (avro(SKU), avro(&format!("{SKU},\n{NOTE}")));
    let difference = both(&old, &new, &mut Catalog::default());
    let (Content::Schema(old), Content::Schema(new)) = (old, new) else { panic!("schemas") };
    let text = &difference.texts[0];
    assert_eq!((&*text.path, text.class), ("text", Class::Compatible));
    assert_eq!(apply(&old.text, &text.lines), Some(new.text));
}

#[test]
fn what_cannot_be_compared_counts_as_breaking() {
    let difference = both(&avro(SKU), &avro("{}"), &mut Catalog::default());
    assert_eq!(difference.class, Some(Class::Breaking));
    assert!(difference.sentence.starts_with("The two cannot be compared: the new one's text is not sound"));
    let mut catalog = Catalog::default();
    let (_, used) = catalog.both("used", avro(SKU));
    let json = Content::Schema(Schema { format: Format::JsonSchema, text: "true".into(), references: vec![] });
    let difference = both(&avro_with(SKU, &[("Used", used)]), &json, &mut catalog);
    assert_eq!(difference.sentence, "The new schema is JSON Schema instead of Avro.");
    let paths: Vec<_> = difference.rows.iter().map(|row| &*row.path).collect();
    assert_eq!(paths, ["number", "format", "references.Used"]);
}

#[test]
fn an_event_is_judged_by_its_address_and_its_schemas() {
    let mut catalog = Catalog::default();
    let (object, one) = catalog.both("order", avro(SKU));
    let two = catalog.version(object, "1.1.0", avro(&format!("{SKU},{NOTE}")));
    let mut check = |old: &Content, new: &Content, class, sentence: &str| {
        let difference = both(old, new, &mut catalog);
        assert_eq!((&*difference.sentence, difference.class), (sentence, Some(class)));
    };
    let old = event("orders/{id}", Some(one));
    check(&old, &old, Class::Cosmetic, "The two differ only in number.");
    check(
        &old,
        &event("orders/{key}", Some(one)),
        Class::Cosmetic,
        "The event moves from `orders/{id}` to `orders/{key}`.",
    );
    check(
        &old,
        &event("orders", Some(two)),
        Class::Breaking,
        "The event moves from `orders/{id}` to `orders` and has the schema `order 1.1.0` instead of \
         `order 1.0.0` (the new schema adds the optional field `note`).",
    );
    check(&old, &event("orders/{id}", None), Class::Breaking, "The event loses the schema `order 1.0.0`.");
    check(&event("a", None), &event("a", Some(one)), Class::Compatible, "The event gets the schema `order 1.0.0`.");
}

#[test]
fn an_application_is_judged_by_what_it_publishes() {
    let mut catalog = Catalog::default();
    let (object, created) = catalog.both("created", event("orders/{id}", None));
    let moved = catalog.version(object, "2.0.0", event("orders", None));
    let (_, paid) = catalog.both("paid", event("paid", None));
    let mut check = |old: Content, new: Content, class, sentence: &str| {
        let difference = both(&old, &new, &mut catalog);
        assert_eq!((&*difference.sentence, difference.class), (sentence, Some(class)));
    };
    let instead = "`created 2.0.0` instead of `created 1.0.0`";
    check(
        application(&[created], &[]),
        application(&[moved, paid], &[]),
        Class::Breaking,
        &format!("The application publishes {instead} and publishes `paid 1.0.0` as well."),
    );
    check(
        application(&[], &[created, paid]),
        application(&[], &[moved]),
        Class::Compatible,
        &format!("The application consumes {instead} and no longer consumes `paid 1.0.0`."),
    );
    check(
        application(&[paid], &[]),
        application(&[], &[]),
        Class::Breaking,
        "The application no longer publishes `paid 1.0.0`.",
    );
}

#[test]
fn an_edited_object_differs_in_what_was_edited() {
    let mut catalog = Catalog::default();
    catalog.object(super::super::Kind::Event, "order", 1);
    let before = catalog.objects.remove(0).spec;
    let mut after = before.clone();
    after.tags = vec!["pii".into(), "shop".into()];
    after.attributes.insert("cost".into(), "12".into());
    after.document = "# Order\n".into();
    after.sharing = Sharing::Shared;
    let difference = between_objects(&before, &after);
    assert_eq!(difference.sentence, "The two differ only in tags, sharing, attributes.cost and document.");
    let row = |index: usize| (difference.rows[index].before.as_deref(), difference.rows[index].after.as_deref());
    assert_eq!((row(0), row(1)), ((None, Some("pii, shop")), (Some("domain"), Some("shared"))));
    assert_eq!((difference.class, difference.texts.len()), (Some(Class::Cosmetic), 1));
    assert_eq!(between_objects(&after, &after).class, None);
}

/// A catalog with what contents may refer to, and contents of one kind at a time.
fn contents() -> (Catalog, [Vec<Content>; 3]) {
    let mut catalog = Catalog::default();
    let (object, one) = catalog.both("order", avro(SKU));
    let two = catalog.version(object, "2.0.0", avro(COUNT));
    let (event_object, created) = catalog.both("created", event("a", Some(one)));
    let moved = catalog.version(event_object, "2.0.0", event("b", Some(two)));
    let (_, paid) = catalog.both("paid", event("paid", None));
    let schemas = vec![avro(SKU), avro(NOTE), avro("{}"), avro_with(SKU, &[("A", one)]), avro_with(SKU, &[("A", two)])];
    let events = vec![event("a", None), event("{a}", Some(one)), event("a", Some(two)), event(">", Some(created))];
    let applications = vec![
        application(&[created], &[]),
        application(&[moved], &[created, moved]),
        application(&[], &[paid]),
        application(&[paid, created], &[paid]),
    ];
    (catalog, [schemas, events, applications])
}

proptest! {
    #[test]
    fn a_version_does_not_differ_from_itself_and_sides_change_places(
        kind in 0_usize..3, picks in (0_usize..5, 0_usize..5), state in prop::sample::select(State::ALL.to_vec()),
        end_of_life_at_ms in prop::option::of(1_i64..9),
    ) {
        let (mut catalog, contents) = contents();
        let pick = |pick: usize| contents[kind][pick % contents[kind].len()].clone();
        let (object, one) = catalog.both("one", pick(picks.0));
        let two = catalog.version(object, "1.1.0", pick(picks.1));
        catalog.at(one).state = state;
        catalog.at(two).spec.end_of_life_at_ms = end_of_life_at_ms;
        let graph = catalog.graph();
        let (one, two) = (graph.version(one).expect("there"), graph.version(two).expect("there"));
        let itself = between_versions(&graph, Level::Full, one, one);
        prop_assert_eq!((itself.class, itself.rows.len(), itself.texts.len()), (None, 0, 0));
        prop_assert_eq!(itself.sentence, "Nothing changes.");
        let there = between_versions(&graph, Level::Full, one, two);
        let back = between_versions(&graph, Level::Full, two, one);
        let sides = |rows: &[Row], swap: bool| {
            let side = |row: &Row| match (row.before.clone(), row.after.clone()) {
                (before, after) if swap => (row.path.clone(), after, before),
                (before, after) => (row.path.clone(), before, after),
            };
            let mut sides: Vec<_> = rows.iter().map(side).collect();
            sides.sort();
            sides
        };
        prop_assert_eq!(sides(&there.rows, false), sides(&back.rows, true));
        prop_assert_eq!(there.class.is_some(), !there.rows.is_empty());
        let same = one.spec.content == two.spec.content;
        prop_assert!(!same || there.class == Some(Class::Cosmetic));
    }
}
