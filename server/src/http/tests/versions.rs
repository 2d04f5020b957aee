//! Who uses which version: the ids in payloads, as an agent tells them, are found at the registry that gave them out, and
//! what is still used does not retire unnoticed.

use axum::http::StatusCode;
use mesh_protocol::event::Protocol;
use mesh_protocol::id::{AgentId, BrokerId};
use mesh_protocol::report::{
    Direction, Discovery, Flow, NamedSchema, ObjectFacts, Report, RuntimeObject, SubjectFacts, SubjectVersion, Traffic,
};
use mesh_protocol::schema_id::SchemaId;
use serde_json::{Value, json};

use super::TestPortal;
use super::registry::{BROKEN, Client, FIRST, WIDER};
use super::streams::agent;

pub(super) struct Mesh {
    pub(super) client: Client,
    agent: AgentId,
    pub(super) site: Value,
}

/// What a client at an address is seen doing, with these ids.
pub(super) fn flow(name: &str, direction: Direction, address: &str, ids: &[u64]) -> Flow {
    let id = |id: &u64| SchemaId::new(u32::try_from(*id).expect("small")).expect("above 0");
    Flow {
        principal: None,
        principal_name: name.to_owned(),
        client_id: name.to_owned(),
        protocol: Protocol::Mqtt,
        direction,
        address: address.to_owned(),
        example_topic: address.to_owned(),
        broker: None,
        broker_topic: None,
        route: None,
        events: 10 * ids.len().max(1) as u64,
        bytes: 100,
        shape: None,
        schemas: ids.iter().map(|number| NamedSchema { id: id(number), events: 10 }).collect(),
    }
}

impl Mesh {
    pub(super) async fn start() -> Self {
        let portal = TestPortal::start().await;
        let admin = portal.admin().await;
        let (site, _seat) = agent(&portal, &admin).await;
        let agents = portal.call("GET", "/api/v1/agents", Some(&admin), None).await;
        let agent = serde_json::from_value(agents.body["items"][0]["id"].clone()).expect("an id");
        Self { client: Client { portal, auth: admin }, agent, site: json!(site) }
    }

    pub(super) async fn tell(&self, report: Report) {
        let refused = self.client.portal.app.take_report(self.agent, 1, report).await.expect("stored");
        assert_eq!(refused, None);
    }

    pub(super) async fn moves(&self, flows: Vec<Flow>) {
        let at_ms = crate::app::clock::now_ms();
        self.tell(Report::Traffic(Traffic { at_ms, window_ms: 10_000, flows, left_out: 0 })).await;
    }

    /// A registry that agents look at, where a subject's only version has an id.
    async fn registry(&self, name: &str, subject: &str, id: u64) {
        let input = json!({"site": self.site, "name": name, "kind": "schema_registry", "url": "http://localhost:1",
            "discover": true});
        let broker = self.client.api("POST", "brokers", Some(input)).await["id"].clone();
        let broker: BrokerId = serde_json::from_value(broker).expect("an id");
        let id = i64::try_from(id).expect("small");
        let version = SubjectVersion { version: 7, id: Some(id), ..SubjectVersion::default() };
        let facts = SubjectFacts { versions: vec![version], ..SubjectFacts::default() };
        let objects = vec![RuntimeObject { name: subject.to_owned(), facts: ObjectFacts::Subject(facts) }];
        self.tell(Report::Discovery(Discovery {
            broker,
            at_ms: crate::app::clock::now_ms(),
            full: true,
            scan: 1,
            last: true,
            objects,
            removed: vec![],
            missing_rights: vec![],
            failed: None,
        }))
        .await;
    }

    /// Asks until it is so: what was read a moment before a report is good for a moment.
    pub(super) async fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..200 {
            last = self.client.api("GET", path, None).await;
            if is(&last) {
                return last;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("it never becomes so: {last}");
    }

    /// The page of an object that was seen.
    async fn seen(&self, kind: &str, name: &str) -> Value {
        let page = self.until(&format!("catalog?kind={kind}&q={name}"), |page| page["total"] == 1).await;
        self.client.api("GET", &format!("catalog/{}", page["items"][0]["id"].as_str().expect("an id")), None).await
    }

    async fn schema(&self, name: &str) -> Value {
        let found = self.client.api("GET", "designs?kind=schema", None).await;
        let items = found["items"].as_array().expect("rows");
        items.iter().find(|item| item["subject"]["name"] == name).expect("the schema of the subject").clone()
    }
}

fn version(object: &Value, number: u64) -> &Value {
    let versions = object["versions"].as_array().expect("versions");
    versions.iter().find(|version| version["registered"]["version"] == number).expect("the version")
}

fn names(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().expect("rows");
    let mut names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn who_uses_a_version_is_told_by_the_ids_in_payloads_and_keeps_it_from_retiring() {
    let mesh = Mesh::start().await;
    let client = &mesh.client;
    let (one, two) = (client.register("orders-value", FIRST).await, client.register("orders-value", WIDER).await);
    let address = "orders/new";
    mesh.moves(vec![
        flow("till", Direction::Produce, address, &[one, two, 99]),
        flow("billing", Direction::Consume, address, &[one, two]),
        flow("old-billing", Direction::Consume, address, &[one]),
        flow("plain", Direction::Consume, address, &[]),
    ])
    .await;
    let row = mesh.schema("orders-value").await;
    let path = format!("designs/{}", row["id"].as_str().expect("an id"));
    let object = mesh.until(&path, |object| version(object, 1)["consumers"] == 2).await;
    let counts =
        |number| (version(&object, number)["producers"].clone(), version(&object, number)["consumers"].clone());
    assert_eq!((counts(1), counts(2)), ((json!(1), json!(2)), (json!(1), json!(1))), "{object}");

    let of_version = |number| format!("design-versions/{}", version(&object, number)["id"].as_str().expect("an id"));
    let shown = client.api("GET", &of_version(1), None).await;
    assert_eq!(names(&shown["live"]["producers"]), ["till"], "{shown}");
    assert_eq!(names(&shown["live"]["consumers"]), ["billing", "old-billing"], "{shown}");
    let till = &shown["live"]["producers"][0];
    assert_eq!((&till["rate"], till["schemas"].as_array().map(Vec::len)), (&json!(1.0), Some(1)), "{till}");
    assert_eq!(
        till["schemas"][0]["href"],
        json!(format!("/{path}/versions/{}", version(&object, 1)["id"].as_str().expect("an id")))
    );

    let seen = mesh.seen("address", "orders").await;
    let told: Vec<(Value, Value)> = seen["producers"][0]["schemas"]
        .as_array()
        .expect("schemas")
        .iter()
        .map(|schema| (schema["subject"].clone(), schema["version"].clone()))
        .collect();
    assert_eq!(
        told,
        [(json!("orders-value"), json!(1)), (json!("orders-value"), json!(2)), (Value::Null, Value::Null)],
        "an id that nobody gave out stands for nothing: {seen}"
    );

    // Whom a change breaks is said by name.
    let content = json!({"kind": "schema", "format": "AVRO", "text": BROKEN});
    let made = json!({"number": "1.9.0", "content": content});
    let made = client.api("POST", &format!("{path}/versions"), Some(made)).await;
    let review = json!({"revision": made["revision"], "value": {"to": "in_review"}});
    let review_of = format!("design-versions/{}/move", made["id"].as_str().expect("an id"));
    let shown_draft = client.api("POST", &review_of, Some(review)).await;
    let steps = shown_draft["steps"].as_array().expect("steps");
    let release = steps.iter().find(|step| step["to"] == "released").expect("a step");
    assert!(
        release["problems"].to_string().contains("breaks consumers of 1.1.0 (billing, by what was seen lately)"),
        "{release}"
    );

    // It goes only by force.
    let end = crate::app::clock::now_ms() + 86_400_000;
    let config = json!({"revision": shown["revision"], "value": {
        "number": shown["config"]["number"], "content": shown["config"]["content"], "end_of_life_at": end}});
    let shown = client.api("PUT", &of_version(1), Some(config)).await;
    let to = |to: &str, revision: &Value, force: bool| json!({"revision": revision, "value": {"to": to, "reason": "replaced", "is_forced": force}});
    let path = format!("{}/move", of_version(1));
    let shown = client.api("POST", &path, Some(to("deprecated", &shown["revision"], false))).await;
    let step = shown["steps"].as_array().expect("steps").iter().find(|step| step["to"] == "retired").expect("a step");
    assert!(step["problems"].to_string().contains("3 clients that were seen lately"), "{step}");
    let call = async |input: Value| {
        client.portal.call("POST", &format!("/api/v1/{path}"), Some(&client.auth), Some(input)).await
    };
    let refused = call(to("retired", &shown["revision"], false)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(refused.body.to_string().contains("3 clients that were seen lately"), "{refused:?}");
    let forced = call(to("retired", &shown["revision"], true)).await;
    assert_eq!((forced.status, &forced.body["state"]), (StatusCode::OK, &json!("retired")), "{forced:?}");
}

#[tokio::test]
async fn an_events_users_are_those_of_its_schema_and_all_at_its_address_while_there_is_one_version() {
    let mesh = Mesh::start().await;
    let client = &mesh.client;
    let id = client.register("orders-value", FIRST).await;
    mesh.moves(vec![
        flow("till", Direction::Produce, "orders/fr/new", &[id]),
        flow("plain", Direction::Consume, "orders/fr/new", &[]),
        flow("elsewhere", Direction::Consume, "prices/fr/new", &[id]),
    ])
    .await;
    let schema = mesh.schema("orders-value").await;
    let domain = schema["config"]["domain"].clone();
    let event = client.api("POST", "designs", Some(json!({"kind": "event", "name": "order", "domain": domain}))).await;
    let event = format!("designs/{}", event["id"].as_str().expect("an id"));
    let add = async |schema: Value| {
        let content = json!({"kind": "event", "address": "orders/{country}/new", "schema": schema});
        let made = client.api("POST", &format!("{event}/versions"), Some(json!({"content": content}))).await;
        let path = format!("design-versions/{}", made["id"].as_str().expect("an id"));
        let mut revision = made["revision"].clone();
        for to in ["in_review", "released"] {
            let step = json!({"revision": revision, "value": {"to": to, "has_consent": true}});
            revision = client.api("POST", &format!("{path}/move"), Some(step)).await["revision"].clone();
        }
        path
    };
    let first = add(version(&schema, 1)["id"].clone()).await;
    let shown = mesh.until(&first, |shown| names(&shown["live"]["producers"]) == ["till"]).await;
    assert_eq!(names(&shown["live"]["consumers"]), ["plain"], "it takes what is at the address: {shown}");
    assert_eq!(shown["live"]["is_untold"], false);
    let schema_path = format!("design-versions/{}", version(&schema, 1)["id"].as_str().expect("an id"));
    let carried = client.api("GET", &schema_path, None).await;
    let takes = names(&carried["live"]["consumers"]);
    assert_eq!(takes, ["elsewhere", "plain"], "who takes an event takes what it carries: {carried}");

    let second = client.register("orders-value", WIDER).await;
    mesh.moves(vec![flow("new-till", Direction::Produce, "orders/de/new", &[second])]).await;
    let object = mesh.schema("orders-value").await;
    let other = add(version(&object, 2)["id"].clone()).await;
    let shown = mesh.until(&other, |shown| names(&shown["live"]["producers"]) == ["new-till"]).await;
    assert_eq!((names(&shown["live"]["consumers"]), &shown["live"]["is_untold"]), (vec![], &json!(true)), "{shown}");
    let shown = client.api("GET", &first, None).await;
    assert_eq!((names(&shown["live"]["producers"]), names(&shown["live"]["consumers"])), (vec!["till"], vec![]));
}

#[tokio::test]
async fn an_id_is_of_the_registry_that_something_speaks_for() {
    let mesh = Mesh::start().await;
    let own = mesh.client.register("orders-value", FIRST).await;
    mesh.registry("apicurio", "shop.Price", own).await;
    let told = async |address: &str| {
        let seen = mesh.seen("address", address).await;
        let schema = seen["producers"][0]["schemas"][0].clone();
        (schema["subject"].clone(), schema["registry"].clone())
    };
    mesh.moves(vec![flow("till", Direction::Produce, "sales", &[own])]).await;
    // The portal's own stands nowhere, the other one at the site.
    assert_eq!(told("sales").await, (json!("shop.Price"), json!("apicurio")));
    let subject = mesh.seen("subject", "shop.Price").await;
    assert_eq!(
        (names(&subject["producers"]), &subject["producers"][0]["address"]),
        (vec!["till"], &json!("sales")),
        "{subject}"
    );
    // Nothing speaks for one of two at the same site.
    mesh.registry("karapace", "shop.Cost", own).await;
    mesh.moves(vec![flow("till", Direction::Produce, "costs", &[own])]).await;
    assert_eq!(told("costs").await, (Value::Null, Value::Null));
    // A designed event does.
    let schema = mesh.schema("orders-value").await;
    let event = json!({"kind": "event", "name": "order", "domain": schema["config"]["domain"]});
    let event = mesh.client.api("POST", "designs", Some(event)).await["id"].clone();
    let content = json!({"kind": "event", "address": "orders", "schema": version(&schema, 1)["id"]});
    let versions = format!("designs/{}/versions", event.as_str().expect("an id"));
    mesh.client.api("POST", &versions, Some(json!({"content": content}))).await;
    mesh.moves(vec![flow("till", Direction::Produce, "orders", &[own])]).await;
    assert_eq!(told("orders").await, (json!("orders-value"), Value::Null));
}

#[tokio::test]
async fn users_out_of_sight_are_not_told() {
    let mesh = Mesh::start().await;
    let client = &mesh.client;
    let id = client.register("orders-value", FIRST).await;
    mesh.moves(vec![
        flow("till", Direction::Produce, "orders/new", &[id]),
        flow("payroll", Direction::Consume, "salaries/new", &[id]),
    ])
    .await;
    let shop = client.api("POST", "domains", Some(json!({"name": "shop", "topics": ["orders/>"]}))).await["id"].clone();
    client.api("POST", "domains", Some(json!({"name": "people", "topics": ["salaries/>"]}))).await;
    let schema = mesh.schema("orders-value").await;
    let edit = json!({"revision": schema["revision"], "value": {"name": schema["config"]["name"], "domain": shop}});
    let path = format!("designs/{}", schema["id"].as_str().expect("an id"));
    client.api("PUT", &path, Some(edit)).await;
    let of_version = format!("design-versions/{}", version(&schema, 1)["id"].as_str().expect("an id"));
    mesh.until(&of_version, |shown| shown["live"]["consumers"].as_array().is_some_and(|all| all.len() == 1)).await;
    let input = json!({"login": "sam", "name": "sam", "role": "viewer", "enabled": true, "password": "correct horse",
        "domains": [shop]});
    client.api("POST", "people", Some(input)).await;
    let login = json!({"login": "sam", "password": "correct horse"});
    let sam = client.portal.call("POST", "/api/v1/login", None, Some(login)).await.cookie.expect("signed in");
    let get = async |path: &str| client.portal.call("GET", &format!("/api/v1/{path}"), Some(&sam), None).await.body;
    let shown = get(&of_version).await;
    assert_eq!(
        (names(&shown["live"]["producers"]), names(&shown["live"]["consumers"])),
        (vec!["till"], vec![]),
        "{shown}"
    );
    assert_eq!(shown["live"]["producers"][0]["href"], Value::Null, "their pages are out of sight");
    let object = get(&path).await;
    let first = version(&object, 1);
    assert_eq!((&first["producers"], &first["consumers"]), (&json!(1), &json!(0)), "not even by a count: {object}");
}
