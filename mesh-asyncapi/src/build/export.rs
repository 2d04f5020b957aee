//! The document while it is built.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::channel::Channel;
use super::content::Content;
use super::extensions::{Extensions, put};
use super::info::Info;
use super::key::{ChannelKey, Entry, MessageKey, OperationKey, SchemaKey, SchemeKey, ServerKey, Taken};
use super::message::Message;
use super::operation::Operation;
use super::security::{Requirement, Scheme};
use super::server::Server;
use crate::document::{Document, NotADocument, Version};
use crate::lint::secrets;
use crate::pointer::Pointer;

/// A document that is being built.
#[derive(Clone, Debug)]
pub struct Export {
    version: Version,
    id: String,
    content_type: String,
    info: Info,
    extensions: Extensions,
    servers: Kept<Server>,
    channels: Kept<Channel>,
    entries: BTreeSet<Entry>,
    operations: Kept<Operation>,
    messages: Kept<Message>,
    schemas: Kept<Content>,
    schemes: Kept<(Scheme, String)>,
}

/// Parts of one kind, in the order of their keys: documents of the same content are the same, whatever came first.
#[derive(Clone, Debug)]
struct Kept<T> {
    taken: Taken,
    parts: BTreeMap<String, T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { taken: Taken::default(), parts: BTreeMap::new() }
    }
}

impl<T> Kept<T> {
    fn add(&mut self, name: &str, part: T) -> String {
        let key = self.taken.key(name);
        self.parts.insert(key.clone(), part);
        key
    }

    fn get(&self, key: &str) -> Option<&T> {
        self.parts.get(key)
    }

    fn write(&self, value: impl Fn(&str, &T) -> Value) -> Map<String, Value> {
        self.parts.iter().map(|(key, part)| (key.clone(), value(key, part))).collect()
    }
}

/// Why a document cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Pointer,
    /// What is wrong.
    pub reason: String,
}

/// All reasons why a document cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document cannot be built: {}", self.shown())]
pub struct Refused(pub Vec<Problem>);

impl Refused {
    fn shown(&self) -> String {
        let problems = self.0.iter().map(|problem| format!("at {}, {}", problem.at, problem.reason));
        problems.collect::<Vec<_>>().join("; ")
    }
}

impl Export {
    /// A document about something.
    #[must_use]
    pub fn new(info: Info) -> Self {
        Self {
            version: Version::default(),
            id: String::new(),
            content_type: String::new(),
            info,
            extensions: Extensions::new(),
            servers: Kept::default(),
            channels: Kept::default(),
            entries: BTreeSet::new(),
            operations: Kept::default(),
            messages: Kept::default(),
            schemas: Kept::default(),
            schemes: Kept::default(),
        }
    }

    /// In another version of AsyncAPI than 3.0.0.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Its id: a URI such as `urn:shop:orders:till`.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// The content type of messages that name none.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// Fields of one's own.
    #[must_use]
    pub fn extensions(mut self, extensions: Extensions) -> Self {
        self.extensions = extensions;
        self
    }

    /// A security scheme.
    pub fn scheme(&mut self, name: &str, scheme: Scheme) -> SchemeKey {
        self.described_scheme(name, scheme, "")
    }

    /// A security scheme, and how one gets what it needs.
    pub fn described_scheme(&mut self, name: &str, scheme: Scheme, description: &str) -> SchemeKey {
        SchemeKey(self.schemes.add(name, (scheme, description.to_owned())))
    }

    /// A server.
    pub fn server(&mut self, name: &str, server: Server) -> ServerKey {
        ServerKey(self.servers.add(name, server))
    }

    /// A channel.
    pub fn channel(&mut self, name: &str, channel: Channel) -> ChannelKey {
        ChannelKey(self.channels.add(name, channel))
    }

    /// A schema that several messages use.
    pub fn schema(&mut self, name: &str, content: Content) -> SchemaKey {
        SchemaKey(self.schemas.add(name, content))
    }

    /// A message, once for all channels that carry it.
    pub fn message(&mut self, name: &str, message: Message) -> MessageKey {
        MessageKey(self.messages.add(name, message))
    }

    /// A channel carries a message. Operations refer to this.
    pub fn carry(&mut self, channel: &ChannelKey, message: &MessageKey) -> Entry {
        let entry = Entry { channel: channel.clone(), message: message.clone() };
        self.entries.insert(entry.clone());
        entry
    }

    /// Somebody sends or receives.
    pub fn operation(&mut self, name: &str, operation: Operation) -> OperationKey {
        OperationKey(self.operations.add(name, operation))
    }

    /// The document.
    ///
    /// # Errors
    /// Keys of another export, messages of another channel, scopes where there are none, or a secret: all of it. Or it is
    /// larger than what is read (see [`read`](crate::read)).
    pub fn finish(self) -> Result<Document, Refused> {
        let mut problems = self.problems();
        let value = self.to_value();
        let found = secrets(&value).into_iter();
        problems.extend(found.map(|(at, what)| Problem { at, reason: format!("{what} stands there: leave it out") }));
        if !problems.is_empty() {
            return Err(Refused(problems));
        }
        let too_large = |error: NotADocument| Refused(vec![Problem { at: Pointer::root(), reason: error.to_string() }]);
        Document::new(value).map_err(too_large)
    }

    fn to_value(&self) -> Value {
        let mut root = Map::new();
        root.insert("asyncapi".into(), self.version.name().into());
        put(&mut root, "id", self.id.clone());
        put(&mut root, "info", self.info.to_value());
        put(&mut root, "defaultContentType", self.content_type.clone());
        let servers =
            self.servers.write(|_, server| server.to_value(self.version, self.required(server.requirements())));
        put(&mut root, "servers", servers);
        put(
            &mut root,
            "channels",
            self.channels.write(|key, channel| channel.to_value(self.version, self.messages_of(key))),
        );
        let operations = self
            .operations
            .write(|_, operation| operation.to_value(self.version, self.required(operation.requirements())));
        put(&mut root, "operations", operations);
        put(&mut root, "components", self.components());
        self.extensions.write(&mut root);
        root.into()
    }

    fn components(&self) -> Map<String, Value> {
        let mut components = Map::new();
        let schemas = self.schemas.write(|key, content| content.to_value(&SchemaKey(key.to_owned()).pointer()));
        put(&mut components, "schemas", schemas);
        let messages =
            self.messages.write(|key, message| message.to_value(self.version, &MessageKey(key.to_owned()).pointer()));
        put(&mut components, "messages", messages);
        let mut schemes = self.schemes.write(|_, (scheme, description)| scheme.to_value(description));
        // With scopes a scheme is written out where it is asked for; what nothing refers to is left out here.
        let asked = || self.requirements().map(|(_, requirement)| requirement);
        let is_plain = |key: &str| asked().any(|asked| matches!(asked, Requirement::Scheme(scheme) if scheme.0 == key));
        schemes.retain(|key, _| is_plain(key) || !asked().any(|asked| asked.scheme().0 == *key));
        put(&mut components, "securitySchemes", schemes);
        components
    }

    fn messages_of(&self, channel: &str) -> Map<String, Value> {
        let first = Entry { channel: ChannelKey(channel.to_owned()), message: MessageKey(String::new()) };
        let entries = self.entries.range(first..).take_while(|entry| entry.channel.0 == channel);
        let reference = |entry: &Entry| json!({ "$ref": entry.message.pointer().to_reference() });
        entries.map(|entry| (entry.message.0.clone(), reference(entry))).collect()
    }

    /// A reference, or with scopes the scheme written out: references have no scopes.
    fn required(&self, requirements: &[Requirement]) -> Vec<Value> {
        let requirement = |requirement: &Requirement| match requirement {
            Requirement::Scheme(key) => json!({ "$ref": key.pointer().to_reference() }),
            Requirement::Scopes(key, scopes) => {
                let known = self.schemes.get(&key.0);
                let mut value = known.map_or(Value::Null, |(scheme, description)| scheme.to_value(description));
                if let Some(map) = value.as_object_mut() {
                    put(map, "scopes", scopes.clone());
                }
                value
            }
        };
        requirements.iter().map(requirement).collect()
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |at: Pointer, reason: String| problems.push(Problem { at, reason });
        for (key, channel) in &self.channels.parts {
            for server in channel.servers.iter().filter(|server| self.servers.get(&server.0).is_none()) {
                add(ChannelKey(key.clone()).pointer(), format!("the server `{}` is of another document", server.0));
            }
        }
        for entry in &self.entries {
            if self.channels.get(&entry.channel.0).is_none() || self.messages.get(&entry.message.0).is_none() {
                add(entry.pointer(), "the channel or the message is of another document".into());
            }
        }
        for (key, message) in &self.messages.parts {
            let contents = [&message.payload, &message.headers].into_iter().flatten();
            for schema in contents.filter_map(Content::named).filter(|schema| self.schemas.get(&schema.0).is_none()) {
                add(MessageKey(key.clone()).pointer(), format!("the schema `{}` is of another document", schema.0));
            }
        }
        for (key, operation) in &self.operations.parts {
            let at = OperationKey(key.clone()).pointer();
            self.check_entries(&at, &operation.channel, &operation.messages, &mut add);
            if let Some(reply) = &operation.reply {
                let at = at.child("reply");
                self.check_entries(&at, &reply.channel, &reply.messages, &mut add);
                let has_address = self.channels.get(&reply.channel.0).is_some_and(Channel::has_address);
                if has_address && !reply.address.is_empty() {
                    add(at, "the answer's address comes with the message, so its channel must have none".into());
                }
            }
        }
        for (at, requirement) in self.requirements() {
            self.check_requirement(&at, requirement, &mut add);
        }
        problems
    }

    /// What servers and operations ask of clients, and where.
    fn requirements(&self) -> impl Iterator<Item = (Pointer, &Requirement)> {
        let servers =
            self.servers.parts.iter().map(|(key, part)| (ServerKey(key.clone()).pointer(), part.requirements()));
        let operations =
            self.operations.parts.iter().map(|(key, part)| (OperationKey(key.clone()).pointer(), part.requirements()));
        servers.chain(operations).flat_map(|(at, list)| list.iter().map(move |requirement| (at.clone(), requirement)))
    }

    fn check_entries(
        &self,
        at: &Pointer,
        channel: &ChannelKey,
        entries: &[Entry],
        add: &mut impl FnMut(Pointer, String),
    ) {
        if self.channels.get(&channel.0).is_none() {
            add(at.clone(), format!("the channel `{}` is of another document", channel.0));
        }
        for entry in entries.iter().filter(|entry| entry.channel != *channel || !self.entries.contains(entry)) {
            add(at.clone(), format!("the message `{}` is not one of the channel `{}`", entry.message.0, channel.0));
        }
    }

    fn check_requirement(&self, at: &Pointer, requirement: &Requirement, add: &mut impl FnMut(Pointer, String)) {
        let key = requirement.scheme();
        match (self.schemes.get(&key.0), requirement) {
            (None, _) => add(at.clone(), format!("the security scheme `{}` is of another document", key.0)),
            (Some((scheme, _)), Requirement::Scopes(..)) if !scheme.has_scopes() => {
                add(at.clone(), format!("the security scheme `{}` has no scopes", key.0));
            }
            _ => {}
        }
    }
}
