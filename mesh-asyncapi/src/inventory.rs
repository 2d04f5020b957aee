//! What a document holds for a catalog: schemas, events with their addresses, and who sends and receives which.
//!
//! A catalog knows fewer things than a document: a server, a binding or a word of its author has no place there. So this is
//! no other form of the document but an extract, which says of what it takes where it stood; all else stays in the document
//! (see [`keep`](mod@crate::keep)).
//!
//! An event is a message at an address. What stands at several addresses is several events, unless our own export says
//! (`x-mesh-version-id`) that it is one, which is reached in several ways.

mod schemas;

use std::collections::HashMap;

use mesh_schema::Format;

use crate::build::Action;
use crate::document::Document;
use crate::parts::reference;
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};
use crate::traits::merged;

pub use schemas::as_written;

/// The extension by which our own exports say which version of the catalog a part is.
pub const VERSION_ID: &str = "x-mesh-version-id";
/// The extension of a channel that is a Kafka topic which connectors tie to an event, with the name of its cluster.
pub const CLUSTER: &str = "x-mesh-cluster";
/// The extension that says whose view the document of an event or event API has.
pub const SIDE: &str = "x-mesh-side";

/// What a document holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// What is described.
    pub title: String,
    /// Its version.
    pub version: String,
    /// What it is.
    pub description: String,
    /// Tags of the document.
    pub tags: Vec<String>,
    /// The version of the catalog that the document is of.
    pub version_id: Option<String>,
    /// Each schema once, in the order in which events name them.
    pub schemas: Vec<SchemaItem>,
    /// Each event once, in the order of channels.
    pub events: Vec<EventItem>,
    /// Who does what: an index into [`Inventory::events`]. Each pair once.
    pub does: Vec<(Action, usize)>,
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaItem {
    /// What it is called in the document.
    pub name: String,
    /// Where it is defined.
    pub at: Pointer,
    /// Its language and its text with all it refers to; or why it has none.
    pub text: Result<(Format, String), String>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventItem {
    /// What the message is called.
    pub name: String,
    /// Where it stands: its message at its first channel.
    pub at: Pointer,
    /// Where it is published and received.
    pub places: Vec<Place>,
    /// In a sentence.
    pub summary: String,
    /// In more of them.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Indices into [`Inventory::schemas`].
    pub payload: Option<usize>,
    /// The same of its headers.
    pub headers: Option<usize>,
    /// The same of the key of Kafka records.
    pub key: Option<usize>,
    /// The version of the catalog that it is.
    pub version_id: Option<String>,
}

/// A channel that an event is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The channel's key.
    pub channel: String,
    /// Its address; none = not known before run time.
    pub address: Option<String>,
    /// It is only a Kafka topic that holds what is published elsewhere.
    pub is_copy: bool,
}

impl Inventory {
    /// What a document holds.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        Reader::new(Refs::new(document.value())).read()
    }
}

struct Reader<'a> {
    refs: Refs<'a>,
    inventory: Inventory,
    /// Schemas by where they are defined.
    schemas: HashMap<Pointer, usize>,
    /// Events by their message and, where that may stand for several, by their address.
    events: HashMap<(Pointer, Option<String>), usize>,
    /// The channels, behind references too.
    channels: HashMap<Pointer, Channel<'a>>,
}

/// A channel, and what it carries.
#[derive(Clone)]
struct Channel<'a> {
    found: Found<'a>,
    place: Place,
}

fn text(found: &Found<'_>, key: &str) -> String {
    found.text(key).unwrap_or_default().to_owned()
}

impl<'a> Reader<'a> {
    fn new(refs: Refs<'a>) -> Self {
        let root = refs.root();
        let info = root.field("info").unwrap_or_else(|| root.clone());
        let inventory = Inventory {
            title: text(&info, "title"),
            version: text(&info, "version"),
            description: text(&info, "description"),
            tags: tags(refs, &info),
            version_id: root.text(VERSION_ID).map(str::to_owned),
            schemas: Vec::new(),
            events: Vec::new(),
            does: Vec::new(),
        };
        Self { refs, inventory, schemas: HashMap::new(), events: HashMap::new(), channels: HashMap::new() }
    }

    fn read(mut self) -> Inventory {
        let root = self.refs.root();
        for (key, entry) in root.entries("channels") {
            let found = self.refs.behind(&entry);
            let place = Place {
                channel: key.to_owned(),
                address: found.text("address").map(str::to_owned),
                is_copy: found.text(CLUSTER).is_some(),
            };
            let channel = Channel { found: found.clone(), place };
            self.channels.insert(entry.at, channel.clone());
            self.channels.entry(found.at.clone()).or_insert_with(|| channel.clone());
            let messages: Vec<_> = found.entries("messages").collect();
            for (name, message) in messages {
                self.event(name, &message, &channel);
            }
        }
        for (_, entry) in root.entries("operations") {
            self.operation(&self.refs.behind(&entry));
        }
        // What our own export tells of, though it is on no channel.
        for (name, message) in root.field("components").iter().flat_map(|components| components.entries("messages")) {
            if self.refs.behind(&message).text(VERSION_ID).is_some() {
                self.message(name, &message, None);
            }
        }
        self.inventory
    }

    fn operation(&mut self, found: &Found<'a>) {
        let Some(action) = found.text("action").and_then(Action::by_name) else { return };
        let channel = found.field("channel").and_then(|channel| {
            let at = Pointer::from_reference(reference(channel.value)?)?;
            self.channels.get(&at).cloned()
        });
        let Some(channel) = channel else { return };
        let named = found.value.get("messages").is_some();
        let messages: Vec<(String, Found<'a>)> = if named {
            let looked_up = found.items("messages").filter_map(|item| self.refs.look_up(reference(item.value)?).ok());
            looked_up.map(|message| (message.at.last().unwrap_or_default().to_owned(), message)).collect()
        } else {
            channel.found.entries("messages").map(|(name, entry)| (name.to_owned(), entry)).collect()
        };
        for (name, message) in messages {
            let event = self.event(&name, &message, &channel);
            if !self.inventory.does.contains(&(action, event)) {
                self.inventory.does.push((action, event));
            }
        }
    }

    fn event(&mut self, name: &str, entry: &Found<'a>, channel: &Channel<'a>) -> usize {
        let index = self.message(name, entry, Some(&channel.place));
        let event = &mut self.inventory.events[index];
        if !event.places.contains(&channel.place) {
            event.places.push(channel.place.clone());
        }
        index
    }

    /// The event that a message is at a place; it is read once.
    fn message(&mut self, name: &str, entry: &Found<'a>, place: Option<&Place>) -> usize {
        let found = self.refs.behind(entry);
        let version_id = found.text(VERSION_ID).map(str::to_owned);
        let address = place.and_then(|place| place.address.clone()).filter(|_| version_id.is_none());
        let identity = (found.at.clone(), address);
        if let Some(index) = self.events.get(&identity) {
            return *index;
        }
        let refs = self.refs;
        let value = merged(refs, &found);
        let whole = Found { at: found.at.clone(), value: &value };
        let own = whole
            .text("name")
            .or_else(|| whole.at.is_like(&["components", "messages", "*"]).then(|| whole.at.last())?);
        let named = own.unwrap_or(name).to_owned();
        let key = whole.field("bindings").and_then(|all| shorter(refs).behind(&all).field("kafka")?.field("key"));
        let [payload, headers, key] =
            [("", whole.field("payload")), ("-headers", whole.field("headers")), ("-key", key)].map(|(end, schema)| {
                schema.map(|schema| {
                    self.schemas.get(&defined(refs, &schema)).copied().unwrap_or_else(|| {
                        let item = schemas::item(refs, &schema, &format!("{named}{end}"), end == "-key");
                        self.inventory.schemas.push(item);
                        self.schemas.insert(defined(refs, &schema), self.inventory.schemas.len() - 1);
                        self.inventory.schemas.len() - 1
                    })
                })
            });
        self.inventory.events.push(EventItem {
            name: named,
            at: found.at.clone(),
            places: Vec::new(),
            summary: text(&whole, "summary"),
            description: text(&whole, "description"),
            tags: tags(refs, &whole),
            payload,
            headers,
            key,
            version_id,
        });
        self.events.insert(identity, self.inventory.events.len() - 1);
        self.inventory.events.len() - 1
    }
}

/// Where a schema is defined: what several messages refer to is one.
fn defined<'b, 'a: 'b>(refs: Refs<'a>, schema: &Found<'b>) -> Pointer {
    shorter(refs).behind(schema).at
}

fn tags<'b, 'a: 'b>(refs: Refs<'a>, found: &Found<'b>) -> Vec<String> {
    let refs: Refs<'b> = refs;
    found.items("tags").filter_map(|tag| refs.behind(&tag).text("name").map(str::to_owned)).collect()
}

/// The same document, for as long as something else lives.
fn shorter<'b, 'a: 'b>(refs: Refs<'a>) -> Refs<'b> {
    refs
}

#[cfg(test)]
mod tests;
