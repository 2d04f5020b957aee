//! The call for a certificate that this agent's listeners show to clients. As with a renewal, the agent's own key signs it, so
//! that it works whatever became of the certificates.

use mesh_protocol::enrol::{LISTENER_PATH, ListenerRequest, ListenerResponse};
use mesh_protocol::signed::{Domain, Signed};
use serde::{Deserialize, Serialize};

use super::enrol::EnrolError;
use super::tls::{self, Authority};
use crate::home::{Home, read, replace};
use crate::identity::{Identity, agent_key, certificate_request};
use crate::status::now_ms;

/// A certificate of the mesh's authority of listeners, with its key. Saved as `listener.json`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Issued {
    /// What it was asked for.
    pub names: Vec<String>,
    /// Private key, PEM.
    pub key_pem: String,
    /// The certificate, PEM.
    pub certificate_pem: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Issued {
    /// The one in this folder. A damaged one is as good as none: there will be another.
    #[must_use]
    pub fn load(home: &Home) -> Option<Self> {
        let text = read(&home.listener_certificate()).ok()??;
        serde_json::from_slice(&text).ok()
    }
}

/// Gets a certificate for these names on a new key, and saves both before it is used; one that cannot be used is not kept.
///
/// # Errors
/// [`EnrolError`]; a refusal carries the portal's own words.
pub async fn ask(
    home: &Home,
    identity: &Identity,
    names: Vec<String>,
    is_usable: fn(&Issued) -> bool,
) -> Result<Issued, EnrolError> {
    let authority = Authority::Known(identity.tls().ok_or(EnrolError::Answer)?.ca);
    let key = agent_key(home)?;
    let (key_pem, csr_pem) = certificate_request()?;
    let request = ListenerRequest {
        agent: identity.agent,
        public_key: hex::encode(key.verifying_key().as_bytes()),
        csr_pem,
        names: names.clone(),
        at_ms: now_ms(),
    };
    let body = serde_json::to_vec(&request).expect("a request serializes");
    let signed = serde_json::to_string(&Signed::sign(Domain::Listener, body, &key)).expect("a document serializes");
    let answer = identity.portal.post(tls::anonymous(authority)?, LISTENER_PATH, signed).await?;
    let answer: ListenerResponse = serde_json::from_slice(&answer).map_err(|_| EnrolError::Answer)?;
    // Whoever trusts the authority of listeners has it already; sent along it does no harm and helps those who pin it.
    let certificate_pem = format!("{}{}", answer.certificate_pem, answer.authority_pem);
    let issued = Issued { names, key_pem, certificate_pem };
    if !is_usable(&issued) {
        return Err(EnrolError::Answer);
    }
    replace(&home.listener_certificate(), &serde_json::to_vec_pretty(&issued).expect("serializes"))?;
    Ok(issued)
}
