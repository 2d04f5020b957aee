//! Brings the events of a queue to an outlet that answers for each of them: a sink.
//!
//! ```text
//!  spool --take--> Dispatch --offer--> outlet          ack, with the next commit
//!     ^                                  | hold          ^
//!     +--- dead letter queue <-- refused-+--> done ------+
//!                          lost: nothing more is offered until all answers are there, then it begins anew
//! ```
//! An outlet that keeps the order of what it was offered may have many events at once; another one gets one of a key at a
//! time, and what it gives back alone comes again ([`Manner`]). When it ends without an answer nobody knows what it did:
//! everything without an answer goes again, flagged.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::dead::burial;
use super::{Backoff, ConsumerId, Dead, Dispatch, Effects, Item, Left, Manner, Rules};
use crate::causes::chain;
use crate::counters::{Counter, Counters};
use crate::router::{self, Admitted, Failure, Keys, Outcome, Outlet};
use crate::spool::{DiskError, Entry, Op, QueueNo, Refusal, Row, Store};
use crate::status::now_ms;
use crate::stream::{Clock, Moment};

/// Events and bytes in hand.
const EVENTS_MAX: usize = 8_192;
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Pause before an outlet that ended without an answer is tried again.
const AGAIN: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };
/// Times to live are looked at this often.
const LOOK: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Pump {
    store: Arc<Store>,
    queue: QueueNo,
    name: Arc<str>,
    dead_letters: QueueNo,
    outlet: Arc<dyn Outlet>,
    manner: Manner,
    /// Up to here somebody may have had the events before this reader.
    suspect: u64,
    expired: Counter,
    buried: Counter,
}

/// What became of one delivery.
type Answer = (u64, Outcome);

#[derive(Debug)]
struct Work {
    clock: Clock,
    manner: Manner,
    dispatch: Dispatch<Admitted>,
    /// None while the outlet is not to be used.
    consumer: Option<ConsumerId>,
    rows: HashMap<u64, Row>,
    answers: FuturesUnordered<BoxFuture<'static, Answer>>,
    burials: FuturesUnordered<BoxFuture<'static, (u64, bool)>>,
    /// The outlet ended without an answer: it gets nothing until all are there.
    lost: bool,
    losses: u16,
    again_at: Moment,
}

impl Pump {
    /// A pump from a queue to an outlet; what the outlet refuses for good goes to `dead_letters`.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        (name, queue): (Arc<str>, QueueNo),
        dead_letters: QueueNo,
        outlet: Arc<dyn Outlet>,
        counters: &Counters,
    ) -> Self {
        let suspect = store.core().last();
        let expired = counters.counter("queue_expired_events");
        let buried = counters.counter("dead_letter_events");
        let manner = Manner::STREAM;
        Self { store, queue, name, dead_letters, outlet, manner, suspect, expired, buried }
    }

    /// The same, offering in another manner than [`Manner::STREAM`].
    #[must_use]
    pub fn in_manner(self, manner: Manner) -> Self {
        Self { manner, ..self }
    }

    /// Until the token is cancelled and every answer is there, or the queue or the disk has ended.
    pub async fn run(self, token: CancellationToken) {
        if let Err(refusal) = self.pump(&token).await {
            tracing::error!(queue = %self.name, error = %chain(&refusal), "a queue is not served any more");
        }
    }

    async fn pump(&self, token: &CancellationToken) -> Result<(), PumpError> {
        let wake = self.store.wake(self.queue)?;
        // In its turn: what the reader before this one acknowledged is done with first.
        self.store.ask(Op::Rewind(self.queue)).await?;
        let Manner { deliveries_max, backoff, .. } = self.manner;
        let (events_max, bytes_max) = (EVENTS_MAX, BYTES_MAX);
        let rules = Rules { deliveries_max, backoff, events_max, bytes_max, ..Rules::default() };
        let mut work = Work {
            clock: Clock::start(),
            manner: self.manner,
            dispatch: Dispatch::new(rules),
            consumer: None,
            rows: HashMap::new(),
            answers: FuturesUnordered::new(),
            burials: FuturesUnordered::new(),
            lost: false,
            losses: 0,
            again_at: Moment::default(),
        };
        while !token.is_cancelled() {
            let taken = self.fill(&mut work).await?;
            // Before anything is offered: it may say that the outlet is not to be used.
            while let Some(Some(answer)) = work.answers.next().now_or_never() {
                work.settle_all(answer);
            }
            work.begin_anew();
            self.carry_out(&mut work);
            if taken {
                // There may be more, and room for it.
                tokio::task::yield_now().await;
            }
            let (has_room, deadline) = (work.has_room(), work.deadline());
            tokio::select! {
                () = token.cancelled() => break,
                () = wake.notified(), if has_room => {}
                Some(answer) = work.answers.next(), if !work.answers.is_empty() => work.settle_all(answer),
                Some((seq, done)) = work.burials.next(), if !work.burials.is_empty() => work.burial(seq, done),
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
        // What the outlet still has it answers now or gives up; nothing new is offered.
        loop {
            let Effects { done, counted, .. } = work.dispatch.poll(work.clock.now(), now_ms());
            self.count(&mut work, counted);
            self.store.ack(self.queue, done);
            let Some(answer) = work.answers.next().await else { return Ok(()) };
            work.settle_all(answer);
        }
    }

    /// Takes events as far as there is room; true when there were any.
    async fn fill(&self, work: &mut Work) -> Result<bool, DiskError> {
        let mut any = false;
        while work.has_room() {
            let (events, bytes) = work.dispatch.room();
            let entries = self.store.take(self.queue, events, bytes).await?;
            if entries.is_empty() {
                break;
            }
            any = true;
            let suspect = self.suspect;
            work.rows.extend(entries.iter().map(|entry| (entry.seq, entry.row)));
            work.dispatch.fill(entries.into_iter().map(|entry| item(entry, suspect)));
        }
        Ok(any)
    }

    fn carry_out(&self, work: &mut Work) {
        let effects = work.dispatch.poll(work.clock.now(), now_ms());
        let Effects { deliveries, done, counted, dead, expired } = effects;
        let any = !deliveries.is_empty();
        for delivery in deliveries {
            let (hold, receipt) = router::duty();
            let seq = delivery.seq;
            let flagged_before = work.rows.get(&seq).is_some_and(|row| row.redelivered);
            work.answers.push(receipt.map(move |outcome| (seq, outcome)).boxed());
            self.outlet.offer(router::Delivery {
                event: delivery.event,
                matched: Keys::from_slice(&[0]),
                hold: Some(hold),
                shares: router::Shares::new(),
                redelivered: delivery.redelivered,
                doubt: delivery.redelivered && !flagged_before,
                from: None,
                seq: Some(seq),
            });
        }
        if any {
            self.outlet.flush();
        }
        self.expired.add(expired.len() as u64);
        self.count(work, counted);
        for dead in dead {
            work.burials.push(self.bury(&dead).boxed());
        }
        let gone: Vec<u64> = done.into_iter().chain(expired).collect();
        for seq in &gone {
            work.rows.remove(seq);
        }
        self.store.ack(self.queue, gone);
    }

    /// How often events came back must survive.
    fn count(&self, work: &mut Work, counted: Vec<(u64, u16)>) {
        let rows = counted.into_iter().filter_map(|(seq, deliveries)| {
            let row = work.rows.get_mut(&seq)?;
            row.deliveries = deliveries;
            Some((seq, *row))
        });
        self.store.count(self.queue, rows.collect());
    }

    fn bury(&self, dead: &Dead<Admitted>) -> impl Future<Output = (u64, bool)> + use<> {
        let (seq, store, buried) = (dead.seq, self.store.clone(), self.buried.clone());
        let from = (&*self.name, self.queue, seq);
        let op = burial(dead.event.event(), from, &dead.reason, dead.deliveries, self.dead_letters);
        async move {
            let done = store.ask(op).await.is_ok();
            if done {
                buried.one();
            }
            (seq, done)
        }
    }
}

impl Work {
    fn has_room(&self) -> bool {
        let (events, bytes) = self.dispatch.room();
        events > 0 && bytes > 0
    }

    /// The outlet is used again, when it was given up and its time has come.
    fn begin_anew(&mut self) {
        let now = self.clock.now();
        if self.lost && self.answers.is_empty() {
            self.lost = false;
            self.losses = self.losses.saturating_add(1);
            self.again_at = now.after(AGAIN.after(self.losses));
            if let Some(consumer) = self.consumer.take() {
                self.dispatch.detach(now, consumer, Left::Unseen);
            }
        }
        if self.consumer.is_none() && now >= self.again_at {
            self.consumer = Some(self.dispatch.attach(self.manner.consumption));
        }
    }

    /// Takes this answer and all that are ready behind it.
    fn settle_all(&mut self, answer: Answer) {
        let mut next = Some(answer);
        while let Some((seq, outcome)) = next {
            self.settle(seq, outcome);
            next = self.answers.next().now_or_never().flatten();
        }
    }

    fn settle(&mut self, seq: u64, outcome: Outcome) {
        let Some(consumer) = self.consumer else { return };
        match outcome {
            Outcome::Taken { .. } | Outcome::Unrouted => {
                self.losses = 0;
                self.dispatch.ack(consumer, seq);
            }
            Outcome::Failed(Failure::Refused(reason)) => {
                self.losses = 0;
                self.dispatch.reject(self.clock.now(), consumer, seq, &reason);
            }
            Outcome::Failed(Failure::Again { reason, after }) => {
                self.losses = 0;
                let pause = self.pause(seq).max(after);
                self.dispatch.release_for(self.clock.now(), consumer, seq, pause, &reason);
            }
            Outcome::Failed(Failure::Lost | Failure::Full(_)) => {
                self.lost = true;
                self.dispatch.set_window(consumer, 0);
            }
        }
    }

    /// Before an event that was given back is offered again.
    fn pause(&self, seq: u64) -> Duration {
        let before = self.rows.get(&seq).map_or(0, |row| row.deliveries);
        self.manner.backoff.after(before.saturating_add(1)).mul_f64(rand::random_range(1.0..1.25))
    }

    fn burial(&mut self, seq: u64, done: bool) {
        if done {
            self.dispatch.buried(seq);
        } else {
            self.dispatch.unburied(self.clock.now(), seq);
        }
    }

    fn deadline(&self) -> tokio::time::Instant {
        let now = self.clock.now();
        let again = (self.consumer.is_none()).then_some(self.again_at);
        let soonest = [self.dispatch.deadline(), again, Some(now.after(LOOK))].into_iter().flatten().min();
        tokio::time::Instant::from_std(self.clock.instant(soonest.unwrap_or(now)))
    }
}

/// Why a queue is not served.
#[derive(Debug, thiserror::Error)]
enum PumpError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

fn item(entry: Entry, suspect: u64) -> Item<Admitted> {
    let Entry { seq, row, event } = entry;
    Item {
        seq,
        key: event.event().key.clone(),
        bytes: row.bytes as usize,
        deliveries: row.deliveries,
        expires_at_ms: row.expires_at_ms,
        redelivered: row.redelivered || seq <= suspect,
        event,
    }
}

#[cfg(test)]
mod tests;
