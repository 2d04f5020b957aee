//! Findings: where what is designed and what was seen agree, and where they do not, with what can be done about each.

use mesh_protocol::id::{ApplicationDomainId, DesignVersionId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ApplicationDomainInput, DesignedAs, Freshness, Millis, Rate, RuleInput};

/// Most findings, events and applications of one task together.
pub const DRIFT_TASK_MAX: usize = 500;

/// How the two sides stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftStatus {
    /// What was seen is what is meant.
    Match,
    /// A part of it is.
    Partial,
    /// It is meant and was not seen.
    DesignOnly,
    /// It was seen and nobody meant it.
    #[default]
    RuntimeOnly,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftAbout {
    /// An event address that was seen.
    Address,
    /// A Kafka topic.
    Topic,
    /// A designed event.
    Event,
    /// A designed schema.
    Schema,
    /// An application, designed or seen.
    Application,
    /// What an application publishes or consumes.
    Use,
}

/// What can be done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftAction {
    /// Make a design of what was seen.
    Adopt,
    /// Make the access rules that let applications do what is designed.
    Push,
    /// Leave it for now.
    Ignore,
    /// Take that back.
    Reopen,
}

/// Which findings of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DriftQuery {
    /// Only of this status. None = all that differ.
    #[serde(default)]
    pub status: Option<DriftStatus>,
    /// Only about this.
    #[serde(default)]
    pub about: Option<DriftAbout>,
    /// Only of this application domain.
    #[serde(default)]
    pub domain: Option<ApplicationDomainId>,
    /// Only with all these words in name, owner, domain or what differs.
    #[serde(default)]
    pub q: Option<String>,
    /// Those that are ignored, instead of those that are open.
    #[serde(default)]
    pub ignored: bool,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Most rows; default 50, at most 200.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// How many findings there are of each status, whatever status is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftCounts {
    /// All that differ and are not ignored.
    pub open: u64,
    /// Of those, in part.
    pub partial: u64,
    /// Of those, meant and not seen.
    pub design_only: u64,
    /// Of those, seen and not meant.
    pub runtime_only: u64,
    /// What agrees.
    pub matching: u64,
    /// What differs and is ignored.
    pub ignored: u64,
}

/// Which part of the trend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DriftTrendQuery {
    /// How many days back; default 7, at most 90. Up to 7 each hour is told, of more the last hour of each day.
    #[serde(default)]
    pub days: Option<u32>,
}

/// How drift went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftTrend {
    /// How many findings there are now.
    pub now: DriftCounts,
    /// How many there were a week ago; none = nobody counted then.
    pub week_ago: Option<DriftTrendPoint>,
    /// How many there were, the oldest first. Where the portal did not run, nothing was counted.
    pub points: Vec<DriftTrendPoint>,
}

/// How many findings there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftTrendPoint {
    /// The beginning of the hour.
    pub at: Millis,
    /// Of each status.
    pub counts: DriftCounts,
}

/// A page of findings, the busiest first, then those that were seen last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DriftPage {
    /// Rows.
    pub items: Vec<DriftFinding>,
    /// Cursor of the next page; none = this is the last.
    pub next: Option<String>,
    /// How many there are in all.
    pub total: u64,
    /// How many of each status.
    pub counts: DriftCounts,
}

/// One thing, and how its two sides stand to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DriftFinding {
    /// The same for as long as the thing is called so.
    pub id: String,
    /// How the sides stand.
    pub status: DriftStatus,
    /// What it is about.
    pub about: DriftAbout,
    /// What that is called.
    pub name: String,
    /// Its page.
    pub href: Option<String>,
    /// What differs, in a sentence.
    pub sentence: String,
    /// The application domain it is in.
    pub domain: Option<ApplicationDomainId>,
    /// That domain's name; empty = none.
    pub domain_name: String,
    /// Who answers for it; empty = nobody.
    pub owner: String,
    /// The team that `owner` names; none = it names no team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Sites it was seen at.
    pub sites: Vec<String>,
    /// The Kafka cluster it is in.
    pub broker: Option<String>,
    /// Events per second now.
    pub rate: Rate,
    /// First seen; of what was not seen, when it was designed.
    pub since: Option<Millis>,
    /// When it was seen last and by whom; none = it was not.
    pub freshness: Option<Freshness>,
    /// Who sends there, at most five by name.
    pub producers: Vec<String>,
    /// Who takes from there, at most five by name.
    pub consumers: Vec<String>,
    /// The designs on its other side.
    pub designs: Vec<DesignedAs>,
    /// What can be done about it.
    pub actions: Vec<DriftAction>,
    /// Why nothing can be adopted or pushed where one would expect that; empty = it can, or nobody would.
    pub hint: String,
    /// Somebody ignores it.
    pub ignored: Option<DriftIgnored>,
}

/// That somebody ignores a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftIgnored {
    /// Until when; none = until it changes.
    pub until: Option<Millis>,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Millis,
}

/// Which findings a task is about: some by their ids, or all that a query finds; at most 500.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftSelection {
    /// These.
    #[serde(default)]
    pub ids: Vec<String>,
    /// All that this finds, whatever its page.
    #[serde(default)]
    pub matching: Option<DriftQuery>,
}

/// Something to do about findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DriftTask {
    /// Leave them until a time, or until what differs is something else.
    Ignore {
        /// Which.
        select: DriftSelection,
        /// Until when; none = until they change.
        #[serde(default)]
        until: Option<Millis>,
        /// Why.
        reason: String,
    },
    /// Take that back.
    Reopen {
        /// Which.
        select: DriftSelection,
    },
    /// Make designs of what was seen: events and applications with a draft of version 1.0.0 each.
    Adopt {
        /// Domains to make first.
        #[serde(default)]
        domains: Vec<ApplicationDomainInput>,
        /// Events to make.
        #[serde(default)]
        events: Vec<DriftEventInput>,
        /// Applications to make.
        #[serde(default)]
        applications: Vec<DriftApplicationInput>,
    },
}

/// An event to make of what was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftEventInput {
    /// Its name.
    pub name: String,
    /// Name of its application domain, one that is there or that is made with it.
    pub domain: String,
    /// Who answers for it; empty = who answers for the domain.
    #[serde(default)]
    pub owner: String,
    /// Its address: `orders/{country}/created`.
    pub address: String,
    /// The schema version of its payload.
    #[serde(default)]
    pub schema: Option<DesignVersionId>,
    /// Where there is no schema version of its payload: a JSON Schema, of which a draft is made with it.
    #[serde(default)]
    pub schema_text: Option<String>,
    /// The schema version of its key.
    #[serde(default)]
    pub key_schema: Option<DesignVersionId>,
    /// Applications of every domain may build on it.
    #[serde(default)]
    pub shared: bool,
    /// For readers.
    #[serde(default)]
    pub description: String,
}

/// An application to make of what was seen. Events are named by their addresses: made with it, or there already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftApplicationInput {
    /// Its name; that of the application with the clients ties the two.
    pub name: String,
    /// Name of its application domain.
    pub domain: String,
    /// Who answers for it; empty = who answers for the domain.
    #[serde(default)]
    pub owner: String,
    /// Addresses of the events it sends.
    #[serde(default)]
    pub publishes: Vec<String>,
    /// Addresses of the events it receives.
    #[serde(default)]
    pub consumes: Vec<String>,
    /// For readers.
    #[serde(default)]
    pub description: String,
}

/// What could be made of findings, for somebody to change and confirm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DriftProposals {
    /// Domains that would be needed.
    pub domains: Vec<DriftProposal<ApplicationDomainInput>>,
    /// Events.
    pub events: Vec<DriftProposal<DriftEventInput>>,
    /// Applications.
    pub applications: Vec<DriftProposal<DriftApplicationInput>>,
    /// What nothing can be made of, with the reason.
    pub left_out: Vec<DriftLeftOut>,
}

/// One thing that could be made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DriftProposal<T> {
    /// It, as the task takes it.
    pub input: T,
    /// What speaks for each choice, in sentences.
    pub evidence: Vec<String>,
    /// Events per second that it stands for.
    pub rate: Rate,
}

/// A finding that nothing can be made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftLeftOut {
    /// What it is about.
    pub name: String,
    /// Why not, and what would help.
    pub reason: String,
}

/// A task as it was previewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftApply<T> {
    /// `preview` of the preview: what was shown there is what is made, or nothing.
    pub preview: String,
    /// The very same task.
    pub task: T,
}

/// What a task would do, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftPreview {
    /// To hand back with the task.
    pub preview: String,
    /// Each thing that would be made or changed.
    pub lines: Vec<DriftLine>,
    /// How many lines cannot be. While there are any, nothing is done.
    pub conflicts: u64,
}

/// One thing that would be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftLine {
    /// What: `event order-created in orders`.
    pub what: String,
    /// The rest of it.
    pub detail: String,
    /// The access rule, where it is one.
    #[serde(default)]
    pub rule: Option<RuleInput>,
    /// Why it cannot be, and what would help.
    #[serde(default)]
    pub conflict: Option<String>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftDone {
    /// Things that were made or changed.
    pub made: u64,
    /// In a sentence.
    pub sentence: String,
}
