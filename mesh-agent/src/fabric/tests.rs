//! Several fabrics in one process, over real links with mutual TLS on loopback.

mod mesh;

use std::time::Duration;

use mesh_protocol::report::PartState;

use crate::router::{Life, Outcome};
use mesh::{Mesh, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_is_learned_over_two_links_and_events_arrive() {
    let mut mesh = Mesh::chain(3);
    let tail = mesh.node(2).subscribe("orders/>", Life::Live);
    eventually("A knows what C wants", || mesh.node(0).knows("orders/fr/1")).await;
    // At most once: one that is sent while zenoh still computes the route (it waits 100 ms for more changes) is lost.
    eventually("a direct event arrives", || {
        assert_eq!(mesh.node(0).publish_direct("orders/fr/1", b"direct"), 1);
        tail.seen().contains(&"direct".to_owned())
    })
    .await;
    let outcome = mesh.node(0).publish("orders/fr/2", "till-1", b"guaranteed").await;
    assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    let guaranteed = tail.seen().into_iter().filter(|text| text == "guaranteed").count();
    assert_eq!(guaranteed, 1, "it is there when its receipt says so, once");
    assert_eq!(mesh.node(0).publish_direct("other/x", b"nobody wants it"), 0);
    drop(tail);
    eventually("A forgets what C no longer wants", || !mesh.node(0).knows("orders/fr/1")).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_for_two_sites_crosses_a_shared_link_once() {
    let mut mesh = Mesh::chain(3);
    let (near, far) = (mesh.node(1).subscribe("a/>", Life::Live), mesh.node(2).subscribe("a/>", Life::Live));
    eventually("A knows what both want", || {
        mesh.node(0).publish_direct("a/0", b"warm");
        !near.seen().is_empty() && !far.seen().is_empty()
    })
    .await;
    // Until the set is confirmed each destination gets its own copy; then a frame for both is one copy.
    eventually("events go as one copy", || {
        let before = mesh.node(0).counter("copies_sent_events");
        for _ in 0..10 {
            mesh.node(0).publish_direct("a/1", b"x");
        }
        mesh.settle();
        mesh.node(0).counter("copies_sent_events") - before == 10
    })
    .await;
    near.clear();
    far.clear();
    for index in 0..100 {
        let text = index.to_string();
        mesh.node(0).publish("a/2", "key", text.as_bytes()).await;
    }
    let all: Vec<String> = (0..100).map(|index: u32| index.to_string()).collect();
    let counted =
        |tail: &mesh::Tail| tail.seen().into_iter().filter(|text| text != "x" && text != "warm").collect::<Vec<_>>();
    assert_eq!(counted(&near), all);
    assert_eq!(counted(&far), all);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_subscriptions_at_one_site_cost_one_copy() {
    let mut mesh = Mesh::chain(2);
    let tails = ["a/>", "*/b"].map(|filter| mesh.node(1).subscribe(filter, Life::Live));
    eventually("A knows both filters", || mesh.node(0).knows("a/x") && mesh.node(0).knows("x/b")).await;
    // Acknowledged: everything before it has been sent too.
    mesh.node(0).publish("a/b", "key", b"warm").await;
    let firsts = || mesh.node(0).counter("copies_sent_events") - mesh.node(0).counter("fabric_resent_events");
    let before = firsts();
    for index in 0..10 {
        mesh.node(0).publish_direct("a/b", format!("direct-{index}").as_bytes());
        let outcome = mesh.node(0).publish("a/b", "key", format!("guaranteed-{index}").as_bytes()).await;
        assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    }
    eventually("everybody has them all", || tails.iter().all(|tail| tail.seen().len() == 21)).await;
    assert_eq!(firsts() - before, 20);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guaranteed_events_survive_the_restart_of_the_hub_and_of_the_destination_in_order() {
    let mut mesh = Mesh::chain(3);
    let sink = mesh.node(2).subscribe("orders/>", Life::Durable);
    mesh.want_durably(2, "orders/>");
    eventually("A reaches C", || mesh.node(0).link_up(2)).await;
    let mut receipts = Vec::new();
    for index in 0..600u32 {
        let key = format!("till-{}", index % 5);
        receipts.push(mesh.node(0).publish("orders/fr/1", &key, format!("{key}:{index:05}").as_bytes()));
        if index == 200 {
            mesh.restart(1).await;
        }
        if index % 20 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    for (index, receipt) in receipts.into_iter().enumerate() {
        let outcome = tokio::time::timeout(Duration::from_secs(40), receipt).await.expect("acknowledged");
        assert_eq!(outcome, Outcome::Taken { outlets: 1 }, "event {index}");
    }
    let seen = sink.firsts();
    assert_eq!(seen.len(), 600, "every acknowledged event is there");
    for key in 0..5 {
        let of_key: Vec<&String> = seen.iter().filter(|text| text.starts_with(&format!("till-{key}:"))).collect();
        assert!(of_key.is_sorted(), "first deliveries of a key are in order");
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_restarts_gets_what_it_had_not_acknowledged() {
    let mut mesh = Mesh::chain(2);
    mesh.want_durably(1, "orders/>");
    let sink = mesh.node(1).subscribe("orders/>", Life::Durable);
    eventually("A reaches B", || mesh.node(0).link_up(1)).await;
    assert_eq!(mesh.node(0).publish("orders/1", "k", b"one").await, Outcome::Taken { outlets: 1 });
    sink.hold_back();
    let open = mesh.node(0).publish("orders/1", "k", b"two");
    eventually("it is handed out", || sink.seen().len() == 2).await;
    mesh.restart(1).await;
    let sink = mesh.node(1).subscribe("orders/>", Life::Durable);
    let outcome = tokio::time::timeout(Duration::from_secs(20), open).await.expect("acknowledged");
    assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    assert_eq!(sink.deliveries(), [("two".to_owned(), true)], "flagged, and only what was not in custody");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_durable_destination_withholds_the_receipt() {
    let mut mesh = Mesh::chain(2);
    mesh.want_durably(1, "orders/>");
    eventually("A reaches B", || mesh.node(0).link_up(1)).await;
    // Nothing serves the interest there yet: that is not "nobody wants it".
    let mut receipt = mesh.node(0).publish("orders/1", "k", b"one");
    assert!(tokio::time::timeout(Duration::from_millis(700), &mut receipt).await.is_err());
    mesh.halt(1).await;
    let mut second = mesh.node(0).publish("orders/1", "k", b"two");
    eventually("B is down", || !mesh.node(0).link_up(1)).await;
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut second).await.is_err());
    eventually("both are held for B", || mesh.node(0).backlog(1) == 2).await;
    mesh.start(1);
    let sink = mesh.node(1).subscribe("orders/>", Life::Durable);
    for receipt in [receipt, second] {
        let outcome = tokio::time::timeout(Duration::from_secs(20), receipt).await.expect("acknowledged");
        assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    }
    assert_eq!(sink.firsts(), ["one", "two"]);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_interest_ends_with_the_heartbeat_and_direct_events_do_not_pile_up() {
    let mut mesh = Mesh::chain(2);
    let _tail = mesh.node(1).subscribe("a/>", Life::Live);
    eventually("A knows what B wants", || mesh.node(0).knows("a/1")).await;
    mesh.kill(1);
    eventually("A forgets it", || !mesh.node(0).knows("a/1")).await;
    let outcome = mesh.node(0).publish("a/1", "k", b"late").await;
    assert_eq!(outcome, Outcome::Unrouted);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_outlet_holds_back_only_its_lane() {
    let mut mesh = Mesh::chain(2);
    let slow = mesh.node(1).subscribe("slow", Life::Live);
    let fast = mesh.node(1).subscribe("fast", Life::Live);
    slow.hold_back();
    eventually("A knows what B wants", || mesh.node(0).knows("slow") && mesh.node(0).knows("fast")).await;
    let (one, other) = mesh::keys_of_two_lanes();
    let payload = vec![b'x'; 100_000];
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(mesh.node(0).publish("slow", &one, &payload));
    }
    for _ in 0..50 {
        let receipt = mesh.node(0).publish("fast", &other, b"y");
        let outcome = tokio::time::timeout(Duration::from_secs(10), receipt).await.expect("not held back");
        assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    }
    assert!(slow.seen().len() < 8, "credit bounds what is under way");
    slow.let_go();
    for receipt in held {
        let outcome = tokio::time::timeout(Duration::from_secs(10), receipt).await.expect("let go");
        assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    }
    drop(fast);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_gets_no_link() {
    let mut mesh = Mesh::chain_with(2, |index| index == 1);
    let _tail = mesh.node(1).subscribe("a/>", Life::Live);
    let started = std::time::Instant::now();
    eventually("its session is open", || mesh.node(1).state() == Some(PartState::Running)).await;
    while started.elapsed() < Duration::from_secs(3) {
        assert!(!mesh.node(0).link_up(1) && !mesh.node(1).link_up(0));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_member_any_more_gets_and_gives_nothing() {
    let mut mesh = Mesh::chain(2);
    let tail = mesh.node(0).subscribe("a/>", Life::Live);
    eventually("B knows what A wants", || mesh.node(1).knows("a/1")).await;
    mesh.revoke_at(0, 1);
    mesh.node(1).publish_direct("a/1", b"forged");
    eventually("A refuses its frames", || mesh.node(0).counter("fabric_stranger_frames") > 0).await;
    assert!(tail.seen().is_empty());
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_named_and_taken_when_it_is_free() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut mesh = Mesh::chain_at(1, &[taken.local_addr().expect("bound")]);
    eventually("the line says so", || mesh.node(0).state() == Some(PartState::Failing)).await;
    let detail = mesh.node(0).detail();
    assert!(detail.contains("in use"), "{detail}");
    drop(taken);
    eventually("it works then", || mesh.node(0).state() == Some(PartState::Running)).await;
    mesh.stop().await;
}
