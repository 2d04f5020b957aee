//! Dead letters: events that a queue could not bring to anybody, with what is known about that.

use mesh_protocol::event::{Event, MAX_USER_PROPERTIES};
use mesh_protocol::id::RouteId;

use crate::router::Admitted;
use crate::spool::{Addressed, Op, QueueNo};

/// What other agents refuse for good, and what sources can never bring in. Queues and sinks have their own dead letter queues.
pub const DEAD_LETTERS: &str = "dead-letters";

/// What a Kafka source could never bring in was in no queue; this stands for one, followed by the route.
pub(super) const RECORD: &str = "record/";

/// User properties of a dead letter.
const QUEUE: &str = "meshport-dead-letter-queue";
const REASON: &str = "meshport-dead-letter-reason";
const DELIVERIES: &str = "meshport-dead-letter-deliveries";
/// Longest property of a record whose headers are too much for an event that its letter keeps, name and value, in bytes.
const KEPT_PROPERTY_BYTES_MAX: usize = 1_024;
/// Longest reason that is kept.
const REASON_CHARS_MAX: usize = 512;

/// The same event, saying why it is a dead letter. Properties of an earlier burial are replaced, and of an event that
/// has as many properties as it may the last ones make room: the payload is what counts.
fn letter(event: &Event, queue: &str, reason: &str, deliveries: u16) -> Event {
    let mut event = event.clone();
    let user = &mut event.headers.user;
    user.retain(|(name, _)| ![QUEUE, REASON, DELIVERIES].contains(&name.as_str()));
    user.truncate(MAX_USER_PROPERTIES - 3);
    user.push((QUEUE.to_owned(), queue.to_owned()));
    user.push((REASON.to_owned(), reason.chars().take(REASON_CHARS_MAX).collect()));
    user.push((DELIVERIES.to_owned(), deliveries.to_string()));
    // A dead letter waits for a person, however long.
    event.ttl_ms = None;
    event
}

/// Moves an event from its queue (its name, its number, the event's place) into the dead letter queue, in one commit.
#[must_use]
pub fn burial(
    event: &Event,
    (queue, from, seq): (&str, QueueNo, u64),
    reason: &str,
    deliveries: u16,
    dead_letters: QueueNo,
) -> Op {
    tracing::warn!(queue, topic = %event.topic, reason, "an event is a dead letter now");
    let event = Admitted::new(letter(event, queue, reason, deliveries));
    let queues = std::iter::once(dead_letters).collect();
    Op::Move { events: vec![Addressed { event, queues, redelivered: false }], from, seqs: vec![seq] }
}

/// A record of a route's source as a dead letter: it was in no queue, and what it is in the mesh is not known. Headers that
/// an event could not have are left out: they may be why it is none.
#[must_use]
pub fn stillborn(event: &Event, route: RouteId, reason: &str, dead_letters: QueueNo) -> Addressed {
    let mut event = letter(event, &format!("{RECORD}{route}"), reason, 0);
    if event.check().is_err() {
        let mut user = std::mem::take(&mut event.headers).user;
        user.retain(|(name, value)| {
            [QUEUE, REASON, DELIVERIES].contains(&name.as_str()) || name.len() + value.len() <= KEPT_PROPERTY_BYTES_MAX
        });
        event.headers.user = user;
        event.path.clear();
    }
    let event = Admitted::new(event);
    Addressed { event, queues: std::iter::once(dead_letters).collect(), redelivered: false }
}

/// What is known about a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Epitaph {
    /// Name of the queue it was in.
    pub(super) queue: String,
    pub(super) reason: String,
    pub(super) deliveries: u32,
    /// The sender's own properties.
    pub(super) own: Vec<(String, String)>,
}

/// What is known about the burial of an event; none for one that is no dead letter.
pub(super) fn epitaph(event: &Event) -> Option<Epitaph> {
    let user = &event.headers.user;
    let find = |wanted: &str| user.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let own = user.iter().filter(|(name, _)| ![QUEUE, REASON, DELIVERIES].contains(&name.as_str())).cloned();
    let deliveries = find(DELIVERIES).and_then(|text| text.parse().ok()).unwrap_or(0);
    let queue = find(QUEUE).unwrap_or_default();
    Some(Epitaph { queue, reason: find(REASON)?, deliveries, own: own.collect() })
}

/// The event that was buried, admitted anew: as it was, without the words about its burial.
pub(super) fn unburied(event: &Event, now_ms: i64) -> Event {
    let mut event = event.clone();
    event.headers.user.retain(|(name, _)| ![QUEUE, REASON, DELIVERIES].contains(&name.as_str()));
    event.admitted_at_ms = now_ms;
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_protocol::event::{Origin, Protocol};
    use mesh_protocol::topic::Topic;

    #[test]
    fn a_letter_says_why_once_and_stays_within_the_limits() {
        let origin = Origin { site: uuid::Uuid::nil().into(), principal: None, protocol: Protocol::Mesh };
        let mut event = Event::guaranteed(Topic::new("orders/fr").expect("valid"), "x", origin);
        event.headers.user = (0..MAX_USER_PROPERTIES).map(|number| (number.to_string(), String::new())).collect();
        let first = letter(&event, "erp", &"no ".repeat(1_000), 3);
        let second = letter(&first, "crm", "gone", 1);
        assert!(first.check().is_ok() && second.check().is_ok());
        let told: Vec<_> = second.headers.user.iter().filter(|(name, _)| name == REASON).collect();
        assert_eq!(told, [&(REASON.to_owned(), "gone".to_owned())]);
        assert_eq!(second.payload, event.payload);
    }

    #[test]
    fn a_record_whose_headers_are_too_much_is_a_letter_without_them() {
        let origin = Origin { site: uuid::Uuid::nil().into(), principal: None, protocol: Protocol::Kafka };
        let mut event = Event::guaranteed(Topic::new("orders").expect("valid"), "x", origin);
        event.headers.user = vec![("large".to_owned(), "x".repeat(100_000)), ("small".to_owned(), "y".to_owned())];
        assert!(event.check().is_err());
        let route = RouteId(uuid::Uuid::from_u128(7));
        let addressed = stillborn(&event, route, "no such schema", QueueNo(1));
        let letter = addressed.event.event();
        letter.check().expect("within the bounds");
        let known = epitaph(letter).expect("a dead letter");
        assert_eq!((known.queue, known.reason.as_str()), (format!("{RECORD}{route}"), "no such schema"));
        assert_eq!((known.own, &letter.payload), (vec![("small".to_owned(), "y".to_owned())], &event.payload));
    }
}
