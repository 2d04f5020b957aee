//! Where events leave the mesh: for a broker, for an HTTP endpoint. Each sink is an outlet of the router or of a queue: an
//! event's acknowledgement waits for the other side's own.

pub mod kafka;
pub mod webhook;

mod subscriptions;
