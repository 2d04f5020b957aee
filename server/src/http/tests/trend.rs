//! How drift went, over REST: counted once an hour whoever counts, and told only to who sees everything.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;
use crate::app::clock::now_ms;
use crate::domain::design::drift::trend::{Count, HOUR_MS, hour_of};

async fn designed(portal: &TestPortal, admin: &str, domain: &Value, name: &str) {
    let object = json!({"kind": "event", "name": name, "domain": domain["id"]});
    let object = portal.call("POST", "/api/v1/designs", Some(admin), Some(object)).await.body;
    let path = format!("/api/v1/designs/{}/versions", object["id"].as_str().expect("an id"));
    let content = json!({"content": {"kind": "event", "address": format!("{name}/{{id}}")}});
    let made = portal.call("POST", &path, Some(admin), Some(content)).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
}

async fn counted_once(portal: TestPortal) {
    let admin = portal.admin().await;
    let trend = async || {
        let reply = portal.call("GET", "/api/v1/drift/trend", Some(&admin), None).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply.body
    };
    let empty = trend().await;
    assert_eq!((&empty["week_ago"], &empty["points"]), (&Value::Null, &json!([])), "nothing was counted yet");
    let domain = json!({"name": "people", "topics": ["people/>"]});
    let domain = portal.call("POST", "/api/v1/domains", Some(&admin), Some(domain)).await.body;
    designed(&portal, &admin, &domain, "people").await;
    let open = trend().await["now"]["open"].as_u64().expect("a count");
    assert!(open >= 1, "what is designed and was not seen differs");

    let at_ms = now_ms();
    portal.app.count_drift(at_ms).await.expect("counted");
    designed(&portal, &admin, &domain, "orders").await;
    let other = portal.replica().await;
    for portal in [&portal, &other] {
        portal.app.count_drift(at_ms).await.expect("done already");
    }
    let told = trend().await;
    assert_eq!(told["points"].as_array().map(Vec::len), Some(1), "two portals write one row an hour: {told}");
    assert_eq!((&told["points"][0]["counts"]["open"], &told["now"]["open"]), (&json!(open), &json!(open + 1)));

    // A week ago, as if it had run then.
    let hour_ms = hour_of(now_ms()) - 7 * 24 * HOUR_MS - HOUR_MS;
    let then = Count { hour_ms, design_only: 40, ..Count::default() };
    let environment = portal.app.environment();
    let mut tx = portal.app.store().write().await.expect("a transaction");
    tx.keep_drift_count(environment, &then, 0).await.expect("kept");
    tx.commit().await.expect("committed");
    let told = trend().await;
    assert_eq!(
        told["week_ago"],
        json!({"at": hour_ms, "counts": {"open": 40, "partial": 0, "design_only": 40,
        "runtime_only": 0, "matching": 0, "ignored": 0}}),
        "{told}"
    );
    assert_eq!(told["points"].as_array().map(Vec::len), Some(1), "it is before the line begins: {told}");
    let month = portal.call("GET", "/api/v1/drift/trend?days=30", Some(&admin), None).await.body;
    assert_eq!(month["points"].as_array().map(Vec::len), Some(2), "{month}");

    let limited = json!({"name": "limited", "role": "viewer", "domains": [domain["id"]]});
    let limited = portal.call("POST", "/api/v1/tokens", Some(&admin), Some(limited)).await.body;
    let limited = limited["secret"].as_str().expect("a secret");
    let refused = portal.call("GET", "/api/v1/drift/trend", Some(limited), None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(portal.call("GET", "/api/v1/drift", Some(limited), None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_hour_is_counted_once_and_told_beside_now_and_a_week_ago() {
    counted_once(TestPortal::start().await).await;
}

#[tokio::test]
async fn portals_on_one_postgresql_count_an_hour_once() {
    if let Some(portal) = TestPortal::start_on_postgres().await {
        counted_once(portal).await;
    }
}
