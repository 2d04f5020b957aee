//! Products from the draft to the credential: who may review, offer, ask, decide and hold; and what agents are told.

mod certificates;
mod connection;
mod forecast;
mod plans;
mod reminders;
mod versions;

use axum::http::StatusCode;
use mesh_protocol::id::AgentId;
use mesh_protocol::report::{Part, PartRef, PartState, Status};
use mesh_protocol::wire::{Hello, Revision};
use serde_json::{Value, json};

use super::TestPortal;
use super::streams::agent;

/// A portal with an agent, three people, and a product of one event under review.
pub(super) struct Market {
    pub(super) portal: TestPortal,
    pub(super) admin: String,
    pub(super) dev: String,
    pub(super) reviewer: String,
    pub(super) agent: AgentId,
    product: String,
    version: String,
}

impl Market {
    /// The product's version is in review; nobody offers it yet.
    pub(super) async fn start() -> Self {
        let portal = TestPortal::start().await;
        let admin = portal.admin().await;
        let (_, _seat) = agent(&portal, &admin).await;
        let agents = portal.call("GET", "/api/v1/agents", Some(&admin), None).await;
        let agent = serde_json::from_value(agents.body["items"][0]["id"].clone()).expect("an id");
        let (_, dev) = portal.person(&admin, "dev", "developer").await;
        let (_, reviewer) = portal.person(&admin, "rita", "approver").await;
        let (product, version) = (String::new(), String::new());
        let market = Self { portal, admin, dev, reviewer, agent, product, version };
        let domain = json!({"name": "orders", "owner": "stores", "topics": ["orders/>"]});
        let domain = market.dev("POST", "domains", domain).await["id"].clone();
        let schema = r#"{"type": "object", "properties": {"mail": {"type": "string", "confluent:tags": ["PII"]}}}"#;
        let content = json!({"kind": "schema", "format": "JSON", "text": schema});
        let (_, schema) = market.design(&domain, "schema", "order", content).await;
        let content = json!({"kind": "event", "address": "orders/{country}/created", "schema": schema});
        let (_, event) = market.design(&domain, "event", "order-created", content).await;
        let content = json!({"kind": "event_api", "receives": [event], "sends": []});
        let (_, api) = market.design(&domain, "event_api", "orders-api", content).await;
        let content = json!({"kind": "product", "apis": [api]});
        for id in [&schema, &event] {
            market.steps(&market.dev, id, &["in_review", "released"]).await;
        }
        market.steps(&market.dev, &api, &["in_review"]).await;
        market.steps(&market.reviewer, &api, &["released"]).await;
        let (product, version) = market.design(&domain, "product", "retail-orders", content).await;
        market.steps(&market.dev, &version, &["in_review"]).await;
        Self { product, version, ..market }
    }

    pub(super) async fn ask(&self, auth: &str, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let reply = self.portal.call(method, &format!("/api/v1/{path}"), Some(auth), body).await;
        (reply.status, reply.body)
    }

    pub(super) async fn ok(&self, auth: &str, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.ask(auth, method, path, body).await;
        assert_eq!(status, StatusCode::OK, "{method} {path}: {answer}");
        answer
    }

    pub(super) async fn dev(&self, method: &str, path: &str, body: Value) -> Value {
        self.ok(&self.dev, method, path, Some(body)).await
    }

    /// What is wrong with an input, by the first field.
    pub(super) async fn refused(&self, auth: &str, method: &str, path: &str, body: Value) -> String {
        let (status, answer) = self.ask(auth, method, path, Some(body)).await;
        assert!(!status.is_success(), "{method} {path}: {answer}");
        let field =
            |of: &Value| format!("{} {}", of["field"].as_str().unwrap_or(""), of["message"].as_str().unwrap_or(""));
        answer["fields"].as_array().and_then(|all| all.first()).map_or_else(|| answer["title"].to_string(), field)
    }

    async fn design(&self, domain: &Value, kind: &str, name: &str, content: Value) -> (String, String) {
        let object = self.dev("POST", "designs", json!({"kind": kind, "name": name, "domain": domain})).await;
        let id = text(&object["id"]);
        let version = self.dev("POST", &format!("designs/{id}/versions"), json!({"content": content})).await;
        (id, text(&version["id"]))
    }

    async fn steps(&self, auth: &str, version: &str, steps: &[&str]) {
        for to in steps {
            let known = self.ok(auth, "GET", &format!("design-versions/{version}"), None).await;
            let step = json!({"revision": known["revision"], "value": {"to": to}});
            self.ok(auth, "POST", &format!("design-versions/{version}/move"), Some(step)).await;
        }
    }

    /// A plan that can be asked for.
    async fn plan(&self, name: &str, approval: Value) -> String {
        self.plan_over(name, approval, json!(["mqtt"])).await
    }

    /// The same over other protocols.
    pub(super) async fn plan_over(&self, name: &str, approval: Value, protocols: Value) -> String {
        let plan = json!({"name": name, "protocols": protocols, "approval": approval, "events": 10});
        let plan = self.dev("POST", &format!("products/{}/plans", self.product), plan).await;
        let step = json!({"revision": plan["revision"], "value": {"to": "published"}});
        self.ok(&self.reviewer, "POST", &format!("plans/{}/move", text(&plan["id"])), Some(step)).await;
        text(&plan["id"])
    }

    /// The version is released and published everywhere.
    pub(super) async fn publish(&self) -> Value {
        self.steps(&self.reviewer, &self.version, &["released"]).await;
        self.dev("POST", &format!("products/{}/publications", self.product), json!({"version": self.version})).await
    }

    pub(super) async fn application(&self, name: &str) -> String {
        text(&self.dev("POST", "applications", json!({"name": name, "owner": "dev"})).await["id"])
    }

    pub(super) fn wish(&self, application: &str, plan: &str) -> Value {
        json!({"application": application, "version": self.version, "plan": plan,
            "purpose": "Shows orders on the wall of the store"})
    }

    async fn decide(&self, auth: &str, request: &Value, act: &str, reason: &str) -> (StatusCode, Value) {
        let seen = json!([{"id": request["id"], "revision": request["revision"]}]);
        let decision = json!({"requests": seen, "act": act, "reason": reason});
        self.ask(auth, "POST", "access-requests/decide", Some(decision)).await
    }

    /// The agent is there, and has nothing yet.
    pub(super) async fn joins(&self) {
        self.joins_with(None).await;
    }

    /// The same with a sealing key.
    pub(super) async fn joins_with(&self, sealing_key: Option<String>) {
        let hello = Hello {
            version_min: 1,
            version_max: 1,
            capabilities: Vec::new(),
            agent_version: "1".into(),
            boot: "b".into(),
            applied: None,
            deny_list: 0,
            sealing_key,
        };
        self.portal.app.begin_session_of(self.agent, &hello, "127.0.0.1").await.expect("a session");
    }

    /// What the agent enforces, as of the newest revision.
    pub(super) async fn applies(&self, is_newest: bool) {
        self.applies_with(is_newest, Vec::new()).await;
    }

    /// The same with what it says of its parts.
    pub(super) async fn applies_with(&self, is_newest: bool, parts: Vec<Part>) {
        let newest = self.ok(&self.admin, "GET", "policy", None).await["revision"].clone();
        let mut newest: Revision = serde_json::from_value(newest).expect("a revision");
        newest.revision -= u64::from(!is_newest);
        let status = Status {
            at_ms: 0,
            applied: Some(newest),
            rejected: None,
            deny_list: 0,
            parts,
            links: Vec::new(),
            counters: [].into(),
            memory_bytes: 0,
            started_at_ms: 0,
            certificate_ends_at_ms: 0,
        };
        self.portal.app.take_status(self.agent, &status).await.expect("stored");
        self.portal.app.settle_grants().await.expect("looked");
    }

    /// The agent says where its listener is, and that it enforces everything.
    async fn tells(&self, listener: &str, at: &str) {
        let id = listener.parse().expect("an id");
        let part = Part {
            object: PartRef::Listener(id),
            state: PartState::Running,
            detail: None,
            since_ms: 0,
            addresses: vec![at.to_owned()],
            own_certificate: false,
            figures: [].into(),
        };
        self.applies_with(true, vec![part]).await;
    }

    /// What a client of an application may subscribe to, by the policy that agents get.
    async fn filters(&self, username: &str) -> Vec<String> {
        let policy = self.ok(&self.admin, "GET", "policy/document", None).await;
        let all = |of: &Value| of.as_array().cloned().unwrap_or_default();
        let client = all(&policy["principals"]).into_iter().find(|one| one["username"] == username);
        let client = client.unwrap_or_else(|| panic!("{username} is in the policy"));
        if client["state"] != "enabled" {
            return Vec::new();
        }
        let roles = all(&client["roles"]);
        let is_its = |rule: &Value| rule["action"] == "subscribe" && roles.contains(&rule["subject"]["role"]);
        let rules = all(&policy["rules"]).into_iter().filter(|rule| is_its(rule));
        rules.map(|rule| text(&rule["filter"])).collect()
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}")).to_owned()
}

#[tokio::test]
async fn what_is_offered_is_released_by_somebody_who_did_not_write_it() {
    let market = Market::start().await;
    let path = format!("design-versions/{}/move", market.version);
    let known = market.ok(&market.dev, "GET", &format!("design-versions/{}", market.version), None).await;
    let release = json!({"revision": known["revision"], "value": {"to": "released"}});
    assert_eq!(known["authors"], json!(["dev"]));
    let step = known["steps"].as_array().expect("steps").iter().find(|step| step["to"] == "released").expect("a step");
    assert!(step["problems"].to_string().contains("did not write it"), "the page says so before: {step}");
    let told = market.refused(&market.dev, "POST", &path, release.clone()).await;
    assert!(told.contains("did not write it"), "{told}");
    let token = market.ok(&market.admin, "POST", "tokens", Some(json!({"name": "ci", "role": "admin"}))).await;
    let told = market.refused(&text(&token["secret"]), "POST", &path, release.clone()).await;
    assert!(told.contains("this is a token"), "{told}");
    market.ok(&market.reviewer, "POST", &path, Some(release)).await;
}

#[tokio::test]
async fn a_product_is_offered_by_plans_and_where_it_is_published() {
    let market = Market::start().await;
    let product = format!("products/{}", market.product);
    let list = market.ok(&market.dev, "GET", "products", None).await;
    assert_eq!(list["total"], 0, "it is published nowhere");
    assert_eq!(market.ok(&market.dev, "GET", "products?all=true", None).await["total"], 1);
    let publications = format!("{product}/publications");
    let told = market.refused(&market.dev, "POST", &publications, json!({"version": market.version})).await;
    assert!(told.contains("is in review"), "{told}");
    let wrong = json!({"name": "free", "protocols": [], "filters": ["payments/>", "a b/#c"]});
    let (_, answer) = market.ask(&market.dev, "POST", &format!("{product}/plans"), Some(wrong)).await;
    assert!(answer["fields"].to_string().contains("filters"), "{answer}");

    let plan = market.plan("free", json!({"kind": "auto"})).await;
    let told = market
        .refused(
            &market.dev,
            "POST",
            &format!("plans/{plan}/move"),
            json!({"revision": 2, "value": {"to": "deprecated"}}),
        )
        .await;
    assert!(told.contains("approver"), "a plan says who gets in: {told}");
    let view = market.publish().await;
    assert_eq!(view["row"]["reach"], "pending", "nobody is there: {view}");
    assert_eq!(view["publications"][0]["sites"][0]["reason"], "hq-1 is offline");
    market.joins().await;
    let reach = async || market.ok(&market.dev, "GET", &product, None).await["publications"][0]["reach"].clone();
    assert_eq!(reach().await, "deploying");
    market.applies(true).await;
    assert_eq!(reach().await, "live");

    // What is offered changes by a new number, by a reviewer.
    let known = market.ok(&market.dev, "GET", &product, None).await["plans"][0].clone();
    let mut terms = known["config"].clone();
    terms["events"] = json!(5);
    let edit = json!({"revision": known["revision"], "value": terms});
    let changed = market.ok(&market.reviewer, "PUT", &format!("plans/{plan}"), Some(edit)).await;
    assert_eq!((&changed["number"], &changed["state"]), (&json!(2), &json!("published")));
    let found = market.ok(&market.dev, "GET", "products?q=created%20retail", None).await;
    assert_eq!(found["items"][0]["name"], "retail-orders", "by the names of its events too");
    assert_eq!(market.ok(&market.dev, "GET", "products?q=created%20stock", None).await["total"], 0);
}

#[tokio::test]
async fn who_asks_is_let_in_at_once_where_the_plan_says_so() {
    let market = Market::start().await;
    let plan = market.plan("free", json!({"kind": "auto"})).await;
    market.publish().await;
    let shop = market.application("shop").await;
    let issue = format!("applications/{shop}/credentials");
    let told = market.refused(&market.dev, "POST", &issue, json!({})).await;
    assert!(told.contains("no access to anything yet"), "no credential without a grant: {told}");
    let wish = market.wish(&shop, &plan);
    let preview = market.dev("POST", "access-requests/preview", wish.clone()).await;
    assert_eq!((&preview["people"], &preview["problems"]), (&json!(0), &json!([])));
    assert_eq!(preview["terms"]["subscribe"], json!(["orders/*/created"]));
    assert_eq!(preview["fields"][0]["tags"], json!(["PII"]), "{preview}");
    let request = market.dev("POST", "access-requests", wish.clone()).await;
    assert_eq!(request["state"], "approved");
    let grant = format!("grants/{}", text(&request["grant"]));
    let view = market.ok(&market.dev, "GET", &grant, None).await;
    assert_eq!(view["phase"], "provisioning");
    assert_eq!(view["waits_for"].as_array().map(Vec::len), Some(1), "{view}");
    let issued = market.dev("POST", &issue, json!({})).await;
    let username = text(&issued["credential"]["username"]);
    assert!(username.starts_with("shop-") && issued["secret"].as_str().is_some_and(|secret| secret.len() > 20));
    assert_eq!(market.filters(&username).await, ["orders/*/created"]);
    let policy = market.ok(&market.admin, "GET", "policy/document", None).await;
    let clients = policy["principals"].as_array().expect("principals").iter();
    let told: Vec<&Value> = clients.filter(|one| one["username"] == username).map(|one| &one["protocols"]).collect();
    assert_eq!(told, [&json!(["mqtt"])], "agents know how it may connect");
    let connect = market.ok(&market.dev, "GET", &format!("{grant}/connect"), None).await;
    assert_eq!(connect["receive"], json!(["orders/*/created"]));
    assert_eq!((&connect["doors"], &connect["send"]), (&json!([]), &Value::Null), "no listener runs, nothing is sent");
    market.applies(true).await;
    assert_eq!(market.ok(&market.dev, "GET", &grant, None).await["phase"], "live");

    // Asked for again it goes on, under the terms of now.
    let again = market.dev("POST", "access-requests/preview", wish.clone()).await;
    assert_eq!(again["is_renewal"], true);
    let renewed = market.dev("POST", "access-requests", wish).await;
    assert_eq!(format!("grants/{}", text(&renewed["grant"])), grant);

    // Nobody else holds it.
    let (_, eve) = market.portal.person(&market.admin, "eve", "developer").await;
    let told = market.refused(&eve, "POST", &issue, json!({})).await;
    assert!(told.contains("belongs to dev"), "{told}");
    let key = mesh_protocol::secret::of_api_key(&text(&issued["api_key"])).expect("a key");
    assert_eq!(key, (text(&issued["credential"]["username"]), text(&issued["secret"])));
    let rotate = format!("credentials/{}/rotate", text(&issued["credential"]["id"]));
    assert!(market.refused(&eve, "POST", &rotate, json!({"overlap_minutes": 5})).await.contains("belongs to dev"));
    let rotated = market.dev("POST", &rotate, json!({"overlap_minutes": 5})).await;
    assert_eq!(rotated["credential"]["secrets"], 2, "both work while the rotation overlaps");
    assert_ne!(rotated["secret"], issued["secret"]);
    let listed = market.ok(&market.dev, "GET", &issue, None).await;
    assert!(!listed.to_string().contains(&text(&rotated["secret"])), "a secret is shown once");
}

#[tokio::test]
async fn others_decide_and_what_is_revoked_is_over_when_every_agent_says_so() {
    let market = Market::start().await;
    let plan = market.plan("standard", json!({"kind": "manual", "people": 2})).await;
    market.publish().await;
    let shop = market.application("shop").await;
    let short = json!({"application": shop, "version": market.version, "plan": plan, "purpose": "tests"});
    assert!(market.refused(&market.dev, "POST", "access-requests", short).await.contains("purpose"));
    let request = market.dev("POST", "access-requests", market.wish(&shop, &plan)).await;
    assert_eq!((&request["state"], &request["missing"]), (&json!("pending"), &json!(2)));
    assert!(text(&request["not_decided_because"]).contains("your own"), "{request}");
    let twice = market.refused(&market.dev, "POST", "access-requests", market.wish(&shop, &plan)).await;
    assert!(twice.contains("asked for it already"), "{twice}");
    let (status, told) = market.decide(&market.dev, &request, "approve", "").await;
    assert!(!status.is_success() && told.to_string().contains("your own"), "{told}");

    // Asked and answered, then approved by two.
    let inbox = market.ok(&market.reviewer, "GET", "access-requests?inbox=true", None).await;
    assert_eq!(inbox["total"], 1);
    let (_, asked) = market.decide(&market.reviewer, &request, "ask", "for how many walls?").await;
    let (_, answered) = market.decide(&market.dev, &asked["done"][0], "answer", "for two").await;
    let (_, once) = market.decide(&market.reviewer, &answered["done"][0], "approve", "").await;
    assert_eq!((&once["done"][0]["state"], &once["done"][0]["missing"]), (&json!("pending"), &json!(1)));
    assert_eq!(market.ok(&market.reviewer, "GET", "access-requests?inbox=true", None).await["total"], 0);
    let (status, _) = market.decide(&market.admin, &answered["done"][0], "approve", "").await;
    assert_eq!(status, StatusCode::CONFLICT, "it was changed meanwhile");
    let (_, given) = market.decide(&market.admin, &once["done"][0], "approve", "fine").await;
    let given = &given["done"][0];
    assert_eq!(given["state"], "approved", "{given}");
    let steps = given["steps"].as_array().expect("steps").iter().map(|step| text(&step["act"])).collect::<Vec<_>>();
    assert_eq!(steps, ["ask", "answer", "approve", "approve"]);

    let grant = format!("grants/{}", text(&given["grant"]));
    let issued = market.dev("POST", &format!("applications/{shop}/credentials"), json!({"username": "wall"})).await;
    assert_eq!(issued["credential"]["works"], true);
    market.applies(true).await;
    let live = market.ok(&market.dev, "GET", &grant, None).await;
    assert_eq!(live["phase"], "live");
    let step =
        |revision: &Value, to: &str, reason: &str| json!({"revision": revision, "value": {"to": to, "reason": reason}});
    let moves = format!("{grant}/move");
    assert!(
        market
            .refused(&market.reviewer, "POST", &moves, step(&live["revision"], "revoke", ""))
            .await
            .contains("reason")
    );
    let (status, _) = market.ask(&market.dev, "POST", &moves, Some(step(&live["revision"], "revoke", "over"))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let held = market.ok(&market.reviewer, "POST", &moves, Some(step(&live["revision"], "suspend", "too loud"))).await;
    assert_eq!(held["phase"], "suspending");
    assert_eq!(market.filters("wall").await, [""; 0], "its credentials do not work");
    let back = market.ok(&market.reviewer, "POST", &moves, Some(step(&held["revision"], "resume", ""))).await;
    assert_eq!(market.filters("wall").await, ["orders/*/created"]);

    let revoked = market.ok(&market.reviewer, "POST", &moves, Some(step(&back["revision"], "revoke", "left"))).await;
    assert_eq!(revoked["phase"], "revoking");
    assert!(text(&revoked["waits_for"][0]["agent_name"]).len() > 1, "the agent is named: {revoked}");
    market.applies(false).await;
    assert_eq!(market.ok(&market.dev, "GET", &grant, None).await["phase"], "revoking", "it enforces an older policy");
    market.applies(true).await;
    assert_eq!(market.ok(&market.dev, "GET", &grant, None).await["phase"], "revoked");
    assert_eq!(market.filters("wall").await, [""; 0]);
    let again = market.dev("POST", "access-requests", market.wish(&shop, &plan)).await;
    assert_eq!(again["state"], "pending", "it can be asked for again");
    let feed = async |auth: &str| {
        let told = market.ok(auth, "GET", "notifications", None).await;
        let items =
            told["items"].as_array().expect("items").iter().filter(|item| text(&item["kind"]).starts_with("access."));
        items.map(|item| text(&item["kind"])).collect::<Vec<_>>()
    };
    let reviewer = feed(&market.reviewer).await;
    assert_eq!(reviewer, ["access.requested", "access.requested", "access.requested"], "asked, answered, asked again");
    let asker = feed(&market.dev).await;
    let four = ["access.changed", "access.changed", "access.changed", "access.decided", "access.asked"];
    assert_eq!(asker, four, "revoked, given again, held back, given, and asked about");
}

#[tokio::test]
async fn many_are_decided_at_once_and_each_by_itself() {
    let market = Market::start().await;
    let plan = market.plan("standard", json!({"kind": "manual", "people": 1})).await;
    market.publish().await;
    let mut seen = Vec::new();
    for name in ["one", "two"] {
        let application = market.application(name).await;
        let request = market.dev("POST", "access-requests", market.wish(&application, &plan)).await;
        seen.push(json!({"id": request["id"], "revision": request["revision"]}));
    }
    seen[1]["revision"] = json!(7);
    let decision = json!({"requests": seen, "act": "approve"});
    let decided = market.ok(&market.reviewer, "POST", "access-requests/decide", Some(decision)).await;
    assert_eq!(decided["done"].as_array().map(Vec::len), Some(1));
    assert!(text(&decided["refused"][0]["reason"]).contains("changed meanwhile"), "{decided}");

    // Somebody else shall decide about the other one.
    let other = market.ok(&market.dev, "GET", "access-requests?open=true", None).await["items"][0].clone();
    let delegate = |to: &str| json!({"requests": [{"id": other["id"], "revision": other["revision"]}], "act": "delegate", "to": to});
    assert!(
        market
            .refused(&market.reviewer, "POST", "access-requests/decide", delegate("dev"))
            .await
            .contains("nobody who may")
    );
    market.ok(&market.reviewer, "POST", "access-requests/decide", Some(delegate("ada"))).await;
    assert_eq!(market.ok(&market.admin, "GET", "access-requests?inbox=true", None).await["total"], 1);
    assert_eq!(market.ok(&market.reviewer, "GET", "access-requests?inbox=true", None).await["total"], 0);
}

#[tokio::test]
async fn an_event_by_itself_is_received_and_given_by_one_person() {
    let market = Market::start().await;
    let events = market.ok(&market.dev, "GET", "designs?kind=event", None).await;
    let event = text(&events["items"][0]["versions"][0]["id"]);
    let shop = market.application("shop").await;
    let wish = json!({"application": shop, "version": event, "purpose": "Shows orders on the wall"});
    let with_plan =
        json!({"application": shop, "version": event, "plan": uuid::Uuid::nil(), "purpose": "Shows orders"});
    assert!(
        market.refused(&market.dev, "POST", "access-requests", with_plan).await.contains("plan is of products only")
    );
    let request = market.dev("POST", "access-requests", wish).await;
    assert_eq!((&request["people"], &request["terms"]["publish"]), (&json!(1), &json!([])));
    let (_, given) = market.decide(&market.reviewer, &request, "approve", "").await;
    assert_eq!(given["done"][0]["state"], "approved");
    market.dev("POST", &format!("applications/{shop}/credentials"), json!({"username": "wall"})).await;
    assert_eq!(market.filters("wall").await, ["orders/*/created"]);
}
