//! Queues on both databases.

use mesh_protocol::desired::{OnFailure, QueueAccess, WhenFull};
use mesh_protocol::id::QueueId;
use sqlx::types::Json;
use uuid::Uuid;

use super::{on_each, site};
use crate::domain::queue::{Keep, Queue, Settings, Spec};
use crate::store::StoreError;

fn queue(name: &str, site: mesh_protocol::id::SiteId) -> Queue {
    Queue {
        id: QueueId(Uuid::now_v7()),
        spec: Spec {
            name: name.into(),
            site,
            filters: vec!["orders/>".into(), "returns/>".into()],
            exceptions: vec!["orders/test/>".into()],
            settings: Settings {
                access: QueueAccess::Partitioned,
                on_failure: OnFailure::Overtake,
                deliveries_max: None,
                ttl_ms: Some(3_600_000),
                when_full: WhenFull::Discard,
                ..Settings::default()
            },
            keep: Keep { ms: Some(86_400_000), bytes_max: 1 << 40 },
            paused: true,
            note: "why".into(),
        },
        since_revision: 7,
        revision: 1,
        updated_at_ms: 5,
        updated_by: "ada".into(),
    }
}

#[tokio::test]
async fn a_queue_comes_back_as_it_was_written_and_a_stale_edit_hits_nothing() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let orders = queue("orders", hq.id);
        tx.insert_queue(database.environment, &orders).await.expect("inserted");
        assert_eq!(tx.queues(database.environment).await.expect("read"), std::slice::from_ref(&orders));
        let (settings, keep) = (Settings::default(), Keep::default());
        let spec = Spec { name: "sales".into(), paused: false, settings, keep, ..orders.spec.clone() };
        let changed = Queue { spec, since_revision: 8, updated_at_ms: 6, ..orders.clone() };
        tx.update_queue(&changed, 1).await.expect("updated");
        let stale = tx.update_queue(&changed, 1).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "queue" })), "{stale:?}");
        let read = tx.queues(database.environment).await.expect("read");
        assert_eq!(read, [Queue { revision: 2, ..changed }]);
        assert!(matches!(tx.delete_queue(orders.id, 1).await, Err(StoreError::Stale { .. })));
        tx.delete_queue(orders.id, 2).await.expect("deleted");
        assert!(tx.queues(database.environment).await.expect("read").is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_queue_of_an_earlier_version_keeps_nothing() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let old = queue("orders", hq.id);
        let rows = on_db!(tx, |conn| {
            sqlx::query(
                "insert into queue (queue_id, environment_id, site_id, name, filters, exceptions, settings, paused, note,
                 since_revision, updated_by, revision, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 7, 'ada', 1, 5, 5)",
            )
            .bind(old.id.0)
            .bind(database.environment.0)
            .bind(hq.id.0)
            .bind(old.spec.name.as_str())
            .bind(Json(&old.spec.filters))
            .bind(Json(&old.spec.exceptions))
            .bind(Json(&old.spec.settings))
            .bind(old.spec.paused)
            .bind(old.spec.note.as_str())
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        });
        assert_eq!(rows.expect("inserted"), 1);
        let read = tx.queues(database.environment).await.expect("read");
        assert_eq!(read, [Queue { spec: Spec { keep: Keep::default(), ..old.spec.clone() }, ..old }]);
    })
    .await;
}

#[tokio::test]
async fn a_name_belongs_to_one_queue() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        tx.insert_queue(database.environment, &queue("orders", hq.id)).await.expect("inserted");
        match tx.insert_queue(database.environment, &queue("orders", hq.id)).await {
            Err(StoreError::Taken { table, column }) => assert_eq!((&*table, &*column), ("queue", "name")),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_site_with_a_queue_stays() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        tx.insert_queue(database.environment, &queue("orders", hq.id)).await.expect("inserted");
        assert!(matches!(tx.delete_site(hq.id, 1).await, Err(StoreError::Referenced)));
    })
    .await;
}
