//! The audit trail says what every edit changed, by name, and holds no secret.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;

struct Trail<'a> {
    portal: &'a TestPortal,
    admin: String,
    /// Whatever must not be found in the trail.
    secrets: Vec<String>,
}

impl Trail<'_> {
    async fn call(&self, method: &str, path: &str, input: Value) -> Value {
        let input = if input.is_null() { None } else { Some(input) };
        let reply = self.portal.call(method, &format!("/api/v1/{path}"), Some(&self.admin), input).await;
        assert_eq!(reply.status, StatusCode::OK, "{method} {path}: {reply:?}");
        reply.body
    }

    /// Makes an object, changes it and removes it.
    async fn whole_life(&self, list: &str, input: Value, changed: Value) {
        let made = self.call("POST", list, input).await;
        let made = if made["principal"].is_object() { made["principal"].clone() } else { made };
        let path = format!("{list}/{}", made["id"].as_str().expect("an id"));
        let seen = self.call("PUT", &path, json!({"revision": made["revision"], "value": changed})).await;
        self.call("DELETE", &format!("{path}?revision={}", seen["revision"]), Value::Null).await;
    }
}

#[tokio::test]
async fn every_edit_is_kept_with_before_and_after_and_names_its_object() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let mut trail = Trail { portal: &portal, admin, secrets: vec!["correct horse".to_owned(), "argon2".to_owned()] };
    let hub = trail.call("POST", "sites", json!({"name": "hub", "region": "eu"})).await["id"].clone();
    let hub_id = hub.as_str().expect("an id").to_owned();
    let far = trail.call("POST", "sites", json!({"name": "far", "region": "eu"})).await["id"].clone();
    let site = |region| json!({"name": "edge", "region": region, "connects_to": hub});
    trail.whole_life("sites", site("eu"), site("us")).await;
    let listener = |bind| {
        json!({"site": hub, "name": "mqtt-1", "protocol": "mqtt", "bind": bind, "payload_bytes_max": 1024,
               "connections_max": 10, "custody_timeout_ms": 1000, "denied_v3_publish": "disconnect"})
    };
    trail.whole_life("listeners", listener("0.0.0.0:0"), listener("127.0.0.1:0")).await;
    let broker = |server| {
        let sasl = json!({"mechanism": "SCRAM-SHA-256", "username": "u", "secret": "kafka-a"});
        json!({"site": hub, "name": "kafka-a", "bootstrap": [server], "tls": true, "discover": true, "sasl": sasl})
    };
    trail.whole_life("brokers", broker("a:9092"), broker("b:9092")).await;
    let application = |owner| json!({"name": "tills", "owner": owner, "description": ""});
    trail.whole_life("applications", application("ada"), application("bob")).await;
    let role = |text| json!({"name": "till", "description": text});
    trail.whole_life("roles", role("a"), role("b")).await;
    let team = |contact| json!({"name": "tellers", "contact": contact});
    trail.whole_life("teams", team("a"), team("b")).await;
    let rule = |effect| json!({"subject": "anyone", "action": "publish", "effect": effect, "filter": "a/>"});
    trail.whole_life("rules", rule("allow"), rule("deny")).await;
    let person =
        |role| json!({"login": "eve", "name": "Eve", "role": role, "enabled": true, "password": "wrong horse battery"});
    trail.whole_life("people", person("viewer"), person("developer")).await;
    trail.secrets.push("wrong horse battery".to_owned());
    let client = |enabled| json!({"username": "till-8", "enabled": enabled});
    trail.whole_life("principals", client(true), client(false)).await;
    let kafka = trail.call("POST", "brokers", broker("a:9092")).await["id"].clone();
    let route = |note| {
        let from = json!({"kind": "mesh", "filters": ["a/>"]});
        let to = json!({"kind": "kafka", "broker": kafka, "topic": "a", "key": ""});
        json!({"name": "r-1", "enabled": true, "from": from, "to": to, "mode": "direct", "note": note})
    };
    trail.whole_life("routes", route("a"), route("b")).await;
    let queue = |paused| json!({"name": "q-1", "site": hub, "filters": ["a/>"], "paused": paused});
    trail.whole_life("queues", queue(false), queue(true)).await;

    let link = trail.call("POST", "links", json!({"from": far, "to": hub})).await;
    let path = format!("links/{}", link["id"].as_str().expect("an id"));
    let off = json!({"revision": link["revision"], "value": {"from": far, "to": hub, "enabled": false}});
    let link = trail.call("PUT", &path, off).await;
    let path = format!("{path}?revision={}", link["revision"]);
    trail.call("DELETE", &path, Value::Null).await;
    let token = trail.call("POST", "tokens", json!({"name": "ci", "role": "viewer"})).await;
    trail.secrets.push(token["secret"].as_str().expect("a secret").to_owned());
    trail.call("DELETE", &format!("tokens/{}", token["token"]["id"].as_str().expect("an id")), Value::Null).await;
    let line = trail.call("POST", &format!("sites/{hub_id}/join-tokens"), json!({})).await;
    trail.secrets.push(line["token"].as_str().expect("a token").to_owned());
    let made = trail.call("POST", "principals", json!({"username": "till-7"})).await;
    trail.secrets.push(made["secret"].as_str().expect("a secret").to_owned());
    let path = format!("principals/{}", made["principal"]["id"].as_str().expect("an id"));
    let rotated = trail.call("POST", &format!("{path}/rotate"), json!({"overlap_minutes": 5})).await;
    trail.secrets.push(rotated["secret"].as_str().expect("a secret").to_owned());
    trail.call("POST", &format!("{path}/block"), json!({"reason": "loud"})).await;
    trail.call("POST", &format!("{path}/unblock"), Value::Null).await;
    let tried = trail.call("POST", "try", json!({"site": hub})).await;
    trail.secrets.push(tried["secret"].as_str().expect("a secret").to_owned());

    let entries = portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read");
    assert_eq!(crate::domain::audit::first_break(&entries), None);
    for chained in &entries {
        let entry = &chained.entry;
        let wants = match entry.action.rsplit('.').next().expect("a verb") {
            "create" | "setup" | "token" | "try" | "block" => (false, true),
            "update" | "rotate" => (true, true),
            "delete" | "unblock" => (true, false),
            other => panic!("the test does not know {other}"),
        };
        assert_eq!((entry.before.is_some(), entry.after.is_some()), wants, "{entry:?}");
        assert_ne!(entry.before, entry.after, "{entry:?}");
        for secret in &trail.secrets {
            assert!(!format!("{entry:?}").contains(secret), "{secret} is in {entry:?}");
        }
    }
    let said: Vec<&str> = entries.iter().map(|chained| chained.entry.summary.as_str()).collect();
    for summary in [
        "removed the site edge",
        "removed the listener mqtt-1",
        "removed the broker connection kafka-a",
        "removed the application tills",
        "removed the role till",
        "removed the team tellers",
        "removed the client till-8",
        "removed the route r-1",
        "paused the queue q-1",
        "removed the queue q-1",
        "changed eve and their password",
        "removed eve",
        "added the link far - hub",
        "switched off the link far - hub",
        "removed the link far - hub",
        "removed the service token ci",
        "rotated the secret of till-7",
    ] {
        assert!(said.contains(&summary), "{summary} is not in {said:?}");
    }
    let update = entries.iter().find(|chained| chained.entry.action == "application.update").expect("an update");
    assert!(update.entry.before.as_deref().is_some_and(|before| before.contains(r#""owner":"ada""#)));
    assert!(update.entry.after.as_deref().is_some_and(|after| after.contains(r#""owner":"bob""#)));
}
