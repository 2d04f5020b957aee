//! What the system tests are made of: a whole mesh of real processes, clients of each protocol, and the rules of the
//! layering.

pub mod bench;
pub mod browser;
pub mod demo_mesh;
pub mod forger;
pub mod frugal;
pub mod invariants;
pub mod kafka;
pub mod layering;
pub mod mesh;
pub mod mqtt;
pub(crate) mod nats;
pub mod proxy;
pub mod queue;
pub mod torture;
pub mod usage;
pub mod wan;
pub mod webhook;

/// How long a test waits for something that should come soon, on a machine that is busy with other things.
pub const SOON: std::time::Duration = std::time::Duration::from_secs(60);
