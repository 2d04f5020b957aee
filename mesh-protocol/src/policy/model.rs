//! The policy's nouns as they stand in desired state. A reader refuses fields it does not know: one it ignored could
//! have been the one that restricts.

use serde::{Deserialize, Serialize};

use crate::event::Protocol;
use crate::id::{ApplicationId, PrincipalId, RoleId, RuleId, SiteId};
use crate::secret::SecretHash;
use crate::topic::Filter;

/// The document version from which on protocols of principals are understood: an agent below it would refuse a document that
/// has some as a whole, with a reason that says nothing.
pub const PROTOCOLS_VERSION: u32 = 3;

/// What a client of the mesh may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Open a session at a listener. The rule's filter is not consulted.
    Connect,
    /// Send events to a topic; the rule's filter must match the topic.
    Publish,
    /// Receive events; the rule's filter must include the whole subscription.
    Subscribe,
    /// Create, change or drain a durable queue that attracts topics inside the filter.
    ManageQueue,
}

/// Whether a rule grants or forbids. A deny that matches always wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Grants.
    Allow,
    /// Forbids.
    Deny,
}

/// Whom a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One client identity.
    Principal(PrincipalId),
    /// Every principal that has the role.
    Role(RoleId),
    /// Every authenticated principal of the environment.
    Anyone,
}

/// One line of access control for mesh clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable id; decisions name it.
    pub id: RuleId,
    /// Whom it is about.
    pub subject: Subject,
    /// Which action it speaks of.
    pub action: Action,
    /// Grants or forbids.
    pub effect: Effect,
    /// Topics it speaks of. May hold `${username}`, `${client_id}`, `${site}` and `${region}`, each replaced by the
    /// session's own value as one literal level part; a value that contains `/ + # * >` makes the rule match nothing.
    pub filter: Filter,
    /// Only at these sites; empty = at every site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<SiteId>,
}

/// A named set of rights for principals. Its rules are those with [`Subject::Role`] of its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Stable id.
    pub id: RoleId,
    /// Unique in its environment.
    pub name: String,
}

/// Whether a principal may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalState {
    /// May log in.
    Enabled,
    /// Is refused with a reason that says so.
    Disabled,
}

/// The identity of a client of the mesh, as an agent needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Stable id.
    pub id: PrincipalId,
    /// The user name at every listener; unique in its environment.
    pub username: String,
    /// May it log in?
    pub state: PrincipalState,
    /// Accepted secrets. More than one while a rotation overlaps; none = cannot log in with a password.
    pub secrets: Vec<SecretHash>,
    /// Roles that apply to it.
    pub roles: Vec<RoleId>,
    /// The application it belongs to, when any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationId>,
    /// Milliseconds since the Unix epoch after which it is refused; none = does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
    /// Protocols by which its clients may connect; empty = any. A document that has some demands [`PROTOCOLS_VERSION`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<Protocol>,
}
