//! People, their roles and sessions.

use mesh_protocol::id::{ApplicationDomainId, PersonId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Millis;

/// What a person may do in the portal; each includes what stands before it, except that `approver` and `operator` are
/// siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PortalRole {
    /// Sees the catalog, the graph and the state of the mesh.
    Viewer,
    /// Also describes and owns catalog objects and applications, and tries the mesh.
    Developer,
    /// Also decides about access: principals, roles, rules, blocking.
    Approver,
    /// Also runs the mesh: sites, agents, brokers, listeners, links, routes, and emergency blocks.
    Operator,
    /// Everything, people included.
    Admin,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Who.
    pub id: PersonId,
    /// Login name.
    pub login: String,
    /// For greeting.
    pub name: String,
    /// Which role.
    pub role: PortalRole,
    /// What the role may do, by the names of the permission table (`rule.write`, `site.write`...).
    pub rights: Vec<String>,
    /// Name of the environment this portal runs.
    pub environment: String,
    /// The mesh holds demo data.
    pub demo: bool,
}

impl Me {
    /// Whether the person may do it.
    #[must_use]
    pub fn may(&self, right: &str) -> bool {
        self.rights.iter().any(|have| have == right)
    }
}

/// Whether the first person still has to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetupState {
    /// Nobody can sign in yet.
    pub needed: bool,
    /// The mesh holds demo data (the login page says so).
    pub demo: bool,
}

/// The first admin.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetupInput {
    /// From the one-time link.
    pub code: String,
    /// Login name.
    pub login: String,
    /// For greeting.
    pub name: String,
    /// At least 10 characters.
    pub password: String,
}

/// A login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginInput {
    /// Login name.
    pub login: String,
    /// Password.
    pub password: String,
}

macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}
redacted!(SetupInput, LoginInput, PersonInput, TokenCreated);

/// A person as admins see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// Who.
    pub id: PersonId,
    /// For edits.
    pub revision: i64,
    /// Login name.
    pub login: String,
    /// For greeting.
    pub name: String,
    /// Which role.
    pub role: PortalRole,
    /// The only application domains they see, with their parts; empty = everything.
    pub domains: Vec<ApplicationDomainId>,
    /// May sign in.
    pub enabled: bool,
    /// Signed in last.
    pub last_login: Option<Millis>,
    /// Where they get mail; empty = nowhere.
    #[serde(default)]
    pub email: String,
}

/// A person to make or change.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonInput {
    /// Login name; cannot change later.
    pub login: String,
    /// For greeting.
    pub name: String,
    /// Which role.
    pub role: PortalRole,
    /// The only application domains they see, with their parts; empty = everything. For viewers only.
    #[serde(default)]
    pub domains: Vec<ApplicationDomainId>,
    /// May sign in.
    pub enabled: bool,
    /// New password, at least 10 characters; none keeps the old one.
    #[serde(default)]
    pub password: Option<String>,
    /// Where they get mail; empty = nowhere, none keeps what there is.
    #[serde(default)]
    pub email: Option<String>,
}

/// A service token for automation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Public id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// It acts with this role.
    pub role: PortalRole,
    /// The only application domains it sees, with their parts; empty = everything.
    pub domains: Vec<ApplicationDomainId>,
    /// Made when.
    pub created_at: Millis,
    /// Refused after.
    pub expires_at: Option<Millis>,
    /// Used last.
    pub last_used: Option<Millis>,
}

/// A service token to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenInput {
    /// What it is for.
    pub name: String,
    /// It acts with this role; never more than one's own.
    pub role: PortalRole,
    /// The only application domains it sees, with their parts; empty = everything. For viewers only.
    #[serde(default)]
    pub domains: Vec<ApplicationDomainId>,
    /// Days until it is refused; none = does not expire.
    #[serde(default)]
    pub days: Option<u32>,
}

/// A new service token with its secret, shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenCreated {
    /// The token.
    pub token: TokenView,
    /// Send it as `Authorization: Bearer ...`.
    pub secret: String,
}
