//! Application domains over REST: what is wrong is told at its field, and the catalog is sorted by their claims.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;

#[tokio::test]
async fn a_domain_is_made_changed_and_removed_and_its_parts_keep_it() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let call = async |method: &str, path: &str, input: Option<Value>| {
        portal.call(method, &format!("/api/v1/{path}"), Some(&admin), input).await
    };
    for (input, field) in [
        (json!({"name": "Retail"}), "name"),
        (json!({"name": "retail", "topics": ["a/\0"]}), "topics"),
        (json!({"name": "retail", "kafka_topics": ["*"]}), "kafka_topics"),
        (json!({"name": "retail", "parent": uuid::Uuid::nil()}), "parent"),
    ] {
        let refused = call("POST", "domains", Some(input)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        assert_eq!(refused.body["fields"][0]["field"], field, "{refused:?}");
    }
    let input = json!({"name": "retail", "topics": [" shop/> ", "shop/>"], "owner": "Store Systems"});
    let retail = call("POST", "domains", Some(input.clone())).await.body;
    assert_eq!(retail["config"]["topics"], json!(["shop/>"]), "{retail}");
    let taken = call("POST", "domains", Some(input)).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY, "{taken:?}");
    let orders = json!({"name": "orders", "parent": retail["id"], "topics": ["shop/orders/>"]});
    let orders = call("POST", "domains", Some(orders)).await.body;
    assert_eq!((&orders["parent_name"], &orders["owner"]), (&json!("retail"), &json!("Store Systems")), "{orders}");

    let path = |domain: &Value| format!("domains/{}", domain["id"].as_str().expect("an id"));
    let around = json!({"revision": retail["revision"], "value": {"name": "retail", "parent": orders["id"]}});
    let refused = call("PUT", &path(&retail), Some(around)).await;
    assert_eq!(refused.body["fields"][0]["field"], "parent", "{refused:?}");
    let gone = json!({"revision": 1, "value": {"name": ""}});
    let missing = call("PUT", &format!("domains/{}", uuid::Uuid::nil()), Some(gone)).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "what is not there is told before what is wrong");
    let kept = call("DELETE", &format!("{}?revision=1", path(&retail)), None).await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    assert!(kept.body["title"].as_str().is_some_and(|why| why.contains("orders")), "{kept:?}");
    let value = json!({"name": "orders", "topics": ["shop/orders/>"]});
    let alone = call("PUT", &path(&orders), Some(json!({"revision": orders["revision"], "value": value}))).await;
    assert_eq!((alone.status, &alone.body["owner"]), (StatusCode::OK, &json!("")), "{alone:?}");
    let removed = call("DELETE", &format!("{}?revision=1", path(&retail)), None).await;
    assert_eq!(removed.status, StatusCode::OK, "{removed:?}");
    assert_eq!(call("GET", "domains", None).await.body["total"], 1);
    assert_eq!(call("GET", "domains/suggestions", None).await.body["total"], 0, "nothing is known yet");
}
