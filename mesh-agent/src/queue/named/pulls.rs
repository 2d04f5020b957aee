//! Consumers that come and ask: what they asked for and wait for.
//!
//! One stays a consumer between its questions, for as long as the queue's lease, so that an exclusive queue does not go from
//! hand to hand and keys stay where they are.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Unserved;
use super::consumer::Offer;
use crate::queue::item::ConsumerId;

/// One question.
#[derive(Debug)]
pub(super) struct Pull {
    /// The consumer's id, if it is the first question of its consumer.
    pub(super) new_id: ConsumerId,
    events_max: usize,
    until: Instant,
    got: Vec<Offer>,
    answer: oneshot::Sender<Result<Vec<Offer>, Unserved>>,
}

impl Pull {
    pub(super) fn new(
        new_id: ConsumerId,
        events_max: usize,
        until: Instant,
        answer: oneshot::Sender<Result<Vec<Offer>, Unserved>>,
    ) -> Self {
        Self { new_id, events_max: events_max.max(1), until, got: Vec::new(), answer }
    }

    pub(super) fn refuse(self, why: Unserved) {
        // Whoever asked has gone: there is nobody to tell.
        let _gone = self.answer.send(Err(why));
    }
}

/// The questions of one consumer, oldest first.
#[derive(Debug)]
pub(super) struct Pulls {
    waiting: VecDeque<Pull>,
    /// When it asked or answered last.
    pub(super) heard: Instant,
}

impl Pulls {
    pub(super) fn new(now: Instant) -> Self {
        Self { waiting: VecDeque::new(), heard: now }
    }

    pub(super) fn ask(&mut self, pull: Pull, now: Instant) {
        self.heard = now;
        self.waiting.push_back(pull);
    }

    /// How many events it may still be given.
    pub(super) fn room(&self) -> usize {
        self.waiting.iter().map(|pull| pull.events_max - pull.got.len()).sum()
    }

    /// An event for it.
    pub(super) fn give(&mut self, offer: Offer) -> Result<(), Offer> {
        match self.waiting.iter_mut().find(|pull| pull.got.len() < pull.events_max) {
            Some(pull) => {
                pull.got.push(offer);
                Ok(())
            }
            None => Err(offer),
        }
    }

    /// Answers what can be answered. Returns events that nobody waits for any more.
    pub(super) fn answer(&mut self, now: Instant) -> Vec<Offer> {
        let mut back = Vec::new();
        for pull in std::mem::take(&mut self.waiting) {
            if pull.answer.is_closed() {
                back.extend(pull.got);
            } else if pull.got.is_empty() && pull.until > now {
                self.waiting.push_back(pull);
            } else {
                self.heard = now;
                if let Err(Ok(unheard)) = pull.answer.send(Ok(pull.got)) {
                    back.extend(unheard);
                }
            }
        }
        back
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the first of them gets its answer at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|pull| pull.until).min()
    }
}
