//! What every source and sink is given, whatever the broker at its other side.
//!
//! A connector serves one route. It acts as the route's principal, which may exactly what the route says, and it lives
//! until `reconcile` stops it: trouble with its cluster is its own to report and to get over.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mesh_protocol::desired::Connector;
use mesh_protocol::event::{Event, Protocol};
use mesh_protocol::id::{BrokerId, PrincipalId, RouteId};

use crate::counters::Counters;
use crate::kafka::secret::Secrets;
use crate::observe::{Client, Observer};
use crate::policy::Enforcer;
use crate::router::Router;
use crate::schemas::Schemas;

/// The parts of the agent that a connector works with. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Deps {
    /// Where events go and come from.
    pub router: Router,
    /// Who lets them pass.
    pub enforcer: Arc<Enforcer>,
    /// Who is told about the traffic.
    pub observer: Arc<dyn Observer>,
    /// Passwords of clusters.
    pub secrets: Arc<dyn Secrets>,
    /// Where everything is counted.
    pub counters: Counters,
    /// What a source must know after a restart.
    pub notes: Arc<dyn Notes>,
    /// Where records go that a source can never bring in.
    pub letters: Arc<dyn Letters>,
    /// Schemas that records name.
    pub schemas: Schemas,
}

/// A record that can never be brought in, or must not be.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The record, as an event of its Kafka topic; a diverted one as what it is in the mesh.
    pub event: Event,
    /// Why it cannot.
    pub reason: String,
    /// It is an event of the route's whose payload a contract diverts, sent by this client; it can be sent again.
    pub diverted_from: Option<String>,
}

/// Keeps what sources can never bring in, on disk, for a person.
#[async_trait]
pub trait Letters: std::fmt::Debug + Send + Sync {
    /// Keeps these records of a route, and waits until they are on disk.
    ///
    /// # Errors
    /// Why they cannot be kept now, and what to do.
    async fn bury(&self, route: RouteId, letters: Vec<Letter>) -> Result<(), String>;
}

/// Keeps one note for each source, on disk.
pub trait Notes: std::fmt::Debug + Send + Sync {
    /// The newest note of a route's source.
    fn load(&self, route: RouteId) -> Option<Bytes>;

    /// Replaces it, and waits until that is on disk. Blocks the thread; false when nobody knows whether it is there.
    fn save(&self, route: RouteId, note: Bytes) -> bool;
}

/// Whose connector it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The route it serves.
    pub route: RouteId,
    /// The route's name.
    pub name: String,
    /// Which start of the route.
    pub generation: u32,
    /// As whom it acts.
    pub principal: PrincipalId,
}

impl From<&Connector> for Identity {
    fn from(connector: &Connector) -> Self {
        Self {
            route: connector.route,
            name: connector.name.clone(),
            generation: connector.generation,
            principal: connector.principal,
        }
    }
}

impl Identity {
    /// The client id in the mesh and at the cluster.
    #[must_use]
    pub fn client_id(&self) -> String {
        format!("meshport-{}", self.name)
    }

    /// The consumer group of a source; another generation is another group, which starts anew.
    #[must_use]
    pub fn group(&self) -> String {
        format!("meshport-{}-{}", self.route, self.generation)
    }

    /// As reports name it.
    #[must_use]
    pub fn client(&self, broker: BrokerId) -> Client {
        self.client_over(Protocol::Kafka, Some(broker))
    }

    /// As reports name it when its other side is an HTTP endpoint.
    #[must_use]
    pub fn webhook_client(&self) -> Client {
        self.client_over(Protocol::Http, None)
    }

    fn client_over(&self, protocol: Protocol, broker: Option<BrokerId>) -> Client {
        Client {
            principal: Some(self.principal),
            principal_name: self.name.clone(),
            client_id: self.client_id(),
            protocol,
            route: Some(self.route),
            broker,
        }
    }
}
