//! Enrolment, renewal and certificates of listeners: calls without a client certificate.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use frontend::api::ApiError;
use mesh_protocol::signed::Signed;

use super::AgentsState;
use crate::app::enrol::Refused;
use crate::app::error::chain;

/// `POST /agents/v1/enrol`.
pub(super) async fn enrol(State(state): State<AgentsState>, Json(signed): Json<Signed>) -> Response {
    answer(state.app.enrol(&signed).await)
}

/// `POST /agents/v1/renew`.
pub(super) async fn renew(State(state): State<AgentsState>, Json(signed): Json<Signed>) -> Response {
    answer(state.app.renew(&signed).await)
}

/// `POST /agents/v1/listener-certificate`.
pub(super) async fn listener(State(state): State<AgentsState>, Json(signed): Json<Signed>) -> Response {
    answer(state.app.listener_certificate(&signed).await)
}

fn answer(outcome: Result<impl serde::Serialize, Refused>) -> Response {
    let refused = match outcome {
        Ok(response) => return Json(response).into_response(),
        Err(refused) => refused,
    };
    let (kind, status) = match &refused {
        Refused::Signature | Refused::Request | Refused::SealingKey => ("invalid", StatusCode::BAD_REQUEST),
        Refused::UnknownToken => ("unknown-token", StatusCode::FORBIDDEN),
        Refused::Token(_) | Refused::NoPlace => ("token-refused", StatusCode::FORBIDDEN),
        Refused::UnknownAgent => ("unknown-agent", StatusCode::FORBIDDEN),
        Refused::Revoked => ("revoked", StatusCode::FORBIDDEN),
        Refused::OtherNames => ("names", StatusCode::CONFLICT),
        Refused::Clock => ("clock", StatusCode::BAD_REQUEST),
        Refused::Name { .. } => ("name", StatusCode::CONFLICT),
        Refused::KeyKnown => ("key-known", StatusCode::CONFLICT),
        Refused::Failed(error) => {
            tracing::error!(error = %chain(error), "an enrolment failed inside the portal");
            ("internal", StatusCode::INTERNAL_SERVER_ERROR)
        }
    };
    if status != StatusCode::INTERNAL_SERVER_ERROR {
        tracing::info!(kind, "an enrolment was refused: {refused}");
    }
    let problem = ApiError::new(kind, status.as_u16(), refused.to_string());
    (status, [(CONTENT_TYPE, "application/problem+json")], serde_json::to_vec(&problem).unwrap_or_default())
        .into_response()
}
