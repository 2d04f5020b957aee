//! What Confluent's registry lets people say of parts of a file, in options of its own: its file `confluent/meta.proto` is
//! there for every schema, as Google's are. Only the tags mean something here.

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::Model;
use super::fields::value_kind;

/// Files that a schema may import without a reference, with their texts.
pub(super) const KNOWN: [(&str, &str); 1] = [(
    "confluent/meta.proto",
    r#"syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
"#,
)];

/// The package of the options.
const PACKAGE: &str = "confluent.";

/// The tags in the options of a part, whichever of Confluent's it is.
fn written(options: &DynamicMessage) -> Vec<String> {
    let is_meta = |name: &str| name.strip_prefix(PACKAGE).is_some_and(|name| name.ends_with("_meta"));
    let metas = options.extensions().filter(|(extension, _)| is_meta(extension.full_name()));
    let tags = metas.filter_map(|(_, value)| Some(value.as_message()?.get_field_by_name("tags")?.into_owned()));
    let texts = tags.flat_map(|tags| match tags {
        Value::List(items) => items,
        one => vec![one],
    });
    texts.filter_map(|text| text.as_str().map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned)).collect()
}

/// The tags of a whole file.
pub(super) fn of_file(model: &Model) -> Vec<String> {
    written(&model.file.options())
}

/// The tags of all values of a message: its own and its file's.
pub(super) fn of_message(message: &MessageDescriptor) -> Vec<String> {
    let mut tags = written(&message.options());
    tags.extend(written(&message.parent_file().options()));
    tags
}

/// The tags of a field's values: its own and its type's.
pub(super) fn of_field(field: &FieldDescriptor) -> Vec<String> {
    let mut tags = written(&field.options());
    match value_kind(field) {
        Kind::Message(message) => tags.extend(of_message(&message)),
        Kind::Enum(of) => tags.extend(of_enum(&of)),
        _ => {}
    }
    tags
}

fn of_enum(of: &EnumDescriptor) -> Vec<String> {
    written(&of.options())
}

/// All tags there are in a file and those it imports, wherever.
pub(super) fn all(model: &Model) -> Vec<String> {
    let messages = model.file.parent_pool().all_messages();
    let messages = messages.filter(|message| !is_google(message));
    let of_parts = messages.flat_map(|message| {
        let fields: Vec<String> = message.fields().flat_map(|field| of_field(&field)).collect();
        of_message(&message).into_iter().chain(fields)
    });
    of_file(model).into_iter().chain(of_parts.collect::<Vec<_>>()).collect()
}

/// Whether a message is one of Google's, which are told in forms of their own.
pub(super) fn is_google(message: &MessageDescriptor) -> bool {
    message.package_name() == "google.protobuf"
}
