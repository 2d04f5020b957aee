//! Readings are made before somebody asks.
//!
//! What agents saw changes every second or two, and what is made of it for the pages takes longer than any page may take
//! once there are ten thousand topics. So while people look, a task of its own reads anew whenever agents reported, and
//! pages are served from the last whole reading:
//!
//! ```text
//! report --commit--> wanted --> a new reading --> kept --> open pages are told, look again, and find it
//! ```
//! Pages hear of a report once it is in what they would be shown, so no page looks too early and then waits for the next
//! notice. When nobody has asked for a while, nothing is made and nothing kept: the first who asks waits for it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use frontend::api::LiveTopic;
use tokio::sync::Notify;

use super::catalog::Reading;
use super::change::Change;
use super::clock::now_ms;
use super::observed::World;
use super::{App, Error, Result};

/// So long after a question the next one is expected, in milliseconds.
const ASKED_MS: i64 = 60_000;
/// While questions are expected, a reading is made at least this often: presence and rates change by themselves.
const EVERY: Duration = Duration::from_secs(4);
/// Pause after a reading: so many times as long as it took, so that it never takes more than a fifth of a core.
const REST: u32 = 4;
const REST_MIN: Duration = Duration::from_millis(250);
const REST_MAX: Duration = Duration::from_secs(4);

/// What is shown differently by a new reading.
const READ: [LiveTopic; 4] = [LiveTopic::Catalog, LiveTopic::Graph, LiveTopic::Overview, LiveTopic::Subscriptions];

/// What the next reading is for.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// Somebody makes readings; else each question reads for itself.
    runs: AtomicBool,
    asked_ms: AtomicI64,
    wanted: Notify,
    untold: Mutex<BTreeSet<LiveTopic>>,
}

/// Says that nobody makes readings any more, however that came.
struct Running(App);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.renewal.runs.store(false, Ordering::Relaxed);
        self.0.0.renewal.untold().into_iter().for_each(|topic| self.0.live().notify(topic));
    }
}

impl Renewal {
    /// Whether readings are made without being asked for.
    pub(super) fn runs(&self) -> bool {
        self.runs.load(Ordering::Relaxed)
    }

    /// Somebody asks.
    pub(super) fn asked(&self) {
        self.asked_ms.store(now_ms(), Ordering::Relaxed);
    }

    fn is_expected(&self) -> bool {
        now_ms().saturating_sub(self.asked_ms.load(Ordering::Relaxed)) < ASKED_MS
    }

    /// Whether what changed is in the next reading anyway, and nobody looks for it before it is told.
    pub(super) fn covers(&self, change: &Change) -> bool {
        self.runs() && change.entry.is_none() && change.topics.iter().all(|topic| READ.contains(topic))
    }

    /// Notices that nobody was told of yet; they are the caller's to tell.
    fn untold(&self) -> BTreeSet<LiveTopic> {
        std::mem::take(&mut *self.untold.lock().expect("no panic while held"))
    }

    /// Takes a notice to be told with the next reading; false: it is to be told now.
    pub(super) fn take(&self, topic: LiveTopic) -> bool {
        if !self.runs() || !READ.contains(&topic) {
            return false;
        }
        self.untold.lock().expect("no panic while held").insert(topic);
        self.wanted.notify_one();
        true
    }
}

impl App {
    /// Makes readings until it is dropped.
    pub async fn renew_readings(&self) {
        self.0.renewal.runs.store(true, Ordering::Relaxed);
        let _running = Running(self.clone());
        loop {
            let _wanted_or_time = tokio::time::timeout(EVERY, self.0.renewal.wanted.notified()).await;
            let began = Instant::now();
            // What comes while a reading is made is told with the next one.
            let untold = self.0.renewal.untold();
            if self.0.renewal.is_expected() {
                if let Err(error) = self.read_ahead().await {
                    tracing::warn!(error = %super::error::chain(&error), "what agents saw could not be read ahead");
                    self.0.latest.forget();
                }
            } else {
                self.0.latest.forget();
            }
            untold.into_iter().for_each(|topic| self.live().notify(topic));
            tokio::time::sleep((began.elapsed() * REST).clamp(REST_MIN, REST_MAX)).await;
        }
    }

    async fn read_ahead(&self) -> Result<()> {
        let generation = self.0.latest.generation();
        let seen = self.read_observed().await?;
        let (config, fleet) = (self.snapshot().await?, self.fleet_with(seen.clone()).await?);
        let reading = Arc::new(Reading::new(config.clone(), seen.clone()));
        let world = World::new(config, fleet, seen, reading.clone());
        let made = tokio::task::spawn_blocking(move || {
            world.catalog();
        });
        made.await.map_err(|_| Error::Internal("reading ahead did not end"))?;
        self.0.latest.keep(generation, reading);
        Ok(())
    }
}
