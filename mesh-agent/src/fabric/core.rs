//! The one task that owns the state of all peers. It never waits for anything but its inputs.

#[cfg(test)]
pub(super) mod simulated;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, FuturesUnordered, StreamExt};
use mesh_protocol::desired::Member;
use mesh_protocol::id::{AgentId, Epoch, Lane, SpoolId};
use mesh_protocol::report::LinkState;
use mesh_protocol::topic::{Filter, FilterTree};
use mesh_protocol::wire::Revision;
use rustc_hash::FxHashSet;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use super::compress::Compression;
use super::counts::Counts;
use super::kept::{self, Burial, Duty, Kept, Read};
use super::mailbox::Mailbox;
use super::peer::{LEASE, Peer};
use super::recall::Told;
use super::session::SessionEvent;
use super::sets::{SetId, Sets};
use super::wire::{Ear, Neighbour, Wire};
use super::{Parts, Target};
use crate::identity::sealing;
use crate::interest::Advertised;
use crate::policy::Enforced;
use crate::queue::DEAD_LETTERS;
use crate::router::{Arrival, Attachment, Key, Life, Reach, Wanted};
use crate::seal::Sealer;
use crate::spool::{Limits, MarkKey, QueueNo};
use crate::stream::{Clock, Moment, Settled, Ticket};

/// Signs of life to every member.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(700);
/// The same to members that are out of reach, so that a new link is used at once.
const CALL_INTERVAL: Duration = Duration::from_millis(200);
/// Changes of what is wanted here are told together that come within this time after the last ones were.
const FOLLOW_PAUSE: Duration = Duration::from_millis(20);
/// Resends, nacks and pauses are looked at this often while a stream is busy, and rarely while none is.
const BUSY_TICK: Duration = Duration::from_millis(20);
const IDLE_TICK: Duration = Duration::from_millis(250);
/// A direct neighbour that is silent for this long means a deaf session.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(5);
const REOPEN_FIRST: Duration = Duration::from_secs(10);
const REOPEN_LONGEST: Duration = Duration::from_secs(120);
/// Frames and deliveries taken in one turn, so that heartbeats are never late.
const FRAMES_PER_TURN: usize = 256;

/// The spool's word about a batch from another agent.
pub(super) struct Settlement {
    pub(super) agent: AgentId,
    pub(super) origin: SpoolId,
    pub(super) epoch: Epoch,
    pub(super) lane: Lane,
    pub(super) ticket: Ticket,
    pub(super) settled: Settled,
    /// For those who listen here without a queue.
    pub(super) arrivals: Vec<Arrival>,
    /// Deliveries into queues.
    pub(super) kept: u64,
}

/// See the module.
pub(super) struct Core {
    pub(super) parts: Parts,
    pub(super) target: Target,
    pub(super) clock: Clock,
    pub(super) counts: Counts,
    pub(super) peers: BTreeMap<AgentId, Peer>,
    pub(super) sealer: Sealer,
    pub(super) compression: Compression,
    /// When a forged frame was logged last.
    pub(super) forged_at: Option<Moment>,
    pub(super) numbers: HashMap<Key, AgentId>,
    next_number: Key,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) attachment: Attachment,
    pub(super) advertised: Advertised,
    /// Durable interest of this agent by desired state that no running outlet serves yet.
    pub(super) not_ready: FilterTree<Filter>,
    pub(super) wire: Option<Wire>,
    pub(super) sets: Sets,
    pub(super) joined: HashMap<SetId, (Ear, Moment)>,
    /// In the order in which the spool was asked, which is the order of its answers.
    pub(super) settling: FuturesOrdered<BoxFuture<'static, Settlement>>,
    /// This agent's spool, and its epoch.
    pub(super) me: (SpoolId, Epoch),
    pub(super) reads: FuturesUnordered<BoxFuture<'static, Read>>,
    pub(super) recalls: FuturesUnordered<BoxFuture<'static, Told>>,
    pub(super) kept_wake: Arc<Notify>,
    /// Up to here an earlier process may have sent what it kept, by place in the log.
    pub(super) horizon: u64,
    pub(super) dead_letters: QueueNo,
    pub(super) buried: mpsc::UnboundedSender<Burial>,
    burials: Option<mpsc::UnboundedReceiver<Burial>>,
    pub(super) neighbours: Vec<Neighbour>,
    /// The policy that events were judged by last.
    pub(super) judged_by: Option<Arc<Enforced>>,
    links: watch::Sender<Vec<LinkState>>,
    reopen: mpsc::Sender<()>,
    reopened_at: Option<Moment>,
    reopen_wait: Duration,
    beat_at: Moment,
    called_at: Moment,
    pub(super) session_since: Option<Moment>,
}

impl Core {
    pub(super) fn new(
        parts: Parts,
        target: Target,
        links: watch::Sender<Vec<LinkState>>,
        reopen: mpsc::Sender<()>,
    ) -> Self {
        let counts = Counts::new(&parts.counters);
        let mailbox = Arc::new(Mailbox::new(counts.direct_dropped.clone()));
        let attachment = parts.router.attach(mailbox.clone(), Reach::Remote);
        let (buried, burials) = mpsc::unbounded_channel();
        let mut core = Self {
            me: (parts.spool.id(), parts.spool.epoch()),
            reads: FuturesUnordered::new(),
            recalls: FuturesUnordered::new(),
            kept_wake: Arc::default(),
            horizon: parts.spool.core().last(),
            dead_letters: parts.spool.open_queue(&DEAD_LETTERS.into(), Limits::NONE),
            buried,
            burials: Some(burials),
            clock: Clock::start(),
            counts,
            peers: BTreeMap::new(),
            sealer: Sealer::new(parts.agent, target.sealing.clone()),
            compression: Compression::default(),
            forged_at: None,
            numbers: HashMap::new(),
            next_number: 0,
            mailbox,
            attachment,
            advertised: Advertised::default(),
            not_ready: FilterTree::new(),
            wire: None,
            sets: Sets::default(),
            joined: HashMap::new(),
            settling: FuturesOrdered::new(),
            neighbours: Vec::new(),
            judged_by: None,
            links,
            reopen,
            reopened_at: None,
            reopen_wait: REOPEN_FIRST,
            beat_at: Moment::default(),
            called_at: Moment::default(),
            session_since: None,
            parts,
            target,
        };
        // Before anything can be published: an origin knows durable interest from its first event on.
        core.follow_target();
        core
    }

    pub(super) async fn run(
        mut self,
        mut targets: watch::Receiver<Target>,
        mut inbox: mpsc::Receiver<BytesMut>,
        mut sessions: mpsc::Receiver<SessionEvent>,
        token: CancellationToken,
    ) {
        let (mailbox, kept_wake) = (self.mailbox.clone(), self.kept_wake.clone());
        let Some(mut burials) = self.burials.take() else { return };
        let mut interest = self.parts.router.interest().versions();
        self.follow_interest();
        let mut tick = interval_at(Instant::now(), BUSY_TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut idle_until, mut follow_from) = (Instant::now(), Instant::now());
        let mut frames = Vec::with_capacity(FRAMES_PER_TURN);
        loop {
            tokio::select! {
                () = token.cancelled() => break,
                Ok(()) = targets.changed() => {
                    self.target = targets.borrow_and_update().clone();
                    self.follow_target();
                }
                Some(event) = sessions.recv() => self.on_session(event).await,
                // The tick comes round when it is too early.
                Ok(()) = interest.changed(), if Instant::now() >= follow_from => {
                    interest.borrow_and_update();
                    self.follow_interest();
                    follow_from = Instant::now() + FOLLOW_PAUSE;
                }
                Some(settlement) = self.settling.next(), if !self.settling.is_empty() => self.on_settled(settlement),
                count = inbox.recv_many(&mut frames, FRAMES_PER_TURN) => {
                    if count == 0 {
                        break;
                    }
                    for frame in frames.drain(..) {
                        self.on_frame(frame).await;
                    }
                }
                () = mailbox.filled() => {}
                () = kept_wake.notified() => {}
                Some(read) = self.reads.next(), if !self.reads.is_empty() => self.on_read(read),
                Some(told) = self.recalls.next(), if !self.recalls.is_empty() => self.on_recalled(told),
                Some(buried) = burials.recv() => self.on_buried(buried),
                _ = tick.tick() => {
                    if Instant::now() < idle_until {
                        continue;
                    }
                }
            }
            self.turn().await;
            idle_until = Instant::now() + if self.is_busy() { Duration::ZERO } else { IDLE_TICK };
        }
        self.send_offered();
        self.send_due();
        self.flush_kept();
        self.send_heartbeats(true);
    }

    /// Does what there is to do after anything came.
    async fn turn(&mut self) {
        while let Some(Some(settlement)) = futures::FutureExt::now_or_never(self.settling.next()) {
            self.on_settled(settlement);
        }
        self.notice_scopes();
        self.recall_due();
        self.send_offered();
        self.send_kept();
        self.send_due();
        self.flush_kept();
        self.send_shares();
        self.keep_in_touch().await;
    }

    /// Sends signs of life.
    async fn keep_in_touch(&mut self) {
        let now = self.clock.now();
        if now.since(self.beat_at) >= HEARTBEAT_INTERVAL {
            self.beat().await;
        } else if now.since(self.called_at) >= CALL_INTERVAL && self.wire.is_some() {
            self.called_at = now;
            let away: Vec<AgentId> =
                self.peers.iter().filter(|(_, peer)| !peer.live).map(|(agent, _)| *agent).collect();
            for agent in away {
                self.send_heartbeat(agent, false);
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.peers.values().any(Peer::is_busy)
    }

    /// The revision that decides here now.
    pub(super) fn revision(&self) -> Revision {
        self.parts.enforcer.enforced().map_or(Revision { generation: 0, revision: 0 }, |enforced| enforced.revision)
    }

    /// Members and durable interest as desired state has them.
    fn follow_target(&mut self) {
        self.sealer.set_keys(self.target.sealing.clone());
        let key = |member: &Member| Some((member.agent, sealing_key(member)?));
        self.sealer.set_members(&self.target.section.members.iter().filter_map(key).collect());
        let members: BTreeMap<AgentId, Member> = self
            .target
            .section
            .members
            .iter()
            .filter(|member| member.agent != self.parts.agent)
            .map(|member| (member.agent, member.clone()))
            .collect();
        let gone: Vec<AgentId> = self.peers.keys().filter(|agent| !members.contains_key(agent)).copied().collect();
        for agent in gone {
            let line = self.peers[&agent].member.line();
            let is_next = |member: &&Member| member.line() == line && !self.peers.contains_key(&member.agent);
            match members.values().find(is_next) {
                Some(next) => self.succeed(agent, next.clone()),
                None => self.forget(agent),
            }
        }
        let lines: BTreeSet<AgentId> = members.values().map(Member::line).collect();
        let has_member = |name: &str| name.parse().is_ok_and(|line: AgentId| lines.contains(&line));
        self.parts.spool.close_others(kept::QUEUE, has_member);
        for (agent, member) in members {
            if let Some(peer) = self.peers.get_mut(&agent) {
                peer.member = member;
            } else {
                let number = self.next_number;
                self.next_number += 1;
                self.numbers.insert(number, agent);
                let line = member.line();
                // One of an earlier process may have been sent to whoever had its place then.
                let had = member.stands_for.map_or(0, |_| self.horizon);
                let kept = Kept::open(line, had, &self.parts.spool, &self.parts.router, &self.kept_wake);
                self.reads.push(kept.begin(agent));
                let destination = self.parts.router.destination(&format!("agent/{line}"), &member.site_name);
                let mut peer = Peer::new(member, (number, destination), kept, self.parts.spool.passed());
                peer.restore(&self.attachment);
                self.peers.insert(agent, peer);
            }
        }
        for (agent, peer) in &mut self.peers {
            let wanted = self.target.durable_interest.iter().filter(|interest| interest.agent == *agent);
            peer.desire(&self.attachment, wanted.map(|interest| interest.filter.clone()).collect());
        }
        self.follow_interest();
    }

    /// A peer is no member any more: what is held for it fails, so that no publisher is told that it was taken.
    fn forget(&mut self, agent: AgentId) {
        if let Some(mut peer) = self.peers.remove(&agent) {
            peer.leave(&self.attachment);
            self.numbers.remove(&peer.number);
            self.sets.unconfirm(agent);
        }
    }

    /// Another machine has the place of a peer: what is held for that one is for this one now, in its order.
    fn succeed(&mut self, gone: AgentId, next: Member) {
        let Some(peer) = self.peers.remove(&gone) else { return };
        self.sets.unconfirm(gone);
        let agent = next.agent;
        tracing::info!(%gone, %agent, site = next.site_name, "an agent takes the place of another");
        let peer = peer.succeeded_by(next, &self.attachment, self.parts.spool.passed());
        self.numbers.insert(peer.number, agent);
        self.reads.push(peer.kept.begin(agent));
        self.peers.insert(agent, peer);
    }

    /// Local outlets changed what they want: others are told at once.
    fn follow_interest(&mut self) {
        let changed = self.advertised.follow(self.parts.router.interest());
        let mine = self.target.durable_interest.iter().filter(|interest| interest.agent == self.parts.agent);
        let mut not_ready = FilterTree::new();
        for filter in mine.map(|interest| &interest.filter).collect::<FxHashSet<_>>() {
            let its = |direct| Wanted { filter: filter.clone(), life: Life::Durable, direct };
            if ![true, false].map(its).iter().any(|wanted| self.advertised.contains(wanted)) {
                not_ready.insert(filter, filter.clone());
            }
        }
        self.not_ready = not_ready;
        if changed {
            let live: Vec<AgentId> = self.peers.iter().filter(|(_, peer)| peer.live).map(|(agent, _)| *agent).collect();
            for agent in live {
                self.tell_interest(agent);
            }
        }
    }

    async fn on_session(&mut self, event: SessionEvent) {
        self.sets.unconfirm_all();
        for peer in self.peers.values_mut() {
            peer.linked_since = None;
            peer.direct = false;
        }
        self.neighbours.clear();
        let joined: Vec<SetId> = self.joined.drain().map(|(set, _)| set).collect();
        match event {
            SessionEvent::Up(wire) => {
                self.wire = Some(wire);
                self.session_since = Some(self.clock.now());
                for set in joined {
                    self.join(set).await;
                }
                self.beat().await;
            }
            SessionEvent::Down => {
                self.wire = None;
                self.session_since = None;
            }
        }
    }

    fn on_settled(&mut self, settlement: Settlement) {
        let now = self.clock.now();
        if settlement.settled == Settled::Taken {
            self.parts.router.show(settlement.arrivals, settlement.kept);
        }
        let Some(peer) = self.peers.get_mut(&settlement.agent) else { return };
        if peer.spool.is_none_or(|(spool, _)| spool != settlement.origin) {
            return;
        }
        let (origin, epoch, lane) = (settlement.origin, settlement.epoch, settlement.lane);
        if let Some(receiver) = peer.known_receiver(epoch) {
            let lost = settlement.settled == Settled::Lost;
            receiver.settle(now, lane, settlement.ticket, settlement.settled);
            if lost {
                receiver.catch_up(lane, self.parts.spool.core().mark(&MarkKey { origin, epoch, lane }));
            }
        }
    }

    /// Signs of life, leases, links, and everything else that has time.
    pub(super) async fn beat(&mut self) {
        let now = self.clock.now();
        self.beat_at = now;
        let late: Vec<AgentId> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.live && peer.heard_at.is_none_or(|at| now.since(at) > LEASE))
            .map(|(agent, _)| *agent)
            .collect();
        for agent in late {
            self.lose(agent);
        }
        for peer in self.peers.values_mut() {
            self.counts.given_up.add(peer.sender.prune(Duty::is_given_up) as u64);
            peer.note_interest();
        }
        self.send_heartbeats(false);
        self.announce_sets();
        self.joined.retain(|_, (_, at)| now.since(*at) < super::inbound::FORGET_SET_AFTER);
        self.look_at_links(now).await;
        self.tell_links();
    }

    /// A peer is down: live interest ends, guaranteed events stay held for it.
    pub(super) fn lose(&mut self, agent: AgentId) {
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        peer.set_live(false);
        let gone = peer.learned.forget_live();
        peer.want(&self.attachment, gone);
        self.sets.unconfirm(agent);
        tracing::info!(%agent, site = peer.member.site_name, "agent is out of reach");
    }

    async fn look_at_links(&mut self, now: Moment) {
        let Some(wire) = self.wire.clone() else { return };
        let neighbours = wire.neighbours().await;
        for (agent, peer) in &mut self.peers {
            peer.direct = neighbours.iter().any(|neighbour| neighbour.agent == Some(*agent));
            peer.linked_since = if peer.direct { peer.linked_since.or(Some(now)) } else { None };
        }
        self.neighbours = neighbours;
        self.tell_line(now);
        let silent = |at: Option<Moment>| at.is_none_or(|at| now.since(at) > SILENT_AFTER);
        let deaf = self.peers.values().any(|peer| {
            peer.linked_since.is_some_and(|since| now.since(since) > SILENT_AFTER)
                && (silent(peer.heard_at) || silent(peer.hears_us_at))
        });
        if !deaf {
            return;
        }
        if self.reopened_at.is_none_or(|at| now.since(at) > self.reopen_wait) && self.reopen.try_send(()).is_ok() {
            self.counts.reopened.one();
            self.reopen_wait = if self.reopened_at.is_none_or(|at| now.since(at) > REOPEN_LONGEST * 2) {
                REOPEN_FIRST
            } else {
                (self.reopen_wait * 2).min(REOPEN_LONGEST)
            };
            self.reopened_at = Some(now);
        }
    }

    fn tell_links(&self) {
        let now = self.clock.now();
        let durable = self.advertised.durable_version();
        let has_scopes = self.judged_by.as_ref().is_some_and(|enforced| !enforced.policy.scopes().is_empty());
        let links: Vec<LinkState> = self.peers.values().map(|peer| peer.link_state(now, has_scopes, durable)).collect();
        self.links.send_if_modified(|current| {
            let changed = *current != links;
            *current = links;
            changed
        });
    }
}

/// What policy says that a member seals with; none when that is no key.
pub(super) fn sealing_key(member: &Member) -> Option<sealing::Public> {
    sealing::public(member.sealing_key.as_deref()?)
}
