//! Counters of an agent turned into rates.
//!
//! A status may come again after milliseconds, because something changed, and a rate over such a window would be
//! noise. So rates are counted from a baseline that is kept until it is old enough, and start anew with a new process.

use std::collections::BTreeMap;

use mesh_protocol::id::{AgentId, QueueId};
use mesh_protocol::report::{PartRef, Status};
use serde::{Deserialize, Serialize};

use super::flow::per_second;

/// Shortest window a rate is counted over.
const WINDOW_MS_MIN: i64 = 4_000;
/// Rates older than this say nothing about now. Three status intervals.
pub const RATES_VALID_MS: i64 = 30_000;

/// Rates of one agent, and where they are counted from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// When the rates were computed, by the portal's clock, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Per second, by counter name.
    pub counters: BTreeMap<String, f64>,
    /// Per second, by peer.
    pub links: BTreeMap<AgentId, LinkRates>,
    baseline: Baseline,
}

/// Rates of one link, as one end sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkRates {
    /// Event copies sent per second.
    pub sent: f64,
    /// Event copies received per second.
    pub received: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Baseline {
    at_ms: i64,
    started_at_ms: i64,
    counters: BTreeMap<String, u64>,
    links: BTreeMap<AgentId, (u64, u64)>,
}

impl Rates {
    /// One counter's rate now; zero when the agent has been silent too long.
    #[must_use]
    pub fn counter(&self, name: &str, now_ms: i64) -> f64 {
        if self.is_valid(now_ms) { self.counters.get(name).copied().unwrap_or_default() } else { 0.0 }
    }

    /// A link's rates now; zero when the agent has been silent too long.
    #[must_use]
    pub fn link(&self, peer: AgentId, now_ms: i64) -> LinkRates {
        if self.is_valid(now_ms) { self.links.get(&peer).copied().unwrap_or_default() } else { LinkRates::default() }
    }

    fn is_valid(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.at_ms) <= RATES_VALID_MS
    }

    /// The rates after another status, and how far each counter has come since the last baseline, once that is old
    /// enough to be counted.
    #[must_use]
    pub fn advance(self, status: &Status, at_ms: i64) -> (Self, BTreeMap<String, u64>) {
        let fresh = Baseline::of(status, at_ms);
        if self.baseline.started_at_ms != status.started_at_ms {
            return (Self { at_ms, baseline: fresh, ..Self::default() }, BTreeMap::new());
        }
        let window_ms = at_ms.saturating_sub(self.baseline.at_ms);
        if window_ms < WINDOW_MS_MIN {
            return (self, BTreeMap::new());
        }
        let window = u64::try_from(window_ms).unwrap_or(1);
        let moved: BTreeMap<String, u64> = fresh
            .counters
            .iter()
            .map(|(name, now)| {
                let before = self.baseline.counters.get(name).copied().unwrap_or_default();
                (name.clone(), now.saturating_sub(before))
            })
            .collect();
        let links = fresh
            .links
            .iter()
            .map(|(peer, (sent, received))| {
                let before = self.baseline.links.get(peer).copied().unwrap_or_default();
                let rates = LinkRates {
                    sent: per_second(sent.saturating_sub(before.0), window),
                    received: per_second(received.saturating_sub(before.1), window),
                };
                (*peer, rates)
            })
            .collect();
        let counters = moved.iter().map(|(name, events)| (name.clone(), per_second(*events, window))).collect();
        (Self { at_ms, counters, links, baseline: fresh }, moved)
    }
}

/// The name under which what consumers of a queue acknowledged is counted among an agent's counters.
#[must_use]
pub fn queue_counter(id: QueueId) -> String {
    format!("queue.{id}.delivered_events")
}

/// What consumers acknowledged, by queue.
fn deliveries(status: &Status) -> impl Iterator<Item = (String, u64)> {
    status.parts.iter().filter_map(|part| match part.object {
        PartRef::Queue(id) => Some((queue_counter(id), part.figures.get("delivered_events").copied()?)),
        _ => None,
    })
}

impl Baseline {
    fn of(status: &Status, at_ms: i64) -> Self {
        Self {
            at_ms,
            started_at_ms: status.started_at_ms,
            counters: status.counters.clone().into_iter().chain(deliveries(status)).collect(),
            links: status.links.iter().map(|link| (link.agent, (link.events_sent, link.events_received))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(started_at_ms: i64, published: u64) -> Status {
        Status {
            at_ms: 0,
            applied: None,
            rejected: None,
            deny_list: 0,
            parts: Vec::new(),
            links: Vec::new(),
            counters: BTreeMap::from([("published_events".to_owned(), published)]),
            memory_bytes: 0,
            started_at_ms,
            certificate_ends_at_ms: 0,
        }
    }

    #[test]
    fn a_rate_is_counted_over_a_window_that_is_long_enough() {
        let (rates, _) = Rates::default().advance(&status(1, 100), 10_000);
        let (rates, moved) = rates.advance(&status(1, 101), 10_050);
        assert!(moved.is_empty(), "fifty milliseconds are no window");
        let (rates, moved) = rates.advance(&status(1, 150), 20_000);
        assert_eq!(moved["published_events"], 50);
        assert!((rates.counter("published_events", 20_000) - 5.0).abs() < 1e-9);
        assert!(rates.counter("published_events", 20_001 + RATES_VALID_MS).abs() < 1e-9);
    }

    #[test]
    fn what_a_queue_delivers_is_counted_too() {
        use mesh_protocol::report::{Part, PartState};

        let id = QueueId(uuid::Uuid::from_u128(1));
        let delivered = |events| {
            let figures = BTreeMap::from([("delivered_events".to_owned(), events)]);
            let object = PartRef::Queue(id);
            let part = Part {
                object,
                state: PartState::Running,
                detail: None,
                since_ms: 0,
                addresses: Vec::new(),
                own_certificate: false,
                figures,
            };
            Status { parts: vec![part], ..status(1, 0) }
        };
        let (rates, _) = Rates::default().advance(&delivered(10), 10_000);
        let (rates, _) = rates.advance(&delivered(40), 20_000);
        assert!((rates.counter(&queue_counter(id), 20_000) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_restarted_agent_starts_anew() {
        let (rates, _) = Rates::default().advance(&status(1, 1_000), 10_000);
        let (rates, moved) = rates.advance(&status(2, 10), 20_000);
        assert!(moved.is_empty());
        assert!(rates.counters.is_empty());
    }
}
