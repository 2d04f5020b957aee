//! Lanes whose records name schemas.

use mesh_protocol::schema_id;

use super::world::{World, until};
use super::*;
use crate::schemas::testing::id;

/// One number, in Avro.
const NUMBER: &str = r#"{"type":"record","name":"Number","fields":[{"name":"n","type":"int"}]}"#;

/// A record of the number 5, in JSON or by a schema.
fn number(offset: i64, schema: Option<u32>) -> Record {
    let payload = match schema {
        None => br#"{"n":5}"#.to_vec(),
        Some(schema) => schema_id::join(id(schema), &[10]),
    };
    Record { payload: Some(payload.into()), ..record(offset, 0) }
}

#[tokio::test]
async fn a_partition_waits_for_a_schema_in_its_order_and_others_go_on() {
    let world = World::new("");
    world.registry.put(7, NUMBER);
    let (waiting, other) = (world.lane(0), world.lane(1));
    waiting.push(vec![number(0, Some(7))]);
    until("the first", || waiting.state.floor() == 1).await;
    world.registry.away(true);
    waiting.push(vec![number(1, None), number(2, Some(7)), number(3, Some(8)), number(4, None), number(5, Some(7))]);
    until("all before the new schema", || waiting.state.floor() == 3).await;
    until("the reason", || world.blocked(0).is_some()).await;
    let told = world.blocked(0).expect("a reason");
    assert!(told.starts_with("offset 3 waits: schema 8 is not here yet") && told.contains("start it"), "{told}");
    other.push(vec![number(0, Some(7)), number(1, None)]);
    until("the other partition", || other.state.floor() == 2).await;
    assert_eq!((world.brought(0), waiting.state.floor()), (vec![0, 1, 2], 3));
    world.registry.put(8, NUMBER);
    world.registry.away(false);
    until("the rest", || waiting.state.floor() == 6).await;
    assert_eq!((world.brought(0), world.brought(1)), ((0..6).collect(), vec![0, 1]));
    assert_eq!((world.blocked(0), world.letters()), (None, Vec::new()));
}

#[tokio::test]
async fn what_no_schema_can_read_is_a_dead_letter_before_its_offset_is_passed() {
    let world = World::new("");
    world.registry.put(7, NUMBER);
    world.fill(true);
    let lane = world.lane(0);
    let broken = Record { payload: Some(schema_id::join(id(7), &[]).into()), ..record(1, 0) };
    lane.push(vec![number(0, Some(7)), broken, number(2, Some(9)), number(3, None)]);
    until("the reason", || world.blocked(0).is_some_and(|told| told.ends_with("it is full: empty it"))).await;
    assert!(lane.state.floor() <= 1, "nothing behind it is passed");
    world.fill(false);
    until("the rest", || lane.state.floor() == 4).await;
    assert_eq!(world.brought(0), [0, 3]);
    let letters = world.letters();
    assert_eq!(letters.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [1, 2]);
    assert!(letters[0].1.contains("schema 7, by which it cannot be read"), "{letters:?}");
    assert_eq!(letters[1].1, "the schema registry schemas has no schema with the id 9");
    assert_eq!(world.shared.tally.figures().poison, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_waits_for_a_schema_ends_clean_when_its_partition_goes() {
    let world = World::new("");
    world.registry.away(true);
    let lane = world.lane(0);
    lane.push(vec![number(0, None), number(1, Some(7))]);
    until("the reason", || world.blocked(0).is_some()).await;
    lane.close();
    let clean = tokio::task::block_in_place(|| lane.wait(Duration::from_secs(30)));
    assert_eq!((clean, lane.state.floor(), world.blocked(0)), (true, 1, None), "nothing was left half done");
}

#[tokio::test]
async fn a_record_that_its_place_leaves_out_needs_no_schema() {
    let world = World::new("offset < 0 and value.n > 0");
    world.registry.away(true);
    let lane = world.lane(0);
    lane.push((0..50).map(|offset| number(offset, Some(7))).collect());
    until("all are left out", || lane.state.floor() == 50).await;
    assert_eq!((world.registry.asked(), world.brought(0)), (Vec::new(), Vec::new()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Records of known and unknown schemas and of none, in any chunks, with a registry that comes and goes: each goes to its
    /// place once, in the partition's order.
    #[test]
    fn order_holds_whatever_schemas_are_waited_for(
        kinds in proptest::collection::vec(proptest::option::of(1_u32..8), 1..60),
        chunks in proptest::collection::vec(1_usize..9, 1..9),
        turns in proptest::collection::vec(any::<bool>(), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new("");
            // 6 and 7 are unknown.
            (1..6).for_each(|number| world.registry.put(number, NUMBER));
            let lane = world.lane(0);
            let mut records: std::collections::VecDeque<_> =
                (0..).zip(&kinds).map(|(offset, schema)| number(offset, *schema)).collect();
            let mut sizes = chunks.iter().cycle();
            let mut turns = turns.iter();
            while !records.is_empty() {
                world.registry.away(turns.next().copied().unwrap_or(false));
                let size = *sizes.next().expect("endless");
                lane.push(records.drain(..size.min(records.len())).collect());
                tokio::task::yield_now().await;
            }
            world.registry.away(false);
            let all = i64::try_from(kinds.len()).expect("few");
            until("all", || lane.state.floor() == all).await;
            let of = |unknown: bool| {
                let is_unknown = |schema: &Option<u32>| schema.is_some_and(|number| number >= 6);
                let offsets = (0..).zip(&kinds).filter(|(_, schema)| is_unknown(schema) == unknown);
                offsets.map(|(offset, _)| offset).collect::<Vec<i64>>()
            };
            prop_assert_eq!(world.brought(0), of(false));
            prop_assert_eq!(world.letters().into_iter().map(|(offset, _)| offset).collect::<Vec<_>>(), of(true));
            Ok(())
        })?;
    }
}
