//! Mail, given to a mail server that is as short as the protocol lets it be, and that does not always want it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Reply, TestPortal};
use crate::app::Config;
use crate::app::clock::now_ms;
use crate::app::mail::Server;
use crate::app::mail::config::Tls;
use crate::task::Tasks;

const PATIENCE: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A letter as it came.
#[derive(Clone, Debug)]
struct Came {
    from: String,
    to: String,
    data: String,
}

impl Came {
    /// Without the breaks and marks of quoted-printable, which a letter may have or not.
    fn read(&self) -> String {
        self.data.replace("=\n", "").replace("=3D", "=")
    }
}

/// Takes letters; answers to `RCPT` from a list, then that it takes it.
#[derive(Clone, Debug, Default)]
struct PostOffice {
    came: Arc<Mutex<Vec<Came>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl PostOffice {
    async fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let office = self.clone();
        let tasks = Tasks::default();
        tasks.clone().spawn("mail server", async move {
            while let Ok((stream, _)) = listener.accept().await {
                tasks.spawn("client", office.clone().serve(stream));
            }
        });
        port
    }

    async fn serve(self, stream: TcpStream) {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let (mut from, mut to) = (String::new(), String::new());
        let _gone = writer.write_all(b"220 peer ESMTP\r\n").await;
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.to_ascii_uppercase() {
                said if said.starts_with("EHLO") => "250-peer\r\n250 8BITMIME",
                said if said.starts_with("MAIL FROM:") => {
                    line[10..].clone_into(&mut from);
                    "250 ok"
                }
                said if said.starts_with("RCPT TO:") => {
                    line[8..].clone_into(&mut to);
                    self.answers.lock().expect("no panic while held").pop_front().unwrap_or("250 ok")
                }
                said if said == "DATA" => {
                    let _gone = writer.write_all(b"354 go on\r\n").await;
                    let mut data = Vec::new();
                    while let Ok(Some(line)) = lines.next_line().await {
                        if line == "." {
                            break;
                        }
                        data.push(line);
                    }
                    let came = Came { from: from.clone(), to: to.clone(), data: data.join("\n") };
                    self.came.lock().expect("no panic while held").push(came);
                    "250 taken"
                }
                said if said == "QUIT" => "221 bye",
                _ => "250 ok",
            };
            let _gone = writer.write_all(format!("{answer}\r\n").as_bytes()).await;
        }
    }

    fn answer(&self, answer: &'static str) {
        self.answers.lock().expect("no panic while held").push_back(answer);
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().expect("no panic while held").clone()
    }
}

struct Office {
    portal: TestPortal,
    admin: String,
    post: PostOffice,
}

impl Office {
    async fn open() -> Self {
        let post = PostOffice::default();
        let address = format!("127.0.0.1:{}", post.listen().await);
        let from = Some("Meshport <portal@mesh.example>".to_owned());
        let server = Server::new(&address, Tls::None, None, None, from).expect("a server");
        let config = Config { portal_url: "http://portal.test".into(), mail: Some(server), ..Config::default() };
        let portal = TestPortal::start_with(config).await;
        let admin = portal.admin().await;
        Self { portal, admin, post }
    }

    async fn call(&self, method: &str, path: &str, auth: &str, input: Option<Value>) -> Reply {
        self.portal.call(method, &format!("/api/v1/{path}"), Some(auth), input).await
    }

    async fn done(&self, method: &str, path: &str, auth: &str, input: Option<Value>) -> Value {
        let done = self.call(method, path, auth, input).await;
        assert_eq!(done.status, StatusCode::OK, "{method} {path}: {done:?}");
        done.body
    }

    async fn wants(&self, auth: &str, email: &str, pace: &str) {
        let input = json!({"email": email, "pace": pace, "kinds": null});
        let view = self.done("PUT", "me/mail", auth, Some(input.clone())).await;
        assert_eq!(view, json!({"config": input, "configured": true}));
    }

    /// A version goes to review, by somebody else than the admin.
    async fn happens(&self, writer: &str, name: &str) {
        let domain = self.done("POST", "domains", &self.admin, Some(json!({"name": name}))).await;
        let object = json!({"kind": "schema", "name": name, "domain": domain["id"]});
        let object = self.done("POST", "designs", writer, Some(object)).await;
        let content = json!({"kind": "schema", "format": "AVRO",
            "text": r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#});
        let path = format!("designs/{}/versions", text(&object["id"]));
        let version = self.done("POST", &path, writer, Some(json!({"number": "1.0.0", "content": content}))).await;
        let input = json!({"revision": version["revision"], "value": {"to": "in_review", "reason": "<b>please</b>"}});
        let path = format!("design-versions/{}/move", text(&version["id"]));
        self.done("POST", &path, writer, Some(input)).await;
    }

    /// Sends what is due at a time, once. Gives how many letters there were.
    async fn turn(&self, at_ms: i64) -> usize {
        let letters = self.portal.app.lease_mail(at_ms).await.expect("leased");
        for letter in &letters {
            self.portal.app.send_mail(letter).await.expect("noted");
        }
        letters.len()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[tokio::test]
async fn whoever_is_asked_to_do_something_gets_a_letter_also_when_the_server_is_busy_first() {
    let office = Office::open().await;
    let admin = office.admin.clone();
    let (_, writer) = office.portal.person(&admin, "eve", "developer").await;
    office.wants(&admin, "ada@shop.example", "now").await;
    office.post.answer("451 come back later");
    let tasks = Tasks::default();
    tasks.spawn_until_stop("mail", crate::background::mail::run(office.portal.app.clone()));
    office.happens(&writer, "order").await;
    let until = tokio::time::Instant::now() + PATIENCE;
    while office.post.came().is_empty() {
        assert!(tokio::time::Instant::now() < until, "no letter came");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tasks.stop(PATIENCE).await;
    let came = office.post.came();
    assert_eq!((came.len(), came[0].to.as_str()), (1, "<ada@shop.example>"), "{came:?}");
    assert!(came[0].from.starts_with("<portal@mesh.example>"), "{came:?}");
    let data = came[0].read();
    for line in [
        "Subject: [Meshport] schema order 1.0.0 waits for its release",
        "From: \"Meshport\" <portal@mesh.example>",
        "Auto-Submitted: auto-generated",
        "multipart/alternative",
        "text/plain",
        "text/html",
    ] {
        assert!(data.contains(line) || data.contains(&line.replace('"', "")), "it lacks {line}: {data}");
    }
    assert!(data.contains("&lt;b&gt;please&lt;/b&gt;"), "nothing becomes markup: {data}");
    assert!(data.contains("http://portal.test/designs/"), "{data}");
}

#[tokio::test]
async fn a_daily_letter_tells_of_what_is_unread_and_an_address_that_is_refused_is_not_tried_again() {
    let office = Office::open().await;
    let admin = office.admin.clone();
    let (_, writer) = office.portal.person(&admin, "eve", "developer").await;
    office.wants(&admin, "ada@shop.example", "daily").await;
    for name in ["one", "two", "three"] {
        office.happens(&writer, name).await;
    }
    assert_eq!(office.turn(now_ms()).await, 0, "not before its time");
    let feed = office.done("GET", "notifications", &admin, None).await;
    let read = format!("notifications/{}/read", text(&feed["items"][0]["id"]));
    office.done("POST", &read, &admin, Some(json!({"read": true}))).await;
    assert_eq!(office.turn(now_ms() + DAY_MS).await, 1);
    let came = office.post.came();
    assert_eq!(came.len(), 1);
    let data = came[0].read();
    assert!(data.contains("Subject: [Meshport] 2 notifications"), "{data}");
    assert!(data.contains("schema one 1.0.0") && !data.contains("schema three"), "what was read is left out: {data}");
    assert_eq!(office.turn(now_ms() + 2 * DAY_MS).await, 0, "once");

    office.wants(&admin, "nobody@shop.example", "now").await;
    office.post.answer("550 no such mailbox");
    office.happens(&writer, "four").await;
    assert_eq!(office.turn(now_ms()).await, 1);
    assert_eq!(office.turn(now_ms() + 4 * DAY_MS).await, 0, "it would be refused again");
    office.wants(&admin, "ada@shop.example", "off").await;
    office.happens(&writer, "five").await;
    assert_eq!(office.turn(now_ms() + 4 * DAY_MS).await, 0, "who wants none gets none");
    assert_eq!(office.post.came().len(), 1);
}

#[tokio::test]
async fn an_address_is_set_by_oneself_or_by_an_admin_and_a_test_message_says_what_the_server_said() {
    let office = Office::open().await;
    let admin = office.admin.clone();
    let (person, eve) = office.portal.person(&admin, "eve", "viewer").await;
    let none = office.call("POST", "me/mail/test", &eve, None).await;
    assert_eq!(none.body["fields"][0]["field"], "email", "{none:?}");
    let wrong = json!({"email": "eve@shop.example\r\nBcc: x@y.example", "pace": "now"});
    let refused = office.call("PUT", "me/mail", &eve, Some(wrong)).await;
    assert_eq!(
        (refused.status, &refused.body["fields"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("email"))
    );
    let wrong = json!({"email": "", "pace": "now", "kinds": ["eaten"]});
    assert_eq!(office.call("PUT", "me/mail", &eve, Some(wrong)).await.body["fields"][0]["field"], "kinds");

    let path = format!("people/{}", text(&person["id"]));
    let mut value =
        json!({"login": "eve", "name": "Eve", "role": "viewer", "enabled": true, "email": "eve@shop.example"});
    let changed = office.done("PUT", &path, &admin, Some(json!({"revision": 1, "value": value}))).await;
    assert_eq!(changed["email"], "eve@shop.example");
    assert_eq!(office.done("GET", "me/mail", &eve, None).await["config"]["email"], "eve@shop.example");
    value.as_object_mut().expect("an object").remove("email");
    let kept = office.done("PUT", &path, &admin, Some(json!({"revision": 2, "value": value}))).await;
    assert_eq!(kept["email"], "eve@shop.example", "an edit that does not speak of it leaves it");
    value["email"] = json!("nowhere");
    let refused = office.call("PUT", &path, &admin, Some(json!({"revision": 3, "value": value}))).await;
    assert_eq!(refused.body["fields"][0]["field"], "email", "{refused:?}");

    office.done("POST", "me/mail/test", &eve, None).await;
    assert_eq!(office.post.came()[0].to, "<eve@shop.example>");
    office.post.answer("550 no such mailbox");
    let refused = office.call("POST", "me/mail/test", &eve, None).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(&refused.body["title"]).contains("no such mailbox"), "{refused:?}");
    let token = office.done("POST", "tokens", &admin, Some(json!({"name": "ci", "role": "viewer"}))).await;
    assert_eq!(office.call("GET", "me/mail", &text(&token["secret"]), None).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn without_a_mail_server_nothing_waits_for_one() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let input = json!({"email": "ada@shop.example", "pace": "now"});
    let view = portal.call("PUT", "/api/v1/me/mail", Some(&admin), Some(input)).await;
    assert_eq!(view.body["configured"], false);
    let test = portal.call("POST", "/api/v1/me/mail/test", Some(&admin), None).await;
    assert_eq!(test.status, StatusCode::CONFLICT, "{test:?}");
    crate::background::mail::run(portal.app.clone()).await;
}
