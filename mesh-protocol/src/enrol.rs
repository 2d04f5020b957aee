//! How an agent gets its identity: a join token the first time, its own key ever after.
//!
//! The token pins the portal's certificate authority, so the very first TLS connection is already authenticated; the
//! request is signed with the agent's own Ed25519 key, so a token is bound to the key that used it and an expired
//! certificate can still be renewed.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::{Deserialize, Serialize};

use crate::id::{AgentId, EnvironmentId, SiteId};

/// Path of the enrolment call at the agents' port (HTTPS, no client certificate).
pub const ENROL_PATH: &str = "/agents/v1/enrol";
/// Path of the renewal call at the agents' port (HTTPS, no client certificate).
pub const RENEW_PATH: &str = "/agents/v1/renew";
/// Path of the call for a certificate of the agent's listeners at the agents' port (HTTPS, no client certificate).
pub const LISTENER_PATH: &str = "/agents/v1/listener-certificate";
/// Path of the control session at the agents' port (WebSocket over mTLS).
pub const SESSION_PATH: &str = "/agents/v1/session";

/// DNS name in the TLS certificate of the portal's agents' port. Agents check this name, whatever address they dialled:
/// a portal may be reached under any host name or address, and no agent's certificate may carry this name, so a
/// stolen agent's certificate can never play the portal. The portal sends its leaf and the agents' CA.
pub const PORTAL_TLS_NAME: &str = "portal.meshport.internal";

/// What a person copies from the portal: `mpj_` and the URL-safe base64 of 16 random bytes and the SHA-256 of the
/// agents' CA certificate (DER).
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    /// The secret part. The portal stores its SHA-256 only.
    pub secret: [u8; 16],
    /// SHA-256 of the CA certificate that must have signed the portal's TLS certificate.
    pub ca_pin: [u8; 32],
}

/// Why a text is not a join token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a join token: it must start with `mpj_` and be copied whole from the site's page")]
pub struct JoinTokenError;

impl std::fmt::Display for JoinToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = [&self.secret[..], &self.ca_pin[..]].concat();
        write!(f, "mpj_{}", BASE64_URL_SAFE_NO_PAD.encode(whole))
    }
}

impl std::fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JoinToken(..)")
    }
}

impl std::str::FromStr for JoinToken {
    type Err = JoinTokenError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let coded = text.trim().strip_prefix("mpj_").ok_or(JoinTokenError)?;
        let whole = BASE64_URL_SAFE_NO_PAD.decode(coded).map_err(|_| JoinTokenError)?;
        let (secret, ca_pin) = whole.split_at_checked(16).ok_or(JoinTokenError)?;
        Ok(Self {
            secret: secret.try_into().map_err(|_| JoinTokenError)?,
            ca_pin: ca_pin.try_into().map_err(|_| JoinTokenError)?,
        })
    }
}

/// Body of both calls, sent as [`Signed`](crate::signed::Signed) with [`Domain::Enrol`](crate::signed::Domain::Enrol)
/// by the agent's own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The join token; empty for a renewal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Which agent renews; none for the first enrolment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The agent's Ed25519 public key, 64 hex digits; must be the one that signed.
    pub public_key: String,
    /// The agent's public sealing key, 64 hex digits. A renewal leaves it out: the next
    /// [`Hello`](crate::wire::Hello) brings the new one, when the agent has surely kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
    /// PKCS#10 request, PEM, with an ECDSA P-256 key made by the agent. Its subject is ignored.
    pub csr_pem: String,
    /// Name the agent gives itself, unique at its site (default: host name).
    pub name: String,
    /// Version of the agent's program.
    pub version: String,
    /// Milliseconds since the Unix epoch; a renewal more than five minutes off is refused.
    pub at_ms: i64,
}

/// Answer to both calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolResponse {
    /// The agent's id, also the common name of its certificate.
    pub agent: AgentId,
    /// Which mesh.
    pub environment: EnvironmentId,
    /// Where it stands.
    pub site: SiteId,
    /// Name of that site.
    pub site_name: String,
    /// The agent's certificate, PEM, 90 days.
    pub certificate_pem: String,
    /// The agents' CA, PEM.
    pub ca_pem: String,
    /// Ed25519 public keys that may sign desired state, 64 hex digits each.
    pub policy_keys: Vec<String>,
}

/// Body of the call for a certificate that the agent's listeners show to clients, sent as
/// [`Signed`](crate::signed::Signed) with [`Domain::Listener`](crate::signed::Domain::Listener) by the agent's own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerRequest {
    /// Which agent.
    pub agent: AgentId,
    /// The agent's Ed25519 public key, 64 hex digits; must be the one that signed.
    pub public_key: String,
    /// PKCS#10 request, PEM, with an ECDSA P-256 key made by the agent. Only the key counts.
    pub csr_pem: String,
    /// DNS names and addresses of its listeners, as desired state gives them; the portal issues for no others.
    pub names: Vec<String>,
    /// Milliseconds since the Unix epoch; a request more than five minutes off is refused.
    pub at_ms: i64,
}

/// Answer to that call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerResponse {
    /// The listeners' certificate, PEM, 90 days.
    pub certificate_pem: String,
    /// Who issued it, PEM.
    pub authority_pem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_copy_and_paste() {
        let token = JoinToken { secret: [7; 16], ca_pin: [9; 32] };
        assert_eq!(format!(" {token}\n").parse(), Ok(token));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "mpj_", "mpj_AAAA", "xyz", "mpj_!!!", &format!("{}A", JoinToken { secret: [7; 16], ca_pin: [9; 32] })]
        {
            assert_eq!(text.parse::<JoinToken>(), Err(JoinTokenError), "{text}");
        }
    }
}
