//! The schema registry as its clients use it: what is registered, found, refused and deleted.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;
use crate::app::permission::{Access, REGISTRY_ENDPOINTS};
use crate::domain::person::PortalRole;
use crate::http::registry::{BASE, ENDPOINTS};

pub(super) const FIRST: &str = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#;
/// The same in other words: keys in another order, spaces.
pub(super) const FIRST_AGAIN: &str =
    r#"{ "name" : "Order", "type":"record","fields":[{"type":"string","name":"id"} ]}"#;
pub(super) const WIDER: &str = r#"{"type": "record", "name": "Order", "fields": [
  {"name": "id", "type": "string"}, {"name": "note", "type": "string", "default": ""}]}"#;
pub(super) const BROKEN: &str = r#"{"type": "record", "name": "Order", "fields": [
  {"name": "id", "type": "string"}, {"name": "total", "type": "double"}]}"#;

/// A client of the registry, and of the portal's own API.
pub(super) struct Client {
    pub(super) portal: TestPortal,
    pub(super) auth: String,
}

impl Client {
    pub(super) async fn start() -> Self {
        Self::of(TestPortal::start().await).await
    }

    pub(super) async fn of(portal: TestPortal) -> Self {
        let auth = portal.admin().await;
        Self { portal, auth }
    }

    pub(super) async fn ask(&self, method: &str, path: &str, input: Option<Value>) -> (u16, Value) {
        let answer = self.portal.call(method, &format!("{BASE}{path}"), Some(&self.auth), input).await;
        (answer.status.as_u16(), answer.body)
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// The number of a refusal.
    pub(super) async fn refused(&self, method: &str, path: &str, input: Option<Value>) -> u64 {
        let (status, body) = self.ask(method, path, input).await;
        let code = body["error_code"].as_u64().unwrap_or_else(|| panic!("{method} {path}: {status} {body}"));
        let of_status = if code < 1_000 { code } else { code / 100 };
        assert_eq!((u64::from(status), body["message"].is_string()), (of_status, true), "{method} {path}: {body}");
        code
    }

    /// Registers and gives the id.
    pub(super) async fn register(&self, subject: &str, schema: &str) -> u64 {
        self.register_with(subject, json!({ "schema": schema })).await
    }

    pub(super) async fn register_with(&self, subject: &str, input: Value) -> u64 {
        let (status, body) = self.ask("POST", &format!("/subjects/{subject}/versions"), Some(input)).await;
        assert_eq!(status, 200, "{subject}: {body}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "only the id: {body}");
        body["id"].as_u64().expect("an id")
    }

    pub(super) async fn api(&self, method: &str, path: &str, input: Option<Value>) -> Value {
        let answer = self.portal.call(method, &format!("/api/v1/{path}"), Some(&self.auth), input).await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path}: {}", answer.body);
        answer.body
    }
}

#[test]
fn the_table_of_permissions_names_exactly_the_endpoints_there_are() {
    let mut table: Vec<&str> = REGISTRY_ENDPOINTS.iter().map(|(name, _)| *name).collect();
    let mut found: Vec<&str> = ENDPOINTS.iter().map(|(.., name)| *name).collect();
    table.sort_unstable();
    found.sort_unstable();
    found.dedup();
    assert_eq!(table, found);
}

#[tokio::test]
async fn every_endpoint_enforces_what_the_table_says() {
    let client = Client::start().await;
    let mut callers: Vec<(Option<PortalRole>, Option<String>)> = vec![(None, None)];
    for role in PortalRole::ALL {
        let input = json!({"name": role.name(), "role": role.name()});
        let token = client.api("POST", "tokens", Some(input)).await;
        callers.push((Some(role), Some(token["secret"].as_str().expect("a secret").to_owned())));
    }
    for (method, path, name) in ENDPOINTS {
        let (_, access) = REGISTRY_ENDPOINTS.iter().find(|(other, _)| other == name).expect("in the table");
        let path = format!("{BASE}{}", path.replace("{subject}", "nothing").replace("{version}", "1"));
        let path = path.replace("{id}", "7");
        let body = (*method != "get" && *method != "delete")
            .then(|| json!({ "schema": FIRST, "compatibility": "BACKWARD", "mode": "READWRITE" }));
        for (role, token) in &callers {
            let reply = client.portal.call(&method.to_uppercase(), &path, token.as_deref(), body.clone()).await;
            let code = reply.body["error_code"].as_u64();
            let what = format!("{name} as {role:?}: {} {}", reply.status, reply.body);
            match (access, role) {
                (Access::Right(_), None) => assert_eq!(code, Some(40101), "{what}"),
                (Access::Right(right), Some(role)) if !right.is_of(*role) => assert_eq!(code, Some(40301), "{what}"),
                (Access::Right(_), Some(_)) => {
                    let refused = [Some(40101), Some(40301), Some(400), Some(50001)];
                    assert!(!refused.contains(&code) && reply.status != StatusCode::METHOD_NOT_ALLOWED, "{what}");
                }
                (Access::Open | Access::SignedIn, _) => panic!("{what}: everything here takes a right"),
            }
        }
    }
}

#[tokio::test]
async fn serializers_sign_in_with_a_token_as_the_password_of_basic() {
    use base64::Engine as _;
    let client = Client::start().await;
    let input = json!({ "name": "orders-service", "role": "developer" });
    let token = client.api("POST", "tokens", Some(input)).await["secret"].as_str().expect("a secret").to_owned();
    let ask = async |credentials: String| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(credentials);
        let request = axum::http::Request::post(format!("{BASE}/subjects/orders-value/versions"))
            .header("host", "portal.test")
            .header("authorization", format!("Basic {encoded}"))
            .header("content-type", "application/vnd.schemaregistry.v1+json")
            .body(axum::body::Body::from(json!({ "schema": FIRST }).to_string()))
            .expect("a request");
        client.portal.send(request).await
    };
    let made = ask(format!("whoever:{token}")).await;
    assert_eq!((made.status, &made.body), (StatusCode::OK, &json!({ "id": 1 })), "{made:?}");
    for wrong in [format!("{token}:"), "ada:correct horse".to_owned(), format!("x:{token}x")] {
        let refused = ask(wrong).await;
        assert_eq!((refused.status, &refused.body["error_code"]), (StatusCode::UNAUTHORIZED, &json!(40101)));
    }
    let entries = client.portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read");
    let entry = entries.iter().find(|entry| entry.entry.action == "design.register").expect("an entry");
    assert_eq!(entry.entry.actor, "token orders-service");
    assert!(entry.entry.summary.contains("orders-value"), "{}", entry.entry.summary);
}

#[tokio::test]
async fn a_schema_has_one_id_everywhere_and_its_number_in_each_subject() {
    let client = Client::start().await;
    assert_eq!(client.get("/subjects").await, json!([]));
    assert_eq!(client.register("orders-value", FIRST).await, 1);
    assert_eq!(client.register("orders-value", FIRST).await, 1, "again");
    assert_eq!(client.register("orders-value", FIRST_AGAIN).await, 1, "layout does not count");
    assert_eq!(client.register("orders-value", WIDER).await, 2);
    assert_eq!(client.register("other%2Fname%20%25-value", FIRST).await, 1, "the same schema elsewhere");
    assert_eq!(client.get("/subjects").await, json!(["orders-value", "other/name %-value"]));
    assert_eq!(client.get("/subjects?subjectPrefix=other").await, json!(["other/name %-value"]));
    assert_eq!(client.get("/subjects/orders-value/versions").await, json!([1, 2]));
    let latest = client.get("/subjects/orders-value/versions/latest").await;
    assert_eq!(latest, json!({ "subject": "orders-value", "version": 2, "id": 2, "schema": WIDER }));
    assert_eq!(client.get("/subjects/orders-value/versions/-1").await, latest);
    assert_eq!(client.get("/subjects/orders-value/versions/1").await["schema"], FIRST);
    assert_eq!(client.get("/subjects/orders-value/versions/1/schema").await["name"], "Order", "the bare text");
    assert_eq!(client.get("/schemas/ids/1").await, json!({ "schema": FIRST }));
    assert_eq!(client.get("/schemas/ids/1?fetchMaxId=true").await["maxId"], 2);
    assert_eq!(client.get("/schemas/ids/2/schema").await["fields"][1]["name"], "note");
    assert_eq!(client.get("/schemas/ids/1/subjects").await, json!(["orders-value", "other/name %-value"]));
    let holders = json!([
        { "subject": "orders-value", "version": 1 }, { "subject": "other/name %-value", "version": 1 }]);
    assert_eq!(client.get("/schemas/ids/1/versions").await, holders);
    assert_eq!(client.get("/schemas?latestOnly=true&subjectPrefix=orders").await, json!([latest]));
    assert_eq!(client.get("/schemas?offset=1&limit=1").await[0]["version"], 2);
    assert_eq!(client.get("/schemas/types").await, json!(["AVRO", "JSON", "PROTOBUF"]));
    let found =
        client.ask("POST", "/subjects/orders-value?normalize=False", Some(json!({ "schema": FIRST_AGAIN }))).await;
    assert_eq!((found.0, &found.1["version"], &found.1["id"]), (200, &json!(1), &json!(1)), "{found:?}");

    for (method, path, input, code) in [
        ("GET", "/subjects/nothing/versions", None, 40401),
        ("GET", "/subjects/nothing/versions/1", None, 40401),
        ("GET", "/subjects/orders-value/versions/3", None, 40402),
        ("GET", "/subjects/orders-value/versions/0", None, 42202),
        ("GET", "/subjects/orders-value/versions/newest", None, 42202),
        ("GET", "/schemas/ids/3", None, 40403),
        ("GET", "/schemas/ids/x", None, 40403),
        ("GET", "/nothing", None, 404),
        ("POST", "/subjects/nothing", Some(json!({ "schema": FIRST })), 40401),
        ("POST", "/subjects/orders-value", Some(json!({ "schema": BROKEN })), 40403),
        ("POST", "/subjects/orders-value/versions", Some(json!({ "schema": "{\"type\": \"recor" })), 42201),
        ("POST", "/subjects/orders-value/versions", Some(json!({ "schema": FIRST, "schemaType": "XSD" })), 42201),
        ("POST", "/subjects/orders-value/versions", Some(json!({ "schema": WIDER, "ruleSet": { "a": [] } })), 42210),
        ("POST", "/subjects/%0A/versions", Some(json!({ "schema": FIRST })), 42208),
        ("POST", "/subjects/new/versions", Some(json!({ "schema": FIRST, "id": 9 })), 42205),
        ("POST", "/subjects/new/versions", Some(json!({ "schema": FIRST, "version": 9 })), 42201),
    ] {
        assert_eq!(client.refused(method, path, input).await, code, "{method} {path}");
    }
    let large = json!({ "schema": "x".repeat(1 << 20) });
    assert_eq!(client.refused("POST", "/subjects/new/versions", Some(large)).await, 42209);
}

#[tokio::test]
async fn what_hurts_somebody_is_refused_by_the_level_of_its_subject() {
    let client = Client::start().await;
    client.register("orders-value", FIRST).await;
    let (status, body) = client.ask("POST", "/subjects/orders-value/versions", Some(json!({ "schema": BROKEN }))).await;
    assert_eq!((status, &body["error_code"]), (409, &json!(409)), "{body}");
    assert!(body["message"].as_str().is_some_and(|why| why.contains("`total`")), "{body}");
    let check = async |path: &str, schema: &str| {
        let path = format!("/compatibility/subjects/{path}");
        client.ask("POST", &path, Some(json!({ "schema": schema }))).await.1
    };
    assert_eq!(check("orders-value/versions", WIDER).await, json!({ "is_compatible": true }));
    let told = check("orders-value/versions/latest?verbose=true", BROKEN).await;
    assert_eq!(told["is_compatible"], false);
    assert!(told["messages"][0].as_str().is_some_and(|why| why.contains("READER_FIELD_MISSING_DEFAULT_VALUE")));
    assert_eq!(check("new/versions/latest", BROKEN).await["is_compatible"], true, "the first of a subject");
    assert_eq!(check("orders-value/versions/7", BROKEN).await["error_code"], 40402);
    assert_eq!(check("orders-value/versions", "{").await["error_code"], 42201);

    assert_eq!(client.get("/config").await, json!({ "compatibilityLevel": "BACKWARD" }));
    assert_eq!(client.refused("GET", "/config/orders-value", None).await, 40408);
    let global = client.get("/config/orders-value?defaultToGlobal=true").await;
    assert_eq!(global, json!({ "compatibilityLevel": "BACKWARD" }));
    let wrong = Some(json!({ "compatibility": "SIDEWAYS" }));
    assert_eq!(client.refused("PUT", "/config/orders-value", wrong).await, 42203);
    let set = client.ask("PUT", "/config/orders-value", Some(json!({ "compatibility": "NONE" }))).await;
    assert_eq!(set, (200, json!({ "compatibility": "NONE" })));
    assert_eq!(client.register("orders-value", BROKEN).await, 2);
    let removed = client.ask("DELETE", "/config/orders-value", None).await;
    assert_eq!(removed, (200, json!({ "compatibilityLevel": "NONE" })));
    assert_eq!(client.refused("DELETE", "/config/orders-value", None).await, 40401);

    // Before anything is registered, and for all.
    let set = client.ask("PUT", "/config/payments-value", Some(json!({ "compatibility": "FULL_TRANSITIVE" }))).await;
    assert_eq!(set.0, 200);
    assert_eq!(client.get("/subjects").await, json!(["orders-value"]), "a level alone is no subject");
    client.register("payments-value", FIRST).await;
    assert_eq!(client.get("/config/payments-value").await["compatibilityLevel"], "FULL_TRANSITIVE");
    client.ask("PUT", "/config", Some(json!({ "compatibility": "NONE" }))).await;
    client.register("stock-value", FIRST).await;
    client.register("stock-value", BROKEN).await;
    assert_eq!(client.ask("DELETE", "/config", None).await.1["compatibilityLevel"], "NONE");
    assert_eq!(client.get("/config").await["compatibilityLevel"], "BACKWARD");
}

#[tokio::test]
async fn a_mode_stops_changes_or_lets_ids_in() {
    let client = Client::start().await;
    client.register("orders-value", FIRST).await;
    assert_eq!(client.get("/mode").await, json!({ "mode": "READWRITE" }));
    assert_eq!(client.refused("GET", "/mode/orders-value", None).await, 40409);
    assert_eq!(client.refused("PUT", "/mode", Some(json!({ "mode": "FORWARD" }))).await, 42204);
    let set = client.ask("PUT", "/mode/orders-value", Some(json!({ "mode": "READONLY" }))).await;
    assert_eq!(set, (200, json!({ "mode": "READONLY" })));
    assert_eq!(client.register("orders-value", FIRST).await, 1, "what is there is found");
    let wider = Some(json!({ "schema": WIDER }));
    assert_eq!(client.refused("POST", "/subjects/orders-value/versions", wider).await, 42205);
    assert_eq!(client.refused("DELETE", "/subjects/orders-value", None).await, 42205);
    assert_eq!(client.ask("DELETE", "/mode/orders-value", None).await, (200, json!({ "mode": "READONLY" })));

    // Import: with the ids of elsewhere, in any order, not compared.
    let import = Some(json!({ "mode": "IMPORT" }));
    assert_eq!(client.refused("PUT", "/mode/orders-value", import.clone()).await, 42205, "something is there");
    assert_eq!(client.ask("PUT", "/mode/old-value", import).await.0, 200);
    assert_eq!(client.refused("POST", "/subjects/old-value/versions", Some(json!({ "schema": FIRST }))).await, 42205);
    assert_eq!(client.register_with("old-value", json!({ "schema": BROKEN, "id": 77, "version": 5 })).await, 77);
    assert_eq!(client.register_with("old-value", json!({ "schema": WIDER, "id": 70, "version": 2 })).await, 70);
    for (taken, version) in [(77, 9), (90, 2)] {
        let taken = json!({ "schema": FIRST, "id": taken, "version": version });
        assert_eq!(client.refused("POST", "/subjects/old-value/versions", Some(taken)).await, 42205);
    }
    assert_eq!(client.get("/subjects/old-value/versions").await, json!([2, 5]));
    client.ask("PUT", "/mode/old-value", Some(json!({ "mode": "READWRITE" }))).await;
    assert_eq!(client.register("new-value", BROKEN).await, 77, "known by its id of elsewhere");
    assert_eq!(client.register("new-key", "\"long\"").await, 78, "above all imported ones");
    assert_eq!(client.ask("PUT", "/mode", Some(json!({ "mode": "READONLY_OVERRIDE" }))).await.0, 200);
    let refused = client.refused("POST", "/subjects/old-value/versions", Some(json!({ "schema": "\"int\"" }))).await;
    assert_eq!(refused, 42205, "whatever the subject says");
}

#[tokio::test]
async fn deletion_is_soft_first_and_spares_what_others_use() {
    let client = Client::start().await;
    let line = r#"{"type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}]}"#;
    let order = r#"{"type": "record", "name": "Cart", "fields": [{"name": "line", "type": "Line"}]}"#;
    client.register("line", line).await;
    let references = json!([{ "name": "Line", "subject": "line", "version": 1 }]);
    let input = json!({ "schema": order, "references": references });
    let id = client.register_with("carts-value", input.clone()).await;
    assert_eq!(client.get("/subjects/carts-value/versions/1").await["references"], references);
    assert_eq!(client.get(&format!("/schemas/ids/{id}")).await["references"], references);
    assert_eq!(client.get("/subjects/line/versions/1/referencedby").await, json!([id]));
    let missing = json!({ "schema": order, "references": [{ "name": "Line", "subject": "line", "version": 4 }] });
    assert_eq!(client.refused("POST", "/subjects/carts-value/versions", Some(missing)).await, 42201);
    assert_eq!(client.refused("DELETE", "/subjects/line", None).await, 42206);
    assert_eq!(client.refused("DELETE", "/subjects/line/versions/1", None).await, 42206);

    client.register("orders-value", FIRST).await;
    client.register("orders-value", WIDER).await;
    assert_eq!(client.refused("DELETE", "/subjects/nothing", None).await, 40401);
    assert_eq!(client.refused("DELETE", "/subjects/orders-value/versions/9", None).await, 40402);
    assert_eq!(client.refused("DELETE", "/subjects/orders-value?permanent=true", None).await, 40405);
    assert_eq!(client.refused("DELETE", "/subjects/orders-value/versions/1?permanent=true", None).await, 40407);
    assert_eq!(client.ask("DELETE", "/subjects/orders-value/versions/1", None).await, (200, json!(1)));
    assert_eq!(client.refused("DELETE", "/subjects/orders-value/versions/1", None).await, 40406);
    assert_eq!(client.get("/subjects/orders-value/versions").await, json!([2]));
    assert_eq!(client.get("/subjects/orders-value/versions?deleted=true").await, json!([1, 2]));
    assert_eq!(client.refused("GET", "/subjects/orders-value/versions/1", None).await, 40402);
    assert_eq!(client.get("/subjects/orders-value/versions/1?deleted=true").await["version"], 1);
    let id = client.get("/subjects/orders-value/versions/1?deleted=true").await["id"].clone();
    assert_eq!(client.get(&format!("/schemas/ids/{id}")).await["schema"], FIRST, "consumers still read old records");
    assert_eq!(client.refused("POST", "/subjects/orders-value", Some(json!({ "schema": FIRST }))).await, 40403);
    assert_eq!(
        client.ask("POST", "/subjects/orders-value?deleted=true", Some(json!({ "schema": FIRST }))).await.0,
        200
    );

    // What comes back is a new version with the id it had.
    client.ask("PUT", "/config/orders-value", Some(json!({ "compatibility": "NONE" }))).await;
    assert_eq!(json!(client.register("orders-value", FIRST).await), id);
    assert_eq!(client.get("/subjects/orders-value/versions").await, json!([2, 3]));
    assert_eq!(client.ask("DELETE", "/subjects/orders-value", None).await, (200, json!([2, 3])));
    assert_eq!(client.refused("DELETE", "/subjects/orders-value", None).await, 40404);
    assert_eq!(client.get("/subjects").await, json!(["carts-value", "line"]));
    assert_eq!(client.get("/subjects?deletedOnly=true").await, json!(["orders-value"]));
    assert_eq!(client.ask("DELETE", "/subjects/orders-value?permanent=true", None).await, (200, json!([1, 2, 3])));
    assert_eq!(client.refused("GET", "/subjects/orders-value/versions?deleted=true", None).await, 40401);
    assert_eq!(client.refused("GET", &format!("/schemas/ids/{id}"), None).await, 40403);
    assert_eq!(client.refused("GET", "/config/orders-value", None).await, 40408, "its level went too");
    assert_eq!(json!(client.register("orders-value", FIRST).await), id, "an id never means anything else");
    assert_eq!(client.get("/subjects/orders-value/versions").await, json!([4]), "numbers are never used again");

    // A whole subject and what it refers to go in their order.
    assert_eq!(client.ask("DELETE", "/subjects/carts-value", None).await.0, 200);
    assert_eq!(client.ask("DELETE", "/subjects/line", None).await.0, 200);
    assert_eq!(client.refused("DELETE", "/subjects/line?permanent=true", None).await, 42206, "a deleted one names it");
    assert_eq!(client.refused("POST", "/subjects/carts-value/versions", Some(input)).await, 42201, "on what is gone");
}
