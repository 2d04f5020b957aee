//! Requests by hand over TCP: what is on the wire is what is checked.

mod contracts;
mod queue;
mod quotas;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::event::{DeliveryMode, Protocol};
use mesh_protocol::policy::Action;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::listener::Running;
use crate::listener::testing::{Mesh, PATIENCE, SECRET, Slow, config, event, until};

impl Mesh {
    async fn http(&self) -> Running {
        self.listen(&config(ListenerProtocol::Http)).await
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn login(till: u32) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("till-{till}:{SECRET}")))
}

fn key(till: u32, secret: &str) -> String {
    format!("X-Api-Key: {}\r\n", mesh_protocol::secret::api_key(&format!("till-{till}"), secret))
}

async fn open(running: &Running, request: &str, headers: &str, body: &[u8]) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(running.address()).await.expect("accepts");
    let head = format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    stream.write_all(head.as_bytes()).await.expect("written");
    // A request that is refused early may be closed before its body is through.
    let _ = stream.write_all(body).await;
    BufReader::new(stream)
}

async fn ask(running: &Running, request: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let mut stream = open(running, request, &format!("Connection: close\r\n{headers}"), body.as_ref()).await;
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("answers in time");
    let text = String::from_utf8(bytes).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// The next line of a stream that holds `part`.
async fn line(stream: &mut BufReader<TcpStream>, part: &str) -> String {
    // For all lines together: an idle stream has its comments, for ever.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut line = String::new();
        let read = tokio::time::timeout_at(deadline, stream.read_line(&mut line)).await;
        assert!(read.expect("in time").expect("readable") > 0, "the stream ended before {part}");
        if line.contains(part) {
            return line;
        }
    }
}

#[tokio::test]
async fn a_publish_waits_for_custody_and_carries_its_metadata() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let slow = Slow::attach(&mesh.router, "open/>");
    let headers = format!(
        "{}Content-Type: text/plain\r\nMeshport-Key: k\r\nMeshport-Ttl-Ms: 5000\r\nIdempotency-Key: id-1\r\n\
         Meshport-Property-Store: lyon\r\nUser-Agent: curl/8\r\n",
        login(1)
    );
    let asked = ask(&running, "POST /v1/events/open/a%20b", &headers, "hello");
    let (answer, event) = tokio::join!(asked, async {
        until("it was offered", || slow.held() == 1).await;
        slow.finish().remove(0)
    });
    assert_eq!((answer.status, answer.body.as_str()), (202, r#"{"events":1,"outlets":1}"#));
    let event = event.event();
    assert_eq!(
        (event.topic.as_str(), event.payload.as_ref(), event.key.as_ref()),
        ("open/a b", &b"hello"[..], &b"k"[..])
    );
    assert_eq!((event.mode, event.ttl_ms), (DeliveryMode::Guaranteed, Some(5_000)));
    assert_eq!(event.headers.content_type.as_deref(), Some("text/plain"));
    assert_eq!(event.headers.message_id.as_deref(), Some("id-1"));
    assert_eq!(event.headers.user, [("store".to_owned(), "lyon".to_owned())]);
    assert!(mesh.notes.has("till-1 curl/8 produced open/a b"));
}

#[tokio::test]
async fn every_refusal_has_its_status_and_its_reason() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    mesh.deny(2, Action::Publish, "open/a");
    let (one, two) = (login(1), login(2));
    let long = "x".repeat(64 * 1024 + 1);
    let cases = [
        ("POST /v1/events/open/a", String::new(), "", 401, "no user name"),
        ("POST /v1/events/open/a", "Authorization: Basic eDp5\r\n".to_owned(), "", 401, "user name or the secret"),
        ("POST /v1/events/open/a", two.clone(), "", 403, "00000000dead"),
        ("POST /v1/events/open/a", key(2, SECRET), "", 403, "00000000dead"),
        ("POST /v1/events/open/a", key(2, "y"), "", 401, "user name or the secret"),
        ("POST /v1/events/closed", one.clone(), "", 403, "no rule allows till-1 to publish"),
        ("POST /v1/events/open/a", one.clone(), long.as_str(), 413, "larger than 65536"),
        ("POST /v1/events/open/%00", one.clone(), "", 400, "NUL"),
        ("POST /v1/events/open/a", format!("{one}Meshport-Delivery: maybe\r\n"), "", 400, "maybe"),
        ("POST /v1/events/open/a", format!("{one}Meshport-Ttl-Ms: soon\r\n"), "", 400, "meshport-ttl-ms"),
        ("POST /v1/events", one.clone(), "", 415, "ndjson"),
        ("GET /v1/events", one.clone(), "", 400, "filter"),
        ("GET /v1/events?filter=a/%23/b&dialect=mqtt", one.clone(), "", 400, "#"),
        ("GET /v1/events?filter=%3E", one.clone(), "", 403, "no rule allows till-1 to subscribe"),
        ("GET /elsewhere", one.clone(), "", 404, "/v1/events"),
    ];
    for (request, headers, body, status, reason) in cases {
        let answer = ask(&running, request, &headers, body).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
        assert!(answer.body.contains(reason), "{request}: {}", answer.body);
        assert!(answer.head.contains("application/problem+json"), "{request}");
        assert_eq!(answer.head.contains("www-authenticate: basic"), status == 401, "{request}");
    }
    assert_eq!(ask(&running, "GET /healthz", "", "").await.status, 200);
    assert!(mesh.notes.has("refused Publish open/a by 00000000-0000-0000-0000-00000000dead"));
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    for (length, status, reason) in [
        ("Content-Length: 10000000", 413, "larger than 65536 bytes"),
        ("Transfer-Encoding: chunked", 413, "smaller events"),
    ] {
        let mut stream = TcpStream::connect(running.address()).await.expect("accepts");
        let head =
            format!("POST /v1/events/open/a HTTP/1.1\r\nHost: x\r\n{length}\r\nConnection: close\r\n{}\r\n", login(1));
        stream.write_all(head.as_bytes()).await.expect("written");
        if length.starts_with("Transfer") {
            let chunk = [&b"20000\r\n"[..], &[b'x'; 0x20000], b"\r\n"].concat();
            stream.write_all(&chunk).await.expect("written");
        }
        let mut answer = [0; 1024];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await.expect("at once").expect("readable");
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(reason), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_sends_a_refused_body_all_the_same_reads_the_answer() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let answer = ask(&running, "POST /v1/events/open/a", &login(1), vec![b'x'; 8 * 1024 * 1024]).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
}

#[tokio::test]
async fn a_body_that_is_cut_off_publishes_nothing() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let slow = Slow::attach(&mesh.router, "open/>");
    let mut stream = TcpStream::connect(running.address()).await.expect("accepts");
    let head = format!("POST /v1/events/open/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n{}\r\nhalf", login(1));
    stream.write_all(head.as_bytes()).await.expect("written");
    stream.shutdown().await.expect("half closed");
    let mut answer = String::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(slow.held(), 0);
}

#[tokio::test]
async fn without_custody_or_room_the_client_is_told_to_come_back() {
    let mesh = Mesh::with_budget(1_000);
    let mut config = config(ListenerProtocol::Http);
    config.custody_timeout_ms = 50;
    let running = mesh.listen(&config).await;
    let slow = Slow::attach(&mesh.router, "open/>");
    let late = ask(&running, "POST /v1/events/open/a", &login(1), "x").await;
    assert_eq!((late.status, late.head.contains("retry-after: 1")), (503, true));
    let full = ask(&running, "POST /v1/events/open/a", &login(1), "x").await;
    assert_eq!((full.status, full.body.contains("unfinished events")), (503, true), "the first still holds its bytes");
    slow.finish();
    let direct = format!("{}Meshport-Delivery: direct\r\n", login(1));
    assert_eq!(ask(&running, "POST /v1/events/open/a", &direct, "x").await.status, 202);
}

#[tokio::test]
async fn an_outlets_refusal_reaches_the_publisher() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let slow = Slow::attach(&mesh.router, "open/>");
    let headers = login(1);
    let asked = ask(&running, "POST /v1/events/open/a", &headers, "x");
    let (refused, ()) = tokio::join!(asked, async {
        until("it was offered", || slow.held() == 1).await;
        slow.fail("too large for the cluster");
    });
    assert_eq!((refused.status, refused.body.contains("too large for the cluster")), (422, true));
}

#[tokio::test]
async fn a_batch_is_published_whole_or_not_at_all() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let slow = Slow::attach(&mesh.router, "open/>");
    let headers = format!("{}Content-Type: application/x-ndjson\r\n", login(1));
    let good = "{\"topic\":\"open/a\",\"payload\":\"text\"}\n\n{\"topic\":\"open/b\",\"payload\":{\"n\": 1.0},\"properties\":{\"k\":\"v\"}}\n\
                {\"topic\":\"open/c\",\"payload_base64\":\"AAE=\",\"key\":\"k\"}";
    let asked = ask(&running, "POST /v1/events", &headers, good);
    let (answer, events) = tokio::join!(asked, async {
        until("all were offered", || slow.held() == 3).await;
        slow.finish()
    });
    assert_eq!((answer.status, answer.body.as_str()), (202, r#"{"events":3,"outlets":3}"#));
    let payloads: Vec<&[u8]> = events.iter().map(|event| event.event().payload.as_ref()).collect();
    assert_eq!(payloads, [&b"text"[..], b"{\"n\": 1.0}", &[0, 1]]);
    for (bad, status, reason) in [
        ("{\"topic\":\"open/a\"}\n{\"topic\":\"\"}", 400, "line 2"),
        ("{\"topic\":\"open/a\"}\n{\"topic\":\"closed\"}", 403, "closed"),
        ("{\"topic\":\"open/a\",\"paylod\":1}", 400, "paylod"),
        ("\n", 400, "empty"),
    ] {
        let answer = ask(&running, "POST /v1/events", &headers, bad).await;
        assert_eq!((answer.status, answer.body.contains(reason)), (status, true), "{}", answer.body);
    }
    assert_eq!(slow.held(), 0, "nothing of a bad batch went on");
}

#[tokio::test]
async fn a_stream_shows_events_and_ends_with_its_reason_when_rights_go() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let (mut cut, mut stays) = (
        open(&running, "GET /v1/events?filter=open/%3E&filter=own/till-1", &login(1), b"").await,
        open(&running, "GET /v1/events?filter=open/%23&dialect=mqtt", &login(2), b"").await,
    );
    assert!(line(&mut cut, "content-type").await.contains("text/event-stream"));
    line(&mut stays, "content-type").await;
    let receipt = mesh.router.publish(
        vec![event("open/a", DeliveryMode::Guaranteed)],
        mesh.router.budget().try_take(1).expect("room"),
        None,
    );
    assert_eq!(receipt.await, crate::router::Outcome::Taken { outlets: 2 }, "its queue is the receipt");
    assert_eq!(line(&mut cut, "id:").await.trim(), "id: 1");
    assert!(line(&mut cut, "data:").await.contains(r#""topic":"open/a","payload":"payload""#));
    line(&mut stays, "open/a").await;
    mesh.deny(1, Action::Subscribe, "own/>");
    line(&mut cut, "event: end").await;
    assert!(line(&mut cut, "data:").await.contains("00000000dead"));
    mesh.router.publish_direct(event("open/b", DeliveryMode::Direct), None);
    line(&mut stays, "open/b").await;
    until("its filters are gone", || mesh.notes.has("till-1 http unsubscribed own/till-1")).await;
    assert!(running.stop(Duration::from_secs(10)).await.is_empty());
    line(&mut stays, "event: end").await;
}

#[tokio::test]
async fn a_stream_of_a_principal_that_expires_ends_at_its_time() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let enforcer = mesh.enforcer.clone();
    mesh.tasks.spawn_until_stopped("expiry", async move { enforcer.watch_expiry().await });
    let (mut gone, mut stays) = (
        open(&running, "GET /v1/events?filter=open/%3E&filter=own/till-1", &login(1), b"").await,
        open(&running, "GET /v1/events?filter=open/%3E", &login(2), b"").await,
    );
    line(&mut gone, "content-type").await;
    line(&mut stays, "content-type").await;
    let ends = crate::status::now_ms() + 500;
    mesh.edit(|policy| policy.principals[0].expires_at_ms = Some(ends));
    // Nothing is published: it is the time alone that ends the stream, with its reason.
    line(&mut gone, "event: end").await;
    let late = crate::status::now_ms() - ends;
    // Not before its time; how soon after it is the machine's matter, but no timer of ours is this short.
    assert!((0..4_000).contains(&late), "{late} ms after its time");
    assert!(line(&mut gone, "data:").await.contains("expired"));
    until("its filters are gone", || mesh.notes.has("till-1 http unsubscribed own/till-1")).await;
    assert!(mesh.notes.has("till-1 http refused Connect  by no rule: the principal has expired"));
    assert_eq!(ask(&running, "GET /v1/events?filter=open/%3E", &login(1), "").await.status, 403);
    assert_eq!(mesh.router.publish_direct(event("open/a", DeliveryMode::Direct), None), 1, "nothing is kept for it");
    line(&mut stays, "open/a").await;
}

#[tokio::test]
async fn who_was_given_other_protocols_is_refused_and_an_open_stream_ends() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let mut stream = open(&running, "GET /v1/events?filter=open/%3E", &login(1), b"").await;
    let mut stays = open(&running, "GET /v1/events?filter=open/%3E", &login(2), b"").await;
    line(&mut stream, "content-type").await;
    line(&mut stays, "content-type").await;
    mesh.edit(|policy| {
        policy.principals[0].protocols = vec![Protocol::Mqtt];
        policy.principals[1].protocols = vec![Protocol::Mqtt, Protocol::Http];
    });
    let words = "the plan does not allow HTTP: connect by MQTT";
    line(&mut stream, "event: end").await;
    assert!(line(&mut stream, "data:").await.contains(words));
    for request in ["POST /v1/events/open/a", "GET /v1/events?filter=open/%3E", "POST /v1/queues/any/pull"] {
        let answer = ask(&running, request, &login(1), "x").await;
        assert_eq!((answer.status, answer.body.contains(words)), (403, true), "{request}: {}", answer.body);
        assert!(answer.head.contains("application/problem+json"), "{request}");
    }
    assert!(mesh.notes.has(&format!("till-1 http refused Connect  by no rule: {words}")));
    assert!(mesh.count("refused_logins") >= 2, "they are counted as other refusals of logins are");
    assert_eq!(ask(&running, "POST /v1/events/open/a", &login(2), "x").await.status, 202);
    line(&mut stays, "open/a").await;
}

#[tokio::test]
async fn a_slow_stream_is_told_what_it_missed() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    let mut stream = open(&running, "GET /v1/events?filter=open/%3E", &login(1), b"").await;
    line(&mut stream, "content-type").await;
    // More than the queue holds in one go, before the stream's task can take any of it.
    for _ in 0..3_000 {
        mesh.router.publish_direct(event("open/a", DeliveryMode::Direct), None);
    }
    line(&mut stream, "event: dropped").await;
    let told = line(&mut stream, "data:").await;
    assert!(told.contains(&format!("{{\"events\":{}}}", mesh.count("dropped_slow_consumer_events"))), "{told}");
}

#[tokio::test]
async fn a_publish_may_be_retained() {
    let mesh = Mesh::new();
    let running = mesh.http().await;
    for (value, status) in [("true", 202), ("false", 202), ("yes", 400)] {
        let headers = format!("{}Meshport-Retain: {value}\r\n", login(1));
        let told = ask(&running, &format!("POST /v1/events/open/{value}"), &headers, "state").await;
        assert_eq!(told.status, status, "{value}: {}", told.body);
    }
    assert_eq!(mesh.spool.core().values().0, 1, "only what says so");
}
