//! Prints a Protobuf file in one normal form.
//!
//! Type names are full, fields stand in the order of their numbers, imports in that of their names. Messages, enums
//! and the values of enums keep their order: the registry's wire format counts messages, and the first value is the
//! default.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use prost_reflect::{
    EnumDescriptor, ExtensionDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, ServiceDescriptor,
    Syntax,
};

use super::literal::{options, quoted};

/// The end of a range of field numbers that is written as `max`.
const NUMBER_END: u32 = 536_870_912;

pub(super) fn print(file: &FileDescriptor) -> String {
    let proto3 = file.syntax() == Syntax::Proto3;
    let mut out = Printer { text: String::new(), indent: 0, proto3 };
    out.line(if proto3 { "syntax = \"proto3\";" } else { "syntax = \"proto2\";" });
    if !file.package_name().is_empty() {
        out.line(&format!("package {};", file.package_name()));
    }
    let public: Vec<_> = file.public_dependencies().map(|file| file.name().to_owned()).collect();
    let mut imports: Vec<_> = file.dependencies().map(|file| file.name().to_owned()).collect();
    imports.sort();
    for name in imports {
        let word = if public.contains(&name) { "public " } else { "" };
        out.line(&format!("import {word}{};", quoted(name.as_bytes())));
    }
    out.options(&options(&file.options()));
    file.enums().for_each(|of| out.enumeration(&of));
    file.messages().for_each(|message| out.message(&message));
    out.extensions(file.extensions());
    file.services().for_each(|service| out.service(&service));
    out.text
}

struct Printer {
    text: String,
    indent: usize,
    proto3: bool,
}

impl Printer {
    fn line(&mut self, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{:indent$}{line}", "", indent = self.indent * 2);
    }

    fn block(&mut self, head: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("{head} {{"));
        self.indent += 1;
        inside(self);
        self.indent -= 1;
        self.line("}");
    }

    fn options(&mut self, options: &[String]) {
        options.iter().for_each(|option| self.line(&format!("option {option};")));
    }

    fn message(&mut self, message: &MessageDescriptor) {
        self.block(&format!("message {}", message.name()), |out| out.body(message));
    }

    fn body(&mut self, message: &MessageDescriptor) {
        self.options(&options(&message.options()));
        let ranges: Vec<_> = message.reserved_ranges().map(|range| numbers(range.start, range.end)).collect();
        self.listed("reserved", &ranges);
        let names: Vec<_> = message.reserved_names().map(|name| quoted(name.as_bytes())).collect();
        self.listed("reserved", &names);
        let ranges: Vec<_> = message.extension_ranges().map(|range| numbers(range.start, range.end)).collect();
        self.listed("extensions", &ranges);
        message.child_enums().for_each(|of| self.enumeration(&of));
        let groups: Vec<_> =
            message.fields().filter(FieldDescriptor::is_group).filter_map(|field| named(&field)).collect();
        for child in message.child_messages() {
            if !child.is_map_entry() && !groups.contains(&child) {
                self.message(&child);
            }
        }
        self.fields(message);
        self.extensions(message.child_extensions());
    }

    fn listed(&mut self, word: &str, items: &[String]) {
        if !items.is_empty() {
            self.line(&format!("{word} {};", items.join(", ")));
        }
    }

    /// A `oneof` stands where its first field would.
    fn fields(&mut self, message: &MessageDescriptor) {
        let mut fields: Vec<_> = message.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        let mut written = HashSet::new();
        for field in &fields {
            let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) else {
                self.field(field, true);
                continue;
            };
            if !written.insert(oneof.full_name().to_owned()) {
                continue;
            }
            self.block(&format!("oneof {}", oneof.name()), |out| {
                out.options(&options(&oneof.options()));
                let mut inside: Vec<_> = oneof.fields().collect();
                inside.sort_by_key(FieldDescriptor::number);
                inside.iter().for_each(|field| out.field(field, false));
            });
        }
    }

    fn field(&mut self, field: &FieldDescriptor, labelled: bool) {
        let label = if labelled { self.label(field) } else { "" };
        let mut list = field_options(field);
        list.extend(options(&field.options()));
        let list = if list.is_empty() { String::new() } else { format!(" [{}]", list.join(", ")) };
        let number = field.number();
        match named(field).filter(|_| field.is_group()) {
            Some(group) => {
                self.block(&format!("{label}group {} = {number}{list}", group.name()), |out| out.body(&group));
            }
            None => {
                let of = if field.is_map() { map_type(field) } else { type_name(&field.kind()) };
                self.line(&format!("{label}{of} {} = {number}{list};", field.name()));
            }
        }
    }

    fn label(&self, field: &FieldDescriptor) -> &'static str {
        let chosen = field.field_descriptor_proto().proto3_optional();
        match () {
            () if field.is_map() => "",
            () if field.is_list() => "repeated ",
            () if field.is_required() => "required ",
            () if !self.proto3 || chosen => "optional ",
            () => "",
        }
    }

    fn enumeration(&mut self, of: &EnumDescriptor) {
        self.block(&format!("enum {}", of.name()), |out| {
            out.options(&options(&of.options()));
            // The descriptor orders them by number; the text is what says which one is first.
            let names = of.enum_descriptor_proto().value.iter().map(|value| value.name());
            for value in names.filter_map(|name| of.get_value_by_name(name)) {
                let list = options(&value.options());
                let list = if list.is_empty() { String::new() } else { format!(" [{}]", list.join(", ")) };
                out.line(&format!("{} = {}{list};", value.name(), value.number()));
            }
            let ranges: Vec<_> = of.reserved_ranges().map(|range| enum_numbers(*range.start(), *range.end())).collect();
            out.listed("reserved", &ranges);
            let names: Vec<_> = of.reserved_names().map(|name| quoted(name.as_bytes())).collect();
            out.listed("reserved", &names);
        });
    }

    fn extensions(&mut self, extensions: impl Iterator<Item = ExtensionDescriptor>) {
        let mut by_message: BTreeMap<String, Vec<ExtensionDescriptor>> = BTreeMap::new();
        for extension in extensions {
            by_message.entry(extension.containing_message().full_name().to_owned()).or_default().push(extension);
        }
        for (message, mut list) in by_message {
            list.sort_by_key(ExtensionDescriptor::number);
            self.block(&format!("extend .{message}"), |out| {
                for extension in &list {
                    let label = if extension.is_list() { "repeated " } else { "optional " };
                    let of = type_name(&extension.kind());
                    out.line(&format!("{label}{of} {} = {};", extension.name(), extension.number()));
                }
            });
        }
    }

    fn service(&mut self, service: &ServiceDescriptor) {
        self.block(&format!("service {}", service.name()), |out| {
            out.options(&options(&service.options()));
            for method in service.methods() {
                let side = |stream: bool, message: MessageDescriptor| {
                    format!("({}.{})", if stream { "stream " } else { "" }, message.full_name())
                };
                let input = side(method.is_client_streaming(), method.input());
                let output = side(method.is_server_streaming(), method.output());
                let head = format!("rpc {} {input} returns {output}", method.name());
                match options(&method.options()) {
                    list if list.is_empty() => out.line(&format!("{head};")),
                    list => out.block(&head, |out| out.options(&list)),
                }
            }
        });
    }
}

/// Options that are no part of the options message.
fn field_options(field: &FieldDescriptor) -> Vec<String> {
    let raw = field.field_descriptor_proto();
    let default = raw.default_value.as_ref().map(|text| match field.kind() {
        Kind::String => quoted(text.as_bytes()),
        // It is escaped already.
        Kind::Bytes => format!("\"{}\"", text.replace('"', "\\\"").replace("\\\\\"", "\\\"")),
        _ => text.clone(),
    });
    let default = default.map(|default| format!("default = {default}"));
    let name = Some(field.json_name()).filter(|name| *name != json_name(field.name()) && !field.is_group());
    default.into_iter().chain(name.map(|name| format!("json_name = {}", quoted(name.as_bytes())))).collect()
}

/// The name in JSON that a field has when it names none.
fn json_name(name: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for char in name.chars() {
        match char {
            '_' => upper = true,
            other if std::mem::take(&mut upper) => out.extend(other.to_uppercase()),
            other => out.push(other),
        }
    }
    out
}

fn named(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    field.kind().as_message().cloned()
}

fn map_type(field: &FieldDescriptor) -> String {
    let Some(entry) = named(field) else { return String::new() };
    let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
    format!("map<{}, {}>", type_name(&key), type_name(&value))
}

/// A type as it is written, messages and enums with a leading dot.
pub(super) fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => format!(".{}", message.full_name()),
        Kind::Enum(of) => format!(".{}", of.full_name()),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}

/// A range whose end is not part of it.
fn numbers(start: u32, end: u32) -> String {
    match end {
        NUMBER_END => format!("{start} to max"),
        end if end == start + 1 => start.to_string(),
        end => format!("{start} to {}", end - 1),
    }
}

fn enum_numbers(start: i32, end: i32) -> String {
    match end {
        end if end == start => start.to_string(),
        i32::MAX => format!("{start} to max"),
        end => format!("{start} to {end}"),
    }
}
