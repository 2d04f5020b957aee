//! What is durable and outlives the parts that serve it: the queues of sinks, the notes of sources.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mesh_protocol::id::{RouteId, SpoolId};
use mesh_protocol::topic::Filter;

use super::Shared;
use super::standin::StandIn;
use crate::causes::chain;
use crate::connector::{Letter, Letters, Notes};
use crate::counters::Counters;
use crate::letter::{self, DEAD_LETTERS_MAX, full_of_letters};
use crate::queue::named::DEAD;
use crate::queue::{DEAD_LETTERS, Pump, SINK, stillborn};
use crate::router::{Admitted, Attachment, Life, Outlet, Reach, Takes};
use crate::sink;
use crate::spool::{Addressed, Limits, Op, QueueNo, Store};
use crate::status::PartHandle;

/// What waits for a sink is looked at this often.
const DEPTH_EVERY: Duration = Duration::from_secs(1);
/// Names of sources' notes begin with this.
const SOURCE: &str = "source/";
/// A commit of the spool takes milliseconds; a disk that hangs must not hold up a source for ever.
const SAVED_WITHIN: Duration = Duration::from_secs(5);

/// What a sink's queue takes, and what is left to the sink itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SinkKind {
    /// The sink holds the acknowledgement of what a Kafka source answers for: one copy less, and its own order.
    Kafka,
    /// The queue takes everything guaranteed: an endpoint may need many attempts, and no source waits for that.
    Webhook,
}

impl SinkKind {
    /// What the queue takes.
    const fn kept(self) -> Takes {
        match self {
            Self::Kafka => Takes::KEPT,
            Self::Webhook => Takes::GUARANTEED,
        }
    }

    /// What the sink takes itself, and somebody else while it does not run.
    const fn unkept(self) -> Takes {
        match self {
            Self::Kafka => Takes::UNKEPT,
            Self::Webhook => Takes::DIRECT,
        }
    }
}

/// The queue of one sink: it takes what this agent answers for, whether the sink runs or not. For the rest somebody
/// stands in while the sink does not run.
#[derive(Debug)]
pub(super) struct SinkQueue {
    kind: SinkKind,
    spool: Arc<Store>,
    counters: Counters,
    name: Arc<str>,
    number: QueueNo,
    dead: QueueNo,
    attachment: Attachment,
    filters: Mutex<HashSet<Filter>>,
    stand_in: Arc<StandIn>,
}

impl SinkQueue {
    /// Opens the queue of a route, with what is in it from before.
    pub(super) fn open(route: RouteId, kind: SinkKind, shared: &Shared) -> Self {
        let name: Arc<str> = format!("{SINK}{route}").into();
        let number = shared.spool.open_queue(&name, shared.spool.core().share());
        Self {
            kind,
            spool: shared.spool.clone(),
            counters: shared.counters.clone(),
            dead: shared.spool.open_queue(&format!("{DEAD}{name}").into(), dead_limits()),
            name,
            number,
            attachment: shared.router.attach_queue(number.0, Reach::Local),
            filters: Mutex::default(),
            stand_in: StandIn::new(
                &shared.router,
                Reach::Local,
                kind.unkept(),
                sink::destination(&shared.router, route, ""),
                &shared.counters,
            ),
        }
    }

    /// What it attracts from now on.
    pub(super) fn want(&self, wanted: &[Filter]) {
        let wanted: HashSet<Filter> = wanted.iter().cloned().collect();
        self.stand_in.want(wanted.iter().cloned());
        let mut filters = self.filters.lock().expect("no panic while held");
        for filter in wanted.difference(&filters) {
            self.attachment.subscribe_for(filter, 0, Life::Durable, self.kind.kept());
        }
        filters.difference(&wanted).for_each(|filter| self.attachment.unsubscribe(filter, 0));
        *filters = wanted;
    }

    /// What it attracts now.
    pub(super) fn wanted(&self) -> Vec<Filter> {
        self.filters.lock().expect("no panic while held").iter().cloned().collect()
    }

    /// Of which kind the sink is.
    pub(super) fn kind(&self) -> SinkKind {
        self.kind
    }

    /// The spool it is in.
    pub(super) fn spool_id(&self) -> SpoolId {
        self.spool.id()
    }

    /// Who answers while the sink does not run, for what the queue does not take.
    pub(super) fn stand_in(&self) -> &StandIn {
        &self.stand_in
    }

    /// Keeps the figure of what waits for the sink fresh on its line.
    pub(super) async fn tell_depth(self: Arc<Self>, line: Arc<PartHandle>) {
        let mut timer = tokio::time::interval(DEPTH_EVERY);
        loop {
            timer.tick().await;
            let depth = self.spool.core().standing(self.number).map_or(0, |standing| standing.events);
            line.figure("queued_events", depth);
            let dead = self.spool.core().standing(self.dead).map_or(0, |standing| standing.events);
            line.figure("dead_letter_events", dead);
        }
    }

    /// Serves the queue to the running sink.
    pub(super) fn pump(&self, outlet: Arc<dyn Outlet>) -> Pump {
        Pump::new(self.spool.clone(), (self.name.clone(), self.number), self.dead, outlet, &self.counters)
    }
}

const fn dead_limits() -> Limits {
    Limits { events_max: DEAD_LETTERS_MAX, ..Limits::NONE }
}

/// Ends the queues of routes that are no more. A route that is only paused is still in the document.
pub(super) fn close_gone(spool: &Store, sinks: &[RouteId], sources: &[RouteId]) {
    let is_kept = |route: &str| route.parse().is_ok_and(|route| sinks.contains(&route));
    spool.close_others(SINK, is_kept);
    spool.close_others(&format!("{DEAD}{SINK}"), is_kept);
    spool.close_others(SOURCE, |route| route.parse().is_ok_and(|route| sources.contains(&route)));
}

/// Notes of sources: each is that of a queue which never has an event.
#[derive(Clone, Debug)]
pub(super) struct SourceNotes(pub(super) Arc<Store>);

impl Notes for SourceNotes {
    fn load(&self, route: RouteId) -> Option<Bytes> {
        let core = self.0.core();
        core.note(core.queue(&format!("{SOURCE}{route}"))?)
    }

    fn save(&self, route: RouteId, note: Bytes) -> bool {
        let queue = self.0.open_queue(&format!("{SOURCE}{route}").into(), Limits::NONE);
        let (told, answer) = std::sync::mpsc::channel();
        // Nobody listens any more after the wait.
        let answer_with = Box::new(move |done: Result<_, _>| told.send(done.is_ok()).unwrap_or_default());
        self.0.submit_with(Op::Note { queue, note }, answer_with);
        answer.recv_timeout(SAVED_WITHIN).unwrap_or(false)
    }
}

/// What sources can never bring in is with what other agents refuse: this agent is where it began.
#[derive(Clone, Debug)]
pub(super) struct SourceLetters(pub(super) Arc<Store>);

#[async_trait]
impl Letters for SourceLetters {
    async fn bury(&self, route: RouteId, letters: Vec<Letter>) -> Result<(), String> {
        let queue = self.0.open_queue(&DEAD_LETTERS.into(), Limits::NONE);
        let there = self.0.core().standing(queue).map_or(0, |standing| standing.events);
        if there + letters.len() as u64 > DEAD_LETTERS_MAX {
            return Err(full_of_letters(there));
        }
        let events = letters
            .iter()
            .map(|Letter { event, reason, diverted_from }| match diverted_from {
                None => stillborn(event, route, reason, queue),
                Some(client_id) => Addressed {
                    event: Admitted::diverted(letter::diverted(event, client_id, reason)),
                    queues: std::iter::once(queue).collect(),
                    redelivered: false,
                },
            })
            .collect();
        let done = self.0.ask(Op::Append { events, mark: None, claim: None }).await;
        done.map(drop).map_err(|refusal| chain(&refusal))
    }
}
