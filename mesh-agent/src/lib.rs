//! The site agent: the data plane of a Kafka mesh, one process per machine that takes part.
//!
//! ```text
//! listener/*  source/*            sink/*  queue  stream -> fabric
//!       \        |                  |       |      |
//!        policy::Permit -> router --+-------+------+      (each an Outlet)
//!
//! control -> ledger -> reconcile -> every part above      discovery, observe, status -> control
//! ```
//! `router` knows events, permits and two traits, [`router::Outlet`] and [`router::Keeper`]. Everything that brings or takes
//! events depends on `router` and `policy`, never the reverse. `reconcile` alone starts, stops and wires parts.

pub mod admin;
pub mod browse;
pub mod causes;
pub mod connector;
pub mod contract;
pub mod control;
pub mod counters;
pub mod discovery;
pub mod fabric;
pub mod home;
mod http;
pub mod identity;
pub mod interest;
pub mod kafka;
pub mod kafka_access;
pub mod letter;
pub mod listener;
mod mutant;
pub mod observe;
pub mod part;
pub mod policy;
pub mod queue;
pub mod quota;
pub mod reconcile;
pub mod reports;
pub mod router;
pub mod schemas;
pub mod seal;
#[cfg(test)]
mod simulation;
pub mod sink;
pub mod source;
pub mod spool;
pub mod status;
pub mod stream;
pub mod tail;
pub mod task;
pub mod trust;
pub mod wiring;
pub mod work;
