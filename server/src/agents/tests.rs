//! The agents' port as an agent sees it: real TLS, real sockets, keys made here.

mod listeners;
mod queues;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::{SigningKey, VerifyingKey};
use frontend::api::{JoinTokenInput, ListQuery, PortalRole, Presence, ReasonInput, RoleInput, RolloutState, SiteInput};
use futures::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use mesh_protocol::desired::DesiredState;
use mesh_protocol::enrol::{ENROL_PATH, EnrolRequest, EnrolResponse, PORTAL_TLS_NAME, RENEW_PATH, SESSION_PATH};
use mesh_protocol::report::Status;
use mesh_protocol::signed::{Domain, Signed};
use mesh_protocol::wire::{Hello, Revision, ToAgent, ToControl};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::app::{Authority, Caller, Config, Error};
use crate::background;
use crate::store::Store;

/// Longest wait for anything; usual is milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

struct Portal {
    app: App,
    address: SocketAddr,
    tasks: Tasks,
    admin: Caller,
    folder: Arc<tempfile::TempDir>,
}

/// An agent's keys and what enrolment gave it.
struct TestAgent {
    identity: SigningKey,
    tls: KeyPair,
    sealing_key: String,
    enrolled: Option<EnrolResponse>,
}

type Session = WebSocketStream<TlsStream<TcpStream>>;

async fn portal() -> Portal {
    portal_in(Arc::new(tempfile::tempdir().expect("a folder"))).await
}

/// Portals in one folder share its database and its secrets.
async fn portal_in(folder: Arc<tempfile::TempDir>) -> Portal {
    let authority = Authority::open(&folder.path().join("secrets")).expect("keys");
    let store =
        Store::open(&format!("sqlite:{}", folder.path().join("test.sqlite").display())).await.expect("a database");
    let app = App::new(store, authority, Config::default()).await.expect("an application");
    let (tasks, listener) = (Tasks::default(), TcpListener::bind("127.0.0.1:0").await.expect("a port"));
    let address = listener.local_addr().expect("bound");
    serve(&app, listener, &tasks).expect("TLS");
    background::start(&app, &tasks);
    let role = crate::app::person::domain_role(PortalRole::Admin);
    let admin = Caller::Service { id: uuid::Uuid::nil(), name: "test".into(), role, domains: Vec::new() };
    Portal { app, address, tasks, admin, folder }
}

impl Portal {
    async fn token(&self) -> String {
        let sites = self.app.sites(&self.admin, ListQuery::default()).await.expect("read");
        let site = match sites.items.first() {
            Some(site) => site.id,
            None => {
                let input = SiteInput { name: "hq".into(), region: "eu".into(), ..SiteInput::default() };
                self.app.create_site(&self.admin, input).await.expect("made").id
            }
        };
        self.app.create_join_token(&self.admin, site, JoinTokenInput::default()).await.expect("made").token
    }

    async fn edit(&self, name: &str) -> u64 {
        let input = RoleInput { name: name.into(), description: String::new() };
        self.app.create_role(&self.admin, input).await.expect("made");
        self.app.policy(&self.admin).await.expect("read").revision.revision
    }

    /// A TLS connection, with the agent's certificate when it has one to show.
    async fn connect(
        &self,
        certificate: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.app.authority().agents_ca().clone()).expect("a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match certificate {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).expect("a pair"),
            None => builder.with_no_client_auth(),
        };
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(PORTAL_TLS_NAME).expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// An enrolment call; status and body.
    async fn post(&self, path: &str, signed: &Signed) -> (u16, Vec<u8>) {
        let stream = self.connect(None).await.expect("TLS");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        self.tasks.spawn("test client", async move {
            let _ended = connection.await;
        });
        let request = hyper::Request::post(path)
            .header("host", "portal")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(serde_json::to_vec(signed).expect("JSON")))
            .expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = axum::body::Body::new(response.into_body());
        (status, axum::body::to_bytes(body, 1024 * 1024).await.expect("a body").to_vec())
    }

    async fn enrol(&self, agent: &mut TestAgent, token: &str) -> Result<(), String> {
        let (status, body) = self.post(ENROL_PATH, &agent.request(token, None)).await;
        if status != 200 {
            let problem: serde_json::Value = serde_json::from_slice(&body).expect("a problem");
            return Err(format!(
                "{}: {}",
                problem["type"].as_str().expect("a type"),
                problem["title"].as_str().expect("a title")
            ));
        }
        agent.enrolled = Some(serde_json::from_slice(&body).expect("a response"));
        Ok(())
    }

    /// A session up to its hello.
    async fn session(&self, agent: &TestAgent) -> Session {
        let stream = self.connect(Some(agent.certificate())).await.expect("TLS");
        let (mut session, _) =
            tokio_tungstenite::client_async(format!("ws://portal{SESSION_PATH}"), stream).await.expect("a session");
        let hello = Hello {
            version_min: 1,
            version_max: 1,
            capabilities: vec![],
            agent_version: "test".into(),
            boot: "1".into(),
            applied: None,
            deny_list: 0,
            sealing_key: Some(agent.sealing_key.clone()),
        };
        say(&mut session, &ToControl::Hello(hello)).await;
        session
    }
}

impl TestAgent {
    fn new(seed: u8) -> Self {
        let tls = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let sealing_key = hex::encode([seed; 32]);
        Self { identity: SigningKey::from_bytes(&[seed; 32]), tls, sealing_key, enrolled: None }
    }

    fn request(&self, token: &str, agent: Option<AgentId>) -> Signed {
        let params = CertificateParams::new(vec![]).expect("no names");
        let request = EnrolRequest {
            token: token.into(),
            agent,
            public_key: hex::encode(self.identity.verifying_key().as_bytes()),
            sealing_key: agent.is_none().then(|| self.sealing_key.clone()),
            csr_pem: params.serialize_request(&self.tls).expect("a request").pem().expect("PEM"),
            name: format!("agent-{}", self.identity.to_bytes()[0]),
            version: "test".into(),
            at_ms: crate::app::clock::now_ms(),
        };
        Signed::sign(Domain::Enrol, serde_json::to_vec(&request).expect("JSON"), &self.identity)
    }

    fn response(&self) -> &EnrolResponse {
        self.enrolled.as_ref().expect("enrolled")
    }

    fn certificate(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let leaf = CertificateDer::from_pem_slice(self.response().certificate_pem.as_bytes()).expect("PEM");
        (vec![leaf], PrivateKeyDer::try_from(self.tls.serialize_der()).expect("a key"))
    }

    fn open(&self, signed: &Signed) -> DesiredState {
        open_by(signed, &self.response().policy_keys)
    }
}

async fn say(session: &mut Session, message: &ToControl) {
    session.send(Message::text(serde_json::to_string(message).expect("JSON"))).await.expect("sent");
}

async fn hear(session: &mut Session) -> ToAgent {
    let message = tokio::time::timeout(PATIENCE, session.next()).await.expect("in time").expect("open").expect("whole");
    serde_json::from_str(message.to_text().expect("text")).expect("a message")
}

/// The next desired state; everything else is passed over.
async fn next_desired(session: &mut Session, agent: &TestAgent) -> DesiredState {
    loop {
        if let ToAgent::Desired(signed) = hear(session).await {
            return agent.open(&signed);
        }
    }
}

fn status(applied: Revision) -> ToControl {
    ToControl::Status(Status {
        at_ms: 0,
        applied: Some(applied),
        rejected: None,
        deny_list: 0,
        parts: vec![],
        links: vec![],
        counters: std::collections::BTreeMap::new(),
        memory_bytes: 1,
        started_at_ms: 0,
        certificate_ends_at_ms: 0,
    })
}

#[tokio::test]
async fn a_token_enrols_one_key_and_that_key_may_repeat_the_call() {
    let portal = portal().await;
    let (token, mut first, mut second) = (portal.token().await, TestAgent::new(1), TestAgent::new(2));
    portal.enrol(&mut first, &token).await.expect("enrolled");
    let id = first.response().agent;
    portal.enrol(&mut first, &token).await.expect("repeated");
    assert_eq!(first.response().agent, id);
    let refused = portal.enrol(&mut second, &token).await.expect_err("used");
    assert!(refused.starts_with("token-refused: this join token was used already"), "{refused}");
    let unknown = mesh_protocol::enrol::JoinToken { secret: [0; 16], ca_pin: [0; 32] }.to_string();
    let refused = portal.enrol(&mut second, &unknown).await.expect_err("unknown");
    assert!(refused.starts_with("unknown-token"), "{refused}");
    assert_eq!(portal.app.agents(&portal.admin, ListQuery::default()).await.expect("read").total, 1);
}

#[tokio::test]
async fn a_request_that_was_altered_is_refused() {
    let portal = portal().await;
    let agent = TestAgent::new(1);
    let mut signed = agent.request(&portal.token().await, None);
    let at = signed.body.iter().position(|byte| *byte == b't').expect("a t");
    signed.body[at] = b'T';
    assert_eq!(portal.post(ENROL_PATH, &signed).await.0, 400);
}

#[tokio::test]
async fn an_enrolled_agent_renews_by_its_key_and_a_revoked_one_does_not() {
    let portal = portal().await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let id = agent.response().agent;
    assert_eq!(portal.post(RENEW_PATH, &agent.request("", Some(id))).await.0, 200);
    assert_eq!(portal.post(RENEW_PATH, &TestAgent::new(2).request("", Some(id))).await.0, 403, "another key");
    portal.app.revoke_agent(&portal.admin, id, ReasonInput::default()).await.expect("revoked");
    assert_eq!(portal.post(RENEW_PATH, &agent.request("", Some(id))).await.0, 403);
}

#[tokio::test]
async fn a_session_needs_a_certificate_of_the_agents_authority() {
    let portal = portal().await;
    let anonymous = portal.connect(None).await.expect("allowed, to enrol");
    assert!(tokio_tungstenite::client_async(format!("ws://portal{SESSION_PATH}"), anonymous).await.is_err());
    let foreign = tempfile::tempdir().expect("a folder");
    let foreign = Authority::open(foreign.path()).expect("keys").server_identity().expect("a certificate");
    // TLS 1.3 clients learn of the refusal with the first read.
    let refused = match portal.connect(Some((foreign.chain, foreign.key))).await {
        Ok(stream) => tokio_tungstenite::client_async(format!("ws://portal{SESSION_PATH}"), stream).await.is_err(),
        Err(_) => true,
    };
    assert!(refused);
}

#[tokio::test]
async fn every_edit_reaches_a_connected_agent_and_its_answer_is_shown() {
    let portal = portal().await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let mut session = portal.session(&agent).await;
    assert!(matches!(hear(&mut session).await, ToAgent::Welcome { version: 1, .. }));
    let first = next_desired(&mut session, &agent).await;
    assert_eq!(first.agent, agent.response().agent);
    assert_eq!(first.fabric.members.len(), 1);
    let revision = portal.edit("till").await;
    let second = next_desired(&mut session, &agent).await;
    assert_eq!((second.revision, second.policy.roles.len()), (revision, 1));
    let applied = Revision { generation: second.generation, revision: second.revision };
    say(&mut session, &status(applied)).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while portal.app.policy(&portal.admin).await.expect("read").agents[0].state != RolloutState::Applied {
        assert!(tokio::time::Instant::now() < deadline, "the status is shown");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    say(&mut session, &ToControl::Ping).await;
    while hear(&mut session).await != ToAgent::Pong {}
}

#[tokio::test]
async fn a_new_sealing_key_is_a_new_revision_for_everybody() {
    let portal = portal().await;
    let (mut agent, mut other) = (TestAgent::new(1), TestAgent::new(2));
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    portal.enrol(&mut other, &portal.token().await).await.expect("enrolled");
    let id = agent.response().agent;
    let key = |document: &DesiredState| {
        let member = document.fabric.members.iter().find(|member| member.agent == id).expect("a member");
        member.sealing_key.clone().expect("it has told one")
    };
    let mut watching = portal.session(&other).await;
    let before = next_desired(&mut watching, &other).await;
    assert_eq!(key(&before), agent.sealing_key, "told at enrolment");
    // The same again is no news.
    drop(portal.session(&agent).await);
    let revision = portal.edit("till").await;
    let after = next_desired(&mut watching, &other).await;
    assert_eq!((after.revision, key(&after)), (revision, agent.sealing_key.clone()));
    agent.sealing_key = hex::encode([3; 32]);
    let _session = portal.session(&agent).await;
    let renewed = next_desired(&mut watching, &other).await;
    assert!(renewed.revision > revision);
    assert_eq!(key(&renewed), agent.sealing_key);
}

#[tokio::test]
async fn what_is_no_sealing_key_is_refused_with_a_reason() {
    let portal = portal().await;
    let mut agent = TestAgent::new(1);
    agent.sealing_key = "zz".to_owned();
    let refused = portal.enrol(&mut agent, &portal.token().await).await.expect_err("refused");
    assert!(refused.contains("64 hex digits"), "{refused}");
    agent.sealing_key = hex::encode([1; 32]);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    agent.sealing_key.push('0');
    let mut session = portal.session(&agent).await;
    let ToAgent::Refused { reason, .. } = hear(&mut session).await else { panic!("it must be refused") };
    assert!(reason.contains("64 hex digits"), "{reason}");
}

#[tokio::test]
async fn a_reconnect_gets_the_very_document_that_was_signed_before() {
    let portal = portal().await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let mut documents = Vec::new();
    for _ in 0..2 {
        let mut session = portal.session(&agent).await;
        documents.push(loop {
            if let ToAgent::Desired(signed) = hear(&mut session).await {
                break signed;
            }
        });
    }
    assert_eq!(documents[0], documents[1]);
}

#[tokio::test]
async fn a_revoked_agent_loses_its_session_and_gets_no_other() {
    let portal = portal().await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let mut session = portal.session(&agent).await;
    next_desired(&mut session, &agent).await;
    portal.app.revoke_agent(&portal.admin, agent.response().agent, ReasonInput::default()).await.expect("revoked");
    let reason = refusal(&mut session).await;
    assert!(reason.contains("revoked"), "{reason}");
    let mut again = portal.session(&agent).await;
    assert!(matches!(hear(&mut again).await, ToAgent::Refused { .. }));
}

#[tokio::test]
async fn an_agent_that_was_revoked_at_another_portal_loses_its_session() {
    let portal = portal().await;
    let other = portal_in(portal.folder.clone()).await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let mut session = portal.session(&agent).await;
    next_desired(&mut session, &agent).await;
    other.app.revoke_agent(&other.admin, agent.response().agent, ReasonInput::default()).await.expect("revoked");
    assert!(refusal(&mut session).await.contains("revoked"));
}

#[tokio::test]
async fn an_agent_has_one_session_whatever_portal_it_went_to_and_an_edit_anywhere_reaches_it() {
    let portal = portal().await;
    let other = portal_in(portal.folder.clone()).await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let mut old = portal.session(&agent).await;
    next_desired(&mut old, &agent).await;
    let mut new = other.session(&agent).await;
    let before = next_desired(&mut new, &agent).await;
    portal.app.leave_lost_seats().await.expect("looked");
    assert!(refusal(&mut old).await.contains("another session"));
    let revision = portal.edit("till").await;
    let after = next_desired(&mut new, &agent).await;
    assert_eq!((after.revision, before.revision < revision), (revision, true));
    other.app.leave_lost_seats().await.expect("looked");
    say(&mut new, &ToControl::Ping).await;
    while hear(&mut new).await != ToAgent::Pong {}
}

#[tokio::test]
async fn a_policy_key_is_rotated_once_every_agent_knows_the_next_one() {
    let portal = portal().await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let mut session = portal.session(&agent).await;
    let first = next_desired(&mut session, &agent).await;
    let refused = portal.app.rotate_policy_key().await.expect_err("the agent applied nothing yet").to_string();
    assert!(refused.contains("agent-1"), "{refused}");
    let mut believed = first.keys.policy.clone();
    let mut applied = Revision { generation: first.generation, revision: first.revision };
    for _ in 0..2 {
        say(&mut session, &status(applied)).await;
        // From a console on the same machine, while the portal runs.
        let authority = Authority::open(&portal.folder.path().join("secrets")).expect("keys");
        let url = format!("sqlite:{}", portal.folder.path().join("test.sqlite").display());
        let store = Store::open(&url).await.expect("a database");
        let console = App::new(store, authority, Config::default()).await.expect("an application");
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let rotated = loop {
            match console.rotate_policy_key().await {
                Ok(rotated) => break rotated,
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let (signed, desired) = loop {
            if let ToAgent::Desired(signed) = hear(&mut session).await {
                break (signed.clone(), open_by(&signed, &believed));
            }
        };
        assert_eq!(signed.key_id, mesh_protocol::signed::key_id(&verifying(&believed[1])), "the next key signs");
        assert_eq!((&desired.keys.policy, desired.revision), (&rotated.keys, rotated.since.revision));
        let again = console.rotate_policy_key().await.expect_err("the agent has not applied it yet");
        assert!(again.to_string().contains(&format!("revision {}", rotated.since.revision)), "{again}");
        believed = desired.keys.policy;
        applied = rotated.since;
    }
}

async fn refusal(session: &mut Session) -> String {
    loop {
        if let ToAgent::Refused { reason, .. } = hear(session).await {
            return reason;
        }
    }
}

fn verifying(key: &str) -> VerifyingKey {
    let bytes: [u8; 32] = hex::decode(key).expect("hex").try_into().expect("32 bytes");
    VerifyingKey::from_bytes(&bytes).expect("a key")
}

fn open_by(signed: &Signed, keys: &[String]) -> DesiredState {
    let keys: Vec<VerifyingKey> = keys.iter().map(|key| verifying(key)).collect();
    signed.open(Domain::DesiredState, &keys).expect("signed by a key that is believed")
}

#[tokio::test]
async fn a_machine_that_takes_a_lost_agents_place_has_its_line_and_ends_the_lost_one() {
    let portal = portal().await;
    let (mut lost, mut next, mut late) = (TestAgent::new(1), TestAgent::new(2), TestAgent::new(3));
    portal.enrol(&mut lost, &portal.token().await).await.expect("enrolled");
    let id = lost.response().agent;
    let token = async || {
        let made = portal.app.create_replacement(&portal.admin, id, JoinTokenInput::default()).await;
        made.map(|made| made.token)
    };
    let (first, second) = (token().await.expect("made"), token().await.expect("made"));
    portal.enrol(&mut next, &first).await.expect("enrolled");
    let summary = portal.app.policy(&portal.admin).await.expect("read").summary;
    assert!(summary.contains("takes the place of"), "{summary}");
    let agents = portal.app.agents(&portal.admin, ListQuery::default()).await.expect("read").items;
    let view = |id| agents.iter().find(|agent| agent.id == id).expect("listed").clone();
    let (old, new) = (view(id), view(next.response().agent));
    assert_eq!((old.presence, old.replaced_by.map(|named| named.id)), (Presence::Revoked, Some(new.id)));
    assert!(old.name.ends_with(" (replaced 1)"), "its name is free: {}", old.name);
    assert_eq!(new.replaces.map(|named| named.id), Some(id));
    let refused = portal.enrol(&mut late, &second).await.expect_err("its place is taken");
    assert!(refused.starts_with("token-refused: the agent that this token replaces"), "{refused}");
    assert!(matches!(token().await, Err(Error::Conflict(_))), "it is gone");
}
