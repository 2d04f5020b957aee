//! Errors as `application/problem+json` (RFC 9457).

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mesh_protocol::id::RuleId;
use serde::Serialize;

use crate::contract::Invalid;
use crate::policy::Denied;
use crate::quota::{Limit, Over};

/// An error a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    rule: Option<RuleId>,
    retry_after_s: Option<u32>,
    location: Option<String>,
    /// Values of `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    rate_limit: Option<Box<[String; 2]>>,
    breach: Option<Box<Breach>>,
}

/// What is wrong with a payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Breach {
    /// The version that it was held against: `order-created 1.2.0`.
    contract: String,
    /// Where it is wrong: `$.amount`.
    path: String,
    /// What is wrong there.
    reason: String,
    /// Of a batch, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    /// The rule that decided, as it stands in the portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleId>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    breach: Option<&'a Breach>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, detail, rule: None, retry_after_s: None, location: None, rate_limit: None, breach: None }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Not now; the event was not taken.
    pub(super) fn later(detail: impl Into<String>) -> Self {
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// What is asked for is at another address (307: ask there in the same way).
    pub(super) fn elsewhere(location: String, detail: impl Into<String>) -> Self {
        Self { location: Some(location), ..Self::new(StatusCode::TEMPORARY_REDIRECT, detail) }
    }

    /// A quota is used up (429); what is more than it ever allows at once is too large (413).
    pub(super) fn over_quota(over: &Over) -> Self {
        if over.wait().is_none() {
            return Self::new(StatusCode::PAYLOAD_TOO_LARGE, over.to_string());
        }
        let name = match over.limit() {
            Limit::Events => "events",
            Limit::Bytes => "bytes",
        };
        let policy = format!("\"{name}\";q={};w=1", over.quota());
        let state = format!("\"{name}\";r={};t={}", over.left(), over.wait_s());
        Self {
            retry_after_s: Some(over.wait_s()),
            rate_limit: Some(Box::new([policy, state])),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, over.to_string())
        }
    }

    pub(super) fn too_many_clients() -> Self {
        Self::later("as many clients are connected as may be; try again later")
    }

    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// The payload is not what is promised at its topic; of a batch that of a line.
    pub(super) fn invalid(invalid: &Invalid, line: Option<usize>) -> Self {
        let Invalid { label, path, reason, .. } = invalid;
        let detail = match line {
            Some(line) => format!("line {line}: {invalid}"),
            None => invalid.to_string(),
        };
        let breach = Breach { contract: label.clone(), path: path.clone(), reason: reason.clone(), line };
        Self { breach: Some(Box::new(breach)), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// Policy says no.
    pub(super) fn forbidden(denied: &Denied) -> Self {
        Self { rule: denied.rule(), ..Self::new(StatusCode::FORBIDDEN, denied.to_string()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = Body {
            r#type: "about:blank",
            title,
            status: self.status.as_u16(),
            detail: &self.detail,
            rule: self.rule,
            breach: self.breach.as_deref(),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some([policy, state]) = self.rate_limit.map(|both| *both) {
            for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
                headers.extend(HeaderValue::try_from(value).ok().map(|value| (HeaderName::from_static(name), value)));
            }
        }
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            headers.insert(header::LOCATION, location);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"mesh\", charset=\"UTF-8\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
