//! The design-time catalog: events, schemas and applications, each in numbered versions with a life of their own.

use std::collections::BTreeMap;

use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, DesignVersionId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ContractView, DesignValidation, FlowRow, Millis, SchemaField, SchemaFormat, SchemaLevel, SeenAs};

/// What a design object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesignKind {
    /// Something that happens, with the address it is published to.
    #[default]
    Event,
    /// What a payload, a key or headers look like.
    Schema,
    /// Who publishes and consumes events.
    Application,
    /// What clients may send and receive, as one thing that can be offered.
    EventApi,
    /// Event APIs that are offered together, under plans.
    Product,
}

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesignState {
    /// Being written.
    #[default]
    Draft,
    /// Being read by others; number and content are frozen.
    InReview,
    /// May be built on; the content never changes again.
    Released,
    /// Still served; to be built on no more.
    Deprecated,
    /// Gone, kept for the record.
    Retired,
}

/// Which objects of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
pub struct DesignQuery {
    /// Only of this kind.
    pub kind: Option<DesignKind>,
    /// Only of this application domain.
    pub domain: Option<ApplicationDomainId>,
    /// Only with a version in this state.
    pub state: Option<DesignState>,
    /// Only with all these words in name, owner, people, tags or addresses.
    pub q: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Most rows; at most 1,000.
    pub limit: Option<u32>,
}

/// An event, a schema or an application, whatever its versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignObjectView {
    /// Id.
    pub id: DesignObjectId,
    /// For edits.
    pub revision: i64,
    /// What it is, for life.
    pub kind: DesignKind,
    /// What a person chose.
    pub config: DesignObjectInput,
    /// Name of `config.domain`.
    pub domain_name: String,
    /// Who answers for it: its owner, else that of its domain; empty = nobody.
    pub owner: String,
    /// The team that `owner` names; none = it names no team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Its versions, the highest number first.
    pub versions: Vec<DesignVersionRow>,
    /// What serializers know a schema by; none = another kind.
    #[serde(default)]
    pub subject: Option<DesignSubject>,
    /// Made when.
    pub created_at: Millis,
    /// Made by whom.
    pub created_by: String,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
    /// What was seen of it: addresses of an event, Kafka topics of a schema; only where one object is asked for.
    #[serde(default)]
    pub seen: Vec<SeenAs>,
    /// How payloads kept to the contract of an event; only where one object is asked for that is checked, or was lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractView>,
}

/// A schema as serializers know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignSubject {
    /// The subject, for life: renaming the object does not change it.
    pub name: String,
    /// What must stay readable when a version is registered or released.
    pub level: SchemaLevel,
    /// That is its own; else it is what the whole registry demands.
    pub is_own_level: bool,
    /// Nothing may be registered or released now.
    pub is_read_only: bool,
}

/// A released schema version as serializers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignRegistered {
    /// Its number in the subject.
    pub version: u32,
    /// The id that stands in records.
    pub id: u32,
}

/// What must stay readable in a schema's subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignLevelInput {
    /// None = what the whole registry demands.
    #[serde(default)]
    pub level: Option<SchemaLevel>,
}

/// One line of an object's versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignVersionRow {
    /// Id.
    pub id: DesignVersionId,
    /// Number: `1.4.0`.
    pub number: String,
    /// Where it is in its life.
    pub state: DesignState,
    /// What it is about.
    pub description: String,
    /// When it stops being served.
    pub end_of_life_at: Option<Millis>,
    /// What serializers know it by; none = it was not released, or is gone from its subject.
    #[serde(default)]
    pub registered: Option<DesignRegistered>,
    /// Clients that agents saw sending it within the last 7 days. Only told of a single object, not in lists.
    #[serde(default)]
    pub producers: u64,
    /// Clients and consumer groups that agents saw taking it within the last 7 days. Only told of a single object, not in lists.
    #[serde(default)]
    pub consumers: u64,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// An object to make or change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignObjectInput {
    /// Unique among the objects of its kind in its domain.
    pub name: String,
    /// The application domain it belongs to.
    pub domain: ApplicationDomainId,
    /// The team that answers for it; empty = who answers for the domain.
    #[serde(default)]
    pub owner: String,
    /// People to talk to, by login name; at most 16.
    #[serde(default)]
    pub people: Vec<String>,
    /// Words to find it by; at most 32.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Custom attributes: value by name; at most 32.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Markdown, at most 64 KiB.
    #[serde(default)]
    pub document: String,
    /// Objects of every application domain may build on it, not only those of its own.
    #[serde(default)]
    pub shared: bool,
    /// What happens to payloads that match no version that is served. Of events only.
    #[serde(default)]
    pub validation: DesignValidation,
}

/// A new object with its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignObjectNew {
    /// What it is, for life.
    pub kind: DesignKind,
    /// What serializers know a schema by, for life, for example `orders-value`; empty = its name.
    #[serde(default)]
    pub subject: String,
    /// All else.
    #[serde(flatten)]
    pub config: DesignObjectInput,
}

/// A version of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignVersionView {
    /// Id.
    pub id: DesignVersionId,
    /// For edits.
    pub revision: i64,
    /// Of what it is a version.
    pub object: DesignObjectId,
    /// That object's name.
    pub object_name: String,
    /// That object's kind.
    pub kind: DesignKind,
    /// What a person chose.
    pub config: DesignVersionInput,
    /// Where it is in its life.
    pub state: DesignState,
    /// Why, in the words of whoever moved it there.
    pub state_reason: String,
    /// What it is built on.
    pub needs: Vec<DesignReference>,
    /// What is built on it.
    pub users: Vec<DesignReference>,
    /// Who was seen using it.
    #[serde(default)]
    pub live: DesignLive,
    /// An example of a schema's payload; for an event that of its payload's schema.
    pub example: Option<String>,
    /// The fields of a schema; of an event those of its payload. At most 1,000.
    #[serde(default)]
    pub fields: Vec<SchemaField>,
    /// How many more there are.
    #[serde(default)]
    pub more_fields: u64,
    /// Those that have tags; of an event also those of its key and its headers.
    #[serde(default)]
    pub tagged: Vec<DesignTagged>,
    /// Where it may go from here.
    pub steps: Vec<DesignStep>,
    /// Made when.
    pub created_at: Millis,
    /// Made by whom.
    pub created_by: String,
    /// Who wrote at it while it was a draft: none of them releases an event API or a product.
    #[serde(default)]
    pub authors: Vec<String>,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// Who was seen using a version: a schema's by the id in payloads, an event's by the schema of its payloads or, where only one
/// version is served, by its address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignLive {
    /// Who sends it, the busiest first, at most 500.
    pub producers: Vec<FlowRow>,
    /// Who takes it, the busiest first, at most 500; with the consumer groups of the Kafka topics that it was seen in.
    pub consumers: Vec<FlowRow>,
    /// More of them.
    pub left_out: u64,
    /// Several versions of the event are served, so that payloads which name no schema are of none that could be told.
    pub is_untold: bool,
}

/// Another version, and how it is related.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignReference {
    /// The field of the reference.
    pub field: String,
    /// Of which object.
    pub object: Option<DesignObjectId>,
    /// Which version.
    pub version: DesignVersionId,
    /// For people: `schema order 1.2.0`.
    pub label: String,
    /// Where it is in its life.
    pub state: DesignState,
}

/// A field that has tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignTagged {
    /// The field of an event with the schema that has it: `schema`, `key_schema` or `headers_schema`. Of a schema, `schema`.
    pub part: String,
    /// The way to it: `order.lines[].sku`; `$` = all of that part.
    pub path: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// A step in the life of a version, and what stands in its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignStep {
    /// Where it leads.
    pub to: DesignState,
    /// A reason must be given.
    pub needs_reason: bool,
    /// Why it is not possible now, apart from a reason that is not given yet: field and message.
    pub problems: Vec<(String, String)>,
    /// What to know before it is done.
    pub warnings: Vec<String>,
}

/// A version to make or change. Number and content are frozen when it leaves draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignVersionInput {
    /// Three numbers with dots: `1.4.0`. Empty = the next one that fits the change.
    #[serde(default)]
    pub number: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// What it says.
    pub content: DesignContent,
    /// When it stops being served; needed before it is deprecated.
    #[serde(default)]
    pub end_of_life_at: Option<Millis>,
    /// What to use in its place.
    #[serde(default)]
    pub replacement: Option<DesignVersionId>,
}

/// What a version says, by the kind of its object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DesignContent {
    /// Of an event.
    Event {
        /// Where it is published: `orders/{country}/created`; a `{name}` is a level that varies.
        address: String,
        /// The schema version of its payload.
        #[serde(default)]
        schema: Option<DesignVersionId>,
        /// The schema version of its key.
        #[serde(default)]
        key_schema: Option<DesignVersionId>,
        /// The schema version of its headers.
        #[serde(default)]
        headers_schema: Option<DesignVersionId>,
    },
    /// Of a schema.
    Schema {
        /// Its language.
        format: SchemaFormat,
        /// As it was written.
        text: String,
        /// Other schema versions that the text uses, by the names it calls them.
        #[serde(default)]
        references: BTreeMap<String, DesignVersionId>,
    },
    /// Of an application.
    Application {
        /// Event versions it sends.
        #[serde(default)]
        publishes: Vec<DesignVersionId>,
        /// Event versions it receives.
        #[serde(default)]
        consumes: Vec<DesignVersionId>,
    },
    /// Of an event API, as its clients see it. At least one event.
    EventApi {
        /// Event versions that clients send.
        #[serde(default)]
        sends: Vec<DesignVersionId>,
        /// Event versions that clients receive.
        #[serde(default)]
        receives: Vec<DesignVersionId>,
    },
    /// Of a product. At least one event API, at most 50.
    Product {
        /// Event API versions that it offers.
        #[serde(default)]
        apis: Vec<DesignVersionId>,
    },
}

/// A step to take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignMove {
    /// Where to.
    pub to: DesignState,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Every owner whom a breaking change hurts agreed to it.
    #[serde(default)]
    pub has_consent: bool,
    /// Retire it although it is used; needs a reason.
    #[serde(default)]
    pub is_forced: bool,
}

/// Which difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
pub struct DesignDifferenceQuery {
    /// From this version
    pub from: DesignVersionId,
    /// to this one, of the same object.
    pub to: DesignVersionId,
    /// What must stay readable when a schema changes.
    pub level: Option<SchemaLevel>,
}

/// What a difference means to those who build on a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesignClass {
    /// Nothing: only words change.
    Cosmetic,
    /// They may go on as they are.
    Compatible,
    /// Some of them have to change.
    Breaking,
}

/// How two versions differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignDifference {
    /// All of it in one sentence.
    pub sentence: String,
    /// The gravest of its parts; none = nothing differs.
    pub class: Option<DesignClass>,
    /// Why a schema breaks who reads or writes by it, each with its part; at most 20.
    pub reasons: Vec<String>,
    /// Short values, side by side.
    pub rows: Vec<DesignDifferenceRow>,
    /// Texts, line by line.
    pub texts: Vec<DesignTextChange>,
}

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignDifferenceRow {
    /// Which one: `address`, `references.shop.Line`.
    pub path: String,
    /// None = it was not there.
    pub before: Option<String>,
    /// None = it is no longer there.
    pub after: Option<String>,
    /// What it means.
    pub class: DesignClass,
}

/// One text that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignTextChange {
    /// Which one: `text`, `document`.
    pub path: String,
    /// The way from one to the other.
    pub lines: Vec<DesignLine>,
    /// What it means.
    pub class: DesignClass,
}

/// One line of the way from one text to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum DesignLine {
    /// In both.
    Kept(String),
    /// Only in the first.
    Removed(String),
    /// Only in the second.
    Added(String),
    /// In both, and left out here: so many lines.
    Skipped(u64),
}
