//! Counters of the whole agent, by name. A drop that is not counted is a defect; this is where it is counted.
//!
//! Names end in their unit (`_events`, `_bytes`, `_connections`). A part takes its handles once, at start.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A handle on one counter; cloning is cheap and counts the same.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Counts one.
    pub fn one(&self) {
        self.add(1);
    }

    /// Counts many.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Sets a level (for gauges such as open connections).
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Takes from a level.
    pub fn sub(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    /// The value now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All counters of the process.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Mutex<BTreeMap<&'static str, Counter>>>);

impl Counters {
    /// The counter of this name, made when new.
    #[must_use]
    pub fn counter(&self, name: &'static str) -> Counter {
        self.0.lock().expect("no panic while held").entry(name).or_default().clone()
    }

    /// All values now.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        let all = self.0.lock().expect("no panic while held");
        all.iter().map(|(name, counter)| ((*name).to_owned(), counter.get())).collect()
    }
}
