use mesh_schema::Format;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::design::fixture::{Catalog, avro, avro_with, event};
use super::super::design::{Class, Kind, SchemaReference, State};
use super::*;

const SKU: &str = r#"{"name": "sku", "type": "string"}"#;

fn subject(name: &str, object: Option<DesignObjectId>) -> Subject {
    let id = SubjectId(Uuid::from_u128(name.bytes().fold(7, |sum, byte| sum * 257 + u128::from(byte))));
    Subject { id, name: name.to_owned(), object, level: None, mode: None, last_version: 0 }
}

fn id(number: u32) -> SchemaId {
    SchemaId::new(number).expect("above 0")
}

/// A registry under test; contents are told apart by letters.
#[derive(Default)]
struct Book {
    catalog: Catalog,
    settings: Settings,
    subjects: Vec<Subject>,
    registered: Vec<Registered>,
    known: Vec<KnownSchema>,
}

impl Book {
    /// A new version of a subject with this content.
    fn add(&mut self, name: &str, content: &str) -> DesignVersionId {
        let found = self.subjects.iter().position(|subject| subject.name == name);
        let place = found.unwrap_or_else(|| {
            let object = self.catalog.object(Kind::Schema, name, 1);
            self.subjects.push(subject(name, Some(object)));
            self.subjects.len() - 1
        });
        let object = self.subjects[place].object.expect("made with one");
        let number = format!("1.{}.0", self.subjects[place].last_version);
        let design = self.catalog.version(object, &number, avro(SKU));
        self.enlist(place, content, design);
        design
    }

    fn enlist(&mut self, place: usize, content: &str, design: DesignVersionId) {
        let known = self.known.iter().find(|known| known.fingerprint == content).map(|known| known.id);
        let schema = known.unwrap_or_else(|| {
            self.settings.last_id += 1;
            let id = id(self.settings.last_id);
            self.known.push(KnownSchema { id, fingerprint: content.to_owned() });
            id
        });
        let subject = &mut self.subjects[place];
        subject.last_version += 1;
        self.registered.push(Registered { subject: subject.id, version: subject.last_version, schema, design });
    }

    fn registry(&self) -> Registry {
        let (subjects, known) = (self.subjects.clone(), self.known.clone());
        Registry::of(self.settings, subjects, &self.registered, known, &self.catalog.versions)
    }

    /// The registry before and after one more version, the second made from the first.
    fn grown(&mut self, name: &str, content: &str) -> (Registry, Registry) {
        let before = self.registry();
        self.add(name, content);
        let registered = *self.registered.last().expect("just added");
        let subject = self.subjects.iter().find(|subject| subject.name == name).expect("just added");
        let place = self.catalog.versions.len() - 1;
        (before.with(subject, registered, content, place), self.registry())
    }

    fn retire(&mut self, design: DesignVersionId) {
        self.catalog.at(design).state = State::Retired;
    }
}

fn numbers(registry: &Registry, name: &str, deleted: Deleted) -> Vec<u32> {
    registry.versions(name, deleted).map(|listed| listed.registered.version).collect()
}

#[test]
fn a_content_is_told_by_format_text_and_references() {
    let reference = |name: &str, version: u128| SchemaReference {
        name: name.to_owned(),
        version: DesignVersionId(Uuid::from_u128(version)),
    };
    let of = |format, text: &str, references: &[SchemaReference]| fingerprint(format, text, references);
    let plain = of(Format::Avro, "x", &[]);
    assert_ne!(plain, of(Format::JsonSchema, "x", &[]));
    assert_ne!(plain, of(Format::Avro, "y", &[]));
    assert_ne!(plain, of(Format::Avro, "x", &[reference("a", 1)]));
    let both = of(Format::Avro, "x", &[reference("a", 1), reference("b", 2)]);
    assert_eq!(both, of(Format::Avro, "x", &[reference("b", 2), reference("a", 1)]), "in any order");
    assert_ne!(both, of(Format::Avro, "x", &[reference("a", 2), reference("b", 1)]));
}

#[test]
fn what_is_retired_is_deleted_and_still_there_for_its_readers() {
    let mut book = Book::default();
    let first = book.add("orders", "a");
    book.add("orders", "b");
    book.add("stock", "a");
    book.retire(first);
    let registry = book.registry();
    assert_eq!(numbers(&registry, "orders", Deleted::Without), [2]);
    assert_eq!(numbers(&registry, "orders", Deleted::With), [1, 2]);
    assert_eq!(numbers(&registry, "orders", Deleted::Only), [1]);
    assert_eq!(registry.version("orders", Some(1), Deleted::Without), Err(Refusal::NoVersion(1)));
    assert_eq!(registry.version("orders", None, Deleted::Without).map(|listed| listed.registered.version), Ok(2));
    assert_eq!(registry.version("x", None, Deleted::With), Err(Refusal::NoSubject("x".to_owned())));
    let holders = registry.holders(id(1)).expect("in both");
    assert_eq!(holders.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["orders", "stock"]);
    assert_eq!(registry.holders(id(3)), Err(Refusal::NoId(id(3))));
    assert_eq!(registry.of_design(first).map(|(name, listed)| (name, listed.is_deleted)), Some(("orders", true)));
    assert!(registry.lookup("orders", "a", Deleted::Without).is_none());
    assert_eq!(registry.lookup("orders", "a", Deleted::With).map(|listed| listed.registered.version), Some(1));
    assert_eq!(registry.subjects(Deleted::Only).count(), 0, "a subject is deleted with its last version");
}

#[test]
fn what_a_subject_does_not_say_the_registry_says() {
    let mut book = Book::default();
    book.add("orders", "a");
    book.add("stock", "a");
    book.subjects[0].level = Some(Level::Full);
    book.subjects[0].mode = Some(Mode::Import);
    book.settings.level = Level::Forward;
    let level = |book: &Book| ["orders", "stock", "new"].map(|name| book.registry().level(name));
    assert_eq!(level(&book), [Level::Full, Level::Forward, Level::Forward]);
    let mode = |book: &Book| ["orders", "stock"].map(|name| book.registry().mode(name));
    assert_eq!(mode(&book), [Mode::Import, Mode::ReadWrite]);
    book.settings.mode = Mode::ReadOnly;
    assert_eq!(mode(&book), [Mode::Import, Mode::ReadOnly]);
    book.settings.mode = Mode::ReadOnlyOverride;
    assert_eq!(mode(&book), [Mode::ReadOnlyOverride; 2]);
    assert_eq!(book.registry().level_of(book.subjects[0].object.expect("it has one")), Level::Full);
}

#[test]
fn a_schema_is_placed_once_and_only_importers_choose() {
    let mut book = Book::default();
    book.add("orders", "a");
    book.add("orders", "b");
    let place = |book: &Book, content: &str, asked: Asked| book.registry().place("orders", content, asked);
    let there = |placed: Result<Place, Refusal>| match placed {
        Ok(Place::There(registered)) => Some(registered.version),
        _ => None,
    };
    let nothing = Asked::default();
    assert_eq!(there(place(&book, "a", nothing)), Some(1));
    assert_eq!(place(&book, "c", nothing), Ok(Place::New { version: 3, id: None }));
    assert_eq!(book.registry().place("new", "b", nothing), Ok(Place::New { version: 1, id: Some(id(2)) }));
    let asked = |number: u32, version: Option<u32>| Asked { id: SchemaId::new(number), version };
    let code = |placed: Result<Place, Refusal>| placed.map_err(|refusal| refusal.code());
    assert_eq!(code(place(&book, "c", asked(9, None))), Err(42205));
    assert_eq!(code(place(&book, "c", asked(0, Some(5)))), Err(42201));
    assert_eq!(place(&book, "c", asked(0, Some(3))), Ok(Place::New { version: 3, id: None }));
    book.subjects[0].mode = Some(Mode::Import);
    assert_eq!(code(place(&book, "c", nothing)), Err(42205), "an import brings its ids");
    assert_eq!(place(&book, "c", asked(9, Some(7))), Ok(Place::New { version: 7, id: Some(id(9)) }));
    assert_eq!(place(&book, "a", asked(9, None)), Ok(Place::New { version: 3, id: Some(id(9)) }), "another id for it");
    assert_eq!(there(place(&book, "a", asked(1, Some(1)))), Some(1));
    assert_eq!(code(place(&book, "c", asked(1, None))), Err(42205), "that id means something else");
    assert_eq!(code(place(&book, "c", asked(9, Some(2)))), Err(42205), "that number is taken");
    book.subjects[0].mode = Some(Mode::ReadOnly);
    assert_eq!(there(place(&book, "b", nothing)), Some(2));
    assert_eq!(code(place(&book, "c", nothing)), Err(42205));
}

#[test]
fn nothing_that_is_used_is_deleted() {
    let mut book = Book::default();
    let line = book.add("line", "line");
    let order = book.add("order", "order");
    book.catalog.at(order).spec.content = avro_with(SKU, &[("Line", line)]);
    let created = book.catalog.both("created", event("orders", Some(order))).1;
    let delete = |book: &Book, name: &str, is_permanent: bool| {
        let registry = book.registry();
        let deleted = registry.delete_subject(name, is_permanent, &book.catalog.graph());
        deleted.map(|delete| (delete.versions.len(), delete.is_all)).map_err(|refusal| refusal.code())
    };
    assert_eq!(delete(&book, "line", false), Err(42206), "a schema uses it");
    assert_eq!(delete(&book, "order", false), Err(42206), "an event uses it");
    book.catalog.at(created).state = State::Draft;
    assert_eq!(delete(&book, "order", false), Ok((1, false)), "what is not served holds nothing");
    assert_eq!(delete(&book, "order", true), Err(40405));
    book.retire(order);
    assert_eq!(delete(&book, "order", false), Err(40404));
    assert_eq!(delete(&book, "line", false), Ok((1, false)));
    book.retire(line);
    assert_eq!(delete(&book, "line", true), Err(42206), "a deleted version still names it");
    assert_eq!(delete(&book, "order", true), Ok((1, true)));
    let one = |book: &Book, is_permanent| {
        let registry = book.registry();
        let deleted = registry.delete_version("order", None, is_permanent, &book.catalog.graph());
        deleted.map(|delete| delete.is_all).map_err(|refusal| refusal.code())
    };
    assert_eq!(one(&book, false), Err(40406));
    assert_eq!(one(&book, true), Ok(true));
    book.add("order", "other");
    assert_eq!(one(&book, true), Err(40407), "the newest is there");
    assert_eq!(one(&book, false), Ok(false));
    book.settings.mode = Mode::ReadOnly;
    assert_eq!(one(&book, false), Err(42205));
}

#[test]
fn numbers_of_registered_versions_tell_the_truth_whatever_the_level() {
    let mut catalog = Catalog::default();
    let (order, _) = catalog.both("order", avro(SKU));
    let wider = format!(r#"{SKU}, {{"name": "note", "type": "string", "default": ""}}"#);
    let broken = format!(r#"{SKU}, {{"name": "total", "type": "double"}}"#);
    let number = |catalog: &Catalog, level, fields: &str| {
        let mut next = catalog.versions[0].clone();
        (next.id, next.spec.content) = (DesignVersionId(Uuid::from_u128(99)), avro(fields));
        number_for(&next, level, &catalog.graph()).map(|number| number.to_string()).unwrap_or_default()
    };
    assert_eq!(number(&catalog, Level::Backward, &wider), "1.1.0");
    assert_eq!(number(&catalog, Level::None, &wider), "1.1.0");
    assert_eq!(number(&catalog, Level::None, &broken), "2.0.0");
    assert_eq!(number(&catalog, Level::Forward, &broken), "1.1.0", "who asks for forward alone is not hurt");
    // A draft of a higher number stays below.
    let draft = catalog.version(order, "3.0.0", avro(&broken));
    catalog.at(draft).state = State::Draft;
    assert_eq!(number(&catalog, Level::Backward, &wider), "3.1.0");
    assert_eq!(
        catalog.graph().change(&catalog.versions[1], Level::Backward).map(|change| change.class),
        Some(Class::Breaking)
    );
}

#[test]
fn only_transitive_levels_look_at_all_versions() {
    let mut book = Book::default();
    for content in ["a", "b", "c"] {
        book.add("orders", content);
    }
    let all: Vec<Listed> = book.registry().versions("orders", Deleted::Without).copied().collect();
    let seen = |level| previous(level, all.clone()).iter().map(|one| one.registered.version).collect::<Vec<_>>();
    assert_eq!(seen(Level::Full), [3]);
    assert_eq!(seen(Level::FullTransitive), [1, 2, 3]);
    assert_eq!(previous(Level::Backward, Vec::new()), []);
}

#[test]
fn an_object_that_nobody_named_a_subject_for_has_one_after_its_name() {
    let mut book = Book::default();
    book.add("order", "a");
    book.subjects.push(subject("stock", None));
    let registry = book.registry();
    assert_eq!(registry.free_name("item", "shop", &[]), "item");
    assert_eq!(registry.free_name("stock", "shop", &[]), "stock", "a level alone takes no name");
    assert_eq!(registry.free_name("order", "shop", &[]), "shop.order");
    assert_eq!(registry.free_name("order", "shop", &["shop.order".to_owned()]), "shop.order-2");
}

/// A step of somebody: what is registered where, or which version of which subject is retired.
fn steps() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
    prop::collection::vec((0_usize..3, 0_usize..4, prop::bool::weighted(0.8)), 0..40)
}

proptest! {
    #[test]
    fn whatever_is_registered_and_retired_numbers_count_up_and_ids_mean_one_thing(steps in steps()) {
        let mut book = Book::default();
        for (subject, content, registers) in steps {
            let (name, content) = (["a", "b", "c"][subject], ["w", "x", "y", "z"][content]);
            let registry = book.registry();
            if registers {
                let before = numbers(&registry, name, Deleted::With);
                match registry.place(name, content, Asked::default()).expect("nothing forbids it") {
                    Place::There(registered) => {
                        prop_assert_eq!(registry.content_of(registered.schema), Some(content));
                        prop_assert!(numbers(&registry, name, Deleted::Without).contains(&registered.version));
                    }
                    Place::New { version, id } => {
                        prop_assert_eq!(version, before.last().copied().unwrap_or_default() + 1);
                        prop_assert_eq!(id, registry.id_of(content));
                        let (grown, read) = book.grown(name, content);
                        prop_assert_eq!(grown, read, "as if it were read anew");
                        let again = book.registry().place(name, content, Asked::default());
                        prop_assert!(matches!(again, Ok(Place::There(found)) if found.version == version));
                    }
                }
            } else if let Some(listed) = registry.versions(name, Deleted::Without).next().copied() {
                book.retire(listed.registered.design);
            }
            let registry = book.registry();
            for one in &book.registered {
                let holders = registry.holders(one.schema).expect("it is registered");
                prop_assert!(holders.iter().any(|(_, listed)| listed.registered == *one));
            }
        }
        let contents: std::collections::BTreeSet<_> = book.known.iter().map(|known| &known.fingerprint).collect();
        prop_assert_eq!(contents.len(), book.known.len());
    }
}

#[test]
fn names_of_modes_lead_back_to_them() {
    for mode in Mode::ALL {
        assert_eq!(Mode::by_name(mode.name()), Some(mode));
        assert_eq!(serde_json::to_value(mode).expect("a name"), mode.name());
    }
    assert_eq!(Mode::by_name("FORWARD"), None);
}
