//! Named queues over HTTP: pull with a lease and answer, or take a stream of events.
//!
//! Every event comes with a `lease`, which names it in the answer. An event without an answer within the queue's lease is
//! delivered again, and counts as delivered. `consumer` tells several consumers of one client apart: one that comes again
//! under the same name is the same consumer.

mod flow;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::{Extension, Json};
use futures::Stream;
use mesh_protocol::id::Epoch;
use mesh_protocol::report::Direction;
use serde::{Deserialize, Serialize};

use super::Gate;
use super::auth::Caller;
use super::problem::Problem;
use super::tail::{KEEP_ALIVE, Shown};
use crate::listener::owner::Elsewhere;
use crate::listener::refusal;
use crate::listener::tls::Peer;
use crate::policy::Unqueued;
use crate::queue::ConsumerId;
use crate::queue::named::{Named, Offer, Unserved, Verdict, Who};
use crate::status::now_ms;
use flow::Flow;

/// Most events of one pull.
const PULL_EVENTS_MAX: usize = 1_000;
const PULL_EVENTS: usize = 10;
/// Longest a pull waits for a first event.
const PULL_WAIT_MAX: Duration = Duration::from_secs(60);
/// Events a stream may have unanswered.
const WINDOW_MAX: usize = 1_000;
const WINDOW: usize = 100;
/// Longest name of a consumer, in bytes.
const NAME_MAX: usize = 128;
/// Answers of one request, and its size in bytes.
const ANSWERS_MAX: usize = 10_000;
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a pull brings.
#[derive(Debug, Serialize)]
pub(super) struct Pulled {
    events: Vec<serde_json::Value>,
}

/// An event of a queue as a consumer gets it.
#[derive(Serialize)]
struct Leased<'a> {
    lease: String,
    position: u64,
    /// How often it came back before.
    deliveries: u16,
    /// Somebody may have had it before.
    redelivered: bool,
    key: String,
    #[serde(flatten)]
    event: Shown<'a>,
}

/// What a consumer answers, by leases.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Answers {
    /// Done with.
    ack: Vec<String>,
    /// To be delivered again, after a pause.
    release: Vec<String>,
    /// Never to be delivered again: dead letters.
    reject: Vec<Rejected>,
    /// Still at work: their leases begin anew.
    renew: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejected {
    lease: String,
    reason: Option<String>,
}

/// What became of the answers.
#[derive(Debug, Serialize)]
pub(super) struct Settled {
    /// How many took effect.
    settled: usize,
    /// Leases that were over: those events are, or will be, delivered again.
    over: Vec<String>,
}

type Parameters = Query<Vec<(String, String)>>;

/// A queue that another agent of the site has is asked for there. Who asks must be known here first.
pub(super) async fn here_or_elsewhere(
    State(gate): State<Arc<Gate>>,
    Path(name): Path<String>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let elsewhere = gate.common.way.to_queue(&name).filter(|_| gate.common.queues.by_name(&name).is_none());
    let Some(elsewhere) = elsewhere else { return Ok(next.run(request).await) };
    gate.caller(request.headers(), request.extensions().get().copied().unwrap_or_default())?;
    match elsewhere {
        Elsewhere::At(address) => {
            gate.metrics.sent_on.one();
            let asked = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
            let detail = format!("the queue is at another agent of this site: {address}");
            let scheme = if gate.common.tls.is_some() { "https" } else { "http" };
            Err(Problem::elsewhere(format!("{scheme}://{address}{asked}"), detail))
        }
        Elsewhere::Unknown => {
            Err(Problem::later("the agent of this site that has the queue has not told its address yet"))
        }
    }
}

pub(super) async fn pull(
    State(gate): State<Arc<Gate>>,
    Path(name): Path<String>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(query): Parameters,
) -> Result<Json<Pulled>, Problem> {
    let caller = gate.caller(&headers, peer)?;
    let queue = gate.queue(&caller, &name)?;
    let who = who(&caller, &query)?;
    let events_max = number(&query, "max", PULL_EVENTS, PULL_EVENTS_MAX)?;
    let wait_max = usize::try_from(PULL_WAIT_MAX.as_millis()).unwrap_or(usize::MAX);
    let wait = Duration::from_millis(number(&query, "wait_ms", 0, wait_max)? as u64);
    let stopping = gate.common.tasks.token();
    let pulled = stopping.run_until_cancelled(queue.pull(who, events_max, wait)).await;
    let offers = pulled.ok_or_else(|| Problem::later("this listener stops"))?.map_err(unserved)?;
    let mut events = Vec::with_capacity(offers.len());
    let (mut settled, mut beyond) = (Vec::new(), None);
    for offer in &offers {
        let event = offer.event.event();
        // What comes after one that must wait waits too: a consumer gets its events in their order.
        if beyond.is_none() {
            beyond = caller.metered.charge(Direction::Consume, &event.topic, event.payload.len()).err();
        }
        if beyond.is_some() {
            settled.push((offer.consumer, offer.seq, Verdict::Return));
            continue;
        }
        match gate.leased(&caller, offer) {
            Ok(leased) => events.extend(serde_json::to_value(leased).ok()),
            Err(verdict) => settled.push((offer.consumer, offer.seq, verdict)),
        }
    }
    if !settled.is_empty() {
        queue.settle(caller.session.principal(), settled).await.map_err(unserved)?;
    }
    match beyond {
        Some(over) if events.is_empty() => Err(Problem::over_quota(&over)),
        _ => Ok(Json(Pulled { events })),
    }
}

pub(super) async fn answer(
    State(gate): State<Arc<Gate>>,
    Path(name): Path<String>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Settled>, Problem> {
    let caller = gate.caller(&headers, peer)?;
    let queue = gate.queue(&caller, &name)?;
    let body = gate.body(body, ANSWER_BYTES_MAX).await?;
    let answers: Answers = serde_json::from_slice(&body).map_err(|error| {
        Problem::bad(format!(
            "the body is {{\"ack\": [lease], \"release\": [lease], \"reject\": [{{\"lease\": lease, \"reason\": text}}], \
             \"renew\": [lease]}}: {error}"
        ))
    })?;
    let epoch = gate.common.spool.epoch();
    let mut leases = Vec::new();
    let mut add = |lease: String, verdict: Verdict| leases.push((lease, verdict));
    answers.ack.into_iter().for_each(|lease| add(lease, Verdict::Ack));
    answers.release.into_iter().for_each(|lease| add(lease, Verdict::Release));
    answers.renew.into_iter().for_each(|lease| add(lease, Verdict::Renew));
    for Rejected { lease, reason } in answers.reject {
        let who = caller.session.client_id();
        add(lease, Verdict::Reject(reason.unwrap_or_else(|| format!("rejected by its consumer ({who})"))));
    }
    if leases.len() > ANSWERS_MAX {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("at most {ANSWERS_MAX} answers at once")));
    }
    let (mut over, mut verdicts, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for (lease, verdict) in leases {
        match read_lease(&lease, epoch).map_err(|()| Problem::bad(format!("`{lease}` is not a lease of a queue")))? {
            Some((consumer, seq)) => {
                verdicts.push((consumer, seq, verdict));
                texts.push(lease);
            }
            // Given before the agent began anew.
            None => over.push(lease),
        }
    }
    let settled = queue.settle(caller.session.principal(), verdicts).await.map_err(unserved)?;
    let count = settled.iter().filter(|settled| **settled).count();
    over.extend(texts.into_iter().zip(settled).filter(|(_, settled)| !settled).map(|(lease, _)| lease));
    Ok(Json(Settled { settled: count, over }))
}

pub(super) async fn stream(
    State(gate): State<Arc<Gate>>,
    Path(name): Path<String>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(query): Parameters,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let caller = gate.caller(&headers, peer)?;
    // Before the first decision, so that no change after it is missed.
    let changes = gate.common.enforcer.changes();
    let queue = gate.queue(&caller, &name)?;
    let window = number(&query, "window", WINDOW, WINDOW_MAX)?.max(1);
    let consumer = queue.attach(who(&caller, &query)?, window, true).map_err(unserved)?;
    let flow = Flow::new((gate, caller), queue, consumer, changes);
    let events = futures::stream::unfold(flow, |mut flow| async move {
        let sent = flow.next().await?;
        Some((Ok(sent), flow))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

impl Gate {
    /// A queue that the caller may consume.
    fn queue(&self, caller: &Caller, name: &str) -> Result<Arc<Named>, Problem> {
        let unknown = || {
            let why = format!(
                "this agent has no queue `{name}`: look at its name, and consume it at the site that the portal shows for it"
            );
            Problem::new(StatusCode::NOT_FOUND, why)
        };
        let queue = self.common.queues.by_name(name).ok_or_else(unknown)?;
        self.may_consume(caller, &queue).map_err(|unqueued| Problem::forbidden(&unqueued.denied))?;
        Ok(queue)
    }

    fn may_consume(&self, caller: &Caller, queue: &Named) -> Result<(), Unqueued> {
        let checked = self.common.enforcer.check_consume(&caller.session, &queue.config());
        checked.inspect_err(|Unqueued { action, filter, denied }| {
            self.metrics.denied.one();
            caller.watcher.refused(refusal(*action, filter, denied));
        })
    }

    /// An event for a consumer, or what becomes of it when it must not have it.
    fn leased<'a>(&self, caller: &Caller, offer: &'a Offer) -> Result<Leased<'a>, Verdict> {
        let event = offer.event.event();
        if event.is_expired(now_ms()) {
            self.metrics.expired.one();
            return Err(Verdict::Ack);
        }
        if !self.common.enforcer.may_receive(&caller.session, &event.topic) {
            self.metrics.withheld.one();
            return Err(Verdict::Reject("a rule keeps events of this topic from the queue's consumer".to_owned()));
        }
        caller.watcher.consumed(&event.topic, &event.payload, None);
        Ok(Leased {
            lease: lease(self.common.spool.epoch(), offer),
            position: offer.seq,
            deliveries: offer.deliveries,
            redelivered: offer.redelivered,
            key: String::from_utf8_lossy(&event.key).into_owned(),
            event: Shown::of(event),
        })
    }
}

fn unserved(unserved: Unserved) -> Problem {
    match unserved {
        Unserved::Gone => Problem::new(StatusCode::NOT_FOUND, unserved.to_string()),
        Unserved::Crowded => Problem::later(unserved.to_string()),
    }
}

fn who(caller: &Caller, query: &[(String, String)]) -> Result<Who, Problem> {
    let named = query.iter().find(|(name, _)| name == "consumer").map(|(_, value)| value.as_str());
    let name = named.unwrap_or_else(|| caller.session.client_id());
    if name.is_empty() || name.len() > NAME_MAX || name.contains(char::is_control) {
        return Err(Problem::bad(format!("consumer is a name of 1 to {NAME_MAX} bytes without control characters")));
    }
    Ok(Who { principal: caller.session.principal(), name: name.to_owned() })
}

fn number(query: &[(String, String)], name: &str, default: usize, most: usize) -> Result<usize, Problem> {
    let Some((_, text)) = query.iter().find(|(found, _)| found == name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| *number <= most);
    number.ok_or_else(|| Problem::bad(format!("{name} is a number up to {most}, not `{text}`")))
}

/// Names an event in the hands of a consumer, for as long as this agent runs.
fn lease(epoch: Epoch, offer: &Offer) -> String {
    format!("{:016x}.{}.{}", epoch.0, offer.consumer.0, offer.seq)
}

/// None for a lease of another run of the agent; an error for what is no lease.
fn read_lease(text: &str, epoch: Epoch) -> Result<Option<(ConsumerId, u64)>, ()> {
    let mut parts = text.split('.');
    let (Some(given), Some(consumer), Some(seq), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(());
    };
    let given = u64::from_str_radix(given, 16).map_err(|_| ())?;
    let (consumer, seq) = (consumer.parse().map_err(|_| ())?, seq.parse().map_err(|_| ())?);
    Ok((given == epoch.0).then_some((ConsumerId(consumer), seq)))
}
