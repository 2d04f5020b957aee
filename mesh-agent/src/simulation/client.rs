//! Those who consume one queue: quick, slow or not at all, they come and go, give back, refuse and fall silent.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_protocol::desired::OnFailure;
use mesh_protocol::id::PrincipalId;
use rand::Rng;
use rand::rngs::StdRng;
use uuid::Uuid;

use super::ledger::{Got, Ledger, id_of};
use super::plan::Plan;
use crate::queue::named::{Consumer, SimulatedQueue, Verdict, Who};
use crate::stream::Moment;

/// Consumers of a queue at once.
const MOST: usize = 3;

/// The consumers of one queue.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) queue: usize,
    hands: Vec<Hand>,
    next: u128,
}

/// One consumer.
#[derive(Debug)]
struct Hand {
    consumer: Consumer,
    /// What it has, by place in the log: the event.
    holds: BTreeMap<u64, u64>,
    /// It does nothing before.
    busy_until: Moment,
}

impl Client {
    pub(super) fn new(queue: usize) -> Self {
        Self { queue, hands: Vec::new(), next: 1 }
    }

    /// Consumers come and go.
    pub(super) fn come_and_go(&mut self, queue: &SimulatedQueue, rng: &mut StdRng, trouble: bool) {
        if self.hands.len() < MOST && (self.hands.is_empty() || rng.random_ratio(1, 20)) {
            let who = Who { principal: PrincipalId(Uuid::from_u128(self.next)), name: self.next.to_string() };
            self.next += 1;
            let consumer = queue.named().attach(who, rng.random_range(1..=8), rng.random_bool(0.7));
            let Ok(consumer) = consumer else { return };
            self.hands.push(Hand { consumer, holds: BTreeMap::new(), busy_until: Moment::default() });
        } else if trouble && !self.hands.is_empty() {
            let hand = self.hands.swap_remove(rng.random_range(0..self.hands.len()));
            if rng.random() {
                hand.consumer.lost();
            }
        }
    }

    /// Takes what there is, and has it checked.
    pub(super) fn take(&mut self, site: usize, ledger: &mut Ledger) {
        let mut got = Vec::new();
        for hand in &mut self.hands {
            while let Some(offer) = hand.consumer.try_next() {
                let id = id_of(offer.event.event());
                hand.holds.insert(offer.seq, id);
                got.push(Got { queue: self.queue, seq: offer.seq, id, is_flagged: offer.redelivered });
            }
        }
        // Several got theirs in one go, in the order of the log.
        got.sort_unstable_by_key(|got| got.seq);
        let same_hand = |earlier: u64, later: u64| {
            self.hands.iter().any(|hand| hand.holds.contains_key(&earlier) && hand.holds.contains_key(&later))
        };
        ledger.delivered(site, &got, &same_hand);
    }

    /// Says something about what it has, the oldest first.
    pub(super) fn answer(
        &mut self,
        at: (usize, Moment),
        plan: &Plan,
        ledger: &mut Ledger,
        rng: &mut StdRng,
        trouble: bool,
    ) {
        let (site, now) = at;
        let blocks = plan.queues[self.queue].config.on_failure == OnFailure::BlockKey;
        for hand in &mut self.hands {
            if trouble && now < hand.busy_until {
                continue;
            }
            if trouble && rng.random_bool(0.02) {
                hand.busy_until = now.after(Duration::from_millis(rng.random_range(50..4_000)));
            }
            for (seq, id) in hand.holds.clone() {
                if !hand.holds.contains_key(&seq) {
                    continue;
                }
                let verdict = match rng.random_range(0..100) {
                    0..5 if trouble => Verdict::Release,
                    5..7 if trouble => Verdict::Reject("not today".to_owned()),
                    7..9 if trouble => Verdict::Return,
                    9..12 if trouble => Verdict::Renew,
                    12..30 if trouble => break,
                    _ => Verdict::Ack,
                };
                if verdict == Verdict::Ack {
                    ledger.acked(site, self.queue, seq);
                }
                if verdict != Verdict::Renew {
                    hand.holds.remove(&seq);
                }
                if blocks && !matches!(verdict, Verdict::Ack | Verdict::Renew) {
                    // It does nothing with what it has of this key behind it.
                    hand.holds.retain(|behind, other| *behind < seq || !ledger.are_of_one_key(id, *other));
                }
                hand.consumer.settle(seq, verdict);
            }
        }
    }
}
