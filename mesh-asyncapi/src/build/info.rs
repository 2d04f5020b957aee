//! What a document says of itself.

use serde_json::{Map, Value};

use super::extensions::{Extensions, put, tags};

/// What is described, and in which version.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    title: String,
    version: String,
    description: String,
    terms: String,
    contact: Option<Contact>,
    license: Option<License>,
    tags: Vec<String>,
    docs: String,
    extensions: Extensions,
}

/// Whom to ask. Empty = not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// A person or a team.
    pub name: String,
    /// A page.
    pub url: String,
    /// An address of mail.
    pub email: String,
}

/// Under which terms it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// Its name: `Apache-2.0`.
    pub name: String,
    /// Its text. Empty = not told.
    pub url: String,
}

impl Info {
    /// A title and a version of what is described.
    #[must_use]
    pub fn new(title: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            version: version.into(),
            description: String::new(),
            terms: String::new(),
            contact: None,
            license: None,
            tags: Vec::new(),
            docs: String::new(),
            extensions: Extensions::new(),
        }
    }

    /// What it is, in Markdown, and whose view the document takes.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// A page with terms of service.
    #[must_use]
    pub fn terms(mut self, url: impl Into<String>) -> Self {
        self.terms = url.into();
        self
    }

    /// Whom to ask.
    #[must_use]
    pub fn contact(mut self, contact: Contact) -> Self {
        self.contact = Some(contact);
        self
    }

    /// Under which terms it may be used.
    #[must_use]
    pub fn license(mut self, license: License) -> Self {
        self.license = Some(license);
        self
    }

    /// One more tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>) -> Self {
        self.tags.push(name.into());
        self
    }

    /// A page that says more.
    #[must_use]
    pub fn docs(mut self, url: impl Into<String>) -> Self {
        self.docs = url.into();
        self
    }

    /// Fields of one's own.
    #[must_use]
    pub fn extensions(mut self, extensions: Extensions) -> Self {
        self.extensions = extensions;
        self
    }

    pub(super) fn to_value(&self) -> Value {
        let mut object = Map::new();
        // Both are required, even when they are empty.
        object.insert("title".into(), self.title.clone().into());
        object.insert("version".into(), self.version.clone().into());
        put(&mut object, "description", self.description.clone());
        put(&mut object, "termsOfService", self.terms.clone());
        put(&mut object, "contact", self.contact.as_ref().map(Contact::to_value));
        put(&mut object, "license", self.license.as_ref().map(License::to_value));
        put(&mut object, "tags", tags(&self.tags));
        put(&mut object, "externalDocs", external_docs(&self.docs));
        self.extensions.write(&mut object);
        object.into()
    }
}

impl Contact {
    fn to_value(&self) -> Value {
        let mut object = Map::new();
        put(&mut object, "name", self.name.clone());
        put(&mut object, "url", self.url.clone());
        put(&mut object, "email", self.email.clone());
        object.into()
    }
}

impl License {
    fn to_value(&self) -> Value {
        let mut object = Map::new();
        object.insert("name".into(), self.name.clone().into());
        put(&mut object, "url", self.url.clone());
        object.into()
    }
}

/// None where there is no page.
pub(super) fn external_docs(url: &str) -> Option<Value> {
    (!url.is_empty()).then(|| serde_json::json!({ "url": url }))
}
