//! Routes.

use frontend::api::{Edit, ListQuery, Page, PortalApi, RouteInput, RouteView};
use mesh_protocol::id::RouteId;

operations! { "routes",
    get "/api/v1/routes" routes(query ListQuery) -> Page<RouteView>;
    get "/api/v1/routes/{id}" route(path RouteId) -> RouteView;
    post "/api/v1/routes" create_route(body RouteInput) -> RouteView;
    put "/api/v1/routes/{id}" update_route(path RouteId, body Edit<RouteInput>) -> RouteView;
    delete "/api/v1/routes/{id}" delete_route(path RouteId, revision) -> ();
}
