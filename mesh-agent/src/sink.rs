//! Where events leave the mesh: for a broker, for an HTTP endpoint. Each sink is an outlet of the router or of a queue: an
//! event's acknowledgement waits for the other side's own.

pub mod kafka;
pub mod webhook;

mod subscriptions;

use mesh_protocol::id::RouteId;

use crate::router::{DestinationId, Router};

/// What the sink of a route is to senders that answer for their events themselves, whether it runs or somebody stands in.
#[must_use]
pub fn destination(router: &Router, route: RouteId, label: &str) -> DestinationId {
    router.destination(&format!("sink/{route}"), label)
}
