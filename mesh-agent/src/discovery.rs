//! What there is in the brokers an agent can reach, for the catalog: read only, continuous, and honest about what it
//! may not see.
//!
//! ```text
//! kafka                       Kafka clusters
//! surveyed -> registry        schema registries with Confluent's API     \  over HTTP: one question after the
//!          -> connect         Kafka Connect                               |  other, answers of bounded size (`rest`)
//!          -> rabbit          RabbitMQ's management API                  /
//!          -> mqtt            MQTT brokers, as a client of its own
//! teller: what changed since it was told last (`changes`), and how the connection is
//! ```

mod changes;
mod connect;
pub mod kafka;
mod mqtt;
mod rabbit;
mod registry;
pub mod surveyed;
mod teller;

use std::sync::Arc;

use crate::kafka::secret::Secrets;
use crate::reports::ReportSink;

/// What discovery works with. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Deps {
    /// Passwords of what is looked at.
    pub secrets: Arc<dyn Secrets>,
    /// Where reports go.
    pub reports: Arc<dyn ReportSink>,
}
