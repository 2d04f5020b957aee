//! Diverted events that a person sends again: published as if they came now, and taken out of the dead letters after that.
//!
//! An event that still matches no version which is served stays where it is. A process that ends between the two steps
//! leaves a dead letter whose event has gone out; sent once more it is a repeat, and never a loss.

use std::time::Duration;

use super::Parts;
use crate::letter::{DIVERTED, epitaph, unburied};
use crate::router::{Admitted, EVENT_OVERHEAD_BYTES, Failure, Outcome, Router};
use crate::spool::Entry;
use crate::status::now_ms;

/// Whoever asked waits no longer for one batch.
const CUSTODY_TIMEOUT: Duration = Duration::from_secs(10);
/// With so many bytes a batch goes out: what publishers may have under way is not taken from them.
const BATCH_BYTES: usize = 1024 * 1024;

/// Events that cannot go back, and why the last of them.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    events: usize,
    last: Option<String>,
}

impl Wrong {
    /// What is said of them, after what else is said.
    pub(super) fn words(&self, also: Option<String>) -> Option<String> {
        let Some(last) = &self.last else { return also };
        let what = match self.events {
            1 => "1 event stays".to_owned(),
            events => format!("{events} events stay"),
        };
        let own = format!("{what}: {last}; release a version that takes it, move it to a named queue, or delete it");
        Some(also.map_or_else(|| own.clone(), |also| format!("{own}. {also}")))
    }
}

/// Whether a contract brought it here.
pub(super) fn is_diverted(entry: &Entry) -> bool {
    epitaph(entry.event.event()).is_some_and(|known| known.queue.starts_with(DIVERTED))
}

/// Publishes what may come in now: the places of those that everybody has, and why others could not be brought to everybody.
pub(super) async fn publish(parts: &Parts, entries: Vec<Entry>, wrong: &mut Wrong) -> (Vec<u64>, Option<String>) {
    let (mut done, mut batch) = (Vec::new(), Batch::default());
    for entry in entries {
        let mut event = unburied(entry.event.event(), now_ms());
        if event.retain {
            event.admitted_at_ms = parts.spool.core().stamp(&event.topic, event.admitted_at_ms);
        }
        match parts.enforcer.permit_by_hand(event) {
            Ok(permit) => batch.add(entry.seq, permit.admit()),
            Err(denied) => {
                wrong.events += 1;
                wrong.last = Some(denied.to_string());
            }
        }
        if batch.bytes >= BATCH_BYTES {
            match std::mem::take(&mut batch).publish(&parts.router).await {
                Ok(seqs) => done.extend(seqs),
                Err(reason) => return (done, Some(reason)),
            }
        }
    }
    match batch.publish(&parts.router).await {
        Ok(seqs) => done.extend(seqs),
        Err(reason) => return (done, Some(reason)),
    }
    (done, None)
}

/// What is published together.
#[derive(Default)]
struct Batch {
    events: Vec<Admitted>,
    seqs: Vec<u64>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, seq: u64, event: Admitted) {
        self.bytes += event.event().payload.len() + EVENT_OVERHEAD_BYTES;
        self.events.push(event);
        self.seqs.push(seq);
    }

    /// Brings it to everybody who wants any of it, and waits for them.
    async fn publish(self, router: &Router) -> Result<Vec<u64>, String> {
        if self.events.is_empty() {
            return Ok(Vec::new());
        }
        let publish = async {
            let admission = router.budget().take(self.bytes).await;
            router.publish(self.events, admission, None).await
        };
        match tokio::time::timeout(CUSTODY_TIMEOUT, publish).await {
            Ok(Outcome::Taken { .. } | Outcome::Unrouted) => Ok(self.seqs),
            Ok(Outcome::Failed(Failure::Refused(reason) | Failure::Full(reason) | Failure::Again { reason, .. })) => {
                Err(format!("not everybody could take them: {reason}"))
            }
            Ok(Outcome::Failed(Failure::Lost)) => Err("a destination ended before it had them: ask again".to_owned()),
            Err(_) => Err(format!("not everybody had them within {} s: ask again", CUSTODY_TIMEOUT.as_secs())),
        }
    }
}
