//! Last values for other agents: what is wanted somewhere from now on brings the last values of its topics along.
//!
//! An agent sends those that were admitted at its own site, once for each filter that another one begins to want, through
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
use crate::router::{Admitted, Arrival, Router};
use crate::spool::{Addressed, Op, QueueNo, Queues, Recall, Store};
use crate::stream::Moment;

/// Filters whose last values are looked up together.
const FILTERS_MAX: usize = 64;
/// Nothing is added to a queue that holds more bytes than this.
const BACKLOG_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// An agent may be silent for this long before that is noticed.
const UNNOTICED_MS: i64 = 10_000;
/// After a queue or the spool was full.
const PAUSE: Duration = Duration::from_secs(1);

/// What another agent is still to get.
#[derive(Debug, Default)]
pub(super) struct Recalls {
    waiting: VecDeque<Recall>,
    /// Some of it is being looked up.
    is_busy: bool,
    not_before: Moment,
}

/// What became of a look-up: what is left of it, and whether there was no room.
pub(super) type Told = (AgentId, Vec<Recall>, bool);

impl Recalls {
    /// It begins to want this.
    pub(super) fn add(&mut self, filter: &Filter) {
        let filter = filter.clone();
        self.waiting.push_back(Recall { filter, after: None, admitted_at: None, direct_since: None });
    }

    /// It was out of reach since a time, in milliseconds since 1970: what is best effort may have been lost.
    pub(super) fn missed(&mut self, since_ms: i64) {
        let Ok(filter) = Filter::mesh(">") else { return };
        let direct_since = Some(since_ms.saturating_sub(UNNOTICED_MS));
        self.waiting.push_back(Recall { filter, after: None, admitted_at: None, direct_since });
    }
}

impl Core {
    /// Looks up what other agents began to want.
    pub(super) fn recall_due(&mut self) {
        let has_values = self.parts.spool.core().values().0 > 0;
        let site = self.parts.enforcer.enforced().map(|enforced| enforced.site.id);
        let now = self.clock.now();
        for (agent, peer) in &mut self.peers {
            if !has_values {
                peer.recalls.waiting.clear();
            }
            let recalls = &mut peer.recalls;
            let is_due = !recalls.waiting.is_empty() && !recalls.is_busy && now >= recalls.not_before;
            if !is_due || !peer.live || peer.kept.backlog().1 > BACKLOG_BYTES_MAX {
                continue;
            }
            recalls.is_busy = true;
            let count = recalls.waiting.len().min(FILTERS_MAX);
            let some = recalls.waiting.drain(..count).map(|recall| Recall { admitted_at: site, ..recall }).collect();
            let queue = peer.kept.queue();
            let (spool, router) = (self.parts.spool.clone(), self.parts.router.clone());
            self.recalls.push(look_up(spool, router, (*agent, queue), some));
        }
    }

    pub(super) fn on_recalled(&mut self, (agent, rest, was_full): Told) {
        let now = self.clock.now();
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        peer.recalls.is_busy = false;
        if was_full {
            peer.recalls.not_before = now.after(PAUSE);
        }
        for recall in rest.into_iter().rev() {
            peer.recalls.waiting.push_front(recall);
        }
    }

    /// Best effort events that are to be the last values of their topics. Nobody waits for that.
    pub(super) fn keep_values(&self, arrivals: &[Arrival]) {
        let values = arrivals.iter().map(|arrival| &arrival.event).filter(|event| event.is_last_value());
        let keep = |event: &Admitted| Addressed { event: event.clone(), queues: Queues::new(), redelivered: false };
        let events: Vec<Addressed> = values.map(keep).collect();
        if !events.is_empty() {
            self.parts.spool.keep_values(events);
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
        // What was published before the filter was there is on disk, and what comes later is in the queue as new.
        if spool.settled().await.is_err() {
            return (agent, Vec::new(), false);
        }
        let mut some = some.into_iter();
        while let Some(mut recall) = some.next() {
            let page = match spool.recall(recall.clone()).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(error = %chain(&error), filter = %recall.filter, "retained events cannot be read");
                    continue;
                }
            };
            let to = |event| Addressed { event, queues: Queues::from_iter([queue]), redelivered: false };
            let is_wanted = |event: &Admitted| router.is_for(queue.0, &event.event().topic);
            let events: Vec<Addressed> = page.events.into_iter().filter(is_wanted).map(to).collect();
            let is_nothing = events.is_empty();
            let append = Op::Append { events, mark: None, claim: None };
            if !is_nothing && spool.ask(append).await.is_err() {
                return (agent, std::iter::once(recall).chain(some).collect(), true);
            }
            if page.next.is_some() {
                recall.after = page.next;
                // The queue is looked at before there is more.
                return (agent, std::iter::once(recall).chain(some).collect(), false);
            }
        }
        (agent, Vec::new(), false)
    })
}
