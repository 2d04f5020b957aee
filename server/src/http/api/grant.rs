//! Access: who asked for what, who decided, what was given, and the credentials that come of it.

use frontend::api::{
    AccessApi, AccessDecided, AccessDecision, AccessForecast, AccessForecastInput, AccessInput, AccessPreview,
    AccessQuery, AccessView, CertificateInput, CertificateWish, ConnectView, ConnectionTest, ConnectionTestInput,
    CredentialCertificate, CredentialInput, CredentialSecret, CredentialView, Edit, GrantMove, GrantQuery, GrantView,
    ListQuery, ListenerAuthority, Page, RotateInput,
};
use mesh_protocol::id::{AccessRequestId, ApplicationId, GrantId, PrincipalId};

operations! { "access",
    post "/api/v1/access-requests/preview" preview_access(body AccessInput) -> AccessPreview;
    post "/api/v1/access-requests" request_access(body AccessInput) -> AccessView;
    get "/api/v1/access-requests" access_requests(query AccessQuery) -> Page<AccessView>;
    get "/api/v1/access-requests/{id}" access_request(path AccessRequestId) -> AccessView;
    post "/api/v1/access-requests/decide" decide_access(body AccessDecision) -> AccessDecided;
    post "/api/v1/access-requests/decide/preview" forecast_access(body AccessForecastInput) -> AccessForecast;
    get "/api/v1/grants" grants(query GrantQuery) -> Page<GrantView>;
    get "/api/v1/grants/{id}" grant(path GrantId) -> GrantView;
    get "/api/v1/grants/{id}/connect" grant_connect(path GrantId) -> ConnectView;
    post "/api/v1/grants/{id}/move" move_grant(path GrantId, body Edit<GrantMove>) -> GrantView;
    post "/api/v1/grants/{id}/test" test_grant(path GrantId, body ConnectionTestInput) -> ConnectionTest;
    get "/api/v1/applications/{id}/credentials" credentials(path ApplicationId, query ListQuery) -> Page<CredentialView>;
    post "/api/v1/applications/{id}/credentials" issue_credential(path ApplicationId, body CredentialInput) -> CredentialSecret;
    post "/api/v1/credentials/{id}/rotate" rotate_credential(path PrincipalId, body RotateInput) -> CredentialSecret;
    post "/api/v1/applications/{id}/certificates" issue_certificate(path ApplicationId, body CertificateInput) -> CredentialCertificate;
    post "/api/v1/credentials/{id}/certificates" renew_certificate(path PrincipalId, body CertificateWish) -> CredentialCertificate;
    get "/api/v1/listener-authority" listener_authority() -> ListenerAuthority;
    delete "/api/v1/credentials/{id}" remove_credential(path PrincipalId, revision) -> ();
}
