//! Named queues over HTTP.

use serde_json::{Value, json};

use super::*;
use crate::queue::named::testing::queue;

/// Clients may take what is under `open/` out of queues.
async fn mesh_with(mut queue: mesh_protocol::desired::Queue) -> (Mesh, Running) {
    let mesh = Mesh::new();
    mesh.allow_queues("open/>");
    queue.lease_ms = queue.lease_ms.min(1_000);
    mesh.queues.want(&[queue]);
    let running = mesh.http().await;
    (mesh, running)
}

async fn publish(running: &Running, payload: &str) {
    assert_eq!(ask(running, "POST /v1/events/open/a", &login(1), payload).await.status, 202);
}

async fn pull(running: &Running, till: u32, query: &str) -> Vec<Value> {
    let answer = ask(running, &format!("POST /v1/queues/work/pull?{query}"), &login(till), "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told: Value = serde_json::from_str(&answer.body).expect("JSON");
    told["events"].as_array().expect("a list").clone()
}

async fn answer_with(running: &Running, till: u32, answers: Value) -> Answer {
    ask(running, "POST /v1/queues/work/answer", &login(till), answers.to_string()).await
}

#[tokio::test]
async fn events_are_pulled_under_a_lease_and_answered_by_it() {
    let (mesh, running) = mesh_with(queue(1, "work", &["open/>"])).await;
    assert!(pull(&running, 1, "").await.is_empty(), "nothing is there, and nobody waits");
    for payload in ["1", "2", "3"] {
        publish(&running, payload).await;
    }
    let events = pull(&running, 1, "max=2&wait_ms=5000&consumer=a").await;
    let told = |event: &Value| (event["payload"].clone(), event["topic"].clone(), event["deliveries"].clone());
    assert_eq!(
        events.iter().map(told).collect::<Vec<_>>(),
        [(json!("1"), json!("open/a"), json!(0)), (json!("2"), json!("open/a"), json!(0))]
    );
    let (first, second) = (events[0]["lease"].clone(), events[1]["lease"].clone());
    let answers = json!({"ack": [first], "reject": [{"lease": second, "reason": "not for us"}]});
    let told = answer_with(&running, 1, answers.clone()).await;
    assert_eq!((told.status, &*told.body), (200, r#"{"settled":2,"over":[]}"#));
    let told: Value = serde_json::from_str(&answer_with(&running, 1, answers).await.body).expect("JSON");
    assert_eq!(told, json!({"settled": 0, "over": [first, second]}), "each once");
    until("the refused one is a dead letter", || mesh.count("dead_letter_events") == 1).await;
    // Without an answer it comes again, counted.
    let kept = pull(&running, 1, "wait_ms=5000&consumer=a").await;
    assert_eq!(told_of(&kept), [("3".to_owned(), 0)]);
    let again = pull(&running, 1, "wait_ms=10000&consumer=a").await;
    assert_eq!((told_of(&again), &again[0]["redelivered"]), (vec![("3".to_owned(), 1)], &json!(true)));
    assert!(mesh.notes.has("till-1 http consumed open/a"));
}

fn told_of(events: &[Value]) -> Vec<(String, u64)> {
    let told = |event: &Value| Some((event["payload"].as_str()?.to_owned(), event["deliveries"].as_u64()?));
    events.iter().filter_map(told).collect()
}

#[tokio::test]
async fn whoever_may_not_consume_is_told_what_is_missing() {
    let (mesh, running) = mesh_with(queue(1, "work", &["open/>"])).await;
    publish(&running, "1").await;
    mesh.deny(2, Action::Subscribe, "open/>");
    mesh.queues.want(&[queue(1, "work", &["open/>"]), queue(2, "closed", &["other/>"])]);
    let cases = [
        ("POST /v1/queues/work/pull", 2, "", 403, "00000000dead"),
        ("POST /v1/queues/closed/pull", 1, "", 403, "subscribe"),
        ("POST /v1/queues/none/pull", 1, "", 404, "no queue `none`"),
        ("POST /v1/queues/work/pull?max=many", 1, "", 400, "max is a number"),
        ("POST /v1/queues/work/pull?wait_ms=999999", 1, "", 400, "wait_ms"),
        ("POST /v1/queues/work/pull?consumer=", 1, "", 400, "consumer"),
        ("POST /v1/queues/work/answer", 1, "{\"done\":[]}", 400, "\\\"ack\\\""),
        ("POST /v1/queues/work/answer", 1, "{\"ack\":[\"x\"]}", 400, "not a lease"),
    ];
    for (request, till, body, status, reason) in cases {
        let answer = ask(&running, request, &login(till), body).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
        assert!(answer.body.contains(reason), "{request}: {}", answer.body);
    }
    assert!(mesh.notes.has("till-2 http refused Subscribe open/>"));
    let stale = answer_with(&running, 1, json!({"ack": ["00000000000000ff.1.1"]})).await;
    assert_eq!((stale.status, stale.body.contains("00000000000000ff.1.1")), (200, true), "of an agent before");
}

#[tokio::test]
async fn a_stream_brings_events_as_they_come_and_its_end_gives_back_what_it_had() {
    let (mesh, running) = mesh_with(queue(1, "work", &["open/>"])).await;
    publish(&running, "1").await;
    let mut stream = open(&running, "GET /v1/queues/work/events?window=1&consumer=s", &login(1), b"").await;
    line(&mut stream, "content-type: text/event-stream").await;
    let lease = line(&mut stream, "id:").await.trim().trim_start_matches("id:").trim().to_owned();
    publish(&running, "2").await;
    let told = answer_with(&running, 1, json!({"ack": [lease]})).await;
    assert_eq!(&*told.body, r#"{"settled":1,"over":[]}"#);
    assert!(line(&mut stream, "\"payload\":\"2\"").await.contains("\"deliveries\":0"));
    drop(stream);
    let again = pull(&running, 1, "wait_ms=10000&consumer=a").await;
    assert_eq!(again[0]["payload"], json!("2"));
    let mut stream = open(&running, "GET /v1/queues/work/events", &login(1), b"").await;
    line(&mut stream, "content-type").await;
    mesh.queues.want(&[]);
    line(&mut stream, "event: end").await;
    assert!(line(&mut stream, "data:").await.contains("deleted"));
}

#[tokio::test]
async fn a_queue_of_another_agent_of_the_site_is_asked_for_there() {
    let (owner, at_owner) = mesh_with(queue(1, "work", &["open/>"])).await;
    publish(&at_owner, "1").await;
    let other = Mesh::new();
    let running = other.http().await;
    let asked = "POST /v1/queues/work/pull?max=2";
    assert_eq!(ask(&running, asked, &login(1), "").await.status, 404);
    other.is_owned_by(None, ListenerProtocol::Http, &["work"]);
    let told = ask(&running, asked, &login(1), "").await;
    assert!(told.status == 503 && told.head.contains("retry-after"), "{}", told.body);
    other.is_owned_by(Some(&at_owner), ListenerProtocol::Http, &["work"]);
    assert_eq!(ask(&running, asked, "", "").await.status, 401);
    assert_eq!(ask(&running, "POST /v1/queues/none/pull", &login(1), "").await.status, 404);
    let told = ask(&running, asked, &login(1), "").await;
    let address = at_owner.address();
    assert_eq!(told.status, 307);
    assert!(told.head.contains(&format!("location: http://{address}/v1/queues/work/pull?max=2\r\n")), "{}", told.head);
    assert!(told.body.contains("another agent of this site"), "{}", told.body);
    assert_eq!(pull(&at_owner, 1, "max=2").await.len(), 1);
    assert_eq!((other.count("redirected_clients"), owner.count("redirected_clients")), (1, 0));
}
