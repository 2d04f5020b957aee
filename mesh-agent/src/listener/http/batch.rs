//! `POST /v1/events`: several events, one JSON object a line.
//!
//! All lines are read and permitted before the first is published; an error names its line. One receipt speaks for the
//! whole batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mesh_protocol::event::{DeliveryMode, Event, Headers, MAX_PAYLOAD_BYTES};
use mesh_protocol::topic::Topic;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Gate;
use super::auth::Caller;
use super::problem::Problem;
use super::publish::Accepted;
use crate::listener::tls::Peer;
use crate::status::now_ms;

/// Most events of one batch.
const EVENTS_MAX: usize = 1_000;

/// One line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    topic: Topic,
    /// A string is published as its text, any other value as its JSON.
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    payload_base64: Option<String>,
    content_type: Option<String>,
    key: Option<String>,
    delivery: Option<DeliveryMode>,
    ttl_ms: Option<u64>,
    message_id: Option<String>,
    traceparent: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

pub(super) async fn publish(
    State(gate): State<Arc<Gate>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let caller = gate.caller(&headers, peer)?;
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    if !media.starts_with("application/x-ndjson") {
        let why = "a batch is application/x-ndjson; for one event, put the topic into the path: /v1/events/{topic}";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let body = gate.body(body, MAX_PAYLOAD_BYTES).await?;
    let (lines, events) =
        read(&caller, &body, gate.common.limits.get().payload_bytes_max)?.into_iter().unzip::<_, _, Vec<_>, _>();
    gate.publish(&caller, events, |at| lines.get(at).copied()).await
}

/// The events with their lines, counted from one.
fn read(caller: &Caller, body: &[u8], payload_bytes_max: usize) -> Result<Vec<(usize, Event)>, Problem> {
    let mut events = Vec::new();
    for (number, line) in (1..).zip(body.split(|&byte| byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if events.len() == EVENTS_MAX {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("a batch has at most {EVENTS_MAX} events"),
            ));
        }
        let event = event(caller, line).map_err(|why| Problem::bad(format!("line {number}: {why}")))?;
        if event.payload.len() > payload_bytes_max {
            let why = format!(
                "line {number}: the payload has {} bytes, at most {payload_bytes_max} are accepted",
                event.payload.len()
            );
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        events.push((number, event));
    }
    if events.is_empty() { Err(Problem::bad("the batch is empty")) } else { Ok(events) }
}

fn event(caller: &Caller, line: &[u8]) -> Result<Event, String> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let (payload, media) = payload(&line)?;
    let base = Event::guaranteed(line.topic, payload, caller.origin.clone());
    Ok(Event {
        key: line.key.map_or_else(|| base.key.clone(), Bytes::from),
        mode: line.delivery.unwrap_or(DeliveryMode::Guaranteed),
        ttl_ms: line.ttl_ms,
        admitted_at_ms: now_ms(),
        headers: Headers {
            content_type: line.content_type.or_else(|| media.map(str::to_owned)),
            message_id: line.message_id,
            traceparent: line.traceparent,
            user: line.properties.into_iter().collect(),
            ..Headers::default()
        },
        ..base
    })
}

fn payload(line: &Line<'_>) -> Result<(Bytes, Option<&'static str>), String> {
    match (line.payload, &line.payload_base64) {
        (Some(_), Some(_)) => Err("give payload or payload_base64, not both".to_owned()),
        (None, None) => Ok((Bytes::new(), None)),
        (None, Some(encoded)) => {
            let bytes = STANDARD.decode(encoded).map_err(|error| format!("payload_base64: {error}"))?;
            Ok((bytes.into(), None))
        }
        (Some(value), None) => match serde_json::from_str::<String>(value.get()) {
            Ok(text) => Ok((text.into(), None)),
            Err(_) => Ok((Bytes::copy_from_slice(value.get().as_bytes()), Some("application/json"))),
        },
    }
}
