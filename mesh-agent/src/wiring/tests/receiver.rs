//! An HTTP endpoint that answers as a test says and remembers what it got.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::task::Tasks;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// It was answered with a status of success.
    pub(super) taken: bool,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reply {
    Status(u16),
    /// With one header and a body.
    Full(u16, (&'static str, &'static str), &'static str),
    /// Accepts, reads, and never answers.
    Hang,
}

type Script = Box<dyn FnMut(&Seen) -> Reply + Send>;

/// The endpoint. Dropping it closes its port and its connections.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    /// PEM of the authority, when it speaks TLS.
    pub(super) ca_pem: String,
    shared: Arc<Shared>,
    tasks: Tasks,
}

struct Shared {
    seen: Mutex<Vec<Seen>>,
    script: Mutex<Script>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver({})", self.address)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.tasks.token().cancel();
    }
}

impl Receiver {
    pub(super) async fn start(script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        Self::listen("127.0.0.1:0", None, String::new(), Box::new(script)).await
    }

    /// With TLS, as `localhost`, by an authority of its own.
    pub(super) async fn start_secure(script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key);
        let mut config = config.expect("they fit");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::listen("127.0.0.1:0", Some(acceptor), made.cert.pem(), Box::new(script)).await
    }

    async fn listen(bind: &str, tls: Option<TlsAcceptor>, ca_pem: String, script: Script) -> Self {
        let socket = TcpListener::bind(bind).await.expect("a port");
        let address = socket.local_addr().expect("bound");
        let shared = Arc::new(Shared { seen: Mutex::default(), script: Mutex::new(script) });
        let tasks = Tasks::new("receiver");
        let (accepting, serving) = (tasks.clone(), shared.clone());
        tasks.spawn_until_stopped("accept", async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (shared, tls) = (serving.clone(), tls.clone());
                accepting.spawn_until_stopped("connection", async move {
                    let service = service_fn(move |request| answer(shared.clone(), request));
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ended = match tls {
                        None => builder.serve_connection(TokioIo::new(stream), service).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => builder.serve_connection(TokioIo::new(stream), service).await,
                            Err(_) => Ok(()),
                        },
                    };
                });
            }
        });
        Self { address, ca_pem, shared, tasks }
    }

    /// Answers otherwise from now on.
    pub(super) fn script(&self, script: impl FnMut(&Seen) -> Reply + Send + 'static) {
        *self.shared.script.lock().expect("held") = Box::new(script);
    }

    /// Everything so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("held").clone()
    }

    /// Bodies that were taken, in their order.
    pub(super) fn taken(&self) -> Vec<String> {
        self.seen().iter().filter(|seen| seen.taken).map(|seen| seen.text().to_owned()).collect()
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<String>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut seen = Seen { version: parts.version, headers: parts.headers, body, taken: false };
    let reply = (shared.script.lock().expect("held"))(&seen);
    seen.taken = matches!(reply, Reply::Status(200..300));
    shared.seen.lock().expect("held").push(seen);
    let status = |status| StatusCode::from_u16(status).expect("a status");
    let mut response = Response::new(String::new());
    match reply {
        Reply::Status(code) => *response.status_mut() = status(code),
        Reply::Full(code, (name, value), body) => {
            *response.status_mut() = status(code);
            response.headers_mut().insert(name, value.parse().expect("a value"));
            body.clone_into(response.body_mut());
        }
        Reply::Hang => std::future::pending().await,
    }
    Ok(response)
}
