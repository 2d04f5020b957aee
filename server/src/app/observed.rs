//! What agents saw, as one consistent whole for everything that reads it.
//!
//! Catalog, graph and overview look at the same facts from three sides. They are read together and kept, so that a page
//! with three views, or thirty people with the same page, cost one reading. Who reads anew, and when, is
//! [`renewal`](super::renewal)'s matter.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use frontend::api::Freshness;
use mesh_protocol::id::{AgentId, BrokerId};
use mesh_protocol::report::{ObjectFacts, ObjectKind};

use super::catalog::{Catalog, ObjectKey, Reading};
use super::clock::now_ms;
use super::sight::Sight;
use super::snapshot::{FleetState, Snapshot};
use super::{App, Result};
use crate::domain::agent::Presence;
use crate::domain::flow::{Flow, RETENTION_MS, total};
use crate::domain::rates::Rates;
use crate::domain::runtime_object::{Found, Scan};
use crate::store::{AgentSubscriptions, Note, Tx};

/// How long a reading is good for while nobody makes new ones, in milliseconds.
const KEPT_MS: i64 = 500;
/// And while somebody does: something is wrong with him when it is older.
const RENEWED_MS: i64 = 10_000;

/// What was written so long before the last reading is read again: a transaction shows a moment after its own time, and
/// the clocks of several portals differ a little.
const OVERLAP_MS: i64 = 10_000;
/// Everything is read again this often, whatever the clocks say.
const WHOLE_MS: i64 = 300_000;

/// Discovered objects in memory, shared by all readings that they are the same in.
#[derive(Clone, Debug, Default)]
pub struct FoundObjects(Arc<Vec<Arc<Found>>>);

/// What the last reading found, for the next.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    found: FoundObjects,
    brokers: u64,
    read_ms: i64,
    whole_ms: i64,
}

/// The last reading, until it is forgotten.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<(u64, Option<Arc<Reading>>)>);

impl Latest {
    fn get(&self) -> Option<Arc<Reading>> {
        self.0.lock().expect("no panic while held").1.clone()
    }

    /// What is to be known before one reads what is to be kept.
    pub(super) fn generation(&self) -> u64 {
        self.0.lock().expect("no panic while held").0
    }

    /// Keeps a reading, unless something was forgotten since it began.
    pub(super) fn keep(&self, generation: u64, reading: Arc<Reading>) {
        let mut latest = self.0.lock().expect("no panic while held");
        if latest.0 == generation {
            latest.1 = Some(reading);
        }
    }

    /// What was read until now is out of date.
    pub(super) fn forget(&self) {
        let mut latest = self.0.lock().expect("no panic while held");
        *latest = (latest.0 + 1, None);
    }
}

fn key(found: &Found) -> (BrokerId, ObjectKind, &str) {
    (found.broker, found.kind, &found.name)
}

impl FoundObjects {
    fn of(read: Vec<Found>) -> Self {
        let mut all: Vec<Arc<Found>> = read.into_iter().map(Arc::new).collect();
        all.sort_by(|a, b| key(a).cmp(&key(b)));
        Self(Arc::new(all))
    }

    /// The same with newer ones in the place of those of the same key.
    fn with(&self, newer: Vec<Found>) -> Self {
        let newer = Self::of(newer);
        if newer.0.is_empty() {
            return self.clone();
        }
        let mut all = Vec::with_capacity(self.0.len() + newer.0.len());
        let (mut old, mut new) = (self.0.iter().peekable(), newer.0.iter().peekable());
        while let (Some(known), Some(came)) = (old.peek(), new.peek()) {
            match key(known).cmp(&key(came)) {
                Ordering::Less => all.extend(old.next().cloned()),
                Ordering::Equal => {
                    old.next();
                    all.extend(new.next().cloned());
                }
                Ordering::Greater => all.extend(new.next().cloned()),
            }
        }
        all.extend(old.cloned());
        all.extend(new.cloned());
        Self(Arc::new(all))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Found> {
        self.0.iter().map(Arc::as_ref)
    }

    /// Those of one kind in one cluster, by name.
    pub fn of_kind(&self, broker: BrokerId, kind: ObjectKind) -> impl Iterator<Item = &Found> {
        let here = |found: &Arc<Found>| (found.broker, found.kind);
        let first = self.0.partition_point(|found| here(found) < (broker, kind));
        self.0[first..].iter().take_while(move |found| here(found) == (broker, kind)).map(Arc::as_ref)
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, broker: BrokerId, kind: ObjectKind, name: &str) -> Option<&Found> {
        let at = self.0.binary_search_by(|found| key(found).cmp(&(broker, kind, name))).ok()?;
        Some(&self.0[at])
    }
}

impl<'a> IntoIterator for &'a FoundObjects {
    type Item = &'a Found;
    type IntoIter = std::iter::Map<std::slice::Iter<'a, Arc<Found>>, fn(&'a Arc<Found>) -> &'a Found>;
    fn into_iter(self) -> Self::IntoIter {
        let inside: fn(&'a Arc<Found>) -> &'a Found = |found| found;
        self.0.iter().map(inside)
    }
}

/// Everything agents reported, as of one moment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When this was read.
    pub now_ms: i64,
    /// Discovered objects, also those that are gone, by cluster, kind and name.
    pub found: FoundObjects,
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
    reading: Arc<Reading>,
}

impl App {
    pub(super) async fn observed(&self) -> Result<Arc<Observed>> {
        let kept_ms = if self.0.renewal.runs() { RENEWED_MS } else { KEPT_MS };
        if let Some(kept) = self.0.latest.get()
            && now_ms().saturating_sub(kept.seen().now_ms) < kept_ms
        {
            return Ok(kept.seen().clone());
        }
        let generation = self.0.latest.generation();
        let seen = self.read_observed().await?;
        let reading = Reading::new(self.snapshot().await?, seen.clone());
        self.0.latest.keep(generation, Arc::new(reading));
        Ok(seen)
    }

    /// Everything, read now.
    pub(super) async fn read_observed(&self) -> Result<Arc<Observed>> {
        let now_ms = now_ms();
        let environment = self.environment();
        let mut tx = self.store().read().await?;
        Ok(Arc::new(Observed {
            now_ms,
            found: self.found(&mut tx, now_ms).await?,
            scans: tx.scans().await?,
            flows: tx.flows(environment, now_ms - RETENTION_MS).await?,
            subscriptions: tx.subscriptions().await?,
            notes: tx.catalog_notes(environment).await?,
            rates: tx.rates().await?,
        }))
    }

    /// Discovered objects: those that are known, with what was written since they were read.
    async fn found(&self, tx: &mut Tx, now_ms: i64) -> Result<FoundObjects> {
        // With a cluster its objects go, without a word of each.
        let brokers = tx.audit_number_of("broker").await?;
        let kept = self.0.observed_kept.load_full();
        let kept = kept.filter(|kept| kept.brokers == brokers && now_ms - kept.whole_ms < WHOLE_MS);
        let since_ms = kept.as_ref().map_or(0, |kept| kept.read_ms - OVERLAP_MS);
        let read = tx.found(self.environment(), since_ms).await?;
        let (found, whole_ms) = match kept {
            Some(kept) => (kept.found.with(read), kept.whole_ms),
            None => (FoundObjects::of(read), now_ms),
        };
        self.0.observed_kept.store(Some(Arc::new(Kept { found: found.clone(), brokers, read_ms: now_ms, whole_ms })));
        Ok(found)
    }

    /// Everything there is, for somebody who asks.
    pub(super) async fn world(&self) -> Result<World> {
        self.0.renewal.asked();
        self.world_unasked().await
    }

    /// Everything there is, for work that nobody waits for.
    pub(super) async fn world_unasked(&self) -> Result<World> {
        let generation = self.0.latest.generation();
        let fleet = self.fleet_state().await?;
        let (config, seen) = (self.snapshot().await?, fleet.seen.clone());
        let kept = self.0.latest.get().filter(|kept| kept.is_of(&config, &seen));
        let reading = kept.unwrap_or_else(|| {
            let new = Arc::new(Reading::new(config.clone(), seen.clone()));
            self.0.latest.keep(generation, new.clone());
            new
        });
        Ok(World::new(config, fleet, seen, reading))
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
        self.found.of_kind(broker, kind).filter(|found| found.gone_at_ms.is_none()).count() as u64
    }

    /// The cluster's own id, once it was seen.
    #[must_use]
    pub fn cluster_id(&self, broker: BrokerId) -> Option<String> {
        self.found.of_kind(broker, ObjectKind::Cluster).find_map(|found| match &found.facts {
            ObjectFacts::Cluster(cluster) => Some(cluster.cluster_id.clone()),
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
    pub(super) fn new(config: Arc<Snapshot>, fleet: FleetState, seen: Arc<Observed>, reading: Arc<Reading>) -> Self {
        Self { config, fleet, seen, reading }
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.fleet.now_ms
    }

    /// Everything there is. The first who asks waits until it is put together.
    pub(super) fn catalog(&self) -> &Catalog {
        self.reading.catalog(self)
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

    /// Whether what is at the address of a flow is in sight.
    pub(super) fn sees_flow(&self, sight: &Sight, flow: &Flow) -> bool {
        let entry = || self.catalog().get(&ObjectKey::Address(flow.address.clone()));
        sight.is_whole() || entry().is_some_and(|entry| sight.sees(entry.domain))
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

#[cfg(test)]
mod tests {
    use mesh_protocol::report::TopicFacts;
    use uuid::Uuid;

    use super::*;

    fn found(name: &str, at_ms: i64) -> Found {
        Found {
            broker: Uuid::nil().into(),
            kind: ObjectKind::Topic,
            name: name.to_owned(),
            facts: ObjectFacts::Topic(TopicFacts::default()),
            agent: Uuid::nil().into(),
            first_seen_ms: 1,
            last_seen_ms: at_ms,
            gone_at_ms: None,
        }
    }

    #[test]
    fn a_reading_that_began_before_something_was_forgotten_is_not_kept() {
        let latest = Latest::default();
        let before = latest.generation();
        latest.forget();
        assert!(latest.generation() > before);
        assert!(latest.get().is_none());
    }

    #[test]
    fn what_is_newer_takes_the_place_of_what_it_is_newer_than() {
        let old = FoundObjects::of(vec![found("c", 1), found("a", 1), found("e", 1)]);
        let now = old.with(vec![found("f", 2), found("c", 2), found("b", 2)]);
        let seen: Vec<(&str, i64)> = now.iter().map(|found| (found.name.as_str(), found.last_seen_ms)).collect();
        assert_eq!(seen, [("a", 1), ("b", 2), ("c", 2), ("e", 1), ("f", 2)]);
        let one = |name: &str| now.get(Uuid::nil().into(), ObjectKind::Topic, name).map(|found| found.last_seen_ms);
        assert_eq!((one("c"), one("d")), (Some(2), None));
        assert_eq!(now.of_kind(Uuid::nil().into(), ObjectKind::Topic).count(), 5);
        assert_eq!(now.of_kind(Uuid::nil().into(), ObjectKind::Group).count(), 0);
        assert_eq!(old.with(Vec::new()).iter().count(), 3);
    }
}
