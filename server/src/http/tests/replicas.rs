//! Several portals on one database.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;

use super::TestPortal;
use super::streams::Stream;
use crate::background::changes;

/// Longest wait for anything; usual is milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

async fn edit(portal: &TestPortal, admin: &str, name: &str) {
    let made = portal.call("POST", "/api/v1/roles", Some(admin), Some(json!({"name": name}))).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
}

/// Two portals on one PostgreSQL; the second hears of notices, and of nothing else.
async fn pair() -> Option<(TestPortal, TestPortal, String)> {
    let first = TestPortal::start_on_postgres().await?;
    let second = first.replica().await;
    let admin = first.admin().await;
    let mut heard = second.app.logins();
    second.tasks.spawn_until_stop("notices", changes::listen(second.app.clone()));
    // The first notice that arrives says that it listens.
    let deadline = Instant::now() + PATIENCE;
    while tokio::time::timeout(Duration::from_millis(50), heard.changed()).await.is_err() {
        assert!(Instant::now() < deadline, "the second portal listens");
        first.app.logout("of nobody").await.expect("a database");
    }
    Some((first, second, admin))
}

#[tokio::test]
async fn an_edit_at_one_portal_wakes_the_open_pages_and_the_rollout_of_the_other_within_a_second() {
    let Some((first, second, admin)) = pair().await else { return };
    let mut live = Stream::open(&second, "/api/v1/live", &admin).await;
    // The rollout may have been woken by what made the pair.
    let _woken = tokio::time::timeout(Duration::ZERO, second.app.rollout_woken()).await;
    let began = Instant::now();
    edit(&first, &admin, "till").await;
    tokio::time::timeout(Duration::from_secs(1), second.app.rollout_woken()).await.expect("the rollout is woken");
    loop {
        let event = live.next(Duration::from_secs(1)).await.expect("the page is told");
        if event.contains("access") {
            break;
        }
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let roles = second.call("GET", "/api/v1/roles", Some(&admin), None).await.body;
    assert_eq!(roles["items"][0]["name"], "till");
}

#[tokio::test]
async fn a_login_that_ends_at_one_portal_ends_the_streams_at_the_other() {
    let Some((first, second, admin)) = pair().await else { return };
    let (_, cookie) = first.person(&admin, "bob", "viewer").await;
    let mut live = Stream::open(&second, "/api/v1/live", &cookie).await;
    first.call("POST", "/api/v1/logout", Some(&cookie), None).await;
    while live.next(PATIENCE).await.is_some() {}
}

#[tokio::test]
async fn a_portal_that_hears_no_notice_looks_for_itself() {
    let first = TestPortal::start().await;
    let second = first.replica().await;
    let admin = first.admin().await;
    second.app.look().await.expect("the first look");
    let mut live = Stream::open(&second, "/api/v1/live", &admin).await;
    second.tasks.spawn_until_stop("changes", changes::look(second.app.clone()));
    edit(&first, &admin, "till").await;
    let event = live.next(PATIENCE).await.expect("the page is told");
    assert!(event.contains("all"), "{event}");
}

#[tokio::test]
async fn the_setup_link_of_a_second_portal_leaves_that_of_the_first_good() {
    let first = TestPortal::start().await;
    let second = first.replica().await;
    let code = async |portal: &TestPortal| portal.app.new_setup_code().await.expect("a database").expect("nobody yet");
    let (of_first, of_second) = (code(&first).await, code(&second).await);
    let set_up = async |code: &str, login: &str| {
        let input = json!({"code": code, "login": login, "name": login, "password": "correct horse"});
        second.call("POST", "/api/v1/setup", None, Some(input)).await
    };
    assert_eq!(set_up(&of_first, "ada").await.status, StatusCode::OK);
    let late = set_up(&of_second, "eve").await;
    assert_eq!((late.status, &late.body["fields"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("code")));
}

#[tokio::test]
async fn what_an_agent_at_another_portal_cannot_be_asked_here_is_said() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let (site, seat) = super::streams::agent(&portal, &admin).await;
    let publish = json!({"site": site, "topic": "a/b", "payload": "x", "mode": "direct"});
    let agent = portal.app.fleet().connected()[0];
    portal.app.fleet().leave(agent, seat.session);
    let ask = async || portal.call("POST", "/api/v1/publish", Some(&admin), Some(publish.clone())).await;
    let absent = ask().await;
    assert_eq!(absent.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(absent.body["title"].as_str().is_some_and(|title| title.contains("start one there")), "{absent:?}");
    let mut tx = portal.app.store().write().await.expect("open");
    let now_ms = crate::app::clock::now_ms();
    tx.begin_agent_session(agent, uuid::Uuid::now_v7(), "1", "10.0.0.1", now_ms).await.expect("begun elsewhere");
    tx.commit().await.expect("committed");
    let elsewhere = ask().await;
    assert_eq!(elsewhere.status, StatusCode::SERVICE_UNAVAILABLE);
    let title = elsewhere.body["title"].as_str().unwrap_or_default().to_owned();
    assert!(title.contains("hq-1") && title.contains("another one on the same database"), "{title}");
}
