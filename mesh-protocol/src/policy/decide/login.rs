//! Who a client is: user names, secrets and the state of principals.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::compile::PolicyError;
use super::reason::DenyReason;
use crate::deny_list::DenyList;
use crate::desired::Policy;
use crate::event::Protocol;
use crate::id::{ApplicationId, PrincipalId, RoleId};
use crate::policy::{Principal, PrincipalState};
use crate::secret::{SecretHash, SecretKey};

/// Who a client proved to be. Cloning costs reference counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The principal.
    pub principal: PrincipalId,
    /// Its user name.
    pub username: Arc<str>,
    /// Its roles.
    pub roles: Arc<[RoleId]>,
    /// The application it belongs to, when any.
    pub application: Option<ApplicationId>,
    /// Protocols by which it may connect; empty = any.
    pub protocols: Arc<[Protocol]>,
}

impl Identity {
    /// Whether it may connect by a protocol.
    ///
    /// # Errors
    /// It may not, and by which it may.
    pub fn check_protocol(&self, by: Protocol) -> Result<(), DenyReason> {
        if self.protocols.is_empty() || self.protocols.contains(&by) {
            return Ok(());
        }
        Err(DenyReason::Protocol { by, allowed: Arc::clone(&self.protocols) })
    }
}

/// The principals an agent may meet.
#[derive(Debug)]
pub(super) struct Logins {
    secret_key: SecretKey,
    by_name: FxHashMap<Arc<str>, Known>,
    names: FxHashMap<PrincipalId, Arc<str>>,
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    state: PrincipalState,
    secrets: Vec<SecretHash>,
    expires_at_ms: Option<i64>,
    revoked: bool,
}

impl Logins {
    pub(super) fn of(policy: &Policy, denied: &DenyList) -> Result<Self, PolicyError> {
        let denied: FxHashSet<PrincipalId> = denied.principals.iter().copied().collect();
        let mut by_name = FxHashMap::default();
        let mut names = FxHashMap::default();
        for principal in &policy.principals {
            let known = Known::of(principal, denied.contains(&principal.id));
            let name = Arc::clone(&known.identity.username);
            names.insert(principal.id, Arc::clone(&name));
            if by_name.insert(name, known).is_some() {
                return Err(PolicyError::DuplicateUsername(principal.username.clone()));
            }
        }
        Ok(Self { secret_key: policy.secret_key.clone(), by_name, names })
    }

    pub(super) fn authenticate(&self, username: &str, secret: &str, now_ms: i64) -> Result<Identity, DenyReason> {
        let Some(known) = self.by_name.get(username) else {
            // As much work as for a principal with one secret.
            let _ = SecretHash::of(&self.secret_key, secret);
            return Err(DenyReason::UnknownUser);
        };
        if !known.knows(&self.secret_key, secret) {
            return Err(DenyReason::WrongSecret);
        }
        known.admit(now_ms)
    }

    pub(super) fn identify(&self, principal: PrincipalId, now_ms: i64) -> Result<Identity, DenyReason> {
        let known = self.names.get(&principal).and_then(|name| self.by_name.get(name));
        known.ok_or(DenyReason::UnknownUser)?.admit(now_ms)
    }

    pub(super) fn next_expiry(&self, now_ms: i64) -> Option<i64> {
        self.by_name.values().filter_map(|known| known.expires_at_ms).filter(|at_ms| *at_ms > now_ms).min()
    }
}

impl Known {
    fn of(principal: &Principal, revoked: bool) -> Self {
        Self {
            identity: Identity {
                principal: principal.id,
                username: (*principal.username).into(),
                roles: (*principal.roles).into(),
                application: principal.application,
                protocols: (*principal.protocols).into(),
            },
            state: principal.state,
            secrets: principal.secrets.clone(),
            expires_at_ms: principal.expires_at_ms,
            revoked,
        }
    }

    /// Looks at every secret, so that the time tells nothing of which it was.
    fn knows(&self, key: &SecretKey, secret: &str) -> bool {
        self.secrets.iter().fold(false, |known, hash| known | hash.matches(key, secret))
    }

    fn admit(&self, now_ms: i64) -> Result<Identity, DenyReason> {
        if self.revoked {
            return Err(DenyReason::Revoked);
        }
        if self.state == PrincipalState::Disabled {
            return Err(DenyReason::Disabled);
        }
        match self.expires_at_ms {
            Some(at_ms) if now_ms >= at_ms => Err(DenyReason::Expired { at_ms }),
            _ => Ok(self.identity.clone()),
        }
    }
}
