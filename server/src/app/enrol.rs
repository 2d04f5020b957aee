//! How agents get and renew their identity.
//!
//! Both calls come without a client certificate, signed with the agent's own key: the first with a join token, the
//! others with the key that is known since, so that an agent whose certificate expired can still come back.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use frontend::api::LiveTopic;
use mesh_protocol::enrol::{EnrolRequest, EnrolResponse, JoinToken, ListenerRequest, ListenerResponse};
use mesh_protocol::id::AgentId;
use mesh_protocol::signed::{Domain, Signed, key_id};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::agent::REVOKED;
use super::authority::AuthorityError;
use super::clock::now_ms;
use super::edit::Done;
use super::permission::Permit;
use super::{App, Error, replacement};
use crate::domain::agent::{Agent, State, is_sealing_key};
use crate::domain::field::FieldErrors;
use crate::domain::join_token::{self, Verdict};

/// A renewal whose clock is further off than this is refused, in milliseconds: an old request must not be replayed.
const CLOCK_TOLERANCE_MS: i64 = 5 * 60 * 1000;

/// Why an agent does not get a certificate. The text is for the person at the agent's console.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The request is damaged or signed by another key than it names.
    #[error("the request is not signed by the key it names")]
    Signature,
    /// No such token here.
    #[error("this portal does not know the join token: copy a new one from the site's page")]
    UnknownToken,
    /// The token does not open anything.
    #[error("{0}")]
    Token(#[from] join_token::Refusal),
    /// The name is taken at the site, or is not one.
    #[error("the name `{name}` cannot be used: it {reason}; choose another with --name")]
    Name {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The key belongs to an agent already.
    #[error("this agent's key is enrolled already: start the agent, or remove its state folder to begin anew")]
    KeyKnown,
    /// The agent whose place it is to take is gone.
    #[error(
        "the agent that this token replaces was revoked or replaced already: make a new line on the page of its successor"
    )]
    NoPlace,
    /// The request for a certificate is not one.
    #[error("the certificate request is not a PKCS#10 request with an ECDSA P-256 key")]
    Request,
    /// The sealing key is none.
    #[error("the sealing key is not 64 hex digits: update the agent")]
    SealingKey,
    /// A renewal for an agent that is not known with this key.
    #[error("this portal does not know the agent with this key: join again with a new token")]
    UnknownAgent,
    /// The agent was revoked.
    #[error("this agent was revoked: remove its state folder and join again with a new token")]
    Revoked,
    /// A certificate for other names than the agent's listeners have.
    #[error(
        "these are not, or no longer, the names of this agent's listeners: the agent asks again with its next revision"
    )]
    OtherNames,
    /// The clocks differ too much.
    #[error("the agent's clock is more than five minutes off: set it right and try again")]
    Clock,
    /// The portal failed.
    #[error("the portal failed: its log says why")]
    Failed(#[source] Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::Authority(AuthorityError::Request) => Self::Request,
            error => Self::Failed(error),
        }
    }
}

impl From<crate::store::StoreError> for Refused {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl App {
    /// The first call of an agent: spends a join token.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn enrol(&self, signed: &Signed) -> Result<EnrolResponse, Refused> {
        let request = open(signed)?;
        let token: JoinToken = request.token.parse().map_err(|_| Refused::UnknownToken)?;
        let secret_hash = Sha256::digest(token.secret).to_vec();
        let mut edit = self.edit(Permit::of_portal()).await?;
        let found = edit.tx.join_token(&secret_hash).await?.ok_or(Refused::UnknownToken)?;
        match found.decide(&request.public_key, edit.now_ms)? {
            Verdict::Repeat(agent) => {
                drop(edit);
                self.reissue(agent, &request).await
            }
            Verdict::Enrol => {
                check_name(&request.name)?;
                let old = match found.replaces {
                    Some(replaced) => Some(self.make_way(&mut edit, replaced).await?),
                    None => None,
                };
                let id = AgentId(Uuid::now_v7());
                let (certificate_pem, ends_at_ms) =
                    self.authority().issue_agent(id, &request.csr_pem).map_err(Error::from)?;
                let agent = Agent {
                    id,
                    site: found.site,
                    stands_for: old.as_ref().map(Agent::line),
                    name: request.name.clone(),
                    public_key: request.public_key.clone(),
                    sealing_key: request.sealing_key.clone(),
                    version: request.version.clone(),
                    state: State::Enrolled,
                    certificate_ends_at_ms: ends_at_ms,
                    fabric_addresses: Vec::new(),
                    listener_addresses: BTreeMap::new(),
                    connected: false,
                    presence_since_ms: edit.now_ms,
                    seen_at_ms: 0,
                    address: None,
                    created_at_ms: edit.now_ms,
                };
                // A new member of the mesh: every agent's document names it.
                let summary = match &old {
                    Some(old) => replacement::told(&agent, old, edit.tx.status(old.id).await?.as_ref()),
                    None => format!("enrolled the agent {}", agent.name),
                };
                edit.take_revision(&summary).await?;
                let environment = self.environment();
                edit.tx.insert_agent(environment, &agent).await.map_err(|error| name_taken(&request, error.into()))?;
                let now_ms = edit.now_ms;
                edit.tx.use_join_token(found.id, &request.public_key, id, now_ms).await?;
                let done = Done::new("agent.enrol", id, &summary, LiveTopic::Topology);
                let done = match &old {
                    Some(old) => done.before(&super::agent::kept(old)),
                    None => done,
                };
                edit.finish(done.after(&super::agent::kept(&agent))).await?;
                if let Some(old) = old {
                    self.fleet().end(old.id, REVOKED);
                }
                tracing::info!(agent = %id, name = agent.name, token_by = found.created_by, "an agent was enrolled");
                self.response(&agent, certificate_pem).await
            }
        }
    }

    /// A later call: a new certificate over the key that is known.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn renew(&self, signed: &Signed) -> Result<EnrolResponse, Refused> {
        let request = open(signed)?;
        if (request.at_ms - now_ms()).abs() > CLOCK_TOLERANCE_MS {
            return Err(Refused::Clock);
        }
        self.reissue(request.agent.ok_or(Refused::UnknownAgent)?, &request).await
    }

    /// A certificate that the agent's listeners show, for the names that they have now and no others.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn listener_certificate(&self, signed: &Signed) -> Result<ListenerResponse, Refused> {
        let claimed: ListenerRequest = serde_json::from_slice(&signed.body).map_err(|_| Refused::Signature)?;
        let key = signer(signed, &claimed.public_key)?;
        let request: ListenerRequest = signed.open(Domain::Listener, &[key]).map_err(|_| Refused::Signature)?;
        if (request.at_ms - now_ms()).abs() > CLOCK_TOLERANCE_MS {
            return Err(Refused::Clock);
        }
        let found = self.store().read().await?.agent(request.agent).await?;
        let agent = found.filter(|agent| agent.public_key == request.public_key).ok_or(Refused::UnknownAgent)?;
        if agent.state == State::Revoked {
            return Err(Refused::Revoked);
        }
        let names = self.snapshot().await?.mesh.tls_names(agent.site);
        if names.is_empty() || names != request.names {
            return Err(Refused::OtherNames);
        }
        let authority = self.authority();
        let certificate_pem = authority.issue_listener(&names, &request.csr_pem).map_err(Error::from)?;
        tracing::info!(agent = %agent.id, ?names, "issued a certificate to an agent's listeners");
        Ok(ListenerResponse { certificate_pem, authority_pem: authority.listeners_ca_pem().to_owned() })
    }

    async fn reissue(&self, id: AgentId, request: &EnrolRequest) -> Result<EnrolResponse, Refused> {
        let mut tx = self.store().write().await?;
        let agent = tx.agent(id).await?.filter(|agent| agent.public_key == request.public_key);
        let agent = agent.ok_or(Refused::UnknownAgent)?;
        if agent.state == State::Revoked {
            return Err(Refused::Revoked);
        }
        let (certificate_pem, ends_at_ms) = self.authority().issue_agent(id, &request.csr_pem).map_err(Error::from)?;
        tx.note_certificate(id, &request.version, ends_at_ms).await?;
        tx.commit().await?;
        // A repeated enrolment: the first answer was lost, and the key with it.
        if let Some(key) = &request.sealing_key {
            self.take_sealing_key(&agent, key).await?;
        }
        self.response(&agent, certificate_pem).await
    }

    async fn response(&self, agent: &Agent, certificate_pem: String) -> Result<EnrolResponse, Refused> {
        Ok(EnrolResponse {
            agent: agent.id,
            environment: self.environment(),
            site: agent.site,
            site_name: self.snapshot().await?.site_name(agent.site),
            certificate_pem,
            ca_pem: self.authority().agents_ca_pem().to_owned(),
            policy_keys: self.authority().policy_keys(),
        })
    }
}

/// The request, if the key it names signed it.
fn open(signed: &Signed) -> Result<EnrolRequest, Refused> {
    // Nothing of the body is believed before the signature by the key it names is checked.
    let claimed: EnrolRequest = serde_json::from_slice(&signed.body).map_err(|_| Refused::Signature)?;
    let key = signer(signed, &claimed.public_key)?;
    let request: EnrolRequest = signed.open(Domain::Enrol, &[key]).map_err(|_| Refused::Signature)?;
    if request.sealing_key.as_deref().is_some_and(|key| !is_sealing_key(key)) {
        return Err(Refused::SealingKey);
    }
    Ok(request)
}

/// The key that a request names, if the signature claims to be by it.
fn signer(signed: &Signed, public_key: &str) -> Result<VerifyingKey, Refused> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(public_key, &mut bytes).map_err(|_| Refused::Signature)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| Refused::Signature)?;
    if signed.key_id != key_id(&key) || public_key != hex::encode(bytes) {
        return Err(Refused::Signature);
    }
    Ok(key)
}

fn check_name(name: &str) -> Result<(), Refused> {
    let mut errors = FieldErrors::default();
    errors.name("name", name);
    match errors.check() {
        Ok(()) => Ok(()),
        Err(errors) => Err(Refused::Name { name: name.to_owned(), reason: errors.0["name"].clone() }),
    }
}

fn name_taken(request: &EnrolRequest, error: Error) -> Refused {
    match error {
        Error::Invalid(errors) if errors.0.contains_key("name") => {
            Refused::Name { name: request.name.clone(), reason: "is taken by another agent of this site".to_owned() }
        }
        Error::Invalid(errors) if errors.0.contains_key("public_key") => Refused::KeyKnown,
        error => error.into(),
    }
}
