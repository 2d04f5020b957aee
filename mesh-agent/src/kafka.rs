//! What the Kafka source, sink, discovery and the keeping of users share, and nothing of their own: how a client is
//! configured, whether it has its cluster, what its errors mean in sentences that say what to do, which headers of a record
//! belong to the mesh, and the administrative calls that the safe client library lacks.

pub mod admin;
pub mod client;
pub mod config;
pub mod contact;
pub mod headers;
pub mod secret;
pub mod stats;
pub mod trouble;
pub(crate) mod wire;
