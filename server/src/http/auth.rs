//! Who asks: a session's cookie or a service token becomes the request's caller.
//!
//! A cookie travels with requests that other sites make, so every unsafe request without a token must come from our
//! own pages: browsers say where a request comes from (`Sec-Fetch-Site`, or `Origin`), programs say neither and send
//! no cookie of a person by accident.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use frontend::api::ApiError;

use super::problem::Problem;
use super::{Http, REQUEST_ID};
use crate::app::{App, Caller, Error};
use crate::domain::person::SESSION_MS_MAX;
use crate::portal::{CookieChange, Origin, Portal};

/// Name of the session's cookie.
const SESSION: &str = "meshport_session";

/// Finds out who asks, and refuses what another site makes a browser ask.
pub(super) async fn identify(State(state): State<Http>, mut request: Request, next: Next) -> Response {
    let origin = origin_of(&request);
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && origin.token.is_none() && !is_own(request.headers()) {
        let title = "this request comes from another site";
        return Problem(ApiError::new("cross-site", 403, title)).into_response();
    }
    let caller = match caller_of(&state.app, &origin).await {
        Ok(caller) => caller,
        Err(Error::Unauthenticated) => {
            let title = "this token is not valid: it was removed or has expired";
            return Problem(ApiError::new("unauthenticated", 401, title)).into_response();
        }
        Err(error) => return Problem(error.into_answer()).into_response(),
    };
    request.extensions_mut().insert(Portal::new(state.app.clone(), caller, origin));
    next.run(request).await
}

/// Who a request is of: a token counts before a session.
///
/// # Errors
/// The token is not valid, or the database's.
pub(super) async fn caller_of(app: &App, origin: &Origin) -> Result<Caller, Error> {
    match (&origin.token, &origin.session) {
        (Some(token), _) => app.caller_of_token(token).await,
        (None, Some(session)) => app.caller_of_session(session).await,
        (None, None) => Ok(Caller::Anonymous),
    }
}

impl FromRequestParts<Http> for Portal {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _state: &Http) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Problem(ApiError::new("internal", 500, "the portal failed: its log says why")))
    }
}

/// What a login or logout does to the browser's cookie.
pub(super) fn cookies(portal: &Portal) -> CookieJar {
    let jar = CookieJar::new();
    match portal.take_cookie() {
        None => jar,
        Some(CookieChange::Set(secret)) => {
            let mut cookie = cookie(portal.app(), secret.0);
            cookie.set_max_age(time::Duration::milliseconds(SESSION_MS_MAX));
            jar.add(cookie)
        }
        Some(CookieChange::Clear) => {
            let mut cookie = cookie(portal.app(), String::new());
            cookie.set_max_age(time::Duration::ZERO);
            jar.add(cookie)
        }
    }
}

fn cookie(app: &App, value: String) -> Cookie<'static> {
    let secure = app.config().portal_url.starts_with("https://");
    Cookie::build((SESSION, value)).path("/").http_only(true).same_site(SameSite::Lax).secure(secure).build()
}

pub(super) fn origin_of(request: &Request) -> Origin {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let session = request.headers().get_all(COOKIE).iter().find_map(|header| {
        let pairs = header.to_str().ok()?.split(';');
        pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == SESSION)
    });
    let request_id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    Origin {
        address,
        session: session.map(|(_, value)| value.to_owned()),
        token: bearer(request.headers()),
        request_id: request_id.map(str::to_owned),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_owned())
}

/// Whether the browser says that our own page made the request; true for programs, which say nothing.
pub(super) fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match text(ORIGIN.as_str()) {
        None => true,
        Some(origin) => origin.split_once("://").map(|(_, host)| host) == text(HOST.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn only_our_own_pages_and_programs_may_change_things() {
        assert!(is_own(&headers(&[("host", "portal:8080")])));
        assert!(is_own(&headers(&[("host", "portal:8080"), ("origin", "http://portal:8080")])));
        assert!(!is_own(&headers(&[("host", "portal:8080"), ("origin", "http://evil.example")])));
        assert!(!is_own(&headers(&[("host", "portal:8080"), ("origin", "null")])));
        assert!(is_own(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!is_own(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(!is_own(&headers(&[("sec-fetch-site", "cross-site"), ("host", "a"), ("origin", "http://a")])));
    }

    #[test]
    fn a_bearer_token_is_read_whatever_its_scheme_is_spelled_like() {
        assert_eq!(bearer(&headers(&[("authorization", "bearer mps_x ")])).as_deref(), Some("mps_x"));
        assert_eq!(bearer(&headers(&[("authorization", "Basic eDp5")])), None);
    }
}
