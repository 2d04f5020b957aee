//! What a hub can and cannot do with what it carries.

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::BufMut;
use proptest::prelude::*;

use super::*;
use crate::identity::sealing::key_id;
use world::{World, agent};

fn refused(opened: Result<Opened, Unopened>) -> Unopened {
    opened.expect_err("it must not open")
}

#[test]
fn agents_that_have_met_read_each_other() {
    let mut world = World::new(2);
    assert!(world.sealed(0, 1, "too early").is_none());
    world.beat(0, 1);
    assert_eq!(world.has_read(1, 0, "hello"), 1, "a session stands after one round trip");
    world.beat(1, 0);
    assert!(world.understand_each_other(0, 1));
    assert!(!world.sealers[0].is_to_be_called(world.now, agent(1)));
    let set = World::met(3).frame_for_set(0, &[1, 2], "both");
    assert!(!set.is_empty());
}

#[test]
fn one_frame_serves_a_set_and_nobody_else() {
    let mut world = World::met(4);
    let frame = world.frame_for_set(0, &[1, 2], "for two");
    for member in [1, 2] {
        world.deliver(member, &frame).expect("it is for this one");
        assert_eq!(world.has_read(member, 0, "for two"), 1);
        assert_eq!(refused(world.deliver(member, &frame)), Unopened::Replayed);
    }
    assert_eq!(refused(world.deliver(3, &frame)), Unopened::Stale);
    let one = world.frame(0, 1, "for one");
    assert_eq!(refused(world.deliver(2, &one)), Unopened::Stale);
    world.deliver(1, &one).expect("it is for this one");
}

#[test]
fn nothing_of_a_frame_is_seen_on_its_way() {
    let mut world = World::met(3);
    let secret = "a-topic/that-nobody-sees and a payload";
    for frame in [world.frame(0, 1, secret), world.frame_for_set(0, &[1, 2], secret)] {
        assert!(!frame.windows(8).any(|part| secret.as_bytes().windows(8).any(|words| part == words)));
    }
}

#[test]
fn every_altered_byte_is_noticed_and_costs_the_genuine_frame_nothing() {
    let mut world = World::met(3);
    let one = world.frame(0, 1, "one");
    let set = world.frame_for_set(0, &[1, 2], "set");
    // The last share is the other member's, and damage to it that one's loss alone.
    for (frame, length) in [(&one, one.len()), (&set, set.len() - envelope::SHARE_BYTES)] {
        for at in 0..length {
            let mut altered = BytesMut::from(&frame[..]);
            altered[at] ^= 0x10;
            let opened = world.deliver(1, &altered.freeze());
            assert!(opened.is_err(), "byte {at}: {opened:?}");
        }
    }
    let mut altered = BytesMut::from(&set[..]);
    altered[set.len() - 1] ^= 1;
    let altered = altered.freeze();
    assert_eq!(refused(world.deliver(2, &altered)), Unopened::Forged);
    world.deliver(1, &altered).expect("its share is whole");
    world.deliver(2, &set).expect("the genuine one still opens");
    world.deliver(1, &one).expect("the genuine one still opens");
}

#[test]
fn a_hub_with_a_key_of_its_own_forges_no_origin() {
    // 0 and 1 speak over 2, which is a member too.
    let mut world = World::met(3);
    let session = World::session_of(&world.frame(0, 1, "x"));
    // Its own frame, under another name; then with the session that it has seen.
    let own = world.frame(2, 1, "forged");
    let mut forged = BytesMut::from(&own[..]);
    forged[2..18].copy_from_slice(agent(0).0.as_bytes());
    assert_eq!(refused(world.deliver(1, &forged.clone().freeze())), Unopened::Stale);
    forged[18..26].copy_from_slice(&session.to_be_bytes());
    forged[26..34].copy_from_slice(&1_000u64.to_be_bytes());
    assert_eq!(refused(world.deliver(1, &forged.freeze())), Unopened::Forged);
    // An offer in another's name, with its own key and with the other's id.
    let mut impostor = Sealer::new(agent(0), world.keys[2].clone());
    impostor.set_members(&world.members());
    let call = impostor.call(agent(1)).expect("a call");
    assert_eq!(refused(world.deliver(1, &call)), Unopened::Stale);
    let mut call = BytesMut::from(&call[..]);
    call[19..27].copy_from_slice(&key_id(world.keys[0].newest().public()).0.to_be_bytes());
    assert_eq!(refused(world.deliver(1, &call.freeze())), Unopened::Forged);
    // One that is no member at all.
    let mut stranger = Sealer::new(agent(9), SealingKeys::random());
    stranger.set_members(&world.members());
    let call = stranger.call(agent(1)).expect("a call");
    assert_eq!(refused(world.deliver(1, &call)), Unopened::Stranger);
    assert!(world.understand_each_other(0, 1));
}

#[test]
fn a_member_of_a_set_makes_no_other_frame_of_it_for_the_rest() {
    let mut world = World::met(3);
    let frame = world.frame_for_set(0, &[1, 2], "pay 10");
    let Envelope::Set { shares_at, shares, .. } = envelope::read(&frame).expect("an envelope") else { unreachable!() };
    // 1 opens its share, and so has the content key.
    let mine = &shares[0];
    let session = world.sealers[1].pairs.get_mut(&agent(0)).and_then(|pair| pair.hearing(mine.place.session));
    let bound = bound_to(&frame[..shares_at]);
    let key = ContentKey::unwrap(session.expect("stands"), mine.place.counter, bound.as_ref(), mine.key);
    // With it, it seals another content of the same length, and hands that to 2 with the share that 0 made for 2.
    let mut forged = BytesMut::from(&frame[..SET_HEAD_BYTES]);
    forged.put_slice(b"pay 99");
    let (head, content) = forged.split_at_mut(SET_HEAD_BYTES);
    let tag = key.expect("opens").seal(head, content);
    forged.put_slice(tag.as_ref());
    forged.put_slice(&frame[shares_at..]);
    assert_eq!(forged.len(), frame.len());
    assert_eq!(refused(world.deliver(2, &forged.freeze())), Unopened::Forged);
    world.deliver(2, &frame).expect("the genuine one opens");
    assert_eq!(world.has_read(2, 0, "pay 10"), 1);
}

#[test]
fn what_was_recorded_opens_nowhere_again() {
    let mut world = World::met(2);
    for number in 0..20 {
        world.send(0, 1, &format!("secret {number}"));
    }
    let recorded = std::mem::take(&mut world.wire);
    let replay = |world: &mut World| {
        world.read.clear();
        for _ in 0..2 {
            for (to, envelope) in &recorded {
                world.pass(Duration::from_millis(50));
                let _ = world.deliver(*to, envelope);
            }
        }
        // Calls that are heard again bring nothing but calls and greetings of the living.
        world.read.iter().filter(|(.., text)| text.starts_with("secret") || text == "beat").count()
    };
    assert_eq!(replay(&mut world), 0, "to those who have read it");
    assert!(world.understand_each_other(0, 1), "and their session stands");
    world.restart(1);
    assert_eq!(replay(&mut world), 0, "to a receiver that has forgotten all of it");
    world.restart(0);
    assert_eq!(replay(&mut world), 0, "with both of them new");
    world.meet(0, 1);
    assert!(world.understand_each_other(0, 1));
    assert_eq!(replay(&mut world), 0, "in a newer session");
    assert!(world.understand_each_other(0, 1));
}

#[test]
fn a_replayed_call_ends_no_session() {
    let mut world = World::new(2);
    for _ in 0..10 {
        world.restart(0);
        world.meet(0, 1);
    }
    let calls: Vec<Bytes> =
        world.wire.iter().filter(|(to, bytes)| *to == 1 && bytes[1] == 1).map(|(_, call)| call.clone()).collect();
    assert!(calls.len() >= 10);
    let before = World::session_of(&world.frame(1, 0, "x"));
    world.loses = true;
    for call in calls.iter().cycle().take(100) {
        world.pass(Duration::from_millis(100));
        let _ = world.deliver(1, call);
    }
    world.loses = false;
    assert_eq!(World::session_of(&world.frame(1, 0, "x")), before);
    assert!(world.understand_each_other(0, 1));
    assert!(world.sealers[1].pairs[&agent(0)].begun_count() <= 4, "what is begun is bounded");
}

#[test]
fn an_agent_that_restarts_is_understood_and_its_old_frames_are_not() {
    let mut world = World::met(2);
    let late = world.frame(0, 1, "from the process before");
    world.restart(0);
    assert!(world.sealers[0].is_to_be_called(world.now, agent(1)));
    // Until the new process is there, the other knows of nothing and loses nothing by sending.
    let lost = world.frame(1, 0, "too early");
    assert_eq!(refused(world.deliver(0, &lost)), Unopened::Stale);
    world.beat(0, 1);
    world.beat(1, 0);
    assert!(world.understand_each_other(0, 1));
    // In flight while the session changed: heard for a while, then no more.
    world.deliver(1, &late).expect("it is genuine and has not come before");
    assert_eq!(refused(world.deliver(1, &late)), Unopened::Replayed);
    let later = world.frame(0, 1, "of this session");
    world.restart(0);
    world.meet(0, 1);
    world.pass(Duration::from_secs(60));
    world.beat(1, 0);
    assert_eq!(refused(world.deliver(1, &later)), Unopened::Stale);
}

#[test]
fn a_session_is_replaced_after_a_day_without_losing_a_frame() {
    let mut world = World::met(2);
    let before = World::session_of(&world.frame(0, 1, "x"));
    while world.now < Moment(1).after(Duration::from_secs(24 * 60 * 60 - 5)) {
        world.pass(Duration::from_secs(2));
        world.send(0, 1, "beat");
        world.send(1, 0, "beat");
        world.wire.clear();
    }
    assert_eq!(World::session_of(&world.frame(0, 1, "x")), before);
    world.pass(Duration::from_secs(2));
    let late = world.frame(1, 0, "sent before");
    for _ in 0..2 {
        world.pass(Duration::from_secs(2));
        world.send(0, 1, "beat");
        world.send(1, 0, "beat");
    }
    assert!(world.sealers[0].is_to_be_called(world.now, agent(1)));
    assert!(!world.sealers[1].is_to_be_called(world.now, agent(0)), "one of the two does it");
    world.meet(0, 1);
    assert_ne!(World::session_of(&world.frame(0, 1, "x")), before);
    assert!(world.understand_each_other(0, 1));
    world.deliver(0, &late).expect("it was on its way");
    assert!(!world.sealers[0].is_to_be_called(world.now, agent(1)));
}

#[test]
fn who_is_silent_is_called() {
    let mut world = World::met(2);
    assert!(!world.sealers[1].is_to_be_called(world.now, agent(0)));
    world.pass(Duration::from_secs(3));
    assert!(world.sealers[1].is_to_be_called(world.now, agent(0)));
    world.meet(0, 1);
    assert!(!world.sealers[1].is_to_be_called(world.now, agent(0)) && world.understand_each_other(0, 1));
}

#[test]
fn a_lost_message_of_the_greeting_is_made_up_for() {
    for lost in 0..6 {
        let mut world = World::new(2);
        let mut sent = 0;
        for round in 0..8 {
            world.loses = round == lost;
            world.beat(round % 2, 1 - round % 2);
            sent += 1;
        }
        world.loses = false;
        assert!(sent == 8 && world.understand_each_other(0, 1), "round {lost}");
    }
}

#[test]
fn a_new_key_ends_old_sessions_and_is_believed_when_policy_names_it() {
    let mut world = World::met(2);
    let (old, stolen) = (world.members(), world.keys[0].clone());
    world.keys[0] = stolen.rotated();
    let new = world.members();
    // 0 has its new key and nobody knows of it yet: sessions stay, and new ones begin with the key that is known.
    let keys = world.keys[0].clone();
    world.sealers[0].set_keys(keys);
    assert!(world.understand_each_other(0, 1));
    world.sealers[1] = Sealer::new(agent(1), world.keys[1].clone());
    world.sealers[1].set_members(&old);
    world.meet(0, 1);
    assert!(world.understand_each_other(0, 1), "by the key before");
    // 0 restarts and policy names its new key there; 1 cannot reach the portal, hears nothing, and calls as it knows.
    world.sealers[0] = Sealer::new(agent(0), world.keys[0].clone());
    world.sealers[0].set_members(&new);
    world.pass(Duration::from_secs(3));
    world.meet(1, 0);
    assert!(world.understand_each_other(0, 1), "by the key before");
    // At last 1 knows the new one too, and takes nothing by the old one.
    let by_the_old_one = world.frame(0, 1, "by the old key");
    world.sealers[1].set_members(&new);
    assert_eq!(refused(world.deliver(1, &by_the_old_one)), Unopened::Stale);
    world.pass(Duration::from_secs(3));
    world.meet(1, 0);
    assert!(world.understand_each_other(0, 1));
    // Nor does it take a thief for 0 who has the old key.
    let mut thief = Sealer::new(agent(0), stolen);
    thief.set_members(&old);
    let call = thief.call(agent(1)).expect("a call");
    assert_eq!(refused(world.deliver(1, &call)), Unopened::Stale);
}

/// Who has 1's key can begin to play 0 to 1, whose answer then needs 0's key or the ephemeral one of the offer.
#[test]
fn an_answer_helps_nobody_but_who_made_the_offer() {
    let mut world = World::new(2);
    let offer = world.sealers[0].call(agent(1)).expect("a call");
    world.loses = true;
    let Ok(Opened::Call { answer: Some(answer), stands: false, .. }) = world.deliver(1, &offer) else { unreachable!() };
    let mut other = Sealer::new(agent(0), world.keys[0].clone());
    other.set_members(&world.members());
    let own = other.call(agent(1)).expect("a call");
    assert_eq!(
        refused(other.open(world.now, BytesMut::from(&answer[..]))),
        Unopened::Stale,
        "it answers another offer"
    );
    // Told that it answers its own, it finds that it does not; and its own offer is still good.
    let Ok(Envelope::Call(own)) = envelope::read(&own) else { unreachable!() };
    let envelope::Step::Offer(message) = own.step else { unreachable!() };
    let mut altered = BytesMut::from(&answer[..]);
    altered[35..43].copy_from_slice(&session::ephemeral_of(&message).0.to_be_bytes());
    assert_eq!(refused(other.open(world.now, altered)), Unopened::Forged);
    world.loses = false;
    world.sealers[0] = other;
    world.meet(0, 1);
    assert!(world.understand_each_other(0, 1));
}

#[test]
fn an_offer_is_the_same_until_it_is_answered_and_so_is_its_answer() {
    let mut world = World::new(2);
    let offers: Vec<Bytes> = (0..3).map(|_| world.sealers[0].call(agent(1)).expect("a call")).collect();
    assert!(offers.iter().all(|offer| *offer == offers[0]));
    world.loses = true;
    let answers: Vec<_> = (0..3).map(|_| world.deliver(1, &offers[0])).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    world.loses = false;
    let _ = world.deliver(1, &offers[0]);
    assert!(world.understand_each_other(0, 1));
    let late = world.deliver(1, &offers[0]);
    assert_eq!(late, Ok(Opened::Call { agent: agent(0), answer: None, stands: false }), "it was answered");
}

/// As if zenoh had carried them past each other.
#[test]
fn a_session_that_was_begun_later_stands_though_an_older_one_opens_first() {
    let mut world = World::new(2);
    world.loses = true;
    let begin = |world: &mut World| {
        world.pass(Duration::from_millis(100));
        world.restart(0);
        let offer = world.sealers[0].call(agent(1)).expect("a call");
        let Ok(Opened::Call { answer: Some(answer), .. }) = world.deliver(1, &offer) else { unreachable!() };
        world.deliver(0, &answer).expect("agrees");
    };
    begin(&mut world);
    let late = world.frame(0, 1, "of the process before");
    begin(&mut world);
    world.deliver(1, &late).expect("opens");
    world.loses = false;
    assert!(world.understand_each_other(0, 1));
}

#[test]
fn a_tricky_key_begins_nothing() {
    let mut world = World::new(2);
    let (from, to) = (world.keys[0].newest().id(), world.keys[1].newest().id());
    let offer = Call { agent: agent(0), from, to, step: envelope::Step::Offer([0; envelope::HANDSHAKE_BYTES]) };
    assert_eq!(refused(world.deliver(1, &offer.encode().freeze())), Unopened::Forged);
    // A member whose key in policy is one: it is called by nobody.
    let mut members = world.members();
    members.insert(agent(1), [0; 32]);
    world.sealers[0].set_members(&members);
    assert!(world.sealers[0].call(agent(1)).is_none());
}

/// What can happen on the way.
#[derive(Clone, Debug)]
enum Step {
    Beat(usize, usize),
    Send(usize, usize),
    SendToBoth(usize),
    Lose(bool),
    Restart(usize),
    Pass(u64),
    /// Something that was sent, to anybody, with a byte changed or not.
    Again(usize, usize, Option<(usize, u8)>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pair = || (0usize..3, 1usize..3).prop_map(|(one, by)| (one, (one + by) % 3));
    let step = prop_oneof![
        4 => pair().prop_map(|(one, other)| Step::Beat(one, other)),
        4 => pair().prop_map(|(one, other)| Step::Send(one, other)),
        2 => (0usize..3).prop_map(Step::SendToBoth),
        1 => any::<bool>().prop_map(Step::Lose),
        1 => (0usize..3).prop_map(Step::Restart),
        1 => (0u64..100_000).prop_map(Step::Pass),
        6 => (any::<usize>(), 0usize..3, proptest::option::of((any::<usize>(), 1u8..)))
            .prop_map(|(which, to, change)| Step::Again(which, to, change)),
    ];
    proptest::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is lost, repeated, altered and restarted: each frame is read at most once, by whom it is for, as from whom
    /// it is; and once the hub behaves, all understand each other.
    #[test]
    fn nothing_is_read_twice_or_by_others(steps in steps()) {
        let mut world = World::new(3);
        let mut sent: BTreeSet<(usize, usize, String)> = BTreeSet::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Beat(from, to) => world.beat(from, to),
                Step::Send(from, to) => {
                    let text = format!("event {number}");
                    sent.insert((to, from, text.clone()));
                    world.send(from, to, &text);
                }
                Step::SendToBoth(from) => {
                    let text = format!("event {number}");
                    let to: Vec<usize> = (0..3).filter(|at| *at != from).collect();
                    let agents: Vec<AgentId> = to.iter().map(|at| agent(*at)).collect();
                    sent.extend(to.iter().map(|to| (*to, from, text.clone())));
                    let now = world.now;
                    let frame = world.sealers[from].seal_for_set(now, &agents, |out| out.put_slice(text.as_bytes()));
                    for to in to {
                        world.carry(to, frame.clone());
                    }
                }
                Step::Lose(loses) => world.loses = loses,
                Step::Restart(at) => world.restart(at),
                Step::Pass(seconds) => world.pass(Duration::from_secs(seconds)),
                Step::Again(which, to, change) => {
                    if world.wire.is_empty() {
                        continue;
                    }
                    let which = which % world.wire.len();
                    let mut bytes = BytesMut::from(&world.wire[which].1[..]);
                    if let Some((at, by)) = change {
                        let at = at % bytes.len();
                        bytes[at] ^= by;
                    }
                    let _ = world.deliver(to, &bytes.freeze());
                }
            }
        }
        world.loses = false;
        for (one, other) in [(0, 1), (1, 2), (2, 0)] {
            world.pass(Duration::from_secs(10));
            world.meet(one, other);
            world.meet(one, other);
            prop_assert!(world.understand_each_other(one, other), "{one} and {other}");
        }
        let mut read = BTreeSet::new();
        for entry in world.read.iter().filter(|(.., text)| text.starts_with("event")) {
            prop_assert!(sent.contains(entry), "{entry:?} was never sent so");
            prop_assert!(read.insert(entry.clone()), "{entry:?} was read twice");
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        kind in 0u8..5,
        from in 0usize..3,
        session: bool,
    ) {
        let mut world = World::met(2);
        let name = World::session_of(&world.frame(0, 1, "x"));
        let _ = world.deliver(1, &bytes.clone().into());
        let mut shaped = BytesMut::new();
        shaped.put_u8(envelope::VERSION);
        shaped.put_u8(kind);
        shaped.put_slice(agent(from).0.as_bytes());
        if session {
            shaped.put_u64(name);
        }
        shaped.put_slice(&bytes);
        let is_frame = matches!(world.deliver(1, &shaped.freeze()), Ok(Opened::Frame { .. }));
        prop_assert!(!is_frame);
        prop_assert!(world.understand_each_other(0, 1));
    }
}
