//! Named queues over a real store on a simulated disk, with a router that publishes into them.

use std::sync::Mutex;

use bytes::Bytes;
use mesh_protocol::event::{Event, Origin, Protocol};
use mesh_protocol::queue::{Page, QueueAnswer, QueueAsk, QueueRef, Shelf, Which};
use mesh_protocol::report::{Part, PartState};
use mesh_protocol::topic::Topic;
use uuid::Uuid;

use super::testing::{parts_over, queue};
use super::*;
use crate::queue::burial;
use crate::router::{Admitted, Budget, Failure, Outcome};
use crate::spool::SimulatedDisk;

mod replay;

const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    parts: Parts,
    queues: Queues,
    wanted: Mutex<Vec<desired::Queue>>,
}

impl World {
    fn new(wanted: &[desired::Queue]) -> Self {
        Self::over(&SimulatedDisk::default(), wanted)
    }

    fn over(disk: &SimulatedDisk, wanted: &[desired::Queue]) -> Self {
        let router = Router::new(Budget::new(10_000_000), &Counters::default());
        let parts = parts_over(&router, disk);
        let queues = Queues::new(parts.clone());
        queues.want(wanted);
        Self { parts, queues, wanted: Mutex::new(wanted.to_vec()) }
    }

    fn edit(&self, change: impl FnOnce(&mut Vec<desired::Queue>)) {
        let mut wanted = self.wanted.lock().expect("held");
        change(&mut wanted);
        self.queues.want(&wanted);
    }

    fn named(&self, name: &str) -> Arc<Named> {
        self.queues.by_name(name).expect("it is there")
    }

    /// Publishes at `topic` with the ordering key before the `:` of each.
    async fn publish(&self, topic: &str, payloads: &[&str]) -> Outcome {
        self.publish_at(crate::status::now_ms(), topic, payloads).await
    }

    /// As if the mesh had taken them at that moment of the wall clock.
    async fn publish_at(&self, admitted_at_ms: i64, topic: &str, payloads: &[&str]) -> Outcome {
        let origin = Origin { site: Uuid::nil().into(), principal: None, protocol: Protocol::Mesh };
        let batch = payloads.iter().map(|payload| {
            let key = payload.split(':').next().unwrap_or_default();
            let topic = Topic::new(topic).expect("valid");
            let event = Event::guaranteed(topic, payload.as_bytes().to_vec(), origin.clone());
            Admitted::new(Event { key: Bytes::copy_from_slice(key.as_bytes()), admitted_at_ms, ..event })
        });
        let admission = self.parts.router.budget().try_take(1).expect("room");
        self.parts.router.publish(batch.collect(), admission, None).await
    }

    fn part(&self, number: u128) -> Part {
        let object = PartRef::Queue(Uuid::from_u128(number).into());
        self.parts.board.parts().into_iter().find(|part| part.object == object).expect("it has a line")
    }

    async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !so(self) {
            assert!(Instant::now() < deadline, "{what} did not become so: {:?}", self.parts.board.parts());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn figure(&self, number: u128, name: &str) -> u64 {
        self.part(number).figures.get(name).copied().unwrap_or_default()
    }

    async fn ask(&self, number: u128, ask: QueueAsk) -> QueueAnswer {
        answer(&self.queues, QueueRef::Queue(Uuid::from_u128(number).into()), ask).await
    }

    async fn page(&self, number: u128, shelf: Shelf) -> Page {
        let ask = QueueAsk::Browse { shelf, after: 0, limit: 100, payload_bytes_max: 100 };
        match self.ask(number, ask).await {
            QueueAnswer::Page(page) => page,
            other => panic!("{other:?}"),
        }
    }
}

fn who(number: u128, name: &str) -> Who {
    Who { principal: Uuid::from_u128(number).into(), name: name.to_owned() }
}

fn payload(offer: &Offer) -> &str {
    std::str::from_utf8(&offer.event.event().payload).expect("text")
}

fn payloads(offers: &[Offer]) -> Vec<&str> {
    offers.iter().map(payload).collect()
}

fn done(answer: QueueAnswer) -> u64 {
    match answer {
        QueueAnswer::Done { events, stopped: None } => events,
        other => panic!("{other:?}"),
    }
}

async fn next(consumer: &mut Consumer) -> Offer {
    tokio::time::timeout(PATIENCE, consumer.next()).await.expect("in time").expect("is served")
}

async fn pull(world: &World, name: &str, who: Who, most: usize) -> Vec<Offer> {
    world.named(name).pull(who, most, PATIENCE).await.expect("is served")
}

#[tokio::test]
async fn it_attracts_what_it_says_and_keeps_it_until_it_is_acknowledged() {
    let disk = SimulatedDisk::default();
    let config = desired::Queue {
        exceptions: vec![Filter::mesh("orders/*/test/>").expect("valid")],
        ..queue(1, "orders", &["orders/>", "refunds/>"])
    };
    let world = World::over(&disk, std::slice::from_ref(&config));
    assert_eq!(world.publish("orders/fr/lyon", &["a", "b"]).await, Outcome::Taken { outlets: 2 });
    assert_eq!(world.publish("orders/fr/test/x", &["not"]).await, Outcome::Unrouted);
    assert_eq!(world.publish("refunds/fr", &["c"]).await, Outcome::Taken { outlets: 1 });
    let mut consumer = world.named("orders").attach(who(1, "till"), 10, false).expect("room");
    let first = next(&mut consumer).await;
    assert_eq!((payload(&first), first.redelivered, first.deliveries), ("a", false, 0));
    let second = next(&mut consumer).await;
    consumer.settle(first.seq, Verdict::Ack);
    assert_eq!(payload(&second), "b");
    // One figure alone was already so while the events came.
    let figures = |world: &World| ["queued_events", "consumers", "handed_out_events"].map(|name| world.figure(1, name));
    world.until("the first is done with", |world| figures(world) == [2, 1, 2]).await;
    drop((consumer, world));
    let world = World::over(&disk.restarted(), &[config]);
    let mut consumer = world.named("orders").attach(who(1, "till"), 10, false).expect("room");
    let again = [next(&mut consumer).await, next(&mut consumer).await];
    assert_eq!(payloads(&again), ["b", "c"]);
    assert!(again.iter().all(|offer| offer.redelivered), "nobody knows what the agent before gave out");
}

#[tokio::test]
async fn a_change_of_its_filters_holds_at_once() {
    let world = World::new(&[queue(1, "orders", &["orders/>"])]);
    world.edit(|queues| queues[0].filters = vec![Filter::mesh("prices/>").expect("valid")]);
    assert_eq!(world.publish("orders/fr", &["no"]).await, Outcome::Unrouted);
    assert_eq!(world.publish("prices/fr", &["yes"]).await, Outcome::Taken { outlets: 1 });
    world.edit(|queues| queues[0].exceptions = vec![Filter::mesh("prices/fr").expect("valid")]);
    assert_eq!(world.publish("prices/fr", &["no"]).await, Outcome::Unrouted);
    world.edit(|queues| {
        queues[0].exceptions.clear();
        "renamed".clone_into(&mut queues[0].name);
    });
    assert_eq!(world.publish("prices/fr", &["2"]).await, Outcome::Taken { outlets: 1 });
    assert_eq!(payloads(&pull(&world, "renamed", who(1, "a"), 10).await), ["yes", "2"], "its events stay with it");
}

#[tokio::test]
async fn whoever_pulls_has_a_lease_and_only_they_may_answer() {
    let world = World::new(&[desired::Queue { lease_ms: 300, ..queue(1, "work", &["work/>"]) }]);
    let named = world.named("work");
    let publish = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.publish("work/x", &["k:1", "k:2", "k:3"]).await
    };
    let (got, _) = tokio::join!(named.pull(who(1, "a"), 2, PATIENCE), publish);
    let got = got.expect("is served");
    assert_eq!(payloads(&got), ["k:1", "k:2"], "no more than it asked for");
    let acked = |offer: &Offer| vec![(offer.consumer, offer.seq, Verdict::Ack)];
    assert_eq!(named.settle(who(2, "b").principal, acked(&got[0])).await, Ok(vec![false]), "not its own");
    assert_eq!(named.settle(who(1, "a").principal, acked(&got[0])).await, Ok(vec![true]));
    // Nothing is said about the second: it comes again after the lease, counted, and nothing of its key before it.
    tokio::time::sleep(Duration::from_millis(400)).await;
    let again = pull(&world, "work", who(1, "a"), 10).await;
    let told: Vec<_> = again.iter().map(|offer| (payload(offer), offer.deliveries)).collect();
    assert_eq!(told, [("k:2", 1), ("k:3", 0)]);
    let late = vec![(got[1].consumer, 999, Verdict::Ack)];
    assert_eq!(named.settle(who(1, "a").principal, late).await, Ok(vec![false]), "nobody has it");
}

#[tokio::test]
async fn nobody_gets_anything_when_there_is_nothing_and_idle_consumers_make_room() {
    let world = World::new(&[desired::Queue { lease_ms: 200, ..queue(1, "work", &["work/>"]) }]);
    let named = world.named("work");
    assert!(named.pull(who(1, "first"), 5, Duration::from_millis(10)).await.expect("is served").is_empty());
    world.publish("work/x", &["1"]).await;
    // The queue is exclusive, and the first one is its consumer until it has not been heard of for a lease.
    let second = named.pull(who(1, "second"), 5, Duration::from_millis(20)).await.expect("is served");
    assert!(second.is_empty());
    assert_eq!(payloads(&pull(&world, "work", who(1, "second"), 5).await), ["1"], "once the first has gone");
}

#[tokio::test]
async fn whoever_asks_for_nothing_is_given_nothing_when_its_lease_is_over() {
    let config = desired::Queue { lease_ms: 100, access: QueueAccess::Shared, ..queue(1, "work", &["work/>"]) };
    let world = World::new(&[config]);
    world.publish("work/x", &["a:1", "b:1", "c:1"]).await;
    assert_eq!(payloads(&pull(&world, "work", who(1, "a"), 1).await), ["a:1"]);
    // Its lease ends more than once: the others must not be counted as delivered to somebody who did not ask.
    tokio::time::sleep(Duration::from_millis(350)).await;
    let all = pull(&world, "work", who(1, "b"), 9).await;
    let mut told: Vec<_> = all.iter().map(|offer| (payload(offer), offer.deliveries)).collect();
    told.sort_unstable();
    assert_eq!(told, [("a:1", 1), ("b:1", 0), ("c:1", 0)]);
}

#[tokio::test]
async fn what_nobody_can_take_waits_as_a_dead_letter_for_a_person() {
    let world = World::new(&[queue(1, "work", &["work/>"]), queue(2, "other", &["none"])]);
    world.publish("work/x", &["a:1", "a:2", "b:1", "c:1"]).await;
    let mut consumer = world.named("work").attach(who(1, "till"), 10, false).expect("room");
    let offers = [next(&mut consumer).await, next(&mut consumer).await, next(&mut consumer).await];
    assert_eq!(payloads(&offers), ["a:1", "a:2", "b:1"]);
    consumer.settle(offers[2].seq, Verdict::Reject("no such till".to_owned()));
    // A release comes again, and what was behind it with it, until it was tried often enough.
    consumer.settle(offers[0].seq, Verdict::Release);
    let mut later = Vec::new();
    while world.parts.counters.counter("dead_letter_events").get() < 2 {
        let Ok(Some(offer)) = tokio::time::timeout(Duration::from_millis(100), consumer.next()).await else { continue };
        if payload(&offer) == "a:1" {
            consumer.settle(offer.seq, Verdict::Release);
        }
        later.push(payload(&offer).to_owned());
    }
    assert_eq!(later.iter().filter(|payload| *payload == "a:1").count(), 2, "three times in all: {later:?}");
    let dead = world.page(1, Shelf::DeadLetters).await;
    let told: Vec<_> =
        dead.events.iter().map(|event| (&*event.payload, event.reason.as_deref().unwrap_or(""))).collect();
    assert_eq!((told[0], dead.total), (("b:1", "no such till"), 2));
    assert_eq!(dead.events.iter().map(|event| event.deliveries).collect::<Vec<_>>(), [1, 3]);
    assert!(told[1].0 == "a:1" && told[1].1.contains("3 times"), "{told:?}");
    assert!(dead.events.iter().all(|event| event.properties.is_empty()), "the sender's own");
    let which = |position: u64| Which::These(vec![position, 999_999]);
    assert_eq!(done(world.ask(1, QueueAsk::Retry { which: which(dead.events[0].position) }).await), 1);
    let to = Uuid::from_u128(2).into();
    let moved = QueueAsk::Move { shelf: Shelf::DeadLetters, which: Which::All, to };
    assert_eq!(done(world.ask(1, moved).await), 1);
    assert_eq!(world.page(1, Shelf::DeadLetters).await, Page::default());
    let again = loop {
        let offer = next(&mut consumer).await;
        if payload(&offer) == "b:1" {
            break offer;
        }
    };
    assert!(again.redelivered && again.deliveries == 0);
    assert_eq!(payloads(&pull(&world, "other", who(1, "a"), 9).await), ["a:1"]);
}

#[tokio::test]
async fn what_waits_can_be_looked_at_and_deleted_but_not_out_of_a_consumers_hands() {
    let world = World::new(&[desired::Queue { access: QueueAccess::Shared, ..queue(1, "work", &["work/>"]) }]);
    let all: Vec<String> = (0..250).map(|number| format!("k{number}:x")).collect();
    world.publish("work/x", &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let held = pull(&world, "work", who(1, "till-7"), 2).await;
    let page = world.page(1, Shelf::Waiting).await;
    assert_eq!((page.events.len(), page.more, page.total), (100, true, 250));
    assert_eq!(page.events[0].consumer.as_deref(), Some("till-7"));
    assert_eq!((page.events[2].consumer.as_deref(), &*page.events[2].key), (None, "k2"));
    let chosen = page.events[..4].iter().map(|event| event.position).collect();
    let delete = |which| QueueAsk::Delete { shelf: Shelf::Waiting, which };
    assert_eq!(done(world.ask(1, delete(Which::These(chosen))).await), 2);
    assert_eq!(done(world.ask(1, delete(Which::All)).await), 246);
    assert_eq!(world.page(1, Shelf::Waiting).await.total, 2);
    let acks = held.iter().map(|offer| (offer.consumer, offer.seq, Verdict::Ack)).collect();
    assert_eq!(world.named("work").settle(who(1, "").principal, acks).await, Ok(vec![true, true]));
    world.publish("work/x", &["z:1"]).await;
    assert_eq!(payloads(&pull(&world, "work", who(1, "till-7"), 9).await), ["z:1"]);
}

#[tokio::test]
async fn a_full_queue_refuses_or_goes_without_and_says_so() {
    let full = desired::Queue { events_max: 2, ..queue(1, "work", &["work/>"]) };
    let world = World::new(&[full]);
    assert_eq!(world.publish("work/x", &["1", "2"]).await, Outcome::Taken { outlets: 2 });
    assert!(matches!(world.publish("work/x", &["3"]).await, Outcome::Failed(Failure::Full(_))));
    world.until("it says so", |world| world.part(1).state == PartState::Degraded).await;
    world.edit(|queues| queues[0].when_full = desired::WhenFull::Discard);
    assert!(matches!(world.publish("work/x", &["3"]).await, Outcome::Taken { .. }));
    world.until("what it goes without is counted", |world| world.figure(1, "discarded_events") == 1).await;
    world.edit(|queues| queues[0].events_max = 3);
    world.publish("work/x", &["4"]).await;
    assert_eq!(payloads(&pull(&world, "work", who(1, "a"), 9).await), ["1", "2", "4"]);
}

#[tokio::test]
async fn what_other_agents_refused_is_looked_at_and_goes_back_to_them() {
    let world = World::new(&[]);
    let origin = Origin { site: Uuid::nil().into(), principal: None, protocol: Protocol::Mesh };
    let event = Event::guaranteed(Topic::new("a").expect("valid"), "x", origin);
    let (spool, core) = (world.parts.spool.clone(), world.parts.spool.core().clone());
    let dead = spool.open_queue(&crate::queue::DEAD_LETTERS.into(), Limits::NONE);
    let (there, gone) = ("spool/00000000-0000-0000-0000-000000000007", "spool/00000000-0000-0000-0000-000000000008");
    let queue = spool.open_queue(&there.into(), Limits::NONE);
    for (name, reason) in [(there, "too large"), (gone, "not permitted")] {
        let burial = burial(&event, (name, queue, 0), reason, 1, dead);
        spool.ask(burial).await.expect("buried");
    }
    let ask = |ask| answer(&world.queues, QueueRef::Fabric, ask);
    let browse = |shelf| QueueAsk::Browse { shelf, after: 0, limit: 10, payload_bytes_max: 100 };
    let QueueAnswer::Page(page) = ask(browse(Shelf::DeadLetters)).await else { panic!("no page") };
    let told: Vec<_> = page.events.iter().map(|event| (event.consumer.as_deref(), event.reason.as_deref())).collect();
    assert_eq!(
        told,
        [(there.strip_prefix("spool/"), Some("too large")), (gone.strip_prefix("spool/"), Some("not permitted"))]
    );
    assert!(matches!(ask(browse(Shelf::Waiting)).await, QueueAnswer::Refused { .. }));
    let retried = ask(QueueAsk::Retry { which: Which::All }).await;
    let QueueAnswer::Done { events: 1, stopped: Some(stopped) } = retried else { panic!("{retried:?}") };
    assert!(stopped.contains("an agent that is gone"), "{stopped}");
    let back = core.browse(queue, 0, 10).expect("reads").entries;
    assert_eq!(back.len(), 1);
    assert_eq!(back[0].event.event().headers.user, [], "without the words of its burial");
    let deleted = ask(QueueAsk::Delete { shelf: Shelf::DeadLetters, which: Which::All }).await;
    assert_eq!(deleted, QueueAnswer::Done { events: 1, stopped: None });
    assert_eq!(core.standing(dead).map(|standing| standing.events), Some(0));
}

#[tokio::test]
async fn a_full_dead_letter_queue_pauses_and_drops_nothing() {
    let config = desired::Queue { dead_letters_max: 1, deliveries_max: Some(1), ..queue(1, "work", &["work/>"]) };
    let world = World::new(&[config]);
    world.publish("work/x", &["a:1", "b:1"]).await;
    let mut consumer = world.named("work").attach(who(1, "a"), 1, false).expect("room");
    for _ in 0..2 {
        let offer = next(&mut consumer).await;
        consumer.settle(offer.seq, Verdict::Reject("no".to_owned()));
    }
    world.until("it says so", |world| world.part(1).state == PartState::Degraded).await;
    assert!(world.part(1).detail.is_some_and(|detail| detail.contains("dead letters")));
    world.publish("work/x", &["c:1"]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(consumer.try_next().is_none(), "it would only fill up");
    let delete = QueueAsk::Delete { shelf: Shelf::DeadLetters, which: Which::All };
    assert_eq!(done(world.ask(1, delete).await), 1);
    assert_eq!(payload(&next(&mut consumer).await), "c:1");
    assert_eq!(world.page(1, Shelf::DeadLetters).await.total, 1, "the one that had to wait");
}

#[tokio::test]
async fn paused_it_attracts_and_gives_nothing() {
    let world = World::new(&[desired::Queue { paused: true, ..queue(1, "work", &["work/>"]) }]);
    world.publish("work/x", &["1"]).await;
    let named = world.named("work");
    assert!(named.pull(who(1, "a"), 5, Duration::from_millis(50)).await.expect("is served").is_empty());
    world.edit(|queues| queues[0].paused = false);
    assert_eq!(payloads(&pull(&world, "work", who(1, "a"), 5).await), ["1"]);
}

#[tokio::test]
async fn what_waited_for_too_long_expires_without_a_consumer() {
    let world = World::new(&[desired::Queue { ttl_ms: Some(50), ..queue(1, "work", &["work/>"]) }]);
    // More than a queue without consumers holds in memory: they go at once all the same, not so many a second.
    let many: Vec<String> = (0..900).map(|number| number.to_string()).collect();
    world.publish("work/x", &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let began = Instant::now();
    world.until("they are gone", |world| world.figure(1, "expired_events") == 900).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    world.until("none waits", |world| world.figure(1, "queued_events") == 0).await;
}

#[tokio::test]
async fn a_deleted_queue_ends_for_its_consumers_and_on_disk() {
    let world = World::new(&[queue(1, "work", &["work/>"])]);
    world.publish("work/x", &["1"]).await;
    let named = world.named("work");
    let mut consumer = named.attach(who(1, "a"), 1, false).expect("room");
    next(&mut consumer).await;
    world.edit(Vec::clear);
    assert!(tokio::time::timeout(PATIENCE, consumer.next()).await.expect("in time").is_none());
    assert_eq!(named.pull(who(1, "b"), 1, PATIENCE).await.map(|offers| offers.len()), Err(Unserved::Gone));
    drop(named);
    assert_eq!(world.publish("work/x", &["2"]).await, Outcome::Unrouted);
    world
        .until("its storage is free", |world| {
            world.parts.spool.core().queue(&format!("queue/{}", Uuid::from_u128(1))).is_none()
        })
        .await;
    assert!(world.parts.board.parts().is_empty());
}

#[tokio::test]
async fn a_consumer_that_dies_at_work_counts_once_and_its_key_stays_in_order() {
    let world = World::new(&[queue(1, "work", &["work/>"])]);
    world.publish("work/x", &["a:1", "a:2", "b:1"]).await;
    let named = world.named("work");
    let mut consumer = named.attach(who(1, "a"), 10, false).expect("room");
    for _ in 0..3 {
        next(&mut consumer).await;
    }
    consumer.lost();
    let mut consumer = named.attach(who(1, "a"), 10, false).expect("room");
    let again = [next(&mut consumer).await, next(&mut consumer).await, next(&mut consumer).await];
    let told: Vec<_> = again.iter().map(|offer| (payload(offer), offer.deliveries, offer.redelivered)).collect();
    assert_eq!(told, [("a:1", 1, true), ("a:2", 0, true), ("b:1", 0, true)]);
}
