//! The spool's tables on a real disk: fjall, one keyspace for each segment of the log.
//!
//! A segment goes as a whole, in constant time and without tombstones to walk over. Every commit is one fjall batch that
//! is synced (`fdatasync`) before it returns. The journal is looked at before fjall opens it, because fjall refuses, or
//! silently shortens, a journal with a damaged tail: see [`repair`](super::repair).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, RwLock};

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::disk::{Disk, DiskError, Place, SegmentNo, Visit, Write};
use super::repair::{self, Repaired};

/// Blocks kept in memory for readers that are far behind.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// The journal is cut when it is this large; what it alone holds is written to tables first.
const JOURNAL_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Changes of one table in memory before they are written out.
const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;
const SEGMENT_PREFIX: &str = "seg-";

/// Tables in a folder.
pub struct FjallDisk {
    folder: PathBuf,
    db: Database,
    rows: Keyspace,
    marks: Keyspace,
    meta: Keyspace,
    values: Keyspace,
    segments: RwLock<BTreeMap<SegmentNo, Keyspace>>,
    /// Fjall takes commits from any thread; ours come from one, and this says so.
    committing: Mutex<()>,
}

impl fmt::Debug for FjallDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallDisk").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl FjallDisk {
    /// Opens the tables in a folder, or makes them. Damaged ends of the journal are set aside first and told.
    ///
    /// # Errors
    /// The folder cannot be used, or the tables are damaged beyond the journal.
    pub fn open(folder: &Path) -> Result<(Self, Vec<Repaired>), DiskError> {
        let io = |action| move |source| DiskError::Io { action, path: folder.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(io("make the folder of"))?;
        let repaired = repair::repair(folder).map_err(io("repair the journal of"))?;
        let engine = |source| engine("open", folder, source);
        let db = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .manual_journal_persist(true)
            .open()
            .map_err(engine)?;
        let table = |name: &str| db.keyspace(name, options).map_err(engine);
        let mut segments = BTreeMap::new();
        for name in db.list_keyspace_names() {
            if let Some(segment) = segment_of(&name) {
                segments.insert(segment, table(&name)?);
            }
        }
        let (rows, marks, meta, values) = (table("rows")?, table("marks")?, table("meta")?, table("values")?);
        let segments = RwLock::new(segments);
        let disk =
            Self { folder: folder.to_owned(), rows, marks, meta, values, segments, db, committing: Mutex::default() };
        Ok((disk, repaired))
    }

    fn table(&self, place: Place) -> Option<Keyspace> {
        match place {
            Place::Rows => Some(self.rows.clone()),
            Place::Marks => Some(self.marks.clone()),
            Place::Meta => Some(self.meta.clone()),
            Place::Values => Some(self.values.clone()),
            Place::Segment(segment) => self.segments.read().expect("no panic while held").get(&segment).cloned(),
        }
    }

    fn io(&self, action: &'static str, source: std::io::Error) -> DiskError {
        DiskError::Io { action, path: self.folder.display().to_string(), source }
    }

    fn engine(&self, action: &'static str) -> impl Fn(fjall::Error) -> DiskError + '_ {
        move |source| engine(action, &self.folder, source)
    }
}

fn engine(action: &'static str, folder: &Path, source: fjall::Error) -> DiskError {
    DiskError::Engine { action, path: folder.display().to_string(), source: Box::new(source) }
}

fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().manual_journal_persist(true).max_memtable_size(MEMTABLE_BYTES)
}

fn name_of(segment: SegmentNo) -> String {
    format!("{SEGMENT_PREFIX}{:016x}", segment.0)
}

fn segment_of(name: &str) -> Option<SegmentNo> {
    u64::from_str_radix(name.strip_prefix(SEGMENT_PREFIX)?, 16).ok().map(SegmentNo)
}

impl Disk for FjallDisk {
    fn commit(&self, writes: Vec<Write>) -> Result<(), DiskError> {
        let _one = self.committing.lock().map_err(|_| DiskError::Failed)?;
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for write in writes {
            let (place, key, value) = match write {
                Write::Put(place, key, value) => (place, key, Some(value)),
                Write::Remove(place, key) => (place, key, None),
            };
            // The core writes to no segment that it has not made.
            let Some(table) = self.table(place) else { return Err(DiskError::Failed) };
            match value {
                Some(value) => batch.insert(&table, key, value),
                None => batch.remove(&table, key),
            }
        }
        batch.commit().map_err(self.engine("write"))
    }

    fn get(&self, place: Place, key: &[u8]) -> Result<Option<Bytes>, DiskError> {
        let Some(table) = self.table(place) else { return Ok(None) };
        Ok(table.get(key).map_err(self.engine("read"))?.map(Bytes::from))
    }

    fn scan(&self, place: Place, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), DiskError> {
        let Some(table) = self.table(place) else { return Ok(()) };
        for guard in table.range(from..to) {
            let (key, value) = guard.into_inner().map_err(self.engine("read"))?;
            if let ControlFlow::Break(()) = visit(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    fn segments(&self) -> Vec<SegmentNo> {
        self.segments.read().expect("no panic while held").keys().copied().collect()
    }

    fn create_segment(&self, segment: SegmentNo) -> Result<(), DiskError> {
        let table = self.db.keyspace(&name_of(segment), options).map_err(self.engine("extend"))?;
        self.segments.write().expect("no panic while held").insert(segment, table);
        Ok(())
    }

    fn drop_segment(&self, segment: SegmentNo) -> Result<(), DiskError> {
        let Some(table) = self.segments.write().expect("no panic while held").remove(&segment) else { return Ok(()) };
        self.db.delete_keyspace(table).map_err(self.engine("trim"))
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        let free =
            rustix::fs::statvfs(&self.folder).map_err(|error| self.io("ask the file system of", error.into()))?;
        Ok(free.f_bavail.saturating_mul(free.f_frsize))
    }
}
