//! What masks, worked out of one reading of the designs.
//!
//! A schema's text is read only when it could have a tag, whatever way that is written. One that cannot be read and could
//! have one masks everything.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use mesh_protocol::schema_id::SchemaId;

use super::{OfEvent, Veil};
use crate::app::design::Designs;
use crate::domain::design::{Content, Event, Graph, Kind, Schema, Version, standing, topics};

/// All that masks.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Masks {
    /// The tags by which everything of an object is masked.
    whole: HashMap<DesignObjectId, BTreeSet<String>>,
    /// What the text of a schema version masks; only of those that do.
    schemas: HashMap<DesignVersionId, Veil>,
    events: Arc<Vec<OfEvent>>,
    /// Schemas of which not everybody sees all.
    ids: Vec<SchemaId>,
}

/// The three parts of an event.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Parts {
    /// Its payload.
    pub(in crate::app) payload: Veil,
    /// Its key.
    pub(in crate::app) key: Veil,
    /// Its headers.
    pub(in crate::app) headers: Veil,
}

impl Masks {
    /// By the tags that mask.
    pub(in crate::app) fn of(designs: &Designs, masking: &[String]) -> Self {
        let graph = designs.graph();
        let whole = designs.objects().iter().filter_map(|object| {
            let tags = whole_tags(object.id, &graph, masking);
            (!tags.is_empty()).then_some((object.id, tags))
        });
        let mut masks = Self { whole: whole.collect(), ..Self::default() };
        let versions = designs.versions().iter();
        masks.schemas = versions.filter_map(|version| Some((version.id, veil_of(version, &graph, masking)?))).collect();
        let events = designs.objects().iter().filter(|object| object.kind == Kind::Event);
        let events = events.filter_map(|object| {
            let version = standing(graph.versions(object.id))?;
            let (filter, is_whole) = (topics(version)?, masks.whole.contains_key(&object.id));
            let Parts { payload, key, headers } = masks.of_event(event_of(version)?);
            let masks_any = is_whole || [&payload, &key, &headers].into_iter().any(Veil::masks);
            masks_any.then_some(OfEvent { filter, is_whole, payload, key, headers })
        });
        let events: Vec<OfEvent> = events.collect();
        masks.events = Arc::new(events);
        let mut ids = designs.registry.held_ids().filter(|id| masks.hides(*id, designs, &graph)).collect::<Vec<_>>();
        ids.sort_unstable();
        masks.ids = ids;
        masks
    }

    /// What is masked of events, by their addresses.
    pub(super) fn events(&self) -> Arc<Vec<OfEvent>> {
        self.events.clone()
    }

    /// The tags by which all of what a design speaks of is masked: its own, and of an event those of its schemas, for an
    /// event is as delicate as what it carries.
    pub(in crate::app) fn whole(&self, id: DesignObjectId) -> impl Iterator<Item = &String> {
        self.whole.get(&id).into_iter().flatten()
    }

    /// The schemas whose records not everybody may find.
    pub(in crate::app) fn ids(&self) -> &[SchemaId] {
        &self.ids
    }

    /// What the fields of an event's schemas mask.
    pub(in crate::app) fn of_event(&self, event: &Event) -> Parts {
        let veil = |id: Option<DesignVersionId>| id.map(|id| self.of_version(id)).unwrap_or_default();
        Parts { payload: veil(event.schema), key: veil(event.key_schema), headers: veil(event.headers_schema) }
    }

    /// What the fields of the version that stands for an object mask.
    pub(in crate::app) fn of_object(&self, id: DesignObjectId, graph: &Graph<'_>) -> Parts {
        let Some(version) = standing(graph.versions(id)) else { return Parts::default() };
        match event_of(version) {
            Some(event) => self.of_event(event),
            None => Parts { payload: self.of_version(version.id), ..Parts::default() },
        }
    }

    /// What the fields of a schema version mask.
    fn of_version(&self, id: DesignVersionId) -> Veil {
        self.schemas.get(&id).cloned().unwrap_or_default()
    }

    /// What masks records that name a schema: its own fields, and those of the version that stands for it now, for what was
    /// tagged later was as delicate before.
    pub(in crate::app) fn of_id(&self, id: SchemaId, designs: &Designs, graph: &Graph<'_>) -> Veil {
        let held = designs.registry.holders(id).unwrap_or_default().iter();
        let versions = held.filter_map(|(_, listed)| designs.versions().get(listed.place));
        let veils: Vec<Veil> = versions
            .flat_map(|version| [Some(version), standing(graph.versions(version.object))])
            .flatten()
            .map(|version| self.of_version(version.id))
            .collect();
        Veil::join(&veils)
    }

    fn hides(&self, id: SchemaId, designs: &Designs, graph: &Graph<'_>) -> bool {
        let held = designs.registry.holders(id).unwrap_or_default().iter();
        let mut objects = held.filter_map(|(_, listed)| Some(designs.versions().get(listed.place)?.object));
        objects.any(|object| self.whole.contains_key(&object)) || self.of_id(id, designs, graph).masks()
    }
}

fn event_of(version: &Version) -> Option<&Event> {
    match &version.spec.content {
        Content::Event(event) => Some(event),
        Content::Schema(_) | Content::Application(_) | Content::EventApi(_) | Content::Product(_) => None,
    }
}

fn schema_of(version: &Version) -> Option<&Schema> {
    match &version.spec.content {
        Content::Schema(schema) => Some(schema),
        Content::Event(_) | Content::Application(_) | Content::EventApi(_) | Content::Product(_) => None,
    }
}

/// The tags that mask all of what a design speaks of.
fn whole_tags(id: DesignObjectId, graph: &Graph<'_>, masking: &[String]) -> BTreeSet<String> {
    let event = standing(graph.versions(id)).and_then(event_of);
    let schemas = event.into_iter().flat_map(Event::schemas).filter_map(|(_, id)| Some(graph.version(id?)?.object));
    let objects = std::iter::once(id).chain(schemas).filter_map(|id| graph.object(id));
    let is_masking = |tag: &&String| masking.iter().any(|other| other.eq_ignore_ascii_case(tag));
    objects.flat_map(|object| &object.spec.tags).filter(is_masking).cloned().collect()
}

/// What a schema version masks; none = nothing.
fn veil_of(version: &Version, graph: &Graph<'_>, masking: &[String]) -> Option<Veil> {
    let schema = schema_of(version)?;
    let used = graph.built_on(version.id).into_iter().filter_map(schema_of);
    if !std::iter::once(schema).chain(used).any(|schema| may_have_tags(&schema.text)) {
        return None;
    }
    let veil = match graph.schema(Some(version.id), schema) {
        Ok(parsed) => Veil::of([Arc::new(parsed)], masking),
        Err(_) => Veil::blind(),
    };
    Some(veil).filter(Veil::masks)
}

/// Whether a text could have tags of fields: names in JSON may be written with escapes.
fn may_have_tags(text: &str) -> bool {
    text.contains("tags") || text.contains('\\')
}
