//! Quotas over HTTP.

use mesh_protocol::desired::Quota;
use serde_json::{Value, json};

use super::*;
use crate::queue::named::testing::queue;

async fn mesh(rate: u32) -> (Mesh, Running) {
    let mesh = Mesh::new();
    mesh.allow_queues("open/>");
    let mut work = queue(1, "work", &["open/>"]);
    work.lease_ms = 1_000;
    mesh.queues.want(&[work]);
    mesh.grant(Quota { events_per_s: Some(rate), ..Quota::default() });
    let running = mesh.http().await;
    (mesh, running)
}

async fn fill(running: &Running, count: usize) {
    for number in 0..count {
        let answer = ask(running, "POST /v1/events/open/a", &login(9), number.to_string()).await;
        assert_eq!(answer.status, 202);
    }
}

#[tokio::test]
async fn a_publisher_beyond_its_quota_is_told_when_to_come_back() {
    let (mesh, running) = mesh(1).await;
    assert_eq!(ask(&running, "POST /v1/events/open/a", &login(1), "x").await.status, 202);
    let refused = ask(&running, "POST /v1/events/open/a", &login(2), "x").await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    for header in
        ["retry-after: 1\r\n", "ratelimit-policy: \"events\";q=1;w=1", "ratelimit: \"events\";r=0;t=1", "problem+json"]
    {
        assert!(refused.head.contains(header), "{header}: {}", refused.head);
    }
    let problem: Value = serde_json::from_str(&refused.body).expect("JSON");
    assert_eq!(problem["status"], 429);
    assert_eq!(problem["detail"], "the quota of the open plan is used up (1 events a second): try again in 1 s");
    assert_eq!(ask(&running, "POST /v1/events/open/a", &login(3), "x").await.status, 202, "who has no grant");
    assert_eq!(mesh.count("over_quota_publish_events"), 1);
}

#[tokio::test]
async fn a_batch_is_charged_as_a_whole() {
    let (mesh, running) = mesh(3).await;
    let line = "{\"topic\":\"open/a\",\"payload\":\"x\"}\n";
    let media = format!("{}Content-Type: application/x-ndjson\r\n", login(1));
    let large = ask(&running, "POST /v1/events", &media, line.repeat(4)).await;
    assert_eq!(large.status, 413, "{}", large.body);
    assert!(
        large.body.contains("3 events at this site now") && large.body.contains("smaller batches"),
        "{}",
        large.body
    );
    assert_eq!(ask(&running, "POST /v1/events", &media, line.repeat(3)).await.status, 202, "nothing was taken");
    assert_eq!(ask(&running, "POST /v1/events", &media, line.repeat(3)).await.status, 429);
    assert_eq!(mesh.count("published_events"), 3);
}

#[tokio::test]
async fn a_pull_brings_what_the_quota_allows_and_the_rest_later() {
    let (mesh, running) = mesh(4).await;
    fill(&running, 10).await;
    let mut got = Vec::new();
    let mut refused = 0;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while got.len() < 10 {
        assert!(tokio::time::Instant::now() < deadline, "only {got:?}");
        let answer = ask(&running, "POST /v1/queues/work/pull?max=10&consumer=a", &login(1), "").await;
        if answer.status == 429 {
            refused += 1;
            assert!(answer.head.contains("retry-after:"), "{}", answer.head);
            tokio::time::sleep(Duration::from_millis(300)).await;
            continue;
        }
        let told: Value = serde_json::from_str(&answer.body).expect("JSON");
        let events = told["events"].as_array().expect("a list");
        assert!(events.len() <= 5, "more than the quota: {}", events.len());
        let leases: Vec<&Value> = events.iter().map(|event| &event["lease"]).collect();
        let settled = ask(&running, "POST /v1/queues/work/answer", &login(1), json!({"ack": leases}).to_string()).await;
        assert_eq!(settled.status, 200);
        for event in events {
            assert_eq!(event["deliveries"], 0, "what had to wait does not count as delivered: {event}");
            got.push(event["payload"].as_str().expect("text").to_owned());
        }
    }
    assert!(refused > 0);
    assert_eq!(got, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(mesh.count("dead_letter_events"), 0);
}

#[tokio::test]
async fn a_stream_of_a_queue_is_slowed_beyond_its_leases_and_loses_nothing() {
    let (mesh, running) = mesh(2).await;
    fill(&running, 8).await;
    let begun = tokio::time::Instant::now();
    let mut stream = open(&running, "GET /v1/queues/work/events?window=100", &login(1), b"").await;
    for number in 0..8 {
        let line = line(&mut stream, "data:").await;
        let event: Value = serde_json::from_str(line.trim_start_matches("data:").trim()).expect("JSON");
        assert_eq!((&event["payload"], &event["deliveries"]), (&json!(number.to_string()), &json!(0)), "{event}");
        let answers = json!({"ack": [event["lease"]]}).to_string();
        assert_eq!(ask(&running, "POST /v1/queues/work/answer", &login(1), answers).await.status, 200);
    }
    assert!(begun.elapsed() >= Duration::from_millis(2_500), "{:?}", begun.elapsed());
    until("the queue is empty", || mesh.figure(1, "queued_events") == Some(0)).await;
}

#[tokio::test]
async fn a_live_stream_beyond_its_quota_shows_what_was_dropped() {
    let (mesh, running) = mesh(3).await;
    let mut stream = open(&running, "GET /v1/events?filter=open/%3E", &login(1), b"").await;
    line(&mut stream, "200 OK").await;
    until("it listens", || mesh.notes.has("subscribed open/>")).await;
    fill(&running, 6).await;
    until("some are dropped", || mesh.count("dropped_over_quota_events") > 0).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    fill(&running, 8).await;
    line(&mut stream, "event: dropped").await;
    let told = line(&mut stream, "data:").await;
    assert!(told.contains("\"reason\":\"quota\""), "{told}");
}
