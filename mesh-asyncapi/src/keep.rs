//! What a document says that a catalog does not model, and how it comes back.
//!
//! A document that was imported is kept as its author wrote it. When the catalog exports the same thing again, its own
//! document is made of what it knows, and everything else is taken from the author's: words, tags, extensions, bindings,
//! examples, servers. Where both say something the catalog wins, because it may have been edited since; but words about
//! channels and operations, which it only makes up, are the author's.
//!
//! Parts are matched by what they mean, never by their keys: messages by the versions that they became
//! ([`annotated`] notes them), channels by their message and address, operations by what is done in which channel.
//! What has no match is not merged: it is no longer in the catalog, or was left out on purpose.

mod overlay;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::overlay::{Words, fill};
use crate::document::Document;
use crate::inventory::{CLUSTER, VERSION_ID};
use crate::parts::reference;
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};
use crate::traits::merged as with_traits;

/// The extension of servers that are the mesh's own.
pub const OWN_SERVER: &str = "x-mesh-server";

/// The document of an author, with a note at each message of the versions of the catalog that it became.
#[must_use]
pub fn annotated(document: &Document, became: &[(Pointer, String)]) -> Value {
    let mut value = document.value().clone();
    let mut all: BTreeMap<&Pointer, Vec<&str>> = BTreeMap::new();
    for (at, version) in became {
        all.entry(at).or_default().push(version);
    }
    for (at, versions) in all {
        if let Some(message) = at.get_mut(&mut value).and_then(Value::as_object_mut) {
            message.insert(VERSION_ID.into(), json!(versions));
        }
    }
    value
}

/// An export with what its author said beside it.
#[must_use]
pub fn merged(export: Document, author: &Value) -> Document {
    let version = export.version();
    let mut value = export.into_value();
    let before = value.clone();
    Merge { author: Refs::new(author), servers: BTreeMap::new() }.all(&mut value, &before);
    // Whatever the author wrote cannot make it larger than what is read: it was read itself, within the same bounds.
    match Document::new(value) {
        Ok(document) => document,
        Err(_) => Document::new(before).expect("it was a document").into_version(version),
    }
}

struct Merge<'a> {
    author: Refs<'a>,
    /// The keys that the author's servers got.
    servers: BTreeMap<String, String>,
}

/// The versions that a message became, of an author's document or of an export.
fn versions(message: &Value) -> Vec<&str> {
    match message.get(VERSION_ID) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

impl<'a> Merge<'a> {
    fn all(&mut self, value: &mut Value, export: &Value) {
        let root = self.author.root();
        if let Some(info) = root.field("info") {
            self.info(&mut value["info"], &info);
        }
        for (key, extra) in root.value.as_object().into_iter().flatten().filter(|(key, _)| is_foreign(key)) {
            put_new(value, key, extra.clone());
        }
        if let Some(content_type) = root.text("defaultContentType") {
            put_new(value, "defaultContentType", content_type.into());
        }
        self.add_servers(value);
        let export = Refs::new(export);
        let components = export.root().field("components");
        for (key, message) in components.iter().flat_map(|components| components.entries("messages")) {
            let own = versions(message.value);
            let Some(theirs) = own.first().and_then(|version| self.message(version)) else { continue };
            let at = Pointer::of(["components", "messages", key]);
            if let Some(into) = at.get_mut(value) {
                fill(self.author, into, &theirs, Words::OfCatalog, &MODELLED_OF_MESSAGES);
            }
        }
        for (key, channel) in export.root().entries("channels") {
            let version = channel.entries("messages").find_map(|(_, message)| {
                versions(export.behind(&message).value).first().map(|version| (*version).to_owned())
            });
            let Some(version) = version.filter(|_| channel.text(CLUSTER).is_none()) else { continue };
            let Some(theirs) = self.channel(&version, channel.text("address")) else { continue };
            self.fill_channel(&mut value["channels"][key], &theirs);
            for (name, operation) in export.root().entries("operations") {
                let is_here = operation.value["channel"]["$ref"].as_str().and_then(Pointer::from_reference)
                    == Some(Pointer::of(["channels", key]));
                let found = is_here.then(|| self.operation(operation.text("action"), &theirs)).flatten();
                if let Some(found) = found {
                    let whole = with_traits(self.author, &found);
                    let into = &mut value["operations"][name];
                    fill(self.author, into, &whole, Words::OfAuthor, &MODELLED_OF_OPERATIONS);
                }
            }
        }
    }

    fn info(&self, into: &mut Value, info: &Found<'a>) {
        let description = info.text("description").unwrap_or_default().trim().to_owned();
        let known = into["description"].as_str().unwrap_or_default().to_owned();
        // The last paragraph of an export says whose view it is: what has it comes from an export.
        let view = known.rsplit("\n\n").next().unwrap_or_default();
        let is_new = !description.is_empty() && !known.contains(&description);
        if is_new && (view.is_empty() || !description.contains(view)) {
            into["description"] = format!("{description}\n\n{known}").into();
        }
        fill(self.author, into, info.value, Words::OfCatalog, &["title", "version", "description"]);
    }

    /// Servers of the author that are no listener or cluster of the mesh, with how one logs in there.
    fn add_servers(&mut self, value: &mut Value) {
        for (key, entry) in self.author.root().entries("servers") {
            let server = self.author.behind(&entry);
            if server.value.get(OWN_SERVER).is_some() {
                continue;
            }
            let is_same =
                |own: &Value| own["host"] == server.value["host"] && own["protocol"] == server.value["protocol"];
            let known = value["servers"].as_object().into_iter().flatten().find(|(_, own)| is_same(own));
            if let Some(known) = known.map(|(known, _)| known.clone()) {
                fill(
                    self.author,
                    &mut value["servers"][&known],
                    server.value,
                    Words::OfAuthor,
                    &["security", "variables"],
                );
                self.servers.insert(key.to_owned(), known);
                continue;
            }
            let Some(mut copy) = overlay::inlined(self.author, server.value) else { continue };
            self.add_security(value, &mut copy, &server);
            let taken = value["servers"].as_object().cloned().unwrap_or_default();
            let numbered = (2..).map(|number| format!("{key}-{number}"));
            let free = std::iter::once(key.to_owned()).chain(numbered).find(|key| !taken.contains_key(key));
            let free = free.unwrap_or_default();
            value["servers"][&free] = copy;
            self.servers.insert(key.to_owned(), free);
        }
    }

    /// Schemes are referred to, not written out: they come along.
    fn add_security(&self, value: &mut Value, copy: &mut Value, server: &Found<'a>) {
        for (index, item) in server.items("security").enumerate() {
            let name = reference(item.value)
                .and_then(Pointer::from_reference)
                .filter(|at| at.is_like(&["components", "securitySchemes", "*"]));
            let Some(name) = name.and_then(|at| at.last().map(str::to_owned)) else { continue };
            let Some(scheme) = overlay::inlined(self.author, item.value) else { continue };
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let is_free = |name: &String| {
                let known = &value["components"]["securitySchemes"][name];
                known.is_null() || *known == scheme
            };
            let key = std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or_default();
            copy["security"][index] =
                json!({ "$ref": Pointer::of(["components", "securitySchemes", &key]).to_reference() });
            value["components"]["securitySchemes"][&key] = scheme;
        }
    }

    /// The author's message that became a version, with what its traits add.
    fn message(&self, version: &str) -> Option<Value> {
        let root = self.author.root();
        let of_components: Vec<Found<'a>> = root
            .field("components")
            .iter()
            .flat_map(|it| it.entries("messages").collect::<Vec<_>>())
            .map(|(_, it)| it)
            .collect();
        let of_channels: Vec<Found<'a>> = root
            .entries("channels")
            .flat_map(|(_, channel)| {
                self.author.behind(&channel).entries("messages").map(|(_, it)| it).collect::<Vec<_>>()
            })
            .collect();
        let mut all = of_components.iter().chain(&of_channels).map(|message| self.author.behind(message));
        let found = all.find(|message| versions(message.value).contains(&version))?;
        Some(with_traits(self.author, &found).into_owned())
    }

    /// The author's channel that carries a version at an address.
    fn channel(&self, version: &str, address: Option<&str>) -> Option<Found<'a>> {
        let mut channels = self.author.root().entries("channels").map(|(_, channel)| self.author.behind(&channel));
        channels.find(|channel| {
            let carries =
                |(_, message): (&str, Found<'a>)| versions(self.author.behind(&message).value).contains(&version);
            channel.text("address") == address
                && channel.text(CLUSTER).is_none()
                && channel.entries("messages").any(carries)
        })
    }

    fn operation(&self, action: Option<&str>, channel: &Found<'a>) -> Option<Found<'a>> {
        let mut operations =
            self.author.root().entries("operations").map(|(_, operation)| self.author.behind(&operation));
        operations.find(|operation| {
            let at = operation.value["channel"]["$ref"].as_str().and_then(Pointer::from_reference);
            let there = at.and_then(|at| Some(Found { value: at.get(self.author.root().value)?, at }));
            operation.text("action") == action && there.is_some_and(|there| self.author.behind(&there).at == channel.at)
        })
    }

    fn fill_channel(&self, into: &mut Value, theirs: &Found<'a>) {
        fill(self.author, into, theirs.value, Words::OfAuthor, &["address", "messages", "servers", "parameters"]);
        for (name, parameter) in theirs.entries("parameters") {
            let known = into.get_mut("parameters").and_then(|all| all.get_mut(name));
            if let (Some(known), Some(parameter)) = (known, overlay::inlined(self.author, parameter.value)) {
                fill(self.author, known, &parameter, Words::OfAuthor, &[]);
            }
        }
        let named = theirs.items("servers").filter_map(|server| {
            let at = Pointer::from_reference(reference(server.value)?)?;
            self.servers.get(at.last()?)
        });
        let has_servers = theirs.value.get("servers").is_some();
        let mut servers: Vec<&String> = named.collect();
        if !has_servers {
            servers = self.servers.values().collect();
        }
        let mut list = into["servers"].as_array().cloned().unwrap_or_default();
        // Without servers of its own it is on all of them already.
        if list.is_empty() && !has_servers {
            return;
        }
        for server in servers {
            let item = json!({ "$ref": Pointer::of(["servers", server]).to_reference() });
            if !list.contains(&item) {
                list.push(item);
            }
        }
        if !list.is_empty() {
            into["servers"] = list.into();
        }
    }
}

/// What the catalog says of messages itself, or names that only have a meaning in the author's document.
const MODELLED_OF_MESSAGES: [&str; 6] = ["payload", "headers", "name", "contentType", "traits", "deprecated"];
const MODELLED_OF_OPERATIONS: [&str; 6] = ["action", "channel", "messages", "security", "reply", "traits"];

/// An extension that is not ours.
fn is_foreign(key: &str) -> bool {
    key.starts_with("x-") && !key.starts_with("x-mesh-")
}

fn put_new(into: &mut Value, key: &str, value: Value) {
    if let Some(map) = into.as_object_mut()
        && !map.contains_key(key)
    {
        map.insert(key.to_owned(), value);
    }
}

/// What has a name in a list, by it: tags.
fn named(list: &Value) -> Map<String, Value> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| Some((item["name"].as_str()?.to_owned(), item.clone()))).collect()
}

#[cfg(test)]
mod tests;
