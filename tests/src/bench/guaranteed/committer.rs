//! What ours cannot be faster than: the agent's own committer on a disk of its own, without listeners, router and consumers.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mesh_agent::counters::Counters;
use mesh_agent::router::Admitted;
use mesh_agent::spool::{Addressed, Committer, Core, Done, FjallDisk, Limits, Op, QueueNo, Refusal, Settings};
use mesh_protocol::id::{Epoch, SpoolId};

use super::super::gate::Gate;
use super::super::{Latency, Measured, Meter};

type Answered = (Result<Done, Refusal>, Instant);

/// Appends events to one queue, so many at a time, each an operation of its own. Blocks the thread.
pub(super) fn alone(folder: &Path, in_flight: usize, lasts: Duration) -> anyhow::Result<Measured> {
    let (disk, _) = FjallDisk::open(folder).context("open the committer's disk")?;
    let core = Core::open(Arc::new(disk), Settings::default(), SpoolId([7; 16]), Epoch(1));
    let core = core.context("open the committer's spool")?;
    let opened = core.turn(vec![Op::Open { name: "bench".into(), limits: Limits::NONE }]).0.pop();
    let Some(Ok(Done::Opened(queue))) = opened else { anyhow::bail!("the committer opens no queue: {opened:?}") };
    let committer = Committer::start(Arc::new(core), &Counters::default()).context("start the committer")?;
    let gate = Gate::new()?;
    let (answers, answered) = channel();
    let meter = Meter::start(std::process::id())?;
    let began = Instant::now();
    let (mut events, mut under_way, mut last) = (0, 0, began);
    let mut times = Vec::new();
    loop {
        while under_way < in_flight && began.elapsed() < lasts {
            submit(&committer, gate.event()?, queue, &answers);
            under_way += 1;
        }
        if under_way == 0 {
            break;
        }
        let first = answered.recv().context("the committer has ended")?;
        for (done, since) in std::iter::once(first).chain(answered.try_iter()) {
            ensure!(done == Ok(Done::Durable), "the committer answers {done:?}");
            last = Instant::now();
            times.push(last - since);
            (events, under_way) = (events + 1, under_way - 1);
        }
    }
    let (processor, peak) = meter.read(events)?;
    let per_second = events as f64 / (last - began).as_secs_f64();
    Ok(Measured { per_second, lost: 0, processor, peak, latency: Latency::of(times) })
}

fn submit(committer: &Committer, event: Admitted, queue: QueueNo, answers: &Sender<Answered>) {
    let (answers, since) = (answers.clone(), Instant::now());
    let addressed = Addressed { event, queues: [queue].into_iter().collect(), redelivered: false };
    let op = Op::Append { events: vec![addressed], mark: None, claim: None };
    // Nobody listens any more when an earlier answer was a failure.
    committer.submit(op, Box::new(move |done| drop(answers.send((done, since)))));
}
