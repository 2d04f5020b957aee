//! What other agents send.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mesh_protocol::frame::{
    self, Ack, Behind, BehindReason, Body, Control, DirectBody, Frame, Header, Heartbeat, Nack, Refused, Skip,
    SkipReason, StreamBody,
};
use mesh_protocol::id::{AgentId, Epoch, Seq, StreamId};
use tokio::sync::oneshot;

use super::core::{Core, Settlement};
use super::judge::NotNow;
use super::kept::Duty;
use super::peer::PASSING;
use super::sets::{SetId, set_of};
use super::wire::{Urgency, inbox_key, set_key};
use crate::interest::Applied;
use crate::mutant::{Mutant, planted};
use crate::router::{Admitted, Arrival, Change, Failure, Life};
use crate::seal::{Opened, Unopened};
use crate::spool::{Addressed, Done, LANES, Mark, MarkKey, Op, QueueNo, Queues};
use crate::stream::{AckError, Batch, Incoming, Moment, Settled};

/// A set that is no more announced is forgotten after this.
pub(super) const FORGET_SET_AFTER: Duration = Duration::from_secs(60);
/// Most sets of other origins that are heard.
const JOINED_MAX: usize = 4_096;

/// Forged frames are logged this often at most; their counter says how many there are.
const FORGED_LOG_INTERVAL: Duration = Duration::from_secs(60);

impl Core {
    pub(super) async fn on_frame(&mut self, bytes: BytesMut) {
        let (now, size) = (self.clock.now(), bytes.len() as u64);
        match self.sealer.open(now, bytes) {
            Ok(Opened::Frame { agent, content }) => self.on_content(agent, &content, size).await,
            Ok(Opened::Call { agent, answer, stands }) => self.on_call(agent, answer, stands),
            Err(unopened) => self.on_unopened(now, &unopened),
        }
    }

    /// What does not open is counted and never answered.
    fn on_unopened(&mut self, now: Moment, unopened: &Unopened) {
        match unopened {
            Unopened::Unreadable(error) => {
                self.counts.link_errors.one();
                tracing::warn!(%error, "a frame is not readable");
            }
            Unopened::Stranger => self.counts.strangers.one(),
            Unopened::Stale => self.counts.stale.one(),
            Unopened::Replayed => self.counts.replayed.one(),
            Unopened::Forged => {
                self.counts.forged.one();
                if self.forged_at.is_none_or(|at| now.since(at) >= FORGED_LOG_INTERVAL) {
                    self.forged_at = Some(now);
                    tracing::error!(
                        "a frame is not from the agent that it names, or was altered on its way: an agent between does not do as \
                         it should. `fabric_forged_frames` counts them"
                    );
                }
            }
        }
    }

    /// An agent wants a session or agrees to one. A frame tells it that this one stands here.
    fn on_call(&mut self, agent: AgentId, answer: Option<Bytes>, stands: bool) {
        if self.parts.enforcer.check_peer(agent).is_err() {
            self.counts.strangers.one();
            return;
        }
        if let Some(answer) = answer {
            self.put(&inbox_key(agent), answer, Urgency::Control);
        }
        if stands {
            self.send_heartbeat(agent, false);
        }
    }

    async fn on_content(&mut self, agent: AgentId, content: &Bytes, size: u64) {
        let Frame { header, body } = match frame::decode(content) {
            Ok(frame) => frame,
            Err(error) => {
                self.counts.link_errors.one();
                tracing::warn!(%agent, %error, "a frame is not readable");
                return;
            }
        };
        let messages = match body {
            Body::Control(messages) => messages,
            Body::Stream(body) => return self.on_stream(agent, &header, body, size),
            Body::Direct(body) => return self.on_direct(agent, &header, body, size),
        };
        for message in messages {
            if let Control::Heartbeat(beat) = message {
                self.on_heartbeat(agent, &header, &beat);
            } else if self.may_speak(agent, &header) {
                self.on_control(agent, message).await;
            }
        }
    }

    /// Whether a frame counts: not from one that is revoked, or from a process that is over.
    fn may_speak(&self, agent: AgentId, header: &Header) -> bool {
        let Some(peer) = self.peers.get(&agent).filter(|_| self.parts.enforcer.check_peer(agent).is_ok()) else {
            self.counts.strangers.one();
            return false;
        };
        if !peer.is_current(header.sender, header.epoch) {
            self.counts.stale.one();
            return false;
        }
        true
    }

    fn on_heartbeat(&mut self, agent: AgentId, header: &Header, beat: &Heartbeat) {
        let now = self.clock.now();
        let known = self.peers.get_mut(&agent).filter(|_| self.parts.enforcer.check_peer(agent).is_ok());
        let Some(peer) = known else {
            self.counts.strangers.one();
            return;
        };
        let Some(met) = peer.on_heartbeat(now, (header.sender, header.epoch), beat) else {
            self.counts.stale.one();
            return;
        };
        if met.anew {
            let gone = peer.learned.forget_live();
            peer.want(&self.attachment, gone);
            peer.told = 0;
            self.sets.unconfirm(agent);
        }
        if beat.leaving {
            self.lose(agent);
            return;
        }
        let agrees = peer.learned.agrees(beat.interest_version, beat.interest_hash);
        if met.back || met.anew {
            tracing::info!(%agent, site = peer.member.site_name, "agent is reachable");
            // At once, not with the next beat: the other side learns that it is heard, and what is wanted here.
            self.send_heartbeat(agent, false);
            self.tell_interest(agent);
        }
        if !agrees {
            self.ask_interest(agent);
        }
        self.ask_deny_list(agent, beat.deny_list);
    }

    /// Asks for a deny list that is newer than the one here.
    fn ask_deny_list(&mut self, agent: AgentId, number: u64) {
        let now = self.clock.now();
        if number > self.parts.deny_lists.number()
            && let Some(peer) = self.peers.get_mut(&agent)
            && peer.ask_deny_list(now)
        {
            self.send_control(agent, &[Control::DenyListWanted]);
        }
    }

    /// Asks for what is missing here, unless that was asked a moment ago or would not help.
    pub(super) fn ask_interest(&mut self, agent: AgentId) {
        let now = self.clock.now();
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        if !peer.ask(now) {
            return;
        }
        let have = peer.learned.version();
        self.send_control(agent, &[Control::InterestWanted { have }]);
    }

    async fn on_control(&mut self, agent: AgentId, message: Control) {
        match message {
            Control::Ack(ack) => self.on_ack(agent, &ack),
            Control::Nack(nack) => self.on_nack(agent, &nack),
            Control::Refused(refused) => self.on_refused(agent, &refused),
            Control::Behind(behind) => self.on_behind(agent, &behind),
            Control::Skip(skip) => self.on_skip(agent, &skip),
            Control::Interest(interest) => self.on_interest(agent, &interest),
            Control::InterestWanted { have } => self.answer_interest(agent, have),
            Control::SetAnnounced { set, members } => self.on_set(agent, set, &members).await,
            Control::SetConfirmed { set } => {
                let now = self.clock.now();
                self.sets.confirmed(now, &set, agent);
            }
            Control::DenyListWanted => self.tell_deny_list(agent),
            Control::DenyList(signed) => {
                self.counts.deny_lists.one();
                self.parts.deny_lists.offer(&signed);
            }
            Control::Share(share) => self.on_share(agent, &share),
            // Taken before the sender was looked up.
            Control::Heartbeat(_) => {}
        }
    }

    /// Whether a message about a stream speaks of one that begins here now and ends at that agent's spool.
    fn is_mine(&self, agent: AgentId, stream: &StreamId) -> bool {
        let Some(peer) = self.peers.get(&agent) else { return false };
        let epoch = if PASSING.contains(&stream.lane.0) {
            Some(self.me.1)
        } else {
            peer.kept.stream().map(|stream| stream.epoch)
        };
        stream.origin == self.me.0
            && epoch == Some(stream.epoch)
            && peer.spool.is_some_and(|(id, _)| id == stream.destination)
    }

    fn on_ack(&mut self, agent: AgentId, ack: &Ack) {
        if !self.is_mine(agent, &ack.stream) {
            return;
        }
        let now = self.clock.now();
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        match peer.sender.on_ack(now, ack.stream.lane, (ack.arrived, ack.up_to), ack.credit_bytes) {
            Ok(done) => done.into_iter().for_each(|duty| self.fulfil(agent, duty)),
            Err(error) => {
                let text = error.to_string();
                tracing::error!(%agent, error = text, "a stream's marks do not fit; one of the agents has lost its memory");
                match error {
                    AckError::Ahead(done) => {
                        self.counts.marks_ahead.one();
                        done.into_iter().for_each(|duty| self.fulfil(agent, duty));
                    }
                    AckError::Fallen => self.counts.marks_fallen.one(),
                }
            }
        }
    }

    fn on_nack(&mut self, agent: AgentId, nack: &Nack) {
        if self.is_over(agent, &nack.stream) {
            let stream = nack.stream;
            let lost = |&(after, up_to): &(Seq, Seq)| Skip { stream, after, up_to, reason: SkipReason::Lost };
            let skips: Vec<Control> = nack.ranges.iter().map(lost).map(Control::Skip).collect();
            return self.send_control(agent, &skips);
        }
        let now = self.clock.now();
        if self.is_mine(agent, &nack.stream)
            && let Some(peer) = self.peers.get_mut(&agent)
        {
            peer.sender.on_nack(now, nack.stream.lane, &nack.ranges);
        }
    }

    /// Whether nothing more will ever come on a stream that began here. Who waits for something of it would do so for ever;
    /// that happens when the disk was put back to an earlier state.
    fn is_over(&self, agent: AgentId, stream: &StreamId) -> bool {
        let Some(peer) = self.peers.get(&agent) else { return false };
        let is_sent_now = peer.kept.stream().is_some_and(|now| now.epoch == stream.epoch);
        stream.origin == self.me.0
            && !PASSING.contains(&stream.lane.0)
            && peer.spool.is_some_and(|(id, _)| id == stream.destination)
            && (!is_sent_now || peer.sender.is_idle_on(0..LANES))
            && self.parts.spool.core().is_over_for(peer.kept.queue(), stream.epoch)
            && !planted(Mutant::LostEpochUnanswered)
    }

    fn on_refused(&mut self, agent: AgentId, refused: &Refused) {
        if self.is_over(agent, &refused.stream) {
            let (after, up_to, reason) = (Seq::START, refused.seq, SkipReason::Refused);
            return self.send_control(agent, &[Control::Skip(Skip { stream: refused.stream, after, up_to, reason })]);
        }
        let (now, lane) = (self.clock.now(), refused.stream.lane);
        if !self.is_mine(agent, &refused.stream) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        let kept = match peer.sender.on_refused(now, lane, refused.seq) {
            None => return,
            Some(Duty::Passing(_)) => None,
            Some(Duty::Kept { seq, event }) => Some((*seq, event.clone())),
        };
        self.counts.refused.one();
        match kept {
            Some((seq, event)) => self.bury(agent, Some(lane), (seq, &event), &refused.reason),
            None => {
                if let Some(Duty::Passing(hold)) = peer.sender.answer_refusal(lane, refused.seq) {
                    hold.fail(Failure::Refused(refused.reason.clone()));
                }
            }
        }
    }

    fn on_behind(&mut self, agent: AgentId, behind: &Behind) {
        let now = self.clock.now();
        if self.is_mine(agent, &behind.stream)
            && let Some(peer) = self.peers.get_mut(&agent)
        {
            self.counts.behind.one();
            peer.sender.on_behind(now, behind.stream.lane);
            peer.on_behind(now, behind.reason, behind.revision.revision);
        }
    }

    fn on_skip(&mut self, agent: AgentId, skip: &Skip) {
        let StreamId { origin, epoch, destination, lane } = skip.stream;
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        if destination != self.me.0 || peer.spool.is_none_or(|(spool, _)| spool != origin) {
            return;
        }
        let core = self.parts.spool.core();
        let receiver = peer.receiver(epoch, || core.marks_of(origin, epoch));
        let batches = receiver.on_skip(lane, skip.after, skip.up_to, skip.reason);
        self.deliver(agent, epoch, batches);
    }

    fn on_interest(&mut self, agent: AgentId, interest: &frame::Interest) {
        let now = self.clock.now();
        let Some(peer) = self.peers.get_mut(&agent) else { return };
        let before = peer.learned.cut_off();
        match peer.learned.apply(interest) {
            Applied::Changed(changes) => {
                peer.answered(now, interest.from.is_none());
                let is_more = |change: &Change| matches!(change, Change::Added(wanted) if wanted.life == Life::Durable);
                let is_more = changes.iter().any(is_more);
                peer.want(&self.attachment, changes);
                if peer.learned.is_whole() {
                    peer.forget_restored(&self.attachment);
                    peer.held.taken(peer.learned.version(), is_more.then(|| self.parts.spool.core().last()));
                }
                let after = peer.learned.cut_off();
                self.counts.interest_cut_off.add(after.saturating_sub(before) as u64);
                if before == 0 && after > 0 {
                    let site = &peer.member.site_name;
                    tracing::warn!(%agent, site, filters = after, "an agent wants more than is kept of one; the rest is cut off");
                }
            }
            Applied::Nothing => {}
            Applied::Mismatch => self.ask_interest(agent),
        }
    }

    async fn on_set(&mut self, agent: AgentId, set: SetId, members: &[AgentId]) {
        if set_of(members) != set || !members.contains(&self.parts.agent) {
            self.counts.link_errors.one();
            return;
        }
        if self.join(set).await {
            self.send_control(agent, &[Control::SetConfirmed { set }]);
        }
    }

    /// Hears the key of a set from now on.
    pub(super) async fn join(&mut self, set: SetId) -> bool {
        let now = self.clock.now();
        if let Some((_, at)) = self.joined.get_mut(&set) {
            *at = now;
            return true;
        }
        let Some(wire) = self.wire.clone().filter(|_| self.joined.len() < JOINED_MAX) else { return false };
        match wire.hear(&set_key(&set)).await {
            Ok(ear) => {
                self.joined.insert(set, (ear, now));
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a destination set cannot be heard; its origin goes on with single copies");
                false
            }
        }
    }

    fn on_direct(&mut self, agent: AgentId, header: &Header, body: DirectBody, size: u64) {
        if !self.may_speak(agent, header) || !body.destinations.contains(&self.me.0) {
            return;
        }
        let mut arrivals = Vec::with_capacity(body.events.len());
        for bytes in body.events {
            match self.permit(agent, bytes) {
                Ok(event) => arrivals.push(Arrival { event: self.believed(event), redelivered: false }),
                Err(_) => self.counts.forbidden.one(),
            }
        }
        self.count_received(agent, arrivals.len(), size);
        self.keep_values(&arrivals);
        self.parts.router.show(arrivals, 0);
    }

    fn on_stream(&mut self, agent: AgentId, header: &Header, body: StreamBody, size: u64) {
        if !self.may_speak(agent, header) {
            return;
        }
        let (id, epoch) = self.me;
        let Some(place) = body.destinations.iter().find(|place| place.spool == id) else { return };
        if place.epoch != epoch {
            // Meant for the process before this one; the origin learns of the new epoch and starts over.
            self.counts.stale.one();
            self.send_heartbeat(agent, false);
            return;
        }
        let prev = place.prev;
        self.count_received(agent, body.events.len(), size);
        let stream = StreamId { origin: header.sender, epoch: body.epoch, destination: id, lane: body.lane };
        let judged: Result<Vec<Incoming<Admitted>>, NotNow> =
            body.events.into_iter().map(|event| self.judge(agent, header, event)).collect();
        match judged {
            Ok(events) => {
                let Some(peer) = self.peers.get_mut(&agent) else { return };
                let (core, origin) = (self.parts.spool.core(), header.sender);
                let receiver = peer.receiver(body.epoch, || core.marks_of(origin, body.epoch));
                let is_news = events.last().is_some_and(|last| last.seq > receiver.arrived(body.lane));
                if is_news && !PASSING.contains(&body.lane.0) {
                    for (epoch, batches) in peer.begin(body.epoch) {
                        self.deliver(agent, epoch, batches);
                    }
                }
                let Some(peer) = self.peers.get_mut(&agent) else { return };
                if is_news && peer.is_held_up(body.epoch, body.lane) {
                    return self.say_behind(agent, &stream, BehindReason::NotReady);
                }
                let Some(receiver) = peer.known_receiver(body.epoch) else { return };
                let batches = receiver.on_events(body.lane, prev, events);
                self.deliver(agent, body.epoch, batches);
            }
            Err(NotNow(reason)) => self.say_behind(agent, &stream, reason),
        }
    }

    fn say_behind(&mut self, agent: AgentId, stream: &StreamId, reason: BehindReason) {
        let revision = self.revision();
        self.send_control(agent, &[Control::Behind(Behind { stream: *stream, reason, revision })]);
    }

    fn count_received(&mut self, agent: AgentId, events: usize, size: u64) {
        if let Some(peer) = self.peers.get_mut(&agent) {
            peer.traffic.events_received += events as u64;
            peer.traffic.bytes_received += size;
        }
    }

    /// Hands batches to the spool, each with its mark; its answers decide about custody.
    pub(super) fn deliver(&mut self, agent: AgentId, epoch: Epoch, batches: Vec<Batch<Admitted>>) {
        let Some((origin, _)) = self.peers.get(&agent).and_then(|peer| peer.spool) else { return };
        for Batch { lane, ticket, after, up_to, events } in batches {
            let (mut kept, mut places, mut wanted) = (Vec::new(), Vec::new(), 0);
            for (place, (event, redelivered)) in events.iter().enumerate() {
                let queues: Queues = self.parts.router.queues(event).into_iter().map(QueueNo).collect();
                if !queues.is_empty() || event.is_last_value() {
                    wanted += queues.len() as u64;
                    places.push(place);
                    kept.push(Addressed { event: event.clone(), queues, redelivered: *redelivered });
                }
            }
            let mark = Mark { key: MarkKey { origin, epoch, lane }, after, up_to };
            let (answer, answered) = oneshot::channel();
            let op = Op::Append { events: kept, mark: Some(mark), claim: None };
            // Nobody listens any more when the fabric has ended; the mark tells the next one.
            self.parts.spool.submit_with(op, Box::new(|done| drop(answer.send(done))));
            let arrive = |(event, redelivered)| Arrival { event, redelivered };
            let mut arrivals: Vec<Arrival> = events.into_iter().map(arrive).collect();
            let (lost, kept) = (self.counts.not_taken.clone(), wanted);
            self.settling.push_back(Box::pin(async move {
                let settled = match answered.await {
                    Ok(Ok(done)) => {
                        if let Done::Older(older) = done {
                            // Newer values are here already: those are nobody's news.
                            older.iter().rev().for_each(|at| drop(arrivals.remove(places[*at])));
                        }
                        Settled::Taken
                    }
                    Ok(Err(_)) | Err(_) => {
                        lost.one();
                        Settled::Lost
                    }
                };
                Settlement { agent, origin, epoch, lane, ticket, settled, arrivals, kept }
            }));
        }
    }
}
