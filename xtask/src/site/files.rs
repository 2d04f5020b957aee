//! The folder of the site: written only where it changes, and emptied of what no longer belongs to it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A folder being brought up to date.
#[derive(Debug)]
pub(super) struct Site {
    folder: PathBuf,
    kept: BTreeSet<PathBuf>,
}

impl Site {
    pub(super) fn open(folder: PathBuf) -> Self {
        Self { folder, kept: BTreeSet::new() }
    }

    /// Puts a file at a path below the folder.
    pub(super) fn put(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let file = self.folder.join(path);
        write_if_changed(&file, bytes)?;
        self.kept.insert(file);
        Ok(())
    }

    /// Removes every file that was not put.
    pub(super) fn remove_others(&self) -> anyhow::Result<()> {
        for file in files_below(&self.folder, &|file| !self.kept.contains(file))? {
            fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
        }
        Ok(())
    }
}

/// Writes a file unless it already has this content, and so leaves its time stamp alone.
pub(super) fn write_if_changed(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = file.parent().expect("a file has a folder");
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    fs::write(file, bytes).with_context(|| format!("write {}", file.display()))
}

/// A folder and all folders below it.
pub(super) fn folders_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = BTreeSet::from([folder.to_owned()]);
    for file in files_below(folder, &|_| true)? {
        folders.extend(file.ancestors().skip(1).take_while(|above| above.starts_with(folder)).map(Path::to_owned));
    }
    Ok(folders.into_iter().collect())
}

/// The wanted files of a folder and its subfolders, sorted; none when the folder does not exist.
pub(super) fn files_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let path = entry.with_context(|| format!("list {}", folder.display()))?.path();
            if path.is_dir() {
                open.push(path);
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
