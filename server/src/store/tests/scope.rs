//! Scopes on both databases.

use mesh_protocol::desired::Scope as Policy;
use mesh_protocol::id::ScopeId;
use mesh_protocol::topic::Filter;
use uuid::Uuid;

use super::on_each;
use crate::domain::scope::Scope;
use crate::store::StoreError;

fn scope(name: &str) -> Scope {
    Scope {
        id: ScopeId(Uuid::now_v7()),
        policy: Policy {
            name: name.into(),
            filter: Filter::mqtt("customers/#").expect("valid"),
            sites: vec![Uuid::from_u128(7).into()],
            regions: vec!["eu-central".into(), "eu-west".into()],
        },
        note: "GDPR".into(),
        since_revision: 7,
        revision: 1,
        updated_at_ms: 5,
        updated_by: "ada".into(),
    }
}

#[tokio::test]
async fn a_scope_comes_back_as_it_was_written_and_a_stale_edit_hits_nothing() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let own = scope("eu-only");
        tx.insert_scope(database.environment, &own).await.expect("inserted");
        assert_eq!(tx.scopes(database.environment).await.expect("read"), std::slice::from_ref(&own));
        assert_eq!(tx.scope(own.id).await.expect("read").as_ref(), Some(&own));
        let policy = Policy { name: "europe".into(), regions: vec![], ..own.policy.clone() };
        let changed = Scope { policy, note: String::new(), since_revision: 8, updated_at_ms: 6, ..own.clone() };
        tx.update_scope(&changed, 1).await.expect("updated");
        let stale = tx.update_scope(&changed, 1).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "scope" })), "{stale:?}");
        assert_eq!(tx.scope(own.id).await.expect("read"), Some(Scope { revision: 2, ..changed }));
        assert!(matches!(tx.delete_scope(own.id, 1).await, Err(StoreError::Stale { .. })));
        tx.delete_scope(own.id, 2).await.expect("deleted");
        assert!(tx.scopes(database.environment).await.expect("read").is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_once() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        tx.insert_scope(database.environment, &scope("eu-only")).await.expect("inserted");
        let again = tx.insert_scope(database.environment, &scope("eu-only")).await;
        assert!(matches!(again, Err(StoreError::Taken { .. })), "{again:?}");
    })
    .await;
}
