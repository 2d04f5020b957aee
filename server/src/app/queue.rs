//! Named queues: made, changed, paused and removed while the agents run. What is in them is asked of the agent that
//! holds them; see [`shelf`].

mod shelf;

use frontend::api::{
    Edit, LiveTopic, Page, QueueFigures, QueueInput, QueueOrigin, QueueQuery, QueueView, RolloutState,
};
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::id::{QueueId, SiteId};
use mesh_protocol::report::PartRef;
use uuid::Uuid;

use super::agent::{parts_of, rollout};
use super::door::door;
use super::edit::Done;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result, edit};
use crate::domain::queue::{Keep, Queue, Settings, Spec};
use crate::domain::rates::queue_counter;

/// Rows of the list when nobody says how many, and most at once.
const LIST: (u32, u32) = (500, 1_000);

impl App {
    /// Queues, by name: those of a site, those whose name or filters hold a text, or all.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn queues(&self, caller: &Caller, query: QueueQuery) -> Result<Page<QueueView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let is_meant = |queue: &&Queue| is_meant(queue, &query, &snapshot);
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST.0, LIST.1);
        let queues = snapshot.mesh.queues.iter().filter(is_meant).collect();
        let page = page(queues, slice, |queue: &&Queue| queue.spec.name.clone())?;
        Ok(page.map(|queue| view(queue, &snapshot, &fleet, &self.config().portal_url)))
    }

    /// One queue.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn queue(&self, caller: &Caller, id: QueueId) -> Result<QueueView> {
        caller.permit(Right::MeshRead)?;
        self.queue_view(id).await
    }

    /// Makes a queue; its agent attracts events into it as soon as it has the new revision.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_queue(&self, caller: &Caller, input: QueueInput) -> Result<QueueView> {
        let mut edit = self.edit(caller.permit(Right::QueueWrite)?).await?;
        let spec = spec(input);
        let mut errors = spec.check().err().unwrap_or_default();
        if edit.tx.site(spec.site).await?.is_none() {
            errors.add("site", "is not a site of this environment");
        }
        errors.check()?;
        let summary = format!("added the queue {}", spec.name);
        let since = edit.take_revision(&summary).await?;
        let queue = Queue {
            id: QueueId(Uuid::now_v7()),
            spec,
            since_revision: since.revision,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_queue(self.environment(), &queue).await?;
        edit.finish(done("queue.create", queue.id, &summary).after(&config(&queue.spec))).await?;
        self.queue_view(queue.id).await
    }

    /// Changes a queue. What waits in it stays, by the new rules.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_queue(&self, caller: &Caller, id: QueueId, input: Edit<QueueInput>) -> Result<QueueView> {
        let mut edit = self.edit(caller.permit(Right::QueueWrite)?).await?;
        let old = self.find_queue(&mut edit, id).await?;
        let spec = spec(input.value);
        let mut errors = spec.check().err().unwrap_or_default();
        if spec.site != old.spec.site {
            errors.add("site", "cannot be changed, because what waits is there: make another queue");
        }
        errors.check()?;
        let summary = format!("{} the queue {}", verb(&old.spec, &spec), spec.name);
        let since = edit.take_revision(&summary).await?;
        let queue = Queue {
            since_revision: since.revision,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
            spec,
            ..old.clone()
        };
        edit.tx.update_queue(&queue, seen(input.revision)).await?;
        let done = done("queue.update", id, &summary);
        edit.finish(done.before(&config(&old.spec)).after(&config(&queue.spec))).await?;
        self.queue_view(id).await
    }

    /// Removes a queue with everything in it.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_queue(&self, caller: &Caller, id: QueueId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::QueueWrite)?).await?;
        let old = self.find_queue(&mut edit, id).await?;
        let summary = format!("removed the queue {}", old.spec.name);
        edit.take_revision(&summary).await?;
        edit.tx.delete_queue(id, seen(revision)).await?;
        edit.finish(done("queue.delete", id, &summary).before(&config(&old.spec))).await
    }

    async fn find_queue(&self, edit: &mut edit::Edit, id: QueueId) -> Result<Queue> {
        let queues = edit.tx.queues(self.environment()).await?;
        queues.into_iter().find(|queue| queue.id == id).ok_or(Error::NotFound { what: "queue" })
    }

    async fn queue_view(&self, id: QueueId) -> Result<QueueView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.queues.iter().find(|queue| queue.id == id);
        let queue = found.ok_or(Error::NotFound { what: "queue" })?;
        Ok(QueueView {
            origins: origins(queue, &snapshot, &fleet),
            ..view(queue, &snapshot, &fleet, &self.config().portal_url)
        })
    }
}

/// Whether a queue belongs to the list that is asked for.
fn is_meant(queue: &Queue, query: &QueueQuery, snapshot: &Snapshot) -> bool {
    let wanted = query.q.trim().to_lowercase();
    let holds = |text: &String| text.to_lowercase().contains(&wanted);
    let at = query.site.as_deref().filter(|site| !site.is_empty());
    let spec = &queue.spec;
    at.is_none_or(|site| snapshot.site_name(spec.site) == site) && (holds(&spec.name) || spec.filters.iter().any(holds))
}

/// What an edit did, for the audit trail: pausing is told apart from other changes.
fn verb(old: &Spec, new: &Spec) -> &'static str {
    match (old.paused, new.paused) {
        (false, true) => "paused",
        (true, false) => "resumed",
        _ => "changed",
    }
}

fn done<'a>(action: &'a str, id: QueueId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Queues)
}

fn spec(input: QueueInput) -> Spec {
    Spec {
        name: input.name,
        site: input.site,
        filters: input.filters,
        exceptions: input.exceptions,
        settings: Settings {
            access: input.access,
            on_failure: input.on_failure,
            deliveries_max: input.deliveries_max,
            backoff_first_ms: input.backoff_first_ms,
            backoff_longest_ms: input.backoff_longest_ms,
            lease_ms: input.lease_ms,
            ttl_ms: input.ttl_ms,
            events_max: input.events_max,
            bytes_max: input.bytes_max,
            when_full: input.when_full,
            dead_letters_max: input.dead_letters_max,
        },
        keep: Keep { ms: input.keep_ms, bytes_max: input.keep_bytes_max },
        paused: input.paused,
        note: input.note,
    }
}

fn config(spec: &Spec) -> QueueInput {
    let settings = &spec.settings;
    QueueInput {
        name: spec.name.clone(),
        site: spec.site,
        filters: spec.filters.clone(),
        exceptions: spec.exceptions.clone(),
        access: settings.access,
        on_failure: settings.on_failure,
        paused: spec.paused,
        deliveries_max: settings.deliveries_max,
        backoff_first_ms: settings.backoff_first_ms,
        backoff_longest_ms: settings.backoff_longest_ms,
        lease_ms: settings.lease_ms,
        ttl_ms: settings.ttl_ms,
        events_max: settings.events_max,
        bytes_max: settings.bytes_max,
        when_full: settings.when_full,
        dead_letters_max: settings.dead_letters_max,
        keep_ms: spec.keep.ms,
        keep_bytes_max: spec.keep.bytes_max,
        note: spec.note.clone(),
    }
}

fn view(queue: &Queue, snapshot: &Snapshot, fleet: &FleetState, portal_url: &str) -> QueueView {
    let site = queue.spec.site;
    let owner = snapshot.mesh.owner_at(site);
    let mut rollout = rollout(snapshot.revision_at(queue.since_revision), snapshot, fleet);
    rollout.retain(|agent| Some(agent.agent) == owner);
    let name = snapshot.site_name(site);
    let door = |protocol| Some(door(site, protocol, snapshot, fleet)?.view(&name, protocol, portal_url));
    let figures = figures(queue.id, snapshot, fleet);
    QueueView {
        id: queue.id,
        revision: shown(queue.revision),
        config: config(&queue.spec),
        site_name: snapshot.site_name(site),
        owner: owner.and_then(|owner| fleet.agent(owner)).map(|agent| agent.name.clone()),
        parts: parts_of(|object| object == PartRef::Queue(queue.id), snapshot, fleet),
        rollout,
        figures,
        origins: Vec::new(),
        mqtt: door(ListenerProtocol::Mqtt),
        http: door(ListenerProtocol::Http),
        updated_at: queue.updated_at_ms,
        updated_by: queue.updated_by.clone(),
    }
}

/// An origin knows what a queue attracts from its policy or from the queue's owner, whichever comes first.
fn origins(queue: &Queue, snapshot: &Snapshot, fleet: &FleetState) -> Vec<QueueOrigin> {
    let owner = snapshot.mesh.owner_at(queue.spec.site);
    let rollout = rollout(snapshot.revision_at(queue.since_revision), snapshot, fleet);
    let links = owner.and_then(|owner| fleet.status(owner)).map(|status| status.links.as_slice()).unwrap_or_default();
    let others = rollout.into_iter().filter(|agent| Some(agent.agent) != owner);
    others
        .map(|agent| {
            let link = links.iter().find(|link| link.agent == agent.agent);
            let held = link.and_then(|link| link.interest.as_ref());
            QueueOrigin {
                agent: agent.agent,
                agent_name: agent.agent_name,
                site_name: agent.site_name,
                pending: agent.state != RolloutState::Applied && held.is_none_or(|held| held.pending),
                after_position: held.map(|held| held.after_position),
            }
        })
        .collect()
}

/// What its agent says is in it. Only one agent has a queue; should a former owner still speak of it, the newest word
/// counts.
fn figures(id: QueueId, snapshot: &Snapshot, fleet: &FleetState) -> Option<QueueFigures> {
    let parts = parts_of(|object| object == PartRef::Queue(id), snapshot, fleet);
    let part = parts.into_iter().max_by_key(|part| part.freshness.as_of)?;
    let figure = |name: &str| part.figures.get(name).copied().unwrap_or_default();
    let age_ms = part.figures.get("oldest_ms").filter(|_| figure("queued_events") > 0);
    let rates = fleet.seen.rates.get(&part.agent);
    Some(QueueFigures {
        queued_events: figure("queued_events"),
        queued_bytes: figure("queued_bytes"),
        oldest_at: age_ms.map(|age| part.freshness.as_of.saturating_sub_unsigned(*age)),
        consumers: figure("consumers"),
        handed_out_events: figure("handed_out_events"),
        dead_letter_events: figure("dead_letter_events"),
        delivered_events: figure("delivered_events"),
        kept_events: figure("kept_events"),
        kept_bytes: figure("kept_bytes"),
        redelivered_events: figure("redelivered_events"),
        replayed_events: figure("replayed_events"),
        expired_events: figure("expired_events"),
        discarded_events: figure("discarded_events"),
        rate: rates.map_or(0.0, |rates| rates.counter(&queue_counter(id), fleet.now_ms)),
        freshness: part.freshness,
    })
}

/// Refuses to go on while queues are held at a site: what waits in them would be lost with it.
pub(super) fn none_at(site: SiteId, queues: &[Queue]) -> Result<()> {
    let here: Vec<&str> =
        queues.iter().filter(|queue| queue.spec.site == site).map(|queue| &*queue.spec.name).collect();
    if here.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict(format!("queues are held at this site: {}; remove them first", here.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_api_are_those_of_the_domain() {
        let input = QueueInput::new("a", SiteId(Uuid::nil()), vec!["a".into()]);
        let made = spec(input.clone());
        assert_eq!((made.settings, made.keep), (Settings::default(), Keep::default()));
        assert_eq!(config(&spec(input.clone())), input);
    }
}
