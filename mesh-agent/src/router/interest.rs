//! What the local outlets want, as the fabric tells other agents: a counted set of filters with a version.
//!
//! Readers that are behind by a few versions get deltas; readers further behind get the whole set.

use std::collections::VecDeque;
use std::sync::Mutex;

use mesh_protocol::topic::Filter;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Most changes kept for readers that are behind.
const LOG_MAX: usize = 32_768;

/// How long interest lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// As long as the session and the agent's heartbeat.
    Live,
    /// Until it is removed explicitly (sinks, queues).
    Durable,
}

/// One wanted filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wanted {
    /// What is wanted.
    pub filter: Filter,
    /// How long.
    pub life: Life,
    /// Best effort events too; guaranteed ones always.
    pub direct: bool,
}

/// One change of the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// First one who wants it.
    Added(Wanted),
    /// The last one went.
    Removed(Wanted),
}

/// The counted set.
#[derive(Debug)]
pub struct Interest {
    state: Mutex<State>,
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    counts: FxHashMap<Wanted, u32>,
    log: VecDeque<Change>,
    version: u64,
}

/// The whole set at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Grows by one with every change.
    pub version: u64,
    /// In no order.
    pub wanted: Vec<Wanted>,
}

impl Default for Interest {
    fn default() -> Self {
        Self { state: Mutex::default(), version: watch::Sender::new(0) }
    }
}

impl Interest {
    pub(super) fn add(&self, wanted: Wanted) {
        self.change(|state| {
            let count = state.counts.entry(wanted.clone()).or_insert(0);
            *count += 1;
            (*count == 1).then_some(Change::Added(wanted))
        });
    }

    pub(super) fn remove(&self, wanted: Wanted) {
        self.change(|state| {
            let count = state.counts.get_mut(&wanted)?;
            *count -= 1;
            if *count > 0 {
                return None;
            }
            state.counts.remove(&wanted);
            Some(Change::Removed(wanted))
        });
    }

    fn change(&self, edit: impl FnOnce(&mut State) -> Option<Change>) {
        let mut state = self.state.lock().expect("no panic while held");
        let Some(change) = edit(&mut state) else { return };
        state.version += 1;
        if state.log.len() == LOG_MAX {
            state.log.pop_front();
        }
        state.log.push_back(change);
        self.version.send_replace(state.version);
    }

    /// Wakes with every new version.
    #[must_use]
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The whole set.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state.lock().expect("no panic while held");
        Snapshot { version: state.version, wanted: state.counts.keys().cloned().collect() }
    }

    /// The changes after a version and the version they lead to; none when the reader is too far behind.
    #[must_use]
    pub fn since(&self, version: u64) -> Option<(u64, Vec<Change>)> {
        let state = self.state.lock().expect("no panic while held");
        let behind = usize::try_from(state.version.checked_sub(version)?).ok()?;
        let start = state.log.len().checked_sub(behind)?;
        Some((state.version, state.log.range(start..).cloned().collect()))
    }

    /// The changes from one version to another one, whatever has changed since; none when the reader is too far behind.
    #[must_use]
    pub fn between(&self, from: u64, to: u64) -> Option<Vec<Change>> {
        let state = self.state.lock().expect("no panic while held");
        let behind = usize::try_from(state.version.checked_sub(from)?).ok()?;
        let start = state.log.len().checked_sub(behind)?;
        let count = usize::try_from(to.checked_sub(from)?).ok().filter(|count| *count <= behind)?;
        Some(state.log.range(start..start + count).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Wanted {
        Wanted { filter: Filter::mesh(text).expect("valid"), life: Life::Live, direct: true }
    }

    #[test]
    fn only_the_first_and_the_last_change_the_set() {
        let interest = Interest::default();
        interest.add(wanted("a/>"));
        interest.add(wanted("a/>"));
        interest.remove(wanted("a/>"));
        assert_eq!(interest.snapshot().version, 1);
        interest.remove(wanted("a/>"));
        assert_eq!(interest.since(1), Some((2, vec![Change::Removed(wanted("a/>"))])));
        assert!(interest.snapshot().wanted.is_empty());
    }

    #[test]
    fn a_reader_too_far_behind_gets_nothing_but_the_whole() {
        let interest = Interest::default();
        for index in 0..LOG_MAX + 1 {
            interest.add(wanted(&format!("a/{index}")));
        }
        assert_eq!(interest.since(0), None);
        assert_eq!(interest.since(1).map(|(_, changes)| changes.len()), Some(LOG_MAX));
        assert_eq!(interest.since(u64::MAX), None);
    }
}
