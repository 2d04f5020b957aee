//! The overview: is it well, and if not, what to do.

mod attention;
mod demo;

use frontend::api::{BrokerState, Figures, LinkFlow, Overview, SiteState};
use mesh_protocol::id::AgentId;
use mesh_protocol::report::{LinkState, PartRef, PartState, Status};

use super::link::backlog;
use super::observed::World;
use super::permission::Right;
use super::report::{COPIES, COPIES_SERIES, PUBLISHED, PUBLISHED_SERIES, REMOTE_DELIVERIES};
use super::{App, Caller, Result};
use crate::domain::agent::{Agent, State};
use crate::domain::flow::total;
use crate::domain::link::Link;
use crate::domain::site::Site;
use crate::store::WantedDenials;

/// Refusals of the last ten minutes are news.
const NEWS_MS: i64 = 600_000;
/// Runs of refusals that are looked through for what needs attention.
const DENIALS_MAX: u32 = 200;
/// The figure of a listener part that counts its open connections.
const CONNECTIONS: &str = "connections";

impl App {
    /// The whole first page.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn overview(&self, caller: &Caller) -> Result<Overview> {
        caller.permit(Right::MeshRead)?;
        let world = self.world().await?;
        let now_ms = world.now_ms();
        let drift = self.open_drift(caller).await?.counts;
        let mut tx = self.store().read().await?;
        let lately = WantedDenials { since_ms: now_ms - NEWS_MS, ..WantedDenials::default() };
        let denials = tx.denials(self.environment(), &lately, DENIALS_MAX).await?;
        let (_, refusals) = tx.count_denials(self.environment(), &lately).await?;
        let figures = Figures {
            events_history: tx.history(PUBLISHED_SERIES, now_ms).await?,
            copies_history: tx.history(COPIES_SERIES, now_ms).await?,
            denials: refusals,
            ..figures(&world)
        };
        drop(tx);
        Ok(Overview {
            as_of: now_ms,
            figures,
            sites: world.config.mesh.sites.iter().map(|site| site_state(site, &world)).collect(),
            links: world.config.mesh.links.iter().map(|link| link_flow(link, &world)).collect(),
            attention: attention::attention(&world, &denials, drift),
            revision: world.config.revision(),
            demo: self.config().demo.then(|| demo::demo(&world)),
        })
    }
}

fn enrolled(world: &World) -> impl Iterator<Item = &Agent> {
    world.fleet.agents.iter().filter(|agent| agent.state == State::Enrolled)
}

fn figures(world: &World) -> Figures {
    let rate =
        |counter: &str| -> f64 { total(world.seen.rates.values().map(|rates| rates.counter(counter, world.now_ms()))) };
    let counted = |counter: &str| -> i64 {
        let of = |agent: &Agent| counter_of(world.fleet.status(agent.id), counter);
        enrolled(world).map(of).map(|count| i64::try_from(count).unwrap_or(i64::MAX)).fold(0, i64::saturating_add)
    };
    Figures {
        events_per_second: rate(PUBLISHED),
        clients: enrolled(world).map(|agent| clients(agent.id, world)).sum(),
        agents_online: enrolled(world).filter(|agent| world.is_online(agent.id)).count() as u64,
        agents: enrolled(world).count() as u64,
        copies_saved: counted(REMOTE_DELIVERIES).saturating_sub(counted(COPIES)),
        copies_per_second: rate(COPIES),
        ..Figures::default()
    }
}

fn counter_of(status: Option<&Status>, counter: &str) -> u64 {
    status.and_then(|status| status.counters.get(counter)).copied().unwrap_or_default()
}

/// Clients connected to an agent's listeners; none while it is offline, because nobody knows.
fn clients(agent: AgentId, world: &World) -> u64 {
    let status = world.fleet.status(agent).filter(|_| world.is_online(agent));
    let parts = status.map(|status| status.parts.as_slice()).unwrap_or_default();
    let listeners = parts.iter().filter(|part| matches!(part.object, PartRef::Listener(_)));
    listeners.filter_map(|part| part.figures.get(CONNECTIONS)).sum()
}

fn site_state(site: &Site, world: &World) -> SiteState {
    let here: Vec<&Agent> = enrolled(world).filter(|agent| agent.site == site.id).collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let rate =
        |agent: &&Agent| world.seen.rates.get(&agent.id).map_or(0.0, |rates| rates.counter(PUBLISHED, world.now_ms()));
    let freshness = here.iter().filter_map(|agent| super::agent::freshness(agent, &world.fleet));
    SiteState {
        id: site.id,
        name: site.spec.name.clone(),
        region: site.spec.region.clone(),
        location: site.spec.location.map(super::site::location),
        agents_online: count(here.iter().filter(|agent| world.is_online(agent.id)).count()),
        agents: count(here.len()),
        clients: here.iter().map(|agent| clients(agent.id, world)).sum(),
        rate: total(here.iter().map(rate)),
        brokers: brokers(site, &here, world),
        freshness: freshness.max_by_key(|freshness| freshness.as_of),
    }
}

fn brokers(site: &Site, agents: &[&Agent], world: &World) -> Vec<BrokerState> {
    let here = world.config.mesh.brokers.iter().filter(|broker| broker.spec.site == site.id);
    here.map(|broker| {
        let parts = agents.iter().filter_map(|agent| world.fleet.status(agent.id)).flat_map(|status| &status.parts);
        let part = parts.into_iter().find(|part| part.object == PartRef::Broker(broker.id));
        let trouble = match part {
            None => Some("no agent has connected to it yet".to_owned()),
            Some(part) if matches!(part.state, PartState::Running | PartState::Degraded) => None,
            Some(part) => Some(part.detail.clone().unwrap_or_else(|| "is starting".to_owned())),
        };
        BrokerState { name: broker.spec.name.clone(), trouble }
    })
    .collect()
}

fn link_flow(link: &Link, world: &World) -> LinkFlow {
    let side = |at, other| links_between(at, other, world);
    let (forward, backward) = (side(link.from, link.to), side(link.to, link.from));
    let backlog = backlog(link, &world.config, &world.fleet);
    let both: Vec<&LinkState> = forward.states.iter().chain(&backward.states).copied().collect();
    LinkFlow {
        from: link.from,
        to: link.to,
        enabled: link.enabled,
        up: if both.is_empty() { None } else { Some(both.iter().any(|state| state.up)) },
        forward_rate: forward.sent,
        backward_rate: backward.sent,
        backlog_events: backlog.events,
        backlog_bytes: backlog.bytes,
        round_trip_us: both.iter().filter_map(|state| state.round_trip_us).min(),
    }
}

/// What the agents of one site say of their links to the agents of another.
#[derive(Default)]
pub(super) struct Side<'a> {
    pub(super) states: Vec<&'a LinkState>,
    /// Event copies sent per second.
    pub(super) sent: f64,
}

pub(super) fn links_between(
    at: mesh_protocol::id::SiteId,
    other: mesh_protocol::id::SiteId,
    world: &World,
) -> Side<'_> {
    let mut side = Side::default();
    for agent in enrolled(world).filter(|agent| agent.site == at && world.is_online(agent.id)) {
        let states = world.fleet.status(agent.id).map(|status| status.links.as_slice()).unwrap_or_default();
        for state in states.iter().filter(|state| state.site == other) {
            side.sent +=
                world.seen.rates.get(&agent.id).map_or(0.0, |rates| rates.link(state.agent, world.now_ms()).sent);
            side.states.push(state);
        }
    }
    side
}
