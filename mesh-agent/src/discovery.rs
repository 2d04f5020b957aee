//! What there is in the brokers an agent can reach, for the catalog: read only, continuous, and honest about what it
//! may not see.

pub mod kafka;
