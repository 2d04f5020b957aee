//! The catalog and the graph fill from what the agents see.

mod appear;
mod large;
mod look;
mod rights;
