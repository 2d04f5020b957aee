//! How payloads kept to contracts, on both databases.

use mesh_protocol::event::Protocol;
use mesh_protocol::id::{AgentId, DesignObjectId};

use super::broker::agent;
use super::design::{domain, object};
use super::{on_each, site};
use crate::domain::contract::{Breach, Count, SLOT_MS};
use crate::domain::design::{Kind, Validation};

fn breach(key: u8, event: DesignObjectId, agent: AgentId, last_ms: i64) -> Breach {
    Breach {
        key: [key; 32],
        event,
        agent,
        principal: uuid::Uuid::from_u128(7).into(),
        principal_name: "tills".to_owned(),
        client_id: "till-7".to_owned(),
        protocol: Protocol::Mqtt,
        topic: "orders/fr/created".to_owned(),
        label: "order-created 1.2.0".to_owned(),
        path: "$.amount".to_owned(),
        reason: "is not a number".to_owned(),
        rejected: false,
        diverted: true,
        count: 3,
        first_ms: last_ms,
        last_ms,
    }
}

#[tokio::test]
async fn counts_and_runs_add_up_and_go() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let agent = agent(hq.id);
        tx.insert_agent(database.environment, &agent).await.expect("inserted");
        let (event, other) = (DesignObjectId(uuid::Uuid::from_u128(1)), DesignObjectId(uuid::Uuid::from_u128(2)));
        let count =
            |checked, invalid| Count { checked, invalid, rejected: invalid / 2, diverted: invalid - invalid / 2 };
        for (at_ms, counted) in [(10, count(5, 2)), (SLOT_MS - 1, count(2, 0)), (SLOT_MS, count(7, 6))] {
            tx.add_contract_count(event, agent.id, at_ms, counted).await.expect("kept");
        }
        tx.add_contract_count(other, agent.id, 10, count(100, 100)).await.expect("kept");
        assert_eq!(tx.contract_count(event, 0).await.expect("read"), count(14, 8));
        assert_eq!(tx.contract_count(event, SLOT_MS + 5).await.expect("read"), count(7, 6));
        assert_eq!(tx.contract_count(event, 2 * SLOT_MS).await.expect("read"), Count::default());

        let first = breach(1, event, agent.id, 100);
        for one in [&first, &breach(2, event, agent.id, 200), &breach(3, other, agent.id, 300)] {
            tx.add_breach(one).await.expect("kept");
        }
        let again = Breach { topic: "orders/de/created".to_owned(), count: 4, first_ms: 250, last_ms: 250, ..first };
        tx.add_breach(&again).await.expect("added");
        let runs = tx.breaches(event, 10).await.expect("read");
        assert_eq!(runs[0], Breach { count: 7, first_ms: 100, ..again }, "the last one's topic, the first one's time");
        assert_eq!((runs.len(), runs[1].last_ms), (2, 200));
        assert_eq!(tx.breaches(event, 1).await.expect("read").len(), 1);

        tx.prune_contracts(SLOT_MS, 250).await.expect("some are old");
        assert_eq!(tx.contract_count(event, 0).await.expect("read"), count(7, 6));
        assert_eq!(tx.breaches(event, 10).await.expect("read").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_an_event_says_of_payloads_comes_back_and_is_found() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let domain = domain(&mut tx, database.environment, "orders").await;
        let mut event = object(Kind::Event, domain, "order-created");
        tx.insert_design_object(database.environment, &event).await.expect("inserted");
        assert!(!tx.has_contracts(database.environment).await.expect("read"));
        event.spec.validation = Validation::Diverted;
        tx.update_design_object(&event, 1).await.expect("written");
        assert!(tx.has_contracts(database.environment).await.expect("read"));
        let read = tx.design_objects(database.environment).await.expect("read").remove(0);
        assert_eq!(read.spec, event.spec);
        let mut reported = object(Kind::Event, domain, "order-paid");
        reported.spec.validation = Validation::Reported;
        tx.insert_design_object(database.environment, &reported).await.expect("inserted");
        let read = tx.design_objects(database.environment).await.expect("read");
        assert!(read.iter().any(|object| object.spec == reported.spec));
    })
    .await;
}
