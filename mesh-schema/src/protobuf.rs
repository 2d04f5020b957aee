//! Protocol Buffers, proto2 and proto3.
//!
//! The texts are parsed in memory and joined in a pool of descriptors: no compiler is run and no file is opened.
//! Imports are answered from the references, Google's well-known types and Confluent's `confluent/meta.proto` alone.

mod decode;
mod descriptor;
mod diff;
mod example;
mod fields;
mod literal;
mod meta;
mod print;
mod read;
mod spot;

use std::collections::HashMap;

use prost_reflect::{FileDescriptor, MessageDescriptor};
use serde_json::Value;

use super::compat::{Problem, Sides};
use super::field::Field;
use super::invalid::Invalid;
use super::tags::one_each;
use super::{NoExample, Parsed, Reference};

pub(super) use decode::{check_first, check_named, decode_with};
pub(super) use spot::Spot;

/// A schema in the pool with all it imports.
#[derive(Clone, Debug)]
pub(super) struct Model {
    file: FileDescriptor,
    /// Comments, by file and by the path of what they stand at.
    docs: HashMap<(String, Vec<i32>), String>,
}

/// The name of a type without its package.
fn local_name(message: &MessageDescriptor) -> &str {
    let full = message.full_name();
    full.strip_prefix(message.package_name()).map_or(full, |name| name.trim_start_matches('.'))
}

/// The model and the canonical texts.
pub(super) fn parse(text: &str, references: &[Reference]) -> Result<Parsed<Model>, Invalid> {
    let model = read::read(text, references)?;
    let canonical = print::print(&model.file);
    let pool = model.file.parent_pool();
    // A reference that nothing imports is not read.
    let printed = |reference: &Reference| {
        pool.get_file_by_name(&reference.name).map_or_else(|| reference.text.clone(), |file| print::print(&file))
    };
    let references = references.iter().map(printed).collect();
    Ok(Parsed { model, canonical, references })
}

/// The model alone, of a schema that somebody else found sound.
pub(super) fn read(text: &str, references: &[Reference]) -> Result<Model, Invalid> {
    read::read(text, references)
}

/// The text of a file that came as a descriptor; none = it is no descriptor.
pub(super) fn text_of_descriptor(text: &str, references: &[Reference]) -> Result<Option<String>, Invalid> {
    descriptor::text_of(text, references)
}

/// The file as a descriptor.
pub(super) fn descriptor(model: &Model) -> String {
    descriptor::encode(model)
}

/// Whether a payload can be one of the file's messages.
pub(super) fn has_messages(model: &Model) -> bool {
    model.file.messages().next().is_some()
}

pub(super) fn fields(model: &Model) -> Vec<Field> {
    fields::list(model)
}

/// Tags of the file as a whole.
pub(super) fn tags(model: &Model) -> Vec<String> {
    one_each(meta::of_file(model))
}

/// All tags there are, wherever.
pub(super) fn all_tags(model: &Model) -> Vec<String> {
    meta::all(model)
}

pub(super) fn decode(model: &Model, record: &[u8]) -> Result<Value, String> {
    decode::decode(model, record)
}

pub(super) fn example(model: &Model) -> Result<Value, NoExample> {
    example::example(model)
}

pub(super) fn compare(reader: &Model, writer: &Model, sides: Sides) -> Vec<Problem> {
    diff::diff(reader, writer, sides)
}

#[cfg(test)]
mod tests;
