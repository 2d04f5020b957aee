//! The registry and the design-time catalog are one: what happens in either is seen in both.

use serde_json::{Value, json};

use super::TestPortal;
use super::registry::{BROKEN, Client, FIRST, WIDER};

async fn object(client: &Client, q: &str) -> Value {
    let list = client.api("GET", &format!("designs?kind=schema&q={q}"), None).await;
    assert_eq!(list["total"], 1, "{q}: {list}");
    list["items"][0].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// Number, state, and number and id in the subject of each version, the highest first.
fn rows(object: &Value) -> Vec<(String, String, Value)> {
    let rows = object["versions"].as_array().expect("versions").iter();
    rows.map(|row| (text(&row["number"]).to_owned(), text(&row["state"]).to_owned(), row["registered"].clone()))
        .collect()
}

async fn step(client: &Client, id: &Value, to: &str, more: Value) -> (u16, Value) {
    let path = format!("/api/v1/design-versions/{}", text(id));
    let seen = client.portal.call("GET", &path, Some(&client.auth), None).await.body;
    let mut value = json!({ "to": to });
    value.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let input = json!({ "revision": seen["revision"], "value": value });
    let reply = client.portal.call("POST", &format!("{path}/move"), Some(&client.auth), Some(input)).await;
    (reply.status.as_u16(), reply.body)
}

/// Writes a version of an object and releases it.
async fn release(client: &Client, object: &Value, number: &str, schema: &str) -> Value {
    let content = json!({ "kind": "schema", "format": "AVRO", "text": schema });
    let path = format!("designs/{}/versions", text(&object["id"]));
    let made = client.api("POST", &path, Some(json!({ "number": number, "content": content }))).await;
    for to in ["in_review", "released"] {
        let (status, body) = step(client, &made["id"], to, json!({})).await;
        assert_eq!(status, 200, "{to}: {body}");
    }
    made["id"].clone()
}

#[tokio::test]
async fn what_is_registered_is_a_released_version_with_a_number_that_tells_the_truth() {
    let client = Client::start().await;
    let shop = json!({ "name": "shop", "owner": "Store Systems", "kafka_topics": ["orders*"] });
    client.api("POST", "domains", Some(shop)).await;
    client.register("orders-value", FIRST).await;
    client.register("orders-value", WIDER).await;
    client.ask("PUT", "/config/orders-value", Some(json!({ "compatibility": "NONE" }))).await;
    client.register("orders-value", BROKEN).await;
    let found = object(&client, "orders-value").await;
    assert_eq!((&found["domain_name"], &found["owner"]), (&json!("shop"), &json!("Store Systems")), "{found}");
    let number = |number: &str, version: u64| {
        (number.to_owned(), "released".to_owned(), json!({ "version": version, "id": version }))
    };
    assert_eq!(rows(&found), [number("2.0.0", 3), number("1.1.0", 2), number("1.0.0", 1)]);
    let subject = json!({ "name": "orders-value", "level": "NONE", "is_own_level": true, "is_read_only": false });
    assert_eq!(found["subject"], subject);

    // Nobody claims its topic.
    client.register("shop.Payment", "\"string\"").await;
    let found = object(&client, "shop.payment").await;
    assert_eq!((&found["domain_name"], &found["subject"]["name"]), (&json!("unclaimed"), &json!("shop.Payment")));
    client.register("Orders-value", "\"string\"").await;
    let list = client.api("GET", "designs?kind=schema&q=orders-value", None).await;
    assert_eq!(list["total"], 2, "another subject, another object: {list}");
}

#[tokio::test]
async fn what_people_release_is_registered_under_the_subject_they_chose() {
    let client = Client::start().await;
    let domain = client.api("POST", "domains", Some(json!({ "name": "retail" }))).await["id"].clone();
    let new =
        |name: &str, subject: &str| json!({ "kind": "schema", "name": name, "domain": domain, "subject": subject });
    let order = client.api("POST", "designs", Some(new("order", "orders-value"))).await;
    assert_eq!(order["subject"]["name"], "orders-value", "{order}");
    let plain = client.api("POST", "designs", Some(new("plain", ""))).await;
    assert_eq!(plain["subject"]["name"], "plain", "by its name: {plain}");
    let other = client.api("POST", "domains", Some(json!({ "name": "stock" }))).await["id"].clone();
    let twin = json!({ "kind": "schema", "name": "plain", "domain": other });
    let twin = client.api("POST", "designs", Some(twin)).await;
    assert_eq!(twin["subject"]["name"], "stock.plain", "where the name is taken: {twin}");
    for (input, field) in [
        (new("again", "orders-value"), "subject"),
        (json!({ "kind": "event", "name": "e", "domain": domain, "subject": "x" }), "subject"),
    ] {
        let refused = client.portal.call("POST", "/api/v1/designs", Some(&client.auth), Some(input)).await;
        assert_eq!((refused.status.as_u16(), &refused.body["fields"][0]["field"]), (422, &json!(field)));
    }

    assert_eq!(client.get("/subjects").await, json!([]), "drafts are nobody's");
    let first = release(&client, &order, "", FIRST).await;
    assert_eq!(client.get("/subjects/orders-value/versions/latest").await["id"], 1);
    assert_eq!(client.register("orders-value", FIRST).await, 1, "what people released is found");
    let second = release(&client, &order, "2.0.0", BROKEN).await;
    assert_eq!(client.get("/subjects/orders-value/versions").await, json!([1, 2]), "a new major number may break");
    client.register("orders-value", WIDER).await;

    // A new name changes nothing for clients.
    let seen = client.api("GET", &format!("designs/{}", text(&order["id"])), None).await;
    let edit = json!({ "revision": seen["revision"], "value": { "name": "order-2", "domain": domain } });
    let renamed = client.api("PUT", &format!("designs/{}", text(&order["id"])), Some(edit)).await;
    assert_eq!(renamed["subject"]["name"], "orders-value");
    assert_eq!(client.get("/subjects/orders-value/versions").await, json!([1, 2, 3]));

    // What is on its way out is served; what is retired is deleted, in both.
    let end = json!({ "reason": "old" });
    let seen = client.api("GET", &format!("design-versions/{}", text(&first)), None).await;
    let mut config = seen["config"].clone();
    config["end_of_life_at"] = json!(4_000_000_000_000_i64);
    let edit = json!({ "revision": seen["revision"], "value": config });
    client.api("PUT", &format!("design-versions/{}", text(&first)), Some(edit)).await;
    assert_eq!(step(&client, &first, "deprecated", end).await.0, 200);
    assert_eq!(client.get("/subjects/orders-value/versions").await, json!([1, 2, 3]));
    assert_eq!(step(&client, &first, "retired", json!({})).await.0, 200);
    assert_eq!(client.get("/subjects/orders-value/versions").await, json!([2, 3]));
    assert_eq!(client.get("/schemas/ids/1").await["schema"], FIRST, "for the records that are there");
    assert_eq!(client.ask("DELETE", "/subjects/orders-value/versions/2", None).await.0, 200);
    let seen = client.api("GET", &format!("design-versions/{}", text(&second)), None).await;
    assert_eq!((&seen["state"], text(&seen["state_reason"]).contains("subject")), (&json!("retired"), true));

    // An object without versions goes with its subject.
    client.api("DELETE", &format!("designs/{}?revision=1", text(&plain["id"])), None).await;
    client.register("plain", FIRST).await;
    assert_eq!(client.get("/subjects/plain/versions").await, json!([1]));
}

#[tokio::test]
async fn the_level_of_the_subject_is_what_a_release_is_judged_by() {
    let client = Client::start().await;
    let domain = client.api("POST", "domains", Some(json!({ "name": "retail" }))).await["id"].clone();
    let new = json!({ "kind": "schema", "name": "order", "domain": domain });
    let order = client.api("POST", "designs", Some(new)).await;
    let path = format!("designs/{}", text(&order["id"]));
    release(&client, &order, "1.0.0", BROKEN).await;
    // To leave a field out is readable backward, not forward.
    let draft = async || {
        let content = json!({ "kind": "schema", "format": "AVRO", "text": FIRST });
        let made = client.api("POST", &format!("{path}/versions"), Some(json!({ "content": content }))).await;
        let number = text(&made["config"]["number"]).to_owned();
        let id = text(&made["id"]).to_owned();
        client.api("DELETE", &format!("design-versions/{id}?revision=1"), None).await;
        number
    };
    assert_eq!(draft().await, "1.1.0");
    let set = client.api("PUT", &format!("{path}/level"), Some(json!({ "level": "FULL" }))).await;
    assert_eq!((&set["subject"]["level"], &set["subject"]["is_own_level"]), (&json!("FULL"), &json!(true)), "{set}");
    assert_eq!(client.get("/config/order").await["compatibilityLevel"], "FULL");
    assert_eq!(draft().await, "2.0.0");
    client.ask("PUT", "/config/order", Some(json!({ "compatibility": "NONE" }))).await;
    assert_eq!(draft().await, "1.1.0", "NONE lets everything pass, and numbers tell what is not readable backward");
    let unset = client.api("PUT", &format!("{path}/level"), Some(json!({}))).await;
    assert_eq!((&unset["subject"]["level"], &unset["subject"]["is_own_level"]), (&json!("BACKWARD"), &json!(false)));
    let event = json!({ "kind": "event", "name": "created", "domain": domain });
    let event = client.api("POST", "designs", Some(event)).await;
    let event = format!("/api/v1/designs/{}/level", text(&event["id"]));
    let refused = client.portal.call("PUT", &event, Some(&client.auth), Some(json!({ "level": "FULL" }))).await;
    assert_eq!((refused.status.as_u16(), &refused.body["fields"][0]["field"]), (422, &json!("level")));

    // What is read-only is released by nobody.
    let content = json!({ "kind": "schema", "format": "AVRO", "text": FIRST });
    let made = client.api("POST", &format!("{path}/versions"), Some(json!({ "content": content }))).await;
    assert_eq!(step(&client, &made["id"], "in_review", json!({})).await.0, 200);
    client.ask("PUT", "/mode/order", Some(json!({ "mode": "READONLY" }))).await;
    let (status, refused) = step(&client, &made["id"], "released", json!({})).await;
    assert_eq!((status, &refused["fields"][0]["field"]), (422, &json!("state")), "{refused}");
    client.ask("DELETE", "/mode/order", None).await;
    assert_eq!(step(&client, &made["id"], "released", json!({})).await.0, 200);
}

/// An event that is served keeps its schema in the registry, and what was there before the registry is found by it.
#[tokio::test]
async fn what_an_event_needs_is_not_deleted_and_a_start_registers_what_is_not() {
    let client = Client::start().await;
    let domain = client.api("POST", "domains", Some(json!({ "name": "retail" }))).await["id"].clone();
    let new = |kind: &str, name: &str| json!({ "kind": kind, "name": name, "domain": domain });
    let order = client.api("POST", "designs", Some(new("schema", "order"))).await;
    let first = release(&client, &order, "", FIRST).await;
    let created = client.api("POST", "designs", Some(new("event", "order-created"))).await;
    let content = json!({ "kind": "event", "address": "orders/created", "schema": first });
    let versions = format!("designs/{}/versions", text(&created["id"]));
    let made = client.api("POST", &versions, Some(json!({ "content": content }))).await;
    for to in ["in_review", "released"] {
        assert_eq!(step(&client, &made["id"], to, json!({})).await.0, 200);
    }
    let (_, refused) = client.ask("DELETE", "/subjects/order", None).await;
    assert_eq!(refused["error_code"], 42206);
    assert!(text(&refused["message"]).contains("event order-created 1.0.0"), "{refused}");

    // As a portal without a registry leaves it.
    release(&client, &order, "", WIDER).await;
    let store = client.portal.app.store();
    let mut tx = store.write().await.expect("a transaction");
    let environment = client.portal.app.environment();
    for one in tx.registered_versions(environment).await.expect("read") {
        tx.delete_registered_version(&one).await.expect("removed");
    }
    for subject in tx.subjects(environment).await.expect("read") {
        tx.delete_subject(subject.id).await.expect("removed");
    }
    tx.commit().await.expect("committed");
    let later = client.portal.replica().await;
    let found = later.call("GET", "/registry/subjects/order/versions", Some(&client.auth), None).await;
    assert_eq!(found.body, json!([1, 2]));
    let newest = later.call("GET", "/registry/subjects/order/versions/2", Some(&client.auth), None).await;
    assert_eq!((&newest.body["schema"], &newest.body["id"]), (&json!(WIDER), &json!(2)), "ids are the ones they had");
}

async fn at_once(portal: TestPortal) {
    let client = Client::of(portal).await;
    let others = [client.portal.replica().await, client.portal.replica().await];
    let schema = |n: usize| format!(r#"{{"type": "record", "name": "R{n}", "fields": []}}"#);
    let (auth, portal) = (&client.auth, &client.portal);
    let asks = (0..36).map(|n| {
        let portal = if n % 3 == 0 { portal } else { &others[n % 3 - 1] };
        let path = format!("/registry/subjects/s{}-value/versions", n % 6);
        let body = json!({ "schema": schema(n % 12 / 6) });
        async move { portal.call("POST", &path, Some(auth), Some(body)).await }
    });
    client.ask("PUT", "/config", Some(json!({ "compatibility": "NONE" }))).await;
    let replies = futures::future::join_all(asks).await;
    for (n, reply) in replies.iter().enumerate() {
        assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
        assert_eq!(reply.body["id"], replies[n % 12 / 6 * 6].body["id"], "one id for one schema: {n}");
    }
    for n in 0..6 {
        assert_eq!(client.get(&format!("/subjects/s{n}-value/versions")).await, json!([1, 2]));
    }
    assert_eq!(client.get("/schemas/ids/1?fetchMaxId=true").await["maxId"], 2, "none was given out in vain");
}

#[tokio::test]
async fn registering_at_once_over_several_portals_gives_one_id_and_no_gaps() {
    at_once(TestPortal::start().await).await;
    if let Some(portal) = TestPortal::start_on_postgres().await {
        at_once(portal).await;
    }
}
