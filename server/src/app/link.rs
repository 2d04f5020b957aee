//! Links between sites, with what both ends say of them.

use frontend::api::{LinkInput, LinkView, LiveTopic};
use mesh_protocol::id::{LinkId, SiteId};
use mesh_protocol::report::LinkState;
use uuid::Uuid;

use super::agent::freshness;
use super::edit::Done;
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::agent::Agent;
use crate::domain::field::FieldErrors;
use crate::domain::link::{self, Link};

impl App {
    /// All links. Rates are joined by the read side.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn links(&self, caller: &Caller) -> Result<Vec<LinkView>> {
        caller.permit(Right::Read)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        Ok(snapshot.mesh.links.iter().map(|link| view(link, &snapshot, &fleet)).collect())
    }

    /// Makes a link.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_link(&self, caller: &Caller, input: LinkInput) -> Result<LinkView> {
        let mut edit = self.edit(caller.permit(Right::LinkWrite)?).await?;
        let mut errors = FieldErrors::default();
        for (field, site) in [("from", input.from), ("to", input.to)] {
            if edit.tx.site(site).await?.is_none() {
                errors.add(field, "is not a site of this environment");
            }
        }
        errors.check()?;
        link::check(input.from, input.to, &edit.tx.links(self.environment()).await?)?;
        edit.take_revision("added a link").await?;
        let link = Link { id: LinkId(Uuid::now_v7()), from: input.from, to: input.to, revision: 1 };
        let now_ms = edit.now_ms;
        edit.tx.insert_link(self.environment(), &link, now_ms).await?;
        edit.finish(done("link.create", link.id, "added a link")).await?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        Ok(view(&link, &snapshot, &fleet))
    }

    /// Removes a link.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_link(&self, caller: &Caller, id: LinkId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::LinkWrite)?).await?;
        if !edit.tx.links(self.environment()).await?.iter().any(|link| link.id == id) {
            return Err(Error::NotFound { what: "link" });
        }
        edit.take_revision("removed a link").await?;
        edit.tx.delete_link(id, seen(revision)).await?;
        edit.finish(done("link.delete", id, "removed a link")).await
    }
}

fn done<'a>(action: &'a str, id: LinkId, summary: &'a str) -> Done<'a> {
    Done { action, object: id.to_string(), summary, topic: LiveTopic::Topology, before: None, after: None }
}

/// What the agents of one end say of those of the other, whether a link of their own connects them now or not.
fn ends(from: SiteId, to: SiteId, fleet: &FleetState) -> impl Iterator<Item = (&Agent, &LinkState)> {
    fleet.agents.iter().filter(move |agent| agent.site == from).flat_map(move |agent| {
        let links = fleet.status(agent.id).map(|status| status.links.as_slice()).unwrap_or_default();
        links.iter().filter(move |link| link.site == to).map(move |link| (agent, link))
    })
}

/// Event copies per second that the agents of one site send to the other.
fn sent(from: SiteId, to: SiteId, fleet: &FleetState) -> f64 {
    let rate = |(agent, state): (&Agent, &LinkState)| {
        fleet.seen.rates.get(&agent.id).map_or(0.0, |rates| rates.link(state.agent, fleet.now_ms).sent)
    };
    crate::domain::flow::total(ends(from, to, fleet).filter(|(_, state)| state.direct).map(rate))
}

fn view(link: &Link, snapshot: &Snapshot, fleet: &FleetState) -> LinkView {
    let seen: Vec<_> = ends(link.from, link.to, fleet).chain(ends(link.to, link.from, fleet)).collect();
    // An end that is gone still says what it saw last: the newer word counts.
    let newest = seen.iter().max_by_key(|(agent, _)| fleet.last(agent.id).map(|last| last.at_ms));
    LinkView {
        id: link.id,
        revision: shown(link.revision),
        from: link.from,
        from_name: snapshot.site_name(link.from),
        to: link.to,
        to_name: snapshot.site_name(link.to),
        up: newest.map(|(_, state)| state.up && state.direct),
        since: newest.map(|(_, state)| state.since_ms),
        round_trip_us: seen.iter().filter(|(_, state)| state.direct).filter_map(|(_, state)| state.round_trip_us).min(),
        forward_rate: sent(link.from, link.to, fleet),
        backward_rate: sent(link.to, link.from, fleet),
        backlog_events: seen.iter().map(|(_, state)| state.backlog_events).sum(),
        freshness: newest.and_then(|(agent, _)| freshness(agent, fleet)),
    }
}
