//! Links between sites, with what both ends say of them.

use frontend::api::{Edit, LinkInput, LinkView, ListQuery, LiveTopic, Page};
use mesh_protocol::id::{LinkId, SiteId};
use mesh_protocol::report::LinkState;
use uuid::Uuid;

use super::agent::freshness;
use super::edit::Done;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result, edit};
use crate::domain::agent::{Agent, State};
use crate::domain::field::FieldErrors;
use crate::domain::link::{self, Link};

impl App {
    /// Links, oldest first. Rates are joined by the read side.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn links(&self, caller: &Caller, query: ListQuery) -> Result<Page<LinkView>> {
        caller.permit(Right::MeshRead)?;
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
        let link = Link {
            id: LinkId(Uuid::now_v7()),
            from: input.from,
            to: input.to,
            enabled: input.enabled,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_link(self.environment(), &link).await?;
        edit.finish(done("link.create", link.id, &summary).after(&input)).await?;
        self.link_view(link.id).await
    }

    /// Changes a link: switches it off or on. Its ends stay.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_link(&self, caller: &Caller, id: LinkId, input: Edit<LinkInput>) -> Result<LinkView> {
        let mut edit = self.edit(caller.permit(Right::LinkWrite)?).await?;
        let old = self.find_link(&mut edit, id).await?;
        old.check_edit(input.value.from, input.value.to)?;
        let verb = match (old.enabled, input.value.enabled) {
            (true, false) => "switched off",
            (false, true) => "switched on",
            _ => "changed",
        };
        let summary = format!("{verb} the link {}", self.snapshot().await?.ends_of(&old));
        edit.take_revision(&summary).await?;
        let link = Link {
            enabled: input.value.enabled,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
            ..old.clone()
        };
        edit.tx.update_link(&link, seen(input.revision)).await?;
        edit.finish(done("link.update", id, &summary).before(&config(&old)).after(&config(&link))).await?;
        self.link_view(id).await
    }

    /// Removes a link.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_link(&self, caller: &Caller, id: LinkId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::LinkWrite)?).await?;
        let old = self.find_link(&mut edit, id).await?;
        let summary = format!("removed the link {}", self.snapshot().await?.ends_of(&old));
        edit.take_revision(&summary).await?;
        edit.tx.delete_link(id, seen(revision)).await?;
        edit.finish(done("link.delete", id, &summary).before(&config(&old))).await
    }

    async fn find_link(&self, edit: &mut edit::Edit, id: LinkId) -> Result<Link> {
        let links = edit.tx.links(self.environment()).await?;
        links.into_iter().find(|link| link.id == id).ok_or(Error::NotFound { what: "link" })
    }

    async fn link_view(&self, id: LinkId) -> Result<LinkView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.links.iter().find(|link| link.id == id);
        found.map(|link| view(link, &snapshot, &fleet)).ok_or(Error::NotFound { what: "link" })
    }
}

impl Snapshot {
    /// `berlin - hq`.
    fn ends_of(&self, link: &Link) -> String {
        [link.from, link.to].map(|site| self.site_name(site)).join(" - ")
    }
}

fn done<'a>(action: &'a str, id: LinkId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Topology)
}

fn config(link: &Link) -> LinkInput {
    LinkInput { from: link.from, to: link.to, enabled: link.enabled }
}

/// Guaranteed events that wait until the other side of a link has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

/// What waits for the other side of a link, at either side; also what comes from behind one end or goes behind the other.
/// An agent that is out of reach counts with what it last said.
pub(super) fn backlog(link: &Link, snapshot: &Snapshot, fleet: &FleetState) -> Backlog {
    let sides = link.sides(&snapshot.mesh.links);
    let mut backlog = Backlog::default();
    for agent in fleet.agents.iter().filter(|agent| agent.state == State::Enrolled) {
        let beyond = match sides.each_ref().map(|side| side.contains(&agent.site)) {
            [true, _] => &sides[1],
            [_, true] => &sides[0],
            _ => continue,
        };
        let states = fleet.status(agent.id).map(|status| status.links.as_slice()).unwrap_or_default();
        for state in states.iter().filter(|state| beyond.contains(&state.site)) {
            backlog.events = backlog.events.saturating_add(state.backlog_events);
            backlog.bytes = backlog.bytes.saturating_add(state.backlog_bytes);
        }
    }
    backlog
}

/// What the agents of one end say of those of the other, whether a link of their own connects them now or not.
fn ends(from: SiteId, to: SiteId, fleet: &FleetState) -> impl Iterator<Item = (&Agent, &LinkState)> {
    let here = fleet.agents.iter().filter(move |agent| agent.state == State::Enrolled && agent.site == from);
    here.flat_map(move |agent| {
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

/// A link as pages see it.
pub(super) fn view(link: &Link, snapshot: &Snapshot, fleet: &FleetState) -> LinkView {
    let backlog = backlog(link, snapshot, fleet);
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
        enabled: link.enabled,
        updated_at: link.updated_at_ms,
        updated_by: link.updated_by.clone(),
        up: newest.map(|(_, state)| state.up && state.direct),
        since: newest.map(|(_, state)| state.since_ms),
        round_trip_us: seen.iter().filter(|(_, state)| state.direct).filter_map(|(_, state)| state.round_trip_us).min(),
        forward_rate: sent(link.from, link.to, fleet),
        backward_rate: sent(link.to, link.from, fleet),
        backlog_events: backlog.events,
        backlog_bytes: backlog.bytes,
        freshness: newest.and_then(|(agent, _)| freshness(agent, fleet)),
    }
}
