//! A webhook: each event is one HTTP request to an endpoint, a CloudEvent that is signed as Standard Webhooks say.
//!
//! ```text
//! queue sink/ROUTE -> Pump (one of a key at a time) -> Intake -> request -> 2xx: done
//!          ^                                              |        |-- may work later: again after a pause, its key waits
//!          +---------------- dead letter <----------------+--------+-- refused for good
//! best effort events -> Intake -> lanes by key -> one request each, no second one
//! ```
//! Everything guaranteed comes through the route's queue, also what a Kafka source of this agent brings: its offset is
//! committed when the queue has the record, because an endpoint that answers slowly or not at all must not hold up a
//! partition, and a request that may have to be made a hundred times needs a place that survives. So an outlet here never
//! holds a sender's own acknowledgement.
//!
//! Events of one ordering key go one after the other: a key whose request fails waits, the others go on, as many at once as
//! the route says. What waits in hand is bounded: behind 8,192 events or 8 MiB of keys that fail the others wait too. So
//! an event that fails for ever needs a limit of deliveries, after which it is a dead letter. What an endpoint got and did
//! not answer in time it gets again: at least once, with the same id.
//!
//! Best effort events are offered while the sink runs: each has one request, in the order of its key. What finds no room or
//! fails is dropped and counted.
//!
//! Deliberately absent: redirects, cookies, proxies, logins. An endpoint is one URL that somebody wrote into the route.

mod cloudevent;
mod endpoint;
mod intake;
mod signature;
mod tally;
mod watch;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use hyper::Uri;
use mesh_protocol::desired::{self, WebhookFormat, WebhookSink, check_webhook_url};
use mesh_protocol::id::SpoolId;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::connector::{Deps, Identity};
use crate::http::connect::{self, Connector};
use crate::observe::ClientObserver;
use crate::part::{self, StartError};
use crate::policy::Session;
use crate::queue::Manner;
use crate::router::{Outlet, Reach};
use crate::status::PartHandle;
use crate::task::Tasks;
use endpoint::Endpoint;
use intake::Intake;
use signature::Key;
use tally::Tally;
use watch::Watch;

/// A webhook at work.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    intake: Arc<Intake>,
    manner: Manner,
}

impl Running {
    /// Takes events of the route's queue, and answers for each of them.
    #[must_use]
    pub fn outlet(&self) -> Arc<dyn Outlet> {
        self.intake.clone()
    }

    /// How the queue must offer them.
    #[must_use]
    pub fn manner(&self) -> Manner {
        self.manner
    }
}

/// What the tasks of one webhook share.
#[derive(Debug)]
struct Shared {
    identity: Identity,
    deps: Deps,
    /// Whose places in the log events have.
    spool: SpoolId,
    endpoint: Endpoint,
    format: WebhookFormat,
    key: Option<Key>,
    client: Arc<dyn ClientObserver>,
    tally: Tally,
    /// One for each request that may be under way.
    slots: Semaphore,
    concurrency: u16,
    /// Nothing new is begun.
    closing: CancellationToken,
    tasks: Tasks,
    /// Opened once policy lets the route's principal in.
    session: OnceLock<Session>,
}

/// Starts a webhook, which writes its own line on the board. `spool` is where its queue is.
///
/// # Errors
/// What is wrong with the route or with this machine, and what to do.
pub fn start(
    connector: &desired::Connector,
    sink: &WebhookSink,
    spool: SpoolId,
    deps: Deps,
    line: Arc<PartHandle>,
) -> Result<Running, StartError> {
    let identity = Identity::from(connector);
    if sink.filters.is_empty() {
        return Err(rejected("the route names no topics of the mesh: give it at least one filter"));
    }
    check_webhook_url(&sink.url).map_err(|error| rejected(format!("the URL {error}")))?;
    let uri: Uri = sink.url.parse().map_err(|error| rejected(format!("the URL cannot be used: {error}")))?;
    let key = sink.secret.as_deref().map(|name| key(name, &deps)).transpose()?;
    // Without TLS nobody needs to be believed: a machine without authorities can still call such an endpoint.
    let secure = uri.scheme_str() == Some("https");
    let tls = secure.then(|| connect::tls(sink.ca_pem.as_deref())).transpose().map_err(|error| match error {
        connect::TlsError::NoRoots => StartError::Failing(error.to_string()),
        _ => rejected(error),
    })?;
    let connector = Connector::new(tls, sink.private_addresses);
    let tasks = Tasks::new("webhook");
    let timeout = Duration::from_millis(sink.timeout_ms.into());
    let endpoint = Endpoint::new(uri, connector, timeout, sink.concurrency.into(), &tasks);
    let client = deps.observer.client(identity.webhook_client());
    let shared = Arc::new(Shared {
        tally: Tally::new(client.clone(), &deps.counters),
        client,
        identity,
        deps,
        spool,
        endpoint,
        format: sink.format,
        key,
        slots: Semaphore::new(sink.concurrency.into()),
        concurrency: sink.concurrency,
        closing: CancellationToken::new(),
        tasks: tasks.clone(),
        session: OnceLock::new(),
    });
    let intake = Intake::start(&shared);
    let attachment = shared.deps.router.attach(intake.clone(), Reach::Local);
    let mut watch = Watch::new(shared.clone(), line, attachment, &sink.filters);
    // Before the start is told: whoever stood in for this sink until now steps aside then.
    watch.apply_policy();
    tasks.spawn("watch", watch.run());
    let manner = Manner::one_by_one(sink.concurrency.into(), sink.deliveries_max);
    Ok(Running { shared, intake, manner })
}

fn rejected(reason: impl std::fmt::Display) -> StartError {
    StartError::Rejected(reason.to_string())
}

fn key(name: &str, deps: &Deps) -> Result<Key, StartError> {
    let secret = deps.secrets.get(name).ok_or_else(|| {
        // Works as soon as somebody runs the command, without an edit in the portal.
        StartError::Failing(format!(
            "the signing secret `{name}` is not known here: run `mesh-agent secret set {name}` on this machine"
        ))
    })?;
    Key::new(secret.expose()).map_err(|error| {
        StartError::Failing(format!(
            "the signing secret `{name}` cannot be used, {error}: set it anew with `mesh-agent secret set {name}`"
        ))
    })
}

#[async_trait]
impl part::Running for Running {
    fn ended(&self) -> CancellationToken {
        self.shared.tasks.token()
    }

    /// Begins nothing new, waits until the endpoint has answered what is under way, and ends; what has no answer at the
    /// deadline fails its hold, so that nobody takes it for delivered.
    async fn stop(self: Box<Self>, deadline: Duration) {
        let shared = self.shared;
        let began = Instant::now();
        shared.closing.cancel();
        // All slots at once: nobody has one any more.
        let _at_the_deadline_they_fail =
            timeout(deadline / 2, shared.slots.acquire_many(shared.concurrency.into())).await;
        shared.tasks.stop(deadline.saturating_sub(began.elapsed())).await;
    }
}
