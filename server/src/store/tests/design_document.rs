//! Documents of imported versions, on both databases.

use serde_json::json;

use super::design::{domain, object, version};
use super::on_each;
use crate::domain::design::{Application, Content, Kind};

#[tokio::test]
async fn a_document_comes_back_in_the_order_of_its_author_and_goes_with_its_version() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let domain = domain(&mut tx, database.environment, "orders").await;
        let till = object(Kind::Application, domain, "till");
        tx.insert_design_object(database.environment, &till).await.expect("inserted");
        let first = version(till.id, "1.0.0", Content::Application(Application::default()));
        tx.insert_design_version(&first).await.expect("inserted");
        assert_eq!(tx.design_document(first.id).await.expect("read"), None);
        let document = json!({"z": "\u{0}", "a": {"y": 1, "b": [2.5, null]}});
        tx.insert_design_document(first.id, &document).await.expect("kept");
        let read = tx.design_document(first.id).await.expect("read").expect("there");
        assert_eq!(read.to_string(), document.to_string());
        tx.delete_design_version(first.id, first.revision).await.expect("deleted");
        assert_eq!(tx.design_document(first.id).await.expect("read"), None);
    })
    .await;
}
