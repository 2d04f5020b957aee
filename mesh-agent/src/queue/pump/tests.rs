//! The pump between a real store on a simulated disk and an outlet that answers when told to.

use std::sync::Mutex;

use super::*;
use crate::queue::DEAD_LETTERS;
use crate::router::{Delivery, Hold, Keeper, Kept};
use crate::spool::{Limits, Settings, SimulatedDisk};
use crate::task::Tasks;
use mesh_protocol::event::{Event, Origin, Protocol};
use mesh_protocol::topic::Topic;

/// Keeps what it is offered until it is told what became of it.
#[derive(Debug, Default)]
struct Sink(Mutex<Vec<Delivery>>);

impl Outlet for Sink {
    fn offer(&self, delivery: Delivery) {
        self.0.lock().expect("held").push(delivery);
    }
}

impl Sink {
    fn len(&self) -> usize {
        self.0.lock().expect("held").len()
    }

    /// Payloads and whether they were flagged, with their duties.
    fn take(&self) -> Vec<(String, bool, Hold)> {
        let taken = std::mem::take(&mut *self.0.lock().expect("held"));
        let told = |delivery: Delivery| {
            let payload = String::from_utf8(delivery.event.event().payload.to_vec()).expect("text");
            (payload, delivery.redelivered, delivery.hold.expect("guaranteed"))
        };
        taken.into_iter().map(told).collect()
    }
}

struct World {
    counters: Counters,
    store: Arc<Store>,
    queue: (Arc<str>, QueueNo),
    dead: QueueNo,
    sink: Arc<Sink>,
    pump: Tasks,
}

impl World {
    fn new(disk: &SimulatedDisk) -> Self {
        let counters = Counters::default();
        let settings = Settings { reserve_bytes: 0, ..Settings::default() };
        let store = Arc::new(Store::over(Arc::new(disk.clone()), settings, &counters).expect("opens"));
        let name: Arc<str> = "erp".into();
        let queue = (name.clone(), store.open_queue(&name, Limits::NONE));
        let dead = store.open_queue(&DEAD_LETTERS.into(), Limits::NONE);
        let (sink, pump) = (Arc::new(Sink::default()), Tasks::new("pump"));
        let world = Self { counters, store, queue, dead, sink, pump };
        world.start();
        world
    }

    fn start(&self) {
        self.start_in(Manner::STREAM);
    }

    fn start_in(&self, manner: Manner) {
        let pump = Pump::new(self.store.clone(), self.queue.clone(), self.dead, self.sink.clone(), &self.counters);
        let pump = pump.in_manner(manner);
        self.pump.spawn("pump", pump.run(self.pump.token()));
    }

    async fn publish(&self, payloads: &[&str]) {
        let origin = Origin { site: uuid::Uuid::nil().into(), principal: None, protocol: Protocol::Mesh };
        let kept = payloads.iter().map(|payload| {
            let topic = Topic::new("orders/fr").expect("valid");
            let event = Event::guaranteed(topic, payload.as_bytes().to_vec(), origin.clone());
            Kept { event: Admitted::new(event), queues: Keys::from_slice(&[self.queue.1.0]), redelivered: false }
        });
        let (hold, receipt) = router::duty();
        self.store.keep(kept.collect(), None, Some(hold));
        assert!(matches!(receipt.await, Outcome::Taken { .. }));
    }

    async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        for _ in 0..2_000 {
            if so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what} did not become so");
    }

    async fn offered(&self, count: usize) -> Vec<(String, bool, Hold)> {
        self.until("it was offered", |world| world.sink.len() >= count).await;
        self.sink.take()
    }

    fn left(&self) -> u64 {
        self.store.core().standing(self.queue.1).expect("is open").events
    }
}

fn payloads(offered: &[(String, bool, Hold)]) -> Vec<&str> {
    offered.iter().map(|(payload, ..)| payload.as_str()).collect()
}

#[tokio::test]
async fn what_the_outlet_has_is_done_with_and_survives_as_done() {
    let disk = SimulatedDisk::default();
    let world = World::new(&disk);
    world.publish(&["1", "2", "3"]).await;
    let offered = world.offered(3).await;
    assert_eq!(payloads(&offered), ["1", "2", "3"]);
    assert_eq!(world.left(), 3, "an offer is no delivery");
    offered.into_iter().for_each(|(.., hold)| hold.done());
    world.until("all are done", |world| world.left() == 0).await;
    drop(world);
    let again = World::new(&disk.restarted());
    again.publish(&["4"]).await;
    let offered = again.offered(1).await;
    assert_eq!((payloads(&offered), offered[0].1), (vec!["4"], false));
}

#[tokio::test]
async fn what_the_outlet_has_lost_goes_again_flagged_and_in_order() {
    let world = World::new(&SimulatedDisk::default());
    world.publish(&["1", "2", "3"]).await;
    let mut offered = world.offered(3).await;
    offered.remove(0).2.done();
    drop(offered.remove(0));
    world.publish(&["4"]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.sink.len(), 0, "nothing is offered until all answers are there");
    drop(offered);
    let again = world.offered(3).await;
    assert_eq!(payloads(&again), ["2", "3", "4"]);
    assert_eq!(again.iter().map(|(_, redelivered, _)| *redelivered).collect::<Vec<_>>(), [true, true, false]);
}

#[tokio::test]
async fn what_the_outlet_refuses_is_a_dead_letter_and_the_others_go_on() {
    let world = World::new(&SimulatedDisk::default());
    world.publish(&["1", "2", "3"]).await;
    let mut offered = world.offered(3).await;
    let (.., first) = offered.remove(0);
    first.fail(Failure::Refused("too large".to_owned()));
    offered.into_iter().for_each(|(.., hold)| hold.done());
    world.until("all are done", |world| world.left() == 0).await;
    assert_eq!(world.sink.len(), 0, "none of them came twice");
    let buried = world.store.take(world.dead, 10, usize::MAX).await.expect("reads");
    let event = buried[0].event.event();
    assert_eq!((buried.len(), event.payload.as_ref()), (1, &b"1"[..]));
    assert!(event.headers.user.iter().any(|(_, value)| value == "too large"));
    assert_eq!(world.counters.counter("dead_letter_events").get(), 1);
}

#[tokio::test]
async fn a_pump_that_stops_takes_the_last_answers_and_the_next_one_goes_on() {
    let world = World::new(&SimulatedDisk::default());
    world.publish(&["1", "2"]).await;
    let mut offered = world.offered(2).await;
    world.pump.token().cancel();
    world.publish(&["3"]).await;
    offered.remove(0).2.done();
    drop(offered);
    assert!(world.pump.stop(Duration::from_secs(10)).await.is_empty());
    assert_eq!(world.sink.len(), 0, "nothing new was offered");
    let world = World { pump: Tasks::new("pump"), ..world };
    world.start();
    let again = world.offered(2).await;
    assert_eq!(payloads(&again), ["2", "3"]);
    assert!(again.iter().all(|(_, redelivered, _)| *redelivered), "nobody knows what the one before saw");
}

#[tokio::test]
async fn one_by_one_what_is_given_back_comes_again_alone_and_its_count_survives() {
    let disk = SimulatedDisk::default();
    let world = World::new(&disk);
    assert!(world.pump.stop(Duration::from_secs(10)).await.is_empty());
    let world = World { pump: Tasks::new("pump"), ..world };
    let backoff = Backoff { first: Duration::from_millis(10), longest: Duration::from_millis(10) };
    let manner = Manner { backoff, ..Manner::one_by_one(8, Some(2)) };
    world.start_in(manner);
    world.publish(&["1", "2"]).await;
    let again = || Failure::Again { reason: "503".to_owned(), after: Duration::ZERO };
    let mut offered = world.offered(1).await;
    assert_eq!(payloads(&offered), ["1"], "one of a key at a time");
    offered.remove(0).2.fail(again());
    let offered = world.offered(1).await;
    assert_eq!((payloads(&offered), offered[0].1), (vec!["1"], true));
    world.pump.token().cancel();
    offered.into_iter().for_each(|(.., hold)| hold.fail(again()));
    assert!(world.pump.stop(Duration::from_secs(10)).await.is_empty());
    // The second failure made it a dead letter, which the next pump still has to bury: it counts on from the first.
    let world = World { pump: Tasks::new("pump"), ..world };
    world.start_in(manner);
    let mut offered = world.offered(1).await;
    assert_eq!(payloads(&offered), ["1"]);
    offered.remove(0).2.fail(again());
    let offered = world.offered(1).await;
    assert_eq!(payloads(&offered), ["2"]);
    offered.into_iter().for_each(|(.., hold)| hold.done());
    world.until("all are done", |world| world.left() == 0).await;
    let buried = world.store.take(world.dead, 10, usize::MAX).await.expect("reads");
    let reasons = |event: &Event| event.headers.user.iter().any(|(_, value)| value == "503 (2 times)");
    assert!(buried.len() == 1 && reasons(buried[0].event.event()));
}
