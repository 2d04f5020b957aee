//! How payloads kept to contracts, since it was told last.
//!
//! Valid payloads cost two counters. Of invalid ones it is kept who sent them and what was wrong, folded, so that a client that
//! sends the same wrong thing for days is one line. Everything is bounded; what is not told of is counted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mesh_protocol::desired::OnInvalid;
use mesh_protocol::event::{Event, Protocol};
use mesh_protocol::id::{DesignObjectId, PrincipalId};
use mesh_protocol::report::{
    BREACH_TEXT_BYTES_MAX, BREACHES_MAX, Breach, CONTRACTS_TOLD_MAX, ContractKept, ContractsKept, Report,
};
use tokio::time::{MissedTickBehavior, interval};

use super::Invalid;
use crate::observe::cut;
use crate::reports::{ReportSink, fit};
use crate::status::now_ms;

/// It is told this often, when there is something new.
const TURN: Duration = Duration::from_secs(2);

/// Whose event is checked.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Its principal.
    pub principal: PrincipalId,
    /// The protocol's client id.
    pub client_id: &'a str,
}

/// The counts of all events with a contract. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<HashMap<DesignObjectId, Arc<Counted>>>>);

/// Those of one event.
#[derive(Debug, Default)]
pub(super) struct Counted {
    checked: AtomicU64,
    invalid: AtomicU64,
    rejected: AtomicU64,
    diverted: AtomicU64,
    breaches: Mutex<HashMap<Key, Breach>>,
}

type Key = (PrincipalId, String, Protocol, String, String, String, (bool, bool));

impl Ledger {
    pub(super) fn counted(&self, event: DesignObjectId) -> Arc<Counted> {
        self.0.lock().expect("no panic while held").entry(event).or_default().clone()
    }

    /// What came since it was asked for last; none = nothing. Who is left out for want of room is told next time.
    #[must_use]
    pub fn report(&self, now_ms: i64) -> Option<ContractsKept> {
        let mut counted = self.0.lock().expect("no panic while held");
        let mut events: Vec<ContractKept> = Vec::new();
        let mut all: Vec<_> = counted.iter().collect();
        all.sort_unstable_by_key(|(event, _)| **event);
        for (event, counted) in all {
            if events.len() == CONTRACTS_TOLD_MAX {
                break;
            }
            events.extend(counted.take(*event));
        }
        // Of an event without a contract nothing more comes.
        counted.retain(|_, counted| Arc::strong_count(counted) > 1 || counted.has_news());
        drop(counted);
        if events.is_empty() {
            return None;
        }
        let whole = events.clone();
        if fit(&mut events) > 0 {
            let is_told = |kept: &ContractKept| events.iter().any(|told| told.event == kept.event);
            self.put_back(whole.into_iter().filter(|kept| !is_told(kept)));
        }
        Some(ContractsKept { at_ms: now_ms, events })
    }

    /// Nobody took this: it is told again, with what comes meanwhile.
    pub fn put_back(&self, events: impl IntoIterator<Item = ContractKept>) {
        for kept in events {
            self.counted(kept.event).put_back(kept);
        }
    }
}

impl Counted {
    pub(super) fn count(&self, event: &Event, sender: &Sender<'_>, invalid: Option<&Invalid>) {
        // First, so that no look between the two sees more invalid ones than were checked.
        self.checked.fetch_add(1, Ordering::Relaxed);
        if let Some(invalid) = invalid {
            self.add(breach(event, sender, invalid));
            self.invalid.fetch_add(1, Ordering::Release);
            match invalid.on_invalid {
                OnInvalid::Reject => self.rejected.fetch_add(1, Ordering::Release),
                OnInvalid::Divert => self.diverted.fetch_add(1, Ordering::Release),
                OnInvalid::Report | OnInvalid::Accept => 0,
            };
        }
    }

    fn add(&self, new: Breach) {
        let mut breaches = self.breaches.lock().expect("no panic while held");
        let key = key(&new);
        if let Some(known) = breaches.get_mut(&key) {
            known.count += new.count;
            if new.last_ms >= known.last_ms {
                (known.last_ms, known.topic) = (new.last_ms, new.topic);
            }
        } else if breaches.len() < BREACHES_MAX {
            breaches.insert(key, new);
        }
    }

    fn has_news(&self) -> bool {
        self.checked.load(Ordering::Acquire) > 0
    }

    fn take(&self, event: DesignObjectId) -> Option<ContractKept> {
        let rejected = self.rejected.swap(0, Ordering::Acquire);
        let diverted = self.diverted.swap(0, Ordering::Acquire);
        let invalid = self.invalid.swap(0, Ordering::Acquire);
        let checked = self.checked.swap(0, Ordering::Relaxed);
        if checked == 0 {
            return None;
        }
        let breaches = std::mem::take(&mut *self.breaches.lock().expect("no panic while held"));
        let mut breaches: Vec<_> = breaches.into_values().collect();
        breaches.sort_by(|a, b| (b.last_ms, &a.client_id, &a.path).cmp(&(a.last_ms, &b.client_id, &b.path)));
        Some(ContractKept { event, checked, invalid, rejected, diverted, breaches })
    }

    fn put_back(&self, kept: ContractKept) {
        kept.breaches.into_iter().for_each(|breach| self.add(breach));
        self.checked.fetch_add(kept.checked, Ordering::Relaxed);
        self.invalid.fetch_add(kept.invalid, Ordering::Release);
        self.rejected.fetch_add(kept.rejected, Ordering::Release);
        self.diverted.fetch_add(kept.diverted, Ordering::Release);
    }
}

fn key(breach: &Breach) -> Key {
    let Breach { principal, client_id, protocol, label, path, reason, rejected, diverted, .. } = breach;
    (*principal, client_id.clone(), *protocol, label.clone(), path.clone(), reason.clone(), (*rejected, *diverted))
}

fn breach(event: &Event, sender: &Sender<'_>, invalid: &Invalid) -> Breach {
    let bounded = |text: &str| {
        let mut text = text.to_owned();
        cut(&mut text, BREACH_TEXT_BYTES_MAX);
        text
    };
    Breach {
        principal: sender.principal,
        client_id: bounded(sender.client_id),
        protocol: event.origin.protocol,
        topic: event.topic.to_string(),
        label: bounded(&invalid.label),
        path: bounded(&invalid.path),
        reason: bounded(&invalid.reason),
        rejected: invalid.on_invalid == OnInvalid::Reject,
        diverted: invalid.on_invalid == OnInvalid::Divert,
        count: 1,
        last_ms: now_ms(),
    }
}

/// Tells the portal, for as long as it is polled.
pub async fn report(ledger: Ledger, sink: Arc<dyn ReportSink>) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        if let Some(kept) = ledger.report(now_ms())
            && let Err(full) = sink.send(Report::Contracts(kept.clone()))
        {
            tracing::debug!(%full, "how payloads kept to contracts is told later");
            ledger.put_back(kept.events);
        }
    }
}
