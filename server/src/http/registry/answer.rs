//! Answers, errors and inputs of the registry's API, in the shapes its clients know.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::registry::{Error, Listing, Text};
use crate::domain::registry::{Deleted, Refusal};

/// The media type of all answers.
const JSON: HeaderValue = HeaderValue::from_static("application/vnd.schemaregistry.v1+json");

/// What a handler gives.
pub(super) type Outcome = Result<Json, Failed>;

/// An answer as JSON.
#[derive(Debug)]
pub(super) struct Json(Vec<u8>);

/// An answer that is a schema's own text.
#[derive(Debug)]
pub(super) struct Raw(pub(super) String);

/// An answer.
#[expect(clippy::unnecessary_wraps, reason = "the last move of every handler")]
pub(super) fn answer(value: impl Serialize) -> Outcome {
    Ok(Json(serde_json::to_vec(&value).unwrap_or_default()))
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, JSON)], self.0).into_response()
    }
}

impl IntoResponse for Raw {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, JSON)], self.0).into_response()
    }
}

/// An error as clients of a registry read it.
#[derive(Debug)]
pub(super) struct Failed {
    status: StatusCode,
    code: u32,
    message: String,
}

impl Failed {
    pub(super) fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let status = if code < 1_000 { code } else { code / 100 };
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        Self { status: status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY), code, message: refusal.to_string() }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let error = match error {
            Error::Refused(refusal) => return refusal.into(),
            Error::Portal(error) => error,
        };
        let answer = error.into_answer();
        let (status, code) = match answer.status {
            401 => (401, 40101),
            403 => (403, 40301),
            404 => (404, 404),
            // Never 409: that is a schema which hurts somebody.
            409 | 422 => (422, 42205),
            500 => (500, 50001),
            other => (other, u32::from(other)),
        };
        let fields = answer.fields.iter().map(|field| format!("{} {}", field.field, field.message));
        let told: Vec<String> = std::iter::once(answer.title.clone()).chain(fields).collect();
        Self { status: StatusCode::from_u16(status).unwrap_or_default(), code, message: told.join("; ") }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error_code": self.code, "message": self.message });
        let mut response = (self.status, [(CONTENT_TYPE, JSON)], body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let how = HeaderValue::from_static("Basic realm=\"schema registry\", Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, how);
        }
        response
    }
}

/// The JSON body of a request, whatever it calls itself.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failed;
    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|refused| {
            if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
                return Failed::from(Refusal::TooLarge(crate::http::BODY_BYTES_MAX));
            }
            Failed::new(StatusCode::BAD_REQUEST, 400, refused.body_text())
        })?;
        let read = serde_json::from_slice(&bytes);
        read.map(Self).map_err(|error| {
            Failed::new(StatusCode::BAD_REQUEST, 400, format!("the request's body cannot be read: {error}"))
        })
    }
}

/// The query of a request. Clients spell flags in their own languages (`True`), and leave out what they do not mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    deleted: bool,
    deleted_only: bool,
    latest_only: bool,
    prefix: String,
    offset: usize,
    limit: Option<usize>,
    format: String,
    pub(super) normalize: bool,
    pub(super) permanent: bool,
    pub(super) verbose: bool,
    pub(super) force: bool,
    pub(super) default_to_global: bool,
    pub(super) fetch_max_id: bool,
}

impl Asked {
    fn of(pairs: Vec<(String, String)>) -> Self {
        let mut asked = Self::default();
        for (name, value) in pairs {
            let flag = value.eq_ignore_ascii_case("true");
            match name.as_str() {
                "deleted" => asked.deleted = flag,
                "deletedOnly" => asked.deleted_only = flag,
                "latestOnly" => asked.latest_only = flag,
                "normalize" => asked.normalize = flag,
                "permanent" => asked.permanent = flag,
                "verbose" => asked.verbose = flag,
                "force" => asked.force = flag,
                "defaultToGlobal" => asked.default_to_global = flag,
                "fetchMaxId" => asked.fetch_max_id = flag,
                // The prefix that stands for every context.
                "subjectPrefix" => asked.prefix = value.trim_start_matches(":*:").to_owned(),
                "format" => asked.format = value,
                // Below zero = no bound.
                "offset" => asked.offset = value.parse().unwrap_or_default(),
                "limit" => asked.limit = value.parse().ok(),
                _ => {}
            }
        }
        asked
    }

    pub(super) fn deleted(&self) -> Deleted {
        match (self.deleted, self.deleted_only) {
            (_, true) => Deleted::Only,
            (true, false) => Deleted::With,
            (false, false) => Deleted::Without,
        }
    }

    pub(super) fn listing(&self) -> Listing {
        Listing {
            prefix: self.prefix.clone(),
            deleted: self.deleted(),
            latest_only: self.latest_only,
            offset: self.offset,
            limit: self.limit,
        }
    }

    pub(super) fn text(&self) -> Text {
        if self.format == "serialized" { Text::Serialized } else { Text::Registered }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Failed;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let pairs = pairs.map_err(|refused| Failed::new(StatusCode::BAD_REQUEST, 400, refused.body_text()))?;
        Ok(Self::of(pairs.0))
    }
}
