//! Protobuf files as descriptors, the form in which programs keep them: clients of a registry that were built from
//! generated code have no text to send, only the descriptor, in Base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::{DescriptorProto, FileDescriptorProto};

use super::super::invalid::{Invalid, NESTING_MAX};
use super::super::text::too_deep;
use super::{Model, Reference, print, read};

/// The text of a file that came as a descriptor; none = it is no descriptor, so it may be a text.
pub(super) fn text_of(text: &str, references: &[Reference]) -> Result<Option<String>, Invalid> {
    let Some(file) = decode(text) else { return Ok(None) };
    if file.message_type.iter().any(|message| is_deep(message, NESTING_MAX)) {
        return Err(too_deep());
    }
    Ok(Some(print::print(&read::read_descriptor(file, references)?.file)))
}

/// The descriptor of a file, in Base64, without its comments.
pub(super) fn encode(model: &Model) -> String {
    let mut file = model.file.file_descriptor_proto().clone();
    file.source_code_info = None;
    STANDARD.encode(file.encode_to_vec())
}

/// Base64 of letters alone could be a text too short to be one: what has no name of a file is none.
fn decode(text: &str) -> Option<FileDescriptorProto> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    FileDescriptorProto::decode(bytes.as_slice()).ok().filter(|file| file.name.is_some())
}

fn is_deep(message: &DescriptorProto, left: usize) -> bool {
    left == 0 || message.nested_type.iter().any(|message| is_deep(message, left - 1))
}
