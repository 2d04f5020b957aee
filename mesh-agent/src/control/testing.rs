//! A portal for tests: a real TLS port with a real CA, and scripted behaviour behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use mesh_protocol::desired::DesiredState;
use mesh_protocol::enrol::{EnrolRequest, EnrolResponse, JoinToken, PORTAL_TLS_NAME};
use mesh_protocol::id::SiteId;
use mesh_protocol::signed::{Domain, Signed};
use mesh_protocol::wire::{ToAgent, ToControl};
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::ledger::sample;
use super::portal::PortalAddress;
use crate::identity::sealing::SealingKeys;
use crate::identity::{Identity, certificate_request};

/// The agents' CA.
pub(crate) struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "agents");
        let certificate = params.self_signed(&key).expect("signs itself");
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Self { pem, der, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn token(&self) -> JoinToken {
        JoinToken { secret: [7; 16], ca_pin: Sha256::digest(&self.der).into() }
    }

    fn issue_for(&self, csr_pem: &str) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(csr_pem).expect("a request");
        request.params.distinguished_name.push(DnType::CommonName, sample::owner().agent.to_string());
        request.params.is_ca = IsCa::NoCa;
        request.signed_by(&self.issuer).expect("signs").pem()
    }

    /// An agent that has joined.
    pub(crate) fn identity(&self, portal: PortalAddress) -> Identity {
        let (tls_key_pem, csr) = certificate_request().expect("a key");
        Identity::enrolled(portal, "tills".to_owned(), (tls_key_pem, SealingKeys::random()), self.answer(&csr))
    }

    fn answer(&self, csr_pem: &str) -> EnrolResponse {
        EnrolResponse {
            agent: sample::owner().agent,
            environment: sample::owner().environment,
            site: SiteId(uuid::Uuid::from_u128(3)),
            site_name: "store-lyon".to_owned(),
            certificate_pem: self.issue_for(csr_pem),
            ca_pem: self.pem.clone(),
            policy_keys: vec![sample::key_text(1)],
        }
    }
}

/// A TLS port; `name` is what its certificate says.
pub(crate) struct Portal {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    address: SocketAddr,
}

impl Portal {
    pub(crate) async fn start(authority: &Authority) -> Self {
        Self::named(authority, PORTAL_TLS_NAME).await
    }

    pub(crate) async fn named(authority: &Authority, name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::on(listener, authority, name)
    }

    /// The same port again, after the first portal went.
    pub(crate) async fn again(address: SocketAddr, authority: &Authority) -> Self {
        let listener = TcpListener::bind(address).await.expect("free again");
        Self::on(listener, authority, PORTAL_TLS_NAME)
    }

    fn on(listener: TcpListener, authority: &Authority, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let leaf = params.signed_by(&key, &authority.issuer).expect("signs");
        let mut roots = RootCertStore::empty();
        roots.add(authority.der.clone()).expect("a CA");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let clients = clients.allow_unauthenticated().build().expect("a verifier");
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let chain = vec![leaf.der().clone(), authority.der.clone()];
        let config = config.with_client_cert_verifier(clients).with_single_cert(chain, key).expect("they fit");
        let address = listener.local_addr().expect("bound");
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), address }
    }

    pub(crate) fn socket_address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn address(&self) -> PortalAddress {
        format!("https://{}", self.address).parse().expect("an address")
    }

    async fn accept(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await?;
        self.acceptor.accept(stream).await
    }

    /// Serves one HTTP call with this status and body; gives the opened request.
    pub(crate) async fn answer(&self, status: &str, body: impl FnOnce(&EnrolRequest) -> String) -> EnrolRequest {
        let mut stream = self.accept().await.expect("a TLS connection");
        let mut text = Vec::new();
        let body_at = loop {
            stream.read_buf(&mut text).await.expect("a request");
            let head = String::from_utf8_lossy(&text).into_owned();
            let Some(end) = head.find("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if text.len() >= end + 4 + length.unwrap_or(0usize) {
                break end + 4;
            }
        };
        let signed: Signed = serde_json::from_slice(&text[body_at..]).expect("a signed document");
        let request: EnrolRequest = serde_json::from_slice(&signed.body).expect("a request");
        let key = crate::identity::public_key(&request.public_key).expect("a key");
        signed.verify(Domain::Enrol, &[key]).expect("signed by the key it names");
        let body = body(&request);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.expect("written");
        stream.shutdown().await.ok();
        request
    }

    /// Serves one enrolment.
    pub(crate) async fn enrol(&self, authority: &Authority) -> EnrolRequest {
        let answer =
            |request: &EnrolRequest| serde_json::to_string(&authority.answer(&request.csr_pem)).expect("serializes");
        self.answer("200 OK", answer).await
    }

    /// One control session, up to and with Hello.
    pub(crate) async fn session(&self) -> (Conversation, ToControl) {
        let stream = self.accept().await.expect("a TLS connection");
        assert!(stream.get_ref().1.peer_certificates().is_some(), "the agent shows its certificate");
        let socket = tokio_tungstenite::accept_async(stream).await.expect("a WebSocket");
        let mut conversation = Conversation { socket };
        let hello = conversation.hear().await.expect("Hello");
        (conversation, hello)
    }

    /// One control session with its welcome.
    pub(crate) async fn welcome(&self) -> (Conversation, ToControl) {
        let (mut conversation, hello) = self.session().await;
        conversation.say(&ToAgent::Welcome { version: 1, portal_version: "test".to_owned() }).await;
        (conversation, hello)
    }
}

/// The portal's end of a session.
pub(crate) struct Conversation {
    socket: WebSocketStream<TlsStream<TcpStream>>,
}

impl Conversation {
    pub(crate) async fn say(&mut self, message: &ToAgent) {
        use futures::SinkExt;
        self.socket.send(Message::text(serde_json::to_string(message).expect("serializes"))).await.expect("sent");
    }

    pub(crate) async fn say_desired(&mut self, state: &DesiredState, key: &SigningKey) {
        let body = serde_json::to_vec(state).expect("serializes");
        self.say(&ToAgent::Desired(Signed::sign(Domain::DesiredState, body, key))).await;
    }

    /// The agent's next message; none at the end.
    pub(crate) async fn hear(&mut self) -> Option<ToControl> {
        use futures::StreamExt;
        loop {
            match self.socket.next().await?.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).expect("a message")),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Hears until a message gives an answer; pings are answered on the way.
    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(ToControl) -> Option<T>) -> T {
        loop {
            let message = self.hear().await.expect("the session stands");
            if message == ToControl::Ping {
                self.say(&ToAgent::Pong).await;
            }
            if let Some(found) = wanted(message) {
                return found;
            }
        }
    }
}
