//! [`PortalApi`] over REST, one line for each operation. How a request travels is a [`Transport`]: `fetch` in the browser,
//! recorded answers in tests.

mod call;

use mesh_protocol::id::{
    AgentId, ApplicationDomainId, ApplicationId, BrokerId, DesignObjectId, DesignVersionId, LinkId, ListenerId,
    PersonId, PrincipalId, QueueId, RoleId, RouteId, RuleId, ScopeId, SiteId, TeamId,
};
use mesh_protocol::queue::QueuedEvent;

use super::query::{encode, with_query};
#[cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "every DTO of the contract is used here"))]
use super::*;

pub use call::{Exchange, Request, RestApi, Transport, Verb};

impl<T: Transport> PortalApi for RestApi<T> {
    fn me(&self) -> Answer<'_, Me> {
        self.get("/me")
    }
    fn setup_state(&self) -> Answer<'_, SetupState> {
        self.get("/setup")
    }
    fn setup(&self, input: SetupInput) -> Answer<'_, Me> {
        self.send(Verb::Post, "/setup", &input)
    }
    fn login(&self, input: LoginInput) -> Answer<'_, Me> {
        self.send(Verb::Post, "/login", &input)
    }
    fn logout(&self) -> Answer<'_, ()> {
        self.send(Verb::Post, "/logout", &())
    }
    fn people(&self, query: ListQuery) -> Answer<'_, Page<PersonView>> {
        self.get(&with_query("/people", &query))
    }
    fn create_person(&self, input: PersonInput) -> Answer<'_, PersonView> {
        self.send(Verb::Post, "/people", &input)
    }
    fn update_person(&self, id: PersonId, input: Edit<PersonInput>) -> Answer<'_, PersonView> {
        self.send(Verb::Put, &format!("/people/{id}"), &input)
    }
    fn delete_person(&self, id: PersonId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/people/{id}?revision={revision}"))
    }
    fn tokens(&self, query: ListQuery) -> Answer<'_, Page<TokenView>> {
        self.get(&with_query("/tokens", &query))
    }
    fn create_token(&self, input: TokenInput) -> Answer<'_, TokenCreated> {
        self.send(Verb::Post, "/tokens", &input)
    }
    fn delete_token(&self, id: String) -> Answer<'_, ()> {
        self.delete(&format!("/tokens/{}", encode(&id)))
    }
    fn overview(&self) -> Answer<'_, Overview> {
        self.get("/overview")
    }
    fn search(&self, query: SearchQuery) -> Answer<'_, SearchPage> {
        self.get(&with_query("/search", &query))
    }
    fn catalog(&self, query: CatalogQuery) -> Answer<'_, CatalogPage> {
        self.get(&with_query("/catalog", &query))
    }
    fn catalog_object(&self, id: String) -> Answer<'_, CatalogObject> {
        self.get(&format!("/catalog/{}", encode(&id)))
    }
    fn adopt_catalog_object(&self, id: String, input: AdoptInput) -> Answer<'_, DesignObjectView> {
        self.send(Verb::Post, &format!("/catalog/{}/adopt", encode(&id)), &input)
    }
    fn catalog_records(&self, id: String, input: RecordsInput) -> Answer<'_, RecordsPage> {
        self.send(Verb::Post, &format!("/catalog/{}/records", encode(&id)), &input)
    }
    fn update_catalog_object(&self, id: String, input: Edit<CatalogObjectInput>) -> Answer<'_, CatalogObject> {
        self.send(Verb::Put, &format!("/catalog/{}", encode(&id)), &input)
    }
    fn graph(&self, query: GraphQuery) -> Answer<'_, FlowGraph> {
        self.get(&with_query("/graph", &query))
    }
    fn subscriptions(&self, query: SubscriptionQuery) -> Answer<'_, Page<SubscriptionRow>> {
        self.get(&with_query("/subscriptions", &query))
    }
    fn denials(&self, query: DenialQuery) -> Answer<'_, Page<DenialRow>> {
        self.get(&with_query("/denials", &query))
    }
    fn sites(&self, query: ListQuery) -> Answer<'_, Page<SiteView>> {
        self.get(&with_query("/sites", &query))
    }
    fn site(&self, id: SiteId) -> Answer<'_, SiteView> {
        self.get(&format!("/sites/{id}"))
    }
    fn create_site(&self, input: SiteInput) -> Answer<'_, SiteView> {
        self.send(Verb::Post, "/sites", &input)
    }
    fn update_site(&self, id: SiteId, input: Edit<SiteInput>) -> Answer<'_, SiteView> {
        self.send(Verb::Put, &format!("/sites/{id}"), &input)
    }
    fn delete_site(&self, id: SiteId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/sites/{id}?revision={revision}"))
    }
    fn create_replacement(&self, agent: AgentId, input: JoinTokenInput) -> Answer<'_, JoinLine> {
        self.send(Verb::Post, &format!("/agents/{agent}/replacement"), &input)
    }
    fn create_join_token(&self, site: SiteId, input: JoinTokenInput) -> Answer<'_, JoinLine> {
        self.send(Verb::Post, &format!("/sites/{site}/join-tokens"), &input)
    }
    fn agents(&self, query: ListQuery) -> Answer<'_, Page<AgentView>> {
        self.get(&with_query("/agents", &query))
    }
    fn agent(&self, id: AgentId) -> Answer<'_, AgentView> {
        self.get(&format!("/agents/{id}"))
    }
    fn revoke_agent(&self, id: AgentId, input: ReasonInput) -> Answer<'_, ()> {
        self.send(Verb::Post, &format!("/agents/{id}/revoke"), &input)
    }
    fn links(&self, query: ListQuery) -> Answer<'_, Page<LinkView>> {
        self.get(&with_query("/links", &query))
    }
    fn create_link(&self, input: LinkInput) -> Answer<'_, LinkView> {
        self.send(Verb::Post, "/links", &input)
    }
    fn update_link(&self, id: LinkId, input: Edit<LinkInput>) -> Answer<'_, LinkView> {
        self.send(Verb::Put, &format!("/links/{id}"), &input)
    }
    fn delete_link(&self, id: LinkId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/links/{id}?revision={revision}"))
    }
    fn listeners(&self, query: ListQuery) -> Answer<'_, Page<ListenerView>> {
        self.get(&with_query("/listeners", &query))
    }
    fn create_listener(&self, input: ListenerInput) -> Answer<'_, ListenerView> {
        self.send(Verb::Post, "/listeners", &input)
    }
    fn update_listener(&self, id: ListenerId, input: Edit<ListenerInput>) -> Answer<'_, ListenerView> {
        self.send(Verb::Put, &format!("/listeners/{id}"), &input)
    }
    fn delete_listener(&self, id: ListenerId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/listeners/{id}?revision={revision}"))
    }
    fn brokers(&self, query: ListQuery) -> Answer<'_, Page<BrokerView>> {
        self.get(&with_query("/brokers", &query))
    }
    fn create_broker(&self, input: BrokerInput) -> Answer<'_, BrokerView> {
        self.send(Verb::Post, "/brokers", &input)
    }
    fn update_broker(&self, id: BrokerId, input: Edit<BrokerInput>) -> Answer<'_, BrokerView> {
        self.send(Verb::Put, &format!("/brokers/{id}"), &input)
    }
    fn delete_broker(&self, id: BrokerId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/brokers/{id}?revision={revision}"))
    }
    fn routes(&self, query: ListQuery) -> Answer<'_, Page<RouteView>> {
        self.get(&with_query("/routes", &query))
    }
    fn route(&self, id: RouteId) -> Answer<'_, RouteView> {
        self.get(&format!("/routes/{id}"))
    }
    fn create_route(&self, input: RouteInput) -> Answer<'_, RouteView> {
        self.send(Verb::Post, "/routes", &input)
    }
    fn update_route(&self, id: RouteId, input: Edit<RouteInput>) -> Answer<'_, RouteView> {
        self.send(Verb::Put, &format!("/routes/{id}"), &input)
    }
    fn delete_route(&self, id: RouteId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/routes/{id}?revision={revision}"))
    }
    fn route_events(&self, id: RouteId, query: ShelfQuery) -> Answer<'_, Page<QueuedEvent>> {
        self.get(&with_query(&format!("/routes/{id}/events"), &query))
    }
    fn handle_route_events(&self, id: RouteId, task: ShelfTask) -> Answer<'_, ShelfDone> {
        self.send(Verb::Post, &format!("/routes/{id}/events"), &task)
    }
    fn agent_dead_letters(&self, id: AgentId, query: ShelfQuery) -> Answer<'_, Page<QueuedEvent>> {
        self.get(&with_query(&format!("/agents/{id}/dead-letters"), &query))
    }
    fn handle_agent_dead_letters(&self, id: AgentId, task: ShelfTask) -> Answer<'_, ShelfDone> {
        self.send(Verb::Post, &format!("/agents/{id}/dead-letters"), &task)
    }
    fn queues(&self, query: QueueQuery) -> Answer<'_, Page<QueueView>> {
        self.get(&with_query("/queues", &query))
    }
    fn queue(&self, id: QueueId) -> Answer<'_, QueueView> {
        self.get(&format!("/queues/{id}"))
    }
    fn create_queue(&self, input: QueueInput) -> Answer<'_, QueueView> {
        self.send(Verb::Post, "/queues", &input)
    }
    fn update_queue(&self, id: QueueId, input: Edit<QueueInput>) -> Answer<'_, QueueView> {
        self.send(Verb::Put, &format!("/queues/{id}"), &input)
    }
    fn delete_queue(&self, id: QueueId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/queues/{id}?revision={revision}"))
    }
    fn queue_events(&self, id: QueueId, query: ShelfQuery) -> Answer<'_, Page<QueuedEvent>> {
        self.get(&with_query(&format!("/queues/{id}/events"), &query))
    }
    fn handle_queue_events(&self, id: QueueId, task: ShelfTask) -> Answer<'_, ShelfDone> {
        self.send(Verb::Post, &format!("/queues/{id}/events"), &task)
    }
    fn domains(&self, query: ListQuery) -> Answer<'_, Page<ApplicationDomainView>> {
        self.get(&with_query("/domains", &query))
    }
    fn domain_suggestions(&self) -> Answer<'_, Page<DomainSuggestion>> {
        self.get("/domains/suggestions")
    }
    fn create_domain(&self, input: ApplicationDomainInput) -> Answer<'_, ApplicationDomainView> {
        self.send(Verb::Post, "/domains", &input)
    }
    fn update_domain(
        &self,
        id: ApplicationDomainId,
        input: Edit<ApplicationDomainInput>,
    ) -> Answer<'_, ApplicationDomainView> {
        self.send(Verb::Put, &format!("/domains/{id}"), &input)
    }
    fn delete_domain(&self, id: ApplicationDomainId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/domains/{id}?revision={revision}"))
    }
    fn teams(&self, query: TeamQuery) -> Answer<'_, Page<TeamView>> {
        self.get(&with_query("/teams", &query))
    }
    fn team(&self, id: TeamId) -> Answer<'_, TeamView> {
        self.get(&format!("/teams/{id}"))
    }
    fn team_owned(&self, id: TeamId, query: OwnedQuery) -> Answer<'_, Page<OwnedView>> {
        self.get(&with_query(&format!("/teams/{id}/owned"), &query))
    }
    fn create_team(&self, input: TeamInput) -> Answer<'_, TeamView> {
        self.send(Verb::Post, "/teams", &input)
    }
    fn update_team(&self, id: TeamId, input: Edit<TeamInput>) -> Answer<'_, TeamView> {
        self.send(Verb::Put, &format!("/teams/{id}"), &input)
    }
    fn delete_team(&self, id: TeamId, removal: TeamRemoval) -> Answer<'_, ()> {
        self.delete(&with_query(&format!("/teams/{id}"), &removal))
    }
    fn owner_choices(&self, query: ListQuery) -> Answer<'_, Page<OwnerChoice>> {
        self.get(&with_query("/owners", &query))
    }
    fn ownership(&self, query: OwnershipQuery) -> Answer<'_, OwnershipPage> {
        self.get(&with_query("/ownership", &query))
    }
    fn preview_ownership(&self, task: OwnershipTask) -> Answer<'_, OwnershipPreview> {
        self.send(Verb::Post, "/ownership/preview", &task)
    }
    fn apply_ownership(&self, input: OwnershipApply<OwnershipTask>) -> Answer<'_, OwnershipDone> {
        self.send(Verb::Post, "/ownership", &input)
    }
    fn preview_owners(&self, list: OwnershipImport) -> Answer<'_, OwnershipPreview> {
        self.send(Verb::Post, "/ownership/import/preview", &list)
    }
    fn import_owners(&self, input: OwnershipApply<OwnershipImport>) -> Answer<'_, OwnershipDone> {
        self.send(Verb::Post, "/ownership/import", &input)
    }
    fn check_schema(&self, input: SchemaCheckInput) -> Answer<'_, SchemaCheck> {
        self.send(Verb::Post, "/schemas/check", &input)
    }
    fn design_objects(&self, query: DesignQuery) -> Answer<'_, Page<DesignObjectView>> {
        self.get(&with_query("/designs", &query))
    }
    fn design_object(&self, id: DesignObjectId) -> Answer<'_, DesignObjectView> {
        self.get(&format!("/designs/{id}"))
    }
    fn create_design_object(&self, input: DesignObjectNew) -> Answer<'_, DesignObjectView> {
        self.send(Verb::Post, "/designs", &input)
    }
    fn update_design_object(&self, id: DesignObjectId, input: Edit<DesignObjectInput>) -> Answer<'_, DesignObjectView> {
        self.send(Verb::Put, &format!("/designs/{id}"), &input)
    }
    fn delete_design_object(&self, id: DesignObjectId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/designs/{id}?revision={revision}"))
    }
    fn set_design_level(&self, id: DesignObjectId, input: DesignLevelInput) -> Answer<'_, DesignObjectView> {
        self.send(Verb::Put, &format!("/designs/{id}/level"), &input)
    }
    fn create_design_version(&self, id: DesignObjectId, input: DesignVersionInput) -> Answer<'_, DesignVersionView> {
        self.send(Verb::Post, &format!("/designs/{id}/versions"), &input)
    }
    fn design_version(&self, id: DesignVersionId) -> Answer<'_, DesignVersionView> {
        self.get(&format!("/design-versions/{id}"))
    }
    fn update_design_version(
        &self,
        id: DesignVersionId,
        input: Edit<DesignVersionInput>,
    ) -> Answer<'_, DesignVersionView> {
        self.send(Verb::Put, &format!("/design-versions/{id}"), &input)
    }
    fn delete_design_version(&self, id: DesignVersionId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/design-versions/{id}?revision={revision}"))
    }
    fn move_design_version(&self, id: DesignVersionId, input: Edit<DesignMove>) -> Answer<'_, DesignVersionView> {
        self.send(Verb::Post, &format!("/design-versions/{id}/move"), &input)
    }
    fn design_document(&self, id: DesignVersionId, query: AsyncApiQuery) -> Answer<'_, AsyncApiDocument> {
        self.get(&with_query(&format!("/design-versions/{id}/asyncapi"), &query))
    }
    fn preview_asyncapi(&self, input: AsyncApiImport) -> Answer<'_, AsyncApiPlan> {
        self.send(Verb::Post, "/asyncapi/preview", &input)
    }
    fn import_asyncapi(&self, input: AsyncApiImportApply) -> Answer<'_, AsyncApiImported> {
        self.send(Verb::Post, "/asyncapi/import", &input)
    }
    fn compare_asyncapi(&self, input: AsyncApiCompare) -> Answer<'_, AsyncApiDifference> {
        self.send(Verb::Post, "/asyncapi/compare", &input)
    }
    fn design_difference(&self, query: DesignDifferenceQuery) -> Answer<'_, DesignDifference> {
        self.get(&with_query("/design-difference", &query))
    }
    fn drift(&self, query: DriftQuery) -> Answer<'_, DriftPage> {
        self.get(&with_query("/drift", &query))
    }
    fn drift_trend(&self, query: DriftTrendQuery) -> Answer<'_, DriftTrend> {
        self.get(&with_query("/drift/trend", &query))
    }
    fn drift_proposals(&self, select: DriftSelection) -> Answer<'_, DriftProposals> {
        self.send(Verb::Post, "/drift/proposals", &select)
    }
    fn preview_drift(&self, task: DriftTask) -> Answer<'_, DriftPreview> {
        self.send(Verb::Post, "/drift/preview", &task)
    }
    fn apply_drift(&self, input: DriftApply<DriftTask>) -> Answer<'_, DriftDone> {
        self.send(Verb::Post, "/drift", &input)
    }
    fn preview_push(&self, select: DriftSelection) -> Answer<'_, DriftPreview> {
        self.send(Verb::Post, "/drift/push/preview", &select)
    }
    fn push_drift(&self, input: DriftApply<DriftSelection>) -> Answer<'_, DriftDone> {
        self.send(Verb::Post, "/drift/push", &input)
    }
    fn applications(&self, query: ListQuery) -> Answer<'_, Page<ApplicationView>> {
        self.get(&with_query("/applications", &query))
    }
    fn create_application(&self, input: ApplicationInput) -> Answer<'_, ApplicationView> {
        self.send(Verb::Post, "/applications", &input)
    }
    fn update_application(&self, id: ApplicationId, input: Edit<ApplicationInput>) -> Answer<'_, ApplicationView> {
        self.send(Verb::Put, &format!("/applications/{id}"), &input)
    }
    fn delete_application(&self, id: ApplicationId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/applications/{id}?revision={revision}"))
    }
    fn principals(&self, query: PrincipalQuery) -> Answer<'_, Page<PrincipalView>> {
        self.get(&with_query("/principals", &query))
    }
    fn principal(&self, id: PrincipalId) -> Answer<'_, PrincipalView> {
        self.get(&format!("/principals/{id}"))
    }
    fn create_principal(&self, input: PrincipalInput) -> Answer<'_, PrincipalSecret> {
        self.send(Verb::Post, "/principals", &input)
    }
    fn update_principal(&self, id: PrincipalId, input: Edit<PrincipalInput>) -> Answer<'_, PrincipalView> {
        self.send(Verb::Put, &format!("/principals/{id}"), &input)
    }
    fn rotate_principal(&self, id: PrincipalId, input: RotateInput) -> Answer<'_, PrincipalSecret> {
        self.send(Verb::Post, &format!("/principals/{id}/rotate"), &input)
    }
    fn block_principal(&self, id: PrincipalId, input: ReasonInput) -> Answer<'_, PrincipalView> {
        self.send(Verb::Post, &format!("/principals/{id}/block"), &input)
    }
    fn unblock_principal(&self, id: PrincipalId) -> Answer<'_, PrincipalView> {
        self.send(Verb::Post, &format!("/principals/{id}/unblock"), &())
    }
    fn delete_principal(&self, id: PrincipalId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/principals/{id}?revision={revision}"))
    }
    fn roles(&self, query: ListQuery) -> Answer<'_, Page<RoleView>> {
        self.get(&with_query("/roles", &query))
    }
    fn create_role(&self, input: RoleInput) -> Answer<'_, RoleView> {
        self.send(Verb::Post, "/roles", &input)
    }
    fn update_role(&self, id: RoleId, input: Edit<RoleInput>) -> Answer<'_, RoleView> {
        self.send(Verb::Put, &format!("/roles/{id}"), &input)
    }
    fn delete_role(&self, id: RoleId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/roles/{id}?revision={revision}"))
    }
    fn scopes(&self, query: ListQuery) -> Answer<'_, Page<ScopeView>> {
        self.get(&with_query("/scopes", &query))
    }
    fn withheld(&self, query: ListQuery) -> Answer<'_, Page<WithheldView>> {
        self.get(&with_query("/scopes/withheld", &query))
    }
    fn create_scope(&self, input: ScopeInput) -> Answer<'_, ScopeView> {
        self.send(Verb::Post, "/scopes", &input)
    }
    fn update_scope(&self, id: ScopeId, input: Edit<ScopeInput>) -> Answer<'_, ScopeView> {
        self.send(Verb::Put, &format!("/scopes/{id}"), &input)
    }
    fn delete_scope(&self, id: ScopeId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/scopes/{id}?revision={revision}"))
    }
    fn rules(&self, query: RuleQuery) -> Answer<'_, Page<RuleView>> {
        self.get(&with_query("/rules", &query))
    }
    fn create_rule(&self, input: RuleInput) -> Answer<'_, RuleView> {
        self.send(Verb::Post, "/rules", &input)
    }
    fn update_rule(&self, id: RuleId, input: Edit<RuleInput>) -> Answer<'_, RuleView> {
        self.send(Verb::Put, &format!("/rules/{id}"), &input)
    }
    fn delete_rule(&self, id: RuleId, revision: i64) -> Answer<'_, ()> {
        self.delete(&format!("/rules/{id}?revision={revision}"))
    }
    fn policy(&self) -> Answer<'_, PolicyView> {
        self.get("/policy")
    }
    fn policy_document(&self) -> Answer<'_, PolicyDocument> {
        self.get("/policy/document")
    }
    fn try_client(&self, input: TryInput) -> Answer<'_, TryClient> {
        self.send(Verb::Post, "/try", &input)
    }
    fn publish(&self, input: PublishInput) -> Answer<'_, PublishResult> {
        self.send(Verb::Post, "/publish", &input)
    }
}

#[cfg(test)]
mod tests;
