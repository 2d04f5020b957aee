//! Where things are, by their ids: a drawing asks for it at every edge.

use std::collections::{BTreeMap, HashMap};

use mesh_protocol::id::{AgentId, BrokerId, SiteId};
use mesh_protocol::report::Direction;

use super::node::Seen;
use crate::app::observed::World;
use crate::domain::flow::Flow;

#[derive(Clone, Copy, Debug)]
struct AgentPlace<'a> {
    name: &'a str,
    site: &'a str,
    is_online: bool,
}

#[derive(Debug)]
struct BrokerPlace<'a> {
    name: &'a str,
    site: &'a str,
    scan: Option<Seen<'a>>,
}

/// Agents, broker connections and addresses with their sites.
#[derive(Debug)]
pub(super) struct Places<'a> {
    agents: HashMap<AgentId, AgentPlace<'a>>,
    brokers: HashMap<BrokerId, BrokerPlace<'a>>,
    homes: HashMap<&'a str, &'a str>,
    now_ms: i64,
}

impl<'a> Places<'a> {
    pub(super) fn of(world: &'a World) -> Self {
        let sites: HashMap<SiteId, &str> =
            world.config.mesh.sites.iter().map(|site| (site.id, site.spec.name.as_str())).collect();
        let site = |id: SiteId| sites.get(&id).copied().unwrap_or("unknown site");
        let agents = world.fleet.agents.iter().map(|agent| {
            let (name, is_online) = (agent.name.as_str(), world.is_online(agent.id));
            (agent.id, AgentPlace { name, site: site(agent.site), is_online })
        });
        let mut places =
            Self { agents: agents.collect(), brokers: HashMap::new(), homes: HashMap::new(), now_ms: world.now_ms() };
        for broker in &world.config.mesh.brokers {
            let scan = world.seen.scan(broker.id).map(|scan| {
                let agent = places.agent(scan.agent);
                Seen { as_of: scan.at_ms, by: agent.name, stale: scan.failed.is_some() || !agent.is_online }
            });
            let place = BrokerPlace { name: &broker.spec.name, site: site(broker.spec.site), scan };
            places.brokers.insert(broker.id, place);
        }
        places.homes = homes(&world.seen.flows, &places);
        places
    }

    fn agent(&self, id: AgentId) -> AgentPlace<'a> {
        let gone = AgentPlace { name: "a removed agent", site: "unknown site", is_online: false };
        self.agents.get(&id).copied().unwrap_or(gone)
    }

    /// Name of the site an agent stands at.
    pub(super) fn site_of(&self, agent: AgentId) -> &'a str {
        self.agent(agent).site
    }

    /// Name of a broker connection, and of its site.
    pub(super) fn broker(&self, id: BrokerId) -> (&'a str, &'a str) {
        self.brokers.get(&id).map_or(("a removed cluster", ""), |broker| (broker.name, broker.site))
    }

    /// How old the last scan of a broker connection is.
    pub(super) fn scan(&self, id: BrokerId) -> Option<Seen<'a>> {
        self.brokers.get(&id)?.scan
    }

    /// How old a flow's facts are.
    pub(super) fn seen(&self, flow: &Flow) -> Seen<'a> {
        let agent = self.agent(flow.agent);
        Seen { as_of: flow.last_seen_ms, by: agent.name, stale: flow.is_stale(self.now_ms) || !agent.is_online }
    }

    /// The site of an address: where most of it is produced, else where it is taken.
    pub(super) fn home(&self, address: &str) -> &'a str {
        self.homes.get(address).copied().unwrap_or_default()
    }
}

fn homes<'a>(flows: &'a [Flow], places: &Places<'a>) -> HashMap<&'a str, &'a str> {
    let mut by_site: HashMap<&str, BTreeMap<&str, (bool, u64)>> = HashMap::new();
    for flow in flows {
        let weight = by_site.entry(&flow.address).or_default().entry(places.site_of(flow.agent)).or_default();
        let produced = flow.direction == Direction::Produce;
        weight.0 |= produced;
        weight.1 += if produced { flow.events } else { 0 };
    }
    let home = |sites: BTreeMap<&'a str, (bool, u64)>| {
        sites.into_iter().max_by_key(|(_, weight)| *weight).map(|(site, _)| site)
    };
    by_site.into_iter().filter_map(|(address, sites)| Some((address, home(sites)?))).collect()
}
