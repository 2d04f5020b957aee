//! Messages: what is sent.

use serde_json::{Map, Value, json};

use super::content::Content;
use super::extensions::{Extensions, described, put, tags};
use super::info::external_docs;
use crate::bindings::{MessageBinding, to_object};
use crate::document::Version;
use crate::pointer::Pointer;

/// A message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    name: String,
    title: String,
    summary: String,
    description: String,
    content_type: String,
    pub(super) payload: Option<Content>,
    pub(super) headers: Option<Content>,
    correlation: String,
    tags: Vec<String>,
    docs: String,
    examples: Vec<Example>,
    is_deprecated: bool,
    bindings: Vec<MessageBinding>,
    extensions: Extensions,
}

described!(Message);

/// An example of a message: at least one of both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    /// Its name. Empty = none.
    pub name: String,
    /// What it shows. Empty = not told.
    pub summary: String,
    /// The payload, as JSON.
    pub payload: Option<Value>,
    /// The headers: an object.
    pub headers: Option<Map<String, Value>>,
}

impl Message {
    /// A message of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Its name for machines: the event's.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The type of its payload, such as `application/json`.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// What its payload is.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Content>) -> Self {
        self.payload = Some(payload.into());
        self
    }

    /// What its headers are: a schema of an object, without those of the protocol.
    #[must_use]
    pub fn headers(mut self, headers: impl Into<Content>) -> Self {
        self.headers = Some(headers.into());
        self
    }

    /// Where the id is that ties it to others: `$message.header#/correlationId`.
    #[must_use]
    pub fn correlation(mut self, location: impl Into<String>) -> Self {
        self.correlation = location.into();
        self
    }

    /// A page that says more.
    #[must_use]
    pub fn docs(mut self, url: impl Into<String>) -> Self {
        self.docs = url.into();
        self
    }

    /// One more example. One without payload and headers is left out.
    #[must_use]
    pub fn example(mut self, example: Example) -> Self {
        if example.payload.is_some() || example.headers.is_some() {
            self.examples.push(example);
        }
        self
    }

    /// It should not be used any more.
    #[must_use]
    pub fn deprecated(mut self) -> Self {
        self.is_deprecated = true;
        self
    }

    /// What a protocol adds.
    #[must_use]
    pub fn binding(mut self, binding: impl Into<MessageBinding>) -> Self {
        self.bindings.push(binding.into());
        self
    }

    pub(super) fn to_value(&self, version: Version, at: &Pointer) -> Value {
        let mut object = Map::new();
        put(&mut object, "name", self.name.clone());
        put(&mut object, "title", self.title.clone());
        put(&mut object, "summary", self.summary.clone());
        put(&mut object, "description", self.description.clone());
        if self.is_deprecated {
            put(&mut object, "deprecated", true);
        }
        put(&mut object, "contentType", self.content_type.clone());
        let headers = self.headers.as_ref().map(|headers| headers.to_value(&at.child("headers")));
        object.extend(headers.map(|headers| ("headers".to_owned(), headers)));
        let payload = self.payload.as_ref().map(|payload| payload.to_value(&at.child("payload")));
        object.extend(payload.map(|payload| ("payload".to_owned(), payload)));
        let correlation = (!self.correlation.is_empty()).then(|| json!({ "location": self.correlation }));
        put(&mut object, "correlationId", correlation);
        put(&mut object, "tags", tags(&self.tags));
        put(&mut object, "externalDocs", external_docs(&self.docs));
        put(&mut object, "examples", self.examples.iter().map(Example::to_value).collect::<Vec<_>>());
        put(&mut object, "bindings", to_object(&self.bindings, version));
        self.extensions.write(&mut object);
        object.into()
    }
}

impl Example {
    /// An example of a payload.
    #[must_use]
    pub fn of(payload: Value) -> Self {
        Self { payload: Some(payload), ..Self::default() }
    }

    fn to_value(&self) -> Value {
        let mut object = Map::new();
        put(&mut object, "name", self.name.clone());
        put(&mut object, "summary", self.summary.clone());
        object.extend(self.headers.clone().map(|headers| ("headers".to_owned(), headers.into())));
        object.extend(self.payload.clone().map(|payload| ("payload".to_owned(), payload)));
        object.into()
    }
}
