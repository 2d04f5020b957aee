//! Shapes of payloads on both databases.

use mesh_protocol::id::AgentId;
use mesh_protocol::report::Shape;
use serde_json::json;

use super::broker::agent;
use super::{on_each, site};
use crate::domain::shape::Inferred;

fn shape(agent: AgentId, address: &str, last_seen_ms: i64) -> Inferred {
    let mut shape = Shape::default();
    shape.look(&json!({ "id": 1, "lines": [{ "sku": "a" }], "stock": { "4711": null } }));
    Inferred {
        agent,
        address: address.to_owned(),
        life_ms: 3,
        others: 4,
        before: shape.clone(),
        shape,
        before_others: 5,
        first_seen_ms: 1,
        last_seen_ms,
        changed_ms: 2,
    }
}

#[tokio::test]
async fn a_shape_comes_back_as_it_was_written_takes_the_place_of_the_one_before_and_goes() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let agent = agent(hq.id);
        tx.insert_agent(database.environment, &agent).await.expect("inserted");
        let (orders, prices) = (shape(agent.id, "orders/new", 7), shape(agent.id, "prices/update", 9));
        for one in [&orders, &prices] {
            tx.put_shape(database.environment, one).await.expect("kept");
        }
        assert_eq!(tx.shape(agent.id, "orders/new").await.expect("read").as_ref(), Some(&orders));
        assert_eq!(tx.shape(agent.id, "orders/old").await.expect("read"), None);
        let later = Inferred {
            life_ms: 8,
            others: 9,
            before_others: 10,
            last_seen_ms: 11,
            changed_ms: 12,
            before: Shape::default(),
            ..orders
        };
        tx.put_shape(database.environment, &later).await.expect("kept");
        assert_eq!(tx.shapes_at(database.environment, "orders/new").await.expect("read"), [later]);
        let mut changes = tx.shape_changes(database.environment).await.expect("read");
        changes.sort();
        assert_eq!(changes, [(agent.id, "orders/new".to_owned(), 12), (agent.id, "prices/update".to_owned(), 2)]);
        tx.prune_shapes(10).await.expect("one is old");
        assert_eq!(tx.shape_changes(database.environment).await.expect("read").len(), 1);
        tx.forget_shape(agent.id, "orders/new").await.expect("forgotten");
        assert_eq!(tx.shape_changes(database.environment).await.expect("read"), []);
    })
    .await;
}
