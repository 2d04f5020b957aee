//! Last values across sites.

use mesh_protocol::event::DeliveryMode::{Direct, Guaranteed};

use super::mesh::{Mesh, Tail, eventually};
use crate::router::Life;

fn sorted(tail: &Tail) -> Vec<String> {
    let mut seen = tail.seen();
    seen.sort();
    seen
}

fn pairs(known: &[(&str, &str)]) -> Vec<(String, String)> {
    known.iter().map(|(topic, payload)| ((*topic).to_owned(), (*payload).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_interest_brings_the_last_values_of_other_sites_once() {
    let mut mesh = Mesh::chain(3);
    for (topic, at_ms, payload, mode) in [
        ("state/1", 10, "old", Guaranteed),
        ("state/1", 11, "one", Guaranteed),
        ("state/2", 10, "two", Direct),
        ("state/3", 10, "three", Guaranteed),
        ("state/3", 11, "", Guaranteed),
        ("other/1", 10, "other", Guaranteed),
    ] {
        mesh.node(0).retain(topic, at_ms, payload, mode);
    }
    let tail = mesh.node(2).subscribe_recalled("state/>");
    eventually("C is shown what A has", || sorted(&tail) == ["one", "two"]).await;
    assert_eq!(mesh.node(2).values(), pairs(&[("state/1", "one"), ("state/2", "two")]));
    // A second one here, and again the same at A: nothing new.
    let second = mesh.node(2).subscribe_recalled("state/>");
    mesh.node(0).retain("state/1", 12, "news", Guaranteed);
    eventually("what is new comes to both", || sorted(&tail) == ["news", "one", "two"] && second.seen() == ["news"])
        .await;
    assert_eq!(mesh.node(2).values(), pairs(&[("state/1", "news"), ("state/2", "two")]));
    // Another filter at C over the same topics: A sends what C knows already, and nobody is shown it again.
    let third = mesh.node(2).subscribe_recalled("state/*");
    eventually("the third is known", || mesh.node(0).knows("state/1")).await;
    mesh.node(0).retain("state/4", 13, "mark", Guaranteed);
    eventually("all of it was sent", || third.seen() == ["mark"]).await;
    assert_eq!(sorted(&tail), ["mark", "news", "one", "two"]);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_writer_wins_at_both_ends_of_a_cut() {
    let mut mesh = Mesh::chain(2);
    let (at_a, at_b) = (mesh.node(0).subscribe("state/>", Life::Live), mesh.node(1).subscribe("state/>", Life::Live));
    eventually("each knows what the other wants", || mesh.node(0).knows("state/1") && mesh.node(1).knows("state/1"))
        .await;
    mesh.halt(0).await;
    drop(at_a);
    eventually("B is alone", || !mesh.node(1).link_up(0)).await;
    mesh.node(1).retain("state/1", 20, "of B", Guaranteed);
    mesh.node(1).retain("state/2", 20, "of B", Direct);
    mesh.start(0);
    mesh.node(0).retain("state/1", 19, "of A", Guaranteed);
    mesh.node(0).retain("state/2", 21, "of A", Guaranteed);
    let at_a = mesh.node(0).subscribe_recalled("state/>");
    let both = pairs(&[("state/1", "of B"), ("state/2", "of A")]);
    eventually("A has the later ones", || mesh.node(0).values() == both).await;
    eventually("and so has B", || mesh.node(1).values() == both).await;
    assert!(at_a.seen().contains(&"of B".to_owned()));
    drop(at_b);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_keeps_last_values_at_their_site() {
    let mut mesh = Mesh::chain(2);
    mesh.node(0).retain("state/secret", 10, "secret", Guaranteed);
    mesh.node(0).retain("state/open", 10, "open", Guaranteed);
    mesh.confine_at(0, "state/secret");
    let tail = mesh.node(1).subscribe_recalled("state/>");
    eventually("B is shown the other one", || tail.seen() == ["open"]).await;
    eventually("it is counted", || mesh.node(0).counter("fabric_forbidden_events") >= 1).await;
    assert_eq!(mesh.node(1).values(), pairs(&[("state/open", "open")]));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_lost_agents_place_gets_the_last_values_of_what_that_one_wanted() {
    let mut mesh = Mesh::chain(3);
    mesh.dismiss(2);
    let lost = mesh.node(0).queue("orders", "state/>");
    eventually("it is on B's disk", || mesh.node(0).is_held_at(1)).await;
    mesh.node(1).retain("state/1", 10, "one", Guaranteed);
    eventually("A has it", || lost.len() == 1).await;
    mesh.kill(0);
    drop(lost);
    eventually("A is down", || !mesh.node(1).link_up(0)).await;
    let _next = mesh.node(2).queue("orders", "state/>");
    mesh.replace(0, 2);
    eventually("the new one knows it", || mesh.node(2).values() == pairs(&[("state/1", "one")])).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_best_effort_value_that_was_missed_is_made_up_for() {
    let mut mesh = Mesh::chain(2);
    let queue = mesh.node(1).queue("session", "state/>");
    eventually("it is on A's disk", || mesh.node(1).is_held_at(0)).await;
    mesh.node(0).retain("state/1", 10, "before", Guaranteed);
    eventually("B has it", || queue.len() == 1).await;
    mesh.halt(1).await;
    drop(queue);
    eventually("B is away", || !mesh.node(0).link_up(1)).await;
    let now_ms = crate::status::now_ms();
    mesh.node(0).retain("state/1", now_ms, "missed", Direct);
    mesh.node(0).retain("state/2", now_ms, "waits", Guaranteed);
    mesh.node(0).retain("other/1", now_ms, "not wanted", Direct);
    mesh.start(1);
    let queue = mesh.node(1).queue("session", "state/>");
    let known = pairs(&[("state/1", "missed"), ("state/2", "waits")]);
    eventually("B knows both", || mesh.node(1).values() == known).await;
    let content: Vec<String> = queue.content().await.into_iter().map(|(text, _)| text).collect();
    assert_eq!(content, ["before", "waits"], "nothing that happened comes twice");
    mesh.stop().await;
}
