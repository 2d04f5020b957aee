//! A document as a reader wants it: everything looked up, nothing to resolve.
//!
//! Messages and channels stand in lists of their own, and operations name them by their place there. Empty texts are those
//! that the document does not have.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::{SchemaField, SchemaFormat};

/// What a document says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiOutline {
    /// The version of AsyncAPI.
    pub asyncapi: String,
    /// A URI.
    pub id: String,
    /// What is described.
    pub title: String,
    /// Its version.
    pub version: String,
    /// What it is, whose view it is.
    pub description: String,
    /// Whom to ask.
    pub contact: AsyncApiContact,
    /// The license: its name and its page.
    pub license: AsyncApiContact,
    /// A page with terms.
    pub terms: String,
    /// Tags.
    pub tags: Vec<String>,
    /// A page that says more.
    pub docs: String,
    /// Fields of the document that begin with `x-`.
    pub extras: Vec<AsyncApiExtra>,
    /// Where clients connect.
    pub servers: Vec<AsyncApiServer>,
    /// Where messages go.
    pub channels: Vec<AsyncApiChannel>,
    /// Who sends and receives.
    pub operations: Vec<AsyncApiOperation>,
    /// All messages of channels, each once.
    pub messages: Vec<AsyncApiMessage>,
}

/// Somebody or something with a name and a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiContact {
    /// The name.
    pub name: String,
    /// The page.
    pub url: String,
    /// An address of mail.
    pub email: String,
}

/// A field that AsyncAPI does not know itself: an extension, or what a protocol adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiExtra {
    /// Its name; of a binding with its protocol in front: `kafka partitions`.
    pub name: String,
    /// A text as it is, anything else as JSON.
    pub value: String,
}

/// Words about a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiWords {
    /// Its name for people.
    pub title: String,
    /// In a sentence.
    pub summary: String,
    /// In more of them.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// A page that says more.
    pub docs: String,
    /// Extensions, and what protocols add.
    pub extras: Vec<AsyncApiExtra>,
}

/// A server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiServer {
    /// Its key.
    pub key: String,
    /// Words about it.
    pub words: AsyncApiWords,
    /// The protocol with its version: `mqtt 5`.
    pub protocol: String,
    /// Host, port and path.
    pub address: String,
    /// What stands in braces there.
    pub variables: Vec<AsyncApiParameter>,
    /// Any one of them will do. Empty = nothing is asked for.
    pub security: Vec<AsyncApiSecurity>,
}

/// What stands in braces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiParameter {
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiSecurity {
    /// `scramSha512`, `oauth2`, `http bearer`.
    pub kind: String,
    /// How one gets what it needs.
    pub description: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Where tokens come from.
    pub url: String,
    /// Where a key goes: `header X-Api-Key`.
    pub place: String,
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiChannel {
    /// Its key.
    pub key: String,
    /// Words about it.
    pub words: AsyncApiWords,
    /// Its address; none = not known before run time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What stands in braces in it.
    pub parameters: Vec<AsyncApiParameter>,
    /// The keys of its servers.
    pub servers: Vec<String>,
    /// Places in the list of messages.
    pub messages: Vec<usize>,
}

/// An operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiOperation {
    /// Its key.
    pub key: String,
    /// Words about it.
    pub words: AsyncApiWords,
    /// Whoever is described sends (true) or receives; none = the document does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<bool>,
    /// A place in the list of channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<usize>,
    /// Places in the list of messages.
    pub messages: Vec<usize>,
    /// Asked for beside what the server asks for; any one of them will do.
    pub security: Vec<AsyncApiSecurity>,
    /// What is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<AsyncApiReply>,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiReply {
    /// A place in the list of channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<usize>,
    /// Where the message says the address: `$message.header#/replyTo`.
    pub address: String,
    /// Places in the list of messages.
    pub messages: Vec<usize>,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiMessage {
    /// Its key in the first channel that has it.
    pub key: String,
    /// Its name for machines.
    pub name: String,
    /// Words about it.
    pub words: AsyncApiWords,
    /// Its content type.
    pub content_type: String,
    /// It should not be used any more.
    pub is_deprecated: bool,
    /// What its payload is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<AsyncApiSchema>,
    /// What its headers are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<AsyncApiSchema>,
    /// Where the id is that ties it to others.
    pub correlation: String,
    /// Examples of the document.
    pub examples: Vec<AsyncApiExample>,
}

/// An example of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiExample {
    /// Its name, or what it shows.
    pub title: String,
    /// Its headers, as JSON.
    pub headers: String,
    /// Its payload, as JSON.
    pub payload: String,
}

/// A schema by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsyncApiSchema {
    /// Its key, where it stands in the components.
    pub key: String,
    /// Its language; none = one that nobody here reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<SchemaFormat>,
    /// What the document says of the format; empty = the default.
    pub format_name: String,
    /// Its text, with all it refers to.
    pub text: String,
    /// Its fields, at most 1,000.
    pub fields: Vec<SchemaField>,
    /// How many more there are.
    pub more_fields: u64,
    /// A made-up value as JSON, where one can be made.
    pub example: String,
    /// Why text or fields are missing.
    pub trouble: String,
}
