//! Decisions and their reasons.

use std::fmt;
use std::sync::Arc;

use crate::event::Protocol;
use crate::id::RuleId;
use crate::policy::Action;
use crate::topic::Filter;

/// What a policy says to one wish.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Yes, by this rule.
    Allowed {
        /// The most specific rule that allows it.
        rule: RuleId,
    },
    /// No.
    Denied(DenyReason),
}

/// Why something is refused. Shown, it is a sentence that a client may read: it does not tell whether a user name
/// exists. [`DenyReason::detail`] does, for logs and the portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenyReason {
    /// The client gave no user name or no secret.
    NoCredentials,
    /// No principal has this user name here.
    UnknownUser,
    /// The principal exists, the secret is not one of its.
    WrongSecret,
    /// The principal is switched off.
    Disabled,
    /// The principal was valid until this moment, milliseconds since the Unix epoch.
    Expired {
        /// Its end.
        at_ms: i64,
    },
    /// The principal is on the mesh's deny list.
    Revoked,
    /// The plan of what was given to it names other protocols.
    Protocol {
        /// The one it came by.
        by: Protocol,
        /// Those it may connect by, at least one.
        allowed: Arc<[Protocol]>,
    },
    /// A rule forbids it.
    Rule {
        /// The rule.
        rule: RuleId,
        /// Whom it is about: `role tills`, `principal till-7`, `anyone`.
        subject: Arc<str>,
        /// What it forbids.
        action: Action,
        /// Where, as the rule has it.
        filter: Filter,
    },
    /// No rule allows it, which is the default.
    NoRule {
        /// The principal's user name.
        username: Arc<str>,
        /// What it wanted.
        action: Action,
        /// Topic or filter; empty for connect.
        target: Arc<str>,
    },
}

impl Decision {
    /// Whether it is a yes.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// The reason, when it is a no.
    #[must_use]
    pub const fn denied(&self) -> Option<&DenyReason> {
        match self {
            Self::Denied(reason) => Some(reason),
            Self::Allowed { .. } => None,
        }
    }

    /// As a result, for `?`.
    ///
    /// # Errors
    /// The reason, when it is a no.
    pub fn into_result(self) -> Result<RuleId, DenyReason> {
        match self {
            Self::Allowed { rule } => Ok(rule),
            Self::Denied(reason) => Err(reason),
        }
    }

    /// The rule that decided; none when it was the default or the login.
    #[must_use]
    pub const fn rule(&self) -> Option<RuleId> {
        match self {
            Self::Allowed { rule } => Some(*rule),
            Self::Denied(reason) => reason.rule(),
        }
    }
}

impl DenyReason {
    /// The deny rule that decided; none when it was the default or the login.
    #[must_use]
    pub const fn rule(&self) -> Option<RuleId> {
        match self {
            Self::Rule { rule, .. } => Some(*rule),
            _ => None,
        }
    }

    /// Whether the login was refused, rather than a wish of a client that is logged in.
    #[must_use]
    pub const fn is_login(&self) -> bool {
        !matches!(self, Self::Rule { .. } | Self::NoRule { .. })
    }

    /// The whole truth, for logs and the portal; never for the client.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::UnknownUser => "no principal has this user name here".to_owned(),
            Self::WrongSecret => "the secret is not one of the principal's: rotate it if it was lost".to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials => f.write_str("no user name or no secret was given: log in with those of a principal"),
            Self::UnknownUser | Self::WrongSecret => f.write_str("the user name or the secret is wrong"),
            Self::Disabled => f.write_str("the principal is disabled: an operator can enable it in the portal"),
            Self::Expired { .. } => f.write_str("the principal has expired: an operator can prolong it in the portal"),
            Self::Revoked => f.write_str("the principal is revoked in the whole mesh"),
            Self::Protocol { by, allowed } => {
                let names: Vec<&str> = allowed.iter().map(|protocol| protocol.name()).collect();
                let (by, names) = (by.name(), names.join(" or "));
                write!(f, "the plan does not allow {by}: connect by {names}, or ask for access under a plan with {by}")
            }
            Self::Rule { rule, subject, action, filter } => {
                write!(f, "denied by rule {rule}: {subject} may not {}", Wish(*action, filter.text()))
            }
            Self::NoRule { username, action, target } => {
                write!(f, "no rule allows {username} to {}", Wish(*action, target))
            }
        }
    }
}

impl std::error::Error for DenyReason {}

/// "publish to orders/fr/>".
struct Wish<'a>(Action, &'a str);

impl fmt::Display for Wish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Action::Connect => f.write_str("connect"),
            Action::Publish => write!(f, "publish to {}", self.1),
            Action::Subscribe => write!(f, "subscribe to {}", self.1),
            Action::ManageQueue => write!(f, "manage queues for {}", self.1),
        }
    }
}
