//! Who asks the registry: what the portal's own API takes, and Basic, which is all that many serializers can send.
//!
//! The password is a service token then; the user name says nothing, as long as the client sends one.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::Http;
use super::super::auth::{caller_of, is_own, origin_of};
use super::answer::Failed;
use crate::app::Error;
use crate::portal::Portal;

/// Finds out who asks.
pub(super) async fn identify(State(state): State<Http>, mut request: Request, next: Next) -> Response {
    let mut origin = origin_of(&request);
    origin.token = origin.token.or_else(|| basic(request.headers()));
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && origin.token.is_none() && !is_own(request.headers()) {
        return Failed::new(StatusCode::FORBIDDEN, 40301, "this request comes from another site").into_response();
    }
    let caller = match caller_of(&state.app, &origin).await {
        Ok(caller) => caller,
        Err(Error::Unauthenticated) => {
            let message = "this token is not valid: it was removed or has expired; make one under People";
            return Failed::new(StatusCode::UNAUTHORIZED, 40101, message).into_response();
        }
        Err(error) => return Failed::from(crate::app::registry::Error::Portal(error)).into_response(),
    };
    request.extensions_mut().insert(Portal::new(state.app.clone(), caller, origin));
    next.run(request).await
}

/// The password of Basic authentication (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_basic_is_the_token() {
        let header = |value: &str| HeaderMap::from_iter([(AUTHORIZATION, value.parse().expect("a value"))]);
        let sent = format!("basic {}", STANDARD.encode("anybody:mps_a:b"));
        assert_eq!(basic(&header(&sent)).as_deref(), Some("mps_a:b"), "only the first colon separates");
        for other in ["Bearer mps_x", "Basic", "Basic ???", "Basic bXBzX3g="] {
            assert_eq!(basic(&header(other)), None, "{other}");
        }
    }
}
