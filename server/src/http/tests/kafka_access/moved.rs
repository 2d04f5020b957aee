//! What is refused while users are kept at a cluster: taking the cluster away from under the agent that keeps them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{PartState, Shop, text};

impl Shop {
    /// The connection as it is now.
    async fn connection(&self) -> Value {
        let all = self.market.ok(&self.market.admin, "GET", "brokers", None).await;
        all["items"][0].clone()
    }

    /// Changes some fields of the connection.
    async fn edits(&self, change: Value) -> (StatusCode, Value) {
        let now = self.connection().await;
        let mut value = now["config"].clone();
        for (field, with) in change.as_object().expect("fields") {
            value[field] = with.clone();
        }
        let edit = json!({"revision": now["revision"], "value": value});
        self.market.ask(&self.market.admin, "PUT", &format!("brokers/{}", text(&now["id"])), Some(edit)).await
    }

    async fn edited(&self, change: Value) -> Value {
        let (status, answer) = self.edits(change).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// What stands beside the field that confirms the same cluster.
    async fn asked(&self, change: Value) -> String {
        let (status, answer) = self.edits(change).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!(answer["fields"][0]["field"], "same_cluster", "{answer}");
        text(&answer["fields"][0]["message"])
    }

    async fn removes(&self, issued: &Value) {
        let path = format!("kafka-credentials/{}?revision=1", text(&issued["credential"]["id"]));
        self.market.ok(&self.market.dev, "DELETE", &path, None).await;
    }

    /// The newest entry of the audit trail of an action.
    async fn audited(&self, action: &str) -> String {
        let mut tx = self.market.portal.app.store().read().await.expect("open");
        let entries = tx.audit_after(0, 1_000).await.expect("read");
        let found = entries.iter().rev().find(|one| one.entry.action == action);
        found.unwrap_or_else(|| panic!("{action} was noted")).entry.summary.clone()
    }
}

#[tokio::test]
async fn a_connection_with_users_leads_to_another_cluster_only_when_they_are_gone() {
    let shop = Shop::open(json!(["kafka"])).await;
    shop.edited(json!({"bootstrap": ["k:9092", "l:9092"]})).await;
    let issued = [shop.issue().await, shop.issue().await];
    shop.says(PartState::Running, None).await;

    let told = shop.asked(json!({"bootstrap": ["m:9092"]})).await;
    let access = format!("2 of the access of shop to retail-orders (/access/{})", shop.grant);
    assert!(told.contains("2 Kafka users of grants are kept there") && told.contains(&access), "{told}");
    assert!(told.contains("Remove these credentials first (2 of them)"), "{told}");
    shop.asked(json!({"bootstrap": ["k:9092", "l:9092", "m:9092"]})).await;
    assert_eq!(shop.connection().await["config"]["bootstrap"], json!(["k:9092", "l:9092"]), "nothing was changed");

    // Removed is not gone.
    shop.removes(&issued[0]).await;
    let told = shop.asked(json!({"bootstrap": ["m:9092"]})).await;
    assert!(told.contains("2 of the access") && told.contains("Remove these credentials first (1 of them)"), "{told}");
    shop.removes(&issued[1]).await;
    let told = shop.asked(json!({"bootstrap": ["m:9092"]})).await;
    assert!(told.contains("All of them are removed") && told.contains("wait for that"), "{told}");
    shop.says(PartState::Running, None).await;
    assert_eq!(shop.listed().await, [Value::Null; 0]);
    shop.edited(json!({"bootstrap": ["m:9092"]})).await;
}

#[tokio::test]
async fn addresses_of_the_same_cluster_can_change() {
    let shop = Shop::open(json!(["kafka"])).await;
    shop.edited(json!({"bootstrap": ["k:9092", "l:9092"]})).await;
    shop.issue().await;
    // None is new, so that it is the same cluster.
    shop.edited(json!({"bootstrap": ["l:9092", "k:9092"]})).await;
    shop.edited(json!({"bootstrap": ["k:9092"], "name": "kafka-renamed", "discover": true})).await;
    let view = shop.edited(json!({"bootstrap": ["m:9092"], "same_cluster": true})).await;
    assert_eq!(view["config"]["bootstrap"], json!(["m:9092"]));
    assert_eq!(view["config"].get("same_cluster"), None, "it is said of one edit");
    assert!(shop.audited("broker.update").await.ends_with("which leads to the same cluster as before"));
    shop.asked(json!({"bootstrap": ["k:9092"]})).await;

    // Another site may know another machine by that name.
    let input = json!({"name": "store", "region": "eu"});
    let store = shop.market.ok(&shop.market.admin, "POST", "sites", Some(input)).await;
    shop.asked(json!({"site": store["id"]})).await;
    let now = shop.connection().await;
    let mut value = now["config"].clone();
    value["bootstrap"] = json!(["k:9092"]);
    let stale = json!({"revision": 1, "value": value});
    let path = format!("brokers/{}", text(&now["id"]));
    let (status, told) = shop.market.ask(&shop.market.admin, "PUT", &path, Some(stale)).await;
    assert_eq!(status, StatusCode::CONFLICT, "who edits an older one is told that first: {told}");
}

#[tokio::test]
async fn where_no_agent_is_left_the_audit_trail_names_who_stays_at_the_cluster() {
    let shop = Shop::open(json!(["kafka"])).await;
    let issued = shop.issue().await;
    let market = &shop.market;
    for route in market.ok(&market.admin, "GET", "routes", None).await["items"].as_array().expect("routes") {
        let path = format!("routes/{}?revision={}", text(&route["id"]), route["revision"]);
        market.ask(&market.admin, "DELETE", &path, None).await;
    }
    let path = format!("brokers/{}?revision={}", text(&shop.broker["id"]), shop.broker["revision"]);
    let (status, told) = market.ask(&market.admin, "DELETE", &path, None).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    let revoke = json!({"reason": "the machine burnt"});
    market.ok(&market.admin, "POST", &format!("agents/{}/revoke", market.agent), Some(revoke)).await;
    let (status, told) = market.ask(&market.admin, "DELETE", &path, None).await;
    assert!(status.is_success(), "{told}");
    let summary = shop.audited("broker.delete").await;
    assert!(
        summary.ends_with(&format!("these users stay at its cluster: {}", text(&issued["credential"]["username"]))),
        "{summary}"
    );
}
