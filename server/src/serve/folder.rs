//! The portal's state folder: who uses it, which ports it chose, where it can be reached.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// A state folder, locked for this process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held as long as the portal runs; the system frees it when the process ends, however it ends.
    lock: File,
}

/// Where the portal can be reached, for scripts: `endpoints.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// URL for browsers and the API.
    pub portal: String,
    /// URL for agents.
    pub agents: String,
    /// Where it listens for browsers.
    pub listen: SocketAddr,
    /// Where it listens for agents.
    pub agents_listen: SocketAddr,
    /// The process that wrote this.
    pub pid: u32,
}

impl Drop for Folder {
    /// Said aloud: a child that another thread is just starting holds a copy of the open file.
    fn drop(&mut self) {
        // What cannot be unlocked is free with the end of the process.
        let _ = self.lock.unlock();
    }
}

impl Folder {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// It cannot be made or written, or another portal uses it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("make the data folder {}", path.display()))?;
        let lock = File::create(path.join("lock")).with_context(|| format!("write into {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another portal uses the data folder {}: stop it, or choose another with --data", path.display())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A port that was chosen before.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn kept_port(&self, name: &str) -> anyhow::Result<Option<u16>> {
        Ok(self.ports()?.get(name).copied())
    }

    /// Keeps a port that was chosen now.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_port(&self, name: &str, port: u16) -> anyhow::Result<()> {
        let mut ports = self.ports()?;
        ports.insert(name.to_owned(), port);
        self.write("ports.json", &ports)
    }

    /// Says where the portal can be reached.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_endpoints(&self, endpoints: &Endpoints) -> anyhow::Result<()> {
        self.write("endpoints.json", endpoints)
    }

    fn ports(&self) -> anyhow::Result<BTreeMap<String, u16>> {
        let path = self.path.join("ports.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("read {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    /// Appears under its name only when it is whole.
    fn write(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let (path, unfinished) = (self.path.join(name), self.path.join(format!("{name}.new")));
        fs::write(&unfinished, serde_json::to_vec_pretty(value)?)
            .with_context(|| format!("write {}", path.display()))?;
        fs::rename(&unfinished, &path).with_context(|| format!("write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_portal_and_keeps_its_ports() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Folder::open(folder.path()).expect("opened");
        assert_eq!(first.kept_port("listen").expect("readable"), None);
        first.keep_port("listen", 8080).expect("kept");
        let refused = Folder::open(folder.path()).expect_err("in use");
        assert!(refused.to_string().contains("another portal uses"), "{refused}");
        drop(first);
        let second = Folder::open(folder.path()).expect("opened again");
        assert_eq!(second.kept_port("listen").expect("readable"), Some(8080));
    }
}
