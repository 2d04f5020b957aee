//! Diverted events that a person sends again: published as if they came now, and taken out of the dead letters after that.
//!
//! An event that still matches no version which is served stays where it is. A process that ends between the two steps
//! leaves a dead letter whose event has gone out; sent once more it is a repeat, and never a loss.

use std::time::Duration;

use super::Parts;
use crate::letter::{DIVERTED, epitaph, unburied};
use crate::router::{EVENT_OVERHEAD_BYTES, Failure, Outcome};
use crate::spool::Entry;
use crate::status::now_ms;

/// Whoever asked waits no longer for one step.
const CUSTODY_TIMEOUT: Duration = Duration::from_secs(10);

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

/// Publishes what may come in now; the places of those that everybody has.
///
/// # Errors
/// They could not be brought to everybody; all of them stay.
pub(super) async fn publish(parts: &Parts, entries: Vec<Entry>, wrong: &mut Wrong) -> Result<Vec<u64>, String> {
    let (mut batch, mut seqs, mut bytes) = (Vec::new(), Vec::new(), 0);
    for entry in entries {
        let event = unburied(entry.event.event(), now_ms());
        match parts.enforcer.permit_by_hand(event) {
            Ok(permit) => {
                let event = permit.admit();
                bytes += event.event().payload.len() + EVENT_OVERHEAD_BYTES;
                batch.push(event);
                seqs.push(entry.seq);
            }
            Err(denied) => {
                wrong.events += 1;
                wrong.last = Some(denied.to_string());
            }
        }
    }
    if batch.is_empty() {
        return Ok(seqs);
    }
    let publish = async {
        let admission = parts.router.budget().take(bytes).await;
        parts.router.publish(batch, admission, None).await
    };
    match tokio::time::timeout(CUSTODY_TIMEOUT, publish).await {
        Ok(Outcome::Taken { .. } | Outcome::Unrouted) => Ok(seqs),
        Ok(Outcome::Failed(Failure::Refused(reason) | Failure::Full(reason) | Failure::Again { reason, .. })) => {
            Err(format!("not everybody could take them: {reason}"))
        }
        Ok(Outcome::Failed(Failure::Lost)) => Err("a destination ended before it had them: ask again".to_owned()),
        Err(_) => Err(format!("not everybody had them within {} s: ask again", CUSTODY_TIMEOUT.as_secs())),
    }
}
