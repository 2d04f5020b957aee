//! What a dead letter says of itself, in properties of its event: so that it goes wherever the event goes.
//!
//! Deliberately absent: where dead letters are kept (the spool), and who makes which ([`queue`](crate::queue), and
//! [`policy`](crate::policy) for payloads that a contract diverts).

use mesh_protocol::event::{DeliveryMode, Event, MAX_USER_PROPERTIES};

/// The queue of what other agents refuse for good, of what sources can never bring in, and of payloads that contracts divert.
/// Queues and sinks have dead letter queues of their own.
pub const DEAD_LETTERS: &str = "dead-letters";
/// Most dead letters of one sink, and of all sources and clients together; with so many they wait for a person.
pub const DEAD_LETTERS_MAX: u64 = 10_000;

/// What a Kafka source could never bring in was in no queue; this stands for one, followed by the route.
pub(crate) const RECORD: &str = "record/";
/// Nor was a diverted event; this is followed by the client that sent it.
pub(crate) const DIVERTED: &str = "diverted/";

/// Why there is no room for another one, and what to do.
pub(crate) fn full_of_letters(there: u64) -> String {
    format!(
        "this agent has {there} dead letters, and may have {DEAD_LETTERS_MAX}: look at them on the agent's page, then move or \
         delete some"
    )
}

/// User properties of a dead letter.
const QUEUE: &str = "meshport-dead-letter-queue";
const REASON: &str = "meshport-dead-letter-reason";
const DELIVERIES: &str = "meshport-dead-letter-deliveries";
/// Longest property of a record whose headers are too much for an event that its letter keeps, name and value, in bytes.
const KEPT_PROPERTY_BYTES_MAX: usize = 1_024;
/// Longest reason that is kept.
const REASON_CHARS_MAX: usize = 512;
/// Longest client id that is kept.
const CLIENT_CHARS_MAX: usize = 256;

/// The same event, saying why it is a dead letter. Properties of an earlier burial are replaced, and of an event that
/// has as many properties as it may the last ones make room: the payload is what counts.
pub(crate) fn letter(event: &Event, queue: &str, reason: &str, deliveries: u16) -> Event {
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

/// A client's event whose payload a contract diverts, as a dead letter. Whatever it was, it is kept from now on: what is sent
/// again out of dead letters is guaranteed.
pub(crate) fn diverted(event: &Event, client_id: &str, reason: &str) -> Event {
    let client_id: String = client_id.chars().take(CLIENT_CHARS_MAX).collect();
    let mut event = fitting(letter(event, &format!("{DIVERTED}{client_id}"), reason, 0));
    event.mode = DeliveryMode::Guaranteed;
    event
}

/// Without the headers that an event could not have, or not beside what is known of its burial.
pub(crate) fn fitting(mut event: Event) -> Event {
    if event.check().is_err() {
        let mut user = std::mem::take(&mut event.headers).user;
        user.retain(|(name, value)| {
            [QUEUE, REASON, DELIVERIES].contains(&name.as_str()) || name.len() + value.len() <= KEPT_PROPERTY_BYTES_MAX
        });
        event.headers.user = user;
        event.path.clear();
    }
    event
}

/// What is known about a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Epitaph {
    /// Name of the queue it was in.
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) deliveries: u32,
    /// The sender's own properties.
    pub(crate) own: Vec<(String, String)>,
}

/// What is known about the burial of an event; none for one that is no dead letter.
pub(crate) fn epitaph(event: &Event) -> Option<Epitaph> {
    let user = &event.headers.user;
    let find = |wanted: &str| user.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let own = user.iter().filter(|(name, _)| ![QUEUE, REASON, DELIVERIES].contains(&name.as_str())).cloned();
    let deliveries = find(DELIVERIES).and_then(|text| text.parse().ok()).unwrap_or(0);
    let queue = find(QUEUE).unwrap_or_default();
    Some(Epitaph { queue, reason: find(REASON)?, deliveries, own: own.collect() })
}

/// The event that was buried, admitted anew: as it was, without the words about its burial.
pub(crate) fn unburied(event: &Event, now_ms: i64) -> Event {
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
    fn a_diverted_event_is_kept_whatever_it_was_and_says_who_sent_it() {
        let origin = Origin { site: uuid::Uuid::nil().into(), principal: None, protocol: Protocol::Mqtt };
        let event = Event {
            mode: DeliveryMode::Direct,
            ttl_ms: Some(5),
            ..Event::guaranteed(Topic::new("orders").expect("valid"), "x", origin)
        };
        let letter = diverted(&event, "till-7", "`$.amount` is not a number");
        assert_eq!((letter.mode, letter.ttl_ms), (DeliveryMode::Guaranteed, None));
        let known = epitaph(&letter).expect("a dead letter");
        assert_eq!((known.queue.as_str(), known.reason.as_str()), ("diverted/till-7", "`$.amount` is not a number"));
        assert_eq!(unburied(&letter, 9).headers, event.headers);
    }
}
