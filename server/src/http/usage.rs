//! `GET /api/v1/usage.csv` and `usage.json`: use of grants as files, for billing. The same as the operation, without pages.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use frontend::api::UsageQuery;

use super::Http;
use super::problem::{Asked, Problem};
use crate::portal::Portal;

pub(super) fn routes() -> Router<Http> {
    Router::new().route("/api/v1/usage.csv", get(csv)).route("/api/v1/usage.json", get(json))
}

async fn csv(portal: Portal, Asked(query): Asked<UsageQuery>) -> Result<Response, Problem> {
    let text = portal.app().usage_csv(portal.caller(), &query).await.map_err(|error| portal.answer(error))?;
    Ok(file("text/csv; charset=utf-8; header=present", "csv", text))
}

async fn json(portal: Portal, Asked(query): Asked<UsageQuery>) -> Result<Response, Problem> {
    let text = portal.app().usage_json(portal.caller(), &query).await.map_err(|error| portal.answer(error))?;
    Ok(file("application/json", "json", text))
}

fn file(media: &'static str, ending: &str, text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, media.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"usage.{ending}\"")),
        (CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, text).into_response()
}
