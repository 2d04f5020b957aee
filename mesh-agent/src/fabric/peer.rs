//! One other agent of the mesh: how it is, what it wants, and the streams to and from it.

mod wanted;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use mesh_protocol::desired::Member;
use mesh_protocol::frame::{self, Echo, Heartbeat, Holds};
use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};
use mesh_protocol::report::{Behind, BehindReason, HeldInterest, LinkState};
use mesh_protocol::topic::Filter;
use rustc_hash::{FxHashMap, FxHashSet};

use super::held::Held;
use super::kept::{Duty, Kept};
use super::recall::Recalls;
use super::turns::Turns;
use crate::interest::Learned;
use crate::mutant::{Mutant, planted};
use crate::router::{Admitted, DestinationId, Key};
use crate::spool::LANES;
use crate::status::now_ms;
use crate::stream::{Batch, Moment, Receiver, Sender, Settings};

/// A peer that was not heard for this long is down.
pub(super) const LEASE: Duration = Duration::from_millis(2_500);
/// Least credit of each lane, in bytes. A peer's lanes together stay near what the links' own queues hold; over a long link
/// they get what it has under way besides.
const LANE_WINDOW_BYTES: u64 = 128 * 1024;
/// A question for interest that brought no answer is repeated after this.
const ASK_INTERVAL: Duration = Duration::from_millis(500);
/// The longest pause between questions whose answers do not help: a set that is too large or does not add up.
const ASK_INTERVAL_MAX: Duration = Duration::from_secs(60);
/// The same for a deny list.
const ASK_DENY_LIST_INTERVAL: Duration = Duration::from_secs(2);
/// A peer that was behind and has not said so again for this long is not any more; lanes ask at least every five seconds.
const BEHIND_FOR: Duration = Duration::from_secs(12);
/// Lanes of what its senders answer for; those before are for what this agent keeps.
pub(super) const PASSING: Range<u16> = LANES..2 * LANES;
/// Epochs of one peer whose streams are at hand; more are looked up again.
const RECEIVERS_MAX: usize = 3;
/// Epochs of a peer's past that late frames may still carry.
const RETIRED_MAX: usize = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) member: Member,
    /// Its key in the router's table.
    pub(super) number: Key,
    /// What it is to senders that answer for their events themselves.
    destination: DestinationId,
    pub(super) spool: Option<(SpoolId, Epoch)>,
    retired: VecDeque<Epoch>,
    pub(super) live: bool,
    since_ms: i64,
    pub(super) heard_at: Option<Moment>,
    heartbeat: Option<(u64, Moment)>,
    /// When it last said that it hears us.
    pub(super) hears_us_at: Option<Moment>,
    round_trip_us: Option<u64>,
    /// The shortest since it was reached: that of a link with nothing queued in front of it.
    shortest_us: Option<u64>,
    pub(super) direct: bool,
    /// When a link to it was first seen in the current session.
    pub(super) linked_since: Option<Moment>,
    pub(super) learned: Learned,
    asked_at: Option<Moment>,
    deny_list_asked_at: Option<Moment>,
    /// From one question to the next; doubles with every answer that did not help.
    ask_interval: Duration,
    /// Version of our interest that it was sent.
    pub(super) told: u64,
    desired: FxHashSet<Filter>,
    reasons: FxHashMap<Filter, u8>,
    /// What it wants durably has changed and is not noted yet.
    unnoted: bool,
    /// Last values that it is still to get.
    pub(super) recalls: Recalls,
    /// How far what it wants durably is on disk here.
    pub(super) held: Held,
    /// The same of this agent's interest there, as it says.
    holds: Option<Holds>,
    pub(super) sender: Sender<Admitted, Duty>,
    /// What this agent answers for and has not sent yet.
    pub(super) kept: Kept,
    receivers: Vec<(Epoch, Receiver<Admitted>)>,
    turns: Turns,
    pub(super) traffic: Traffic,
    /// The revision that changed last what scopes let go to it, the last place in the log of which something may have gone
    /// before, and when that was.
    pub(super) scoped_since: Option<(u64, u64, i64)>,
    /// That it takes no custody, and when it last said so.
    behind: Option<(Behind, Moment)>,
}

/// Counts since start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    pub(super) events_sent: u64,
    pub(super) events_received: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    /// Events that policy kept from it.
    pub(super) withheld: u64,
}

/// What a heartbeat changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Met {
    /// It speaks from a new process or spool.
    pub(super) anew: bool,
    /// It was down before.
    pub(super) back: bool,
}

impl Peer {
    /// `passed`: up to here an earlier fabric of this epoch has sent what others answer for, and given it up.
    pub(super) fn new(member: Member, (number, destination): (Key, DestinationId), kept: Kept, passed: u64) -> Self {
        let mut sender = Sender::new(PASSING.end, Settings::default());
        if passed > 0 {
            PASSING.for_each(|lane| sender.resume_lane(Lane(lane), Seq::from_counter(passed)));
        }
        Self {
            member,
            number,
            destination,
            spool: None,
            retired: VecDeque::new(),
            live: false,
            since_ms: now_ms(),
            heard_at: None,
            heartbeat: None,
            hears_us_at: None,
            round_trip_us: None,
            shortest_us: None,
            direct: false,
            linked_since: None,
            learned: Learned::default(),
            asked_at: None,
            deny_list_asked_at: None,
            ask_interval: ASK_INTERVAL,
            told: 0,
            desired: FxHashSet::default(),
            reasons: FxHashMap::default(),
            unnoted: false,
            recalls: Recalls::default(),
            held: Held::default(),
            holds: None,
            sender,
            kept,
            receivers: Vec::new(),
            turns: Turns::default(),
            traffic: Traffic::default(),
            scoped_since: None,
            behind: None,
        }
    }

    /// Whether a frame is from the process that speaks for this peer now.
    pub(super) fn is_current(&self, spool: SpoolId, epoch: Epoch) -> bool {
        self.spool == Some((spool, epoch))
    }

    /// Takes a heartbeat; none when it comes from a process that is already known to be over.
    pub(super) fn on_heartbeat(&mut self, now: Moment, from: (SpoolId, Epoch), beat: &Heartbeat) -> Option<Met> {
        if self.retired.contains(&from.1) && self.live {
            return None;
        }
        let is_first = self.spool.is_none();
        let anew = self.spool != Some(from);
        if anew {
            if let Some((spool, old)) = self.spool.replace(from) {
                if spool != from.0 {
                    self.receivers.clear();
                }
                if self.retired.len() == RETIRED_MAX {
                    self.retired.pop_front();
                }
                self.retired.push_back(old);
            }
            // Whoever answered for it was told that it is lost, and may have sent it again: it must not come after that.
            if !planted(Mutant::GivenUpTaken) {
                self.receivers.iter_mut().for_each(|(_, receiver)| receiver.give_up(PASSING));
            }
            self.retired.retain(|epoch| *epoch != from.1);
            self.turns = Turns::default();
            self.held = Held::default();
            self.hears_us_at = None;
        }
        self.holds = beat.holds;
        self.sender.meet(from.0, from.1, beat.durable_spool);
        self.heard_at = Some(now);
        self.heartbeat = Some((beat.sent_at_us, now));
        if let Some(echo) = beat.echo {
            self.hears_us_at = Some(now);
            let there_and_back = now.0.saturating_sub(echo.sent_at_us);
            self.measured(there_and_back.saturating_sub(echo.held_us));
        }
        let back = !self.live;
        if back {
            self.recalls.missed(if is_first { 0 } else { self.since_ms });
            self.set_live(true);
        }
        Some(Met { anew, back })
    }

    fn measured(&mut self, round_trip_us: u64) {
        self.round_trip_us = Some(round_trip_us);
        let shortest_us = self.shortest_us.map_or(round_trip_us, |shortest_us| shortest_us.min(round_trip_us));
        self.shortest_us = Some(shortest_us);
        self.sender.set_round_trip(Duration::from_micros(round_trip_us), Duration::from_micros(shortest_us));
        for (_, receiver) in &mut self.receivers {
            receiver.set_round_trip(Duration::from_micros(shortest_us));
        }
    }

    /// The streams from one of its epochs; `marks` tells how far they have come when they are not at hand.
    pub(super) fn receiver(
        &mut self,
        epoch: Epoch,
        marks: impl FnOnce() -> BTreeMap<Lane, Seq>,
    ) -> &mut Receiver<Admitted> {
        let known = self.receivers.iter().position(|(its, _)| *its == epoch);
        let at = known.unwrap_or_else(|| {
            self.forget_receiver();
            let mut receiver = Receiver::new(LANE_WINDOW_BYTES, marks());
            receiver.set_round_trip(Duration::from_micros(self.shortest_us.unwrap_or_default()));
            self.receivers.push((epoch, receiver));
            self.receivers.len() - 1
        });
        &mut self.receivers[at].1
    }

    /// Makes room for one more: not at the cost of those that its process sends now, which would not be told any more how far
    /// they have come, nor of one in which something waits, if that can be.
    fn forget_receiver(&mut self) {
        let now = [self.spool.map(|(_, epoch)| epoch), self.turns.newest()];
        let is_over = |(epoch, _): &&(Epoch, Receiver<Admitted>)| !now.contains(&Some(*epoch));
        if self.receivers.len() >= RECEIVERS_MAX {
            let idle = self.receivers.iter().find(|its| is_over(its) && !its.1.is_busy());
            let forgotten = idle.or_else(|| self.receivers.iter().find(is_over)).map(|(epoch, _)| *epoch);
            self.receivers.retain(|(epoch, _)| Some(*epoch) != forgotten);
        }
    }

    /// The streams from its epochs that are at hand.
    pub(super) fn receivers(&mut self) -> impl Iterator<Item = (Epoch, &mut Receiver<Admitted>)> {
        self.receivers.iter_mut().map(|(epoch, receiver)| (*epoch, receiver))
    }

    /// The same for one of them.
    pub(super) fn known_receiver(&mut self, epoch: Epoch) -> Option<&mut Receiver<Admitted>> {
        self.receivers().find(|(its, _)| *its == epoch).map(|(_, receiver)| receiver)
    }

    /// Its process sends events of this epoch. Returns what is to be delivered before them.
    pub(super) fn begin(&mut self, epoch: Epoch) -> Vec<(Epoch, Vec<Batch<Admitted>>)> {
        self.turns.begin(epoch, &mut self.receivers)
    }

    /// Whether events of this epoch have to wait for those of one before.
    pub(super) fn is_held_up(&mut self, epoch: Epoch, lane: Lane) -> bool {
        self.turns.is_held_up(epoch, lane, &self.receivers)
    }

    /// Whether something is to be sent or told soon.
    pub(super) fn is_busy(&self) -> bool {
        (self.live && (!self.sender.is_idle() || self.kept.is_busy()))
            || self.receivers.iter().any(|(_, receiver)| receiver.is_busy())
    }

    /// Its last heartbeat, to be echoed: only while it is fresh, so that silence shows.
    pub(super) fn echo(&self, now: Moment) -> Option<Echo> {
        let (sent_at_us, at) = self.heartbeat.filter(|(_, at)| now.since(*at) < LEASE)?;
        let held_us = u64::try_from(now.since(at).as_micros()).unwrap_or(u64::MAX);
        Some(Echo { sent_at_us, held_us })
    }

    pub(super) fn set_live(&mut self, live: bool) {
        self.live = live;
        self.since_ms = now_ms();
        self.sender.set_reachable(live);
        if !live {
            (self.round_trip_us, self.shortest_us) = (None, None);
            self.told = 0;
            self.asked_at = None;
            self.ask_interval = ASK_INTERVAL;
        }
    }

    /// Whether it may be asked for its interest now; if so, it counts as asked.
    pub(super) fn ask(&mut self, now: Moment) -> bool {
        let may = self.asked_at.is_none_or(|at| now.since(at) >= self.ask_interval);
        if may {
            self.asked_at = Some(now);
        }
        may
    }

    /// Whether it may be asked for its deny list now; if so, it counts as asked. One that promises a newer list and has
    /// none that is genuine costs a signature now and then.
    pub(super) fn ask_deny_list(&mut self, now: Moment) -> bool {
        let may = self.deny_list_asked_at.is_none_or(|at| now.since(at) >= ASK_DENY_LIST_INTERVAL);
        if may {
            self.deny_list_asked_at = Some(now);
        }
        may
    }

    /// Interest came and was taken; `whole` = all of it, as it is told when it was asked for.
    pub(super) fn answered(&mut self, now: Moment, whole: bool) {
        if self.learned.is_whole() {
            self.asked_at = None;
            self.ask_interval = ASK_INTERVAL;
        } else if whole {
            // Asked again at once it would answer the same: all it wants, over all the links between.
            self.asked_at = Some(now);
            self.ask_interval = (self.ask_interval * 2).min(ASK_INTERVAL_MAX);
        }
    }

    /// It says that it takes no custody yet. That is over when it has not said so for a while: each pause of a lane ends with
    /// a question.
    pub(super) fn on_behind(&mut self, now: Moment, reason: frame::BehindReason, revision: u64) {
        let reason = match reason {
            frame::BehindReason::Revision => BehindReason::Revision,
            frame::BehindReason::NotReady => BehindReason::NotReady,
        };
        let since_ms = self.behind(now).map_or_else(now_ms, |behind| behind.since_ms);
        self.behind = Some((Behind { reason, revision, since_ms }, now));
    }

    fn behind(&self, now: Moment) -> Option<&Behind> {
        self.behind.as_ref().filter(|(_, at)| now.since(*at) < BEHIND_FOR).map(|(behind, _)| behind)
    }

    /// `durable`: the version of this agent's interest that changed last what is wanted durably.
    pub(super) fn link_state(&self, now: Moment, has_scopes: bool, durable: u64) -> LinkState {
        let (passing_events, passing_bytes) = self.sender.backlog_on(PASSING);
        let (kept_events, kept_bytes) = self.kept.backlog();
        let (backlog_events, backlog_bytes) = (passing_events + kept_events, passing_bytes + kept_bytes);
        LinkState {
            agent: self.member.agent,
            site: self.member.site,
            up: self.live,
            direct: self.direct,
            since_ms: self.since_ms,
            round_trip_us: self.round_trip_us,
            events_sent: self.traffic.events_sent,
            events_received: self.traffic.events_received,
            bytes_sent: self.traffic.bytes_sent,
            bytes_received: self.traffic.bytes_received,
            backlog_events,
            backlog_bytes,
            scoped: self.scoped(has_scopes),
            behind: self.behind(now).filter(|_| backlog_events > 0).cloned(),
            interest: self
                .holds
                .map(|Holds { version, after_position }| HeldInterest { pending: version < durable, after_position }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use mesh_protocol::frame::Interest;
    use mesh_protocol::id::{AgentId, SiteId};
    use uuid::Uuid;

    use crate::counters::{Counter, Counters};
    use crate::fabric::mailbox::Mailbox;
    use crate::interest::Advertised;
    use crate::router::{Budget, Reach, Router};
    use crate::spool::{Settings, SimulatedDisk, Store};

    fn peer() -> Peer {
        let member = Member {
            agent: AgentId(Uuid::from_u128(1)),
            site: SiteId(Uuid::from_u128(2)),
            site_name: "far".to_owned(),
            region: "eu".to_owned(),
            sealing_key: None,
            stands_for: None,
        };
        let counters = Counters::default();
        let settings = Settings { reserve_bytes: 0, ..Settings::default() };
        let spool = Arc::new(Store::over(Arc::new(SimulatedDisk::default()), settings, &counters).expect("opens"));
        let router = Router::new(Budget::new(1), &counters);
        let kept = Kept::open(member.agent, 0, &spool, &router, &Arc::default());
        Peer::new(member, (0, DestinationId::UNNAMED), kept, 0)
    }

    /// The whole set, with a hash that fits it or not.
    fn whole(fits: bool) -> Interest {
        let router = Router::new(Budget::new(1), &Counters::default());
        let attachment = router.attach(Arc::new(Mailbox::new(Counter::default())), Reach::Local);
        attachment.subscribe(&Filter::mesh("a").expect("valid"), 0, crate::router::Life::Live);
        let mut advertised = Advertised::default();
        advertised.follow(router.interest());
        let mut message = advertised.messages(router.interest(), 0).remove(0);
        message.hash ^= u64::from(!fits);
        message
    }

    #[test]
    fn who_is_behind_is_so_until_it_has_not_said_so_for_a_while() {
        let mut peer = peer();
        let at = |s: u64| Moment(s * 1_000_000);
        let behind =
            |peer: &Peer, now| peer.behind(now).map(|behind| (behind.reason, behind.revision, behind.since_ms));
        peer.on_behind(at(1), frame::BehindReason::Revision, 7);
        let (reason, revision, since_ms) = behind(&peer, at(2)).expect("it said so");
        assert_eq!((reason, revision), (BehindReason::Revision, 7));
        peer.on_behind(at(6), frame::BehindReason::Revision, 8);
        assert_eq!(behind(&peer, at(17)), Some((reason, 8, since_ms)), "the same trouble, since its beginning");
        assert_eq!(behind(&peer, at(18)), None);
        assert_eq!(peer.link_state(at(7), false, 0).behind, None, "nothing waits for it: nobody is in trouble");
    }

    /// How often it is asked within five minutes of heartbeats when each question is answered with this.
    fn questions(answer: &Interest) -> u32 {
        let mut peer = peer();
        let mut asked = 0;
        for beat in 0..600 {
            let now = Moment(beat * 500_000);
            if !peer.learned.is_whole() && peer.ask(now) {
                asked += 1;
                let _ = peer.learned.apply(answer);
                peer.answered(now, true);
            }
        }
        asked
    }

    #[test]
    fn a_peer_whose_answers_do_not_help_is_asked_ever_more_rarely() {
        assert_eq!(questions(&whole(true)), 1);
        assert!((2..16).contains(&questions(&whole(false))), "{}", questions(&whole(false)));
    }

    #[test]
    fn an_unanswered_question_is_repeated_soon_and_a_good_answer_starts_anew() {
        let mut peer = peer();
        let at = |ms: u64| Moment(ms * 1_000);
        assert!(peer.ask(at(0)) && !peer.ask(at(499)) && peer.ask(at(500)), "no answer says nothing about the next");
        let _ = peer.learned.apply(&whole(false));
        peer.answered(at(500), true);
        assert!(!peer.ask(at(1_499)) && peer.ask(at(1_500)));
        let _ = peer.learned.apply(&whole(true));
        peer.answered(at(1_500), true);
        assert!(peer.ask(at(1_501)) && peer.ask(at(2_001)));
    }
}
