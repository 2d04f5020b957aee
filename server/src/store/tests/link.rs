//! Links on both databases.

use mesh_protocol::id::LinkId;
use uuid::Uuid;

use super::{on_each, site};
use crate::domain::link::Link;
use crate::store::StoreError;

#[tokio::test]
async fn a_link_comes_back_as_it_was_written_and_a_stale_edit_hits_nothing() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (hq, berlin) = (site("hq"), site("berlin"));
        for site in [&hq, &berlin] {
            tx.insert_site(database.environment, site).await.expect("inserted");
        }
        let link = Link {
            id: LinkId(Uuid::now_v7()),
            from: berlin.id,
            to: hq.id,
            enabled: true,
            revision: 1,
            updated_at_ms: 5,
            updated_by: "ada".into(),
        };
        tx.insert_link(database.environment, &link).await.expect("inserted");
        assert_eq!(tx.links(database.environment).await.expect("read"), std::slice::from_ref(&link));
        let off = Link { enabled: false, updated_at_ms: 6, updated_by: "bob".into(), ..link };
        tx.update_link(&off, 1).await.expect("updated");
        let stale = tx.update_link(&off, 1).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "link" })), "{stale:?}");
        assert_eq!(tx.links(database.environment).await.expect("read"), [Link { revision: 2, ..off.clone() }]);
        assert!(matches!(tx.delete_link(off.id, 1).await, Err(StoreError::Stale { .. })));
        tx.delete_link(off.id, 2).await.expect("deleted");
    })
    .await;
}
