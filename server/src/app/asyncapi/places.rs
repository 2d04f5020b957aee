//! Where the events of a document are published and received: listeners and Kafka topics that really run.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::id::{BrokerId, SiteId};
use mesh_protocol::report::Direction;
use mesh_protocol::topic::Filter;

use crate::app::catalog::ObjectKey;
use crate::app::door::{Door, door};
use crate::app::observed::World;
use crate::app::sight::Sight;
use crate::domain::address;
use crate::domain::flow::Flow;

/// Most sites whose listeners stand in one document; a mesh may have thousands.
pub(super) const SITES_MAX: usize = 20;

/// A Kafka topic that holds an event: its cluster and its name.
pub(super) type Topic<'a> = (BrokerId, &'a str);

/// Where one event is.
#[derive(Debug, Default)]
pub(super) struct Places<'a> {
    pub(super) sites: BTreeSet<SiteId>,
    /// Kafka topics with that event, and whether what is written there goes into the mesh.
    pub(super) topics: BTreeMap<Topic<'a>, bool>,
}

/// What agents saw, ready to be asked about many events.
pub(super) struct Seen<'a> {
    world: &'a World,
    sight: &'a Sight,
    flows: Vec<(&'a Flow, Filter)>,
}

impl<'a> Seen<'a> {
    /// As far as it is in sight.
    pub(super) fn of(world: &'a World, sight: &'a Sight) -> Self {
        let flows = world.seen.flows.iter().filter(|flow| world.sees_flow(sight, flow));
        let flows = flows.filter_map(|flow| Some((flow, address::filter(&flow.address).ok()?)));
        Self { world, sight, flows: flows.collect() }
    }

    /// Where events of these topics were seen.
    pub(super) fn places(&self, topics: &Filter) -> Places<'a> {
        let mut places = Places::default();
        for (flow, seen) in &self.flows {
            if !topics.includes(seen) {
                continue;
            }
            match (flow.broker, flow.broker_topic.as_deref()) {
                (Some(broker), Some(topic)) if self.sees_topic((broker, topic)) => {
                    let goes_in = places.topics.entry((broker, topic)).or_default();
                    *goes_in |= flow.direction == Direction::Produce;
                }
                (Some(_), Some(_)) => {}
                _ => places.sites.extend(self.world.fleet.agent(flow.agent).map(|agent| agent.site)),
            }
        }
        places
    }

    /// A topic may be of another domain than what routes make of it.
    fn sees_topic(&self, (broker, topic): Topic<'_>) -> bool {
        let entry = || self.world.catalog().get(&ObjectKey::Topic(broker, topic.to_owned()));
        self.sight.is_whole() || entry().is_some_and(|entry| self.sight.sees(entry.domain))
    }

    /// All sites: where what was not seen yet could be.
    pub(super) fn all_sites(&self) -> BTreeSet<SiteId> {
        self.world.config.mesh.sites.iter().map(|site| site.id).collect()
    }

    /// Where the listeners of a site can be reached: over MQTT and over HTTP.
    pub(super) fn listeners(&self, site: SiteId) -> [Option<Door>; 2] {
        [ListenerProtocol::Mqtt, ListenerProtocol::Http]
            .map(|protocol| door(site, protocol, &self.world.config, &self.world.fleet))
    }
}
