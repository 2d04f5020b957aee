//! Use of grants over REST: told by agents, counted once, shown by day and hour, exported.

use axum::http::StatusCode;
use mesh_protocol::id::{AgentId, GrantId};
use mesh_protocol::report::{Direction, GrantUsage, Report, Usage};
use serde_json::json;
use uuid::Uuid;

use super::TestPortal;
use crate::app::clock::now_ms;
use crate::domain::usage::{DAY_MS, HOUR_MS};

fn grant(number: u128) -> GrantId {
    GrantId(Uuid::from_u128(number))
}

async fn told(portal: &TestPortal, entries: Vec<GrantUsage>) -> Option<String> {
    let agent = AgentId(Uuid::from_u128(1));
    let usage = Usage { at_ms: now_ms(), meter: "ab12".to_owned(), number: 1, entries };
    portal.app.take_report(agent, 1, Report::Usage(usage)).await.expect("an answer")
}

fn used(number: u128, direction: Direction, hour_ms: i64, events: u64) -> GrantUsage {
    GrantUsage { grant: grant(number), direction, hour_ms, events, bytes: events * 10, refused_events: 1 }
}

async fn shown(portal: TestPortal) {
    let admin = portal.admin().await;
    let hour_ms = now_ms().div_euclid(HOUR_MS) * HOUR_MS;
    let day_before_ms = hour_ms - DAY_MS;
    let entries = vec![
        used(1, Direction::Produce, hour_ms, 5),
        used(1, Direction::Consume, hour_ms, 7),
        used(2, Direction::Produce, day_before_ms, 100),
    ];
    for _ in 0..2 {
        assert_eq!(told(&portal, entries.clone()).await, None, "a report that comes again is stored again");
    }
    let get = async |query: &str| {
        let reply = portal.call("GET", &format!("/api/v1/usage{query}"), Some(&admin), None).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply.body
    };
    let all = get("").await;
    assert_eq!(all["total"], 2, "{all}");
    assert_eq!(all["items"][0]["grant"], json!(grant(2)), "the oldest first: {all}");
    let published = json!({"events": 5, "bytes": 50, "refused_events": 1});
    let received = json!({"events": 7, "bytes": 70, "refused_events": 1});
    assert_eq!((&all["items"][1]["published"], &all["items"][1]["received"]), (&published, &received));
    let first = get("?limit=1").await;
    let next = first["next"].as_str().expect("there is more");
    let second = get(&format!("?limit=1&cursor={next}")).await;
    assert_eq!((&second["items"][0], &second["next"]), (&all["items"][1], &json!(null)));
    let hours = get(&format!("?by=hour&grant={}&from={hour_ms}", grant(1))).await;
    assert_eq!((&hours["total"], &hours["items"][0]["from"]), (&json!(1), &json!(hour_ms)), "{hours}");
    let wrong = portal.call("GET", &format!("/api/v1/usage?from={}", hour_ms + 9 * DAY_MS), Some(&admin), None).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.body["fields"][0]["field"], "from");

    let csv = portal.call("GET", "/api/v1/usage.csv", Some(&admin), None).await;
    let text = csv.body.as_str().expect("text");
    assert!(text.starts_with("grant,name,from,to,published_events,"), "{text}");
    assert_eq!(text.lines().count(), 3, "{text}");
    let rows = portal.call("GET", &format!("/api/v1/usage.json?grant={}", grant(1)), Some(&admin), None).await;
    assert_eq!(rows.body, json!([all["items"][1]]));
    for path in ["/api/v1/usage.csv", "/api/v1/usage.json"] {
        let nobody = portal.call("GET", path, None, None).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn what_agents_count_is_shown_once_by_day_and_hour_and_exported() {
    shown(TestPortal::start().await).await;
}

#[tokio::test]
async fn the_same_on_postgresql() {
    if let Some(portal) = TestPortal::start_on_postgres().await {
        shown(portal).await;
    }
}

#[tokio::test]
async fn what_cannot_be_so_is_refused_with_the_reason_and_old_use_is_left_out() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let hour_ms = now_ms().div_euclid(HOUR_MS) * HOUR_MS;
    let ahead = told(&portal, vec![used(1, Direction::Produce, hour_ms + 3 * HOUR_MS, 5)]).await;
    assert!(ahead.is_some_and(|why| why.contains("clock")));
    let odd = told(&portal, vec![used(1, Direction::Produce, hour_ms + 1, 5)]).await;
    assert!(odd.is_some_and(|why| why.contains("whole hours")));
    assert_eq!(told(&portal, vec![used(1, Direction::Produce, hour_ms - 50 * DAY_MS, 5)]).await, None);
    let all = portal.call("GET", "/api/v1/usage?from=0", Some(&admin), None).await.body;
    assert_eq!(all["total"], 0, "{all}");
}

#[tokio::test]
async fn who_sees_only_some_domains_sees_no_use() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let domain = json!({"name": "people", "topics": ["people/>"]});
    let domain = portal.call("POST", "/api/v1/domains", Some(&admin), Some(domain)).await.body;
    let limited = json!({"name": "limited", "role": "viewer", "domains": [domain["id"]]});
    let limited = portal.call("POST", "/api/v1/tokens", Some(&admin), Some(limited)).await.body;
    let limited = limited["secret"].as_str().expect("a secret");
    for path in ["/api/v1/usage", "/api/v1/usage.csv", "/api/v1/usage.json"] {
        let refused = portal.call("GET", path, Some(limited), None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {refused:?}");
    }
}
