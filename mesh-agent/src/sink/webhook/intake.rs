//! The webhook's outlet, and the way of one event from it to the endpoint.
//!
//! Events of the route's queue are bounded by the pump that offers them; each has a task until it is answered. Best effort
//! events wait in lanes, each key in one, so that their order stays and one that hangs holds up only its lane; the lanes
//! are bounded in events and bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mesh_protocol::event::Event;
use mesh_protocol::id::SiteId;
use tokio::sync::mpsc;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::Shared;
use super::cloudevent::{Circumstances, Message, message};
use super::endpoint::Answer;
use crate::queue::Manner;
use crate::router::{Admitted, Delivery, EVENT_OVERHEAD_BYTES, Failure, Hold, Outlet};
use crate::status::now_ms;

/// Lanes of best effort events.
const LANES_MAX: usize = 16;
/// Best effort events that wait in one lane.
const LANE_EVENTS_MAX: usize = 1_024;
/// Bytes of all best effort events that wait.
const DIRECT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Takes events for the endpoint.
#[derive(Debug)]
pub(super) struct Intake {
    shared: Arc<Shared>,
    lanes: Vec<mpsc::Sender<Admitted>>,
    direct_bytes: Arc<AtomicUsize>,
}

/// What became of an event.
enum Brought {
    /// The endpoint has it.
    There,
    /// It turned out not to be for the endpoint.
    NotWanted,
    /// Not now, or never.
    Not(Failure),
}

impl Intake {
    pub(super) fn start(shared: &Arc<Shared>) -> Arc<Self> {
        let direct_bytes = Arc::new(AtomicUsize::new(0));
        let lanes = (0..LANES_MAX.min(shared.concurrency.into())).map(|_| {
            let (lane, events) = mpsc::channel(LANE_EVENTS_MAX);
            let serve = serve(shared.clone(), events, direct_bytes.clone());
            shared.tasks.spawn_until_stopped("best effort", serve);
            lane
        });
        Arc::new(Self { shared: shared.clone(), lanes: lanes.collect(), direct_bytes })
    }

    fn offer_direct(&self, event: Admitted) {
        let bytes = size(event.event());
        let lane = xxh3_64(&event.event().key) % self.lanes.len().max(1) as u64;
        let lane = usize::try_from(lane).ok().and_then(|lane| self.lanes.get(lane));
        let taken = self.direct_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = taken + bytes <= DIRECT_BYTES_MAX && lane.is_some_and(|lane| lane.try_send(event).is_ok());
        if !fits {
            self.direct_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.shared.tally.dropped();
        }
    }
}

impl Outlet for Intake {
    fn offer(&self, delivery: Delivery) {
        let Delivery { event, hold: Some(hold), redelivered, seq, .. } = delivery else {
            return self.offer_direct(delivery.event);
        };
        let shared = self.shared.clone();
        // When it is stopped the hold is dropped, which counts as lost.
        self.shared.tasks.spawn_until_stopped("delivery", async move {
            let place = match seq {
                Some(seq) => format!("{}-{seq}", shared.spool),
                None => Uuid::now_v7().to_string(),
            };
            let brought = shared.bring(event.event(), &place, redelivered).await;
            answer(hold, brought);
        });
    }
}

fn answer(hold: Hold, brought: Brought) {
    match brought {
        Brought::There => hold.done(),
        Brought::NotWanted => hold.done_for(0),
        Brought::Not(failure) => hold.fail(failure),
    }
}

fn size(event: &Event) -> usize {
    event.payload.len() + EVENT_OVERHEAD_BYTES
}

/// Serves one lane.
async fn serve(shared: Arc<Shared>, mut events: mpsc::Receiver<Admitted>, waiting: Arc<AtomicUsize>) {
    while let Some(event) = events.recv().await {
        let event = event.event();
        waiting.fetch_sub(size(event), Ordering::Relaxed);
        if event.is_expired(now_ms()) {
            shared.tally.expired();
            continue;
        }
        let place = Uuid::now_v7().to_string();
        match shared.bring(event, &place, false).await {
            // What was refused is counted as that.
            Brought::There | Brought::NotWanted | Brought::Not(Failure::Refused(_)) => {}
            Brought::Not(_) => shared.tally.dropped(),
        }
    }
}

impl Shared {
    /// One request, as soon as there is a slot for it.
    async fn bring(&self, event: &Event, place: &str, redelivered: bool) -> Brought {
        let slot = tokio::select! {
            biased;
            () = self.closing.cancelled() => return Brought::Not(Failure::Lost),
            slot = self.slots.acquire() => slot,
        };
        let Ok(_slot) = slot else { return Brought::Not(Failure::Lost) };
        // Nothing leaves before policy knows the route. Its events wait.
        let Some(session) = self.session.get() else { return Brought::Not(Failure::Lost) };
        if !self.deps.enforcer.may_receive(session, &event.topic) {
            self.tally.denied(event);
            return Brought::NotWanted;
        }
        let source = self.source(event.origin.site);
        let message = message(event, self.format, Circumstances { place, source: &source, redelivered });
        let left_out = message.left_out;
        let answer = self.send(message).await;
        self.note(event, left_out, answer)
    }

    async fn send(&self, message: Message) -> Answer {
        let Message { id, mut headers, body, .. } = message;
        if let Some(key) = &self.key {
            let timestamp = now_ms() / 1_000;
            let signature = key.sign(&id, timestamp, &body);
            for (name, value) in
                [("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)]
            {
                match value.try_into() {
                    Ok(value) => drop(headers.insert(name, value)),
                    Err(_) => return Answer::Refused(format!("its id cannot stand in the header {name}")),
                }
            }
        }
        self.endpoint.call(headers, body).await
    }

    fn note(&self, event: &Event, left_out: u64, answer: Answer) -> Brought {
        match answer {
            Answer::Taken => {
                self.tally.taken(event, left_out);
                Brought::There
            }
            Answer::Again { reason, after } => {
                self.tally.failed(event, &reason, after.max(Manner::STREAM.backoff.longest));
                Brought::Not(Failure::Again { reason, after })
            }
            Answer::Refused(reason) => {
                self.tally.refused(event, &reason);
                Brought::Not(Failure::Refused(reason))
            }
            Answer::Barred(reason) => {
                self.tally.barred(&reason);
                Brought::Not(Failure::Lost)
            }
        }
    }

    /// Where the event was published, by the site's name while that is known.
    fn source(&self, site: SiteId) -> String {
        let enforced = self.deps.enforcer.enforced();
        let name = enforced.as_ref().and_then(|enforced| {
            if enforced.site.id == site {
                return Some(enforced.site.name.as_str());
            }
            enforced.members.values().find(|member| member.site == site).map(|member| member.site_name.as_str())
        });
        name.map_or_else(|| format!("/sites/{site}"), |name| format!("/sites/{name}"))
    }
}
