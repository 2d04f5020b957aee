//! A named queue driven by hand: a simulation does what the task's loop does.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::StreamExt;
use mesh_protocol::desired;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{LOOK, Service};
use crate::queue::named::consumer::Command;
use crate::queue::named::{Named, Parts};
use crate::spool::{Done, Op, Refusal};
use crate::stream::Moment;

/// A queue without a task.
pub(crate) struct SimulatedQueue {
    named: Arc<Named>,
    service: Service,
    commands: mpsc::UnboundedReceiver<Command>,
    /// Until the spool has begun to read it anew.
    opening: Option<BoxFuture<'static, Result<Done, Refusal>>>,
    looked_at: Moment,
}

impl std::fmt::Debug for SimulatedQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedQueue").field("service", &self.service).finish_non_exhaustive()
    }
}

impl SimulatedQueue {
    /// The queue as an agent opens it.
    pub(crate) fn open(config: &desired::Queue, parts: &Parts) -> Self {
        let (named, service, commands) = Named::with_service(config, parts, CancellationToken::new());
        let (spool, number) = (named.spool.clone(), named.number);
        let opening = async move { spool.ask(Op::Rewind(number)).await }.boxed();
        Self { named, service, commands, opening: Some(opening), looked_at: Moment::default() }
    }

    /// Who wants to consume it asks here.
    pub(crate) fn named(&self) -> &Arc<Named> {
        &self.named
    }

    /// Takes what is ready, and serves.
    pub(crate) fn step(&mut self) {
        if let Some(opening) = &mut self.opening {
            match opening.now_or_never() {
                None => return,
                Some(done) => drop(done.expect("the queue is open")),
            }
            self.opening = None;
        }
        while let Ok(command) = self.commands.try_recv() {
            self.service.take(command).now_or_never().expect("nobody takes events away by hand");
        }
        while let Some(Some((seq, done))) = self.service.burials.next().now_or_never() {
            self.service.burial(seq, done);
        }
        while let Some(Some(done)) = self.service.trims.next().now_or_never() {
            self.service.trimmed(done);
        }
        loop {
            let filled = self.service.fill().now_or_never().expect("a simulated disk never waits");
            filled.expect("a simulated disk is read without trouble");
            if !self.service.carry_out() {
                break;
            }
        }
        let now = self.service.clock.now();
        if now.since(self.looked_at) >= LOOK {
            self.looked_at = now;
            self.service.look();
        }
    }

    /// Events in hand: with nobody, with consumers, on their way to the dead letter queue.
    pub(crate) fn standing(&self) -> (usize, usize, usize) {
        self.service.dispatch.standing()
    }
}
