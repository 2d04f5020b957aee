//! Those who consume one queue: quick, slow or not at all, they come and go, give back, refuse and fall silent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::desired::OnFailure;
use mesh_protocol::id::PrincipalId;
use mesh_protocol::topic::Filter;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use uuid::Uuid;

use super::ledger::{Got, Ledger, id_of};
use super::plan::Plan;
use crate::queue::named::{Consumer, SimulatedQueue, Verdict, Who};
use crate::router::{Attachment, Delivery, Hold, Life, Outlet, Reach, Router};
use crate::stream::Moment;

/// What somebody may want to hear; most of it nobody says.
const LIVE: [&str; 6] = ["live/1", "live/2", "live/3", "live/>", "b/1", "a/*"];
/// Consumers of a queue at once.
const MOST: usize = 3;

/// The consumers of one queue.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) queue: usize,
    hands: Vec<Hand>,
    next: u128,
}

/// Somebody who hears what comes and is not there for what comes later.
#[derive(Debug)]
pub(super) struct Listener {
    attachment: Attachment,
    hears: BTreeSet<&'static str>,
}

/// Takes everything and keeps nothing.
#[derive(Debug)]
struct Ear;

impl Outlet for Ear {
    fn offer(&self, delivery: Delivery) {
        delivery.hold.into_iter().for_each(Hold::done);
    }
}

impl Listener {
    pub(super) fn new(router: &Router) -> Self {
        Self { attachment: router.attach(Arc::new(Ear), Reach::Local), hears: BTreeSet::new() }
    }

    pub(super) fn change(&mut self, rng: &mut StdRng) {
        let text = LIVE.choose(rng).expect("not empty");
        let filter = Filter::mesh(text).expect("valid");
        if self.hears.remove(text) {
            self.attachment.unsubscribe(&filter, 0);
        } else {
            self.hears.insert(text);
            self.attachment.subscribe(&filter, 0, Life::Live);
        }
    }
}

/// One consumer.
#[derive(Debug)]
struct Hand {
    consumer: Consumer,
    /// What it has, by place in the log: the event.
    holds: BTreeMap<u64, u64>,
    /// What it was given last of all consumers and has said nothing about, also what it does nothing with any more.
    given: BTreeSet<u64>,
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
            self.hands.push(Hand {
                consumer,
                holds: BTreeMap::new(),
                given: BTreeSet::new(),
                busy_until: Moment::default(),
            });
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
        for at in 0..self.hands.len() {
            while let Some(offer) = self.hands[at].consumer.try_next() {
                let id = id_of(offer.event.event());
                for other in &mut self.hands {
                    other.given.remove(&offer.seq);
                }
                self.hands[at].holds.insert(offer.seq, id);
                self.hands[at].given.insert(offer.seq);
                got.push(Got { queue: self.queue, seq: offer.seq, id, is_flagged: offer.redelivered });
            }
        }
        // Several got theirs in one go, in the order of the log.
        got.sort_unstable_by_key(|got| got.seq);
        let same_hand = |earlier: u64, later: u64| {
            self.hands.iter().any(|hand| hand.given.contains(&earlier) && hand.given.contains(&later))
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
                    hand.given.remove(&seq);
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
