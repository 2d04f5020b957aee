//! The three stages of a plan.

use std::collections::HashMap;

use mesh_asyncapi::build::Action;
use mesh_asyncapi::inventory::{EventItem, SchemaItem, as_written};
use mesh_asyncapi::keep::{annotated, merged};
use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use mesh_schema::Format;
use serde_json::Value;

use super::step::{Step, Thing};
use super::{Names, Outcome, Planner, root_object};
use crate::app::asyncapi::import::read::version_named;
use crate::domain::design::{
    Address, Application, Content, Event, EventApi, Graph, Kind, Object, Schema, Version, VersionSpec,
};

impl Planner<'_> {
    /// Keeps what a stage found; the next one sees what would be made.
    fn take(&mut self, steps: Vec<Step>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(steps.len());
        for (mut line, outcome, make) in steps {
            // Things of other domains may be called alike.
            if self.lines.iter().any(|other| other.key == line.key) {
                line.key = format!("{}#{}", line.key, self.lines.len());
            }
            if let Some(make) = make {
                self.objects.extend(make.object.clone());
                self.versions.push(make.version.clone());
                self.makes.push(make);
            }
            self.lines.push(line);
            outcomes.push(outcome);
        }
        outcomes
    }

    fn named(&self, kind: Kind, name: &str) -> Option<DesignObjectId> {
        let is_it = |object: &&Object| {
            object.kind == kind && object.spec.domain == self.input.domain && object.spec.name == name
        };
        self.objects.iter().find(is_it).map(|object| object.id)
    }

    /// An event of the catalog that an item says it is.
    fn event_of(&self, item: &EventItem) -> Option<(&Version, &Event)> {
        let version = version_named(item.version_id.as_deref(), self.designs)?;
        match &version.spec.content {
            Content::Event(event) => Some((version, event)),
            _ => None,
        }
    }

    pub(super) fn schemas(&mut self) -> Vec<Outcome> {
        let items = &self.read.inventory.schemas;
        // Which versions the events of our own exports have.
        let mut hints: HashMap<usize, DesignVersionId> = HashMap::new();
        for item in &self.read.inventory.events {
            let Some((_, event)) = self.event_of(item) else { continue };
            let pairs =
                [(item.payload, event.schema), (item.headers, event.headers_schema), (item.key, event.key_schema)];
            hints.extend(pairs.into_iter().filter_map(|(index, id)| index.zip(id)));
        }
        let graph = Graph::of(&self.objects, &self.versions);
        let mut names = Names::default();
        let step = |(index, item): (usize, &SchemaItem)| {
            let of = hints.get(&index).copied();
            let known = of.and_then(|id| graph.version(id)).and_then(|version| graph.object(version.object));
            let name = match known {
                Some(object) => object.spec.name.clone(),
                None => names.of(&item.name, "schema"),
            };
            let content = item
                .text
                .clone()
                .map(|(format, text)| Content::Schema(Schema { format, text, references: Vec::new() }));
            let thing = Thing {
                kind: Kind::Schema,
                object: known.map(|object| object.id).or_else(|| self.named(Kind::Schema, &name)),
                what: item.text.as_ref().map(|(format, _)| format.to_string()).unwrap_or_default(),
                name,
                summary: String::new(),
                document: String::new(),
                tags: Vec::new(),
                of,
                number: None,
                content,
                note: String::new(),
            };
            self.step(&graph, thing, |version| says_the_same(version, item, &graph))
        };
        let steps: Vec<Step> = items.iter().enumerate().map(step).collect();
        self.take(steps)
    }

    pub(super) fn events(&mut self, schemas: &[Outcome]) -> Vec<Outcome> {
        let graph = Graph::of(&self.objects, &self.versions);
        let mut names = Names::default();
        let items = &self.read.inventory.events;
        let mut steps: Vec<Step> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let known = self.event_of(item);
            let address = address(item, known.map(|(_, event)| event));
            let (name, object) = match known {
                Some((version, _)) => {
                    let name = graph.object(version.object).map(|object| object.spec.name.clone());
                    (name.unwrap_or_default(), Some(version.object))
                }
                None => {
                    // The same message at several addresses is several events.
                    let is_again = items[..index].iter().any(|other| other.at == item.at);
                    let channel = item.places.first().map(|place| place.channel.as_str()).unwrap_or_default();
                    let raw = if is_again { format!("{}-{channel}", item.name) } else { item.name.clone() };
                    let name = names.of(&raw, "event");
                    let by_name = self.named(Kind::Event, &name);
                    match by_name.or_else(|| self.at_address(&graph, address.as_deref().unwrap_or_default())) {
                        Some(id) => (graph.object(id).map_or(name, |object| object.spec.name.clone()), Some(id)),
                        None => (name, None),
                    }
                }
            };
            let content = address
                .clone()
                .and_then(|address| self.event_content(item, address, known.map(|(_, event)| event), schemas, &graph));
            let thing = Thing {
                kind: Kind::Event,
                name,
                what: address.unwrap_or_default(),
                summary: item.summary.clone(),
                document: item.description.clone(),
                tags: item.tags.clone(),
                object,
                of: known.map(|(version, _)| version.id),
                number: None,
                note: String::new(),
                content: content.clone(),
            };
            steps.push(self.step(&graph, thing, |version| content.as_ref() == Ok(&version.spec.content)));
        }
        self.take(steps)
    }

    /// The only event of the domain that is published at an address.
    fn at_address(&self, graph: &Graph<'_>, address: &str) -> Option<DesignObjectId> {
        let is_there = |object: &&Object| {
            let newest = graph.versions(object.id).last().map(|version| &version.spec.content);
            object.kind == Kind::Event
                && object.spec.domain == self.input.domain
                && matches!(newest, Some(Content::Event(event)) if event.address == address)
        };
        let mut found = self.objects.iter().filter(is_there);
        match (found.next(), found.next()) {
            (Some(one), None) => Some(one.id),
            _ => None,
        }
    }

    fn event_content(
        &self,
        item: &EventItem,
        address: String,
        known: Option<&Event>,
        schemas: &[Outcome],
        graph: &Graph<'_>,
    ) -> Result<Content, String> {
        let schema = |word: &str, index: Option<usize>, unsaid: Option<DesignVersionId>| {
            let Some(index) = index else { return Ok(unsaid) };
            let name = &self.read.inventory.schemas[index].name;
            match schemas.get(index) {
                Some(Outcome::Is(id)) => Ok(Some(*id)),
                Some(Outcome::Left) => Err(format!(
                    "needs the schema {name} for its {word}, which is left out: take it along, or leave this out too"
                )),
                _ => Err(format!("needs the schema {name} for its {word}, which cannot be made: leave this out too")),
            }
        };
        // What no document can say stays as it is.
        let unsaid = |id: Option<DesignVersionId>, says: fn(Format) -> bool| {
            id.filter(|id| match graph.version(*id).map(|version| &version.spec.content) {
                Some(Content::Schema(schema)) => !says(schema.format),
                _ => false,
            })
        };
        let headers = unsaid(known.and_then(|event| event.headers_schema), |format| format == Format::JsonSchema);
        let key = unsaid(known.and_then(|event| event.key_schema), |format| format != Format::Protobuf);
        Ok(Content::Event(Event {
            address,
            schema: schema("payload", item.payload, None)?,
            key_schema: schema("key", item.key, key)?,
            headers_schema: schema("headers", item.headers, headers)?,
        }))
    }

    pub(super) fn root(&mut self, kind: Kind, events: &[Outcome], kept: &[(DesignVersionId, Value)]) {
        let inventory = &self.read.inventory;
        let object = root_object(self.read, self.input, self.designs, kind);
        let name = object
            .map_or_else(|| Names::default().of(&inventory.title, kind.name()), |object| object.spec.name.clone());
        let became = inventory.events.iter().zip(events).filter_map(|(item, outcome)| match outcome {
            Outcome::Is(id) => Some((item.at.clone(), id.to_string())),
            _ => None,
        });
        let document = annotated(&self.read.document, &became.collect::<Vec<_>>());
        let (content, note) = match self.root_content(kind, events) {
            Ok((content, note)) => (Ok(content), note),
            Err(why) => (Err(why), String::new()),
        };
        let graph = Graph::of(&self.objects, &self.versions);
        let count = |wanted: Action| inventory.does.iter().filter(|(action, _)| *action == wanted).count();
        let thing = Thing {
            kind,
            name,
            what: format!("sends {}, receives {}", count(Action::Send), count(Action::Receive)),
            summary: String::new(),
            document: inventory.description.clone(),
            tags: inventory.tags.clone(),
            object: object.map(|object| object.id),
            of: self.read.of,
            number: inventory.version.trim().parse().ok(),
            content: content.clone(),
            note,
        };
        let is_same = |version: &Version| {
            let known = kept.iter().find(|(id, _)| *id == version.id).map(|(_, document)| document);
            content.as_ref() == Ok(&version.spec.content) && self.adds_nothing(version, &document, known)
        };
        let (line, outcome, mut make) = self.step(&graph, thing, is_same);
        if let Some(make) = &mut make {
            make.kept = Some(document);
        }
        self.take(vec![(line, outcome, make)]);
    }

    /// Whether a document says nothing that the one of a version does not say.
    fn adds_nothing(&self, version: &Version, document: &Value, known: Option<&Value>) -> bool {
        let plain = (self.export)(version, None).ok();
        let now = plain.map(|plain| merged(plain, document).into_value());
        let before = (self.export)(version, known).ok().map(mesh_asyncapi::Document::into_value);
        now == before
    }

    fn root_content(&self, kind: Kind, events: &[Outcome]) -> Result<(Content, String), String> {
        if let Some(secret) = self.read.secret() {
            return Err(format!("cannot be kept, for {} ({}): {}", secret.message, secret.at, secret.advice));
        }
        let inventory = &self.read.inventory;
        let mut lists = [Vec::new(), Vec::new()];
        let mut left = Vec::new();
        for (action, index) in &inventory.does {
            let name = inventory.events.get(*index).map(|item| item.name.as_str()).unwrap_or_default();
            match events.get(*index) {
                Some(Outcome::Is(id)) => lists[usize::from(*action == Action::Receive)].push(*id),
                Some(Outcome::Left) => left.push(name),
                _ => return Err(format!("needs the event {name}, which cannot be made: leave that out, or both")),
            }
        }
        // Our own export knows of events that are on no channel now.
        if let Some(version) = self.read.of.and_then(|id| self.designs.version(id).ok()) {
            let unplaced = |id: &DesignVersionId| {
                let is_it =
                    |(item, outcome): (&EventItem, &Outcome)| item.places.is_empty() && *outcome == Outcome::Is(*id);
                inventory.events.iter().zip(events).any(is_it)
            };
            let known: [&[DesignVersionId]; 2] = match &version.spec.content {
                Content::Application(it) => [&it.publishes, &it.consumes],
                Content::EventApi(it) => [&it.sends, &it.receives],
                _ => [&[], &[]],
            };
            for (list, known) in lists.iter_mut().zip(known) {
                list.extend(known.iter().filter(|id| unplaced(id)));
            }
        }
        let [sends, receives] = lists;
        let content = match kind {
            Kind::EventApi => Content::EventApi(EventApi { sends, receives }),
            _ => Content::Application(Application { publishes: sends, consumes: receives }),
        };
        let spec = VersionSpec {
            number: crate::domain::design::Number::FIRST,
            description: String::new(),
            content,
            end_of_life_at_ms: None,
            replacement: None,
        };
        left.dedup();
        let note =
            if left.is_empty() { String::new() } else { format!("without {}, which is left out", left.join(", ")) };
        Ok((spec.tidied().content, note))
    }
}

/// Where an event is published. One of the catalog stays where it is, as long as the document has it there or nowhere.
fn address(item: &EventItem, known: Option<&Event>) -> Result<String, String> {
    let own: Vec<&str> =
        item.places.iter().filter(|place| !place.is_copy).filter_map(|place| place.address.as_deref()).collect();
    let found = match known {
        Some(event) if own.is_empty() || own.contains(&event.address.as_str()) => event.address.as_str(),
        _ => own.first().copied().ok_or(
            "has no address: its channel does not say one, and an event needs the topic that it is published to",
        )?,
    };
    match Address::parse(found) {
        Ok(_) => Ok(found.to_owned()),
        Err(error) => Err(format!("has the address `{found}`, which {error}")),
    }
}

/// Whether a schema of the catalog is written in a document as this one is.
fn says_the_same(version: &Version, item: &SchemaItem, graph: &Graph<'_>) -> bool {
    let (Content::Schema(schema), Ok((format, text))) = (&version.spec.content, &item.text) else { return false };
    if schema.format != *format {
        return false;
    }
    let is_equal = |other: &str| {
        let json = |text: &str| serde_json::from_str::<Value>(text).ok();
        other == text || json(other).is_some_and(|other| json(text).as_ref() == Some(&other))
    };
    if schema.references.is_empty() && is_equal(&schema.text) {
        return true;
    }
    let name = item.at.last().unwrap_or("schema");
    let Ok(references) = graph.texts(Some(version.id), schema) else { return false };
    as_written(schema.format, &schema.text, &references, name).is_ok_and(|written| is_equal(&written))
}
