//! What people asked of the agent and is not answered yet.

use std::collections::HashMap;
use std::time::Duration;

use mesh_protocol::browse::TopicAnswer;
use mesh_protocol::queue::QueueAnswer;
use mesh_protocol::wire::{PublishOutcome, TailEvent, ToAgent};
use tokio::sync::{mpsc, oneshot};

use crate::app::fleet::{Request, TailMessage};

/// How often tails without a reader are looked for.
const TAIL_CHECK: Duration = Duration::from_millis(500);

/// Open requests of one session, by their number.
#[derive(Debug, Default)]
pub(super) struct Requests {
    last: u64,
    publishes: HashMap<u64, oneshot::Sender<PublishOutcome>>,
    tails: HashMap<u64, Tail>,
    queues: HashMap<u64, oneshot::Sender<QueueAnswer>>,
    topics: HashMap<u64, oneshot::Sender<TopicAnswer>>,
}

#[derive(Debug)]
struct Tail {
    events: mpsc::Sender<TailMessage>,
    dropped: u64,
}

impl Requests {
    /// Numbers a request and gives the message for the agent.
    pub(super) fn open(&mut self, request: Request) -> ToAgent {
        self.last += 1;
        let number = self.last;
        // Whoever gave up waiting is forgotten here, so the map stays as small as the number of people who wait.
        self.publishes.retain(|_, answer| !answer.is_closed());
        self.queues.retain(|_, answer| !answer.is_closed());
        self.topics.retain(|_, answer| !answer.is_closed());
        match request {
            Request::Publish { principal, topic, payload, mode, answer } => {
                self.publishes.insert(number, answer);
                ToAgent::Publish { request: number, principal, topic, payload, mode }
            }
            Request::Tail { principal, filter, payload_bytes_max, events } => {
                self.tails.insert(number, Tail { events, dropped: 0 });
                ToAgent::OpenTail { request: number, principal, filter, payload_bytes_max }
            }
            Request::Queue { queue, ask, answer } => {
                self.queues.insert(number, answer);
                ToAgent::AskQueue { request: number, queue, ask }
            }
            Request::Topic { ask, answer } => {
                self.topics.insert(number, answer);
                ToAgent::AskTopic { request: number, ask }
            }
        }
    }

    /// An answer to a publish.
    pub(super) fn published(&mut self, request: u64, outcome: PublishOutcome) {
        if let Some(answer) = self.publishes.remove(&request) {
            // The person left meanwhile: the answer is for nobody.
            let _nobody = answer.send(outcome);
        }
    }

    /// An answer to a question about a queue.
    pub(super) fn of_queue(&mut self, request: u64, answer: QueueAnswer) {
        if let Some(asked) = self.queues.remove(&request) {
            // The person left meanwhile: the answer is for nobody.
            let _nobody = asked.send(answer);
        }
    }

    /// An answer to a look at a Kafka topic.
    pub(super) fn of_topic(&mut self, request: u64, answer: TopicAnswer) {
        if let Some(asked) = self.topics.remove(&request) {
            // The person left meanwhile: the answer is for nobody.
            let _nobody = asked.send(answer);
        }
    }

    /// Events of a tail. A reader that is too slow loses them and is told how many.
    pub(super) fn events(&mut self, request: u64, events: Vec<TailEvent>, dropped: u64) {
        let Some(tail) = self.tails.get_mut(&request) else { return };
        let count = events.len() as u64;
        let total = tail.dropped + dropped;
        tail.dropped = match tail.events.try_send(TailMessage::Events(events, total)) {
            Ok(()) => 0,
            Err(_) => total + count,
        };
    }

    /// The agent ended a tail.
    pub(super) fn ended(&mut self, request: u64, reason: String) {
        if let Some(tail) = self.tails.remove(&request) {
            // A full queue means a reader that is not reading: it sees the end of the channel instead.
            let _full = tail.events.try_send(TailMessage::Closed(reason));
        }
    }

    /// Waits until a tail has lost its reader, and gives the message that closes it. Cancel-safe: a tail is forgotten
    /// only when its message is given.
    pub(super) async fn closed_tail(&mut self) -> ToAgent {
        loop {
            let closed = self.tails.iter().find(|(_, tail)| tail.events.is_closed()).map(|(number, _)| *number);
            if let Some(request) = closed {
                self.tails.remove(&request);
                return ToAgent::CloseTail { request };
            }
            tokio::time::sleep(TAIL_CHECK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use mesh_protocol::id::PrincipalId;
    use mesh_protocol::topic::Filter;

    use super::*;

    fn tail(requests: &mut Requests) -> (u64, mpsc::Receiver<TailMessage>) {
        let (events, receiver) = mpsc::channel(1);
        let message = requests.open(Request::Tail {
            principal: PrincipalId(uuid::Uuid::nil()),
            filter: Filter::mesh(">").expect("valid"),
            payload_bytes_max: 1,
            events,
        });
        let ToAgent::OpenTail { request, .. } = message else { panic!("a tail was asked for") };
        (request, receiver)
    }

    fn event() -> TailEvent {
        TailEvent { at_ms: 0, topic: "a".into(), payload: String::new(), payload_bytes: 0, origin_site: "hq".into() }
    }

    #[test]
    fn what_a_slow_reader_lost_is_counted() {
        let mut requests = Requests::default();
        let (number, mut reader) = tail(&mut requests);
        requests.events(number, vec![event()], 0);
        requests.events(number, vec![event(), event()], 3);
        assert_eq!(reader.try_recv(), Ok(TailMessage::Events(vec![event()], 0)));
        requests.events(number, vec![event()], 0);
        assert_eq!(reader.try_recv(), Ok(TailMessage::Events(vec![event()], 5)), "two lost here, three at the agent");
    }

    #[tokio::test]
    async fn a_tail_without_a_reader_is_closed_at_the_agent() {
        let mut requests = Requests::default();
        let (number, reader) = tail(&mut requests);
        drop(reader);
        assert_eq!(requests.closed_tail().await, ToAgent::CloseTail { request: number });
    }
}
