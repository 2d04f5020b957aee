//! The contract between the portal (`meshport`) and the site agents (`mesh-agent`).
//!
//! Both sides, and the browser that previews decisions, must agree on what a topic filter matches, what a policy
//! decides and what a message means. So all of it stands here once, and it is pure: no IO, no async, no clock and no
//! randomness, which lets it build for `wasm32` and lets every rule be property-tested.

pub mod browse;
pub mod deny_list;
pub mod desired;
pub mod enrol;
pub mod event;
pub mod expr;
pub mod frame;
pub mod id;
pub mod internet;
pub mod policy;
pub mod queue;
pub mod record;
pub mod report;
pub mod schema_id;
pub mod sealed;
pub mod secret;
pub mod signed;
pub mod template;
pub mod topic;
pub mod wire;
