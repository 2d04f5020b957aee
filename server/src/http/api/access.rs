//! Applications, clients, mesh roles, rules.

use frontend::api::{
    ApplicationInput, ApplicationView, Edit, ListQuery, Page, PortalApi, PrincipalInput, PrincipalQuery,
    PrincipalSecret, PrincipalView, ReasonInput, RoleInput, RoleView, RotateInput, RuleInput, RuleQuery, RuleView,
    ScopeInput, ScopeView, WithheldView,
};
use mesh_protocol::id::{ApplicationId, PrincipalId, RoleId, RuleId, ScopeId};

operations! { "access",
    get "/api/v1/applications" applications(query ListQuery) -> Page<ApplicationView>;
    post "/api/v1/applications" create_application(body ApplicationInput) -> ApplicationView;
    put "/api/v1/applications/{id}" update_application(path ApplicationId, body Edit<ApplicationInput>) -> ApplicationView;
    delete "/api/v1/applications/{id}" delete_application(path ApplicationId, revision) -> ();
    get "/api/v1/principals" principals(query PrincipalQuery) -> Page<PrincipalView>;
    get "/api/v1/principals/{id}" principal(path PrincipalId) -> PrincipalView;
    post "/api/v1/principals" create_principal(body PrincipalInput) -> PrincipalSecret;
    put "/api/v1/principals/{id}" update_principal(path PrincipalId, body Edit<PrincipalInput>) -> PrincipalView;
    post "/api/v1/principals/{id}/rotate" rotate_principal(path PrincipalId, body RotateInput) -> PrincipalSecret;
    post "/api/v1/principals/{id}/block" block_principal(path PrincipalId, body ReasonInput) -> PrincipalView;
    post "/api/v1/principals/{id}/unblock" unblock_principal(path PrincipalId) -> PrincipalView;
    delete "/api/v1/principals/{id}" delete_principal(path PrincipalId, revision) -> ();
    get "/api/v1/roles" roles(query ListQuery) -> Page<RoleView>;
    post "/api/v1/roles" create_role(body RoleInput) -> RoleView;
    put "/api/v1/roles/{id}" update_role(path RoleId, body Edit<RoleInput>) -> RoleView;
    delete "/api/v1/roles/{id}" delete_role(path RoleId, revision) -> ();
    get "/api/v1/scopes" scopes(query ListQuery) -> Page<ScopeView>;
    get "/api/v1/scopes/withheld" withheld(query ListQuery) -> Page<WithheldView>;
    post "/api/v1/scopes" create_scope(body ScopeInput) -> ScopeView;
    put "/api/v1/scopes/{id}" update_scope(path ScopeId, body Edit<ScopeInput>) -> ScopeView;
    delete "/api/v1/scopes/{id}" delete_scope(path ScopeId, revision) -> ();
    get "/api/v1/rules" rules(query RuleQuery) -> Page<RuleView>;
    post "/api/v1/rules" create_rule(body RuleInput) -> RuleView;
    put "/api/v1/rules/{id}" update_rule(path RuleId, body Edit<RuleInput>) -> RuleView;
    delete "/api/v1/rules/{id}" delete_rule(path RuleId, revision) -> ();
}
