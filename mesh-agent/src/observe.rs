//! Who really produces and consumes: what listeners and connectors tell about their traffic.
//!
//! The trait stands here, below the listeners; what is made of it (folding topics into addresses, windows, bounds)
//! is `observe`'s own matter and reaches the portal as [`Traffic`](mesh_protocol::report::Traffic),
//! [`Subscriptions`](mesh_protocol::report::Subscriptions) and [`Denials`](mesh_protocol::report::Denials).

mod address;
mod denials;
mod flows;
mod observatory;
mod shape;
mod subscriptions;

use std::fmt::Debug;
use std::sync::Arc;

use mesh_protocol::event::Protocol;
use mesh_protocol::id::{BrokerId, PrincipalId, RouteId, RuleId};
use mesh_protocol::policy::Action;
use mesh_protocol::topic::{Filter, Topic};

pub use observatory::Observatory;

/// A client as reports name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Its principal; none = the mesh itself, or a login that failed.
    pub principal: Option<PrincipalId>,
    /// User name, or the route's name.
    pub principal_name: String,
    /// The protocol's client id.
    pub client_id: String,
    /// How it is connected.
    pub protocol: Protocol,
    /// For connectors.
    pub route: Option<RouteId>,
    /// For connectors: the cluster at the other side.
    pub broker: Option<BrokerId>,
}

/// A refusal by policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was wanted.
    pub action: Action,
    /// Topic or filter; empty for connect.
    pub topic: String,
    /// The deciding rule; none = the default or a failed login.
    pub rule: Option<RuleId>,
    /// For people.
    pub reason: String,
}

/// Where traffic is told.
pub trait Observer: Send + Sync + Debug {
    /// A client came; tell its traffic through the handle, drop it when it goes.
    fn client(&self, client: Client) -> Arc<dyn ClientObserver>;
}

/// What one client does. Called on the hot path: cheap, never blocks.
pub trait ClientObserver: Send + Sync + Debug {
    /// It published an event. `broker_topic` for connectors: the Kafka topic the record came from.
    fn produced(&self, topic: &Topic, payload: &[u8], broker_topic: Option<&str>);
    /// It was given an event. `broker_topic` for connectors: the Kafka topic the record went to.
    fn consumed(&self, topic: &Topic, payload: &[u8], broker_topic: Option<&str>);
    /// It registered a filter.
    fn subscribed(&self, filter: &Filter);
    /// It took a filter back.
    fn unsubscribed(&self, filter: &Filter);
    /// Policy refused it something.
    fn refused(&self, refusal: Refusal);
}

/// Tells nobody. For tests of parts that must not care.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn client(&self, _: Client) -> Arc<dyn ClientObserver> {
        Arc::new(Self)
    }
}

impl ClientObserver for Unobserved {
    fn produced(&self, _: &Topic, _: &[u8], _: Option<&str>) {}
    fn consumed(&self, _: &Topic, _: &[u8], _: Option<&str>) {}
    fn subscribed(&self, _: &Filter) {}
    fn unsubscribed(&self, _: &Filter) {}
    fn refused(&self, _: Refusal) {}
}
