//! Opening a spool in which much waits: an agent that was killed is back only then.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mesh_agent::spool::{Addressed, Core, Done, FjallDisk, Limits, Op, Settings};
use mesh_protocol::id::{Epoch, SpoolId};

use super::gate::Gate;
use crate::usage;

/// What waits, in one queue.
const EVENTS: usize = 2_000_000;
/// Events of one commit.
const STEP: usize = 2_000;

/// Fills a spool, opens it anew, and prints what that took.
pub(super) fn opening() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("make a folder")?;
    fill(folder.path())?;
    let own = std::process::id();
    let before = usage::memory(own)?;
    let began = Instant::now();
    let core = open(folder.path(), 2)?;
    let took: Duration = began.elapsed();
    let after = usage::memory(own)?;
    let queue = core.queue("bench").context("find the queue")?;
    let waits = core.standing(queue).map(|standing| standing.events);
    ensure!(waits == Some(EVENTS as u64), "{waits:?} events wait of {EVENTS}");
    let first = core.take(queue, 1, 1).context("read the first event")?.entries.len();
    ensure!(first == 1, "the first event is not there");
    println!("\nOpening a spool in which {EVENTS} events wait in one queue");
    println!(
        "  {:.2} s to the first event, {:.0} MB of memory more",
        took.as_secs_f64(),
        after.anonymous.saturating_sub(before.anonymous) as f64 / 1e6
    );
    Ok(())
}

fn open(folder: &Path, epoch: u64) -> anyhow::Result<Core> {
    let (disk, _) = FjallDisk::open(folder).context("open the disk")?;
    Core::open(Arc::new(disk), Settings::default(), SpoolId([7; 16]), Epoch(epoch)).context("open the spool")
}

fn fill(folder: &Path) -> anyhow::Result<()> {
    let core = open(folder, 1)?;
    let opened = core.turn(vec![Op::Open { name: "bench".into(), limits: Limits::NONE }]).0.pop();
    let Some(Ok(Done::Opened(queue))) = opened else { anyhow::bail!("no queue: {opened:?}") };
    let gate = Gate::new()?;
    for _ in 0..EVENTS / STEP {
        let mut events = Vec::with_capacity(STEP);
        for _ in 0..STEP {
            let queues = std::iter::once(queue).collect();
            events.push(Addressed { event: gate.event()?, queues, redelivered: false });
        }
        let done = core.turn(vec![Op::Append { events, mark: None, claim: None }]).0.pop();
        ensure!(done == Some(Ok(Done::Durable)), "the spool answers {done:?}");
    }
    Ok(())
}
