//! A small catalog for tests.

use mesh_schema::Format;
use uuid::Uuid;

use super::*;

/// What a test has made so far; ids count up.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) objects: Vec<Object>,
    pub(crate) versions: Vec<Version>,
}

impl Catalog {
    /// A new object; domains are told apart by a number.
    pub(crate) fn object(&mut self, kind: Kind, name: &str, domain: u128) -> DesignObjectId {
        let id = DesignObjectId(Uuid::from_u128(self.objects.len() as u128 + 1));
        let spec = Spec {
            name: name.to_owned(),
            domain: ApplicationDomainId(Uuid::from_u128(domain)),
            owner: String::new(),
            people: vec![],
            tags: vec![],
            attributes: BTreeMap::new(),
            document: String::new(),
            sharing: Sharing::Domain,
            validation: Validation::default(),
        };
        let by = || "ada".to_owned();
        self.objects.push(Object {
            id,
            kind,
            spec,
            revision: 1,
            created_at_ms: 0,
            created_by: by(),
            updated_at_ms: 0,
            updated_by: by(),
        });
        id
    }

    /// A new version, released.
    pub(crate) fn version(&mut self, object: DesignObjectId, number: &str, content: Content) -> DesignVersionId {
        let id = DesignVersionId(Uuid::from_u128(self.versions.len() as u128 + 1));
        self.versions.push(Version {
            id,
            object,
            spec: spec(number, content),
            state: State::Released,
            state_reason: String::new(),
            authors: vec!["ada".to_owned()],
            revision: 1,
            created_at_ms: 0,
            created_by: "ada".to_owned(),
            updated_at_ms: 0,
            updated_by: "ada".to_owned(),
        });
        id
    }

    /// A new object with one version, 1.0.0, released.
    pub(crate) fn both(&mut self, name: &str, content: Content) -> (DesignObjectId, DesignVersionId) {
        let object = self.object(content.kind(), name, 1);
        (object, self.version(object, "1.0.0", content))
    }

    pub(crate) fn at(&mut self, id: DesignVersionId) -> &mut Version {
        self.versions.iter_mut().find(|version| version.id == id).expect("a version of the test")
    }

    pub(crate) fn share(&mut self, id: DesignObjectId) {
        let object = self.objects.iter_mut().find(|object| object.id == id);
        object.expect("an object of the test").spec.sharing = Sharing::Shared;
    }

    pub(crate) fn graph(&self) -> Graph<'_> {
        Graph::of(&self.objects, &self.versions)
    }
}

pub(crate) fn spec(number: &str, content: Content) -> VersionSpec {
    VersionSpec {
        number: number.parse().expect("a number"),
        description: String::new(),
        content,
        end_of_life_at_ms: None,
        replacement: None,
    }
}

pub(crate) fn event(address: &str, schema: Option<DesignVersionId>) -> Content {
    Content::Event(Event { address: address.to_owned(), schema, ..Event::default() })
}

/// A record of these fields, such as `{"name": "sku", "type": "string"}`.
pub(crate) fn avro(fields: &str) -> Content {
    avro_with(fields, &[])
}

pub(crate) fn avro_with(fields: &str, references: &[(&str, DesignVersionId)]) -> Content {
    record("Order", fields, references)
}

pub(crate) fn record(name: &str, fields: &str, references: &[(&str, DesignVersionId)]) -> Content {
    let text = format!("{{\"type\": \"record\", \"name\": \"{name}\", \"fields\": [\n{fields}\n]}}");
    let reference = |(name, version): &(&str, _)| SchemaReference { name: (*name).to_owned(), version: *version };
    Content::Schema(Schema { format: Format::Avro, text, references: references.iter().map(reference).collect() })
}

pub(crate) fn application(publishes: &[DesignVersionId], consumes: &[DesignVersionId]) -> Content {
    Content::Application(Application { publishes: publishes.to_vec(), consumes: consumes.to_vec() })
}

pub(crate) fn event_api(sends: &[DesignVersionId], receives: &[DesignVersionId]) -> Content {
    Content::EventApi(EventApi { sends: sends.to_vec(), receives: receives.to_vec() })
}

pub(crate) fn product(apis: &[DesignVersionId]) -> Content {
    Content::Product(Product { apis: apis.to_vec() })
}

/// The errors of a check, as one text; empty = none.
pub(crate) fn told(result: Result<impl Sized, super::super::field::FieldErrors>) -> String {
    result.err().map(|errors| errors.to_string()).unwrap_or_default()
}
