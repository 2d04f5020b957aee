//! Who may do what: the policy model and its one decision function, shared by the agent that enforces, the portal that
//! validates and the browser that previews.
//!
//! Deny beats allow, the default is deny, and every decision names what decided it.

mod decide;
mod model;

pub use decide::{
    CompiledPolicy, Decision, DenyReason, Explanation, Identity, PolicyError, Session, Target, Verdict, explain,
};
pub use model::{Action, Effect, PROTOCOLS_VERSION, Principal, PrincipalState, Role, Rule, Subject};
