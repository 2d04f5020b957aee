//! Schemas on disk, one file for each id of a registry: what an id means never changes, so nothing here is ever wrong, only
//! more than is needed. What has not been used for longest goes first.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use mesh_protocol::desired::Surveyed;
use mesh_protocol::schema_id::SchemaId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ask::SchemaText;
use crate::home::{HomeError, read, replace, sync_folder};

/// Number of this form.
const FORMAT: u32 = 1;
/// Most schemas of one registry, and bytes of their files.
const FILES_MAX: usize = 10_000;
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most registries of which something is kept, unless more are in use.
const REGISTRIES_MAX: usize = 16;

/// Schemas of one registry.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    /// What is there, since it was looked at first.
    index: Mutex<Option<Index>>,
}

/// Sizes of the files in bytes, and when each was used last.
type Index = BTreeMap<SchemaId, (u64, SystemTime)>;

/// What is in a file.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    format: u32,
    schema: SchemaText,
}

/// A registry's folder: another URL may be another registry, where the ids mean something else.
pub(super) fn folder_name(surveyed: &Surveyed) -> String {
    let url = Sha256::digest(surveyed.url.trim_end_matches('/'));
    format!("{}-{}", surveyed.id, hex::encode(&url[..8]))
}

/// Takes away what is kept of registries that are in use no more, when there are many; those go first that were used
/// longest ago.
pub(super) fn make_room(folder: &Path, in_use: &[String]) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut others: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .filter(|entry| !in_use.iter().any(|name| entry.file_name() == name.as_str()))
        .map(|entry| {
            (entry.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH), entry.path())
        })
        .collect();
    others.sort();
    let surplus = (others.len() + in_use.len() + 1).saturating_sub(REGISTRIES_MAX);
    for (_, folder) in others.into_iter().take(surplus) {
        if let Err(error) = fs::remove_dir_all(&folder) {
            tracing::warn!(%error, folder = %folder.display(), "schemas of a registry that is not used cannot be removed");
        }
    }
}

impl Kept {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, index: Mutex::default() }
    }

    fn path(&self, id: SchemaId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// The schema of an id, if it is kept. Blocks the thread. What cannot be read is as good as not there.
    pub(super) fn load(&self, id: SchemaId) -> Option<SchemaText> {
        let path = self.path(id);
        let content = match read(&path) {
            Ok(content) => content?,
            Err(error) => {
                tracing::warn!(%error, "a kept schema cannot be read; its registry is asked again");
                return None;
            }
        };
        let Some(written) = serde_json::from_slice::<Written>(&content).ok().filter(|file| file.format == FORMAT)
        else {
            tracing::warn!(path = %path.display(), "a kept schema is damaged; its registry is asked again");
            return None;
        };
        let now = SystemTime::now();
        // Only when it goes depends on this.
        let _ = File::options().write(true).open(&path).and_then(|file| file.set_modified(now));
        if let Some(index) = &mut *self.index.lock().expect("no panic while held") {
            index.insert(id, (content.len() as u64, now));
        }
        Some(written.schema)
    }

    /// Keeps a schema, and returns when it is on disk. Blocks the thread.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save(&self, id: SchemaId, schema: &SchemaText) -> Result<(), HomeError> {
        let content =
            serde_json::to_vec(&Written { format: FORMAT, schema: schema.clone() }).expect("texts and numbers");
        let mut index = self.index.lock().expect("no panic while held");
        let index = match &mut *index {
            Some(index) => index,
            none => none.insert(self.look()?),
        };
        replace(&self.path(id), &content)?;
        index.insert(id, (content.len() as u64, SystemTime::now()));
        self.trim(index, id);
        Ok(())
    }

    /// What is there; the folder is made when it is new.
    fn look(&self) -> Result<Index, HomeError> {
        let wrong = |source| HomeError::Io { action: "make the folder", path: self.folder.clone(), source };
        let look = || -> io::Result<Index> {
            fs::create_dir_all(&self.folder)?;
            fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
            let mut index = Index::new();
            for entry in fs::read_dir(&self.folder)?.flatten() {
                let name = entry.file_name();
                let id = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse().ok());
                if let (Some(id), Ok(data)) = (id, entry.metadata()) {
                    index.insert(id, (data.len(), data.modified()?));
                }
            }
            Ok(index)
        };
        let index = look().map_err(wrong)?;
        sync_folder(&self.folder)?;
        Ok(index)
    }

    /// Takes away what was not used for longest, until the rest is within the bounds.
    fn trim(&self, index: &mut Index, newest: SchemaId) {
        let mut bytes: u64 = index.values().map(|(bytes, _)| bytes).sum();
        while index.len() > FILES_MAX || bytes > BYTES_MAX {
            let others = index.iter().filter(|(id, _)| **id != newest);
            let Some((id, size)) = others.min_by_key(|(_, (_, used))| *used).map(|(id, (size, _))| (*id, *size)) else {
                return;
            };
            index.remove(&id);
            bytes -= size;
            if let Err(error) = fs::remove_file(self.path(id)) {
                tracing::warn!(%error, %id, "a kept schema that is too much cannot be removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mesh_schema::{Format, Reference};

    use super::*;

    fn id(number: u32) -> SchemaId {
        SchemaId::new(number).expect("an id")
    }

    fn schema(text: &str) -> SchemaText {
        let references = vec![Reference { name: "a".to_owned(), text: "b".to_owned() }];
        SchemaText { format: Format::Avro, text: text.to_owned(), references }
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart() {
        let dir = tempfile::tempdir().expect("temp dir");
        let folder = dir.path().join("registry");
        let kept = Kept::new(folder.clone());
        assert_eq!(kept.load(id(7)), None);
        kept.save(id(7), &schema("\"string\"")).expect("written");
        assert_eq!(Kept::new(folder.clone()).load(id(7)), Some(schema("\"string\"")));
        let golden =
            r#"{"format":1,"schema":{"format":"AVRO","text":"\"string\"","references":[{"name":"a","text":"b"}]}}"#;
        assert_eq!(fs::read_to_string(folder.join("7.json")).expect("a file"), golden);
        for damaged in ["", "{", r#"{"format":2,"schema":{"format":"AVRO","text":"","references":[]}}"#] {
            fs::write(folder.join("7.json"), damaged).expect("written");
            assert_eq!(Kept::new(folder.clone()).load(id(7)), None, "{damaged}");
        }
        Kept::new(folder.clone()).save(id(7), &schema("\"int\"")).expect("written over it");
        assert_eq!(Kept::new(folder).load(id(7)), Some(schema("\"int\"")));
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let dir = tempfile::tempdir().expect("temp dir");
        let kept = Kept::new(dir.path().to_owned());
        // Five of them fit.
        let large = " ".repeat(usize::try_from(BYTES_MAX / 5).expect("it fits") - 1_000);
        for number in 1..=5 {
            kept.save(id(number), &schema(&large)).expect("written");
        }
        assert!(kept.load(id(1)).is_some(), "used just now");
        kept.save(id(6), &schema(&large)).expect("written");
        let there: Vec<u32> = (1..=6).filter(|number| kept.load(id(*number)).is_some()).collect();
        assert_eq!(there, [1, 3, 4, 5, 6]);
    }

    #[test]
    fn of_registries_without_use_only_some_are_kept() {
        let dir = tempfile::tempdir().expect("temp dir");
        for number in 0..REGISTRIES_MAX + 5 {
            fs::create_dir(dir.path().join(number.to_string())).expect("made");
        }
        let in_use: Vec<String> = (0..3).map(|number: usize| number.to_string()).collect();
        make_room(dir.path(), &in_use);
        let there = fs::read_dir(dir.path()).expect("listed").count();
        assert_eq!(there, REGISTRIES_MAX - 1, "with room for the one that is opened now");
        assert!(in_use.iter().all(|name| dir.path().join(name).exists()));
    }

    #[test]
    fn another_url_is_another_registry() {
        let at = |url: &str| {
            folder_name(&crate::http::testing::surveyed(mesh_protocol::desired::SurveyedKind::SchemaRegistry, url))
        };
        assert_eq!(at("https://a/registry"), at("https://a/registry/"));
        assert_ne!(at("https://a/registry"), at("https://b/registry"));
    }
}
