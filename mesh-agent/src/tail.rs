//! What people ask of the agent through the portal: publishes and live tails on a principal's own rights ("Try it"), and looks
//! into queues and Kafka topics, which the portal permits itself.
//!
//! A publish goes the way of every client's: session, permit, router, receipt. A tail is an outlet with a bounded
//! queue; what does not fit is dropped and counted to the watcher, never held against the sender. Both belong to the
//! control session that asked: when its answer channel closes, tails end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mesh_protocol::browse::{TopicAnswer, TopicAsk};
use mesh_protocol::event::{DeliveryMode, Event, Headers, Origin, Protocol};
use mesh_protocol::id::{PrincipalId, SiteId};
use mesh_protocol::policy::DenyReason;
use mesh_protocol::queue::{QueueAnswer, QueueAsk, QueueRef};
use mesh_protocol::topic::{Filter, Topic};
use mesh_protocol::wire::{PublishOutcome, TailEvent, ToControl};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::browse::Topics;
use crate::control::session::{Desk, Request};
use crate::policy::{Denied, Enforcer, Session};
use crate::queue::named::{self, Queues};
use crate::router::{Admitted, Delivery, EVENT_OVERHEAD_BYTES, Failure, Life, Outcome, Outlet, Reach, Router};
use crate::status::now_ms;
use crate::task::Tasks;

/// Tails and publishes at once; one more is answered with a reason.
const REQUESTS_MAX: usize = 64;
/// Events of one tail waiting to leave.
const QUEUE_EVENTS_MAX: usize = 256;
/// Events in one message.
const MESSAGE_EVENTS_MAX: usize = 64;
/// Largest piece of a payload a tail shows, whatever was asked for.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// How long a guaranteed publish waits for custody.
const CUSTODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for the revision that makes its client known.
const POLICY_PATIENCE: Duration = Duration::from_secs(3);
const BUSY: &str = "this agent serves as many requests of the portal as it may; try again in a moment";
/// Client id of these sessions.
const CLIENT_ID: &str = "portal";

/// Serves the portal's requests.
#[derive(Debug)]
pub struct PortalDesk {
    enforcer: Arc<Enforcer>,
    router: Router,
    queues: Arc<Queues>,
    topics: Arc<Topics>,
    tasks: Tasks,
    tails: Arc<Mutex<HashMap<u64, CancellationToken>>>,
    busy: Arc<tokio::sync::Semaphore>,
}

impl PortalDesk {
    /// A desk that works for these.
    #[must_use]
    pub fn new(
        enforcer: Arc<Enforcer>,
        router: Router,
        queues: Arc<Queues>,
        topics: Arc<Topics>,
        tasks: Tasks,
    ) -> Self {
        let busy = Arc::new(tokio::sync::Semaphore::new(REQUESTS_MAX));
        Self { enforcer, router, queues, topics, tasks, tails: Arc::default(), busy }
    }

    fn publish(&self, request: u64, publish: Publish, answers: mpsc::Sender<ToControl>) {
        let Ok(place) = self.busy.clone().try_acquire_owned() else {
            let outcome = PublishOutcome::Failed { reason: BUSY.to_owned() };
            return answer(&answers, ToControl::Published { request, outcome });
        };
        let (enforcer, router) = (self.enforcer.clone(), self.router.clone());
        self.tasks.spawn_until_stopped("portal publish", async move {
            let outcome = publish.make(&enforcer, &router).await;
            drop(place);
            answer(&answers, ToControl::Published { request, outcome });
        });
    }

    fn ask(&self, request: u64, queue: QueueRef, ask: QueueAsk, answers: mpsc::Sender<ToControl>) {
        let told = move |given| ToControl::QueueAnswer { request, answer: given };
        let Ok(place) = self.busy.clone().try_acquire_owned() else {
            return answer(&answers, told(QueueAnswer::Refused { reason: BUSY.to_owned() }));
        };
        let queues = self.queues.clone();
        self.tasks.spawn_until_stopped("queue content", async move {
            let given = named::answer(&queues, queue, ask).await;
            drop(place);
            answer(&answers, told(given));
        });
    }

    fn look(&self, request: u64, ask: TopicAsk, answers: mpsc::Sender<ToControl>) {
        let told = move |given| ToControl::TopicAnswer { request, answer: given };
        let Ok(place) = self.busy.clone().try_acquire_owned() else {
            return answer(&answers, told(TopicAnswer::Refused { reason: BUSY.to_owned() }));
        };
        let topics = self.topics.clone();
        self.tasks.spawn_until_stopped("topic content", async move {
            let given = topics.answer(ask).await;
            drop(place);
            answer(&answers, told(given));
        });
    }

    fn open(&self, request: u64, watch: Watch, answers: mpsc::Sender<ToControl>) {
        let closed = move |reason: String| ToControl::TailClosed { request, reason };
        let Ok(place) = self.busy.clone().try_acquire_owned() else {
            return answer(&answers, closed("this agent shows as many tails as it may; close one first".to_owned()));
        };
        let token = CancellationToken::new();
        if let Some(before) = self.tails.lock().expect("no panic while held").insert(request, token.clone()) {
            before.cancel();
        }
        let (enforcer, router, tails) = (self.enforcer.clone(), self.router.clone(), self.tails.clone());
        self.tasks.spawn_until_stopped("tail", async move {
            match allowed(&enforcer, &watch).await {
                Ok(session) => Tail { request, watch, session, enforcer, answers }.run(&router, token.clone()).await,
                Err(denied) => answer(&answers, closed(words(&denied))),
            }
            let mut tails = tails.lock().expect("no panic while held");
            if token.is_cancelled() {
                // Closed or replaced: whoever did it has taken care of the entry.
                drop(place);
                return;
            }
            tails.remove(&request);
            drop(place);
        });
    }

    fn close(&self, request: u64) {
        if let Some(token) = self.tails.lock().expect("no panic while held").remove(&request) {
            token.cancel();
        }
    }
}

impl Desk for PortalDesk {
    fn take(&self, request: Request, answers: &mpsc::Sender<ToControl>) {
        match request {
            Request::Publish { request, principal, topic, payload, mode } => {
                self.publish(request, Publish { principal, topic, payload, mode }, answers.clone());
            }
            Request::OpenTail { request, principal, filter, payload_bytes_max } => {
                self.open(request, Watch { principal, filter, payload_bytes_max }, answers.clone());
            }
            Request::AskQueue { request, queue, ask } => self.ask(request, queue, ask, answers.clone()),
            Request::AskTopic { request, ask } => self.look(request, ask, answers.clone()),
            Request::CloseTail { request } => self.close(request),
        }
    }
}

/// The principal's session. One that is not known yet may come with the next revision, which the portal made a moment
/// ago for this very request.
async fn session(enforcer: &Enforcer, principal: PrincipalId) -> Result<Session, Denied> {
    let deadline = Instant::now() + POLICY_PATIENCE;
    let mut changes = enforcer.changes();
    loop {
        changes.borrow_and_update();
        let denied = match enforcer.session(principal, CLIENT_ID) {
            Err(denied @ Denied::ByPolicy(DenyReason::UnknownUser)) => denied,
            decided => return decided,
        };
        if timeout_at(deadline, changes.changed()).await.is_err() {
            return Err(denied);
        }
    }
}

/// The session of a watcher who may watch.
async fn allowed(enforcer: &Enforcer, watch: &Watch) -> Result<Session, Denied> {
    let session = session(enforcer, watch.principal).await?;
    enforcer.check_subscribe(&session, &watch.filter)?;
    Ok(session)
}

/// For the person at the portal, who may know what a client may not.
fn words(denied: &Denied) -> String {
    match denied {
        Denied::ByPolicy(DenyReason::UnknownUser) => {
            "the agent does not know this client yet: its policy is not the newest".to_owned()
        }
        Denied::ByPolicy(reason) => reason.detail(),
        other => other.to_string(),
    }
}

/// Never waits: a session that does not take its answers loses them, and says so by its own end.
fn answer(answers: &mpsc::Sender<ToControl>, message: ToControl) {
    if answers.try_send(message).is_err() {
        tracing::debug!("nobody waits for an answer any more");
    }
}

struct Publish {
    principal: PrincipalId,
    topic: Topic,
    payload: String,
    mode: DeliveryMode,
}

impl Publish {
    async fn make(self, enforcer: &Enforcer, router: &Router) -> PublishOutcome {
        let failed = |reason: &str| PublishOutcome::Failed { reason: reason.to_owned() };
        let Some(site) = enforcer.enforced().map(|enforced| enforced.site.id) else {
            return failed("the agent has no policy yet; look at its state");
        };
        let session = match session(enforcer, self.principal).await {
            Ok(session) => session,
            Err(denied) => return PublishOutcome::Denied { reason: words(&denied) },
        };
        let bytes = self.payload.len() + EVENT_OVERHEAD_BYTES;
        let permit = match enforcer.permit(&session, self.event(site)) {
            Ok(permit) => permit,
            Err(denied) => return PublishOutcome::Denied { reason: words(&denied) },
        };
        let Ok(admission) = router.budget().try_take(bytes) else {
            return failed("the agent is overloaded; try again in a moment");
        };
        let diverted = permit.diverted().map(|invalid| format!("{invalid}; it is a dead letter of this agent now"));
        let event = permit.admit();
        if event.event().mode == DeliveryMode::Direct {
            let outlets = router.publish_direct(event, None);
            return PublishOutcome::Accepted { outlets: u32::try_from(outlets).unwrap_or(u32::MAX) };
        }
        match (timeout(CUSTODY_TIMEOUT, router.publish(vec![event], admission, None)).await, diverted) {
            (Ok(Outcome::Taken { .. }), Some(reason)) => PublishOutcome::Denied { reason },
            (Ok(Outcome::Taken { outlets }), None) => PublishOutcome::Accepted { outlets },
            (Ok(Outcome::Unrouted), _) => PublishOutcome::Accepted { outlets: 0 },
            (Ok(Outcome::Failed(Failure::Refused(reason))), _) => {
                failed(&format!("a destination refused it: {reason}"))
            }
            (Ok(Outcome::Failed(Failure::Full(reason) | Failure::Again { reason, .. })), _) => failed(&reason),
            (Ok(Outcome::Failed(Failure::Lost)), _) => {
                failed("a destination ended before it took the event; publish again")
            }
            (Err(_), _) => failed("no destination took it in 10 s: is a sink or a link down?"),
        }
    }

    fn event(self, site: SiteId) -> Event {
        Event {
            key: Bytes::copy_from_slice(self.topic.as_str().as_bytes()),
            topic: self.topic,
            payload: Bytes::from(self.payload),
            headers: Headers::default(),
            mode: self.mode,
            admitted_at_ms: now_ms(),
            ttl_ms: None,
            origin: Origin { site, principal: Some(self.principal), protocol: Protocol::Mesh },
            path: Vec::new(),
            retain: false,
        }
    }
}

struct Watch {
    principal: PrincipalId,
    filter: Filter,
    payload_bytes_max: u32,
}

struct Tail {
    request: u64,
    watch: Watch,
    session: Session,
    enforcer: Arc<Enforcer>,
    answers: mpsc::Sender<ToControl>,
}

impl Tail {
    /// Until it is closed, its right ends, or nobody takes what it says.
    async fn run(self, router: &Router, token: CancellationToken) {
        let (queue, mut events) = mpsc::channel(QUEUE_EVENTS_MAX);
        let outlet = Arc::new(Queue { events: queue, dropped: AtomicU64::new(0) });
        let attachment = router.attach(outlet.clone(), Reach::Local);
        attachment.subscribe(&self.watch.filter, 0, Life::Live);
        let mut changes = self.enforcer.changes();
        let mut batch = Vec::with_capacity(MESSAGE_EVENTS_MAX);
        loop {
            tokio::select! {
                () = token.cancelled() => return,
                () = self.answers.closed() => return,
                Ok(()) = changes.changed() => {
                    if let Err(denied) = self.enforcer.check_subscribe(&self.session, &self.watch.filter) {
                        return answer(&self.answers, ToControl::TailClosed { request: self.request, reason: words(&denied) });
                    }
                }
                _ = events.recv_many(&mut batch, MESSAGE_EVENTS_MAX) => {
                    let events = self.show(&mut batch);
                    let dropped = outlet.dropped.swap(0, Ordering::Relaxed);
                    let message = ToControl::TailEvents { request: self.request, events, dropped };
                    // Waits for room; meanwhile the queue fills and drops, which the watcher is told.
                    if self.answers.send(message).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn show(&self, batch: &mut Vec<Admitted>) -> Vec<TailEvent> {
        let enforced = self.enforcer.enforced();
        let site_name = |site: SiteId| {
            let enforced = enforced.as_ref()?;
            if enforced.site.id == site {
                return Some(enforced.site.name.clone());
            }
            enforced.members.values().find(|member| member.site == site).map(|member| member.site_name.clone())
        };
        let allowed = batch.drain(..).filter(|event| self.enforcer.may_receive(&self.session, &event.event().topic));
        let show = |admitted: Admitted| {
            let event = admitted.event();
            let limit = PAYLOAD_BYTES_MAX.min(self.watch.payload_bytes_max as usize);
            TailEvent {
                at_ms: now_ms(),
                topic: event.topic.as_str().to_owned(),
                payload: cut(&event.payload, limit),
                payload_bytes: event.payload.len() as u64,
                origin_site: site_name(event.origin.site).unwrap_or_default(),
            }
        };
        allowed.map(show).collect()
    }
}

/// Text as text, anything else as hex; cut at a character's end.
fn cut(payload: &[u8], limit: usize) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) => text[..text.floor_char_boundary(limit)].to_owned(),
        Err(_) => format!("0x{}", hex::encode(&payload[..payload.len().min(limit / 2)])),
    }
}

/// The outlet: takes what fits.
#[derive(Debug)]
struct Queue {
    events: mpsc::Sender<Admitted>,
    dropped: AtomicU64,
}

impl Outlet for Queue {
    fn offer(&self, delivery: Delivery) {
        if self.events.try_send(delivery.event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        // A watcher's receipt is its queue or the counted drop.
        if let Some(hold) = delivery.hold {
            hold.done();
        }
    }
}

#[cfg(test)]
mod tests;
