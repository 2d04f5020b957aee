//! Sessions that outlive their connection, and the agent.
//!
//! What the client asked for (MQTT 5's Session Expiry Interval, or a session of MQTT 3.1.1 that is not clean) is noted with
//! the session's queue in the spool, so that both come back together after a restart. While nobody is connected the queue
//! goes on attracting what the session has subscribed to.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mesh_protocol::id::PrincipalId;
use mesh_protocol::topic::Filter;
use serde::{Deserialize, Serialize};

use super::clients::Name;
use super::feed::Feed;
use super::outbox::Options;
use super::{acks, consuming, exactly_once};
use crate::router::{Life, Receipt, Router};
use crate::spool::Store;
use crate::status::now_ms;

/// No session outlives its connection by more.
pub(super) const EXPIRY_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Names of sessions' queues begin with this.
const QUEUE: &str = "mqtt/";

/// A session without its connection.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    /// Its queue.
    pub(super) feed: Option<Feed>,
    pub(super) filters: Vec<(Filter, Options)>,
    /// Named queues it consumes.
    pub(super) queues: Vec<(String, consuming::Options)>,
    /// Sent and not acknowledged, by place in the log, with their packet ids.
    pub(super) in_flight: Vec<(u64, u16)>,
    /// Packet ids of publishes at QoS 2 that it has from the client.
    pub(super) received: Vec<u16>,
    /// Packet ids of deliveries at QoS 2 that the client has.
    pub(super) released: Vec<u16>,
    /// Steps of QoS 2 that were promised, of which nothing is known yet.
    pub(super) pending: VecDeque<(acks::Packet, Receipt)>,
    /// After the end of its connection.
    pub(super) expiry: Duration,
}

impl Lasting {
    /// Gives the filters back that it may no longer hold.
    pub(super) fn keep(&mut self, may: impl Fn(&Filter) -> bool) {
        let feed = &self.feed;
        self.filters.retain(|(filter, _)| {
            let kept = may(filter);
            if let Some(feed) = feed.as_ref().filter(|_| !kept) {
                feed.repel(filter);
            }
            kept
        });
    }
}

/// What is noted of it.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    principal: PrincipalId,
    client_id: String,
    expiry_s: u64,
    /// When its connection ended; none while it is connected.
    left_at_ms: Option<i64>,
    filters: Vec<HeldFilter>,
    #[serde(default)]
    queues: Vec<(String, consuming::Options)>,
    in_flight: Vec<(u64, u16)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct HeldFilter {
    filter: Filter,
    options: Options,
}

/// The name of a new session's queue.
pub(super) fn queue_name() -> Arc<str> {
    format!("{QUEUE}{}", uuid::Uuid::new_v4().simple()).into()
}

/// Notes how a session stands; the receipt tells when that is on disk.
pub(super) fn note<'a>(
    name: &Name,
    feed: &Feed,
    (filters, queues): (impl Iterator<Item = (&'a Filter, Options)>, Vec<(String, consuming::Options)>),
    in_flight: &[(u64, u16)],
    (expiry, left): (Duration, bool),
) -> Option<Receipt> {
    let record = Record {
        principal: name.principal,
        client_id: name.client_id.to_string(),
        expiry_s: expiry.as_secs(),
        left_at_ms: left.then(now_ms),
        filters: filters.map(|(filter, options)| HeldFilter { filter: filter.clone(), options }).collect(),
        queues,
        in_flight: in_flight.to_vec(),
    };
    match serde_json::to_vec(&record) {
        Ok(note) => Some(feed.note(Bytes::from(note))),
        Err(error) => {
            tracing::error!(%error, "a session cannot be noted; it will not survive a restart");
            None
        }
    }
}

/// The sessions that survived a restart, with how long each may still wait for its client. Queues of sessions that had to
/// end with their connection, and of those whose time is over, are closed.
pub(super) fn restore(spool: &Arc<Store>, router: &Router) -> Vec<(Name, Lasting, Duration)> {
    let noted: Vec<_> = spool.core().notes().into_iter().filter(|(queue, ..)| queue.starts_with(QUEUE)).collect();
    let names: HashSet<&str> = noted.iter().filter_map(|(queue, ..)| queue.strip_prefix(QUEUE)).collect();
    spool.close_others(QUEUE, |name| names.contains(name));
    let mut sessions = Vec::new();
    for (queue, number, note) in noted {
        let record: Record = match serde_json::from_slice(&note) {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(%queue, %error, "a session's note is not readable; the session is lost");
                spool.close_queue(number);
                continue;
            }
        };
        let expiry = Duration::from_secs(record.expiry_s).min(EXPIRY_MAX);
        let away = record.left_at_ms.map_or(0, |left| now_ms().saturating_sub(left));
        let rest = expiry.saturating_sub(Duration::from_millis(u64::try_from(away).unwrap_or(0)));
        if rest.is_zero() {
            spool.close_queue(number);
            continue;
        }
        let mut feed = Feed::open(spool, router, &queue);
        let filters: Vec<(Filter, Options)> =
            record.filters.into_iter().map(|held| (held.filter, held.options)).collect();
        for (filter, options) in filters.iter().filter(|(_, options)| options.acknowledged) {
            feed.attract(filter, Life::Durable, !options.only_new);
        }
        let name = Name { principal: record.principal, client_id: record.client_id.into() };
        let mut in_flight = record.in_flight;
        if record.left_at_ms.is_none() {
            // It was connected when the agent ended: what it was sent then is not known.
            in_flight.clear();
            feed = feed.doubt();
        }
        let (received, released) = exactly_once::claimed(&feed);
        let (queues, pending) = (record.queues, VecDeque::new());
        let lasting = Lasting { feed: Some(feed), filters, queues, in_flight, received, released, pending, expiry };
        sessions.push((name, lasting, rest));
    }
    sessions
}
