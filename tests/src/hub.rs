//! A hostile hub: it holds the certificate of an agent that others are linked to, and stands in its place. TLS lets it in,
//! zenoh routes through it, and it keeps, alters, repeats and makes up whatever it likes. What it lacks is anybody else's
//! sealing key.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mesh_agent::fabric::ZENOH_THREADS;
use mesh_agent::home::Home;
use mesh_agent::identity::Identity;
use serde_json::json;

use crate::mesh::Mesh;

/// A frame that came by: the key it was sent to, and its bytes.
pub type Heard = (String, Vec<u8>);

/// Routes until it is dropped.
#[derive(Debug)]
pub struct Hub {
    session: zenoh::Session,
    heard: Arc<Mutex<Vec<Heard>>>,
    _ear: zenoh::pubsub::Subscriber<()>,
}

impl Hub {
    /// Takes the place of a site's agent, which must not run: its certificate, and the address at which others dial it.
    ///
    /// # Errors
    /// The certificate cannot be read, or the address not opened.
    pub async fn start(mesh: &Mesh, site: &str, listen: &str) -> anyhow::Result<Self> {
        let threads = std::env::var("ZENOH_RUNTIME").unwrap_or_default();
        ensure!(
            threads == ZENOH_THREADS,
            "run tests by Cargo, which sets zenoh's threads: its TLS links are not sound else"
        );
        let identity = Identity::load(&Home::at(mesh.agent_folder(site)?)?).context("read the agent's identity")?;
        let config = config(&identity, listen)?;
        let session = zenoh::open(config).await.map_err(|error| anyhow!("open the hub at {listen}: {error}"))?;
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let into = Arc::clone(&heard);
        let ear = session.declare_subscriber("m/**").callback(move |sample| {
            let frame = (sample.key_expr().to_string(), sample.payload().to_bytes().into_owned());
            into.lock().unwrap_or_else(PoisonError::into_inner).push(frame);
        });
        let ear = ear.await.map_err(|error| anyhow!("listen to everything: {error}"))?;
        Ok(Self { session, heard, _ear: ear })
    }

    /// Everything that came by so far, in order.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends whoever hears the key something of its own.
    ///
    /// # Errors
    /// zenoh does not take it.
    pub async fn send(&self, key: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.session.put(key, bytes).await.map_err(|error| anyhow!("send to {key}: {error}"))
    }
}

/// As an agent's own, as far as others can tell.
fn config(identity: &Identity, listen: &str) -> anyhow::Result<zenoh::Config> {
    let pem = |text: &str| STANDARD.encode(text);
    let config = json!({
        "mode": "router",
        "listen": { "endpoints": [format!("tls/{listen}")] },
        "scouting": { "multicast": { "enabled": false }, "gossip": { "enabled": false } },
        "adminspace": { "enabled": false },
        "timestamping": { "enabled": false },
        "transport": { "link": {
            "protocols": ["tls"],
            "tls": {
                "root_ca_certificate_base64": pem(&identity.ca_pem),
                "listen_certificate_base64": pem(&identity.certificate_pem),
                "listen_private_key_base64": pem(&identity.tls_key_pem),
                "enable_mtls": true,
            },
        } },
    });
    zenoh::Config::from_json5(&config.to_string()).map_err(|error| anyhow!("configure the hub: {error}"))
}
