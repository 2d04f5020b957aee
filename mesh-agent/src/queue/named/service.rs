//! The one task of a named queue: between the spool, the dispatch and the consumers.

mod keep;
mod look;
#[cfg(test)]
pub(super) mod simulated;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use mesh_protocol::desired;
use mesh_protocol::id::PrincipalId;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::consumer::{Command, Offer, Verdict, Who};
use super::kept::{KeptEvents, Trimmed, Untrimmed};
use super::pulls::{Pull, Pulls};
use super::{CONSUMERS_MAX, Named, Unserved, rules};
use crate::causes::chain;
use crate::counters::{Counter, Counters};
use crate::mutant::{Mutant, planted};
use crate::queue::dead::burial;
use crate::queue::dispatch::{Dispatch, Left};
use crate::queue::item::{ConsumerId, Consumption, Dead, Delivery, Item, Order};
use crate::router::Admitted;
use crate::spool::{Addressed, DiskError, Entry, Op, QueueNo, Refusal, Row, Store};
use crate::status::{PartHandle, now_ms};
use crate::stream::Clock;

/// Figures are told, times to live looked at and idle consumers forgotten this often.
const LOOK: Duration = Duration::from_secs(1);
/// Commands taken before the queue is looked at again.
const COMMANDS_MAX: usize = 1_024;
/// What a queue without consumers holds in memory.
const IDLE_EVENTS_MAX: usize = 64;
const IDLE_BYTES_MAX: usize = 256 * 1024;

#[derive(Debug)]
struct Seat {
    who: Who,
    way: Way,
}

/// How a consumer gets its events.
#[derive(Debug)]
enum Way {
    Offered(mpsc::UnboundedSender<Offer>),
    Pulls(Pulls),
}

/// What the queue did since the agent began.
#[derive(Debug, Default)]
struct Done {
    /// Acknowledged by consumers.
    delivered: u64,
    redelivered: u64,
    expired: u64,
    replayed: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Service {
    spool: Arc<Store>,
    number: QueueNo,
    dead: QueueNo,
    config: Arc<desired::Queue>,
    line: PartHandle,
    clock: Clock,
    dispatch: Dispatch<Admitted>,
    rows: HashMap<u64, Row>,
    seats: BTreeMap<ConsumerId, Seat>,
    consumers: Arc<AtomicUsize>,
    burials: FuturesUnordered<BoxFuture<'static, (u64, Result<(), Refusal>)>>,
    kept: KeptEvents,
    /// One at most.
    trims: FuturesUnordered<BoxFuture<'static, Result<Trimmed, Untrimmed>>>,
    /// Up to here somebody may have had the events before the agent began.
    suspect: u64,
    done: Done,
    expired: Counter,
    buried: Counter,
    /// Why the dead letter queue takes nothing.
    full: Option<String>,
    /// What is kept for a replay goes before its time.
    is_crowded: bool,
}

/// Why a queue cannot be served.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Service {
    pub(super) fn new(named: &Named, line: PartHandle, counters: &Counters) -> Self {
        let config = named.config();
        Self {
            spool: named.spool.clone(),
            number: named.number,
            dead: named.dead,
            line,
            clock: Clock::start(),
            dispatch: Dispatch::new(rules(&config)),
            config,
            rows: HashMap::new(),
            seats: BTreeMap::new(),
            consumers: named.consumers.clone(),
            burials: FuturesUnordered::new(),
            kept: KeptEvents::new(&named.spool, named.kept),
            trims: FuturesUnordered::new(),
            suspect: named.spool.core().last(),
            done: Done::default(),
            expired: counters.counter("queue_expired_events"),
            buried: counters.counter("dead_letter_events"),
            full: None,
            is_crowded: false,
        }
    }

    /// Until the queue is deleted or the agent stops. What consumers have then is handed out again after the next start.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>, token: CancellationToken) {
        if let Err(trouble) = self.serve(&mut commands, &token).await {
            tracing::error!(queue = %self.config.name, error = %chain(&trouble), "a queue is not served any more");
            self.line.failing(format!("its events cannot be read ({}): the agent's log says more", chain(&trouble)));
            token.cancelled().await;
        }
    }

    async fn serve(
        &mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        token: &CancellationToken,
    ) -> Result<(), Trouble> {
        let wake = self.spool.wake(self.number)?;
        self.spool.ask(Op::Rewind(self.number)).await?;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.fill().await?;
            if self.carry_out() {
                // What was over made room for what is behind it.
                tokio::task::yield_now().await;
                continue;
            }
            let (has_room, deadline) = (self.room() != (0, 0), self.deadline());
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                command = commands.recv() => {
                    let Some(command) = command else { return Ok(()) };
                    self.take(command).await;
                    for _ in 0..COMMANDS_MAX {
                        let Ok(command) = commands.try_recv() else { break };
                        self.take(command).await;
                    }
                }
                () = wake.notified(), if has_room => {}
                Some((seq, done)) = self.burials.next(), if !self.burials.is_empty() => self.burial(seq, done),
                Some(done) = self.trims.next(), if !self.trims.is_empty() => self.trimmed(done),
                _ = look.tick() => self.look(),
                () = tokio::time::sleep_until(deadline.into()) => {}
            }
        }
    }

    /// Room for events from the spool; none at all as soon as one of the two is used up.
    fn room(&self) -> (usize, usize) {
        let (mut events, mut bytes) = self.dispatch.room();
        if self.seats.is_empty() {
            let (waiting, out, dying) = self.dispatch.standing();
            events = events.min(IDLE_EVENTS_MAX.saturating_sub(waiting + out + dying));
            bytes = bytes.min(IDLE_BYTES_MAX);
        }
        if events == 0 || bytes == 0 { (0, 0) } else { (events, bytes) }
    }

    async fn fill(&mut self) -> Result<(), DiskError> {
        loop {
            let (events, bytes) = self.room();
            if events == 0 {
                return Ok(());
            }
            let entries = self.spool.take(self.number, events, bytes).await?;
            if entries.is_empty() {
                return Ok(());
            }
            self.rows.extend(entries.iter().map(|entry| (entry.seq, entry.row)));
            let (ttl_ms, suspect) = (self.config.ttl_ms, self.suspect);
            self.dispatch.fill(entries.into_iter().map(|entry| item(entry, ttl_ms, suspect)));
        }
    }

    /// True when times to live were over.
    fn carry_out(&mut self) -> bool {
        let effects = self.dispatch.poll(self.clock.now(), now_ms());
        for delivery in effects.deliveries {
            self.deliver(delivery);
        }
        let rows = effects.counted.into_iter().filter_map(|(seq, deliveries)| {
            let row = self.rows.get_mut(&seq)?;
            row.deliveries = deliveries;
            Some((seq, *row))
        });
        self.spool.count(self.number, rows.collect());
        for dead in effects.dead {
            self.burials.push(self.bury(&dead).boxed());
        }
        let expired = effects.expired.len() as u64;
        self.done.expired += expired;
        self.expired.add(expired);
        self.let_go(effects.done, effects.expired);
        self.answer_pulls();
        expired > 0
    }

    fn deliver(&mut self, delivery: Delivery<Admitted>) {
        let Delivery { consumer, seq, deliveries, redelivered, event } = delivery;
        self.done.redelivered += u64::from(redelivered);
        let offer = Offer { consumer, seq, deliveries, redelivered, event };
        let taken = match self.seats.get_mut(&consumer).map(|seat| &mut seat.way) {
            Some(Way::Offered(offers)) => offers.send(offer).is_ok(),
            Some(Way::Pulls(pulls)) => pulls.give(offer).is_ok(),
            None => false,
        };
        if !taken {
            // It has just gone; its goodbye is under way.
            self.dispatch.set_room(consumer, 0);
        }
    }

    fn answer_pulls(&mut self) {
        let (now, moment) = (Instant::now(), self.clock.now());
        for (id, seat) in &mut self.seats {
            let Way::Pulls(pulls) = &mut seat.way else { continue };
            for offer in pulls.answer(now).into_iter().rev() {
                self.dispatch.return_unseen(moment, *id, offer.seq);
            }
            self.dispatch.set_room(*id, pulls.room());
        }
    }

    fn bury(&self, dead: &Dead<Admitted>) -> impl Future<Output = (u64, Result<(), Refusal>)> + use<> {
        let (seq, spool) = (dead.seq, self.spool.clone());
        let from = (&*self.config.name, self.number, seq);
        let op = burial(dead.event.event(), from, &dead.reason, dead.deliveries, self.dead);
        async move { (seq, spool.ask(op).await.map(|_| ())) }
    }

    fn burial(&mut self, seq: u64, done: Result<(), Refusal>) {
        match done {
            Ok(()) => {
                self.full = None;
                self.buried.one();
                self.dispatch.buried(seq);
            }
            Err(refusal) => {
                self.full = Some(match refusal {
                    Refusal::QueueFull(_) => format!(
                        "it has {} dead letters, as many as it may, and delivers nothing until some are deleted, moved or \
                         tried again",
                        self.config.dead_letters_max
                    ),
                    other => format!("a dead letter cannot be kept, so nothing is delivered: {}", chain(&other)),
                });
                self.dispatch.unburied(self.clock.now(), seq);
            }
        }
    }

    async fn take(&mut self, command: Command) {
        match command {
            Command::Config(config) => {
                self.dispatch.set_rules(rules(&config));
                self.config = config;
            }
            Command::Attach { id, who, window, leased, offers } => {
                self.dispatch.attach_as(id, Consumption { window, order: Order::Pipelined }, leased);
                self.sit(id, Seat { who, way: Way::Offered(offers) });
            }
            Command::Detach(id, left) => self.leave(id, left),
            Command::Pull(who, pull) => self.pull(who, pull),
            Command::Verdict(consumer, seq, verdict) => drop(self.verdict(consumer, seq, verdict)),
            Command::Settle { principal, verdicts, told } => {
                let settled = verdicts.into_iter().map(|verdict| self.settle(principal, verdict));
                // Whoever asked has gone; it is done all the same.
                let _gone = told.send(settled.collect());
            }
            Command::Holders(told) => {
                let name = |id| self.seats.get(&id).map_or_else(String::new, |seat: &Seat| seat.who.name.clone());
                let _gone = told.send(self.dispatch.holders().map(|(seq, id)| (seq, name(id))).collect());
            }
            Command::TakeAway { seqs, events, done } => {
                let _gone = done.send(self.take_away(seqs, events).await);
            }
            Command::Replay { rows, done } => {
                let _gone = done.send(self.replay(&rows).await);
            }
        }
    }

    fn sit(&mut self, id: ConsumerId, seat: Seat) {
        self.seats.insert(id, seat);
        self.consumers.store(self.seats.len(), Ordering::Relaxed);
    }

    fn leave(&mut self, id: ConsumerId, left: Left) {
        self.dispatch.detach(self.clock.now(), id, left);
        self.seats.remove(&id);
        self.consumers.store(self.seats.len(), Ordering::Relaxed);
    }

    fn pull(&mut self, who: Who, pull: Pull) {
        let now = Instant::now();
        let known = self.seats.iter().find(|(_, seat)| seat.who == who && matches!(seat.way, Way::Pulls(_)));
        let id = match known.map(|(id, _)| *id) {
            Some(id) => id,
            None if self.seats.len() >= CONSUMERS_MAX => return pull.refuse(Unserved::Crowded),
            None => {
                let id = pull.new_id;
                self.dispatch.attach_as(id, Consumption { window: 0, order: Order::Pipelined }, true);
                self.sit(id, Seat { who, way: Way::Pulls(Pulls::new(now)) });
                id
            }
        };
        if let Some(Seat { way: Way::Pulls(pulls), .. }) = self.seats.get_mut(&id) {
            pulls.ask(pull, now);
            self.dispatch.set_room(id, pulls.room());
        }
    }

    fn settle(&mut self, principal: PrincipalId, (consumer, seq, verdict): (ConsumerId, u64, Verdict)) -> bool {
        let Some(seat) = self.seats.get_mut(&consumer).filter(|seat| seat.who.principal == principal) else {
            return false;
        };
        if let Way::Pulls(pulls) = &mut seat.way {
            pulls.heard = Instant::now();
        }
        self.verdict(consumer, seq, verdict)
    }

    fn verdict(&mut self, consumer: ConsumerId, seq: u64, verdict: Verdict) -> bool {
        let now = self.clock.now();
        match verdict {
            Verdict::Ack => {
                let was_there = self.dispatch.ack(consumer, seq);
                self.done.delivered += u64::from(was_there);
                was_there
            }
            Verdict::Release => self.dispatch.release(now, consumer, seq),
            Verdict::Return => self.dispatch.return_unseen(now, consumer, seq),
            Verdict::Reject(reason) => self.dispatch.reject(now, consumer, seq, &reason),
            Verdict::Renew => self.dispatch.renew(now, consumer, seq),
        }
    }

    /// What consumers have stays where it is.
    async fn take_away(&mut self, mut seqs: Vec<u64>, mut events: Vec<Addressed>) -> Result<u64, Refusal> {
        let busy = |seq: &u64| self.dispatch.holder(*seq).is_some() || self.dispatch.is_dying(*seq);
        let stay: Vec<bool> = seqs.iter().map(busy).collect();
        let mut at = stay.iter();
        // Of a move, each event has its place in both lists.
        if events.len() == seqs.len() {
            events.retain(|_| !at.next().copied().unwrap_or_default());
        }
        let mut at = stay.iter();
        seqs.retain(|_| !at.next().copied().unwrap_or_default());
        if seqs.is_empty() {
            return Ok(0);
        }
        let taken: Vec<Item<Admitted>> = seqs.iter().filter_map(|seq| self.dispatch.remove(*seq)).collect();
        match self.spool.ask(Op::Move { events, from: self.number, seqs: seqs.clone() }).await {
            Ok(crate::spool::Done::Emptied(gone)) => {
                for seq in seqs {
                    self.rows.remove(&seq);
                }
                Ok(gone)
            }
            Ok(_) => Ok(0),
            Err(refusal) => {
                self.dispatch.fill(taken);
                Err(refusal)
            }
        }
    }

    fn deadline(&self) -> Instant {
        let pulls = self.seats.values().filter_map(|seat| match &seat.way {
            Way::Pulls(pulls) => pulls.deadline(),
            Way::Offered(_) => None,
        });
        let dispatch = self.dispatch.deadline().map(|moment| self.clock.instant(moment));
        pulls.chain(dispatch).min().unwrap_or_else(|| Instant::now() + LOOK)
    }
}

fn item(entry: Entry, ttl_ms: Option<u64>, suspect: u64) -> Item<Admitted> {
    let Entry { seq, row, event } = entry;
    // What is replayed has waited its time before.
    let here = ttl_ms.filter(|_| !row.replayed).map(|ttl| event.event().admitted_at_ms.saturating_add_unsigned(ttl));
    Item {
        seq,
        key: event.event().key.clone(),
        bytes: row.bytes as usize,
        deliveries: row.deliveries,
        expires_at_ms: row.expires_at_ms.into_iter().chain(here).min(),
        redelivered: row.redelivered || (seq <= suspect && !planted(Mutant::RestartUnflagged)),
        event,
    }
}
