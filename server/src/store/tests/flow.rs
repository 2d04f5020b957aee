//! Flows and the schemas of their payloads on both databases.

use mesh_protocol::event::Protocol;
use mesh_protocol::report::{self, Direction};
use mesh_protocol::schema_id::SchemaId;

use super::broker::agent;
use super::{on_each, site};
use crate::domain::flow::{Flow, NamedSchema, SCHEMAS_KEPT};

fn id(number: u32) -> SchemaId {
    SchemaId::new(number).expect("an id")
}

fn window(schemas: &[(u32, u64)]) -> report::Flow {
    report::Flow {
        principal: None,
        principal_name: "till-7".to_owned(),
        client_id: "till-7".to_owned(),
        protocol: Protocol::Mqtt,
        direction: Direction::Produce,
        address: "orders/{country}".to_owned(),
        example_topic: "orders/fr".to_owned(),
        broker: None,
        broker_topic: None,
        route: None,
        events: 40,
        bytes: 400,
        shape: None,
        schemas: schemas
            .iter()
            .map(|(number, events)| report::NamedSchema { id: id(*number), events: *events })
            .collect(),
    }
}

#[tokio::test]
async fn windows_of_a_flow_add_up_and_so_do_its_schemas_which_go_with_it() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let agent = agent(hq.id);
        tx.insert_agent(database.environment, &agent).await.expect("inserted");
        let at = |schemas: &[(u32, u64)], at_ms| Flow::of_window(agent.id, &window(schemas), 10_000, at_ms);
        tx.add_flow(database.environment, &at(&[(7, 30), (8, 10)], 1_000)).await.expect("kept");
        tx.add_flow(database.environment, &at(&[(8, 40)], 2_000)).await.expect("kept");
        let flows = tx.flows(database.environment, 0).await.expect("read");
        let [flow] = &flows[..] else { panic!("one flow: {flows:?}") };
        assert_eq!((flow.events, flow.bytes, flow.first_seen_ms, flow.last_seen_ms), (80, 800, 1_000, 2_000));
        let seven = NamedSchema { id: id(7), rate: 3.0, events: 30, first_seen_ms: 1_000, last_seen_ms: 1_000 };
        let eight = NamedSchema { id: id(8), rate: 4.0, events: 50, first_seen_ms: 1_000, last_seen_ms: 2_000 };
        assert_eq!(flow.schemas, [eight, seven]);
        let later = tx.flows(database.environment, 1_500).await.expect("read");
        assert_eq!(later[0].schemas, [eight], "what was not seen since is not told");

        tx.prune_flows(2_500, 1_000).await.expect("pruned");
        assert_eq!(
            tx.flows(database.environment, 0).await.expect("read")[0].schemas,
            [eight],
            "7 was seen too long ago"
        );
        let many: Vec<(u32, u64)> = (100..100 + SCHEMAS_KEPT).map(|number| (number, 1)).collect();
        tx.add_flow(database.environment, &at(&many, 3_000)).await.expect("kept");
        tx.prune_flows(3_000, 2_000).await.expect("pruned");
        let kept = &tx.flows(database.environment, 0).await.expect("read")[0].schemas;
        assert_eq!(kept.len(), SCHEMAS_KEPT as usize);
        assert!(kept.iter().all(|named| named.last_seen_ms == 3_000), "those seen last stay");
        tx.forget_address(agent.id, "orders/{country}").await.expect("forgotten");
        assert!(tx.flows(database.environment, 0).await.expect("read").is_empty());
        tx.add_flow(database.environment, &at(&[], 4_000)).await.expect("kept");
        assert_eq!(tx.flows(database.environment, 0).await.expect("read")[0].schemas, [], "they went with their flow");
    })
    .await;
}

#[tokio::test]
async fn a_level_stays_until_another_one_is_set() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let now_ms = 100_000_000;
        for (before_s, level) in [(1_000, 1), (305, 7), (304, 8), (105, 3)] {
            tx.set_sample("lag.orders", now_ms - before_s * 1_000, level).await.expect("set");
        }
        tx.set_sample("lag.other", now_ms, 99).await.expect("set");
        let levels = tx.levels("lag.orders", now_ms).await.expect("read");
        // From the first that is not forgotten on, ten seconds each, the slot under way included.
        assert_eq!(levels, [vec![8; 20], vec![3; 12]].concat());
        assert_eq!(tx.levels("lag.nothing", now_ms).await.expect("read"), Vec::<u64>::new());
    })
    .await;
}
