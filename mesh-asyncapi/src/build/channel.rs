//! Channels: where messages go.

use serde_json::{Map, Value, json};

use super::address::Address;
use super::extensions::{Extensions, described, put, tags};
use super::info::external_docs;
use super::key::ServerKey;
use crate::bindings::{ChannelBinding, to_object};
use crate::document::Version;

/// A channel. It is on all servers unless it names some.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    address: Address,
    title: String,
    summary: String,
    description: String,
    pub(super) servers: Vec<ServerKey>,
    tags: Vec<String>,
    docs: String,
    bindings: Vec<ChannelBinding>,
    extensions: Extensions,
}

described!(Channel);

impl Channel {
    /// A channel with an address.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self {
            address,
            title: String::new(),
            summary: String::new(),
            description: String::new(),
            servers: Vec::new(),
            tags: Vec::new(),
            docs: String::new(),
            bindings: Vec::new(),
            extensions: Extensions::new(),
        }
    }

    /// One more server that has it.
    #[must_use]
    pub fn on(mut self, server: &ServerKey) -> Self {
        if !self.servers.contains(server) {
            self.servers.push(server.clone());
        }
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
    pub fn binding(mut self, binding: impl Into<ChannelBinding>) -> Self {
        self.bindings.push(binding.into());
        self
    }

    pub(super) fn has_address(&self) -> bool {
        self.address.text().is_some()
    }

    pub(super) fn to_value(&self, version: Version, messages: Map<String, Value>) -> Value {
        let mut object = Map::new();
        self.address.write(&mut object);
        put(&mut object, "title", self.title.clone());
        put(&mut object, "summary", self.summary.clone());
        put(&mut object, "description", self.description.clone());
        let servers = self.servers.iter().map(|server| json!({ "$ref": server.pointer().to_reference() }));
        put(&mut object, "servers", servers.collect::<Vec<_>>());
        put(&mut object, "messages", messages);
        self.address.write_parameters(&mut object);
        put(&mut object, "tags", tags(&self.tags));
        put(&mut object, "externalDocs", external_docs(&self.docs));
        put(&mut object, "bindings", to_object(&self.bindings, version));
        self.extensions.write(&mut object);
        self.address.write_rest(&mut object);
        object.into()
    }
}
