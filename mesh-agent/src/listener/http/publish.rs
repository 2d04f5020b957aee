//! `POST /v1/events/{topic}`: one event.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::{Extension, Json};
use bytes::Bytes;
use mesh_protocol::event::{DeliveryMode, Event, Headers};
use mesh_protocol::policy::Action;
use mesh_protocol::report::Direction;
use mesh_protocol::topic::Topic;
use serde::Serialize;

use super::auth::Caller;
use super::problem::Problem;
use super::{Gate, topic};
use crate::listener::refusal;
use crate::listener::tls::Peer;
use crate::policy::Denied;
use crate::router::{Admitted, EVENT_OVERHEAD_BYTES, Failure, Outcome};

const DELIVERY: HeaderName = HeaderName::from_static("meshport-delivery");
const KEY: HeaderName = HeaderName::from_static("meshport-key");
const TTL: HeaderName = HeaderName::from_static("meshport-ttl-ms");
const REPLY_TO: HeaderName = HeaderName::from_static("meshport-reply-to");
const CORRELATION: HeaderName = HeaderName::from_static("meshport-correlation-id");
const RETAIN: HeaderName = HeaderName::from_static("meshport-retain");
const IDEMPOTENCY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Header names begin with this for user properties; names of HTTP headers are lower case.
const PROPERTY_PREFIX: &str = "meshport-property-";

/// What became of a publish.
#[derive(Debug, Serialize)]
pub(super) struct Accepted {
    /// Events that were published.
    pub(super) events: usize,
    /// Deliveries they led to: local subscribers, sinks, other agents. 0 = nobody wants them.
    pub(super) outlets: u32,
    /// Those of the events that match no version which is served: they are dead letters of this agent, and went to nobody.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) diverted: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(count: &u32) -> bool {
    *count == 0
}

pub(super) async fn publish(
    State(gate): State<Arc<Gate>>,
    OriginalUri(uri): OriginalUri,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let caller = gate.caller(&headers, peer)?;
    let topic = topic::of_path(uri.path())?;
    // Refused early, so that nobody sends a large body for nothing.
    gate.may_publish(&caller, &topic)?;
    let payload = gate.body(body, gate.common.limits.get().payload_bytes_max).await?;
    let event = gate.event(&caller, topic, payload, &headers)?;
    gate.publish(&caller, vec![event], |_| None).await
}

impl Gate {
    fn may_publish(&self, caller: &Caller, topic: &Topic) -> Result<(), Problem> {
        self.common.enforcer.check_publish(&caller.session, topic).map_err(|denied| {
            self.metrics.denied.one();
            caller.watcher.refused(refusal(Action::Publish, topic.as_str(), &denied));
            Problem::forbidden(&denied)
        })
    }

    /// Publishes events, all permitted and valid or none, and waits for custody when any of them is guaranteed. `line` tells
    /// which line of a batch each of them is.
    pub(super) async fn publish(
        &self,
        caller: &Caller,
        events: Vec<Event>,
        line: impl Fn(usize) -> Option<usize>,
    ) -> Result<(StatusCode, Json<Accepted>), Problem> {
        for event in &events {
            event.check().map_err(|limit| self.rejected(&limit.to_string()))?;
        }
        let mut batch = Vec::with_capacity(events.len());
        for (at, event) in events.into_iter().enumerate() {
            self.may_publish(caller, &event.topic)?;
            let permit = self.common.enforcer.permit(&caller.session, event).map_err(|denied| match denied {
                Denied::Invalid(invalid) => {
                    self.metrics.invalid.one();
                    Problem::invalid(&invalid, line(at))
                }
                denied => Problem::forbidden(&denied),
            })?;
            batch.push(permit.admit());
        }
        let (count, diverted) = (batch.len(), batch.iter().filter(|event| event.is_diverted()).count());
        let diverted = u32::try_from(diverted).unwrap_or(u32::MAX);
        let outlets = self.route(caller, batch).await?.saturating_sub(diverted);
        Ok((StatusCode::ACCEPTED, Json(Accepted { events: count, outlets, diverted })))
    }

    fn event(&self, caller: &Caller, topic: Topic, payload: Bytes, headers: &HeaderMap) -> Result<Event, Problem> {
        let key = match text(headers, &KEY)? {
            Some(key) => Bytes::from(key),
            None => Bytes::copy_from_slice(topic.as_str().as_bytes()),
        };
        let mode = match text(headers, &DELIVERY)?.as_deref() {
            None | Some("guaranteed") => DeliveryMode::Guaranteed,
            Some("direct") => DeliveryMode::Direct,
            Some(other) => return Err(Problem::bad(format!("meshport-delivery is guaranteed or direct, not {other}"))),
        };
        let retain = match text(headers, &RETAIN)?.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(Problem::bad(format!("meshport-retain is true or false, not {other}"))),
        };
        Ok(Event {
            key,
            mode,
            headers: metadata(headers)?,
            ttl_ms: number(headers, &TTL)?,
            admitted_at_ms: self.common.admission_ms(&topic, retain),
            retain,
            ..Event::guaranteed(topic, payload, caller.origin.clone())
        })
    }

    pub(super) fn rejected(&self, why: &str) -> Problem {
        self.metrics.rejected.one();
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    }

    async fn route(&self, caller: &Caller, batch: Vec<Admitted>) -> Result<u32, Problem> {
        let bytes = batch.iter().map(|event| event.event().payload.len() + EVENT_OVERHEAD_BYTES).sum();
        let router = &self.common.router;
        let admission = router.budget().try_take(bytes).map_err(|overloaded| Problem::later(overloaded.to_string()))?;
        let used = batch.iter().map(|event| (&event.event().topic, event.event().payload.len()));
        caller.metered.charge_all(Direction::Produce, used).map_err(|over| {
            self.metrics.over_quota.add(batch.len() as u64);
            over.refuse(batch.len() as u64);
            Problem::over_quota(&over)
        })?;
        for event in &batch {
            if event.is_diverted() {
                self.metrics.diverted.one();
            } else {
                caller.watcher.produced(&event.event().topic, &event.event().payload, None);
            }
        }
        if let [event] = &*batch
            && event.event().mode == DeliveryMode::Direct
        {
            return Ok(u32::try_from(router.publish_direct(event.clone(), None)).unwrap_or(u32::MAX));
        }
        let count = batch.len() as u64;
        let timeout = self.common.limits.get().custody_timeout;
        match tokio::time::timeout(timeout, router.publish(batch, admission, None)).await {
            Ok(Outcome::Taken { outlets }) => Ok(outlets),
            Ok(Outcome::Unrouted) => Ok(0),
            Ok(Outcome::Failed(failure)) => {
                self.metrics.custody_failures.add(count);
                Err(not_taken(failure))
            }
            Err(_) => {
                self.metrics.custody_timeouts.add(count);
                Err(Problem::later(format!("not every destination had the event within {} ms", timeout.as_millis())))
            }
        }
    }
}

fn not_taken(failure: Failure) -> Problem {
    match failure {
        Failure::Refused(why) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("a destination refused it: {why}"))
        }
        Failure::Full(why) | Failure::Again { reason: why, .. } => Problem::later(why),
        Failure::Lost => Problem::later("a destination went away before it had the event"),
    }
}

fn metadata(headers: &HeaderMap) -> Result<Headers, Problem> {
    let reply_to = text(headers, &REPLY_TO)?.map(Topic::new).transpose();
    let mut user = Vec::new();
    for name in headers.keys() {
        if let Some(property) = name.as_str().strip_prefix(PROPERTY_PREFIX) {
            for value in headers.get_all(name) {
                user.push((property.to_owned(), readable(name, value.to_str().ok())?));
            }
        }
    }
    Ok(Headers {
        content_type: text(headers, &header::CONTENT_TYPE)?,
        schema_ref: None,
        message_id: text(headers, &IDEMPOTENCY)?,
        correlation_id: text(headers, &CORRELATION)?.map(Bytes::from),
        reply_to: reply_to.map_err(|error| Problem::bad(format!("meshport-reply-to: {error}")))?,
        traceparent: text(headers, &TRACEPARENT)?,
        user,
    })
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    headers.get(name).map(|value| readable(name, value.to_str().ok())).transpose()
}

fn readable(name: &HeaderName, value: Option<&str>) -> Result<String, Problem> {
    value.map(str::to_owned).ok_or_else(|| Problem::bad(format!("the header {name} is not ASCII text")))
}

fn number<N: FromStr>(headers: &HeaderMap, name: &HeaderName) -> Result<Option<N>, Problem> {
    let Some(value) = text(headers, name)? else { return Ok(None) };
    value.parse().map(Some).map_err(|_| Problem::bad(format!("the header {name} is not a number")))
}
