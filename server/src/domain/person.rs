//! A person who uses the portal, and the portal's own roles.

use mesh_protocol::id::{ApplicationDomainId, PersonId};
use serde::{Deserialize, Serialize};

use super::application_domain::ApplicationDomain;
use super::field::FieldErrors;

/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password, in bytes; argon2 reads all of it.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// A session that nobody uses ends after this long.
pub const SESSION_IDLE_MS_MAX: i64 = 12 * 60 * 60 * 1000;
/// Every session ends after this long.
pub const SESSION_MS_MAX: i64 = 7 * 24 * 60 * 60 * 1000;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Stable id.
    pub id: PersonId,
    /// Login name.
    pub username: String,
    /// For readers.
    pub display_name: String,
    /// What they may do.
    pub role: PortalRole,
    /// The only application domains they see, with their parts; empty = everything.
    pub domains: Vec<ApplicationDomainId>,
    /// May they log in?
    pub state: State,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// The last login, milliseconds since the Unix epoch.
    pub login_at_ms: Option<i64>,
}

/// Whether a person may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// May log in.
    Enabled,
    /// May not; sessions are ended.
    Disabled,
}

/// What a person may do in the portal. Each includes what stands before it, except that approver and operator are
/// siblings: who decides about access and who runs the mesh are different hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortalRole {
    /// Sees the catalog, the graph and the state of the mesh.
    Viewer,
    /// Describes and owns objects and applications, tries the mesh.
    Developer,
    /// Decides about access: principals, roles, rules.
    Approver,
    /// Runs sites, agents, brokers, listeners, links, routes; blocks in an emergency.
    Operator,
    /// Everything, people included.
    Admin,
}

impl PortalRole {
    /// All of them, weakest first.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Developer, Self::Approver, Self::Operator, Self::Admin];

    /// Whether this role includes what `other` may.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self >= other && (self, other) != (Self::Operator, Self::Approver)
    }

    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Approver => "approver",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for PortalRole {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| format!("`{text}` is not a role: use viewer, developer, approver, operator or admin"))
    }
}

/// Most domains that somebody's sight can be limited to.
pub const DOMAINS_MAX: usize = 200;

/// Checks what somebody shall see. Whoever may do more than look does so for all domains.
pub fn check_domains(
    errors: &mut FieldErrors,
    role: PortalRole,
    domains: &[ApplicationDomainId],
    all: &[ApplicationDomain],
) {
    if domains.is_empty() {
        return;
    }
    if role != PortalRole::Viewer {
        errors.add("domains", "can be given to viewers only: every other role may do something in all domains");
    } else if domains.len() > DOMAINS_MAX {
        errors.add("domains", format_args!("are more than {DOMAINS_MAX}: name the domains above them"));
    } else if domains.iter().any(|id| !all.iter().any(|domain| domain.id == *id)) {
        errors.add("domains", "hold one that is not there any more: take it out");
    }
}

/// Checks a login name, which the API calls `login`.
pub fn check_username(errors: &mut FieldErrors, username: &str) {
    errors.name("login", username);
}

/// Checks a new password. Length is what counts; composition rules only make people write passwords down.
pub fn check_password(errors: &mut FieldErrors, password: &str) {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        errors.add("password", format_args!("needs at least {PASSWORD_CHARS_MIN} characters"));
    } else if password.len() > PASSWORD_BYTES_MAX {
        errors.add("password", format_args!("is longer than {PASSWORD_BYTES_MAX} bytes"));
    }
}
