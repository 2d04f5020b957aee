//! Search over REST, and that whoever sees only some domains is told of nothing else, not even by a count.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Reply, TestPortal};

const DOMAINS: usize = 40;

/// A portal with domains, each with designs.
struct World {
    portal: TestPortal,
    admin: String,
    domains: Vec<Value>,
}

impl World {
    async fn new() -> Self {
        let portal = TestPortal::start().await;
        let admin = portal.admin().await;
        let mut world = Self { portal, admin, domains: Vec::new() };
        for i in 0..DOMAINS {
            // The last is a part of the third.
            let parent = if i + 1 == DOMAINS { world.domains[2]["id"].clone() } else { Value::Null };
            let input = json!({"name": format!("domain-{i:02}"), "parent": parent, "owner": format!("team {}", i % 4),
                "topics": [format!("d{i}/>")], "description": "what belongs together"});
            let domain = world.post("domains", input).await;
            for j in 0..3 {
                let tags = if (i + j) % 5 == 0 { json!(["pii"]) } else { json!(["plain", format!("only-{i}")]) };
                let object = world
                    .post(
                        "designs",
                        json!({"kind": "event", "name": format!("order-{i}-{j}"), "domain": domain["id"],
                        "tags": tags, "shared": i == 7 && j == 0, "document": "An order was created"}),
                    )
                    .await;
                let content = json!({"kind": "event", "address": format!("d{i}/orders/{{country}}/v{j}")});
                let id = object["id"].as_str().expect("an id");
                world.post(&format!("designs/{id}/versions"), json!({ "content": content })).await;
            }
            world.domains.push(domain);
        }
        world
    }

    async fn post(&self, path: &str, input: Value) -> Value {
        let made = self.portal.call("POST", &format!("/api/v1/{path}"), Some(&self.admin), Some(input)).await;
        assert_eq!(made.status, StatusCode::OK, "{path}: {made:?}");
        made.body
    }

    async fn get(&self, path: &str, who: &str) -> Reply {
        self.portal.call("GET", &format!("/api/v1/{path}"), Some(who), None).await
    }

    /// All pages of a search, and the facets of the first.
    async fn search(&self, query: &str, who: &str) -> (Vec<Value>, Value) {
        let (mut items, mut cursor, mut facets) = (Vec::new(), String::new(), Value::Null);
        loop {
            let page = self.get(&format!("search?{query}&limit=7&cursor={cursor}"), who).await;
            assert_eq!(page.status, StatusCode::OK, "{query}: {page:?}");
            items.extend(page.body["items"].as_array().expect("items").clone());
            if facets.is_null() {
                facets = page.body["facets"].clone();
            }
            let Some(next) = page.body["next"].as_str() else {
                assert_eq!(page.body["total"], items.len(), "{query}");
                return (items, facets);
            };
            next.clone_into(&mut cursor);
        }
    }

    /// Somebody who sees only these domains.
    async fn viewer(&self, login: &str, domains: &[usize]) -> String {
        let domains: Vec<&Value> = domains.iter().map(|i| &self.domains[*i]["id"]).collect();
        let input = json!({"login": login, "name": login, "role": "viewer", "enabled": true, "password": "correct horse",
            "domains": domains});
        self.post("people", input).await;
        let input = json!({"login": login, "password": "correct horse"});
        self.portal.call("POST", "/api/v1/login", None, Some(input)).await.cookie.expect("signed in")
    }
}

/// Counts of one field over hits.
fn counted(hits: &[Value], field: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for hit in hits {
        let values = match &hit[field] {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            Value::String(value) if value.is_empty() => vec!["none"],
            Value::String(value) => vec![value.as_str()],
            _ => Vec::new(),
        };
        for value in values {
            *counts.entry(value.to_owned()).or_default() += 1;
        }
    }
    counts
}

fn facet(facets: &Value, field: &str) -> BTreeMap<String, u64> {
    let facets = facets.as_array().expect("facets");
    let facet = facets.iter().find(|facet| facet["field"] == field).unwrap_or_else(|| panic!("{field}: {facets:?}"));
    let values = facet["values"].as_array().expect("values").iter();
    values
        .map(|value| (value["value"].as_str().expect("text").to_owned(), value["count"].as_u64().expect("a count")))
        .collect()
}

#[tokio::test]
async fn whoever_sees_three_of_forty_domains_finds_and_counts_only_what_is_in_them() {
    let world = World::new().await;
    let seen = ["domain-02", "domain-17", "domain-30", "domain-39"];
    let viewer = world.viewer("vera", &[2, 17, 30]).await;
    for query in [
        "q=",
        "q=order",
        "q=d2/orders/fr/v0",
        "q=tag:pii",
        "q=-tag:pii",
        "q=owner:team",
        "q=created%20order-17",
        "q=only",
        "q=domain:domain",
    ] {
        let (all, _) = world.search(query, &world.admin).await;
        let is_seen = |hit: &&Value| {
            hit["domain"].as_str().is_some_and(|domain| seen.contains(&domain)) || hit["name"] == "order-7-0"
        };
        let expected: Vec<Value> = all.iter().filter(is_seen).cloned().collect();
        let (found, facets) = world.search(query, &viewer).await;
        assert_eq!(found, expected, "{query}: the same hits in the same order");
        for (field, of) in
            [("kind", "kind"), ("domain", "domain"), ("owner", "owner"), ("tag", "tags"), ("state", "state")]
        {
            assert_eq!(facet(&facets, field), counted(&expected, of), "{query}: counts of {field}");
        }
        assert!(
            all.len() > expected.len() || query.contains("17") || query.contains("d2"),
            "{query} is a question that tells"
        );
    }
    // The lists and the objects know the same limits.
    let designs = world.get("designs?limit=1000", &viewer).await;
    assert_eq!(designs.body["total"], 4 * 3 + 1, "{designs:?}");
    let domains = world.get("domains", &viewer).await;
    let names: Vec<&str> = domains.body["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|domain| domain["config"]["name"].as_str())
        .collect();
    assert_eq!(names, seen);
    let hidden = world.get("designs?q=order-5-1", &world.admin).await.body["items"][0].clone();
    for path in [
        format!("designs/{}", hidden["id"].as_str().expect("an id")),
        format!("design-versions/{}", hidden["versions"][0]["id"].as_str().expect("an id")),
    ] {
        assert_eq!(world.get(&path, &world.admin).await.status, StatusCode::OK);
        assert_eq!(world.get(&path, &viewer).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let me = world.get("me", &viewer).await.body;
    assert_eq!(me["rights"], json!(["read"]));
    for path in ["overview", "graph", "sites", "rules", "subscriptions", "policy"] {
        let closed = world.get(path, &viewer).await;
        assert_eq!(
            (closed.status, &closed.body["type"]),
            (StatusCode::FORBIDDEN, &json!("out-of-sight")),
            "{path}: {closed:?}"
        );
    }
    let changed = world
        .portal
        .call(
            "DELETE",
            &format!("/api/v1/domains/{}?revision=1", world.domains[2]["id"].as_str().expect("an id")),
            Some(&viewer),
            None,
        )
        .await;
    assert_eq!(changed.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_edit_is_found_at_once_and_what_is_deleted_is_not() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let call = async |method: &str, path: &str, input: Option<Value>| {
        portal.call(method, &format!("/api/v1/{path}"), Some(&admin), input).await
    };
    let names = async |query: &str| {
        let page = call("GET", &format!("search?q={query}"), None).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let items = page.body["items"].as_array().expect("items").clone();
        items.iter().filter_map(|hit| hit["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert!(names("shop").await.is_empty());
    let shop = call("POST", "domains", Some(json!({"name": "shop", "topics": ["shop/>"]}))).await.body;
    assert_eq!(names("shop").await, ["shop"]);
    assert_eq!(names("shop/orders/created").await, ["shop"], "by a topic that it claims");
    let text = r#"{"type": "record", "name": "Order", "fields": [{"name": "customerEmail", "type": "string"}]}"#;
    let order =
        call("POST", "designs", Some(json!({"kind": "schema", "name": "order", "domain": shop["id"]}))).await.body;
    let id = order["id"].as_str().expect("an id");
    let content = json!({"kind": "schema", "format": "AVRO", "text": text});
    let made = call("POST", &format!("designs/{id}/versions"), Some(json!({ "content": content }))).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let hit = call("GET", "search?q=field:email", None).await.body["items"][0].clone();
    assert_eq!((&hit["name"], &hit["state"]), (&json!("order"), &json!("draft")), "{hit}");
    assert_eq!(hit["why"], json!([{"what": "field", "text": "customerEmail"}]), "{hit}");
    let version = format!("design-versions/{}?revision=1", made.body["id"].as_str().expect("an id"));
    assert_eq!(call("DELETE", &version, None).await.status, StatusCode::OK);
    assert!(names("field:email").await.is_empty());
    // A replica hears of it with its next look at the audit trail.
    let other = portal.replica().await;
    other.app.look().await.expect("a first look");
    let page = other.call("GET", "/api/v1/search?q=order", Some(&admin), None).await;
    assert_eq!(page.body["items"][0]["name"], "order", "{page:?}");
    assert_eq!(call("DELETE", &format!("designs/{id}?revision=1"), None).await.status, StatusCode::OK);
    other.app.look().await.expect("a look");
    let page = other.call("GET", "/api/v1/search?q=order", Some(&admin), None).await;
    assert_eq!(page.body["total"], 0, "{page:?}");
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_told_beside_its_field() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let call = async |path: &str| portal.call("GET", &format!("/api/v1/search?{path}"), Some(&admin), None).await;
    let many = format!("q={}", "x%20".repeat(21));
    let long = format!("q={}", "x".repeat(1_001));
    for (query, field) in [(many.as_str(), "q"), (long.as_str(), "q"), ("cursor=nonsense", "cursor")] {
        let refused = call(query).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        assert_eq!(refused.body["fields"][0]["field"], field, "{refused:?}");
    }
    assert_eq!(call("kind=nonsense").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(call("q=%22%22%20-%20owner:%20%2F%2F").await.status, StatusCode::OK, "nothing typed is wrong");
    let limited = async |role: &str, domains: Value| {
        let input = json!({"login": "x", "name": "x", "role": role, "enabled": true, "password": "correct horse", "domains": domains});
        portal.call("POST", "/api/v1/people", Some(&admin), Some(input)).await
    };
    let nobody = json!([uuid::Uuid::nil()]);
    for role in ["viewer", "operator"] {
        let refused = limited(role, nobody.clone()).await;
        assert_eq!(refused.body["fields"][0]["field"], "domains", "{refused:?}");
    }
}
