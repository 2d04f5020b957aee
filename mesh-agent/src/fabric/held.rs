//! How far this agent holds what another one wants durably, for that one to know: until it is on disk here, an event that is
//! published here may pass by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mesh_protocol::frame::Holds;

/// One peer's interest, as far as it is stored. Versions are those of the peer's process; a new one begins anew.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Taken into the router's table.
    version: u64,
    /// Of the note that was written last.
    noting: u64,
    /// On disk.
    noted: Arc<AtomicU64>,
    /// Events behind this position of the log are judged by it.
    after_position: u64,
}

impl Held {
    /// All that it wants at a version is in the table. `last`: the newest event's position, when something durable was added.
    pub(super) fn taken(&mut self, version: u64, last: Option<u64>) {
        self.version = version;
        self.after_position = last.unwrap_or(self.after_position);
    }

    /// What is in the table is being written; the answer is to be called when it is on disk.
    pub(super) fn noting(&mut self) -> impl FnOnce() + Send + use<> {
        self.noting = self.version;
        let (noted, version) = (self.noted.clone(), self.version);
        move || {
            noted.fetch_max(version, Ordering::AcqRel);
        }
    }

    /// Nothing durable has changed since the last note.
    pub(super) fn as_noted(&mut self) {
        if self.noted.load(Ordering::Acquire) >= self.noting {
            self.noted.fetch_max(self.version, Ordering::AcqRel);
        }
    }

    /// For the peer.
    pub(super) fn told(&self) -> Option<Holds> {
        let version = self.noted.load(Ordering::Acquire);
        (version > 0).then_some(Holds { version, after_position: self.after_position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_when_its_durable_part_is_on_disk() {
        let mut held = Held::default();
        assert_eq!(held.told(), None);
        held.taken(3, Some(10));
        let on_disk = held.noting();
        assert_eq!(held.told(), None, "it is still being written");
        held.taken(4, None);
        held.as_noted();
        assert_eq!(held.told(), None, "also when nothing durable came with the next");
        on_disk();
        assert_eq!(held.told(), Some(Holds { version: 3, after_position: 10 }));
        held.as_noted();
        assert_eq!(held.told(), Some(Holds { version: 4, after_position: 10 }));
    }
}
