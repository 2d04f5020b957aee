//! Last values (retained events) for a new subscription, page by page, as far as the client takes them.
//!
//! What is wanted at QoS 1 and 2 goes through the session's queue like everything else; the spool leaves out what is not the
//! last value any more when its turn comes. A value that another site has comes later, when that site has learned of the
//! subscription.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::topic::Filter;

use super::outbox::Options;
use super::session::Session;
use crate::causes::chain;
use crate::policy::Enforcer;
use crate::router::Admitted;
use crate::spool::{Addressed, DiskError, Done, Op, QueueNo, Queues, Recall, Store, Whose};

/// Nothing is added to a session's queue that holds as many events.
const QUEUED_MAX: u64 = 1_000;
/// Until it is looked at again.
const PAUSE: Duration = Duration::from_millis(50);

/// What is left to fetch for one subscription.
#[derive(Clone, Debug)]
struct Job {
    filter: Filter,
    options: Options,
    after: Option<Bytes>,
}

/// A page was fetched.
#[derive(Debug)]
pub(super) struct Step {
    job: Job,
    /// What does not go through the queue.
    direct: Vec<Admitted>,
    /// How many do.
    queued: usize,
}

/// Last values on their way to a client.
#[derive(Default)]
pub(super) struct Recalling {
    jobs: VecDeque<Job>,
    now: Option<BoxFuture<'static, Step>>,
    /// In the session's queue, and not sent yet.
    queued: usize,
}

impl Recalling {
    /// Waits for the next page. Cancel-safe.
    pub(super) async fn next(&mut self) -> Step {
        let Some(now) = &mut self.now else { return std::future::pending().await };
        let step = now.await;
        self.now = None;
        step
    }
}

impl Session {
    /// The client is to get the last values of what it has just subscribed to.
    pub(super) fn recall(&mut self) {
        let asked = self.subscriptions.asked();
        if self.server.common.spool.core().has_values() {
            for (filter, options) in asked {
                self.recalling.jobs.retain(|job| job.filter != filter);
                self.recalling.jobs.push_back(Job { filter, options, after: None });
            }
            self.fetch();
        }
    }

    /// It has taken a subscription back.
    pub(super) fn recall_no_more(&mut self, filter: &str) {
        self.recalling.jobs.retain(|job| job.filter.text() != filter);
    }

    /// One of those in the session's queue was its turn.
    pub(super) fn one_recalled(&mut self) {
        self.recalling.queued = self.recalling.queued.saturating_sub(1);
        self.fetch();
    }

    fn fetch(&mut self) {
        if self.recalling.now.is_some() {
            return;
        }
        let job = self.recalling.jobs.pop_front();
        self.outbox.recalling(job.is_some() || self.recalling.queued > 0);
        let Some(job) = job else { return };
        let queue = self.feed.as_ref().filter(|_| job.options.acknowledged).map(super::feed::Feed::number);
        let (spool, enforcer) = (self.server.common.spool.clone(), self.server.common.enforcer.clone());
        self.recalling.now = Some(Box::pin(fetch(spool, enforcer, queue, job)));
    }

    /// A page is there.
    pub(super) fn recalled(&mut self, step: Step) {
        let Step { job, mut direct, queued } = step;
        self.recalling.queued += queued;
        direct.retain(|event| !(job.options.no_local && self.is_own(event.event())));
        self.outbox.recall(direct, &job.options);
        let is_held = self.subscriptions.all().any(|(filter, _)| *filter == job.filter);
        if job.after.is_some() && is_held && !self.recalling.jobs.iter().any(|other| other.filter == job.filter) {
            self.recalling.jobs.push_front(job);
        }
        self.fetch();
    }
}

async fn fetch(spool: Arc<Store>, enforcer: Arc<Enforcer>, queue: Option<QueueNo>, mut job: Job) -> Step {
    if let Some(queue) = queue {
        // No more than the client takes: what is new must find room.
        while spool.core().standing(queue).is_some_and(|standing| standing.events >= QUEUED_MAX) {
            tokio::time::sleep(PAUSE).await;
        }
    }
    let page = page(&spool, &job).await;
    let recalled = page.unwrap_or_else(|error| {
        tracing::error!(error = %chain(&error), filter = %job.filter, "retained events cannot be read");
        crate::spool::Recalled::default()
    });
    job.after = recalled.next;
    let (mut direct, mut kept) = (Vec::new(), Vec::new());
    // What came here before a scope was tightened must not be read any more; the client's own rights are looked at later.
    let may_be_here = |event: &Admitted| enforcer.check_here(&event.event().topic).is_ok();
    for event in recalled.events.into_iter().filter(may_be_here) {
        match queue.filter(|_| event.event().mode == DeliveryMode::Guaranteed) {
            Some(queue) => kept.push(Addressed { event, queues: Queues::from_iter([queue]), redelivered: false }),
            None => direct.push(event),
        }
    }
    let mut queued = kept.len();
    if !kept.is_empty() {
        match spool.ask(Op::Append { events: kept, mark: None, claim: None }).await {
            Ok(Done::Older(older)) => queued -= older.len(),
            Ok(_) => {}
            Err(refusal) => {
                tracing::warn!(%refusal, filter = %job.filter, "retained events do not reach a subscriber");
                queued = 0;
            }
        }
    }
    Step { job, direct, queued }
}

async fn page(spool: &Store, job: &Job) -> Result<crate::spool::Recalled, DiskError> {
    if job.after.is_none() {
        // What was published before the subscription is on disk, and what comes later is delivered as new.
        spool.settled().await.map_err(|_| DiskError::Failed)?;
    }
    let (filter, after) = (job.filter.clone(), job.after.clone());
    spool.recall(Recall { filter, after, whose: Whose::Shown, direct_since: None }).await
}
