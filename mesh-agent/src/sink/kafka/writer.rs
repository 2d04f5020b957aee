//! The one thread that sends a sink's records, and makes a new producer when the old one cannot go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use mesh_protocol::event::Event;
use mesh_protocol::policy::Action;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::Shared;
use super::intake::{Intake, Next};
use super::producer::{Producer, Reports, Verdict, verdict};
use super::record::{Mapping, Record};
use super::tails::{Known, Tails};
use super::window::{Again, Entry};
use crate::counters::Counter;
use crate::kafka::client::code_of;
use crate::kafka::headers;
use crate::kafka::trouble::{Operation, Resource, Right};
use crate::observe::{ClientObserver, Refusal};
use crate::router::{Admitted, Delivery, Failure, Hold};
use crate::status::now_ms;

/// How long one wait for events may last.
const TURN: Duration = Duration::from_millis(500);
/// Shortest and longest pause before a new producer.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// The sending thread's own state.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    intake: Arc<Intake>,
    mapping: Mapping,
    settings: ClientConfig,
    tails: Mutex<Tails>,
    tally: Arc<Tally>,
}

/// Counts what became of events and keeps the last refusal for the part.
#[derive(Debug)]
pub(super) struct Tally {
    shared: Arc<Shared>,
    client: Arc<dyn ClientObserver>,
    pub(super) refusals: Refusals,
    taken: Counter,
    taken_bytes: Counter,
    refused: Counter,
    looped: Counter,
    denied: Counter,
    expired: Counter,
    resent: Counter,
    found: Counter,
}

/// The newest refusal, and figures of this sink alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals(Arc<Mutex<Figures>>);

/// What happened to this sink's events since it started.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) taken: u64,
    pub(super) refused: u64,
    pub(super) looped: u64,
    pub(super) denied: u64,
    pub(super) expired: u64,
    pub(super) last: Option<(Instant, String)>,
}

impl Refusals {
    pub(super) fn figures(&self) -> Figures {
        self.0.lock().expect("no panic while held").clone()
    }

    fn edit(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.0.lock().expect("no panic while held"));
    }
}

impl Tally {
    /// The cluster has it.
    pub(super) fn taken(&self, entry: &Entry) {
        let event = entry.event.event();
        self.taken.one();
        self.taken_bytes.add(event.payload.len() as u64);
        self.client.consumed(&event.topic, &event.payload, Some(&entry.record.topic));
        self.refusals.edit(|figures| figures.taken += 1);
    }

    /// The cluster will not have it.
    pub(super) fn refuse(&self, event: &Admitted, hold: Option<Hold>, code: Code, topic: &str) {
        self.refuse_with(hold, self.reason(event.event(), code, topic));
    }

    fn reason(&self, event: &Event, code: Code, topic: &str) -> String {
        let target = &self.shared.target;
        match code {
            Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => target.no_topic(topic),
            Code::TopicAuthorizationFailed => {
                let resource = Resource::Topic(topic.to_owned());
                target.not_allowed(&Right { operation: Operation::Write, resource })
            }
            Code::MessageSizeTooLarge | Code::MessageBatchTooLarge => format!(
                "{} takes no record of {} bytes in topic {topic}; raise its max.message.bytes, or send smaller events",
                target.name(),
                event.payload.len()
            ),
            _ => format!("{} refuses a record of {}: {code}", target.name(), event.topic),
        }
    }

    fn refuse_with(&self, hold: Option<Hold>, reason: String) {
        self.refused.one();
        self.refusals.edit(|figures| {
            figures.refused += 1;
            figures.last = Some((Instant::now(), reason.clone()));
        });
        if let Some(hold) = hold {
            hold.fail(Failure::Refused(reason));
        }
    }

    /// The cluster has had it since before a restart.
    fn found(&self, hold: Option<Hold>) {
        self.found.one();
        if let Some(hold) = hold {
            hold.done();
        }
    }

    /// It has been in this cluster, unchanged.
    fn looped(&self, hold: Option<Hold>) {
        self.looped.one();
        self.refusals.edit(|figures| figures.looped += 1);
        done_for_nobody(hold);
    }

    /// Its time to live is over.
    fn expired(&self, hold: Option<Hold>) {
        self.expired.one();
        self.refusals.edit(|figures| figures.expired += 1);
        done_for_nobody(hold);
    }

    /// The route's principal may not have it.
    fn denied(&self, event: &Event, hold: Option<Hold>) {
        self.denied.one();
        self.refusals.edit(|figures| figures.denied += 1);
        let reason = "a rule denies this topic to the route's principal".to_owned();
        self.client.refused(Refusal { action: Action::Subscribe, topic: event.topic.to_string(), rule: None, reason });
        done_for_nobody(hold);
    }
}

fn is_expired(event: &Event) -> bool {
    let age = u64::try_from(now_ms() - event.admitted_at_ms).unwrap_or(0);
    event.ttl_ms.is_some_and(|ttl| age > ttl)
}

/// The duty ends without a delivery: this sink turned out not to want the event.
fn done_for_nobody(hold: Option<Hold>) {
    if let Some(hold) = hold {
        hold.done_for(0);
    }
}

/// A producer that knows its cluster.
struct Connected {
    producer: Producer,
    cluster: String,
    broken: Arc<AtomicBool>,
}

impl Connected {
    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }
}

/// What became of one attempt to hand a record over.
enum Handed {
    Over,
    Refused(Code),
    /// The producer cannot go on, or the sink ends; the record is in the window.
    Not,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        intake: Arc<Intake>,
        mapping: Mapping,
        settings: ClientConfig,
        tails: Tails,
        client: Arc<dyn ClientObserver>,
    ) -> Self {
        let counters = &shared.deps.counters;
        let tally = Tally {
            client,
            refusals: Refusals::default(),
            taken: counters.counter("sink_events"),
            taken_bytes: counters.counter("sink_bytes"),
            refused: counters.counter("sink_refused_events"),
            looped: counters.counter("sink_looped_events"),
            denied: counters.counter("sink_denied_events"),
            expired: counters.counter("sink_expired_events"),
            resent: counters.counter("sink_resent_events"),
            found: counters.counter("sink_found_events"),
            shared: shared.clone(),
        };
        Self { shared, intake, mapping, settings, tails: Mutex::new(tails), tally: Arc::new(tally) }
    }

    /// Whether the client library takes the settings (a certificate that is no PEM, for example).
    pub(super) fn check(&self) -> KafkaResult<()> {
        self.settings.create::<rdkafka::producer::BaseProducer>().map(drop)
    }

    /// Figures for the part.
    pub(super) fn refusals(&self) -> Refusals {
        self.tally.refusals.clone()
    }

    /// Sends until the sink is closed.
    pub(super) fn run(self) {
        let mut backoff = BACKOFF.0;
        while !self.intake.is_closed() {
            let Some(connected) = self.connect() else { break };
            let before = self.tally.refusals.figures().taken;
            self.resend(&connected);
            self.serve(&connected);
            drop(connected);
            let got_on = self.tally.refusals.figures().taken > before;
            backoff = if got_on { BACKOFF.0 } else { (backoff * 2).min(BACKOFF.1) };
            self.pause(backoff);
        }
    }

    /// A producer whose cluster has answered; none when the sink ends before.
    fn connect(&self) -> Option<Connected> {
        let broken = Arc::new(AtomicBool::new(false));
        let reports = Reports {
            intake: self.intake.clone(),
            tally: self.tally.clone(),
            complaints: self.shared.complaints.clone(),
            contact: self.shared.contact.clone(),
            broken: broken.clone(),
        };
        let producer: Producer = loop {
            match self.settings.create_with_context(reports.clone()) {
                Ok(producer) => break producer,
                Err(error) => self.shared.complaints.note(code_of(&error), &error.to_string()),
            }
            if !self.pause(BACKOFF.1) {
                return None;
            }
        };
        let goes_on = || !self.intake.is_closed();
        let cluster = self.shared.contact.meet(producer.client(), &self.shared.complaints, goes_on)?;
        Some(Connected { producer, cluster, broken })
    }

    /// Waits, but not beyond the sink's end; false when it has come.
    fn pause(&self, length: Duration) -> bool {
        let until = Instant::now() + length;
        while Instant::now() < until {
            if !self.intake.wait_for_room() {
                return false;
            }
        }
        true
    }

    fn serve(&self, connected: &Connected) {
        while !connected.is_broken() {
            match self.intake.next(TURN) {
                Next::Closed => return,
                Next::Idle => {}
                Next::Events(events) => {
                    for delivery in events {
                        self.take(connected, delivery);
                    }
                    self.intake.hand_empty();
                }
            }
        }
    }

    /// Sends what the last producer left unanswered, before anything newer.
    fn resend(&self, connected: &Connected) {
        let mut after = 0;
        self.tails().forget();
        while let Some(Again { number, seq, event, record }) = self.intake.with_window(|window| window.again(after)) {
            after = number;
            if seq.is_some_and(|seq| self.tails().know(&record.topic, seq) == Known::Written) {
                if let Some(entry) = self.intake.complete(number) {
                    self.tally.found(entry.hold);
                }
                continue;
            }
            self.tally.resent.one();
            match self.hand_over(connected, number, &event, &record) {
                Handed::Over => {}
                Handed::Refused(code) => self.refuse(number, code),
                Handed::Not => return,
            }
        }
    }

    fn take(&self, connected: &Connected, delivery: Delivery) {
        let Delivery { event, hold, mut redelivered, doubt, seq, .. } = delivery;
        if self.has_been_here(event.event(), &connected.cluster) {
            return self.tally.looped(hold);
        }
        if is_expired(event.event()) {
            return self.tally.expired(hold);
        }
        if !self.may_receive(event.event()) {
            return self.tally.denied(event.event(), hold);
        }
        let mut record = match self.mapping.map(event.event()) {
            Err(reason) => return self.tally.refuse_with(hold, reason.to_string()),
            Ok(record) => record,
        };
        if let Some(seq) = seq {
            record.mark_place(self.tails().mark().place(seq));
            if redelivered {
                match self.tails().know(&record.topic, seq) {
                    Known::Written => return self.tally.found(hold),
                    // Unless somebody before this sink had doubts, too.
                    Known::NotWritten => redelivered = !doubt,
                    Known::Unknown => {}
                }
            }
        }
        if redelivered {
            record.mark_redelivered();
        }
        self.send(connected, &event, (hold, seq), &record);
    }

    fn tails(&self) -> MutexGuard<'_, Tails> {
        self.tails.lock().expect("no panic while held")
    }

    fn send(&self, connected: &Connected, event: &Admitted, (hold, seq): (Option<Hold>, Option<u64>), record: &Record) {
        let entry = Entry { event: event.clone(), record: record.clone(), hold, seq, since: Instant::now() };
        let number = self.intake.enter(entry);
        // After a failure the rest of what was taken only enters the window, so that its order stays.
        if connected.is_broken() {
            return;
        }
        if let Handed::Refused(code) = self.hand_over(connected, number, event, record) {
            self.refuse(number, code);
        }
    }

    fn refuse(&self, number: usize, code: Code) {
        if let Some(entry) = self.intake.complete(number) {
            let topic = entry.record.topic.clone();
            self.tally.refuse(&entry.event, entry.hold, code, &topic);
        }
    }

    fn hand_over(&self, connected: &Connected, number: usize, event: &Admitted, record: &Record) -> Handed {
        let mut attempt =
            BaseRecord::with_opaque_to(&record.topic, number).key(&record.key[..]).headers(record.library_headers());
        attempt.payload = (!record.tombstone).then_some(&event.event().payload[..]);
        loop {
            let (error, back) = match connected.producer.send(attempt) {
                Ok(()) => return Handed::Over,
                Err(refused) => refused,
            };
            let code = code_of(&error);
            match verdict(code) {
                Verdict::Refused => return Handed::Refused(code),
                Verdict::Unknown if matches!(error, KafkaError::MessageProduction(Code::QueueFull)) => {
                    if connected.is_broken() || !self.intake.wait_for_room() {
                        return Handed::Not;
                    }
                    attempt = back;
                }
                Verdict::Unknown => {
                    self.shared.complaints.note(code, "");
                    connected.broken.store(true, Ordering::Release);
                    return Handed::Not;
                }
            }
        }
    }

    fn has_been_here(&self, event: &Event, cluster: &str) -> bool {
        let mut hops = event.path.iter().filter(|hop| hop.cluster == cluster).peekable();
        if hops.peek().is_none() {
            return false;
        }
        let key = headers::record_key(&event.headers).unwrap_or_default();
        let content = headers::content(&event.topic, &key, &event.payload);
        hops.any(|hop| hop.content == content)
    }

    fn may_receive(&self, event: &Event) -> bool {
        let enforcer = &self.shared.deps.enforcer;
        self.shared.session.get().is_none_or(|session| enforcer.may_receive(session, &event.topic))
    }
}
