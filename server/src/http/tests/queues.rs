//! Queues over REST: what is wrong is told at its field, what holds others back is told by name.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;

async fn site(portal: &TestPortal, admin: &str, name: &str) -> Value {
    let made = portal.call("POST", "/api/v1/sites", Some(admin), Some(json!({"name": name, "region": "eu"}))).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    made.body
}

#[tokio::test]
async fn a_queue_is_made_with_defaults_paused_and_found_and_stays_at_its_site() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let (hq, lyon) = (site(&portal, &admin, "hq").await, site(&portal, &admin, "lyon").await);
    let input = json!({"name": "orders", "site": hq["id"], "filters": ["orders/>"]});
    let made = portal.call("POST", "/api/v1/queues", Some(&admin), Some(input.clone())).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let config = &made.body["config"];
    assert_eq!((&config["deliveries_max"], &config["access"]), (&json!(10), &json!("exclusive")));
    assert_eq!((&made.body["site_name"], &made.body["owner"]), (&json!("hq"), &Value::Null), "no agent is there yet");

    let again = portal.call("POST", "/api/v1/queues", Some(&admin), Some(input)).await;
    assert_eq!((again.status, &again.body["fields"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("name")));

    let path = format!("/api/v1/queues/{}", made.body["id"].as_str().expect("an id"));
    let edit = |field: &str, value: Value| {
        let mut config = config.clone();
        config[field] = value;
        json!({"revision": made.body["revision"], "value": config})
    };
    for (field, value) in [
        ("site", lyon["id"].clone()),
        ("filters", json!(["orders/${username}"])),
        ("lease_ms", json!(1)),
        ("backoff_first_ms", json!(60_001)),
        ("keep_ms", json!(59_999)),
        ("keep_bytes_max", json!(1)),
    ] {
        let refused = portal.call("PUT", &path, Some(&admin), Some(edit(field, value))).await;
        assert_eq!(refused.body["fields"][0]["field"], field, "{refused:?}");
    }
    let paused = portal.call("PUT", &path, Some(&admin), Some(edit("paused", json!(true)))).await;
    assert_eq!((paused.status, &paused.body["config"]["paused"]), (StatusCode::OK, &json!(true)));
    let stale = portal.call("PUT", &path, Some(&admin), Some(edit("paused", json!(false)))).await;
    assert_eq!((stale.status, &stale.body["type"]), (StatusCode::CONFLICT, &json!("stale-revision")));

    for (query, count) in [("", 1), ("?q=ord", 1), ("?q=returns", 0), ("?site=hq", 1), ("?site=lyon", 0)] {
        let list = portal.call("GET", &format!("/api/v1/queues{query}"), Some(&admin), None).await;
        assert_eq!(list.body["total"], count, "{query}: {list:?}");
    }
}

#[tokio::test]
async fn what_is_kept_is_chosen_and_nothing_that_is_not_can_be_replayed() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let hq = site(&portal, &admin, "hq").await;
    let input = json!({"name": "orders", "site": hq["id"], "filters": ["orders/>"]});
    let made = portal.call("POST", "/api/v1/queues", Some(&admin), Some(input)).await.body;
    let (mut config, id) = (made["config"].clone(), made["id"].as_str().expect("an id"));
    assert_eq!((&config["keep_ms"], &config["keep_bytes_max"]), (&Value::Null, &json!(1 << 30)));

    let path = format!("/api/v1/queues/{id}/events");
    let replay = |which: Value| json!({"task": "replay", "which": which});
    let refused = portal.call("POST", &path, Some(&admin), Some(replay(json!("all")))).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let said = refused.body["title"].as_str().expect("a title");
    assert!(said.starts_with("the queue orders keeps nothing that was acknowledged: set `keep_ms`"), "{said}");

    (config["keep_ms"], config["keep_bytes_max"]) = (json!(86_400_000), json!(5 << 20));
    let edit = json!({"revision": made["revision"], "value": config});
    let kept = portal.call("PUT", &format!("/api/v1/queues/{id}"), Some(&admin), Some(edit)).await;
    assert_eq!((kept.status, &kept.body["config"]["keep_ms"]), (StatusCode::OK, &json!(86_400_000)), "{kept:?}");
    assert_eq!(kept.body["config"]["keep_bytes_max"], json!(5 << 20));
    for which in [json!("all"), json!({"from_position": 7}), json!({"since_ms": 5}), json!({"these": [7]})] {
        let asked = portal.call("POST", &path, Some(&admin), Some(replay(which.clone()))).await;
        assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE, "its agent is asked, and is not there: {which}");
    }
    for which in [json!({"these": []}), json!({"these": vec![7; 1_001]})] {
        let refused = portal.call("POST", &path, Some(&admin), Some(replay(which))).await;
        assert_eq!(refused.body["fields"][0]["field"], "which", "{refused:?}");
    }
    for which in [json!("some"), json!({"since_ms": "yesterday"}), json!({})] {
        let refused = portal.call("POST", &path, Some(&admin), Some(replay(which.clone()))).await;
        assert!(refused.status.is_client_error(), "{which}: {refused:?}");
    }
}

#[tokio::test]
async fn a_site_that_holds_queues_is_not_removed() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let hq = site(&portal, &admin, "hq").await;
    let input = json!({"name": "orders", "site": hq["id"], "filters": ["orders/>"]});
    let queue = portal.call("POST", "/api/v1/queues", Some(&admin), Some(input)).await.body;
    let path = format!("/api/v1/sites/{}?revision={}", hq["id"].as_str().expect("an id"), hq["revision"]);
    let refused = portal.call("DELETE", &path, Some(&admin), None).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let said = refused.body["title"].as_str().expect("a title");
    assert_eq!(said, "queues are held at this site: orders; remove them first");
    let gone = format!("/api/v1/queues/{}?revision={}", queue["id"].as_str().expect("an id"), queue["revision"]);
    assert_eq!(portal.call("DELETE", &gone, Some(&admin), None).await.status, StatusCode::OK);
    assert_eq!(portal.call("DELETE", &path, Some(&admin), None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_in_a_queue_needs_its_agent_and_a_route_to_the_mesh_has_nothing_to_look_at() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let hq = site(&portal, &admin, "hq").await;
    let input = json!({"name": "orders", "site": hq["id"], "filters": ["orders/>"]});
    let queue = portal.call("POST", "/api/v1/queues", Some(&admin), Some(input)).await.body;
    let path = format!("/api/v1/queues/{}/events", queue["id"].as_str().expect("an id"));
    let asked = portal.call("GET", &path, Some(&admin), None).await;
    assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE, "{asked:?}");

    let kafka = json!({"site": hq["id"], "name": "a", "bootstrap": ["k:9092"], "tls": false, "discover": false});
    let kafka = portal.call("POST", "/api/v1/brokers", Some(&admin), Some(kafka)).await.body;
    let from = json!({"kind": "kafka", "broker": kafka["id"], "topics": ["a"], "template": "a/b", "start": "latest"});
    let route = json!({"name": "in", "enabled": true, "from": from, "to": {"kind": "mesh"}, "mode": "guaranteed"});
    let route = portal.call("POST", "/api/v1/routes", Some(&admin), Some(route)).await.body;
    let path = format!("/api/v1/routes/{}/events", route["id"].as_str().expect("an id"));
    let asked = portal.call("GET", &path, Some(&admin), None).await;
    assert_eq!(asked.status, StatusCode::NOT_FOUND, "{asked:?}");

    let out = json!({"name": "out", "enabled": true, "from": {"kind": "mesh", "filters": ["a/>"]},
        "to": {"kind": "kafka", "broker": kafka["id"], "topic": "a", "key": ""}, "mode": "guaranteed"});
    let out = portal.call("POST", "/api/v1/routes", Some(&admin), Some(out)).await.body;
    let path = format!("/api/v1/routes/{}/events", out["id"].as_str().expect("an id"));
    let looked = portal.call("GET", &format!("{path}?shelf=acknowledged"), Some(&admin), None).await;
    assert_eq!(looked.body["fields"][0]["field"], "shelf", "a route keeps nothing that was acknowledged: {looked:?}");
    for task in
        [json!({"task": "replay", "which": "all"}), json!({"task": "delete", "shelf": "acknowledged", "which": "all"})]
    {
        let asked = portal.call("POST", &path, Some(&admin), Some(task)).await;
        assert_eq!(asked.body["fields"][0]["field"], "shelf", "{asked:?}");
    }
}
