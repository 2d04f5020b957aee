//! What a version says, by kind, and what it refers to.

use std::collections::BTreeSet;

use mesh_protocol::id::DesignVersionId;
use mesh_schema::{Format, REFERENCES_MAX};
use serde::{Deserialize, Serialize};

use super::super::field::FieldErrors;
use super::{Address, Kind};

/// Most events that one application version publishes, and most that it consumes.
pub const EVENTS_MAX: usize = 500;

/// Most event APIs that one product version offers.
pub(super) const APIS_MAX: usize = 50;

/// What a version says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Of an event.
    Event(Event),
    /// Of a schema.
    Schema(Schema),
    /// Of an application.
    Application(Application),
    /// Of an event API.
    EventApi(EventApi),
    /// Of a product.
    Product(Product),
}

/// What an event version says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Where it is published, in the mesh dialect with variables: see [`Address`].
    pub address: String,
    /// The schema version of its payload; none = nothing is known of it.
    pub schema: Option<DesignVersionId>,
    /// The schema version of its key.
    pub key_schema: Option<DesignVersionId>,
    /// The schema version of its headers.
    pub headers_schema: Option<DesignVersionId>,
}

/// What a schema version says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Its language.
    pub format: Format,
    /// As it was written.
    pub text: String,
    /// Schema versions that the text uses itself; what those use comes with them.
    pub references: Vec<SchemaReference>,
}

/// A schema version that another one uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SchemaReference {
    /// How the text calls it: see [`Reference::name`](mesh_schema::Reference::name).
    pub name: String,
    /// Which one it is.
    pub version: DesignVersionId,
}

/// What an application version says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Event versions it sends.
    pub publishes: Vec<DesignVersionId>,
    /// Event versions it receives.
    pub consumes: Vec<DesignVersionId>,
}

/// What an event API version says, as its clients see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventApi {
    /// Event versions that clients send.
    pub sends: Vec<DesignVersionId>,
    /// Event versions that clients receive.
    pub receives: Vec<DesignVersionId>,
}

/// What a product version says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Event API versions it offers.
    pub apis: Vec<DesignVersionId>,
}

/// One reference to another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The field it stands in.
    pub field: &'static str,
    /// What it must be.
    pub kind: Kind,
    /// Which one it is.
    pub version: DesignVersionId,
}

impl Content {
    /// Whose versions say this.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Event(_) => Kind::Event,
            Self::Schema(_) => Kind::Schema,
            Self::Application(_) => Kind::Application,
            Self::EventApi(_) => Kind::EventApi,
            Self::Product(_) => Kind::Product,
        }
    }

    /// All it refers to, in the order of its fields.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let need = |field, kind| move |version: &DesignVersionId| Need { field, kind, version: *version };
        match self {
            Self::Event(event) => {
                event.schemas().filter_map(|(field, id)| id.as_ref().map(need(field, Kind::Schema))).collect()
            }
            Self::Schema(schema) => schema
                .references
                .iter()
                .map(|reference| &reference.version)
                .map(need("references", Kind::Schema))
                .collect(),
            Self::Application(application) => {
                let publishes = application.publishes.iter().map(need("publishes", Kind::Event));
                publishes.chain(application.consumes.iter().map(need("consumes", Kind::Event))).collect()
            }
            Self::EventApi(api) => {
                let sends = api.sends.iter().map(need("sends", Kind::Event));
                sends.chain(api.receives.iter().map(need("receives", Kind::Event))).collect()
            }
            Self::Product(product) => product.apis.iter().map(need("apis", Kind::EventApi)).collect(),
        }
    }

    /// The same without what only differs in its writing: spaces, the order of lists, events named twice.
    #[must_use]
    pub(super) fn tidied(mut self) -> Self {
        match &mut self {
            Self::Event(event) => event.address = event.address.trim().to_owned(),
            Self::Schema(schema) => schema.references.sort(),
            Self::Application(application) => tidy([&mut application.publishes, &mut application.consumes]),
            Self::EventApi(api) => tidy([&mut api.sends, &mut api.receives]),
            Self::Product(product) => tidy([&mut product.apis]),
        }
        self
    }

    /// Checks what needs no other object; that of a schema's text is [`Graph::schema`](super::Graph::schema)'s.
    pub(super) fn check(&self, errors: &mut FieldErrors) {
        match self {
            Self::Event(event) => {
                errors.take("address", Address::parse(&event.address));
            }
            Self::Schema(schema) => {
                let names: BTreeSet<&str> = schema.references.iter().map(|reference| reference.name.as_str()).collect();
                if schema.references.len() > REFERENCES_MAX {
                    errors
                        .add("references", format_args!("names more than {REFERENCES_MAX} schemas: join some of them"));
                } else if names.len() < schema.references.len() {
                    errors.add("references", "calls two schemas by one name: keep one");
                }
            }
            Self::Application(application) => {
                check_events(errors, "publishes", &application.publishes);
                check_events(errors, "consumes", &application.consumes);
            }
            Self::EventApi(api) => {
                check_events(errors, "sends", &api.sends);
                check_events(errors, "receives", &api.receives);
                if api.sends.is_empty() && api.receives.is_empty() {
                    errors.add(
                        "receives",
                        "is empty, and so is what clients send: name an event that they receive or send",
                    );
                }
            }
            Self::Product(product) => match product.apis.len() {
                0 => errors.add("apis", "is empty: name an event API that the product offers"),
                count if count > APIS_MAX => {
                    errors.add("apis", format_args!("names more than {APIS_MAX} event APIs: make two products of it"));
                }
                _ => {}
            },
        }
    }
}

impl Event {
    /// Its three places for a schema, by field.
    pub fn schemas(&self) -> impl Iterator<Item = (&'static str, Option<DesignVersionId>)> {
        let all = [("schema", self.schema), ("key_schema", self.key_schema), ("headers_schema", self.headers_schema)];
        all.into_iter()
    }
}

fn tidy<const N: usize>(lists: [&mut Vec<DesignVersionId>; N]) {
    for versions in lists {
        versions.sort();
        versions.dedup();
    }
}

fn check_events(errors: &mut FieldErrors, field: &str, events: &[DesignVersionId]) {
    if events.len() > EVENTS_MAX {
        errors.add(field, format_args!("names more than {EVENTS_MAX} events: make two of it"));
    }
}
