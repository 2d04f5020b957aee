//! Values that not everybody sees: what is designed says by its tags what is delicate, and roles say who sees it anyway.
//!
//! Masked JSON keeps its shape, for whoever looks wants to know what there is; anything else is masked as a whole.

use std::collections::BTreeSet;

use mesh_protocol::id::DesignObjectId;
use mesh_protocol::topic::{Filter, Topic};
use serde_json::Value;

use super::design::Designs;
use super::permission::Right;
use super::{App, Caller, Result};
use crate::domain::design::{Content, Graph, Kind, Object, standing, topics};

/// What stands for a value that is masked.
pub(super) const MASK: &str = "•••";
/// Deepest JSON that keeps its shape.
const DEPTH_MAX: usize = 64;

/// The addresses whose payloads are masked for somebody.
#[derive(Clone, Debug, Default)]
pub struct Mask(Vec<Filter>);

impl App {
    /// What is masked for a caller when events are shown.
    pub(super) async fn mask(&self, caller: &Caller) -> Result<Mask> {
        if caller.permit(Right::DataUnmask).is_ok() {
            return Ok(Mask::default());
        }
        Ok(Mask::of(&*self.designs().await?, &self.config().masked_tags))
    }

    /// The tags that mask what a design speaks of: its own, and of an event those of its schemas, for an event is as
    /// delicate as what it carries.
    pub(super) fn masking_tags(&self, id: DesignObjectId, designs: &Designs) -> BTreeSet<String> {
        masking_tags(id, designs, &designs.graph(), &self.config().masked_tags)
    }
}

fn masking_tags(id: DesignObjectId, designs: &Designs, graph: &Graph<'_>, masking: &[String]) -> BTreeSet<String> {
    let event = standing(graph.versions(id)).and_then(|version| match &version.spec.content {
        Content::Event(event) => Some(event),
        Content::Schema(_) | Content::Application(_) => None,
    });
    let schemas = event.into_iter().flat_map(|event| [event.schema, event.key_schema, event.headers_schema]).flatten();
    let schemas = schemas.filter_map(|id| graph.version(id)).map(|version| version.object);
    let objects = std::iter::once(id).chain(schemas).filter_map(|id| designs.object(id).ok());
    objects.flat_map(|object| &object.spec.tags).filter(|tag| is_masking(tag, masking)).cloned().collect()
}

fn is_masking(tag: &str, masking: &[String]) -> bool {
    masking.iter().any(|other| other.eq_ignore_ascii_case(tag))
}

impl Mask {
    fn of(designs: &Designs, masking: &[String]) -> Self {
        let graph = designs.graph();
        let is_delicate = |object: &&Object| !masking_tags(object.id, designs, &graph, masking).is_empty();
        let events = designs.objects().iter().filter(|object| object.kind == Kind::Event).filter(is_delicate);
        let events = events.filter_map(|object| standing(graph.versions(object.id)).and_then(topics));
        Self(events.collect())
    }

    /// A payload that came with a topic, masked if it must be.
    #[must_use]
    pub fn payload(&self, topic: &str, payload: String) -> String {
        let is_masked = || Topic::new(topic).is_ok_and(|topic| self.0.iter().any(|filter| filter.matches(&topic)));
        if self.0.is_empty() || !is_masked() {
            return payload;
        }
        let value = serde_json::from_str(&payload).ok().and_then(|value| masked(&value));
        value.map_or_else(|| MASK.to_owned(), |value| value.to_string())
    }
}

/// The same shape without its values; none = it is too deep.
pub(super) fn masked(value: &Value) -> Option<Value> {
    within(value, DEPTH_MAX)
}

fn within(value: &Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    Some(match value {
        Value::Null => Value::Null,
        Value::Array(items) => Value::Array(items.iter().map(|item| within(item, depth)).collect::<Option<_>>()?),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| Some((name.clone(), within(value, depth)?));
            Value::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => MASK.into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_masked_keeps_its_shape_and_no_value() {
        let value = json!({ "name": "ada", "lines": [{ "count": 2, "ok": true, "note": null }] });
        let told = masked(&value).expect("shallow");
        assert_eq!(told, json!({ "name": MASK, "lines": [{ "count": MASK, "ok": MASK, "note": null }] }));
        let deep = (0..DEPTH_MAX).fold(json!(1), |value, _| json!([value]));
        assert_eq!(masked(&deep), None);
    }

    #[test]
    fn payloads_are_masked_where_their_topics_are() {
        let mask = Mask(vec![Filter::mesh("people/*/changed").expect("a filter")]);
        let payload = |topic: &str, text: &str| mask.payload(topic, text.to_owned());
        assert_eq!(payload("people/7/changed", r#"{"name":"ada"}"#), format!(r#"{{"name":"{MASK}"}}"#));
        assert_eq!(payload("people/7/changed", "0x00ff"), MASK);
        assert_eq!(payload("people/7/removed", "ada"), "ada");
        assert_eq!(Mask::default().payload("people/7/changed", "ada".to_owned()), "ada");
    }
}
