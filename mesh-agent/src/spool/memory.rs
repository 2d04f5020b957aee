//! The spool that keeps nothing: it only numbers.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use mesh_protocol::id::{Epoch, Seq, SpoolId};

use super::{Durability, LANES, Position, Spool, lane_of};
use crate::router::Admitted;

/// File in the state folder that holds the spool's id.
const ID_FILE: &str = "spool-id";

/// A spool without storage. Its id belongs to the state folder, its epoch to the process.
#[derive(Debug)]
pub struct MemorySpool {
    id: SpoolId,
    epoch: Epoch,
    next: AtomicU64,
}

/// The spool's id cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot read or keep the spool's id in {path}; check the rights of the agent's folder")]
pub struct SpoolError {
    path: String,
    #[source]
    source: io::Error,
}

impl MemorySpool {
    /// Opens the spool of a state folder, with a new epoch. The folder exists.
    ///
    /// # Errors
    /// The id cannot be read or written.
    pub fn open(folder: &Path) -> Result<Self, SpoolError> {
        let path = folder.join(ID_FILE);
        let id = read_or_draw(&path).map_err(|source| SpoolError { path: path.display().to_string(), source })?;
        Ok(Self::new(id))
    }

    /// A spool with a given id and a new epoch.
    #[must_use]
    pub fn new(id: SpoolId) -> Self {
        Self { id, epoch: Epoch(rand::random()), next: AtomicU64::new(1) }
    }
}

/// An unreadable id is replaced: to the others this is a new spool, which is what an unknown past amounts to.
fn read_or_draw(path: &Path) -> io::Result<SpoolId> {
    match fs::read_to_string(path) {
        Ok(text) => {
            if let Ok(id) = text.trim().parse() {
                return Ok(id);
            }
            tracing::warn!(path = %path.display(), "the spool's id is damaged; the spool starts over with a new one");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let id = SpoolId(rand::random());
    let aside = path.with_extension("new");
    fs::write(&aside, format!("{id}\n"))?;
    fs::rename(&aside, path)?;
    Ok(id)
}

impl Spool for MemorySpool {
    fn id(&self) -> SpoolId {
        self.id
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn lanes(&self) -> u16 {
        LANES
    }

    fn durability(&self) -> Durability {
        Durability::None
    }

    fn append(&self, event: &Admitted) -> Position {
        let seq = Seq::from_counter(self.next.fetch_add(1, Ordering::Relaxed));
        Position { seq, lane: lane_of(&event.event().key, LANES) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stays_with_the_folder_and_the_epoch_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let one = MemorySpool::open(folder.path()).expect("opens");
        let two = MemorySpool::open(folder.path()).expect("opens");
        assert_eq!(one.id(), two.id());
        assert_ne!(one.epoch(), two.epoch());
        assert_eq!(two.durability(), Durability::None);
    }

    #[test]
    fn equal_keys_share_a_lane_and_keys_spread() {
        assert_eq!(lane_of(b"till-7", LANES), lane_of(b"till-7", LANES));
        let used: std::collections::BTreeSet<_> = (0..100u32).map(|key| lane_of(&key.to_be_bytes(), LANES)).collect();
        assert_eq!(used.len(), usize::from(LANES));
    }

    #[test]
    fn a_damaged_id_makes_a_new_spool() {
        let folder = tempfile::tempdir().expect("a folder");
        let one = MemorySpool::open(folder.path()).expect("opens");
        fs::write(folder.path().join(ID_FILE), "xyz").expect("written");
        let two = MemorySpool::open(folder.path()).expect("opens");
        assert_ne!(one.id(), two.id());
        assert_eq!(two.id(), MemorySpool::open(folder.path()).expect("opens").id());
    }
}
