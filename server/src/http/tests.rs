//! The browsers' port as a client sees it, on a database of its own.

mod access;
mod adopt;
mod asyncapi;
mod asyncapi_import;
mod audit;
mod contracts;
mod design;
mod domains;
mod drift;
mod kafka_access;
mod lag;
mod links;
mod lists;
mod mail;
mod matrix;
mod notifications;
mod ownership;
mod queues;
mod readings;
mod registry;
mod registry_life;
mod replicas;
mod schemas;
mod scopes;
mod search;
mod shapes;
mod streams;
mod tags;
mod teams;
mod trend;
mod usage;
mod verification;
mod versions;
mod webhooks;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::router;
use crate::app::{App, Authority, Config};
use crate::store::Store;
use crate::task::Tasks;

/// A portal in memory's reach: real store, real authority, no port.
pub(super) struct TestPortal {
    pub(super) app: App,
    router: axum::Router,
    tasks: Tasks,
    folder: Arc<tempfile::TempDir>,
    url: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    pub(super) cookie: Option<String>,
}

impl TestPortal {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("test.sqlite").display());
        Self::open(Arc::new(folder), url).await
    }

    /// With another configuration.
    pub(super) async fn start_with(config: Config) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("test.sqlite").display());
        Self::configured(Arc::new(folder), url, config).await
    }

    /// On a PostgreSQL database of its own; none where there is no server to test with.
    pub(super) async fn start_on_postgres() -> Option<Self> {
        let url = crate::store::tests::new_postgres_database().await?;
        Some(Self::open(Arc::new(tempfile::tempdir().expect("a folder")), url).await)
    }

    /// Another portal on the same database with the same secrets.
    pub(super) async fn replica(&self) -> Self {
        Self::open(self.folder.clone(), self.url.clone()).await
    }

    async fn open(folder: Arc<tempfile::TempDir>, url: String) -> Self {
        let config = Config { portal_url: "http://portal.test".into(), ..Config::default() };
        Self::configured(folder, url, config).await
    }

    async fn configured(folder: Arc<tempfile::TempDir>, url: String, config: Config) -> Self {
        let authority = Authority::open(&folder.path().join("secrets")).expect("keys");
        let store = Store::open(&url).await.expect("a database");
        let app = App::new(store, authority, config).await.expect("an application");
        let router = router(&app, CancellationToken::new());
        Self { app, router, tasks: Tasks::default(), folder, url }
    }

    /// Makes a person and gives their cookie.
    pub(super) async fn person(&self, admin: &str, login: &str, role: &str) -> (Value, String) {
        let password = "correct horse";
        let input = json!({"login": login, "name": login, "role": role, "enabled": true, "password": password});
        let made = self.call("POST", "/api/v1/people", Some(admin), Some(input)).await;
        assert_eq!(made.status, StatusCode::OK, "{made:?}");
        let input = json!({"login": login, "password": password});
        let cookie = self.call("POST", "/api/v1/login", None, Some(input)).await.cookie.expect("signed in");
        (made.body, cookie)
    }

    /// Makes the first admin and gives their cookie.
    pub(super) async fn admin(&self) -> String {
        let code = self.app.new_setup_code().await.expect("a database").expect("nobody is there");
        let input = json!({"code": code, "login": "ada", "name": "Ada", "password": "correct horse"});
        let reply = self.call("POST", "/api/v1/setup", None, Some(input)).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply.cookie.expect("signed in")
    }

    pub(super) async fn call(&self, method: &str, path: &str, auth: Option<&str>, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header("host", "portal.test");
        match auth {
            Some(token) if token.starts_with("mps_") => {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            Some(cookie) => request = request.header("cookie", cookie),
            None => {}
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let cookie = response.headers().get("set-cookie").map(|cookie| {
            let text = cookie.to_str().expect("text");
            text.split(';').next().unwrap_or_default().to_owned()
        });
        let is_stream = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if is_stream {
            Value::Null
        } else {
            let bytes = to_bytes(response.into_body(), 16 * 1024 * 1024).await.expect("a body");
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
        };
        Reply { status, body, cookie }
    }
}

#[tokio::test]
async fn the_setup_link_works_once() {
    let portal = TestPortal::start().await;
    assert_eq!(portal.call("GET", "/api/v1/setup", None, None).await.body["needed"], true);
    let wrong = json!({"code": "x", "login": "ada", "name": "Ada", "password": "correct horse"});
    let refused = portal.call("POST", "/api/v1/setup", None, Some(wrong)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body["fields"][0]["field"], "code");
    let cookie = portal.admin().await;
    assert_eq!(portal.call("GET", "/api/v1/me", Some(&cookie), None).await.body["role"], "admin");
    assert_eq!(portal.call("GET", "/api/v1/setup", None, None).await.body["needed"], false);
    assert_eq!(portal.app.new_setup_code().await.expect("a database"), None);
}

#[tokio::test]
async fn a_session_ends_with_logout() {
    let portal = TestPortal::start().await;
    portal.admin().await;
    let wrong = json!({"login": "ada", "password": "wrong horse"});
    assert_eq!(portal.call("POST", "/api/v1/login", None, Some(wrong)).await.status, StatusCode::UNAUTHORIZED);
    let right = json!({"login": "ada", "password": "correct horse"});
    let cookie = portal.call("POST", "/api/v1/login", None, Some(right)).await.cookie.expect("signed in");
    assert_eq!(portal.call("GET", "/api/v1/me", Some(&cookie), None).await.status, StatusCode::OK);
    portal.call("POST", "/api/v1/logout", Some(&cookie), None).await;
    assert_eq!(portal.call("GET", "/api/v1/me", Some(&cookie), None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_site_cannot_make_a_browser_change_anything() {
    let portal = TestPortal::start().await;
    let cookie = portal.admin().await;
    let request = Request::post("/api/v1/roles")
        .header("host", "portal.test")
        .header("cookie", &cookie)
        .header("origin", "http://evil.example")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"name":"till"}"#))
        .expect("a request");
    let reply = portal.send(request).await;
    assert_eq!((reply.status, &reply.body["type"]), (StatusCode::FORBIDDEN, &json!("cross-site")));
}

#[tokio::test]
async fn wrong_input_is_named_at_its_field_and_a_stale_edit_is_a_conflict() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let create = async |body| portal.call("POST", "/api/v1/rules", Some(&admin), Some(body)).await;
    let wrong =
        create(json!({"subject": "anyone", "action": "publish", "effect": "allow", "filter": "a/${who}"})).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.body["fields"][0]["field"], "filter");
    let made = create(json!({"subject": "anyone", "action": "publish", "effect": "allow", "filter": "a/>"})).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let path = format!("/api/v1/rules/{}", made.body["id"].as_str().expect("an id"));
    let edit = |revision: i64| json!({"revision": revision, "value": {"subject": "anyone", "action": "publish", "effect": "deny", "filter": "a/b"}});
    let first = portal.call("PUT", &path, Some(&admin), Some(edit(1))).await;
    assert_eq!((first.status, &first.body["revision"]), (StatusCode::OK, &json!(2)), "{first:?}");
    let second = portal.call("PUT", &path, Some(&admin), Some(edit(1))).await;
    assert_eq!((second.status, &second.body["type"]), (StatusCode::CONFLICT, &json!("stale-revision")));
    let taken = json!({"name": "till"});
    portal.call("POST", "/api/v1/roles", Some(&admin), Some(taken.clone())).await;
    let again = portal.call("POST", "/api/v1/roles", Some(&admin), Some(taken)).await;
    assert_eq!(again.body["fields"], json!([{"field": "name", "message": "is taken by another role"}]));
}

#[tokio::test]
async fn every_edit_is_a_policy_revision_with_an_unbroken_audit_chain() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let before = portal.call("GET", "/api/v1/policy", Some(&admin), None).await.body["revision"]["revision"].as_u64();
    let client = json!({"username": "till-7"});
    let made = portal.call("POST", "/api/v1/principals", Some(&admin), Some(client)).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let id = made.body["principal"]["id"].as_str().expect("an id").to_owned();
    let block = format!("/api/v1/principals/{id}/block");
    let blocked = portal.call("POST", &block, Some(&admin), Some(json!({"reason": "too loud"}))).await;
    assert_eq!(blocked.body["blocked"], true, "{blocked:?}");
    let unblocked = portal.call("POST", &format!("/api/v1/principals/{id}/unblock"), Some(&admin), None).await;
    assert_eq!(unblocked.body["blocked"], false);
    let policy = portal.call("GET", "/api/v1/policy", Some(&admin), None).await.body;
    assert_eq!(policy["revision"]["revision"].as_u64(), before.map(|revision| revision + 3), "{policy}");
    assert_eq!(policy["made_by"], "ada");
    let entries = portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read");
    assert!(entries.len() >= 4);
    assert_eq!(crate::domain::audit::first_break(&entries), None);
}

#[tokio::test]
async fn a_new_site_brings_its_link_listeners_and_a_line_to_join() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let site = async |body| portal.call("POST", "/api/v1/sites", Some(&admin), Some(body)).await;
    let hub = site(json!({"name": "hq", "region": "eu"})).await;
    assert_eq!(hub.status, StatusCode::OK, "{hub:?}");
    let edge = site(json!({"name": "store-lyon", "region": "eu", "connects_to": hub.body["id"]})).await;
    assert_eq!(edge.body["connects_to"], hub.body["id"], "{edge:?}");
    assert_eq!(edge.body["listeners"].as_array().map(Vec::len), Some(2));
    let path = format!("/api/v1/sites/{}/join-tokens", edge.body["id"].as_str().expect("an id"));
    let line = portal.call("POST", &path, Some(&admin), Some(json!({}))).await;
    assert!(line.body["token"].as_str().is_some_and(|token| token.starts_with("mpj_")), "{line:?}");
}

#[tokio::test]
async fn pages_come_with_a_policy_that_names_their_nonce_and_the_api_document_is_served() {
    let portal = TestPortal::start().await;
    let request = Request::get("/login").header("host", "portal.test").body(Body::empty()).expect("a request");
    let response = portal.router.clone().oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::OK);
    let policy = response.headers()["content-security-policy"].to_str().expect("text").to_owned();
    let html = to_bytes(response.into_body(), 1024 * 1024).await.expect("a body");
    let html = String::from_utf8_lossy(&html);
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert!(html.contains(&format!("nonce=\"{nonce}\"")), "{policy}");
    let document = portal.call("GET", "/api/openapi.json", None, None).await;
    assert!(document.body["paths"]["/api/v1/sites"]["post"].is_object());
    assert_eq!(portal.call("GET", "/api/v1/nothing", None, None).await.body["type"], "not-found");
}

#[tokio::test]
async fn a_page_that_is_not_there_has_a_heading_and_says_so_in_its_status_too() {
    let portal = TestPortal::start().await;
    let cookie = portal.admin().await;
    for (path, status, heading) in [
        ("/no-such-page", StatusCode::NOT_FOUND, "<h1>There is nothing here</h1>"),
        ("/routes/01920000-0000-7000-8000-000000000000", StatusCode::NOT_FOUND, "<h1>Route</h1>"),
        ("/routes", StatusCode::OK, "<h1>Routes</h1>"),
    ] {
        let page = portal.call("GET", path, Some(&cookie), None).await;
        // Without the marks that hydration needs.
        let html = page.body.as_str().unwrap_or_default().replace("<!>", "");
        assert_eq!(page.status, status, "{path}");
        assert!(html.contains(heading), "{path}: {html}");
    }
    let request = Request::get("/no-such-page").header("host", "portal.test").header("accept", "text/html");
    let signed_out = portal.send(request.body(Body::empty()).expect("a request")).await;
    assert!(signed_out.status.is_redirection(), "a stranger learns nothing: {signed_out:?}");
}
