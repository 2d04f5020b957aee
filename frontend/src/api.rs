//! What a page may ask, and nothing else.
//!
//! [`PortalApi`] cuts the cycle between server and frontend: pages ask this trait, the server implements it over its
//! application layer (server rendering calls it in process, without HTTP), the browser implements it over the REST
//! API. Each method's doc comment names its REST call; both are the same operation, so anything a page does a script can do.
//! This module and its DTOs are free of leptos.

mod access;
mod application_domain;
mod asyncapi;
mod catalog;
mod certificate;
mod common;
mod connect;
mod connection;
mod contract;
mod credential;
mod design;
mod drift;
#[cfg(feature = "hydrate")]
pub mod fetch;
mod forecast;
mod grant;
mod graph;
mod kafka;
mod kafka_access;
mod live;
mod mail;
mod notification;
mod overview;
mod ownership;
mod people;
mod product;
mod query;
mod queue;
mod records;
pub mod rest;
mod route;
mod schema;
mod search;
mod shape;
mod team;
mod topology;
mod usage;
mod webhook;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use access::*;
pub use application_domain::*;
pub use asyncapi::*;
pub use catalog::*;
pub use certificate::*;
pub use common::*;
pub use connect::*;
pub use connection::*;
pub use contract::*;
pub use credential::*;
pub use design::*;
pub use drift::*;
pub use forecast::*;
pub use grant::*;
pub use graph::*;
pub use kafka::*;
pub use kafka_access::*;
pub use live::*;
pub use mail::*;
use mesh_protocol::id::{
    AgentId, ApplicationDomainId, ApplicationId, BrokerId, DesignObjectId, DesignVersionId, LinkId, ListenerId,
    PersonId, PrincipalId, QueueId, RoleId, RouteId, RuleId, ScopeId, SiteId, TeamId,
};
use mesh_protocol::queue::QueuedEvent;
pub use notification::*;
pub use overview::*;
pub use ownership::*;
pub use people::*;
pub use product::*;
pub use query::encode as encoded;
pub use queue::*;
pub use records::*;
pub use route::*;
pub use schema::*;
pub use search::*;
pub use shape::*;
pub use team::*;
pub use topology::*;
pub use usage::*;
pub use webhook::*;

/// The answer of every call.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// A handle on the portal for pages, provided as leptos context.
#[derive(Clone)]
pub struct Api(pub Arc<dyn PortalApi>);

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}

/// Everything a page may ask. The implementation knows who asks.
///
/// Edits take the `revision` the person saw; when somebody else was faster the answer is 409 `stale-revision`.
pub trait PortalApi: NotificationApi + WebhookApi + MailApi + ProductApi + AccessApi + KafkaAccessApi {
    // --- people -------------------------------------------------------------------------------------------------
    /// `GET /api/v1/me`: who is signed in and what they may do; 401 when nobody is.
    fn me(&self) -> Answer<'_, Me>;
    /// `GET /api/v1/setup`: whether the first person still has to be made (open to all, tells nothing else).
    fn setup_state(&self) -> Answer<'_, SetupState>;
    /// `POST /api/v1/setup`: makes the first admin with the one-time setup code, and signs in (sets the cookie).
    fn setup(&self, input: SetupInput) -> Answer<'_, Me>;
    /// `POST /api/v1/login`: signs in (sets the cookie).
    fn login(&self, input: LoginInput) -> Answer<'_, Me>;
    /// `POST /api/v1/logout`: signs out.
    fn logout(&self) -> Answer<'_, ()>;
    /// `GET /api/v1/people`.
    fn people(&self, query: ListQuery) -> Answer<'_, Page<PersonView>>;
    /// `POST /api/v1/people`.
    fn create_person(&self, input: PersonInput) -> Answer<'_, PersonView>;
    /// `PUT /api/v1/people/{id}`.
    fn update_person(&self, id: PersonId, input: Edit<PersonInput>) -> Answer<'_, PersonView>;
    /// `DELETE /api/v1/people/{id}?revision=`.
    fn delete_person(&self, id: PersonId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/tokens`: service tokens for automation.
    fn tokens(&self, query: ListQuery) -> Answer<'_, Page<TokenView>>;
    /// `POST /api/v1/tokens`: the secret is in the answer, once.
    fn create_token(&self, input: TokenInput) -> Answer<'_, TokenCreated>;
    /// `DELETE /api/v1/tokens/{id}`.
    fn delete_token(&self, id: String) -> Answer<'_, ()>;

    // --- overview and evidence ----------------------------------------------------------------------------------
    /// `GET /api/v1/overview`.
    fn overview(&self) -> Answer<'_, Overview>;
    /// `GET /api/v1/search`: finds anything there is that the caller may see.
    fn search(&self, query: SearchQuery) -> Answer<'_, SearchPage>;
    /// `GET /api/v1/catalog`: search and list over all kinds, with facets.
    fn catalog(&self, query: CatalogQuery) -> Answer<'_, CatalogPage>;
    /// `GET /api/v1/catalog/{id}`.
    fn catalog_object(&self, id: String) -> Answer<'_, CatalogObject>;
    /// `POST /api/v1/catalog/{id}/adopt`: makes a designed event of an address that was seen, with a draft of its first
    /// version.
    fn adopt_catalog_object(&self, id: String, input: AdoptInput) -> Answer<'_, DesignObjectView>;
    /// `POST /api/v1/catalog/{id}/records`: records of a Kafka topic, read now. A look is noted in the audit trail.
    fn catalog_records(&self, id: String, input: RecordsInput) -> Answer<'_, RecordsPage>;
    /// `PUT /api/v1/catalog/{id}`: owner and description.
    fn update_catalog_object(&self, id: String, input: Edit<CatalogObjectInput>) -> Answer<'_, CatalogObject>;
    /// `GET /api/v1/graph`.
    fn graph(&self, query: GraphQuery) -> Answer<'_, FlowGraph>;
    /// `GET /api/v1/subscriptions`: the mesh's live registry.
    fn subscriptions(&self, query: SubscriptionQuery) -> Answer<'_, Page<SubscriptionRow>>;
    /// `GET /api/v1/denials`: what policy refused lately, newest first.
    fn denials(&self, query: DenialQuery) -> Answer<'_, Page<DenialRow>>;

    // --- topology -----------------------------------------------------------------------------------------------
    /// `GET /api/v1/sites`.
    fn sites(&self, query: ListQuery) -> Answer<'_, Page<SiteView>>;
    /// `GET /api/v1/sites/{id}`.
    fn site(&self, id: SiteId) -> Answer<'_, SiteView>;
    /// `POST /api/v1/sites`: also makes the link to the site it connects to and the default listeners.
    fn create_site(&self, input: SiteInput) -> Answer<'_, SiteView>;
    /// `PUT /api/v1/sites/{id}`.
    fn update_site(&self, id: SiteId, input: Edit<SiteInput>) -> Answer<'_, SiteView>;
    /// `DELETE /api/v1/sites/{id}?revision=`: refused while agents are enrolled there.
    fn delete_site(&self, id: SiteId, revision: i64) -> Answer<'_, ()>;
    /// `POST /api/v1/agents/{id}/replacement`: the same for a machine that takes the place of an agent, which is revoked then.
    fn create_replacement(&self, agent: AgentId, input: JoinTokenInput) -> Answer<'_, JoinLine>;
    /// `POST /api/v1/sites/{id}/join-tokens`: a single-use token and the line that uses it.
    fn create_join_token(&self, site: SiteId, input: JoinTokenInput) -> Answer<'_, JoinLine>;
    /// `GET /api/v1/agents`.
    fn agents(&self, query: ListQuery) -> Answer<'_, Page<AgentView>>;
    /// `GET /api/v1/agents/{id}`.
    fn agent(&self, id: AgentId) -> Answer<'_, AgentView>;
    /// `POST /api/v1/agents/{id}/revoke`: its certificate is no longer believed; cannot be undone.
    fn revoke_agent(&self, id: AgentId, input: ReasonInput) -> Answer<'_, ()>;
    /// `GET /api/v1/links`.
    fn links(&self, query: ListQuery) -> Answer<'_, Page<LinkView>>;
    /// `POST /api/v1/links`.
    fn create_link(&self, input: LinkInput) -> Answer<'_, LinkView>;
    /// `PUT /api/v1/links/{id}`: switches it off or on; its ends stay.
    fn update_link(&self, id: LinkId, input: Edit<LinkInput>) -> Answer<'_, LinkView>;
    /// `DELETE /api/v1/links/{id}?revision=`.
    fn delete_link(&self, id: LinkId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/listeners`.
    fn listeners(&self, query: ListQuery) -> Answer<'_, Page<ListenerView>>;
    /// `POST /api/v1/listeners`.
    fn create_listener(&self, input: ListenerInput) -> Answer<'_, ListenerView>;
    /// `PUT /api/v1/listeners/{id}`.
    fn update_listener(&self, id: ListenerId, input: Edit<ListenerInput>) -> Answer<'_, ListenerView>;
    /// `DELETE /api/v1/listeners/{id}?revision=`.
    fn delete_listener(&self, id: ListenerId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/brokers`.
    fn brokers(&self, query: ListQuery) -> Answer<'_, Page<BrokerView>>;
    /// `POST /api/v1/brokers`.
    fn create_broker(&self, input: BrokerInput) -> Answer<'_, BrokerView>;
    /// `PUT /api/v1/brokers/{id}`.
    fn update_broker(&self, id: BrokerId, input: Edit<BrokerInput>) -> Answer<'_, BrokerView>;
    /// `DELETE /api/v1/brokers/{id}?revision=`: refused while routes use it.
    fn delete_broker(&self, id: BrokerId, revision: i64) -> Answer<'_, ()>;

    // --- routes -------------------------------------------------------------------------------------------------
    /// `GET /api/v1/routes`.
    fn routes(&self, query: ListQuery) -> Answer<'_, Page<RouteView>>;
    /// `GET /api/v1/routes/{id}`.
    fn route(&self, id: RouteId) -> Answer<'_, RouteView>;
    /// `POST /api/v1/routes`.
    fn create_route(&self, input: RouteInput) -> Answer<'_, RouteView>;
    /// `PUT /api/v1/routes/{id}`.
    fn update_route(&self, id: RouteId, input: Edit<RouteInput>) -> Answer<'_, RouteView>;
    /// `DELETE /api/v1/routes/{id}?revision=`.
    fn delete_route(&self, id: RouteId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/routes/{id}/events`: what waits for its sink and its dead letters, as its agent holds them now.
    fn route_events(&self, id: RouteId, query: ShelfQuery) -> Answer<'_, Page<QueuedEvent>>;
    /// `POST /api/v1/routes/{id}/events`: deletes, retries or moves them.
    fn handle_route_events(&self, id: RouteId, task: ShelfTask) -> Answer<'_, ShelfDone>;

    /// `GET /api/v1/agents/{id}/dead-letters`: what other agents refused of what this one had for them, records that its routes
    /// could not read, and events that contracts diverted. The shelf must be `dead_letters`.
    fn agent_dead_letters(&self, id: AgentId, query: ShelfQuery) -> Answer<'_, Page<QueuedEvent>>;
    /// `POST /api/v1/agents/{id}/dead-letters`: deletes, retries or moves them.
    fn handle_agent_dead_letters(&self, id: AgentId, task: ShelfTask) -> Answer<'_, ShelfDone>;

    // --- queues -------------------------------------------------------------------------------------------------
    /// `GET /api/v1/queues`.
    fn queues(&self, query: QueueQuery) -> Answer<'_, Page<QueueView>>;
    /// `GET /api/v1/queues/{id}`.
    fn queue(&self, id: QueueId) -> Answer<'_, QueueView>;
    /// `POST /api/v1/queues`.
    fn create_queue(&self, input: QueueInput) -> Answer<'_, QueueView>;
    /// `PUT /api/v1/queues/{id}`: everything but its site.
    fn update_queue(&self, id: QueueId, input: Edit<QueueInput>) -> Answer<'_, QueueView>;
    /// `DELETE /api/v1/queues/{id}?revision=`: with everything in it.
    fn delete_queue(&self, id: QueueId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/queues/{id}/events`: what waits in it and its dead letters, as its agent holds them now.
    fn queue_events(&self, id: QueueId, query: ShelfQuery) -> Answer<'_, Page<QueuedEvent>>;
    /// `POST /api/v1/queues/{id}/events`: deletes, retries or moves them.
    fn handle_queue_events(&self, id: QueueId, task: ShelfTask) -> Answer<'_, ShelfDone>;

    // --- domains ------------------------------------------------------------------------------------------------
    /// `GET /api/v1/domains`: application domains, by name.
    fn domains(&self, query: ListQuery) -> Answer<'_, Page<ApplicationDomainView>>;
    /// `GET /api/v1/domains/suggestions`: domains that could be made of what none claims, the largest first; at most 50.
    fn domain_suggestions(&self) -> Answer<'_, Page<DomainSuggestion>>;
    /// `POST /api/v1/domains`.
    fn create_domain(&self, input: ApplicationDomainInput) -> Answer<'_, ApplicationDomainView>;
    /// `PUT /api/v1/domains/{id}`.
    fn update_domain(
        &self,
        id: ApplicationDomainId,
        input: Edit<ApplicationDomainInput>,
    ) -> Answer<'_, ApplicationDomainView>;
    /// `DELETE /api/v1/domains/{id}?revision=`: refused while other domains are parts of it.
    fn delete_domain(&self, id: ApplicationDomainId, revision: i64) -> Answer<'_, ()>;

    // --- teams --------------------------------------------------------------------------------------------------
    /// `GET /api/v1/teams`: by name.
    fn teams(&self, query: TeamQuery) -> Answer<'_, Page<TeamView>>;
    /// `GET /api/v1/teams/{id}`.
    fn team(&self, id: TeamId) -> Answer<'_, TeamView>;
    /// `GET /api/v1/teams/{id}/owned`: what names it as its owner, by kind and name.
    fn team_owned(&self, id: TeamId, query: OwnedQuery) -> Answer<'_, Page<OwnedView>>;
    /// `POST /api/v1/teams`: what names it already is its own from then on.
    fn create_team(&self, input: TeamInput) -> Answer<'_, TeamView>;
    /// `PUT /api/v1/teams/{id}`: another name is given to everything that it owns.
    fn update_team(&self, id: TeamId, input: Edit<TeamInput>) -> Answer<'_, TeamView>;
    /// `DELETE /api/v1/teams/{id}?revision=&hand_to=`: refused while it owns something that nobody else is to own.
    fn delete_team(&self, id: TeamId, removal: TeamRemoval) -> Answer<'_, ()>;
    /// `GET /api/v1/owners`: teams, then people, who can be named as an owner. Others can be named too.
    fn owner_choices(&self, query: ListQuery) -> Answer<'_, Page<OwnerChoice>>;

    // --- what nobody answers for -------------------------------------------------------------------------------
    /// `GET /api/v1/ownership`: what nobody answers for, the busiest first.
    fn ownership(&self, query: OwnershipQuery) -> Answer<'_, OwnershipPage>;
    /// `POST /api/v1/ownership/preview`: what a task would do, exactly. Does nothing.
    fn preview_ownership(&self, task: OwnershipTask) -> Answer<'_, OwnershipPreview>;
    /// `POST /api/v1/ownership`: does a task as it was previewed, all of it or nothing; 409 `stale-preview` when it would be
    /// something else by now.
    fn apply_ownership(&self, input: OwnershipApply<OwnershipTask>) -> Answer<'_, OwnershipDone>;
    /// `POST /api/v1/ownership/import/preview`: what a list of owners would do, line by line. Does nothing.
    fn preview_owners(&self, list: OwnershipImport) -> Answer<'_, OwnershipPreview>;
    /// `POST /api/v1/ownership/import`: gives everything the owner that a list names, as it was previewed, or nothing.
    fn import_owners(&self, input: OwnershipApply<OwnershipImport>) -> Answer<'_, OwnershipDone>;

    // --- schemas ------------------------------------------------------------------------------------------------
    /// `POST /api/v1/schemas/check`: whether a text is a schema, what is in it, and whom a change breaks. Keeps nothing.
    fn check_schema(&self, input: SchemaCheckInput) -> Answer<'_, SchemaCheck>;

    // --- the design-time catalog --------------------------------------------------------------------------------
    /// `GET /api/v1/designs`: events, schemas and applications with their versions, by name.
    fn design_objects(&self, query: DesignQuery) -> Answer<'_, Page<DesignObjectView>>;
    /// `GET /api/v1/designs/{id}`.
    fn design_object(&self, id: DesignObjectId) -> Answer<'_, DesignObjectView>;
    /// `POST /api/v1/designs`: without a version yet.
    fn create_design_object(&self, input: DesignObjectNew) -> Answer<'_, DesignObjectView>;
    /// `PUT /api/v1/designs/{id}`: everything but its kind.
    fn update_design_object(&self, id: DesignObjectId, input: Edit<DesignObjectInput>) -> Answer<'_, DesignObjectView>;
    /// `DELETE /api/v1/designs/{id}?revision=`: refused while it has versions.
    fn delete_design_object(&self, id: DesignObjectId, revision: i64) -> Answer<'_, ()>;
    /// `PUT /api/v1/designs/{id}/level`: what must stay readable in a schema's subject.
    fn set_design_level(&self, id: DesignObjectId, input: DesignLevelInput) -> Answer<'_, DesignObjectView>;
    /// `POST /api/v1/designs/{id}/versions`: a draft.
    fn create_design_version(&self, id: DesignObjectId, input: DesignVersionInput) -> Answer<'_, DesignVersionView>;
    /// `GET /api/v1/design-versions/{id}`.
    fn design_version(&self, id: DesignVersionId) -> Answer<'_, DesignVersionView>;
    /// `PUT /api/v1/design-versions/{id}`: a draft as a whole, later only what is for readers.
    fn update_design_version(
        &self,
        id: DesignVersionId,
        input: Edit<DesignVersionInput>,
    ) -> Answer<'_, DesignVersionView>;
    /// `DELETE /api/v1/design-versions/{id}?revision=`: only a draft that nothing is built on.
    fn delete_design_version(&self, id: DesignVersionId, revision: i64) -> Answer<'_, ()>;
    /// `POST /api/v1/design-versions/{id}/move`: one step on in its life, or back.
    fn move_design_version(&self, id: DesignVersionId, input: Edit<DesignMove>) -> Answer<'_, DesignVersionView>;
    /// `GET /api/v1/design-versions/{id}/asyncapi`: as an AsyncAPI document, of events and applications. The text alone is at
    /// `…/asyncapi.yaml` and `…/asyncapi.json`.
    fn design_document(&self, id: DesignVersionId, query: AsyncApiQuery) -> Answer<'_, AsyncApiDocument>;
    /// `POST /api/v1/asyncapi/preview`: what an import would make of a document, line by line.
    fn preview_asyncapi(&self, input: AsyncApiImport) -> Answer<'_, AsyncApiPlan>;
    /// `POST /api/v1/asyncapi/import`: makes what was previewed, all of it or nothing.
    fn import_asyncapi(&self, input: AsyncApiImportApply) -> Answer<'_, AsyncApiImported>;
    /// `POST /api/v1/asyncapi/compare`: how two documents differ, and whom that hurts.
    fn compare_asyncapi(&self, input: AsyncApiCompare) -> Answer<'_, AsyncApiDifference>;
    /// `GET /api/v1/design-difference`: how two versions of one object differ.
    fn design_difference(&self, query: DesignDifferenceQuery) -> Answer<'_, DesignDifference>;

    // --- drift: what is designed beside what was seen ------------------------------------------------------------
    /// `GET /api/v1/drift`: findings, the busiest first.
    fn drift(&self, query: DriftQuery) -> Answer<'_, DriftPage>;
    /// `GET /api/v1/drift/trend`: how many findings there were, once an hour. Only for who sees every domain.
    fn drift_trend(&self, query: DriftTrendQuery) -> Answer<'_, DriftTrend>;
    /// `GET /api/v1/usage`: what was used of grants, by day or hour, the oldest first.
    fn usage(&self, query: UsageQuery) -> Answer<'_, Page<UsageRow>>;
    /// `POST /api/v1/drift/proposals`: what could be made of findings, to change and confirm. Makes nothing.
    fn drift_proposals(&self, select: DriftSelection) -> Answer<'_, DriftProposals>;
    /// `POST /api/v1/drift/preview`: what a task would do, exactly. Does nothing.
    fn preview_drift(&self, task: DriftTask) -> Answer<'_, DriftPreview>;
    /// `POST /api/v1/drift`: does a task as it was previewed, all of it or nothing; 409 `stale-preview` when it would be
    /// something else by now.
    fn apply_drift(&self, input: DriftApply<DriftTask>) -> Answer<'_, DriftDone>;
    /// `POST /api/v1/drift/push/preview`: the access rules that would be made for findings. Makes nothing.
    fn preview_push(&self, select: DriftSelection) -> Answer<'_, DriftPreview>;
    /// `POST /api/v1/drift/push`: makes the access rules that were previewed, all of them or none.
    fn push_drift(&self, input: DriftApply<DriftSelection>) -> Answer<'_, DriftDone>;

    // --- access -------------------------------------------------------------------------------------------------
    /// `GET /api/v1/applications`.
    fn applications(&self, query: ListQuery) -> Answer<'_, Page<ApplicationView>>;
    /// `POST /api/v1/applications`.
    fn create_application(&self, input: ApplicationInput) -> Answer<'_, ApplicationView>;
    /// `PUT /api/v1/applications/{id}`.
    fn update_application(&self, id: ApplicationId, input: Edit<ApplicationInput>) -> Answer<'_, ApplicationView>;
    /// `DELETE /api/v1/applications/{id}?revision=`: refused while it has principals.
    fn delete_application(&self, id: ApplicationId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/principals`: clients of the mesh.
    fn principals(&self, query: PrincipalQuery) -> Answer<'_, Page<PrincipalView>>;
    /// `GET /api/v1/principals/{id}`.
    fn principal(&self, id: PrincipalId) -> Answer<'_, PrincipalView>;
    /// `POST /api/v1/principals`: the secret is in the answer, once.
    fn create_principal(&self, input: PrincipalInput) -> Answer<'_, PrincipalSecret>;
    /// `PUT /api/v1/principals/{id}`: application, roles, state, expiry.
    fn update_principal(&self, id: PrincipalId, input: Edit<PrincipalInput>) -> Answer<'_, PrincipalView>;
    /// `POST /api/v1/principals/{id}/rotate`: a new secret; the old one stays valid for the overlap.
    fn rotate_principal(&self, id: PrincipalId, input: RotateInput) -> Answer<'_, PrincipalSecret>;
    /// `POST /api/v1/principals/{id}/block`: a deny rule on publish for this client alone.
    fn block_principal(&self, id: PrincipalId, input: ReasonInput) -> Answer<'_, PrincipalView>;
    /// `POST /api/v1/principals/{id}/unblock`: takes that rule back.
    fn unblock_principal(&self, id: PrincipalId) -> Answer<'_, PrincipalView>;
    /// `DELETE /api/v1/principals/{id}?revision=`.
    fn delete_principal(&self, id: PrincipalId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/roles`: mesh roles.
    fn roles(&self, query: ListQuery) -> Answer<'_, Page<RoleView>>;
    /// `POST /api/v1/roles`.
    fn create_role(&self, input: RoleInput) -> Answer<'_, RoleView>;
    /// `PUT /api/v1/roles/{id}`.
    fn update_role(&self, id: RoleId, input: Edit<RoleInput>) -> Answer<'_, RoleView>;
    /// `DELETE /api/v1/roles/{id}?revision=`: refused while principals have it.
    fn delete_role(&self, id: RoleId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/scopes`: topics that stay inside sites or regions, by name.
    fn scopes(&self, query: ListQuery) -> Answer<'_, Page<ScopeView>>;
    /// `GET /api/v1/scopes/withheld`: what scopes keep back, by agent and the site that would get it.
    fn withheld(&self, query: ListQuery) -> Answer<'_, Page<WithheldView>>;
    /// `POST /api/v1/scopes`.
    fn create_scope(&self, input: ScopeInput) -> Answer<'_, ScopeView>;
    /// `PUT /api/v1/scopes/{id}`.
    fn update_scope(&self, id: ScopeId, input: Edit<ScopeInput>) -> Answer<'_, ScopeView>;
    /// `DELETE /api/v1/scopes/{id}?revision=`.
    fn delete_scope(&self, id: ScopeId, revision: i64) -> Answer<'_, ()>;

    /// `GET /api/v1/rules`: access rules of mesh clients.
    fn rules(&self, query: RuleQuery) -> Answer<'_, Page<RuleView>>;
    /// `POST /api/v1/rules`.
    fn create_rule(&self, input: RuleInput) -> Answer<'_, RuleView>;
    /// `PUT /api/v1/rules/{id}`.
    fn update_rule(&self, id: RuleId, input: Edit<RuleInput>) -> Answer<'_, RuleView>;
    /// `DELETE /api/v1/rules/{id}?revision=`.
    fn delete_rule(&self, id: RuleId, revision: i64) -> Answer<'_, ()>;
    /// `GET /api/v1/policy`: the newest revision and how far each agent is with it.
    fn policy(&self) -> Answer<'_, PolicyView>;
    /// `GET /api/v1/policy/document`: principals (without secrets), roles and rules as the decision function takes
    /// them, so that a browser or a script can preview decisions with `mesh-protocol`.
    fn policy_document(&self) -> Answer<'_, PolicyDocument>;

    // --- try it -------------------------------------------------------------------------------------------------
    /// `POST /api/v1/try`: a short-lived principal for trying the mesh, with ready command lines. Reuses the person's
    /// own while it is valid.
    fn try_client(&self, input: TryInput) -> Answer<'_, TryClient>;
    /// `POST /api/v1/publish`: publishes one event through a site's agent, on the rights of the person's try-it client.
    /// The live tail is `GET /api/v1/tail?site=&filter=` (server-sent events of [`TailLine`]).
    fn publish(&self, input: PublishInput) -> Answer<'_, PublishResult>;

    // --- whole lists: page after page of the above, for pages and choices that show all there is ------------------
    /// All people.
    fn all_people(&self) -> Answer<'_, Vec<PersonView>> {
        Box::pin(all(|query| self.people(query)))
    }
    /// All service tokens.
    fn all_tokens(&self) -> Answer<'_, Vec<TokenView>> {
        Box::pin(all(|query| self.tokens(query)))
    }
    /// All sites.
    fn all_sites(&self) -> Answer<'_, Vec<SiteView>> {
        Box::pin(all(|query| self.sites(query)))
    }
    /// All agents.
    fn all_agents(&self) -> Answer<'_, Vec<AgentView>> {
        Box::pin(all(|query| self.agents(query)))
    }
    /// All links.
    fn all_links(&self) -> Answer<'_, Vec<LinkView>> {
        Box::pin(all(|query| self.links(query)))
    }
    /// All broker connections.
    fn all_brokers(&self) -> Answer<'_, Vec<BrokerView>> {
        Box::pin(all(|query| self.brokers(query)))
    }
    /// All routes.
    fn all_routes(&self) -> Answer<'_, Vec<RouteView>> {
        Box::pin(all(|query| self.routes(query)))
    }
    /// All queues.
    fn all_queues(&self) -> Answer<'_, Vec<QueueView>> {
        let page = move |list: ListQuery| QueueQuery { cursor: list.cursor, ..QueueQuery::default() };
        Box::pin(all(move |list| self.queues(page(list))))
    }
    /// All application domains.
    fn all_domains(&self) -> Answer<'_, Vec<ApplicationDomainView>> {
        Box::pin(all(|query| self.domains(query)))
    }
    /// Everybody who can be named as an owner.
    fn all_owner_choices(&self) -> Answer<'_, Vec<OwnerChoice>> {
        Box::pin(all(|query| self.owner_choices(query)))
    }
    /// All applications.
    fn all_applications(&self) -> Answer<'_, Vec<ApplicationView>> {
        Box::pin(all(|query| self.applications(query)))
    }
    /// All credentials of an application.
    fn all_credentials(&self, id: ApplicationId) -> Answer<'_, Vec<CredentialView>> {
        Box::pin(all(move |query| self.credentials(id, query)))
    }
    /// All clients that a query asks for.
    fn all_principals(&self, query: PrincipalQuery) -> Answer<'_, Vec<PrincipalView>> {
        let page = move |list: ListQuery| PrincipalQuery { cursor: list.cursor, limit: Some(500), ..query.clone() };
        Box::pin(all(move |list| self.principals(page(list))))
    }
    /// All rules that a query asks for.
    fn all_rules(&self, query: RuleQuery) -> Answer<'_, Vec<RuleView>> {
        let page = move |list: ListQuery| RuleQuery { cursor: list.cursor, limit: Some(500), ..query.clone() };
        Box::pin(all(move |list| self.rules(page(list))))
    }
    /// All mesh roles.
    fn all_roles(&self) -> Answer<'_, Vec<RoleView>> {
        Box::pin(all(|query| self.roles(query)))
    }
}

/// Reads a list to its end. Pages go on behind a key, so every row of a list that changes meanwhile comes once at most.
async fn all<'a, T>(page: impl Fn(ListQuery) -> Answer<'a, Page<T>> + Send) -> Result<Vec<T>, ApiError>
where
    T: Send,
{
    let mut rows = Vec::new();
    let mut query = ListQuery::default();
    loop {
        let page = page(query).await?;
        rows.extend(page.items);
        query = match page.next {
            Some(next) => ListQuery { cursor: Some(next), limit: None },
            None => return Ok(rows),
        };
    }
}
