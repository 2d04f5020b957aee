//! Makes reports of what listeners and connectors tell: traffic per window, the live subscriptions, the denials, the
//! shapes of payloads.
//!
//! Everything is bounded and nothing blocks the one who tells: what does not fit is counted, what is not taken by the
//! portal is followed by something newer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mesh_protocol::report::{Direction, Report};
use mesh_protocol::topic::{Filter, Topic};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::denials::Ledger;
use super::flows::{Counted, Flows};
use super::subscriptions::Registry;
use super::{Client, ClientObserver, Observer, Refusal};
use crate::counters::Counters;
use crate::reports::ReportSink;
use crate::status::now_ms;
use crate::task::Tasks;

/// Changes are told together, this often.
const TURN: Duration = Duration::from_secs(1);
/// Traffic is told this often.
const WINDOW: Duration = Duration::from_secs(3);
/// Subscriptions are told at least this often.
const SUBSCRIPTIONS_INTERVAL: Duration = Duration::from_secs(30);

/// The agent's one observer. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Observatory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    flows: Flows,
    subscriptions: Registry,
    denials: Ledger,
    sink: Arc<dyn ReportSink>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Handle {
    inner: Arc<Inner>,
    number: u64,
    client: Arc<Client>,
    /// From its first event on: most who are refused or only ask move nothing, and need no place.
    counted: OnceLock<Arc<Counted>>,
}

impl Observatory {
    /// An observatory that reports to `sink` once it runs.
    #[must_use]
    pub fn new(sink: Arc<dyn ReportSink>, counters: &Counters) -> Self {
        Self(Arc::new(Inner {
            flows: Flows::new(counters),
            subscriptions: Registry::default(),
            denials: Ledger::default(),
            sink,
            next: AtomicU64::new(1),
        }))
    }

    /// Replaces the declared addresses, which come before all folding.
    pub fn declare(&self, addresses: &[String]) {
        self.0.flows.declare(addresses);
    }

    /// Reports until the tasks stop.
    pub fn start(&self, tasks: &Tasks) {
        let inner = self.0.clone();
        tasks.spawn_until_stopped("observatory", async move { inner.run().await });
    }
}

impl Inner {
    async fn run(&self) {
        let mut turns = interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut window, mut told) = (Instant::now(), None::<Instant>);
        loop {
            turns.tick().await;
            let due = told.is_none_or(|at| at.elapsed() >= SUBSCRIPTIONS_INTERVAL);
            if self.tell_subscriptions(due) {
                told = Some(Instant::now());
            }
            if let Some(denials) = self.denials.report(now_ms()) {
                self.send(Report::Denials(denials));
            }
            let length = window.elapsed();
            if length >= WINDOW {
                window = Instant::now();
                self.tell_traffic(length);
            }
        }
    }

    /// Whether they were told.
    fn tell_subscriptions(&self, due: bool) -> bool {
        let Some(subscriptions) = self.subscriptions.report(due, now_ms()) else { return false };
        let taken = self.sink.send(Report::Subscriptions(subscriptions)).is_ok();
        if !taken {
            self.subscriptions.untold();
        }
        taken
    }

    fn tell_traffic(&self, length: Duration) {
        let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let traffic = self.flows.window(now_ms(), length_ms);
        if !traffic.flows.is_empty() {
            self.send(Report::Traffic(traffic));
        }
        if let Some(shapes) = self.flows.shapes().report(now_ms())
            && self.sink.send(Report::Shapes(shapes.clone())).is_err()
        {
            self.flows.shapes().untold(&shapes);
        }
    }

    fn send(&self, report: Report) {
        if let Err(full) = self.sink.send(report) {
            tracing::warn!(%full, "a report was not taken");
        }
    }
}

impl Observer for Observatory {
    fn client(&self, client: Client) -> Arc<dyn ClientObserver> {
        let inner = self.0.clone();
        let number = inner.next.fetch_add(1, Ordering::Relaxed);
        Arc::new(Handle { inner, number, client: Arc::new(client.bounded()), counted: OnceLock::new() })
    }
}

impl Handle {
    fn count(&self, direction: Direction, topic: &Topic, payload: &[u8], broker_topic: Option<&str>) {
        let flows = &self.inner.flows;
        if let Some(counted) = self.counted.get() {
            return flows.count(counted, direction, topic, payload, broker_topic);
        }
        // Asked again with every event while there is no place.
        let Some(counted) = flows.open(&self.client) else { return flows.unobserved() };
        flows.count(&counted, direction, topic, payload, broker_topic);
        if let Err(second) = self.counted.set(counted) {
            // Another thread had the first event too.
            second.leave();
        }
    }
}

impl ClientObserver for Handle {
    fn produced(&self, topic: &Topic, payload: &[u8], broker_topic: Option<&str>) {
        self.count(Direction::Produce, topic, payload, broker_topic);
    }

    fn consumed(&self, topic: &Topic, payload: &[u8], broker_topic: Option<&str>) {
        self.count(Direction::Consume, topic, payload, broker_topic);
    }

    fn subscribed(&self, filter: &Filter) {
        self.inner.subscriptions.add(self.number, &self.client, filter, now_ms());
    }

    fn unsubscribed(&self, filter: &Filter) {
        self.inner.subscriptions.remove(self.number, filter);
    }

    fn refused(&self, refusal: Refusal) {
        self.inner.denials.add(&self.client, refusal.bounded(), now_ms());
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.inner.subscriptions.remove_all(self.number);
        if let Some(counted) = self.counted.get() {
            counted.leave();
        }
    }
}

#[cfg(test)]
mod tests;
