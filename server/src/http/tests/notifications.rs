//! Who is told what, as people find it in their feeds.

use axum::http::StatusCode;
use mesh_protocol::id::{AgentId, DesignObjectId};
use mesh_protocol::report::{Rejection, RejectionKind, Status};
use mesh_protocol::wire::{Hello, Revision};
use serde_json::{Value, json};

use super::streams::agent;
use super::{Reply, TestPortal};

const FIRST: &str = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#;

/// A portal with people of each kind. The admin is ada.
struct Office {
    portal: TestPortal,
    admin: String,
}

impl Office {
    async fn open() -> Self {
        Self::of(TestPortal::start().await).await
    }

    async fn of(portal: TestPortal) -> Self {
        let admin = portal.admin().await;
        Self { portal, admin }
    }

    async fn call(&self, method: &str, path: &str, auth: &str, input: Option<Value>) -> Reply {
        self.portal.call(method, &format!("/api/v1/{path}"), Some(auth), input).await
    }

    async fn done(&self, method: &str, path: &str, auth: &str, input: Option<Value>) -> Value {
        let done = self.call(method, path, auth, input).await;
        assert_eq!(done.status, StatusCode::OK, "{method} {path}: {done:?}");
        done.body
    }

    async fn made(&self, path: &str, auth: &str, input: Value) -> Value {
        self.done("POST", path, auth, Some(input)).await
    }

    /// The feed as kinds and titles, newest first.
    async fn told(&self, auth: &str) -> Vec<(String, String)> {
        let page = self.done("GET", "notifications", auth, None).await;
        let items = page["items"].as_array().expect("rows").iter();
        items.map(|item| (text(&item["kind"]), text(&item["title"]))).collect()
    }

    async fn version(&self, object: &Value, auth: &str, number: &str, content: Value) -> Value {
        let path = format!("designs/{}/versions", text(&object["id"]));
        self.made(&path, auth, json!({"number": number, "content": content})).await
    }

    async fn step(&self, version: &Value, auth: &str, to: &str, reason: &str) {
        let path = format!("design-versions/{}", text(&version["id"]));
        let revision = self.done("GET", &path, auth, None).await["revision"].clone();
        let input = json!({"revision": revision, "value": {"to": to, "reason": reason}});
        self.made(&format!("{path}/move"), auth, input).await;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn schema() -> Value {
    json!({"kind": "schema", "format": "AVRO", "text": FIRST})
}

fn kinds(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn a_version_is_reviewed_released_deprecated_and_retired_and_everybody_concerned_hears_of_it() {
    let office = Office::open().await;
    let admin = office.admin.clone();
    let (_, writer) = office.portal.person(&admin, "eve", "developer").await;
    let (_, approver) = office.portal.person(&admin, "bob", "approver").await;
    let (member, team) = office.portal.person(&admin, "mia", "developer").await;
    let (user, builder) = office.portal.person(&admin, "ulf", "developer").await;
    let (_, bystander) = office.portal.person(&admin, "kim", "developer").await;
    let (_, watcher) = office.portal.person(&admin, "wes", "viewer").await;
    office.made("teams", &admin, json!({"name": "tills", "members": [{"person": member["id"]}]})).await;
    office.made("teams", &admin, json!({"name": "stock", "members": [{"person": user["id"]}]})).await;
    let shop = office.made("domains", &admin, json!({"name": "shop", "owner": "tills"})).await;
    let order = office.made("designs", &writer, json!({"kind": "schema", "name": "order", "domain": shop["id"]})).await;
    let watch = format!("designs/{}/watch", text(&order["id"]));
    let now = office.made(&watch, &watcher, json!({"watching": true})).await;
    assert_eq!(now, json!({"watching": true, "watchers": 1}));

    let first = office.version(&order, &writer, "1.0.0", schema()).await;
    office.step(&first, &writer, "in_review", "please").await;
    let expected = ("design.review_requested".to_owned(), "schema order 1.0.0 waits for its release".to_owned());
    for (who, auth) in [("admin", &admin), ("approver", &approver), ("the domain's team", &team)] {
        assert_eq!(office.told(auth).await, std::slice::from_ref(&expected), "{who}");
    }
    for (who, auth) in [("author", &writer), ("bystander", &bystander), ("watcher", &watcher)] {
        assert_eq!(office.told(auth).await, [], "{who}");
    }
    let page = office.done("GET", "notifications", &approver, None).await;
    assert_eq!((&page["total"], &page["unread"], &page["next"]), (&json!(1), &json!(1), &Value::Null));
    let item = &page["items"][0];
    assert_eq!((&item["severity"], &item["read"], &item["object_id"]), (&json!("note"), &json!(false), &order["id"]));
    assert_eq!(text(&item["link"]), format!("/designs/{}/versions/{}", text(&order["id"]), text(&first["id"])));
    assert!(text(&item["text"]).contains("eve asks for a review. please"), "{item}");

    office.step(&first, &approver, "draft", "name the currency").await;
    assert_eq!(kinds(&office.told(&writer).await), ["design.sent_back"]);
    assert_eq!(kinds(&office.told(&approver).await), ["design.review_requested"], "who does it knows it");
    office.step(&first, &writer, "in_review", "").await;
    office.step(&first, &approver, "released", "").await;
    assert_eq!(kinds(&office.told(&writer).await), ["design.released", "design.sent_back"]);
    assert_eq!(kinds(&office.told(&watcher).await), ["design.released", "design.sent_back"]);

    let event = json!({"kind": "event", "name": "sold", "domain": shop["id"], "owner": "stock"});
    let sold = office.made("designs", &admin, event).await;
    let content = json!({"kind": "event", "address": "sold", "schema": first["id"]});
    office.version(&sold, &admin, "1.0.0", content).await;
    assert_eq!(office.told(&builder).await, []);
    let version = office.done("GET", &format!("design-versions/{}", text(&first["id"])), &writer, None).await;
    let mut config = version["config"].clone();
    config["end_of_life_at"] = json!(4_102_444_800_000_i64);
    let input = json!({"revision": version["revision"], "value": config});
    office.done("PUT", &format!("design-versions/{}", text(&first["id"])), &writer, Some(input)).await;
    office.step(&first, &approver, "deprecated", "a better one comes").await;
    let told = office.done("GET", "notifications", &builder, None).await;
    assert_eq!(told["items"][0]["kind"], "design.deprecated", "whoever builds on it hears of it unasked: {told}");
    let why = text(&told["items"][0]["text"]);
    assert!(why.contains("served until 2100-01-01") && why.contains("a better one comes"), "{why}");
    assert_eq!(office.told(&bystander).await, [], "nobody else is bothered");
}

#[tokio::test]
async fn what_is_read_is_marked_one_by_one_or_up_to_what_was_seen() {
    let office = Office::open().await;
    let admin = office.admin.clone();
    let (_, writer) = office.portal.person(&admin, "eve", "developer").await;
    let shop = office.made("domains", &admin, json!({"name": "shop"})).await;
    for name in ["one", "two", "three"] {
        let object = json!({"kind": "schema", "name": name, "domain": shop["id"]});
        let object = office.made("designs", &writer, object).await;
        let version = office.version(&object, &writer, "1.0.0", schema()).await;
        office.step(&version, &writer, "in_review", "").await;
    }
    let mut live = office.portal.app.live().watch();
    let page = office.done("GET", "notifications?limit=2", &admin, None).await;
    let ids: Vec<String> = page["items"].as_array().expect("rows").iter().map(|item| text(&item["id"])).collect();
    assert_eq!((ids.len(), &page["total"]), (2, &json!(3)));
    let cursor = text(&page["next"]);
    let rest = office.done("GET", &format!("notifications?limit=2&cursor={cursor}"), &admin, None).await;
    assert_eq!(
        (text(&rest["items"][0]["title"]), &rest["next"]),
        ("schema one 1.0.0 waits for its release".to_owned(), &Value::Null)
    );
    let foreign = office.call("GET", "notifications?cursor=%25", &admin, None).await;
    assert_eq!(foreign.body["fields"][0]["field"], "cursor");

    office.made(&format!("notifications/{}/read", ids[1]), &admin, json!({"read": true})).await;
    assert_eq!(live.next().await, Some(frontend::api::LiveTopic::Notifications), "other windows hear of it");
    let unread = office.done("GET", "notifications?unread=true", &admin, None).await;
    assert_eq!((&unread["total"], &unread["unread"]), (&json!(2), &json!(2)));
    office.made(&format!("notifications/{}/read", ids[1]), &admin, json!({"read": false})).await;
    let marked = office.made("notifications/read", &admin, json!({"until": ids[1]})).await;
    assert_eq!(marked, json!({"marked": 2}), "the newest came after it");
    let unread = office.done("GET", "notifications?unread=true", &admin, None).await;
    assert_eq!((&unread["total"], text(&unread["items"][0]["id"])), (&json!(1), ids[0].clone()));

    let path = format!("notifications/{}/read", ids[0]);
    let other = office.call("POST", &path, &writer, Some(json!({"read": true}))).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "another's feed is not there");
    let token = office.made("tokens", &admin, json!({"name": "ci", "role": "viewer"})).await;
    let none = office.call("GET", "notifications", &text(&token["secret"]), None).await;
    assert_eq!((none.status, text(&none.body["type"])), (StatusCode::CONFLICT, "conflict".to_owned()));
}

#[tokio::test]
async fn an_edit_that_does_not_happen_tells_nobody() {
    let office = Office::open().await;
    let admin = office.admin.clone();
    let (_, writer) = office.portal.person(&admin, "eve", "developer").await;
    let shop = office.made("domains", &admin, json!({"name": "shop"})).await;
    let object =
        office.made("designs", &writer, json!({"kind": "schema", "name": "order", "domain": shop["id"]})).await;
    let version = office.version(&object, &writer, "1.0.0", schema()).await;
    let path = format!("design-versions/{}/move", text(&version["id"]));
    let stale = json!({"revision": 7, "value": {"to": "in_review", "reason": ""}});
    assert_eq!(office.call("POST", &path, &writer, Some(stale)).await.status, StatusCode::CONFLICT);
    assert_eq!(office.told(&admin).await, []);
}

#[tokio::test]
async fn what_is_out_of_sight_is_in_no_feed_also_when_it_went_out_of_it_later() {
    let office = Office::open().await;
    let admin = office.admin.clone();
    let shop = office.made("domains", &admin, json!({"name": "shop"})).await;
    let other = office.made("domains", &admin, json!({"name": "other"})).await;
    let password = "correct horse";
    let partner = json!({"login": "pia", "name": "Pia", "role": "viewer", "enabled": true, "password": password,
        "domains": [shop["id"]]});
    office.made("people", &admin, partner).await;
    let login = json!({"login": "pia", "password": password});
    let login = office.portal.call("POST", "/api/v1/login", None, Some(login)).await;
    let pia = login.cookie.expect("signed in");
    let mut versions = Vec::new();
    for (name, domain) in [("seen", &shop), ("hidden", &other)] {
        // Its owner by name, so that only sight is between her and what happens.
        let object = json!({"kind": "schema", "name": name, "domain": domain["id"], "owner": "pia"});
        let object = office.made("designs", &admin, object).await;
        let path = format!("designs/{}/watch", text(&object["id"]));
        let watched = office.call("POST", &path, &pia, Some(json!({"watching": true}))).await;
        let expected = if name == "seen" { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(watched.status, expected, "{name}");
        let version = office.version(&object, &admin, "1.0.0", schema()).await;
        office.step(&version, &admin, "in_review", "").await;
        versions.push((object, version));
    }
    let told = office.told(&pia).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains("seen"), "{told:?}");

    let object = office.done("GET", &format!("designs/{}", text(&versions[0].0["id"])), &admin, None).await;
    let mut config = object["config"].clone();
    config["domain"] = other["id"].clone();
    let input = json!({"revision": object["revision"], "value": config});
    office.done("PUT", &format!("designs/{}", text(&object["id"])), &admin, Some(input)).await;
    let page = office.done("GET", "notifications", &pia, None).await;
    assert_eq!((&page["total"], &page["unread"], &page["items"]), (&json!(0), &json!(0), &json!([])), "{page}");
    let id: DesignObjectId = serde_json::from_value(object["id"].clone()).expect("an id");
    let gone = office.call("GET", &format!("designs/{id}/watch"), &pia, None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

fn status(rejected: Option<&str>) -> Status {
    let revision = Some(Revision { generation: 1, revision: 7 });
    let rejected = rejected.map(|reason| Rejection { revision, kind: RejectionKind::Invalid, reason: reason.into() });
    Status {
        at_ms: 1,
        applied: Some(Revision { generation: 1, revision: 6 }),
        rejected,
        deny_list: 0,
        parts: vec![],
        links: vec![],
        counters: [].into(),
        memory_bytes: 1,
        started_at_ms: 1,
        certificate_ends_at_ms: i64::MAX,
    }
}

#[tokio::test]
async fn operators_hear_of_an_agent_that_is_away_or_refuses_and_hear_it_once() {
    let office = Office::open().await;
    let admin = office.admin.clone();
    let (_, operator) = office.portal.person(&admin, "kim", "operator").await;
    let (_, approver) = office.portal.person(&admin, "bob", "approver").await;
    let (_site, seat) = agent(&office.portal, &admin).await;
    let agents = office.done("GET", "agents", &admin, None).await;
    let id: AgentId = serde_json::from_value(agents["items"][0]["id"].clone()).expect("an id");
    let app = &office.portal.app;
    app.tell_absences(i64::MAX / 2, true).await.expect("looked");
    assert_eq!(office.told(&operator).await, [], "one that never came is not missed");

    app.take_status(id, &status(Some("rule 7 is not valid"))).await.expect("taken");
    app.take_status(id, &status(Some("rule 7 is not valid"))).await.expect("taken");
    let told = office.told(&operator).await;
    assert_eq!(told, [("rollout.rejected".to_owned(), "hq-1 refused policy revision 7".to_owned())]);
    app.take_status(id, &status(None)).await.expect("taken");
    app.take_status(id, &status(Some("rule 9 is not valid"))).await.expect("taken");
    assert_eq!(office.told(&operator).await.len(), 2, "another refusal is news");

    let now = crate::app::clock::now_ms();
    let away = now + 6 * 60_000;
    drop(seat);
    app.tell_absences(away, false).await.expect("looked");
    assert_eq!(office.told(&operator).await.len(), 2, "agents come back after a start of the portal");
    app.tell_absences(away, true).await.expect("looked");
    app.tell_absences(away, true).await.expect("looked");
    let told = office.told(&operator).await;
    assert_eq!(told[0], ("agent.offline".to_owned(), "hq-1 at hq is away".to_owned()), "{told:?}");
    assert_eq!(told.len(), 3);
    assert!(!kinds(&office.told(&approver).await).contains(&"agent.offline"), "who decides about access runs none");

    let hello = Hello {
        version_min: 1,
        version_max: 1,
        capabilities: vec![],
        agent_version: "1".into(),
        boot: "b".into(),
        applied: None,
        deny_list: 0,
        sealing_key: None,
    };
    let _seat = app.begin_session_of(id, &hello, "10.0.0.1").await.expect("let in");
    app.tell_absences(crate::app::clock::now_ms(), false).await.expect("looked");
    app.tell_absences(crate::app::clock::now_ms(), false).await.expect("looked");
    let told = office.told(&operator).await;
    assert_eq!((told.len(), told[0].0.as_str()), (4, "agent.back"), "{told:?}");
}
