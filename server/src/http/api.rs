//! The REST API: one thin handler per operation, three moves long: extract, call, map.
//!
//! Handlers differ only in what they extract, so they are declared, not written: a line names verb, path, operation,
//! input and answer, and the macro makes the handler and its entry in the OpenAPI document. Each calls the method of
//! `PortalApi` with the operation's name.

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::Http;

/// Declares the operations of a module and its `router()`.
///
/// ```text
/// get "/api/v1/sites" sites() -> Vec<SiteView>;            path, query, body and revision stand in the brackets
/// put "/api/v1/sites/{id}" update_site(path id: SiteId, body Edit<SiteInput>) -> SiteView;
/// ```
macro_rules! operations {
    ($tag:literal, $($verb:ident $path:literal $name:ident($($input:tt)*) -> $out:ty;)*) => {
        $(operation! { $tag, $verb $path $name($($input)*) -> $out })*

        /// The operations of this module.
        pub(super) fn router() -> utoipa_axum::router::OpenApiRouter<$crate::http::Http> {
            utoipa_axum::router::OpenApiRouter::new()$(.routes(utoipa_axum::routes!($name)))*
        }
    };
}

/// One operation; see [`operations!`].
macro_rules! operation {
    ($tag:literal, $verb:ident $path:literal $name:ident() -> $out:ty) => {
        #[utoipa::path($verb, path = $path, tag = $tag, responses((status = 200, body = $out)))]
        async fn $name(portal: $crate::portal::Portal) -> $crate::http::api::Outcome<$out> {
            Ok(axum::Json(portal.$name().await?))
        }
    };
    ($tag:literal, $verb:ident $path:literal $name:ident(query $query:ty) -> $out:ty) => {
        #[utoipa::path($verb, path = $path, tag = $tag, params($query), responses((status = 200, body = $out)))]
        async fn $name(
            portal: $crate::portal::Portal,
            $crate::http::problem::Asked(query): $crate::http::problem::Asked<$query>,
        ) -> $crate::http::api::Outcome<$out> {
            Ok(axum::Json(portal.$name(query).await?))
        }
    };
    ($tag:literal, $verb:ident $path:literal $name:ident(body $body:ty) -> $out:ty) => {
        #[utoipa::path($verb, path = $path, tag = $tag, request_body = $body, responses((status = 200, body = $out)))]
        async fn $name(
            portal: $crate::portal::Portal,
            $crate::http::problem::Body(input): $crate::http::problem::Body<$body>,
        ) -> $crate::http::api::Outcome<$out> {
            Ok(axum::Json(portal.$name(input).await?))
        }
    };
    ($tag:literal, $verb:ident $path:literal $name:ident(path $id:ty) -> $out:ty) => {
        #[utoipa::path($verb, path = $path, tag = $tag, params(("id" = $id, Path)), responses((status = 200, body = $out)))]
        async fn $name(
            portal: $crate::portal::Portal,
            $crate::http::problem::Named(id): $crate::http::problem::Named<$id>,
        ) -> $crate::http::api::Outcome<$out> {
            Ok(axum::Json(portal.$name(id).await?))
        }
    };
    ($tag:literal, $verb:ident $path:literal $name:ident(path $id:ty, query $query:ty) -> $out:ty) => {
        #[utoipa::path(
                            $verb, path = $path, tag = $tag, params(("id" = $id, Path), $query),
                            responses((status = 200, body = $out))
                        )]
        async fn $name(
            portal: $crate::portal::Portal,
            $crate::http::problem::Named(id): $crate::http::problem::Named<$id>,
            $crate::http::problem::Asked(query): $crate::http::problem::Asked<$query>,
        ) -> $crate::http::api::Outcome<$out> {
            Ok(axum::Json(portal.$name(id, query).await?))
        }
    };
    ($tag:literal, $verb:ident $path:literal $name:ident(path $id:ty, body $body:ty) -> $out:ty) => {
        #[utoipa::path(
                            $verb, path = $path, tag = $tag, params(("id" = $id, Path)), request_body = $body,
                            responses((status = 200, body = $out))
                        )]
        async fn $name(
            portal: $crate::portal::Portal,
            $crate::http::problem::Named(id): $crate::http::problem::Named<$id>,
            $crate::http::problem::Body(input): $crate::http::problem::Body<$body>,
        ) -> $crate::http::api::Outcome<$out> {
            Ok(axum::Json(portal.$name(id, input).await?))
        }
    };
    ($tag:literal, $verb:ident $path:literal $name:ident(path $id:ty, revision) -> $out:ty) => {
        #[utoipa::path(
                            $verb, path = $path, tag = $tag, params(("id" = $id, Path), ("revision" = i64, Query)),
                            responses((status = 200, body = $out))
                        )]
        async fn $name(
            portal: $crate::portal::Portal,
            $crate::http::problem::Named(id): $crate::http::problem::Named<$id>,
            $crate::http::problem::Asked(seen): $crate::http::problem::Asked<$crate::http::problem::Seen>,
        ) -> $crate::http::api::Outcome<$out> {
            Ok(axum::Json(portal.$name(id, seen.revision).await?))
        }
    };
}
// Below the macros, which they use.
mod access;
mod answers;
mod asyncapi;
mod design;
mod drift;
mod evidence;
mod grant;
mod kafka_access;
mod mail;
mod notification;
mod ownership;
mod person;
mod policy;
mod product;
mod queue;
mod route;
mod team;
mod topology;
mod trial;
mod usage;
mod webhook;

/// What a handler gives.
type Outcome<T> = Result<axum::Json<T>, super::problem::Problem>;

#[derive(OpenApi)]
#[openapi(
    paths(super::live::live, super::tail::tail),
    info(
        title = "Meshport",
        description = "Everything the portal's pages do. Errors are application/problem+json with a stable `type`."
    ),
    components(schemas(frontend::api::ApiError, frontend::api::LiveChange))
)]
struct Document;

fn all() -> OpenApiRouter<Http> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(person::router())
        .merge(person::sessions())
        .merge(evidence::router())
        .merge(design::router())
        .merge(product::router())
        .merge(grant::router())
        .merge(asyncapi::router())
        .merge(kafka_access::router())
        .merge(drift::router())
        .merge(team::router())
        .merge(ownership::router())
        .merge(notification::router())
        .merge(mail::router())
        .merge(webhook::router())
        .merge(topology::router())
        .merge(route::router())
        .merge(queue::router())
        .merge(access::router())
        .merge(policy::router())
        .merge(trial::router())
        .merge(usage::router())
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    split().1
}

fn split() -> (Router<Http>, utoipa::openapi::OpenApi) {
    let (router, mut document) = all().split_for_parts();
    answers::declare(&mut document);
    (router, document)
}

pub(super) fn routes() -> Router<Http> {
    let (router, document) = split();
    let text: std::sync::Arc<str> = document.to_json().unwrap_or_default().into();
    let document = get(move || {
        let text = text.clone();
        async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], text.to_string()) }
    });
    router.route("/api/openapi.json", document).route("/api/{*rest}", axum::routing::any(nothing))
}

/// An unknown address below `/api` is no page.
async fn nothing() -> super::problem::Problem {
    super::problem::Problem(frontend::api::ApiError::new("not-found", 404, "there is no such operation"))
}
