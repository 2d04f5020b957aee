//! Logins for brokers, kept by the agent and referred to by name: the portal never sees them.
//!
//! One file per secret, mode 0600, in a folder of mode 0700. A name is a plain word, so a reference in desired state
//! can never point outside the folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{HomeError, read, replace};

/// Largest secret, in bytes.
const SECRET_BYTES_MAX: usize = 64 * 1024;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// The agent's secrets. Read anew at every use, so that a changed secret works without a restart.
#[derive(Clone, Debug)]
pub struct Secrets {
    dir: PathBuf,
}

/// Why a secret cannot be had or stored.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Not there.
    #[error("the secret `{0}` is not set at this agent: run `mesh-agent secret set {0}` there and type its value")]
    Missing(String),
    /// Not a name.
    #[error(
        "`{0}` is no name for a secret: use letters, digits, `.`, `_` and `-`, not starting with a dot, at most 100"
    )]
    Name(String),
    /// Too large, empty or not text.
    #[error("a secret is one to 65,536 bytes of UTF-8 text")]
    Value,
    /// Reading or writing failed.
    #[error("the secret `{name}` cannot be read or written")]
    Io {
        /// Which.
        name: String,
        /// Why.
        source: HomeError,
    },
}

impl Secrets {
    pub(super) fn open(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The value of a secret.
    ///
    /// # Errors
    /// [`SecretError::Missing`] says how to set it.
    pub fn get(&self, name: &str) -> Result<String, SecretError> {
        let content = read(&self.path(name)?).map_err(|source| SecretError::Io { name: name.to_owned(), source })?;
        let content = content.ok_or_else(|| SecretError::Missing(name.to_owned()))?;
        String::from_utf8(content).map_err(|_| SecretError::Value)
    }

    /// Stores a secret, replacing an older value.
    ///
    /// # Errors
    /// [`SecretError`] for a bad name or value, or a folder that cannot be written.
    pub fn set(&self, name: &str, value: &str) -> Result<(), SecretError> {
        let path = self.path(name)?;
        if value.is_empty() || value.len() > SECRET_BYTES_MAX {
            return Err(SecretError::Value);
        }
        replace(&path, value.as_bytes()).map_err(|source| SecretError::Io { name: name.to_owned(), source })
    }

    /// Names of all secrets, sorted.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if is_name(&name) && !is_unfinished(&name) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn path(&self, name: &str) -> Result<PathBuf, SecretError> {
        if is_name(name) && !is_unfinished(name) {
            Ok(self.dir.join(name))
        } else {
            Err(SecretError::Name(name.to_owned()))
        }
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.starts_with('.') && name.bytes().all(allowed)
}

/// What [`replace`] leaves behind when it is interrupted.
fn is_unfinished(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "next")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_kept_by_name() {
        let dir = tempfile::tempdir().expect("temp dir");
        let secrets = Secrets::open(dir.path().to_owned());
        assert!(matches!(secrets.get("kafka-hq"), Err(SecretError::Missing(_))));
        secrets.set("kafka-hq", "s3cret").expect("stored");
        secrets.set("kafka-hq", "s3cret2").expect("replaced");
        assert_eq!(secrets.get("kafka-hq").expect("there"), "s3cret2");
        assert_eq!(secrets.names().expect("listed"), ["kafka-hq"]);
    }

    #[test]
    fn a_name_never_leaves_the_folder() {
        let dir = tempfile::tempdir().expect("temp dir");
        let secrets = Secrets::open(dir.path().to_owned());
        for name in ["", "..", "../identity.json", "/etc/passwd", "a/b", ".hidden", "a\0b", "a.next", &"x".repeat(101)]
        {
            assert!(matches!(secrets.get(name), Err(SecretError::Name(_))), "{name}");
            assert!(matches!(secrets.set(name, "x"), Err(SecretError::Name(_))), "{name}");
        }
        assert!(matches!(secrets.set("empty", ""), Err(SecretError::Value)));
    }
}
