//! Scopes over REST: what is wrong is told at its field, and a site that one names stays.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;

#[tokio::test]
async fn a_scope_is_made_changed_and_removed_and_each_is_a_revision_for_the_agents() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let call = async |method: &str, path: &str, input: Option<Value>| {
        portal.call(method, &format!("/api/v1/{path}"), Some(&admin), input).await
    };
    let hq = call("POST", "sites", Some(json!({"name": "hq", "region": "eu-central"}))).await.body;
    let revision = async || call("GET", "policy", None).await.body["revision"]["revision"].clone();
    let before = revision().await;
    let wrong = [
        (json!({"name": "EU only", "filter": "customers/>", "regions": ["eu-central"]}), "name"),
        (json!({"name": "eu-only", "filter": "a/#/b", "dialect": "mqtt", "regions": ["eu-central"]}), "filter"),
        (json!({"name": "eu-only", "filter": "own/${username}", "regions": ["eu-central"]}), "filter"),
        (json!({"name": "eu-only", "filter": "customers/>"}), "sites"),
        (json!({"name": "eu-only", "filter": "customers/>", "regions": ["mars"]}), "regions"),
        (json!({"name": "eu-only", "filter": "customers/>", "sites": [uuid::Uuid::nil()]}), "sites"),
    ];
    for (input, field) in wrong {
        let refused = call("POST", "scopes", Some(input)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        assert_eq!(refused.body["fields"][0]["field"], field, "{refused:?}");
    }
    assert_eq!(revision().await, before, "nothing has changed");

    let input = json!({"name": "eu-only", "filter": "customers/>", "sites": [hq["id"]], "regions": ["eu-central"], "note": "GDPR"});
    let made = call("POST", "scopes", Some(input.clone())).await;
    assert_eq!((made.status, &made.body["site_names"]), (StatusCode::OK, &json!(["hq"])), "{made:?}");
    assert_eq!(revision().await.as_u64(), before.as_u64().map(|revision| revision + 1), "agents get it");
    let taken = call("POST", "scopes", Some(input)).await;
    assert_eq!(taken.body["fields"][0]["field"], "name", "{taken:?}");
    let site = format!("sites/{}?revision={}", hq["id"].as_str().expect("an id"), hq["revision"]);
    let kept = call("DELETE", &site, None).await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    assert!(kept.body["title"].as_str().is_some_and(|why| why.contains("eu-only")), "{kept:?}");

    let path = format!("scopes/{}", made.body["id"].as_str().expect("an id"));
    let value = json!({"name": "eu-only", "filter": "customers/#", "dialect": "mqtt", "regions": ["eu-central"]});
    let edit = json!({"revision": made.body["revision"], "value": value});
    let changed = call("PUT", &path, Some(edit.clone())).await;
    assert_eq!((changed.status, &changed.body["config"]["sites"]), (StatusCode::OK, &json!([])), "{changed:?}");
    let stale = call("PUT", &path, Some(edit)).await;
    assert_eq!((stale.status, &stale.body["type"]), (StatusCode::CONFLICT, &json!("stale-revision")));
    let listed = call("GET", "scopes", None).await.body;
    assert_eq!((&listed["total"], &listed["items"][0]["config"]["dialect"]), (&json!(1), &json!("mqtt")));
    let removed = call("DELETE", &format!("{path}?revision={}", changed.body["revision"]), None).await;
    assert_eq!(removed.status, StatusCode::OK, "{removed:?}");
    assert_eq!(call("GET", "scopes", None).await.body["total"], 0);
}
