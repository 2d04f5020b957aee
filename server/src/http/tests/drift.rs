//! Drift over REST: what differs is found, ignored, adopted and pushed, each as it was previewed, or not at all.

use axum::http::StatusCode;
use mesh_protocol::event::Protocol;
use mesh_protocol::id::{AgentId, PrincipalId};
use mesh_protocol::report::{Direction, Discovery, Flow, ObjectFacts, Report, RuntimeObject, TopicFacts, Traffic};
use serde_json::{Value, json};

use super::streams::agent;
use super::{Reply, TestPortal};

/// A portal with an agent, an application `till` with one client, and a way to call it as the admin.
pub(super) struct Mesh {
    pub(super) portal: TestPortal,
    pub(super) admin: String,
    pub(super) agent: AgentId,
    pub(super) site: Value,
    client: PrincipalId,
}

impl Mesh {
    pub(super) async fn start() -> Self {
        let portal = TestPortal::start().await;
        let admin = portal.admin().await;
        let (site, _seat) = agent(&portal, &admin).await;
        let agents = portal.call("GET", "/api/v1/agents", Some(&admin), None).await;
        let agent = serde_json::from_value(agents.body["items"][0]["id"].clone()).expect("an id");
        let mesh = Self { portal, admin, agent, site: json!(site), client: uuid::Uuid::nil().into() };
        let till = mesh.post("applications", json!({"name": "till", "owner": "shops", "description": ""})).await.body;
        let client = json!({"username": "till-7", "application": till["id"]});
        let client = mesh.post("principals", client).await.body;
        let client = serde_json::from_value(client["principal"]["id"].clone()).expect("an id");
        Self { client, ..mesh }
    }

    pub(super) async fn call(&self, method: &str, path: &str, input: Option<Value>) -> Reply {
        self.portal.call(method, &format!("/api/v1/{path}"), Some(&self.admin), input).await
    }

    pub(super) async fn post(&self, path: &str, input: Value) -> Reply {
        self.call("POST", path, Some(input)).await
    }

    async fn drift(&self, query: &str) -> Value {
        let reply = self.call("GET", &format!("drift?{query}"), None).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply.body
    }

    /// The till publishes here, as the agent reports it.
    pub(super) async fn publishes(&self, addresses: &[&str]) {
        let flow = |address: &&str| Flow {
            principal: Some(self.client),
            principal_name: "till-7".to_owned(),
            client_id: "till-7".to_owned(),
            protocol: Protocol::Mqtt,
            direction: Direction::Produce,
            address: (*address).to_owned(),
            example_topic: (*address).to_owned(),
            broker: None,
            broker_topic: None,
            route: None,
            events: 10,
            bytes: 100,
            shape: None,
            schemas: Vec::new(),
        };
        let traffic = Traffic {
            at_ms: crate::app::clock::now_ms(),
            window_ms: 10_000,
            flows: addresses.iter().map(flow).collect(),
            left_out: 0,
        };
        let refused = self.portal.app.take_report(self.agent, 1, Report::Traffic(traffic)).await.expect("stored");
        assert_eq!(refused, None);
    }

    /// Waits until the list is so: what was read a moment before a report is good for a moment.
    async fn until(&self, query: &str, is: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..200 {
            let page = self.drift(query).await;
            if is(&page) {
                return page;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("it never becomes so: {}", self.drift(query).await);
    }

    /// Previews a task and does it as it was previewed.
    async fn done(&self, task: Value) -> Value {
        let preview = self.post("drift/preview", task.clone()).await;
        assert_eq!((preview.status, &preview.body["conflicts"]), (StatusCode::OK, &json!(0)), "{preview:?}");
        let done = self.post("drift", json!({"preview": preview.body["preview"], "task": task})).await;
        assert_eq!(done.status, StatusCode::OK, "{done:?}");
        done.body
    }

    /// An object of the catalog, once it is there.
    pub(super) async fn until_catalog(&self, name: &str) -> Value {
        for _ in 0..200 {
            let page = self.call("GET", &format!("catalog?q={}", frontend::api::encoded(name)), None).await.body;
            if page["total"] == 1 {
                return page["items"][0].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{name} never comes into the catalog");
    }

    /// How many entries the audit trail has.
    pub(super) async fn audited_in_all(&self) -> usize {
        self.portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read").len()
    }

    pub(super) async fn audited(&self, action: &str) -> usize {
        let entries = self.portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read");
        assert_eq!(crate::domain::audit::first_break(&entries), None);
        entries.iter().filter(|entry| entry.entry.action == action).count()
    }
}

fn id_of(page: &Value, name: &str) -> Value {
    let items = page["items"].as_array().expect("rows");
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name} in {page}"))["id"].clone()
}

#[tokio::test]
async fn a_finding_is_ignored_until_what_differs_changes() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr/created", "prices/fr"]).await;
    let page = mesh.until("about=address", |page| page["total"] == 2).await;
    let orders = id_of(&page, "orders/fr/created");
    let first = &page["items"][0];
    assert_eq!((&first["status"], &first["producers"]), (&json!("runtime_only"), &json!(["till-7"])), "{page}");
    let select = json!({"ids": [orders]});
    for (task, field) in [
        (json!({"kind": "ignore", "select": select, "reason": " "}), "reason"),
        (json!({"kind": "ignore", "select": select, "reason": "x", "until": 5}), "until"),
        (json!({"kind": "ignore", "select": {}, "reason": "x"}), "select"),
    ] {
        let refused = mesh.post("drift/preview", task).await;
        let told = (refused.status, &refused.body["fields"][0]["field"]);
        assert_eq!(told, (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)), "{refused:?}");
    }
    let task = json!({"kind": "ignore", "select": select, "reason": "a trial"});
    let stale = mesh.post("drift", json!({"preview": "something else", "task": task})).await;
    assert_eq!((stale.status, &stale.body["type"]), (StatusCode::CONFLICT, &json!("stale-preview")));
    assert_eq!(mesh.done(task.clone()).await["made"], 1);
    let counts = mesh.drift("about=address").await["counts"].clone();
    assert_eq!((&counts["open"], &counts["ignored"]), (&json!(1), &json!(1)), "{counts}");
    let ignored = mesh.drift("about=address&ignored=true").await["items"][0].clone();
    assert_eq!((&ignored["ignored"]["reason"], &ignored["ignored"]["by"]), (&json!("a trial"), &json!("ada")));
    assert_eq!(ignored["actions"], json!(["adopt", "reopen"]), "{ignored}");
    // An event that has all of it: it is another finding now.
    let domain = mesh.post("domains", json!({"name": "orders", "topics": ["orders/>"]})).await.body;
    let adopt = |name: &str, address: &str| json!({"kind": "adopt", "events": [{"name": name, "domain": "orders", "address": address}]});
    mesh.done(adopt("order", "orders/{country}/created")).await;
    let counts = mesh.drift("about=address").await["counts"].clone();
    assert_eq!((&counts["matching"], &counts["ignored"]), (&json!(1), &json!(0)), "{counts}");
    assert_eq!(mesh.drift(&format!("domain={}", domain["id"].as_str().expect("an id"))).await["total"], 0);
    // What is ignored is taken back.
    let prices = id_of(&mesh.drift("about=address").await, "prices/fr");
    mesh.done(json!({"kind": "ignore", "select": {"ids": [prices]}, "reason": "later"})).await;
    mesh.done(json!({"kind": "reopen", "select": {"matching": {"about": "address", "ignored": true}}})).await;
    assert_eq!(mesh.drift("about=address").await["counts"]["open"], 1);
    let gone = json!({"kind": "reopen", "select": {"ids": ["bm9uc2Vuc2U"]}});
    assert_eq!(mesh.post("drift/preview", gone).await.body["conflicts"], 1, "what is not there is named");
    assert_eq!((mesh.audited("drift.ignore").await, mesh.audited("drift.reopen").await), (2, 1));
}

#[tokio::test]
async fn everything_is_adopted_at_once_or_nothing_is() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr/created", "orders/de/created", "orders/es/created", "prices/fr"]).await;
    mesh.until("", |page| page["counts"]["runtime_only"] == 5).await;
    let proposals = mesh.post("drift/proposals", json!({"matching": {}})).await;
    assert_eq!(proposals.status, StatusCode::OK, "{proposals:?}");
    let proposals = proposals.body;
    let inputs = |kind: &str| -> Vec<Value> {
        proposals[kind].as_array().expect("proposals").iter().map(|one| one["input"].clone()).collect()
    };
    let (domains, events, applications) = (inputs("domains"), inputs("events"), inputs("applications"));
    let names: Vec<&Value> = domains.iter().map(|domain| &domain["name"]).collect();
    assert_eq!(names, ["orders", "prices"], "{proposals}");
    assert_eq!(domains[0]["owner"], "shops", "by the application that publishes there: {proposals}");
    assert_eq!(
        (&events[0]["address"], &events[0]["name"]),
        (&json!("orders/{country}/created"), &json!("orders-created"))
    );
    let evidence = proposals["events"][0]["evidence"].to_string();
    assert!(evidence.contains("de, es, fr"), "{evidence}");
    assert_eq!(applications[0]["name"], "till");
    assert_eq!(applications[0]["publishes"], json!(["orders/{country}/created", "prices/fr"]), "{proposals}");
    assert_eq!(applications[0]["owner"], "shops");
    // One wrong line, and nothing is made.
    let mut wrong = events.clone();
    wrong[1]["name"] = json!("Not A Name");
    let task = json!({"kind": "adopt", "domains": domains, "events": wrong, "applications": []});
    let preview = mesh.post("drift/preview", task.clone()).await.body;
    assert_eq!(preview["conflicts"], 1, "{preview}");
    assert!(preview["lines"].to_string().contains("cannot be made: name may hold"), "{preview}");
    let refused = mesh.post("drift", json!({"preview": preview["preview"], "task": task})).await;
    assert_eq!((refused.status, &refused.body["type"]), (StatusCode::CONFLICT, &json!("conflict")), "{refused:?}");
    assert_eq!(mesh.call("GET", "designs", None).await.body["total"], 0, "nothing is half made");
    assert_eq!(mesh.call("GET", "domains", None).await.body["total"], 0);
    let empty = mesh.post("drift/preview", json!({"kind": "adopt"})).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "{empty:?}");
    // Something is made meanwhile: what was previewed is no longer what would be made.
    let task = json!({"kind": "adopt", "domains": domains, "events": events, "applications": applications});
    let preview = mesh.post("drift/preview", task.clone()).await.body;
    assert_eq!(preview["conflicts"], 0, "{preview}");
    mesh.post("domains", json!({"name": "orders", "topics": ["orders/>"]})).await;
    let apply = json!({"preview": preview["preview"], "task": task});
    let stale = mesh.post("drift", apply).await;
    assert_eq!((stale.status, &stale.body["type"]), (StatusCode::CONFLICT, &json!("stale-preview")), "{stale:?}");
    let task = json!({"kind": "adopt", "domains": [domains[1]], "events": events, "applications": applications});
    let done = mesh.done(task).await;
    assert_eq!((&done["made"], &done["sentence"]), (&json!(4), &json!("1 domain, 2 events, 1 application made")));
    let page = mesh.drift("").await;
    assert_eq!(page["counts"]["open"], 0, "{page}");
    assert_eq!(page["counts"]["matching"], 6, "four addresses and two uses: {page}");
    assert_eq!(mesh.audited("design.adopt").await, 3);
    let overview = mesh.call("GET", "overview", None).await.body["attention"].to_string();
    assert!(!overview.contains("differences"), "{overview}");
}

#[tokio::test]
async fn what_is_designed_is_pushed_to_policy_by_who_may_write_rules() {
    let mesh = Mesh::start().await;
    mesh.post("domains", json!({"name": "prices", "topics": ["prices/>"]})).await;
    let adopt = json!({
        "kind": "adopt",
        "events": [{"name": "price", "domain": "prices", "address": "prices/{country}"}],
        "applications": [{"name": "till", "domain": "prices", "consumes": ["prices/{country}"]},
                         {"name": "board", "domain": "prices", "consumes": ["prices/{country}"]}],
    });
    mesh.done(adopt).await;
    let page = mesh.until("status=design_only", |page| page["total"] == 3).await;
    let uses = mesh.drift("about=use").await;
    assert_eq!(uses["items"][0]["actions"], json!(["push", "ignore"]), "{uses}");
    let select = json!({"ids": [id_of(&uses, "till")]});
    let (_, developer) = mesh.portal.person(&mesh.admin, "dev", "developer").await;
    let path = "/api/v1/drift/push/preview";
    let preview = mesh.portal.call("POST", path, Some(&developer), Some(select.clone())).await;
    assert_eq!((preview.status, &preview.body["conflicts"]), (StatusCode::OK, &json!(0)), "{preview:?}");
    let rule = &preview.body["lines"][0]["rule"];
    assert_eq!((&rule["filter"], &rule["action"]), (&json!("prices/*"), &json!("subscribe")), "{preview:?}");
    let apply = json!({"preview": preview.body["preview"], "task": select});
    let refused = mesh.portal.call("POST", "/api/v1/drift/push", Some(&developer), Some(apply.clone())).await;
    assert_eq!((refused.status, &refused.body["needs"]), (StatusCode::FORBIDDEN, &json!("approver")));
    let before = mesh.call("GET", "policy", None).await.body["revision"]["revision"].as_u64();
    let done = mesh.post("drift/push", apply.clone()).await;
    assert_eq!((done.status, &done.body["made"]), (StatusCode::OK, &json!(1)), "{done:?}");
    let rules = mesh.call("GET", "rules", None).await.body;
    assert_eq!((&rules["items"][0]["subject_name"], &rules["total"]), (&json!("till-7"), &json!(1)), "{rules}");
    let after = mesh.call("GET", "policy", None).await.body["revision"]["revision"].as_u64();
    assert_eq!(after, before.map(|revision| revision + 1), "all rules are one revision");
    let again = mesh.post("drift/push", apply).await;
    assert_eq!(again.body["type"], "stale-preview", "{again:?}");
    let permitted = mesh.post("drift/push/preview", select.clone()).await.body;
    assert!(permitted["lines"][0]["detail"].to_string().contains("may do so already"), "{permitted}");
    let nothing = mesh.post("drift/push", json!({"preview": permitted["preview"], "task": select})).await;
    assert_eq!(nothing.status, StatusCode::CONFLICT, "{nothing:?}");
    // The event asks for the same, and for the application that has no clients.
    let event = json!({"ids": [id_of(&page, "price")]});
    let preview = mesh.post("drift/push/preview", event).await.body;
    assert_eq!((&preview["conflicts"], preview["lines"].as_array().map(Vec::len)), (&json!(1), Some(2)), "{preview}");
    let deny = json!({"subject": "anyone", "action": "subscribe", "effect": "deny", "filter": "prices/>"});
    mesh.post("rules", deny).await;
    let denied = mesh.post("drift/push/preview", select).await.body;
    assert!(denied["lines"][0]["conflict"].to_string().contains("is denied"), "{denied}");
}

#[tokio::test]
async fn a_kafka_topic_is_adopted_where_a_route_brings_it_into_the_mesh() {
    let mesh = Mesh::start().await;
    let broker =
        json!({"site": mesh.site, "name": "hq-kafka", "bootstrap": ["k:9092"], "tls": false, "discover": true});
    let broker = mesh.post("brokers", broker).await.body["id"].clone();
    let topic = |name: &str| RuntimeObject { name: name.to_owned(), facts: ObjectFacts::Topic(TopicFacts::default()) };
    let discovery = Discovery {
        broker: serde_json::from_value(broker.clone()).expect("an id"),
        at_ms: crate::app::clock::now_ms(),
        full: true,
        scan: 1,
        last: true,
        objects: vec![topic("prices"), topic("logs")],
        removed: vec![],
        missing_rights: vec![],
        failed: None,
    };
    let refused = mesh.portal.app.take_report(mesh.agent, 1, Report::Discovery(discovery)).await.expect("stored");
    assert_eq!(refused, None);
    let from = json!({"kind": "kafka", "broker": broker, "topics": ["prices"], "template": "prices/{value.country}",
                      "filter": "", "start": "latest"});
    let route = json!({"name": "in", "enabled": true, "from": from, "to": {"kind": "mesh"}, "mode": "guaranteed",
                       "note": ""});
    assert_eq!(mesh.post("routes", route).await.status, StatusCode::OK);
    let page = mesh.until("about=topic", |page| page["total"] == 2).await;
    let select = json!({"ids": [id_of(&page, "prices"), id_of(&page, "logs")]});
    let proposals = mesh.post("drift/proposals", select).await.body;
    assert_eq!(proposals["events"][0]["input"]["address"], "prices/{country}", "{proposals}");
    assert_eq!(proposals["left_out"][0]["name"], "logs");
    assert!(proposals["left_out"][0]["reason"].to_string().contains("No route"), "{proposals}");
    // A schema by its subject is linked once it is there.
    let schema = json!({"schema": "{\"type\": \"string\"}"});
    let token = mesh.post("tokens", json!({"name": "ci", "role": "developer"})).await.body["secret"].clone();
    let token = token.as_str().expect("a secret");
    let path = "/registry/subjects/prices-value/versions";
    let registered = mesh.portal.call("POST", path, Some(token), Some(schema)).await;
    assert_eq!(registered.status, StatusCode::OK, "{registered:?}");
    let page = mesh.drift("about=topic&status=match").await;
    assert_eq!(page["items"][0]["name"], "prices", "{page}");
    assert_eq!(mesh.drift("about=topic").await["total"], 1);
}

#[tokio::test]
async fn who_sees_some_domains_sees_their_findings_and_no_others_are_counted() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr", "orders/de", "secret/x"]).await;
    let domain = mesh.post("domains", json!({"name": "orders", "topics": ["orders/>"]})).await.body["id"].clone();
    let hidden = mesh.post("domains", json!({"name": "secret", "topics": ["secret/>"]})).await.body["id"].clone();
    mesh.until("about=address", |page| page["total"] == 3).await;
    let token = json!({"name": "partner", "role": "viewer", "domains": [domain]});
    let token = mesh.post("tokens", token).await.body["secret"].clone();
    let token = token.as_str().expect("a secret");
    let get = async |path: &str| mesh.portal.call("GET", &format!("/api/v1/{path}"), Some(token), None).await;
    let page = get("drift").await.body;
    assert_eq!(
        (&page["total"], &page["counts"]["open"], &page["counts"]["runtime_only"]),
        (&json!(2), &json!(2), &json!(2))
    );
    assert!(!page.to_string().contains("secret"), "{page}");
    assert_eq!(get(&format!("drift?domain={}", hidden.as_str().expect("an id"))).await.body["total"], 0);
    let domains = get("domains").await.body;
    assert_eq!((&domains["total"], &domains["items"][0]["findings"]), (&json!(1), &json!(2)), "{domains}");
    let preview = json!({"kind": "ignore", "select": {"matching": {}}, "reason": "x"});
    let refused = mesh.portal.call("POST", "/api/v1/drift/preview", Some(token), Some(preview)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
}

#[tokio::test]
async fn pages_go_on_behind_the_last_row_and_a_foreign_cursor_is_refused() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["a/1", "a/2", "a/3"]).await;
    let all = mesh.until("about=address", |page| page["total"] == 3).await;
    let first = mesh.drift("about=address&limit=2").await;
    let next = first["next"].as_str().expect("a cursor");
    let second = mesh.drift(&format!("about=address&limit=2&cursor={next}")).await;
    let names = |page: &Value| -> Vec<Value> {
        page["items"].as_array().expect("rows").iter().map(|item| item["name"].clone()).collect()
    };
    assert_eq!([names(&first), names(&second)].concat(), names(&all));
    let refused = mesh.call("GET", "drift?cursor=nonsense", None).await;
    assert_eq!(refused.body["fields"][0]["field"], "cursor", "{refused:?}");
    assert_eq!(mesh.drift("q=a%2F2").await["total"], 1);
}
