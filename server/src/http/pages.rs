//! Server-rendered pages: leptos draws them with the portal of the request's caller.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use frontend::api::{Api, PortalApi};
use frontend::{App as Pages, PageStatus, Viewer, shell};
use leptos::nonce::{provide_nonce, use_nonce};
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{AxumRouteListing, LeptosRoutes, ResponseOptions, generate_route_list};

use super::Http;
use crate::portal::Portal;

pub(super) fn routes(state: &Http) -> Router<Http> {
    // Listing the pages keeps every resource of the process from loading meanwhile: a second portal in the same process
    // (as tests have) must not do it again while the first one renders.
    static PAGES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    // What says that there is no such page is the fallback, so that it stands behind everything else.
    let known = |page: &AxumRouteListing| !page.path().contains('*');
    let list = PAGES.get_or_init(|| generate_route_list(Pages).into_iter().filter(known).collect()).clone();
    Router::new().leptos_routes_with_handler(list, axum::routing::get(page)).fallback(page).with_state(state.clone())
}

/// Any page, also the one that says that there is no such page.
async fn page(State(state): State<Http>, portal: Portal, request: Request) -> Response {
    let viewer = Viewer(portal.me().await.ok());
    let status = PageStatus::default();
    let told = status.clone();
    let context = move || {
        provide_context(told.clone());
        provide_nonce();
        if let (Some(nonce), Some(options)) = (use_nonce(), use_context::<ResponseOptions>())
            && let Ok(policy) = HeaderValue::from_str(&policy(&nonce))
        {
            options.insert_header(CONTENT_SECURITY_POLICY, policy);
        }
        provide_context(viewer.clone());
        provide_context(Api(Arc::new(portal.clone())));
    };
    let (options, assets) = (state.options.clone(), state.assets.clone());
    let render = leptos_axum::render_app_async_with_context(context, move || shell(options.clone(), assets.clone()));
    let mut response = render(request).await.into_response();
    // A redirect to the login page stays one.
    if response.status() == StatusCode::OK
        && let Some(status) = status.told().and_then(|status| StatusCode::from_u16(status).ok())
    {
        *response.status_mut() = status;
    }
    // A page belongs to whoever asked for it.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// What a page may load: its own files, and the scripts that carry this answer's nonce. No inline styles.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}
