//! The state folder: everything an agent must still know after a restart, and nothing else.
//!
//! ```text
//! mesh-agent-state/            0700
//!   agent.key                  Ed25519 identity key, made before the first enrolment
//!   identity.json              who the agent is: ids, portal, certificate and its key, the agents' CA, sealing keys
//!   listener.json              the certificate that listeners show to clients, and its key
//!   ports.json                 free ports, chosen once per endpoint and kept
//!   secrets/NAME               0600, logins for brokers; see [`Secrets`]
//!   ledger/                    signed documents; see [`crate::control::ledger`]
//!   usage.json                 what was used of grants and the portal may not have yet
//!   schemas/REGISTRY/ID.json   schemas that records name; see [`crate::schemas`]
//!   spool/                     the spool's own
//!   lock, admin.sock           while the agent runs
//! ```
//! All files are 0600 and replaced atomically: written beside, synced, renamed, folder synced. One agent runs in one
//! folder, which a file lock makes sure of.

mod ports;
mod secrets;

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use ports::{PortError, Ports};
pub use secrets::{SecretError, Secrets};

/// A state folder.
#[derive(Clone, Debug)]
pub struct Home {
    dir: PathBuf,
}

/// Holds the folder for one running agent; another one is refused until this is dropped.
#[derive(Debug)]
pub struct HomeLock(File);

impl Drop for HomeLock {
    /// Said aloud: a child that another thread is just starting holds a copy of the open file.
    fn drop(&mut self) {
        // What cannot be unlocked is free with the end of the process.
        let _ = self.0.unlock();
    }
}

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Reading or writing failed.
    #[error("could not {action} {path}: check that the folder is writable for this user", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A second agent in the same folder.
    #[error("another mesh-agent runs with the state folder {}: stop it first, or give this one its own with --state", .0.display())]
    InUse(PathBuf),
}

impl Home {
    /// The folder at this path, made with mode 0700 when it is not there.
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn at(dir: impl Into<PathBuf>) -> Result<Self, HomeError> {
        let home = Self { dir: dir.into() };
        home.folder(&home.dir)?;
        Ok(home)
    }

    /// The folder at this path, if it is there.
    #[must_use]
    pub fn existing(dir: impl Into<PathBuf>) -> Option<Self> {
        let home = Self { dir: dir.into() };
        home.dir.is_dir().then_some(home)
    }

    /// Where the folder is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes the folder for this process.
    ///
    /// # Errors
    /// [`HomeError::InUse`] while another agent holds it.
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        let path = self.dir.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.map_err(|source| HomeError::Io { action: "open", path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock(file)),
            Err(TryLockError::WouldBlock) => Err(HomeError::InUse(self.dir.clone())),
            Err(TryLockError::Error(source)) => Err(HomeError::Io { action: "lock", path, source }),
        }
    }

    /// Path of the Ed25519 identity key.
    #[must_use]
    pub fn agent_key(&self) -> PathBuf {
        self.dir.join("agent.key")
    }

    /// Path of the identity document.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.dir.join("identity.json")
    }

    /// Path of the listeners' certificate and its key.
    #[must_use]
    pub fn listener_certificate(&self) -> PathBuf {
        self.dir.join("listener.json")
    }

    /// Path of the Unix socket that answers `mesh-agent status`.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.dir.join("admin.sock")
    }

    /// Path of what was used of grants.
    #[must_use]
    pub fn usage(&self) -> PathBuf {
        self.dir.join("usage.json")
    }

    /// The ledger's folder, made when new.
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn ledger(&self) -> Result<PathBuf, HomeError> {
        self.subfolder("ledger")
    }

    /// The folder of schemas, made when new.
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn schemas(&self) -> Result<PathBuf, HomeError> {
        self.subfolder("schemas")
    }

    /// The spool's folder, made when new.
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn spool(&self) -> Result<PathBuf, HomeError> {
        self.subfolder("spool")
    }

    /// The ports this agent has chosen.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports::open(self.dir.join("ports.json"))
    }

    /// The secrets this agent keeps.
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn secrets(&self) -> Result<Secrets, HomeError> {
        Ok(Secrets::open(self.subfolder("secrets")?))
    }

    fn subfolder(&self, name: &str) -> Result<PathBuf, HomeError> {
        let path = self.dir.join(name);
        self.folder(&path)?;
        Ok(path)
    }

    fn folder(&self, path: &Path) -> Result<(), HomeError> {
        let made = fs::create_dir_all(path).and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)));
        made.map_err(|source| HomeError::Io { action: "make the folder", path: path.to_owned(), source })
    }
}

/// Replaces a file so that a crash leaves the old one or the new one, never a part. Mode 0600.
///
/// # Errors
/// [`HomeError::Io`] naming the step that failed.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), HomeError> {
    let next = write_beside(path, content)?;
    rename(&next, path)?;
    sync_folder(path)
}

/// Writes and syncs the content as `NAME.next` beside the file it is to become.
pub(crate) fn write_beside(path: &Path, content: &[u8]) -> Result<PathBuf, HomeError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".next");
    let next = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&next)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| HomeError::Io { action: "write", path: next.clone(), source })?;
    Ok(next)
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), HomeError> {
    fs::rename(from, to).map_err(|source| HomeError::Io { action: "replace", path: to.to_owned(), source })
}

/// Makes renames in a file's folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), HomeError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| HomeError::Io { action: "sync the folder", path: folder.to_owned(), source })
}

/// The file's content; none when it is not there.
///
/// # Errors
/// [`HomeError::Io`] for any other failure.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, HomeError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HomeError::Io { action: "read", path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_and_its_files_are_private() {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::at(dir.path().join("state")).expect("made");
        replace(&home.identity(), b"{}").expect("written");
        assert_eq!(mode(home.dir()), 0o700);
        assert_eq!(mode(&home.ledger().expect("made")), 0o700);
        assert_eq!(mode(&home.identity()), 0o600);
    }

    #[test]
    fn a_second_agent_is_refused_until_the_first_ends() {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::at(dir.path()).expect("made");
        let first = home.lock().expect("free");
        let refused = home.lock().expect_err("held");
        assert!(matches!(refused, HomeError::InUse(_)));
        assert!(refused.to_string().contains("--state"));
        drop(first);
        home.lock().expect("free again");
    }

    #[test]
    fn a_replaced_file_is_whole() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("file");
        replace(&path, b"a long first content").expect("written");
        replace(&path, b"second").expect("written");
        assert_eq!(read(&path).expect("readable").as_deref(), Some(&b"second"[..]));
        assert_eq!(read(&dir.path().join("other")).expect("absent is fine"), None);
    }
}
