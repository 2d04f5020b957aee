//! What this agent answers for until another agent has it: that agent's queue in the spool, and its way into the streams.
//!
//! ```text
//!  spool: spool/AGENT --take--> taken --offer--> Sender (lanes of one epoch) --ack--> done, with the next commit
//! ```
//! Agents that are in step get one frame together: their queues are read in one round and merged by the place in the log.
//! An agent that is away is not read for; its queue holds what it is to get, on disk. Events of an earlier epoch go first,
//! under its number, and those of the next only when the other side has custody of them all: so the order of a key holds
//! across restarts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use mesh_protocol::frame::{self, StreamEvent};
use mesh_protocol::id::{AgentId, Lane, Seq};
use mesh_protocol::topic::Filter;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::batch::{Agents, Batcher, Places};
use super::core::Core;
use super::outbound::FRAME_ROOM_BYTES;
use crate::causes::chain;
use crate::mutant::{Mutant, planted};
use crate::queue::burial;
use crate::router::{Admitted, Attachment, Hold, Life, Reach, Router, Takes};
use crate::spool::{DiskError, Entry, EpochStart, LANES, Op, QueueNo, Store, end_of, lane_of};
use crate::status::now_ms;
use crate::stream::{RunEvent, Sender};

pub(super) use crate::queue::PEER as QUEUE;
/// Events and bytes read at once.
const READ_EVENTS: usize = 256;
const READ_BYTES: usize = 256 * 1024;
/// Bytes taken over by a sender that wait for credit.
const UNSENT_BYTES_MAX: u64 = 512 * 1024;

/// The duty to say what became of an event on its way to one agent.
#[derive(Debug)]
pub(super) enum Duty {
    /// It is in that agent's queue.
    Kept { seq: u64, event: Admitted },
    /// Its sender waits.
    Passing(Hold),
}

impl Duty {
    /// Nobody waits for it any more.
    pub(super) fn is_given_up(&self) -> bool {
        match self {
            Self::Kept { .. } => false,
            Self::Passing(hold) => !hold.is_awaited(),
        }
    }
}

/// What came back from the disk.
pub(super) type Read = (AgentId, Result<Vec<Entry>, DiskError>);

/// What became of a burial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burial {
    agent: AgentId,
    /// The lane that waits for it.
    lane: Option<Lane>,
    seq: u64,
    /// Else there was no room for it: the event stays in the queue. An agent that refuses it does so again.
    is_done: bool,
}

/// What is noted of another agent.
#[derive(Debug, Serialize)]
struct Note<'a> {
    filters: &'a [&'a Filter],
    recalling: bool,
}

/// The same as it is read.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Noted {
    Whole {
        filters: Vec<Filter>,
        recalling: bool,
    },
    /// By an agent that knew no last values.
    Filters(Vec<Filter>),
}

/// One agent's queue.
#[derive(Debug)]
pub(super) struct Kept {
    spool: Arc<Store>,
    name: Arc<str>,
    queue: QueueNo,
    attachment: Attachment,
    /// Read and not offered yet.
    taken: VecDeque<Entry>,
    /// Something is being read from disk.
    reading: bool,
    /// The last place in the log of which something may have gone to the agent.
    sent: u64,
    /// Up to this place in the log the agent's predecessor may have had it, and told somebody.
    had: u64,
    /// Nobody reads for it any more when it is gone.
    reader: DropGuard,
    /// The epoch whose events are being sent.
    stream: Option<EpochStart>,
    /// Its lanes that have begun, as bits.
    begun: u64,
    /// Done with and not yet told to the spool.
    done: Vec<u64>,
    /// Becoming dead letters.
    burials: FxHashSet<u64>,
}

impl Kept {
    /// Opens the queue of an agent's line; `wake` is told when something comes into it. `had`: another machine may have had
    /// it up to here.
    pub(super) fn open(line: AgentId, had: u64, spool: &Arc<Store>, router: &Router, wake: &Arc<Notify>) -> Self {
        let name: Arc<str> = format!("{QUEUE}{line}").into();
        let queue = spool.open_queue(&name, spool.core().share());
        spool.core().wake_with(queue, wake);
        Self {
            spool: spool.clone(),
            name,
            queue,
            attachment: router.attach_queue(queue.0, Reach::Remote),
            taken: VecDeque::new(),
            reading: true,
            // What an earlier process has sent of it is not known here.
            sent: spool.core().last(),
            had,
            reader: CancellationToken::new().drop_guard(),
            stream: None,
            begun: 0,
            done: Vec::new(),
            burials: FxHashSet::default(),
        }
    }

    /// The same for the next agent of the line, which knows nothing of what the one before may have had.
    pub(super) fn handed_on(self) -> Self {
        let reader = CancellationToken::new().drop_guard();
        Self { taken: VecDeque::new(), reading: true, had: self.sent, reader, stream: None, begun: 0, ..self }
    }

    /// Reads from the beginning, once what the reader before acknowledged is done with.
    pub(super) fn begin(&self, agent: AgentId) -> BoxFuture<'static, Read> {
        let (spool, queue, read) = (self.spool.clone(), self.queue, self.read(agent));
        Box::pin(async move {
            // A queue that has ended meanwhile has nothing to read.
            let _ = spool.ask(Op::Rewind(queue)).await;
            read.await
        })
    }

    fn read(&self, agent: AgentId) -> BoxFuture<'static, Read> {
        let (spool, queue, gone) = (self.spool.clone(), self.queue, self.reader.token().clone());
        Box::pin(async move {
            // What was read for one that is gone would be nobody's: its successor begins with a rewind.
            let taken = tokio::select! {
                biased;
                () = gone.cancelled() => Ok(Vec::new()),
                taken = spool.take(queue, READ_EVENTS, READ_BYTES) => taken,
            };
            (agent, taken)
        })
    }

    pub(super) fn attract(&self, filter: &Filter) {
        self.attachment.subscribe_for(filter, 0, Life::Live, Takes::KEPT);
    }

    pub(super) fn repel(&self, filter: &Filter) {
        self.attachment.unsubscribe(filter, 0);
    }

    /// Its number in the spool.
    pub(super) fn queue(&self) -> QueueNo {
        self.queue
    }

    /// Events and bytes that the agent has not taken custody of.
    pub(super) fn backlog(&self) -> (u64, u64) {
        self.spool.core().standing(self.queue).map_or((0, 0), |standing| (standing.events, standing.bytes))
    }

    /// The last place in the log of which something may have gone to the agent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.taken.is_empty()
    }

    /// The epoch whose events are being sent.
    pub(super) fn stream(&self) -> Option<EpochStart> {
        self.stream
    }

    /// The agent has custody of it, or will never get it.
    pub(super) fn done(&mut self, seq: u64) {
        self.done.push(seq);
    }

    /// What the agent wants durably, for a start without it, and whether it is still to get last values of that; `noted` is
    /// told when it is on disk.
    pub(super) fn note(&self, filters: &[&Filter], recalling: bool, noted: impl FnOnce() + Send + 'static) {
        match serde_json::to_vec(&Note { filters, recalling }) {
            Ok(note) => {
                let answer = move |done: Result<_, _>| done.map_or((), |_| noted());
                self.spool.submit_with(Op::Note { queue: self.queue, note: note.into() }, Box::new(answer));
            }
            Err(error) => tracing::error!(%error, "what another agent wants cannot be noted"),
        }
    }

    /// What was noted.
    pub(super) fn noted(&self) -> (Vec<Filter>, bool) {
        let note = self.spool.core().note(self.queue);
        let read = |note: Bytes| match serde_json::from_slice::<Noted>(&note).ok()? {
            Noted::Whole { filters, recalling } => Some((filters, recalling)),
            Noted::Filters(filters) => Some((filters, true)),
        };
        note.and_then(read).unwrap_or_default()
    }

    /// The next event whose turn it is. `first`: nothing was taken in this round that the sender does not know of yet.
    fn next(&mut self, sender: &mut Sender<Admitted, Duty>, horizon: u64, first: bool) -> Option<(Entry, EpochStart)> {
        let start = self.spool.core().epoch_of(self.taken.front()?.seq);
        if self.stream.is_none_or(|stream| stream.epoch != start.epoch) {
            let is_drained = sender.is_idle_on(0..LANES) || planted(Mutant::EpochNotDrained);
            if !first || !is_drained {
                return None;
            }
            let earlier = start.first <= horizon;
            sender.begin_anew(0..LANES, if earlier { Seq::from_counter(horizon) } else { Seq::START });
            (self.stream, self.begun) = (Some(start), 0);
        }
        let mut entry = self.taken.pop_front()?;
        entry.row.redelivered |= entry.seq <= self.had;
        Some((entry, start))
    }

    /// Whether a lane begins only now.
    fn begins(&mut self, lane: Lane) -> bool {
        let bit = 1 << lane.0;
        let begins = self.begun & bit == 0;
        self.begun |= bit;
        begins
    }
}

impl Core {
    /// Sends what waits in the queues of other agents, as far as their credit goes.
    pub(super) fn send_kept(&mut self) {
        let mut merged: BTreeMap<u64, (Entry, EpochStart, Agents)> = BTreeMap::new();
        let mut more = false;
        for (agent, peer) in &mut self.peers {
            let serves = self.parts.enforcer.check_peer(*agent).is_ok();
            if !serves || !peer.live || peer.sender.peer().is_none() || peer.kept.reading {
                continue;
            }
            let mut room = UNSENT_BYTES_MAX.saturating_sub(peer.sender.unsent_bytes());
            if peer.kept.taken.is_empty() && room > 0 {
                match self.parts.spool.core().take_fresh(peer.kept.queue, READ_EVENTS, READ_BYTES) {
                    Some(entries) => {
                        more |= !entries.is_empty();
                        peer.kept.taken.extend(entries);
                    }
                    None => {
                        peer.kept.reading = true;
                        self.reads.push(peer.kept.read(*agent));
                        continue;
                    }
                }
            }
            let mut first = true;
            while room > 0
                && let Some((entry, start)) = peer.kept.next(&mut peer.sender, self.horizon, first)
            {
                first = false;
                room = room.saturating_sub(u64::from(entry.row.bytes));
                let redelivered = entry.row.redelivered;
                let (entry, _, agents) = merged.entry(entry.seq).or_insert_with(|| (entry, start, Agents::new()));
                entry.row.redelivered |= redelivered;
                agents.push(*agent);
            }
        }
        let mut batcher = Batcher::default();
        for (entry, start, agents) in merged.into_values() {
            self.offer_kept(&entry, start, &agents, &mut batcher);
        }
        self.send_drafts(batcher.take());
        if more {
            // There may be more, after whatever else has come meanwhile.
            self.kept_wake.notify_one();
        }
    }

    pub(super) fn on_read(&mut self, (agent, read): Read) {
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        match read {
            Ok(entries) => {
                peer.kept.reading = false;
                peer.kept.taken.extend(entries);
            }
            // It stays marked as reading: the agent opens its spool anew.
            Err(error) => tracing::error!(error = %chain(&error), "a queue for another agent cannot be read"),
        }
    }

    fn offer_kept(&mut self, entry: &Entry, start: EpochStart, agents: &Agents, batcher: &mut Batcher) {
        let Entry { seq, row, event } = entry;
        let over = row.expires_at_ms.is_some_and(|at| at <= now_ms());
        // A last value whose time is over still ends the one before it, wherever that is known.
        let ended = (over && event.is_last_value()).then(|| end_of(event));
        let (event, over) = (ended.as_ref().unwrap_or(event), over && ended.is_none());
        let bytes = event.encoded();
        let lane = lane_of(&event.event().key, start.lanes.min(LANES));
        let now = self.clock.now();
        let mut places = Places::new();
        for agent in agents {
            if bytes.len() + FRAME_ROOM_BYTES > frame::MAX_BYTES {
                self.counts.refused.one();
                self.bury(
                    *agent,
                    None,
                    (*seq, event),
                    "the event with its metadata is larger than a frame between sites",
                );
                continue;
            }
            let allowed = over || self.in_scope(event, *agent);
            let Some(peer) = self.peers.get_mut(agent) else { continue };
            if over || !allowed {
                self.counts.expired.add(u64::from(over));
                peer.kept.done(*seq);
                continue;
            }
            if peer.kept.begins(lane) && *seq <= self.horizon {
                // What an earlier process has sent of it is not known here.
                peer.sender.resume_lane(lane, if *seq == 1 { Seq::START } else { Seq::from_counter(seq - 1) });
            }
            let item = RunEvent { seq: Seq::from_counter(*seq), redelivered: row.redelivered, payload: event.clone() };
            let duty = Duty::Kept { seq: *seq, event: event.clone() };
            peer.kept.sent = peer.kept.sent.max(*seq);
            if let Some(prev) = peer.sender.offer(now, lane, item, row.bytes as usize, duty) {
                places.push((*agent, prev));
                if planted(Mutant::DoneWhenSent) {
                    peer.kept.done(*seq);
                }
            }
        }
        if !places.is_empty() {
            let seq = Seq::from_counter(*seq);
            let event =
                StreamEvent { seq, redelivered: row.redelivered, recalled: event.is_recalled(), bytes: bytes.clone() };
            batcher.stream((start.epoch, lane), places, event);
        }
    }

    /// A duty is fulfilled.
    pub(super) fn fulfil(&mut self, agent: AgentId, duty: Duty) {
        match duty {
            Duty::Passing(hold) => hold.done(),
            Duty::Kept { seq, .. } => {
                if let Some(peer) = self.peers.get_mut(&agent) {
                    peer.kept.done(seq);
                }
            }
        }
    }

    /// An agent refuses an event for good, on this lane: it is a dead letter here, in the same commit that takes it out of the
    /// agent's queue, before the agent hears that it may go on.
    pub(super) fn bury(&mut self, agent: AgentId, lane: Option<Lane>, (seq, event): (u64, &Admitted), reason: &str) {
        let Some(peer) = self.peers.get_mut(&agent).filter(|peer| !peer.kept.burials.contains(&seq)) else { return };
        peer.kept.burials.insert(seq);
        let from = (&*peer.kept.name, peer.kept.queue, seq);
        let op = burial(event.event(), from, reason, 1, self.dead_letters);
        let (buried, count) = (self.buried.clone(), self.counts.buried.clone());
        let answer = move |done: Result<_, _>| {
            let is_done = done.is_ok();
            count.add(u64::from(is_done));
            let _ = buried.send(Burial { agent, lane, seq, is_done });
        };
        self.parts.spool.submit_with(op, Box::new(answer));
    }

    pub(super) fn on_buried(&mut self, burial: Burial) {
        let Burial { agent, lane, seq, is_done } = burial;
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        peer.kept.burials.remove(&seq);
        if !is_done {
            tracing::error!(%agent, seq, "an event that an agent refuses cannot be a dead letter; it stays in the agent's queue");
            return;
        }
        peer.kept.done(seq);
        if let Some(lane) = lane {
            // The duty is fulfilled with it.
            let _ = peer.sender.answer_refusal(lane, Seq::from_counter(seq));
        }
    }

    /// Tells the spool what is done with.
    pub(super) fn flush_kept(&mut self) {
        for peer in self.peers.values_mut() {
            let done = std::mem::take(&mut peer.kept.done);
            self.parts.spool.ack(peer.kept.queue, done);
        }
    }
}
