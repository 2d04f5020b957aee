//! The fields of a version that have tags: what whoever decides about access has to know of an event.

use mesh_protocol::id::DesignVersionId;

use super::{Content, Graph, Version};

/// A field that has tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Of an event, the field of the schema that has it: `schema`, `key_schema` or `headers_schema`. Of a schema, `schema`.
    pub part: &'static str,
    /// The way to it, as schemas write it; `$` = all of that part.
    pub path: String,
    /// Its tags, each once.
    pub tags: Vec<String>,
}

impl Graph<'_> {
    /// The fields with tags of an event version, in payload, key and headers, or of a schema version. A schema that cannot
    /// be read has none to tell; an application has none of its own.
    #[must_use]
    pub fn tagged(&self, version: &Version) -> Vec<Tagged> {
        match &version.spec.content {
            Content::Schema(_) => self.tagged_in("schema", version.id),
            Content::Event(event) => {
                event.schemas().filter_map(|(part, id)| Some(self.tagged_in(part, id?))).flatten().collect()
            }
            // What somebody gets access to, with the names of its events.
            Content::EventApi(_) | Content::Product(_) => {
                let of_event = |event: DesignVersionId| {
                    let name = self.name(event);
                    let named = move |tagged: Tagged| Tagged { path: format!("{name} {}", tagged.path), ..tagged };
                    let tagged = self.version(event).map(|event| self.tagged(event)).unwrap_or_default();
                    tagged.into_iter().map(named).collect::<Vec<_>>()
                };
                self.offer(version).events().flat_map(of_event).collect()
            }
            Content::Application(_) => Vec::new(),
        }
    }

    fn tagged_in(&self, part: &'static str, id: DesignVersionId) -> Vec<Tagged> {
        let Some(Content::Schema(schema)) = self.version(id).map(|version| &version.spec.content) else {
            return Vec::new();
        };
        let parsed = self.schema(Some(id), schema).ok();
        let tagged = parsed.into_iter().flat_map(|schema| schema.tagged());
        tagged.map(|(path, tags)| Tagged { part, path, tags }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::super::fixture::{Catalog, record};
    use super::*;

    #[test]
    fn an_event_has_the_tagged_fields_of_its_payload_its_key_and_its_headers() {
        let field =
            |name: &str, tags: &str| format!(r#"{{"name": "{name}", "type": "string", "confluent:tags": [{tags}]}}"#);
        let mut catalog = Catalog::default();
        let (_, person) = catalog.both("person", record("Person", &field("mail", r#""PII", "GDPR""#), &[]));
        let by = r#"{"name": "by", "type": "Person"}, {"name": "note", "type": "string"}"#;
        let (_, order) = catalog.both("order", record("Order", by, &[("Person", person)]));
        let (_, key) = catalog.both("key", record("Key", &field("id", r#""INTERNAL""#), &[]));
        let event =
            Event { address: "orders".to_owned(), schema: Some(order), key_schema: Some(key), headers_schema: None };
        let (_, event) = catalog.both("placed", Content::Event(event));
        let told = |id| {
            let (graph, of) =
                (catalog.graph(), |one: &Tagged| format!("{} {} {}", one.part, one.path, one.tags.join(",")));
            graph.tagged(graph.version(id).expect("there")).iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(told(event), ["schema by.mail GDPR,PII", "key_schema id INTERNAL"]);
        assert_eq!(told(person), ["schema mail GDPR,PII"]);
    }
}
