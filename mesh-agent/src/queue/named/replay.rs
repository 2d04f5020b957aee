//! Replay: acknowledged events that a queue has kept are delivered again, in their old places.

use std::time::{Duration, Instant};

use mesh_protocol::queue::{QueueAnswer, Replay};
use tokio::sync::oneshot;

use super::Named;
use super::consumer::Command;
use crate::causes::chain;
use crate::spool::{Core, DiskError, QueueNo, Row};
use crate::status::now_ms;

/// Most events of one replay.
const EVENTS_MAX: usize = 1_000_000;
/// Rows read in one go.
const STEP_EVENTS: usize = 1_024;
/// Whoever asked waits no longer for the events to be found.
const TIME_MAX: Duration = Duration::from_secs(20);

/// What will be delivered again.
#[derive(Debug, Default)]
struct Chosen {
    rows: Vec<(u64, Row)>,
    bytes: u64,
    unreadable: u64,
}

/// Delivers kept events of a queue again: all that are chosen, or none.
pub(super) async fn replay(named: &Named, which: Replay) -> Result<QueueAnswer, String> {
    let config = named.config();
    if config.keep_ms.is_none() {
        return Err(format!(
            "queue {} keeps nothing that was acknowledged: say in its settings for how long it shall",
            config.name
        ));
    }
    let (core, kept) = (named.spool.core().clone(), named.kept);
    let chosen = tokio::task::spawn_blocking(move || choose(&core, kept, which)).await;
    let chosen = chosen.unwrap_or_else(|_| Err(chain(&DiskError::Failed)))?;
    let waiting = named.spool.core().standing(named.number).unwrap_or_default();
    let events = chosen.rows.len() as u64;
    if waiting.events + events > config.events_max || waiting.bytes + chosen.bytes > config.bytes_max {
        return Err(format!(
            "{events} events ({} bytes) do not fit into the queue, where {} wait: choose fewer of them, or raise its limits",
            chosen.bytes, waiting.events
        ));
    }
    let (done, answered) = oneshot::channel();
    named.tell(Command::Replay { rows: chosen.rows, done });
    match answered.await {
        Ok(Ok(events)) => {
            let unreadable = chosen.unreadable;
            let stopped = (unreadable > 0).then(|| format!("{unreadable} events are not readable any more"));
            Ok(QueueAnswer::Done { events, stopped })
        }
        Ok(Err(refusal)) => Err(chain(&refusal)),
        Err(_ended) => Err("the queue is no more".to_owned()),
    }
}

fn choose(core: &Core, kept: QueueNo, which: Replay) -> Result<Chosen, String> {
    let (began, now) = (Instant::now(), now_ms());
    let mut chosen = Chosen::default();
    let failed = |error: DiskError| chain(&error);
    let mut take = |seq: u64, row: &Row, since_ms: i64| -> Result<(), String> {
        if began.elapsed() > TIME_MAX {
            return Err(format!(
                "it takes longer than {} s to find all of them: choose a later start",
                TIME_MAX.as_secs()
            ));
        }
        let Some(event) = core.event(seq).map_err(failed)? else {
            chosen.unreadable += 1;
            return Ok(());
        };
        let event = event.event();
        let expires_at_ms = event.ttl_ms.map(|ttl| event.admitted_at_ms.saturating_add_unsigned(ttl));
        if event.admitted_at_ms < since_ms || expires_at_ms.is_some_and(|at| at <= now) {
            return Ok(());
        }
        if chosen.rows.len() == EVENTS_MAX {
            return Err(format!("they are more than {EVENTS_MAX} events: choose a later start"));
        }
        chosen.bytes += u64::from(row.bytes);
        chosen.rows.push((seq, Row { expires_at_ms, deliveries: 0, redelivered: true, replayed: true, ..*row }));
        Ok(())
    };
    let (mut after, since_ms) = match which {
        Replay::All => (0, i64::MIN),
        Replay::FromPosition(position) => (position.saturating_sub(1), i64::MIN),
        Replay::SinceMs(since) => (0, since),
        Replay::These(mut seqs) => {
            seqs.sort_unstable();
            seqs.dedup();
            for seq in seqs {
                let found = core.rows_after(kept, seq.saturating_sub(1), 1).map_err(failed)?;
                for (found, row) in found.iter().filter(|(found, _)| *found == seq) {
                    take(*found, row, i64::MIN)?;
                }
            }
            return Ok(chosen);
        }
    };
    loop {
        let rows = core.rows_after(kept, after, STEP_EVENTS).map_err(failed)?;
        let Some((last, _)) = rows.last() else { return Ok(chosen) };
        after = *last;
        for (seq, row) in &rows {
            take(*seq, row, since_ms)?;
        }
    }
}
