//! Consumers that come and go, and what they have.

use super::Dispatch;
use crate::queue::item::{ConsumerId, Consumption, Item};
use crate::stream::Moment;

#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) how: Consumption,
    pub(super) out: usize,
    /// May keep an event only as long as its lease.
    pub(super) leased: bool,
}

/// What is known of the events of a consumer that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nobody has seen them for sure: none counts as a delivery.
    Unseen,
    /// It worked on the oldest: that one counts.
    AtOldest,
    /// It had them all in hand: each counts.
    Seen,
}

impl<E: Clone> Dispatch<E> {
    /// A consumer comes.
    pub fn attach(&mut self, how: Consumption) -> ConsumerId {
        let consumer = ConsumerId(self.next_consumer);
        self.attach_as(consumer, how, true);
        consumer
    }

    /// The same under an id that the caller chose, above all before it; `leased`: it may keep events only as long as their
    /// leases.
    pub fn attach_as(&mut self, consumer: ConsumerId, how: Consumption, leased: bool) {
        self.next_consumer = self.next_consumer.max(consumer.0 + 1);
        self.consumers.insert(consumer, Consumer { how, out: 0, leased });
    }

    /// A consumer may be given so many events beyond what it has.
    pub fn set_room(&mut self, consumer: ConsumerId, room: usize) {
        if let Some(consumer) = self.consumers.get_mut(&consumer) {
            consumer.how.window = consumer.out + room;
        }
    }

    /// How many events a consumer has.
    #[must_use]
    pub fn has_out(&self, consumer: ConsumerId) -> usize {
        self.consumers.get(&consumer).map_or(0, |consumer| consumer.out)
    }

    /// Who has an event now.
    #[must_use]
    pub fn holder(&self, seq: u64) -> Option<ConsumerId> {
        self.out.get(&seq).map(|out| out.consumer)
    }

    /// Who has which events now.
    pub fn holders(&self) -> impl Iterator<Item = (u64, ConsumerId)> {
        self.out.iter().map(|(seq, out)| (*seq, out.consumer))
    }

    /// Takes an event out that nobody has; none when somebody has it, or it is on its way to the dead letter queue.
    pub fn remove(&mut self, seq: u64) -> Option<Item<E>> {
        let waiting = self.waiting.remove(seq)?;
        self.bytes -= waiting.item.bytes;
        Some(waiting.item)
    }

    /// Whether an event is on its way to the dead letter queue.
    #[must_use]
    pub fn is_dying(&self, seq: u64) -> bool {
        self.dying.contains_key(&seq)
    }

    /// The oldest event in hand.
    #[must_use]
    pub fn oldest(&self) -> Option<&Item<E>> {
        let waiting = self.waiting.next(0, false).map(|waiting| (waiting.item.seq, &waiting.item));
        let out = self.out.first_key_value().map(|(seq, out)| (*seq, &out.item));
        let dying = self.dying.first_key_value().map(|(seq, dying)| (*seq, &dying.item));
        [waiting, out, dying].into_iter().flatten().min_by_key(|(seq, _)| *seq).map(|(_, item)| item)
    }

    /// Why the dead letter queue does not take what is on its way there; none when it does.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.may_go_on()
    }

    /// A consumer's window changes.
    pub fn set_window(&mut self, consumer: ConsumerId, window: usize) {
        if let Some(consumer) = self.consumers.get_mut(&consumer) {
            consumer.how.window = window;
        }
    }

    /// A consumer goes.
    pub fn detach(&mut self, now: Moment, consumer: ConsumerId, left: Left) {
        let had: Vec<u64> = self.out.iter().filter(|(_, out)| out.consumer == consumer).map(|(seq, _)| *seq).collect();
        let oldest = had.first().copied();
        // The later ones first, so that each finds the earlier still out and none counts as taken back behind another.
        for seq in had.into_iter().rev() {
            let counted = left == Left::Seen || (left == Left::AtOldest && oldest == Some(seq));
            match self.out.get(&seq).map(|out| out.item.deliveries.saturating_add(1)) {
                Some(deliveries) if counted && self.is_last(deliveries) => {
                    self.bury(now, seq, format!("its consumers went away with it ({deliveries} times)"));
                }
                _ => self.back(now, seq, counted, now),
            }
        }
        self.consumers.remove(&consumer);
    }
}

impl Consumer {
    pub(super) fn has_room(&self) -> bool {
        self.out < self.how.window
    }
}
