//! What the demo must remember between two starts: secrets, and that it alone uses its folder.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::secrets::{random_password, write_private};

/// The folder of one demo mesh.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    /// The secrets, written back by [`State::save`].
    pub secrets: Secrets,
    /// Held as long as the demo runs.
    lock: File,
}

impl Drop for State {
    /// Said aloud, because closing is not enough: a child that another thread is starting holds a copy of the file until
    /// its program runs.
    fn drop(&mut self) {
        // What cannot be unlocked is free with the end of the process.
        let _ = self.lock.unlock();
    }
}

/// Everything that must not be read by others.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// Passwords of people by login name.
    #[serde(default)]
    pub people: BTreeMap<String, String>,
    /// Service token by which the demo uses the API.
    #[serde(default)]
    pub token: Option<String>,
    /// Secrets of the mesh's clients by user name.
    #[serde(default)]
    pub clients: BTreeMap<String, String>,
    /// Passwords of Kafka A's users by name.
    #[serde(default)]
    pub kafka: BTreeMap<String, String>,
}

impl State {
    /// Opens the folder, which is made when it is new.
    ///
    /// # Errors
    /// Another demo uses it, or it cannot be read or written.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
        let lock = File::create(folder.join("lock")).with_context(|| format!("lock {}", folder.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                anyhow::bail!(
                    "a demo mesh runs in {} already: stop it first (Ctrl-C in its terminal)",
                    folder.display()
                )
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("lock {}", folder.display())),
        }
        let file = folder.join("secrets.json");
        let secrets = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("read {}", file.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Secrets::default(),
            Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
        };
        Ok(Self { folder, secrets, lock })
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes the secrets back, readable by their owner only.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.secrets).context("write the secrets as JSON")?;
        write_private(&self.path("secrets.json"), &text)
    }

    /// The password of somebody, made up when there is none yet.
    pub fn password_of_person(&mut self, login: &str) -> String {
        self.secrets.people.entry(login.to_owned()).or_insert_with(random_password).clone()
    }

    /// The password of a user of Kafka A, made up when there is none yet.
    pub fn password_of_kafka_user(&mut self, user: &str) -> String {
        self.secrets.kafka.entry(user.to_owned()).or_insert_with(random_password).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn passwords_are_kept_and_two_demos_do_not_share_a_folder() {
        let folder = std::env::temp_dir().join(format!("meshport-state-{}", std::process::id()));
        let mut state = State::open(&folder).expect("the folder can be made");
        let password = state.password_of_person("admin");
        state.save().expect("the folder can be written");
        let error = State::open(&folder).expect_err("it is in use").to_string();
        assert!(error.contains("stop it first"), "{error}");
        drop(state);
        let mut again = State::open(&folder).expect("it is free");
        assert_eq!(again.password_of_person("admin"), password);
        drop(again);
        std::fs::remove_dir_all(folder).expect("the folder is ours");
    }
}
