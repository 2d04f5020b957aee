//! The limits of one listener, which may change while it runs, and the places its clients take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use mesh_protocol::desired::{self, DeniedV3Publish};
use mesh_protocol::event::MAX_PAYLOAD_BYTES;

use crate::counters::{Counter, Counters};
use crate::status::PartHandle;

/// How many clients above the limit are told so at once; more are closed without a word (counted).
const REFUSALS_MAX: u32 = 64;

/// Limits as of the newest revision.
#[derive(Debug)]
pub(super) struct Limits(ArcSwap<Values>);

/// One revision's limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    /// Largest payload, in bytes.
    pub(super) payload_bytes_max: usize,
    /// Most clients at once.
    pub(super) connections_max: u32,
    /// How long a guaranteed publish may wait for custody.
    pub(super) custody_timeout: Duration,
    /// What a denied MQTT 3.1.1 publish gets.
    pub(super) denied_v3_publish: DeniedV3Publish,
}

impl Limits {
    pub(super) fn new(config: &desired::Listener) -> Self {
        Self(ArcSwap::from_pointee(Values::of(config)))
    }

    pub(super) fn set(&self, config: &desired::Listener) {
        self.0.store(Arc::new(Values::of(config)));
    }

    pub(super) fn get(&self) -> Values {
        **self.0.load()
    }
}

impl Values {
    fn of(config: &desired::Listener) -> Self {
        Self {
            payload_bytes_max: usize::try_from(config.payload_bytes_max).unwrap_or(usize::MAX).min(MAX_PAYLOAD_BYTES),
            connections_max: config.connections_max,
            custody_timeout: Duration::from_millis(config.custody_timeout_ms.into()),
            denied_v3_publish: config.denied_v3_publish,
        }
    }
}

/// Counts open connections.
#[derive(Clone, Debug)]
pub(super) struct Slots(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: AtomicU32,
    refusing: AtomicU32,
    part: Arc<PartHandle>,
    accepted: Counter,
    refused: Counter,
}

/// One client's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    inner: Arc<Inner>,
    kind: Place,
}

/// Whether a client may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It counts as a client.
    Client,
    /// There are too many: it only waits to be told.
    OverLimit,
}

impl Slots {
    pub(super) fn new(part: Arc<PartHandle>, counters: &Counters) -> Self {
        Self(Arc::new(Inner {
            open: AtomicU32::new(0),
            refusing: AtomicU32::new(0),
            part,
            accepted: counters.counter("accepted_connections"),
            refused: counters.counter("refused_connections"),
        }))
    }

    /// A place for one more client; none when there is not even room to refuse it politely.
    pub(super) fn take(&self, max: u32) -> Option<Slot> {
        if self.0.open.fetch_add(1, Ordering::AcqRel) < max {
            self.0.accepted.one();
            self.0.report();
            return Some(Slot { inner: self.0.clone(), kind: Place::Client });
        }
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.refused.one();
        if self.0.refusing.fetch_add(1, Ordering::AcqRel) < REFUSALS_MAX {
            return Some(Slot { inner: self.0.clone(), kind: Place::OverLimit });
        }
        self.0.refusing.fetch_sub(1, Ordering::AcqRel);
        None
    }
}

impl Inner {
    fn report(&self) {
        self.part.figure("connections", self.open.load(Ordering::Acquire).into());
    }
}

impl Slot {
    pub(super) const fn place(&self) -> Place {
        self.kind
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        match self.kind {
            Place::Client => {
                self.inner.open.fetch_sub(1, Ordering::AcqRel);
                self.inner.report();
            }
            Place::OverLimit => {
                self.inner.refusing.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }
}
