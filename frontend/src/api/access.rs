//! Applications, clients (principals), mesh roles, rules, and how far the agents are with them.

use mesh_protocol::id::{AgentId, ApplicationId, PrincipalId, RoleId, RuleId, ScopeId, SiteId, TeamId};
use mesh_protocol::policy::{Action, Effect, Principal, Role, Rule, Subject};
use mesh_protocol::topic::Dialect;
use mesh_protocol::wire::Revision;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Freshness, Millis, Rate};

/// An application: who is behind some clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationView {
    /// Id.
    pub id: ApplicationId,
    /// For edits.
    pub revision: i64,
    /// Unique name.
    pub name: String,
    /// Who answers for it; empty = nobody yet.
    pub owner: String,
    /// The team that `owner` names; none = it names no team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// What it does.
    pub description: String,
    /// Number of its clients.
    pub principals: u64,
}

/// An application to make or change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationInput {
    /// Unique name.
    pub name: String,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
}

/// Which clients to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PrincipalQuery {
    /// Part of the user name.
    #[serde(default)]
    pub q: String,
    /// Only of this application.
    #[serde(default)]
    pub application: Option<ApplicationId>,
    /// Only with this role.
    #[serde(default)]
    pub role: Option<RoleId>,
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
    /// At most this many; default 50, at most 500.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A client of the mesh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalView {
    /// Id.
    pub id: PrincipalId,
    /// For edits.
    pub revision: i64,
    /// User name at every listener.
    pub username: String,
    /// Its application.
    pub application: Option<ApplicationId>,
    /// That application's name.
    pub application_name: Option<String>,
    /// Its roles.
    pub roles: Vec<RoleRef>,
    /// May log in.
    pub enabled: bool,
    /// A block rule stops its publishing.
    pub blocked: bool,
    /// Refused after.
    pub expires_at: Option<Millis>,
    /// Its secrets, without the secrets.
    pub secrets: Vec<SecretView>,
    /// It belongs to a route and cannot be edited here.
    pub of_route: Option<String>,
    /// Seen by an agent last.
    pub last_seen: Option<Freshness>,
    /// Events it sends per second.
    pub produce_rate: Rate,
    /// Events it is given per second.
    pub consume_rate: Rate,
}

/// A role by id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleRef {
    /// Id.
    pub id: RoleId,
    /// Name.
    pub name: String,
}

/// A secret without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretView {
    /// First hex digits of its hash, to tell two apart.
    pub fingerprint: String,
    /// Made when.
    pub created_at: Millis,
    /// Valid until; none = no end (the current one).
    pub valid_until: Option<Millis>,
}

/// A client to make or change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalInput {
    /// User name, unique, at most 128 bytes; cannot change later.
    pub username: String,
    /// Its application.
    #[serde(default)]
    pub application: Option<ApplicationId>,
    /// Its roles.
    #[serde(default)]
    pub roles: Vec<RoleId>,
    /// May log in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Refused after.
    #[serde(default)]
    pub expires_at: Option<Millis>,
}

fn yes() -> bool {
    true
}

/// How to rotate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotateInput {
    /// Minutes the old secret stays valid; 0 = it ends now.
    #[serde(default)]
    pub overlap_minutes: u32,
}

/// A client and its new secret, shown once.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalSecret {
    /// The client.
    pub principal: PrincipalView,
    /// The secret. The portal keeps a keyed hash only.
    pub secret: String,
}

impl std::fmt::Debug for PrincipalSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrincipalSecret").field("principal", &self.principal).finish_non_exhaustive()
    }
}

/// A mesh role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleView {
    /// Id.
    pub id: RoleId,
    /// For edits.
    pub revision: i64,
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Number of clients that have it.
    pub principals: u64,
    /// Number of rules about it.
    pub rules: u64,
}

/// A role to make or change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleInput {
    /// Unique name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

/// Which rules to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RuleQuery {
    /// Part of the filter, subject or note; a concrete topic lists the rules that match it.
    #[serde(default)]
    pub q: String,
    /// Only about this client (its roles' rules included).
    #[serde(default)]
    pub principal: Option<PrincipalId>,
    /// Only about this role.
    #[serde(default)]
    pub role: Option<RoleId>,
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
    /// At most this many; default 100, at most 500.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleView {
    /// Id.
    pub id: RuleId,
    /// For edits.
    pub revision: i64,
    /// What it says.
    pub config: RuleInput,
    /// Name of the client or role, or "anyone".
    pub subject_name: String,
    /// Names of `config.sites`.
    pub site_names: Vec<String>,
    /// It belongs to a route or a block and is edited there; says which.
    pub managed_by: Option<String>,
    /// The policy revision that brought its present form.
    pub since_revision: u64,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
    /// How far each agent is with it.
    pub rollout: Vec<AgentRollout>,
}

/// A scope: topics that stay inside sites or regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScopeView {
    /// Id.
    pub id: ScopeId,
    /// For edits.
    pub revision: i64,
    /// What it says.
    pub config: ScopeInput,
    /// Names of `config.sites`.
    pub site_names: Vec<String>,
    /// The policy revision that brought its present form.
    pub since_revision: u64,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
    /// How far each agent is with it.
    pub rollout: Vec<AgentRollout>,
}

/// What scopes keep at an agent that another site would get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WithheldView {
    /// The agent that keeps it back.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// The agent that does not get it.
    pub to: AgentId,
    /// The name of that one's site.
    pub to_site: String,
    /// Events since the agent's start.
    pub events: u64,
    /// The policy revision that changed last what scopes let go there.
    pub since_revision: u64,
    /// Behind this position of the agent's log nothing that it forbids went there. What is before may have gone while it was
    /// allowed.
    pub after_position: u64,
    /// Since when the agent has enforced it.
    pub since: Millis,
    /// How old this is.
    pub freshness: Option<Freshness>,
}

/// A scope to make or change. Its topics are delivered at these sites and in these regions alone; one of both must be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScopeInput {
    /// Unique name, `[a-z0-9-]`, at most 63 characters.
    pub name: String,
    /// Topics, in `dialect`; without variables.
    pub filter: String,
    /// Dialect of the filter; default mesh.
    #[serde(default = "mesh")]
    #[schema(value_type = String)]
    pub dialect: Dialect,
    /// These sites.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// All sites of these regions.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Why it exists.
    #[serde(default)]
    pub note: String,
}

/// A rule to make or change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleInput {
    /// About whom.
    #[schema(value_type = Object)]
    pub subject: Subject,
    /// Which action.
    #[schema(value_type = String)]
    pub action: Action,
    /// Grants or forbids; deny beats allow.
    #[schema(value_type = String)]
    pub effect: Effect,
    /// Topics, in `dialect`; ignored for connect.
    pub filter: String,
    /// Dialect of the filter; default mesh.
    #[serde(default = "mesh")]
    #[schema(value_type = String)]
    pub dialect: Dialect,
    /// Only at these sites; empty = everywhere.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// Why it exists.
    #[serde(default)]
    pub note: String,
}

fn mesh() -> Dialect {
    Dialect::Mesh
}

/// How far an agent is with a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentRollout {
    /// Which agent.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// Its site.
    pub site_name: String,
    /// How far.
    pub state: RolloutState,
    /// What it enforces now.
    pub applied: Option<Revision>,
    /// What it should enforce.
    pub desired: Revision,
    /// Why it refused; it keeps what it had.
    pub reason: Option<String>,
    /// Since when it is so.
    pub since: Millis,
}

/// How far an agent is with a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    /// Sent, not yet confirmed.
    Pending,
    /// Enforced.
    Applied,
    /// Refused; the reason is beside it.
    Rejected,
    /// The agent is offline: it enforces what it last had and gets this when it is back.
    Offline,
}

/// The newest policy revision and how far each agent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyView {
    /// The newest.
    pub revision: Revision,
    /// Made when.
    pub made_at: Millis,
    /// By whom.
    pub made_by: String,
    /// What was changed, in a sentence.
    pub summary: String,
    /// Each enrolled agent.
    pub agents: Vec<AgentRollout>,
}

/// The policy as the decision function takes it, secrets left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyDocument {
    /// Principals; their `secrets` are empty.
    #[schema(value_type = Vec<Object>)]
    pub principals: Vec<Principal>,
    /// Roles.
    #[schema(value_type = Vec<Object>)]
    pub roles: Vec<Role>,
    /// Rules.
    #[schema(value_type = Vec<Object>)]
    pub rules: Vec<Rule>,
}
