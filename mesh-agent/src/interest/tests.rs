use std::sync::Arc;

use mesh_protocol::topic::{Filter, Topic};

use super::*;
use crate::counters::Counters;
use crate::router::{Attachment, Budget, Change, Delivery, Outlet, Reach, Router};

#[derive(Debug)]
struct Nobody;

impl Outlet for Nobody {
    fn offer(&self, _: Delivery) {}
}

fn agent() -> (Router, Attachment) {
    let router = Router::new(Budget::new(1_000), &Counters::default());
    let attachment = router.attach(Arc::new(Nobody), Reach::Local);
    (router, attachment)
}

fn filter(text: &str) -> Filter {
    Filter::mesh(text).expect("valid")
}

fn sync(router: &Router, advertised: &mut Advertised, learned: &mut Learned) -> Vec<Change> {
    advertised.follow(router.interest());
    let mut made = Vec::new();
    for message in advertised.messages(router.interest(), learned.version()) {
        if let Applied::Changed(changes) = learned.apply(&message) {
            made.extend(changes);
        }
    }
    assert!(learned.agrees(advertised.version(), advertised.hash()));
    made
}

#[test]
fn the_whole_first_then_deltas() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::default());
    attachment.subscribe(&filter("a/>"), 0, Life::Live);
    attachment.subscribe(&filter("b"), 0, Life::Durable);
    assert_eq!(sync(&router, &mut advertised, &mut learned).len(), 2);
    attachment.unsubscribe(&filter("a/>"), 0);
    let removed = Change::Removed(Wanted { filter: filter("a/>"), life: Life::Live, direct: true });
    assert_eq!(sync(&router, &mut advertised, &mut learned), [removed]);
    assert!(advertised.wants(&Topic::new("b").expect("valid")));
    assert!(!advertised.wants(&Topic::new("a/x").expect("valid")));
}

#[test]
fn the_same_pattern_in_two_dialects_is_wanted_until_both_are_gone() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::default());
    let (mesh, mqtt, topic) = (filter("a/*"), Filter::mqtt("a/+").expect("valid"), Topic::new("a/b").expect("valid"));
    attachment.subscribe(&mesh, 0, Life::Live);
    attachment.subscribe(&mqtt, 0, Life::Live);
    assert_eq!(sync(&router, &mut advertised, &mut learned).len(), 2);
    attachment.unsubscribe(&mqtt, 0);
    sync(&router, &mut advertised, &mut learned);
    assert!(advertised.wants(&topic));
    attachment.unsubscribe(&mesh, 0);
    sync(&router, &mut advertised, &mut learned);
    assert!(!advertised.wants(&topic));
}

#[test]
fn a_missed_delta_is_a_mismatch_until_the_whole_came() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::default());
    attachment.subscribe(&filter("a"), 0, Life::Live);
    sync(&router, &mut advertised, &mut learned);
    attachment.subscribe(&filter("b"), 0, Life::Live);
    attachment.subscribe(&filter("c"), 0, Life::Live);
    advertised.follow(router.interest());
    let missed = advertised.messages(router.interest(), 2).remove(0);
    assert_eq!(learned.apply(&missed), Applied::Mismatch);
    let whole = advertised.messages(router.interest(), 0).remove(0);
    assert!(matches!(learned.apply(&whole), Applied::Changed(changes) if changes.len() == 2));
    assert!(learned.agrees(advertised.version(), advertised.hash()));
}

#[test]
fn who_is_told_while_others_subscribe_is_told_the_change_alone() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::default());
    ["a", "b"].iter().for_each(|text| attachment.subscribe(&filter(text), 0, Life::Live));
    sync(&router, &mut advertised, &mut learned);
    attachment.subscribe(&filter("c"), 0, Life::Live);
    advertised.follow(router.interest());
    // The next one is there before the last is told.
    attachment.subscribe(&filter("d"), 0, Life::Live);
    let told = advertised.messages(router.interest(), learned.version());
    assert_eq!(
        told.iter().map(|message| (message.from.is_some(), message.changes.len())).collect::<Vec<_>>(),
        [(true, 1)]
    );
    assert!(matches!(learned.apply(&told[0]), Applied::Changed(_)));
    assert!(learned.agrees(advertised.version(), advertised.hash()));
}

#[test]
fn a_whole_set_that_was_overtaken_undoes_nothing() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::default());
    ["a", "b"].iter().for_each(|text| attachment.subscribe(&filter(text), 0, Life::Live));
    advertised.follow(router.interest());
    let old = advertised.messages(router.interest(), 0).remove(0);
    attachment.subscribe(&filter("c"), 0, Life::Live);
    sync(&router, &mut advertised, &mut learned);
    assert_eq!(learned.apply(&old), Applied::Nothing);
    assert!(learned.agrees(advertised.version(), advertised.hash()));
}

#[test]
fn a_large_set_comes_in_parts_and_a_lost_part_is_noticed() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::default());
    for index in 0..10_000 {
        attachment.subscribe(&filter(&format!("site/{index}/telemetry")), 0, Life::Live);
    }
    advertised.follow(router.interest());
    let mut parts = advertised.messages(router.interest(), 0);
    assert!(parts.len() > 2);
    parts.remove(1);
    let results: Vec<Applied> = parts.iter().map(|part| learned.apply(part)).collect();
    assert_eq!(results[..2], [Applied::Nothing, Applied::Mismatch]);
    assert_eq!(sync(&router, &mut advertised, &mut learned).len(), 10_000);
}

#[test]
fn durable_interest_outlives_the_heartbeat() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::default());
    attachment.subscribe(&filter("live"), 0, Life::Live);
    attachment.subscribe(&filter("sink"), 0, Life::Durable);
    sync(&router, &mut advertised, &mut learned);
    let gone = learned.forget_live();
    assert_eq!(gone, [Change::Removed(Wanted { filter: filter("live"), life: Life::Live, direct: true })]);
    assert_eq!(sync(&router, &mut advertised, &mut learned).len(), 1, "only what was forgotten comes again");
}

#[test]
fn a_set_that_does_not_add_up_is_asked_for_again() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::default());
    attachment.subscribe(&filter("a"), 0, Life::Live);
    advertised.follow(router.interest());
    let mut message = advertised.messages(router.interest(), 0).remove(0);
    message.hash ^= 1;
    let _changes = learned.apply(&message);
    assert_eq!(learned.version(), 0);
    assert!(!learned.agrees(advertised.version(), advertised.hash()));
}

fn all(range: std::ops::Range<u32>) -> Vec<Filter> {
    range.map(|index| filter(&format!("site/{index}"))).collect()
}

/// What is here of the peer's, by the changes that were made.
fn kept(made: &[Change]) -> i64 {
    made.iter().map(|change| if matches!(change, Change::Added(_)) { 1 } else { -1 }).sum()
}

#[test]
fn a_peer_that_wants_too_much_is_cut_off_counted_and_not_asked_again() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::with_limit(30));
    all(0..45).iter().for_each(|filter| attachment.subscribe(filter, 0, Life::Live));
    // `sync` wants agreement: nothing is left that asking again could bring.
    let mut here = kept(&sync(&router, &mut advertised, &mut learned));
    assert_eq!((here, learned.cut_off(), learned.is_whole()), (30, 15, false));
    // Deltas are followed, and are no way around the limit.
    all(45..70).iter().for_each(|filter| attachment.subscribe(filter, 0, Life::Live));
    here += kept(&sync(&router, &mut advertised, &mut learned));
    assert_eq!((here, learned.cut_off()), (30, 40));
}

#[test]
fn once_there_is_room_the_whole_is_asked_for_again() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::with_limit(30));
    all(0..45).iter().for_each(|filter| attachment.subscribe(filter, 0, Life::Live));
    let held = sync(&router, &mut advertised, &mut learned);
    for change in &held[..20] {
        let Change::Added(wanted) = change else { panic!("nothing was there before") };
        attachment.unsubscribe(&wanted.filter, 0);
    }
    advertised.follow(router.interest());
    let delta = advertised.messages(router.interest(), learned.version()).remove(0);
    assert!(matches!(learned.apply(&delta), Applied::Changed(made) if kept(&made) == -20));
    assert_eq!((learned.cut_off(), learned.version()), (15, 0));
    assert!(!learned.agrees(advertised.version(), advertised.hash()));
    assert_eq!(kept(&sync(&router, &mut advertised, &mut learned)), 15);
    assert!(learned.is_whole());
}

#[test]
fn a_whole_set_in_parts_is_bounded_while_it_comes() {
    let (router, attachment) = agent();
    let (mut advertised, mut learned) = (Advertised::default(), Learned::with_limit(100));
    all(0..10_000).iter().for_each(|filter| attachment.subscribe(filter, 0, Life::Live));
    advertised.follow(router.interest());
    let parts = advertised.messages(router.interest(), 0);
    assert!(parts.len() > 2);
    let made: Vec<_> = parts.iter().map(|part| learned.apply(part)).collect();
    let Some(Applied::Changed(made)) = made.last() else { panic!("the last part completes it: {made:?}") };
    assert_eq!((kept(made), learned.cut_off()), (100, 9_900));
    assert!(learned.agrees(advertised.version(), advertised.hash()));
}
