//! Where events leave the mesh for a broker. Each sink is an outlet of the router: an event's acknowledgement waits for
//! the broker's own.

pub mod kafka;
