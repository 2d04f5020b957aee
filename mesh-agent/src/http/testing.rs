//! An API that answers what a test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mesh_protocol::desired::{Login, Surveyed, SurveyedKind};
use mesh_protocol::id::BrokerId;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::rest::Rest;
use crate::kafka::secret::{Secret, Secrets};
use crate::task::Tasks;

/// Knows one password.
#[derive(Debug)]
pub(crate) struct OneSecret;

impl Secrets for OneSecret {
    fn get(&self, name: &str) -> Option<Secret> {
        (name == "known").then(|| Secret::new("pass:word"))
    }
}

/// A connection to be looked at.
pub(crate) fn surveyed(kind: SurveyedKind, url: &str) -> Surveyed {
    Surveyed {
        id: BrokerId(uuid::Uuid::from_u128(1)),
        name: "api".to_owned(),
        kind,
        url: url.to_owned(),
        ca_pem: None,
        login: Some(Login { username: "meshport".to_owned(), secret: "known".to_owned() }),
    }
}

/// Status and body for each path; others are not found.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    answers: Arc<Mutex<BTreeMap<String, (u16, String)>>>,
    /// Heads of all requests.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) url: String,
    tasks: Tasks,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let api = Self { answers: Arc::default(), asked: Arc::default(), url, tasks: Tasks::new("api") };
        let serving = api.clone();
        api.tasks.spawn_until_stopped("accept", async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.tasks.spawn_until_stopped("connection", serving.clone().serve(stream));
            }
        });
        api
    }

    /// One with TLS, and the authority of its certificate.
    pub(crate) async fn start_secure() -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a key for its certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let api = Self { answers: Arc::default(), asked: Arc::default(), url, tasks: Tasks::new("api") };
        let serving = api.clone();
        api.tasks.spawn_until_stopped("accept", async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not believe the certificate hangs up.
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                serving.tasks.spawn_until_stopped("connection", serving.clone().serve(stream));
            }
        });
        (api, made.cert.pem())
    }

    /// From now on a path is answered so.
    pub(crate) fn set(&self, path: &str, status: u16, body: &str) {
        self.answers.lock().expect("no panic").insert(path.to_owned(), (status, body.to_owned()));
    }

    pub(crate) fn rest(&self, kind: SurveyedKind) -> Rest {
        Rest::new(&surveyed(kind, &self.url), &OneSecret, &self.tasks).expect("a sound connection")
    }

    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut head = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            head.push(byte);
            if !head.ends_with(b"\r\n\r\n") {
                continue;
            }
            let text = String::from_utf8(std::mem::take(&mut head)).expect("a head in UTF-8");
            let path = text.split(' ').nth(1).unwrap_or_default();
            let found = self.answers.lock().expect("no panic").get(path).cloned();
            let (status, body) = found.unwrap_or((404, String::new()));
            self.asked.lock().expect("no panic").push(text);
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
