//! A machine is lost for good, and another one takes the place of its agent.

use super::mesh::{Mesh, eventually};
use crate::router::Outcome;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_lost_agent_goes_to_the_one_that_takes_its_place() {
    const WAITING: usize = 40;
    let mut mesh = Mesh::chain(3);
    mesh.dismiss(2);
    let lost = mesh.node(0).queue("orders", "orders/>");
    eventually("B knows what A wants", || mesh.node(1).knows("orders/1")).await;
    for number in 0..10 {
        let outcome = mesh.node(1).publish("orders/1", "k", format!("before {number}").as_bytes()).await;
        assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    }
    eventually("A has custody of them", || lost.len() == 10 && mesh.node(1).backlog(0) == 0).await;
    eventually("it is on B's disk", || mesh.node(0).is_held_at(1)).await;
    mesh.kill(0);
    drop(lost);
    eventually("A is down", || !mesh.node(1).link_up(0)).await;
    let mut expected = Vec::new();
    for number in 0..WAITING {
        let text = format!("{number}");
        assert_eq!(mesh.node(1).publish("orders/1", "k", text.as_bytes()).await, Outcome::Taken { outlets: 1 });
        expected.push((text, false));
    }
    let next = mesh.node(2).queue("orders", "orders/>");
    mesh.replace(0, 2);
    // From the first moment on, before the new agent has said anything.
    for number in WAITING..2 * WAITING {
        let text = format!("{number}");
        assert_eq!(mesh.node(1).publish("orders/1", "k", text.as_bytes()).await, Outcome::Taken { outlets: 1 });
        expected.push((text, false));
    }
    eventually("the new agent has all of it", || next.len() == 2 * WAITING as u64).await;
    eventually("B is done with it", || mesh.node(1).backlog(2) == 0).await;
    assert_eq!(next.content().await, expected, "once, in order, and none was with the lost agent");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lost_agent_may_have_had_is_flagged_also_after_a_restart_of_its_origin() {
    let mut mesh = Mesh::chain(3);
    mesh.dismiss(2);
    let lost = mesh.node(0).queue("orders", "orders/>");
    eventually("B knows what A wants", || mesh.node(1).knows("orders/1")).await;
    eventually("it is on B's disk", || mesh.node(0).is_held_at(1)).await;
    mesh.kill(0);
    drop(lost);
    eventually("A is down", || !mesh.node(1).link_up(0)).await;
    assert_eq!(mesh.node(1).publish("orders/1", "k", b"one").await, Outcome::Taken { outlets: 1 });
    // A process that begins cannot know what the one before had sent.
    mesh.restart(1).await;
    let next = mesh.node(2).queue("orders", "orders/>");
    mesh.replace(0, 2);
    assert_eq!(mesh.node(1).publish("orders/1", "k", b"two").await, Outcome::Taken { outlets: 1 });
    eventually("the new agent has both", || next.len() == 2).await;
    assert_eq!(next.content().await, [("one".to_owned(), true), ("two".to_owned(), false)]);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_an_agent_that_is_revoked_before_it_is_replaced_goes_to_the_next_one() {
    let mut mesh = Mesh::chain(3);
    mesh.dismiss(2);
    let lost = mesh.node(0).queue("orders", "orders/>");
    eventually("B knows what A wants", || mesh.node(1).knows("orders/1")).await;
    eventually("it is on B's disk", || mesh.node(0).is_held_at(1)).await;
    // The agent lives, and the deny list is here before the desired state that names who takes its place.
    mesh.revoke_at(1, 0);
    for text in ["one", "two"] {
        assert_eq!(mesh.node(1).publish("orders/1", "k", text.as_bytes()).await, Outcome::Taken { outlets: 1 });
    }
    eventually("what waits is not done with it", || mesh.node(1).backlog(0) == 2).await;
    assert_eq!(lost.len(), 0, "a revoked agent gets nothing");
    mesh.kill(0);
    drop(lost);
    let next = mesh.node(2).queue("orders", "orders/>");
    mesh.replace(0, 2);
    eventually("the new agent has both", || next.len() == 2).await;
    let texts: Vec<String> = next.content().await.into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["one", "two"]);
    mesh.stop().await;
}
