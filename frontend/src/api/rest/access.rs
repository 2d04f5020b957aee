//! Access over REST.

use mesh_protocol::id::{AccessRequestId, ApplicationId, GrantId, PrincipalId};

use super::{RestApi, Transport, Verb, with_query};
use crate::api::{
    AccessApi, AccessDecided, AccessDecision, AccessForecast, AccessForecastInput, AccessInput, AccessPreview,
    AccessQuery, AccessView, Answer, CertificateInput, CertificateWish, ConnectView, ConnectionTest,
    ConnectionTestInput, CredentialCertificate, CredentialInput, CredentialSecret, CredentialView, Edit, GrantMove,
    GrantQuery, GrantView, ListQuery, ListenerAuthority, Page, RotateInput,
};

impl<T: Transport> AccessApi for RestApi<T> {
    calls! {
        post "/access-requests/preview" preview_access(body AccessInput) -> AccessPreview;
        post "/access-requests" request_access(body AccessInput) -> AccessView;
        get "/access-requests" access_requests(query AccessQuery) -> Page<AccessView>;
        get "/access-requests/{id}" access_request(path id: AccessRequestId) -> AccessView;
        post "/access-requests/decide" decide_access(body AccessDecision) -> AccessDecided;
        post "/access-requests/decide/preview" forecast_access(body AccessForecastInput) -> AccessForecast;
        get "/grants" grants(query GrantQuery) -> Page<GrantView>;
        get "/grants/{id}" grant(path id: GrantId) -> GrantView;
        get "/grants/{id}/connect" grant_connect(path id: GrantId) -> ConnectView;
        post "/grants/{id}/move" move_grant(path id: GrantId, body Edit<GrantMove>) -> GrantView;
        post "/grants/{id}/test" test_grant(path id: GrantId, body ConnectionTestInput) -> ConnectionTest;
        get "/applications/{id}/credentials" credentials(path id: ApplicationId, query ListQuery) -> Page<CredentialView>;
        post "/applications/{id}/credentials" issue_credential(path id: ApplicationId, body CredentialInput) -> CredentialSecret;
        post "/credentials/{id}/rotate" rotate_credential(path id: PrincipalId, body RotateInput) -> CredentialSecret;
        post "/applications/{id}/certificates" issue_certificate(path id: ApplicationId, body CertificateInput) -> CredentialCertificate;
        post "/credentials/{id}/certificates" renew_certificate(path id: PrincipalId, body CertificateWish) -> CredentialCertificate;
        get "/listener-authority" listener_authority() -> ListenerAuthority;
        delete "/credentials/{id}" remove_credential(path id: PrincipalId, revision) -> ();
    }
}
