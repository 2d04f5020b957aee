//! Enrolment and renewal: two calls with the same body, signed by the agent's own key.

use ed25519_dalek::SigningKey;
use mesh_protocol::enrol::{ENROL_PATH, EnrolRequest, EnrolResponse, JoinToken, RENEW_PATH};
use mesh_protocol::id::AgentId;
use mesh_protocol::signed::{Domain, Signed};

use super::portal::{PortalAddress, PortalError};
use super::tls::{self, Authority};
use crate::home::{Home, HomeError};
use crate::identity::sealing::SealingKeys;
use crate::identity::{Identity, IdentityError, agent_key, certificate_request, certificates};
use crate::status::now_ms;

/// Longest name an agent may give itself, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// Why an agent could not join or renew.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The folder has an agent.
    #[error(
        "this state folder belongs to agent {name} at site {site} of {portal} already: start it with `mesh-agent run`, \
         or join another agent with its own folder (--state)"
    )]
    AlreadyJoined {
        /// Which agent.
        name: String,
        /// Its site.
        site: String,
        /// Its portal.
        portal: PortalAddress,
    },
    /// No usable name.
    #[error("an agent's name is 1 to {NAME_BYTES_MAX} bytes without control characters: choose one with --name")]
    Name,
    /// The portal.
    #[error(transparent)]
    Portal(#[from] PortalError),
    /// The portal answered something else than a certificate for this agent.
    #[error("the portal's answer cannot be used: is its version older than this agent's?")]
    Answer,
    /// Keys and folder.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Making the key.
    #[error("no key for the certificate could be made")]
    Key(#[from] rcgen::Error),
    /// TLS.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
}

/// Enrols this folder's agent. A repeat with the same token and folder is welcome until an answer was saved.
///
/// # Errors
/// [`EnrolError`], each readable by the person who typed the line.
pub async fn join(home: &Home, portal: PortalAddress, token: &JoinToken, name: String) -> Result<Identity, EnrolError> {
    match Identity::load(home) {
        Ok(Identity { name, site_name, portal, .. }) => {
            return Err(EnrolError::AlreadyJoined { name, site: site_name, portal });
        }
        Err(IdentityError::NotJoined(_)) => {}
        Err(error) => return Err(error.into()),
    }
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(EnrolError::Name);
    }
    let call =
        Call { portal: &portal, authority: Authority::Pinned(token.ca_pin), path: ENROL_PATH, key: &agent_key(home)? };
    let sealing = SealingKeys::random();
    let (tls_key_pem, answer) = call.make(token.to_string(), None, &name, Some(sealing.public_hex())).await?;
    let identity = Identity::enrolled(portal, name, (tls_key_pem, sealing), answer);
    check(&identity, &token.ca_pin)?;
    identity.save(home)?;
    Ok(identity)
}

/// Gets a new certificate on a new key and makes a new sealing key, also when the old one has expired. The answer is saved before it is used.
///
/// # Errors
/// [`EnrolError`].
pub async fn renew(home: &Home, identity: &Identity) -> Result<Identity, EnrolError> {
    let ca = identity.tls().ok_or(EnrolError::Answer)?.ca;
    let authority = Authority::Known(ca);
    let call = Call { portal: &identity.portal, authority, path: RENEW_PATH, key: &agent_key(home)? };
    let (tls_key_pem, answer) = call.make(String::new(), Some(identity.agent), &identity.name, None).await?;
    if answer.agent != identity.agent || answer.environment != identity.environment {
        return Err(EnrolError::Answer);
    }
    // The policy keys stay those of the first enrolment: later ones come signed, by way of the ledger.
    // The portal hears of the new sealing key in the next session, when it is surely kept here.
    let sealing = identity.sealing.rotated();
    let renewed = Identity { tls_key_pem, certificate_pem: answer.certificate_pem, sealing, ..identity.clone() };
    renewed.tls().ok_or(EnrolError::Answer)?;
    renewed.validity().ok_or(EnrolError::Answer)?;
    renewed.save(home)?;
    Ok(renewed)
}

struct Call<'a> {
    portal: &'a PortalAddress,
    authority: Authority,
    path: &'static str,
    key: &'a SigningKey,
}

impl Call<'_> {
    /// The new certificate's key and what the portal answered.
    async fn make(
        self,
        token: String,
        agent: Option<AgentId>,
        name: &str,
        sealing_key: Option<String>,
    ) -> Result<(String, EnrolResponse), EnrolError> {
        let (tls_key_pem, csr_pem) = certificate_request()?;
        let request = EnrolRequest {
            token,
            agent,
            public_key: hex::encode(self.key.verifying_key().as_bytes()),
            sealing_key,
            csr_pem,
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at_ms: now_ms(),
        };
        let body = serde_json::to_vec(&request).expect("a request serializes");
        let signed =
            serde_json::to_string(&Signed::sign(Domain::Enrol, body, self.key)).expect("a document serializes");
        let answer = self.portal.post(tls::anonymous(self.authority)?, self.path, signed).await?;
        let answer = serde_json::from_slice(&answer).map_err(|_| EnrolError::Answer)?;
        Ok((tls_key_pem, answer))
    }
}

/// The answer must hold what the agent will need, and the CA that the token named.
fn check(identity: &Identity, ca_pin: &[u8; 32]) -> Result<(), EnrolError> {
    use sha2::{Digest, Sha256};
    let ca = certificates(&identity.ca_pem).and_then(|all| all.into_iter().next()).ok_or(EnrolError::Answer)?;
    let usable =
        identity.tls().is_some() && identity.validity().is_some() && !identity.enrolled_policy_keys().is_empty();
    if usable && Sha256::digest(&ca).as_slice() == ca_pin { Ok(()) } else { Err(EnrolError::Answer) }
}

#[cfg(test)]
mod tests;
