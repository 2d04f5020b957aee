//! The agents that are connected to this process, and what is pushed to them.
//!
//! State goes through a watch: a slow agent never holds anybody up and always gets the newest, never a queue of old
//! ones. Requests (publish, tail, queues) go through a small bounded queue; a full one is an error to the person who asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mesh_protocol::browse::{TopicAnswer, TopicAsk};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::{AgentId, PrincipalId};
use mesh_protocol::queue::{QueueAnswer, QueueAsk, QueueRef};
use mesh_protocol::signed::Signed;
use mesh_protocol::topic::{Filter, Topic};
use mesh_protocol::wire::{PublishOutcome, TailEvent};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::{Error, Result};

/// Requests waiting for one agent's session.
const REQUESTS_MAX: usize = 64;
/// Messages of one tail waiting for its reader; more are dropped and counted.
const TAIL_MESSAGES_MAX: usize = 64;
/// How long a publish waits for the agent's answer: longer than any listener's own custody timeout by default.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(35);
/// How long a question about a queue waits for its answer: moving a million events takes its time, and whoever asks over
/// HTTP is told after a minute at the latest.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(45);

/// How long a look at a Kafka topic waits for its answer: longer than the agent looks.
const TOPIC_TIMEOUT: Duration = Duration::from_secs(25);

/// Told to an agent whose newer session took the place of this one, here or at another portal.
pub(super) const REPLACED: &str = "another session of this agent took its place";

/// Sessions by agent. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Fleet(Arc<Mutex<HashMap<AgentId, Handle>>>);

#[derive(Clone, Debug)]
struct Handle {
    session: Uuid,
    desired: watch::Sender<Option<Arc<Signed>>>,
    deny_list: watch::Sender<Option<Arc<Signed>>>,
    requests: mpsc::Sender<Request>,
    /// Set, it ends the session.
    end: watch::Sender<Option<End>>,
}

/// The session's side of the handle.
#[derive(Debug)]
pub struct Seat {
    /// This session, to tell it from the one that replaces it.
    pub session: Uuid,
    /// The newest desired state.
    pub desired: watch::Receiver<Option<Arc<Signed>>>,
    /// The newest deny list.
    pub deny_list: watch::Receiver<Option<Arc<Signed>>>,
    /// What people ask of the agent.
    pub requests: mpsc::Receiver<Request>,
    /// Set when the session must end.
    pub end: watch::Receiver<Option<End>>,
}

/// Why the portal ends a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The agent may not have it; told to the agent.
    Refused(String),
    /// The portal stops; the agent comes back to the next one.
    Stopping,
}

/// Something a person asks of an agent.
#[derive(Debug)]
pub enum Request {
    /// Publish one event.
    Publish {
        /// On whose rights.
        principal: PrincipalId,
        /// Where.
        topic: Topic,
        /// What.
        payload: String,
        /// Direct or guaranteed.
        mode: DeliveryMode,
        /// The agent's answer.
        answer: oneshot::Sender<PublishOutcome>,
    },
    /// Watch a filter until the receiver is gone.
    Tail {
        /// On whose rights.
        principal: PrincipalId,
        /// What to watch.
        filter: Filter,
        /// Payloads are cut to this many bytes.
        payload_bytes_max: u32,
        /// Where the events go.
        events: mpsc::Sender<TailMessage>,
    },
    /// Look at a queue, or do something to what is in it.
    Queue {
        /// Which.
        queue: QueueRef,
        /// What.
        ask: QueueAsk,
        /// The agent's answer.
        answer: oneshot::Sender<QueueAnswer>,
    },
    /// Look at records of a Kafka topic.
    Topic {
        /// What.
        ask: TopicAsk,
        /// The agent's answer.
        answer: oneshot::Sender<TopicAnswer>,
    },
}

/// What became of a question about a queue that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The agent's answer.
    Answered(QueueAnswer),
    /// None came: it may have been done or not.
    Unanswered,
}

/// What a tail brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TailMessage {
    /// Events in order, and how many were left out before them.
    Events(Vec<TailEvent>, u64),
    /// The tail ended; why.
    Closed(String),
}

impl Fleet {
    /// A new session of an agent takes its seat; an older one of the same agent is ended.
    #[must_use]
    pub fn enter(&self, agent: AgentId, session: Uuid) -> Seat {
        let (desired, desired_rx) = watch::channel(None);
        let (deny_list, deny_list_rx) = watch::channel(None);
        let (requests, requests_rx) = mpsc::channel(REQUESTS_MAX);
        let (end, end_rx) = watch::channel(None);
        let handle = Handle { session, desired, deny_list, requests, end };
        let replaced = self.lock().insert(agent, handle);
        if let Some(old) = replaced {
            old.end.send_replace(Some(End::Refused(REPLACED.to_owned())));
        }
        Seat { session, desired: desired_rx, deny_list: deny_list_rx, requests: requests_rx, end: end_rx }
    }

    /// A session is over; a newer one of the same agent is left alone.
    pub fn leave(&self, agent: AgentId, session: Uuid) {
        let mut seats = self.lock();
        if seats.get(&agent).is_some_and(|handle| handle.session == session) {
            seats.remove(&agent);
        }
    }

    /// Ends the session of an agent that may not have it any more.
    pub fn end(&self, agent: AgentId, reason: &str) {
        if let Some(handle) = self.lock().get(&agent) {
            handle.end.send_replace(Some(End::Refused(reason.to_owned())));
        }
    }

    /// Ends this one session of an agent; a newer one is left alone.
    pub(super) fn end_session(&self, agent: AgentId, session: Uuid, end: End) {
        if let Some(handle) = self.lock().get(&agent).filter(|handle| handle.session == session) {
            handle.end.send_replace(Some(end));
        }
    }

    /// Ends all sessions, because the portal stops.
    pub fn end_all(&self) {
        for handle in self.lock().values() {
            handle.end.send_replace(Some(End::Stopping));
        }
    }

    /// The agents connected to this process.
    #[must_use]
    pub fn connected(&self) -> Vec<AgentId> {
        self.lock().keys().copied().collect()
    }

    /// The sessions at this process.
    pub(super) fn seats(&self) -> Vec<(AgentId, Uuid)> {
        self.lock().iter().map(|(agent, handle)| (*agent, handle.session)).collect()
    }

    /// Pushes a desired state; the same one twice is not sent twice.
    pub fn push_desired(&self, agent: AgentId, document: Arc<Signed>) {
        if let Some(handle) = self.lock().get(&agent) {
            push(&handle.desired, document);
        }
    }

    /// Pushes the deny list to everybody.
    pub fn push_deny_list(&self, document: &Arc<Signed>) {
        for handle in self.lock().values() {
            push(&handle.deny_list, document.clone());
        }
    }

    /// Asks an agent to publish one event.
    ///
    /// # Errors
    /// The agent is not connected here, overloaded, or does not answer.
    pub async fn publish(
        &self,
        agent: AgentId,
        principal: PrincipalId,
        topic: Topic,
        payload: String,
        mode: DeliveryMode,
    ) -> Result<PublishOutcome> {
        let (answer, answered) = oneshot::channel();
        self.ask(agent, Request::Publish { principal, topic, payload, mode, answer })?;
        match tokio::time::timeout(PUBLISH_TIMEOUT, answered).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(Error::Unavailable("the agent's session ended before it answered".to_owned())),
            Err(_) => Err(Error::Unavailable("the agent did not answer in time".to_owned())),
        }
    }

    /// Opens a tail; dropping the receiver closes it.
    ///
    /// # Errors
    /// The agent is not connected here, or overloaded.
    pub fn tail(
        &self,
        agent: AgentId,
        principal: PrincipalId,
        filter: Filter,
        payload_bytes_max: u32,
    ) -> Result<mpsc::Receiver<TailMessage>> {
        let (events, receiver) = mpsc::channel(TAIL_MESSAGES_MAX);
        self.ask(agent, Request::Tail { principal, filter, payload_bytes_max, events })?;
        Ok(receiver)
    }

    /// Asks an agent about one of its queues.
    ///
    /// # Errors
    /// The agent is not connected here, or overloaded: it was not asked.
    pub async fn ask_queue(&self, agent: AgentId, queue: QueueRef, ask: QueueAsk) -> Result<Asked> {
        let (answer, answered) = oneshot::channel();
        self.ask(agent, Request::Queue { queue, ask, answer })?;
        Ok(match tokio::time::timeout(QUEUE_TIMEOUT, answered).await {
            Ok(Ok(answer)) => Asked::Answered(answer),
            // Its session ended, or it takes too long.
            Ok(Err(_)) | Err(_) => Asked::Unanswered,
        })
    }

    /// Asks an agent for records of a Kafka topic.
    ///
    /// # Errors
    /// The agent is not connected here, overloaded, or does not answer.
    pub async fn ask_topic(&self, agent: AgentId, ask: TopicAsk) -> Result<TopicAnswer> {
        let (answer, answered) = oneshot::channel();
        self.ask(agent, Request::Topic { ask, answer })?;
        match tokio::time::timeout(TOPIC_TIMEOUT, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Error::Unavailable("the agent's session ended before it answered".to_owned())),
            Err(_) => Err(Error::Unavailable("the agent did not answer in time: try again".to_owned())),
        }
    }

    fn ask(&self, agent: AgentId, request: Request) -> Result<()> {
        let sender = self.lock().get(&agent).map(|handle| handle.requests.clone());
        let sender =
            sender.ok_or_else(|| Error::Unavailable("the agent has just left this portal: try again".to_owned()))?;
        sender.try_send(request).map_err(|_| Error::Unavailable("the agent is busy: try again".to_owned()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AgentId, Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push(sender: &watch::Sender<Option<Arc<Signed>>>, document: Arc<Signed>) {
    sender.send_if_modified(|current| {
        let changed = current.as_deref() != Some(&*document);
        if changed {
            *current = Some(document);
        }
        changed
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent() -> AgentId {
        AgentId(Uuid::from_u128(1))
    }

    fn document(body: &str) -> Arc<Signed> {
        Arc::new(Signed { body: body.into(), signature: vec![], key_id: String::new() })
    }

    #[test]
    fn a_new_session_ends_the_old_one_and_outlives_its_goodbye() {
        let fleet = Fleet::default();
        let old = fleet.enter(agent(), Uuid::now_v7());
        let new = fleet.enter(agent(), Uuid::now_v7());
        assert!(old.end.borrow().is_some());
        fleet.leave(agent(), old.session);
        assert_eq!(fleet.connected(), [agent()]);
        fleet.leave(agent(), new.session);
        assert!(fleet.connected().is_empty());
    }

    #[test]
    fn the_same_document_is_pushed_once() {
        let fleet = Fleet::default();
        let mut seat = fleet.enter(agent(), Uuid::now_v7());
        fleet.push_desired(agent(), document("1"));
        assert!(seat.desired.has_changed().expect("open"));
        seat.desired.mark_unchanged();
        fleet.push_desired(agent(), document("1"));
        assert!(!seat.desired.has_changed().expect("open"));
        fleet.push_desired(agent(), document("2"));
        assert!(seat.desired.has_changed().expect("open"));
    }

    #[tokio::test]
    async fn asking_an_absent_agent_says_so() {
        let fleet = Fleet::default();
        let topic = Topic::new("a").expect("valid");
        let asked = fleet.publish(agent(), PrincipalId(Uuid::nil()), topic, String::new(), DeliveryMode::Direct).await;
        assert!(matches!(asked, Err(Error::Unavailable(_))));
    }
}
