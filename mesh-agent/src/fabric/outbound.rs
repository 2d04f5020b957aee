//! What this agent sends: events of its own clients, progress of what it takes, signs of life.

use bytes::{Bytes, BytesMut};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::frame::{
    self, Ack, Body, Control, Destination, DirectBody, Frame, Header, Heartbeat, Nack, Refused, Skip, StreamBody,
    StreamEvent,
};
use mesh_protocol::id::{AgentId, Lane, Seq, StreamId};
use smallvec::SmallVec;

use super::batch::{Agents, Batcher, Draft, Places};
use super::core::Core;
use super::kept::Duty;
use super::peer::PASSING;
use super::scoped::is_withheld;
use super::wire::{Urgency, inbox_key, set_key};
use crate::router::{Admitted, Delivery, EVENT_OVERHEAD_BYTES, Failure, Hold};
use crate::spool::{LANES, lane_of};
use crate::stream::{Out, Progress, RunEvent};

/// Header and destinations of a frame that carries one large event.
pub(super) const FRAME_ROOM_BYTES: usize = 16 * 1024;

/// How much a frame carries.
#[derive(Clone, Copy, Debug)]
struct Size {
    events: usize,
    bytes: usize,
}

impl Size {
    fn of<'a>(events: impl ExactSizeIterator<Item = &'a Bytes>) -> Self {
        Self { events: events.len(), bytes: events.map(Bytes::len).sum() }
    }
}

impl Core {
    /// Takes what the router left and sends what may go at once.
    pub(super) fn send_offered(&mut self) {
        let deliveries = self.mailbox.take();
        if deliveries.is_empty() {
            return;
        }
        let mut batcher = Batcher::default();
        for delivery in deliveries {
            match delivery.event.event().mode {
                DeliveryMode::Direct => self.offer_direct(&delivery, &mut batcher),
                DeliveryMode::Guaranteed => self.offer_passing(delivery, &mut batcher),
            }
        }
        self.send_drafts(batcher.take());
    }

    fn offer_direct(&mut self, delivery: &Delivery, batcher: &mut Batcher) {
        let mut agents: Agents = delivery.matched.iter().filter_map(|key| self.numbers.get(key)).copied().collect();
        let wanted = agents.len();
        agents.retain(|agent| self.serves(*agent));
        self.counts.forbidden.add((wanted - agents.len()) as u64);
        agents.retain(|agent| self.in_scope(&delivery.event, *agent));
        let mut live: Agents =
            agents.iter().filter(|agent| self.peers.get(agent).is_some_and(|peer| peer.live)).copied().collect();
        live.sort_unstable();
        self.counts.direct_dropped.add((agents.len() - live.len()) as u64);
        if !live.is_empty() {
            batcher.direct(live, delivery.event.encoded().clone());
        }
    }

    /// What its sender answers for, towards each agent with a duty of its own.
    fn offer_passing(&mut self, delivery: Delivery, batcher: &mut Batcher) {
        let Delivery { event, matched, shares, redelivered, .. } = delivery;
        let now = self.clock.now();
        let bytes = event.encoded().clone();
        let fits = bytes.len() + FRAME_ROOM_BYTES <= frame::MAX_BYTES;
        let mut agents: SmallVec<[(AgentId, Hold); 4]> = SmallVec::new();
        for (key, hold) in matched.iter().zip(shares) {
            // Dropped with an agent that is gone: its sender asks again, and finds it gone.
            let Some(agent) = self.numbers.get(key).copied() else { continue };
            if !self.serves(agent) {
                // As with one that is gone.
                self.counts.forbidden.one();
                continue;
            }
            if !self.in_scope(&event, agent) {
                hold.done_for(0);
            } else if fits {
                agents.push((agent, hold));
            } else {
                self.counts.refused.one();
                let why = "the event with its metadata is larger than a frame between sites";
                hold.fail(Failure::Refused(why.to_owned()));
            }
        }
        if agents.is_empty() {
            return;
        }
        agents.sort_unstable_by_key(|(agent, _)| *agent);
        let seq = Seq::from_counter(self.parts.spool.number_passing());
        let lane = Lane(PASSING.start + lane_of(&event.event().key, LANES).0);
        let size = bytes.len() + EVENT_OVERHEAD_BYTES / 8;
        let mut places = Places::new();
        for (agent, hold) in agents {
            let Some(peer) = self.peers.get_mut(&agent) else { continue };
            let item = RunEvent { seq, redelivered, payload: event.clone() };
            if let Some(prev) = peer.sender.offer(now, lane, item, size, Duty::Passing(hold)) {
                places.push((agent, prev));
            }
        }
        if !places.is_empty() {
            batcher.stream((self.me.1, lane), places, StreamEvent { seq, redelivered, recalled: false, bytes });
        }
    }

    /// Resends, events that waited for credit, acknowledgements and nacks.
    pub(super) fn send_due(&mut self) {
        let now = self.clock.now();
        let agents: Vec<AgentId> = self.peers.keys().copied().collect();
        for agent in agents {
            let enforcer = self.parts.enforcer.clone();
            let Some(peer) = self.peers.get_mut(&agent) else { continue };
            let not_ready = &self.not_ready;
            let ready = |event: &Admitted| {
                let mut ready = true;
                not_ready.matches(&event.event().topic, &mut |_| ready = false);
                ready
            };
            let again: Vec<_> = peer.receivers().map(|(epoch, receiver)| (epoch, receiver.poll(now, ready))).collect();
            let polled = peer.sender.poll(now, |event| !is_withheld(&enforcer, event, agent));
            for (epoch, batches) in again {
                self.deliver(agent, epoch, batches);
            }
            for duty in polled.done {
                self.fulfil(agent, duty);
            }
            for duty in polled.withdrawn {
                self.withheld(agent);
                match duty {
                    Duty::Passing(hold) => {
                        let why = "policy does not let this event go to a site that wants it";
                        hold.fail(Failure::Refused(why.to_owned()));
                    }
                    kept @ Duty::Kept { .. } => self.fulfil(agent, kept),
                }
            }
            if self.serves(agent) {
                self.send_out(agent, polled.out);
            }
            self.send_progress(agent, false);
        }
    }

    fn send_out(&mut self, agent: AgentId, out: Vec<Out<Admitted>>) {
        let Some(peer) = self.peers.get(&agent) else { return };
        let Some((destination, _)) = peer.sender.peer() else { return };
        let origin = self.me.0;
        let kept_epoch = peer.kept.stream().map_or(self.me.1, |stream| stream.epoch);
        let epoch_of = |lane: Lane| if PASSING.contains(&lane.0) { self.me.1 } else { kept_epoch };
        let mut skips = Vec::new();
        let mut drafts = Vec::new();
        for item in out {
            match item {
                Out::Skip { lane, after, up_to, reason } => {
                    let stream = StreamId { origin, epoch: epoch_of(lane), destination, lane };
                    skips.push(Control::Skip(Skip { stream, after, up_to, reason }));
                }
                Out::Run(run) => {
                    if run.again {
                        self.counts.resends.add(run.events.len() as u64);
                    }
                    let events: Vec<StreamEvent> = run
                        .events
                        .into_iter()
                        .map(|event| StreamEvent {
                            seq: event.seq,
                            redelivered: event.redelivered,
                            recalled: event.payload.is_recalled(),
                            bytes: event.payload.encoded().clone(),
                        })
                        .collect();
                    let places = Places::from_iter([(agent, run.prev)]);
                    drafts.push(Draft::Stream { epoch: epoch_of(run.lane), lane: run.lane, places, events, bytes: 0 });
                }
            }
        }
        self.send_control(agent, &skips);
        self.send_drafts(drafts);
    }

    /// Tells an origin how far its streams have come: what changed, or all of it.
    fn send_progress(&mut self, agent: AgentId, all: bool) {
        let messages = self.progress(agent, all);
        self.send_control(agent, &messages);
    }

    fn progress(&mut self, agent: AgentId, all: bool) -> Vec<Control> {
        let now = self.clock.now();
        let destination = self.me.0;
        let Some(peer) = self.peers.get_mut(&agent) else { return Vec::new() };
        let Some((origin, _)) = peer.spool else { return Vec::new() };
        let mut messages = Vec::new();
        for (epoch, receiver) in peer.receivers() {
            let counts = receiver.take_counts();
            self.counts.duplicates.add(counts.duplicates);
            self.counts.overflow.add(counts.overflow);
            self.counts.gaps.add(counts.gaps);
            self.counts.redelivered.add(counts.redelivered);
            for Progress { lane, arrived, up_to, credit_bytes, refused, missing } in receiver.progress(now, all) {
                let stream = StreamId { origin, epoch, destination, lane };
                messages.push(Control::Ack(Ack { stream, arrived, up_to, credit_bytes }));
                for (seq, reason) in refused {
                    messages.push(Control::Refused(Refused { stream, seq, reason }));
                }
                if !missing.is_empty() {
                    self.counts.nacks.one();
                    messages.push(Control::Nack(Nack { stream, ranges: missing }));
                }
            }
        }
        messages
    }

    pub(super) fn send_heartbeats(&mut self, leaving: bool) {
        let agents: Vec<AgentId> = self.peers.keys().copied().collect();
        for agent in agents {
            self.send_heartbeat(agent, leaving);
        }
    }

    /// A sign of life, with everything that a lost message could have told; and a call, when there is no session or it is
    /// to be replaced.
    pub(super) fn send_heartbeat(&mut self, agent: AgentId, leaving: bool) {
        let now = self.clock.now();
        if self.sealer.is_to_be_called(now, agent)
            && !leaving
            && let Some(call) = self.sealer.call(agent)
        {
            self.put(&inbox_key(agent), call, Urgency::Control);
        }
        let Some(peer) = self.peers.get(&agent) else { return };
        let beat = Heartbeat {
            durable_spool: true,
            leaving,
            sent_at_us: now.0,
            echo: peer.echo(now),
            interest_version: self.advertised.version(),
            interest_hash: self.advertised.hash(),
            deny_list: self.parts.deny_lists.number(),
            holds: peer.held.told(),
        };
        let mut messages = vec![Control::Heartbeat(beat)];
        messages.extend(self.progress(agent, true));
        self.send_control(agent, &messages);
    }

    /// What changed here since the peer was told last.
    pub(super) fn tell_interest(&mut self, agent: AgentId) {
        let told = self.peers.get(&agent).map_or(0, |peer| peer.told);
        self.answer_interest(agent, told);
    }

    pub(super) fn answer_interest(&mut self, agent: AgentId, have: u64) {
        let messages = self.advertised.messages(self.parts.router.interest(), have);
        if let Some(peer) = self.peers.get_mut(&agent) {
            peer.told = self.advertised.version();
        }
        for message in messages {
            self.send_control(agent, &[Control::Interest(message)]);
        }
    }

    /// Hands this agent's deny list to one whose list is older.
    pub(super) fn tell_deny_list(&mut self, agent: AgentId) {
        let Some(signed) = self.parts.deny_lists.signed() else { return };
        if signed.len() + FRAME_ROOM_BYTES > frame::MAX_BYTES {
            tracing::error!(bytes = signed.len(), "the deny list is too large to be handed to other agents");
            return;
        }
        self.send_control(agent, &[Control::DenyList(signed)]);
    }

    pub(super) fn announce_sets(&mut self) {
        let now = self.clock.now();
        for announcement in self.sets.announcements(now) {
            let message = Control::SetAnnounced { set: announcement.set, members: announcement.members.to_vec() };
            for member in announcement.members {
                self.send_control(member, std::slice::from_ref(&message));
            }
        }
    }

    /// Without a session nothing is sent: each message is repeated or asked for again.
    pub(super) fn send_control(&mut self, agent: AgentId, messages: &[Control]) {
        let now = self.clock.now();
        for chunk in messages.chunks(frame::CONTROLS_MAX) {
            let frame = Frame { header: self.header(), body: Body::Control(chunk.to_vec()) };
            let sealed = self.sealer.seal(now, agent, |out| {
                frame::put(out, &frame, false);
            });
            let Some(sealed) = sealed else { return };
            if let Some(peer) = self.peers.get_mut(&agent) {
                peer.traffic.bytes_sent += sealed.len() as u64;
            }
            #[cfg(test)]
            self.wire.iter().for_each(|wire| wire.say(&frame));
            self.put(&inbox_key(agent), sealed, Urgency::Control);
        }
    }

    fn header(&self) -> Header {
        Header { sender: self.me.0, epoch: self.me.1, revision: self.revision() }
    }

    pub(super) fn put(&self, key: &str, frame: Bytes, urgency: Urgency) {
        let Some(wire) = &self.wire else {
            self.counts.put_failed.one();
            return;
        };
        if let Err(error) = wire.put(key, frame, urgency) {
            self.counts.put_failed.one();
            tracing::debug!(%error, "a frame was not sent");
        }
    }

    /// One frame for all its destinations where they share a key, else one for each.
    pub(super) fn send_drafts(&mut self, drafts: Vec<Draft>) {
        for draft in drafts {
            match draft {
                Draft::Stream { epoch, lane, places, events, .. } => {
                    let place = |(agent, prev): &(AgentId, Seq)| {
                        let (spool, its_epoch) = self.peers.get(agent)?.sender.peer()?;
                        Some((*agent, Destination { spool, epoch: its_epoch, prev: *prev }))
                    };
                    let places: Vec<(AgentId, Destination)> = places.iter().filter_map(place).collect();
                    let size = Size::of(events.iter().map(|event| &event.bytes));
                    let mut body = StreamBody { epoch, lane, destinations: Vec::new(), events };
                    self.send_to_set(&places, size, |destinations| {
                        body.destinations = destinations;
                        Body::Stream(body.clone())
                    });
                }
                Draft::Direct { agents, events, .. } => {
                    let place = |agent: &AgentId| Some((*agent, self.peers.get(agent)?.spool?.0));
                    let places: Vec<_> = agents.iter().filter_map(place).collect();
                    let size = Size::of(events.iter());
                    let mut body = DirectBody { destinations: Vec::new(), events };
                    self.send_to_set(&places, size, |destinations| {
                        body.destinations = destinations;
                        Body::Direct(body.clone())
                    });
                }
            }
        }
    }

    fn send_to_set<D: Clone>(&mut self, places: &[(AgentId, D)], size: Size, mut body: impl FnMut(Vec<D>) -> Body) {
        let now = self.clock.now();
        let members: Agents = places.iter().map(|(agent, _)| *agent).collect();
        let set = if members.len() > 1 { self.sets.usable(now, &members) } else { None };
        if let Some(set) = set {
            let destinations = places.iter().map(|(_, place)| place.clone()).collect();
            self.send_events(&members, &set_key(&set), size, body(destinations));
            return;
        }
        for (agent, place) in places {
            self.send_events(&Agents::from_iter([*agent]), &inbox_key(*agent), size, body(vec![place.clone()]));
        }
    }

    /// Compresses, seals and sends a frame of events. Without a session it is lost like one that zenoh drops.
    fn send_events(&mut self, members: &Agents, key: &str, size: Size, body: Body) {
        let now = self.clock.now();
        let frame = Frame { header: self.header(), body };
        let compress = self.compression.is_worth_it(members, size.bytes);
        let mut written = None;
        let put = |out: &mut BytesMut| written = Some(frame::put(out, &frame, compress));
        let sealed = match members[..] {
            [agent] => self.sealer.seal(now, agent, put),
            _ => self.sealer.seal_for_set(now, members, put),
        };
        let (Some(sealed), Some(written)) = (sealed, written) else {
            self.counts.put_failed.one();
            return;
        };
        if compress {
            self.compression.tried(members, written);
        }
        self.counts.plain_bytes.add(written.plain as u64);
        self.counts.written_bytes.add(written.written as u64);
        self.count_sent(members, size.events, sealed.len());
        #[cfg(test)]
        self.wire.iter().for_each(|wire| wire.say(&frame));
        self.put(key, sealed, Urgency::Data);
    }

    /// Copies over this agent's own links: one for every neighbour among the destinations, and one when there is none;
    /// what lies behind a neighbour shares its copy.
    fn count_sent(&mut self, members: &Agents, events: usize, bytes: usize) {
        let mut neighbours = 0;
        for agent in members {
            if let Some(peer) = self.peers.get_mut(agent) {
                peer.traffic.events_sent += events as u64;
                peer.traffic.bytes_sent += bytes as u64;
                neighbours += usize::from(peer.direct);
            }
        }
        self.counts.copies_sent.add((events * neighbours.max(1)) as u64);
    }
}
