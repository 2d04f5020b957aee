use super::*;
use crate::counters::Counters;
use crate::listener::testing::{event, router};
use crate::router::{Attachment, Life, Reach, Receipt, Router};
use futures::FutureExt;
use mesh_protocol::topic::Filter;

fn options(acknowledged: bool) -> Options {
    Options { acknowledged, no_local: false, retain_as_published: false, subscription_id: None }
}

fn outbox(router: &Router, subscriptions: &[(&str, Options)]) -> (Arc<Outbox>, Attachment, Counters) {
    let counters = Counters::default();
    let outbox = Arc::new(Outbox::new(Arc::default(), Arc::new(Metrics::new(&counters))));
    let attachment = router.attach(outbox.clone(), Reach::Local);
    outbox.is(attachment.id());
    for (key, (filter, options)) in (0..).zip(subscriptions) {
        outbox.subscribe(key, *options);
        attachment.subscribe(&Filter::mqtt(filter).expect("valid"), key, Life::Live);
    }
    (outbox, attachment, counters)
}

fn publish(router: &Router, mode: DeliveryMode, from: Option<OutletId>) -> Receipt {
    router.publish(vec![event("a", mode)], router.budget().try_take(1).expect("room"), from)
}

fn take(outbox: &Outbox, window: usize) -> Vec<Item> {
    let mut batch = Vec::new();
    outbox.take(100, window, &mut batch);
    batch
}

#[test]
fn a_full_window_holds_back_guaranteed_events_only_and_order_is_kept() {
    let router = router();
    let (outbox, _attachment, _) = outbox(&router, &[("a", options(true))]);
    let _one = publish(&router, DeliveryMode::Guaranteed, None);
    let _two = publish(&router, DeliveryMode::Direct, None);
    let _three = publish(&router, DeliveryMode::Guaranteed, None);
    let taken: Vec<bool> = take(&outbox, 1).iter().map(|item| item.acknowledged).collect();
    assert_eq!(taken, [true, false]);
    assert!(take(&outbox, 0).is_empty());
    assert_eq!(take(&outbox, 1).len(), 1);
}

#[test]
fn overlapping_subscriptions_are_one_delivery_at_the_best_qos_with_all_ids() {
    let router = router();
    let (one, two) =
        (Options { subscription_id: Some(1), ..options(false) }, Options { subscription_id: Some(2), ..options(true) });
    let (outbox, _attachment, _) = outbox(&router, &[("#", one), ("a", two)]);
    let _receipt = publish(&router, DeliveryMode::Guaranteed, None);
    let items = take(&outbox, 1);
    assert_eq!(items.len(), 1);
    assert!(items[0].acknowledged && items[0].subscription_ids.as_slice() == [1, 2]);
}

#[test]
fn no_local_is_nobody() {
    let router = router();
    let (_outbox, attachment, _) = outbox(&router, &[("a", Options { no_local: true, ..options(true) })]);
    let receipt = publish(&router, DeliveryMode::Guaranteed, Some(attachment.id()));
    assert_eq!(receipt.now_or_never(), Some(crate::router::Outcome::Unrouted));
}

#[test]
fn a_full_queue_drops_and_counts_and_the_publisher_does_not_wait() {
    let router = router();
    let (outbox, _attachment, counters) = outbox(&router, &[("a", options(false))]);
    for _ in 0..=DIRECT_EVENTS_MAX {
        let receipt = publish(&router, DeliveryMode::Guaranteed, None);
        assert_eq!(receipt.now_or_never(), Some(crate::router::Outcome::Taken { outlets: 1 }));
    }
    assert_eq!(counters.counter("dropped_slow_consumer_events").get(), 1);
    let mut batch = Vec::new();
    outbox.take(usize::MAX, 0, &mut batch);
    assert_eq!(batch.len(), DIRECT_EVENTS_MAX);
}

#[test]
fn the_end_of_the_session_ends_the_wait() {
    let router = router();
    let (outbox, _attachment, counters) = outbox(&router, &[("a", options(true))]);
    let mut receipt = publish(&router, DeliveryMode::Guaranteed, None);
    assert_eq!((&mut receipt).now_or_never(), None);
    outbox.close();
    assert_eq!(
        receipt.now_or_never(),
        Some(crate::router::Outcome::Unrouted),
        "nobody has it, and that is what is said"
    );
    assert_eq!(counters.counter("ended_with_session_events").get(), 1);
    let late = publish(&router, DeliveryMode::Guaranteed, None);
    assert_eq!(late.now_or_never(), Some(crate::router::Outcome::Unrouted));
}
