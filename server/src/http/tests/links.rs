//! Links over REST: switched off and on, and nothing else of them changes.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;

#[tokio::test]
async fn a_link_is_switched_off_and_on_by_whoever_may_and_says_who_it_was() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let (_, reader) = portal.person(&admin, "vera", "viewer").await;
    let (_, operator) = portal.person(&admin, "otto", "operator").await;
    let call = async |method: &str, path: &str, who: &str, input: Option<Value>| {
        portal.call(method, &format!("/api/v1/{path}"), Some(who), input).await
    };
    let hq = call("POST", "sites", &admin, Some(json!({"name": "hq", "region": "eu"}))).await.body;
    let input = json!({"name": "berlin", "region": "eu", "connects_to": hq["id"]});
    let berlin = call("POST", "sites", &admin, Some(input)).await.body;
    let link = call("GET", "links", &reader, None).await.body["items"][0].clone();
    assert_eq!((&link["enabled"], &link["updated_by"]), (&json!(true), &json!("ada")), "{link}");

    let path = format!("links/{}", link["id"].as_str().expect("an id"));
    let edit = |revision: &Value, from: &Value, enabled: bool| {
        let to = if from == &hq["id"] { &berlin["id"] } else { &hq["id"] };
        Some(json!({"revision": revision, "value": {"from": from, "to": to, "enabled": enabled}}))
    };
    let before = call("GET", "policy", &admin, None).await.body["revision"]["revision"].clone();
    let refused = call("PUT", &path, &reader, edit(&link["revision"], &berlin["id"], false)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let turned = call("PUT", &path, &operator, edit(&link["revision"], &hq["id"], false)).await;
    assert_eq!((turned.status, &turned.body["fields"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("from")));
    assert_eq!(call("GET", "policy", &admin, None).await.body["revision"]["revision"], before, "nothing has changed");

    let off = call("PUT", &path, &operator, edit(&link["revision"], &berlin["id"], false)).await;
    assert_eq!((off.status, &off.body["enabled"]), (StatusCode::OK, &json!(false)), "{off:?}");
    assert_eq!((&off.body["updated_by"], &off.body["backlog_events"]), (&json!("otto"), &json!(0)));
    let after = call("GET", "policy", &admin, None).await.body["revision"]["revision"].clone();
    assert_eq!(after.as_u64(), before.as_u64().map(|revision| revision + 1), "agents get it");
    let stale = call("PUT", &path, &operator, edit(&link["revision"], &berlin["id"], true)).await;
    assert_eq!((stale.status, &stale.body["type"]), (StatusCode::CONFLICT, &json!("stale-revision")));
    let overview = call("GET", "overview", &reader, None).await.body;
    assert_eq!(overview["links"][0]["enabled"], false);
    let attention = overview["attention"].to_string();
    assert!(!attention.contains("no frames pass") && !attention.contains("is off"), "nothing waits: {attention}");

    let on = call("PUT", &path, &operator, edit(&off.body["revision"], &berlin["id"], true)).await;
    assert_eq!((on.status, &on.body["enabled"]), (StatusCode::OK, &json!(true)), "{on:?}");
    let gone =
        call("PUT", "links/00000000-0000-0000-0000-000000000000", &admin, edit(&json!(1), &berlin["id"], true)).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}
