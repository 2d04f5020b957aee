//! What nobody answers for over REST: found with who could, given away as it was previewed or not at all, by hand and by
//! a list.

use axum::http::StatusCode;
use mesh_protocol::report::{Discovery, ObjectFacts, Report, RuntimeObject, TopicFacts};
use serde_json::{Value, json};

use super::drift::Mesh;

async fn found(mesh: &Mesh, query: &str) -> Value {
    let reply = mesh.call("GET", &format!("ownership?{query}"), None).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    reply.body
}

/// Waits until the queue is so: what was read a moment before a report is good for a moment.
async fn until(mesh: &Mesh, query: &str, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..200 {
        let page = found(mesh, query).await;
        if is(&page) {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it never becomes so: {}", found(mesh, query).await);
}

fn named<'a>(page: &'a Value, name: &str) -> &'a Value {
    let items = page["items"].as_array().expect("rows");
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name} in {page}"))
}

fn names(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|item| item["name"].as_str().expect("a name").to_owned())
        .collect()
}

async fn made(mesh: &Mesh, path: &str, input: Value) -> Value {
    let made = mesh.post(path, input).await;
    assert_eq!(made.status, StatusCode::OK, "{path}: {made:?}");
    made.body
}

/// Kafka topics, as the agent finds them in a cluster of this name.
async fn topics(mesh: &Mesh, cluster: &str, topics: &[(&str, bool)]) {
    let broker = json!({"site": mesh.site, "name": cluster, "bootstrap": ["k:9092"], "tls": false, "discover": true});
    let broker = made(mesh, "brokers", broker).await["id"].clone();
    let topic = |(name, internal): &(&str, bool)| {
        let facts = TopicFacts { internal: *internal, ..TopicFacts::default() };
        RuntimeObject { name: (*name).to_owned(), facts: ObjectFacts::Topic(facts) }
    };
    let discovery = Discovery {
        broker: serde_json::from_value(broker).expect("an id"),
        at_ms: crate::app::clock::now_ms(),
        full: true,
        scan: 1,
        last: true,
        objects: topics.iter().map(topic).collect(),
        removed: vec![],
        missing_rights: vec![],
        failed: None,
    };
    let refused = mesh.portal.app.take_report(mesh.agent, 1, Report::Discovery(discovery)).await.expect("stored");
    assert_eq!(refused, None);
}

/// Previews a task and does it as it was previewed.
async fn done(mesh: &Mesh, path: &str, task: Value) -> Value {
    let preview = mesh.post(&format!("{path}/preview"), task.clone()).await;
    assert_eq!((preview.status, &preview.body["conflicts"]), (StatusCode::OK, &json!(0)), "{preview:?}");
    let done = mesh.post(path, json!({"preview": preview.body["preview"], "task": task})).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    done.body
}

#[tokio::test]
async fn what_nobody_answers_for_stands_there_the_busiest_first_with_who_could() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr", "prices/fr"]).await;
    topics(&mesh, "kafka-a", &[("retail.orders", false), ("retail.prices", false), ("__offsets", true)]).await;
    let page = until(&mesh, "", |page| page["total"] == 4).await;
    assert_eq!(
        names(&page),
        ["orders/fr", "prices/fr", "retail.orders", "retail.prices"],
        "internal topics are left out"
    );
    assert_eq!(page["counts"], json!([{"kind": "address", "count": 2}, {"kind": "topic", "count": 2}]));
    let orders = named(&page, "orders/fr");
    assert_eq!(orders["suggestion"]["owner"], "shops", "by the application that sends there: {page}");
    assert_eq!(orders["suggestion"]["evidence"], json!(["till sends there and belongs to shops."]));
    assert_eq!(named(&page, "retail.orders")["suggestion"], Value::Null, "nothing speaks for anybody");

    // A sibling that has an owner speaks for it, and a design that describes it does more.
    let stock = made(&mesh, "teams", json!({"name": "stock"})).await;
    let id = named(&page, "retail.prices")["id"].as_str().expect("an id").to_owned();
    done(&mesh, "ownership", json!({"select": {"ids": [id]}, "owner": "stock"})).await;
    let page = found(&mesh, "kind=topic").await;
    assert_eq!((&page["total"], &page["counts"][0]["count"]), (&json!(1), &json!(2)), "{page}");
    let suggestion = &named(&page, "retail.orders")["suggestion"];
    assert_eq!((&suggestion["owner"], &suggestion["team"]), (&json!("stock"), &stock["id"]), "{page}");
    let evidence = suggestion["evidence"].to_string();
    assert!(evidence.contains("One other under retail. has an owner: stock."), "{evidence}");
    let shop = made(&mesh, "domains", json!({"name": "shop"})).await;
    let design = json!({"kind": "event", "name": "ordered", "domain": shop["id"], "owner": "sales"});
    let event = made(&mesh, "designs", design).await["id"].as_str().expect("an id").to_owned();
    let content = json!({"content": {"kind": "event", "address": "orders/{country}"}});
    made(&mesh, &format!("designs/{event}/versions"), content).await;
    let page = found(&mesh, "q=orders+hq").await;
    let suggestion = &named(&page, "orders/fr")["suggestion"];
    assert_eq!(suggestion["evidence"], json!(["The event ordered describes it and belongs to sales."]), "{page}");

    // Filters, pages and a foreign cursor.
    let page = found(&mesh, "kind=domain").await;
    assert_eq!(names(&page), ["shop"]);
    assert_eq!(named(&page, "shop")["suggestion"]["owner"], "sales", "by what is in it: {page}");
    let of_shop = found(&mesh, &format!("domain={}", shop["id"].as_str().expect("an id"))).await;
    assert_eq!(names(&of_shop), ["shop"]);
    let all = found(&mesh, "").await;
    let first = found(&mesh, "limit=2").await;
    let second = found(&mesh, &format!("limit=2&cursor={}", first["next"].as_str().expect("a cursor"))).await;
    assert_eq!([names(&first), names(&second)].concat(), names(&all));
    let refused = mesh.call("GET", "ownership?cursor=nonsense", None).await;
    assert_eq!(refused.body["fields"][0]["field"], "cursor", "{refused:?}");
}

#[tokio::test]
async fn many_things_get_an_owner_and_tags_at_once_or_none_does() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr", "orders/de"]).await;
    let shop = made(&mesh, "domains", json!({"name": "shop"})).await;
    let design = json!({"kind": "event", "name": "ordered", "domain": shop["id"], "tags": ["gold"]});
    let event = made(&mesh, "designs", design).await;
    let page = until(&mesh, "", |page| page["total"] == 4).await;
    for (task, field) in [
        (json!({"select": {"matching": {}}}), "owner"),
        (json!({"select": {"matching": {}}, "owner": "x", "suggested": true}), "owner"),
        (json!({"select": {}, "owner": "x"}), "select"),
        (json!({"select": {"matching": {"q": "nothing"}}, "owner": "x"}), "select"),
        (json!({"select": {"matching": {}}, "tags": ["a,b"]}), "tags"),
    ] {
        let refused = mesh.post("ownership/preview", task).await;
        let told = (refused.status, &refused.body["fields"][0]["field"]);
        assert_eq!(told, (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)), "{refused:?}");
    }
    // One that is gone, one without a suggestion: nothing is done.
    let id = |name: &str| named(&page, name)["id"].clone();
    let task = json!({"select": {"ids": [id("orders/fr"), id("shop"), "nonsense"]}, "suggested": true});
    let preview = mesh.post("ownership/preview", task.clone()).await.body;
    assert_eq!((&preview["changes"], &preview["conflicts"]), (&json!(1), &json!(2)), "{preview}");
    let refused = mesh.post("ownership", json!({"preview": preview["preview"], "task": task})).await;
    assert_eq!((refused.status, &refused.body["type"]), (StatusCode::CONFLICT, &json!("conflict")), "{refused:?}");
    assert_eq!(found(&mesh, "").await["total"], 4, "nothing is half done");

    // Somebody is faster: what was previewed is no longer what would be done.
    let task = json!({"select": {"ids": [id("ordered"), id("orders/fr")]}, "owner": "tills", "tags": ["pii", "gold"]});
    let preview = mesh.post("ownership/preview", task.clone()).await.body;
    let line = |what: &str| {
        let lines = preview["lines"].as_array().expect("lines").iter();
        lines.clone().find(|line| line["what"] == what).unwrap_or_else(|| panic!("no {what} in {preview}")).clone()
    };
    let ordered = line("event ordered in shop");
    assert_eq!((&ordered["before"], &ordered["after"]), (&json!("nobody; tags gold"), &json!("tills; tags gold, pii")));
    assert!(line("address orders/fr")["note"].to_string().contains("carries no tags"), "{preview}");
    let path = format!("designs/{}", event["id"].as_str().expect("an id"));
    let value = json!({"name": "ordered", "domain": shop["id"], "tags": ["gold", "new"]});
    mesh.call("PUT", &path, Some(json!({"revision": 1, "value": value}))).await;
    let stale = mesh.post("ownership", json!({"preview": preview["preview"], "task": task})).await;
    assert_eq!((stale.status, &stale.body["type"]), (StatusCode::CONFLICT, &json!("stale-preview")), "{stale:?}");
    let answer = done(&mesh, "ownership", task).await;
    assert_eq!((&answer["changed"], &answer["sentence"]), (&json!(2), &json!("2 things changed")), "{answer}");
    let design = mesh.call("GET", &path, None).await.body;
    assert_eq!(
        (&design["owner"], &design["config"]["tags"]),
        (&json!("tills"), &json!(["gold", "new", "pii"])),
        "{design}"
    );
    assert_eq!((mesh.audited("catalog.update").await, mesh.audited("design.update").await), (1, 2));

    // What has an owner keeps it; all that the filter finds is taken; suggestions are taken one by one.
    let taken = json!({"select": {"ids": [id("orders/fr")]}, "owner": "eve"});
    let preview = mesh.post("ownership/preview", taken).await.body;
    assert!(preview["lines"][0]["note"].to_string().contains("belongs to tills by now"), "{preview}");
    let again = json!({"select": {"ids": [id("orders/fr")]}, "owner": "tills"});
    let preview = mesh.post("ownership/preview", again.clone()).await.body;
    assert_eq!(preview["lines"][0]["verdict"], "same", "{preview}");
    let nothing = mesh.post("ownership", json!({"preview": preview["preview"], "task": again})).await;
    assert_eq!(nothing.status, StatusCode::CONFLICT, "{nothing:?}");
    done(&mesh, "ownership", json!({"select": {"matching": {}}, "suggested": true})).await;
    let page = found(&mesh, "").await;
    assert_eq!(page["total"], 0, "{page}");
    let domain = mesh.call("GET", "domains", None).await.body["items"][0].clone();
    assert_eq!(domain["owner"], "tills", "by what is in it: {domain}");
}

#[tokio::test]
async fn what_only_a_domain_answers_for_is_found_when_asked_for() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr"]).await;
    let top = made(&mesh, "domains", json!({"name": "top", "owner": "sales"})).await;
    made(&mesh, "domains", json!({"name": "shop", "parent": top["id"], "topics": ["orders/>"]})).await;
    until(&mesh, "by_domain=true", |page| page["total"] == 2).await;
    let page = found(&mesh, "").await;
    assert_eq!(page["total"], 0, "somebody answers for all of it: {page}");
    let page = found(&mesh, "by_domain=true").await;
    let orders = named(&page, "orders/fr");
    assert_eq!((&orders["by_domain"], &orders["suggestion"]["owner"]), (&json!("sales"), &json!("sales")), "{page}");
    assert_eq!(orders["suggestion"]["evidence"][0], "A domain above shop belongs to sales.");
    let shop = named(&page, "shop");
    assert_eq!(shop["suggestion"]["evidence"], json!(["The domain top belongs to sales."]), "{page}");
    done(
        &mesh,
        "ownership",
        json!({"select": {"matching": {"by_domain": true, "kind": "address"}}, "suggested": true}),
    )
    .await;
    assert_eq!(found(&mesh, "by_domain=true").await["total"], 1);
}

#[tokio::test]
async fn a_list_says_what_each_line_does_and_does_all_of_it_or_nothing() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr"]).await;
    topics(&mesh, "kafka-a", &[("orders", false), ("logs", false)]).await;
    topics(&mesh, "kafka-b", &[("orders", false)]).await;
    let shop = made(&mesh, "domains", json!({"name": "shop", "owner": "old"})).await;
    made(&mesh, "designs", json!({"kind": "application", "name": "till", "domain": shop["id"]})).await;
    until(&mesh, "kind=topic", |page| page["total"] == 3).await;
    for (csv, says) in [("x", "kind,name,owner"), ("kind,name,owner\n", "names nothing")] {
        let refused = mesh.post("ownership/import/preview", json!({ "csv": csv })).await;
        assert_eq!(refused.body["fields"][0]["field"], "csv", "{refused:?}");
        assert!(refused.body["fields"][0]["message"].as_str().is_some_and(|why| why.contains(says)), "{refused:?}");
    }
    let csv = "kind,name,owner\n\
        domain,shop,\"the \"\"sales\"\"\"\n\
        domain,nowhere,sales\n\
        topic,orders,sales\n\
        topic,kafka-b/orders,sales\n\
        queue,q,sales\n\
        application,till,shops\n\
        address,orders/fr,sales\n\
        address,orders/fr,other\n";
    let preview = mesh.post("ownership/import/preview", json!({ "csv": csv })).await.body;
    let verdicts: Vec<(u64, &str, &str)> = preview["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| {
            (
                line["line"].as_u64().expect("a number"),
                line["verdict"].as_str().expect("one"),
                line["note"].as_str().expect("a note"),
            )
        })
        .collect();
    let expected = [
        (2, "change", ""),
        (3, "conflict", "is not there"),
        (4, "conflict", "kafka-a/orders or kafka-b/orders"),
        (5, "change", ""),
        (6, "conflict", "`queue`"),
        (7, "same", ""),
        (7, "change", ""),
        (8, "change", ""),
        (9, "conflict", "stands in line 8 already"),
    ];
    assert_eq!(verdicts.len(), expected.len(), "{preview}");
    for (told, meant) in verdicts.iter().zip(expected) {
        assert_eq!((told.0, told.1), (meant.0, meant.1), "{preview}");
        assert!(told.2.contains(meant.2), "{told:?} has no {}", meant.2);
    }
    assert_eq!((&preview["changes"], &preview["conflicts"]), (&json!(4), &json!(4)), "{preview}");
    assert_eq!(preview["lines"][0]["after"], "the \"sales\"", "{preview}");
    let refused = mesh.post("ownership/import", json!({"preview": preview["preview"], "task": {"csv": csv}})).await;
    assert_eq!((refused.status, &refused.body["type"]), (StatusCode::CONFLICT, &json!("conflict")), "{refused:?}");

    let csv = "kind;name;owner\ndomain;nowhere;sales\ndomain;shop;sales\ntopic;logs;sales\napplication;till;sales\n";
    let task = json!({"csv": csv, "skip_unknown": true});
    let preview = mesh.post("ownership/import/preview", task.clone()).await.body;
    assert_eq!((&preview["lines"][0]["verdict"], &preview["changes"]), (&json!("left_out"), &json!(4)), "{preview}");
    assert_eq!(done(&mesh, "ownership/import", task).await["changed"], 4);
    let domain = mesh.call("GET", "domains", None).await.body["items"][0].clone();
    assert_eq!(domain["owner"], "sales", "a list may take from one and give to another: {domain}");
    let application = mesh.call("GET", "applications", None).await.body["items"][0].clone();
    assert_eq!((&application["name"], &application["owner"]), (&json!("till"), &json!("sales")), "{application}");
    let page = found(&mesh, "kind=topic").await;
    assert_eq!(names(&page), ["orders", "orders"], "{page}");
    assert_eq!((mesh.audited("domain.update").await, mesh.audited("application.update").await), (1, 1));
}

#[tokio::test]
async fn who_sees_some_domains_is_told_of_nothing_else_and_may_give_nothing() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr", "orders/de", "secret/x", "secret/y"]).await;
    let shop = made(&mesh, "domains", json!({"name": "shop", "topics": ["orders/>"]})).await;
    let hidden = made(&mesh, "domains", json!({"name": "hidden", "topics": ["secret/>"]})).await;
    let page = until(&mesh, "", |page| page["total"] == 6).await;
    let secret = named(&page, "secret/x")["id"].clone();
    done(&mesh, "ownership", json!({"select": {"ids": [secret]}, "owner": "spies"})).await;
    let token = json!({"name": "partner", "role": "viewer", "domains": [shop["id"]]});
    let token = made(&mesh, "tokens", token).await["secret"].clone();
    let token = token.as_str().expect("a secret");
    let get = async |path: &str| mesh.portal.call("GET", &format!("/api/v1/{path}"), Some(token), None).await;
    let page = get("ownership").await.body;
    assert_eq!(page["total"], 3, "the domain and two addresses: {page}");
    assert_eq!(page["counts"], json!([{"kind": "domain", "count": 1}, {"kind": "address", "count": 2}]), "{page}");
    let text = page.to_string();
    assert!(!text.contains("secret") && !text.contains("hidden") && !text.contains("spies"), "{page}");
    assert!(!text.contains("shops"), "who is behind a client is of no domain: {page}");
    assert_eq!(get(&format!("ownership?domain={}", hidden["id"].as_str().expect("an id"))).await.body["total"], 0);
    for path in ["ownership/preview", "ownership/import/preview"] {
        let body = json!({"select": {"matching": {}}, "owner": "x", "csv": "kind,name,owner\n"});
        let refused = mesh.portal.call("POST", &format!("/api/v1/{path}"), Some(token), Some(body)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    }
}
