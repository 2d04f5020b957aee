//! Who gets which event next.
//!
//! Events are looked at in the order of the log. An event goes to a consumer when its pause is over, the consumer has
//! room, and no earlier event of its key is in the way:
//! - `block-key`: one event of a key is out at a time, or several in order with one consumer that is *pipelined*, which
//!   means that it does nothing with those behind one that failed, or that keeps the order itself. What it had behind a failed one is taken back uncounted.
//! - `overtake`: nothing of a key is ever in the way.
//!
//! A partitioned queue gives a key to the consumer that rendezvous hashing names, so that a consumer's coming or going
//! moves only the keys it gets or had; a key of which something is out stays where it is.

mod consumers;
mod waiting;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::item::{ConsumerId, Dead, Delivery, Effects, Item, Order};
use super::rules::{Access, OnFailure, Rules};
use crate::mutant::{Mutant, planted};
use crate::stream::Moment;
use consumers::Consumer;
use waiting::{Waiting, WaitingRoom};

pub use consumers::Left;

/// One queue between its spool and its consumers.
#[derive(Debug)]
pub struct Dispatch<E> {
    rules: Rules,
    consumers: BTreeMap<ConsumerId, Consumer>,
    next_consumer: u64,
    /// With nobody, by place in the log.
    waiting: WaitingRoom<E>,
    /// With a consumer.
    out: BTreeMap<u64, Out<E>>,
    /// Of no use to consumers any more, until the dead letter queue has them.
    dying: BTreeMap<u64, Dying<E>>,
    /// Of each key, what is with whom.
    holders: HashMap<Bytes, Holder>,
    bytes: usize,
    /// Where the last round among consumers ended.
    turn: u64,
    soonest: Soonest,
    effects: Effects<E>,
}

/// When time alone may change something: never later than that, maybe earlier. Looking at every event in every poll
/// would be slow.
#[derive(Clone, Copy, Debug, Default)]
struct Soonest {
    lease_over: Option<Moment>,
    pause_over: Option<Moment>,
    expiry_ms: Option<i64>,
}

#[derive(Debug)]
struct Out<E> {
    item: Item<E>,
    consumer: ConsumerId,
    until: Option<Moment>,
}

#[derive(Debug)]
struct Dying<E> {
    item: Item<E>,
    reason: String,
    /// When it is offered to the dead letter queue again; none while that has not answered.
    retry_at: Option<Moment>,
    refusals: u16,
}

#[derive(Debug)]
struct Holder {
    consumer: ConsumerId,
    out: usize,
}

impl<E: Clone> Dispatch<E> {
    /// A queue without consumers and without events in hand.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            consumers: BTreeMap::new(),
            next_consumer: 1,
            waiting: WaitingRoom::default(),
            out: BTreeMap::new(),
            dying: BTreeMap::new(),
            holders: HashMap::new(),
            bytes: 0,
            turn: 0,
            soonest: Soonest::default(),
            effects: Effects::default(),
        }
    }

    /// Other rules from now on; what is out stays out.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// How many events and bytes may be taken from the spool now.
    #[must_use]
    pub fn room(&self) -> (usize, usize) {
        let held = self.waiting.len() + self.out.len() + self.dying.len();
        let events = self.rules.events_max.saturating_sub(held);
        let bytes = self.rules.bytes_max.saturating_sub(self.bytes);
        if held == 0 { (events.max(1), bytes.max(1)) } else { (events, bytes) }
    }

    /// Events from the spool, in the order of the log.
    pub fn fill(&mut self, items: impl IntoIterator<Item = Item<E>>) {
        for item in items {
            self.bytes += item.bytes;
            self.wait(item, Moment::default());
        }
    }

    fn wait(&mut self, item: Item<E>, not_before: Moment) {
        note(&mut self.soonest.expiry_ms, item.expires_at_ms);
        note(&mut self.soonest.pause_over, Some(not_before).filter(|at| *at > Moment::default()));
        self.waiting.insert(Waiting { item, not_before });
    }

    /// What nobody has goes back to the spool, which will give it anew.
    pub fn give_back(&mut self) -> Vec<u64> {
        let seqs: Vec<u64> = self.waiting.iter().map(|waiting| waiting.item.seq).collect();
        self.bytes -= self.waiting.iter().map(|waiting| waiting.item.bytes).sum::<usize>();
        self.waiting = WaitingRoom::default();
        seqs
    }

    /// Whether a consumer has this event.
    fn has(&self, consumer: ConsumerId, seq: u64) -> bool {
        self.out.get(&seq).is_some_and(|out| out.consumer == consumer)
    }

    /// The consumer is done with an event. False when it does not have it (any more): its lease was over, say.
    pub fn ack(&mut self, consumer: ConsumerId, seq: u64) -> bool {
        let has = self.has(consumer, seq);
        if has {
            self.finish(seq);
        }
        has
    }

    /// The consumer gives an event back, to be delivered again. False when it does not have it.
    pub fn release(&mut self, now: Moment, consumer: ConsumerId, seq: u64) -> bool {
        self.release_for(now, consumer, seq, Duration::ZERO, "given back too often by its consumers")
    }

    /// The same for a consumer that says why, and how long at least it wants to have nothing of it.
    pub fn release_for(&mut self, now: Moment, consumer: ConsumerId, seq: u64, pause: Duration, reason: &str) -> bool {
        let has = self.has(consumer, seq);
        if has {
            self.fail(now, seq, pause, reason);
        }
        has
    }

    /// The consumer will never take this event. False when it does not have it.
    pub fn reject(&mut self, now: Moment, consumer: ConsumerId, seq: u64, reason: &str) -> bool {
        let has = self.has(consumer, seq);
        if has {
            if self.consumers.get(&consumer).is_none_or(|consumer| consumer.how.order != Order::GoesOn) {
                self.take_back_behind(now, seq);
            }
            if let Some(out) = self.out.get_mut(&seq) {
                // It was in somebody's hands, who said no.
                out.item.deliveries = out.item.deliveries.saturating_add(1);
            }
            self.bury(now, seq, reason.to_owned());
        }
        has
    }

    /// The consumer never saw an event, or does not know whether it did: it goes again at once, uncounted and flagged. False
    /// when it does not have it.
    pub fn return_unseen(&mut self, now: Moment, consumer: ConsumerId, seq: u64) -> bool {
        let has = self.has(consumer, seq);
        if has {
            self.take_back_behind(now, seq);
            self.back(now, seq, false, now);
        }
        has
    }

    /// The consumer still works on an event: its lease begins anew. False when it does not have it.
    pub fn renew(&mut self, now: Moment, consumer: ConsumerId, seq: u64) -> bool {
        let until = self.lease(now, consumer);
        let Some(out) = self.out.get_mut(&seq).filter(|out| out.consumer == consumer) else { return false };
        out.until = until;
        note(&mut self.soonest.lease_over, until);
        true
    }

    /// The dead letter queue has it.
    pub fn buried(&mut self, seq: u64) {
        if let Some(dying) = self.dying.remove(&seq) {
            self.bytes -= dying.item.bytes;
            self.effects.done.push(seq);
        }
    }

    /// The dead letter queue does not take it now: it is offered again after a pause, and stays where it is.
    pub fn unburied(&mut self, now: Moment, seq: u64) {
        let backoff = self.rules.backoff;
        if let Some(dying) = self.dying.get_mut(&seq) {
            dying.refusals = dying.refusals.saturating_add(1);
            dying.retry_at = Some(now.after(backoff.after(dying.refusals)));
        }
    }

    /// What must be done now. `now_ms` is wall-clock time, for times to live.
    #[must_use]
    pub fn poll(&mut self, now: Moment, now_ms: i64) -> Effects<E> {
        self.end_leases(now);
        self.expire(now_ms);
        self.offer_dead(now);
        if self.may_go_on() && !self.rules.paused {
            self.deliver(now);
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Dispatch::poll`] may have something to do by time alone, times to live left out; none when only others can
    /// change anything.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let graves = self.dying.values().filter_map(|dying| dying.retry_at);
        // What may be delivered again then is not, as long as nothing is.
        let pause_over = self.soonest.pause_over.filter(|_| self.may_go_on() && !self.rules.paused);
        graves.chain(self.soonest.lease_over).chain(pause_over).min()
    }

    /// Events in hand: with nobody, with consumers, on their way to the dead letter queue.
    #[must_use]
    pub fn standing(&self) -> (usize, usize, usize) {
        (self.waiting.len(), self.out.len(), self.dying.len())
    }

    /// A dead letter queue that is full pauses the queue: it would only fill up with more of them.
    fn may_go_on(&self) -> bool {
        self.dying.values().all(|dying| dying.refusals == 0)
    }

    fn end_leases(&mut self, now: Moment) {
        if self.soonest.lease_over.is_none_or(|at| at > now) {
            return;
        }
        let over = |out: &Out<E>| out.until.is_some_and(|until| until <= now);
        while let Some(seq) = self.out.iter().find(|(_, out)| over(out)).map(|(seq, _)| *seq) {
            self.fail(now, seq, Duration::ZERO, "kept by its consumers without an answer too often");
        }
        self.soonest.lease_over = self.out.values().filter_map(|out| out.until).min();
    }

    fn expire(&mut self, now_ms: i64) {
        if self.soonest.expiry_ms.is_none_or(|at| at > now_ms) {
            return;
        }
        let over = |waiting: &Waiting<E>| waiting.item.expires_at_ms.is_some_and(|at| at <= now_ms);
        let expired: Vec<u64> =
            self.waiting.iter().filter(|waiting| over(waiting)).map(|waiting| waiting.item.seq).collect();
        for seq in expired {
            if let Some(waiting) = self.waiting.remove(seq) {
                self.bytes -= waiting.item.bytes;
                self.effects.expired.push(seq);
            }
        }
        self.soonest.expiry_ms = self.waiting.iter().filter_map(|waiting| waiting.item.expires_at_ms).min();
    }

    fn offer_dead(&mut self, now: Moment) {
        for (seq, dying) in self.dying.iter_mut().filter(|(_, dying)| dying.retry_at.is_some_and(|at| at <= now)) {
            dying.retry_at = None;
            self.effects.dead.push(Dead {
                seq: *seq,
                reason: dying.reason.clone(),
                deliveries: dying.item.deliveries,
                event: dying.item.event.clone(),
            });
        }
    }

    fn deliver(&mut self, now: Moment) {
        if self.soonest.pause_over.is_some_and(|at| at <= now) {
            self.soonest.pause_over =
                self.waiting.iter().map(|waiting| waiting.not_before).filter(|at| *at > now).min();
        }
        if !self.anybody_has_room() {
            return;
        }
        let mut stopped: HashSet<Bytes> = HashSet::new();
        // A dying event is still in the way of its key until the dead letter queue has it.
        let block = self.rules.on_failure == OnFailure::BlockKey;
        if block {
            stopped.extend(self.dying.values().map(|dying| dying.item.key.clone()));
        }
        let mut from = 0;
        while let Some(waiting) = self.waiting.next(from, block) {
            let seq = waiting.item.seq;
            from = seq + 1;
            if !self.anybody_has_room() {
                return;
            }
            let key = waiting.item.key.clone();
            if block && stopped.contains(&key) {
                continue;
            }
            let consumer = if waiting.not_before <= now { self.choose(&key) } else { None };
            match consumer {
                Some(consumer) => self.give(now, seq, consumer),
                None if block => {
                    stopped.insert(key);
                }
                None => {}
            }
        }
    }

    fn anybody_has_room(&self) -> bool {
        self.consumers.values().any(Consumer::has_room)
    }

    /// Who gets the next event of a key; none when it must wait.
    fn choose(&mut self, key: &Bytes) -> Option<ConsumerId> {
        let room = |consumer: &ConsumerId| self.consumers.get(consumer).is_some_and(Consumer::has_room);
        if let Some(holder) = self.holders.get(key).filter(|_| !planted(Mutant::KeyMovedWhileOut)) {
            let sticks = match self.rules.on_failure {
                OnFailure::BlockKey => {
                    let several = |consumer: &Consumer| consumer.how.order != Order::OneByOne;
                    let several = self.consumers.get(&holder.consumer).is_some_and(several);
                    return Some(holder.consumer).filter(|consumer| several && room(consumer));
                }
                OnFailure::Overtake => self.rules.access == Access::Partitioned,
            };
            if sticks {
                return Some(holder.consumer).filter(room);
            }
        }
        match self.rules.access {
            Access::Exclusive => self.consumers.keys().next().copied().filter(room),
            Access::Partitioned => self.owner(key).filter(room),
            Access::Shared => {
                let turn = ConsumerId(self.turn);
                let after = self.consumers.range((std::ops::Bound::Excluded(turn), std::ops::Bound::Unbounded));
                let chosen = after.chain(self.consumers.range(..=turn)).find(|(_, consumer)| consumer.has_room());
                let chosen = chosen.map(|(consumer, _)| *consumer)?;
                self.turn = chosen.0;
                Some(chosen)
            }
        }
    }

    /// By rendezvous hashing.
    fn owner(&self, key: &Bytes) -> Option<ConsumerId> {
        let weight = |consumer: &ConsumerId| xxh3_64_with_seed(key, consumer.0);
        self.consumers.keys().max_by_key(|consumer| (weight(consumer), **consumer)).copied()
    }

    fn give(&mut self, now: Moment, seq: u64, consumer: ConsumerId) {
        let Some(Waiting { item, .. }) = self.waiting.remove(seq) else { return };
        if let Some(state) = self.consumers.get_mut(&consumer) {
            state.out += 1;
            state.credit = state.credit.map(|credit| credit.saturating_sub(1));
        }
        let holder = self.holders.entry(item.key.clone()).or_insert(Holder { consumer, out: 0 });
        holder.consumer = consumer;
        holder.out += 1;
        self.effects.deliveries.push(Delivery {
            consumer,
            seq,
            deliveries: item.deliveries,
            redelivered: (item.redelivered || item.deliveries > 0) && !planted(Mutant::FlagLost),
            event: item.event.clone(),
        });
        let until = self.lease(now, consumer);
        note(&mut self.soonest.lease_over, until);
        self.out.insert(seq, Out { item, consumer, until });
    }

    /// How long the consumer may keep what it is given now.
    fn lease(&self, now: Moment, consumer: ConsumerId) -> Option<Moment> {
        let leased = self.consumers.get(&consumer).is_none_or(|consumer| consumer.leased);
        self.rules.lease.filter(|_| leased).map(|lease| now.after(lease))
    }

    /// An event is with no consumer any more.
    fn leave(&mut self, seq: u64) -> Option<Out<E>> {
        let out = self.out.remove(&seq)?;
        if let Some(consumer) = self.consumers.get_mut(&out.consumer) {
            consumer.out -= 1;
        }
        if let Some(holder) = self.holders.get_mut(&out.item.key) {
            holder.out -= 1;
            if holder.out == 0 {
                self.holders.remove(&out.item.key);
            }
        }
        Some(out)
    }

    fn finish(&mut self, seq: u64) {
        if let Some(out) = self.leave(seq) {
            self.bytes -= out.item.bytes;
            self.effects.done.push(seq);
        }
    }

    /// A delivery failed: again after the longer of two pauses, or never again.
    fn fail(&mut self, now: Moment, seq: u64, pause: Duration, reason: &str) {
        self.take_back_behind(now, seq);
        let Some(deliveries) = self.out.get(&seq).map(|out| out.item.deliveries.saturating_add(1)) else { return };
        if self.is_last(deliveries) {
            if let Some(out) = self.out.get_mut(&seq) {
                out.item.deliveries = deliveries;
            }
            self.bury(now, seq, format!("{reason} ({deliveries} times)"));
        } else {
            let pause = self.rules.backoff.after(deliveries).max(pause);
            self.back(now, seq, true, now.after(pause));
        }
    }

    fn is_last(&self, deliveries: u16) -> bool {
        self.rules.deliveries_max.is_some_and(|most| deliveries >= most)
    }

    /// With `block-key`, what the same consumer was given of this key behind the event comes back with it.
    fn take_back_behind(&mut self, now: Moment, seq: u64) {
        if self.rules.on_failure == OnFailure::Overtake {
            return;
        }
        let Some(key) = self.out.get(&seq).map(|out| out.item.key.clone()) else { return };
        let behind = self.out.range(seq + 1..).filter(|(_, out)| out.item.key == key).map(|(seq, _)| *seq);
        for seq in behind.collect::<Vec<_>>() {
            self.back(now, seq, false, now);
        }
    }

    fn back(&mut self, now: Moment, seq: u64, counted: bool, not_before: Moment) {
        let Some(Out { mut item, .. }) = self.leave(seq) else { return };
        if counted {
            item.deliveries = item.deliveries.saturating_add(1);
            self.effects.counted.push((seq, item.deliveries));
        } else {
            // Somebody has seen it all the same.
            item.redelivered = true;
        }
        self.wait(item, if not_before > now { not_before } else { Moment::default() });
    }

    fn bury(&mut self, now: Moment, seq: u64, reason: String) {
        if let Some(Out { item, .. }) = self.leave(seq) {
            self.dying.insert(seq, Dying { item, reason, retry_at: Some(now), refusals: 0 });
        }
    }
}

fn note<T: Ord + Copy>(soonest: &mut Option<T>, at: Option<T>) {
    *soonest = soonest.iter().copied().chain(at).min();
}

#[cfg(test)]
mod tests;
