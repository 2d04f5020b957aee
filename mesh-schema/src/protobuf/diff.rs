//! Can a reader with one Protobuf schema read what a writer with another wrote?
//!
//! The rules are those of the registry: messages are found by name, fields by number, and a type may become another
//! one that is written alike. Paths name the message and the field, as in `Order.lines`.
//!
//! Unknown fields are skipped and missing ones are zero, so fields may come and go. The registry still refuses what
//! loses meaning: a message that goes, a choice that loses a branch, fields that now exclude each other.
//!
//! Where the verdict differs from Confluent's registry:
//! - A number that becomes a list, or a list that becomes a number, is refused in proto3 too. Confluent compares
//!   written labels, and a plain proto3 field has none.
//! - A field that becomes required is `REQUIRED_FIELD_ADDED`, whatever its type. Confluent sees it for numbers only.
//! - A group that becomes a message, or the other way round, is `FIELD_KIND_CHANGED`: they are written differently.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};

use super::super::compat::FINDINGS_MAX;
use super::fields::value_kind;
use super::{Model, Problem, Sides, local_name};

pub(super) fn diff(reader: &Model, writer: &Model, sides: Sides) -> Vec<Problem> {
    let mut diff = Diff { sides, done: HashSet::new(), waiting: Vec::new(), path: String::new(), problems: Vec::new() };
    diff.package(reader, writer);
    let messages: Vec<_> = reader.file.messages().collect();
    diff.messages(&messages, &writer.file.messages().collect::<Vec<_>>());
    // Through a list and not by recursion: a chain of types may be as long as the schema.
    while let Some((reads, writes)) = diff.waiting.pop() {
        diff.message(&reads, &writes);
    }
    diff.problems
}

struct Diff {
    sides: Sides,
    /// Pairs of full names that are compared, or wait for it.
    done: HashSet<(String, String)>,
    waiting: Vec<(MessageDescriptor, MessageDescriptor)>,
    path: String,
    problems: Vec<Problem>,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Number,
    Signed,
    Text,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Scalar(Wire),
    Message,
    Group,
    Map,
}

impl Shape {
    fn of(field: &FieldDescriptor) -> Self {
        match field.kind() {
            _ if field.is_map() => Self::Map,
            _ if field.is_group() => Self::Group,
            kind => Self::of_kind(&kind),
        }
    }

    fn of_kind(kind: &Kind) -> Self {
        Self::Scalar(match kind {
            Kind::Message(_) => return Self::Message,
            Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Bool | Kind::Enum(_) => Wire::Number,
            Kind::Sint32 | Kind::Sint64 => Wire::Signed,
            Kind::String | Kind::Bytes => Wire::Text,
            Kind::Fixed32 | Kind::Sfixed32 => Wire::Fixed32,
            Kind::Fixed64 | Kind::Sfixed64 => Wire::Fixed64,
            Kind::Float => Wire::Float,
            Kind::Double => Wire::Double,
        })
    }
}

impl Diff {
    fn add(&mut self, rule: &'static str, what: &str, advice: &str) {
        if self.problems.len() < FINDINGS_MAX {
            let Sides { reader, writer } = self.sides;
            let reason = format!("a consumer with {reader} cannot rely on data of {writer}, because {what}: {advice}");
            self.problems.push(Problem { path: self.path.clone(), rule, reason });
        }
    }

    /// Adds a problem of a part of the present one.
    fn add_at(&mut self, part: &str, rule: &'static str, what: &str, advice: &str) {
        let length = self.path.len();
        self.path.push('.');
        self.path.push_str(part);
        self.add(rule, what, advice);
        self.path.truncate(length);
    }

    fn package(&mut self, reader: &Model, writer: &Model) {
        let (reads, writes) = (reader.file.package_name(), writer.file.package_name());
        if reads != writes {
            "$".clone_into(&mut self.path);
            let what = format!("the package is `{reads}` for the one and `{writes}` for the other");
            self.add("PACKAGE_CHANGED", &what, "keep the package, or begin a new subject");
        }
    }

    /// Messages on one level, by name.
    fn messages(&mut self, reads: &[MessageDescriptor], writes: &[MessageDescriptor]) {
        let known: HashMap<&str, &MessageDescriptor> = reads.iter().map(|message| (message.name(), message)).collect();
        for message in writes.iter().filter(|message| !message.is_map_entry()) {
            match known.get(message.name()) {
                Some(other) => self.wait(other, message),
                None => {
                    local_name(message).clone_into(&mut self.path);
                    let what = format!("only the latter has the message `{}`", message.name());
                    self.add("MESSAGE_REMOVED", &what, "keep the message, even if it is not used any more");
                }
            }
        }
    }

    fn wait(&mut self, reads: &MessageDescriptor, writes: &MessageDescriptor) {
        if self.done.insert((reads.full_name().to_owned(), writes.full_name().to_owned())) {
            self.waiting.push((reads.clone(), writes.clone()));
        }
    }

    fn message(&mut self, reads: &MessageDescriptor, writes: &MessageDescriptor) {
        local_name(reads).clone_into(&mut self.path);
        self.oneofs(reads, writes);
        let gone = deleted_oneofs(reads, writes);
        let numbers: BTreeSet<u32> = reads.fields().chain(writes.fields()).map(|field| field.number()).collect();
        for number in numbers {
            match (reads.get_field(number), writes.get_field(number)) {
                (Some(field), Some(other)) => self.field(&field, &other),
                (Some(field), None) => self.added(&field),
                (None, Some(field)) => self.removed(&field, &gone),
                (None, None) => {}
            }
        }
        // A child that stays is compared even where no field uses it.
        self.messages(&reads.child_messages().collect::<Vec<_>>(), &writes.child_messages().collect::<Vec<_>>());
    }

    /// Fields that were independent and now exclude each other.
    fn oneofs(&mut self, reads: &MessageDescriptor, writes: &MessageDescriptor) {
        for oneof in reads.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let mut origins = BTreeSet::new();
            let mut independent = 0;
            for other in oneof.fields().filter_map(|field| writes.get_field(field.number())) {
                match choice(&other) {
                    Some(name) => origins.insert((0, name)),
                    None => {
                        independent += 1;
                        origins.insert((other.number(), String::new()))
                    }
                };
            }
            if origins.len() > 1 {
                let what = format!("fields of the choice `{}` may be set together in the latter", oneof.name());
                let rule =
                    if independent > 1 { "MULTIPLE_FIELDS_MOVED_TO_ONEOF" } else { "FIELD_MOVED_TO_EXISTING_ONEOF" };
                self.add_at(oneof.name(), rule, &what, "leave the fields outside of the choice, or add new ones to it");
            }
        }
    }

    fn added(&mut self, field: &FieldDescriptor) {
        if field.is_required() {
            let what = format!("the required field `{}` is never set there", field.name());
            self.add_at(field.name(), "REQUIRED_FIELD_ADDED", &what, "make the field optional");
        }
    }

    fn removed(&mut self, field: &FieldDescriptor, gone: &BTreeSet<String>) {
        if choice(field).is_some_and(|name| !gone.contains(&name)) {
            let what =
                format!("the choice may be `{}`, which the reader does not know and takes for no choice", field.name());
            self.add_at(field.name(), "ONEOF_FIELD_REMOVED", &what, "keep the field in its choice");
        } else if field.is_required() {
            let what = format!("the required field `{}` is there and nowhere else", field.name());
            self.add_at(
                field.name(),
                "REQUIRED_FIELD_REMOVED",
                &what,
                "make the field optional in all schemas before it goes",
            );
        }
    }

    fn field(&mut self, reads: &FieldDescriptor, writes: &FieldDescriptor) {
        if reads.is_required() && !writes.is_required() {
            let what = format!("the required field `{}` may be missing there", reads.name());
            self.add_at(reads.name(), "REQUIRED_FIELD_ADDED", &what, "make the field optional");
        }
        match (Shape::of(reads), Shape::of(writes)) {
            (Shape::Map, Shape::Map) => {
                let key =
                    |field: &FieldDescriptor| field.kind().as_message().map(|entry| entry.map_entry_key_field().kind());
                if let (Some(one), Some(other)) = (key(reads), key(writes)) {
                    self.values(reads, &one, &other);
                }
                self.values(reads, &value_kind(reads), &value_kind(writes));
            }
            (Shape::Group, Shape::Group) => self.values(reads, &reads.kind(), &writes.kind()),
            (Shape::Scalar(_), Shape::Scalar(_)) | (Shape::Message, Shape::Message) => {
                let before = self.problems.len();
                self.values(reads, &reads.kind(), &writes.kind());
                if self.problems.len() == before {
                    self.label(reads, writes);
                }
            }
            _ => self.kind_changed(reads),
        }
    }

    fn kind_changed(&mut self, field: &FieldDescriptor) {
        let what = format!("`{}` is another kind of field there (a scalar, a message, a map)", field.name());
        self.add_at(field.name(), "FIELD_KIND_CHANGED", &what, "keep it, and add a field with a new number");
    }

    fn values(&mut self, field: &FieldDescriptor, reads: &Kind, writes: &Kind) {
        match (reads, writes) {
            (Kind::Message(one), Kind::Message(other)) => {
                if local_name(one) == local_name(other) {
                    return self.wait(one, other);
                }
                let what =
                    format!("`{}` is a `{}` there, and a `{}` here", field.name(), other.full_name(), one.full_name());
                self.add_at(
                    field.name(),
                    "FIELD_NAMED_TYPE_CHANGED",
                    &what,
                    "keep the type, or add a field with a new number",
                );
            }
            _ => match (Shape::of_kind(reads), Shape::of_kind(writes)) {
                (Shape::Scalar(one), Shape::Scalar(other)) if one != other => {
                    let (here, there) = (super::print::type_name(reads), super::print::type_name(writes));
                    let what =
                        format!("`{}` is written as {there} and read as {here}, which differ in bytes", field.name());
                    let advice = "keep the type, or add a field with a new number";
                    self.add_at(field.name(), "FIELD_SCALAR_KIND_CHANGED", &what, advice);
                }
                (Shape::Scalar(_), Shape::Scalar(_)) => {}
                _ => self.kind_changed(field),
            },
        }
    }

    /// One value or many.
    fn label(&mut self, reads: &FieldDescriptor, writes: &FieldDescriptor) {
        let is_list = |field: &FieldDescriptor| field.cardinality() == Cardinality::Repeated;
        let numeric = !matches!(Shape::of(reads), Shape::Message | Shape::Scalar(Wire::Text));
        if is_list(reads) != is_list(writes) && numeric {
            let what = format!("`{}` holds one number for the one and a list for the other", reads.name());
            let advice = "keep it, and add a field with a new number";
            self.add_at(reads.name(), "FIELD_NUMERIC_LABEL_CHANGED", &what, advice);
        }
    }
}

/// The choice a field is part of.
fn choice(field: &FieldDescriptor) -> Option<String> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic()).map(|oneof| oneof.name().to_owned())
}

/// The writer's choices of which the reader knows neither the name nor any field: they are gone as a whole.
fn deleted_oneofs(reads: &MessageDescriptor, writes: &MessageDescriptor) -> BTreeSet<String> {
    let kept: BTreeSet<String> = reads.fields().filter_map(|field| choice(&field)).collect();
    let mut survives: BTreeMap<String, bool> = BTreeMap::new();
    for field in writes.fields() {
        if let Some(name) = choice(&field) {
            *survives.entry(name).or_default() |= reads.get_field(field.number()).is_some();
        }
    }
    survives.into_iter().filter(|(name, survives)| !survives && !kept.contains(name)).map(|(name, _)| name).collect()
}
