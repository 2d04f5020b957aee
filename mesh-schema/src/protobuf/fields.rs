//! Lists the fields of a Protobuf file: those of its first message, then of every other message the first does not
//! lead to.

use std::collections::HashSet;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::super::field::{Cut, FIELD_DEPTH_MAX, Fields, PATH_BYTES_MAX, Presence, clip, join};
use super::super::tags::one_each;
use super::{Field, Model, meta};

/// Most values of an enum that are spelled out.
const VALUES_MAX: usize = 20;

pub(super) fn list(model: &Model) -> Vec<Field> {
    let mut lister = Lister { model, fields: Fields::default(), open: Vec::new(), met: HashSet::new() };
    for (index, message) in model.file.messages().enumerate() {
        let path = if index == 0 { String::new() } else { format!("({})", message.name()) };
        if !lister.met.contains(message.full_name()) {
            lister.message(&message, &path, None);
        }
    }
    lister.fields.into_list()
}

struct Lister<'a> {
    model: &'a Model,
    fields: Fields,
    /// The messages we are in.
    open: Vec<MessageDescriptor>,
    /// Full names of the messages listed so far.
    met: HashSet<String>,
}

impl Lister<'_> {
    fn message(&mut self, message: &MessageDescriptor, path: &str, of: Option<usize>) {
        if meta::is_google(message) {
            return;
        }
        if self.open.contains(message) {
            return self.fields.cut(of, Cut::Recursion);
        }
        if self.open.len() == FIELD_DEPTH_MAX || path.len() > PATH_BYTES_MAX {
            return self.fields.cut(of, Cut::TooDeep);
        }
        self.open.push(message.clone());
        self.met.insert(message.full_name().to_owned());
        let mut fields: Vec<_> = message.fields().collect();
        fields.sort_by_key(|field| field.path().to_vec());
        for field in fields {
            let path = join(path, field.name());
            let Some(index) = self.fields.push(self.entry(&field, &path)) else { break };
            let (sign, inner) = match value_kind(&field) {
                kind if field.is_map() => ("{}", kind),
                kind if field.is_list() => ("[]", kind),
                kind => ("", kind),
            };
            if let Kind::Message(inner) = inner {
                self.message(&inner, &format!("{path}{sign}"), Some(index));
            }
        }
        self.open.pop();
    }

    fn entry(&self, field: &FieldDescriptor, path: &str) -> Field {
        let options = field.options();
        let deprecated = options.get_field_by_name("deprecated").and_then(|value| value.as_bool()) == Some(true);
        let place = (field.parent_file().name().to_owned(), field.path().to_vec());
        Field {
            path: path.to_owned(),
            kind: words(field),
            presence: Presence::required(field.is_required()),
            default: default(field),
            doc: self.model.docs.get(&place).cloned(),
            deprecated,
            tags: one_each(meta::of_field(field)),
            cut: None,
        }
    }
}

/// The kind of a field's values, or of its map's.
pub(super) fn value_kind(field: &FieldDescriptor) -> Kind {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}

fn words(field: &FieldDescriptor) -> String {
    let word = match value_kind(field) {
        Kind::Message(message) => format!("message {}", message.full_name()),
        Kind::Enum(of) => enum_words(&of),
        scalar => super::print::type_name(&scalar),
    };
    let choice = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    clip(match choice {
        _ if field.is_map() => format!("map of {word}"),
        _ if field.is_list() => format!("list of {word}"),
        Some(oneof) => format!("{word}, one of {}", oneof.name()),
        None => word,
    })
}

fn enum_words(of: &EnumDescriptor) -> String {
    let more = if of.values().len() > VALUES_MAX { ", …" } else { "" };
    let values: Vec<_> = of.values().take(VALUES_MAX).map(|value| value.name().to_owned()).collect();
    format!("enum {} ({}{more})", of.full_name(), values.join(", "))
}

/// The default a proto2 field names. Nobody names one in proto3: it is always zero or empty.
pub(super) fn default(field: &FieldDescriptor) -> Option<Value> {
    let text = field.field_descriptor_proto().default_value.as_ref()?;
    Some(match field.kind() {
        Kind::Bool => Value::Bool(text == "true"),
        Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Message(_) => Value::from(text.as_str()),
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
    })
}
