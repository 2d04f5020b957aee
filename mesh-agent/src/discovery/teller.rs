//! Tells the portal what scans found: everything now and then, between that only what changed, and each failure once a while.

use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{Discovery, MissingRight, PartState, Report, RuntimeObject};
use tokio::time::Instant;

use super::changes::Known;
use crate::reports::ReportSink;
use crate::status::{PartHandle, now_ms};

/// Everything is read and reported again this often.
const FULL_INTERVAL: Duration = Duration::from_secs(300);
/// The same failure is reported again this often.
const FAILURE_INTERVAL: Duration = Duration::from_secs(60);

/// Speaks for one broker connection.
#[derive(Debug)]
pub(super) struct Teller {
    broker: BrokerId,
    reports: Arc<dyn ReportSink>,
    line: Arc<PartHandle>,
    known: Known,
    scan: u64,
    /// When everything was reported last; none = it must be now.
    full_at: Option<Instant>,
    told_failure: Option<(String, Instant)>,
    /// What was told last to be missing.
    missing: Option<Vec<MissingRight>>,
}

impl Teller {
    pub(super) fn new(broker: BrokerId, reports: Arc<dyn ReportSink>, line: Arc<PartHandle>) -> Self {
        Self {
            broker,
            reports,
            line,
            known: Known::default(),
            scan: 0,
            full_at: None,
            told_failure: None,
            missing: None,
        }
    }

    /// Whether the next scan should read everything.
    pub(super) fn is_full_due(&self) -> bool {
        self.full_at.is_none_or(|at| at.elapsed() >= FULL_INTERVAL)
    }

    /// A number for the connection's line.
    pub(super) fn figure(&self, name: &str, value: u64) {
        self.line.figure(name, value);
    }

    /// How the connection is: well, unless a right is missing that it needs, or something could not be read.
    pub(super) fn tell_line(&self, needed: &[MissingRight], trouble: &[String]) {
        let rights =
            needed.iter().map(|missing| format!("{}: needs {}; {}", missing.what, missing.right, missing.command));
        let details: Vec<String> = rights.chain(trouble.iter().cloned()).collect();
        if details.is_empty() {
            self.line.running();
        } else {
            self.line.set(PartState::Degraded, Some(details.join("; ")));
        }
    }

    /// A scan found these, and nothing else. `full`: all of it is told, not only what changed.
    pub(super) fn tell(&mut self, objects: Vec<RuntimeObject>, missing: Vec<MissingRight>, full: bool) {
        self.told_failure = None;
        let news = self.missing.as_ref() != Some(&missing);
        let changes = if full { self.known.replace(objects) } else { self.known.update(objects) };
        if !full && !news && changes.is_empty() {
            return;
        }
        self.scan += 1;
        for report in changes.reports(self.broker, self.scan, full, &missing, now_ms()) {
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

    /// A scan found nobody.
    pub(super) fn tell_failure(&mut self, reason: String) {
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
            // The portal must hear that it is back, also when nothing else changed.
            self.missing = None;
        }
    }
}
