//! What the clients of an application log in with.

use mesh_protocol::id::PrincipalId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CertificateView, Millis};

/// A credential to issue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialInput {
    /// Its user name at every listener; empty = one is made up from the application's name.
    #[serde(default)]
    pub username: String,
    /// When it ends; none = with the last grant of its application.
    #[serde(default)]
    pub expires_at: Option<Millis>,
}

/// A credential of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialView {
    /// Id of the client.
    pub id: PrincipalId,
    /// For edits.
    pub revision: i64,
    /// User name.
    pub username: String,
    /// It may log in: it is not stopped, has a secret or a certificate, and its application has a grant.
    pub works: bool,
    /// When it ends.
    pub expires_at: Option<Millis>,
    /// How many secrets it may log in with now: more than one while a rotation overlaps.
    pub secrets: u64,
    /// Certificates it may log in with now, the oldest first.
    #[serde(default)]
    pub certificates: Vec<CertificateView>,
    /// When the newest secret was made.
    pub rotated_at: Option<Millis>,
    /// When an earlier secret ends.
    pub overlap_until: Option<Millis>,
    /// When an agent last saw it send or take events.
    pub last_seen: Option<Millis>,
    /// Issued when.
    pub created_at: Millis,
}

/// A credential with its secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialSecret {
    /// The credential.
    pub credential: CredentialView,
    /// Its secret: nobody can read it again.
    pub secret: String,
    /// User name and secret as one text, for HTTP: in the header `X-Api-Key`, or as a Bearer token.
    pub api_key: String,
}
