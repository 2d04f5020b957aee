//! Clients that prove who they are by a certificate instead of a secret.
//!
//! That the certificate comes from the authority of devices and that the client has its key was checked by TLS. What is left is
//! a matter of policy: it must be one that desired state names, so that a certificate counts for exactly as long as the portal
//! says, without lists of revoked ones. It is asked again with every new policy: who logged in with one that is gone is cut.

use mesh_protocol::desired::Fingerprint;
use mesh_protocol::event::Protocol;
use mesh_protocol::id::PrincipalId;
use mesh_protocol::policy::Identity;

use super::{Denied, Enforced, Enforcer, Session, Way};
use crate::status::now_ms;

/// A client's certificate whose chain and key were verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Which.
    pub fingerprint: Fingerprint,
    /// Its own end, milliseconds since the Unix epoch. A session that began before it does not outlive it.
    pub ends_at_ms: i64,
}

/// Why a certificate does not let a client in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not in desired state.
    #[error(
        "this certificate is not, or no longer, one that a client may log in with here: issue another in the portal"
    )]
    Unknown,
    /// Its time is over.
    #[error("this certificate has expired: issue another in the portal")]
    Expired,
    /// The user name is that of somebody else.
    #[error("the user name is not that of the certificate: leave it out, or give the certificate's")]
    OtherUser,
}

impl Enforcer {
    /// A session for a client with a verified certificate, which may connect. A user name it gives must be its own.
    ///
    /// # Errors
    /// The certificate is unknown, over or somebody else's; or its principal may not.
    pub fn login_by_certificate(
        &self,
        certificate: Certificate,
        username: Option<&str>,
        client_id: &str,
        by: Protocol,
    ) -> Result<(Session, Identity), Denied> {
        let version = *self.changes.borrow();
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        let known = enforced.certificates.get(&certificate.fingerprint);
        let principal = *known.ok_or(CertificateError::Unknown)?;
        let way = Way { by: Some(by), certificate: Some(certificate) };
        let session = self.open(&enforced, version, principal, client_id, way)?;
        let identity = enforced.policy.identify(principal, now_ms()).map_err(Denied::ByPolicy)?;
        if username.is_some_and(|given| !given.is_empty() && *given != *identity.username) {
            return Err(CertificateError::OtherUser.into());
        }
        Ok((session, identity))
    }
}

impl Enforced {
    /// Whether somebody may have logged in with it.
    pub(super) fn still_knows(
        &self,
        certificate: &Certificate,
        principal: PrincipalId,
        now_ms: i64,
    ) -> Result<(), CertificateError> {
        if self.certificates.get(&certificate.fingerprint) != Some(&principal) {
            return Err(CertificateError::Unknown);
        }
        if now_ms >= certificate.ends_at_ms { Err(CertificateError::Expired) } else { Ok(()) }
    }
}
