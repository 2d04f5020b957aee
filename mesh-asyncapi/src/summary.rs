//! A document as a page shows it: who sends and receives what, where, and how one gets in.
//!
//! A page should not have to know references, traits or formats. So everything is looked up here: each operation with
//! its channel, parameters, servers and messages, each schema by itself with its fields and an example. Messages stand
//! in one list and operations point into it, because a document of a whole domain names the same message often.
//!
//! It works on any document, also on one with errors: what is missing is empty, what cannot be looked up says so.

mod parts;
mod schemas;

use mesh_schema::{Field, Format};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::build::Action;
use crate::document::{Document, Version};
use crate::refs::Refs;

/// Most bytes of schemas in one summary, each with what it refers to; those after it come without text and fields.
pub const SCHEMA_BYTES_MAX: usize = 8 << 20;

/// A document for a page. Empty texts are those the document does not have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The version of AsyncAPI.
    pub asyncapi: Version,
    /// A URI.
    pub id: String,
    /// What is described.
    pub title: String,
    /// Its version.
    pub version: String,
    /// What it is, in Markdown.
    pub description: String,
    /// A page with terms.
    pub terms: String,
    /// Whom to ask: name, URL, address of mail.
    pub contact: Contact,
    /// The license.
    pub license: Link,
    /// Tags.
    pub tags: Vec<String>,
    /// A page that says more.
    pub docs: String,
    /// Where clients connect.
    pub servers: Vec<Server>,
    /// Where messages go.
    pub channels: Vec<Channel>,
    /// Who sends and receives.
    pub operations: Vec<Operation>,
    /// All messages of channels, each once.
    pub messages: Vec<Message>,
    /// Fields of the document and its info that begin with `x-`.
    pub extensions: Map<String, Value>,
}

/// Whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// A person or a team.
    pub name: String,
    /// A page.
    pub url: String,
    /// An address of mail.
    pub email: String,
}

/// A name with a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The name.
    pub name: String,
    /// The page.
    pub url: String,
}

/// Words about a part.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Words {
    /// Its name for people.
    pub title: String,
    /// In a sentence.
    pub summary: String,
    /// In Markdown.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// A page that says more.
    pub docs: String,
    /// Fields that begin with `x-`.
    pub extensions: Map<String, Value>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Server {
    /// Its key.
    pub key: String,
    /// Words about it.
    pub words: Words,
    /// The protocol, as the document calls it.
    pub protocol: String,
    /// Its version.
    pub protocol_version: String,
    /// Host and port.
    pub host: String,
    /// The path.
    pub pathname: String,
    /// What stands in braces in both.
    pub variables: Vec<Parameter>,
    /// Any one of them will do. Empty = nothing is asked for.
    pub security: Vec<Security>,
    /// What protocols add.
    pub bindings: Vec<Binding>,
}

/// What stands in braces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The only values there are. Empty = any.
    pub values: Vec<String>,
    /// The value where none is given.
    pub default: String,
    /// Some values.
    pub examples: Vec<String>,
    /// Where a message carries it.
    pub location: String,
    /// It stands for one level or more, up to the end.
    pub is_rest: bool,
}

/// A way for clients to prove who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Security {
    /// The key of the scheme. Empty = it stands where it is used.
    pub key: String,
    /// `scramSha512`, `oauth2`, `http bearer`.
    pub kind: String,
    /// How one gets what it needs.
    pub description: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Where tokens come from, or where their issuer describes itself.
    pub url: String,
    /// Where a key goes: `header X-Api-Key`.
    pub place: String,
}

/// What a protocol adds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Binding {
    /// The protocol.
    pub protocol: String,
    /// The version of the binding.
    pub version: String,
    /// Everything else.
    pub fields: Map<String, Value>,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Channel {
    /// Its key.
    pub key: String,
    /// Words about it.
    pub words: Words,
    /// Its address; none = not known before run time.
    pub address: Option<String>,
    /// What stands in braces in it.
    pub parameters: Vec<Parameter>,
    /// The keys of its servers.
    pub servers: Vec<String>,
    /// Indices into [`Summary::messages`].
    pub messages: Vec<usize>,
    /// What protocols add.
    pub bindings: Vec<Binding>,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operation {
    /// Its key.
    pub key: String,
    /// Words about it.
    pub words: Words,
    /// What the described application does; none = the document does not say it.
    pub action: Option<Action>,
    /// Index into [`Summary::channels`]; none = it has no channel of the document.
    pub channel: Option<usize>,
    /// Indices into [`Summary::messages`].
    pub messages: Vec<usize>,
    /// Asked for beside what the server asks for; any one of them will do.
    pub security: Vec<Security>,
    /// What is answered.
    pub reply: Option<Reply>,
    /// What protocols add.
    pub bindings: Vec<Binding>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// Index into [`Summary::channels`]; none = only the address is known.
    pub channel: Option<usize>,
    /// Where the message says the address: `$message.header#/replyTo`.
    pub address: String,
    /// Indices into [`Summary::messages`].
    pub messages: Vec<usize>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// Its key in the first channel that has it.
    pub key: String,
    /// Its name for machines.
    pub name: String,
    /// Words about it.
    pub words: Words,
    /// Its own content type, or that of the document.
    pub content_type: String,
    /// It should not be used any more.
    pub is_deprecated: bool,
    /// What its payload is.
    pub payload: Option<Schema>,
    /// What its headers are.
    pub headers: Option<Schema>,
    /// Where the id is that ties it to others.
    pub correlation: String,
    /// Examples, as the document has them.
    pub examples: Vec<Example>,
    /// What protocols add.
    pub bindings: Vec<Binding>,
}

/// An example of a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub summary: String,
    /// Its headers.
    pub headers: Option<Value>,
    /// Its payload.
    pub payload: Option<Value>,
}

/// A schema by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Schema {
    /// Its key, where it stands in the components.
    pub key: String,
    /// Its language; none = one that nobody here reads.
    pub format: Option<Format>,
    /// What the document says of the format; empty = the default.
    pub format_name: String,
    /// Its text, with all it refers to.
    pub text: String,
    /// Its fields, where its language is known.
    pub fields: Vec<Field>,
    /// A made-up value, where one can be made.
    pub example: Option<Value>,
    /// Why text or fields are missing.
    pub trouble: Option<String>,
}

impl Summary {
    /// Sums up a document.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        let root = document.value();
        parts::Reader::new(Refs::new(root)).summary(document.version())
    }

    /// The servers of an operation's channel.
    pub fn servers_of(&self, operation: &Operation) -> impl Iterator<Item = &Server> {
        let keys = operation.channel.and_then(|channel| self.channels.get(channel)).map(|channel| &channel.servers);
        self.servers.iter().filter(move |server| keys.is_some_and(|keys| keys.contains(&server.key)))
    }
}

#[cfg(test)]
mod tests;
