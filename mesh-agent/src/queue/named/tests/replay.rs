//! Acknowledged events that are kept, and delivered again.

use mesh_protocol::queue::Replay;

use super::*;

const HOUR_MS: u64 = 3_600_000;

fn keeping() -> desired::Queue {
    desired::Queue { keep_ms: Some(HOUR_MS), ..queue(1, "work", &["work/>"]) }
}

async fn consume(world: &World, most: usize) -> Vec<String> {
    let named = world.named("work");
    let got = pull(world, "work", who(1, "a"), most).await;
    let acks = got.iter().map(|offer| (offer.consumer, offer.seq, Verdict::Ack)).collect();
    assert!(named.settle(who(1, "a").principal, acks).await.expect("is there").iter().all(|was_theirs| *was_theirs));
    payloads(&got).into_iter().map(str::to_owned).collect()
}

/// Acknowledgements are written with the next commit.
async fn are_kept(world: &World, events: u64) {
    let deadline = Instant::now() + PATIENCE;
    while world.page(1, Shelf::Acknowledged).await.total != events {
        assert!(Instant::now() < deadline, "{events} are not kept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn replay(world: &World, which: Replay) -> QueueAnswer {
    world.ask(1, QueueAsk::Replay { which }).await
}

fn refused(answer: QueueAnswer) -> String {
    match answer {
        QueueAnswer::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_acknowledged_comes_again_in_its_place_before_what_is_newer() {
    let disk = SimulatedDisk::default();
    let world = World::over(&disk, &[keeping()]);
    world.publish("work/x", &["k:1", "k:2", "k:3", "k:4", "k:5"]).await;
    assert_eq!(consume(&world, 3).await, ["k:1", "k:2", "k:3"]);
    are_kept(&world, 3).await;
    let kept = world.page(1, Shelf::Acknowledged).await;
    assert_eq!(kept.events.iter().map(|event| &*event.payload).collect::<Vec<_>>(), ["k:1", "k:2", "k:3"]);
    assert!(kept.events.iter().all(|event| event.expires_at_ms.is_some()), "it is told when they go");

    assert_eq!(done(replay(&world, Replay::FromPosition(kept.events[1].position)).await), 2);
    let again = pull(&world, "work", who(1, "a"), 10).await;
    assert_eq!(payloads(&again), ["k:2", "k:3", "k:4", "k:5"]);
    let flagged: Vec<bool> = again.iter().map(|offer| offer.redelivered).collect();
    assert_eq!(flagged, [true, true, false, false], "new ones are no repeats");
    assert_eq!(world.page(1, Shelf::Acknowledged).await.total, 1);

    // What a consumer holds stays with it; what it acknowledges is kept again.
    drop((again, world));
    let world = World::over(&disk.restarted(), &[keeping()]);
    assert_eq!(consume(&world, 10).await, ["k:2", "k:3", "k:4", "k:5"]);
    are_kept(&world, 5).await;
    assert_eq!(done(replay(&world, Replay::All).await), 5);
    assert_eq!(consume(&world, 10).await, ["k:1", "k:2", "k:3", "k:4", "k:5"]);
    world.until("it is counted", |world| world.figure(1, "replayed_events") == 5).await;
}

#[tokio::test]
async fn a_replay_does_not_disturb_what_consumers_have_in_hand() {
    let world = World::new(&[keeping()]);
    world.publish("work/x", &["a:1", "b:1", "c:1", "d:1"]).await;
    assert_eq!(consume(&world, 1).await, ["a:1"]);
    are_kept(&world, 1).await;
    let held = pull(&world, "work", who(1, "a"), 2).await;
    assert_eq!(payloads(&held), ["b:1", "c:1"]);
    assert_eq!(done(replay(&world, Replay::All).await), 1);
    assert_eq!(consume(&world, 10).await, ["a:1", "d:1"], "and not what is out");
    let acks = held.iter().map(|offer| (offer.consumer, offer.seq, Verdict::Ack)).collect();
    let settled = world.named("work").settle(who(1, "a").principal, acks).await;
    assert_eq!(settled, Ok(vec![true, true]));
    are_kept(&world, 4).await;
    world.until("nothing waits", |world| world.figure(1, "queued_events") == 0).await;
}

#[tokio::test]
async fn since_a_moment_or_by_choice() {
    let world = World::new(&[keeping()]);
    let noon = crate::status::now_ms() - 1_000;
    world.publish_at(noon - 1, "work/x", &["1", "2"]).await;
    world.publish_at(noon, "work/x", &["3", "4"]).await;
    consume(&world, 4).await;
    are_kept(&world, 4).await;
    assert_eq!(done(replay(&world, Replay::SinceMs(noon)).await), 2);
    assert_eq!(consume(&world, 9).await, ["3", "4"]);
    are_kept(&world, 4).await;
    let kept = world.page(1, Shelf::Acknowledged).await.events;
    let chosen = vec![kept[2].position, kept[0].position, 999, kept[0].position];
    assert_eq!(done(replay(&world, Replay::These(chosen)).await), 2);
    assert_eq!(consume(&world, 9).await, ["1", "3"]);
}

#[tokio::test]
async fn only_what_was_acknowledged_is_kept_and_only_as_asked() {
    let world = World::new(&[desired::Queue { events_max: 3, ..keeping() }]);
    world.publish("work/x", &["a:1", "b:1", "c:1"]).await;
    let got = pull(&world, "work", who(1, "a"), 3).await;
    let verdicts = vec![
        (got[0].consumer, got[0].seq, Verdict::Reject("no".to_owned())),
        (got[1].consumer, got[1].seq, Verdict::Ack),
        (got[2].consumer, got[2].seq, Verdict::Ack),
    ];
    world.named("work").settle(who(1, "a").principal, verdicts).await.expect("is there");
    are_kept(&world, 2).await;
    assert_eq!(world.page(1, Shelf::DeadLetters).await.total, 1);
    world.publish("work/x", &["d:1", "e:1"]).await;
    let reason = refused(replay(&world, Replay::All).await);
    assert!(reason.contains("2 events") && reason.contains("2 wait"), "{reason}");
    assert_eq!(world.page(1, Shelf::Acknowledged).await.total, 2, "all or none");

    world.edit(|queues| queues[0].keep_ms = None);
    are_kept(&world, 0).await;
    let reason = refused(replay(&world, Replay::All).await);
    assert!(reason.contains("keeps nothing"), "{reason}");
    assert_eq!(consume(&world, 9).await, ["d:1", "e:1"]);
    world.until("they are gone", |world| world.figure(1, "queued_events") == 0).await;
    assert_eq!(world.page(1, Shelf::Acknowledged).await.total, 0);
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many_or_their_time_is_over() {
    let world = World::new(&[keeping()]);
    world.publish("work/x", &["1", "2", "3", "4"]).await;
    consume(&world, 4).await;
    world.until("they are kept", |world| world.figure(1, "kept_events") == 4).await;
    let bytes = world.figure(1, "kept_bytes");
    world.edit(|queues| queues[0].keep_bytes_max = bytes - 1);
    are_kept(&world, 3).await;
    let kept = world.page(1, Shelf::Acknowledged).await.events;
    assert_eq!(kept.iter().map(|event| &*event.payload).collect::<Vec<_>>(), ["2", "3", "4"]);
    world.edit(|queues| queues[0].keep_ms = Some(1));
    world.publish("work/x", &["5"]).await;
    consume(&world, 1).await;
    // The others were acknowledged when they were to be kept for an hour.
    world.until("its time is over", |world| world.figure(1, "queued_events") == 0).await;
    assert_eq!(done(replay(&world, Replay::SinceMs(i64::MAX)).await), 0);
    assert_eq!(world.page(1, Shelf::Acknowledged).await.events[0].payload, "2");
}

#[tokio::test]
async fn what_is_past_its_own_time_to_live_is_not_delivered_again_and_that_of_the_queue_does_not_count_twice() {
    let world = World::new(&[desired::Queue { ttl_ms: Some(1_500), ..keeping() }]);
    world.publish("work/x", &["1"]).await;
    assert_eq!(consume(&world, 1).await, ["1"]);
    are_kept(&world, 1).await;
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    assert_eq!(done(replay(&world, Replay::All).await), 1);
    assert_eq!(consume(&world, 1).await, ["1"], "it waits for a consumer as long as it takes");
}
