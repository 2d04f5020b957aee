//! What nobody answers for, as a work queue; and owners of many things set at once.

use mesh_protocol::id::{ApplicationDomainId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Freshness, Rate};

/// Most things of one task.
pub const OWNERSHIP_TASK_MAX: usize = 500;

/// What can have an owner and be without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnershipKind {
    /// An application domain.
    Domain,
    /// A designed event.
    Event,
    /// A designed schema.
    Schema,
    /// An application. Of those with clients, lists of owners speak too; the queue is about designed ones.
    Application,
    /// A designed event API.
    EventApi,
    /// A product.
    Product,
    /// An event address.
    Address,
    /// A Kafka topic.
    Topic,
}

/// Which things of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OwnershipQuery {
    /// Only of this kind.
    #[serde(default)]
    pub kind: Option<OwnershipKind>,
    /// Only of this application domain.
    #[serde(default)]
    pub domain: Option<ApplicationDomainId>,
    /// Only with all these words in name, domain, cluster or site.
    #[serde(default)]
    pub q: Option<String>,
    /// Also what only a domain answers for.
    #[serde(default)]
    pub by_domain: bool,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Most rows; default 50, at most 200.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A page of what nobody answers for, the busiest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipPage {
    /// Rows.
    pub items: Vec<UnownedView>,
    /// Cursor of the next page; none = this is the last.
    pub next: Option<String>,
    /// How many there are in all.
    pub total: u64,
    /// How many there are of each kind, whatever kind is asked for; kinds without any are left out.
    pub counts: Vec<OwnershipCount>,
}

/// How many there are of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipCount {
    /// Which kind.
    pub kind: OwnershipKind,
    /// How many.
    pub count: u64,
}

/// Something that nobody was named for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnownedView {
    /// The same for as long as the thing is called so.
    pub id: String,
    /// What it is.
    pub kind: OwnershipKind,
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// The application domain it is in; of a domain, the one it is a part of.
    pub domain: Option<ApplicationDomainId>,
    /// That domain's name; empty = none.
    pub domain_name: String,
    /// Who answers for that domain, and so for this; empty = nobody does at all.
    pub by_domain: String,
    /// The team that `by_domain` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Its tags, for what was designed.
    pub tags: Vec<String>,
    /// Sites it was seen at.
    pub sites: Vec<String>,
    /// The Kafka cluster it is in.
    pub broker: Option<String>,
    /// Events per second now.
    pub rate: Rate,
    /// When it was seen last and by whom; none = it was not.
    pub freshness: Option<Freshness>,
    /// Who could answer for it; none = nothing speaks for anybody.
    pub suggestion: Option<OwnerSuggestion>,
}

/// Who could answer for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerSuggestion {
    /// Who.
    pub owner: String,
    /// The team of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// What speaks for them, in sentences, the strongest first.
    pub evidence: Vec<String>,
}

/// Which things a task is about: some by their ids, or all that a query finds; at most 500.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipSelection {
    /// These.
    #[serde(default)]
    pub ids: Vec<String>,
    /// All that this finds, whatever its page.
    #[serde(default)]
    pub matching: Option<OwnershipQuery>,
}

/// Owners and tags for many things at once. What has an owner of its own by then is not taken from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipTask {
    /// Which things.
    pub select: OwnershipSelection,
    /// Who is to answer for them; empty = as it is, or as `suggested` says.
    #[serde(default)]
    pub owner: String,
    /// Give each to whoever is suggested for it.
    #[serde(default)]
    pub suggested: bool,
    /// Tags to add to those that can have some: what was designed.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Owners as a list of lines `kind,name,owner` with that line first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipImport {
    /// The list: CSV, fields may be quoted; at most 2,000 lines and 512 KiB.
    ///
    /// A kind is `domain`, `event`, `schema`, `application`, `address` or `topic`. A name that several things have is told
    /// apart by what stands before it: `retail/order` for the design of a domain, `kafka-a/orders` for the topic of a
    /// cluster.
    pub csv: String,
    /// Leave out lines about what is not there, instead of doing nothing.
    #[serde(default)]
    pub skip_unknown: bool,
}

/// A task as it was previewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipApply<T> {
    /// `preview` of the preview: what was shown there is what is done, or nothing.
    pub preview: String,
    /// The very same task.
    pub task: T,
}

/// What a task would do, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipPreview {
    /// To hand back with the task.
    pub preview: String,
    /// Each thing that the task is about.
    pub lines: Vec<OwnershipLine>,
    /// How many would change.
    pub changes: u64,
    /// How many lines cannot be. While there are any, nothing is done.
    pub conflicts: u64,
}

/// What becomes of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnershipVerdict {
    /// It would change.
    Change,
    /// It is so already.
    Same,
    /// It is about something that is not there, and is left out.
    LeftOut,
    /// It cannot be.
    Conflict,
}

/// One thing, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipLine {
    /// The line of the list that speaks of it; none = no list does.
    pub line: Option<u64>,
    /// What: `topic retail.orders in kafka-a`.
    pub what: String,
    /// What becomes of it.
    pub verdict: OwnershipVerdict,
    /// Owner and tags as they are.
    pub before: String,
    /// The same afterwards.
    pub after: String,
    /// Why it cannot be or is left out, and what would help; empty = nothing is to be said.
    pub note: String,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipDone {
    /// Things that were changed.
    pub changed: u64,
    /// In a sentence.
    pub sentence: String,
}
