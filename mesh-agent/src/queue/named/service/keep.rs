//! What a queue's service does with events that their consumers have acknowledged.

use futures::future::FutureExt;

use super::Service;
use crate::causes::chain;
use crate::queue::named::kept::{Bound, Trimmed, Untrimmed};
use crate::spool::{Done, Op, Refusal, Row};

/// Events of one commit of a replay.
const STEP_EVENTS: usize = 4_096;

impl Service {
    /// What is done with leaves the queue; what is kept of it changes to where that is.
    pub(super) fn let_go(&mut self, done: Vec<u64>, expired: Vec<u64>) {
        let known = |seq: &u64| self.rows.remove(seq).map(|row| (*seq, row));
        let rows: Vec<(u64, Row)> = done.iter().filter_map(known).collect();
        for seq in &expired {
            self.rows.remove(seq);
        }
        match self.config.keep_ms {
            Some(keep_ms) => self.kept.add(self.number, rows, keep_ms),
            None => self.spool.ack(self.number, done),
        }
        self.spool.ack(self.number, expired);
    }

    pub(super) fn trim(&mut self) {
        if self.trims.is_empty() && self.kept.any() {
            let bytes_max = self.config.keep_ms.map(|_| self.config.keep_bytes_max);
            self.trims.push(self.kept.trim(Bound { bytes_max }).boxed());
        }
    }

    pub(super) fn trimmed(&mut self, done: Result<Trimmed, Untrimmed>) {
        match done {
            Ok(trimmed) => {
                self.is_crowded = trimmed.for_room > 0;
                if self.is_crowded {
                    let (queue, events) = (&self.config.name, trimmed.for_room);
                    tracing::warn!(
                        queue,
                        events,
                        "the spool has little room: what was kept for a replay goes before its time"
                    );
                }
                self.kept.trimmed(trimmed);
            }
            Err(error) => {
                tracing::warn!(queue = self.config.name, error = %chain(&error), "what is kept for a replay cannot be trimmed");
            }
        }
    }

    /// Kept events go back to their places, the newest first: whatever comes in between, what is back has no holes. What
    /// nobody has in hand is read anew, so that everything is delivered in order.
    pub(super) async fn replay(&mut self, rows: &[(u64, Row)]) -> Result<u64, Refusal> {
        self.carry_out();
        let seqs = self.dispatch.give_back();
        for seq in &seqs {
            self.rows.remove(seq);
        }
        self.spool.ask(Op::Return { queue: self.number, seqs }).await?;
        let mut events = 0;
        for step in rows.rchunks(STEP_EVENTS) {
            let op = Op::Hand { from: self.kept.number(), to: self.number, rows: step.to_vec() };
            if let Done::Emptied(back) = self.spool.ask(op).await? {
                events += back;
                self.done.replayed += back;
            }
        }
        Ok(events)
    }
}
