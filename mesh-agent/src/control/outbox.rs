//! Reports on their way to the portal: kept until acknowledged, bounded, and never blocking who reports.
//!
//! While the portal is away reports pile up here, so each kind has its answer to a full outbox. A whole picture
//! (subscriptions, a full scan, use of grants) replaces the older one of its kind at once. Windows of traffic, denials and shapes lose
//! the oldest, counted. A part of a scan is refused instead, because a hole in the middle would read as "gone": whoever
//! scans then sends a full scan next time.
//!
//! A report that the portal could not take as one message would end the session, and the next one, for ever: it is
//! refused here. Who reports keeps below that bound ([`REPORT_BYTES_MAX`](crate::reports::REPORT_BYTES_MAX)).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mesh_protocol::id::BrokerId;
use mesh_protocol::report::Report;
use mesh_protocol::wire::{MESSAGE_BYTES_MAX, ToControl};
use tokio::sync::{Notify, watch};

use crate::counters::{Counter, Counters};

/// Most reports kept.
const REPORTS_MAX: usize = 512;
/// Most bytes of reports kept.
const BYTES_MAX: usize = 24 * 1024 * 1024;
/// Reports sent and not yet acknowledged.
const IN_FLIGHT_MAX: usize = 8;

/// Where reports go. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
}

/// Why a report was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The outbox is full and this report must not lose a part: send the whole picture later.
    #[error("too many reports wait for the portal: send a full scan next time")]
    Full,
    /// The portal would not take it as one message.
    #[error("the report is larger than one message to the portal may be")]
    TooLarge,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    news: Notify,
    /// Number of the last usage report that the portal has.
    usage: watch::Sender<u64>,
    dropped: Counter,
    refused: Counter,
    oversized: Counter,
    /// The log has been told of an oversized report.
    oversized_told: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    bytes: usize,
    next_id: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    kind: Kind,
    text: Arc<str>,
    sent: bool,
}

/// What decides which report may replace or push out which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Subscriptions,
    Traffic,
    Denials,
    Shapes,
    Usage { number: u64 },
    Scan { broker: BrokerId, scan: u64 },
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new(counters: &Counters) -> Self {
        let dropped = counters.counter("outbox_dropped_reports");
        let refused = counters.counter("portal_refused_reports");
        let oversized = counters.counter("outbox_oversized_reports");
        let (state, news, oversized_told) = (Mutex::default(), Notify::new(), AtomicBool::new(false));
        let usage = watch::Sender::new(0);
        Self { shared: Arc::new(Shared { state, news, usage, dropped, refused, oversized, oversized_told }) }
    }

    /// Takes a report. Never waits.
    ///
    /// # Errors
    /// [`NotTaken::Full`] for a part of a scan that finds no room; all others make room for themselves.
    /// [`NotTaken::TooLarge`] for any that is larger than a message; the older one of its kind stays.
    pub fn push(&self, report: Report) -> Result<(), NotTaken> {
        let pushed = self.shared.push(report);
        match pushed {
            Ok(()) => self.shared.news.notify_one(),
            Err(NotTaken::Full) => self.shared.dropped.one(),
            Err(NotTaken::TooLarge) => self.shared.oversized.one(),
        }
        pushed
    }

    /// The next message to send, once there is one and not too many are unacknowledged. Cancel-safe.
    pub async fn next(&self) -> Arc<str> {
        loop {
            if let Some(text) = self.shared.take() {
                return text;
            }
            self.shared.news.notified().await;
        }
    }

    /// The portal answered: the report is stored, or refused for good.
    pub fn acknowledge(&self, id: u64, refused: Option<&str>) {
        let mut state = self.shared.state.lock().expect("no panic while held");
        let kind = state.waiting.iter().find(|entry| entry.id == id).map(|entry| entry.kind);
        state.remove(|entry| entry.id == id);
        drop(state);
        if let (Some(Kind::Usage { number }), None) = (kind, refused) {
            self.shared.usage.send_replace(number);
        }
        if let Some(reason) = refused {
            tracing::warn!(id, reason, "the portal refused a report");
            self.shared.refused.one();
        }
        self.shared.news.notify_one();
    }

    /// The number of the last usage report that the portal has stored.
    #[must_use]
    pub fn stored_usage(&self) -> watch::Receiver<u64> {
        self.shared.usage.subscribe()
    }

    /// A new session: what was sent and not acknowledged is sent again. A repeat is harmless there.
    pub fn rewind(&self) {
        let mut state = self.shared.state.lock().expect("no panic while held");
        state.waiting.iter_mut().for_each(|entry| entry.sent = false);
        drop(state);
        self.shared.news.notify_one();
    }
}

impl Shared {
    fn push(&self, report: Report) -> Result<(), NotTaken> {
        let kind = Kind::of(&report);
        let full_scan = matches!(&report, Report::Discovery(discovery) if discovery.full);
        let mut state = self.state.lock().expect("no panic while held");
        state.next_id += 1;
        let message = ToControl::Report { id: state.next_id, report };
        let text: Arc<str> = serde_json::to_string(&message).expect("a report serializes").into();
        if text.len() > MESSAGE_BYTES_MAX {
            self.tell_oversized(kind, text.len());
            return Err(NotTaken::TooLarge);
        }
        state.remove(|older| match (kind, older.kind) {
            (Kind::Subscriptions, Kind::Subscriptions) | (Kind::Usage { .. }, Kind::Usage { .. }) => true,
            (Kind::Scan { broker, scan }, Kind::Scan { broker: same, scan: before }) => {
                full_scan && broker == same && before < scan
            }
            _ => false,
        });
        while !state.has_room(text.len()) {
            if matches!(kind, Kind::Scan { .. }) {
                return Err(NotTaken::Full);
            }
            let oldest =
                state.waiting.iter().find(|entry| !matches!(entry.kind, Kind::Scan { .. })).map(|entry| entry.id);
            // Only scans are left: they stay, the window goes.
            let Some(oldest) = oldest else { return Err(NotTaken::Full) };
            state.remove(|entry| entry.id == oldest);
            self.dropped.one();
        }
        state.bytes += text.len();
        let id = state.next_id;
        state.waiting.push_back(Entry { id, kind, text, sent: false });
        Ok(())
    }

    /// Once: who reports so much does it again, and the counter has the number.
    fn tell_oversized(&self, kind: Kind, bytes: usize) {
        if !self.oversized_told.swap(true, Ordering::Relaxed) {
            tracing::error!(?kind, bytes, "a report is larger than the portal takes as one message; it is left out");
        }
    }

    fn take(&self) -> Option<Arc<str>> {
        let mut state = self.state.lock().expect("no panic while held");
        if state.waiting.iter().filter(|entry| entry.sent).count() >= IN_FLIGHT_MAX {
            return None;
        }
        let entry = state.waiting.iter_mut().find(|entry| !entry.sent)?;
        entry.sent = true;
        Some(entry.text.clone())
    }
}

impl State {
    fn has_room(&self, bytes: usize) -> bool {
        self.waiting.len() < REPORTS_MAX && self.bytes + bytes <= BYTES_MAX
    }

    fn remove(&mut self, gone: impl Fn(&Entry) -> bool) {
        let bytes = &mut self.bytes;
        self.waiting.retain(|entry| {
            let gone = gone(entry);
            if gone {
                *bytes -= entry.text.len();
            }
            !gone
        });
    }
}

impl Kind {
    fn of(report: &Report) -> Self {
        match report {
            Report::Subscriptions(_) => Self::Subscriptions,
            Report::Traffic(_) => Self::Traffic,
            Report::Denials(_) | Report::Contracts(_) => Self::Denials,
            Report::Shapes(_) | Report::Unknown => Self::Shapes,
            Report::Usage(usage) => Self::Usage { number: usage.number },
            Report::Discovery(discovery) => Self::Scan { broker: discovery.broker, scan: discovery.scan },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_protocol::report::{Denials, Discovery, Subscription, Subscriptions};
    use uuid::Uuid;

    fn subscriptions(at_ms: i64) -> Report {
        Report::Subscriptions(Subscriptions { at_ms, subscriptions: Vec::new(), left_out: 0 })
    }

    fn denials(at_ms: i64) -> Report {
        Report::Denials(Denials { at_ms, denials: Vec::new(), left_out: 0 })
    }

    fn scan(scan: u64, full: bool) -> Report {
        let broker = BrokerId(Uuid::nil());
        let (objects, removed, missing_rights) = (Vec::new(), Vec::new(), Vec::new());
        Report::Discovery(Discovery {
            broker,
            at_ms: 0,
            full,
            scan,
            last: true,
            objects,
            removed,
            missing_rights,
            failed: None,
        })
    }

    fn sent(outbox: &Outbox) -> Vec<Report> {
        let texts = std::iter::from_fn(|| outbox.shared.take());
        let parse = |text: Arc<str>| match serde_json::from_str(&text).expect("a message") {
            ToControl::Report { report, .. } => report,
            other => panic!("not a report: {other:?}"),
        };
        texts.map(parse).collect()
    }

    #[test]
    fn a_whole_picture_replaces_the_older_one() {
        let outbox = Outbox::new(&Counters::default());
        for report in [subscriptions(1), denials(1), subscriptions(2), scan(1, false), scan(2, true), scan(2, true)] {
            outbox.push(report).expect("room");
        }
        assert_eq!(sent(&outbox), [denials(1), subscriptions(2), scan(2, true), scan(2, true)]);
    }

    #[test]
    fn windows_lose_the_oldest_and_scans_are_refused_when_full() {
        let counters = Counters::default();
        let outbox = Outbox::new(&counters);
        for at_ms in 0..600 {
            outbox.push(denials(at_ms)).expect("makes room");
        }
        assert_eq!(counters.counter("outbox_dropped_reports").get(), 600 - REPORTS_MAX as u64);
        assert_eq!(outbox.push(scan(1, false)), Err(NotTaken::Full));
        assert_eq!(sent(&outbox)[0], denials(600 - REPORTS_MAX as i64));
    }

    #[test]
    fn what_no_message_could_carry_is_refused_and_blocks_nobody() {
        let counters = Counters::default();
        let outbox = Outbox::new(&counters);
        outbox.push(subscriptions(1)).expect("room");
        let mut large = subscriptions(2);
        let Report::Subscriptions(picture) = &mut large else { panic!("made as such") };
        picture.subscriptions.push(Subscription {
            filter: mesh_protocol::topic::Filter::mesh("a").expect("valid"),
            principal: None,
            principal_name: "x".repeat(MESSAGE_BYTES_MAX),
            client_id: String::new(),
            protocol: mesh_protocol::event::Protocol::Mqtt,
            route: None,
            since_ms: 0,
        });
        for _ in 0..2 {
            assert_eq!(outbox.push(large.clone()), Err(NotTaken::TooLarge));
        }
        assert_eq!(counters.counter("outbox_oversized_reports").get(), 2);
        outbox.push(denials(3)).expect("room");
        assert_eq!(sent(&outbox), [subscriptions(1), denials(3)], "what was there stays, what comes next goes");
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again() {
        let outbox = Outbox::new(&Counters::default());
        for at_ms in 0..20 {
            outbox.push(denials(at_ms)).expect("room");
        }
        assert_eq!(sent(&outbox).len(), IN_FLIGHT_MAX);
        outbox.acknowledge(1, None);
        assert_eq!(sent(&outbox), [denials(8)]);
        outbox.rewind();
        assert_eq!(sent(&outbox)[0], denials(1));
    }

    #[test]
    fn who_reports_use_is_told_what_was_stored() {
        let usage = |number| {
            let (meter, entries) = ("m".to_owned(), Vec::new());
            Report::Usage(mesh_protocol::report::Usage { at_ms: 1, meter, number, entries })
        };
        let outbox = Outbox::new(&Counters::default());
        let stored = outbox.stored_usage();
        outbox.push(usage(1)).expect("room");
        outbox.push(usage(2)).expect("room");
        assert_eq!(sent(&outbox), [usage(2)], "totals replace older ones");
        outbox.acknowledge(2, Some("not believed"));
        assert_eq!(*stored.borrow(), 0);
        outbox.push(usage(3)).expect("room");
        outbox.acknowledge(1, None);
        assert_eq!(*stored.borrow(), 0, "one that was replaced says nothing");
        outbox.acknowledge(3, None);
        assert_eq!(*stored.borrow(), 3);
    }

    #[tokio::test]
    async fn next_wakes_for_a_report() {
        let outbox = Outbox::new(&Counters::default());
        let (text, ()) = tokio::join!(outbox.next(), async { outbox.push(denials(1)).expect("room") });
        assert!(text.contains("denials"));
    }
}
