//! Pages as the server sends them, before any script runs: whoever has no JavaScript reads the same.

#![cfg(feature = "ssr")]

mod fixture;

use std::sync::OnceLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use fixture::{Recorded, me, retailer};
use frontend::api::Me;
use frontend::{App, AssetPaths, Viewer, shell};
use leptos::config::LeptosOptions;
use leptos::nonce::provide_nonce;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes as _, generate_route_list};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// The portal's pages over recorded answers.
fn portal(recorded: Recorded, me: Option<Me>) -> Router {
    let options = LeptosOptions::builder().output_name("app").build();
    let assets = AssetPaths {
        styles: "/assets/app.css".into(),
        icons: "/assets/icons.svg".into(),
        favicon: "/assets/favicon.svg".into(),
        fonts: Vec::new(),
    };
    let api = recorded.api();
    let context = move || {
        provide_nonce();
        provide_context(api.clone());
        provide_context(Viewer(me.clone()));
    };
    let document = options.clone();
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context, move || {
            shell(document.clone(), assets.clone())
        })
        .with_state(options)
}

/// One runtime for all tests: the renderer's executor is global, and a runtime that ends takes its tasks along.
fn run<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime")).block_on(future)
}

/// Status, location and document of one page.
fn page(recorded: Recorded, me: Option<Me>, path: &str) -> (StatusCode, String, String) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = run(portal(recorded, me).oneshot(request)).expect("infallible");
    let status = response.status();
    let location =
        response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let bytes = run(to_bytes(response.into_body(), usize::MAX)).expect("a body");
    (status, location, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}

#[test]
fn nobody_signed_in_is_sent_to_the_login_and_back() {
    let (status, location, _) = page(retailer(), None, "/");
    assert_eq!(status, StatusCode::FOUND);
    assert_eq!(location, "/login");
}

#[test]
fn the_login_page_says_when_there_is_nobody_to_sign_in_as() {
    let (_, _, html) = page(retailer(), None, "/login");
    assert!(html.contains("one-time setup link"), "{html}");
}

#[test]
fn setup_carries_the_code_of_the_link() {
    let (_, _, html) = page(retailer(), None, "/setup?code=7KQ2-ABCD");
    assert!(html.contains("value=\"7KQ2-ABCD\""), "{html}");
}

#[test]
fn documents_obey_the_content_security_policy() {
    for path in ["/", "/login"] {
        let (_, _, html) = page(retailer(), (path != "/login").then(|| me("admin")), path);
        assert_eq!(html.contains("/assets/icons.svg#i-"), path == "/", "icons come from the sprite");
        assert!(!html.contains(" style="), "{path}: no style attributes");
        for script in html.split("<script").skip(1) {
            let head = script.split('>').next().unwrap_or_default();
            assert!(head.contains(" nonce="), "{path}: an inline script without a nonce: {head}");
        }
    }
}
