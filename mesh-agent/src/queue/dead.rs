//! Dead letters: events that a queue could not bring to anybody, with what is known about that.

use mesh_protocol::event::Event;
use mesh_protocol::id::RouteId;

use crate::letter::{RECORD, fitting, letter};
use crate::router::Admitted;
use crate::spool::{Addressed, Op, QueueNo};

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
    let event = fitting(letter(event, &format!("{RECORD}{route}"), reason, 0));
    let event = Admitted::new(event);
    Addressed { event, queues: std::iter::once(dead_letters).collect(), redelivered: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::epitaph;
    use mesh_protocol::event::{Origin, Protocol};
    use mesh_protocol::topic::Topic;

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
