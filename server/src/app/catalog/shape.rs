//! What payloads look like, on the pages of addresses and of the Kafka topics that are carried there.

use std::collections::BTreeSet;

use frontend::api::{SeenField, SeenShape};
use mesh_protocol::report::{Direction, Shape};
use mesh_schema::seen::{fields, json_schema, kind};

use super::entry::Key;
use crate::app::observed::World;
use crate::app::sight::Sight;
use crate::app::{App, Result};
use crate::domain::shape::Inferred;

/// A Kafka topic whose records go to more addresses than this has no shape of its own.
const ADDRESSES_MAX: usize = 8;

impl App {
    /// The shape of what passes an object; none where nothing was looked at.
    pub(super) async fn shape_of(&self, key: &Key, sight: &Sight, world: &World) -> Result<Option<SeenShape>> {
        let addresses = addresses(key, sight, world);
        if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
            return Ok(None);
        }
        let mut tx = self.store().read().await?;
        let mut seen = Vec::new();
        for address in addresses {
            seen.extend(tx.shapes_at(self.environment(), address).await?);
        }
        Ok(shown(&seen, world))
    }

    /// The JSON Schema of what passes some addresses with how many payloads it was made of; none where nothing was
    /// looked at.
    pub(in crate::app) async fn schema_at(&self, addresses: &[&str]) -> Result<Option<(String, u64)>> {
        let mut tx = self.store().read().await?;
        let mut whole = Shape::default();
        for address in addresses {
            tx.shapes_at(self.environment(), address).await?.iter().for_each(|seen| whole.join(&seen.whole()));
        }
        Ok((!whole.is_empty()).then(|| (text(&whole), whole.total())))
    }
}

/// Addresses whose payloads are those of an object, as far as they are seen.
fn addresses<'a>(key: &'a Key, sight: &Sight, world: &'a World) -> BTreeSet<&'a str> {
    let (broker, name) = match key {
        Key::Address(address) => return BTreeSet::from([address.as_str()]),
        Key::Topic(broker, name) => (*broker, name),
        _ => return BTreeSet::new(),
    };
    let carried = world.seen.flows.iter().filter(|flow| {
        flow.direction == Direction::Produce
            && flow.broker == Some(broker)
            && flow.broker_topic.as_deref() == Some(name.as_str())
    });
    let is_seen = |address: &&str| {
        let entry = world.catalog().get(&Key::Address((*address).to_owned()));
        entry.is_some_and(|entry| sight.sees(entry.domain))
    };
    carried.map(|flow| flow.address.as_str()).filter(is_seen).collect()
}

fn shown(seen: &[Inferred], world: &World) -> Option<SeenShape> {
    let newest = seen.iter().max_by_key(|seen| seen.last_seen_ms)?;
    let mut whole = Shape::default();
    seen.iter().for_each(|seen| whole.join(&seen.whole()));
    let others = seen.iter().map(|seen| seen.others.saturating_add(seen.before_others));
    let field = |field: mesh_schema::seen::SeenField| SeenField {
        path: field.path,
        kind: field.kind,
        seen: field.seen,
        of: field.of,
    };
    Some(SeenShape {
        payloads: whole.total(),
        others: others.fold(0, u64::saturating_add),
        first_seen: seen.iter().map(|seen| seen.first_seen_ms).min().unwrap_or(newest.first_seen_ms),
        as_of: newest.last_seen_ms,
        by: world.agent_name(newest.agent),
        kind: kind(&whole),
        fields: fields(&whole).into_iter().map(field).collect(),
        schema: text(&whole),
    })
}

fn text(shape: &Shape) -> String {
    serde_json::to_string_pretty(&json_schema(shape)).expect("a JSON value has a text")
}
