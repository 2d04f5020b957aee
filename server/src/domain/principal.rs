//! A principal: the identity of a client of the mesh.

use mesh_protocol::id::{ApplicationId, PersonId, PrincipalId, RoleId};
use mesh_protocol::policy::PrincipalState;
use mesh_protocol::secret::SecretHash;
use serde::{Deserialize, Serialize};

use super::field::FieldErrors;

/// Longest user name, in bytes.
pub const USERNAME_BYTES_MAX: usize = 128;
/// Most roles of one principal.
pub const ROLES_MAX: usize = 64;
/// Longest overlap of a rotation, in minutes.
pub const OVERLAP_MINUTES_MAX: u32 = 30 * 24 * 60;
/// Most secrets one principal has at once: the current one and those still overlapping.
pub const SECRETS_MAX: usize = 4;
/// How long a principal made for trying something lives, in milliseconds.
pub const TRIAL_MS: i64 = 60 * 60 * 1000;

/// The identity of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Stable id.
    pub id: PrincipalId,
    /// The user name at every listener; unique in the environment.
    pub username: String,
    /// What it is for.
    pub kind: Kind,
    /// Whom a trial principal was made for.
    pub person: Option<PersonId>,
    /// May it log in?
    pub state: PrincipalState,
    /// The application it belongs to, when any.
    pub application: Option<ApplicationId>,
    /// Roles that apply to it.
    pub roles: Vec<RoleId>,
    /// Secrets it may log in with.
    pub secrets: Vec<Secret>,
    /// Milliseconds since the Unix epoch after which it is refused.
    pub expires_at_ms: Option<i64>,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
}

impl Principal {
    /// One that is issued to an application, without anything to log in with yet.
    #[must_use]
    pub fn credential(
        id: PrincipalId,
        username: String,
        application: ApplicationId,
        expires_at_ms: Option<i64>,
        now_ms: i64,
    ) -> Self {
        Self {
            id,
            username,
            kind: Kind::Credential,
            person: None,
            state: PrincipalState::Enabled,
            application: Some(application),
            roles: Vec::new(),
            secrets: Vec::new(),
            expires_at_ms,
            revision: 1,
            created_at_ms: now_ms,
        }
    }

    /// It with one more secret. Those it has end with the overlap at the latest, and the oldest of too many at once.
    #[must_use]
    pub fn rotated(&self, secret: Secret, overlap_minutes: u32, now_ms: i64) -> Self {
        let mut new = self.clone();
        let ends = now_ms + i64::from(overlap_minutes) * 60_000;
        for earlier in &mut new.secrets {
            earlier.expires_at_ms = Some(earlier.expires_at_ms.map_or(ends, |sooner| sooner.min(ends)));
        }
        new.secrets.retain(|earlier| earlier.expires_at_ms.is_none_or(|ends| ends > now_ms));
        new.secrets.push(secret);
        let surplus = new.secrets.len().saturating_sub(SECRETS_MAX);
        new.secrets.drain(..surplus);
        new
    }
}

/// What a principal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A client that somebody made.
    Client,
    /// A route's own identity: it may exactly what the route says and never logs in.
    Route,
    /// Made for a person who tries something; it expires and is removed.
    Trial,
    /// Issued to an application for its grants; it may log in only while there is one.
    Credential,
}

/// One accepted secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Keyed hash.
    pub hash: SecretHash,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// The end of a rotation's overlap, milliseconds since the Unix epoch.
    pub expires_at_ms: Option<i64>,
}

/// Checks a user name: anything a client can send, but nothing that could be taken for a topic or a wildcard.
pub fn check_username(errors: &mut FieldErrors, username: &str) {
    if username.is_empty() {
        errors.add("username", "is required");
    } else if username.len() > USERNAME_BYTES_MAX {
        errors.add("username", format_args!("is longer than {USERNAME_BYTES_MAX} bytes"));
    } else if username.chars().any(|c| c.is_control() || c.is_whitespace() || "/+#*>:".contains(c)) {
        errors.add("username", "may not hold spaces, `:` or any of `/ + # * >`");
    }
}
