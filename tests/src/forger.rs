//! A forger in the place of the portal: it holds the keys of the portal's TLS and of one agent, but not the key that
//! signs policy. It ends the agent's connection, opens its own to the portal, and passes messages on, except that it
//! flips one byte of every desired state on its way to the agent. TLS notices nothing; only the signature can.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use futures::{SinkExt, StreamExt};
use mesh_agent::control::portal::PortalAddress;
use mesh_agent::control::tls;
use mesh_agent::home::Home;
use mesh_agent::identity::Identity;
use mesh_protocol::enrol::{PORTAL_TLS_NAME, SESSION_PATH};
use mesh_protocol::wire::{MESSAGE_BYTES_MAX, ToAgent};
use rcgen::{CertificateParams, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{accept_async_with_config, client_async_with_config};

use crate::mesh::Mesh;

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Forger {
    address: SocketAddr,
    forged: Arc<AtomicU64>,
    _task: JoinSet<()>,
}

/// What it needs for one connection.
#[derive(Clone)]
struct Keys {
    near: TlsAcceptor,
    far: Arc<rustls::ClientConfig>,
    portal: PortalAddress,
    forged: Arc<AtomicU64>,
}

impl Forger {
    /// Takes the keys from the folders of the portal and of a site's agent.
    ///
    /// # Errors
    /// A key cannot be read, or there is no free port.
    pub async fn start(mesh: &Mesh, site: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("open the forger's port")?;
        let address = listener.local_addr().context("open the forger's port")?;
        let agent = Identity::load(&Home::at(mesh.agent_folder(site)?)?).context("read the agent's identity")?;
        let agent = agent.tls().context("read the agent's certificate")?;
        let forged = Arc::new(AtomicU64::new(0));
        let keys = Keys {
            near: TlsAcceptor::from(server_config(&mesh.path("portal/secrets"))?),
            far: tls::mutual(&agent).context("use the agent's certificate")?,
            portal: format!("https://{}", mesh.agents_port()).parse()?,
            forged: Arc::clone(&forged),
        };
        let mut task = JoinSet::new();
        task.spawn(accept(listener, keys));
        Ok(Self { address, forged, _task: task })
    }

    /// Where to connect.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Documents it has altered so far.
    #[must_use]
    pub fn forged(&self) -> u64 {
        self.forged.load(Ordering::Relaxed)
    }
}

/// A certificate like the portal's own, from the portal's own authority.
fn server_config(secrets: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let read = |name: &str| fs::read_to_string(secrets.join(name)).with_context(|| format!("read {name}"));
    let authority_pem = read("agents-ca.pem")?;
    let authority = CertificateDer::from_pem_slice(authority_pem.as_bytes()).context("read the authority")?;
    let issuer = Issuer::from_ca_cert_der(&authority, KeyPair::from_pem(&read("agents-ca.key")?)?)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let leaf = CertificateParams::new(vec![PORTAL_TLS_NAME.to_owned()])?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone(), authority], key)?;
    Ok(Arc::new(config))
}

async fn accept(listener: TcpListener, keys: Keys) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let keys = keys.clone();
        sessions.spawn(async move {
            // A side that goes ends the session; the agent dials again.
            let _ended = relay(stream, keys).await;
        });
        while sessions.try_join_next().is_some() {}
    }
}

async fn relay(stream: TcpStream, keys: Keys) -> anyhow::Result<()> {
    let limits =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    let near = keys.near.accept(stream).await?;
    let (mut to_agent, mut from_agent) = accept_async_with_config(near, Some(limits)).await?.split();
    let far = keys.portal.connect(keys.far).await?;
    let address = format!("wss://{}{SESSION_PATH}", keys.portal.authority());
    let (mut to_portal, mut from_portal) = client_async_with_config(address, far, Some(limits)).await?.0.split();
    let up = async {
        while let Some(message) = from_agent.next().await {
            to_portal.send(message?).await?;
        }
        anyhow::Ok(())
    };
    let down = async {
        while let Some(message) = from_portal.next().await {
            to_agent.send(forge(message?, &keys.forged)).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
    }
}

/// Flips one byte of a desired state; everything else stays as it is.
fn forge(message: Message, forged: &AtomicU64) -> Message {
    let Message::Text(text) = &message else { return message };
    let Ok(ToAgent::Desired(mut document)) = serde_json::from_str(text) else { return message };
    let middle = document.body.len() / 2;
    document.body[middle] ^= 1;
    forged.fetch_add(1, Ordering::Relaxed);
    Message::text(serde_json::to_string(&ToAgent::Desired(document)).expect("a message serializes"))
}

#[cfg(test)]
mod tests {
    use mesh_protocol::signed::Signed;

    use super::{AtomicU64, Message, Ordering, ToAgent, forge};

    #[test]
    fn one_byte_of_a_document_is_flipped_and_nothing_else() {
        let forged = AtomicU64::new(0);
        let text = |message: &ToAgent| Message::text(serde_json::to_string(message).expect("it serializes"));
        let pong = text(&ToAgent::Pong);
        assert_eq!(forge(pong.clone(), &forged), pong);
        let signed = Signed { body: b"abcdef".to_vec(), signature: vec![1, 2], key_id: "k".into() };
        let altered = Signed { body: b"abceef".to_vec(), ..signed.clone() };
        assert_eq!(forge(text(&ToAgent::Desired(signed)), &forged), text(&ToAgent::Desired(altered)));
        assert_eq!(forged.load(Ordering::Relaxed), 1);
    }
}
