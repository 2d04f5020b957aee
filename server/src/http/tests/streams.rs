//! Streams that stay open: they end with the login they were opened with.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures::StreamExt;
use mesh_protocol::id::{AgentId, SiteId};
use mesh_protocol::wire::TailEvent;
use serde_json::json;
use tower::ServiceExt;
use uuid::Uuid;

use super::TestPortal;
use crate::app::fleet::{Request as Asked, Seat, TailMessage};
use crate::domain::agent::{Agent, State};
use crate::domain::principal::Kind;

/// Longest wait for anything; usual is milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream of server-sent events.
pub(super) struct Stream(BodyDataStream);

impl Stream {
    pub(super) async fn open(portal: &TestPortal, path: &str, auth: &str) -> Self {
        let name = if auth.starts_with("mps_") { "authorization" } else { "cookie" };
        let value = if auth.starts_with("mps_") { format!("Bearer {auth}") } else { auth.to_owned() };
        let request = Request::get(path).header("host", "portal.test").header(name, value);
        let response = portal.router.clone().oneshot(request.body(Body::empty()).expect("a request")).await;
        let response = response.expect("infallible");
        assert_eq!(response.status(), 200, "{path}");
        Self(response.into_body().into_data_stream())
    }

    /// The next event's text; none when the stream has ended.
    pub(super) async fn next(&mut self, within: Duration) -> Option<String> {
        let next = tokio::time::timeout(within, self.0.next()).await.expect("an event or the end, in time");
        next.map(|bytes| String::from_utf8_lossy(&bytes.expect("whole")).into_owned())
    }

    async fn must_end(&mut self) {
        while let Some(event) = self.next(PATIENCE).await {
            assert!(event.contains("people") || event.contains("closed"), "nothing else is told: {event}");
        }
    }
}

/// An agent that is connected to this portal, without a connection.
pub(super) async fn agent(portal: &TestPortal, admin: &str) -> (SiteId, Seat) {
    let input = json!({"name": "hq", "region": "eu"});
    let made = portal.call("POST", "/api/v1/sites", Some(admin), Some(input)).await;
    let site: SiteId = serde_json::from_value(made.body["id"].clone()).expect("an id");
    let agent = Agent {
        id: AgentId(Uuid::now_v7()),
        site,
        stands_for: None,
        name: "hq-1".into(),
        public_key: "ab".into(),
        sealing_key: None,
        version: "1".into(),
        state: State::Enrolled,
        certificate_ends_at_ms: i64::MAX,
        fabric_addresses: vec![],
        listener_addresses: [].into(),
        connected: false,
        presence_since_ms: 0,
        seen_at_ms: 0,
        address: None,
        created_at_ms: 0,
    };
    let mut tx = portal.app.store().write().await.expect("open");
    tx.insert_agent(portal.app.environment(), &agent).await.expect("inserted");
    tx.commit().await.expect("committed");
    (site, portal.app.fleet().enter(agent.id, Uuid::now_v7()))
}

/// Opens a tail and lets the agent send one event through it.
async fn watched(portal: &TestPortal, site: SiteId, seat: &mut Seat, cookie: &str) -> Stream {
    let mut stream = Stream::open(portal, &format!("/api/v1/tail?site={site}&filter=orders/%3E"), cookie).await;
    let asked = tokio::time::timeout(PATIENCE, seat.requests.recv()).await.expect("in time").expect("a request");
    let Asked::Tail { events, .. } = asked else { panic!("a tail was asked for") };
    let event = TailEvent {
        at_ms: 0,
        topic: "orders/1".into(),
        payload: "secret".into(),
        payload_bytes: 6,
        origin_site: "hq".into(),
    };
    events.send(TailMessage::Events(vec![event.clone()], 0)).await.expect("open");
    assert!(stream.next(PATIENCE).await.expect("an event").contains("orders/1"));
    // Whatever comes later must not be seen any more; the sender lives on as an agent's session does.
    let app = portal.app.clone();
    let mut logins = app.logins();
    let later = async move {
        logins.changed().await.expect("the application lives");
        while events.send(TailMessage::Events(vec![event.clone()], 0)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    portal.tasks.spawn_until_stop("late events", later);
    stream
}

async fn trials(portal: &TestPortal) -> usize {
    let snapshot = portal.app.snapshot().await.expect("read");
    snapshot.mesh.principals.iter().filter(|principal| principal.kind == Kind::Trial).count()
}

#[tokio::test]
async fn a_disabled_person_sees_no_more_payloads_and_their_clients_end() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let (site, mut seat) = agent(&portal, &admin).await;
    let (person, cookie) = portal.person(&admin, "bob", "developer").await;
    let mut tail = watched(&portal, site, &mut seat, &cookie).await;
    let mut live = Stream::open(&portal, "/api/v1/live", &cookie).await;
    assert_eq!(trials(&portal).await, 1);
    let before = portal.call("GET", "/api/v1/policy", Some(&admin), None).await.body["revision"]["revision"].clone();
    let path = format!("/api/v1/people/{}", person["id"].as_str().expect("an id"));
    let value = json!({"login": "bob", "name": "bob", "role": "developer", "enabled": false});
    let edit = json!({"revision": person["revision"], "value": value});
    let disabled = portal.call("PUT", &path, Some(&admin), Some(edit)).await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    tail.must_end().await;
    live.must_end().await;
    assert_eq!(trials(&portal).await, 0, "the try-it client is gone with its login");
    let after = portal.call("GET", "/api/v1/policy", Some(&admin), None).await.body["revision"]["revision"].clone();
    assert!(after.as_u64() > before.as_u64(), "agents are told: {before} {after}");
}

#[tokio::test]
async fn what_a_removed_person_opened_ends_and_what_others_opened_goes_on() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let (site, mut seat) = agent(&portal, &admin).await;
    let (person, cookie) = portal.person(&admin, "bob", "developer").await;
    let (_, other) = portal.person(&admin, "eve", "developer").await;
    let mut tail = watched(&portal, site, &mut seat, &cookie).await;
    let mut others = watched(&portal, site, &mut seat, &other).await;
    let path = format!("/api/v1/people/{}?revision={}", person["id"].as_str().expect("an id"), person["revision"]);
    assert_eq!(portal.call("DELETE", &path, Some(&admin), None).await.status, 200);
    tail.must_end().await;
    assert_eq!(trials(&portal).await, 1, "the other person's client stays");
    assert!(others.next(PATIENCE).await.expect("goes on").contains("orders/1"));
}

#[tokio::test]
async fn a_logout_a_smaller_role_and_a_removed_token_end_streams_too() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let (site, mut seat) = agent(&portal, &admin).await;
    let (_, cookie) = portal.person(&admin, "bob", "developer").await;
    let mut live = Stream::open(&portal, "/api/v1/live", &cookie).await;
    portal.call("POST", "/api/v1/logout", Some(&cookie), None).await;
    live.must_end().await;

    let (person, cookie) = portal.person(&admin, "eve", "developer").await;
    let mut tail = watched(&portal, site, &mut seat, &cookie).await;
    let path = format!("/api/v1/people/{}", person["id"].as_str().expect("an id"));
    let value = json!({"login": "eve", "name": "eve", "role": "viewer", "enabled": true});
    let edit = json!({"revision": person["revision"], "value": value});
    assert_eq!(portal.call("PUT", &path, Some(&admin), Some(edit)).await.status, 200);
    tail.must_end().await;

    let input = json!({"name": "ci", "role": "viewer"});
    let made = portal.call("POST", "/api/v1/tokens", Some(&admin), Some(input)).await.body;
    let mut live = Stream::open(&portal, "/api/v1/live", made["secret"].as_str().expect("a secret")).await;
    let path = format!("/api/v1/tokens/{}", made["token"]["id"].as_str().expect("an id"));
    assert_eq!(portal.call("DELETE", &path, Some(&admin), None).await.status, 200);
    live.must_end().await;
}
