//! The clients: publishers that note every answer, and consumers that note every delivery.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::ledger::{Answer, Ledger, payload};
use crate::mesh::Login;
use crate::mqtt::MqttClient;
use crate::mqtt::raw::{Client, Incoming, Qos};
use crate::queue::QueueClient;
use crate::webhook::Endpoint;

/// From one answer to the next publish of a key.
const PACE: Duration = Duration::from_millis(60);
/// After something went wrong.
const BREATHE: Duration = Duration::from_millis(300);
/// A publisher gives an event up after this: longer than the agent's own limit.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest wait for an answer of a queue.
const PULL: Duration = Duration::from_secs(20);
/// Between two looks at what clients have got that note it by themselves.
const LOOK: Duration = Duration::from_millis(100);
/// Payloads are from some bytes to some thousand.
const SIZES: [usize; 5] = [60, 200, 700, 60, 3_000];

/// The consumers.
pub(super) const KAFKA: &str = "kafka at hq";
pub(super) const SESSION: &str = "session at berlin";
pub(super) const QUEUE: &str = "queue at lyon";
pub(super) const ENDPOINT: &str = "webhook at lyon";

/// The ledger as all clients share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Book(Arc<Mutex<Ledger>>);

impl Book {
    pub(super) fn open(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says when publishers shall stop.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn size(number: u64) -> usize {
    SIZES[usize::try_from(number).unwrap_or_default() % SIZES.len()]
}

/// A publisher over HTTP.
#[derive(Clone, Debug)]
pub(super) struct HttpPublisher {
    pub(super) address: String,
    pub(super) login: Login,
    pub(super) site: &'static str,
    pub(super) client: reqwest::Client,
}

impl HttpPublisher {
    /// One event; what became of it.
    pub(super) async fn publish(&self, key: &str, payload: Vec<u8>) -> Answer {
        let url = format!("http://{}/v1/events/load/{}/{key}", self.address, self.site);
        let request = self.client.post(url).basic_auth(&self.login.username, Some(&self.login.secret));
        let request = request.header("meshport-key", key).timeout(PATIENCE).body(payload);
        let Ok(response) = request.send().await else { return Answer::Unknown };
        match response.status() {
            StatusCode::ACCEPTED => match response.json::<Value>().await {
                Ok(told) if told["outlets"] == 0 => Answer::Unrouted,
                Ok(_) => Answer::Acknowledged,
                Err(_) => Answer::Unknown,
            },
            StatusCode::FORBIDDEN => Answer::Denied,
            _ => Answer::Unknown,
        }
    }

    /// One event after the other until it shall stop.
    pub(super) async fn run(self, key: String, book: Book, stop: Stop) {
        while !stop.is_set() {
            let number = book.open().send(&key);
            let answer = self.publish(&key, payload(&key, number, size(number))).await;
            book.open().answered(&key, number, answer);
            sleep(if answer == Answer::Acknowledged { PACE } else { BREATHE }).await;
        }
    }
}

/// A publisher over MQTT at QoS 1; blocks its thread. A publish is never sent again: its connection ends instead.
pub(super) fn publish_over_mqtt(address: &str, login: &Login, topic: &str, book: &Book, stop: &Stop) {
    let key = login.username.clone();
    while !stop.is_set() {
        if let Ok(mut client) = Client::connect(address, Some(login), &key)
            && client.limit(PATIENCE).is_ok()
        {
            while !stop.is_set() {
                let number = book.open().send(&key);
                client.publish(topic, Qos::AtLeastOnce, &payload(&key, number, size(number)));
                let answer = answer_of(&mut client).unwrap_or(Answer::Unknown);
                book.open().answered(&key, number, answer);
                if answer == Answer::Unknown {
                    break;
                }
                thread::sleep(PACE);
            }
        }
        thread::sleep(BREATHE);
    }
}

/// Sends what waits, and what it was told about it.
fn answer_of(client: &mut Client) -> anyhow::Result<Answer> {
    client.flush()?;
    Ok(match client.next()? {
        Some(Incoming::Taken { wanted: true }) => Answer::Acknowledged,
        Some(Incoming::Taken { wanted: false }) => Answer::Unrouted,
        Some(Incoming::Event(_)) | None => Answer::Unknown,
    })
}

/// Notes what a lasting session gets.
pub(super) async fn follow_session(client: MqttClient, book: Book) {
    let mut seen = 0;
    loop {
        for message in client.messages_after(seen) {
            seen += 1;
            book.open().deliver(SESSION, &message.payload, message.dup);
        }
        sleep(LOOK).await;
    }
}

/// Notes what the endpoint is called with.
pub(super) async fn follow_endpoint(endpoint: Arc<Endpoint>, book: Book) {
    let mut seen = 0;
    loop {
        for call in endpoint.calls_after(seen) {
            seen += 1;
            book.open().deliver(ENDPOINT, &call.body, call.header("ce-redelivered") == "true");
        }
        sleep(LOOK).await;
    }
}

/// Takes and acknowledges what the queue has.
pub(super) async fn consume_queue(queue: QueueClient, book: Book) {
    loop {
        let Ok(Ok(events)) = timeout(PULL, queue.pull(50, 2_000)).await else {
            sleep(BREATHE).await;
            continue;
        };
        for event in &events {
            book.open().deliver(QUEUE, event.payload.as_bytes(), event.redelivered);
        }
        if !events.is_empty() {
            // Without an answer they come again.
            let _ = timeout(PULL, queue.ack(&events)).await;
        }
    }
}

/// Waits until nothing more arrives for a while, at most for a limit.
pub(super) async fn settle(book: &Book, quiet: Duration, limit: Duration) {
    let began = Instant::now();
    let (mut before, mut since) = (book.open().deliveries(), Instant::now());
    while since.elapsed() < quiet && began.elapsed() < limit {
        sleep(LOOK).await;
        let now = book.open().deliveries();
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
}

/// Waits for publishers to give their last answers.
pub(super) async fn join(mut publishers: JoinSet<()>) -> anyhow::Result<()> {
    while let Some(ended) = publishers.join_next().await {
        ended.context("a publisher failed")?;
    }
    Ok(())
}
