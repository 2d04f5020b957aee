//! Compiles a policy, and decides by it.
//!
//! ```text
//! desired::Policy ─compile─▶ CompiledPolicy ─authenticate─▶ Identity ─session─▶ Session ─decide─▶ Decision
//! ```
//! A publish is decided for every event, so the work is done before: rules without variables of the client are compiled
//! once per subject and shared by all its sessions; only the others are compiled per session. A decision is then a
//! lookup in the trees of the session's subjects.
//!
//! What decides:
//! - **Connect**: an allow rule and no deny rule about it; filters are not consulted.
//! - **Publish**: a deny rule whose filter matches the topic denies; otherwise an allow rule whose filter matches allows.
//! - **Subscribe, manage queue**: a deny rule whose filter includes the whole subscription denies; otherwise one allow
//!   rule whose filter includes the whole of it allows. A deny rule that only overlaps leaves the subscription, and
//!   [`Session::may_receive`] keeps back the events it forbids.
//! - Nothing else decides: without an allow rule the answer is no.
//!
//! Among several rules that say the same, the most specific is named: principal before role before anyone, then the
//! filter with more exact levels.

mod compile;
mod explain;
mod login;
mod reason;
mod rules;
mod session;

pub use compile::{CompiledPolicy, PolicyError};
pub use explain::{Explanation, Verdict, explain};
pub use login::Identity;
pub use reason::{Decision, DenyReason};
pub use session::{Session, Target};

#[cfg(test)]
mod tests;
