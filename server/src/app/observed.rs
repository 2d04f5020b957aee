//! What agents saw, as one consistent whole for everything that reads it.
//!
//! Catalog, graph and overview look at the same facts from three sides. They are read together and kept for a moment,
//! so that a page with three views, or thirty people with the same page, cost one reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use frontend::api::Freshness;
use mesh_protocol::id::{AgentId, BrokerId};
use mesh_protocol::report::{ObjectFacts, ObjectKind};

use super::clock::now_ms;
use super::snapshot::{FleetState, Snapshot};
use super::{App, Result};
use crate::domain::agent::Presence;
use crate::domain::flow::{Flow, RETENTION_MS, total};
use crate::domain::rates::Rates;
use crate::domain::runtime_object::{Found, Scan};
use crate::store::{AgentSubscriptions, Note};

/// How long a reading is good for, in milliseconds.
const KEPT_MS: i64 = 500;

/// Everything agents reported, as of one moment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When this was read.
    pub now_ms: i64,
    /// Discovered objects, also those that are gone.
    pub found: Vec<Found>,
    /// The last scan of each cluster.
    pub scans: Vec<Scan>,
    /// Flows, the most recent first.
    pub flows: Vec<Flow>,
    /// Who subscribes to what.
    pub subscriptions: Vec<AgentSubscriptions>,
    /// What people say about objects.
    pub notes: BTreeMap<String, Note>,
    /// Rates of the agents' counters.
    pub rates: BTreeMap<AgentId, Rates>,
}

/// Configuration, agents and what they saw, together.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) config: Arc<Snapshot>,
    pub(super) fleet: FleetState,
    pub(super) seen: Arc<Observed>,
}

impl App {
    pub(super) async fn observed(&self) -> Result<Arc<Observed>> {
        let now_ms = now_ms();
        if let Some(kept) = self.0.observed.load_full()
            && now_ms.saturating_sub(kept.now_ms) < KEPT_MS
        {
            return Ok(kept);
        }
        let environment = self.environment();
        let mut tx = self.store().read().await?;
        let observed = Arc::new(Observed {
            now_ms,
            found: tx.found(environment).await?,
            scans: tx.scans().await?,
            flows: tx.flows(environment, now_ms - RETENTION_MS).await?,
            subscriptions: tx.subscriptions().await?,
            notes: tx.catalog_notes(environment).await?,
            rates: tx.rates().await?,
        });
        self.0.observed.store(Some(observed.clone()));
        Ok(observed)
    }

    pub(super) async fn world(&self) -> Result<World> {
        let fleet = self.fleet_state().await?;
        Ok(World { config: self.snapshot().await?, seen: fleet.seen.clone(), fleet })
    }
}

impl Observed {
    /// Events per second now, over the flows that are meant.
    #[must_use]
    pub fn rate(&self, now_ms: i64, is_meant: impl Fn(&Flow) -> bool) -> f64 {
        total(self.flows.iter().filter(|flow| is_meant(flow)).map(|flow| flow.rate_at(now_ms)))
    }

    /// Discovered objects of a kind that are there now.
    #[must_use]
    pub fn count(&self, broker: BrokerId, kind: ObjectKind) -> u64 {
        let here = |found: &&Found| found.broker == broker && found.kind == kind && found.gone_at_ms.is_none();
        self.found.iter().filter(here).count() as u64
    }

    /// The cluster's own id, once it was seen.
    #[must_use]
    pub fn cluster_id(&self, broker: BrokerId) -> Option<String> {
        self.found.iter().find_map(|found| match &found.facts {
            ObjectFacts::Cluster(cluster) if found.broker == broker => Some(cluster.cluster_id.clone()),
            _ => None,
        })
    }

    /// The last scan of a cluster.
    #[must_use]
    pub fn scan(&self, broker: BrokerId) -> Option<&Scan> {
        self.scans.iter().find(|scan| scan.broker == broker)
    }
}

impl World {
    pub(super) fn now_ms(&self) -> i64 {
        self.fleet.now_ms
    }

    /// Name of the site an agent stands at.
    pub(super) fn site_of(&self, agent: AgentId) -> String {
        self.fleet.agent(agent).map_or_else(|| "unknown site".to_owned(), |agent| self.config.site_name(agent.site))
    }

    pub(super) fn agent_name(&self, agent: AgentId) -> String {
        self.fleet.agent(agent).map_or_else(|| agent.to_string(), |agent| agent.name.clone())
    }

    pub(super) fn is_online(&self, agent: AgentId) -> bool {
        let online = |agent: &crate::domain::agent::Agent| matches!(agent.presence(self.now_ms()), Presence::Online(_));
        self.fleet.agent(agent).is_some_and(online)
    }

    /// Name of a broker connection.
    pub(super) fn broker_name(&self, broker: BrokerId) -> Option<String> {
        self.config.mesh.brokers.iter().find(|found| found.id == broker).map(|found| found.spec.name.clone())
    }

    /// Name of the site of a broker connection.
    pub(super) fn broker_site(&self, broker: BrokerId) -> Option<String> {
        let found = self.config.mesh.brokers.iter().find(|found| found.id == broker)?;
        Some(self.config.site_name(found.spec.site))
    }

    /// How old a flow's facts are.
    pub(super) fn flow_freshness(&self, flow: &Flow) -> Freshness {
        Freshness {
            as_of: flow.last_seen_ms,
            by: self.agent_name(flow.agent),
            stale: flow.is_stale(self.now_ms()) || !self.is_online(flow.agent),
        }
    }

    /// How old the last scan of a cluster is.
    pub(super) fn scan_freshness(&self, broker: BrokerId) -> Option<Freshness> {
        let scan = self.seen.scan(broker)?;
        let stale = scan.failed.is_some() || !self.is_online(scan.agent);
        Some(Freshness { as_of: scan.at_ms, by: self.agent_name(scan.agent), stale })
    }
}
