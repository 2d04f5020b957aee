//! I6: what is on the wire is looked at, whatever the agents think of it.

use mesh_protocol::event;
use mesh_protocol::frame::{self, Body};

use super::world::World;

/// A frame that a site has just put.
pub(super) fn check(world: &World, from: usize, bytes: &bytes::Bytes) -> Result<(), String> {
    let frame = frame::decode(bytes).map_err(|error| format!("site {from} sends what is no frame: {error}"))?;
    let Body::Stream(body) = frame.body else { return Ok(()) };
    for event in body.events {
        let event =
            event::decode(event.bytes).map_err(|error| format!("site {from} sends what is no event: {error}"))?;
        for place in &body.destinations {
            let to = world.sites.iter().find(|site| site.spool() == Some(place.spool)).map(|site| site.index);
            let is_forbidden = to.is_some_and(|to| !world.ledger.may_go(from, to, &event.topic));
            if is_forbidden {
                let id = super::ledger::id_of(&event);
                return Err(format!(
                    "I6: site {from} sends event {id} ({}) to site {to:?}, forbidden by then",
                    event.topic
                ));
            }
        }
    }
    Ok(())
}
