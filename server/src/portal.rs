//! The portal as one caller sees it: `PortalApi` over the application, made anew for every request.
//!
//! Server-rendered pages and REST handlers call the same object, so rights hold for both alike, and neither can act
//! as anybody but its caller.

/// Each method calls the application's method of the same name as this caller.
macro_rules! delegate {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $out:ty;)*) => {$(
        fn $name(&self, $($argument: $kind),*) -> Answer<'_, $out> {
            Box::pin(async move {
                self.app.$name(&self.caller, $($argument),*).await.map_err(|error| self.answer(error))
            })
        }
    )*};
}

// Below the macro, which they use.
mod access;
mod kafka_access;
mod mail;
mod notification;
mod product;
mod webhook;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use frontend::api::{
    AdoptInput, AgentView, Answer, ApiError, ApplicationDomainInput, ApplicationDomainView, ApplicationInput,
    ApplicationView, AsyncApiCompare, AsyncApiDifference, AsyncApiDocument, AsyncApiImport, AsyncApiImportApply,
    AsyncApiImported, AsyncApiPlan, AsyncApiQuery, BrokerInput, BrokerView, CatalogObject, CatalogObjectInput,
    CatalogPage, CatalogQuery, DenialQuery, DenialRow, DesignDifference, DesignDifferenceQuery, DesignLevelInput,
    DesignMove, DesignObjectInput, DesignObjectNew, DesignObjectView, DesignQuery, DesignVersionInput,
    DesignVersionView, DomainSuggestion, DriftApply, DriftDone, DriftPage, DriftPreview, DriftProposals, DriftQuery,
    DriftSelection, DriftTask, DriftTrend, DriftTrendQuery, Edit, FlowGraph, GraphQuery, JoinLine, JoinTokenInput,
    LinkInput, LinkView, ListQuery, ListenerInput, ListenerView, LoginInput, Me, Overview, OwnedQuery, OwnedView,
    OwnerChoice, OwnershipApply, OwnershipDone, OwnershipImport, OwnershipPage, OwnershipPreview, OwnershipQuery,
    OwnershipTask, Page, PersonInput, PersonView, PolicyDocument, PolicyView, PortalApi, PrincipalInput,
    PrincipalQuery, PrincipalSecret, PrincipalView, PublishInput, PublishResult, QueueInput, QueueQuery, QueueView,
    ReasonInput, RecordsInput, RecordsPage, RoleInput, RoleView, RotateInput, RouteInput, RouteView, RuleInput,
    RuleQuery, RuleView, SchemaCheck, SchemaCheckInput, ScopeInput, ScopeView, SearchPage, SearchQuery, SetupInput,
    SetupState, ShelfDone, ShelfQuery, ShelfTask, SiteInput, SiteView, SubscriptionQuery, SubscriptionRow, TeamInput,
    TeamQuery, TeamRemoval, TeamView, TokenCreated, TokenInput, TokenView, TryClient, TryInput, UsageQuery, UsageRow,
    WithheldView,
};
use mesh_protocol::id::{
    AgentId, ApplicationDomainId, ApplicationId, BrokerId, DesignObjectId, DesignVersionId, LinkId, ListenerId,
    PersonId, PrincipalId, QueueId, RoleId, RouteId, RuleId, ScopeId, SiteId, TeamId,
};

use mesh_protocol::queue::QueuedEvent;

use crate::app::login::SessionSecret;
use crate::app::permission::Right;
use crate::app::{App, Caller, Error};

/// The portal for one request.
#[derive(Clone, Debug)]
pub struct Portal {
    app: App,
    caller: Caller,
    origin: Origin,
    cookie: Arc<Mutex<Option<CookieChange>>>,
}

/// How the request came.
#[derive(Clone, Default)]
pub struct Origin {
    /// From where.
    pub address: Option<IpAddr>,
    /// The session it came with.
    pub session: Option<String>,
    /// The service token it came with, which counts before a session.
    pub token: Option<String>,
    /// To find a failure in the log.
    pub request_id: Option<String>,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin")
            .field("address", &self.address)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// What the answer does to the session's cookie.
#[derive(Clone, Debug)]
pub enum CookieChange {
    /// A new session.
    Set(SessionSecret),
    /// No session any more.
    Clear,
}

impl Portal {
    /// The portal for a caller.
    #[must_use]
    pub fn new(app: App, caller: Caller, origin: Origin) -> Self {
        Self { app, caller, origin, cookie: Arc::default() }
    }

    /// The application behind it.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Who asks.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the caller of a request that is still open has a right now.
    ///
    /// # Errors
    /// The database's.
    pub async fn still_has(&self, right: Right) -> Result<bool, Error> {
        let caller = self.app.caller_now(self.origin.session.as_deref(), self.origin.token.as_deref()).await?;
        Ok(caller.permit(right).is_ok())
    }

    /// What the answer must do to the cookie.
    #[must_use]
    pub fn take_cookie(&self) -> Option<CookieChange> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// An application error as this caller gets it.
    #[must_use]
    pub fn answer(&self, error: Error) -> ApiError {
        let mut answer = error.into_answer();
        answer.request_id.clone_from(&self.origin.request_id);
        answer
    }

    fn change_cookie(&self, change: CookieChange) {
        *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = Some(change);
    }

    #[expect(clippy::result_large_err, reason = "the contract's error, made once for a request that failed")]
    fn signed_in(&self, outcome: Result<(Me, SessionSecret), Error>) -> Result<Me, ApiError> {
        let (me, secret) = outcome.map_err(|error| self.answer(error))?;
        self.change_cookie(CookieChange::Set(secret));
        Ok(me)
    }
}

impl PortalApi for Portal {
    fn setup_state(&self) -> Answer<'_, SetupState> {
        Box::pin(async move { self.app.setup_state().await.map_err(|error| self.answer(error)) })
    }

    fn setup(&self, input: SetupInput) -> Answer<'_, Me> {
        Box::pin(async move { self.signed_in(self.app.setup(input).await) })
    }

    fn login(&self, input: LoginInput) -> Answer<'_, Me> {
        Box::pin(async move { self.signed_in(self.app.login(input, self.origin.address).await) })
    }

    fn logout(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            if let Some(session) = &self.origin.session {
                self.app.logout(session).await.map_err(|error| self.answer(error))?;
            }
            self.change_cookie(CookieChange::Clear);
            Ok(())
        })
    }

    delegate! {
        fn me() -> Me;
        fn people(query: ListQuery) -> Page<PersonView>;
        fn create_person(input: PersonInput) -> PersonView;
        fn update_person(id: PersonId, input: Edit<PersonInput>) -> PersonView;
        fn delete_person(id: PersonId, revision: i64) -> ();
        fn tokens(query: ListQuery) -> Page<TokenView>;
        fn create_token(input: TokenInput) -> TokenCreated;
        fn delete_token(id: String) -> ();
        fn overview() -> Overview;
        fn search(query: SearchQuery) -> SearchPage;
        fn catalog(query: CatalogQuery) -> CatalogPage;
        fn catalog_object(id: String) -> CatalogObject;
        fn adopt_catalog_object(id: String, input: AdoptInput) -> DesignObjectView;
        fn catalog_records(id: String, input: RecordsInput) -> RecordsPage;
        fn update_catalog_object(id: String, input: Edit<CatalogObjectInput>) -> CatalogObject;
        fn graph(query: GraphQuery) -> FlowGraph;
        fn subscriptions(query: SubscriptionQuery) -> Page<SubscriptionRow>;
        fn denials(query: DenialQuery) -> Page<DenialRow>;
        fn sites(query: ListQuery) -> Page<SiteView>;
        fn site(id: SiteId) -> SiteView;
        fn create_site(input: SiteInput) -> SiteView;
        fn update_site(id: SiteId, input: Edit<SiteInput>) -> SiteView;
        fn delete_site(id: SiteId, revision: i64) -> ();
        fn create_replacement(agent: AgentId, input: JoinTokenInput) -> JoinLine;
        fn create_join_token(site: SiteId, input: JoinTokenInput) -> JoinLine;
        fn agents(query: ListQuery) -> Page<AgentView>;
        fn agent(id: AgentId) -> AgentView;
        fn revoke_agent(id: AgentId, input: ReasonInput) -> ();
        fn links(query: ListQuery) -> Page<LinkView>;
        fn create_link(input: LinkInput) -> LinkView;
        fn update_link(id: LinkId, input: Edit<LinkInput>) -> LinkView;
        fn delete_link(id: LinkId, revision: i64) -> ();
        fn listeners(query: ListQuery) -> Page<ListenerView>;
        fn create_listener(input: ListenerInput) -> ListenerView;
        fn update_listener(id: ListenerId, input: Edit<ListenerInput>) -> ListenerView;
        fn delete_listener(id: ListenerId, revision: i64) -> ();
        fn brokers(query: ListQuery) -> Page<BrokerView>;
        fn create_broker(input: BrokerInput) -> BrokerView;
        fn update_broker(id: BrokerId, input: Edit<BrokerInput>) -> BrokerView;
        fn delete_broker(id: BrokerId, revision: i64) -> ();
        fn routes(query: ListQuery) -> Page<RouteView>;
        fn route(id: RouteId) -> RouteView;
        fn create_route(input: RouteInput) -> RouteView;
        fn update_route(id: RouteId, input: Edit<RouteInput>) -> RouteView;
        fn delete_route(id: RouteId, revision: i64) -> ();
        fn route_events(id: RouteId, query: ShelfQuery) -> Page<QueuedEvent>;
        fn handle_route_events(id: RouteId, task: ShelfTask) -> ShelfDone;
        fn agent_dead_letters(id: AgentId, query: ShelfQuery) -> Page<QueuedEvent>;
        fn handle_agent_dead_letters(id: AgentId, task: ShelfTask) -> ShelfDone;
        fn queues(query: QueueQuery) -> Page<QueueView>;
        fn queue(id: QueueId) -> QueueView;
        fn create_queue(input: QueueInput) -> QueueView;
        fn update_queue(id: QueueId, input: Edit<QueueInput>) -> QueueView;
        fn delete_queue(id: QueueId, revision: i64) -> ();
        fn queue_events(id: QueueId, query: ShelfQuery) -> Page<QueuedEvent>;
        fn handle_queue_events(id: QueueId, task: ShelfTask) -> ShelfDone;
        fn domains(query: ListQuery) -> Page<ApplicationDomainView>;
        fn domain_suggestions() -> Page<DomainSuggestion>;
        fn create_domain(input: ApplicationDomainInput) -> ApplicationDomainView;
        fn update_domain(id: ApplicationDomainId, input: Edit<ApplicationDomainInput>) -> ApplicationDomainView;
        fn delete_domain(id: ApplicationDomainId, revision: i64) -> ();
        fn teams(query: TeamQuery) -> Page<TeamView>;
        fn team(id: TeamId) -> TeamView;
        fn team_owned(id: TeamId, query: OwnedQuery) -> Page<OwnedView>;
        fn create_team(input: TeamInput) -> TeamView;
        fn update_team(id: TeamId, input: Edit<TeamInput>) -> TeamView;
        fn delete_team(id: TeamId, removal: TeamRemoval) -> ();
        fn owner_choices(query: ListQuery) -> Page<OwnerChoice>;
        fn ownership(query: OwnershipQuery) -> OwnershipPage;
        fn preview_ownership(task: OwnershipTask) -> OwnershipPreview;
        fn apply_ownership(input: OwnershipApply<OwnershipTask>) -> OwnershipDone;
        fn preview_owners(list: OwnershipImport) -> OwnershipPreview;
        fn import_owners(input: OwnershipApply<OwnershipImport>) -> OwnershipDone;
        fn check_schema(input: SchemaCheckInput) -> SchemaCheck;
        fn design_objects(query: DesignQuery) -> Page<DesignObjectView>;
        fn design_object(id: DesignObjectId) -> DesignObjectView;
        fn create_design_object(input: DesignObjectNew) -> DesignObjectView;
        fn update_design_object(id: DesignObjectId, input: Edit<DesignObjectInput>) -> DesignObjectView;
        fn delete_design_object(id: DesignObjectId, revision: i64) -> ();
        fn set_design_level(id: DesignObjectId, input: DesignLevelInput) -> DesignObjectView;
        fn create_design_version(id: DesignObjectId, input: DesignVersionInput) -> DesignVersionView;
        fn design_version(id: DesignVersionId) -> DesignVersionView;
        fn update_design_version(id: DesignVersionId, input: Edit<DesignVersionInput>) -> DesignVersionView;
        fn delete_design_version(id: DesignVersionId, revision: i64) -> ();
        fn move_design_version(id: DesignVersionId, input: Edit<DesignMove>) -> DesignVersionView;
        fn design_document(id: DesignVersionId, query: AsyncApiQuery) -> AsyncApiDocument;
        fn preview_asyncapi(input: AsyncApiImport) -> AsyncApiPlan;
        fn import_asyncapi(input: AsyncApiImportApply) -> AsyncApiImported;
        fn compare_asyncapi(input: AsyncApiCompare) -> AsyncApiDifference;
        fn design_difference(query: DesignDifferenceQuery) -> DesignDifference;
        fn drift(query: DriftQuery) -> DriftPage;
        fn drift_trend(query: DriftTrendQuery) -> DriftTrend;
        fn usage(query: UsageQuery) -> Page<UsageRow>;
        fn drift_proposals(select: DriftSelection) -> DriftProposals;
        fn preview_drift(task: DriftTask) -> DriftPreview;
        fn apply_drift(input: DriftApply<DriftTask>) -> DriftDone;
        fn preview_push(select: DriftSelection) -> DriftPreview;
        fn push_drift(input: DriftApply<DriftSelection>) -> DriftDone;
        fn applications(query: ListQuery) -> Page<ApplicationView>;
        fn create_application(input: ApplicationInput) -> ApplicationView;
        fn update_application(id: ApplicationId, input: Edit<ApplicationInput>) -> ApplicationView;
        fn delete_application(id: ApplicationId, revision: i64) -> ();
        fn principals(query: PrincipalQuery) -> Page<PrincipalView>;
        fn principal(id: PrincipalId) -> PrincipalView;
        fn create_principal(input: PrincipalInput) -> PrincipalSecret;
        fn update_principal(id: PrincipalId, input: Edit<PrincipalInput>) -> PrincipalView;
        fn rotate_principal(id: PrincipalId, input: RotateInput) -> PrincipalSecret;
        fn block_principal(id: PrincipalId, input: ReasonInput) -> PrincipalView;
        fn unblock_principal(id: PrincipalId) -> PrincipalView;
        fn delete_principal(id: PrincipalId, revision: i64) -> ();
        fn roles(query: ListQuery) -> Page<RoleView>;
        fn create_role(input: RoleInput) -> RoleView;
        fn update_role(id: RoleId, input: Edit<RoleInput>) -> RoleView;
        fn delete_role(id: RoleId, revision: i64) -> ();
        fn scopes(query: ListQuery) -> Page<ScopeView>;
        fn withheld(query: ListQuery) -> Page<WithheldView>;
        fn create_scope(input: ScopeInput) -> ScopeView;
        fn update_scope(id: ScopeId, input: Edit<ScopeInput>) -> ScopeView;
        fn delete_scope(id: ScopeId, revision: i64) -> ();
        fn rules(query: RuleQuery) -> Page<RuleView>;
        fn create_rule(input: RuleInput) -> RuleView;
        fn update_rule(id: RuleId, input: Edit<RuleInput>) -> RuleView;
        fn delete_rule(id: RuleId, revision: i64) -> ();
        fn policy() -> PolicyView;
        fn policy_document() -> PolicyDocument;
        fn try_client(input: TryInput) -> TryClient;
        fn publish(input: PublishInput) -> PublishResult;
    }
}
