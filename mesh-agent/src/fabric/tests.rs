//! Several fabrics in one process, over real links with mutual TLS on loopback.

mod devices;
mod mesh;
mod relay;
mod replaced;
mod retained;
mod shares;

use std::time::Duration;

use mesh_protocol::report::PartState;

use crate::router::{Life, Outcome};
use mesh::{Mesh, eventually};
use relay::Relay;

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
    let outcome = mesh.node(0).pass("orders/fr/2", "till-1", b"guaranteed").await;
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
        mesh.node(0).pass("a/2", "key", text.as_bytes()).await;
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
    mesh.node(0).pass("a/b", "key", b"warm").await;
    let firsts = || mesh.node(0).counter("copies_sent_events") - mesh.node(0).counter("fabric_resent_events");
    let before = firsts();
    for index in 0..10 {
        mesh.node(0).publish_direct("a/b", format!("direct-{index}").as_bytes());
        let outcome = mesh.node(0).pass("a/b", "key", format!("guaranteed-{index}").as_bytes()).await;
        assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    }
    eventually("everybody has them all", || tails.iter().all(|tail| tail.seen().len() == 21)).await;
    assert_eq!(firsts() - before, 20);
    mesh.stop().await;
}

/// Everything that was published is there once, and in the order of its key.
fn assert_whole(content: &[(String, bool)], count: usize, keys: usize) {
    let seen: Vec<&String> = content.iter().map(|(text, _)| text).collect();
    assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), seen.len(), "nothing is there twice");
    assert_eq!(seen.len(), count, "every acknowledged event is there");
    for key in 0..keys {
        let of_key: Vec<_> = seen.iter().filter(|text| text.starts_with(&format!("till-{key}:"))).collect();
        assert!(of_key.is_sorted(), "events of a key are in order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_survives_the_restart_of_every_agent_on_its_way() {
    let mut mesh = Mesh::chain(3);
    let mut queue = mesh.node(2).queue("erp", "orders/>");
    mesh.want_durably(2, "orders/>");
    eventually("A reaches C", || mesh.node(0).link_up(2)).await;
    for index in 0..600u32 {
        let key = format!("till-{}", index % 5);
        let receipt = mesh.node(0).publish("orders/fr/1", &key, format!("{key}:{index:05}").as_bytes());
        let outcome = tokio::time::timeout(Duration::from_secs(20), receipt).await.expect("acknowledged");
        assert_eq!(outcome, Outcome::Taken { outlets: 1 }, "event {index}");
        match index {
            100 | 400 => {
                mesh.kill(0);
                mesh.start(0);
            }
            200 => mesh.restart(1).await,
            300 => {
                mesh.kill(2);
                mesh.start(2);
                queue = mesh.node(2).queue("erp", "orders/>");
            }
            _ => {}
        }
    }
    eventually("all are there", || queue.len() == 600).await;
    assert_whole(&queue.content().await, 600, 5);
    eventually("A is done with them", || mesh.node(0).backlog(2) == 0).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fabric_that_begins_anew_in_its_process_goes_on_where_it_was() {
    let mut mesh = Mesh::chain(2);
    mesh.want_durably(1, "orders/>");
    let queue = mesh.node(1).queue("erp", "orders/>");
    eventually("A reaches B", || mesh.node(0).link_up(1)).await;
    for round in 0..3 {
        for index in 0..40 {
            let kept = mesh.node(0).publish("orders/1", "k", format!("till-0:{round}{index:03}").as_bytes()).await;
            assert_eq!(kept, Outcome::Taken { outlets: 1 });
            let passing = mesh.node(0).pass("orders/1", "k", format!("till-1:{round}{index:03}").as_bytes());
            let outcome = tokio::time::timeout(Duration::from_secs(20), passing).await.expect("acknowledged");
            assert_eq!(outcome, Outcome::Taken { outlets: 1 }, "{index} of round {round}");
        }
        mesh.restart_fabric(round % 2).await;
        eventually("A reaches B again", || mesh.node(0).link_up(1) && mesh.node(1).link_up(0)).await;
    }
    eventually("B has all", || queue.len() >= 240).await;
    assert_whole(&queue.content().await, 240, 2);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_away_finds_its_backlog_when_it_is_back() {
    let mut mesh = Mesh::chain(2);
    mesh.want_durably(1, "orders/>");
    eventually("A reaches B", || mesh.node(0).link_up(1)).await;
    // Nothing serves the interest there yet: that is not "nobody wants it".
    let mut passing = mesh.node(0).pass("orders/1", "k", b"till-0:0");
    assert!(tokio::time::timeout(Duration::from_millis(700), &mut passing).await.is_err(), "its sender still waits");
    mesh.halt(1).await;
    eventually("B is down", || !mesh.node(0).link_up(1)).await;
    for index in 1..=2_000 {
        let outcome = mesh.node(0).publish("orders/1", "k", format!("till-1:{index:05}").as_bytes()).await;
        assert_eq!(outcome, Outcome::Taken { outlets: 1 }, "A keeps it");
    }
    eventually("all are held for B", || mesh.node(0).backlog(1) == 2_001).await;
    mesh.start(1);
    let queue = mesh.node(1).queue("erp", "orders/>");
    let outcome = tokio::time::timeout(Duration::from_secs(20), passing).await.expect("acknowledged");
    assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    eventually("B has all", || queue.len() == 2_001).await;
    assert_whole(&queue.content().await, 2_001, 2);
    eventually("A is done with them", || mesh.node(0).backlog(1) == 0).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_agent_wants_durably_is_known_after_a_restart_without_it() {
    let mut mesh = Mesh::chain(2);
    let queue = mesh.node(1).queue("session", "a/>");
    eventually("A has stored what B wants, and B knows", || mesh.node(1).is_held_at(0)).await;
    assert!(mesh.node(0).knows("a/1"));
    mesh.kill(1);
    mesh.restart(0).await;
    let outcome = mesh.node(0).publish("a/1", "k", b"while it was away").await;
    assert_eq!(outcome, Outcome::Taken { outlets: 1 }, "not unrouted");
    drop(queue);
    mesh.start(1);
    let queue = mesh.node(1).queue("session", "a/>");
    eventually("B has it", || queue.len() == 1).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn best_effort_events_do_not_cross_for_a_queue_that_would_not_take_them() {
    let mut mesh = Mesh::chain(2);
    let queue = mesh.node(1).queue("erp", "orders/>");
    eventually("A knows what B wants", || mesh.node(0).knows("orders/1")).await;
    assert_eq!(mesh.node(0).publish_direct("orders/1", b"direct"), 0);
    assert_eq!(mesh.node(0).publish("orders/1", "k", b"kept").await, Outcome::Taken { outlets: 1 });
    eventually("it is in the queue", || queue.len() == 1).await;
    // Somebody else there wants them: from then on they cross, and when that one has gone they do not.
    let tail = mesh.node(1).subscribe("orders/>", Life::Live);
    eventually("a direct event arrives", || {
        mesh.node(0).publish_direct("orders/1", b"direct");
        tail.seen().contains(&"direct".to_owned())
    })
    .await;
    drop(tail);
    eventually("A forgets that they are wanted", || mesh.node(0).publish_direct("orders/1", b"direct") == 0).await;
    assert_eq!(mesh.node(0).publish("orders/1", "k", b"kept").await, Outcome::Taken { outlets: 1 });
    eventually("the queue is still known", || queue.len() == 2).await;
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
async fn a_deny_list_reaches_agents_that_the_portal_does_not() {
    let mut mesh = Mesh::chain(3);
    mesh.node(0).take_deny_list(7);
    eventually("C has it from A", || mesh.node(2).deny_list() == 7).await;
    assert_eq!(mesh.node(1).deny_list(), 7);
    // Each asks whom it hears of it, and nobody once it has it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    for index in [1, 2] {
        let handed = mesh.node(index).counter("fabric_deny_lists_offered");
        assert!((1..=2).contains(&handed), "{handed}");
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_many_events_are_compressed_where_it_pays() {
    let mut mesh = Mesh::chain(2);
    mesh.want_durably(1, "orders/>");
    let queue = mesh.node(1).queue("erp", "orders/>");
    eventually("A reaches B", || mesh.node(0).link_up(1)).await;
    let bytes = || ["fabric_plain_body_bytes", "fabric_written_body_bytes"].map(|name| mesh.node(0).counter(name));
    let before = bytes();
    let text = "a store, a till, an order and a customer; ".repeat(50);
    let receipts: Vec<_> = (0..200).map(|_| mesh.node(0).publish("orders/1", "k", text.as_bytes())).collect();
    for receipt in receipts {
        assert_eq!(receipt.await, Outcome::Taken { outlets: 1 });
    }
    eventually("B has all", || queue.len() == 200).await;
    assert!(queue.content().await.iter().all(|(content, _)| *content == text));
    let [plain, written] =
        bytes().into_iter().zip(before).map(|(after, before)| after - before).collect::<Vec<_>>()[..]
    else {
        unreachable!()
    };
    assert!(plain >= 200 * 2_000 && written < plain / 4, "{written} of {plain} bytes");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tightened_scope_forbids_does_not_cross_the_link() {
    const SECRETS: u64 = 20;
    let relay = Relay::start().await;
    let mut mesh = Mesh::pair_through(&relay).await;
    let wants = |mesh: &Mesh| (mesh.node(0).queue("secrets", "secret/>"), mesh.node(0).queue("orders", "orders/>"));
    let queues = wants(&mesh);
    eventually("B knows what A wants", || mesh.node(1).knows("secret/1") && mesh.node(1).knows("orders/1")).await;
    eventually("it is on B's disk", || mesh.node(0).is_held_at(1)).await;
    // In this order: it takes nothing back.
    mesh.kill(0);
    drop(queues);
    eventually("A is down", || !mesh.node(1).link_up(0)).await;
    // Does not compress, or bytes on the wire would prove nothing.
    let secret: Vec<u8> = (0..100_000).map(|_| rand::random()).collect();
    for _ in 0..SECRETS {
        let outcome = mesh.node(1).publish("secret/1", "k", &secret).await;
        assert_eq!(outcome, Outcome::Taken { outlets: 1 }, "it was allowed then");
    }
    assert_eq!(mesh.node(1).publish("orders/1", "k", b"order").await, Outcome::Taken { outlets: 1 });

    // Only the origin knows of it: A would take what comes.
    mesh.confine_at(1, "secret/>");
    let before = relay.bytes();
    mesh.start(0);
    let (secrets, orders) = wants(&mesh);
    eventually("A has the order, which was behind the secrets", || orders.len() == 1).await;
    eventually("B is done with all of it", || mesh.node(1).backlog(0) == 0).await;
    let outcome = mesh.node(1).publish("secret/2", "k", &secret).await;
    assert_eq!(outcome, Outcome::Taken { outlets: 1 }, "what A wants is decided when a frame is built");
    assert_eq!(mesh.node(1).publish("orders/2", "k", b"order").await, Outcome::Taken { outlets: 1 });
    eventually("A has the second order", || orders.len() == 2).await;
    let crossed = relay.bytes() - before;
    assert!(crossed < secret.len() as u64, "{crossed} bytes crossed");
    assert_eq!(secrets.len(), 0);
    assert_eq!(mesh.node(1).counter("fabric_forbidden_events"), SECRETS + 1, "each is counted");
    eventually("it is told at the link", || {
        mesh.node(1).scoped(0).is_some_and(|scoped| scoped.withheld_events == SECRETS + 1)
    })
    .await;
    let scoped = mesh.node(1).scoped(0).expect("told");
    assert_eq!(
        (scoped.revision, scoped.after_position),
        (2, 0),
        "nothing had gone before: all of it was judged by this"
    );
    mesh.stop().await;
}
