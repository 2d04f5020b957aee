//! [`PortalApi`] over REST, one line for each operation. How a request travels is a [`Transport`]: `fetch` in the browser,
//! recorded answers in tests.

/// Declares the calls of the API, as the server declares its operations: verb, path, method, what it takes, answer.
///
/// `path` is an id in the path, `text` one that any text can stand for, `revision` the one that the person saw.
macro_rules! calls {
    ($($verb:ident $path:literal $name:ident($($input:tt)*) -> $out:ty;)*) => {
        $(call! { $verb $path $name($($input)*) -> $out })*
    };
}

/// One call; see [`calls!`].
macro_rules! call {
    (get $path:literal $name:ident() -> $out:ty) => {
        fn $name(&self) -> Answer<'_, $out> {
            self.get($path)
        }
    };
    (get $path:literal $name:ident(query $query:ty) -> $out:ty) => {
        fn $name(&self, query: $query) -> Answer<'_, $out> {
            self.get(&with_query($path, &query))
        }
    };
    (get $path:literal $name:ident(path $id:ident: $type:ty) -> $out:ty) => {
        fn $name(&self, $id: $type) -> Answer<'_, $out> {
            self.get(&format!($path))
        }
    };
    (get $path:literal $name:ident(text $id:ident) -> $out:ty) => {
        fn $name(&self, $id: String) -> Answer<'_, $out> {
            let $id = encode(&$id);
            self.get(&format!($path))
        }
    };
    (get $path:literal $name:ident(path $id:ident: $type:ty, query $query:ty) -> $out:ty) => {
        fn $name(&self, $id: $type, query: $query) -> Answer<'_, $out> {
            self.get(&with_query(&format!($path), &query))
        }
    };
    (delete $path:literal $name:ident(path $id:ident: $type:ty, revision) -> $out:ty) => {
        fn $name(&self, $id: $type, revision: i64) -> Answer<'_, $out> {
            self.delete(&format!(concat!($path, "?revision={}"), revision, $id = $id))
        }
    };
    (delete $path:literal $name:ident(path $id:ident: $type:ty, query $query:ty) -> $out:ty) => {
        fn $name(&self, $id: $type, query: $query) -> Answer<'_, $out> {
            self.delete(&with_query(&format!($path), &query))
        }
    };
    (delete $path:literal $name:ident(text $id:ident) -> $out:ty) => {
        fn $name(&self, $id: String) -> Answer<'_, $out> {
            let $id = encode(&$id);
            self.delete(&format!($path))
        }
    };
    ($verb:ident $path:literal $name:ident() -> $out:ty) => {
        fn $name(&self) -> Answer<'_, $out> {
            self.send(verb!($verb), $path, &())
        }
    };
    ($verb:ident $path:literal $name:ident(body $body:ty) -> $out:ty) => {
        fn $name(&self, input: $body) -> Answer<'_, $out> {
            self.send(verb!($verb), $path, &input)
        }
    };
    ($verb:ident $path:literal $name:ident(path $id:ident: $type:ty) -> $out:ty) => {
        fn $name(&self, $id: $type) -> Answer<'_, $out> {
            self.send(verb!($verb), &format!($path), &())
        }
    };
    ($verb:ident $path:literal $name:ident(path $id:ident: $type:ty, body $body:ty) -> $out:ty) => {
        fn $name(&self, $id: $type, input: $body) -> Answer<'_, $out> {
            self.send(verb!($verb), &format!($path), &input)
        }
    };
    ($verb:ident $path:literal $name:ident(text $id:ident, body $body:ty) -> $out:ty) => {
        fn $name(&self, $id: String, input: $body) -> Answer<'_, $out> {
            let $id = encode(&$id);
            self.send(verb!($verb), &format!($path), &input)
        }
    };
}

macro_rules! verb {
    (post) => {
        Verb::Post
    };
    (put) => {
        Verb::Put
    };
}

// Below the macros, which they use.
mod access;
mod kafka_access;
mod mail;
mod notification;
mod product;
mod transport;
mod webhook;

use mesh_protocol::id::{
    AgentId, ApplicationDomainId, ApplicationId, BrokerId, DesignObjectId, DesignVersionId, LinkId, ListenerId,
    PersonId, PrincipalId, QueueId, RoleId, RouteId, RuleId, ScopeId, SiteId, TeamId,
};
use mesh_protocol::queue::QueuedEvent;

pub use transport::{Exchange, Request, RestApi, Transport, Verb};

use super::query::{encode, with_query};
#[cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "every DTO of the contract is used here"))]
use super::*;

impl<T: Transport> PortalApi for RestApi<T> {
    calls! {
        get "/me" me() -> Me;
        get "/setup" setup_state() -> SetupState;
        post "/setup" setup(body SetupInput) -> Me;
        post "/login" login(body LoginInput) -> Me;
        post "/logout" logout() -> ();
        get "/people" people(query ListQuery) -> Page<PersonView>;
        post "/people" create_person(body PersonInput) -> PersonView;
        put "/people/{id}" update_person(path id: PersonId, body Edit<PersonInput>) -> PersonView;
        delete "/people/{id}" delete_person(path id: PersonId, revision) -> ();
        get "/tokens" tokens(query ListQuery) -> Page<TokenView>;
        post "/tokens" create_token(body TokenInput) -> TokenCreated;
        delete "/tokens/{id}" delete_token(text id) -> ();
        get "/overview" overview() -> Overview;
        get "/search" search(query SearchQuery) -> SearchPage;
        get "/catalog" catalog(query CatalogQuery) -> CatalogPage;
        get "/catalog/{id}" catalog_object(text id) -> CatalogObject;
        post "/catalog/{id}/adopt" adopt_catalog_object(text id, body AdoptInput) -> DesignObjectView;
        post "/catalog/{id}/records" catalog_records(text id, body RecordsInput) -> RecordsPage;
        put "/catalog/{id}" update_catalog_object(text id, body Edit<CatalogObjectInput>) -> CatalogObject;
        get "/graph" graph(query GraphQuery) -> FlowGraph;
        get "/subscriptions" subscriptions(query SubscriptionQuery) -> Page<SubscriptionRow>;
        get "/denials" denials(query DenialQuery) -> Page<DenialRow>;
        get "/sites" sites(query ListQuery) -> Page<SiteView>;
        get "/sites/{id}" site(path id: SiteId) -> SiteView;
        post "/sites" create_site(body SiteInput) -> SiteView;
        put "/sites/{id}" update_site(path id: SiteId, body Edit<SiteInput>) -> SiteView;
        delete "/sites/{id}" delete_site(path id: SiteId, revision) -> ();
        post "/agents/{agent}/replacement" create_replacement(path agent: AgentId, body JoinTokenInput) -> JoinLine;
        post "/sites/{site}/join-tokens" create_join_token(path site: SiteId, body JoinTokenInput) -> JoinLine;
        get "/agents" agents(query ListQuery) -> Page<AgentView>;
        get "/agents/{id}" agent(path id: AgentId) -> AgentView;
        post "/agents/{id}/revoke" revoke_agent(path id: AgentId, body ReasonInput) -> ();
        get "/links" links(query ListQuery) -> Page<LinkView>;
        post "/links" create_link(body LinkInput) -> LinkView;
        put "/links/{id}" update_link(path id: LinkId, body Edit<LinkInput>) -> LinkView;
        delete "/links/{id}" delete_link(path id: LinkId, revision) -> ();
        get "/listeners" listeners(query ListQuery) -> Page<ListenerView>;
        post "/listeners" create_listener(body ListenerInput) -> ListenerView;
        put "/listeners/{id}" update_listener(path id: ListenerId, body Edit<ListenerInput>) -> ListenerView;
        delete "/listeners/{id}" delete_listener(path id: ListenerId, revision) -> ();
        get "/brokers" brokers(query ListQuery) -> Page<BrokerView>;
        post "/brokers" create_broker(body BrokerInput) -> BrokerView;
        put "/brokers/{id}" update_broker(path id: BrokerId, body Edit<BrokerInput>) -> BrokerView;
        delete "/brokers/{id}" delete_broker(path id: BrokerId, revision) -> ();
        get "/routes" routes(query ListQuery) -> Page<RouteView>;
        get "/routes/{id}" route(path id: RouteId) -> RouteView;
        post "/routes" create_route(body RouteInput) -> RouteView;
        put "/routes/{id}" update_route(path id: RouteId, body Edit<RouteInput>) -> RouteView;
        delete "/routes/{id}" delete_route(path id: RouteId, revision) -> ();
        get "/routes/{id}/events" route_events(path id: RouteId, query ShelfQuery) -> Page<QueuedEvent>;
        post "/routes/{id}/events" handle_route_events(path id: RouteId, body ShelfTask) -> ShelfDone;
        get "/agents/{id}/dead-letters" agent_dead_letters(path id: AgentId, query ShelfQuery) -> Page<QueuedEvent>;
        post "/agents/{id}/dead-letters" handle_agent_dead_letters(path id: AgentId, body ShelfTask) -> ShelfDone;
        get "/queues" queues(query QueueQuery) -> Page<QueueView>;
        get "/queues/{id}" queue(path id: QueueId) -> QueueView;
        post "/queues" create_queue(body QueueInput) -> QueueView;
        put "/queues/{id}" update_queue(path id: QueueId, body Edit<QueueInput>) -> QueueView;
        delete "/queues/{id}" delete_queue(path id: QueueId, revision) -> ();
        get "/queues/{id}/events" queue_events(path id: QueueId, query ShelfQuery) -> Page<QueuedEvent>;
        post "/queues/{id}/events" handle_queue_events(path id: QueueId, body ShelfTask) -> ShelfDone;
        get "/domains" domains(query ListQuery) -> Page<ApplicationDomainView>;
        get "/domains/suggestions" domain_suggestions() -> Page<DomainSuggestion>;
        post "/domains" create_domain(body ApplicationDomainInput) -> ApplicationDomainView;
        put "/domains/{id}" update_domain(path id: ApplicationDomainId, body Edit<ApplicationDomainInput>) -> ApplicationDomainView;
        delete "/domains/{id}" delete_domain(path id: ApplicationDomainId, revision) -> ();
        get "/teams" teams(query TeamQuery) -> Page<TeamView>;
        get "/teams/{id}" team(path id: TeamId) -> TeamView;
        get "/teams/{id}/owned" team_owned(path id: TeamId, query OwnedQuery) -> Page<OwnedView>;
        post "/teams" create_team(body TeamInput) -> TeamView;
        put "/teams/{id}" update_team(path id: TeamId, body Edit<TeamInput>) -> TeamView;
        delete "/teams/{id}" delete_team(path id: TeamId, query TeamRemoval) -> ();
        get "/owners" owner_choices(query ListQuery) -> Page<OwnerChoice>;
        get "/ownership" ownership(query OwnershipQuery) -> OwnershipPage;
        post "/ownership/preview" preview_ownership(body OwnershipTask) -> OwnershipPreview;
        post "/ownership" apply_ownership(body OwnershipApply<OwnershipTask>) -> OwnershipDone;
        post "/ownership/import/preview" preview_owners(body OwnershipImport) -> OwnershipPreview;
        post "/ownership/import" import_owners(body OwnershipApply<OwnershipImport>) -> OwnershipDone;
        post "/schemas/check" check_schema(body SchemaCheckInput) -> SchemaCheck;
        get "/designs" design_objects(query DesignQuery) -> Page<DesignObjectView>;
        get "/designs/{id}" design_object(path id: DesignObjectId) -> DesignObjectView;
        post "/designs" create_design_object(body DesignObjectNew) -> DesignObjectView;
        put "/designs/{id}" update_design_object(path id: DesignObjectId, body Edit<DesignObjectInput>) -> DesignObjectView;
        delete "/designs/{id}" delete_design_object(path id: DesignObjectId, revision) -> ();
        put "/designs/{id}/level" set_design_level(path id: DesignObjectId, body DesignLevelInput) -> DesignObjectView;
        post "/designs/{id}/versions" create_design_version(path id: DesignObjectId, body DesignVersionInput) -> DesignVersionView;
        get "/design-versions/{id}" design_version(path id: DesignVersionId) -> DesignVersionView;
        put "/design-versions/{id}" update_design_version(path id: DesignVersionId, body Edit<DesignVersionInput>) -> DesignVersionView;
        delete "/design-versions/{id}" delete_design_version(path id: DesignVersionId, revision) -> ();
        post "/design-versions/{id}/move" move_design_version(path id: DesignVersionId, body Edit<DesignMove>) -> DesignVersionView;
        get "/design-versions/{id}/asyncapi" design_document(path id: DesignVersionId, query AsyncApiQuery) -> AsyncApiDocument;
        post "/asyncapi/preview" preview_asyncapi(body AsyncApiImport) -> AsyncApiPlan;
        post "/asyncapi/import" import_asyncapi(body AsyncApiImportApply) -> AsyncApiImported;
        post "/asyncapi/compare" compare_asyncapi(body AsyncApiCompare) -> AsyncApiDifference;
        get "/design-difference" design_difference(query DesignDifferenceQuery) -> DesignDifference;
        get "/usage" usage(query UsageQuery) -> Page<UsageRow>;
        get "/drift" drift(query DriftQuery) -> DriftPage;
        get "/drift/trend" drift_trend(query DriftTrendQuery) -> DriftTrend;
        post "/drift/proposals" drift_proposals(body DriftSelection) -> DriftProposals;
        post "/drift/preview" preview_drift(body DriftTask) -> DriftPreview;
        post "/drift" apply_drift(body DriftApply<DriftTask>) -> DriftDone;
        post "/drift/push/preview" preview_push(body DriftSelection) -> DriftPreview;
        post "/drift/push" push_drift(body DriftApply<DriftSelection>) -> DriftDone;
        get "/applications" applications(query ListQuery) -> Page<ApplicationView>;
        post "/applications" create_application(body ApplicationInput) -> ApplicationView;
        put "/applications/{id}" update_application(path id: ApplicationId, body Edit<ApplicationInput>) -> ApplicationView;
        delete "/applications/{id}" delete_application(path id: ApplicationId, revision) -> ();
        get "/principals" principals(query PrincipalQuery) -> Page<PrincipalView>;
        get "/principals/{id}" principal(path id: PrincipalId) -> PrincipalView;
        post "/principals" create_principal(body PrincipalInput) -> PrincipalSecret;
        put "/principals/{id}" update_principal(path id: PrincipalId, body Edit<PrincipalInput>) -> PrincipalView;
        post "/principals/{id}/rotate" rotate_principal(path id: PrincipalId, body RotateInput) -> PrincipalSecret;
        post "/principals/{id}/block" block_principal(path id: PrincipalId, body ReasonInput) -> PrincipalView;
        post "/principals/{id}/unblock" unblock_principal(path id: PrincipalId) -> PrincipalView;
        delete "/principals/{id}" delete_principal(path id: PrincipalId, revision) -> ();
        get "/roles" roles(query ListQuery) -> Page<RoleView>;
        post "/roles" create_role(body RoleInput) -> RoleView;
        put "/roles/{id}" update_role(path id: RoleId, body Edit<RoleInput>) -> RoleView;
        delete "/roles/{id}" delete_role(path id: RoleId, revision) -> ();
        get "/scopes" scopes(query ListQuery) -> Page<ScopeView>;
        get "/scopes/withheld" withheld(query ListQuery) -> Page<WithheldView>;
        post "/scopes" create_scope(body ScopeInput) -> ScopeView;
        put "/scopes/{id}" update_scope(path id: ScopeId, body Edit<ScopeInput>) -> ScopeView;
        delete "/scopes/{id}" delete_scope(path id: ScopeId, revision) -> ();
        get "/rules" rules(query RuleQuery) -> Page<RuleView>;
        post "/rules" create_rule(body RuleInput) -> RuleView;
        put "/rules/{id}" update_rule(path id: RuleId, body Edit<RuleInput>) -> RuleView;
        delete "/rules/{id}" delete_rule(path id: RuleId, revision) -> ();
        get "/policy" policy() -> PolicyView;
        get "/policy/document" policy_document() -> PolicyDocument;
        post "/try" try_client(body TryInput) -> TryClient;
        post "/publish" publish(body PublishInput) -> PublishResult;
    }
}

#[cfg(test)]
mod tests;
