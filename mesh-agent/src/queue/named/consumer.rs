//! Who consumes a queue, and what they and the queue's service say to each other.

use std::collections::HashMap;
use std::sync::Arc;

use mesh_protocol::desired;
use mesh_protocol::id::PrincipalId;
use tokio::sync::{mpsc, oneshot};

use super::pulls::Pull;
use crate::queue::dispatch::Left;
use crate::queue::item::ConsumerId;
use crate::router::Admitted;
use crate::spool::{Addressed, Refusal, Row};

/// Who a consumer is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Who {
    /// On whose rights.
    pub principal: PrincipalId,
    /// Tells several consumers of one principal apart: an MQTT client id, or what an HTTP client calls itself.
    pub name: String,
}

/// An event for a consumer.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Whom it is for; the answer names it.
    pub consumer: ConsumerId,
    /// Its place in the log; the answer names it.
    pub seq: u64,
    /// How often it came back before.
    pub deliveries: u16,
    /// Somebody may have had it before.
    pub redelivered: bool,
    /// The event.
    pub event: Admitted,
}

/// What a consumer says about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done with.
    Ack,
    /// To be delivered again, after a pause.
    Release,
    /// To be delivered again at once; nobody has seen it.
    Return,
    /// Never to be delivered again: a dead letter, for this reason.
    Reject(String),
    /// Still at work: the lease begins anew.
    Renew,
}

/// What the service is told.
#[derive(Debug)]
pub(super) enum Command {
    Config(Arc<desired::Queue>),
    Attach {
        id: ConsumerId,
        who: Who,
        window: usize,
        leased: bool,
        offers: mpsc::UnboundedSender<Offer>,
    },
    Detach(ConsumerId, Left),
    Pull(Who, Pull),
    Verdict(ConsumerId, u64, Verdict),
    Settle {
        principal: PrincipalId,
        verdicts: Vec<(ConsumerId, u64, Verdict)>,
        told: oneshot::Sender<Vec<bool>>,
    },
    /// Who has which events.
    Holders(oneshot::Sender<HashMap<u64, String>>),
    /// Takes events away that nobody has, in one commit with others that take their place.
    TakeAway {
        seqs: Vec<u64>,
        events: Vec<Addressed>,
        done: oneshot::Sender<Result<u64, Refusal>>,
    },
    /// Delivers kept events again.
    Replay {
        rows: Vec<(u64, Row)>,
        done: oneshot::Sender<Result<u64, Refusal>>,
    },
}

/// A consumer that is offered events. Dropping it gives back what it has.
#[derive(Debug)]
pub struct Consumer {
    id: ConsumerId,
    offers: mpsc::UnboundedReceiver<Offer>,
    commands: mpsc::UnboundedSender<Command>,
    left: Left,
}

impl Consumer {
    pub(super) fn new(
        id: ConsumerId,
        offers: mpsc::UnboundedReceiver<Offer>,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Self {
        Self { id, offers, commands, left: Left::Unseen }
    }

    /// The next event; none when the queue is no more. Cancel-safe.
    pub async fn next(&mut self) -> Option<Offer> {
        self.offers.recv().await
    }

    /// The next event, as [`Consumer::next`].
    pub fn poll_next(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Offer>> {
        self.offers.poll_recv(cx)
    }

    /// The next event, if there is one now.
    pub fn try_next(&mut self) -> Option<Offer> {
        self.offers.try_recv().ok()
    }

    /// What became of an event.
    pub fn settle(&self, seq: u64, verdict: Verdict) {
        let _ended = self.commands.send(Command::Verdict(self.id, seq, verdict));
    }

    /// It goes without a word while it works on the oldest event it has: that counts as a delivery.
    pub fn lost(mut self) {
        self.left = Left::AtOldest;
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let _ended = self.commands.send(Command::Detach(self.id, self.left));
    }
}
