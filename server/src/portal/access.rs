//! Access as one caller sees it.

use frontend::api::{
    AccessApi, AccessDecided, AccessDecision, AccessForecast, AccessForecastInput, AccessInput, AccessPreview,
    AccessQuery, AccessView, Answer, CertificateInput, CertificateWish, ConnectView, ConnectionTest,
    ConnectionTestInput, CredentialCertificate, CredentialInput, CredentialSecret, CredentialView, Edit, GrantMove,
    GrantQuery, GrantView, ListQuery, ListenerAuthority, Page, RotateInput,
};
use mesh_protocol::id::{AccessRequestId, ApplicationId, GrantId, PrincipalId};

use super::Portal;

impl AccessApi for Portal {
    delegate! {
        fn preview_access(input: AccessInput) -> AccessPreview;
        fn request_access(input: AccessInput) -> AccessView;
        fn access_requests(query: AccessQuery) -> Page<AccessView>;
        fn access_request(id: AccessRequestId) -> AccessView;
        fn decide_access(input: AccessDecision) -> AccessDecided;
        fn forecast_access(input: AccessForecastInput) -> AccessForecast;
        fn grants(query: GrantQuery) -> Page<GrantView>;
        fn grant(id: GrantId) -> GrantView;
        fn grant_connect(id: GrantId) -> ConnectView;
        fn move_grant(id: GrantId, input: Edit<GrantMove>) -> GrantView;
        fn test_grant(id: GrantId, input: ConnectionTestInput) -> ConnectionTest;
        fn credentials(id: ApplicationId, query: ListQuery) -> Page<CredentialView>;
        fn issue_credential(id: ApplicationId, input: CredentialInput) -> CredentialSecret;
        fn rotate_credential(id: PrincipalId, input: RotateInput) -> CredentialSecret;
        fn issue_certificate(id: ApplicationId, input: CertificateInput) -> CredentialCertificate;
        fn renew_certificate(id: PrincipalId, input: CertificateWish) -> CredentialCertificate;
        fn listener_authority() -> ListenerAuthority;
        fn remove_credential(id: PrincipalId, revision: i64) -> ();
    }
}
