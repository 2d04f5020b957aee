//! What people do in the portal, in a real browser, on a mesh with two sites, a Kafka and a live device.

mod doors;
mod estate;
mod faults;
mod journeys;
mod links;
mod live;
mod offering;
mod owning;
mod pages;
mod queues;
mod snippets;
mod told;
