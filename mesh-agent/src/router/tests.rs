use super::*;
use bytes::Bytes;
use futures::FutureExt;
use mesh_protocol::event::{Event, Headers, Origin, Protocol};
use mesh_protocol::topic::{Filter, Topic};

#[derive(Debug, Default)]
struct Bin {
    taken: Mutex<Vec<Delivery>>,
}

impl Outlet for Bin {
    fn offer(&self, delivery: Delivery) {
        self.taken.lock().expect("held").push(delivery);
    }
}

impl Bin {
    fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut *self.taken.lock().expect("held"))
    }
}

fn event(topic: &str, mode: DeliveryMode) -> Admitted {
    Admitted::new(Event {
        topic: Topic::new(topic).expect("valid"),
        payload: Bytes::from_static(b"x"),
        key: Bytes::new(),
        headers: Headers::default(),
        mode,
        admitted_at_ms: 0,
        ttl_ms: None,
        origin: Origin { site: uuid::Uuid::nil().into(), principal: None, protocol: Protocol::Mesh },
        path: Vec::new(),
        retain: false,
    })
}

fn router() -> Router {
    Router::new(Budget::new(1_000_000), &Counters::default())
}

fn filter(text: &str) -> Filter {
    Filter::mesh(text).expect("valid")
}

fn admission(router: &Router) -> Admission {
    router.budget().try_take(100).expect("room")
}

#[test]
fn overlapping_subscriptions_of_one_outlet_are_one_delivery_with_both_keys() {
    let router = router();
    let bin = Arc::new(Bin::default());
    let attachment = router.attach(bin.clone(), Reach::Local);
    attachment.subscribe(&filter("a/>"), 7, Life::Live);
    attachment.subscribe(&filter("a/*"), 3, Life::Live);
    assert_eq!(router.publish_direct(event("a/b", DeliveryMode::Direct), None), 1);
    let taken = bin.take();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].matched.as_slice(), [3, 7]);
    assert!(taken[0].hold.is_none());
}

#[test]
fn overlapping_filters_under_one_key_match_once() {
    let router = router();
    let bin = Arc::new(Bin::default());
    let attachment = router.attach(bin.clone(), Reach::Remote);
    for text in ["a/>", "a/*", "a/b"] {
        attachment.subscribe(&filter(text), 7, Life::Live);
    }
    assert_eq!(router.publish_direct(event("a/b", DeliveryMode::Direct), None), 0, "not shown yet");
    attachment.show();
    assert_eq!(router.publish_direct(event("a/b", DeliveryMode::Direct), None), 1);
    assert_eq!(bin.take()[0].matched.as_slice(), [7]);
}

#[test]
fn the_same_pattern_in_two_dialects_is_taken_back_one_by_one() {
    let router = router();
    let attachment = router.attach(Arc::new(Bin::default()), Reach::Remote);
    let (mesh, mqtt) = (filter("a/*"), Filter::mqtt("a/+").expect("valid"));
    attachment.subscribe(&mesh, 7, Life::Live);
    attachment.subscribe(&mqtt, 7, Life::Live);
    attachment.unsubscribe(&mqtt, 7);
    attachment.show();
    assert_eq!(router.publish_direct(event("a/b", DeliveryMode::Direct), None), 1);
    attachment.unsubscribe(&mesh, 7);
    attachment.show();
    assert_eq!(router.publish_direct(event("a/b", DeliveryMode::Direct), None), 0);
}

#[test]
fn a_subscription_that_takes_other_kinds_is_never_without_any() {
    let router = router();
    let bin = Arc::new(Bin::default());
    let attachment = router.attach(bin.clone(), Reach::Local);
    attachment.subscribe_for(&filter("a"), 7, Life::Live, Takes::GUARANTEED);
    assert_eq!(router.publish_direct(event("a", DeliveryMode::Direct), None), 0);
    attachment.take_instead(&filter("a"), 7, Takes::ALL);
    assert_eq!(router.publish_direct(event("a", DeliveryMode::Direct), None), 1);
    let wanted = router.interest().snapshot().wanted;
    assert_eq!(wanted, [Wanted { filter: filter("a"), life: Life::Live, direct: true }]);
    attachment.take_instead(&filter("b"), 7, Takes::ALL);
    attachment.unsubscribe(&filter("a"), 7);
    assert!(router.interest().snapshot().wanted.is_empty(), "what was never subscribed to is not");
}

#[test]
fn a_receipt_waits_for_every_outlet() {
    let router = router();
    let (one, two) = (Arc::new(Bin::default()), Arc::new(Bin::default()));
    let first = router.attach(one.clone(), Reach::Local);
    let second = router.attach(two.clone(), Reach::Remote);
    first.subscribe(&filter("a"), 0, Life::Live);
    second.subscribe(&filter("a"), 0, Life::Live);
    second.show();
    let mut receipt = router.publish(vec![event("a", DeliveryMode::Guaranteed)], admission(&router), None);
    one.take().remove(0).hold.expect("guaranteed").done();
    assert_eq!((&mut receipt).now_or_never(), None);
    two.take().remove(0).hold.expect("guaranteed").done();
    assert_eq!(receipt.now_or_never(), Some(Outcome::Taken { outlets: 2 }));
    assert_eq!(router.budget().in_use(), 0);
}

#[test]
fn what_came_from_another_agent_never_goes_to_other_agents() {
    let router = router();
    let (local, remote) = (Arc::new(Bin::default()), Arc::new(Bin::default()));
    let near = router.attach(local.clone(), Reach::Local);
    let far = router.attach(remote.clone(), Reach::Remote);
    near.subscribe(&filter("a"), 0, Life::Live);
    far.subscribe(&filter("a"), 0, Life::Live);
    far.show();
    let arrival = Arrival { event: event("a", DeliveryMode::Direct), redelivered: true };
    router.show(vec![arrival], 0);
    assert!(local.take()[0].redelivered);
    assert!(remote.take().is_empty());
    assert_eq!(router.interest().snapshot().wanted.len(), 1, "only local filters are told to others");
}

#[test]
fn a_dropped_attachment_leaves_nothing_behind() {
    let router = router();
    let attachment = router.attach(Arc::new(Bin::default()), Reach::Local);
    attachment.subscribe(&filter("a"), 0, Life::Live);
    drop(attachment);
    let receipt = router.publish(vec![event("a", DeliveryMode::Guaranteed)], admission(&router), None);
    assert_eq!(receipt.now_or_never(), Some(Outcome::Unrouted));
    assert!(router.interest().snapshot().wanted.is_empty());
}

/// Remembers what it is given to keep.
#[derive(Debug, Default)]
struct Shelf(Mutex<Vec<(Vec<Kept>, Option<Hold>)>>, Mutex<Vec<(Vec<Admitted>, Option<Hold>)>>);

impl Keeper for Shelf {
    fn keep(&self, events: Vec<Kept>, _: Option<Claim>, hold: Option<Hold>) {
        self.0.lock().expect("held").push((events, hold));
    }

    fn divert(&self, events: Vec<Admitted>, _: Option<Claim>, hold: Option<Hold>) {
        self.1.lock().expect("held").push((events, hold));
    }
}

#[test]
fn what_is_diverted_meets_no_subscription_and_is_held_like_what_is_kept() {
    let router = router();
    let (shelf, bin) = (Arc::new(Shelf::default()), Arc::new(Bin::default()));
    router.set_keeper(&shelf);
    let attachment = router.attach(bin.clone(), Reach::Local);
    attachment.subscribe(&filter(">"), 0, Life::Live);
    let queue = router.attach_queue(7, Reach::Local);
    queue.subscribe(&filter(">"), 0, Life::Durable);
    let wrong = || Admitted::diverted(event("a", DeliveryMode::Guaranteed).event().clone());

    let batch = vec![wrong(), event("a", DeliveryMode::Guaranteed)];
    let mut receipt = router.publish(batch, admission(&router), None);
    let mut taken = bin.take();
    assert_eq!(taken.len(), 1, "the right one alone");
    taken.remove(0).hold.expect("it is guaranteed").done();
    let (kept, hold) = shelf.0.lock().expect("held").remove(0);
    assert_eq!(kept.len(), 1);
    hold.expect("somebody waits").done();
    assert_eq!((&mut receipt).now_or_never(), None, "the dead letter is not on disk yet");
    let (letters, hold) = shelf.1.lock().expect("held").remove(0);
    assert_eq!(letters.len(), 1);
    hold.expect("somebody waits").fail(Failure::Full("full".to_owned()));
    assert_eq!(receipt.now_or_never(), Some(Outcome::Failed(Failure::Full("full".to_owned()))));

    assert_eq!(router.publish_direct(wrong(), None), 1);
    assert!(bin.take().is_empty() && shelf.1.lock().expect("held").len() == 1);
}

#[test]
fn who_answers_for_an_event_decides_where_it_goes() {
    let router = router();
    let (shelf, sink) = (Arc::new(Shelf::default()), Arc::new(Bin::default()));
    router.set_keeper(&shelf);
    let (queue, other) = (router.attach_queue(7, Reach::Local), router.attach_queue(9, Reach::Remote));
    for (attachment, takes) in [(&queue, Takes::KEPT), (&other, Takes::GUARANTEED)] {
        attachment.subscribe_for(&filter("a"), 0, Life::Durable, takes);
    }
    other.show();
    let direct = router.attach(sink.clone(), Reach::Local);
    direct.subscribe_for(&filter("a"), 0, Life::Durable, Takes::UNKEPT);

    let mut receipt = router.publish(vec![event("a", DeliveryMode::Guaranteed); 2], admission(&router), None);
    let (kept, hold) = shelf.0.lock().expect("held").remove(0);
    assert_eq!(kept.iter().map(|kept| kept.queues.as_slice()).collect::<Vec<_>>(), [[7, 9], [7, 9]], "once for all");
    assert!(sink.take().is_empty());
    assert_eq!((&mut receipt).now_or_never(), None);
    hold.expect("somebody waits").done_for(4);
    assert_eq!(receipt.now_or_never(), Some(Outcome::Taken { outlets: 4 }));

    let Passed(mut parts) = router.pass(vec![event("a", DeliveryMode::Guaranteed)], Audience::Everybody);
    let (kept, hold) = shelf.0.lock().expect("held").remove(0);
    assert_eq!(kept[0].queues.as_slice(), [9], "the sink has its own way to say that it is safe");
    assert_eq!(parts.iter().map(|(of, _)| *of).collect::<Vec<_>>(), [DestinationId::UNNAMED, DestinationId::QUEUES]);
    hold.expect("somebody waits").done();
    let (_, queues) = parts.pop().expect("two");
    assert_eq!(queues.now_or_never(), Some(Outcome::Taken { outlets: 1 }), "it does not wait for the sink");
    assert_eq!((&mut parts[0].1).now_or_never(), None);
    sink.take().remove(0).hold.expect("guaranteed").done();
    assert_eq!((&mut parts[0].1).now_or_never(), Some(Outcome::Taken { outlets: 1 }));

    assert_eq!(router.publish_direct(event("a", DeliveryMode::Direct), None), 1, "queues are for guaranteed events");
    assert_eq!(
        router.queues(&event("a", DeliveryMode::Guaranteed)).as_slice(),
        [7],
        "not what came from another agent"
    );
}

#[test]
fn without_a_keeper_nobody_is_told_that_it_is_safe() {
    let router = router();
    let queue = router.attach_queue(7, Reach::Local);
    queue.subscribe_for(&filter("a"), 0, Life::Durable, Takes::KEPT);
    let receipt = router.publish(vec![event("a", DeliveryMode::Guaranteed)], admission(&router), None);
    assert_eq!(receipt.now_or_never(), Some(Outcome::Failed(Failure::Lost)));
}

#[test]
fn a_sender_that_answers_itself_has_one_receipt_for_each_destination() {
    let router = router();
    let far = Arc::new(Bin::default());
    let links = router.attach(far.clone(), Reach::Remote);
    let (lyon, berlin) = (router.destination("agent/1", "lyon"), router.destination("agent/2", "berlin"));
    links.subscribe_as(&filter("a"), 1, Life::Live, Takes::UNKEPT, lyon);
    links.subscribe_as(&filter("a"), 2, Life::Live, Takes::UNKEPT, berlin);
    links.show();
    assert_eq!(router.destinations(), [lyon, berlin]);

    let Passed(mut parts) = router.pass(vec![event("a", DeliveryMode::Guaranteed); 2], Audience::Everybody);
    assert_eq!(parts.iter().map(|(of, _)| *of).collect::<Vec<_>>(), [lyon, berlin]);
    let taken = far.take();
    assert!(taken.iter().all(|delivery| delivery.matched.as_slice() == [1, 2] && delivery.hold.is_none()));
    for mut delivery in taken {
        delivery.shares.remove(1).done();
        // The duty towards lyon is dropped: that is no acknowledgement.
    }
    assert_eq!((&mut parts[1].1).now_or_never(), Some(Outcome::Taken { outlets: 2 }));
    assert_eq!((&mut parts[0].1).now_or_never(), Some(Outcome::Failed(Failure::Lost)));

    let Passed(parts) = router.pass(vec![event("a", DeliveryMode::Guaranteed)], Audience::Except(&[lyon]));
    assert_eq!((parts.len(), far.take()[0].matched.as_slice()), (1, &[2][..]));
    let Passed(parts) = router.pass(vec![event("a", DeliveryMode::Guaranteed)], Audience::Only(&[lyon]));
    assert_eq!((parts[0].0, far.take()[0].matched.as_slice()), (lyon, &[1][..]));
    links.unsubscribe(&filter("a"), 1);
    assert_eq!(router.destinations(), [berlin]);
}

#[test]
fn what_is_to_be_the_last_value_of_its_topic_is_kept_without_a_queue() {
    let router = router();
    let shelf = Arc::new(Shelf::default());
    router.set_keeper(&shelf);
    let retained = |mode| Admitted::new(Event { retain: true, ..event("a", mode).event().clone() });
    let mut receipt = router.publish(vec![retained(DeliveryMode::Guaranteed)], admission(&router), None);
    let (kept, hold) = shelf.0.lock().expect("held").remove(0);
    assert!(kept.len() == 1 && kept[0].queues.is_empty());
    assert_eq!((&mut receipt).now_or_never(), None, "it is not on disk");
    hold.expect("somebody waits").done_for(0);
    assert_eq!(receipt.now_or_never(), Some(Outcome::Unrouted));
    assert_eq!(router.publish_direct(retained(DeliveryMode::Direct), None), 0);
    let (_, hold) = shelf.0.lock().expect("held").pop().expect("a direct one, too");
    assert!(hold.is_some_and(|hold| !hold.is_awaited()), "nobody waits for it; it holds its share of the budget");
    assert_eq!(router.budget().in_use(), 0, "which is given back");
}

#[test]
fn a_recalled_value_is_only_for_who_asked_for_those() {
    let router = router();
    let (wants, other) = (Arc::new(Bin::default()), Arc::new(Bin::default()));
    let attach = |bin: &Arc<Bin>, takes| {
        let attachment = router.attach(bin.clone(), Reach::Local);
        attachment.subscribe_for(&filter("a"), 0, Life::Live, takes);
        attachment
    };
    let _attachments = [attach(&wants, Takes::ALL.and_recalled()), attach(&other, Takes::ALL)];
    let (queue, named) = (router.attach_queue(7, Reach::Local), router.attach_queue(8, Reach::Local));
    queue.subscribe_for(&filter("a"), 0, Life::Durable, Takes::GUARANTEED.and_recalled());
    named.subscribe_for(&filter("a"), 0, Life::Durable, Takes::GUARANTEED);
    let recalled = event("a", DeliveryMode::Guaranteed).recalled(true);
    assert_eq!(router.queues(&recalled).as_slice(), [7], "a named queue holds what happened");
    assert_eq!(router.queues(&event("a", DeliveryMode::Guaranteed)).len(), 2);
    assert!(router.queues(&event("a", DeliveryMode::Direct).recalled(true)).is_empty());
    router.show(vec![Arrival { event: recalled, redelivered: false }], 0);
    assert_eq!((wants.take().len(), other.take().len()), (1, 0));
}
