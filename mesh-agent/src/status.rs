//! How each part of the agent is. Parts set their own line; `control` sends the whole to the portal on change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mesh_protocol::report::{Part, PartRef, PartState};
use tokio::sync::watch;

/// The board all parts write on.
#[derive(Clone, Debug)]
pub struct Board {
    parts: Arc<Mutex<BTreeMap<PartRef, Part>>>,
    changed: watch::Sender<u64>,
}

impl Default for Board {
    fn default() -> Self {
        Self { parts: Arc::default(), changed: watch::Sender::new(0) }
    }
}

impl Board {
    /// A line for one part, which vanishes when the handle is dropped.
    #[must_use]
    pub fn part(&self, object: PartRef) -> PartHandle {
        let handle = PartHandle { object, board: self.clone() };
        handle.set(PartState::Starting, None);
        handle
    }

    /// All lines now.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        self.parts.lock().expect("no panic while held").values().cloned().collect()
    }

    /// Wakes when a state, detail or address changed (not for figures).
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn edit(&self, object: PartRef, change: impl FnOnce(&mut Part) -> bool) {
        let mut parts = self.parts.lock().expect("no panic while held");
        let part = parts.entry(object).or_insert_with(|| Part {
            object,
            state: PartState::Starting,
            detail: None,
            since_ms: now_ms(),
            addresses: Vec::new(),
            own_certificate: false,
            figures: BTreeMap::new(),
        });
        let wake = change(part);
        drop(parts);
        if wake {
            self.changed.send_modify(|version| *version += 1);
        }
    }
}

/// One part's own line on the [`Board`].
#[derive(Debug)]
pub struct PartHandle {
    object: PartRef,
    board: Board,
}

impl PartHandle {
    /// Sets state and detail; a repeat changes nothing.
    pub fn set(&self, state: PartState, detail: Option<String>) {
        self.board.edit(self.object, |part| {
            let changed = part.state != state || part.detail != detail;
            if part.state != state {
                part.since_ms = now_ms();
            }
            part.state = state;
            part.detail = detail;
            changed
        });
    }

    /// Works.
    pub fn running(&self) {
        self.set(PartState::Running, None);
    }

    /// Does not work now, tries again; say what to do.
    pub fn failing(&self, detail: impl Into<String>) {
        self.set(PartState::Failing, Some(detail.into()));
    }

    /// Cannot work until the configuration changes; say what to change.
    pub fn rejected(&self, detail: impl Into<String>) {
        self.set(PartState::Rejected, Some(detail.into()));
    }

    /// Where it can be reached.
    pub fn addresses(&self, addresses: Vec<String>) {
        self.board.edit(self.object, |part| {
            let changed = part.addresses != addresses;
            part.addresses = addresses;
            changed
        });
    }

    /// Whose authority the certificate is of that it shows to clients: somebody's own, or the mesh's.
    pub fn own_certificate(&self, own: bool) {
        self.board.edit(self.object, |part| std::mem::replace(&mut part.own_certificate, own) != own);
    }

    /// A number about it; sent with the next status.
    pub fn figure(&self, name: &str, value: u64) {
        self.board.edit(self.object, |part| {
            part.figures.insert(name.to_owned(), value);
            false
        });
    }
}

impl Drop for PartHandle {
    fn drop(&mut self) {
        self.board.parts.lock().expect("no panic while held").remove(&self.object);
        self.board.changed.send_modify(|version| *version += 1);
    }
}

/// Wall clock, milliseconds since the Unix epoch. For people and reports; nothing is ordered by it.
#[must_use]
pub fn now_ms() -> i64 {
    #[cfg(test)]
    if let Some(now) = crate::simulation::time::wall_ms() {
        return now;
    }
    i64::try_from(time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
