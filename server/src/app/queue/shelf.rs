//! What is in a queue, or waits for a route's sink: looking at it, and the few things that change it.
//!
//! Content is never here: it is on the disk of the agent that owns it, and only the portal that holds that agent's
//! session can ask it. Who may is decided here. What changed something is in the audit trail once the agent has
//! answered, and also when it has not: then nobody knows, and the trail says that. No agent's policy changes by it, so
//! it is no policy revision.

use std::fmt::Display;

use frontend::api::{LiveTopic, Page, ShelfDone, ShelfQuery, ShelfTask};
use mesh_protocol::id::{AgentId, QueueId, RouteId};
use mesh_protocol::queue::{PAGE_EVENTS_MAX, PAGE_PAYLOAD_BYTES_MAX, QueueAnswer, QueueAsk, QueueRef, QueuedEvent};
use mesh_protocol::queue::{Replay, Shelf, Which};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::oneshot;

use crate::app::edit::Done;
use crate::app::fleet::Asked;
use crate::app::permission::{Permit, Right};
use crate::app::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;

/// Events of a page when nobody says how many.
const PAGE: u32 = 50;
/// Payloads of a page are cut to this many bytes when nobody says otherwise.
const PAYLOAD_BYTES: u32 = 1024;
/// All payloads of a page together, in bytes: far below what one control message may hold, whatever is escaped in it.
const PAGE_BYTES_MAX: u32 = 1024 * 1024;
/// Most events that are named one by one.
const NAMED_MAX: usize = 1_000;

/// Something that holds events, and the agent that owns it.
#[derive(Clone, Debug)]
struct Holder {
    queue: QueueRef,
    /// For people: `the queue orders`.
    name: String,
    agent: Option<AgentId>,
    /// Whether what was acknowledged is kept.
    keeps: bool,
    /// Of the audit trail: kind and id of the object.
    object: (&'static str, String),
    topic: LiveTopic,
}

/// What was done, as the audit trail keeps it.
#[derive(Debug, Serialize)]
struct Trail<'a> {
    task: &'a ShelfTask,
    /// None = the agent did not say.
    done: Option<&'a ShelfDone>,
}

impl App {
    /// A page of what is in a queue, oldest first.
    ///
    /// # Errors
    /// The caller may not, there is no such queue, its agent cannot be asked or refuses.
    pub async fn queue_events(&self, caller: &Caller, id: QueueId, query: ShelfQuery) -> Result<Page<QueuedEvent>> {
        caller.permit(Right::QueueRead)?;
        let holder = self.holding_queue(id).await?;
        self.look_at(caller, &holder, &query).await
    }

    /// A page of what waits for a route's sink, oldest first.
    ///
    /// # Errors
    /// The caller may not, there is no such route or it has no sink, its agent cannot be asked or refuses.
    pub async fn route_events(&self, caller: &Caller, id: RouteId, query: ShelfQuery) -> Result<Page<QueuedEvent>> {
        caller.permit(Right::QueueRead)?;
        let holder = self.holding_sink(id).await?;
        self.look_at(caller, &holder, &query).await
    }

    /// Does something to what is in a queue.
    ///
    /// # Errors
    /// The caller may not, there is no such queue, the input is wrong, its agent cannot be asked or refuses; or the
    /// database's.
    pub async fn handle_queue_events(&self, caller: &Caller, id: QueueId, task: ShelfTask) -> Result<ShelfDone> {
        let permit = caller.permit(Right::QueueHandle)?;
        let holder = self.holding_queue(id).await?;
        self.handle(permit, holder, task).await
    }

    /// Does something to what waits for a route's sink.
    ///
    /// # Errors
    /// The caller may not, there is no such route or it has no sink, the input is wrong, its agent cannot be asked or
    /// refuses; or the database's.
    pub async fn handle_route_events(&self, caller: &Caller, id: RouteId, task: ShelfTask) -> Result<ShelfDone> {
        let permit = caller.permit(Right::QueueHandle)?;
        let holder = self.holding_sink(id).await?;
        self.handle(permit, holder, task).await
    }

    /// A page of what an agent had for other agents and they refused, oldest first.
    ///
    /// # Errors
    /// The caller may not, there is no such agent, it cannot be asked or refuses.
    pub async fn agent_dead_letters(
        &self,
        caller: &Caller,
        id: AgentId,
        query: ShelfQuery,
    ) -> Result<Page<QueuedEvent>> {
        caller.permit(Right::QueueRead)?;
        let holder = self.holding_fabric(id).await?;
        let mut page = self.look_at(caller, &holder, &query).await?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let named = |text: &str| match text.strip_prefix("route ") {
            Some(route) => {
                let route = snapshot.mesh.routes.iter().find(|known| known.id.to_string() == route)?;
                Some(format!("route {}", route.spec.name))
            }
            None => fleet.agent(text.parse().ok()?).map(|agent| agent.name.clone()),
        };
        for event in &mut page.items {
            let name = event.consumer.as_deref().and_then(named);
            event.consumer = name.or(event.consumer.take());
        }
        Ok(page)
    }

    /// Does something to what an agent had for other agents and they refused.
    ///
    /// # Errors
    /// The caller may not, there is no such agent, the input is wrong, it cannot be asked or refuses; or the database's.
    pub async fn handle_agent_dead_letters(&self, caller: &Caller, id: AgentId, task: ShelfTask) -> Result<ShelfDone> {
        let permit = caller.permit(Right::QueueHandle)?;
        let holder = self.holding_fabric(id).await?;
        self.handle(permit, holder, task).await
    }

    async fn holding_fabric(&self, id: AgentId) -> Result<Holder> {
        let fleet = self.fleet_state().await?;
        let agent = fleet.agent(id).ok_or(Error::NotFound { what: "agent" })?;
        Ok(Holder {
            queue: QueueRef::Fabric,
            name: format!("the agent {}", agent.name),
            agent: Some(id),
            keeps: false,
            object: ("agent", id.to_string()),
            topic: LiveTopic::Topology,
        })
    }

    async fn holding_queue(&self, id: QueueId) -> Result<Holder> {
        let snapshot = self.snapshot().await?;
        let queue = snapshot.mesh.queues.iter().find(|queue| queue.id == id);
        let queue = queue.ok_or(Error::NotFound { what: "queue" })?;
        Ok(Holder {
            queue: QueueRef::Queue(id),
            name: format!("the queue {}", queue.spec.name),
            agent: snapshot.mesh.owner_at(queue.spec.site),
            keeps: queue.spec.keep.ms.is_some(),
            object: ("queue", id.to_string()),
            topic: LiveTopic::Queues,
        })
    }

    async fn holding_sink(&self, id: RouteId) -> Result<Holder> {
        let snapshot = self.snapshot().await?;
        let route = snapshot.mesh.routes.iter().find(|route| route.id == id);
        let route = route.ok_or(Error::NotFound { what: "route" })?;
        if !route.spec.has_sink() {
            return Err(Error::NotFound { what: "sink: the route goes to the mesh, where nothing waits for it" });
        }
        Ok(Holder {
            queue: QueueRef::Sink(id),
            name: format!("the route {}", route.spec.name),
            agent: snapshot.mesh.sink_owner(route),
            keeps: false,
            object: ("route", id.to_string()),
            topic: LiveTopic::Routes,
        })
    }

    async fn look_at(&self, caller: &Caller, holder: &Holder, query: &ShelfQuery) -> Result<Page<QueuedEvent>> {
        let mut errors = FieldErrors::default();
        holder.check_shelf(query.shelf, &mut errors);
        errors.check()?;
        let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_EVENTS_MAX);
        let payload_bytes_max = query.payload_bytes.unwrap_or(PAYLOAD_BYTES).min(PAGE_PAYLOAD_BYTES_MAX);
        let payload_bytes_max = payload_bytes_max.min(PAGE_BYTES_MAX / limit);
        let ask = QueueAsk::Browse { shelf: query.shelf, after: query.after, limit, payload_bytes_max };
        let agent = self.here(holder.agent).await?;
        match self.fleet().ask_queue(agent, holder.queue, ask).await? {
            Asked::Answered(QueueAnswer::Page(found)) => {
                let last = found.events.last().map(|event| event.position.to_string());
                let mask = self.mask(caller).await?;
                let items = found.events.into_iter().map(|event| mask.queued(event)).collect();
                Ok(Page { next: last.filter(|_| found.more), items, total: found.total })
            }
            Asked::Answered(QueueAnswer::Refused { reason }) => Err(Error::Conflict(reason)),
            Asked::Answered(QueueAnswer::Done { .. }) => Err(another_answer()),
            Asked::Unanswered => Err(Error::Unavailable("the agent did not answer in time: try again".to_owned())),
        }
    }

    /// Goes on to its end when whoever asked goes away: what an agent did belongs into the audit trail.
    async fn handle(&self, permit: Permit, holder: Holder, task: ShelfTask) -> Result<ShelfDone> {
        self.check_task(&holder, &task).await?;
        let (told, answered) = oneshot::channel();
        let app = self.clone();
        self.errands().spawn("queue content", async move {
            let _gone = told.send(app.carry_out(permit, &holder, task).await);
        });
        answered.await.unwrap_or_else(|_| Err(Error::Unavailable("the portal has just stopped".to_owned())))
    }

    async fn carry_out(&self, permit: Permit, holder: &Holder, task: ShelfTask) -> Result<ShelfDone> {
        let agent = self.here(holder.agent).await?;
        match self.fleet().ask_queue(agent, holder.queue, ask(&task)).await? {
            Asked::Answered(QueueAnswer::Done { events, stopped }) => {
                let done = ShelfDone { events, stopped };
                self.note(permit, holder, &task, Some(&done)).await?;
                Ok(done)
            }
            Asked::Answered(QueueAnswer::Refused { reason }) => Err(Error::Conflict(reason)),
            Asked::Answered(QueueAnswer::Page(_)) => Err(another_answer()),
            Asked::Unanswered => {
                self.note(permit, holder, &task, None).await?;
                Err(Error::Unavailable(
                    "the agent did not say in time what became of it: look again before you repeat it".to_owned(),
                ))
            }
        }
    }

    async fn check_task(&self, holder: &Holder, task: &ShelfTask) -> Result<()> {
        let mut errors = FieldErrors::default();
        if named(task).is_some_and(|positions| positions.is_empty() || positions.len() > NAMED_MAX) {
            errors.add("which", format_args!("names 1 to {NAMED_MAX} events, or says `all`"));
        }
        holder.check_shelf(shelf(task), &mut errors);
        if let ShelfTask::Move { to, .. } = task {
            let snapshot = self.snapshot().await?;
            let target = snapshot.mesh.queues.iter().find(|queue| queue.id == *to);
            match target.map(|target| snapshot.mesh.owner_at(target.spec.site)) {
                None => errors.add("to", "is not a queue of this environment"),
                Some(_) if holder.queue == QueueRef::Queue(*to) => errors.add("to", "is the queue they are in"),
                Some(owner) if owner != holder.agent => errors.add("to", "must be a queue of the same site"),
                Some(_) => {}
            }
        }
        errors.check()?;
        if matches!(task, ShelfTask::Replay { .. }) && !holder.keeps {
            return Err(Error::Conflict(format!(
                "{} keeps nothing that was acknowledged: set `keep_ms`, and what is acknowledged from then on can be replayed",
                holder.name
            )));
        }
        Ok(())
    }

    /// Puts what was done into the audit trail.
    async fn note(&self, permit: Permit, holder: &Holder, task: &ShelfTask, done: Option<&ShelfDone>) -> Result<()> {
        let target = match task {
            ShelfTask::Move { to, .. } => {
                let snapshot = self.snapshot().await?;
                snapshot.mesh.queues.iter().find(|queue| queue.id == *to).map(|queue| queue.spec.name.clone())
            }
            _ => None,
        };
        let summary = summary(task, &holder.name, target.as_deref(), done);
        let (kind, id) = &holder.object;
        let edit = self.edit(permit).await?;
        let done = Trail { task, done };
        edit.finish(Done::new(&format!("{kind}.handle"), id, &summary, holder.topic).after(&done)).await
    }
}

impl Holder {
    fn check_shelf(&self, shelf: Shelf, errors: &mut FieldErrors) {
        match (self.queue, shelf) {
            (QueueRef::Sink(_), Shelf::Acknowledged) => {
                errors.add("shelf", "is one that routes do not have: only named queues keep what was acknowledged");
            }
            (QueueRef::Fabric, Shelf::Waiting | Shelf::Acknowledged) => {
                errors.add("shelf", "must be `dead_letters`: an agent has no other for other agents");
            }
            _ => {}
        }
    }
}

/// The events that a task names one by one; none = it says which in another way.
fn named(task: &ShelfTask) -> Option<&[u64]> {
    match task {
        ShelfTask::Delete { which, .. } | ShelfTask::Retry { which } | ShelfTask::Move { which, .. } => match which {
            Which::These(positions) => Some(positions),
            Which::All => None,
        },
        ShelfTask::Replay { which: Replay::These(positions) } => Some(positions),
        ShelfTask::Replay { .. } => None,
    }
}

/// What a task is done to.
const fn shelf(task: &ShelfTask) -> Shelf {
    match task {
        ShelfTask::Delete { shelf, .. } | ShelfTask::Move { shelf, .. } => *shelf,
        ShelfTask::Retry { .. } => Shelf::DeadLetters,
        ShelfTask::Replay { .. } => Shelf::Acknowledged,
    }
}

fn ask(task: &ShelfTask) -> QueueAsk {
    match task.clone() {
        ShelfTask::Delete { shelf, which } => QueueAsk::Delete { shelf, which },
        ShelfTask::Retry { which } => QueueAsk::Retry { which },
        ShelfTask::Replay { which } => QueueAsk::Replay { which },
        ShelfTask::Move { shelf, which, to } => QueueAsk::Move { shelf, which, to },
    }
}

/// An agent that answers something else than what it was asked is not one this portal can work with.
fn another_answer() -> Error {
    Error::Unavailable(
        "the agent gave the answer to another question: its version does not fit the portal's".to_owned(),
    )
}

/// `deleted 12 dead letters of the queue orders`.
fn summary(task: &ShelfTask, holder: &str, target: Option<&str>, done: Option<&ShelfDone>) -> String {
    let (verb, past, rest) = match task {
        ShelfTask::Delete { .. } => ("delete", "deleted", String::new()),
        ShelfTask::Retry { .. } => ("retry", "retried", String::new()),
        ShelfTask::Replay { which } => ("replay", "replayed", chosen(which)),
        ShelfTask::Move { .. } => ("move", "moved", format!(" to the queue {}", target.unwrap_or("that is gone"))),
    };
    let shelf = shelf(task);
    match done {
        None => {
            format!("asked to {verb} {} of {holder}{rest}; the agent did not say what became of it", words(shelf, ""))
        }
        Some(done) => {
            // A replay is all or none: what the agent says beside it stopped nothing.
            let but = if matches!(task, ShelfTask::Replay { .. }) { "; " } else { "; then it stopped: " };
            let stopped = done.stopped.as_ref().map(|why| format!("{but}{why}")).unwrap_or_default();
            format!("{past} {} of {holder}{rest}{stopped}", words(shelf, done.events))
        }
    }
}

/// `, those from position 7 on`; empty where the number says it all.
fn chosen(which: &Replay) -> String {
    match which {
        Replay::All => ", all that were kept".to_owned(),
        Replay::FromPosition(position) => format!(", those from position {position} on"),
        Replay::SinceMs(at_ms) => format!(", those admitted since {}", moment(*at_ms)),
        Replay::These(_) => String::new(),
    }
}

/// `2026-11-28T21:30:00Z`; a year that no calendar has stays a number.
fn moment(at_ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1_000)).ok();
    let text = moment.and_then(|moment| moment.format(&Rfc3339).ok());
    text.unwrap_or_else(|| format!("{at_ms} ms after 1970"))
}

/// `12 dead letters`, `1 event`, and without a number `events`.
fn words(shelf: Shelf, number: impl Display) -> String {
    let number = number.to_string();
    let one = number == "1";
    let noun = match (shelf, one) {
        (Shelf::Waiting, true) => "event",
        (Shelf::Waiting, false) => "events",
        (Shelf::DeadLetters, true) => "dead letter",
        (Shelf::DeadLetters, false) => "dead letters",
        (Shelf::Acknowledged, true) => "acknowledged event",
        (Shelf::Acknowledged, false) => "acknowledged events",
    };
    format!("{number} {noun}").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trail_says_what_was_done_to_how_many_and_what_is_not_known() {
        let done = |events, stopped: Option<&str>| ShelfDone { events, stopped: stopped.map(str::to_owned) };
        let delete = ShelfTask::Delete { shelf: Shelf::DeadLetters, which: Which::All };
        let told = |task: &ShelfTask, done: Option<&ShelfDone>| summary(task, "the queue orders", Some("late"), done);
        assert_eq!(told(&delete, Some(&done(1, None))), "deleted 1 dead letter of the queue orders");
        assert_eq!(
            told(&delete, None),
            "asked to delete dead letters of the queue orders; the agent did not say what became of it"
        );
        let to = QueueId(uuid::Uuid::nil());
        let moved = ShelfTask::Move { shelf: Shelf::Waiting, which: Which::All, to };
        assert_eq!(
            told(&moved, Some(&done(12, Some("late is full")))),
            "moved 12 events of the queue orders to the queue late; then it stopped: late is full"
        );
        let retry = ShelfTask::Retry { which: Which::All };
        assert_eq!(told(&retry, Some(&done(2, None))), "retried 2 dead letters of the queue orders");
    }

    #[test]
    fn the_trail_says_from_when_on_events_were_replayed() {
        let told = |which, done: Option<u64>| {
            let done = done.map(|events| ShelfDone { events, stopped: None });
            summary(&ShelfTask::Replay { which }, "the queue orders", None, done.as_ref())
        };
        assert_eq!(
            told(Replay::SinceMs(1_795_901_400_999), Some(1)),
            "replayed 1 acknowledged event of the queue orders, those admitted since 2026-11-28T21:30:00Z"
        );
        assert_eq!(
            told(Replay::SinceMs(i64::MIN), Some(2)),
            "replayed 2 acknowledged events of the queue orders, those admitted since -9223372036854775808 ms after 1970"
        );
        assert_eq!(
            told(Replay::FromPosition(70), None),
            "asked to replay acknowledged events of the queue orders, those from position 70 on; the agent did not say \
             what became of it"
        );
        let all = ShelfDone { events: 9, stopped: Some("2 events are not readable any more".into()) };
        assert_eq!(
            summary(&ShelfTask::Replay { which: Replay::All }, "the queue orders", None, Some(&all)),
            "replayed 9 acknowledged events of the queue orders, all that were kept; 2 events are not readable any more"
        );
        let chosen = told(Replay::These(vec![7, 9]), Some(2));
        assert_eq!(chosen, "replayed 2 acknowledged events of the queue orders", "which they were is in the entry");
    }
}
