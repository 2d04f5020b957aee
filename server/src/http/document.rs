//! `GET /api/v1/design-versions/{id}/asyncapi.yaml` and `.json`: AsyncAPI documents as files, for tools and for people who
//! keep them. The same as the operation with its findings, of which this is the text alone.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use frontend::api::{AsyncApiQuery, AsyncApiSpec, AsyncApiSyntax, PortalApi as _};
use mesh_protocol::id::DesignVersionId;

use super::Http;
use super::problem::{Asked, Named, Problem};
use crate::portal::Portal;

pub(super) fn routes() -> Router<Http> {
    let file = |syntax: AsyncApiSyntax| {
        get(move |portal: Portal, Named(id): Named<DesignVersionId>, Asked(query): Asked<AsyncApiQuery>| {
            text(portal, id, AsyncApiQuery { syntax: Some(syntax), outline: false, ..query })
        })
    };
    Router::new()
        .route("/api/v1/design-versions/{id}/asyncapi.yaml", file(AsyncApiSyntax::Yaml))
        .route("/api/v1/design-versions/{id}/asyncapi.json", file(AsyncApiSyntax::Json))
}

async fn text(portal: Portal, id: DesignVersionId, query: AsyncApiQuery) -> Result<Response, Problem> {
    let document = portal.design_document(id, query).await?;
    let version = match query.spec.unwrap_or_default() {
        AsyncApiSpec::V3_0 => "3.0.0",
        AsyncApiSpec::V3_1 => "3.1.0",
    };
    let headers = [
        (
            CONTENT_TYPE,
            format!("application/vnd.aai.asyncapi+{};version={version}", query.syntax.unwrap_or_default().name()),
        ),
        // Names of designs hold letters, digits, dots, `-` and `_` only.
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", document.file_name)),
        (CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok((headers, document.text).into_response())
}
