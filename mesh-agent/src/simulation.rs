//! A whole mesh in one thread: the agents' own code, a disk and a network that do their worst, and a second book about
//! what was promised.
//!
//! ```text
//!  seed -> Plan -> World: sites, each with its disk and, while it runs, an agent's process
//!            |       |       spool (commits by hand) - router - policy - named queues - fabric - consumers
//!            |       +---- frames: lost, late, twice, out of order; sites that crash, hang, are put back; clocks; policies
//!            '-> Ledger: every commit, answer, delivery and frame, against I1 to I4 and I6 to I10
//! ```
//! What runs is what an agent runs: the spool's core, committer and recovery, the fabric's core with both sides of the
//! streams, interest, scopes and dead letters, the service of named queues with its dispatch. Only what waits is replaced:
//! threads, sockets, files and clocks. A seed is a run; the same seed is the same run, to the byte.
//!
//! It is compiled for tests alone, so that nothing of it, nor of the planted faults ([`mutant`](crate::mutant)), can be in
//! a program. `cargo xtask simulate` runs it with other seeds.
//!
//! Deliberately absent: Kafka, MQTT and HTTP (their own tests), and zenoh, of which nothing is promised.

mod bounds;
mod client;
mod ledger;
mod plan;
mod site;
pub(crate) mod time;
mod trouble;
mod wire;
mod world;

#[cfg(test)]
mod tests;
