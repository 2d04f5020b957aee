//! Every list pages by cursor, and every operation on one object says when it is not there.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;
use super::matrix::endpoints;
use crate::app::permission::{Access, ENDPOINTS};

/// Reads a list one row at a time.
async fn one_by_one(portal: &TestPortal, path: &str, auth: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = portal.call("GET", &format!("{path}?limit=1{cursor}"), Some(auth), None).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
        rows.extend(page.body["items"].as_array().expect("a page").iter().cloned());
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn every_list_is_the_same_whole_and_page_by_page() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let make = async |path: &str, input| {
        let made = portal.call("POST", &format!("/api/v1/{path}"), Some(&admin), Some(input)).await;
        assert_eq!(made.status, StatusCode::OK, "{path}: {made:?}");
        made.body
    };
    let mut sites = Vec::new();
    for name in ["hq", "berlin", "lyon"] {
        let hub = sites.first().cloned().unwrap_or(Value::Null);
        sites.push(make("sites", json!({"name": name, "region": "eu", "connects_to": hub})).await["id"].clone());
        let broker = json!({"site": sites[0], "name": name, "bootstrap": ["k:9092"], "tls": false, "discover": false});
        let broker = make("brokers", broker).await["id"].clone();
        let from = json!({"kind": "kafka", "broker": broker, "topics": ["a"], "template": "a/b", "filter": "",
                          "start": "latest"});
        let to = json!({"kind": "mesh"});
        let route = json!({"name": name, "enabled": true, "from": from, "to": to, "mode": "guaranteed", "note": ""});
        make("routes", route).await;
        make("queues", json!({"name": name, "site": sites[0], "filters": ["a/>"]})).await;
        make("applications", json!({"name": name, "owner": "", "description": ""})).await;
        make("roles", json!({"name": name, "description": ""})).await;
        make("tokens", json!({"name": name, "role": "viewer"})).await;
        make("principals", json!({"username": name})).await;
        make("rules", json!({"subject": "anyone", "action": "publish", "effect": "allow", "filter": name})).await;
        make("teams", json!({"name": name})).await;
        portal.person(&admin, name, "viewer").await;
    }
    for (list, least) in [
        ("sites", 3),
        ("agents", 0),
        ("links", 2),
        ("listeners", 6),
        ("brokers", 3),
        ("routes", 3),
        ("queues", 3),
        ("applications", 3),
        ("roles", 3),
        ("people", 4),
        ("tokens", 3),
        ("principals", 6),
        ("rules", 3),
        ("scopes", 0),
        ("domains", 0),
        ("teams", 3),
        ("owners", 7),
        ("ownership", 0),
        ("designs", 0),
        ("denials", 0),
        ("subscriptions", 0),
        ("catalog", 0),
        ("search", 3),
    ] {
        let path = format!("/api/v1/{list}");
        let whole = portal.call("GET", &path, Some(&admin), None).await.body;
        let items = whole["items"].as_array().unwrap_or_else(|| panic!("{list} is a page: {whole}"));
        assert!(items.len() >= least && whole["total"] == items.len(), "{list}: {whole}");
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&one_by_one(&portal, &path, &admin).await), ids(items), "{list}");
        let foreign = portal.call("GET", &format!("{path}?cursor=%25"), Some(&admin), None).await;
        assert_eq!(foreign.body["fields"][0]["field"], "cursor", "{list}: {foreign:?}");
    }
}

#[tokio::test]
async fn whatever_is_asked_of_an_object_that_is_not_there_is_not_found() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    for endpoint in endpoints() {
        let access = ENDPOINTS.iter().find(|(operation, _)| *operation == endpoint.operation).map(|(_, access)| access);
        if !endpoint.is_of_one || matches!(access, Some(Access::Open) | None) {
            continue;
        }
        let reply = portal.call(&endpoint.method, &endpoint.path, Some(&admin), endpoint.body.clone()).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{}: {reply:?}", endpoint.operation);
        assert_eq!(reply.body["type"], "not-found", "{}", endpoint.operation);
    }
}

#[test]
fn the_document_declares_the_problems_an_operation_can_answer_with() {
    let document = serde_json::to_value(crate::http::openapi()).expect("a document");
    let statuses = |path: &str, method: &str| -> Vec<String> {
        let answers = document["paths"][path][method]["responses"].as_object();
        answers.unwrap_or_else(|| panic!("{method} {path}")).keys().cloned().collect()
    };
    assert_eq!(statuses("/api/v1/me", "get"), ["200", "401"]);
    assert_eq!(statuses("/api/v1/sites", "get"), ["200", "400", "401", "403", "422"]);
    assert_eq!(statuses("/api/v1/sites/{id}", "put"), ["200", "400", "401", "403", "404", "409", "422"]);
    assert_eq!(statuses("/api/v1/login", "post"), ["200", "400", "401", "403", "422", "429"]);
    assert_eq!(statuses("/api/v1/setup", "get"), ["200"]);
    let asked = ["200", "400", "401", "403", "404", "409", "422", "503"];
    assert_eq!(statuses("/api/v1/queues/{id}/events", "get"), asked, "an agent is asked, which may refuse or be away");
    let problem = &document["paths"]["/api/v1/sites/{id}"]["get"]["responses"]["404"]["content"];
    let schema = &problem["application/problem+json"]["schema"]["$ref"];
    assert_eq!(schema, "#/components/schemas/ApiError");
    assert!(document["components"]["schemas"]["ApiError"].is_object());
}
