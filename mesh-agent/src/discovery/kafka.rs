//! Discovery of a Kafka cluster: brokers, topics, partitions, settings, consumer groups with members and lag; access lists,
//! quotas, users, transactions, quorum, sizes and producers.
//!
//! ```text
//! full scan, then every ten seconds a quick one: only what changed is reported      (`changes`)
//!       |          settings are read again for new topics only; a full scan reads and reports all, every five minutes
//!       |          what the client library has no question for is asked every thirty seconds                    (`survey`)
//!       +-- unreachable? the reason is reported and shown; missing rights are named with the command that grants them
//! ```
//! A scan never fails as a whole: what could be read is reported. It is polite: requests go one after the other, in
//! chunks, and a scan that takes long is followed by a longer pause.

mod changes;
mod scan;
mod survey;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::BrokerConnection;
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{Discovery, MissingRight, PartState, Report};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::kafka::config;
use crate::kafka::secret::Secrets;
use crate::part::{self, StartError};
use crate::reports::ReportSink;
use crate::status::{PartHandle, now_ms};
use crate::task::Tasks;
use changes::Known;
use scan::{Depth, Found, Scanner};
use survey::Survey;

/// Pause between two scans.
const INTERVAL: Duration = Duration::from_secs(10);
/// Pause after a scan that found nobody.
const RETRY: Duration = Duration::from_secs(3);
/// Everything is read and reported again this often.
const FULL_INTERVAL: Duration = Duration::from_secs(300);
/// The same failure is reported again this often.
const FAILURE_INTERVAL: Duration = Duration::from_secs(60);

/// What discovery works with. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Deps {
    /// Passwords of clusters.
    pub secrets: Arc<dyn Secrets>,
    /// Where reports go.
    pub reports: Arc<dyn ReportSink>,
}

/// A discovery at work.
#[derive(Debug)]
pub struct Running {
    tasks: Tasks,
    stopping: Arc<AtomicBool>,
}

/// Starts the discovery of one cluster, which writes its own line on the board.
///
/// # Errors
/// What is wrong with the broker connection, and what to do.
pub fn start(broker: &BrokerConnection, deps: Deps, line: Arc<PartHandle>) -> Result<Running, StartError> {
    let settings = config::base(broker, &*deps.secrets, "meshport-discovery")?;
    let survey = Survey::new(broker, &*deps.secrets)?;
    let stopping = Arc::new(AtomicBool::new(false));
    let scanner = Scanner::new(broker, &settings, stopping.clone())?;
    let tasks = Tasks::new("kafka-discovery");
    let work = Work {
        broker: broker.id,
        reports: deps.reports,
        line,
        survey,
        known: Known::default(),
        scan: 0,
        full_at: None,
        told_failure: None,
        missing: None,
    };
    tasks.spawn_until_stopped("discovery", work.run(scanner));
    Ok(Running { tasks, stopping })
}

#[async_trait]
impl part::Running for Running {
    fn ended(&self) -> CancellationToken {
        self.tasks.token()
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        self.stopping.store(true, Ordering::Release);
        self.tasks.stop(deadline).await;
    }
}

struct Work {
    broker: BrokerId,
    reports: Arc<dyn ReportSink>,
    line: Arc<PartHandle>,
    survey: Survey,
    known: Known,
    scan: u64,
    /// When everything was reported last; none = it must be now.
    full_at: Option<Instant>,
    told_failure: Option<(String, Instant)>,
    /// What was told last to be missing.
    missing: Option<Vec<MissingRight>>,
}

impl Work {
    async fn run(mut self, mut scanner: Scanner) {
        loop {
            let began = Instant::now();
            let depth = match self.full_at {
                Some(at) if at.elapsed() < FULL_INTERVAL => Depth::Changes,
                _ => Depth::All,
            };
            // The client library's calls block: they have a thread of their own for the time of a scan.
            let scanned = tokio::task::spawn_blocking(move || {
                let found = scanner.scan(depth);
                (scanner, found)
            });
            let Ok((back, found)) = scanned.await else { return };
            scanner = back;
            let pause = match found {
                Ok(mut found) => {
                    self.survey.add(&mut found, depth).await;
                    found.fold_missing();
                    self.tell(found, depth);
                    INTERVAL.max(began.elapsed() * 2)
                }
                Err(reason) => {
                    self.tell_failure(reason);
                    RETRY
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn tell(&mut self, found: Found, depth: Depth) {
        self.told_failure = None;
        self.line.figure("topics", found.topics);
        self.line.figure("partitions", found.partitions);
        self.line.figure("groups", found.groups);
        let full = depth == Depth::All;
        self.tell_line(&found);
        let missing: Vec<MissingRight> = found.missing.into_iter().chain(found.optional).collect();
        let news = self.missing.as_ref() != Some(&missing);
        let changes = if full { self.known.replace(found.objects) } else { self.known.update(found.objects) };
        if !full && !news && changes.is_empty() {
            return;
        }
        self.scan += 1;
        let sent = changes.reports(self.broker, self.scan, full, &missing, now_ms());
        for report in sent {
            if let Err(error) = self.reports.send(Report::Discovery(report)) {
                // What the portal has now has a hole: the next scan tells everything.
                tracing::info!(%error, "a part of a scan was not taken");
                self.full_at = None;
                return;
            }
        }
        self.missing = Some(missing);
        if full {
            self.full_at = Some(Instant::now());
        }
    }

    fn tell_line(&self, found: &Found) {
        let mut details: Vec<String> = found
            .missing
            .iter()
            .map(|missing| format!("{}: needs {}; {}", missing.what, missing.right, missing.command))
            .collect();
        details.extend(found.trouble.iter().cloned());
        if details.is_empty() {
            self.line.running();
        } else {
            self.line.set(PartState::Degraded, Some(details.join("; ")));
        }
    }

    fn tell_failure(&mut self, reason: String) {
        self.line.failing(reason.clone());
        let told =
            self.told_failure.as_ref().is_some_and(|(last, at)| *last == reason && at.elapsed() < FAILURE_INTERVAL);
        if told {
            return;
        }
        self.scan += 1;
        let report = Discovery {
            broker: self.broker,
            at_ms: now_ms(),
            full: false,
            scan: self.scan,
            last: true,
            objects: Vec::new(),
            removed: Vec::new(),
            missing_rights: Vec::new(),
            failed: Some(reason.clone()),
        };
        if self.reports.send(Report::Discovery(report)).is_ok() {
            self.told_failure = Some((reason, Instant::now()));
            // The portal must hear that the cluster is back, also when nothing else changed.
            self.missing = None;
        }
    }
}
