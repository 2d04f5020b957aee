//! Operations: who sends and who receives, seen from whoever the document describes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::extensions::{Extensions, described, put, tags};
use super::info::external_docs;
use super::key::{ChannelKey, Entry, SchemeKey};
use super::security::Requirement;
use crate::bindings::{OperationBinding, to_object};
use crate::document::Version;

/// What the described application does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It sends.
    Send,
    /// It receives.
    Receive,
}

impl Action {
    /// As the document names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }

    /// The action with a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Send, Self::Receive].into_iter().find(|action| action.name() == name)
    }

    /// What the other side does.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Send => Self::Receive,
            Self::Receive => Self::Send,
        }
    }
}

/// An operation. It is about all messages of its channel unless it names some.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    action: Action,
    pub(super) channel: ChannelKey,
    pub(super) messages: Vec<Entry>,
    title: String,
    summary: String,
    description: String,
    security: Vec<Requirement>,
    tags: Vec<String>,
    docs: String,
    pub(super) reply: Option<Reply>,
    bindings: Vec<OperationBinding>,
    extensions: Extensions,
}

described!(Operation);

/// An answer to an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(super) channel: ChannelKey,
    pub(super) messages: Vec<Entry>,
    pub(super) address: String,
}

impl Reply {
    /// Answers come on a channel.
    #[must_use]
    pub fn on(channel: &ChannelKey) -> Self {
        Self { channel: channel.clone(), messages: Vec::new(), address: String::new() }
    }

    /// The message says where the answer goes: `$message.header#/replyTo`. The channel's address must be unknown.
    #[must_use]
    pub fn addressed_by(mut self, location: impl Into<String>) -> Self {
        self.address = location.into();
        self
    }

    /// One more message that may be the answer.
    #[must_use]
    pub fn message(mut self, entry: &Entry) -> Self {
        self.messages.push(entry.clone());
        self
    }

    fn to_value(&self) -> Value {
        let mut object = Map::new();
        let address = (!self.address.is_empty()).then(|| json!({ "location": self.address }));
        put(&mut object, "address", address);
        put(&mut object, "channel", json!({ "$ref": self.channel.pointer().to_reference() }));
        put(&mut object, "messages", entries(&self.messages));
        object.into()
    }
}

impl Operation {
    /// The described application sends to a channel.
    #[must_use]
    pub fn send(channel: &ChannelKey) -> Self {
        Self::new(Action::Send, channel)
    }

    /// The described application receives from a channel.
    #[must_use]
    pub fn receive(channel: &ChannelKey) -> Self {
        Self::new(Action::Receive, channel)
    }

    /// The described application does something with a channel.
    #[must_use]
    pub fn new(action: Action, channel: &ChannelKey) -> Self {
        Self {
            action,
            channel: channel.clone(),
            messages: Vec::new(),
            title: String::new(),
            summary: String::new(),
            description: String::new(),
            security: Vec::new(),
            tags: Vec::new(),
            docs: String::new(),
            reply: None,
            bindings: Vec::new(),
            extensions: Extensions::new(),
        }
    }

    /// One more message that it is about. It has to be one of its channel.
    #[must_use]
    pub fn message(mut self, entry: &Entry) -> Self {
        if !self.messages.contains(entry) {
            self.messages.push(entry.clone());
        }
        self
    }

    /// One more way to prove who one is, beside what the server asks for: any one of them will do.
    #[must_use]
    pub fn security(self, scheme: &SchemeKey) -> Self {
        self.requires(Requirement::Scheme(scheme.clone()))
    }

    /// The same, also with scopes.
    #[must_use]
    pub fn requires(mut self, requirement: Requirement) -> Self {
        self.security.push(requirement);
        self
    }

    /// What is answered.
    #[must_use]
    pub fn reply(mut self, reply: Reply) -> Self {
        self.reply = Some(reply);
        self
    }

    /// A page that says more.
    #[must_use]
    pub fn docs(mut self, url: impl Into<String>) -> Self {
        self.docs = url.into();
        self
    }

    /// What a protocol adds.
    #[must_use]
    pub fn binding(mut self, binding: impl Into<OperationBinding>) -> Self {
        self.bindings.push(binding.into());
        self
    }

    pub(super) fn requirements(&self) -> &[Requirement] {
        &self.security
    }

    pub(super) fn to_value(&self, version: Version, security: Vec<Value>) -> Value {
        let mut object = Map::new();
        put(&mut object, "action", self.action.name());
        put(&mut object, "channel", json!({ "$ref": self.channel.pointer().to_reference() }));
        put(&mut object, "title", self.title.clone());
        put(&mut object, "summary", self.summary.clone());
        put(&mut object, "description", self.description.clone());
        put(&mut object, "security", security);
        put(&mut object, "tags", tags(&self.tags));
        put(&mut object, "externalDocs", external_docs(&self.docs));
        put(&mut object, "bindings", to_object(&self.bindings, version));
        put(&mut object, "messages", entries(&self.messages));
        put(&mut object, "reply", self.reply.as_ref().map(Reply::to_value));
        self.extensions.write(&mut object);
        object.into()
    }
}

fn entries(entries: &[Entry]) -> Vec<Value> {
    entries.iter().map(|entry| json!({ "$ref": entry.pointer().to_reference() })).collect()
}
