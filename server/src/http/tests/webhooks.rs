//! Webhooks with a receiver that listens, verifies what it gets by its own means, and does not always feel well.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Reply, TestPortal};
use crate::app::webhook::call::call;
use crate::task::Tasks;

const PATIENCE: Duration = Duration::from_secs(60);

/// A message as it came.
#[derive(Clone, Debug)]
struct Came {
    id: String,
    at_s: i64,
    signatures: Vec<String>,
    body: String,
}

/// Takes messages; answers from a list, then with 204.
#[derive(Clone, Debug, Default)]
struct Receiver {
    came: Arc<Mutex<Vec<Came>>>,
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
}

impl Receiver {
    /// Listens, and gives its URL.
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let router = Router::new().route("/in", post(take)).with_state(self.clone());
        Tasks::default().spawn("receiver", async move { axum::serve(listener, router).await.expect("served") });
        format!("http://{at}/in")
    }

    fn answers(&self, answers: &[(u16, &str)]) {
        let mut list = self.answers.lock().expect("no panic while held");
        list.extend(answers.iter().map(|(status, body)| (*status, (*body).to_owned())));
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().expect("no panic while held").clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let came = Came {
        id: header("webhook-id"),
        at_s: header("webhook-timestamp").parse().unwrap_or_default(),
        signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
        body,
    };
    receiver.came.lock().expect("no panic while held").push(came);
    let answer = receiver.answers.lock().expect("no panic while held").pop_front();
    let (status, body) = answer.unwrap_or((204, String::new()));
    let status = StatusCode::from_u16(status).expect("a status");
    if status.is_redirection() {
        return (status, [("location", body)]).into_response();
    }
    (status, body).into_response()
}

/// HMAC-SHA-256 by its definition, so that nothing of the portal's own signing is trusted.
fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    assert!(key.len() <= 64);
    let padded = |with: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([padded(0x36), message.as_bytes().to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

/// Whether a message is signed with a secret as receivers are given it.
fn is_signed(came: &Came, secret: &str) -> bool {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").expect("its prefix")).expect("base64");
    let expected = BASE64_STANDARD.encode(hmac(&key, &format!("{}.{}.{}", came.id, came.at_s, came.body)));
    came.signatures.iter().any(|signature| *signature == format!("v1,{expected}"))
}

struct Office {
    portal: TestPortal,
    admin: String,
    receiver: Receiver,
    url: String,
}

impl Office {
    async fn open() -> Self {
        let portal = TestPortal::start().await;
        let admin = portal.admin().await;
        let receiver = Receiver::default();
        let url = receiver.listen().await;
        Self { portal, admin, receiver, url }
    }

    async fn call(&self, method: &str, path: &str, input: Option<Value>) -> Reply {
        self.portal.call(method, &format!("/api/v1/{path}"), Some(&self.admin), input).await
    }

    async fn done(&self, method: &str, path: &str, input: Option<Value>) -> Value {
        let done = self.call(method, path, input).await;
        assert_eq!(done.status, StatusCode::OK, "{method} {path}: {done:?}");
        done.body
    }

    /// A webhook at the receiver; gives it with its secret.
    async fn webhook(&self, kinds: &[&str]) -> (String, String) {
        let input =
            json!({"name": "pager", "url": self.url, "kinds": kinds, "private_addresses": true, "enabled": true});
        let made = self.done("POST", "webhooks", Some(input)).await;
        (text(&made["webhook"]["id"]), text(&made["secret"]))
    }

    /// Something that people are told of: a version goes to review.
    async fn happens(&self, name: &str) {
        let domain = self.done("POST", "domains", Some(json!({"name": name}))).await;
        let object = json!({"kind": "schema", "name": name, "domain": domain["id"]});
        let object = self.done("POST", "designs", Some(object)).await;
        let content = json!({"kind": "schema", "format": "AVRO",
            "text": r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#});
        let version = json!({"number": "1.0.0", "content": content});
        let path = format!("designs/{}/versions", text(&object["id"]));
        let version = self.done("POST", &path, Some(version)).await;
        let input = json!({"revision": version["revision"], "value": {"to": "in_review", "reason": ""}});
        self.done("POST", &format!("design-versions/{}/move", text(&version["id"])), Some(input)).await;
    }

    /// Sends what is due now, once. Gives how many attempts there were.
    async fn turn(&self) -> usize {
        let due = self.portal.app.lease_webhooks(&[].into(), 99).await.expect("leased");
        for one in &due {
            self.portal.app.note_webhook(one, &call(one).await).await.expect("noted");
        }
        due.len()
    }

    async fn sent(&self, webhook: &str) -> Value {
        self.done("GET", &format!("webhooks/{webhook}/deliveries"), None).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[tokio::test]
async fn what_happens_arrives_signed_and_is_sent_again_until_it_is_taken() {
    let office = Office::open().await;
    let (id, secret) = office.webhook(&[]).await;
    office.receiver.answers(&[(500, "not today")]);
    let tasks = Tasks::default();
    tasks.spawn_until_stop("webhooks", crate::background::webhooks::run(office.portal.app.clone()));
    office.happens("order").await;
    let until = tokio::time::Instant::now() + PATIENCE;
    let sent = loop {
        let sent = office.sent(&id).await;
        if sent["items"][0]["state"] == "delivered" {
            break sent;
        }
        assert!(tokio::time::Instant::now() < until, "{sent}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    tasks.stop(PATIENCE).await;
    let came = office.receiver.came();
    assert_eq!(came.len(), 2, "{came:?}");
    assert_eq!((&came[0].id, &came[0].body), (&came[1].id, &came[1].body), "the same message");
    for one in &came {
        assert!(is_signed(one, &secret), "{one:?}");
        assert!(!is_signed(&Came { body: one.body.replace("order", "other"), ..one.clone() }, &secret));
        assert!(!is_signed(&Came { at_s: one.at_s + 1, ..one.clone() }, &secret), "the time is signed too");
        assert!((crate::app::clock::now_ms() / 1_000 - one.at_s).abs() < 120);
    }
    let body: Value = serde_json::from_str(&came[0].body).expect("JSON");
    assert_eq!(body["type"], "design.review_requested");
    assert!(text(&body["data"]["link"]).starts_with("http://portal.test/designs/"), "{body}");
    let sent = &sent["items"][0];
    assert_eq!((&sent["tries"], text(&sent["message"])), (&json!(2), came[0].id.clone()));
    assert_eq!((&sent["attempts"][0]["status"], &sent["attempts"][0]["trouble"]), (&json!(204), &json!("")));
    let failed = &sent["attempts"][1];
    assert_eq!((&failed["status"], &failed["response"]), (&json!(500), &json!("not today")));
}

#[tokio::test]
async fn a_secret_is_shown_once_sealed_at_rest_and_replaced_with_an_overlap() {
    let office = Office::open().await;
    let (id, first) = office.webhook(&["agent.back"]).await;
    for path in ["webhooks", &format!("webhooks/{id}/deliveries")] {
        assert!(!office.done("GET", path, None).await.to_string().contains("whsec_"), "{path}");
    }
    let mut tx = office.portal.app.store().read().await.expect("open");
    let webhook = id.parse::<uuid::Uuid>().expect("an id").into();
    let sealed = tx.webhook_secrets(webhook).await.expect("read").expect("there").current;
    let plain = BASE64_STANDARD.decode(&first["whsec_".len()..]).expect("base64");
    assert!(!sealed.windows(plain.len()).any(|part| part == plain), "it is sealed");
    let entries = tx.audit_after(0, 1_000).await.expect("read");
    drop(tx);
    assert!(!format!("{entries:?}").contains("whsec_"), "nor is it in the audit trail");

    let rotated = office.done("POST", &format!("webhooks/{id}/rotate"), Some(json!({"overlap_hours": 24}))).await;
    let second = text(&rotated["secret"]);
    assert!(rotated["webhook"]["overlap_until"].is_i64() && second != first);
    office.done("POST", &format!("webhooks/{id}/test"), None).await;
    assert_eq!(office.turn().await, 1);
    let came = office.receiver.came();
    assert!(is_signed(&came[0], &first) && is_signed(&came[0], &second), "either verifies it");
    let rotated = office.done("POST", &format!("webhooks/{id}/rotate"), Some(json!({"overlap_hours": 0}))).await;
    let third = text(&rotated["secret"]);
    office.done("POST", &format!("webhooks/{id}/test"), None).await;
    office.turn().await;
    let last = office.receiver.came().pop().expect("a message");
    assert!(is_signed(&last, &third) && !is_signed(&last, &second), "the old one ended");
    assert_eq!(serde_json::from_str::<Value>(&last.body).expect("JSON")["type"], "webhook.test");
    let refused = office.call("POST", &format!("webhooks/{id}/rotate"), Some(json!({"overlap_hours": 169}))).await;
    assert_eq!(refused.body["fields"][0]["field"], "overlap_hours");
}

#[tokio::test]
async fn redirects_are_not_followed_answers_are_cut_and_a_message_can_be_sent_again() {
    let office = Office::open().await;
    let (id, _) = office.webhook(&[]).await;
    let long = "x".repeat(50_000);
    office.receiver.answers(&[(302, office.url.as_str()), (400, long.as_str())]);
    office.happens("order").await;
    assert_eq!(office.turn().await, 1);
    assert_eq!(office.turn().await, 0, "it waits for its time");
    let sent = office.sent(&id).await["items"][0].clone();
    assert_eq!((&sent["state"], &sent["tries"]), (&json!("waiting"), &json!(1)));
    assert!(text(&sent["attempts"][0]["trouble"]).contains("not followed"), "{sent}");
    assert_eq!(office.receiver.came().len(), 1);
    let webhook = office.done("GET", "webhooks", None).await["items"][0].clone();
    assert!(webhook["failing_since"].is_i64(), "{webhook}");

    let again = format!("webhook-deliveries/{}/again", text(&sent["id"]));
    office.done("POST", &again, None).await;
    office.turn().await;
    let sent = office.sent(&id).await["items"][0].clone();
    assert_eq!(text(&sent["attempts"][0]["response"]).chars().count(), 1_024, "a long answer is cut");
    office.done("POST", &again, None).await;
    office.turn().await;
    let sent = office.sent(&id).await["items"][0].clone();
    assert_eq!(sent["state"], "delivered");
    let came = office.receiver.came();
    assert_eq!((came.len(), came[0].id == came[2].id), (3, true), "with the id it had");
    let webhook = office.done("GET", "webhooks", None).await["items"][0].clone();
    assert_eq!(webhook["failing_since"], Value::Null);
}

#[tokio::test]
async fn an_endpoint_inside_is_called_only_where_that_is_meant() {
    let office = Office::open().await;
    let secure = office.url.replace("http://", "https://");
    let input = json!({"name": "inside", "url": secure, "private_addresses": false, "enabled": true});
    let made = office.done("POST", "webhooks", Some(input)).await;
    let id = text(&made["webhook"]["id"]);
    office.done("POST", &format!("webhooks/{id}/test"), None).await;
    office.turn().await;
    let sent = office.sent(&id).await["items"][0].clone();
    assert!(text(&sent["attempts"][0]["trouble"]).contains("allow private addresses"), "{sent}");
    assert_eq!(office.receiver.came().len(), 0);
    for (input, field) in [
        (json!({"name": "plain", "url": office.url, "enabled": true}), "url"),
        (json!({"name": "plain", "url": "https://me:secret@x.example", "enabled": true}), "url"),
        (json!({"name": "plain", "url": "https://x.example", "kinds": ["eaten"], "enabled": true}), "kinds"),
        (json!({"name": "inside", "url": "https://x.example", "enabled": true}), "name"),
    ] {
        let refused = office.call("POST", "webhooks", Some(input)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        assert_eq!(refused.body["fields"][0]["field"], field, "{refused:?}");
    }
}

#[tokio::test]
async fn one_that_is_gone_or_fails_for_five_days_is_switched_off_and_admins_are_told() {
    let office = Office::open().await;
    let (id, _) = office.webhook(&[]).await;
    office.receiver.answers(&[(410, "moved away")]);
    office.happens("order").await;
    office.turn().await;
    let webhook = office.done("GET", "webhooks", None).await["items"][0].clone();
    assert_eq!(webhook["config"]["enabled"], false, "{webhook}");
    assert!(text(&webhook["gave_up"]).contains("410"));
    let feed = office.done("GET", "notifications", None).await;
    assert_eq!(feed["items"][0]["kind"], "webhook.disabled", "{feed}");
    assert_eq!(office.sent(&id).await["items"][0]["state"], "given_up");
    let test = office.call("POST", &format!("webhooks/{id}/test"), None).await;
    assert_eq!(test.status, StatusCode::CONFLICT, "{test:?}");
    office.happens("other").await;
    assert_eq!(office.sent(&id).await["total"], 1, "it is told nothing more");

    let mut config = webhook["config"].clone();
    config["enabled"] = json!(true);
    let input = json!({"revision": webhook["revision"], "value": config});
    let on = office.done("PUT", &format!("webhooks/{id}"), Some(input.clone())).await;
    assert_eq!((&on["gave_up"], &on["config"]["enabled"]), (&json!(""), &json!(true)));
    assert_eq!(office.call("PUT", &format!("webhooks/{id}"), Some(input)).await.body["type"], "stale-revision");
    office.happens("third").await;
    office.turn().await;
    assert_eq!(office.receiver.came().len(), 2);
    let webhook = office.done("GET", "webhooks", None).await["items"][0].clone();
    office.done("DELETE", &format!("webhooks/{id}?revision={}", webhook["revision"]), None).await;
    assert_eq!(office.done("GET", "webhooks", None).await["total"], 0);
}
