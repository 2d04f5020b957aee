//! Whether a client has its cluster, and what to say while it has not.
//!
//! ```text
//! meeting --its id is known--> there <--statistics--> lost
//!    ^----------------- a new client is made -----------'
//! ```
//! The client library connects by itself and mostly says why it cannot. When it says nothing, a part must not look as if
//! it were just starting for ever: after a while silence is itself the trouble.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mesh_protocol::report::PartState;
use rdkafka::client::{Client, ClientContext};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::client::{Complaints, code_of};
use super::trouble::Target;

/// A cluster that says nothing for this long is in trouble; a busy one answers a new client within it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one look for the cluster's id may last.
const LOOK: Duration = Duration::from_millis(500);
/// Looks between two questions of our own.
const LOOKS_PER_QUESTION: u32 = 8;
/// How long a question of our own may take; a part that must stop waits for it.
const QUESTION: Duration = Duration::from_secs(2);

/// How a client is with its cluster. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Contact(Arc<Mutex<(Stage, Instant)>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A new client has not heard from its cluster yet.
    Meeting,
    /// A connection stands.
    There,
    /// None does.
    Lost,
}

impl Default for Contact {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((Stage::Meeting, Instant::now()))))
    }
}

impl Contact {
    /// The id of the cluster, once it answers a new client; none when `goes_on` says so before.
    pub fn meet<C: ClientContext>(
        &self,
        client: &Client<C>,
        complaints: &Complaints,
        goes_on: impl Fn() -> bool,
    ) -> Option<String> {
        self.enter(Stage::Meeting);
        let mut looks = 0;
        while goes_on() {
            let began = Instant::now();
            if let Some(cluster) = client.fetch_cluster_id(LOOK) {
                complaints.clear();
                self.enter(Stage::There);
                return Some(cluster);
            }
            looks += 1;
            // The client asks once, when it has connected. If that answer is late it would not ask again for long.
            if looks % LOOKS_PER_QUESTION == 0
                && let Err(error) = client.fetch_metadata(None, QUESTION)
            {
                complaints.note(code_of(&error), "");
            }
            std::thread::sleep(LOOK.saturating_sub(began.elapsed()));
        }
        None
    }

    /// What the client's statistics say. They do not end a meeting: a connection is not an answer yet.
    pub fn told(&self, up: bool) {
        let stage = self.now().0;
        match (stage, up) {
            (Stage::Lost, true) => self.enter(Stage::There),
            (Stage::There, false) => self.enter(Stage::Lost),
            _ => {}
        }
    }

    /// The state of a part whose client has no cluster; none while it has one.
    #[must_use]
    pub fn missing(&self, complaints: &Complaints, target: &Target) -> Option<(PartState, Option<String>)> {
        let (stage, since) = self.now();
        if stage == Stage::There {
            return None;
        }
        if let Some(reason) = complaints.newest(target) {
            return Some((PartState::Failing, Some(reason)));
        }
        if since.elapsed() < PATIENCE {
            return Some((PartState::Starting, None));
        }
        Some((PartState::Failing, Some(target.connection(Code::OperationTimedOut, ""))))
    }

    fn now(&self) -> (Stage, Instant) {
        *self.0.lock().expect("no panic while held")
    }

    fn enter(&self, stage: Stage) {
        *self.0.lock().expect("no panic while held") = (stage, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_protocol::desired::{BrokerConnection, KafkaSecurity};

    fn target() -> Target {
        Target::from(&BrokerConnection {
            id: uuid::Uuid::nil().into(),
            name: "Kafka A".into(),
            bootstrap: vec!["kafka:9092".into()],
            security: KafkaSecurity { tls: false, ca_pem: None, sasl: None },
            discover: true,
            browse: false,
        })
    }

    #[test]
    fn silence_is_a_trouble_after_a_while() {
        let (contact, complaints) = (Contact::default(), Complaints::default());
        assert_eq!(contact.missing(&complaints, &target()), Some((PartState::Starting, None)));
        let long_ago = Instant::now().checked_sub(PATIENCE * 2).expect("the clock is past its beginning");
        *contact.0.lock().expect("no panic while held") = (Stage::Meeting, long_ago);
        let (state, detail) = contact.missing(&complaints, &target()).expect("it is missing");
        assert_eq!(state, PartState::Failing);
        assert!(detail.is_some_and(|detail| detail.contains("Kafka A does not answer at kafka:9092; check")));
        complaints.note(Code::Authentication, "bad password");
        let (_, detail) = contact.missing(&complaints, &target()).expect("it is missing");
        assert!(detail.is_some_and(|detail| detail.contains("login")));
    }

    #[test]
    fn a_connection_is_not_an_answer_and_a_lost_one_comes_back() {
        let (contact, complaints) = (Contact::default(), Complaints::default());
        contact.told(true);
        assert!(contact.missing(&complaints, &target()).is_some(), "nobody answered yet");
        contact.enter(Stage::There);
        assert_eq!(contact.missing(&complaints, &target()), None);
        contact.told(false);
        assert_eq!(contact.missing(&complaints, &target()), Some((PartState::Starting, None)));
        contact.told(true);
        assert_eq!(contact.missing(&complaints, &target()), None);
    }
}
