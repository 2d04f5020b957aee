//! `GET /v1/events?filter=...`: a live stream of events (Server-Sent Events).
//!
//! A stream is a direct outlet: its bounded queue (or the counted drop) is the receipt of a guaranteed event. What was
//! dropped, because the stream was slow or beyond its quota, is shown in the stream as `event: dropped`. When rights go, it ends with `event: end` and the reason.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::Stream;
use mesh_protocol::event::Event;
use mesh_protocol::policy::Action;
use mesh_protocol::report::Direction;
use mesh_protocol::topic::{Dialect, Filter};
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::Gate;
use super::auth::Caller;
use super::problem::Problem;
use crate::counters::Counter;
use crate::listener::refusal;
use crate::listener::tls::Peer;
use crate::policy::Denied;
use crate::router::{Admitted, Attachment, Delivery, Life, Outlet, Reach};
use crate::status::now_ms;

/// Most filters of one stream.
const FILTERS_MAX: usize = 64;
/// Most events that wait for one stream.
const EVENTS_MAX: usize = 1_000;
/// Most payload bytes that wait for one stream (one event always fits).
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// How often a comment is sent when nothing else is, below the usual 60 s of proxies.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What was dropped beyond a quota is told this often at most.
const OVER_QUOTA_INTERVAL: Duration = Duration::from_secs(1);

pub(super) async fn tail(
    State(gate): State<Arc<Gate>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let caller = gate.caller(&headers, peer)?;
    let filters = filters(&query)?;
    // Before the first decision, so that no change after it is missed.
    let changes = gate.common.enforcer.changes();
    for filter in &filters {
        gate.may_subscribe(&caller, filter).map_err(|denied| Problem::forbidden(&denied))?;
    }
    let stream = Tail::open(gate, caller, filters, changes);
    let events = futures::stream::unfold(stream, |mut stream| async move {
        let sent = stream.next().await?;
        Some((Ok(sent), stream))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn filters(query: &[(String, String)]) -> Result<Vec<Filter>, Problem> {
    let dialect = match query.iter().find(|(name, _)| name == "dialect").map(|(_, value)| value.as_str()) {
        None | Some("mesh") => Dialect::Mesh,
        Some("mqtt") => Dialect::Mqtt,
        Some(other) => return Err(Problem::bad(format!("dialect is mesh or mqtt, not {other}"))),
    };
    let texts: Vec<&str> = query.iter().filter(|(name, _)| name == "filter").map(|(_, text)| text.as_str()).collect();
    if texts.is_empty() {
        return Err(Problem::bad("say what to subscribe to: /v1/events?filter=orders/>"));
    }
    if texts.len() > FILTERS_MAX {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a stream has at most {FILTERS_MAX} filters")));
    }
    texts
        .into_iter()
        .map(|text| Filter::parse(text, dialect).map_err(|error| Problem::bad(error.to_string())))
        .collect()
}

impl Gate {
    fn may_subscribe(&self, caller: &Caller, filter: &Filter) -> Result<(), Denied> {
        self.common.enforcer.check_subscribe(&caller.session, filter).inspect_err(|denied| {
            caller.watcher.refused(refusal(Action::Subscribe, filter.text(), denied));
        })
    }
}

/// The stream's outlet.
#[derive(Debug)]
struct Queue {
    waiting: Mutex<Waiting>,
    wake: Notify,
    dropped: Counter,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Admitted>,
    bytes: usize,
    /// Dropped since the stream was last told.
    dropped: u64,
}

/// What the stream sends next.
enum Step {
    Event(Admitted),
    Dropped(u64),
}

impl Queue {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no panic while held")
    }

    async fn next(&self) -> Step {
        loop {
            if let Some(step) = self.waiting().pop() {
                return step;
            }
            self.wake.notified().await;
        }
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Step> {
        if self.dropped > 0 {
            return Some(Step::Dropped(std::mem::take(&mut self.dropped)));
        }
        let event = self.events.pop_front()?;
        self.bytes -= event.event().payload.len();
        Some(Step::Event(event))
    }

    fn push(&mut self, event: &Admitted) -> bool {
        let bytes = event.event().payload.len();
        if !self.events.is_empty() && (self.events.len() >= EVENTS_MAX || self.bytes + bytes > BYTES_MAX) {
            self.dropped += 1;
            return false;
        }
        self.bytes += bytes;
        self.events.push_back(event.clone());
        true
    }
}

impl Outlet for Queue {
    fn offer(&self, delivery: Delivery) {
        if !self.waiting().push(&delivery.event) {
            self.dropped.one();
        }
        if let Some(hold) = delivery.hold {
            hold.done();
        }
    }

    fn flush(&self) {
        self.wake.notify_one();
    }
}

/// One open stream.
struct Tail {
    gate: Arc<Gate>,
    caller: Caller,
    filters: Vec<Filter>,
    changes: watch::Receiver<u64>,
    stopping: CancellationToken,
    queue: Arc<Queue>,
    _attachment: Attachment,
    next_id: u64,
    /// Dropped because its quota was used up, and not told yet.
    over_quota: u64,
    told_at: Instant,
    ended: bool,
}

impl Tail {
    fn open(gate: Arc<Gate>, caller: Caller, filters: Vec<Filter>, changes: watch::Receiver<u64>) -> Self {
        let queue = Arc::new(Queue {
            waiting: Mutex::default(),
            wake: Notify::new(),
            dropped: gate.metrics.dropped_slow.clone(),
        });
        let attachment = gate.common.router.attach(queue.clone(), Reach::Local);
        for (key, filter) in (0..).zip(&filters) {
            attachment.subscribe(filter, key, Life::Live);
            caller.watcher.subscribed(filter);
        }
        let stopping = gate.common.tasks.token();
        Self {
            gate,
            caller,
            filters,
            changes,
            stopping,
            queue,
            _attachment: attachment,
            next_id: 1,
            over_quota: 0,
            told_at: Instant::now(),
            ended: false,
        }
    }

    async fn next(&mut self) -> Option<Sent> {
        while !self.ended {
            let step = tokio::select! {
                () = self.stopping.cancelled() => return self.end("this listener stops"),
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        return self.end("this listener stops");
                    }
                    match self.check_rights() {
                        Ok(()) => continue,
                        Err(denied) => return self.end(&denied.to_string()),
                    }
                }
                step = self.queue.next() => step,
            };
            match step {
                Step::Dropped(events) => {
                    return json(Sent::default().event("dropped"), &BTreeMap::from([("events", events)]));
                }
                Step::Event(event) => {
                    if let Some(sent) = self.send(event.event()) {
                        return Some(sent);
                    }
                }
            }
        }
        None
    }

    fn check_rights(&self) -> Result<(), Denied> {
        self.gate.common.enforcer.check_session(&self.caller.session).inspect_err(|denied| {
            self.caller.watcher.refused(refusal(Action::Connect, "", denied));
        })?;
        self.filters.iter().try_for_each(|filter| self.gate.may_subscribe(&self.caller, filter))
    }

    fn end(&mut self, reason: &str) -> Option<Sent> {
        self.ended = true;
        json(Sent::default().event("end"), &BTreeMap::from([("reason", reason)]))
    }

    fn send(&mut self, event: &Event) -> Option<Sent> {
        if event.is_expired(now_ms()) {
            self.gate.metrics.expired.one();
            return None;
        }
        if !self.gate.common.enforcer.may_receive(&self.caller.session, &event.topic) {
            self.gate.metrics.withheld.one();
            return None;
        }
        if let Err(over) = self.caller.metered.charge(Direction::Consume, &event.topic, event.payload.len()) {
            over.refuse(1);
            self.gate.metrics.dropped_over_quota.one();
            self.over_quota += 1;
            return self.tell_over_quota();
        }
        self.caller.watcher.consumed(&event.topic, &event.payload, None);
        let id = self.next_id;
        self.next_id += 1;
        json(Sent::default().id(id.to_string()), &Shown::of(event))
    }
}

impl Tail {
    /// Not for every event: who is beyond its quota shall not be sent as much again.
    fn tell_over_quota(&mut self) -> Option<Sent> {
        if self.told_at.elapsed() < OVER_QUOTA_INTERVAL {
            return None;
        }
        self.told_at = Instant::now();
        let events = std::mem::take(&mut self.over_quota);
        let told = serde_json::json!({ "events": events, "reason": "quota" });
        json(Sent::default().event("dropped"), &told)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        for filter in &self.filters {
            self.caller.watcher.unsubscribed(filter);
        }
    }
}

pub(super) fn json(sent: Sent, data: &impl Serialize) -> Option<Sent> {
    // Maps with text keys always serialise.
    sent.json_data(data).ok()
}

/// An event as it stands in the stream.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    topic: &'a str,
    /// The payload when it is text...
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    /// ...and when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    properties: &'a [(String, String)],
    admitted_at_ms: i64,
}

impl<'a> Shown<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        let text = std::str::from_utf8(&event.payload).ok();
        Self {
            topic: event.topic.as_str(),
            payload: text,
            payload_base64: text.is_none().then(|| STANDARD.encode(&event.payload)),
            content_type: event.headers.content_type.as_deref(),
            message_id: event.headers.message_id.as_deref(),
            traceparent: event.headers.traceparent.as_deref(),
            reply_to: event.headers.reply_to.as_ref().map(|topic| topic.as_str()),
            properties: &event.headers.user,
            admitted_at_ms: event.admitted_at_ms,
        }
    }
}
