//! An endpoint for webhooks, as a customer would write one: it checks the signature by itself and remembers what came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A signature may be so old, in seconds.
const TOLERANCE_S: u64 = 300;

/// How the endpoint answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// 204.
    #[default]
    Well,
    /// Never; what it got meanwhile it never answers.
    Hangs,
    /// 503.
    Fails,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Call {
    /// A header as text; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether it comes from whoever has the secret (`whsec_...`), lately and unchanged, as Standard Webhooks say.
    ///
    /// # Errors
    /// Headers are missing or no signature fits.
    pub fn verify(&self, secret: &str) -> anyhow::Result<()> {
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let sent: u64 = timestamp.parse().with_context(|| format!("read the time of {id:?}"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?.as_secs();
        anyhow::ensure!(now.abs_diff(sent) <= TOLERANCE_S, "it was signed at {sent}, now is {now}");
        let key = STANDARD.decode(secret.strip_prefix("whsec_").context("a secret begins with whsec_")?)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let fits = self.header("webhook-signature").split(' ').any(|signature| signature == expected);
        anyhow::ensure!(fits, "no signature fits: {:?}", self.headers);
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Shared {
    calls: Mutex<Vec<Call>>,
    mood: Mutex<Mood>,
}

/// The endpoint. Dropping it closes its port and its connections; what it has got stays with [`Endpoint::calls`].
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

impl Endpoint {
    /// An endpoint on a free port of this machine that answers everything with 204.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_at("127.0.0.1:0", Arc::default()).await
    }

    /// The same endpoint again, after [`Endpoint::stop`].
    ///
    /// # Errors
    /// Its port is taken by somebody else meanwhile.
    pub async fn start_again(stopped: Stopped) -> anyhow::Result<Self> {
        Self::start_at(&stopped.address.to_string(), stopped.shared).await
    }

    async fn start_at(address: &str, shared: Arc<Shared>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("open an endpoint at {address}"))?;
        let address = listener.local_addr().context("open an endpoint")?;
        let mut task = JoinSet::new();
        task.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, _task: task })
    }

    /// Ends it: its port refuses connections from now on.
    pub async fn stop(mut self) -> Stopped {
        self._task.shutdown().await;
        Stopped { address: self.address, shared: self.shared }
    }

    /// Where it is called.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Everything it has got so far, in its order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls_after(0)
    }

    /// Those after the first so many.
    #[must_use]
    pub fn calls_after(&self, seen: usize) -> Vec<Call> {
        let calls = self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(seen..).unwrap_or_default().to_vec()
    }

    /// How it answers from now on.
    pub fn set_mood(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }
}

/// An endpoint that does not run.
#[derive(Debug)]
pub struct Stopped {
    address: SocketAddr,
    shared: Arc<Shared>,
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> hyper::Result<Response<String>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    shared.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call { headers: parts.headers, body });
    let mood = *shared.mood.lock().unwrap_or_else(PoisonError::into_inner);
    let mut response = Response::new(String::new());
    *response.status_mut() = match mood {
        Mood::Well => StatusCode::NO_CONTENT,
        Mood::Hangs => std::future::pending().await,
        Mood::Fails => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok(response)
}
