//! The catalog and the graph fill from what the agents see.

mod appear;
mod connect;
mod large;
mod look;
mod mqtt;
mod rabbit;
mod registry;
mod rights;
