use super::*;
use crate::counters::Counters;
use crate::listener::testing::{event, router};
use crate::router::{Attachment, Life, Outcome, Reach, Receipt, Router};
use futures::FutureExt;

fn options(acknowledged: bool) -> Options {
    Options {
        acknowledged,
        twice: false,
        no_local: false,
        retain_as_published: false,
        only_new: false,
        subscription_id: None,
    }
}

fn outbox(router: &Router, subscriptions: &[(&str, Options)]) -> (Arc<Outbox>, Attachment, Counters) {
    let counters = Counters::default();
    let outbox = Arc::new(Outbox::new(Arc::default(), Arc::new(Metrics::new(&counters))));
    let attachment = router.attach(outbox.clone(), Reach::Local);
    outbox.is(attachment.id());
    for (key, (filter, options)) in (0..).zip(subscriptions) {
        let filter = Filter::mqtt(filter).expect("valid");
        outbox.subscribe(&filter, key, *options);
        attachment.subscribe(&filter, key, Life::Live);
    }
    (outbox, attachment, counters)
}

fn publish(router: &Router, mode: DeliveryMode, from: Option<OutletId>) -> Receipt {
    router.publish(vec![event("a", mode)], router.budget().try_take(1).expect("room"), from)
}

fn take(outbox: &Outbox) -> Vec<Item> {
    let mut batch = Vec::new();
    outbox.take(100, &mut batch);
    batch
}

#[test]
fn overlapping_subscriptions_are_one_delivery_with_all_ids() {
    let router = router();
    let (one, two) =
        (Options { subscription_id: Some(1), ..options(false) }, Options { subscription_id: Some(2), ..options(true) });
    let (outbox, _attachment, _) = outbox(&router, &[("#", one), ("a", two)]);
    let _receipt = publish(&router, DeliveryMode::Direct, None);
    let items = take(&outbox);
    assert_eq!(items.len(), 1);
    assert!(items[0].wish.acknowledged && items[0].wish.subscription_ids.as_slice() == [1, 2]);
}

#[test]
fn what_comes_from_the_sessions_queue_is_left_out_here() {
    let router = router();
    let (outbox, _attachment, _) = outbox(&router, &[("#", options(false)), ("a", options(true))]);
    let receipt = publish(&router, DeliveryMode::Guaranteed, None);
    assert_eq!(receipt.now_or_never(), Some(Outcome::Unrouted), "this outlet does not count as one that has it");
    assert!(take(&outbox).is_empty());
}

#[test]
fn no_local_is_nobody() {
    let router = router();
    let (outbox, attachment, _) = outbox(&router, &[("a", Options { no_local: true, ..options(false) })]);
    let receipt = publish(&router, DeliveryMode::Guaranteed, Some(attachment.id()));
    assert_eq!(receipt.now_or_never(), Some(Outcome::Unrouted));
    assert_eq!(outbox.wish(&Topic::new("a").expect("valid"), true), None);
    assert!(outbox.wish(&Topic::new("a").expect("valid"), false).is_some());
}

#[test]
fn a_full_queue_drops_and_counts_and_the_publisher_does_not_wait() {
    let router = router();
    let (outbox, _attachment, counters) = outbox(&router, &[("a", options(false))]);
    for _ in 0..=DIRECT_EVENTS_MAX {
        let receipt = publish(&router, DeliveryMode::Guaranteed, None);
        assert_eq!(receipt.now_or_never(), Some(Outcome::Taken { outlets: 1 }));
    }
    assert_eq!(counters.counter("dropped_slow_consumer_events").get(), 1);
    let mut batch = Vec::new();
    outbox.take(usize::MAX, &mut batch);
    assert_eq!(batch.len(), DIRECT_EVENTS_MAX);
}

#[test]
fn a_session_that_has_ended_takes_nothing_and_holds_nobody_up() {
    let router = router();
    let (outbox, _attachment, counters) = outbox(&router, &[("a", options(false))]);
    let _receipt = publish(&router, DeliveryMode::Direct, None);
    outbox.close();
    assert_eq!(counters.counter("ended_with_session_events").get(), 1);
    let late = publish(&router, DeliveryMode::Guaranteed, None);
    assert_eq!(late.now_or_never(), Some(Outcome::Unrouted));
}
