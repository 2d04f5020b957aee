//! The parts of a document by what they are: which value is a server, a message, a schema, and where it stands.
//!
//! One table says what can stand in what. Everything that looks at documents (checks, comparisons, the search for
//! references) goes by it, so that nobody takes a payload in an example for a schema, or a key `$ref` in one for a
//! reference. Values of a wrong kind are passed over: the official schema finds those.

use serde_json::{Map, Value};

use crate::pointer::Pointer;

/// What a binding stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// A server.
    Server,
    /// A channel.
    Channel,
    /// An operation.
    Operation,
    /// A message.
    Message,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 4] = [Self::Server, Self::Channel, Self::Operation, Self::Message];

    /// In a sentence, and in the names of the official schema.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Channel => "channel",
            Self::Operation => "operation",
            Self::Message => "message",
        }
    }
}

/// What a part of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Document,
    Info,
    Server,
    ServerVariable,
    Channel,
    Parameter,
    Message,
    MessageTrait,
    Operation,
    OperationTrait,
    Reply,
    ReplyAddress,
    Correlation,
    /// A schema, or a schema with its format.
    Schema,
    /// Inside a schema.
    Subschema,
    SecurityScheme,
    Bindings(Level),
    Tag,
    ExternalDocs,
    /// The channel of an operation or reply, which is always a reference.
    ChannelOf,
    /// A message of an operation or reply, which is always a reference.
    MessageOf,
    /// A server of a channel, which is always a reference.
    ServerOf,
    Components,
}

impl Kind {
    /// In a sentence.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Info => "info",
            Self::Server | Self::ServerOf => "server",
            Self::ServerVariable => "server variable",
            Self::Channel | Self::ChannelOf => "channel",
            Self::Parameter => "parameter",
            Self::Message | Self::MessageOf => "message",
            Self::MessageTrait => "message trait",
            Self::Operation => "operation",
            Self::OperationTrait => "operation trait",
            Self::Reply => "reply",
            Self::ReplyAddress => "reply address",
            Self::Correlation => "correlation id",
            Self::Schema | Self::Subschema => "schema",
            Self::SecurityScheme => "security scheme",
            Self::Bindings(_) => "bindings",
            Self::Tag => "tag",
            Self::ExternalDocs => "external docs",
            Self::Components => "components",
        }
    }

    /// What a reference that stands for this has to lead to.
    pub(crate) fn target(self) -> Self {
        match self {
            Self::ChannelOf => Self::Channel,
            Self::MessageOf => Self::Message,
            Self::ServerOf => Self::Server,
            Self::Subschema => Self::Schema,
            other => other,
        }
    }
}

/// How parts stand below a key.
#[derive(Clone, Copy)]
enum Shape {
    One,
    List,
    Map,
}

/// A part of a document.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) kind: Kind,
    pub(crate) at: Pointer,
    pub(crate) value: &'a Value,
}

impl<'a> Part<'a> {
    /// What it refers to, if it is a reference.
    pub(crate) fn reference(&self) -> Option<&'a str> {
        reference(self.value)
    }
}

/// The text of `$ref`.
pub(crate) fn reference(value: &Value) -> Option<&str> {
    value.as_object()?.get("$ref")?.as_str()
}

/// All parts of a document, each before what is inside it.
#[derive(Clone, Debug)]
pub(crate) struct Parts<'a>(Vec<Part<'a>>);

impl<'a> Parts<'a> {
    pub(crate) fn of(root: &'a Value) -> Self {
        Self::of_kind(root, Kind::Document, Pointer::root())
    }

    /// The parts of one part.
    pub(crate) fn of_kind(root: &'a Value, kind: Kind, at: Pointer) -> Self {
        let mut parts = Self(Vec::new());
        parts.add(kind, at, root);
        parts
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Part<'a>> {
        self.0.iter()
    }

    /// Those of one kind that are no references.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Part<'a>> {
        self.0.iter().filter(move |part| part.kind == kind && part.reference().is_none())
    }

    /// Every reference.
    pub(crate) fn references(&self) -> impl Iterator<Item = (&Part<'a>, &'a str)> {
        self.0.iter().filter_map(|part| part.reference().map(|reference| (part, reference)))
    }

    fn add_bindings(&mut self, at: &Pointer, map: &'a Map<String, Value>) {
        for (protocol, binding) in map {
            let Some(binding) = binding.as_object() else { continue };
            for key in SCHEMAS_OF_BINDINGS {
                if let Some(schema) = binding.get(key).filter(|schema| schema.is_object()) {
                    self.add(Kind::Schema, at.child(protocol).child(key), schema);
                }
            }
        }
    }

    fn add(&mut self, kind: Kind, at: Pointer, value: &'a Value) {
        let Some(map) = value.as_object() else {
            if kind == Kind::Schema && value.is_boolean() {
                self.0.push(Part { kind, at, value });
            }
            return;
        };
        self.0.push(Part { kind, at: at.clone(), value });
        if reference(value).is_some() {
            return;
        }
        if let Kind::Schema = kind
            && let (Some(schema), true) = (map.get("schema"), map.contains_key("schemaFormat"))
        {
            if is_json_schema(map.get("schemaFormat").and_then(Value::as_str)) {
                self.add(Kind::Subschema, at.child("schema"), schema);
            }
            return;
        }
        if let Kind::Bindings(_) = kind {
            return self.add_bindings(&at, map);
        }
        for &(key, shape, kind) in inside(kind) {
            let Some(inner) = map.get(key) else { continue };
            let at = at.child(key);
            match (shape, inner) {
                (Shape::One, inner) => self.add(kind, at, inner),
                (Shape::List, Value::Array(list)) => {
                    for (index, item) in list.iter().enumerate() {
                        self.add(kind, at.child(index), item);
                    }
                }
                (Shape::Map, Value::Object(map)) => {
                    for (key, item) in map {
                        self.add(kind, at.child(key), item);
                    }
                }
                _ => {}
            }
        }
    }
}

/// What is a schema in the bindings of some protocol.
const SCHEMAS_OF_BINDINGS: [&str; 7] =
    ["key", "groupId", "clientId", "query", "headers", "correlationData", "responseTopic"];

/// Whether a schema of a format is one of JSON Schema, whose parts are known. None = the default, which is one.
pub(crate) fn is_json_schema(format: Option<&str>) -> bool {
    format.is_none_or(|format| {
        let name = format.split(';').next().unwrap_or_default().trim();
        ["application/vnd.aai.asyncapi", "application/schema"]
            .iter()
            .any(|known| name.strip_prefix(known).is_some_and(|rest| matches!(rest, "" | "+json" | "+yaml")))
    })
}

/// What can stand in what.
fn inside(kind: Kind) -> &'static [(&'static str, Shape, Kind)] {
    use Shape::{List, Map, One};
    match kind {
        Kind::Document => &[
            ("info", One, Kind::Info),
            ("servers", Map, Kind::Server),
            ("channels", Map, Kind::Channel),
            ("operations", Map, Kind::Operation),
            ("components", One, Kind::Components),
        ],
        Kind::Info => &[("tags", List, Kind::Tag), ("externalDocs", One, Kind::ExternalDocs)],
        Kind::Server => &[
            ("variables", Map, Kind::ServerVariable),
            ("security", List, Kind::SecurityScheme),
            ("tags", List, Kind::Tag),
            ("externalDocs", One, Kind::ExternalDocs),
            ("bindings", One, Kind::Bindings(Level::Server)),
        ],
        Kind::Channel => &[
            ("messages", Map, Kind::Message),
            ("servers", List, Kind::ServerOf),
            ("parameters", Map, Kind::Parameter),
            ("tags", List, Kind::Tag),
            ("externalDocs", One, Kind::ExternalDocs),
            ("bindings", One, Kind::Bindings(Level::Channel)),
        ],
        Kind::Operation => &[
            ("channel", One, Kind::ChannelOf),
            ("messages", List, Kind::MessageOf),
            ("reply", One, Kind::Reply),
            ("security", List, Kind::SecurityScheme),
            ("traits", List, Kind::OperationTrait),
            ("tags", List, Kind::Tag),
            ("externalDocs", One, Kind::ExternalDocs),
            ("bindings", One, Kind::Bindings(Level::Operation)),
        ],
        Kind::OperationTrait => &[
            ("security", List, Kind::SecurityScheme),
            ("tags", List, Kind::Tag),
            ("externalDocs", One, Kind::ExternalDocs),
            ("bindings", One, Kind::Bindings(Level::Operation)),
        ],
        Kind::Reply => &[
            ("address", One, Kind::ReplyAddress),
            ("channel", One, Kind::ChannelOf),
            ("messages", List, Kind::MessageOf),
        ],
        Kind::Message => &[
            ("headers", One, Kind::Schema),
            ("payload", One, Kind::Schema),
            ("correlationId", One, Kind::Correlation),
            ("traits", List, Kind::MessageTrait),
            ("tags", List, Kind::Tag),
            ("externalDocs", One, Kind::ExternalDocs),
            ("bindings", One, Kind::Bindings(Level::Message)),
        ],
        Kind::MessageTrait => &[
            ("headers", One, Kind::Schema),
            ("correlationId", One, Kind::Correlation),
            ("tags", List, Kind::Tag),
            ("externalDocs", One, Kind::ExternalDocs),
            ("bindings", One, Kind::Bindings(Level::Message)),
        ],
        Kind::Tag => &[("externalDocs", One, Kind::ExternalDocs)],
        Kind::Components => &COMPONENTS,
        Kind::Schema | Kind::Subschema => &[
            ("properties", Map, Kind::Subschema),
            ("patternProperties", Map, Kind::Subschema),
            ("definitions", Map, Kind::Subschema),
            ("dependencies", Map, Kind::Subschema),
            ("additionalProperties", One, Kind::Subschema),
            ("items", One, Kind::Subschema),
            ("items", List, Kind::Subschema),
            ("additionalItems", One, Kind::Subschema),
            ("contains", One, Kind::Subschema),
            ("propertyNames", One, Kind::Subschema),
            ("not", One, Kind::Subschema),
            ("if", One, Kind::Subschema),
            ("then", One, Kind::Subschema),
            ("else", One, Kind::Subschema),
            ("allOf", List, Kind::Subschema),
            ("anyOf", List, Kind::Subschema),
            ("oneOf", List, Kind::Subschema),
            ("externalDocs", One, Kind::ExternalDocs),
        ],
        Kind::Bindings(_)
        | Kind::ServerVariable
        | Kind::Parameter
        | Kind::ReplyAddress
        | Kind::Correlation
        | Kind::SecurityScheme
        | Kind::ExternalDocs
        | Kind::ChannelOf
        | Kind::MessageOf
        | Kind::ServerOf => &[],
    }
}

/// The maps of `components`.
static COMPONENTS: [(&str, Shape, Kind); 19] = [
    ("schemas", Shape::Map, Kind::Schema),
    ("servers", Shape::Map, Kind::Server),
    ("channels", Shape::Map, Kind::Channel),
    ("operations", Shape::Map, Kind::Operation),
    ("messages", Shape::Map, Kind::Message),
    ("securitySchemes", Shape::Map, Kind::SecurityScheme),
    ("serverVariables", Shape::Map, Kind::ServerVariable),
    ("parameters", Shape::Map, Kind::Parameter),
    ("correlationIds", Shape::Map, Kind::Correlation),
    ("replies", Shape::Map, Kind::Reply),
    ("replyAddresses", Shape::Map, Kind::ReplyAddress),
    ("externalDocs", Shape::Map, Kind::ExternalDocs),
    ("tags", Shape::Map, Kind::Tag),
    ("operationTraits", Shape::Map, Kind::OperationTrait),
    ("messageTraits", Shape::Map, Kind::MessageTrait),
    ("serverBindings", Shape::Map, Kind::Bindings(Level::Server)),
    ("channelBindings", Shape::Map, Kind::Bindings(Level::Channel)),
    ("operationBindings", Shape::Map, Kind::Bindings(Level::Operation)),
    ("messageBindings", Shape::Map, Kind::Bindings(Level::Message)),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_found_where_they_are_references() {
        let root = json!({
            "channels": {"c": {
                "messages": {
                    "m": {
                        "payload": {"properties": {"$ref": {"type": "string"}, "next": {"$ref": "#/a"}}, "default": {"$ref": "data"}},
                        "examples": [{"payload": {"$ref": "data"}}],
                        "x-note": {"$ref": "data"},
                    },
                    "avro": {"payload": {"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": {"$ref": "data"}}},
                    "multi": {"payload": {"schemaFormat": "application/schema+json;version=draft-07", "schema": {"$ref": "#/b"}}},
                },
                "servers": [{"$ref": "#/servers/s"}],
            }},
            "components": {"messageTraits": {"t": {"headers": {"$ref": "#/c"}}}},
        });
        let found: Vec<_> = Parts::of(&root).references().map(|(_, reference)| reference.to_owned()).collect();
        assert_eq!(found, ["#/a", "#/b", "#/servers/s", "#/c"]);
    }

    #[test]
    fn formats_of_json_schema_are_known() {
        assert!(is_json_schema(None));
        assert!(is_json_schema(Some("application/vnd.aai.asyncapi+yaml;version=3.0.0")));
        assert!(is_json_schema(Some("application/schema+json;version=draft-07")));
        assert!(!is_json_schema(Some("application/vnd.apache.avro;version=1.9.0")));
    }
}
