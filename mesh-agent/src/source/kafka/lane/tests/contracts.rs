//! Records whose payloads are not what is promised at their events' topic.

use mesh_protocol::desired::OnInvalid;

use super::world::{World, until};
use super::*;
use crate::contract::testing::one;

/// `orders/{value.n}` has a text beside its number.
const NOTED: &str = r#"{"type":"object","required":["note"],"properties":{"note":{"type":"string"}}}"#;

fn json(offset: i64, text: &str) -> Record {
    Record { payload: Some(Bytes::copy_from_slice(text.as_bytes())), ..record(offset, 0) }
}

fn good(offset: i64) -> Record {
    json(offset, r#"{"n":5,"note":"x"}"#)
}

fn bad(offset: i64) -> Record {
    json(offset, r#"{"n":5,"note":4711}"#)
}

#[tokio::test]
async fn a_wrong_record_is_a_dead_letter_before_its_offset_is_passed() {
    let world = World::new("");
    world.promise(&one("orders/*", NOTED, OnInvalid::Reject));
    world.fill(true);
    let lane = world.lane(0);
    lane.push(vec![good(0), bad(1), good(2)]);
    until("the reason", || world.blocked(0).is_some_and(|told| told.ends_with("it is full: empty it"))).await;
    assert!(lane.state.floor() <= 1, "nothing behind it is passed");
    world.fill(false);
    until("the rest", || lane.state.floor() == 3).await;
    assert_eq!(world.brought(0), [0, 2]);
    let letters = world.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    let told = "the payload is not valid by order-created 1.0.0: `$.note` is not a text";
    assert_eq!(letters[0], (1, told.to_owned()));
    assert_eq!(world.shared.tally.figures().poison, 1);
    let kept = world.shared.deps.enforcer.ledger().report(1).expect("news").events.remove(0);
    assert_eq!((kept.checked, kept.invalid), (3, 1), "however often they were tried");
}

#[tokio::test]
async fn what_is_only_reported_is_brought_in_and_counted() {
    let world = World::new("");
    world.promise(&one("orders/*", NOTED, OnInvalid::Report));
    let lane = world.lane(0);
    lane.push(vec![good(0), bad(1)]);
    until("both", || lane.state.floor() == 2).await;
    assert_eq!((world.brought(0), world.letters()), (vec![0, 1], Vec::new()));
    let kept = world.shared.deps.enforcer.ledger().report(1).expect("news").events.remove(0);
    assert_eq!((kept.checked, kept.invalid, kept.breaches[0].rejected), (2, 1, false));
}

#[tokio::test]
async fn a_diverted_record_is_a_dead_letter_that_can_be_sent_again() {
    let world = World::new("");
    world.promise(&one("orders/*", NOTED, OnInvalid::Divert));
    world.fill(true);
    let lane = world.lane(0);
    lane.push(vec![good(0), bad(1), good(2)]);
    until("the reason", || world.blocked(0).is_some_and(|told| told.ends_with("it is full: empty it"))).await;
    world.fill(false);
    until("the rest", || lane.state.floor() == 3).await;
    assert_eq!(world.brought(0), [0, 2]);
    let told = "the payload is not valid by order-created 1.0.0: `$.note` is not a text".to_owned();
    assert_eq!(world.letters(), [(1, told)]);
    let client_id = world.shared.identity.client_id();
    assert_eq!(world.diverted(), [("orders/5".to_owned(), client_id)], "as what it is in the mesh");
    let kept = world.shared.deps.enforcer.ledger().report(1).expect("news").events.remove(0);
    assert_eq!((kept.checked, kept.invalid, kept.rejected, kept.diverted), (3, 1, 0, 1));
}

/// The shared read lets a record in; before a destination that reads alone has it, it is invalid. It must not get lost.
#[tokio::test]
async fn what_becomes_invalid_before_everybody_has_it_is_a_dead_letter_of_its_own() {
    let world = World::new("");
    let contracts = || world.shared.deps.enforcer.contracts();
    let then = contracts();
    world.promise(&one("orders/*", NOTED, OnInvalid::Reject));
    let place = || Place::new("C".into(), "orders", 3);
    let alone = |judged| Split {
        destination: DestinationId::QUEUES,
        place: place(),
        step: Arc::new(Step::new(10)),
        at: 0,
        doubtful_below: 0,
        under_way: None,
        judged,
    };
    // By what was promised then it was let in; by what is promised now it was a dead letter; and nobody knows.
    for (judged, letters) in [(then, 1), (contracts(), 1), (None, 2)] {
        let split = alone(judged);
        split.step.split(split.destination, 0);
        let (lane, work) = Lane::alone(world.shared.clone(), split);
        world.spawn(work);
        lane.push(vec![bad(0)]);
        until("it is dealt with", || lane.state.floor() == 1).await;
        assert_eq!(world.letters().len(), letters);
    }
}
