//! Who really produces and consumes: what listeners and connectors tell about their traffic.
//!
//! The trait stands here, below the listeners; what is made of it (folding topics into addresses, windows, bounds)
//! is `observe`'s own matter and reaches the portal as [`Traffic`](mesh_protocol::report::Traffic),
//! [`Subscriptions`](mesh_protocol::report::Subscriptions), [`Denials`](mesh_protocol::report::Denials) and
//! [`Shapes`](mesh_protocol::report::Shapes).

mod address;
mod denials;
mod flows;
mod named;
mod observatory;
mod shape;
mod shapes;
mod subscriptions;

use std::fmt::Debug;
use std::sync::Arc;

use mesh_protocol::event::Protocol;
use mesh_protocol::id::{BrokerId, PrincipalId, RouteId, RuleId};
use mesh_protocol::policy::Action;
use mesh_protocol::topic::{Filter, Topic};

pub use observatory::Observatory;

/// Longest name of a client in reports, in bytes: twice what a user name or a client id usually may have. Names are what
/// anybody sends who can reach a port (a refused login is told too), and MQTT lets a user name have 64 KiB.
const NAME_BYTES_MAX: usize = 256;
/// Longest topic or reason in reports, in bytes; no valid topic is longer.
const TEXT_BYTES_MAX: usize = 1_024;
/// Stands for what was cut off.
const ELLIPSIS: &str = "\u{2026}";

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

impl Client {
    /// With names of bounded length.
    fn bounded(mut self) -> Self {
        cut(&mut self.principal_name, NAME_BYTES_MAX);
        cut(&mut self.client_id, NAME_BYTES_MAX);
        self
    }
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

impl Refusal {
    /// With texts of bounded length.
    fn bounded(mut self) -> Self {
        cut(&mut self.topic, TEXT_BYTES_MAX);
        cut(&mut self.reason, TEXT_BYTES_MAX);
        self
    }
}

/// Shortens a text to so many bytes, at a character's end.
pub(crate) fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max - ELLIPSIS.len()));
        text.push_str(ELLIPSIS);
        // The long text's memory goes too: what is told lives on in counts and lists.
        text.shrink_to_fit();
    }
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

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_is_cut_at_a_characters_end_and_shows_it() {
        let cut = |text: &str| {
            let mut text = text.to_owned();
            super::cut(&mut text, 8);
            text
        };
        assert_eq!(cut("till-123"), "till-123");
        assert_eq!(cut("till-1234"), "till-\u{2026}");
        assert_eq!(cut("tillé-1234"), "till\u{2026}", "no half character stays");
    }
}
