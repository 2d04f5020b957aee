//! Last values for other agents: what is wanted somewhere from now on brings the last values of its topics along.
//!
//! An agent sends those that were admitted at its own site (to one that took a lost one's place: all), when another one begins
//! to want a filter, through
//! that one's queue: in the order of its key with what is new, kept until it is taken, judged by the scopes when it is sent.
//! A filter that is already there, because it is durable and survived a restart say, brings only what was published best
//! effort while the agent was out of reach: all else is in the queue. The other agent keeps what is later than what it knows, and shows that to who subscribed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use mesh_protocol::id::AgentId;
use mesh_protocol::topic::Filter;

use super::core::Core;
use crate::causes::chain;
use crate::router::{Admitted, Arrival, EVENT_OVERHEAD_BYTES, Router};
use crate::spool::{Addressed, Op, QueueNo, Queues, Recall, Store, Whose};
use crate::stream::Moment;

/// Filters whose last values are looked up together.
const FILTERS_MAX: usize = 64;
/// Nothing is added to a queue that holds more bytes than this.
const BACKLOG_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// An agent may be silent for this long before that is noticed.
const UNNOTICED_MS: i64 = 10_000;
/// Filters that wait; more are one walk through everything.
const WAITING_MAX: usize = 256;
/// Between walks through many values, so that clients that come and go do not keep the disk busy.
const WIDE_PAUSE: Duration = Duration::from_millis(100);
/// After a queue or the spool was full.
const PAUSE: Duration = Duration::from_secs(1);

/// What another agent is still to get.
#[derive(Debug, Default)]
pub(super) struct Recalls {
    waiting: VecDeque<Recall>,
    /// Some of it is being looked up.
    is_busy: bool,
    /// Its disk knows nothing: values of other sites, too.
    of_everybody: bool,
    not_before: Moment,
}

/// What became of a look-up: what is left of it, whether there was no room, and whether many values were looked through.
#[derive(Debug)]
pub(super) struct Told {
    agent: AgentId,
    rest: Vec<Recall>,
    was_full: bool,
    was_wide: bool,
}

fn recall(filter: Filter, direct_since: Option<i64>) -> Recall {
    Recall { filter, after: None, whose: Whose::All, direct_since }
}

/// Everything; what the agent does not want is left out when it is found.
fn everything(direct_since: Option<i64>) -> Option<Recall> {
    Filter::mesh(">").ok().map(|filter| recall(filter, direct_since))
}

impl Recalls {
    /// For an agent that takes the place of a lost one.
    pub(super) fn of_everybody() -> Self {
        let mut recalls = Self { of_everybody: true, ..Self::default() };
        recalls.add_all();
        recalls
    }

    /// It begins to want this.
    pub(super) fn add(&mut self, filter: &Filter) {
        let is_same = |other: &Recall| other.direct_since.is_none() && other.after.is_none() && other.filter == *filter;
        if self.waiting.iter().any(is_same) {
            return;
        }
        if self.waiting.len() >= WAITING_MAX {
            // One walk through all of them is less than one for each.
            return self.add_all();
        }
        self.waiting.push_back(recall(filter.clone(), None));
    }

    /// All that it wants.
    pub(super) fn add_all(&mut self) {
        self.waiting = everything(None).into_iter().collect();
    }

    /// It wants this no more.
    pub(super) fn remove(&mut self, filter: &Filter) {
        self.waiting.retain(|other| other.filter != *filter);
    }

    /// It was out of reach since a time, in milliseconds since 1970: what is best effort may have been lost.
    pub(super) fn missed(&mut self, since_ms: i64) {
        let since_ms = since_ms.saturating_sub(UNNOTICED_MS);
        let earlier = self.waiting.iter().filter_map(|other| other.direct_since).min();
        self.waiting.retain(|other| other.direct_since.is_none());
        self.waiting.extend(everything(Some(earlier.map_or(since_ms, |earlier| earlier.min(since_ms)))));
    }

    /// Whether there is something that it has not got.
    pub(super) fn is_pending(&self) -> bool {
        self.is_busy || !self.waiting.is_empty()
    }
}

impl Core {
    /// Looks up what other agents began to want.
    pub(super) fn recall_due(&mut self) {
        let has_values = self.parts.spool.core().has_values();
        let Some(site) = self.parts.enforcer.enforced().map(|enforced| enforced.site.id) else { return };
        let now = self.clock.now();
        for (agent, peer) in &mut self.peers {
            let recalls = &mut peer.recalls;
            if !has_values && !recalls.waiting.is_empty() {
                recalls.waiting.clear();
                if !recalls.is_busy {
                    peer.recalled();
                }
                continue;
            }
            let is_due = !recalls.waiting.is_empty() && !recalls.is_busy && now >= recalls.not_before;
            if !is_due || !peer.live || peer.kept.backlog().1 > BACKLOG_BYTES_MAX {
                continue;
            }
            recalls.is_busy = true;
            let whose = if recalls.of_everybody { Whose::All } else { Whose::Of(site) };
            let count = recalls.waiting.len().min(FILTERS_MAX);
            let some = recalls.waiting.drain(..count).map(|recall| Recall { whose, ..recall }).collect();
            let queue = peer.kept.queue();
            let (spool, router) = (self.parts.spool.clone(), self.parts.router.clone());
            self.recalls.push(look_up(spool, router, (*agent, queue), some));
        }
    }

    pub(super) fn on_recalled(&mut self, told: Told) {
        let Told { agent, rest, was_full, was_wide } = told;
        let now = self.clock.now();
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        let recalls = &mut peer.recalls;
        recalls.is_busy = false;
        let pause = [(was_full, PAUSE), (was_wide, WIDE_PAUSE)].into_iter().filter(|(is_so, _)| *is_so);
        if let Some(pause) = pause.map(|(_, pause)| pause).max() {
            recalls.not_before = now.after(pause);
        }
        for recall in rest.into_iter().rev() {
            recalls.waiting.push_front(recall);
        }
        if recalls.waiting.is_empty() {
            recalls.of_everybody = false;
            peer.recalled();
        }
    }

    /// Best effort events that are to be the last values of their topics. Nobody waits for that, so they go without it when
    /// there is no room.
    pub(super) fn keep_values(&self, arrivals: &[Arrival]) {
        let values = arrivals.iter().map(|arrival| &arrival.event).filter(|event| event.is_last_value());
        for event in values {
            let bytes = event.event().payload.len() + EVENT_OVERHEAD_BYTES;
            match self.parts.router.budget().try_take(bytes) {
                Ok(admission) => self.parts.spool.keep_value(event.clone(), admission),
                Err(_) => self.counts.not_retained.one(),
            }
        }
    }
}

fn look_up(
    spool: Arc<Store>,
    router: Router,
    (agent, queue): (AgentId, QueueNo),
    some: Vec<Recall>,
) -> BoxFuture<'static, Told> {
    Box::pin(async move {
        let was_wide = some.iter().any(|recall| !recall.filter.literal().1);
        let told = move |rest, was_full| Told { agent, rest, was_full, was_wide };
        // What was published before the filter was there is on disk, and what comes later is in the queue as new.
        if spool.settled().await.is_err() {
            return told(some, true);
        }
        let mut some = some.into_iter();
        while let Some(mut recall) = some.next() {
            let page = match spool.recall(recall.clone()).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(error = %chain(&error), filter = %recall.filter, "retained events cannot be read");
                    return told(std::iter::once(recall).chain(some).collect(), true);
                }
            };
            let to = |event| Addressed { event, queues: Queues::from_iter([queue]), redelivered: false };
            let is_wanted = |event: &Admitted| router.is_for(queue.0, &event.event().topic);
            let events: Vec<Addressed> = page.events.into_iter().filter(is_wanted).map(to).collect();
            let is_nothing = events.is_empty();
            let append = Op::Append { events, mark: None, claim: None };
            if !is_nothing && spool.ask(append).await.is_err() {
                return told(std::iter::once(recall).chain(some).collect(), true);
            }
            if page.next.is_some() {
                recall.after = page.next;
                // The queue is looked at before there is more.
                return told(std::iter::once(recall).chain(some).collect(), false);
            }
        }
        told(Vec::new(), false)
    })
}
