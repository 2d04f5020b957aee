//! Records as people read them: with their schemas where they name one, as JSON where they are, masked where they must be.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontend::api::{ContentForm, ContentView, RecordHeader, RecordSchema, RecordView};
use mesh_protocol::browse::{Content, Piece, TopicRecord};
use mesh_protocol::schema_id::{self, SchemaId};
use mesh_schema::Schema;
use serde_json::Value;

use crate::app::design::Designs;
use crate::app::mask::{MASK, Masks, Parts, Seen, Veil, masked};
use crate::domain::design::{Content as Design, Graph, State};

/// Tells records of one answer.
pub(super) struct Teller<'a> {
    designs: &'a Designs,
    graph: Graph<'a>,
    masks: &'a Masks,
    /// Everything is masked.
    is_masked: bool,
    /// What masks the parts of records, whatever schema they name.
    veils: Parts,
    /// Tags by which fields were masked so far; none = nothing was.
    masked_for: Option<BTreeSet<String>>,
    /// Schemas of the answer's records, read once each.
    schemas: HashMap<SchemaId, Arc<Known>>,
}

/// What is known of a schema id.
struct Known {
    name: Option<String>,
    href: Option<String>,
    schema: Result<Schema, String>,
    veil: Veil,
}

/// A part of a record.
#[derive(Clone, Copy)]
enum Part<'a> {
    Payload,
    Key,
    Header(&'a str),
}

impl<'a> Teller<'a> {
    pub(super) fn new(designs: &'a Designs, masks: &'a Masks, is_masked: bool, veils: Parts) -> Self {
        let (graph, schemas) = (designs.graph(), HashMap::new());
        Self { designs, graph, masks, is_masked, veils, masked_for: None, schemas }
    }

    pub(super) fn record(&mut self, record: TopicRecord) -> RecordView {
        RecordView {
            partition: record.partition,
            offset: record.offset,
            at: record.at_ms,
            key: record.key.map(|key| self.content(&key, Part::Key)),
            payload: record.payload.map(|payload| self.content(&payload, Part::Payload)),
            headers: record
                .headers
                .into_iter()
                .map(|(name, value)| {
                    let value = self.content(&value, Part::Header(&name));
                    RecordHeader { name, value }
                })
                .collect(),
            headers_left_out: record.headers_left_out,
        }
    }

    /// That fields were masked, and why; none = none was.
    pub(super) fn masked(&self) -> Option<String> {
        let tags: Vec<&str> = self.masked_for.as_ref()?.iter().map(String::as_str).collect();
        let why = "Some values are masked: fields that a schema tags, and what it does not describe";
        let tags = if tags.is_empty() { String::new() } else { format!(" ({})", tags.join(", ")) };
        Some(format!("{why}{tags}. Approvers see them."))
    }

    fn content(&mut self, content: &Content, part: Part<'_>) -> ContentView {
        let bytes = bytes_of(&content.piece);
        let cut = (bytes.len() as u64) < content.bytes;
        if let Some((id, rest)) = schema_id::split(&bytes)
            && let Some(known) = self.known(id)
        {
            let veil = Veil::join([self.veil(part), &known.veil]);
            let decoded = match &known.schema {
                _ if cut => Err(format!("it is longer than what is read of it ({} bytes)", content.bytes)),
                Ok(schema) if self.is_masked => {
                    schema.decode(rest).map(|value| Seen::Nothing { shape: masked(&value) })
                }
                Ok(schema) => match veil.record(schema, rest) {
                    Ok(Seen::All) => schema.decode(rest).map(|value| Seen::Part { value, parts: 0 }),
                    seen => seen,
                },
                Err(why) => Err(why.clone()),
            };
            let (seen, problem) = match decoded {
                Ok(seen) => (seen, None),
                Err(why) if self.is_masked || veil.masks() => (Seen::Nothing { shape: None }, Some(why)),
                Err(why) => (Seen::All, Some(why)),
            };
            let (name, href) = (known.name.clone(), known.href.clone());
            let schema = Some(RecordSchema { id: id.get(), name, href, problem });
            return ContentView { schema, ..self.told(content, cut, seen, &veil) };
        }
        let veil = self.veil(part).clone();
        let value = if cut { None } else { json(&bytes) };
        let seen = match (value, part, &content.piece) {
            (Some(value), ..) if self.is_masked => Seen::Nothing { shape: masked(&value) },
            (None, ..) if self.is_masked => Seen::Nothing { shape: None },
            (_, Part::Header(name), Piece::Text(text)) if veil.masks() => match veil.shows_header(name, text) && !cut {
                true => Seen::All,
                false => Seen::Nothing { shape: None },
            },
            (_, Part::Header(_), _) if veil.masks() => Seen::Nothing { shape: None },
            (Some(value), Part::Payload | Part::Key, _) => match veil.value(&value) {
                Seen::All => Seen::Part { value, parts: 0 },
                seen => seen,
            },
            (Some(value), Part::Header(_), _) => Seen::Part { value, parts: 0 },
            (None, _, Piece::Text(text)) if !cut => veil.text(text),
            (None, ..) if veil.masks() => Seen::Nothing { shape: None },
            (None, ..) => Seen::All,
        };
        self.told(content, cut, seen, &veil)
    }

    /// What fields mask of a part, whatever schema it names.
    fn veil(&self, part: Part<'_>) -> &Veil {
        match part {
            Part::Payload => &self.veils.payload,
            Part::Key => &self.veils.key,
            Part::Header(_) => &self.veils.headers,
        }
    }

    /// A content as far as it is seen; where nothing masks it and it is no JSON, as it is.
    fn told(&mut self, content: &Content, cut: bool, seen: Seen, veil: &Veil) -> ContentView {
        let tags = veil.tags();
        // Whatever masks all of an answer is told above it.
        let masked = if self.is_masked { None } else { seen.why(&tags) };
        if masked.is_some() {
            self.masked_for.get_or_insert_default().extend(tags);
        }
        let (form, text) = match (seen, &content.piece) {
            (Seen::Part { value, .. } | Seen::Nothing { shape: Some(value) }, _) => {
                (ContentForm::Json, format!("{value:#}"))
            }
            (Seen::Nothing { shape: None }, _) => (ContentForm::Masked, MASK.to_owned()),
            (Seen::All, Piece::Text(text)) => (ContentForm::Text, text.clone()),
            (Seen::All, Piece::Base64(text)) => (ContentForm::Base64, text.clone()),
        };
        let cut = cut && form != ContentForm::Masked;
        ContentView { bytes: content.bytes, form, text, cut, schema: None, masked }
    }

    /// None = nobody was ever given the id: the bytes only begin like a record that names a schema.
    fn known(&mut self, id: SchemaId) -> Option<Arc<Known>> {
        if let Some(known) = self.schemas.get(&id) {
            return Some(known.clone());
        }
        let known = Arc::new(self.look_up(id)?);
        self.schemas.insert(id, known.clone());
        Some(known)
    }

    fn look_up(&self, id: SchemaId) -> Option<Known> {
        let (subject, listed) = self.designs.registry.holders(id).ok()?.first()?;
        let version = self.designs.versions.get(listed.place)?;
        let Design::Schema(schema) = &version.spec.content else { return None };
        let parsed = self.graph.schema(Some(version.id), schema);
        let retired = if version.state == State::Retired { ", retired" } else { "" };
        Some(Known {
            name: Some(format!("{subject} version {}{retired}", listed.registered.version)),
            href: Some(format!("/designs/{}/versions/{}", version.object, version.id)),
            schema: parsed.map_err(|errors| {
                let first = errors.0.into_iter().next().map(|(_, why)| why);
                format!("its schema {}", first.unwrap_or_else(|| "cannot be read".to_owned()))
            }),
            veil: self.masks.of_id(id, self.designs, &self.graph),
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
