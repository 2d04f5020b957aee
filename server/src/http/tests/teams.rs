//! Teams over REST: what is wrong is told at its field, a name follows everything that it owns, and nothing is left behind.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::drift::Mesh;
use super::{Reply, TestPortal};

/// A portal with somebody called eve, and a way to call it as the admin.
struct Office {
    portal: TestPortal,
    admin: String,
    eve: Value,
}

impl Office {
    async fn open() -> Self {
        let portal = TestPortal::start().await;
        let admin = portal.admin().await;
        let (eve, _) = portal.person(&admin, "eve", "developer").await;
        Self { portal, admin, eve: eve["id"].clone() }
    }

    async fn call(&self, method: &str, path: &str, input: Option<Value>) -> Reply {
        self.portal.call(method, &format!("/api/v1/{path}"), Some(&self.admin), input).await
    }

    async fn made(&self, path: &str, input: Value) -> Value {
        let made = self.call("POST", path, Some(input)).await;
        assert_eq!(made.status, StatusCode::OK, "{path}: {made:?}");
        made.body
    }

    async fn got(&self, path: &str) -> Value {
        let got = self.call("GET", path, None).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {got:?}");
        got.body
    }
}

fn path(team: &Value) -> String {
    format!("teams/{}", team["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_team_is_made_changed_and_removed_and_what_is_wrong_is_told_at_its_field() {
    let office = Office::open().await;
    let member = |person: &Value, is_lead: bool| json!({"person": person, "is_lead": is_lead});
    for (input, field) in [
        (json!({"name": " "}), "name"),
        (json!({"name": "tills", "contact": "two\nlines"}), "contact"),
        (json!({"name": "tills", "members": [member(&json!(uuid::Uuid::nil()), false)]}), "members"),
    ] {
        let refused = office.call("POST", "teams", Some(input)).await;
        let told = (refused.status, &refused.body["fields"][0]["field"]);
        assert_eq!(told, (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)), "{refused:?}");
    }
    let input = json!({"name": "tills", "contact": "#tills", "members": [member(&office.eve, true)]});
    let tills = office.made("teams", input.clone()).await;
    assert_eq!(
        (&tills["members"][0]["login"], &tills["members"][0]["is_lead"]),
        (&json!("eve"), &json!(true)),
        "{tills}"
    );
    let taken = office.call("POST", "teams", Some(input)).await;
    assert_eq!(taken.body["fields"], json!([{"field": "name", "message": "is taken by another team"}]), "{taken:?}");

    let edit = json!({"revision": 1, "value": {"name": "tills", "description": "who sells", "members": []}});
    let changed = office.call("PUT", &path(&tills), Some(edit.clone())).await;
    assert_eq!((changed.status, &changed.body["revision"]), (StatusCode::OK, &json!(2)), "{changed:?}");
    assert_eq!((&changed.body["members"], &changed.body["contact"]), (&json!([]), &json!("")), "{changed:?}");
    let stale = office.call("PUT", &path(&tills), Some(edit)).await;
    assert_eq!((stale.status, &stale.body["type"]), (StatusCode::CONFLICT, &json!("stale-revision")));
    let stale = office.call("DELETE", &format!("{}?revision=1", path(&tills)), None).await;
    assert_eq!((stale.status, &stale.body["type"]), (StatusCode::CONFLICT, &json!("stale-revision")));
    let removed = office.call("DELETE", &format!("{}?revision=2", path(&tills)), None).await;
    assert_eq!(removed.status, StatusCode::OK, "{removed:?}");
    assert_eq!(office.got("teams").await["total"], 0);
    assert_eq!(office.call("GET", &path(&tills), None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_lead_says_who_is_in_the_team_and_nobody_else_without_the_right_does() {
    let office = Office::open().await;
    let (portal, admin) = (&office.portal, &office.admin);
    let (lead, as_lead) = portal.person(admin, "lea", "viewer").await;
    let (_, as_other) = portal.person(admin, "otto", "viewer").await;
    let member = |person: &Value, is_lead: bool| json!({"person": person, "is_lead": is_lead});
    let members = json!([member(&lead["id"], true), member(&office.eve, false)]);
    let tills = office.made("teams", json!({"name": "tills", "members": members})).await;
    let stock = office.made("teams", json!({"name": "stock", "members": [member(&lead["id"], false)]})).await;
    let put = async |auth: &str, team: &Value, revision: u64, value: Value| {
        let input = json!({"revision": revision, "value": value});
        portal.call("PUT", &format!("/api/v1/{}", path(team)), Some(auth), Some(input)).await
    };
    let alone = json!({"name": "tills", "contact": "#tills", "members": [member(&lead["id"], true)]});
    assert_eq!(put(&as_other, &tills, 1, alone.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(put(&as_lead, &stock, 1, json!({"name": "stock"})).await.status, StatusCode::FORBIDDEN, "a mere member");
    let renamed = put(&as_lead, &tills, 1, json!({"name": "all", "members": [member(&lead["id"], true)]})).await;
    assert_eq!(renamed.body["fields"][0]["field"], "name", "{renamed:?}");
    let changed = put(&as_lead, &tills, 1, alone.clone()).await;
    assert_eq!((changed.status, &changed.body["contact"]), (StatusCode::OK, &json!("#tills")), "{changed:?}");
    assert_eq!(changed.body["members"].as_array().map(Vec::len), Some(1), "{changed:?}");
    let deleted = portal.call("DELETE", &format!("/api/v1/{}?revision=2", path(&tills)), Some(&as_lead), None).await;
    assert_eq!(deleted.status, StatusCode::FORBIDDEN);
    let people = async |auth: &str| portal.call("GET", "/api/v1/owners", Some(auth), None).await.status;
    assert_eq!((people(&as_lead).await, people(&as_other).await), (StatusCode::OK, StatusCode::FORBIDDEN));
    let entries = portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read");
    let last = &entries.last().expect("an entry").entry;
    assert_eq!((last.actor.as_str(), last.action.as_str()), ("lea", "team.update"));
    assert!(last.before.as_deref().is_some_and(|before| before.contains(office.eve.as_str().expect("an id"))));
    // Who leads no longer may no longer.
    let without = json!({"name": "tills", "contact": "#tills", "members": []});
    assert_eq!(put(&as_lead, &tills, 2, without).await.status, StatusCode::OK);
    assert_eq!(put(&as_lead, &tills, 3, alone).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn teams_are_found_by_name_contact_and_member_and_offered_as_owners_before_people() {
    let office = Office::open().await;
    office.made("teams", json!({"name": "tills", "contact": "#sell", "members": [{"person": office.eve}]})).await;
    office.made("teams", json!({"name": "stock"})).await;
    for (query, names) in [("", vec!["stock", "tills"]), ("?q=EVE", vec!["tills"]), ("?q=sell+till", vec!["tills"])] {
        let page = office.got(&format!("teams{query}")).await;
        let found: Vec<&str> =
            page["items"].as_array().expect("rows").iter().filter_map(|team| team["name"].as_str()).collect();
        assert_eq!(found, names, "{query}: {page}");
    }
    assert_eq!(office.got("teams?q=nobody").await["total"], 0);
    let choices = office.got("owners").await;
    let names: Vec<&Value> = choices["items"].as_array().expect("rows").iter().map(|choice| &choice["name"]).collect();
    assert_eq!(names, ["stock", "tills", "ada", "eve"], "{choices}");
    let found = office.got("search?q=kind:team").await;
    assert_eq!((&found["total"], &found["items"][0]["kind"]), (&json!(2), &json!("team")), "{found}");
    assert_eq!(office.got("search?q=kind:team+sell").await["items"][0]["name"], "tills");
}

#[tokio::test]
async fn another_name_is_given_to_everything_that_the_team_owns_and_noted_once() {
    let mesh = Mesh::start().await;
    mesh.publishes(&["orders/fr"]).await;
    let made = async |path: &str, input| {
        let made = mesh.post(path, input).await;
        assert_eq!(made.status, StatusCode::OK, "{path}: {made:?}");
        made.body
    };
    let tills = made("teams", json!({"name": "tills"})).await;
    let shop = made("domains", json!({"name": "shop", "owner": "tills", "topics": ["orders/>"]})).await;
    let event = made("designs", json!({"kind": "event", "name": "sold", "domain": shop["id"], "owner": "tills"})).await;
    made("designs", json!({"kind": "event", "name": "paid", "domain": shop["id"], "owner": "somebody"})).await;
    made("applications", json!({"name": "board", "owner": "tills", "description": ""})).await;
    let address = mesh.until_catalog("orders/fr").await;
    let id = address["id"].as_str().expect("an id").to_owned();
    let note = json!({"revision": 0, "value": {"owner": "tills", "description": "what was sold"}});
    let noted = mesh.call("PUT", &format!("catalog/{id}"), Some(note)).await;
    assert_eq!((noted.status, &noted.body["row"]["team"]), (StatusCode::OK, &tills["id"]), "{noted:?}");
    let owned = mesh.call("GET", &format!("{}/owned", path(&tills)), None).await.body;
    let kinds: Vec<(&Value, &Value)> =
        owned["items"].as_array().expect("rows").iter().map(|one| (&one["kind"], &one["name"])).collect();
    let expected = [("domain", "shop"), ("event", "sold"), ("application", "board"), ("address", "orders/fr")];
    let expected = expected.map(|(kind, name)| (json!(kind), json!(name)));
    assert_eq!(kinds, expected.iter().map(|(kind, name)| (kind, name)).collect::<Vec<_>>(), "{owned}");
    assert_eq!(mesh.call("GET", &format!("{}/owned?kind=event", path(&tills)), None).await.body["total"], 1);
    let owns = mesh.call("GET", &path(&tills), None).await.body["owns"].clone();
    assert_eq!(owns, json!({"domains": 1, "designs": 1, "applications": 1, "objects": 1}));

    let before = mesh.audited_in_all().await;
    let rename = json!({"revision": 1, "value": {"name": "sales"}});
    let renamed = mesh.call("PUT", &path(&tills), Some(rename)).await;
    assert_eq!(
        renamed.body["owns"],
        json!({"domains": 1, "designs": 1, "applications": 1, "objects": 1}),
        "{renamed:?}"
    );
    assert_eq!(mesh.audited_in_all().await, before + 1, "one entry, about the team");
    let event = mesh.call("GET", &format!("designs/{}", event["id"].as_str().expect("an id")), None).await.body;
    assert_eq!((&event["owner"], &event["team"], &event["revision"]), (&json!("sales"), &tills["id"], &json!(2)));
    let object = mesh.call("GET", &format!("catalog/{id}"), None).await.body;
    assert_eq!((&object["row"]["owner"], &object["row"]["description"]), (&json!("sales"), &json!("what was sold")));
    let found = mesh.call("GET", "search?q=owner:tills", None).await.body;
    assert_eq!(found["total"], 0, "{found}");
    let found = mesh.call("GET", "search?q=owner:sales+kind:event", None).await.body;
    assert_eq!((&found["total"], &found["items"][0]["team"]), (&json!(1), &tills["id"]), "{found}");
}

#[tokio::test]
async fn a_team_that_owns_something_goes_only_when_somebody_else_is_to_own_it() {
    let office = Office::open().await;
    let tills = office.made("teams", json!({"name": "tills"})).await;
    let shop = office.made("domains", json!({"name": "shop", "owner": "tills", "topics": ["orders/>"]})).await;
    office.made("designs", json!({"kind": "event", "name": "sold", "domain": shop["id"], "owner": "tills"})).await;
    let delete = async |more: &str| office.call("DELETE", &format!("{}?revision=1{more}", path(&tills)), None).await;
    let kept = delete("").await;
    assert_eq!(kept.status, StatusCode::CONFLICT, "{kept:?}");
    let why = kept.body["title"].as_str().unwrap_or_default();
    assert!(why.contains("1 domain (shop)") && why.contains("1 design (event sold)"), "{why}");
    let refused = delete("&hand_to=tills").await;
    assert_eq!(refused.body["fields"][0]["field"], "hand_to", "{refused:?}");
    assert_eq!(delete("&hand_to=%20").await.status, StatusCode::CONFLICT, "nobody is nobody");
    assert_eq!(delete("&hand_to=eve").await.status, StatusCode::OK);
    let domain = office.got("domains").await["items"][0].clone();
    assert_eq!((&domain["owner"], &domain["team"]), (&json!("eve"), &Value::Null), "{domain}");
    let event = office.got("designs").await["items"][0].clone();
    assert_eq!(event["owner"], "eve", "{event}");
    let entries = office.portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read");
    let last = &entries.last().expect("an entry").entry;
    assert_eq!(
        (last.action.as_str(), last.summary.as_str()),
        ("team.delete", "removed the team tills and gave 2 things to eve")
    );
}

#[tokio::test]
async fn who_sees_some_domains_sees_the_teams_that_answer_there_and_no_more_of_them() {
    let office = Office::open().await;
    let eve = json!({"person": office.eve});
    let seen = office.made("teams", json!({"name": "seen", "contact": "#seen", "members": [eve]})).await;
    let hidden = office.made("teams", json!({"name": "hidden"})).await;
    let above = office.made("teams", json!({"name": "above"})).await;
    let top = office.made("domains", json!({"name": "top", "owner": "above"})).await;
    let shop = office.made("domains", json!({"name": "shop", "parent": top["id"], "topics": ["shop/>"]})).await;
    let other = office.made("domains", json!({"name": "other", "owner": "seen"})).await;
    for (name, domain, owner) in [("sold", &shop, "seen"), ("secret", &other, "seen"), ("kept", &other, "hidden")] {
        let design = json!({"kind": "event", "name": name, "domain": domain["id"], "owner": owner});
        office.made("designs", design).await;
    }
    office.made("applications", json!({"name": "till", "owner": "seen", "description": ""})).await;
    let token = json!({"name": "partner", "role": "viewer", "domains": [shop["id"]]});
    let token = office.made("tokens", token).await["secret"].clone();
    let token = token.as_str().expect("a secret");
    let get = async |path: &str| office.portal.call("GET", &format!("/api/v1/{path}"), Some(token), None).await;
    let page = get("teams").await.body;
    let names: Vec<&Value> = page["items"].as_array().expect("rows").iter().map(|team| &team["name"]).collect();
    assert_eq!(names, ["above", "seen"], "who answers for what they see: {page}");
    assert_eq!(
        page["items"][1]["owns"],
        json!({"domains": 0, "designs": 1, "applications": 0, "objects": 0}),
        "{page}"
    );
    assert_eq!(page["items"][0]["owns"]["domains"], 0, "the domain above is out of sight: {page}");
    assert_eq!(page["items"][1]["members"], json!([]), "{page}");
    assert_eq!(get("teams?q=eve").await.body["total"], 0, "nor are members found");
    assert_eq!(get(&path(&hidden)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&format!("{}/owned", path(&hidden))).await.status, StatusCode::NOT_FOUND);
    let owned = get(&format!("{}/owned", path(&seen))).await.body;
    assert_eq!((&owned["total"], &owned["items"][0]["name"]), (&json!(1), &json!("sold")), "{owned}");
    assert_eq!(get(&path(&above)).await.status, StatusCode::OK);
    assert_eq!(get("owners").await.status, StatusCode::FORBIDDEN);
    let whole = office.got("teams").await;
    assert_eq!(whole["total"], 3, "{whole}");
}
