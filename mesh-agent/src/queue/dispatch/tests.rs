use std::time::Duration;

use super::*;
use crate::queue::{Backoff, Consumption};

mod simulation;

pub(super) const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn rules(access: Access, on_failure: OnFailure) -> Rules {
    let backoff = Backoff { first: PAUSE, longest: Duration::from_secs(1) };
    Rules { access, on_failure, deliveries_max: Some(3), backoff, ..Rules::default() }
}

pub(super) fn item(seq: u64, key: &str) -> Item<u64> {
    let key = Bytes::copy_from_slice(key.as_bytes());
    Item { seq, key, bytes: 10, deliveries: 0, expires_at_ms: None, redelivered: false, event: seq }
}

const PLAIN: Consumption = Consumption { window: 100, order: Order::OneByOne };
const PIPELINED: Consumption = Consumption { window: 100, order: Order::Pipelined };

fn at(millis: u64) -> Moment {
    Moment(millis * 1_000)
}

fn given(effects: &Effects<u64>) -> Vec<(u64, u64)> {
    effects.deliveries.iter().map(|delivery| (delivery.consumer.0, delivery.seq)).collect()
}

#[test]
fn an_exclusive_queue_serves_the_oldest_consumer_and_then_the_next() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::Overtake));
    let (first, second) = (queue.attach(PLAIN), queue.attach(PLAIN));
    queue.fill([item(1, "a"), item(2, "b")]);
    assert_eq!(given(&queue.poll(at(0), 0)), [(1, 1), (1, 2)]);
    assert!(queue.ack(first, 1));
    queue.detach(at(0), first, Left::Seen);
    let effects = queue.poll(at(0), 0);
    assert_eq!((given(&effects), effects.done, effects.counted), (vec![(2, 2)], vec![1], vec![(2, 1)]));
    assert!(effects.deliveries[0].redelivered);
    assert!(!queue.ack(first, 2), "it has gone");
    assert!(queue.ack(second, 2));
    assert_eq!(queue.standing(), (0, 0, 0));
}

#[test]
fn a_shared_queue_goes_round_and_respects_windows() {
    let mut queue = Dispatch::new(rules(Access::Shared, OnFailure::Overtake));
    queue.attach(Consumption { window: 1, order: Order::OneByOne });
    let second = queue.attach(Consumption { window: 2, order: Order::OneByOne });
    queue.fill((1..=5).map(|seq| item(seq, "a")));
    assert_eq!(given(&queue.poll(at(0), 0)), [(1, 1), (2, 2), (2, 3)]);
    queue.ack(second, 2);
    assert_eq!(given(&queue.poll(at(0), 0)), [(2, 4)]);
    queue.set_window(second, 3);
    assert_eq!(given(&queue.poll(at(0), 0)), [(2, 5)]);
}

#[test]
fn with_block_key_nothing_of_a_key_overtakes_and_other_keys_go_on() {
    let mut queue = Dispatch::new(rules(Access::Shared, OnFailure::BlockKey));
    let (first, _) = (queue.attach(PLAIN), queue.attach(PLAIN));
    queue.fill([item(1, "a"), item(2, "a"), item(3, "b")]);
    assert_eq!(given(&queue.poll(at(0), 0)), [(1, 1), (2, 3)]);
    assert!(queue.release(at(0), first, 1));
    let effects = queue.poll(at(50), 0);
    assert_eq!((given(&effects), effects.counted), (vec![], vec![(1, 1)]), "its pause is not over");
    assert_eq!(queue.deadline(), Some(at(100)));
    assert_eq!(given(&queue.poll(at(100), 0)), [(1, 1)]);
    queue.ack(first, 1);
    assert_eq!(given(&queue.poll(at(100), 0)), [(2, 2)]);
}

#[test]
fn with_overtake_a_failed_event_is_passed() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::Overtake));
    let first = queue.attach(PLAIN);
    queue.fill([item(1, "a"), item(2, "a")]);
    assert_eq!(given(&queue.poll(at(0), 0)).len(), 2);
    queue.release(at(0), first, 1);
    queue.fill([item(3, "a")]);
    assert_eq!(given(&queue.poll(at(0), 0)), [(1, 3)]);
    assert_eq!(given(&queue.poll(at(100), 0)), [(1, 1)]);
}

#[test]
fn a_consumer_that_goes_on_keeps_what_it_has_behind_a_refused_event() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::BlockKey));
    let consumer = queue.attach(Consumption { window: 100, order: Order::GoesOn });
    queue.fill([item(1, "a"), item(2, "a"), item(3, "b")]);
    assert_eq!(given(&queue.poll(at(0), 0)), [(1, 1), (1, 2), (1, 3)]);
    assert!(queue.reject(at(0), consumer, 1, "too large"));
    assert!(queue.ack(consumer, 2) && queue.ack(consumer, 3), "they are still with it");
    let effects = queue.poll(at(0), 0);
    assert_eq!((given(&effects), effects.done), (vec![], vec![2, 3]));
    assert_eq!(effects.dead.len(), 1);
    queue.buried(1);
    assert_eq!(queue.poll(at(0), 0).done, [1]);
}

#[test]
fn a_pipelined_consumer_gives_back_what_is_behind_a_failed_event() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::BlockKey));
    let first = queue.attach(PIPELINED);
    queue.fill([item(1, "a"), item(2, "a"), item(3, "b"), item(4, "a")]);
    assert_eq!(given(&queue.poll(at(0), 0)).len(), 4);
    queue.release(at(0), first, 2);
    let effects = queue.poll(at(0), 0);
    assert_eq!((given(&effects), effects.counted), (vec![], vec![(2, 1)]), "4 came back too, uncounted");
    assert!(!queue.ack(first, 4), "it was taken back");
    assert!(queue.ack(first, 1) && queue.ack(first, 3));
    let effects = queue.poll(at(100), 0);
    assert_eq!(given(&effects), [(1, 2), (1, 4)]);
    assert!(effects.deliveries.iter().all(|delivery| delivery.redelivered));
}

#[test]
fn an_event_that_comes_back_too_often_is_a_dead_letter_and_blocks_its_key_until_it_is_buried() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::BlockKey));
    let first = queue.attach(PLAIN);
    queue.fill([item(1, "a"), item(2, "a"), item(3, "b")]);
    let mut now = 0;
    for _ in 0..3 {
        let _ = queue.poll(at(now), 0);
        assert!(queue.release(at(now), first, 1));
        now += 1_000;
    }
    let effects = queue.poll(at(now), 0);
    assert_eq!(effects.dead.len(), 1);
    assert_eq!((effects.dead[0].seq, effects.dead[0].deliveries), (1, 3));
    assert!(effects.dead[0].reason.contains("3 times"), "{}", effects.dead[0].reason);
    queue.ack(first, 3);
    assert_eq!(given(&queue.poll(at(now), 0)), [], "2 waits for it");
    queue.buried(1);
    let effects = queue.poll(at(now), 0);
    assert_eq!((given(&effects), effects.done), (vec![(1, 2)], vec![1]));
}

#[test]
fn a_full_dead_letter_queue_pauses_and_never_drops() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::Overtake));
    let first = queue.attach(PLAIN);
    queue.fill([item(1, "a")]);
    let _ = queue.poll(at(0), 0);
    assert!(queue.reject(at(0), first, 1, "no JSON"));
    assert_eq!(queue.poll(at(0), 0).dead[0].reason, "no JSON");
    queue.unburied(at(0), 1);
    queue.fill([item(2, "b")]);
    let effects = queue.poll(at(50), 0);
    assert_eq!((given(&effects), effects.dead.len()), (vec![], 0));
    assert_eq!(queue.poll(at(100), 0).dead.len(), 1, "offered again");
    queue.buried(1);
    assert_eq!(given(&queue.poll(at(100), 0)), [(1, 2)]);
}

#[test]
fn a_lease_that_is_over_counts_and_a_renewed_one_is_not() {
    let lease = Some(Duration::from_secs(1));
    let mut queue = Dispatch::new(Rules { lease, ..rules(Access::Shared, OnFailure::Overtake) });
    let first = queue.attach(PLAIN);
    queue.fill([item(1, "a"), item(2, "a")]);
    let _ = queue.poll(at(0), 0);
    assert_eq!(queue.deadline(), Some(at(1_000)));
    assert!(queue.renew(at(900), first, 2));
    assert_eq!(queue.poll(at(1_000), 0).counted, [(1, 1)]);
    assert!(!queue.ack(first, 1), "too late");
    assert!(queue.ack(first, 2));
}

#[test]
fn what_nobody_had_in_time_is_done_with() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::BlockKey));
    queue.fill([Item { expires_at_ms: Some(500), ..item(1, "a") }, item(2, "a")]);
    assert_eq!(queue.poll(at(0), 499), Effects::default());
    let effects = queue.poll(at(0), 500);
    assert_eq!((effects.done, effects.expired), (vec![], vec![1]));
    assert_eq!(queue.standing(), (1, 0, 0));
}

#[test]
fn a_key_moves_only_when_nothing_of_it_is_out() {
    let mut queue = Dispatch::new(rules(Access::Partitioned, OnFailure::Overtake));
    let first = queue.attach(PLAIN);
    queue.fill((1..=40).map(|seq| item(seq, &format!("k{}", seq % 20))));
    assert_eq!(queue.poll(at(0), 0).deliveries.len(), 40);
    let second = queue.attach(PLAIN);
    queue.fill((41..=60).map(|seq| item(seq, &format!("k{}", seq % 20))));
    assert!(queue.poll(at(0), 0).deliveries.iter().all(|delivery| delivery.consumer == first), "all are out there");
    (1..=60).for_each(|seq| assert!(queue.ack(first, seq)));
    queue.fill((61..=80).map(|seq| item(seq, &format!("k{}", seq % 20))));
    let moved = queue.poll(at(0), 0).deliveries.iter().filter(|delivery| delivery.consumer == second).count();
    assert!((4..=16).contains(&moved), "{moved} of 20 keys moved");
}

#[test]
fn room_is_given_by_events_and_bytes_and_one_event_may_always_come() {
    let mut queue = Dispatch::new(Rules { events_max: 3, bytes_max: 15, ..Rules::default() });
    assert_eq!(queue.room(), (3, 15));
    queue.fill([item(1, "a"), item(2, "a")]);
    assert_eq!(queue.room(), (1, 0));
    let tiny: Dispatch<u64> = Dispatch::new(Rules { events_max: 0, bytes_max: 0, ..Rules::default() });
    assert_eq!(tiny.room(), (1, 1));
}

#[test]
fn who_crashes_with_an_event_again_and_again_makes_it_a_dead_letter() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::BlockKey));
    queue.fill([item(1, "a")]);
    for _ in 0..3 {
        let consumer = queue.attach(PLAIN);
        assert_eq!(queue.poll(at(0), 0).deliveries.len(), 1);
        queue.detach(at(0), consumer, Left::Seen);
    }
    assert_eq!(queue.poll(at(0), 0).dead.len(), 1);
}

#[test]
fn a_consumer_may_ask_for_a_longer_pause_and_says_why() {
    let mut queue = Dispatch::new(rules(Access::Exclusive, OnFailure::BlockKey));
    let consumer = queue.attach(PLAIN);
    queue.fill([item(1, "a"), item(2, "a"), item(3, "b")]);
    assert_eq!(given(&queue.poll(at(0), 0)), [(1, 1), (1, 3)]);
    let second = Duration::from_secs(1);
    assert!(queue.release_for(at(0), consumer, 1, second, "503"));
    assert!(queue.ack(consumer, 3));
    let effects = queue.poll(at(999), 0);
    assert_eq!((given(&effects), effects.counted), (vec![], vec![(1, 1)]), "its key waits with it");
    assert_eq!(queue.deadline(), Some(at(1_000)));
    assert_eq!(given(&queue.poll(at(1_000), 0)), [(1, 1)]);
    assert!(queue.release_for(at(1_000), consumer, 1, Duration::ZERO, "503"));
    assert_eq!(given(&queue.poll(at(1_199), 0)), [], "never less than the rules say");
    assert_eq!(given(&queue.poll(at(1_200), 0)), [(1, 1)]);
    assert!(queue.release_for(at(1_200), consumer, 1, second, "503"));
    let dead = queue.poll(at(1_200), 0).dead;
    assert_eq!(dead[0].reason, "503 (3 times)");
}

#[test]
fn a_queue_that_delivers_nothing_does_not_wait_for_pauses_to_be_over() {
    let mut queue = Dispatch::new(Rules { deliveries_max: None, ..rules(Access::Shared, OnFailure::BlockKey) });
    queue.fill([item(1, "a"), item(2, "b")]);
    let consumer = queue.attach(PLAIN);
    assert_eq!(queue.poll(at(0), 0).deliveries.len(), 2);
    assert!(queue.release(at(0), consumer, 1));
    assert_eq!(queue.deadline(), Some(at(100)));
    queue.set_rules(Rules { paused: true, ..rules(Access::Shared, OnFailure::BlockKey) });
    assert_eq!((queue.deadline(), queue.poll(at(200), 0).deliveries.len()), (None, 0));
    queue.set_rules(rules(Access::Shared, OnFailure::BlockKey));
    // The dead letter queue is full: it is asked again after its own pause alone.
    assert!(queue.reject(at(200), consumer, 2, "no"));
    let effects = queue.poll(at(200), 0);
    assert_eq!((effects.dead.len(), effects.deliveries.len()), (1, 1));
    assert!(queue.release(at(200), consumer, 1));
    queue.unburied(at(200), 2);
    assert_eq!((queue.deadline(), queue.poll(at(250), 0).deliveries.len()), (Some(at(300)), 0));
    assert_eq!(queue.poll(at(300), 0).dead.len(), 1);
    assert_eq!((queue.deadline(), queue.poll(at(900), 0).deliveries.len()), (None, 0));
    queue.buried(2);
    assert_eq!(queue.poll(at(900), 0).deliveries.len(), 1);
}
