//! Signing in, people, service tokens. What changes the session also changes the cookie, so those three are written
//! out.

use axum::Json;
use axum_extra::extract::CookieJar;
use frontend::api::{
    Edit, ListQuery, LoginInput, Me, Page, PersonInput, PersonView, PortalApi, SetupInput, SetupState, TokenCreated,
    TokenInput, TokenView,
};
use mesh_protocol::id::PersonId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Http;
use crate::http::auth::cookies;
use crate::http::problem::{Body, Problem};
use crate::portal::Portal;

operations! { "people",
    get "/api/v1/me" me() -> Me;
    get "/api/v1/setup" setup_state() -> SetupState;
    get "/api/v1/people" people(query ListQuery) -> Page<PersonView>;
    post "/api/v1/people" create_person(body PersonInput) -> PersonView;
    put "/api/v1/people/{id}" update_person(path PersonId, body Edit<PersonInput>) -> PersonView;
    delete "/api/v1/people/{id}" delete_person(path PersonId, revision) -> ();
    get "/api/v1/tokens" tokens(query ListQuery) -> Page<TokenView>;
    post "/api/v1/tokens" create_token(body TokenInput) -> TokenCreated;
    delete "/api/v1/tokens/{id}" delete_token(path String) -> ();
}

/// The operations that change the session.
pub(super) fn sessions() -> OpenApiRouter<Http> {
    OpenApiRouter::new().routes(routes!(setup)).routes(routes!(login)).routes(routes!(logout))
}

#[utoipa::path(post, path = "/api/v1/setup", tag = "people", request_body = SetupInput, responses((status = 200, body = Me)))]
async fn setup(portal: Portal, Body(input): Body<SetupInput>) -> Result<(CookieJar, Json<Me>), Problem> {
    let me = portal.setup(input).await?;
    Ok((cookies(&portal), Json(me)))
}

#[utoipa::path(post, path = "/api/v1/login", tag = "people", request_body = LoginInput, responses((status = 200, body = Me)))]
async fn login(portal: Portal, Body(input): Body<LoginInput>) -> Result<(CookieJar, Json<Me>), Problem> {
    let me = portal.login(input).await?;
    Ok((cookies(&portal), Json(me)))
}

#[utoipa::path(post, path = "/api/v1/logout", tag = "people", responses((status = 200, body = ())))]
async fn logout(portal: Portal) -> Result<(CookieJar, Json<()>), Problem> {
    portal.logout().await?;
    Ok((cookies(&portal), Json(())))
}
