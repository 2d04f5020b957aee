//! Products: event APIs offered to others under plans, and where they can be had.
//!
//! The operations are a trait of their own below [`PortalApi`](super::PortalApi), so that pages ask one thing.

use std::collections::BTreeMap;

use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, DesignVersionId, PlanId, PublicationId, SiteId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, DesignState, Edit, ListQuery, Millis, Page, ReasonInput};

/// What may be asked about products.
pub trait ProductApi: Send + Sync + 'static {
    /// `GET /api/v1/products`: those that can be had; with `all=true` every one there is.
    fn products(&self, query: ProductQuery) -> Answer<'_, Page<ProductRow>>;
    /// `GET /api/v1/products/{id}`: with its events, its plans and where it can be had.
    fn product(&self, id: DesignObjectId) -> Answer<'_, ProductView>;
    /// `POST /api/v1/products/{id}/plans`: writes a plan; nobody can ask for it before it is published.
    fn create_plan(&self, id: DesignObjectId, input: PlanInput) -> Answer<'_, PlanView>;
    /// `PUT /api/v1/plans/{id}`: what gives others more than what is offered waits for a reviewer.
    fn update_plan(&self, id: PlanId, input: Edit<PlanInput>) -> Answer<'_, PlanView>;
    /// `POST /api/v1/plans/{id}/move`: takes it to another state.
    fn move_plan(&self, id: PlanId, input: Edit<PlanMove>) -> Answer<'_, PlanView>;
    /// `GET /api/v1/plan-reviews`: plans that wait for a reviewer, or have a change that does; the longest wait first.
    fn plan_reviews(&self, query: ListQuery) -> Answer<'_, Page<PlanReviewRow>>;
    /// `POST /api/v1/plans/{id}/review`: sends it to review, lets others have what waits, or sends that back.
    fn review_plan(&self, id: PlanId, input: Edit<PlanReview>) -> Answer<'_, PlanView>;
    /// `DELETE /api/v1/plans/{id}?revision=`: only one that was never published.
    fn delete_plan(&self, id: PlanId, revision: i64) -> Answer<'_, ()>;
    /// `POST /api/v1/products/{id}/publications`: publishes a released version, everywhere or at some sites.
    fn publish_product(&self, id: DesignObjectId, input: PublicationInput) -> Answer<'_, ProductView>;
    /// `PUT /api/v1/publications/{id}`: changes where.
    fn update_publication(&self, id: PublicationId, input: Edit<PublicationInput>) -> Answer<'_, ProductView>;
    /// `POST /api/v1/publications/{id}/withdraw`.
    fn withdraw_publication(&self, id: PublicationId, input: Edit<ReasonInput>) -> Answer<'_, ProductView>;
}

/// Which products of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductQuery {
    /// Only with all these words in name, description, owner, domain, tags or the names and addresses of its events.
    pub q: Option<String>,
    /// Only of this application domain.
    pub domain: Option<ApplicationDomainId>,
    /// Also those that are published nowhere.
    #[serde(default)]
    pub all: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Most rows; 50 when left out, at most 500.
    pub limit: Option<u32>,
}

/// A product in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductRow {
    /// Id of the design object.
    pub id: DesignObjectId,
    /// Name.
    pub name: String,
    /// Its application domain.
    pub domain_name: String,
    /// Who answers for it; empty = nobody.
    pub owner: String,
    /// The team that `owner` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What the offered version is about; of a product that is not published, what the newest is about.
    pub description: String,
    /// That version; none = it has no version yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ProductVersionRef>,
    /// How many events clients receive.
    pub receives: u64,
    /// How many events clients send.
    pub sends: u64,
    /// The plans that can be asked for.
    pub plans: Vec<PlanBrief>,
    /// How far its publication is; none = it is published nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// At how many sites it is meant to be had.
    pub sites: u64,
    /// How many applications have it.
    pub grants: u64,
}

/// A version of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductVersionRef {
    /// Id.
    pub id: DesignVersionId,
    /// Number.
    pub number: String,
    /// Where it is in its life.
    pub state: DesignState,
    /// When it stops being served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_life_at: Option<Millis>,
}

/// A plan in few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanBrief {
    /// Id.
    pub id: PlanId,
    /// Name.
    pub name: String,
    /// Who asks is let in at once.
    pub is_auto: bool,
    /// What it costs; none = nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PlanPrice>,
}

/// A product with all there is to know before asking for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductView {
    /// What a list shows of it.
    pub row: ProductRow,
    /// Markdown, for readers.
    pub document: String,
    /// Its event APIs, in the version that is offered.
    pub apis: Vec<OfferedApi>,
    /// What clients receive and send.
    pub events: Vec<ProductEvent>,
    /// Its plans, in the order in which they were made. Who may not write sees those that can be asked for.
    pub plans: Vec<PlanView>,
    /// Where it is or was published, the newest first.
    pub publications: Vec<PublicationView>,
    /// Versions that could be published: released ones that are not, the highest number first.
    pub publishable: Vec<ProductVersionRef>,
}

/// An event API of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferedApi {
    /// Its object.
    pub object: DesignObjectId,
    /// Its version.
    pub version: DesignVersionId,
    /// Name of the object.
    pub name: String,
    /// Number of the version.
    pub number: String,
    /// What it is about.
    pub description: String,
}

/// An event that clients of a product receive or send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductEvent {
    /// Its object.
    pub object: DesignObjectId,
    /// Its version.
    pub version: DesignVersionId,
    /// Name of the object.
    pub name: String,
    /// Number of the version.
    pub number: String,
    /// What it is about.
    pub description: String,
    /// Where it is in its life.
    pub state: DesignState,
    /// Where it is published.
    pub address: String,
    /// Clients send it; else they receive it.
    pub is_sent: bool,
    /// Tags of its fields, each once: `PII`.
    pub tags: Vec<String>,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// Id.
    pub id: PlanId,
    /// For edits.
    pub revision: i64,
    /// Which of its terms are offered now.
    pub number: u32,
    /// Where it is in its life.
    pub state: PlanState,
    /// What a person chose.
    pub config: PlanInput,
    /// Who wrote what waits for a reviewer, or will: none of them lets others have it. Empty for those who may not write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Since when it, or its change, waits for a reviewer; none = it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Millis>,
    /// What waits, while it is offered as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<PlanChange>,
    /// Why the caller may not let others have what waits or is staged; empty = they may.
    #[serde(default)]
    pub not_reviewed_because: String,
    /// How many applications have it, under whichever number.
    pub grants: u64,
    /// States it can go to from here.
    pub steps: Vec<PlanState>,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// A change of a plan that waits for a reviewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanChange {
    /// The plan as it would be.
    pub config: PlanInput,
    /// By which of its fields others would have more than now, such as `filters`; empty = by none.
    pub gives_more_by: Vec<String>,
}

/// A plan that waits for a reviewer, or whose change does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanReviewRow {
    /// Its product.
    pub product: DesignObjectId,
    /// The name of that.
    pub product_name: String,
    /// The plan.
    pub plan: PlanView,
}

/// What somebody does about the review of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanReview {
    /// What.
    pub act: PlanReviewAct,
    /// Why; a reviewer who sends back must say it.
    #[serde(default)]
    pub reason: String,
}

/// What somebody does about the review of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanReviewAct {
    /// Sends what is staged to review.
    Ask,
    /// Lets others have what waits.
    Accept,
    /// Sends what waits back to its authors, who can take it back themselves.
    SendBack,
}

/// Where a plan is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// Being written.
    #[default]
    Staging,
    /// Can be asked for.
    Published,
    /// Goes on for who has it, and can be asked for no more.
    Deprecated,
    /// Nobody has it.
    Closed,
}

/// A plan to make or change. New terms of a plan that was published are offered under a new number; who has it keeps theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanInput {
    /// Unique among the plans of its product: lower-case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// For readers.
    #[serde(default)]
    pub description: String,
    /// How its clients may connect; at least one.
    pub protocols: Vec<PlanProtocol>,
    /// Most events a second, in each direction; none = no limit.
    #[serde(default)]
    pub events: Option<u32>,
    /// Most bytes of payloads a second, in each direction; none = no limit.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// The part of the product's addresses that it gives, in the mesh dialect: `orders/fr/>`; none = all of them.
    #[serde(default)]
    pub filters: Vec<String>,
    /// Who lets somebody in.
    #[serde(default)]
    pub approval: PlanApproval,
    /// How long access lasts, in days; none = until it is ended.
    #[serde(default)]
    pub days: Option<u32>,
    /// What it costs; none = nothing.
    #[serde(default)]
    pub price: Option<PlanPrice>,
}

/// How a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanProtocol {
    /// MQTT 3.1.1 and 5.
    Mqtt,
    /// HTTP publish and event streams.
    Http,
    /// Kafka's own protocol, at clusters that routes tie to what is given.
    Kafka,
}

/// Who lets somebody in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlanApproval {
    /// Who asks is let in at once.
    #[default]
    Auto,
    /// So many people say yes, none of them who asks.
    Manual {
        /// How many; 1 to 5.
        people: u8,
    },
    /// At once where everything of this holds, else as many people as it says.
    Rules {
        /// How many people must say yes where it does not; 1 to 5.
        people: u8,
        /// No field that is given has one of these tags, such as `PII`.
        #[serde(default)]
        without_tags: Vec<String>,
        /// The application belongs to the owner of the product.
        #[serde(default)]
        same_owner: bool,
        /// Nothing is sent, only received.
        #[serde(default)]
        receive_only: bool,
        /// It is asked for no longer than this, in days.
        #[serde(default)]
        days: Option<u32>,
    },
}

impl PlanApproval {
    /// How many people must say yes when no rule makes it unnecessary.
    #[must_use]
    pub const fn people(&self) -> u8 {
        match self {
            Self::Auto => 0,
            Self::Manual { people } | Self::Rules { people, .. } => *people,
        }
    }
}

/// What a plan costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanPrice {
    /// In millionths of the currency: 2,500,000 = 2.50.
    pub millionths: u64,
    /// Three capital letters, as ISO 4217 has them.
    pub currency: String,
    /// For what.
    pub per: PlanPer,
}

/// What a price is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanPer {
    /// One event, sent or received.
    Event,
    /// One gibibyte of payloads.
    Gibibyte,
    /// A month of access; each day of it is a part of the month's price.
    #[default]
    Month,
}

/// Where a plan is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanMove {
    /// Where to.
    pub to: PlanState,
}

/// A version to publish, or a publication to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicationInput {
    /// The version; it cannot be changed afterwards.
    pub version: DesignVersionId,
    /// At these sites.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// And at those that have all of these labels. Neither sites nor labels = everywhere.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicationView {
    /// Id.
    pub id: PublicationId,
    /// For edits.
    pub revision: i64,
    /// What a person chose.
    pub config: PublicationInput,
    /// Number of the version.
    pub number: String,
    /// The environment.
    pub environment: String,
    /// How far it is.
    pub reach: Reach,
    /// How far each of its sites is, by name.
    pub sites: Vec<ReachSite>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Millis>,
    /// Published when.
    pub created_at: Millis,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// How far a publication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It can be had nowhere yet.
    Pending,
    /// Agents are taking it.
    Deploying,
    /// It can be had everywhere it is meant to be.
    Live,
    /// At some of its sites it cannot be had.
    Degraded,
    /// An agent refused it.
    Failed,
    /// It was taken back.
    Withdrawn,
}

/// How far one site is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReachSite {
    /// Which site.
    pub site: SiteId,
    /// Its name.
    pub name: String,
    /// How far it is: `live`, `deploying`, `failed`, or `pending` when nobody is there who could give it.
    pub reach: Reach,
    /// Why, where there is something to say.
    pub reason: String,
}
