//! Access: who asked for what, who decided, and what was given.
//!
//! The operations are a trait of their own below [`PortalApi`](super::PortalApi), so that pages ask one thing.

use mesh_protocol::id::{
    AccessRequestId, AgentId, ApplicationId, DesignObjectId, DesignVersionId, GrantId, PlanId, PrincipalId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AccessForecast, AccessForecastInput, Answer, ConnectView, ConnectionTest, ConnectionTestInput, DesignKind, Edit,
    ListQuery, Millis, Page, PlanProtocol, RotateInput,
};
use super::{
    CertificateInput, CertificateWish, CredentialCertificate, CredentialInput, CredentialSecret, CredentialView,
    ListenerAuthority,
};

/// What may be asked about access.
pub trait AccessApi: Send + Sync + 'static {
    /// `POST /api/v1/access-requests/preview`: what would come of asking; nothing is asked.
    fn preview_access(&self, input: AccessInput) -> Answer<'_, AccessPreview>;
    /// `POST /api/v1/access-requests`: asks for access.
    fn request_access(&self, input: AccessInput) -> Answer<'_, AccessView>;
    /// `GET /api/v1/access-requests`: the newest first. Who may not decide sees their own.
    fn access_requests(&self, query: AccessQuery) -> Answer<'_, Page<AccessView>>;
    /// `GET /api/v1/access-requests/{id}`.
    fn access_request(&self, id: AccessRequestId) -> Answer<'_, AccessView>;
    /// `POST /api/v1/access-requests/decide`: approves, rejects, asks, answers, delegates or takes back, one or many.
    fn decide_access(&self, input: AccessDecision) -> Answer<'_, AccessDecided>;
    /// `POST /api/v1/access-requests/decide/preview`: what approving or rejecting many would come to.
    fn forecast_access(&self, input: AccessForecastInput) -> Answer<'_, AccessForecast>;
    /// `GET /api/v1/grants`: the newest first; with `all=true` also those that are over.
    fn grants(&self, query: GrantQuery) -> Answer<'_, Page<GrantView>>;
    /// `GET /api/v1/grants/{id}`.
    fn grant(&self, id: GrantId) -> Answer<'_, GrantView>;
    /// `GET /api/v1/grants/{id}/connect`: where its clients connect, and an example of what they may send.
    fn grant_connect(&self, id: GrantId) -> Answer<'_, ConnectView>;
    /// `POST /api/v1/grants/{id}/move`: holds it back, gives it again, or revokes it.
    fn move_grant(&self, id: GrantId, input: Edit<GrantMove>) -> Answer<'_, GrantView>;
    /// `POST /api/v1/grants/{id}/test`: a real attempt with a credential, made from the portal's host.
    fn test_grant(&self, id: GrantId, input: ConnectionTestInput) -> Answer<'_, ConnectionTest>;
    /// `GET /api/v1/applications/{id}/credentials`.
    fn credentials(&self, id: ApplicationId, query: ListQuery) -> Answer<'_, Page<CredentialView>>;
    /// `POST /api/v1/applications/{id}/credentials`: the secret is in the answer, once. The application must have a grant.
    fn issue_credential(&self, id: ApplicationId, input: CredentialInput) -> Answer<'_, CredentialSecret>;
    /// `POST /api/v1/credentials/{id}/rotate`: a new secret; the old one works for the overlap.
    fn rotate_credential(&self, id: PrincipalId, input: RotateInput) -> Answer<'_, CredentialSecret>;
    /// `POST /api/v1/applications/{id}/certificates`: a credential that logs in with a certificate. A key that the portal makes
    /// is in the answer, once.
    fn issue_certificate(&self, id: ApplicationId, input: CertificateInput) -> Answer<'_, CredentialCertificate>;
    /// `POST /api/v1/credentials/{id}/certificates`: another certificate; earlier ones work for the overlap.
    fn renew_certificate(&self, id: PrincipalId, input: CertificateWish) -> Answer<'_, CredentialCertificate>;
    /// `GET /api/v1/listener-authority`: what clients of listeners with TLS must trust.
    fn listener_authority(&self) -> Answer<'_, ListenerAuthority>;
    /// `DELETE /api/v1/credentials/{id}?revision=`: who uses it is disconnected.
    fn remove_credential(&self, id: PrincipalId, revision: i64) -> Answer<'_, ()>;
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessInput {
    /// Who would have access.
    pub application: ApplicationId,
    /// The version of a product, or of an event to receive it by itself.
    pub version: DesignVersionId,
    /// Under which plan of the product; left out for an event.
    #[serde(default)]
    pub plan: Option<PlanId>,
    /// What for, in at least 10 characters: those who decide read it.
    #[serde(default)]
    pub purpose: String,
    /// Until when; none = as long as the plan gives.
    #[serde(default)]
    pub until: Option<Millis>,
}

/// What would come of asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessPreview {
    /// How many people would have to say yes; 0 = access is given at once.
    pub people: u8,
    /// Why.
    pub lines: Vec<AccessLine>,
    /// When access would end.
    pub until: Option<Millis>,
    /// The application has access already, and this would go on with it under these terms.
    pub is_renewal: bool,
    /// What it would be given.
    pub terms: AccessTerms,
    /// Fields with tags that it would see, at most 200: `order-created 1.0.0 customer.mail`.
    pub fields: Vec<AccessField>,
    /// Names of applications that have it, at most 20.
    pub others: Vec<String>,
    /// How many applications have it.
    pub others_total: u64,
    /// What stands in the way: field and message.
    pub problems: Vec<(String, String)>,
}

/// One thing that a verdict looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessLine {
    /// It speaks for access at once.
    pub holds: bool,
    /// What it is, as a sentence.
    pub text: String,
}

/// What is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessTerms {
    /// Filters that may be published to, in the mesh dialect.
    pub publish: Vec<String>,
    /// Filters that may be subscribed to.
    pub subscribe: Vec<String>,
    /// How clients may connect; none = however they can.
    pub protocols: Vec<PlanProtocol>,
    /// Most events a second, in each direction.
    pub events: Option<u32>,
    /// Most bytes of payloads a second, in each direction.
    pub bytes: Option<u64>,
    /// Names of the sites at which it holds; none = at every site.
    pub sites: Vec<String>,
}

/// A field with tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessField {
    /// The way to it.
    pub path: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// Which requests of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AccessQuery {
    /// Only in this state.
    pub state: Option<AccessState>,
    /// Only those about which somebody has still to do something.
    #[serde(default)]
    pub open: bool,
    /// Only those that the caller may decide about now.
    #[serde(default)]
    pub inbox: bool,
    /// Only the caller's own.
    #[serde(default)]
    pub mine: bool,
    /// Only of this application.
    pub application: Option<ApplicationId>,
    /// Only for this product or event.
    pub target: Option<DesignObjectId>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Most rows; 50 when left out, at most 200.
    pub limit: Option<u32>,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessState {
    /// Others have to decide.
    #[default]
    Pending,
    /// Who asks has to answer.
    NeedsInfo,
    /// Access was given.
    Approved,
    /// It was refused.
    Rejected,
    /// Who asked took it back.
    Cancelled,
    /// Nobody decided in time.
    Expired,
}

/// What access is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessTarget {
    /// The product or event.
    pub object: DesignObjectId,
    /// A product or an event.
    pub kind: DesignKind,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: DesignVersionId,
    /// Number of the version.
    pub number: String,
    /// Under which plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<AccessPlan>,
    /// Who answers for it; empty = nobody.
    pub owner: String,
}

impl AccessTarget {
    /// Path of the page that shows it.
    #[must_use]
    pub fn page(&self) -> String {
        match self.kind {
            DesignKind::Product => format!("/products/{}", self.object),
            _ => format!("/designs/{}/versions/{}", self.object, self.version),
        }
    }
}

/// A plan, with the number of its terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessPlan {
    /// Id.
    pub id: PlanId,
    /// Its name under those terms.
    pub name: String,
    /// Which of its terms.
    pub number: u32,
}

/// A request for access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessView {
    /// Id.
    pub id: AccessRequestId,
    /// For decisions.
    pub revision: i64,
    /// Who would have access.
    pub application: ApplicationId,
    /// Its name.
    pub application_name: String,
    /// Who answers for it; empty = nobody.
    pub application_owner: String,
    /// To what.
    pub target: AccessTarget,
    /// What for.
    pub purpose: String,
    /// Until when; none = until somebody ends it.
    pub until: Option<Millis>,
    /// Where it is.
    pub state: AccessState,
    /// How many people must say yes.
    pub people: u8,
    /// How many of them are missing.
    pub missing: u8,
    /// Who is asked to decide, by login name; none = whoever may.
    pub decider: Option<String>,
    /// What people said, the oldest first.
    pub steps: Vec<AccessStep>,
    /// What would be or was given.
    pub terms: AccessTerms,
    /// Fields with tags that it holds, at most 200.
    pub fields: Vec<AccessField>,
    /// Names of applications that have it, at most 20.
    pub others: Vec<String>,
    /// How many applications have it.
    pub others_total: u64,
    /// The grant that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// Why the caller may not decide about it; empty = they may.
    pub not_decided_because: String,
    /// The caller asked.
    pub is_own: bool,
    /// Asked when.
    pub created_at: Millis,
    /// By whom.
    pub created_by: String,
    /// Changed when.
    pub updated_at: Millis,
}

/// What somebody said to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessStep {
    /// What.
    pub act: AccessAct,
    /// Whom they had decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Who.
    pub by: String,
    /// In their words.
    pub reason: String,
    /// When.
    pub at: Millis,
}

/// What can be done about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessAct {
    /// Says yes. The last one that is needed gives access.
    Approve,
    /// Says no, with a reason.
    Reject,
    /// Asks for more, with the question as the reason.
    Ask,
    /// Answers that; who asked for access only.
    Answer,
    /// Has somebody else decide.
    Delegate,
    /// Takes it back; who asked for access only.
    Cancel,
    /// Nobody decided in time; never done by people.
    Expire,
}

/// A decision about requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessDecision {
    /// About which, each as it was seen; at most 100.
    pub requests: Vec<AccessSeen>,
    /// What is done.
    pub act: AccessAct,
    /// Why; needed to reject, ask and answer.
    #[serde(default)]
    pub reason: String,
    /// Login name of who shall decide, for `delegate`.
    #[serde(default)]
    pub to: Option<String>,
}

/// A request as somebody saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessSeen {
    /// Which.
    pub id: AccessRequestId,
    /// The revision.
    pub revision: i64,
}

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessDecided {
    /// Requests as they are now, in the order of the decision; each was decided by itself.
    pub done: Vec<AccessView>,
    /// Those about which it could not be, and why.
    pub refused: Vec<AccessRefused>,
}

/// A request about which something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessRefused {
    /// Which.
    pub id: AccessRequestId,
    /// Why.
    pub reason: String,
}

/// Which grants of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GrantQuery {
    /// Only of this application.
    pub application: Option<ApplicationId>,
    /// Only of this product or event.
    pub target: Option<DesignObjectId>,
    /// Also those that are over.
    #[serde(default)]
    pub all: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Most rows; 100 when left out, at most 500.
    pub limit: Option<u32>,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantView {
    /// Id.
    pub id: GrantId,
    /// For edits.
    pub revision: i64,
    /// The request that it came of.
    pub request: AccessRequestId,
    /// Who has it.
    pub application: ApplicationId,
    /// Its name.
    pub application_name: String,
    /// To what.
    pub target: AccessTarget,
    /// What it gives.
    pub terms: AccessTerms,
    /// When it ends; none = when somebody ends it.
    pub until: Option<Millis>,
    /// What it is now.
    pub phase: GrantPhase,
    /// Why, in the words of whoever decided it.
    pub reason: String,
    /// Agents that do not enforce it as it is yet.
    pub waits_for: Vec<GrantWait>,
    /// When every agent concerned was seen enforcing it as it is.
    pub confirmed_at: Option<Millis>,
    /// Credentials of the application.
    pub credentials: u64,
    /// Given when.
    pub created_at: Millis,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// What a grant is for those who wait for it: what was decided, and whether the mesh does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantPhase {
    /// It was given, and some agent does not know it yet.
    Provisioning,
    /// Every agent concerned knows it.
    Live,
    /// It is to be held back, and some agent still gives it.
    Suspending,
    /// Nobody gives it, for a while.
    Suspended,
    /// It was ended, and some agent still gives it.
    Revoking,
    /// Nobody gives it any more.
    Revoked,
    /// Its time is over, and some agent still gives it.
    Expiring,
    /// Its time is over, and nobody gives it any more.
    Expired,
}

/// An agent that a grant waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantWait {
    /// Which agent.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// Its site.
    pub site_name: String,
    /// Why: it is offline, it is taking the policy, or it refused it.
    pub reason: String,
}

/// Where a grant is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantMove {
    /// Where to.
    pub to: GrantStep,
    /// Why; needed to suspend and to revoke.
    #[serde(default)]
    pub reason: String,
}

/// What can be done about a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantStep {
    /// Holds it back for a while.
    Suspend,
    /// Gives it again.
    Resume,
    /// Ends it for good.
    Revoke,
}
