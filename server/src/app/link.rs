//! Links between sites, with what both ends say of them.

use frontend::api::{LinkInput, LinkView, ListQuery, LiveTopic, Page};
use mesh_protocol::id::{LinkId, SiteId};
use mesh_protocol::report::LinkState;
use uuid::Uuid;

use super::agent::freshness;
use super::edit::Done;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::agent::Agent;
use crate::domain::field::FieldErrors;
use crate::domain::link::{self, Link};

impl App {
    /// Links, oldest first. Rates are joined by the read side.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn links(&self, caller: &Caller, query: ListQuery) -> Result<Page<LinkView>> {
        caller.permit(Right::Read)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let page = page(snapshot.mesh.links.iter().collect(), Slice::of_list(&query), |link: &&Link| link.id)?;
        Ok(page.map(|link| view(link, &snapshot, &fleet)))
    }

    /// Makes a link.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_link(&self, caller: &Caller, input: LinkInput) -> Result<LinkView> {
        let mut edit = self.edit(caller.permit(Right::LinkWrite)?).await?;
        let mut errors = FieldErrors::default();
        let mut names = Vec::new();
        for (field, site) in [("from", input.from), ("to", input.to)] {
            match edit.tx.site(site).await? {
                Some(site) => names.push(site.spec.name),
                None => errors.add(field, "is not a site of this environment"),
            }
        }
        errors.check()?;
        link::check(input.from, input.to, &edit.tx.links(self.environment()).await?)?;
        let summary = format!("added the link {}", names.join(" - "));
        edit.take_revision(&summary).await?;
        let link = Link { id: LinkId(Uuid::now_v7()), from: input.from, to: input.to, revision: 1 };
        let now_ms = edit.now_ms;
        edit.tx.insert_link(self.environment(), &link, now_ms).await?;
        edit.finish(done("link.create", link.id, &summary).after(&input)).await?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        Ok(view(&link, &snapshot, &fleet))
    }

    /// Removes a link.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_link(&self, caller: &Caller, id: LinkId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::LinkWrite)?).await?;
        let links = edit.tx.links(self.environment()).await?;
        let old = links.into_iter().find(|link| link.id == id).ok_or(Error::NotFound { what: "link" })?;
        let snapshot = self.snapshot().await?;
        let names = [old.from, old.to].map(|site| snapshot.site_name(site));
        let summary = format!("removed the link {}", names.join(" - "));
        edit.take_revision(&summary).await?;
        edit.tx.delete_link(id, seen(revision)).await?;
        let config = LinkInput { from: old.from, to: old.to };
        edit.finish(done("link.delete", id, &summary).before(&config)).await
    }
}

fn done<'a>(action: &'a str, id: LinkId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Topology)
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
