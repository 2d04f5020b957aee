use std::sync::Arc;

use super::*;
use crate::listener::testing::{event, guaranteed, large};
use crate::router::{Attachment, Budget, Life, Outcome, Reach, Receipt, Router};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::topic::Filter;

struct Bench {
    counters: Counters,
    router: Router,
    intake: Arc<Intake>,
    _attachment: Attachment,
}

impl Bench {
    fn new() -> Self {
        let counters = Counters::default();
        let router = Router::new(Budget::new(1_000), &counters);
        let intake = Arc::new(Intake::new(&counters));
        let attachment = router.attach(intake.clone(), Reach::Local);
        attachment.subscribe(&Filter::mesh(">").expect("valid"), 0, Life::Durable);
        Self { counters, router, intake, _attachment: attachment }
    }

    fn publish(&self, topic: &str) -> Receipt {
        self.router.publish(vec![guaranteed(topic)], self.router.budget().try_take(100).expect("room"), None)
    }

    fn take(&self) -> Vec<Delivery> {
        match self.intake.next(Duration::ZERO) {
            Next::Events(events) => events,
            _ => Vec::new(),
        }
    }

    fn given_up(&self) -> u64 {
        self.counters.counter("sink_given_up_events").get()
    }
}

fn entry(delivery: Delivery) -> Entry {
    let (topic, key, headers) = ("orders".to_owned(), bytes::Bytes::new(), Vec::new());
    let record = super::super::record::Record { topic, key, headers, tombstone: false };
    Entry { event: delivery.event, record, hold: delivery.hold, seq: None, since: Instant::now() }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_gives_its_bytes_back() {
    let bench = Bench::new();
    let (first, second, third) = (bench.publish("a"), bench.publish("b"), bench.publish("c"));
    bench.router.publish_direct(event("direct", DeliveryMode::Direct), None);
    bench.intake.prune();
    assert_eq!((bench.router.budget().in_use(), bench.given_up()), (300, 0), "all are awaited");
    drop((first, third));
    bench.intake.prune();
    assert_eq!((bench.router.budget().in_use(), bench.given_up()), (100, 2), "wherever they stand in the queue");
    let left = bench.take();
    let topics: Vec<_> = left.iter().map(|delivery| delivery.event.event().topic.to_string()).collect();
    assert_eq!(topics, ["b", "direct"], "the others stay, in their order");
    left.into_iter().filter_map(|delivery| delivery.hold).for_each(Hold::done);
    assert_eq!(second.await, Outcome::Taken { outlets: 1 });
}

#[tokio::test]
async fn what_is_under_way_stays_and_only_gives_its_bytes_back() {
    let bench = Bench::new();
    let (given_up, awaited) = (bench.publish("a"), bench.publish("b"));
    let numbers: Vec<_> = bench.take().into_iter().map(|delivery| bench.intake.enter(entry(delivery))).collect();
    bench.intake.hand_empty();
    drop(given_up);
    bench.intake.prune();
    assert_eq!((bench.router.budget().in_use(), bench.given_up()), (100, 0));
    assert_eq!(bench.intake.backlog().events, 2, "the cluster may have it, so its report is still waited for");
    for number in numbers {
        let entry = bench.intake.complete(number).expect("it is there");
        entry.hold.into_iter().for_each(Hold::done);
    }
    assert_eq!(awaited.await, Outcome::Taken { outlets: 1 });
}

#[tokio::test]
async fn a_sink_that_ends_waits_for_nothing_that_was_pruned() {
    let bench = Bench::new();
    let receipt = bench.publish("a");
    let (drained, ()) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(20), bench.intake.drain(Duration::from_secs(60))),
        async {
            tokio::task::yield_now().await;
            drop(receipt);
            bench.intake.prune();
        }
    );
    drained.expect("woken");
}

#[test]
fn the_writer_takes_few_large_events_and_one_at_least() {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.router.publish_direct(large("a", TAKE_BYTES_MAX), None);
    }
    assert_eq!(bench.take().len(), 1);
    assert_eq!(bench.intake.backlog().events, 3, "one in hand, two waiting");
}
