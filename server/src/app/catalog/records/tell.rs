//! Records as people read them: with their schemas where they name one, as JSON where they are, masked where they must be.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontend::api::{ContentForm, ContentView, RecordHeader, RecordSchema, RecordView};
use mesh_protocol::browse::{Content, Piece, TopicRecord};
use mesh_protocol::schema_id::{self, SchemaId};
use mesh_schema::Schema;
use serde_json::Value;

use crate::app::design::Designs;
use crate::app::mask::{MASK, masked};
use crate::domain::design::{Content as Design, State};

/// Tells records of one answer.
pub(super) struct Teller<'a> {
    designs: &'a Designs,
    is_masked: bool,
    /// Schemas of the answer's records, read once each.
    schemas: HashMap<SchemaId, Known>,
}

/// What is known of a schema id.
#[derive(Clone)]
struct Known {
    name: Option<String>,
    href: Option<String>,
    schema: Result<Schema, String>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(designs: &'a Designs, is_masked: bool) -> Self {
        Self { designs, is_masked, schemas: HashMap::new() }
    }

    pub(super) fn record(&mut self, record: TopicRecord) -> RecordView {
        RecordView {
            partition: record.partition,
            offset: record.offset,
            at: record.at_ms,
            key: record.key.map(|key| self.content(&key)),
            payload: record.payload.map(|payload| self.content(&payload)),
            headers: record
                .headers
                .into_iter()
                .map(|(name, value)| RecordHeader { name, value: self.content(&value) })
                .collect(),
            headers_left_out: record.headers_left_out,
        }
    }

    fn content(&mut self, content: &Content) -> ContentView {
        let bytes = bytes_of(&content.piece);
        let cut = (bytes.len() as u64) < content.bytes;
        let view = |form, text| ContentView { bytes: content.bytes, form, text, cut, schema: None };
        if let Some((id, rest)) = schema_id::split(&bytes)
            && let Some(known) = self.known(id)
        {
            let decoded = match &known.schema {
                _ if cut => Err(format!("it is longer than what is read of it ({} bytes)", content.bytes)),
                Ok(schema) => schema.decode(rest),
                Err(why) => Err(why.clone()),
            };
            let (told, problem) = match decoded {
                Ok(value) => (self.json(&value), None),
                Err(why) => (None, Some(why)),
            };
            let schema = RecordSchema { id: id.get(), name: known.name, href: known.href, problem };
            let view = told.map_or_else(|| self.opaque(content, cut), |text| view(ContentForm::Json, text));
            return ContentView { schema: Some(schema), ..view };
        }
        let value = if cut { None } else { json(&bytes) };
        match value.and_then(|value| self.json(&value)) {
            Some(text) => view(ContentForm::Json, text),
            None => self.opaque(content, cut),
        }
    }

    /// JSON as it is shown; none = it cannot be.
    fn json(&self, value: &Value) -> Option<String> {
        if self.is_masked {
            return masked(value).map(|value| format!("{value:#}"));
        }
        Some(format!("{value:#}"))
    }

    fn opaque(&self, content: &Content, cut: bool) -> ContentView {
        let (form, text) = match &content.piece {
            _ if self.is_masked => (ContentForm::Masked, MASK.to_owned()),
            Piece::Text(text) => (ContentForm::Text, text.clone()),
            Piece::Base64(text) => (ContentForm::Base64, text.clone()),
        };
        ContentView { bytes: content.bytes, form, text, cut: cut && form != ContentForm::Masked, schema: None }
    }

    /// None = nobody was ever given the id: the bytes only begin like a record that names a schema.
    fn known(&mut self, id: SchemaId) -> Option<Known> {
        if let Some(known) = self.schemas.get(&id) {
            return Some(known.clone());
        }
        let known = self.look_up(id)?;
        self.schemas.insert(id, known.clone());
        Some(known)
    }

    fn look_up(&self, id: SchemaId) -> Option<Known> {
        let (subject, listed) = self.designs.registry.holders(id).ok()?.first()?;
        let version = self.designs.versions.get(listed.place)?;
        let Design::Schema(schema) = &version.spec.content else { return None };
        let parsed = self.designs.graph().schema(Some(version.id), schema);
        let retired = if version.state == State::Retired { ", retired" } else { "" };
        Some(Known {
            name: Some(format!("{subject} version {}{retired}", listed.registered.version)),
            href: Some(format!("/designs/{}/versions/{}", version.object, version.id)),
            schema: parsed.map_err(|errors| {
                let first = errors.0.into_iter().next().map(|(_, why)| why);
                format!("its schema {}", first.unwrap_or_else(|| "cannot be read".to_owned()))
            }),
        })
    }
}

/// The schema that bytes name; they may only begin as if they did.
pub(super) fn named(piece: &Piece) -> Option<SchemaId> {
    schema_id::split(&bytes_of(piece)).map(|(id, _)| id)
}

fn bytes_of(piece: &Piece) -> Vec<u8> {
    match piece {
        Piece::Text(text) => text.as_bytes().to_vec(),
        // What an agent writes wrongly is nothing that can be told.
        Piece::Base64(text) => BASE64_STANDARD.decode(text).unwrap_or_default(),
    }
}

/// Objects and lists alone: a number or a word is as well told as the text it is.
fn json(bytes: &[u8]) -> Option<Value> {
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace())?;
    matches!(begins, b'{' | b'[').then(|| serde_json::from_slice(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_objects_and_lists_are_told_as_json() {
        assert_eq!(json(b" {\"a\": 1}"), Some(json!({ "a": 1 })));
        assert_eq!((json(b"12"), json(b"\"x\""), json(b"{"), json(b"")), (None, None, None, None));
    }
}
