//! What is on the wire is looked at, whatever the agents think of it: where events go (I6), and how much credit is given.

use mesh_protocol::event;
use mesh_protocol::frame::{Body, Control, Frame};

use super::world::World;

/// A frame that a site has just put, as it was before it was sealed.
pub(super) fn check(world: &mut World, from: usize, frame: Frame) -> Result<(), String> {
    let body = match frame.body {
        Body::Stream(body) => body,
        Body::Control(messages) => {
            messages.iter().for_each(|message| note_credit(world, from, message));
            return Ok(());
        }
        Body::Direct(_) => return Ok(()),
    };
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

fn note_credit(world: &mut World, from: usize, message: &Control) {
    let Control::Ack(ack) = message else { return };
    let Some(to) = world.sites.iter().find(|site| site.spool() == Some(ack.stream.origin)).map(|site| site.index)
    else {
        return;
    };
    let granted = world.granted.entry((from, to)).or_default();
    *granted = ack.credit_bytes.max(*granted);
}
