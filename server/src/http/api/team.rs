//! Teams and who can be named as an owner.

use frontend::api::{
    Edit, ListQuery, OwnedQuery, OwnedView, OwnerChoice, Page, PortalApi, TeamInput, TeamQuery, TeamRemoval, TeamView,
};
use mesh_protocol::id::TeamId;

operations! { "teams",
    get "/api/v1/teams" teams(query TeamQuery) -> Page<TeamView>;
    get "/api/v1/teams/{id}" team(path TeamId) -> TeamView;
    get "/api/v1/teams/{id}/owned" team_owned(path TeamId, query OwnedQuery) -> Page<OwnedView>;
    post "/api/v1/teams" create_team(body TeamInput) -> TeamView;
    put "/api/v1/teams/{id}" update_team(path TeamId, body Edit<TeamInput>) -> TeamView;
    delete "/api/v1/teams/{id}" delete_team(path TeamId, query TeamRemoval) -> ();
    get "/api/v1/owners" owner_choices(query ListQuery) -> Page<OwnerChoice>;
}
